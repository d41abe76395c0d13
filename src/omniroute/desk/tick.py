"""Deadlines: firing what is due, in order, in bounded batches; costs nothing for the rest."""

from __future__ import annotations

from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.model.commands import Expire
from omniroute.model.conversation import Conversation
from omniroute.schema import CONVERSATIONS

__all__ = ["BATCH", "tick_batch"]

BATCH = 100
"""How many conversations one transaction looks at (R6)."""

_DEADLINES = CONVERSATIONS.index("deadlines")


def tick_batch(unit: Unit) -> tuple[int, bool]:
    """Fire up to `BATCH` conversations' due deadlines; return how many fired, and whether more are due.

    A deadline's event carries the deadline's own instant, however late the tick comes (U43, S2).
    """
    due = unit.tx.scan(_DEADLINES, unit.desk, until=(unit.now,), limit=BATCH)
    for conversation in due:
        _fire(unit, conversation)
    settle(unit)
    ahead = unit.tx.entries(_DEADLINES, unit.desk, limit=1)
    unit.expect_no_deadline_before(ahead[0][0] if ahead else None)
    unit.finish()
    return len(due), bool(ahead) and ahead[0][0] <= unit.now


def _fire(unit: Unit, conversation: Conversation) -> None:
    at, kind = conversation.timers[0]
    unit.perform(conversation, Expire(kind), unit.policy(conversation), now=at)

