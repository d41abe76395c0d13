"""The store on an SQL database: SQLite or PostgreSQL, through an engine of SQLAlchemy's.

Owns connections, the beginning and end of transactions, and trying again. What runs inside one is
`transaction`'s.
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar, get_args

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from omniroute.errors import (
    CommitUnknown,
    DurabilityWarning,
    StoreBusy,
    StoreError,
    UsageError,
)
from omniroute.ports import Transaction
from omniroute.stores.hints import Hints
from omniroute.stores.sql import versions
from omniroute.stores.sql.drivers import Driver, Fault, driver_for, error_for
from omniroute.stores.sql.durability import weaknesses
from omniroute.stores.sql.joined import run_joined
from omniroute.stores.sql.listening import NOTIFY, Listener
from omniroute.stores.sql.loops import LoopEngines, aside, pause
from omniroute.stores.sql.opening import (
    cannot_open,
    cause_of,
    find_tables,
    set_up_sqlite,
    watch_file,
)
from omniroute.stores.sql.retrying import TRY_AGAIN, Again, until_done
from omniroute.stores.sql.statements import plans_for
from omniroute.stores.sql.transaction import FinishedTransaction, SqlTransaction
from omniroute.stores.sql.urls import database_file, database_url, engine_made, is_memory, shown_url
from omniroute.stores.sql.wire import Statement, Wire

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Durability", "SqlStore"]

T = TypeVar("T")

Durability = Literal["full", "normal"]

_CURSOR: Final = "omniroute_cursor"
_SAME_FILE: Final = "omniroute_same_file"
_RELAXED: Final = ("SET LOCAL synchronous_commit = off",)
"""For this transaction only: behind a pooler the connection is another client's in the next."""
_WRITER_PATIENCE: Final = 30.0
_OWN: Final[dict[str, Any]] = {"pool_reset_on_return": None}
"""A transaction of ours is over when its connection returns: to roll back then would do nothing."""

_PARENTS: Final[list[object]] = []
"""Connections that a forked process found open: kept, for to drop them would close the parent's."""


