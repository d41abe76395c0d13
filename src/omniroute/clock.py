"""The only reader of time. Everything else is told what the time is.

A clock answers `now()` in UTC microseconds. `SystemClock` asks the machine; `ManualClock` is moved
by hand, which is how thirty days pass in a unit test.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from omniroute.instants import check_instant, from_micros, instant_or_micros, to_duration

__all__ = ["Clock", "ManualClock", "Reading", "Sleeper", "SystemClock"]


class Clock(Protocol):
    """Tells the time in integer UTC microseconds."""

    def now(self) -> int:
        """Return the present instant in UTC microseconds."""
        ...


@runtime_checkable
class Sleeper(Clock, Protocol):
    """A clock that one can also sleep on."""

    def sleep(self, duration: int, /) -> None:
        """Return when that many microseconds have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def sleep(self, duration: int) -> None:
        """Let the thread sleep for that many microseconds."""
        time.sleep(duration / 1_000_000)

    def now(self) -> int:
        """Return the machine's time in UTC microseconds."""
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that stands still until it is moved. Moving it back is allowed: clocks do (R7)."""

    def __init__(self, start: datetime | int) -> None:
        self._now = instant_or_micros(start, "start")

    def now(self) -> int:
        """Return the instant the clock was last set to, in UTC microseconds."""
        return self._now

    def sleep(self, duration: int) -> None:
        """Move forward by that many microseconds, at once: nobody waits."""
        self._now += duration

    def advance(self, by: str | timedelta) -> int:
        """Move the clock forward by a duration (`"12m"`) and return the new instant."""
        self._now += to_duration(by, where="by")
        return self._now

    def set(self, instant: datetime | int) -> None:
        """Set the clock to an aware datetime or to UTC microseconds."""
        self._now = instant_or_micros(instant, "instant")

    def __repr__(self) -> str:
        return f"ManualClock({from_micros(self._now).isoformat()})"


class Reading(int):
    """An instant that a clock gave and not the caller.

    Who has waited since, for a lock, asks again: instants are then in the order of what happens.
    """

    __slots__ = ()

    def again(self, clock: Clock) -> int:
        """Return what the clock says by now, and never less."""
        now = clock.now()
        return now if now > self else int(self)


def resolve_now(now: datetime | None, clock: Clock, where: str = "now") -> int:
    """Return what `now=` means at the face: an aware datetime, or the clock's time."""
    if now is None:
        return Reading(clock.now())
    return check_instant(now, where)
