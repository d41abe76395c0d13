"""An agent's reply as raw `psycopg` code would store it: the same reads, rows and bytes.

One connection that is kept, and statements that the driver prepares when they come again.
"""

from __future__ import annotations

from typing import Any, cast

import psycopg

from benchmarks.peers.raw_step import RawStep, raw_step
from benchmarks.peers.rows import Query, Row, Step

__all__ = ["prepared", "query", "run", "tables"]

Connection = psycopg.Connection[tuple[Any, ...]]


def prepared(step: Step) -> RawStep:
    """Write a step as this driver takes it; the desk's row is locked, as the library does."""
    return raw_step(step, "%s", lock=" FOR UPDATE")


def run(connection: Connection, cursor: psycopg.Cursor[Any], step: RawStep) -> None:
    """Do a step in one transaction, which the driver begins."""
    for text, key in step.reads:
        cursor.execute(cast("Any", text), key).fetchone()
    for text, values in step.writes:
        cursor.execute(cast("Any", text), values)
    connection.commit()


def query(connection: Connection) -> Query:
    """Return what looks at rows on a connection in autocommit."""

    def look(text: str, values: Any) -> Row:
        cursor = connection.execute(cast("Any", text.replace("?", "%s")), values)
        names = [each[0] for each in cursor.description or ()]
        return dict(zip(names, cast("Any", cursor.fetchone()), strict=True))

    return look


def tables(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {
        name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr)
        for (name,) in names.fetchall()
    }
