"""Watching a desk: its changes as they are committed, here or in any other process.

Polls, and is woken sooner where the store can tell. Nothing is decided by the clock or by a hint: what
is yielded is what the log has behind the position reached, so nothing is missed and nothing comes twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta

from omniroute.desk.views import Change
from omniroute.errors import UsageError
from omniroute.instants import SECOND, to_duration
from omniroute.ports import HintingStore, Store
from omniroute.rules.names import shown

__all__ = ["Stop", "watch", "watch_async"]

Stop = Callable[[], bool]
"""Says whether to end the watch; asked before every change and after every wait."""


def watch(
    store: Store,
    desk: str,
    page_of: Callable[[int], list[Change]],
    after: int,
    poll: str | timedelta,
    stop: Stop | None,
) -> Iterator[Change]:
    """Yield changes beyond a position, waiting for more when there are none, until `stop()`."""
    _check_stop(stop)
    seconds, position = to_duration(poll, where="poll") / SECOND, after
    woken = threading.Event()
    with _subscribed(store, desk, woken.set):
        while stop is None or not stop():
            woken.clear()
            page = page_of(position)
            for change in page:
                if stop is not None and stop():
                    return
                position = change.position
                yield change
            if not page:
                woken.wait(seconds)


async def watch_async(
    store: Store,
    desk: str,
    page_of: Callable[[int], Awaitable[list[Change]]],
    after: int,
    poll: str | timedelta,
    stop: Stop | None,
) -> AsyncIterator[Change]:
    """Yield as `watch` does, without blocking the event loop."""
    import asyncio  # heavy, and only needed by those who have it anyway

    _check_stop(stop)

    seconds, position = to_duration(poll, where="poll") / SECOND, after
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the watch with it
            loop.call_soon_threadsafe(woken.set)

    with _subscribed(store, desk, wake):
        while stop is None or not stop():
            woken.clear()
            page = await page_of(position)
            for change in page:
                if stop is not None and stop():
                    return
                position = change.position
                yield change
            if not page:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), seconds)


@contextlib.contextmanager
def _subscribed(store: Store, desk: str, wake: Callable[[], None]) -> Iterator[None]:
    if not isinstance(store, HintingStore):
        yield
        return
    unsubscribe = store.subscribe(desk, wake)
    try:
        yield
    finally:
        unsubscribe()


def _check_stop(stop: object) -> None:
    if stop is not None and not callable(stop):
        raise UsageError("not a function", where="stop", expected="one to call", got=shown(stop))
