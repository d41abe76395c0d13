"""First contact with a database: its tables are found, made or upgraded, and a new file is set up.

Any number of processes may come at once: one makes or upgrades the tables, whole or not at all, and the
others wait for it and find them. Owns what is told where a database cannot be opened.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout

from omniroute.errors import StoreBusy, StoreError
from omniroute.stores.sql import versions
from omniroute.stores.sql.drivers import FILE_MOVED, Driver, Fault, hint_for
from omniroute.stores.sql.retrying import TRY_AGAIN, Again
from omniroute.stores.sql.tables import TableSet
from omniroute.stores.sql.urls import shown_url

__all__ = ["cannot_open", "cause_of", "find_tables", "set_up_sqlite", "watch_file"]


def find_tables(engine: Engine, tables: TableSet, schema: str | None, *, migrate: bool) -> None:
    """Create the tables of an empty database; upgrade older ones with `migrate`, else `StoreError`.

    Raises errors of SQLAlchemy's as they come.
    """
    with engine.connect() as connection:
        found = versions.look(connection, schema)
    if found.standing is versions.Standing.EMPTY:
        with versions.writing(engine, schema) as connection:
            found = versions.look(connection, schema)  # others may have come first
            if found.standing is versions.Standing.EMPTY:
                versions.create(connection, tables, schema)
            else:
                connection.rollback()  # the line leaves nothing in tables that are another's
    if found.standing is versions.Standing.OLDER and migrate:
        from omniroute.stores.sql.upgrading import upgrade_once

        upgrade_once(engine, schema)
    else:
        versions.check(found)


def set_up_sqlite(connection: Any, durability: str) -> None:
    """`BEGIN` is ours to send. WAL lets others read while one writes.

    While others look at a new file, SQLite refuses to switch it to WAL and does not wait: busy.
    """
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {durability.upper()}")


def watch_file(path: Path, dbapi: Any) -> Callable[[], None]:
    """Return what raises where a file's name stands for another file than it does now.

    SQLite does not look: where somebody deletes or replaces a file, as a backup is restored, commits
    would go to what has no name any more, and be gone with the process. Nor is the new file opened: what
    SQLite keeps beside it still belongs to the old one.
    """

    def identity() -> tuple[int, int] | None:
        try:
            found = os.stat(path)  # noqa: PTH116  (on the way of each transaction that writes)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    opened = identity()

    def check() -> None:
        if identity() != opened:
            error = dbapi.OperationalError(
                "the file was deleted, moved or replaced while it was open"
            )
            error.sqlite_errorcode = FILE_MOVED
            raise error

    return check


def cannot_open(error: BaseException, driver: Driver, url: URL, *, first: bool) -> Exception:
    """Return what it means that there was no connection, or no table: another try, or an error.

    At `first`, what a URL has wrong is told at once. Later that URL was right, and may be so again.
    """
    if isinstance(error, PoolTimeout):
        return StoreBusy("every connection of the pool is in use", got=str(error))
    cause = cause_of(error)
    fault = driver.judge_opening(cause) if first else driver.judge(cause)
    if fault in TRY_AGAIN:
        lost = fault is Fault.LOST
        return Again(Fault.LOST if lost else Fault.GONE, will_write=False)
    return StoreError(
        "the database cannot be opened",
        where=shown_url(url),
        got=f"{type(cause).__name__}: {str(cause).strip()}",
        hint=hint_for(cause),
    )


def cause_of(error: BaseException) -> BaseException:
    """The driver's error behind one of SQLAlchemy's."""
    orig: BaseException | None = getattr(error, "orig", None)
    return error if orig is None else orig
