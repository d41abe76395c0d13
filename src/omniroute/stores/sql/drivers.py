"""What differs between databases: how a transaction begins, and what an error of the driver means.

Owns the judgement of failures: a lost race or a broken connection is tried again, an entry that
is taken is a `UniqueViolation`, everything else a `StoreError` caused by the driver's error.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, Protocol

from omniroute.errors import StoreBusy, StoreError, UniqueViolation
from omniroute.stores.sql.wire import Wire, wire_for

__all__ = ["FILE_MOVED", "Driver", "Fault", "driver_for", "error_for", "hint_for"]


# duplicate_prepared_statement and invalid_sql_statement_name: the driver prepared it on another
# connection, as behind a pgbouncer that pools transactions.
_PREPARED_ELSEWHERE: Final = frozenset({"42P05", "26000"})
_POOLED_HINT: Final = (
    "behind pgbouncer, give the store connect_args={'prepare_threshold': None}: the server changes"
    " with each transaction"
)

FILE_MOVED: Final = 1032  # SQLITE_READONLY_DBMOVED

# By SQLite's result code, extended or primary.
_SQLITE_HINTS: Final = {
    5: "one process at a time writes to an SQLite file: another did so all along, or was left half-way",
    8: "let this user write to the file and to its folder: SQLite keeps a -wal and a -shm beside it",
    10: "the disk or its file system failed, or was taken away while the file was open",
    11: "stop what uses the file and restore a backup; `sqlite3 FILE .recover` may save more of it",
    13: "nothing of this was stored; make room on the disk",
    14: "see that the folder exists and that this user may write to it: only the file is made",
    FILE_MOVED: "stop every process, put the file back without an old -wal and -shm, and start again",
    26: "the file is something else than a database: see whether the path is right",
}


class Fault(Enum):
    """What an error of the driver means for the transaction."""

    LOST = "a race was lost: nothing is stored, and another try may go well"
    GONE = "the connection went away: nothing is stored, unless it was committing"
    READ_ONLY = "it began by reading and must start over to write"
    UNIQUE = "an entry is taken"
    OTHER = "the database refused"


class Driver(Protocol):
    """One kind of database, as far as SQL does not hide it."""

    row_locks: bool
    keeps_cursor: bool
    """Whether a connection's cursor is kept with it, since making one costs as much as a statement."""
    gathers: bool
    """Whether several statements go to the database as one: where the way there is what costs."""
    errors: tuple[type[BaseException], ...]

    def cursor(self, connection: Any) -> Any:
        """Return a cursor of a connection that is ours."""
        ...

    def begin(self, connection: Any, cursor: Any, *, write: bool, settings: Sequence[str]) -> None:
        """Begin a transaction with settings of its own; with `write` it waits for whoever writes."""
        ...

    def run_many(self, cursor: Any, text: str, rows: Sequence[Any]) -> int:
        """Run a statement once for each row; return how many rows of the table that met."""
        ...

    def judge(self, error: BaseException) -> Fault:
        """Return what an error of a statement means."""
        ...

    def judge_opening(self, error: BaseException) -> Fault:
        """Return what an error of the first connection means; `OTHER` where no other try mends it."""
        ...

    def judge_commit(self, error: BaseException) -> Fault:
        """Return what an error of a commit means; `GONE` when nobody knows what is stored."""
        ...

    def commit(self, connection: Any) -> str | None:
        """Commit; return why it may not last where the database says so with its success."""
        ...


class _Base:
    def __init__(self, dbapi: Any) -> None:
        # the driver's own errors, and Python's for values that it cannot carry
        self.errors: tuple[type[BaseException], ...] = (dbapi.Error, UnicodeError, OverflowError)

    def cursor(self, connection: Any) -> Any:
        return connection.cursor()

    def run_many(self, cursor: Any, text: str, rows: Sequence[Any]) -> int:
        cursor.executemany(text, rows)
        met: int = cursor.rowcount
        return met


class _Sqlite(_Base):
    """SQLite has one writer at a time: a transaction that will write says so when it begins."""

    row_locks = False
    keeps_cursor = False  # an open one may hold a place in the file
    gathers = False
    _BUSY: Final = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED
    _UNIQUE: Final = frozenset({1555, 2067})  # SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE
    _FULL: Final = 13  # SQLITE_FULL: the disk did not take all of the commit

    def begin(self, connection: Any, cursor: Any, *, write: bool, settings: Sequence[str]) -> None:
        del connection, settings
        cursor.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def judge(self, error: BaseException) -> Fault:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF in self._BUSY:
            return Fault.LOST
        return Fault.UNIQUE if code in self._UNIQUE else Fault.OTHER

    def judge_opening(self, error: BaseException) -> Fault:
        return self.judge(error)

    def judge_commit(self, error: BaseException) -> Fault:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == self._FULL:
            return Fault.OTHER
        return Fault.LOST if self.judge(error) is Fault.LOST else Fault.GONE

    def commit(self, connection: Any) -> str | None:
        connection.commit()
        return None


