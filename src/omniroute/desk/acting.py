"""`desk.acting_as("ana")`: the desk's commands with the acting agent filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from omniroute.desk.views import ConversationView, MessageView
from omniroute.model.state import Access, EngagementKind
from omniroute.model.targets import Group, Queue
from omniroute.model.wire import Attachment, Template
from omniroute.rules.arguments import blaming

if TYPE_CHECKING:
    from omniroute.desk.desk import Desk

__all__ = ["Acting"]


@blaming
class Acting:
    """What one agent does at a desk. Every method is the desk's own, with `by` given."""

    def __init__(self, desk: Desk, agent: str) -> None:
        self.desk = desk
        self.agent = agent

    def __repr__(self) -> str:
        return f"Acting({self.desk.id!r}, {self.agent!r})"

    def start(
        self,
        entry_point: str,
        text: str | None = None,
        *,
        contact: str | None = None,
        address: str | None = None,
        attachments: Sequence[Attachment] = (),
        template: Template | None = None,
        queue: str | None = None,
        thread: str = "",
        access: Access | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Write to a contact first (`Desk.start`)."""
        return self.desk.start(
            entry_point,
            text,
            by=self.agent,
            contact=contact,
            address=address,
            attachments=attachments,
            template=template,
            queue=queue,
            thread=thread,
            access=access,
            key=key,
            now=now,
            within=within,
        )

    def take(
        self,
        conversation: str,
        *,
        confirm: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Take a conversation by hand (`Desk.take`)."""
        return self.desk.take(
            conversation, by=self.agent, confirm=confirm, key=key, now=now, within=within
        )

    def offers(
        self, *, limit: int = 50, now: datetime | None = None
    ) -> tuple[ConversationView, ...]:
        """Return what is offered to one now (`Desk.offers`)."""
        return self.desk.offers(self.agent, limit=limit, now=now)

    def accept_offer(
        self,
        conversation: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Take a conversation that is offered to one (`Desk.accept_offer`)."""
        return self.desk.accept_offer(conversation, by=self.agent, key=key, now=now, within=within)

    def decline_offer(
        self,
        conversation: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Leave what is offered to others (`Desk.decline_offer`)."""
        return self.desk.decline_offer(conversation, by=self.agent, key=key, now=now, within=within)

    def take_next(
        self,
        *,
        queue: str | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView | None:
        """Take whatever comes first of all that one may claim (`Desk.take_next`)."""
        return self.desk.take_next(by=self.agent, queue=queue, key=key, now=now, within=within)

    def reply(
        self,
        conversation: str,
        text: str | None = None,
        *,
        attachments: Sequence[Attachment] = (),
        confirm: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Write to the contact (`Desk.reply`)."""
        return self.desk.reply(
            conversation,
            text,
            by=self.agent,
            attachments=attachments,
            confirm=confirm,
            key=key,
            now=now,
            within=within,
        )

    def snooze(
        self,
        conversation: str,
        *,
        for_: str | timedelta | None = None,
        until: datetime | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Put a conversation aside for a time, or until an instant (`Desk.snooze`)."""
        return self.desk.snooze(
            conversation, by=self.agent, for_=for_, until=until, key=key, now=now, within=within
        )

    def wake(
        self,
        conversation: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Bring a snoozed conversation back before its time (`Desk.wake`)."""
        return self.desk.wake(conversation, by=self.agent, key=key, now=now, within=within)

    def reopen(
        self,
        conversation: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Bring back a conversation that has ended (`Desk.reopen`)."""
        return self.desk.reopen(conversation, by=self.agent, key=key, now=now, within=within)

    def dismiss(
        self,
        conversation: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Park a conversation whose contact fell silent (`Desk.dismiss`)."""
        return self.desk.dismiss(conversation, by=self.agent, key=key, now=now, within=within)

    def wrapped_up(
        self, conversation: str, *, now: datetime | None = None, within: object | None = None
    ) -> None:
        """Say that one is done with an ended conversation (`Desk.wrapped_up`)."""
        self.desk.wrapped_up(conversation, by=self.agent, now=now, within=within)

    def heartbeat(self, *, now: datetime | None = None, within: object | None = None) -> None:
        """Say that one is there (`Desk.heartbeat`)."""
        self.desk.heartbeat(self.agent, now=now, within=within)

    def transfer(
        self,
        conversation: str,
        to: str | Group | Queue,
        *,
        comment: str | None = None,
        force: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Transfer a conversation to an agent, a `Group` or a `Queue` (`Desk.transfer`)."""
        return self.desk.transfer(
            conversation,
            to,
            by=self.agent,
            comment=comment,
            force=force,
            key=key,
            now=now,
            within=within,
        )

    def end(
        self,
        conversation: str,
        *,
        disposition: str | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """End a conversation (`Desk.end`)."""
        return self.desk.end(
            conversation, by=self.agent, disposition=disposition, key=key, now=now, within=within
        )

    def note(
        self,
        conversation: str,
        text: str,
        *,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Leave an internal note (`Desk.note`)."""
        return self.desk.note(conversation, text, by=self.agent, key=key, now=now, within=within)

    def tag(
        self,
        conversation: str,
        *add: str,
        remove: Sequence[str] = (),
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Add and remove tags (`Desk.tag`)."""
        return self.desk.tag(
            conversation, *add, by=self.agent, remove=remove, key=key, now=now, within=within
        )

    def describe(
        self,
        conversation: str,
        *,
        subject: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Say what a conversation is about (`Desk.describe`)."""
        return self.desk.describe(
            conversation,
            by=self.agent,
            subject=subject,
            attributes=attributes,
            key=key,
            now=now,
            within=within,
        )

    def mark_read(
        self,
        conversation: str,
        *,
        access: Access | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Mark a conversation as read (`Desk.mark_read`)."""
        self.desk.mark_read(conversation, by=self.agent, access=access, now=now, within=within)

    def engage(
        self,
        entry_point: str,
        text: str | None = None,
        *,
        contact: str | None = None,
        address: str | None = None,
        kind: EngagementKind = EngagementKind.MESSAGE,
        attachments: Sequence[Attachment] = (),
        template: Template | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Send something to a contact without opening a conversation (`Desk.engage`)."""
        return self.desk.engage(
            entry_point,
            text,
            by=self.agent,
            contact=contact,
            address=address,
            kind=kind,
            attachments=attachments,
            template=template,
            key=key,
            now=now,
            within=within,
        )

    def set_available(
        self,
        available: bool = True,  # noqa: FBT001, FBT002  (reads well by position)
        *,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Switch oneself on or off (`Desk.set_available`)."""
        self.desk.set_available(self.agent, available, by=self.agent, now=now, within=within)
