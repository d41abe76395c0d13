"""Delivery: what was committed to the outbox goes out, and what came of it is written down.

Lease in one transaction, talk to the provider in none, record in another. A lease runs out by
itself, so that a worker's death delays a message and does not lose it (R10). What may have gone out
and may not is never sent again blindly: it is listed dead as `unknown`, unless the adapter sends
idempotently (S12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve

from omniroute.channels.transports import drive
from omniroute.desk.flow_runs import record_flow, start_flow
from omniroute.desk.routing import settle
from omniroute.desk.runtime import Runtime
from omniroute.desk.statuses import note_early_statuses, set_status
from omniroute.desk.stumbles import tell_stumble
from omniroute.desk.unit import Unit
from omniroute.errors import OmnirouteError, UnknownEntryPoint
from omniroute.lazy import later
from omniroute.model.conversation import Conversation
from omniroute.model.effects import OutboxEntry, OutboxState, StartFlow
from omniroute.model.message import Message
from omniroute.model.values import frozen
from omniroute.model.wire import (
    Accepted,
    DeliveryStatus,
    Outgoing,
    OutRequest,
    OutResponse,
    Permanent,
    Retryable,
    SendContext,
    SendResult,
    Unknown,
)
from omniroute.ports import ChannelAdapter, Transaction, Transport
from omniroute.rules.delivery import LEASE, MAX_ATTEMPTS, after_failure
from omniroute.rules.handed_over import result_problem
from omniroute.rules.names import storable_text
from omniroute.schema import CONVERSATIONS, MESSAGES, OUTBOX

if TYPE_CHECKING:
    import logging
else:
    (logging,) = later(globals(), None, "logging")

__all__ = ["BATCH", "Parcel", "deliver", "lease", "record", "send"]

BATCH = 16
"""How many messages one transaction leases, and one records."""

_READY = OUTBOX.index("ready")
_CARRYING = MESSAGES.index("messages_carrying")


@frozen
class Parcel:
    """An outbox entry with everything that carrying it out needs; a flow has no message."""

    entry: OutboxEntry
    to: str
    message: Message | None
    context: SendContext
    conversation: Conversation | None = None


def lease(desk: str, now: int, limit: int = BATCH) -> Callable[[Transaction], list[Parcel]]:
    """Return the work that takes what is ready, the oldest first, at most one for each conversation."""

    def work(tx: Transaction) -> list[Parcel]:
        entries = tx.lease(_READY, desk, now=now, until=now + LEASE, limit=limit)
        return [parcel for entry in entries if (parcel := _parcel(tx, desk, entry)) is not None]

    return work


def _parcel(tx: Transaction, desk: str, entry: OutboxEntry) -> Parcel | None:
    effect = entry.effect
    if isinstance(effect, StartFlow):
        return _flow(tx, desk, entry)
    message, to = tx.get(MESSAGES, desk, (effect.message,)), effect.to
    carried: Mapping[str, Any] = {}
    if to is None:
        conversation = tx.get(CONVERSATIONS, desk, (entry.conversation,))
        to = None if conversation is None else conversation.place.address
        # The latest that brought something: a reaction, say, has no mail reference to answer to.
        brought = tx.scan(_CARRYING, desk, (entry.conversation,), limit=1, reverse=True)
        carried = brought[0].carry if brought else {}
    if message is None or to is None:
        tx.delete(OUTBOX, desk, OUTBOX.key(entry))
        return None
    context = SendContext(carry=carried, step=entry.step, sent_ids=entry.sent_ids)
    return Parcel(entry, to, message, context)


def _flow(tx: Transaction, desk: str, entry: OutboxEntry) -> Parcel | None:
    conversation = tx.get(CONVERSATIONS, desk, (entry.conversation,))
    if conversation is None:
        tx.delete(OUTBOX, desk, OUTBOX.key(entry))
        return None
    return Parcel(entry, conversation.place.address, None, SendContext(), conversation)


def send(runtime: Runtime, desk: str, parcel: Parcel) -> SendResult:
    """Carry one message to its provider, or start a flow, and say how it went. Never raises for it."""
    entry, effect = parcel.entry, parcel.entry.effect
    if entry.attempts > MAX_ATTEMPTS:
        # Leased so often, and nobody could write down what came of it: nothing is sent for ever.
        return Unknown("tried, and never written down", step=entry.step, sent_ids=entry.sent_ids)
    if isinstance(effect, StartFlow):
        assert parcel.conversation is not None  # noqa: S101  (a flow is of one)
        return start_flow(runtime, desk, entry, effect, parcel.conversation)
    assert parcel.message is not None  # noqa: S101  (a parcel without one is a flow's)
    return _sent(runtime, desk, parcel, parcel.message)


def _sent(runtime: Runtime, desk: str, parcel: Parcel, message: Message) -> SendResult:
    entry = parcel.entry
    setup = runtime.current(desk)  # where the store fails, that is no fault of a message
    try:
        adapter, settings = runtime.adapter(desk, setup, entry.entry_point)
    except UnknownEntryPoint as error:
        return Permanent(storable_text(str(error)))
    except Exception as error:
        log = logging.getLogger("omniroute.desk")
        log.exception("nothing can be sent on %r here", entry.entry_point)
        return _unready(entry, error)
    outgoing = Outgoing(
        id=message.id,
        to=parcel.to,
        text=message.text,
        attachments=message.attachments,
        reply_to=message.reply_to,
        template=message.template,
    )
    try:
        result = _carried(adapter, outgoing, parcel.context, settings, runtime.transport)
        if isinstance(result, Unknown) and _is_idempotent(adapter, settings):
            return Retryable(result.reason, step=result.step, sent_ids=result.sent_ids)
    except OmnirouteError as error:
        return Permanent(storable_text(str(error)))
    return result


def _is_idempotent(adapter: ChannelAdapter, settings: Any) -> bool:
    """Whether a message may go out again though it may have before. No, where nobody can tell."""
    try:
        return adapter.capabilities(settings).idempotent_send is True
    except Exception as error:  # noqa: BLE001  (told in the log)
        tell_stumble(error, "an adapter could not tell its capabilities")
        return False


def _unready(entry: OutboxEntry, error: Exception) -> Retryable:
    """Put off what this process is not set up to send: another one is, or this one once it is mended."""
    own = isinstance(error, OmnirouteError)
    reason = storable_text(str(error)) if own else type(error).__name__
    return Retryable(f"not set up: {reason}", step=entry.step, sent_ids=entry.sent_ids)


def _carried(
    adapter: ChannelAdapter,
    outgoing: Outgoing,
    context: SendContext,
    settings: Any,
    transport: Transport,
) -> SendResult:
    """Let an adapter send. What it stumbles over is its own message's failure and no other's (R10).

    Before its first request nothing has gone out. After it, nobody knows.
    """
    counted, log = _Counted(transport), logging.getLogger("omniroute.desk")
    try:
        result = drive(adapter.send(outgoing, context, settings), counted)
        if (problem := result_problem(result)) is None:
            return result
        reason = f"the adapter's send returned no result: {problem}"
        log.error("message %s: %s", outgoing.id, reason)
    except OmnirouteError:
        raise
    except Exception as error:
        reason = f"the adapter raised {type(error).__name__}"  # its text may hold a secret (R15)
        log.exception("message %s: %s", outgoing.id, reason)
    failed = Unknown if counted.asked else Retryable
    return failed(reason, step=context.step, sent_ids=context.sent_ids)


class _Counted:
    """A transport that knows whether it was asked for anything."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.asked = False

    def perform(self, request: OutRequest) -> OutResponse:
        self.asked = True
        return self._transport.perform(request)


