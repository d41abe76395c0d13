"""Joining a host's own transaction: our statements on its connection, inside one savepoint a command.

Never builds an engine, never begins, commits, rolls back or retries what is the host's. Our rows
are there when the host commits and gone when it rolls back, together with its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from omniroute.errors import HostTransactionLost, StoreError, UsageError
from omniroute.ports import Transaction
from omniroute.stores.sql.drivers import Driver, Fault
from omniroute.stores.sql.statements import Plans
from omniroute.stores.sql.transaction import FinishedTransaction, SqlTransaction

__all__ = ["driver_connection", "run_joined"]

T = TypeVar("T")

_SAVEPOINT: Final = "omniroute_command"
_KNOWN: Final = (
    "a connection or session of SQLAlchemy's, Django's connection, "
    "or a psycopg or sqlite3 connection, with its transaction open"
)


def driver_connection(connection: Any) -> Any:
    """Return the driver's own connection behind a host's, in whose transaction it stands.

    Raises `UsageError` for what is no connection, and where no transaction could be joined: with
    the driver in autocommit mode our writes would be committed by themselves.
    """
    found = _unwrap(connection)
    if not callable(getattr(found, "cursor", None)):
        raise UsageError(
            "not a connection", where="within", expected=_KNOWN, got=type(connection).__name__
        )
    if hasattr(found, "in_transaction") and hasattr(found, "isolation_level"):
        _check_sqlite(found)
    elif getattr(found, "autocommit", False) and not _in_transaction(found):
        raise _autocommit(connection)
    return found


def _unwrap(connection: Any) -> Any:
    module = type(connection).__module__
    if module.startswith("django."):
        if not connection.in_atomic_block:
            raise _autocommit(connection)
        return connection.connection
    if callable(getattr(connection, "get_bind", None)) and callable(
        getattr(connection, "connection", None)
    ):
        connection = connection.connection()  # a session: begins by itself, as for any statement
    if hasattr(connection, "exec_driver_sql"):
        # SQLAlchemy must know of the transaction, or its commit would have nothing to commit.
        if not connection.in_transaction():
            connection.exec_driver_sql("SELECT 1")
        return connection.connection.driver_connection
    return connection


def _check_sqlite(connection: Any) -> None:
    """Do what the driver itself does before a host's first write: begin, where it manages that."""
    if connection.in_transaction:
        return
    if connection.isolation_level is None or getattr(connection, "autocommit", -1) is True:
        raise _autocommit(connection)
    connection.execute("BEGIN IMMEDIATE")


def _in_transaction(connection: Any) -> bool:
    info = getattr(connection, "info", None)
    status = getattr(info, "transaction_status", None)
    return status is not None and int(status) != 0  # libpq: 0 is idle


def _autocommit(connection: Any) -> UsageError:
    return UsageError(
        "there is no transaction to join",
        where="within",
        expected=_KNOWN,
        got=f"{type(connection).__name__} in autocommit mode",
        hint="begin a transaction first, as with connection.transaction() or atomic()",
    )


def run_joined(
    connection: Any, plans: Plans, driver: Driver, work: Callable[[Transaction], T]
) -> T:
    """Run `work` once on a host's connection, inside a savepoint of its own.

    Raises `HostTransactionLost` where a race was lost or the connection broke: the host's
    transaction is spoilt, and its whole block has to run again. What `work` raises comes through,
    with nothing of it stored.
    """
    cursor = driver_connection(connection).cursor()
    tx = SqlTransaction(cursor, _begin_nothing, plans, driver, will_write=True)
    try:
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            result = work(tx)
            tx.settle()
        except BaseException:
            if tx.fault not in _SPOILT:
                cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
                cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
            raise
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
    except StoreError as error:
        if tx.fault in _SPOILT:
            raise _lost(error) from error
        raise
    except driver.errors as error:
        raise _lost(error) from error
    finally:
        tx.__class__ = FinishedTransaction
        cursor.close()
    return result


_SPOILT: Final = (Fault.LOST, Fault.GONE)


def _begin_nothing(write: bool) -> None:  # noqa: FBT001  (the host has begun)
    del write


def _lost(error: BaseException) -> HostTransactionLost:
    return HostTransactionLost(
        "the host's transaction was lost with this command",
        got=f"{type(error).__name__}: {error}",
        hint="roll back and run your block again",
    )
