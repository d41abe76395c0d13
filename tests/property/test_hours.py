"""Open time against an oracle that walks the minutes, and the algebra that it obeys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.instants import DAY, HOUR, MINUTE, to_micros
from omniroute.model.hours import Hours, Span
from omniroute.rules.hours import Calendar, calendar
from tests.property.open_minutes import OpenMinutes

FEWER = settings(max_examples=40)
WEEK = range(7)
DAYS = timedelta(days=1)


def week(**by_days: Sequence[tuple[str, str]]) -> dict[int, Sequence[tuple[str, str]]]:
    """Weekdays as digits, Monday 0: `week(d01234=[("08:00", "12:30")])`."""
    return {int(day): spans for days, spans in by_days.items() for day in days[1:]}


@frozen
class Case:
    """A calendar in both forms: what the oracle paints, and what the code under test compiles."""

    zone: str
    weekly: Mapping[int, Sequence[tuple[str, str]]]
    years: tuple[int, int] = (2020, 2040)
    holidays: tuple[date, ...] = ()
    dates: tuple[tuple[date, Sequence[tuple[str, str]]], ...] = ()

    def painted(self, first: datetime, last: datetime) -> OpenMinutes:
        return OpenMinutes(
            self.zone, self.weekly, first, last, holidays=self.holidays, dates=dict(self.dates)
        )

    def compiled(self) -> Calendar:
        return calendar(
            Hours(
                zone=self.zone,
                weekly=tuple(seconds(self.weekly.get(day, ())) for day in WEEK),
                holidays=tuple(day.isoformat() for day in self.holidays),
                dates=tuple((day.isoformat(), seconds(spans)) for day, spans in self.dates),
            )
        )


def seconds(spans: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    def second(text: str) -> int:
        return int(text[:2]) * 3600 + int(text[3:]) * 60

    found = ((second(opens), second(closes)) for opens, closes in spans)
    return tuple((o, c if c > o else c + 86_400) for o, c in found)


CASES = {
    "Berlin, lunch break": Case(
        "Europe/Berlin",
        week(d01234=[("08:00", "12:30"), ("13:30", "18:00")], d5=[("10:00", "14:00")]),
        holidays=tuple(date(y, m, d) for y in range(2019, 2042) for m, d in ((1, 1), (12, 25))),
        dates=(
            (date(2026, 12, 24), [("10:00", "13:00")]),
            (date(2026, 7, 5), [("09:00", "12:00")]),
        ),
    ),
    "Berlin, nights": Case(
        "Europe/Berlin",
        week(d0123=[("22:00", "06:00")], d4=[("22:00", "02:15")], d56=[("02:45", "03:20")]),
    ),
    "Berlin, 24x7 but holidays": Case(
        "Europe/Berlin", week(d0123456=[("00:00", "24:00")]), holidays=(date(2026, 3, 29),)
    ),
    "New York, late": Case(
        "America/New_York", week(d45=[("18:00", "02:30")], d6=[("01:30", "09:00")])
    ),
    "Cairo": Case(
        "Africa/Cairo",
        week(
            d01236=[("09:00", "24:00")],
            d4=[("00:00", "02:00"), ("00:30", "04:00")],
            d5=[("23:30", "00:30")],
        ),
        holidays=(date(2024, 4, 25), date(2025, 4, 25), date(2026, 10, 29), date(2026, 10, 30)),
    ),
    "Sao Paulo": Case(
        "America/Sao_Paulo",
        week(d01234=[("20:00", "04:00")], d56=[("00:00", "24:00")]),
        (2004, 2020),
    ),
    "Tehran": Case(
        "Asia/Tehran",
        week(d01256=[("00:00", "08:30")], d3=[("23:15", "24:00")], d4=[("00:30", "12:00")]),
        (2008, 2023),
    ),
    "Kolkata": Case("Asia/Kolkata", week(d012345=[("09:30", "18:15")])),
    "Adelaide": Case(
        "Australia/Adelaide", week(d01234=[("08:30", "17:00")], d6=[("02:15", "03:00")])
    ),
    "Lord Howe": Case(
        "Australia/Lord_Howe", week(d0123456=[("22:10", "02:05")], d6=[("01:45", "02:20")])
    ),
    "Apia": Case(
        "Pacific/Apia", week(d0123=[("09:00", "17:00")], d4=[("07:00", "20:00")]), (2010, 2013)
    ),
    "Kwajalein": Case(
        "Pacific/Kwajalein",
        week(d0123456=[("08:00", "11:00")], d4=[("22:00", "06:00")]),
        (1992, 1995),
    ),
}
NAMES = list(CASES)


@cache
def changes(zone: str, first: int, last: int) -> list[datetime]:
    """The days (UTC) on which a zone's clocks change, by its offset from day to day."""
    tz, begin = ZoneInfo(zone), datetime(first, 1, 1, tzinfo=UTC)
    days = [begin + n * DAYS for n in range((datetime(last, 12, 31, tzinfo=UTC) - begin).days)]
    offsets = [day.astimezone(tz).utcoffset() for day in days]
    pairs = zip(days, pairwise(offsets), strict=False)
    return [day for day, (before, after) in pairs if before != after]


@cache
def painted_year(name: str) -> OpenMinutes:
    """A calendar with a change in it, over 15 months."""
    case = CASES[name]
    found = changes(case.zone, *case.years)
    year = min(found[0].year + 5, found[-1].year) if found else 2026
    return case.painted(datetime(year - 1, 11, 1, tzinfo=UTC), datetime(year + 1, 2, 1, tzinfo=UTC))


