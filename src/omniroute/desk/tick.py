"""Deadlines: firing what is due, in order, in bounded batches; costs nothing for the rest."""

from __future__ import annotations

from omniroute.desk import idempotency, jobs
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.schema import CONVERSATIONS

__all__ = ["BATCH", "fire_overdue", "tick_batch"]

BATCH = 100
"""How many conversations one transaction looks at (R6)."""

_DEADLINES = CONVERSATIONS.index("deadlines")


def tick_batch(unit: Unit) -> tuple[int, bool]:
    """Fire up to `BATCH` conversations' due deadlines; return how many, and whether more are due.

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
    due = unit.tx.scan(_DEADLINES, unit.desk, until=(unit.now,), limit=BATCH)
    fired = 0
    for stored in due:
        conversation = unit.refresh(stored)  # the job may not have come by yet (S4)
        after = unit.catch_up(conversation, inclusive=inclusive)
        fired += after is not conversation
    return fired


def _look_ahead(unit: Unit) -> bool:
    """Note when the next deadline comes; return whether it has come already."""
    ahead = unit.tx.entries(_DEADLINES, unit.desk, limit=1)
    unit.expect_no_deadline_before(ahead[0][0] if ahead else None)
    return bool(ahead) and ahead[0][0] <= unit.now
