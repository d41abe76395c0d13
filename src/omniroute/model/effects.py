"""What must be done outside, decided inside a transaction and carried out after it (promise 2)."""

from __future__ import annotations

from enum import StrEnum

from omniroute.model.values import frozen

__all__ = ["Effect", "OutboxEntry", "OutboxState", "SendMessage", "StartFlow"]


@frozen
class SendMessage:
    """Carry a message to the contact. `message` is its id, the same on every retry (R10).

    `to` is the address where no conversation has one: an engagement's (C10).
    """

    message: str
    to: str | None = None


@frozen
class StartFlow:
    """Let a plugin start a flow of the channel, `entry` or `exit`, that the log told of at `at` (T2)."""

    flow: str
    stage: str
    at: int


Effect = SendMessage | StartFlow


class OutboxState(StrEnum):
    """Where an effect stands. A dead one is listed, and no longer holds up those behind it (S12)."""

    PENDING = "pending"
    DEAD = "dead"


@frozen
class OutboxEntry:
    """An effect that was committed and not yet carried out.

    `ready_at` is when it may be tried next, or when a lease on it runs out, in UTC microseconds.
    `step` and `sent_ids` are how far a message of several parts came. `conversation` is empty for an
    engagement, which waits for no other message.
    """

    conversation: str
    position: int
    entry_point: str
    effect: Effect
    ready_at: int
    state: OutboxState = OutboxState.PENDING
    attempts: int = 0
    step: int = 0
    sent_ids: tuple[str, ...] = ()
    reason: str | None = None
