"""The count at the end: what the provider was told is kept, against what is there.

The left side is read from the webhooks' own bytes, the right side through the desk's reading
methods: nothing here asks the code that received them. An item is lost where its webhook was
acknowledged, the answer gives no reason against it, and the store does not have it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from omniroute.desk.desk import Desk
from omniroute.desk.views import ConversationView, MessageView
from omniroute.model.events import Assigned, DeliveryChanged, Event
from omniroute.model.message import Direction
from omniroute.model.state import State
from omniroute.model.wire import DeliveryStatus, RawRequest, RawResponse

__all__ = [
    "Evidence",
    "Item",
    "Posted",
    "Tally",
    "acknowledged",
    "every_conversation",
    "items_of",
    "lost_items",
    "rejected_items",
    "tally",
]

_ARRIVED: Final = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ)


# --- what the provider sent -----------------------------------------------------------------------


@frozen
class Item:
    """One thing that a webhook told: `kind` is message, reaction or status.

    `key` is the provider's name for it, and the same when it is sent again; `where` is its place
    in the webhook; `target` the message that a reaction or status is about, `value` the emoji or
    status.
    """

    kind: str
    key: str
    where: str
    target: str = ""
    value: str = ""


@frozen
class Posted:
    """A webhook, the items in it, and what it was answered."""

    request: RawRequest
    items: tuple[Item, ...]
    answer: RawResponse

    @property
    def acknowledged(self) -> bool:
        """Whether the provider was told not to send it again."""
        return 200 <= self.answer.status < 300

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the answer says of the items; {} where it says nothing that can be read."""
        try:
            read = json.loads(self.answer.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def rejects(self, item: Item) -> bool:
        """Whether the answer refuses an item, and says why."""
        named = tuple(f"{name}{mark}" for name in (item.key, item.where) for mark in ":.")
        reasons = (str(each) for each in self.summary.get("rejected", ()))
        return any(reason.startswith(named) and reason.partition(": ")[2] for reason in reasons)


def items_of(body: bytes) -> tuple[Item, ...]:
    """Return the messages and statuses that a webhook's body holds."""
    return tuple(_items(json.loads(body)))


def _items(body: Mapping[str, Any]) -> Iterator[Item]:
    for e, entry in enumerate(body["entry"]):
        for c, change in enumerate(entry["changes"]):
            place, value = f"entry[{e}].changes[{c}].value", change["value"]
            for n, message in enumerate(value.get("messages", ())):
                yield _message(message, f"{place}.messages[{n}]")
            for n, status in enumerate(value.get("statuses", ())):
                key = f"{status['id']}:{status['status']}"
                where = f"{place}.statuses[{n}]"
                yield Item("status", key, where, status["id"], status["status"])


def _message(message: Mapping[str, Any], where: str) -> Item:
    key, reaction = str(message.get("id", where)), message.get("reaction")
    if reaction is None:
        return Item("message", key, where)
    return Item("reaction", key, where, reaction["message_id"], reaction["emoji"])


# --- what is in the store -------------------------------------------------------------------------


@frozen
class Evidence:
    """What the store has: how often each message, reaction, and change of a message's status."""

    messages: Counter[str]
    reactions: Counter[tuple[str, str]]
    statuses: Counter[tuple[str, str]]

    @classmethod
    def of(cls, messages: Iterable[MessageView], events: Iterable[Event]) -> Evidence:
        """Return the evidence that a desk's messages and its log give."""
        found = cls(Counter(), Counter(), Counter())
        names = {}
        for message in messages:
            names[message.id] = message.provider_ids
            if message.direction is Direction.IN and message.kind == "reaction":
                found.reactions[message.target or "", message.emoji or ""] += 1
            elif message.direction is Direction.IN:
                found.messages.update(message.provider_ids)
        for event in events:
            if isinstance(event, DeliveryChanged):
                told = ((name, event.status.value) for name in names.get(event.message, ()))
                found.statuses.update(told)
        return found

    def times(self, item: Item) -> int:
        """Return how often the store has an item.

        A status is there where it changed something. That is right as long as a provider reports in
        order: one that comes late, after a better one, changes nothing and is not lost.
        """
        if item.kind == "message":
            return self.messages[item.key]
        counted = self.reactions if item.kind == "reaction" else self.statuses
        return counted[item.target, item.value]


# --- the count ------------------------------------------------------------------------------------


def acknowledged(posted: Iterable[Posted]) -> list[Item]:
    """Return the different items that were acknowledged: one that was sent twice counts once."""
    found = {item.key: item for each in posted if each.acknowledged for item in each.items}
    return list(found.values())


def rejected_items(posted: Sequence[Posted]) -> list[Item]:
    """Return the different items that an answer refused with a reason."""
    refused = {i.key for each in posted for i in each.items if each.rejects(i)}
    return [item for item in acknowledged(posted) if item.key in refused]


def lost_items(posted: Sequence[Posted], evidence: Evidence) -> list[Item]:
    """Return what was acknowledged, not refused with a reason, and is not in the store."""
    refused = rejected_items(posted)
    return [
        item for item in acknowledged(posted) if item not in refused and not evidence.times(item)
    ]


@frozen(kw_only=True)
class Tally:
    """The demo's result. `lost` and `problems` are empty where everything is as it should be."""

    received: int
    conversations: int
    assigned: int
    sent: int
    ended: int
    lost: tuple[Item, ...]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was lost and nothing contradicts anything else."""
        return not self.lost and not self.problems

    def __str__(self) -> str:
        return (
            f"demo: {self.received} received, {self.conversations} conversations,"
            f" {self.assigned} assigned, {self.sent} sent, {self.ended} ended,"
            f" {len(self.lost)} lost"
        )


def tally(
    desk: Desk,
    posted: Sequence[Posted],
    accepted: Sequence[str],
    problems: Iterable[str] = (),
) -> Tally:
    """Return the count of a desk against its webhooks and the ids of what its provider accepted."""
    conversations = every_conversation(desk)
    messages = [each for view in conversations for each in desk.messages(view.id, limit=1000)]
    events = [change.event for change in desk.changes()]
    evidence = Evidence.of(messages, events)
    return Tally(
        received=len(acknowledged(posted)),
        conversations=len(conversations),
        assigned=len({each.conversation for each in events if isinstance(each, Assigned)}),
        sent=len(accepted),
        ended=sum(view.state is State.ENDED for view in conversations),
        lost=tuple(lost_items(posted, evidence)),
        problems=(
            *problems,
            *_stored_wrongly(posted, evidence),
            *_sent_wrongly(desk, messages, accepted),
            *_left_over(desk, conversations),
        ),
    )


def every_conversation(desk: Desk) -> list[ConversationView]:
    """Return all of a desk's conversations, the oldest first."""
    found: list[ConversationView] = []
    cursor: str | None = None
    while True:
        page = desk.conversations(states=tuple(State), limit=100, after=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return sorted(found, key=lambda view: (view.opened_at, view.id))


def _stored_wrongly(posted: Sequence[Posted], evidence: Evidence) -> Iterator[str]:
    for item in acknowledged(posted):
        if evidence.times(item) > 1:
            yield f"{item.kind} {item.key} is stored {evidence.times(item)} times"
    known = {item.key for each in posted for item in each.items}
    for key in evidence.messages:
        if key not in known:
            yield f"message {key} is stored and was never sent"


def _sent_wrongly(
    desk: Desk, messages: Iterable[MessageView], accepted: Sequence[str]
) -> Iterator[str]:
    ours = [
        provider_id
        for message in messages
        if message.direction is Direction.OUT and message.status in _ARRIVED
        for provider_id in message.provider_ids
    ]
    if sorted(ours) != sorted(accepted):
        yield f"the desk says {len(ours)} messages are sent, the provider took {len(accepted)}"
    if desk.waiting_to_send():
        yield f"{desk.waiting_to_send()} messages still wait to be sent"
    for dead in desk.dead_letters():
        yield f"message {dead.message} was given up: {dead.reason}"


def _left_over(desk: Desk, conversations: Iterable[ConversationView]) -> Iterator[str]:
    for view in conversations:
        if view.state is not State.ENDED:
            yield f"conversation {view.id} is still {view.state}"
    for agent in desk.staff.list(limit=1000):
        held = len(desk.conversations(agent=agent.id, limit=1000))
        if agent.load != held:
            yield f"agent {agent.id} has load {agent.load} and holds {held} conversations"
