"""What a question about open time costs, beside the libraries that people use for it.

One calendar for all, Berlin's with a lunch break and holidays, and another instant at each call.
`core` is the calendar that rules ask, in integers; `ours` the public face, datetimes in and out;
`bare` the same two searches over plain lists, with no calendar around them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo

import omniroute as om
from benchmarks.harness import Bench, Contestant, Figure, benchmark, no_goal, peer, timed
from omniroute.instants import HOUR, MINUTE, to_micros
from omniroute.rules.hours import Calendar

ZONE: Final = "Europe/Berlin"
HOLIDAYS: Final = tuple(
    date(year, month, day)
    for year in range(2025, 2029)
    for month, day in ((1, 1), (3, 8), (5, 1), (10, 3), (12, 25), (12, 26))
)
HOURS: Final = om.hours(
    {"mon-fri": ["08:00-12:30", "13:30-18:00"], "holidays": HOLIDAYS}, zone=ZONE
)
AMOUNTS: Final = {"15 min": 15 * MINUTE, "8 h": 8 * HOUR, "40 h": 40 * HOUR, "400 h": 400 * HOUR}
GOALS: Final = {"15 min": 40, "8 h": 100, "40 h": 450, "400 h": 4_000}
DAYS: Final = (1, 7, 14, 30, 90)

_CALLS: Final = 1_000
_ENOUGH: Final = 400 * HOUR  # of a slow peer's work in a round


def peers() -> ModuleType:
    """Return what others make of the calendar; imported late, since pandas takes its time."""
    with peer("businesstimedelta"), peer("pandas"), peer("pytz"), peer("worktimecalc"):
        from benchmarks.peers import calendars
    return calendars


def starts(count: int, seed: int) -> list[datetime]:
    """Return instants of 2026 at which it is open, others for each seed, in random order."""
    return random.Random(seed).sample(_pool(), count)


@cache
def _pool() -> list[datetime]:
    draw, first = random.Random(0), datetime(2026, 1, 2, tzinfo=UTC)
    drawn = (first + timedelta(minutes=draw.randrange(330 * 24 * 60)) for _ in range(60_000))
    return [at.astimezone(ZoneInfo(ZONE)) for at in drawn if HOURS.is_open(at)]


def core() -> Calendar:
    """Return the calendar behind the public face, which rules ask directly."""
    return HOURS._calendar  # noqa: SLF001


@benchmark("hours/due")
def due(bench: Bench) -> Iterator[Figure]:
    """A due date after 15 minutes to 400 hours of open time, beside businesstimedelta and pandas."""
    calendars = peers()
    found = core()
    bare = calendars.bare_due(lists(found))
    due_after, _ = calendars.by_businesstimedelta(ZONE, HOLIDAYS)
    cores: dict[str, Contestant] = {}
    for name, amount in AMOUNTS.items():
        delta, theirs = timedelta(microseconds=amount), due_after(timedelta(microseconds=amount))
        race = bench.race(
            ours=each(lambda at, delta=delta: HOURS.due(at, delta), 200),
            peer=each(theirs, max(1, min(20, _ENOUGH // amount // 40))),
        )
        yield race.at_least(f"hours/due {name}", GOALS[name], peer="peer")
        cores[name] = whole(found.due, amount)
        race = bench.race(ours=cores[name], bare=whole(bare, amount))
        yield race.at_most(f"hours/due {name}/core", 1.3, peer="bare")
        if amount >= HOUR:
            yield from _pandas(bench, name, amount)
    race = bench.race(ours=cores["400 h"], short=cores["15 min"])
    yield race.at_most("hours/due 400 h as 15 min", 1.15, peer="short")


def _pandas(bench: Bench, name: str, amount: int) -> Iterator[Figure]:
    from pandas import Timestamp

    add = peers().by_pandas(HOLIDAYS, amount // HOUR)
    race = bench.race(peer=each(add, 5, convert=Timestamp))
    yield no_goal(f"hours/due {name}/pandas", race.median("peer") * 1e6, unit="us")


@benchmark("hours/elapsed")
def elapsed(bench: Bench) -> Iterator[Figure]:
    """Open time within 1 to 90 days, beside worktimecalc and businesstimedelta."""
    calendars = peers()
    plain = om.hours({"mon-fri": "08:00-18:00", "holidays": HOLIDAYS}, zone="UTC")
    by_worktimecalc = calendars.by_worktimecalc(HOLIDAYS)
    _, by_businesstimedelta = calendars.by_businesstimedelta(ZONE, HOLIDAYS)
    found = core()
    bare = calendars.bare_elapsed(lists(found))
    for days in DAYS:
        after = timedelta(days=days)
        race = bench.race(
            ours=each(lambda at, after=after: plain.elapsed(at, at + after), 200, convert=_utc),
            peer=each(lambda at, after=after: by_worktimecalc(at, at + after), 200, convert=_naive),
        )
        if days >= 14:
            yield race.at_least(f"hours/elapsed {days} days", 1.5, peer="peer")
        else:
            yield no_goal(f"hours/elapsed {days} days", race.median("ours") * 1e6, unit="us")
        race = bench.race(
            ours=whole(lambda at, length: found.elapsed(at, at + length), days * 24 * HOUR),
            bare=whole(lambda at, length: bare(at, at + length), days * 24 * HOUR),
        )
        yield race.at_most(f"hours/elapsed {days} days/core", 1.3, peer="bare")
        race = bench.race(
            peer=each(lambda at, after=after: by_businesstimedelta(at, at + after), 3)
        )
        name = f"hours/elapsed {days} days/businesstimedelta"
        yield no_goal(name, race.median("peer") * 1e6, unit="us")


def lists(found: Calendar) -> tuple[list[int], list[int], list[int]]:
    """Return a calendar's open spans as the bare prototype has them."""
    spans = found.spans(to_micros(datetime(2026, 1, 1, tzinfo=UTC)), 1_500)
    total, sums = 0, list[int]()
    for start, end in spans:
        total += end - start
        sums.append(total)
    return [start for start, _ in spans], [end for _, end in spans], sums


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def each(
    ask: Callable[..., Any], calls: int, *, convert: Callable[[datetime], Any] | None = None
) -> Contestant:
    """A contestant that asks about other instants in each round."""
    seed = iter(range(1_000_000))

    def prepare() -> Callable[[], object]:
        given = starts(calls, next(seed))
        chosen = [convert(at) for at in given] if convert else given
        return lambda: [ask(at) for at in chosen]

    return timed(prepare, calls)


def whole(ask: Callable[[int, int], int], amount: int) -> Contestant:
    """A contestant that is asked in integers, with one amount."""
    seed = iter(range(1_000_000))

    def prepare() -> Callable[[], object]:
        chosen = [to_micros(at) for at in starts(_CALLS, next(seed))]
        return lambda: [ask(at, amount) for at in chosen]

    return timed(prepare, _CALLS)
