"""Where conversations stand in line, as it is told to contacts and shown to hosts (P8, S14).

The counting is `rules.estimates`'; here it is read: one bounded look into the index of who waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from omniroute.errors import UnknownConversation
from omniroute.instants import from_micros
from omniroute.model import events as tell
from omniroute.model.assign import AssignPolicy, QueueLine
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import QueueNode
from omniroute.model.state import WAITING, State
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.estimates import (
    ESTIMATED_WAIT,
    FURTHEST,
    POSITION,
    asks,
    estimate,
    filled,
    minutes,
    place_of,
    served,
)
from omniroute.rules.reach import NEVER
from omniroute.rules.resolution import Setup
from omniroute.rules.waiting import lane_name, order
from omniroute.schema import CONVERSATIONS, QUEUE_LINES

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit
    from omniroute.desk.unit_state import UnitState

__all__ = [
    "PlaceInLine",
    "next_wait",
    "note_wait",
    "place_in_line",
    "standing",
    "tell_who_waits",
    "waits_of",
    "with_place",
]

_WAITING = CONVERSATIONS.index("waiting")
_MOST_LANES: Final = 64

Entry = tuple[Any, ...]


@frozen
class PlaceInLine:
    """Where a conversation stands in its queue's line, as it was read (P8).

    `since` is when its wait began, which the place counts from (S14); `position` counts from 1, by the
    order in which conversations are given out. It is exact for the first thousand and the last thousand
    of a line, and None between them. `estimated_wait` is what is left of the wait by the queue's recent
    service, None without data or position.
    """

    queue: str
    since: datetime
    waiting: int
    position: int | None
    estimated_wait: timedelta | None


def place_in_line(
    tx: Transaction, desk: str, setup: Setup, found: Conversation, now: int
) -> PlaceInLine | None:
    """Return where a conversation stands; None where it does not wait."""
    if found.state not in WAITING or found.queue is None:
        return None
    rule = setup.policy(None, found.queue).assign
    line = tx.get(QUEUE_LINES, desk, (found.queue,)) or QueueLine(queue=found.queue)
    waiting = tx.count(_WAITING, desk, (found.queue,))
    position = _position(tx, desk, rule, _entry(found), waiting, now)
    left = estimate(line.gaps if rule.estimate_over else (), position)
    since = from_micros(found.clocks.queued_at, setup.config.zone)
    wait = None if left is None else timedelta(microseconds=left)
    return PlaceInLine(found.queue, since, waiting, position, wait)


def standing(
    desk: str, conversation: str, now: int
) -> Callable[[Transaction, Setup], PlaceInLine | None]:
    """Return the work that reads a conversation's place; `UnknownConversation` where there is none."""

    def work(tx: Transaction, setup: Setup) -> PlaceInLine | None:
        found = tx.get(CONVERSATIONS, desk, (conversation,))
        if found is None:
            raise UnknownConversation(f"no conversation {conversation!r}")
        return place_in_line(tx, desk, setup, found, now)

    return work


def _position(
    tx: Transaction, desk: str, rule: AssignPolicy, mine: Entry, waiting: int, now: int
) -> int | None:
    """Count who comes before or, in a long line, who comes behind; None where both are too many (R3)."""
    queue = mine[:1]
    if waiting <= FURTHEST:
        entries = tx.entries(_WAITING, desk, queue, limit=FURTHEST)
        return place_of(mine, entries, rule, now)
    own, lanes = order(mine, rule, now), _lanes(tx, desk, queue)
    if lanes is None:
        return None

    def count(*, reverse: bool) -> int | None:
        """How many come before it, or behind: in each lane one after the other from its end on."""
        found = 0
        for lane in lanes:
            most = FURTHEST - found
            entries = tx.entries(_WAITING, desk, lane, limit=most, reverse=reverse)
            keys = (order(each, rule, now) for each in entries)
            found += sum(
                1 for _ in takewhile(lambda key: (key > own) if reverse else (key < own), keys)
            )
            if found >= FURTHEST:
                return None
        return found

    if (ahead := count(reverse=False)) is not None:
        return ahead + 1
    behind = count(reverse=True)
    return None if behind is None else waiting - behind