class _Postgres(_Base):
    """PostgreSQL begins by itself, and says by SQLSTATE what went wrong."""

    row_locks = True
    keeps_cursor = True
    gathers = True
    # The last is division_by_zero, with which our own statements say that a row was not there.
    _LOST: Final = frozenset({"40001", "40P01", "55P03", "22012"})
    # The server stops, ended us for being idle, has no room, or is a standby: another connection
    # may find one that serves us.
    _GONE: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "53300", "25006"})
    _BROKEN: Final = frozenset(
        {"OperationalError", "InterfaceError"}
    )  # where they have no SQLSTATE
    _REFUSED: Final = (
        "authentication failed",
        "no password supplied",
        "pg_hba.conf",
        "does not exist",
        "is not permitted to log in",
        "permission denied",
        "Name or service not known",
        "nodename nor servname provided",
        "SSL was required",
        "certificate verify failed",
    )
    _WARNING: Final = "01000"

    def __init__(self, dbapi: Any) -> None:
        super().__init__(dbapi)
        self._counts_batches = dbapi.__name__ != "psycopg2"  # which tells of the last row only
        self._wired = dbapi if dbapi.__name__ == "psycopg" else None

    def cursor(self, connection: Any) -> Any:
        """Return a wire where the driver is psycopg, unless the host chose a cursor of its own."""
        wire = None
        if self._wired is not None:
            wire = wire_for(connection.driver_connection, self._wired)
        return super().cursor(connection) if wire is None else wire

    def run_many(self, cursor: Any, text: str, rows: Sequence[Any]) -> int:
        if self._counts_batches:
            return super().run_many(cursor, text, rows)
        met = 0
        for row in rows:
            cursor.execute(text, row)
            met += cursor.rowcount
        return met

    def begin(self, connection: Any, cursor: Any, *, write: bool, settings: Sequence[str]) -> None:
        del write  # rows are locked instead
        if isinstance(cursor, Wire):
            cursor.begin(*settings)
            return
        if connection.autocommit:  # else the driver sends BEGIN before the first statement
            cursor.execute("BEGIN")
        for each in settings:
            cursor.execute(each)

    def judge(self, error: BaseException) -> Fault:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if state is None:
            names = {each.__name__ for each in type(error).__mro__}
            return Fault.OTHER if names.isdisjoint(self._BROKEN) else Fault.GONE
        if state == "23505":
            return Fault.UNIQUE
        if state in self._GONE or state.startswith("08"):
            return Fault.GONE
        if getattr(error, "prepares_anew", False):  # a wire's: it knows by now that it has to
            return Fault.LOST
        return Fault.LOST if state in self._LOST else Fault.OTHER

    def judge_opening(self, error: BaseException) -> Fault:
        """Errors of connecting have no SQLSTATE, only words; in another language it is tried again."""
        told = str(error)
        if getattr(error, "sqlstate", None) is None and any(each in told for each in self._REFUSED):
            return Fault.OTHER
        return self.judge(error)

    def judge_commit(self, error: BaseException) -> Fault:
        return self.judge(error)

    def commit(self, connection: Any) -> str | None:
        """With a warning, the server stopped waiting for its standby: a fail-over may lose it."""
        driver = connection.driver_connection
        listen = getattr(driver, "add_notice_handler", None)
        if listen is None:  # another driver than psycopg: its warnings are not ours to read
            connection.commit()
            return None
        warnings: list[str] = []

        def heard(notice: Any) -> None:
            if notice.sqlstate == self._WARNING:
                warnings.append(notice.message_primary or self._WARNING)

        listen(heard)
        try:
            connection.commit()
        finally:
            driver.remove_notice_handler(heard)
        return warnings[0] if warnings else None


def driver_for(name: str, dbapi: Any) -> Driver:
    """Return what is particular about a dialect and its driver's module."""
    return _Sqlite(dbapi) if name == "sqlite" else _Postgres(dbapi)


def error_for(fault: Fault, error: BaseException) -> StoreError:
    """Return the error of ours that stands for one of the driver's."""
    got = f"{type(error).__name__}: {str(error).strip()}"
    if fault is Fault.UNIQUE:
        return UniqueViolation("the key or a unique entry is taken by another value", got=got)
    if fault is Fault.LOST:
        return StoreBusy("the database was busy, or a race was lost", got=got, hint=hint_for(error))
    if fault is Fault.GONE:
        return StoreError("the connection to the database broke", got=got)
    return StoreError("the database refused a statement", got=got, hint=hint_for(error))


def hint_for(error: BaseException) -> str | None:
    """Return what to do about one of a driver's errors, where that is known."""
    if getattr(error, "sqlstate", None) in _PREPARED_ELSEWHERE:
        return _POOLED_HINT
    code = getattr(error, "sqlite_errorcode", 0)
    return _SQLITE_HINTS.get(code) or _SQLITE_HINTS.get(code & 0xFF)
