"""Status: how a clock stands at an instant, for people to read (P11, U68). Nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from omniroute.model.conversation import Conversation, Sla, SlaClock
from omniroute.model.sla import OpenTime
from omniroute.rules.sla.clocks import WARNING_OF
from omniroute.rules.sla.counting import elapsed
from omniroute.rules.sla.targets import is_overdue

__all__ = ["ClockStatus", "Cue", "clock_status", "clocks_of", "cue", "overdue_by"]


class ClockStatus(StrEnum):
    """How a clock stands: those that wait, those that were met, and those that were not."""

    RUNNING = "running"
    AT_RISK = "at_risk"
    PAUSED = "paused"
    BREACHED = "breached"
    MET = "met"
    STOPPED = "stopped"


class Cue(StrEnum):
    """What an agent is shown of the response target: nothing to answer, an answer due, or late."""

    OK = "ok"
    DUE = "due"
    EXCEEDED = "exceeded"


def clocks_of(conversation: Conversation) -> Iterator[SlaClock]:
    """Yield the latest clock of each kind: those that run or are paused, then those that stopped."""
    sla = conversation.clocks.sla
    if sla is None:
        return
    running = [clock for clock in (sla.response, sla.resolution) if clock is not None]
    kinds = [clock.kind for clock in running]
    yield from running
    yield from (clock for clock in sla.stopped if clock.kind not in kinds)


def clock_status(conversation: Conversation, clock: SlaClock, now: int) -> ClockStatus:
    """Return how a clock of the conversation stands at `now`, whatever was told of it so far.

    Breached is strictly after the due instant (G20), at risk from the instant of the warning.
    """
    if clock.due is None:
        return ClockStatus.MET if clock.met else ClockStatus.PAUSED
    if is_overdue(now if clock.stopped_at is None else clock.stopped_at, clock.due):
        return ClockStatus.BREACHED
    if clock.stopped_at is not None:
        return ClockStatus.MET if clock.met else ClockStatus.STOPPED
    kind = WARNING_OF[clock.kind]
    if clock.warned or any(at <= now and armed is kind for at, armed in conversation.timers):
        return ClockStatus.AT_RISK
    return ClockStatus.RUNNING


def overdue_by(clock: SlaClock, hours: OpenTime | None, now: int) -> int:
    """Return by how much open time a clock is, or was, past its due instant; 0 where it is not."""
    if clock.due is None:
        return 0
    return elapsed(hours, clock.due, now if clock.stopped_at is None else clock.stopped_at)


def cue(sla: Sla | None, now: int) -> tuple[Cue, int | None]:
    """Return an agent's cue, and the microseconds that are left of the target, below zero once past."""
    if sla is None or sla.respond_by is None:
        return Cue.OK, None
    left = sla.respond_by - now
    return (Cue.DUE if left > 0 else Cue.EXCEEDED), left
