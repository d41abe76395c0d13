"""A Django project as its settings would make it, once for the process: SQLite and PostgreSQL.

`default` and `postgres` are the project's databases; `default_again` and `postgres_again` are the
same ones as another process would open them. `other` is a database that omniroute does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

__all__ = ["ALIASES", "URLS", "configure"]

ALIASES = ("default", "postgres")

URLS: dict[str, str] = {}
"""The databases as SQLAlchemy names them."""


def configure(folder: Path, postgres_url: str) -> None:
    """Configure Django, which can be done once, and create what migrations create."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "project.db")}
    made = sa.make_url(postgres_url)
    host, _, port = str(made.query["host"]).partition(":")
    postgres = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": made.database,
        "USER": made.username,
        "HOST": host,
        "PORT": port,
    }
    settings.configure(
        SECRET_KEY="for tests",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "omniroute.contrib.django"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        DATABASES={
            "default": {**sqlite, "ATOMIC_REQUESTS": True},
            "default_again": sqlite,
            "postgres": postgres,
            "postgres_again": postgres,
            "other": {"ENGINE": "django.db.backends.dummy"},
        },
    )
    django.setup()
    run("default", "PRAGMA journal_mode = WAL")  # kept in the file; readers and a writer at once
    URLS.update(default=f"sqlite:///{sqlite['NAME']}", postgres=postgres_url)
    for alias in ALIASES:
        call_command("migrate", database=alias, verbosity=0)
        run(alias, "CREATE TABLE host_rows (what TEXT)")
        connections[alias].close()


def run(alias: str, query: str) -> list[Any]:
    """Run a statement of the project's own."""
    from django.db import connections

    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall()) if cursor.description else []
