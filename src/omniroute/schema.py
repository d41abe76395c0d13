"""Everything that is stored: the declared collections, and the indexes by which it is found.

A feature adds declarations here (`collection` says how); the verbs in `ports.Transaction` stay as
they are, and a third party's store serves the new declaration unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import evolve

from omniroute.collection import Collection, Column, Index, Key
from omniroute.model import records
from omniroute.model.agent import Agent
from omniroute.model.assign import QueueLine
from omniroute.model.contact import Contact
from omniroute.model.conversation import Conversation
from omniroute.model.effects import OutboxEntry, OutboxState
from omniroute.model.events import ConversationEvent, LogEntry
from omniroute.model.explanation import Explanation
from omniroute.model.message import Direction, Message
from omniroute.model.state import State
from omniroute.rules.availability import rank
from omniroute.rules.contacts import search_entries
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
    "due_order",
]

NO_DUE: Final = 2**62
"""Stands for "no due instant" where conversations are ordered by due: they come last."""


def _text(*names: str, always: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, str, always=always) for name in names)


def _number(*names: str, always: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, int, always=always) for name in names)


# --- the desk itself ------------------------------------------------------------------------------

DESKS: Final = Collection(
    name="desks",
    type=records.DeskRecord,
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
    type=records.ConfigVersion,
    key_columns=_number("version"),
    key=lambda config: (config.version,),
)

CONFIG_CHANGES: Final = Collection(
    name="config_changes",
    type=records.ConfigChange,
    key_columns=_number("version"),
    key=lambda change: (change.version,),
    indexes=(Index("config_history", ()),),
)

ADDRESSES: Final = Collection(
    name="addresses",
    type=records.AddressEntry,
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
    type=records.StaffChange,
    key_columns=(*_text("agent"), *_number("position")),
    key=lambda change: (change.agent, change.position),
    indexes=(Index("staff_history", ()),),
)

AGENT_TIMERS: Final = Collection(
    name="agent_timers",
    type=records.AgentTimer,
    key_columns=_text("agent", "timer", "conversation"),
    key=lambda timer: (timer.agent, timer.kind.value, timer.conversation),
    columns=_number("due"),
    row=lambda timer: (timer.due,),
    indexes=(Index("agent_deadlines", ("due",)), Index("timers_of_agents", ())),
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
        Index(
            "contact_terms",
            ("field", "term", "told"),
            many=search_entries,
            many_columns=(*_number("field"), *_text("term", "told")),
        ),
    ),
)

# --- conversations --------------------------------------------------------------------------------


def due_order(conversation: Conversation) -> int:
    """Return where an open conversation stands among others by due."""
    due = conversation.clocks.due
    return NO_DUE if due is None else due


_ENDED: Final = State.ENDED  # looking it up in its class costs more than comparing with it


def _conversation_row(conversation: Conversation) -> Key:
    place, clocks, state = conversation.place, conversation.clocks, conversation.state
    ended = state is _ENDED
    queue = conversation.queue
    routing = conversation.extras.routing
    lane = line_of(conversation)
    waiting = lane is not None
    return (
        place.entry_point,
        place.contact,
        None if ended else place.thread,
        place.thread if ended else None,
        -conversation.since if ended else None,
        -conversation.at,
        lane,
        routing.segment if waiting else None,
        routing.wait_class if waiting else None,
        clocks.queued_at if waiting else None,
        conversation.deadline,
        slot(conversation),  # what is offered to somebody is found under their name
        state.value,
        place.inbox,
        queue,
        _due(conversation),
    )


def _due(conversation: Conversation) -> int | None:
    return None if conversation.state is _ENDED else due_order(conversation)


def _tagged(order: str, of: Callable[[Conversation], int | None]) -> Index[Conversation]:
    return Index(
        f"tag_by_{order}",
        ("tag", "tagged_state", "tagged_order"),
        many=lambda each: [(tag, each.state.value, of(each)) for tag in each.extras.tags],
        many_columns=(*_text("tag", "tagged_state"), *_number("tagged_order")),
    )


_LISTED = ("agent", "inbox", "queue", "contact")

# A change of a conversation writes an entry into every index that has it, also where the entry is
# the same. So nothing stands in two places: an open one is in `open_thread` and not in `thread`, and
# who has ended is never due. `desk.lists` puts lists together.
CONVERSATIONS: Final = Collection(
    name="conversations",
    type=Conversation,
    key_columns=_text("id"),
    key=lambda conversation: (conversation.id,),
    columns=(
        *_text("entry_point", "contact", always=True),
        *_text("open_in", "ended_in"),
        *_number("ended_order"),
        *_number("recency", always=True),
        *_text("lane"),
        *_number("segment", "wait_class", "waiting_since", "deadline"),
        *_text("agent"),
        *_text("state", "inbox", always=True),
        *_text("queue"),
        *_number("due"),
    ),
    row=_conversation_row,
    indexes=(
        Index(
            "open_thread",
            ("entry_point", "contact", "open_in"),
            unique=True,
            stays=lambda old, new: (
                old.place is new.place and (old.state is _ENDED) is (new.state is _ENDED)
            ),
        ),
        # Those that ended, the latest first (S9). What is said of one after its end moves `at` and
        # not `since`.
        Index(
            "thread",
            ("entry_point", "contact", "ended_in", "ended_order"),
            stays=lambda old, new: old.state is not _ENDED and new.state is not _ENDED,
        ),
        Index(
            "waiting",
            ("queue", "lane", "segment", "wait_class", "waiting_since"),
            stays=lambda old, new: line_of(old) is None and line_of(new) is None,
        ),
        Index("deadlines", ("deadline",), stays=lambda old, new: old.deadline == new.deadline),
        Index("all_by_due", ("state", "due")),
        Index("all_by_latest", ("state", "recency")),
        *(Index(f"{name}_by_due", (name, "state", "due")) for name in _LISTED),
        *(Index(f"{name}_by_latest", (name, "state", "recency")) for name in _LISTED),
        _tagged("due", _due),
        _tagged("latest", lambda conversation: -conversation.at),
    ),
)

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
            many=lambda message: [(message.entry_point, each) for each in message.provider_ids],
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
    type=records.DedupeRecord,
    key_columns=_text("entry_point", "kind", "provider_key"),
    key=lambda record: (record.entry_point, record.kind, record.key),
)

EARLY_STATUSES: Final = Collection(
    name="early_statuses",
    type=records.EarlyStatus,
    key_columns=_text("entry_point", "provider_id"),
    key=lambda status: (status.entry_point, status.provider_id),
)

IDEMPOTENCY: Final = Collection(
    name="idempotency",
    type=records.IdempotencyRecord,
    key_columns=_text("key"),
    key=lambda record: (record.key,),
    columns=_number("expires_at"),
    row=lambda record: (record.expires_at,),
    indexes=(Index("idempotency_expiry", ("expires_at",)),),
)

INTAKE: Final = Collection(
    name="intake",
    type=records.AcceptedItem,
    key_columns=_text("entry_point", "kind", "provider_key"),
    key=lambda each: (each.entry_point, each.item.kind.value, each.item.key),
    columns=_number("accepted_at", "number", "refused_at"),
    row=lambda x: (x.at, x.number, None) if x.refused is None else (None, None, x.at),
    indexes=(
        Index("intake_order", ("accepted_at", "number")),
        Index("intake_refused", ("refused_at",)),
    ),
)

JOBS: Final = Collection(
    name="jobs",
    type=records.Job,
    key_columns=_text("name"),
    key=lambda job: (job.name,),
)

NUMBER_VERIFICATIONS: Final = Collection(
    name="number_verifications",
    type=records.NumberVerification,
    key_columns=_text("number"),
    key=lambda each: (each.number,),
)

ENGAGEMENTS: Final = Collection(
    name="engagements",
    type=records.Engagement,
    key_columns=(*_text("contact"), *_number("position")),
    key=lambda each: (each.contact, each.position),
    indexes=(Index("engagements_of", ()),),
)

READ_MARKERS: Final = Collection(
    name="read_markers",
    type=records.ReadMarker,
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