class SqlStore:
    """Desks in an SQL database.

    `target` is a URL (`sqlite:///desk.db`, `postgresql+psycopg://…`) or an engine of the host's,
    which stays the host's. `schema` is a database schema to keep the tables in. `durability` says
    what a commit survives: `"full"` a loss of power, `"normal"` the end of the process only, for a
    commit that costs less; a host's engine keeps its own settings. Where the database's settings
    promise less than `"full"`, the first transaction warns (`DurabilityWarning`). A transaction that
    loses a race runs again up to `retries` times, after growing pauses. `options` go to
    `create_engine`.

    An empty database gets its tables at the first transaction. On tables of an older version it
    raises `StoreError`, or upgrades them with `migrate=True`; on those of a newer one it raises.

    With `notify=True` every commit to a desk's log is announced to the watchers of other processes
    (PostgreSQL). That costs each of them a second, small transaction, so it is off unless asked for.
    """

    def __init__(
        self,
        target: str | URL | Engine,
        *,
        schema: str | None = None,
        durability: Durability = "full",
        migrate: bool = False,
        notify: bool = False,
        retries: int = 8,
        sleep: Callable[[float], None] = pause,
        **options: Any,
    ) -> None:
        self._owned = not isinstance(target, Engine)
        self.engine = (
            target if isinstance(target, Engine) else _make_engine(target, durability, options)
        )
        self._make_async = partial(_make_async_engine, self.engine.url, options)
        self._loops = LoopEngines(self._make_async)
        self._schema = schema
        dialect = self.engine.dialect
        self._plans = plans_for(type(dialect), schema)
        self.tables = self._plans.tables
        self._driver = driver_for(dialect.name, dialect.loaded_dbapi)
        self._failures: tuple[type[BaseException], ...] = (SQLAlchemyError, *self._driver.errors)
        self._durability = durability
        self._relaxed = self._owned and durability == "normal" and self._driver.row_locks
        self._migrate = migrate
        self._notify = notify and dialect.driver == "psycopg"
        self._hints = Hints()
        self._listener: Listener | None = None
        self._retries = retries
        self._sleep = sleep
        self._awaits = self._owned and dialect.driver == "psycopg"
        self._one_writer = None if self._driver.row_locks else threading.Lock()
        self._preparing = threading.Lock()
        self._process = os.getpid()
        file = database_file(self.engine.url)
        self._file = None if file is None else file.absolute()  # as it was opened, wherever we go
        self._check_file: Callable[[], None] | None = None
        self._starting: dict[int, threading.Lock] = {}
        if self._owned and dialect.name == "sqlite":
            event.listen(self.engine, "connect", self._set_up)
        self._ready = False
        self._closed = False

    # --- transactions ---

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction, commit, and return its result.

        Runs it again after a lost race. Raises `StoreBusy` when that has happened too often,
        `CommitUnknown` when the connection broke while committing, `UniqueViolation`, or
        `StoreError`; what `work` raises comes through.
        """
        if self._process != os.getpid():
            self._start_over()
        if not self._ready:
            self._prepare()
        return until_done(
            partial(self._once, work),
            retries=self._retries,
            sleep=self._sleep,
            gone=self._forget_connections,
        )

    def transact_within(self, connection: object, work: Callable[[Transaction], T]) -> T:
        """Run `work` once on a host's connection, in one savepoint of the host's transaction.

        `connection` is a connection or session of SQLAlchemy's, Django's, psycopg's or sqlite3's,
        to the database that has this store's tables. Raises `HostTransactionLost` after a lost
        race.
        """
        if self._closed:
            raise StoreError("the store is closed", hint="make a new one")
        return run_joined(connection, self._plans, self._driver, work)

    async def carry(self, call: Callable[[], T]) -> T:
        """Run a call whose transactions await the database, for an event loop (`desks.aio`).

        SQLite is no server: what blocks is the disk, so its calls run in a thread, and so do those
        on a host's engine or another driver than psycopg.
        """
        if self._process != os.getpid():
            self._start_over()
        if not self._awaits:
            return await asyncio.to_thread(call)
        return await self._loops.carry(call)

    def _once(self, work: Callable[[Transaction], T], will_write: bool) -> T:  # noqa: FBT001  (by position)
        with self._connect() as connected:
            tx = SqlTransaction(
                connected.cursor,
                connected.begin,
                self._plans,
                self._driver,
                will_write=will_write,
            )
            try:
                result = work(tx)
                last = tx.settle(hold=connected.commits_along)
            except BaseException as error:
                connected.roll_back(broken=tx.fault is Fault.GONE)
                if isinstance(error, Exception) and tx.fault in TRY_AGAIN:
                    raise Again(tx.fault, will_write=tx.will_write) from (tx.error or error)
                raise
            finally:
                tx.__class__ = FinishedTransaction
            connected.commit(last)
            if (self._notify or self._hints) and tx.will_write:
                self._tell(connected, tx.desks_that_grew())
            return result

    def _connect(self) -> _Connected:
        if self._closed:
            raise StoreError("the store is closed", hint="make a new one")
        try:
            connection = self._current().raw_connection()
            return _Connected(connection, self._driver, self._one_writer, relaxed=self._relaxed)
        except PoolTimeout as error:
            raise StoreBusy("every connection of the pool is in use", got=str(error)) from error
        except self._failures as error:
            raise cannot_open(error, self._driver, self.engine.url, first=False) from cause_of(
                error
            )

    def _current(self) -> Engine:
        return self._loops.current() or self.engine

    def _forget_connections(self) -> None:
        """When one broke, the others in the pool did so too: the server is another one."""
        if self._owned:
            self._current().dispose()

    def _start_over(self) -> None:
        """After a fork: what was opened is the parent's, to talk on and to close.

        The lock is this process's own, by its key: another could be held by a thread that was not forked.
        """
        here = os.getpid()
        with self._starting.setdefault(here, threading.Lock()):
            if self._process == here:
                return
            _PARENTS.append((self.engine.pool, self._loops, self._listener))
            self._loops = LoopEngines(self._make_async)
            self._one_writer = None if self._driver.row_locks else threading.Lock()
            self._preparing = threading.Lock()
            self._listener = None
            if self._owned:
                self.engine.dispose(close=False)
            self._process = here  # last: other threads go on when they see it

    # --- tables ---

    def create_tables(self) -> None:
        """Create the tables that are missing, and the database schema where one was named."""
        try:
            with versions.writing(self.engine, self._schema) as connection:
                versions.create(connection, self.tables, self._schema)
        except DBAPIError as error:
            cause = cause_of(error)
            raise error_for(self._driver.judge(cause), cause) from error

    def _prepare(self) -> None:
        """Create the tables of an empty database, and look at what it is, once for each store."""

        def once(_will_write: bool) -> None:  # noqa: FBT001  (by position)
            aside(self._prepare_once)  # the pauses are not: an event loop has few threads for those

        until_done(once, retries=self._retries, sleep=self._sleep, gone=self._forget_first)

    def _forget_first(self) -> None:
        if self._owned:
            self.engine.dispose()

    def _prepare_once(self) -> None:
        with self._preparing:  # not while pausing: others would pause after us, one by one
            if self._ready or self._closed:
                return
            try:
                find_tables(self.engine, self.tables, self._schema, migrate=self._migrate)
                weak = self._find_weaknesses()
            except SQLAlchemyError as error:
                raise cannot_open(error, self._driver, self.engine.url, first=True) from cause_of(
                    error
                )
            self._ready = True
        for each in weak:
            warnings.warn(f"{self!r} promises less than it is to: {each}", DurabilityWarning, 7)

    def _find_weaknesses(self) -> list[str]:
        if self._durability != "full":
            return []
        with self.engine.connect() as connection:
            return weaknesses(connection)

    def _set_up(self, connection: Any, record: Any) -> None:
        set_up_sqlite(connection, self._durability)
        if self._check_file is None and self._file is not None:
            # the first one counts: later connections are to the same file
            self._check_file = watch_file(self._file, self.engine.dialect.loaded_dbapi)
        record.info[_SAME_FILE] = self._check_file

    # --- hints ---

    def subscribe(self, desk: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when a desk's log may have grown; return what ends it.

        What this store commits is heard always; what others commit, with `notify=True` on both.
        """
        if self._process != os.getpid():
            self._start_over()
        with self._preparing:
            if self._notify and self._listener is None and not self._closed:
                self._listener = Listener(self.engine, self._failures, self._hints)
        return self._hints.subscribe(desk, wake)

    def _tell(self, connected: _Connected, desks: set[str]) -> None:
        """Announce a commit, after it: inside, all commits of the database would wait in line."""
        self._hints.tell(desks)
        if self._notify and desks:
            connected.announce(desks)

    # --- the end ---

    def close(self) -> None:
        """Close the connections, except a host's; later calls raise `StoreError`."""
        if self._process != os.getpid():
            self._start_over()
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        if self._owned:
            self._loops.dispose()
            self.engine.dispose()

    def __repr__(self) -> str:
        return f"SqlStore({shown_url(self.engine.url)!r})"


