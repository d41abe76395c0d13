"""`Desk`: one helpdesk as its host sees it. Every method is a few lines around a flow.

Methods take `now=None`; None asks the desk's clock. Instants given and returned are aware
datetimes. Where a method raises, nothing was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from omniroute.closing import Closes
from omniroute.desk.clock_reads import ClockReads
from omniroute.desk.getting_work import GettingWork
from omniroute.desk.messages_in import MessagesIn
from omniroute.desk.outreach import Outreach
from omniroute.desk.pausing import Pausing
from omniroute.desk.queue_reads import QueueReads
from omniroute.desk.telling import Telling
from omniroute.desk.versions import Versioned
from omniroute.errors import UsageError
from omniroute.instants import from_micros
from omniroute.lazy import later
from omniroute.model.state import OPEN, State
from omniroute.rules.arguments import blaming

if TYPE_CHECKING:
    from omniroute import business_hours
    from omniroute.business_hours import BusinessHours
    from omniroute.desk import (
        acting,
        contacts,
        deliver,
        handle,
        idempotency,
        intake,
        numbers,
        outbox,
        read,
        team,
        tick,
        transferring,
        views,
        watch,
    )
    from omniroute.desk.acting import Acting
    from omniroute.desk.foresight import About
    from omniroute.desk.outbox import DeadLetter
    from omniroute.desk.runtime import Runtime
    from omniroute.desk.views import Change, ConversationView, MessageView, Page
    from omniroute.model.targets import Group, Queue
    from omniroute.model.wire import Attachment
    from omniroute.ports import Transaction
    from omniroute.rules.entry_points import ResolvedEntryPoint
    from omniroute.rules.resolution import Setup
else:
    (business_hours,) = later(globals(), "omniroute", "business_hours")
    acting, contacts, deliver, handle, idempotency = later(
        globals(), "omniroute.desk", "acting", "contacts", "deliver", "handle", "idempotency"
    )
    intake, numbers, outbox, read, team, tick = later(
        globals(), "omniroute.desk", "intake", "numbers", "outbox", "read", "team", "tick"
    )
    transferring, views, watch = later(
        globals(), "omniroute.desk", "transferring", "views", "watch"
    )

__all__ = ["POLL", "Desk"]

_TICKS: Final[About] = (None, None, None, "ticks")

POLL: Final = timedelta(seconds=1)
"""How often `watch` looks, where nothing tells it to look sooner."""

_PAGE = 500
_COUNTED = ("state", "inbox", "queue", "agent")


@blaming
class Desk(
    MessagesIn,
    Versioned,
    Outreach,
    Pausing,
    GettingWork,
    ClockReads,
    QueueReads,
    Telling,
    Closes,
):
    """One helpdesk on a store. Made by `Desks`; safe to use from many threads."""

    def __init__(
        self, desk_id: str, runtime: Runtime, *, close: Callable[[], None] | None = None
    ) -> None:
        super().__init__(desk_id, runtime)
        self._close = close
        self.staff = team.Staff(desk_id, runtime)
        self.contacts = contacts.Contacts(desk_id, runtime)
        self.numbers = numbers.Numbers(desk_id, runtime)

    def __repr__(self) -> str:
        return f"Desk({self.id!r})"

    def close(self) -> None:
        """Close the store and the transport of a desk that `open_desk` opened.

        A desk of `Desks` shares them with the others, and closes nothing.
        """
        if self._close is not None:
            self._close()

    def acting_as(self, agent: str) -> Acting:
        """Return this desk with `by=agent` filled in for every command."""
        return acting.Acting(self, agent)

    def entry_points(self, channel: str | None = None) -> list[ResolvedEntryPoint]:
        """Return entry points with effective inbox and SLA and the source of each (G23)."""
        return self._runtime.current(self.id).entry_points_of(channel)

    def hours(self, path: str | None = None, *, channel: str | None = None) -> BusinessHours:
        """Return when an inbox or queue is open, by its full path; without one, the desk (P13).

        `UsageError` for a place or a channel that the configuration does not have.
        """
        setup = self._runtime.current(self.id)
        setup.check_place(path)
        setup.check_channel(channel)
        return business_hours.BusinessHours(setup.hours(channel, path))

    # --- what agents do ---------------------------------------------------------------------------

    def take(
        self,
        conversation: str,
        *,
        by: str,
        confirm: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Take a conversation by hand, where policy says claim.

        Raises `AlreadyTaken` naming the owner where another agent holds it; with `confirm=True` it
        is taken over, where policy allows (C4 to C6). `CapacityExceeded` past `hard_max`. The same
        `key` gives the first result again (R4); `within` joins the host's transaction.
        """
        flow = handle.take(conversation, by, confirm=confirm)
        flow = idempotency.once(key, flow, "take", conversation, by, confirm)
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def reply(
        self,
        conversation: str,
        text: str | None = None,
        *,
        by: str,
        attachments: Sequence[Attachment] = (),
        confirm: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Write to the contact. It goes out with the next `deliver`; the first reply claims (C3).

        Raises `UnsupportedContent` for what the channel cannot carry, `AlreadyTaken` as `take`
        does, `ConversationClosed` after the end. `key` and `within` as for `take`.
        """
        files = tuple(attachments)
        check = self._runtime.check_content
        flow = handle.reply(conversation, by, text, files, check, confirm=confirm)
        if key is not None:
            flow = idempotency.once(key, flow, "reply", conversation, by, text, files, confirm)
        return self._written(flow, now, within, (conversation, by, key, None))

    def transfer(
        self,
        conversation: str,
        to: str | Group | Queue,
        *,
        by: str,
        comment: str | None = None,
        force: bool = False,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Transfer a conversation that `by` holds: to an agent, a `Group` or a `Queue` (A21 to A25).

        The comment becomes a note for whoever receives it. Raises `TargetUnavailable` where the agent
        is not available; `force=True` transfers anyway, past their maximum. `TransferNotAllowed` where
        policy forbids it, `NotHolder`. `key` and `within` as for `take`.
        """
        flow = transferring.transfer(conversation, to, by, comment, force=force)
        flow = idempotency.once(key, flow, "transfer", conversation, repr(to), by, comment, force)
        return self._commanded(flow, now, within, (conversation, by, key, "frees"))

    def end(
        self,
        conversation: str,
        *,
        by: str,
        disposition: str | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """End a conversation; its slot is free at once. `ConversationClosed` when it has ended.

        `key` and `within` as for `take`.
        """
        flow = handle.end(conversation, by, disposition)
        flow = idempotency.once(key, flow, "end", conversation, by, disposition)
        return self._commanded(flow, now, within, (conversation, by, key, "frees"))

    def note(
        self,
        conversation: str,
        text: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> MessageView:
        """Leave an internal note, in any state. The contact never sees it (P17)."""
        flow = handle.note(conversation, by, text)
        flow = idempotency.once(key, flow, "note", conversation, by, text)
        return self._written(flow, now, within, (conversation, by, key, None))

    def tag(
        self,
        conversation: str,
        *add: str,
        by: str,
        remove: Sequence[str] = (),
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Add and remove tags, in any state (P17)."""
        flow = handle.tag(conversation, by, add, remove)
        flow = idempotency.once(key, flow, "tag", conversation, by, add, remove)
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def set_available(
        self,
        agent: str,
        available: bool = True,  # noqa: FBT001, FBT002  (reads well by position)
        *,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Switch an agent on or off for all channels (A7). Waiting conversations come at once (A9)."""
        self.staff.set_available(agent, available, by=by, now=now, within=within)

    # --- time and delivery ------------------------------------------------------------------------

    def tick(self, *, now: datetime | None = None) -> int:
        """Route what was accepted, then fire every deadline that is due, in order; return how many.

        Costs nothing for the rest. Run it often: by `omniroute worker`, by a scheduler, or at
        `next_due()`.
        """
        instant, fired, more = self._now(now), 0, True
        intake.route(self._runtime, self.id)
        while more:
            count, more = self._runtime.run(
                self.id, instant, tick.tick_batch, overdue_first=False, about=_TICKS
            )
            fired += count
        return fired

    def next_due(self) -> datetime | None:
        """Return the instant of the earliest armed deadline, or None."""

        def work(tx: Transaction, setup: Setup) -> datetime | None:
            ahead = tick.earliest(tx, self.id)
            return None if ahead is None else from_micros(ahead, setup.config.zone)

        return self._runtime.look(self.id, work)

    def next_delivery(self, *, now: datetime | None = None) -> datetime | None:
        """Return the next instant after `now` at which a message becomes ready to send, or None."""
        instant = self._now(now)

        def work(tx: Transaction, setup: Setup) -> datetime | None:
            ahead = outbox.next_ready(tx, self.id, instant)
            return None if ahead is None else from_micros(ahead, setup.config.zone)

        return self._runtime.look(self.id, work)

    def deliver(self, *, now: datetime | None = None, limit: int = 1000) -> int:
        """Send what waits in the outbox and is ready, at most `limit`; return how many were tried."""
        return deliver.deliver(self._runtime, self.id, self._now(now), limit)

    def waiting_to_send(self) -> int:
        """Return how many messages are in the outbox, ready or waiting for another try."""
        return self._runtime.read(outbox.waiting(self.id))

    def dead_letters(self, *, limit: int = 50) -> list[DeadLetter]:
        """Return messages that were given up, the oldest first, with the reason of each."""
        read.check_limit(limit)
        return self._runtime.read(outbox.dead_letters(self.id, limit))

    def redrive(self, message: str, *, now: datetime | None = None) -> None:
        """Put a dead message back into the outbox, from the step it had reached."""
        self._runtime.run(self.id, self._now(now), outbox.redrive(message))

    # --- reading ----------------------------------------------------------------------------------

    def conversation(self, conversation: str, *, now: datetime | None = None) -> ConversationView:
        """Return one conversation; `UnknownConversation` when there is none of that id."""
        instant = self._now(now)

        def work(tx: Transaction, setup: Setup) -> ConversationView:
            return views.view_of(read.find(tx, self.id, conversation), setup, instant)

        return self._runtime.look(self.id, work)

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
        return self._listed(query, self._now(now))

    def messages(
        self, conversation: str, *, limit: int = 50, after: int | None = None
    ) -> list[MessageView]:
        """Return a conversation's messages and notes in order, beyond position `after`."""
        return self._read(read.list_messages(self.id, conversation, limit, after))

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
        query = read.Query(
            agent=agent,
            contact=contact,
            tag=tag,
            queue=queue,
            inbox=inbox,
            unread_by=unread_by,
            states=tuple(states),
        )

        def work(tx: Transaction, setup: Setup) -> dict[str, int]:
            values = setup.leaves if by == "queue" else tuple(setup.config.inboxes)
            return read.counts(self.id, query, by, values)(tx)

        return self._runtime.look(self.id, work)

    def changes(self, after: int = 0, *, limit: int | None = None) -> Iterator[Change]:
        """Yield committed events beyond a position, in order and without gaps (P19).

        Ends with the newest; call again with the last position to go on, from any process.
        """
        position, left = after, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = self.change_page(position, size)
            yield from page
            if len(page) < size:
                return
            position, left = page[-1].position, None if left is None else left - size

    def change_page(self, after: int = 0, limit: int = 500) -> list[Change]:
        """Return at most `limit` committed events beyond a position, in one transaction."""
        listed = read.changes(self.id, after, limit)

        def work(tx: Transaction, setup: Setup) -> list[Change]:
            return [views.Change.of(entry, setup.config.zone) for entry in listed(tx)]

        return self._runtime.look(self.id, work)

    def watch(
        self,
        after: int = 0,
        *,
        poll: str | timedelta = POLL,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Change]:
        """Yield committed events beyond a position as they come, in order and without gaps (P19).

        Looks every `poll`, and at once where the store can tell that something was committed. Ends
        when `stop()` is true, `event.is_set` say. A `StoreError` comes through: watch again, from the
        last position, when the store is back.
        """
        return watch.watch(self._runtime.store, self.id, self.change_page, after, poll, stop)
