"""Writing first: conversations that an agent starts (S11, T7), and engagements, which open none (C10).

What stands in the way is told before anything is written: the channel, its messaging window, an open
conversation with that contact. A first message that does not come through ends what it began
(`desk.statuses`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from omniroute.desk.handle import check_access
from omniroute.desk.idempotency import Done
from omniroute.desk.merged import ids_of, kept_for, parts_of
from omniroute.desk.people import contact_of, latest
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import (
    AgentInitiatedNotAllowed,
    AgentUnavailable,
    ConversationOpen,
    MessagingWindowClosed,
    OutboundClosed,
    UnknownContact,
    UnsupportedContent,
    UsageError,
)
from omniroute.instants import from_micros
from omniroute.model import commands as ask
from omniroute.model.agent import Agent
from omniroute.model.contact import Contact
from omniroute.model.conversation import Conversation, Place
from omniroute.model.desk_config import ChannelDirection
from omniroute.model.events import SYSTEM, EngagementSent, Route, agent_actor
from omniroute.model.message import Direction, Message
from omniroute.model.records import Engagement
from omniroute.model.state import Access, EngagementKind
from omniroute.model.values import frozen
from omniroute.model.wire import Attachment, Capabilities, DeliveryStatus, Sender, Template
from omniroute.ports import Transaction
from omniroute.rules.acceptance import check_contents, held_reason
from omniroute.rules.delivery import check_content
from omniroute.rules.entry_points import ResolvedEntryPoint
from omniroute.rules.handed_over import check_attachments, type_problem
from omniroute.rules.names import quoted, shown, unknown
from omniroute.rules.storable import check_key, check_storable, check_text
from omniroute.rules.texts import never_began
from omniroute.schema import CONTACTS, CONVERSATIONS, ENGAGEMENTS, MESSAGES

__all__ = ["Opening", "engage", "engagements", "start"]

_OPEN = CONVERSATIONS.index("open_thread")
_ENDED = CONVERSATIONS.index("thread")
_ENGAGEMENTS = ENGAGEMENTS.index("engagements_of")
_PAGE = 50

CapabilitiesOf = Callable[[Unit, str], Capabilities]


@frozen(kw_only=True)
class Opening:
    """What goes out first, and to whom: a contact by id, or whoever has an address."""

    entry_point: str
    contact: str | None
    address: str | None
    text: str | None
    attachments: tuple[Attachment, ...]
    template: Template | None
    thread: str = ""


def _check_opening(opening: Opening) -> None:
    """Raise `UsageError` for what cannot be sent to anybody, wherever that is."""
    if opening.contact is None and opening.address is None:
        raise UsageError("nobody to write to", where="contact", expected="contact= or address=")
    for name in ("contact", "address"):
        if (value := getattr(opening, name)) is not None:
            check_key(value, name)
    if opening.thread:
        check_key(opening.thread, "thread")
    _check_contents(opening)


def _check_contents(opening: Opening) -> None:
    if opening.text is not None:
        check_text(opening.text, "text")
    check_attachments(opening.attachments)
    if opening.template is None:
        return
    if not isinstance(opening.template, Template):
        raise UsageError("not a Template", where="template", got=shown(opening.template))
    if problem := type_problem(opening.template, "template"):
        raise UsageError(f"cannot be used: {problem}")
    check_storable(opening.template, "template")
    if opening.attachments:
        raise UsageError("a template goes out alone", where="attachments", expected="none")


def start(
    opening: Opening,
    by: str,
    capabilities: CapabilitiesOf,
    *,
    queue: str | None,
    access: Access | None,
) -> Callable[[Unit], Done]:
    """Return the flow of starting a conversation that `by` holds from here on."""
    _check_opening(opening)
    check_access(access)

    def flow(unit: Unit) -> Done:
        agent, at = unit.agent(by), unit.setup.entry_point(opening.entry_point)
        _check_allowed(unit, agent, at)
        contact, address = _recipient(unit, at, opening)
        newest = latest(unit, at.name, contact.id, opening.thread)
        if newest is not None and not newest.ended:
            raise ConversationOpen(None, newest.id)
        _check_sendable(unit, at, contact, opening, capabilities)
        place = Place(at.name, at.channel, at.inbox, contact.id, address, opening.thread, by)
        where, source = _queue_of(unit, at, agent, queue)
        conversation, message = unit.draw.next("c"), unit.draw.next("m")
        route = _route(unit, at, source)
        command = ask.Start(conversation, place, route, where, by, message, access)
        # Conversations of one thread follow one another, whatever the clock says (S1, S9).
        now = unit.now if newest is None else max(unit.now, newest.since + 1)
        body = _message_body(opening, message, agent_actor(by), now)
        written = Message(conversation=conversation, position=0, **body)
        policy = unit.setup.policy_at(at.name, at.channel, where)
        unit.perform(None, command, policy, now=now, messages=(written,))
        settle(unit)
        return Done(unit.conversation(conversation), written)

    return flow


def engage(
    opening: Opening, by: str | None, capabilities: CapabilitiesOf, kind: EngagementKind
) -> Callable[[Unit], Done]:
    """Return the flow of sending something without opening a conversation; None is the host (C10)."""
    _check_opening(opening)
    if kind not in set(EngagementKind):
        expected = " or ".join(EngagementKind)
        raise UsageError("not an EngagementKind", where="kind", expected=expected, got=shown(kind))

    def flow(unit: Unit) -> Done:
        at = unit.setup.entry_point(opening.entry_point)
        if by is not None:
            _check_enabled(unit.agent(by), at)
        if (reason := _closed(at)) is not None:
            raise OutboundClosed(at.name, reason)
        contact, address = _recipient(unit, at, opening)
        _check_sendable(unit, at, contact, opening, capabilities)
        message, actor = unit.draw.next("m"), SYSTEM if by is None else agent_actor(by)
        told = EngagementSent(message, unit.now, actor, contact.id, at.name, kind)
        position = unit.write_event(told)
        body = _message_body(opening, message, actor, unit.now) | {"kind": kind.value}
        sent = Message(conversation="", position=position, **body)
        unit.send(sent, address)
        unit.tx.put(ENGAGEMENTS, unit.desk, Engagement(contact.id, position, message))
        settle(unit)
        return Done(None, sent)

    return flow


def engagements(
    desk: str, contact: str, limit: int, after: int | None
) -> Callable[[Transaction], list[Message]]:
    """Return the work that reads what was sent to a contact so, in order."""

    def work(tx: Transaction) -> list[Message]:
        beyond = None if after is None else (after,)
        found = [
            each
            for person in ids_of(tx, desk, contact)
            for each in tx.scan(_ENGAGEMENTS, desk, (person,), after=beyond, limit=limit)
        ]
        found.sort(key=lambda each: each.position)
        read = (tx.get(MESSAGES, desk, (each.message,)) for each in found[:limit])
        return [each for each in read if each is not None]

    return work


def _message_body(opening: Opening, message: str, actor: str, now: int) -> dict[str, Any]:
    """Return what is stored of a message that goes out, without its place."""
    return {
        "id": message,
        "direction": Direction.OUT,
        "author": actor,
        "at": now,
        "text": opening.text,
        "type": "text" if opening.template is None else "template",
        "attachments": opening.attachments,
        "template": opening.template,
        "entry_point": opening.entry_point,
        "status": DeliveryStatus.PENDING,
    }


# --- whether ---------------------------------------------------------------------------------------


def _check_allowed(unit: Unit, agent: Agent, at: ResolvedEntryPoint) -> None:
    """Raise where the channel, policy, or the agent's own profile says no (T6, T7, A1).

    One-way is no hindrance: what contacts send is refused there, and what is sent to them is not
    (C12).
    """
    if (reason := _closed(at)) is not None:
        raise AgentInitiatedNotAllowed(at.name, reason)
    if not unit.setup.agent_initiated(at.channel):
        where = f"channel {quoted(at.channel)}, or the desk's policy,"
        raise AgentInitiatedNotAllowed(at.name, f"{where} has agent_initiated = false")
    _check_enabled(agent, at)


def _closed(at: ResolvedEntryPoint) -> str | None:
    """Why nothing goes out on an entry point, or None where it does."""
    if at.direction is ChannelDirection.OFF:
        return f"channel {quoted(at.channel)} is off"
    return held_reason(at)


def _check_enabled(agent: Agent, at: ResolvedEntryPoint) -> None:
    if agent.channels is not None and at.channel not in agent.channels:
        text = f"agent {quoted(agent.id)} is not enabled for channel {quoted(at.channel)}"
        raise AgentUnavailable(text, expected=" or ".join(agent.channels) or "no channel")


def _check_sendable(
    unit: Unit,
    at: ResolvedEntryPoint,
    contact: Contact,
    opening: Opening,
    capabilities: CapabilitiesOf,
) -> None:
    able = capabilities(unit, at.name)
    _check_carried(unit, at, able, opening)
    if able.window is not None and opening.template is None:
        _check_window(unit, at, contact.id, opening.thread, able.window)


def _check_carried(
    unit: Unit, at: ResolvedEntryPoint, able: Capabilities, opening: Opening
) -> None:
    """Raise `UnsupportedContent` for what the channel cannot carry, or is not to (U1)."""
    contents = unit.setup.contents(at.channel)
    if opening.template is None:
        check_content(able, opening.text, opening.attachments)
        check_contents(contents, opening.text, opening.attachments)
        return
    if not able.templates:
        text = f"channel {quoted(at.channel)} has no templates"
        raise UnsupportedContent(text, where="template", expected="text")
    check_contents(contents, opening.template.name, ())


def _check_window(
    unit: Unit, at: ResolvedEntryPoint, contact: str, thread: str, window: int
) -> None:
    """Raise `MessagingWindowClosed` unless the contact wrote here within the channel's window."""
    wrote_at = _wrote_at(unit, (at.name, contact, thread), unit.now - window)
    if wrote_at is not None and unit.now < wrote_at + window:
        return
    zone = unit.setup.config.zone
    closed_at = None if wrote_at is None else from_micros(wrote_at + window, zone)
    raise MessagingWindowClosed(at.name, closed_at)