def spans_of(painted: OpenMinutes, first: int, last: int) -> list[Span]:
    """What the oracle painted between two instants, as spans."""
    begin = first // MINUTE - painted.first
    flags = painted.open[begin : last // MINUTE - painted.first]
    edges = [n for n, (a, b) in enumerate(pairwise(b"\0" + flags + b"\0")) if a != b]
    return [
        (first + a * MINUTE, first + b * MINUTE)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def check(painted: OpenMinutes, found: Calendar, at: int, amount: int, other: int) -> None:
    """Ask both everything about an instant."""
    assert found.is_open(at) == painted.is_open(at)
    if (opening := painted.next_opening(at)) is not None:
        assert found.next_opening(at) == opening
    if (closing := painted.next_closing(at)) is not None:
        assert found.next_closing(at) == closing
    assert found.elapsed(at, other) == painted.elapsed(at, other)
    if amount <= painted.elapsed(at, other):
        assert found.due(at, amount) == (painted.due(at, amount) if amount else at)
    if amount <= painted.elapsed(other, at):
        assert found.due_before(at, amount) == (painted.due_before(at, amount) if amount else at)


@pytest.mark.req("R8", "U51", "P13")
@pytest.mark.parametrize("name", NAMES)
def test_every_change_of_a_zones_clocks_is_what_the_minutes_say(name):
    case = CASES[name]
    found = case.compiled()
    for day in changes(case.zone, *case.years) or [datetime(2026, 3, 1, tzinfo=UTC)]:
        painted = case.painted(day - 7 * DAYS, day + 9 * DAYS)
        first, last = (to_micros(day + n * DAYS) for n in (-5, 7))
        spans = spans_of(painted, first, last)
        assert found.spans_between(first, last) == spans
        for probe, amount in probes(spans, first):
            check(painted, found, probe, amount, last)
            check(painted, found, probe, amount, first)


def probes(spans: Sequence[Span], first: int) -> Iterator[tuple[int, int]]:
    """Instants at, beside and between openings and closings, with amounts that end at edges."""
    lengths = [end - start for start, end in spans]
    for number, (start, end) in enumerate(spans):
        for at in (start - 1, start, start + 1, (start + end) // 2, end - 1, end, end + 1):
            if at >= first:
                yield at, lengths[number]
                yield at, sum(lengths[number : number + 3])
                yield at, 15 * MINUTE + 1
                yield at, 0


def instants(painted: OpenMinutes) -> st.SearchStrategy[int]:
    first = painted.first * MINUTE + 3 * DAY
    last = first + len(painted.open) * MINUTE - 8 * DAY
    whole = st.integers(first // MINUTE, last // MINUTE).map(lambda minute: minute * MINUTE)
    return whole | st.integers(first, last)


@pytest.mark.req("R8", "U51", "P13")
@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(st.data())
def test_open_time_is_what_the_minutes_say(name, data):
    painted = painted_year(name)
    at, other = data.draw(instants(painted)), data.draw(instants(painted))
    amount = data.draw(
        st.integers(0, 400 * HOUR) | st.integers(0, 1600).map(lambda n: n * 15 * MINUTE)
    )
    check(painted, CASES[name].compiled(), at, amount, other)


# --- algebra

any_case = st.sampled_from(NAMES).map(lambda name: CASES[name].compiled())
closing_case = st.sampled_from([name for name in NAMES if "24x7" not in name]).map(
    lambda name: CASES[name].compiled()
)
any_instant = st.integers(
    to_micros(datetime(1990, 1, 1, tzinfo=UTC)), to_micros(datetime(2045, 1, 1, tzinfo=UTC))
)
amounts = st.integers(0, 3_000 * HOUR)


@pytest.mark.req("R8")
@given(any_case, any_instant, amounts)
def test_until_it_is_due_exactly_the_amount_passes(found, start, amount):
    due = found.due(start, amount)
    assert found.elapsed(start, due) == amount
    assert amount == 0 or found.elapsed(start, due - 1) == amount - 1


@pytest.mark.req("R8")
@given(any_case, any_instant, amounts)
def test_backwards_is_the_inverse(found, start, amount):
    opened = start if found.is_open(start) else found.next_opening(start)
    assert opened is not None
    if amount:
        assert found.due_before(found.due(start, amount), amount) == opened
        back = found.due_before(start, amount)
        assert found.elapsed(back, start) == amount
        assert found.elapsed(back + 1, start) == amount - 1


@pytest.mark.req("R8")
@given(any_case, any_instant, amounts, amounts)
def test_amounts_add_up_and_more_is_never_sooner(found, start, one, two):
    between = found.due(start, one)
    assert found.due(between, two) == found.due(start, one + two) or two == 0
    assert start <= between <= found.due(start, one + two)


@pytest.mark.req("U51")
@given(any_case, st.lists(any_instant, min_size=3, max_size=3).map(sorted))
def test_elapsed_time_adds_up_over_any_split(found, three):
    first, middle, last = three
    assert found.elapsed(first, last) == found.elapsed(first, middle) + found.elapsed(middle, last)
    assert found.elapsed(last, first) == 0


@pytest.mark.req("U51")
@given(closing_case, any_instant, st.integers(1, 90))
def test_spans_are_the_open_time(found, start, count):
    spans = found.spans(start, count)
    assert len(spans) == count
    assert all(one[1] < two[0] for one, two in pairwise(spans))
    assert found.spans_between(start, spans[-1][1]) == spans
    assert sum(end - begin for begin, end in spans) == found.elapsed(start, spans[-1][1])
    assert all(found.is_open(begin) and not found.is_open(end) for begin, end in spans)