class _Connected:
    """One connection for one transaction: how it begins and how it ends."""

    __slots__ = ("_connection", "_driver", "_ended", "_held", "_one_writer", "_relaxed", "cursor")

    def __init__(
        self,
        connection: Any,
        driver: Driver,
        one_writer: threading.Lock | None,
        *,
        relaxed: bool,
    ) -> None:
        self._connection = connection
        self._driver = driver
        self._one_writer = one_writer
        self._relaxed = relaxed
        self._held = False
        self._ended = False
        try:
            self.cursor = connection.info.get(_CURSOR) or driver.cursor(connection)
            if driver.keeps_cursor:
                connection.info[_CURSOR] = self.cursor
        except driver.errors:
            connection.invalidate()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:  # interrupted on the way there, which the pool does not see
            self._connection.invalidate()
        if self._held and self._one_writer is not None:
            self._one_writer.release()
        self._connection.close()

    def begin(self, write: bool) -> None:  # noqa: FBT001  (called by position, on the hot path)
        """Begin; writers of this process wait here for each other instead of asking the file."""
        if write and self._one_writer is not None:
            self._held = self._one_writer.acquire(timeout=_WRITER_PATIENCE)
            if not self._held:
                raise StoreBusy("another thread has been writing for too long")
        settings = _RELAXED if write and self._relaxed else ()
        self._driver.begin(self._connection, self.cursor, write=write, settings=settings)
        if self._held and (check := self._connection.info.get(_SAME_FILE)) is not None:
            check()

    def roll_back(self, *, broken: bool) -> None:
        """Leave nothing behind; a connection that cannot is thrown away."""
        try:
            if not broken:
                self._connection.rollback()
                self._ended = True
        except self._driver.errors:
            pass

    @property
    def commits_along(self) -> bool:
        """Whether the last statements go in one way with the commit."""
        return isinstance(self.cursor, Wire)

    def commit(self, last: Sequence[Statement]) -> None:
        """Commit, with the last statements before it; `CommitUnknown` when the answer never came."""
        wire = self.cursor if isinstance(self.cursor, Wire) else None
        try:
            warning = wire.commit(last) if wire else self._driver.commit(self._connection)
            self._ended = True
        except self._driver.errors as error:
            fault = self._driver.judge_commit(error)
            self.roll_back(broken=fault is Fault.GONE)
            refused = None if wire is None else wire.refused
            before = refused is not None and refused < len(last)  # it never came to the commit
            if fault is Fault.LOST or (before and fault is Fault.GONE):
                raise Again(fault, will_write=True) from error
            if fault is not Fault.GONE:
                raise error_for(fault, error) from error
            raise CommitUnknown(
                "the connection broke while committing",
                got=f"{type(error).__name__}: {error}",
                hint=_ASK_AGAIN,
            ) from error
        if warning is not None:
            raise CommitUnknown(
                "stored, but not yet where a fail-over keeps it", got=warning, hint=_ASK_AGAIN
            )

    def announce(self, desks: set[str]) -> None:
        """Notify other processes; one that hears nothing polls, so a failure is nobody's."""
        self._ended = False
        try:
            for desk in desks:
                self.cursor.execute(NOTIFY, (desk,))
            self._connection.commit()
            self._ended = True
        except self._driver.errors:
            self.roll_back(broken=False)


_ASK_AGAIN: Final = "ask again with the same idempotency key"


# --- engines --------------------------------------------------------------------------------------


def _make_engine(target: str | URL, durability: Durability, options: dict[str, Any]) -> Engine:
    if durability not in get_args(Durability):
        raise UsageError("no such durability", expected='"full" or "normal"', got=repr(durability))
    url = database_url(target)
    sqlite = url.get_backend_name() == "sqlite"
    own = _sqlite_options(url) if sqlite else {}
    if own and "connect_args" in options:
        options = {**options, "connect_args": {**own["connect_args"], **options["connect_args"]}}
    with engine_made():
        return create_engine(url, **{**_OWN, **own, **options})


def _make_async_engine(url: URL, options: dict[str, Any]) -> AsyncEngine:
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(url, **{**_OWN, **options})


def _sqlite_options(url: URL) -> dict[str, Any]:
    """A database in memory is one connection, used in turns."""
    options: dict[str, Any] = {
        "connect_args": {"cached_statements": 512, "check_same_thread": False},
    }
    if is_memory(url):
        options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    return options
