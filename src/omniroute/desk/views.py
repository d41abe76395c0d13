"""What reading gives: the stored values as a host wants them, with aware datetimes for instants.

Inside, instants are integers; here, at the face, they are datetimes in the desk's zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from attrs import field

from omniroute.desk import receive
from omniroute.desk.clock_views import (
    ClockView,
    ResponseTargetView,
    clock_views,
    response_target_view,
)
from omniroute.instants import from_micros, made_from_micros
from omniroute.model.agent import Agent, Capacity, ChannelTerms, Colour, Role
from omniroute.model.conversation import Conversation, Ending, Offer
from omniroute.model.desk_config import AgentConfig
from omniroute.model.events import Event, LogEntry
from omniroute.model.message import Direction, Message
from omniroute.model.policy import Policy
from omniroute.model.records import ConfigChange, StaffChange
from omniroute.model.state import Readiness, State
from omniroute.model.values import copying, frozen, making
from omniroute.model.wire import Attachment, Choice, DeliveryStatus, Rejected, Template
from omniroute.rules.availability import colour
from omniroute.rules.menu import branch_of
from omniroute.rules.resolution import Setup
from omniroute.rules.sla import is_overdue
from omniroute.rules.weights import counts

__all__ = [
    "AgentView",
    "Change",
    "ConversationView",
    "MessageView",
    "Page",
    "QueueView",
    "Received",
    "ReceivedItem",
    "StaffChangeView",
    "VersionView",
    "page_of",
    "view_of",
]

S = TypeVar("S")
V = TypeVar("V")


def _instant(micros: int | None, zone: str) -> datetime | None:
    return None if micros is None else from_micros(micros, zone)


@frozen(kw_only=True)
class ConversationView:
    """A conversation as it stood when it was read. Instants are aware, in the desk's zone.

    `due` is the earliest due instant of the clocks that run (None where none does), `overdue` whether
    that had passed (G20), `clocks` how each stands; `waiting_since` the first contact message nobody
    has answered; `label` the preset's word for `state`; `language` that of the queue, or of the
    branch that the contact has chosen (U13); `contact` as whom they wrote, also once that contact was
    merged into another (`desk.contacts.get` says who they are by now); `started_by` the agent who
    started it, if one did (S11).
    While it is OFFERED to one agent, `offered_to` names them and `offered_until` is when it goes on to
    the next (M5).
    """

    id: str
    state: State
    label: str
    channel: str
    entry_point: str
    inbox: str
    queue: str | None
    agent: str | None
    contact: str
    address: str
    thread: str
    started_by: str | None
    tags: tuple[str, ...]
    subject: str | None
    attributes: Mapping[str, Any]
    language: str | None
    opened_at: datetime
    since: datetime
    last_event_at: datetime
    due: datetime | None
    overdue: bool
    waiting_since: datetime | None
    first_reply_at: datetime | None
    ending: Ending | None
    clocks: tuple[ClockView, ...]
    response_target: ResponseTargetView
    offered_to: str | None
    offered_until: datetime | None
    conversation: Conversation = field(repr=False)

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        zone: str,
        policy: Policy,
        now: int,
        language: str | None = None,
    ) -> ConversationView:
        """Return the view of a stored conversation under the policy in force where it stands."""
        place, clocks, labels = conversation.place, conversation.clocks, policy.labels
        offer = conversation.extras.offer or _NO_OFFER
        hours = policy.sla.hours if policy.sla else None
        state = conversation.state.value
        return _conversation_view(
            id=conversation.id,
            state=conversation.state,
            label=labels.get(state, state),
            channel=place.channel,
            entry_point=place.entry_point,
            inbox=place.inbox,
            queue=conversation.queue,
            agent=conversation.agent,
            contact=place.contact,
            address=place.address,
            thread=place.thread,
            started_by=place.started_by,
            tags=conversation.extras.tags,
            subject=conversation.extras.subject,
            attributes=conversation.extras.attributes,
            language=language,
            opened_at=from_micros(clocks.opened_at, zone),
            since=from_micros(conversation.since, zone),
            last_event_at=from_micros(conversation.at, zone),
            due=_instant(clocks.due, zone),
            overdue=clocks.due is not None and is_overdue(now, clocks.due),
            waiting_since=_instant(clocks.waiting_since, zone),
            first_reply_at=_instant(clocks.first_reply_at, zone),
            ending=conversation.extras.ending,
            clocks=clock_views(conversation, hours, zone, now),
            response_target=response_target_view(clocks.sla, zone, now),
            offered_to=offer.agent,
            offered_until=_instant(offer.until, zone),
            conversation=conversation,
        )


_NO_OFFER: Final = Offer(None, 0)
_conversation_view: Final = making(ConversationView)


def view_of(conversation: Conversation, setup: Setup, now: int) -> ConversationView:
    """Return the view of a conversation under the configuration in force."""
    place = conversation.place
    policy = setup.policy_at(place.entry_point, place.channel, conversation.queue or place.inbox)
    language = setup.language_of(conversation.queue or branch_of(conversation))
    return ConversationView.of(conversation, setup.config.zone, policy, now, language)


@frozen(kw_only=True)
class MessageView:
    """A message with its delivery status. `author` is `contact`, `system`, or `agent:<id>`."""

    id: str
    conversation: str
    position: int
    direction: Direction
    author: str
    at: datetime
    kind: str
    type: str
    text: str | None
    attachments: tuple[Attachment, ...]
    template: Template | None
    choice: Choice | None
    reply_to: str | None
    target: str | None
    emoji: str | None
    status: DeliveryStatus | None
    status_at: datetime | None
    error: str | None
    provider_ids: tuple[str, ...]
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, message: Message, zone: str) -> MessageView:
        """Return the view of a stored message."""
        status_at = message.status_at
        return _message_view(
            message,
            made_from_micros(message.at, zone),
            None if status_at is None else from_micros(status_at, zone),
        )


# Its other fields are called as the message's are, and hold the same.
_message_view: Final = copying(MessageView, "at", "status_at")


@frozen(kw_only=True)
class AgentView:
    """An agent as they stood when read: `colour` is computed, never set (A8).

    `load` is in parts of their `capacity`. `terms` says what a conversation of a channel, kind or
    family costs them and how many they may hold, `holds` how many they do, `colours` whether there is
    room for one more (P2); what is in none of them costs one part. `forced` counts what they were given
    by force (M9); `keeps` is the conversation for which their free parts are kept (R2).
    One who is `leaving` gets nothing new, and goes with the last conversation they hold (S15). One who
    `missed` an offer gets nothing until somebody switches them on by hand (M5).
    """

    id: str
    name: str
    groups: tuple[str, ...]
    serves: tuple[str, ...]
    queues: tuple[str, ...]
    capacity: Capacity
    available: bool
    colour: Colour
    load: int
    idle_since: datetime
    role: Role
    leaving: bool
    channels: tuple[str, ...] | None
    skills: Mapping[str, int]
    languages: tuple[str, ...]
    terms: Mapping[str, ChannelTerms]
    holds: Mapping[str, int]
    colours: Mapping[str, Colour]
    forced: int
    keeps: str | None
    missed: bool

    @classmethod
    def of(cls, agent: Agent, zone: str) -> AgentView:
        """Return the view of a stored agent."""
        return cls(
            id=agent.id,
            name=agent.name,
            groups=agent.groups,
            serves=agent.serves,
            queues=agent.leaves,
            capacity=agent.capacity,
            available=agent.available,
            colour=colour(agent),
            load=agent.load,
            idle_since=from_micros(agent.idle_since, zone),
            role=agent.role,
            leaving=agent.leaving,
            channels=agent.channels,
            skills=agent.skills,
            languages=agent.languages,
            terms=agent.extras.terms,
            holds=counts(agent),
            colours={name: colour(agent, name) for name in agent.extras.terms},
            forced=agent.forced,
            keeps=agent.extras.keeps,
            missed=agent.missed,
        )


@frozen(kw_only=True)
class VersionView:
    """One saved version of the configuration: by whom, when, and what it changed, line by line.

    `by` is an actor (`system`, `agent:<id>`); `restores` the version that a rollback took back.
    """

    number: int
    by: str
    at: datetime
    changes: tuple[str, ...]
    restores: int | None

    @property
    def summary(self) -> str:
        """The version in one line."""
        if self.restores is not None:
            return f"rolled back to version {self.restores}"
        if not self.changes:
            return "the first version" if self.number == 1 else "nothing but the order"
        more = len(self.changes) - 1
        return f"{self.changes[0]} and {more} more" if more else self.changes[0]

    @classmethod
    def of(cls, change: ConfigChange, zone: str) -> VersionView:
        """Return the view of a stored version's record."""
        return cls(
            number=change.version,
            by=change.by,
            at=from_micros(change.at, zone),
            changes=change.changes,
            restores=change.restores,
        )