def record(results: Sequence[tuple[Parcel, SendResult]]) -> Callable[[Unit], None]:
    """Return the flow that writes down what came of a batch."""

    def flow(unit: Unit) -> None:
        for parcel, result in results:
            _record(unit, parcel, result)
        settle(unit)

    return flow


def _record(unit: Unit, parcel: Parcel, result: SendResult) -> None:
    entry = unit.tx.get(OUTBOX, unit.desk, OUTBOX.key(parcel.entry))
    if entry is not None and parcel.message is None:
        record_flow(unit, entry, result)
    if entry is None or parcel.message is None:
        return
    message = unit.tx.get(MESSAGES, unit.desk, (parcel.message.id,))
    if message is None:
        return
    if isinstance(result, Accepted):
        unit.tx.delete(OUTBOX, unit.desk, OUTBOX.key(entry))
        message = _known_as(unit, message, result.provider_ids)
        message = set_status(unit, message, DeliveryStatus.SENT, unit.now)
        note_early_statuses(unit, message)
    elif isinstance(result, Unknown) and _was_reported(message, result):
        unit.tx.delete(OUTBOX, unit.desk, OUTBOX.key(entry))
        _known_as(unit, message, result.sent_ids)
    else:
        failed = after_failure(entry, result, unit.now, message.id)
        unit.tx.put(OUTBOX, unit.desk, failed)
        if failed.state is OutboxState.DEAD:
            _give_up(unit, failed, message, result)


