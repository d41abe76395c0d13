"""Messages that were given up: listed with the reason, and put back on request (R10)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.effects import OutboxState
from omniroute.model.message import Message
from omniroute.model.values import frozen
from omniroute.model.wire import DeliveryStatus
from omniroute.ports import Transaction
from omniroute.schema import MESSAGES, OUTBOX

__all__ = ["DeadLetter", "dead_letters", "redrive"]

_DEAD = OUTBOX.index("dead")


@frozen
class DeadLetter:
    """A message that did not go out: why, and after how many tries.

    `conversation` is empty for an engagement, which is part of none.
    """

    message: str
    conversation: str
    reason: str
    attempts: int


def dead_letters(desk: str, limit: int) -> Callable[[Transaction], list[DeadLetter]]:
    """Return the work that lists dead messages in the order they were written."""

    def work(tx: Transaction) -> list[DeadLetter]:
        return [
            DeadLetter(entry.effect.message, entry.conversation, entry.reason or "", entry.attempts)
            for entry in tx.scan(_DEAD, desk, limit=limit)
        ]

    return work


def redrive(message: str) -> Callable[[Unit], None]:
    """Return the flow that makes a dead message ready again, with its tries counted anew."""

    def flow(unit: Unit) -> None:
        found = unit.tx.get(MESSAGES, unit.desk, (message,))
        entry = None
        if found is not None:
            entry = unit.tx.get(OUTBOX, unit.desk, (found.conversation, found.position))
        if found is None or entry is None or entry.state is not OutboxState.DEAD:
            raise UsageError(f"message {message!r} is not in the dead letters")
        again = evolve(entry, state=OutboxState.PENDING, ready_at=unit.now, attempts=0, reason=None)
        unit.tx.put(OUTBOX, unit.desk, again)
        unit.tx.put(MESSAGES, unit.desk, _pending(found))

    return flow


def _pending(message: Message) -> Message:
    return evolve(message, status=DeliveryStatus.PENDING, error=None)
