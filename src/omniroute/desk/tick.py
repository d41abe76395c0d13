"""Deadlines: firing what is due, in order, in bounded batches; costs nothing for the rest."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from omniroute.desk import idempotency, jobs
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.model.conversation import Conversation
from omniroute.rules.timers import in_order
from omniroute.schema import CONVERSATIONS

__all__ = ["BATCH", "fire_overdue", "tick_batch"]

BATCH = 100
"""How many deadlines one transaction fires (R6)."""

_DEADLINES = CONVERSATIONS.index("deadlines")


def tick_batch(unit: Unit) -> tuple[int, bool]:
    """Fire up to `BATCH` due deadlines; return how many, and whether more are due.

    A deadline's event carries the deadline's own instant, however late the tick comes (U43, S2).
    """
    working = jobs.advance(unit)
    unit.flush()
    fired = _fire(unit, inclusive=True)
    settle(unit)
    more = _look_ahead(unit) or working
    idempotency.purge(unit)
    unit.finish()
    return fired, more


def fire_overdue(unit: Unit) -> None:
    """Fire what came due before this unit's instant, before anything else happens in it (R6).

    What is due at this very instant waits: a message stamped so wins (U43).
    """
    if unit.may_be_overdue:
        _fire(unit, inclusive=False)
        unit.flush()
        _look_ahead(unit)


def _fire(unit: Unit, *, inclusive: bool) -> int:
    """Fire up to `BATCH` due deadlines in the order of their instants; return how many.

    What one of them sets free is given out before the next: who gets an agent in time does not
    expire, however late all this is looked at.
    """
    due = unit.tx.scan(_DEADLINES, unit.desk, until=(unit.now,), limit=BATCH)
    # Beyond the last that was read there may be others that come before what is armed meanwhile.
    horizon = due[-1].timers[0][0] if len(due) == BATCH else unit.now
    ahead = [(in_order(each.timers[0]), each.id) for each in due]
    heapify(ahead)
    fired = 0
    while ahead and fired < BATCH:
        at, name = heappop(ahead)
        # The job that follows a new configuration may not have come by yet (S4).
        conversation = unit.refresh(unit.conversation(name))
        if unit.is_due(conversation, inclusive=inclusive):
            if in_order(conversation.timers[0]) == at:
                conversation = unit.fire(conversation)
                fired += 1
                conversation = _settled(unit, conversation, at[0])
            if conversation.timers and conversation.timers[0][0] <= horizon:
                heappush(ahead, (in_order(conversation.timers[0]), name))
    return fired


def _settled(unit: Unit, conversation: Conversation, at: int) -> Conversation:
    """Give out what a deadline has set free, as things stood at its instant."""
    if not unit.freed and not unit.queued:
        return conversation
    unit.reached = at
    settle(unit)
    unit.reached = unit.now
    return unit.conversation(conversation.id)


def _look_ahead(unit: Unit) -> bool:
    """Note when the next deadline comes; return whether it has come already."""
    ahead = unit.tx.entries(_DEADLINES, unit.desk, limit=1)
    unit.expect_no_deadline_before(ahead[0][0] if ahead else None)
    return bool(ahead) and ahead[0][0] <= unit.now
