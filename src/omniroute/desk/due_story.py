"""Why a clock is due when it is: what was counted, what was skipped, and from where each value came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from omniroute.instants import from_micros, render_duration
from omniroute.model.conversation import Conversation, DeadlineKind, Pause, SlaClock
from omniroute.model.sla import OpenTime, SlaTerms
from omniroute.model.values import frozen
from omniroute.rules.resolution import Setup
from omniroute.rules.sla.counting import running_spans

__all__ = ["DueStory", "TimeSpan", "due_lines", "due_stories"]

_SHOWN: Final = 12
_NAMES: Final = {
    DeadlineKind.FIRST_RESPONSE: "first",
    DeadlineKind.NEXT_RESPONSE: "next",
    DeadlineKind.RESOLUTION: "resolution",
}


@frozen
class TimeSpan:
    """A time from one instant until another."""

    since: datetime
    until: datetime


@frozen(kw_only=True)
class DueStory:
    """How the due instant of a running clock came about (P14).

    `allowed` is its target, from `source`; open time is that of the hours from `hours_source` (all
    time counts where that is None). `counted` are the first spans that counted, `skipped` those
    between them that did not; `more` says that there are others. `pauses` were not counted either.
    `due` is None while the clock is paused; it then counted until the pause began.
    """

    clock: DeadlineKind
    started_at: datetime
    allowed: timedelta
    due: datetime | None
    source: str
    hours_source: str | None
    counted: tuple[TimeSpan, ...]
    skipped: tuple[TimeSpan, ...]
    pauses: tuple[TimeSpan, ...]
    more: bool


def due_stories(c: Conversation, setup: Setup) -> tuple[DueStory, ...]:
    """Return the story of every clock that runs, under the configuration in force."""
    sla, place = c.clocks.sla, c.place
    path = c.queue or place.inbox
    terms = setup.policy_at(place.entry_point, place.channel, path).sla
    if sla is None or terms is None:
        return ()
    found = []
    for clock in (sla.response, sla.resolution):
        if clock is None:
            continue
        allowed: int | None = getattr(terms, _NAMES[clock.kind])
        if allowed is not None:
            pauses = sla.pauses if clock.kind is DeadlineKind.RESOLUTION else ()
            until = sla.paused_at if clock.due is None else clock.due
            found.append(_story(clock, allowed, terms, pauses, until, _Place(c, setup)))
    return tuple(found)


class _Place:
    """Where the values of a conversation's SLA come from."""

    def __init__(self, c: Conversation, setup: Setup) -> None:
        self.zone = setup.config.zone
        self._c = c
        self._setup = setup

    def source(self, kind: DeadlineKind) -> str:
        place = self._c.place
        if self._setup.sla_of(place.entry_point) is None:
            return f"inbox {place.inbox}"
        entry_point = self._setup.entry_point(place.entry_point)
        if kind is DeadlineKind.FIRST_RESPONSE:
            return entry_point.sla_source
        return entry_point.target_sources[_NAMES[kind]]

    def hours_source(self) -> str:
        place = self._c.place
        return self._setup.sources(place.channel, self._c.queue or place.inbox)["hours"]


def _story(
    clock: SlaClock,
    allowed: int,
    terms: SlaTerms,
    pauses: tuple[Pause, ...],
    until: int | None,
    place: _Place,
) -> DueStory:
    zone = place.zone
    end = clock.started_at if until is None else max(until, clock.started_at)
    counted = list(_counted(terms.hours, clock.started_at, end, pauses))
    bounds = [*counted, (end, end)] if counted and end > counted[-1][1] else counted
    between = [(a[1], b[0]) for a, b in pairwise(bounds) if b[0] > a[1]]
    if counted and counted[0][0] > clock.started_at:
        between.insert(0, (clock.started_at, counted[0][0]))
    closed = [gap for gap in between if not _paused(gap, pauses)]
    return DueStory(
        clock=clock.kind,
        started_at=from_micros(clock.started_at, zone),
        allowed=timedelta(microseconds=allowed),
        due=None if clock.due is None else from_micros(clock.due, zone),
        source=place.source(clock.kind),
        hours_source=None if terms.hours is None else place.hours_source(),
        counted=_spans(counted[:_SHOWN], zone),
        skipped=_spans(closed[:_SHOWN], zone),
        pauses=_spans([(each.since, each.until) for each in pauses[:_SHOWN]], zone),
        more=max(len(counted), len(closed), len(pauses)) > _SHOWN,
    )


def _counted(
    hours: OpenTime | None, start: int, end: int, pauses: tuple[Pause, ...]
) -> Iterator[tuple[int, int]]:
    for since, until in running_spans(start, end, pauses):
        yield from [(since, until)] if hours is None else hours.spans_between(since, until)


def _paused(gap: tuple[int, int], pauses: tuple[Pause, ...]) -> bool:
    """Whether a gap is one of the pauses: what lies beside it on both sides was open."""
    return any(each.since == gap[0] and each.until == gap[1] for each in pauses)


def _spans(spans: list[tuple[int, int]], zone: str) -> tuple[TimeSpan, ...]:
    return tuple(TimeSpan(from_micros(a, zone), from_micros(b, zone)) for a, b in spans)


def due_lines(story: DueStory) -> Iterator[str]:
    """Yield a due instant's story for a person to read."""
    name = story.clock.value.replace("_", " ")
    allowed = render_duration(story.allowed // timedelta(microseconds=1))
    of = "" if story.hours_source is None else " of open time"
    plain = story.clock is DeadlineKind.FIRST_RESPONSE and story.hours_source is None
    if plain and story.due is not None:
        yield f"due {story.due:%Y-%m-%d %H:%M:%S}"  # the line above it says within what
        return
    due = "paused" if story.due is None else f"due {story.due:%Y-%m-%d %H:%M:%S}"
    yield f"{name} {due}: {allowed}{of} from {story.started_at:%Y-%m-%d %H:%M:%S} ({story.source})"
    if story.hours_source is not None:
        yield f"  hours: {story.hours_source}"
        yield from (f"  counted {_words(span)}" for span in story.counted)
        yield from (f"  closed {_words(span)}" for span in story.skipped)
    yield from (f"  paused {_words(span)}" for span in story.pauses)
    if story.more:
        yield "  and more"


def _words(span: TimeSpan) -> str:
    return f"{span.since:%Y-%m-%d %H:%M:%S} to {span.until:%Y-%m-%d %H:%M:%S}"
