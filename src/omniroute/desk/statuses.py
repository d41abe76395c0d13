"""What providers report of outgoing messages, and what delivery itself finds out: one way to note both.

A status may overtake the answer that tells its message's id; it is kept, and noted when the id is
known.
"""

from __future__ import annotations

from attrs import evolve

from omniroute.desk.unit import Unit
from omniroute.model import events as tell
from omniroute.model.commands import End
from omniroute.model.events import SYSTEM
from omniroute.model.message import Message
from omniroute.model.records import EarlyStatus
from omniroute.model.state import EndReason
from omniroute.model.wire import DeliveryStatus
from omniroute.rules.delivery import merge_status
from omniroute.rules.texts import never_began
from omniroute.schema import EARLY_STATUSES, MESSAGES, OUTBOX

__all__ = ["note_early_statuses", "note_status", "set_status"]

_PROVIDER_IDS = MESSAGES.index("provider_ids")
_OF_CONVERSATION = MESSAGES.index("messages_of")
_WITHOUT_AN_ANSWER = (DeliveryStatus.PENDING, DeliveryStatus.UNKNOWN)


def note_status(unit: Unit, report: EarlyStatus, outgoing: str | None = None) -> Message | None:
    """Note a report on the message it speaks of; keep it and return None when that is not known yet.

    `outgoing` is our own id of the message, where the provider hands it back: it finds a message
    whose answer was lost, which then counts as sent and leaves the dead letters, and one whose
    answer is still awaited (S12).
    """
    prefix = (report.entry_point, report.provider_id)
    found = unit.tx.scan(_PROVIDER_IDS, unit.desk, prefix, limit=1)
    message = found[0] if found else _lost(unit, report, outgoing)
    if message is None:
        _keep(unit, report)
        return None
    return set_status(unit, message, report.status, report.at, report.reason)


def _lost(unit: Unit, report: EarlyStatus, outgoing: str | None) -> Message | None:
    message = None if outgoing is None else unit.tx.get(MESSAGES, unit.desk, (outgoing,))
    if message is None or message.status not in _WITHOUT_AN_ANSWER:
        return None
    if message.entry_point != report.entry_point:
        return None  # whoever signs for one entry point says nothing of another's messages
    message = evolve(message, provider_ids=(*message.provider_ids, report.provider_id))
    unit.tx.put(MESSAGES, unit.desk, message)
    if message.status is not DeliveryStatus.PENDING:  # that one is on its way, perhaps in parts
        unit.tx.delete(OUTBOX, unit.desk, (message.conversation, message.position))
    return message


def _keep(unit: Unit, report: EarlyStatus) -> None:
    key = (report.entry_point, report.provider_id)
    known = unit.tx.get(EARLY_STATUSES, unit.desk, key)
    if known is None or merge_status(known.status, report.status) is not None:
        unit.tx.put(EARLY_STATUSES, unit.desk, report)


def note_early_statuses(unit: Unit, message: Message) -> Message:
    """Note what was reported of a message before its provider's ids were known."""
    for provider_id in message.provider_ids:
        key = (message.entry_point, provider_id)
        early = unit.tx.get(EARLY_STATUSES, unit.desk, key)
        if early is not None:
            message = set_status(unit, message, early.status, early.at, early.reason)
            unit.tx.delete(EARLY_STATUSES, unit.desk, key)
    return message


def set_status(
    unit: Unit, message: Message, status: DeliveryStatus, at: int, reason: str | None = None
) -> Message:
    """Merge a status into a message and tell it; a status that adds nothing changes nothing (R11)."""
    merged = merge_status(message.status, status)
    if merged is None:
        return message
    error = reason if merged is DeliveryStatus.FAILED else message.error
    message = evolve(message, status=merged, status_at=at, error=error)
    unit.tx.put(MESSAGES, unit.desk, message)
    if not message.conversation:
        told = tell.EngagementDelivery(message.id, unit.now, SYSTEM, merged, reason)
        unit.write_event(told)
        return message
    # Told no earlier than what came before it, whoever's clock is behind (S1).
    at = max(unit.now, unit.conversation(message.conversation).at)
    unit.write_event(
        tell.DeliveryChanged(message.conversation, at, SYSTEM, None, message.id, merged, reason)
    )
    if merged is DeliveryStatus.FAILED:
        _end_unbegun(unit, message)
    return message


def _end_unbegun(unit: Unit, message: Message) -> None:
    """End what an agent started where its first message did not come through (S11)."""
    conversation = unit.conversation(message.conversation)
    if conversation.ended or not never_began(conversation):
        return
    (first,) = unit.tx.scan(_OF_CONVERSATION, unit.desk, (conversation.id,), limit=1)
    if first.id == message.id:
        unit.perform(conversation, End(None, EndReason.FAILURE), unit.policy(conversation))
