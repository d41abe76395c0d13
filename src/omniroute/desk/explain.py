"""Why: where a conversation was led, when it is due, who got it, and who did not (P14, S13).

What was decided is kept with the decision; what stands in the way now is looked up now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import field

from omniroute.desk.due_story import DueStory, due_lines, due_stories
from omniroute.errors import UnknownConversation
from omniroute.instants import from_micros, render_duration
from omniroute.model import events as tell
from omniroute.model.agent import Colour
from omniroute.model.conversation import Conversation
from omniroute.model.events import LogEntry
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.policy import Assignment
from omniroute.model.state import WAITING, State
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.availability import COLOURS
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS, CONVERSATIONS, EXPLANATIONS, LOG, Index, Key

__all__ = ["Handler", "Story", "TimelineEntry", "describe", "every_entry", "explain"]

V = TypeVar("V", LogEntry, Explanation)

_BATCH = 500


@frozen
class TimelineEntry:
    """One event of a conversation, in words."""

    position: int
    at: datetime
    text: str


@frozen
class Handler:
    """Who held a conversation, from when until when; `until` is None while they hold it (A26)."""

    agent: str
    since: datetime
    until: datetime | None


@frozen
class Story:
    """A conversation's way, as data (`as_json`) and as text.

    `route` says which inbox, SLA and queue and from where each value came; `decisions` are the
    routing decisions kept so far; `handlers` says who handled which part (A26); `staff` counts the
    agents who serve the present queue by colour; `dues` how the due instant of each running clock
    came about.
    """

    conversation: Conversation
    route: tell.Route | None
    decisions: tuple[Explanation, ...]
    timeline: tuple[TimelineEntry, ...]
    handlers: tuple[Handler, ...] = ()
    staff: Mapping[str, int] = field(factory=dict)
    zone: str = "UTC"
    dues: tuple[DueStory, ...] = ()

    def as_text(self) -> str:
        """Return the story for a person to read, one fact a line."""
        lines = [_headline(self.conversation)]
        if self.route is not None:
            lines += _route_lines(self.route, self.conversation)
        lines += [line for due in self.dues for line in due_lines(due)]
        for decision in self.decisions:
            lines += _decision_lines(decision, self.zone)
        if self.conversation.state in WAITING:
            asked = _asked(self.conversation, self.zone)
            lines.append(f"{asked}: {_waits(self.staff)}{_without(self.conversation)}")
        lines += [f"{entry.at:%H:%M:%S} {entry.text}" for entry in self.timeline]
        return "\n".join(lines)


def explain(desk: str, conversation: str, setup: Setup) -> Callable[[Transaction], Story]:
    """Return the work that reads a conversation's story."""
    zone = setup.config.zone

    def work(tx: Transaction) -> Story:
        found = tx.get(CONVERSATIONS, desk, (conversation,))
        if found is None:
            raise UnknownConversation(f"no conversation {conversation!r}")
        entries = every_entry(tx, LOG.index("timeline"), desk, conversation)
        opened = entries[0].event if entries else None
        index = EXPLANATIONS.index("explanations_of")
        return Story(
            found,
            opened.route if isinstance(opened, tell.Opened | tell.Started) else None,
            tuple(every_entry(tx, index, desk, conversation)),
            tuple(_entry(entry, zone) for entry in entries),
            tuple(_handlers(entries, zone)),
            _staff(tx, desk, found.queue),
            zone,
            due_stories(found, setup),
        )

    return work


def every_entry(tx: Transaction, index: Index[V], desk: str, conversation: str) -> list[V]:
    """Return everything that an index has of a conversation, in the order of positions."""
    found: list[V] = []
    after: Key | None = None
    while batch := tx.scan(index, desk, (conversation,), after=after, limit=_BATCH):
        found += batch
        after = (batch[-1].position,)
    return found


def _handlers(entries: Iterable[LogEntry], zone: str) -> list[Handler]:
    found: list[Handler] = []
    for event in (entry.event for entry in entries):
        if not isinstance(event, tell.Transition):
            continue
        agent, released = getattr(event, "agent", None), getattr(event, "released", None)
        if isinstance(event, tell.Offered):
            continue  # who is asked does not hold it
        if event.source is State.OFFERED:
            released = None
        at = from_micros(event.at, zone)
        if released is not None and found:
            found[-1] = Handler(found[-1].agent, found[-1].since, at)
        if agent is not None:
            found.append(Handler(agent, at, None))
    return found


