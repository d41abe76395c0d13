"""The desk machine on PostgreSQL, which must tell the same story as memory, event for event (X2)."""

from __future__ import annotations

from typing import ClassVar

import pytest
from sqlalchemy import select

from omniroute.stores.sql import SqlStore
from tests.property.desk_machine import DeskMachine, drive
from tests.property.world import Kept, memory_store
from tests.rigs.postgres import Server


@pytest.mark.req("X2", "R16")
def test_the_same_story_gives_the_same_log_on_postgres(postgres: Server) -> None:
    url = postgres.database("story")

    class OnPostgres(DeskMachine):
        stores: ClassVar = {"memory": memory_store, "postgres": lambda _: _empty(url)}

    drive(OnPostgres, 5)


def _empty(url: str) -> Kept:
    """The same database for every story, emptied: to make its tables anew is slow."""
    store = SqlStore(url)
    store.create_tables()
    tables = store.tables.metadata.sorted_tables
    with store.engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")

    def contents() -> dict[str, list[tuple[object, ...]]]:
        with store.engine.connect() as connection:
            found = {table.name: connection.execute(select(table)).all() for table in tables}
        return {
            name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()
        }

    return Kept(store, contents)
