"""Event loops: transactions that await the database instead of blocking, over the same synchronous code.

SQLAlchemy's async engines run synchronous code in a greenlet and hand the waiting to the loop. Each
loop has an engine of its own, since a connection belongs to the loop it was opened on.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["LoopEngines", "aside", "pause"]

T = TypeVar("T")

_CARRIED: Final[ContextVar[bool]] = ContextVar("omniroute_carried", default=False)


class LoopEngines:
    """The async engines of one store, one for each event loop that uses it."""

    def __init__(self, make: Callable[[], AsyncEngine]) -> None:
        self._make = make
        self._engines: dict[asyncio.AbstractEventLoop, _LoopEngine] = {}

    async def carry(self, call: Callable[[], T]) -> T:
        """Run a call in which the store's transactions await this loop's engine."""
        from sqlalchemy.util import greenlet_spawn

        return await greenlet_spawn(_set, call, carried=True)

    def current(self) -> Engine | None:
        """Return the engine for a transaction that runs in `carry`, or None outside of one."""
        if not _CARRIED.get():
            return None
        loop = asyncio.get_running_loop()
        found = self._engines.get(loop)
        if found is None:
            self._abandon(each for each in list(self._engines) if each.is_closed())
            found = self._engines[loop] = _LoopEngine(self._make())
        return found.engine

    def dispose(self) -> None:
        """Close the connections of this loop, and what is idle or left over of other loops."""
        if _CARRIED.get() and (here := self._engines.pop(asyncio.get_running_loop(), None)):
            here.engine.dispose()
        self._abandon(list(self._engines))

    def _abandon(self, loops: Iterable[asyncio.AbstractEventLoop]) -> None:
        for loop in loops:
            found = self._engines.pop(loop, None)
            if found is not None:
                found.abandon(busy=loop.is_closed())


class _LoopEngine:
    """An async engine, and the connections that it opened."""

    def __init__(self, made: AsyncEngine) -> None:
        self.engine = made.sync_engine
        self._opened: weakref.WeakSet[Any] = weakref.WeakSet()
        event.listen(
            self.engine, "connect", lambda dbapi, _: self._opened.add(dbapi.driver_connection)
        )

    def abandon(self, *, busy: bool) -> None:
        """Close connections without their loop: it has ended, or is somebody else's.

        Those that somebody waits for are left to them, unless they are `busy` on a loop that ended.
        """
        for connection in list(self._opened):
            if busy or not connection.lock.locked():
                connection.pgconn.finish()
        self.engine.dispose(close=False)


def _set(call: Callable[[], T], *, carried: bool) -> T:
    token = _CARRIED.set(carried)
    try:
        return call()
    finally:
        _CARRIED.reset(token)


def pause(seconds: float) -> None:
    """Wait before another try: asleep in a thread, awaiting in an event loop."""
    if _CARRIED.get():
        from sqlalchemy.util import await_only

        await_only(asyncio.sleep(seconds))
    else:
        time.sleep(seconds)


def aside(call: Callable[[], T]) -> T:
    """Run a call that blocks: as it is in a thread, in a thread of its own in an event loop."""
    if not _CARRIED.get():
        return call()
    from sqlalchemy.util import await_only

    done: T = await_only(asyncio.to_thread(_set, call, carried=False))
    return done