def _was_reported(message: Message, result: Unknown) -> bool:
    """Whether a status told, by our own id, of what went out before we lost its answer (S12)."""
    told = message.status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ)
    return told and not set(message.provider_ids) <= set(result.sent_ids)


def _known_as(unit: Unit, message: Message, provider_ids: tuple[str, ...]) -> Message:
    known = tuple(dict.fromkeys((*provider_ids, *message.provider_ids)))
    if known == message.provider_ids:
        return message
    message = evolve(message, provider_ids=known)
    unit.tx.put(MESSAGES, unit.desk, message)
    return message


def _give_up(unit: Unit, dead: OutboxEntry, message: Message, result: SendResult) -> None:
    """Parts that did go out are known by their ids: a status may still tell of them."""
    unknown = isinstance(result, Unknown)
    status = DeliveryStatus.UNKNOWN if unknown else DeliveryStatus.FAILED
    message = _known_as(unit, message, dead.sent_ids)
    set_status(unit, message, status, unit.now, dead.reason)


def deliver(runtime: Runtime, desk: str, now: int, limit: int) -> int:
    """Send what is ready, batch by batch, and return how many were tried."""
    tried = 0
    while tried < limit:
        parcels = runtime.read(lease(desk, now, min(BATCH, limit - tried)))
        if not parcels:
            break
        _send_all(runtime, desk, now, parcels)
        tried += len(parcels)
    return tried


def _send_all(runtime: Runtime, desk: str, now: int, parcels: Sequence[Parcel]) -> None:
    results: list[tuple[Parcel, SendResult]] = []
    try:
        for parcel in parcels:
            results.append((parcel, send(runtime, desk, parcel)))  # noqa: PERF401  (see finally)
    finally:
        # Whatever interrupts the batch, what did go out is written down: it must not go out twice.
        if results:
            _write_down(runtime, desk, now, results)


def _write_down(
    runtime: Runtime, desk: str, now: int, results: Sequence[tuple[Parcel, SendResult]]
) -> None:
    """Record a batch; where that fails, each by itself: one result must not undo what others came to.

    What cannot be written down as it is stands as unknown: it may have gone out (R10).
    """
    if error := _failure(runtime, desk, now, results):
        tell_stumble(error, "a batch could not be written down at desk %r", desk)
        failures = [found for each in results if (found := _write_one(runtime, desk, now, *each))]
        if failures:
            raise failures[0]


def _write_one(
    runtime: Runtime, desk: str, now: int, parcel: Parcel, result: SendResult
) -> Exception | None:
    error, entry = _failure(runtime, desk, now, [(parcel, result)]), parcel.entry
    if error is None:
        return None
    tell_stumble(error, "what came of a message of %r is lost", entry.conversation)
    reason = f"what came of it could not be written down ({type(error).__name__})"
    lost = Unknown(reason, step=entry.step, sent_ids=entry.sent_ids)
    return _failure(runtime, desk, now, [(parcel, lost)])


def _failure(
    runtime: Runtime, desk: str, now: int, results: Sequence[tuple[Parcel, SendResult]]
) -> Exception | None:
    """Record in one transaction, and return what kept it from being committed."""
    try:
        runtime.run(desk, now, record(results))
    except Exception as error:  # noqa: BLE001  (told, and raised where nothing helps)
        return error
    return None