def _staff(tx: Transaction, desk: str, queue: str | None) -> dict[str, int]:
    if queue is None:
        return {}
    index = AGENTS.index("serving")
    counts = {each.value: tx.count(index, desk, (queue, n)) for n, each in enumerate(COLOURS)}
    return {name: count for name, count in counts.items() if count}


def _headline(c: Conversation) -> str:
    where = f" in {c.queue}" if c.queue else ""
    who = f", held by {c.agent}" if c.agent and c.state is not State.ENDED else ""
    return f"conversation {c.id}: {c.state.value}{where}{who}"


def _route_lines(route: tell.Route, c: Conversation) -> list[str]:
    return [
        f"inbox {route.inbox}: {route.inbox_source}, of entry point {c.place.entry_point}",
        f"first response within {render_duration(route.sla)}: {route.sla_source}",
        f"queue: {route.queue_source}",
    ]


def _decision_lines(decision: Explanation, zone: str) -> list[str]:
    at = from_micros(decision.at, zone)
    chosen = decision.chosen
    if decision.mode == Assignment.OFFER_ALL:
        head = f"{at:%H:%M:%S} offered in {decision.queue} to everybody who may take it"
        return [head, *(f"  {_offered(each, zone)}" for each in decision.runners_up)]
    if chosen is None:
        head = f"{at:%H:%M:%S} nobody could take it in {decision.queue}"
    else:
        how = "is asked" if decision.mode == Assignment.OFFER_ONE else "was chosen"
        head = f"{at:%H:%M:%S} {chosen.agent} {how} in {decision.queue}: {_standing(chosen, zone)}"
    lines = [head]
    lines += [f"  not {each.agent}: {_against(each, zone)}" for each in decision.runners_up]
    shown = sum(each.refused is not None for each in decision.runners_up)
    unshown = sum(decision.refused.values()) - shown
    if unshown > 0 or decision.more:
        lines.append(f"  and {unshown}{' or more' if decision.more else ''} others")
    if not lines[1:] and chosen is None:
        lines.append("  no agent serves this queue")
    return lines


def _standing(candidate: Candidate, zone: str) -> str:
    since = from_micros(candidate.idle_since, zone)
    return f"holds {candidate.load} of {candidate.maximum}, unchanged since {since:%H:%M:%S}"


def _against(candidate: Candidate, zone: str) -> str:
    if candidate.refused is not None:
        return f"{candidate.refused} ({_standing(candidate, zone)})"
    return f"comes later ({_standing(candidate, zone)})"


def _offered(candidate: Candidate, zone: str) -> str:
    if candidate.refused is not None:
        return f"not to {candidate.agent}: {_against(candidate, zone)}"
    return f"to {candidate.agent}: {_standing(candidate, zone)}"


def _asked(c: Conversation, zone: str) -> str:
    offer = c.extras.offer
    if offer is None:
        return "waits now"
    if offer.agent is None or offer.until is None:
        return "offered to all who may take it"
    return f"offered to {offer.agent} until {from_micros(offer.until, zone):%H:%M:%S}"


def _waits(staff: Mapping[str, int]) -> str:
    if not staff:
        return "no agent serves this queue"
    words = {
        Colour.GREEN.value: "with room",
        Colour.ORANGE.value: "at capacity",
        Colour.RED.value: "not available",
    }
    return ", ".join(f"{count} {words[name]}" for name, count in staff.items())


def _without(c: Conversation) -> str:
    """Who is left out of this wait, whatever room they have (M5)."""
    declined = c.extras.routing.declined
    return (
        f"; not asked again: {', '.join(declined)}" if declined and c.extras.offer is None else ""
    )


def _entry(entry: LogEntry, zone: str) -> TimelineEntry:
    return TimelineEntry(
        entry.position, from_micros(entry.event.at, zone), describe(entry.event, zone)
    )


def describe(event: tell.Event, zone: str) -> str:
    """Return one event in words, its instants in `zone`."""
    for kind, words in _WORDS:
        if isinstance(event, kind):
            return f"{words(event)}{_until(event, zone)}"
    return type(event).__name__


def _until(event: tell.Event, zone: str) -> str:
    if isinstance(event, tell.Offered) and event.until is not None:
        return f" until {from_micros(event.until, zone):%H:%M:%S}"
    if isinstance(event, tell.Snoozed):
        return f" until {from_micros(event.until, zone):%d %b %H:%M}"
    return ""


