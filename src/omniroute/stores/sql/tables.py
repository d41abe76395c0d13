"""The tables that follow from the declared collections: one each, and one for each `many` index.

Owns their names and shapes. Every key and every index is led by `desk_id`, so that a desk's rows
lie together and the tables can be distributed by it; the exceptions are those that `schema`
declares as not led by a desk (R12).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    and_,
)
from sqlalchemy import Index as TableIndex
from sqlalchemy.types import TypeEngine

from omniroute import schema
from omniroute.schema import COLLECTIONS, Collection, Index

__all__ = ["BODY", "DESK", "PREFIX", "VERSION", "TableSet"]

PREFIX: Final = "omniroute_"
DESK: Final = "desk_id"
BODY: Final = "body"
VERSION: Final = "body_version"


def _type(kind: type) -> TypeEngine[Any]:
    """Text is compared byte by byte, which for UTF-8 is the order of code points."""
    if kind is int:
        return BigInteger()
    return Text().with_variant(Text(collation="C"), "postgresql")


def _columns(declared: Iterable[schema.Column], *, nullable: bool) -> list[Column[Any]]:
    return [
        Column(
            each.name,
            _type(each.type),
            nullable=nullable and not each.always,
            autoincrement=False,
        )
        for each in declared
    ]


def _bounds(collection: Collection[Any]) -> list[CheckConstraint]:
    return [
        CheckConstraint(f"{each.name} >= {each.least}", name=f"{PREFIX}{each.name}_bound")
        for each in collection.columns
        if each.least is not None
    ]


def _desk_column(collection: Collection[Any]) -> list[Column[Any]]:
    return _columns([schema.Column(DESK, str)], nullable=False) if collection.desk_led else []


class TableSet:
    """The tables of a set of collections, in the database's own schema or in one of ours."""

    def __init__(
        self,
        collections: Iterable[Collection[Any]] = COLLECTIONS,
        database_schema: str | None = None,
    ) -> None:
        self.metadata = MetaData(schema=database_schema)
        self.main: dict[Collection[Any], Table] = {}
        self.side: dict[Index[Any], Table] = {}
        for collection in collections:
            table = self.main[collection] = self._main(collection)
            for index in collection.indexes:
                if index.many is not None:
                    self.side[index] = self._side(index)
                else:
                    _add_index(table, index)

    def _main(self, collection: Collection[Any]) -> Table:
        led = _desk_column(collection)
        keys = _columns(collection.key_columns, nullable=False)
        return Table(
            PREFIX + collection.name,
            self.metadata,
            *led,
            *keys,
            *_columns(collection.columns, nullable=True),
            Column(BODY, Text, nullable=False),
            Column(VERSION, SmallInteger, nullable=False),
            PrimaryKeyConstraint(*(column.name for column in (*led, *keys))),
            *_bounds(collection),
            sqlite_with_rowid=False,
        )

    def _side(self, index: Index[Any]) -> Table:
        """The entries of a `many` index, and nothing else: its primary key is its order."""
        collection = index.collection
        fields = _columns(index.many_columns, nullable=False)
        led = _desk_column(collection)
        columns = [*led, *fields, *_columns(collection.key_columns, nullable=False)]
        table = Table(
            PREFIX + index.name,
            self.metadata,
            *columns,
            PrimaryKeyConstraint(*(column.name for column in columns)),
            sqlite_with_rowid=False,
        )
        if index.unique:
            TableIndex(f"{PREFIX}{index.name}_unique", *led, *fields, unique=True)
        return table

    def order(self, index: Index[Any]) -> list[Column[Any]]:
        """Return the columns that an index is ordered by: those of its entries."""
        table = self.side[index] if index.many is not None else self.main[index.collection]
        fields = [table.c[name] for name in index.columns]
        across = [] if index.desk_led else [table.c[DESK]]
        keys = [table.c[column.name] for column in index.collection.key_columns]
        return [*fields, *across, *keys]


def _add_index(table: Table, index: Index[Any]) -> None:
    """Add the database's index for a declared one, where the primary key is not it already.

    It is partial: rows with None in its columns have no entry. Where none can be None it is not, since
    a condition is made ready for every statement that writes.
    """
    fields = [table.c[name] for name in index.columns]
    keys = [table.c[column.name] for column in index.collection.key_columns]
    led = [table.c[DESK]] if DESK in table.c else []
    if fields:
        _partial(
            f"{PREFIX}{index.name}",
            [*led, *fields] if index.desk_led else [*fields, *led],
            [] if index.unique else keys,
            fields,
            unique=index.unique,
        )
    if index.lane is not None:
        lane = [table.c[index.lane], table.c[index.lane_order or index.lane]]
        _partial(f"{PREFIX}{index.name}_lanes", [*led, *lane], keys, fields, unique=False)


def _partial(
    name: str,
    leading: list[Column[Any]],
    keys: list[Column[Any]],
    present: list[Column[Any]],
    *,
    unique: bool,
) -> None:
    missing = [column.is_not(None) for column in present if column.nullable]
    where = and_(*missing) if missing else None
    rest = [column for column in keys if all(column is not each for each in leading)]
    TableIndex(name, *leading, *rest, unique=unique, sqlite_where=where, postgresql_where=where)
