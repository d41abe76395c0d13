"""Everything that is stored: the declared collections, and the indexes by which it is found.

A feature adds declarations here (`collection` says how); the verbs in `ports.Transaction` stay as
they are, and a third party's store serves the new declaration unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve

from omniroute.collection import Collection, Column, Index, Key
from omniroute.model.agent import Agent
from omniroute.model.assign import QueueLine
from omniroute.model.contact import Contact
from omniroute.model.conversation import Conversation
from omniroute.model.effects import OutboxEntry, OutboxState
from omniroute.model.events import ConversationEvent, LogEntry
from omniroute.model.explanation import Explanation
from omniroute.model.message import Direction, Message
from omniroute.model.records import (
    AcceptedItem,
    AddressEntry,
    AgentTimer,
    ConfigChange,
    ConfigVersion,
    DedupeRecord,
    DeskRecord,
    EarlyStatus,
    Engagement,
    IdempotencyRecord,
    Job,
    NumberVerification,
    ReadMarker,
    StaffChange,
)
from omniroute.model.state import State
from omniroute.rules.availability import rank
from omniroute.rules.waiting import line_of, slot
from omniroute.rules.weights import place_for, queue_of

__all__ = [
    "ADDRESSES",
    "AGENTS",
    "AGENT_TIMERS",
    "COLLECTIONS",
    "CONFIGS",
    "CONFIG_CHANGES",
    "CONTACTS",
    "CONVERSATIONS",
    "DEDUPE",
    "DESKS",
    "EARLY_STATUSES",
    "ENGAGEMENTS",
    "EXPLANATIONS",
    "IDEMPOTENCY",
    "INTAKE",
    "JOBS",
    "LOG",
    "MESSAGES",
    "NO_DUE",
    "NUMBER_VERIFICATIONS",
    "OUTBOX",
    "QUEUE_LINES",
    "READ_MARKERS",
    "STAFF_CHANGES",
    "Collection",
    "Column",
    "Index",
    "Key",
]

NO_DUE: Final = 2**62
"""Stands for "no due instant" where conversations are ordered by due: they come last."""


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, str) for name in names)


def _number(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, int) for name in names)


# --- the desk itself ------------------------------------------------------------------------------

DESKS: Final = Collection(
    name="desks",
    type=DeskRecord,
    key_columns=(),
    key=lambda _: (),
    columns=_number("next_work"),
    row=lambda desk: (desk.next_work,),
    indexes=(
        Index(
            "due_desks",
            ("next_work",),
            desk_led=False,
            lease=lambda desk, until: evolve(desk, next_work=until),
            stays=lambda old, new: old.next_work == new.next_work,
        ),
    ),
)

CONFIGS: Final = Collection(
    name="configs",
    type=ConfigVersion,
    key_columns=_number("version"),
    key=lambda config: (config.version,),
)

CONFIG_CHANGES: Final = Collection(
    name="config_changes",
    type=ConfigChange,
    key_columns=_number("version"),
    key=lambda change: (change.version,),
    indexes=(Index("config_history", ()),),
)

ADDRESSES: Final = Collection(
    name="addresses",
    type=AddressEntry,
    key_columns=_text("kind", "address"),
    key=lambda entry: (entry.kind, entry.address),
    columns=_text("owner"),
    row=lambda entry: (entry.desk,),
    indexes=(Index("addresses_of_desk", ("owner",)),),
    desk_led=False,
)

# --- staff and contacts ---------------------------------------------------------------------------


def _serving(agent: Agent) -> Iterable[Key]:
    channels = "" if agent.channels is None else f",{','.join(agent.channels)},"
    rest = (agent.id, agent.load, agent.capacity.soft_max, agent.idle_since, channels)
    order, places = (*rank(agent), *rest), (*agent.leaves, *agent.pools)
    found = [(place, *order) for place in places]
    if agent.extras.distributions:  # of queues that choose otherwise than the desk (P3)
        found = [(each, *rank(agent, None, queue_of(each)), *rest) for each in places]
    for name in agent.extras.terms:  # where there is room for one of these (P2)
        for place in places:
            order = (*rank(agent, name, queue_of(place)), *rest)
            found.append((place_for(place, name), *order))
    return found


# Load, maximum, idle time and channels (empty: all) ride along after the agent's id, which already
# decides the order: so that choosing an agent and saying why costs one short scan of entries, without
# loading anybody.
_SERVING: Final = (
    *_text("queue"),
    *_number("colour", "rank_first", "rank_second"),
    *_text("agent"),
    *_number("load", "maximum", "idle_since"),
    *_text("channels"),
)


AGENTS: Final = Collection(
    name="agents",
    type=Agent,
    key_columns=_text("id"),
    key=lambda agent: (agent.id,),
    columns=(Column("load", int, least=0),),
    row=lambda agent: (agent.load,),
    indexes=(
        Index("all_agents", ()),
        Index(
            "serving",
            tuple(column.name for column in _SERVING),
            many=_serving,
            many_columns=_SERVING,
        ),
    ),
)

STAFF_CHANGES: Final = Collection(
    name="staff_changes",
    type=StaffChange,
    key_columns=(*_text("agent"), *_number("position")),
    key=lambda change: (change.agent, change.position),
    indexes=(Index("staff_history", ()),),
)

AGENT_TIMERS: Final = Collection(
    name="agent_timers",
    type=AgentTimer,
    key_columns=_text("agent", "timer", "conversation"),
    key=lambda timer: (timer.agent, timer.kind.value, timer.conversation),
    columns=_number("due"),
    row=lambda timer: (timer.due,),
    indexes=(Index("agent_deadlines", ("due",)),),
)

CONTACTS: Final = Collection(
    name="contacts",
    type=Contact,
    key_columns=_text("id"),
    key=lambda contact: (contact.id,),
    columns=_text("ref"),
    row=lambda contact: (contact.ref,),
    indexes=(
        Index(
            "contact_addresses",
            ("kind", "address"),
            unique=True,
            many=lambda contact: contact.addresses,
            many_columns=_text("kind", "address"),
        ),
        Index("contacts_by_ref", ("ref",)),
    ),
)

# --- conversations --------------------------------------------------------------------------------


_FAR: Final = 2**62  # later than any instant


def _conversation_row(conversation: Conversation) -> Key:
    place, clocks, state = conversation.place, conversation.clocks, conversation.state
    ended = state is State.ENDED
    queue = conversation.queue
    routing = conversation.extras.routing
    lane = line_of(conversation)
    waiting = lane is not None
    # In a thread the open one comes first, then those that ended, the latest first (S9). What is
    # said of a conversation after its end moves `at` and not `since`.
    after = _FAR - conversation.since if ended else 0
    return (
        place.entry_point,
        place.contact,
        place.thread,
        after,
        None if ended else 1,
        -conversation.at,
        queue if waiting else None,
        lane,
        routing.segment if waiting else None,
        routing.wait_class if waiting else None,
        clocks.queued_at if waiting else None,
        conversation.deadline,
        state.value,
        slot(conversation),  # what is offered to somebody is found under their name
        place.inbox,
        queue,
        NO_DUE if clocks.due is None else clocks.due,
    )


_LISTED = ("agent", "inbox", "queue")

CONVERSATIONS: Final = Collection(
    name="conversations",
    type=Conversation,
    key_columns=_text("id"),
    key=lambda conversation: (conversation.id,),
    columns=(
        *_text("entry_point", "contact", "thread"),
        *_number("thread_order", "open_mark", "recency"),
        *_text("waiting_queue", "waiting_lane"),
        *_number("waiting_segment", "waiting_class", "waiting_since", "deadline"),
        *_text("state", "agent", "inbox", "queue"),
        *_number("due"),
    ),
    row=_conversation_row,
    indexes=(
        Index(
            "open_thread",
            ("entry_point", "contact", "thread", "open_mark"),
            unique=True,
            stays=lambda old, new: old.place is new.place and old.state is new.state,
        ),
        Index("thread", ("entry_point", "contact", "thread", "thread_order")),
        Index(
            "waiting",
            (
                "waiting_queue",
                "waiting_lane",
                "waiting_segment",
                "waiting_class",
                "waiting_since",
            ),
            stays=lambda old, new: line_of(old) is None and line_of(new) is None,
        ),
        Index("deadlines", ("deadline",), stays=lambda old, new: old.deadline == new.deadline),
        Index("open_conversations", ("open_mark",)),
        Index("all_by_due", ("state", "due")),
        Index("all_by_latest", ("state", "recency")),
        *(Index(f"{name}_by_due", (name, "state", "due")) for name in _LISTED),
        *(Index(f"{name}_by_latest", (name, "state", "recency")) for name in _LISTED),
        Index("contact_by_due", ("contact", "state", "due")),
        Index("contact_by_latest", ("contact", "state", "recency")),
        Index(
            "tag_by_due",
            ("tag", "tagged_state", "tagged_due"),
            many=lambda conversation: [
                (tag, conversation.state.value, _due(conversation))
                for tag in conversation.extras.tags
            ],
            many_columns=(*_text("tag", "tagged_state"), *_number("tagged_due")),
        ),
        Index(
            "tag_by_latest",
            ("tag", "tagged_state", "tagged_recency"),
            many=lambda conversation: [
                (tag, conversation.state.value, -conversation.at)
                for tag in conversation.extras.tags
            ],
            many_columns=(*_text("tag", "tagged_state"), *_number("tagged_recency")),
        ),
    ),
)


def _due(conversation: Conversation) -> int:
    return NO_DUE if conversation.clocks.due is None else conversation.clocks.due


QUEUE_LINES: Final = Collection(
    name="queue_lines",
    type=QueueLine,
    key_columns=_text("queue"),
    key=lambda line: (line.queue,),
)

# --- what was said, and what happened -------------------------------------------------------------


def _message_row(message: Message) -> Key:
    carrying = message.carry and message.direction is Direction.IN
    return (message.conversation, message.position, message.position if carrying else None)


MESSAGES: Final = Collection(
    name="messages",
    type=Message,
    key_columns=_text("id"),
    key=lambda message: (message.id,),
    columns=(*_text("conversation"), *_number("position", "carrying")),
    row=_message_row,
    indexes=(
        Index("messages_of", ("conversation", "position")),
        Index("messages_carrying", ("conversation", "carrying")),
        Index(
            "provider_ids",
            ("entry_point", "provider_id"),
            many=lambda message: [
                (message.entry_point, provider_id) for provider_id in message.provider_ids
            ],
            many_columns=_text("entry_point", "provider_id"),
        ),
    ),
)


def _log_row(entry: LogEntry) -> Key:
    event = entry.event
    return (event.conversation if isinstance(event, ConversationEvent) else None,)


LOG: Final = Collection(
    name="log",
    type=LogEntry,
    key_columns=_number("position"),
    key=lambda entry: (entry.position,),
    columns=_text("conversation"),
    row=_log_row,
    indexes=(Index("log_order", ()), Index("timeline", ("conversation",))),
)

EXPLANATIONS: Final = Collection(
    name="explanations",
    type=Explanation,
    key_columns=(*_text("conversation"), *_number("position")),
    key=lambda explanation: (explanation.conversation, explanation.position),
    indexes=(Index("explanations_of", ()),),
)

DEDUPE: Final = Collection(
    name="dedupe",
    type=DedupeRecord,
    key_columns=_text("entry_point", "kind", "provider_key"),
    key=lambda record: (record.entry_point, record.kind, record.key),
)

EARLY_STATUSES: Final = Collection(
    name="early_statuses",
    type=EarlyStatus,
    key_columns=_text("entry_point", "provider_id"),
    key=lambda status: (status.entry_point, status.provider_id),
)

IDEMPOTENCY: Final = Collection(
    name="idempotency",
    type=IdempotencyRecord,
    key_columns=_text("key"),
    key=lambda record: (record.key,),
    columns=_number("expires_at"),
    row=lambda record: (record.expires_at,),
    indexes=(Index("idempotency_expiry", ("expires_at",)),),
)

INTAKE: Final = Collection(
    name="intake",
    type=AcceptedItem,
    key_columns=_text("entry_point", "kind", "provider_key"),
    key=lambda each: (each.entry_point, each.item.kind.value, each.item.key),
    columns=_number("accepted_at", "number", "refused_at"),
    row=lambda each: (
        (each.at, each.number, None) if each.refused is None else (None, None, each.at)
    ),
    indexes=(
        Index("intake_order", ("accepted_at", "number")),
        Index("intake_refused", ("refused_at",)),
    ),
)

JOBS: Final = Collection(
    name="jobs",
    type=Job,
    key_columns=_text("name"),
    key=lambda job: (job.name,),
)

NUMBER_VERIFICATIONS: Final = Collection(
    name="number_verifications",
    type=NumberVerification,
    key_columns=_text("number"),
    key=lambda each: (each.number,),
)

ENGAGEMENTS: Final = Collection(
    name="engagements",
    type=Engagement,
    key_columns=(*_text("contact"), *_number("position")),
    key=lambda each: (each.contact, each.position),
    indexes=(Index("engagements_of", ()),),
)

READ_MARKERS: Final = Collection(
    name="read_markers",
    type=ReadMarker,
    key_columns=_text("agent", "conversation"),
    key=lambda marker: (marker.agent, marker.conversation),
)

# --- the outbox -----------------------------------------------------------------------------------


def _outbox_row(entry: OutboxEntry) -> Key:
    pending = entry.state is OutboxState.PENDING
    lane = entry.conversation or getattr(entry.effect, "message", "")  # an engagement is alone
    return (
        entry.ready_at if pending else None,
        lane if pending else None,
        None if pending else entry.position,
    )


OUTBOX: Final = Collection(
    name="outbox",
    type=OutboxEntry,
    key_columns=(*_text("conversation"), *_number("position")),
    key=lambda entry: (entry.conversation, entry.position),
    columns=(*_number("ready_at"), *_text("lane"), *_number("dead_at")),
    row=_outbox_row,
    indexes=(
        Index("outbox_of", ()),
        Index(
            "ready",
            ("ready_at", "lane"),
            lane="lane",
            lane_order="position",
            lease=lambda entry, until: evolve(entry, ready_at=until, attempts=entry.attempts + 1),
        ),
        Index("dead", ("dead_at",)),
    ),
)

COLLECTIONS: Final[tuple[Collection[Any], ...]] = (
    DESKS,
    CONFIGS,
    CONFIG_CHANGES,
    ADDRESSES,
    AGENTS,
    AGENT_TIMERS,
    STAFF_CHANGES,
    CONTACTS,
    CONVERSATIONS,
    QUEUE_LINES,
    MESSAGES,
    LOG,
    EXPLANATIONS,
    ENGAGEMENTS,
    DEDUPE,
    EARLY_STATUSES,
    IDEMPOTENCY,
    INTAKE,
    JOBS,
    NUMBER_VERIFICATIONS,
    READ_MARKERS,
    OUTBOX,
)
