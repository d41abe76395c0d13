"""What agents do with a conversation: take, reply, end, note, tag, read. One flow each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from omniroute.desk.idempotency import Done
from omniroute.desk.menus import show_menu
from omniroute.desk.overflow import can_return
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import ConversationOpen, TransitionNotAllowed, UsageError
from omniroute.instants import check_instant, to_duration
from omniroute.model import commands as ask
from omniroute.model.conversation import Conversation
from omniroute.model.events import SYSTEM, agent_actor
from omniroute.model.message import Direction, Message
from omniroute.model.records import ReadMarker
from omniroute.model.state import Access, State
from omniroute.model.values import making
from omniroute.model.wire import Attachment, DeliveryStatus
from omniroute.rules.handed_over import check_attachments
from omniroute.rules.names import shown
from omniroute.rules.roles import Right, has_right
from omniroute.rules.storable import check_key, check_storable, check_switch, check_text
from omniroute.schema import CONVERSATIONS, MESSAGES, READ_MARKERS

__all__ = [
    "describe",
    "dismiss",
    "end",
    "mark_read",
    "note",
    "reopen",
    "reply",
    "snooze",
    "tag",
    "take",
    "wake",
    "wake_instant",
]

_NEWEST = MESSAGES.index("messages_of")
_OPEN = CONVERSATIONS.index("open_thread")

# Looking them up in their classes costs as much as making half a message.
_OUT: Final = Direction.OUT
_PENDING: Final = DeliveryStatus.PENDING

_done: Final = making(Done)
_message: Final[Callable[..., Message]] = making(Message)
_reply: Final = making(ask.Reply)

CheckContent = Callable[[Unit, str, str | None, Sequence[Attachment]], None]
"""Raises `UnsupportedContent` for a text and files that an entry point's channel cannot carry."""


def take(conversation: str, by: str, *, confirm: bool) -> Callable[[Unit], Done]:
    """Return the flow of taking a conversation by hand (C3 to C6)."""
    check_switch(confirm, "confirm")

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        return _settled(unit, conversation, ask.Take(by, confirm))

    return flow


def end(conversation: str, by: str, disposition: str | None) -> Callable[[Unit], Done]:
    """Return the flow of ending a conversation by hand (C7)."""
    if disposition is not None:
        check_text(disposition, "disposition")

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        return _settled(unit, conversation, ask.End(by, disposition=disposition))

    return flow


def snooze(conversation: str, by: str, until: Callable[[int], int]) -> Callable[[Unit], Done]:
    """Return the flow of putting a conversation aside (A11 to A13); the thread says who did."""

    def flow(unit: Unit) -> Done:
        agent = unit.agent(by)
        found = unit.conversation(conversation)
        message = unit.draw.next("m")
        text = f"Agent {agent.name} snoozed this conversation"
        note = _message(
            id=message,
            conversation=found.id,
            position=0,
            direction=Direction.NOTE,
            author=SYSTEM,
            at=max(unit.now, found.at),
            kind="system",
            text=text,
        )
        supervising = has_right(agent, Right.SNOOZE_OTHERS)
        command = ask.Snooze(by, until(unit.now), message, supervising)
        unit.perform(found, command, unit.policy(found), messages=(note,))
        settle(unit)
        return Done(unit.conversation(conversation))

    return flow


def wake_instant(for_: str | timedelta | None, until: datetime | None) -> Callable[[int], int]:
    """Return when a snooze ends, counted from now or as it is given: one of the two (A11)."""
    if for_ is not None and until is None:
        lasts = to_duration(for_, where="for_")
        return lambda now: now + lasts
    if for_ is not None or until is None:
        given = "both" if until is not None else "neither"
        raise UsageError(
            "a snooze has one end", where="until", expected="for_= or until=", got=given
        )
    at = check_instant(until, "until")
    return lambda _: at


def wake(conversation: str, by: str) -> Callable[[Unit], Done]:
    """Return the flow of bringing a snoozed conversation back before its time."""

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        found = unit.conversation(conversation)
        gone = not can_return(unit, found)
        after = unit.perform(found, ask.Wake(by, gone), unit.policy(found))
        if after.state is State.SELECTING:
            show_menu(unit, after)
        settle(unit)
        return Done(unit.conversation(conversation))

    return flow


def reopen(conversation: str, by: str) -> Callable[[Unit], Done]:
    """Return the flow of bringing back what has ended, where nothing is open in its thread (S9)."""

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        found = unit.conversation(conversation)
        place = found.place
        thread = (place.entry_point, place.contact, place.thread)
        for other in unit.tx.scan(_OPEN, unit.desk, thread, limit=1):
            if other.id != found.id:
                raise ConversationOpen(found.id, other.id)
        if found.ended and found.queue is not None and not unit.setup.is_leaf(found.queue):
            raise TransitionNotAllowed(
                f"conversation {found.id!r} cannot go back to its queue",
                expected="a queue of the configuration in force",
                got=repr(found.queue),
            )
        return _settled(unit, conversation, ask.Reopen(by))

    return flow


