"""Deadlines: firing what is due, in order, in bounded batches; costs nothing for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from omniroute.desk import idempotency, jobs
from omniroute.desk.presence import missed
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.desk.wrapping import end_wrap_up
from omniroute.model.conversation import Conversation
from omniroute.model.records import AgentTimer, AgentTimerKind
from omniroute.ports import Transaction
from omniroute.rules.timers import in_order
from omniroute.schema import AGENT_TIMERS, CONVERSATIONS

__all__ = ["BATCH", "earliest", "fire_overdue", "tick_batch"]

BATCH = 100
"""How many deadlines one transaction fires (R6)."""

_DEADLINES = CONVERSATIONS.index("deadlines")
_AGENT_DEADLINES = AGENT_TIMERS.index("agent_deadlines")


def tick_batch(unit: Unit) -> tuple[int, bool]:
    """Fire up to `BATCH` due deadlines; return how many, and whether more are due.

    A deadline's event carries the deadline's own instant, however late the tick comes (U43, S2).
    """
    working = jobs.advance(unit)
    fired, more = 0, False
    if unit.may_be_overdue:
        unit.flush()
        fired = _fire(unit, inclusive=True)
        settle(unit)
        more = _look_ahead(unit)
    else:
        settle(unit)
    idempotency.purge(unit)
    unit.finish()
    return fired, more or working


def fire_overdue(unit: Unit) -> None:
    """Fire what came due before this unit's instant, before anything else happens in it (R6).

    What is due at this very instant waits: a message stamped so wins (U43).
    """
    if unit.may_be_overdue:
        _fire(unit, inclusive=False)
        unit.flush()
        _look_ahead(unit)


_Due = tuple[tuple[int, int], int, str, AgentTimer | None]
"""What is due: its place in the order, whether it is a conversation's (0) or an agent's, and whose."""


def _fire(unit: Unit, *, inclusive: bool) -> int:
    """Fire up to `BATCH` due deadlines in the order of their instants; return how many.

    What one of them sets free is given out before the next: who gets an agent in time does not
    expire, however late all this is looked at.
    """
    ahead, horizon = _due(unit)
    fired = 0
    while ahead and fired < BATCH:
        at, _, name, timer = heappop(ahead)
        unit.reached = at[0]
        if timer is not None:
            fired += _fire_agents(unit, timer, at[0], inclusive=inclusive)
        else:
            fired += _fire_one(unit, unit.conversation(name), at, inclusive=inclusive)
        if unit.agenda.freed or unit.agenda.queued or unit.agenda.closed:
            settle(unit)
        for entry in _again(unit):
            if entry[0][0] <= horizon:
                heappush(ahead, entry)
    unit.reached = unit.now
    return fired


def _fire_one(
    unit: Unit, conversation: Conversation, at: tuple[int, int], *, inclusive: bool
) -> bool:
    """Fire a conversation's deadline, unless it has moved since it was read."""
    # The job that follows a new configuration may not have come by yet (S4).
    conversation = unit.refresh(conversation)
    if not unit.is_due(conversation, inclusive=inclusive):
        return False
    if in_order(conversation.timers[0]) != at:
        return False
    unit.fire(conversation)
    return True


def _again(unit: Unit) -> Iterator[_Due]:
    """Yield what became due while the last deadline was fired."""
    agenda = unit.agenda
    for name in agenda.due_again:
        timers = unit.conversation(name).timers
        if timers:
            yield in_order(timers[0]), 0, name, None
    yield from map(_entry, agenda.agents_due)
    agenda.due_again.clear()
    agenda.agents_due.clear()


def _entry(timer: AgentTimer) -> _Due:
    assert timer.due is not None  # noqa: S101  (those that have none are in no index)
    return (timer.due, 0), 1, f"{timer.agent} {timer.conversation}", timer


def _due(unit: Unit) -> tuple[list[_Due], int]:
    """Return what is due as a heap, and up to which instant it is everything there is."""
    until = (unit.now,)
    conversations = unit.tx.scan(_DEADLINES, unit.desk, until=until, limit=BATCH)
    timers = unit.tx.scan(_AGENT_DEADLINES, unit.desk, until=until, limit=BATCH)
    ahead: list[_Due] = [(in_order(each.timers[0]), 0, each.id, None) for each in conversations]
    horizon = unit.now
    # Beyond the last that was read there may be others that come before what is armed meanwhile.
    if len(conversations) == BATCH:
        horizon = conversations[-1].timers[0][0]
    ahead += map(_entry, timers)
    if len(timers) == BATCH:
        horizon = min(horizon, ahead[-1][0][0])
    # What was read beyond it waits for those: they come first (S2).
    ahead = [each for each in ahead if each[0][0] <= horizon]
    heapify(ahead)
    return ahead, horizon


def _fire_agents(unit: Unit, timer: AgentTimer, at: int, *, inclusive: bool) -> bool:
    """Fire a deadline of an agent, unless it has moved since it was read."""
    known = unit.tx.get(AGENT_TIMERS, unit.desk, AGENT_TIMERS.key(timer))
    if known != timer or at > unit.now or (at == unit.now and not inclusive):
        return False
    if timer.kind is AgentTimerKind.WRAP_UP:
        end_wrap_up(unit, timer, at)
    else:
        missed(unit, timer, at)
    return True


def earliest(tx: Transaction, desk: str) -> int | None:
    """Return the instant of a desk's earliest deadline, or None."""
    ahead = [
        *tx.entries(_DEADLINES, desk, limit=1),
        *tx.entries(_AGENT_DEADLINES, desk, limit=1),
    ]
    return min((int(entry[0]) for entry in ahead), default=None)


def _look_ahead(unit: Unit) -> bool:
    """Note when the next deadline comes; return whether it has come already."""
    ahead = earliest(unit.tx, unit.desk)
    unit.expect_no_deadline_before(ahead)
    return ahead is not None and ahead <= unit.now
