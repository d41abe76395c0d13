"""Which version of the tables a database has, and what a store does about it.

The version stands in a table of our own, beside a host's Alembic and its version table. An empty
database gets today's tables and today's version at once, without Alembic; from there on every
change is a revision (`migrations`), and tests hold both ways to the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from typing import Final

from attrs import frozen
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from omniroute.errors import StoreError
from omniroute.schema import DESKS
from omniroute.stores.sql.tables import PREFIX, TableSet

__all__ = [
    "REVISIONS",
    "VERSION_TABLE",
    "Standing",
    "Version",
    "check",
    "create",
    "look",
    "version_table",
    "writing",
]

VERSION_TABLE: Final = f"{PREFIX}version"

REVISIONS: Final = ("0001",)
"""Every revision of the tables, in order; the last is what this omniroute works with."""


# unique_violation (in the catalogue), duplicate_schema, duplicate_table
_MADE_MEANWHILE: Final = frozenset({"23505", "42P06", "42P07"})


class Standing(Enum):
    """How a database's tables stand to this omniroute."""

    EMPTY = "no tables yet"
    OLDER = "older than this omniroute"
    CURRENT = "up to date"
    NEWER = "newer than this omniroute"
    UNVERSIONED = "tables without a version: created by something else, which looks after them"


@frozen
class Version:
    """What a database has: `current` is None without a version, `missing` is still to be applied."""

    standing: Standing
    current: str | None
    missing: tuple[str, ...]


def version_table(schema: str | None) -> Table:
    """Return the table with the version, as Alembic wants it."""
    return Table(
        VERSION_TABLE,
        MetaData(schema=schema),
        Column("version_num", String(32), nullable=False),
        PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
    )


def look(connection: Connection, schema: str | None) -> Version:
    """Return what a database has of our tables.

    Tables come before their version here, since they are committed together while we look.
    """
    known = inspect(connection)
    there = known.has_table(PREFIX + DESKS.name, schema=schema)
    current = None
    if known.has_table(VERSION_TABLE, schema=schema):
        current = connection.execute(select(version_table(schema).c.version_num)).scalar()
    if current is None:
        return Version(Standing.UNVERSIONED if there else Standing.EMPTY, None, REVISIONS)
    if current not in REVISIONS:
        return Version(Standing.NEWER, current, ())
    missing = REVISIONS[REVISIONS.index(current) + 1 :]
    return Version(Standing.OLDER if missing else Standing.CURRENT, current, missing)


def check(version: Version) -> None:
    """Raise `StoreError` where this omniroute cannot work with the tables."""
    if version.standing is Standing.OLDER:
        raise StoreError(
            "the tables are older than this omniroute",
            expected=f"version {REVISIONS[-1]}",
            got=f"version {version.current}",
            hint="run `omniroute db upgrade URL`, or open the store with migrate=True",
        )
    if version.standing is Standing.NEWER:
        raise StoreError(
            "the tables are newer than this omniroute",
            expected=f"version {REVISIONS[-1]}",
            got=f"version {version.current}",
            hint="run the omniroute that upgraded them, or a newer one",
        )


def create(connection: Connection, tables: TableSet, schema: str | None) -> None:
    """Create the tables that are missing, and write down that they are today's."""
    create_schema(connection, schema)
    tables.metadata.create_all(connection)
    version = version_table(schema)
    _create(connection, version)
    if connection.execute(select(version)).first() is None:
        connection.execute(insert(version).values(version_num=REVISIONS[-1]))


def create_schema(connection: Connection, schema: str | None) -> None:
    """Create the database schema, where one was named and the database has such things."""
    if schema is None or connection.dialect.name != "postgresql":
        return
    if not inspect(connection).has_schema(schema):  # who has one needs no right to create it
        connection.execute(CreateSchema(schema, if_not_exists=True))


@contextmanager
def writing(engine: Engine, schema: str | None) -> Iterator[Connection]:
    """Give a transaction in which tables are changed: whole or not at all, and one at a time.

    SQLite's driver begins none for statements that change tables, so it is begun here. On PostgreSQL,
    whatever isolation a host's engine has, who comes out of the line has to see what those before did.
    """
    postgres = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        if postgres:
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            driver = connection.connection.driver_connection
            if postgres:
                _stand_in_line(connection, schema)
            elif not getattr(driver, "in_transaction", True):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection


def _stand_in_line(connection: Connection, schema: str | None) -> None:
    """Wait for whoever else changes the tables: the version's table is the line.

    Where there is none yet, whoever makes it comes first: the others wait for that to be committed, are
    refused, and then stand behind a table that is there.
    """
    version = version_table(schema)
    for make in (partial(create_schema, connection, schema), partial(_create, connection, version)):
        try:
            with connection.begin_nested():
                make()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _MADE_MEANWHILE:
                raise
    name = connection.dialect.identifier_preparer.format_table(version)
    connection.exec_driver_sql(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")


def _create(connection: Connection, table: Table) -> None:
    table.create(connection, checkfirst=True)
