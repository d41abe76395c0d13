"""An agent's reply as raw `sqlite3` code would store it: the same reads, rows and bytes.

The library rehearses replies on a copy of the database; the rows that this leaves are what the raw
code is given to write. It decides nothing and makes no bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniroute import MessageView

__all__ = ["RawStep", "connect", "copied", "rehearsed", "tables"]

Row = tuple[Any, ...]
Statement = tuple[str, Row]
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class RawStep:
    """What one step reads and writes, in order."""

    reads: Sequence[Statement]
    writes: Sequence[Statement]

    def run(self, cursor: sqlite3.Cursor) -> None:
        """Do the step in one transaction."""
        cursor.execute("BEGIN IMMEDIATE")
        for text, key in self.reads:
            cursor.execute(text, key).fetchone()
        for text, values in self.writes:
            cursor.execute(text, values)
        cursor.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """Open a database as fast code would: WAL, synchronous NORMAL, statements kept."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def copied(path: Path, name: str) -> Path:
    """Copy a database to a file beside it, and return that."""
    target = path.with_name(name)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def tables(path: Path) -> dict[str, list[Row]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in names.fetchall()
        }


def rehearsed(
    path: Path, desk: str, agent: str, replies: Iterable[tuple[str, Callable[[], MessageView]]]
) -> list[RawStep]:
    """Let the library reply in a database, and return what raw code does instead.

    `replies` are a conversation's id and the call that replies in it.
    """
    with closing(sqlite3.connect(path)) as connection:
        return [
            _step(connection, desk, agent, conversation, reply) for conversation, reply in replies
        ]


def _step(
    connection: sqlite3.Connection,
    desk: str,
    agent: str,
    conversation: str,
    reply: Callable[[], MessageView],
) -> RawStep:
    desk_row = _Key("omniroute_desks", desk_id=desk)
    agent_row = _Key("omniroute_agents", desk_id=desk, id=agent)
    conversation_row = _Key("omniroute_conversations", desk_id=desk, id=conversation)
    read = (desk_row, agent_row, conversation_row)
    before = [key.fields(connection) for key in read]
    message = reply()
    at = {"desk_id": desk, "position": message.position}
    new = (
        _Key("omniroute_log", **at),
        _Key("omniroute_messages", desk_id=desk, id=message.id),
        _Key("omniroute_outbox", **at, conversation=conversation),
    )
    changes = [
        change
        for key, fields in zip(read, before, strict=True)
        for change in key.update(fields, key.fields(connection))
    ]
    inserts = [key.insert(key.fields(connection)) for key in new]
    reads = [key.select(fields) for key, fields in zip(read, before, strict=True)]
    return RawStep(reads, changes + inserts)


class _Key:
    """One row of a table, by its key."""

    def __init__(self, table: str, **key: Any) -> None:
        self._table = table
        self._where = " AND ".join(f"{name} = ?" for name in key)
        self._values = tuple(key.values())
        self._names = frozenset(key)

    def fields(self, connection: sqlite3.Connection) -> Fields:
        """Return the row."""
        text = f"SELECT * FROM {self._table} WHERE {self._where}"
        cursor = connection.execute(text, self._values)
        names = [each[0] for each in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    def select(self, fields: Fields) -> Statement:
        """Return what reads everything but the key."""
        names = ", ".join(name for name in fields if name not in self._names)
        return f"SELECT {names} FROM {self._table} WHERE {self._where}", self._values

    def insert(self, fields: Fields) -> Statement:
        """Return what writes the row as a new one."""
        marks = ", ".join("?" * len(fields))
        return f"INSERT INTO {self._table} VALUES ({marks})", tuple(fields.values())

    def update(self, before: Fields, after: Fields) -> Iterator[Statement]:
        """Give what writes the fields that changed, if any did."""
        changed = {name: value for name, value in after.items() if value != before[name]}
        if changed:
            assignments = ", ".join(f"{name} = ?" for name in changed)
            text = f"UPDATE {self._table} SET {assignments} WHERE {self._where}"
            yield text, (*changed.values(), *self._values)
