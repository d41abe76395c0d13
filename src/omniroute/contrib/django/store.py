"""`DjangoStore`: desks on `django.db.connections[alias]`, in the transaction that is open there.

Owns where a transaction begins and ends: inside an `atomic` block, or with autocommit switched off,
it is the host's and each command joins it in a savepoint; else each command has an `atomic` block of
its own, tried again where it lost a race. What runs inside is `stores.sql`'s.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from attrs import frozen
from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from omniroute.errors import CommitUnknown, StoreError
from omniroute.ports import Transaction
from omniroute.stores.sql.drivers import Driver, Fault, driver_for, error_for
from omniroute.stores.sql.hosts import Host
from omniroute.stores.sql.joined import run_joined
from omniroute.stores.sql.retrying import TRY_AGAIN, Again, until_done
from omniroute.stores.sql.statements import Plans, plans_named
from omniroute.stores.sql.transaction import FinishedTransaction, SqlTransaction

__all__ = ["DjangoStore"]

T = TypeVar("T")

_LOCK_SQLITE: Final = "UPDATE omniroute_desks SET desk_id = desk_id WHERE desk_id = ''"
"""Changes nothing, and waits for whoever writes now: Django has begun without saying so."""

_NO_TABLE: Final = ("no such table: omniroute_", 'relation "omniroute_')


class DjangoStore:
    """Desks in one of a Django project's databases, by its alias: PostgreSQL or SQLite.

    `manage.py migrate` makes the tables. Each thread works on its own connection, as everywhere in
    Django; none is opened or closed but by Django. A transaction of its own that loses a race runs
    again up to `retries` times, after growing pauses. Inside a block of the host's nothing is tried
    again: there a race lost raises `HostTransactionLost`, and the block has to run again.
    """

    def __init__(
        self,
        alias: str = DEFAULT_DB_ALIAS,
        *,
        retries: int = 8,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.alias = alias
        self._retries = retries
        self._sleep = sleep
        self._closed = False

    # --- transactions ---

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in the transaction that is open, in a savepoint, or in one of its own.

        Raises as every store does: `StoreBusy`, `CommitUnknown`, `UniqueViolation`, `StoreError`;
        inside a block of the host's `HostTransactionLost`. What `work` raises comes through.
        """
        connection = self._connection()
        plans, driver = _means(connection)
        with _told():
            if _is_open(connection):
                return run_joined(connection, plans, driver, work)
            return until_done(
                partial(self._once, plans, driver, work),
                retries=self._retries,
                sleep=self._sleep,
                gone=connection.close,
            )

    def transact_within(self, connection: object, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a connection of the host's, in one savepoint of its transaction.

        `django.db.connection` inside an `atomic` block is one, and what it gives when there is no
        `within`; a driver's or SQLAlchemy's connection to the same database is one too.
        """
        return run_joined(connection, *_means(self._connection()), work)

    def joined(self) -> bool:
        """Return whether a transaction of the host's is open, which the next command would join."""
        return _is_open(self._connection())

    async def carry(self, call: Callable[[], T]) -> T:
        """Run a call for an event loop, in the thread in which Django keeps its connections."""
        run: Callable[[], Awaitable[T]] = sync_to_async(call, thread_sensitive=True)
        return await run()

    carry_blocking = carry

    def _connection(self) -> Any:
        if self._closed:
            raise StoreError("the store is closed", hint="make a new one")
        return connections[self.alias]

    def _once(
        self,
        plans: Plans,
        driver: Driver,
        work: Callable[[Transaction], T],
        will_write: bool,  # noqa: FBT001  (by position)
    ) -> T:
        connection, atomic = connections[self.alias], transaction.atomic(using=self.alias)
        with _judged(driver.judge, driver):
            atomic.__enter__()
        try:
            with Host(connection.connection, driver).cursor() as cursor:
                begin = partial(_begin, cursor, driver)
                tx = SqlTransaction(cursor, begin, plans, driver, will_write=will_write)
                result = _worked(tx, work)
        except BaseException:
            atomic.__exit__(*sys.exc_info())
            raise
        with _judged(driver.judge_commit, driver):
            ending = _Ending(connection.connection, lambda: atomic.__exit__(None, None, None))
            warning = driver.commit(ending)
        if warning is not None:
            raise _unknown("stored, but not yet where a fail-over keeps it", warning)
        return result

    # --- the end ---

    def close(self) -> None:
        """Work no more: later calls raise `StoreError`. Django's connections stay as they are."""
        self._closed = True

    def __repr__(self) -> str:
        return f"DjangoStore({self.alias!r})"


@frozen
class _Ending:
    """What a driver commits with: its own connection, which warns, and Django's way to commit."""

    driver_connection: Any
    commit: Callable[[], None]


def _is_open(connection: Any) -> bool:
    return bool(connection.in_atomic_block or not connection.get_autocommit())


def _means(connection: Any) -> tuple[Plans, Driver]:
    """Return the statements for a connection's database, and what its driver's errors mean."""
    plans = plans_named(connection.vendor)
    return plans, driver_for(connection.vendor, connection.Database)


def _begin(cursor: Any, driver: Driver, write: bool) -> None:  # noqa: FBT001  (by position)
    """Django has begun; on SQLite a writer still has to wait for its turn."""
    if write and not driver.row_locks:
        cursor.execute(_LOCK_SQLITE)


def _worked(tx: SqlTransaction, work: Callable[[Transaction], T]) -> T:
    try:
        result = work(tx)
        tx.settle()
    except Exception as error:
        if tx.fault in TRY_AGAIN:
            raise Again(tx.fault, will_write=tx.will_write) from (tx.error or error)
        raise
    finally:
        tx.__class__ = FinishedTransaction
    return result


@contextlib.contextmanager
def _judged(judge: Callable[[BaseException], Fault], driver: Driver) -> Iterator[None]:
    """Tell what it means that Django could not begin, or not commit."""
    try:
        yield
    except Error as error:
        cause = error.__cause__ or error
        fault = judge(cause)
        if judge == driver.judge_commit and fault is Fault.GONE:
            raise _unknown(
                "the connection broke while committing", f"{type(cause).__name__}: {cause}"
            ) from error
        if fault in TRY_AGAIN:
            raise Again(fault, will_write=True) from cause
        raise error_for(fault, cause) from error


def _unknown(summary: str, got: str) -> CommitUnknown:
    return CommitUnknown(summary, got=got, hint="ask again with the same idempotency key")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say it in omniroute's words where Django cannot connect, or was not migrated."""
    try:
        yield
    except Error as error:
        cause = error.__cause__ or error
        raise StoreError(
            "the database cannot be opened", got=f"{type(cause).__name__}: {cause}"
        ) from error
    except StoreError as error:
        if any(each in str(error) for each in _NO_TABLE):
            raise StoreError(
                "omniroute's tables are not in this database",
                got=error.got,
                hint="add omniroute.contrib.django to INSTALLED_APPS and run manage.py migrate",
            ) from error
        raise
