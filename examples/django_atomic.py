"""A desk in a Django project: what happens in `atomic()` happens on both sides, or on neither."""

from __future__ import annotations

import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

import omniroute as om


def refund(desk: om.Desk, chat: str) -> None:
    """Refund an order, as a view does: the desk joins the block by itself."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO refunds VALUES (%s)", [chat])
        desk.reply(chat, "The money is on its way.", by="ana")
        desk.end(chat, by="ana", disposition="refunded")
        transaction.on_commit(lambda: print(f"{desk.deliver()} message sent"))


with tempfile.TemporaryDirectory() as folder:
    settings.configure(
        INSTALLED_APPS=["omniroute.contrib.django"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db"}},
    )
    django.setup()
    call_command("migrate", verbosity=0)

    from omniroute.contrib.django.testing import desk_play

    with connection.cursor() as cursor:  # stands for a model of the project's
        cursor.execute("CREATE TABLE refunds (conversation TEXT)")
    # A play stands for the provider and the clock; in a project this is `om.Desks(DjangoStore())`.
    with desk_play(Path(__file__).with_name("helpdesk.toml")) as p:
        p.agent("ana").on()
        chat = p.contact("Maria", on="whatsapp-orders").writes("My lid is broken").id
        refund(p.desk, chat)
        try:
            refund(p.desk, chat)
        except om.ConversationClosed as error:
            print(f"{type(error).__name__}: the second refund is taken back")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM refunds")
            print(f"{cursor.fetchone()[0]} refund, and Maria got {p.contact('Maria').got}")
    connection.close()
