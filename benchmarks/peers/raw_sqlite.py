"""An agent's reply as raw `sqlite3` code would store it: the same reads, rows and bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.peers.raw_step import RawStep, raw_step
from benchmarks.peers.rows import Query, Row, Step

__all__ = ["connect", "copied", "prepared", "query", "run", "tables"]


def prepared(step: Step) -> RawStep:
    """Write a step as this driver takes it."""
    return raw_step(step, "?")


def run(cursor: sqlite3.Cursor, step: RawStep) -> None:
    """Do a step in one transaction."""
    cursor.execute("BEGIN IMMEDIATE")
    for text, key in step.reads:
        cursor.execute(text, key).fetchone()
    for text, values in step.writes:
        cursor.execute(text, values)
    cursor.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """Open a database as fast code would: WAL, synchronous NORMAL, statements kept."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def query(connection: sqlite3.Connection) -> Query:
    """Return what looks at rows on a connection."""

    def look(text: str, values: Any) -> Row:
        cursor = connection.execute(text, values)
        names = [each[0] for each in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))

    return look


def copied(path: Path, name: str) -> Path:
    """Copy a database to a file beside it, and return that."""
    target = path.with_name(name)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in names.fetchall()
        }
