"""The part of `Desk` that is about silence and time: snooze, wake, dismiss, reopen, run by a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from omniroute.clock import Clock, Sleeper
from omniroute.desk.part import Part
from omniroute.errors import UsageError
from omniroute.instants import check_instant, to_duration, to_micros
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import handle, idempotency, presence, wrapping
    from omniroute.desk.views import ConversationView
else:
    handle, idempotency, presence, wrapping = later(
        globals(), "omniroute.desk", "handle", "idempotency", "presence", "wrapping"
    )

__all__ = ["EVERY", "Pausing", "bounds", "sleeper"]

EVERY = "1s"
"""How long `run` sleeps at most: what other processes arm or accept waits no longer than this."""


class Pausing(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    if TYPE_CHECKING:
        tick: Callable[..., int]
        deliver: Callable[..., int]
        next_due: Callable[[], datetime | None]
        next_delivery: Callable[[], datetime | None]

    def snooze(
        self,
        conversation: str,
        *,
        by: str,
        for_: str | timedelta | None = None,
        until: datetime | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Put a conversation aside for a time (`"3h"`) or until an aware datetime (A11).

        Its slot is free at once (A12). It waits again when the contact writes, or at its time (A14,
        A15). Raises `NotHolder` unless `by` holds it (A13), `UsageError` for an instant that has
        passed or lies beyond its hard expiry (S5). `key` and `within` as for `take`.
        """
        flow = handle.snooze(conversation, by, handle.wake_instant(for_, until))
        flow = idempotency.once(key, flow, "snooze", conversation, by, for_, until)
        return self._commanded(flow, now, within, (conversation, by, key, "frees"))

    def wake(
        self,
        conversation: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Bring a snoozed conversation back before its time: it waits in its queue.

        `key` and `within` as for `take`.
        """
        flow = idempotency.once(key, handle.wake(conversation, by), "wake", conversation, by)
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def dismiss(
        self,
        conversation: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Park a conversation whose contact fell silent, until they write again (U37).

        Raises `TransitionNotAllowed` before it is inactive, `NotHolder` unless `by` holds it. `key`
        and `within` as for `take`.
        """
        flow = idempotency.once(key, handle.dismiss(conversation, by), "dismiss", conversation, by)
        return self._commanded(flow, now, within, (conversation, by, key, "frees"))

    def reopen(
        self,
        conversation: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Bring back a conversation that has ended: it waits in its queue, and nobody for an answer (S9).

        Raises `ConversationOpen`, naming it, where another one of the same contact and thread is
        open; `TransitionNotAllowed` where it had no queue, or its queue is gone. `key` and `within`
        as for `take`.
        """
        flow = idempotency.once(key, handle.reopen(conversation, by), "reopen", conversation, by)
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def wrapped_up(
        self,
        conversation: str,
        *,
        by: str,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Say that one is done with an ended conversation: the slot it still holds is free (P6).

        Raises `UsageError` where `by` holds no slot for it.
        """
        self._runtime.run(self.id, self._now(now), wrapping.finish(conversation, by), within=within)

    def heartbeat(
        self, agent: str, *, now: datetime | None = None, within: object | None = None
    ) -> None:
        """Note that an agent is there; without one for `presence.away_after` they are away (P7).

        Whoever was away for that reason is available again. Raises `UsageError` where the desk's
        policy has no `presence`.
        """
        self._runtime.run(self.id, self._now(now), presence.heartbeat(agent), within=within)

    def run(
        self,
        *,
        stop: Callable[[], bool] | None = None,
        until: datetime | None = None,
        every: str | timedelta = EVERY,
    ) -> int:
        """Tick and deliver as things come due, sleeping on the desk's clock; return what was fired.

        Goes on until `stop()` says so, or the clock has reached `until`. Looks again after `every`
        at the latest: other processes arm deadlines too. Raises `UsageError` where the clock cannot
        sleep.
        """
        clock, fired = sleeper(self._runtime.clock), 0
        longest, end = bounds(every, until)
        while stop is None or not stop():
            fired += self.tick()
            self.deliver()
            pause = self._pause(longest, end)
            if pause is None:
                break
            clock.sleep(pause)
        return fired

    def _pause(self, longest: int, end: int | None) -> int | None:
        """How long to sleep: until something is due; None when the clock has reached the end."""
        now = self._runtime.clock.now()
        if end is not None and end <= now:
            return None
        instants = (self.next_due(), self.next_delivery())
        ahead = [to_micros(each) for each in instants if each is not None]
        ahead += [] if end is None else [end]
        return max(min([*ahead, now + longest]) - now, 1)


def bounds(every: str | timedelta, until: datetime | None) -> tuple[int, int | None]:
    """Return how long to sleep at most, and where to end: looked at before anything is done."""
    end = None if until is None else check_instant(until, "until")
    return to_duration(every, where="every"), end


def sleeper(clock: Clock) -> Sleeper:
    """Return the clock as one that can sleep; `UsageError` where it cannot."""
    if not isinstance(clock, Sleeper):
        raise UsageError("this clock cannot sleep", expected="a method sleep(microseconds)")
    return clock