def dismiss(conversation: str, by: str) -> Callable[[Unit], Done]:
    """Return the flow of parking a conversation whose contact fell silent (U37)."""

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        return _settled(unit, conversation, ask.Dismiss(by))

    return flow


def tag(
    conversation: str, by: str, add: Sequence[str], remove: Sequence[str]
) -> Callable[[Unit], Done]:
    """Return the flow of adding and removing tags."""
    if isinstance(remove, str):  # of its letters nobody thought
        raise UsageError("not tags", where="remove", expected="a list of text", got=shown(remove))
    for number, each in enumerate((*add, *remove)):
        check_key(each, f"tags[{number}]")

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        tags = set(unit.conversation(conversation).extras.tags) | {each.strip() for each in add}
        tags -= {each.strip() for each in remove}
        return _settled(unit, conversation, ask.SetTags(by, tuple(sorted(tags))))

    return flow


def describe(
    conversation: str, by: str, subject: str | None, attributes: Mapping[str, Any]
) -> Callable[[Unit], Done]:
    """Return the flow of saying what a conversation is about; None leaves, or takes away, what was."""
    if subject is not None:
        check_text(subject, "subject")
    if not isinstance(attributes, Mapping):
        raise UsageError(
            "not attributes",
            where="attributes",
            expected="a mapping of names to JSON values",
            got=shown(attributes),
        )
    for name in attributes:
        check_key(name, "attributes")
    check_storable(attributes, "attributes")

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        known = unit.conversation(conversation).extras
        merged = {**known.attributes, **attributes}
        kept = {name: value for name, value in merged.items() if value is not None}
        said = known.subject if subject is None else subject.strip() or None
        return _settled(unit, conversation, ask.Describe(by, said, kept))

    return flow


def _settled(unit: Unit, conversation: str, command: ask.Command) -> Done:
    found = unit.conversation(conversation)
    unit.perform(found, command, unit.policy(found))
    settle(unit)
    return Done(unit.conversation(conversation))


def reply(
    conversation: str,
    by: str,
    text: str | None,
    attachments: tuple[Attachment, ...],
    check: CheckContent,
    *,
    confirm: bool,
) -> Callable[[Unit], Done]:
    """Return the flow of writing to the contact; where policy says claim, the first reply takes it."""
    check_switch(confirm, "confirm")
    if text is not None:
        check_text(text, "text")
    if attachments:
        check_attachments(attachments)

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        found = unit.conversation(conversation)
        entry_point = found.place.entry_point
        check(unit, entry_point, text, attachments)
        name = unit.draw.next("m")
        written = _message(
            name,
            conversation,
            0,
            _OUT,
            agent_actor(by),
            max(unit.now, found.at),
            text=text,
            attachments=attachments,
            entry_point=entry_point,
            status=_PENDING,
        )
        return _written(unit, found, _reply(by, name, confirm), written)

    return flow


def note(conversation: str, by: str, text: str) -> Callable[[Unit], Done]:
    """Return the flow of leaving an internal note (P17)."""
    check_text(text, "text")
    if not text.strip():
        raise UsageError("a note needs a text", where="text", got=repr(text))

    def flow(unit: Unit) -> Done:
        unit.agent(by)
        found = unit.conversation(conversation)
        written = _message(
            id=unit.draw.next("m"),
            conversation=conversation,
            position=0,
            direction=Direction.NOTE,
            author=agent_actor(by),
            at=max(unit.now, found.at),
            kind="note",
            text=text,
        )
        return _written(unit, found, ask.Note(by, written.id), written)

    return flow


def _written(
    unit: Unit, conversation: Conversation, command: ask.Command, message: Message
) -> Done:
    unit.perform(conversation, command, unit.policy(conversation), messages=(message,))
    settle(unit)
    return _done(unit.conversation(conversation.id), message)


def check_access(access: object) -> None:
    """Raise `UsageError` for what does not say from where an agent came (C14)."""
    if access is not None and not isinstance(access, Access):
        members = " or ".join(f"Access.{each.name}" for each in Access)
        raise UsageError("not an Access", where="access", expected=members, got=shown(access))


def mark_read(conversation: str, by: str, access: Access | None) -> Callable[[Unit], None]:
    """Return the flow of marking a conversation as read by an agent up to its newest message (P18)."""
    check_access(access)

    def flow(unit: Unit) -> None:
        unit.agent(by)
        unit.conversation(conversation)
        newest = unit.tx.scan(_NEWEST, unit.desk, (conversation,), limit=1, reverse=True)
        position = newest[0].position if newest else 0
        unit.tx.put(READ_MARKERS, unit.desk, ReadMarker(by, conversation, position, access))

    return flow
