"""For a Django project's own tests: a desk in virtual time, in the test database.

    class RefundTest(TestCase):
        def test_a_refund_is_tagged(self):
            with desk_play(CONFIG) as p:
                chat = p.contact("Maria").writes("Where is my refund?")
                ...

In a `TestCase` everything happens in the transaction that the test is wrapped in, and is gone
with it. With pytest the shipped fixture does the same: `play(CONFIG, store=DjangoStore())`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from os import PathLike
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from omniroute.contrib.django.store import DjangoStore
from omniroute.model.desk_config import DeskConfig
from omniroute.stores.sql.statements import plans_named
from omniroute.testing import MONDAY, Play, play

__all__ = ["desk_play", "forget_desks"]


@contextmanager
def desk_play(
    config: DeskConfig | Mapping[str, Any] | str | PathLike[str],
    *,
    alias: str = DEFAULT_DB_ALIAS,
    start: datetime = MONDAY,
) -> Iterator[Play]:
    """Open a play on a new desk in the test database.

    Where no transaction wraps the test (`TransactionTestCase`), every desk of the database is
    forgotten afterwards: Django empties the tables of models only.
    """
    with play(config, store=DjangoStore(alias), start=start) as opened:
        try:
            yield opened
        finally:
            if not connections[alias].in_atomic_block:
                forget_desks(alias)


def forget_desks(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Remove every desk of a database, with everything that belongs to it."""
    connection = connections[alias]
    tables = plans_named(connection.vendor).tables.metadata.sorted_tables
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table.name}")  # noqa: S608  (names of our own tables)
