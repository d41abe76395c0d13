"""What a host may pass as `within`, and the driver's connection and cursor behind it.

Owns what is told apart: SQLAlchemy's connections and sessions, sync and async, Django's
connections, and the drivers' own. Refuses what has no transaction that could be joined: there our
writes would be committed by themselves.
"""

from __future__ import annotations

import inspect
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen
from sqlalchemy.exc import InvalidRequestError

from omniroute.errors import HostTransactionLost, UsageError
from omniroute.stores.sql.drivers import Driver, Fault, driver_for

__all__ = ["Host", "find_host", "lost"]

_KNOWN: Final = (
    "a connection or session of SQLAlchemy's, Django's connection, "
    "or a psycopg or sqlite3 connection, with its transaction open"
)
_DRIVERS: Final = ("pysqlite", "aiosqlite", "psycopg", "psycopg_async", "psycopg2")


@frozen
class Host:
    """A host's connection: the driver's own behind it, and Django's where it is one of Django's."""

    raw: Any
    driver: Driver
    django: Any = None

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Give a cursor with plain rows and text, whatever the host has set for its own."""
        raw, texts = self.raw, getattr(self.raw, "text_factory", str)
        try:
            cursor = _plain_cursor(raw)
        except self.driver.errors as error:
            raise _unusable(error) from error
        if texts is not str:
            raw.text_factory = str
        try:
            yield cursor
        finally:
            if texts is not str:
                raw.text_factory = texts
            cursor.close()

    def doom(self) -> None:
        """Let a transaction that was lost not be committed by mistake, where the host keeps book."""
        if self.django is not None and self.django.in_atomic_block:
            self.django.set_rollback(True)


def find_host(connection: Any, database: str, driver: Driver) -> Host:
    """Return the host's connection, in whose transaction a command may work.

    `database` is the kind of database that the store's tables are in. Raises `UsageError` for what
    is no connection to one, and where no transaction is open or would be opened by the driver.
    """
    django = None
    try:
        found = _unwrapped(connection)
        if hasattr(found, "in_atomic_block"):
            django, found = found, _of_django(found, database)
        elif hasattr(found, "exec_driver_sql"):
            found = _of_sqlalchemy(found, database)
    except InvalidRequestError as error:
        raise _unusable(error) from error
    behind = getattr(found, "driver_connection", found)  # of what SQLAlchemy makes of async drivers
    kind = _kind(behind)
    if kind is None or inspect.iscoroutinefunction(getattr(found, "commit", None)):
        raise UsageError(
            "not a connection", where="within", expected=_KNOWN, got=type(connection).__name__
        )
    if kind != database:
        raise _elsewhere(database, kind)
    if behind is found and hasattr(found, "Error") and found.Error not in driver.errors:
        driver = driver_for(database, found)
    if kind == "sqlite":
        _begin_sqlite(found, behind, driver)
    elif found.autocommit and int(found.info.transaction_status) == 0:  # libpq: 0 is idle
        raise _no_transaction(found)
    return Host(found, driver, django)


def _unwrapped(connection: Any) -> Any:
    """Return the sync object behind an async one, and the connection behind a session."""
    if hasattr(connection, "run_sync"):
        if not _awaited():
            raise UsageError(
                "an async connection cannot be used by a synchronous call",
                where="within",
                got=type(connection).__name__,
                hint="call the desk's async twin: await desks.aio[…].receive(…, within=session)",
            )
        for name in ("sync_session", "sync_connection"):
            connection = getattr(connection, name, None) or connection
    if callable(getattr(connection, "get_bind", None)) and not hasattr(connection, "run_sync"):
        return connection.connection()  # a session: begins by itself, as for any statement
    return connection


def _awaited() -> bool:
    """Whether SQLAlchemy runs this call for a coroutine, in a greenlet."""
    greenlet = sys.modules.get("greenlet")
    return greenlet is not None and greenlet.getcurrent().parent is not None


def _of_sqlalchemy(connection: Any, database: str) -> Any:
    dialect = connection.dialect
    if dialect.name != database:
        raise _elsewhere(database, dialect.name)
    if dialect.driver not in _DRIVERS:
        raise UsageError(
            "this driver's connections cannot be joined",
            where="within",
            expected=" or ".join(_DRIVERS),
            got=dialect.driver,
        )
    # SQLAlchemy must know of the transaction, or its commit would have nothing to commit.
    if not connection.in_transaction():
        connection.exec_driver_sql("SELECT 1")
    return connection.connection.dbapi_connection


def _of_django(connection: Any, database: str) -> Any:
    if connection.vendor != database:
        raise _elsewhere(database, connection.vendor)
    if not connection.in_atomic_block and connection.get_autocommit():
        raise _no_transaction(connection)
    if connection.needs_rollback:
        raise UsageError(
            "the atomic block is broken and can only be rolled back",
            where="within",
            hint="catch errors of the database outside of the innermost atomic()",
        )
    connection.ensure_connection()
    return connection.connection


def _kind(connection: Any) -> str | None:
    if not callable(getattr(connection, "cursor", None)):
        return None
    if {"in_transaction", "isolation_level"} <= set(dir(type(connection))):
        return "sqlite"
    if hasattr(getattr(connection, "info", None), "transaction_status"):
        return "postgresql"
    return None


def _begin_sqlite(connection: Any, behind: Any, driver: Driver) -> None:
    """Do what the driver itself does before a host's first write: begin, where it manages that."""
    try:
        if behind.in_transaction:
            return
        if behind.isolation_level is None or getattr(behind, "autocommit", -1) is True:
            raise _no_transaction(behind)
        connection.execute("BEGIN IMMEDIATE")
    except driver.errors as error:
        raise (lost if driver.judge(error) is Fault.LOST else _unusable)(error) from error


def _plain_cursor(raw: Any) -> Any:
    if isinstance(raw, sqlite3.Connection):
        return sqlite3.Cursor(raw)
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(raw, psycopg.Connection):
        return psycopg.Cursor(raw, row_factory=psycopg.rows.tuple_row)
    return raw.cursor()


def _unusable(error: BaseException) -> UsageError:
    return UsageError(
        "the connection cannot be used here",
        where="within",
        got=f"{type(error).__name__}: {error}",
        hint="pass it open, and in the thread that it belongs to",
    )


def _elsewhere(database: str, got: str) -> UsageError:
    return UsageError(
        "the desks are in another kind of database", where="within", expected=database, got=got
    )


def _no_transaction(connection: Any) -> UsageError:
    return UsageError(
        "there is no transaction to join",
        where="within",
        expected=_KNOWN,
        got=f"{type(connection).__name__} in autocommit mode",
        hint="begin a transaction first, as with connection.transaction() or atomic()",
    )


def lost(error: BaseException) -> HostTransactionLost:
    """Return what a host is told whose transaction is spoilt."""
    return HostTransactionLost(
        "the host's transaction was lost with this command",
        got=f"{type(error).__name__}: {error}",
        hint="roll back and run your block again",
    )
