"""Who in this process waits for a desk's log to grow.

A hint and no more: it may come late, twice, for nothing or not at all. Whoever is woken reads the
log, and reads it now and then without being woken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

__all__ = ["Hints"]


class Hints:
    """The callbacks of a store's watchers, by desk. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.wakes: dict[str, list[Callable[[], None]]] = {}
        """Who is to be called, by desk."""

    def __bool__(self) -> bool:
        return bool(self.wakes)

    def subscribe(self, desk: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake`, from any thread, when the desk's log may have grown; return what ends it."""
        with self._lock:
            self.wakes[desk] = [*self.wakes.get(desk, ()), wake]

        def unsubscribe() -> None:
            with self._lock:
                rest = [each for each in self.wakes.get(desk, ()) if each is not wake]
                if rest:
                    self.wakes[desk] = rest
                else:
                    self.wakes.pop(desk, None)

        return unsubscribe

    def tell(self, desks: Iterable[str] | None = None) -> None:
        """Wake who waits for these desks; None wakes everybody."""
        with self._lock:
            named = list(self.wakes) if desks is None else list(desks)
            wakes = [wake for desk in named for wake in self.wakes.get(desk, ())]
        for wake in wakes:
            wake()
