"""The part of `Desk` that writes to contacts first, and keeps what a thread is about and who read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from omniroute.desk.part import Part
from omniroute.lazy import later
from omniroute.model.state import Access, EngagementKind

if TYPE_CHECKING:
    from omniroute.desk import handle, idempotency, read, starting, views
    from omniroute.desk.views import ConversationView, MessageView
    from omniroute.model.records import ReadMarker
    from omniroute.model.wire import Attachment, Template
else:
    handle, idempotency, read, starting, views = later(
        globals(), "omniroute.desk", "handle", "idempotency", "read", "starting", "views"
    )

__all__ = ["Outreach"]


class Outreach(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    def start(
        self,
        entry_point: str,
        text: str | None = None,
        *,
        by: str,
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
        """Write to a contact first: a conversation begins that `by` holds (S11, T7).

        To a contact by id, or to whoever has an `address`, known or new; with both, to that address of
        theirs. It stands in `queue`, a leaf of the entry point's inbox: by default the entry point's
        own, or the first there that `by` serves. It takes a slot, up to `hard_max` as all that people
        do by hand, and has no first-response clock. A first message that fails for good ends it.

        Raises `AgentInitiatedNotAllowed` where the channel is off or policy says no,
        `ConversationOpen`, naming it, where one is open with that contact on this entry point and
        thread, `MessagingWindowClosed` where only a `template` goes out, `UnsupportedContent`,
        `CapacityExceeded`, `AgentUnavailable` for an agent without this channel. `access` says from
        where the agent came (C14). `key` and `within` as for `take`.
        """
        opening = starting.Opening(
            entry_point=entry_point,
            contact=contact,
            address=address,
            text=text,
            attachments=tuple(attachments),
            template=template,
            thread=thread,
        )
        flow = starting.start(opening, by, self._runtime.capabilities, queue=queue, access=access)
        return self._commanded(
            idempotency.once(key, flow, "start", by, opening, queue), now, within
        )

    def engage(
        self,
        entry_point: str,
        text: str | None = None,
        *,
        by: str | None = None,
        contact: str | None = None,
        address: str | None = None,
        kind: EngagementKind = EngagementKind.MESSAGE,
        attachments: Sequence[Attachment] = (),
        template: Template | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Send a message, a promo or a coupon to a contact without opening a conversation (C10).

        It is part of none, also where one is open: it holds nothing and moves no clock. Without `by`
        the host itself sends it. Allowed where agents may not start conversations too, and on a
        one-way channel (C12). `OutboundClosed` where the channel is off or the entry point held;
        contact, content, messaging window, `key` and `within` as for `start`.
        """
        opening = starting.Opening(
            entry_point=entry_point,
            contact=contact,
            address=address,
            text=text,
            attachments=tuple(attachments),
            template=template,
        )
        flow = starting.engage(opening, by, self._runtime.capabilities, kind)
        return self._written(idempotency.once(key, flow, "engage", by, opening, kind), now, within)

    def engagements(
        self, contact: str, *, limit: int = 50, after: int | None = None
    ) -> list[MessageView]:
        """Return what was sent to a contact by `engage`, in order, beyond position `after`."""
        read.check_limit(limit)
        return self._read(starting.engagements(self.id, contact, limit, after))

    def describe(
        self,
        conversation: str,
        *,
        by: str,
        subject: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Say what a conversation is about, and keep attributes of your own with it, in any state (P17).

        Attributes join those there are; one that is None is taken away. A subject of None stays as it
        is, an empty one is taken away. `key` and `within` as for `take`.
        """
        given = attributes or {}
        flow = handle.describe(conversation, by, subject, given)
        flow = idempotency.once(key, flow, "describe", conversation, by, subject, given)
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def mark_read(
        self,
        conversation: str,
        *,
        by: str,
        access: Access | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Mark a conversation as read by an agent, up to its newest message (P18).

        `access` says from where they came to it: the channel's page or a list (C14).
        """
        flow = handle.mark_read(conversation, by, access)
        self._runtime.run(self.id, self._now(now), flow, within=within)

    def read_marker(self, conversation: str, *, by: str) -> ReadMarker | None:
        """Return how far an agent has read a conversation, and from where they came; None for not yet."""
        return self._runtime.read(read.marker(self.id, conversation, by))