def _lanes(tx: Transaction, desk: str, queue: Entry) -> list[Entry] | None:
    """The lanes of a queue in which anybody waits, with segment and class; None where they are too many."""
    found: list[Entry] = []
    after: Entry | None = None
    while first := tx.entries(_WAITING, desk, queue, after=after, limit=1):
        found.append(first[0][:4])
        if len(found) > _MOST_LANES:
            return None
        after = (*found[-1][1:], NEVER, "")
    return found


def _entry(found: Conversation) -> Entry:
    routing, since = found.extras.routing, found.clocks.queued_at
    lane = lane_name(routing, found.place.channel)
    return (found.queue, lane, routing.segment, routing.wait_class, since, found.id)


def note_wait(
    unit: UnitState,
    before: Conversation | None,
    after: Conversation,
    events: Iterable[tell.Event],
) -> None:
    """Remember whose wait began, and how fast the queue moves where one ended with an agent."""
    if after.state in WAITING and any(
        isinstance(event, tell.Opened | tell.Queued) for event in events
    ):
        unit.agenda.began_waiting[after.id] = None
    if before is not None and before.state in WAITING and after.state is State.ACTIVE:
        _note_served(unit, before, after.since)


def _note_served(unit: UnitState, before: Conversation, at: int) -> None:
    queue, since = before.queue, before.clocks.queued_at
    over = None if queue is None else unit.rule(queue).assign.estimate_over
    if queue is not None and over is not None and at > since:
        line = unit.queue_lines.of(queue)
        unit.queue_lines.note_served(queue, served(line.gaps, line.served_at, since, at, over), at)


def with_place(unit: Unit, conversation: Conversation, text: str) -> str:
    """Return a text with the conversation's place in line, where it asks for that."""
    if not asks(text):
        return text
    unit.flush()
    unit.queue_lines.write()
    place = place_in_line(unit.tx, unit.desk, unit.setup, conversation, unit.now)
    wait = None if place is None or place.estimated_wait is None else place.estimated_wait
    return filled(
        text,
        {
            POSITION: None if place is None else place.position,
            ESTIMATED_WAIT: None if wait is None else minutes(wait // timedelta(microseconds=1)),
        },
    )


def waits_of(unit: Unit, branch: str, options: Iterable[QueueNode]) -> dict[str, str]:
    """Return what the menu says behind the options of a branch: how long their queues' waits are."""
    found: dict[str, str] = {}
    for path, option in ((f"{branch}/{each.name}", each) for each in options):
        text = unit.rule(path).assign.menu_wait
        if text is None or option.children:
            continue
        wait = next_wait(unit.tx, unit.desk, unit.setup, path)
        if wait is not None:
            found[option.name] = filled(text, {ESTIMATED_WAIT: minutes(wait)})
    return found


def next_wait(tx: Transaction, desk: str, setup: Setup, queue: str) -> int | None:
    """Return how long whoever comes to a queue now waits, in microseconds; None without data."""
    if not setup.policy(None, queue).assign.estimate_over:
        return None
    line = tx.get(QUEUE_LINES, desk, (queue,))
    waiting = tx.count(_WAITING, desk, (queue,))
    return None if line is None else estimate(line.gaps, waiting + 1)


def tell_who_waits(unit: Unit) -> None:
    """Tell those whose wait began, and whom nobody could take, where they stand (P8)."""
    for each in unit.agenda.began_waiting:
        found = unit.conversation(each)
        queue = found.queue or ""
        text = unit.rule(queue).assign.waiting_message
        if text is not None and found.state in WAITING:
            unit.deliver(found, unit.policy(found), text, "waiting")
    unit.agenda.began_waiting.clear()