@frozen(kw_only=True)
class StaffChangeView:
    """One change of an agent's profile: by whom, when, how it came about, and what, line by line.

    `position` is its place in the log, `origin` one of `hand`, `file`, `seed`, `configuration`;
    `profile` is what it left, None where it took the agent off the staff.
    """

    agent: str
    position: int
    by: str
    at: datetime
    origin: str
    changes: tuple[str, ...]
    profile: AgentConfig | None

    @classmethod
    def of(cls, change: StaffChange, zone: str) -> StaffChangeView:
        """Return the view of a stored change."""
        return cls(
            agent=change.agent,
            position=change.position,
            by=change.by,
            at=from_micros(change.at, zone),
            origin=change.origin,
            changes=change.changes,
            profile=change.profile,
        )


@frozen(kw_only=True)
class QueueView:
    """A queue as it stood when read: a leaf, which agents are assigned to, or a branch of the tree.

    `agents` is how many are assigned to a leaf, None for a branch. A branch is ready where some leaf
    beneath it is (U15). `hidden` also where it lies below a hidden one (U24). `goal` is how many
    conversations an agent should hold there at once, shown and no cap (U21). `waiting` is how many wait in
    a leaf, `estimated_wait` how long whoever comes now would, None without data (P8).
    """

    path: str
    name: str
    inbox: str
    leaf: bool
    readiness: Readiness
    agents: int | None
    hidden: bool
    language: str | None
    goal: int | None = None
    waiting: int | None = None
    estimated_wait: timedelta | None = None


