"""Event loops: transactions that await the database instead of blocking, over the same synchronous code.

SQLAlchemy's async engines run synchronous code in a greenlet and hand the waiting to the loop. Each
loop has an engine of its own, since a connection belongs to the loop it was opened on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["LoopEngines", "pause"]

T = TypeVar("T")

_CARRIED: Final[ContextVar[bool]] = ContextVar("omniroute_carried", default=False)


class LoopEngines:
    """The async engines of one store, one for each event loop that uses it."""

    def __init__(self, make: Callable[[], AsyncEngine]) -> None:
        self._make = make
        self._engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = (
            weakref.WeakKeyDictionary()
        )

    async def carry(self, call: Callable[[], T]) -> T:
        """Run a call in which the store's transactions await this loop's engine."""
        from sqlalchemy.util import greenlet_spawn

        return await greenlet_spawn(self._inside, call)

    @staticmethod
    def _inside(call: Callable[[], T]) -> T:
        token = _CARRIED.set(True)
        try:
            return call()
        finally:
            _CARRIED.reset(token)

    def current(self) -> Engine | None:
        """Return the engine for a transaction that runs in `carry`, or None outside of one."""
        if not _CARRIED.get():
            return None
        loop = asyncio.get_running_loop()
        engine = self._engines.get(loop)
        if engine is None:
            engine = self._engines[loop] = self._make()
        return engine.sync_engine

    def dispose(self) -> None:
        """Close the connections of this loop; those of other loops go with them."""
        here = self.current()
        for engine in self._engines.values():
            with contextlib.suppress(RuntimeError):  # a loop that is closed has closed its own
                engine.sync_engine.dispose(close=engine.sync_engine is here)
        self._engines.clear()


def pause(seconds: float) -> None:
    """Wait before another try: asleep in a thread, awaiting in an event loop."""
    if _CARRIED.get():
        from sqlalchemy.util import await_only

        await_only(asyncio.sleep(seconds))
    else:
        time.sleep(seconds)
