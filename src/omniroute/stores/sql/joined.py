"""Joining a host's own transaction: our statements on its connection, inside one savepoint a command.

Never builds an engine, never begins, commits, rolls back or retries what is the host's. Our rows
are there when the host commits and gone when it rolls back, together with its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from omniroute.errors import StoreError
from omniroute.ports import Transaction
from omniroute.stores.sql.drivers import Driver, Fault
from omniroute.stores.sql.hosts import Host, find_host, lost
from omniroute.stores.sql.statements import Plans
from omniroute.stores.sql.transaction import FinishedTransaction, SqlTransaction

__all__ = ["run_joined"]

T = TypeVar("T")

_SAVEPOINT: Final = "omniroute_command"
_SPOILT: Final = (Fault.LOST, Fault.GONE)
_READ_ONLY: Final = "25006"  # read_only_sql_transaction


def run_joined(
    connection: Any, plans: Plans, driver: Driver, work: Callable[[Transaction], T]
) -> T:
    """Run `work` once on a host's connection, inside a savepoint of its own.

    Raises `HostTransactionLost` where a race was lost or the connection broke: the host's
    transaction is spoilt, and its whole block has to run again. What `work` raises comes through,
    with nothing of it stored.
    """
    host = find_host(connection, plans.name, driver)
    with host.cursor() as cursor:
        return _run(host, cursor, plans, work)


def _run(host: Host, cursor: Any, plans: Plans, work: Callable[[Transaction], T]) -> T:
    driver = host.driver
    tx = SqlTransaction(cursor, _begin_nothing, plans, driver, will_write=True)
    try:
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            result = work(tx)
            tx.settle()
        except BaseException:
            _take_back(tx, cursor, driver)
            raise
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")
    except StoreError as error:
        if _is_read_only(tx):
            raise StoreError(
                "the host's transaction is read only",
                got=error.got,
                hint="begin it read-write, on the primary: to run it again as it is changes nothing",
            ) from error
        if tx.fault in _SPOILT:
            host.doom()
            raise lost(error) from error
        raise
    except driver.errors as error:
        host.doom()
        raise lost(error) from error
    finally:
        tx.__class__ = FinishedTransaction
    return result


def _take_back(tx: SqlTransaction, cursor: Any, driver: Driver) -> None:
    """Take back what the command wrote, and nothing of the host's.

    PostgreSQL does not commit a transaction in which a race was lost; SQLite would.
    """
    spoilt = tx.fault in _SPOILT and not _is_read_only(tx)
    if spoilt and driver.row_locks:
        return
    with contextlib.suppress(*(driver.errors if spoilt else ())):
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _is_read_only(tx: SqlTransaction) -> bool:
    """Whether the host's transaction takes no writes: a store's own would look for another server."""
    cause = None if tx.error is None else tx.error.__cause__
    return _READ_ONLY in (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None))


def _begin_nothing(write: bool) -> None:  # noqa: FBT001  (the host has begun)
    del write