_HOW = {
    "takeover": "took it over from",
    tell.TRANSFERRED: "has it, transferred by",
    tell.FORCED: "has it, by force, from",
}


_WORDS: Sequence[tuple[type, Callable[..., str]]] = (
    (tell.Opened, lambda e: f"opened on {e.place.entry_point} -> {e.target.value}"),
    (tell.Started, lambda e: f"{e.agent} started it on {e.place.entry_point}, in {e.queue}"),
    (tell.MessageReceived, lambda e: f"contact wrote ({e.message})"),
    (tell.MessageSent, lambda e: f"{e.actor} wrote ({e.message})"),
    (tell.MenuMoved, lambda e: f"menu: {' / '.join(e.path) or 'top'}"),
    (tell.Queued, lambda e: f"waits in {e.queue} ({e.reason})"),
    (tell.Assigned, lambda e: f"assigned to {e.agent} ({e.reason})"),
    (tell.Offered, lambda e: f"offered to {e.agent or 'all who may take it'}"),
    (tell.OfferEnded, lambda e: f"no longer offered ({e.reason})"),
    (tell.Declined, lambda e: f"{e.agent} declined it"),
    (tell.TookOver, lambda e: f"{e.agent} {_HOW.get(e.reason, 'has it from')} {e.released}"),
    (tell.Reactivated, lambda _: "contact is back"),
    (tell.FellSilent, lambda _: "contact has fallen silent"),
    (tell.Dismissed, lambda e: f"dismissed from {e.released} ({e.reason})"),
    (tell.Snoozed, lambda e: f"{tell.actor_agent(e.actor)} snoozed it"),
    (tell.Selecting, lambda e: f"chooses a queue anew ({e.reason})"),
    (tell.KeepAliveAsked, lambda _: "asked whether anybody is there"),
    (tell.Ended, lambda e: f"ended by {e.actor} ({e.reason})"),
    (tell.SlaBreached, lambda e: f"{e.clock.value.replace('_', ' ')} is overdue"),
    (tell.SlaWarned, lambda e: f"{e.clock.value.replace('_', ' ')} is due soon"),
    (
        tell.SlaRescheduled,
        lambda e: (
            f"{e.clock.value.replace('_', ' ')} is due "
            + ("no more" if e.due is None else "at another time")
        ),
    ),
    (tell.ResponseTargetExceeded, lambda e: f"{e.agent} exceeded their response target"),
    (tell.FlowStarted, lambda e: f"{e.stage} flow {e.flow} starts"),
    (tell.NoteAdded, lambda e: f"{e.actor} left a note ({e.message})"),
    (tell.Remarked, lambda e: f"{e.remark} ({e.message})"),
    (tell.Described, lambda e: f"described: {e.subject or 'no subject'}"),
    (tell.Tagged, lambda e: f"tags: {', '.join(e.tags) or 'none'}"),
    (tell.DeliveryChanged, lambda e: f"{e.message} is {e.status.value}"),
    (
        tell.AgentAvailability,
        lambda e: f"{e.agent} {'on' if e.available else 'off'}{' (missed)' if e.missed else ''}",
    ),
    (tell.WrapUpStarted, lambda e: f"{e.agent} wraps up {e.conversation}"),
    (tell.WrapUpEnded, lambda e: f"{e.agent} is done with {e.conversation}"),
    (tell.RoomKept, lambda e: f"{e.agent} keeps free parts for {e.conversation}"),
    (tell.RoomReleased, lambda e: f"{e.agent} keeps no parts for {e.conversation}"),
    (tell.Weighed, lambda e: f"{e.conversation} counts {e.cost} for {e.agent}"),
    (tell.AgentSaved, lambda e: f"agent {e.agent} saved"),
    (tell.AgentRemoved, lambda e: f"agent {e.agent} removed"),
    (tell.ContactsMerged, lambda e: f"{e.other} was merged into {e.contact}"),
    (tell.EngagementSent, lambda e: f"{e.actor} sent a {e.engagement.value} to {e.contact}"),
    (tell.EngagementDelivery, lambda e: f"{e.message} is {e.status.value}"),
    (tell.NumberVerificationChanged, lambda e: f"number {e.number} is {e.status.value}"),
    (tell.Configured, lambda e: f"configuration version {e.version}"),
)
