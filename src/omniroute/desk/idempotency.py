"""Commands that are asked twice and done once: the first result again, for the same key (R4).

The record commits with the command's own writes, so there is never one without the other. Only
committed results are recorded; a command that raised may be asked again under its key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from omniroute.desk.unit import Unit
from omniroute.errors import IdempotencyConflict
from omniroute.model.conversation import Conversation
from omniroute.model.message import Message
from omniroute.model.records import IdempotencyRecord
from omniroute.model.values import frozen
from omniroute.rules.storable import check_key
from omniroute.schema import IDEMPOTENCY

__all__ = ["Done", "once", "purge"]

_EXPIRY = IDEMPOTENCY.index("idempotency_expiry")
_PURGED_AT_ONCE = 100


@frozen
class Done:
    """What a command gave: the conversation after it, if it is about one, and the message it wrote."""

    conversation: Conversation | None
    message: Message | None = None


D = TypeVar("D", Done, Done | None)


def once(key: str | None, flow: Callable[[Unit], D], *asked: Any) -> Callable[[Unit], D]:
    """Return the flow that runs `flow` the first time, and gives its result again afterwards.

    `asked` is the command's name and everything that was asked with it. A flow that found nothing to
    do (None) did nothing, and is asked anew. Raises `IdempotencyConflict` where the key stands for
    something else.
    """
    if key is None:
        return flow
    check_key(key, "key")
    digest = _digest(asked)

    def guarded(unit: Unit) -> D:
        known = unit.tx.get(IDEMPOTENCY, unit.desk, (key,))
        if known is not None and known.expires_at > unit.now:
            return _again(known, digest)
        done = flow(unit)
        _remember(unit, key, digest, done)
        return done

    return guarded


def _remember(unit: Unit, key: str, digest: str, done: Done | None) -> None:
    if done is not None:
        expires_at = unit.now + unit.setup.policy().idempotency_window
        record = IdempotencyRecord(key, digest, expires_at, done.conversation, done.message)
        unit.tx.put(IDEMPOTENCY, unit.desk, record)


def _digest(asked: tuple[Any, ...]) -> str:
    import hashlib
    import json

    text = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _again(known: IdempotencyRecord, digest: str) -> Done:
    if known.digest != digest:
        raise IdempotencyConflict(
            f"the key {known.key!r} was used for another command",
            hint="use a new key for a new command, the same key only to repeat one",
        )
    return Done(known.conversation, known.message)


def purge(unit: Unit) -> None:
    """Forget the keys whose time is over, a bounded number at once."""
    for record in unit.tx.scan(_EXPIRY, unit.desk, until=(unit.now,), limit=_PURGED_AT_ONCE):
        unit.tx.delete(IDEMPOTENCY, unit.desk, (record.key,))
