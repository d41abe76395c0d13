"""`Desk`: one helpdesk as its host sees it. Every method is a few lines around a flow.

Methods take `now=None`; None asks the desk's clock. Instants given and returned are aware datetimes.
Where a method raises, nothing was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from omniroute.clock import resolve_now
from omniroute.desk import deliver as delivery
from omniroute.desk import explain as explaining
from omniroute.desk import handle, inbound, read
from omniroute.desk import tick as ticking
from omniroute.desk.acting import Acting
from omniroute.desk.contacts import Contacts
from omniroute.desk.outbox import DeadLetter, dead_letters, redrive
from omniroute.desk.runtime import Runtime
from omniroute.desk.team import Staff
from omniroute.desk.views import Change, ConversationView, MessageView, Page, Received
from omniroute.errors import UnknownConversation, UsageError
from omniroute.instants import from_micros
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import DeskConfig
from omniroute.model.state import OPEN, State
from omniroute.model.wire import Attachment, Inbound, RawRequest, RawResponse
from omniroute.rules.delivery import check_content
from omniroute.rules.resolution import ResolvedEntryPoint
from omniroute.schema import CONVERSATIONS, OUTBOX

__all__ = ["Desk"]

_DEADLINES = CONVERSATIONS.index("deadlines")
_READY = OUTBOX.index("ready")
_COUNTED = ("state", "inbox", "queue", "agent")


class Desk:
    """One helpdesk on a store. Made by `Desks`; safe to use from many threads."""

    def __init__(self, desk_id: str, runtime: Runtime) -> None:
        self.id = desk_id
        self._runtime = runtime
        self.staff = Staff(desk_id, runtime)
        self.contacts = Contacts(desk_id, runtime)

    def __repr__(self) -> str:
        return f"Desk({self.id!r})"

    def acting_as(self, agent: str) -> Acting:
        """Return this desk with `by=agent` filled in for every command."""
        return Acting(self, agent)

    def _now(self, now: datetime | None) -> int:
        return resolve_now(now, self._runtime.clock)

    @property
    def config(self) -> DeskConfig:
        """The configuration in force."""
        return self._runtime.current(self.id).config

    def entry_points(self, channel: str | None = None) -> list[ResolvedEntryPoint]:
        """Return entry points with effective inbox and SLA and the source of each (G23)."""
        return self._runtime.current(self.id).entry_points_of(channel)

    # --- messages in ------------------------------------------------------------------------------

    def receive(
        self,
        entry_point: str,
        request: RawRequest | Inbound | Iterable[Inbound],
        *,
        now: datetime | None = None,
    ) -> Received:
        """Verify, read and store a webhook, one transaction for each item it holds.

        A host that has read its channel itself passes `Inbound` values instead of the request. Raises
        `PayloadError` where nothing of the request can be used, `UnknownEntryPoint`, and `StoreError`:
        answer 5xx then, and redelivery skips what is already stored (X3).
        """
        instant = self._now(now)
        outcomes, unreadable = inbound.receive(
            self._runtime, self.id, entry_point, request, instant
        )
        touched = {
            outcome.conversation.id: outcome.conversation
            for outcome in outcomes
            if outcome.conversation is not None
        }
        return Received(
            items=tuple(inbound.item_view(outcome) for outcome in outcomes),
            conversations=tuple(self._view(each, instant) for each in touched.values()),
            unreadable=unreadable,
        )

    def handshake(self, entry_point: str, request: RawRequest) -> RawResponse | None:
        """Return the answer to a provider's set-up call for an entry point, or None when it is none."""
        setup = self._runtime.current(self.id)
        adapter, settings = self._runtime.adapter(self.id, setup, entry_point)
        return adapter.handshake(request, settings)

    # --- what agents do ---------------------------------------------------------------------------

    def take(
        self, conversation: str, *, by: str, confirm: bool = False, now: datetime | None = None
    ) -> ConversationView:
        """Take a conversation by hand, where policy says claim.

        Raises `AlreadyTaken` naming the owner where another agent holds it; with `confirm=True` it is
        taken over, where policy allows (C4 to C6). `CapacityExceeded` past `hard_max`.
        """
        instant = self._now(now)
        flow = handle.take(conversation, by, confirm=confirm)
        return self._view(self._runtime.run(self.id, instant, flow), instant)

    def reply(
        self,
        conversation: str,
        text: str | None = None,
        *,
        by: str,
        attachments: Sequence[Attachment] = (),
        confirm: bool = False,
        now: datetime | None = None,
    ) -> MessageView:
        """Write to the contact. It goes out with the next `deliver`; the first reply claims (C3).

        Raises `UnsupportedContent` for what the channel cannot carry, `AlreadyTaken` as `take` does,
        `ConversationClosed` after the end.
        """
        instant = self._now(now)
        self._check_content(conversation, text, attachments)
        flow = handle.reply(conversation, by, text, tuple(attachments), confirm=confirm)
        written = self._runtime.run(self.id, instant, flow)
        return MessageView.of(written.message, self._zone())

    def _check_content(
        self, conversation: str, text: str | None, attachments: Sequence[Attachment]
    ) -> None:
        entry_point = self._find(conversation).place.entry_point
        setup = self._runtime.current(self.id)
        adapter, settings = self._runtime.adapter(self.id, setup, entry_point)
        check_content(adapter.capabilities(settings), text, attachments)

    def end(
        self,
        conversation: str,
        *,
        by: str,
        disposition: str | None = None,
        now: datetime | None = None,
    ) -> ConversationView:
        """End a conversation; its slot is free at once. `ConversationClosed` when it has ended."""
        instant = self._now(now)
        flow = handle.end(conversation, by, disposition)
        return self._view(self._runtime.run(self.id, instant, flow), instant)

    def note(
        self, conversation: str, text: str, *, by: str, now: datetime | None = None
    ) -> MessageView:
        """Leave an internal note, in any state. The contact never sees it (P17)."""
        flow = handle.note(conversation, by, text)
        written = self._runtime.run(self.id, self._now(now), flow)
        return MessageView.of(written.message, self._zone())

    def tag(
        self,
        conversation: str,
        *add: str,
        by: str,
        remove: Sequence[str] = (),
        now: datetime | None = None,
    ) -> ConversationView:
        """Add and remove tags, in any state (P17)."""
        instant = self._now(now)
        flow = handle.tag(conversation, by, add, remove)
        return self._view(self._runtime.run(self.id, instant, flow), instant)

    def mark_read(self, conversation: str, *, by: str, now: datetime | None = None) -> None:
        """Mark a conversation as read by an agent, up to its newest message (P18)."""
        self._runtime.run(self.id, self._now(now), handle.mark_read(conversation, by))

    def set_available(
        self, agent: str, available: bool = True, *, by: str | None = None, now: datetime | None = None
    ) -> None:
        """Switch an agent on or off for all channels (A7). Waiting conversations come at once (A9)."""
        self.staff.set_available(agent, available, by=by, now=now)

    # --- time and delivery ------------------------------------------------------------------------

    def tick(self, *, now: datetime | None = None) -> int:
        """Fire every deadline that is due, in order; return how many. Costs nothing for the rest.

        Run it often: by `omniroute worker`, by a scheduler, or at `next_due()`.
        """
        instant, fired, more = self._now(now), 0, True
        while more:
            count, more = self._runtime.run(self.id, instant, ticking.tick_batch)
            fired += count
        return fired

    def next_due(self) -> datetime | None:
        """Return the instant of the earliest armed deadline, or None."""
        ahead = self._runtime.read(lambda tx: tx.entries(_DEADLINES, self.id, limit=1))
        return from_micros(ahead[0][0], self._zone()) if ahead else None

    def next_delivery(self, *, now: datetime | None = None) -> datetime | None:
        """Return the next instant after `now` at which a message becomes ready to send, or None."""
        instant = self._now(now)
        ahead = self._runtime.read(
            lambda tx: tx.entries(_READY, self.id, after=(instant + 1, "", "", 0), limit=1)
        )
        return from_micros(ahead[0][0], self._zone()) if ahead else None

    def deliver(self, *, now: datetime | None = None, limit: int = 1000) -> int:
        """Send what waits in the outbox and is ready, at most `limit`; return how many were tried."""
        return delivery.deliver(self._runtime, self.id, self._now(now), limit)

    def waiting_to_send(self) -> int:
        """Return how many messages are in the outbox, ready or waiting for another try."""
        return self._runtime.read(lambda tx: tx.count(_READY, self.id))

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        """Return messages that were given up, the oldest first, with the reason of each."""
        read.check_limit(limit)
        return self._runtime.read(dead_letters(self.id, limit))

    def redrive(self, message: str, *, now: datetime | None = None) -> None:
        """Put a dead message back into the outbox, from the step it had reached."""
        self._runtime.run(self.id, self._now(now), redrive(message))

    # --- reading ----------------------------------------------------------------------------------

    def conversation(self, conversation: str, *, now: datetime | None = None) -> ConversationView:
        """Return one conversation; `UnknownConversation` when there is none of that id."""
        return self._view(self._find(conversation), self._now(now))

    def conversations(
        self,
        *,
        agent: str | None = None,
        contact: str | None = None,
        tag: str | None = None,
        queue: str | None = None,
        inbox: str | None = None,
        unread_by: str | None = None,
        states: Sequence[State] = OPEN,
        order: str = "due",
        limit: int = 50,
        after: str | None = None,
        now: datetime | None = None,
    ) -> Page[ConversationView]:
        """Return a page of conversations that pass every filter, by `due` or `latest` (P18).

        Pass a page's `next` as `after` for the one behind it.
        """
        query = read.Query(
            agent=agent,
            contact=contact,
            tag=tag,
            queue=queue,
            inbox=inbox,
            unread_by=unread_by,
            states=tuple(states),
            order=order,
            limit=limit,
            after=after,
        )
        instant = self._now(now)
        found, cursor = self._runtime.read(read.list_conversations(self.id, query))
        return Page(tuple(self._view(each, instant) for each in found), cursor)

    def messages(
        self, conversation: str, *, limit: int = 50, after: int | None = None
    ) -> list[MessageView]:
        """Return a conversation's messages and notes in order, beyond position `after`."""
        zone = self._zone()
        found = self._runtime.read(read.list_messages(self.id, conversation, limit, after))
        return [MessageView.of(message, zone) for message in found]

    def counts(
        self,
        by: str = "state",
        *,
        agent: str | None = None,
        contact: str | None = None,
        tag: str | None = None,
        queue: str | None = None,
        inbox: str | None = None,
        unread_by: str | None = None,
        states: Sequence[State] = OPEN,
    ) -> dict[str, int]:
        """Count conversations by `state`, `inbox`, `queue` or `agent`; what has none is left out."""
        if by not in _COUNTED:
            raise UsageError(
                "cannot count by that", where="by", expected=" or ".join(_COUNTED), got=repr(by)
            )
        setup = self._runtime.current(self.id)
        values = setup.leaves if by == "queue" else tuple(setup.config.inboxes)
        query = read.Query(
            agent=agent,
            contact=contact,
            tag=tag,
            queue=queue,
            inbox=inbox,
            unread_by=unread_by,
            states=tuple(states),
        )
        return self._runtime.read(read.counts(self.id, query, by, values))

    def changes(self, after: int = 0, *, limit: int | None = None) -> Iterator[Change]:
        """Yield committed events beyond a position, in order and without gaps (P19).

        Ends with the newest; call again with the last position to go on, from any process.
        """
        zone, position, left = self._zone(), after, limit
        while left is None or left > 0:
            size = 500 if left is None else min(left, 500)
            entries = self._runtime.read(read.changes(self.id, position, size))
            for entry in entries:
                position = entry.position
                yield Change.of(entry, zone)
            if len(entries) < size:
                return
            left = None if left is None else left - len(entries)

    def explain(self, conversation: str) -> explaining.Story:
        """Return why: this inbox, SLA, queue and agent, or why nobody (P14, S13)."""
        return self._runtime.read(explaining.explain(self.id, conversation, self._zone()))

    # --- inside -----------------------------------------------------------------------------------

    def _zone(self) -> str:
        return self._runtime.current(self.id).config.zone

    def _find(self, conversation: str) -> Conversation:
        found = self._runtime.read(lambda tx: tx.get(CONVERSATIONS, self.id, (conversation,)))
        if found is None:
            raise UnknownConversation(f"no conversation {conversation!r}")
        return found

    def _view(self, conversation: Conversation, now: int) -> ConversationView:
        setup = self._runtime.current(self.id)
        place = conversation.place
        policy = setup.policy(place.channel, conversation.queue or place.inbox)
        return ConversationView.of(conversation, setup.config.zone, policy.labels, now)

