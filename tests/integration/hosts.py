"""The connections that hosts have, made alike: what the tests of `within` run on, each on all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

__all__ = ["HOSTS", "MAKE_TABLE", "Host", "plain"]

MAKE_TABLE = "CREATE TABLE host_rows (what TEXT)"


class Host:
    """A host's connection: what it passes as `within`, and what it does itself beside it."""

    def __init__(
        self, passed: Any, raw: Any, run: Callable[[str], Any], database: str = "sqlite"
    ) -> None:
        self.passed = passed
        self.raw = raw
        self.run = run
        self.database = database

    def writes(self, what: str) -> None:
        """Store a row of the host's own."""
        self.run(f"INSERT INTO host_rows VALUES ('{what}')")

    @property
    def rows(self) -> list[str]:
        """The host's rows, as its transaction sees them."""
        return sorted(row[0] for row in self.run("SELECT what FROM host_rows"))

    def commit(self) -> None:
        self.passed.commit()

    def rollback(self) -> None:
        self.passed.rollback()


def plain(url: str) -> str:
    """What a driver takes, from what SQLAlchemy takes."""
    if url.startswith("sqlite"):
        return url.removeprefix("sqlite:///")
    made = sa.make_url(url)
    host, _, port = str(made.query["host"]).partition(":")
    return f"host={host} port={port} user={made.username} dbname={made.database}"


@contextmanager
def sqlite3_connection(url: str) -> Iterator[Host]:
    connection = sqlite3.connect(plain(url))
    try:
        yield Host(connection, connection, lambda query: list(connection.execute(query)))
    finally:
        connection.close()


@contextmanager
def psycopg_connection(url: str) -> Iterator[Host]:
    connection = psycopg.connect(plain(url))

    def run(query: str) -> Any:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []

    try:
        yield Host(connection, connection, run, "postgresql")
    finally:
        connection.close()


@contextmanager
def sqlalchemy_connection(url: str) -> Iterator[Host]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def run(query: str) -> Any:
            result = connection.execute(sa.text(query))
            return result.fetchall() if result.returns_rows else []

        raw = connection.connection.driver_connection
        yield Host(connection, raw, run, engine.dialect.name)
    engine.dispose()


@contextmanager
def sqlalchemy_session(url: str) -> Iterator[Host]:
    engine = sa.create_engine(url)
    with Session(engine) as session:

        def run(query: str) -> Any:
            result: Any = session.execute(sa.text(query))
            return result.fetchall() if result.returns_rows else []

        raw = session.connection().connection.driver_connection
        session.rollback()
        yield Host(session, raw, run, engine.dialect.name)
    engine.dispose()


HOSTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "sqlite3": ("sqlite", sqlite3_connection),
    "connection-sqlite": ("sqlite", sqlalchemy_connection),
    "session-sqlite": ("sqlite", sqlalchemy_session),
    "psycopg": ("postgresql", psycopg_connection),
    "connection-postgres": ("postgresql", sqlalchemy_connection),
    "session-postgres": ("postgresql", sqlalchemy_session),
}
"""Every kind of connection, by the database it is to."""