@frozen
class Change:
    """A committed event at its position: read on from `position` and nothing is missed (P19)."""

    position: int
    at: datetime
    event: Event

    @classmethod
    def of(cls, entry: LogEntry, zone: str) -> Change:
        """Return the view of a log entry."""
        return cls(entry.position, from_micros(entry.event.at, zone), entry.event)


@frozen
class Page(Generic[V]):
    """Some of a list, in order. Pass `next` as `after=` for more; None means that was all."""

    items: tuple[V, ...]
    next: str | None

    def __iter__(self) -> Iterator[V]:
        """Iterate over this page's items."""
        return iter(self.items)

    def __getitem__(self, index: int) -> V:
        """Return one of this page's items by its place; `IndexError` where there is none."""
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


def page_of(
    found: Sequence[S],
    limit: int,
    view: Callable[[S, str], V],
    zone: str,
    key: Callable[[S], object],
) -> Page[V]:
    """Return a page of what was read, one more than it holds; `key` says from where to go on."""
    following = str(key(found[limit - 1])) if len(found) > limit else None
    return Page(tuple(view(each, zone) for each in found[:limit]), following)


@frozen(kw_only=True)
class ReceivedItem:
    """What became of one item: `result` is accepted, duplicate, ignored or rejected, with the reason."""

    result: str
    key: str
    kind: str
    conversation: str | None
    message: str | None
    reason: str | None


@frozen(kw_only=True)
class Received:
    """What became of a webhook. `conversations` are those it touched, as they stand, each once."""

    items: tuple[ReceivedItem, ...]
    conversations: tuple[ConversationView, ...]
    unreadable: tuple[Rejected, ...]

    @property
    def accepted(self) -> int:
        """How many items were new and kept."""
        return sum(item.result == receive.ACCEPTED for item in self.items)

    @property
    def duplicates(self) -> int:
        """How many items had been received before."""
        return sum(item.result == receive.DUPLICATE for item in self.items)

    @property
    def rejected(self) -> tuple[str, ...]:
        """Why items were not kept: those that policy or sense refused, and those that are unreadable."""
        refused = (receive.IGNORED, receive.REJECTED)
        return (
            *(f"{item.key}: {item.reason}" for item in self.items if item.result in refused),
            *(str(item) for item in self.unreadable),
        )
