"""Receiving: one item of a webhook becomes a message of a conversation, in one transaction.

Dedupe, contact, conversation, routing; then `settle`. Only a contact's own content moves a
conversation; reactions, edits, echoes and notices are kept beside it, statuses update the message
they speak of (P16).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import evolve

from omniroute.desk.entering import arriving, entering
from omniroute.desk.menus import enabled, listed, show_menu
from omniroute.desk.merged import kept_for
from omniroute.desk.overflow import can_return
from omniroute.desk.people import contact_of, find_contact, known_by, last_served, latest
from omniroute.desk.routing import settle
from omniroute.desk.statuses import note_status
from omniroute.desk.unit import Unit
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.contact import Contact
from omniroute.model.conversation import Conversation, Place
from omniroute.model.events import CONTACT, SYSTEM, Route
from omniroute.model.message import Direction, Message
from omniroute.model.policy import AfterEndTo, Policy
from omniroute.model.records import DedupeRecord, EarlyStatus
from omniroute.model.state import EndReason, State
from omniroute.model.values import frozen, making
from omniroute.model.wire import Inbound, InboundKind, Sender
from omniroute.rules import lifecycle, menu
from omniroute.rules.entry_points import ResolvedEntryPoint
from omniroute.rules.words import is_word
from omniroute.schema import CONVERSATIONS, DEDUPE

__all__ = ["ACCEPTED", "DUPLICATE", "IGNORED", "REJECTED", "Outcome", "receive_item"]

ACCEPTED = "accepted"
DUPLICATE = "duplicate"
IGNORED = "ignored"
REJECTED = "rejected"

_message: Final = making(Message)

_ASIDE = (State.DISMISSED, State.SNOOZED)


@frozen
class Outcome:
    """What became of one item: accepted, duplicate, ignored or rejected, and why."""

    result: str
    key: str
    kind: InboundKind
    conversation: Conversation | None = None
    message: str | None = None
    reason: str | None = None


def receive_item(entry_point: str, item: Inbound) -> Callable[[Unit], Outcome]:
    """Return the flow that receives one item on an entry point."""

    def flow(unit: Unit) -> Outcome:
        key = (entry_point, item.kind.value, item.key)
        known = unit.tx.get(DEDUPE, unit.desk, key)
        if known is not None:
            return _duplicate(unit, item, known)
        outcome = _sort(unit, unit.setup.entry_point(entry_point), item)
        if outcome.result != REJECTED:
            touched = None if outcome.conversation is None else outcome.conversation.id
            record = DedupeRecord(*key, unit.now, outcome.message, touched)
            unit.tx.add(DEDUPE, unit.desk, (record,))
        settle(unit)
        before = outcome.conversation
        if before is None or (settled := unit.conversation(before.id)) is before:
            return outcome
        return evolve(outcome, conversation=settled)

    return flow


def _duplicate(unit: Unit, item: Inbound, known: DedupeRecord) -> Outcome:
    conversation = None
    if known.conversation is not None:
        conversation = unit.tx.get(CONVERSATIONS, unit.desk, (known.conversation,))
    return Outcome(DUPLICATE, item.key, item.kind, conversation, known.message, "received before")


def _sort(unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound) -> Outcome:
    if item.kind is InboundKind.STATUS:
        return _status(unit, entry_point, item)
    if item.sender is None:
        return Outcome(IGNORED, item.key, item.kind, reason="it names no contact")
    if item.kind.is_content:
        return _content(unit, entry_point, item, item.sender)
    return _remark(unit, entry_point, item, item.sender)


# --- a contact's own content ----------------------------------------------------------------------


def _content(unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound, sender: Sender) -> Outcome:
    if _says_exit(unit, entry_point, item, sender):
        return _remark(unit, entry_point, item, sender)
    contact, new = contact_of(unit, entry_point.kind, sender)
    message = unit.draw.next("m")
    newest = None if new else latest(unit, entry_point.name, contact.id, item.thread)
    if newest is not None and unit.may_be_overdue:
        newest = unit.up_to_date(newest)  # it may have ended by now (S2)
    conversation = newest
    if conversation is not None and conversation.ended:
        to = lifecycle.after_end(conversation, unit.policy(conversation), unit.now)
        if to is not AfterEndTo.REJECT and not unit.setup.is_leaf(conversation.queue or ""):
            to = AfterEndTo.NEW  # its queue is gone, and nobody would serve it there
        if to is AfterEndTo.REJECT:
            reason = (
                f"conversation {conversation.id} has ended, and policy refuses messages after it"
            )
            return Outcome(REJECTED, item.key, item.kind, reason=reason)
        if to is AfterEndTo.NEW:
            conversation = None
    if conversation is None:
        conversation = _open(unit, entry_point, contact, item, message, newest)
    else:
        conversation = _again(unit, entry_point, conversation, item, message)
    return Outcome(ACCEPTED, item.key, item.kind, conversation, message)


def _written(
    item: Inbound,
    message: str,
    conversation: str,
    entry_point: str,
    at: int,
    *,
    author: str = CONTACT,
    direction: Direction = Direction.IN,
    position: int = 0,
) -> Message:
    """Return an item as the message that is kept of it."""
    return _message(
        id=message,
        conversation=conversation,
        position=position,
        direction=direction,
        author=author,
        at=at,
        kind=item.kind.value,
        type=item.type,
        text=item.text,
        attachments=item.attachments,
        choice=item.choice,
        reply_to=item.reply_to,
        target=item.target,
        emoji=item.emoji,
        entry_point=entry_point,
        provider_ids=(item.key,),
        provider_at=item.at,
        extra=item.extra,
        carry=item.carry,
    )


def _open(
    unit: Unit,
    entry_point: ResolvedEntryPoint,
    contact: Contact,
    item: Inbound,
    message: str,
    earlier: Conversation | None,
) -> Conversation:
    conversation = unit.draw.next("c")
    queue, source = _first_queue(unit, entry_point, item)
    sender = item.sender.addresses[0] if item.sender else ""
    place = Place(
        entry_point.name, entry_point.channel, entry_point.inbox, contact.id, sender, item.thread
    )
    route = Route(
        entry_point.inbox,
        entry_point.inbox_source,
        entry_point.sla,
        entry_point.sla_source,
        source,
        unit.setup.version,
    )
    # Conversations of one thread follow one another, whatever the clock says (S1, S9).
    at = unit.now if earlier is None else max(unit.now, earlier.since + 1)
    content = _written(item, message, conversation, entry_point.name, at)
    person = kept_for(unit.tx, unit.desk, contact)
    if person.merged:
        earlier = last_served(unit, entry_point.name, person, item.thread)
    routing = arriving(unit, queue, person.attributes, earlier)
    command = ask.Open(conversation, place, route, message, queue, routing)
    policy = unit.setup.policy_at(entry_point.name, entry_point.channel, queue or entry_point.inbox)
    opened = unit.perform(None, command, policy, now=at, messages=(content,))
    return opened if queue is not None else show_menu(unit, opened)


def _first_queue(
    unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound
) -> tuple[str | None, str]:
    """Return where a first message leads: direct access, fixed queue, keyword, menu (U61)."""
    inbox = entry_point.inbox
    if queue := unit.setup.by_direct_access(inbox, item.access_keys):
        return queue, "direct access"
    if entry_point.queue is not None:
        return entry_point.queue, entry_point.queue_source
    if queue := unit.setup.by_keyword(inbox, entry_point.channel, item.text):
        return queue, "keyword"
    leaf = menu.only_leaf(unit.setup.tree(inbox), enabled(unit, inbox))
    if leaf is None:
        return None, "menu"
    return "/".join((inbox, *leaf)), "the only queue with agents"


def _again(
    unit: Unit,
    entry_point: ResolvedEntryPoint,
    conversation: Conversation,
    item: Inbound,
    message: str,
) -> Conversation:
    at = max(unit.now, conversation.at)
    content = _written(item, message, conversation.id, entry_point.name, at)
    gone = conversation.state in _ASIDE and not can_return(unit, conversation)
    command = ask.Receive(message, entry_point.sla, queue_gone=gone)
    policy = unit.policy(conversation)
    after = unit.perform(conversation, command, policy, messages=(content,))
    if conversation.clocks.waiting_since is None:
        after = unit.refresh(after)  # one that an agent reopened has had no clock until now
    if is_word(item.text, _words(unit, conversation).exit_words):
        return unit.perform(after, ask.End(None, EndReason.CONSUMER), policy)
    if after.state is not State.SELECTING:
        return after
    if gone:
        return show_menu(unit, after)
    return _answer_menu(unit, after, item.choice.title if item.choice else item.text)


def _says_exit(unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound, sender: Sender) -> bool:
    """Whether a message asks to end where nothing is open: it does not open anything then."""
    words = unit.setup.policy(entry_point.channel, entry_point.queue or entry_point.inbox)
    if not is_word(item.text, words.exit_words):
        return False
    contact = find_contact(unit, entry_point.kind, sender)
    found = latest(unit, entry_point.name, contact.id, item.thread) if contact else None
    return found is None or found.ended


def _words(unit: Unit, conversation: Conversation) -> Policy:
    """Return the policy whose words a contact goes by: that of the queue, or of the branch shown."""
    place = conversation.queue or menu.branch_of(conversation)
    return unit.setup.policy(conversation.place.channel, place)


# --- the menu -------------------------------------------------------------------------------------


def _answer_menu(unit: Unit, conversation: Conversation, answer: str | None) -> Conversation:
    path, offered = conversation.extras.menu, listed(unit, conversation)
    selected = menu.read_answer(answer, offered, path)
    policy = unit.policy(conversation)
    if is_word(answer, _words(unit, conversation).back_words):
        if path:
            conversation = unit.perform(conversation, ask.Browse(path[:-1]), policy)
        return show_menu(unit, conversation)
    if not offered:
        # Everybody below this branch has gone since it was shown: begin again at the top.
        return show_menu(unit, unit.perform(conversation, ask.Browse(()), policy))
    if selected is None:
        return show_menu(unit, conversation)
    if not selected.is_leaf:
        return show_menu(unit, unit.perform(conversation, ask.Browse(selected.path), policy))
    queue = "/".join((conversation.place.inbox, *selected.path))
    before = conversation.extras.routing
    routing = entering(unit, queue, before, before.wait_class)
    policy = unit.policy_at(conversation, queue)
    return unit.perform(conversation, ask.Enqueue(queue, routing=routing), policy)


# --- what moves nothing ---------------------------------------------------------------------------


def _remark(unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound, sender: Sender) -> Outcome:
    contact = find_contact(unit, entry_point.kind, sender)
    found = None
    if contact is not None:
        known_by(unit, contact, entry_point.kind, item.new_addresses)
        found = latest(unit, entry_point.name, contact.id, item.thread)
    if found is None:
        return Outcome(IGNORED, item.key, item.kind, reason="it belongs to no conversation")
    ours = item.kind in (InboundKind.ECHO, InboundKind.SYSTEM)
    author, direction = (SYSTEM, Direction.OUT) if ours else (CONTACT, Direction.IN)
    message = unit.draw.next("m")
    at = max(unit.now, found.at)
    event = tell.Remarked(found.id, at, author, None, message, item.kind.value)
    position = unit.write_event(event)
    content = _written(
        item,
        message,
        found.id,
        entry_point.name,
        at,
        author=author,
        direction=direction,
        position=position,
    )
    unit.add_message(evolve(content, provider_ids=()))
    return Outcome(ACCEPTED, item.key, item.kind, found, message)


def _status(unit: Unit, entry_point: ResolvedEntryPoint, item: Inbound) -> Outcome:
    if item.status is None or item.target is None:
        return Outcome(IGNORED, item.key, item.kind, reason="it says nothing of a message")
    reason = item.error_text or item.error_code
    status = EarlyStatus(entry_point.name, item.target, item.status, item.at or unit.now, reason)
    message = note_status(unit, status, item.outgoing)
    if message is None:
        return Outcome(IGNORED, item.key, item.kind, reason="its message is not known (yet)")
    conversation = unit.conversation(message.conversation) if message.conversation else None
    return Outcome(ACCEPTED, item.key, item.kind, conversation, message.id)