def _wrote_at(unit: Unit, thread: tuple[str, str, str], since: int) -> int | None:
    """When a contact last wrote in a thread; looked for no further back than a window reaches."""
    for each in _in_thread(unit, thread):
        if not never_began(each):
            return each.clocks.contact_at
        if each.at < since:
            break
    return None


def _in_thread(unit: Unit, thread: tuple[str, str, str]) -> Iterator[Conversation]:
    """Yield the open conversation of a thread, then those that ended, the latest first."""
    yield from unit.tx.scan(_OPEN, unit.desk, thread, limit=1)
    after: Any = None
    while page := unit.tx.scan(_ENDED, unit.desk, thread, after=after, limit=_PAGE):
        yield from page
        after = (-page[-1].since,)


# --- with whom, and where --------------------------------------------------------------------------


def _recipient(unit: Unit, at: ResolvedEntryPoint, opening: Opening) -> tuple[Contact, str]:
    """Return the contact, and the address of theirs that is written to; a new address is a new one.

    Of those that were merged, the contact who has that address; of several addresses that of the
    named one comes first, and then that of the kept one (P17).
    """
    if opening.contact is None:
        sender = Sender(addresses=(opening.address or "",))
        return contact_of(unit, at.kind, sender)[0], opening.address or ""
    found = unit.tx.get(CONTACTS, unit.desk, (opening.contact,))
    if found is None:
        raise UnknownContact(f"no contact {opening.contact!r}")
    person = parts_of(unit.tx, unit.desk, kept_for(unit.tx, unit.desk, found))
    parts = (found, *(each for each in person if each.id != found.id))
    own = {address: each for each in parts for kind, address in each.addresses if kind == at.kind}
    chosen = next(iter(own), None) if opening.address is None else opening.address
    if chosen not in own:
        raise UsageError(
            f"contact {found.id!r} is not known by that address",
            where="address",
            expected=" or ".join(map(quoted, own)) or f"a contact with an address on {at.kind}",
            got="none" if opening.address is None else quoted(opening.address),
        )
    return own[chosen], chosen


def _queue_of(
    unit: Unit, at: ResolvedEntryPoint, agent: Agent, queue: str | None
) -> tuple[str, str]:
    """Return the queue that it stands in, whose policy counts and to which it goes back, and why.

    The named one; else the entry point's; else the first that the agent serves there.
    """
    leaves = unit.setup.leaves_of(at.inbox)
    if queue is not None:
        if queue not in leaves:
            text = unknown(f"inbox {quoted(at.inbox)} has no queue {quoted(queue)}", leaves, queue)
            raise UsageError(text, where="queue")
        return queue, "the agent's choice"
    if at.queue is not None:
        return at.queue, at.queue_source
    served = next((leaf for leaf in agent.leaves if leaf in leaves), None)
    if served is None:
        raise UsageError(
            f"agent {quoted(agent.id)} serves no queue of inbox {quoted(at.inbox)}",
            where="queue",
            expected=" or ".join(map(quoted, leaves)),
        )
    return served, "the first that the agent serves"


def _route(unit: Unit, at: ResolvedEntryPoint, source: str) -> Route:
    version = unit.setup.version
    return Route(at.inbox, at.inbox_source, at.sla, at.sla_source, source, version)
