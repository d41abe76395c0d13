"""What waits in the outbox, and what was given up: listed with the reason, put back on request."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from omniroute.desk.flow_runs import flow_id
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.effects import OutboxEntry, OutboxState, StartFlow
from omniroute.model.message import Message
from omniroute.model.values import frozen
from omniroute.model.wire import DeliveryStatus
from omniroute.ports import Transaction
from omniroute.schema import MESSAGES, OUTBOX

__all__ = ["DeadLetter", "dead_letters", "next_ready", "redrive", "waiting"]

_DEAD = OUTBOX.index("dead")
_READY = OUTBOX.index("ready")


@frozen
class DeadLetter:
    """A message that did not go out, or a flow that did not start: why, and after how many tries.

    `message` is the message's id, or where `flow` names one, the id that the flow was started with.
    `conversation` is empty for an engagement, which is part of none.
    """

    message: str
    conversation: str
    reason: str
    attempts: int
    flow: str | None = None


def dead_letters(desk: str, limit: int) -> Callable[[Transaction], list[DeadLetter]]:
    """Return the work that lists dead messages in the order they were written."""

    def work(tx: Transaction) -> list[DeadLetter]:
        return [_letter(entry) for entry in tx.scan(_DEAD, desk, limit=limit)]

    return work


def waiting(desk: str) -> Callable[[Transaction], int]:
    """Return the work that counts what is ready to go out, or waits for another try."""
    return lambda tx: tx.count(_READY, desk)


def next_ready(tx: Transaction, desk: str, now: int) -> int | None:
    """Return the first instant after `now` at which something becomes ready, or None."""
    ahead = tx.entries(_READY, desk, after=(now + 1, "", "", 0), limit=1)
    return ahead[0][0] if ahead else None


def _letter(entry: OutboxEntry) -> DeadLetter:
    effect, reason = entry.effect, entry.reason or ""
    if isinstance(effect, StartFlow):
        return DeadLetter(flow_id(entry), entry.conversation, reason, entry.attempts, effect.flow)
    return DeadLetter(effect.message, entry.conversation, reason, entry.attempts)


def redrive(message: str) -> Callable[[Unit], None]:
    """Return the flow that makes what is dead ready again, with its tries counted anew."""

    def flow(unit: Unit) -> None:
        found = unit.tx.get(MESSAGES, unit.desk, (message,))
        key = _flow_key(message) if found is None else (found.conversation, found.position)
        entry = None if key is None else unit.tx.get(OUTBOX, unit.desk, key)
        if entry is None or entry.state is not OutboxState.DEAD:
            raise UsageError(f"message {message!r} is not in the dead letters")
        again = evolve(entry, state=OutboxState.PENDING, ready_at=unit.now, attempts=0, reason=None)
        unit.tx.put(OUTBOX, unit.desk, again)
        if found is not None:
            unit.tx.put(MESSAGES, unit.desk, _pending(found))

    return flow


def _flow_key(name: str) -> tuple[str, int] | None:
    conversation, _, position = name.rpartition(":")
    digits = position.isascii() and position.isdigit()
    return (conversation, int(position)) if conversation and digits else None


def _pending(message: Message) -> Message:
    return evolve(message, status=DeliveryStatus.PENDING, error=None)
