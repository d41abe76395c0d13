"""What can be wrong with hours, all of it at once; and times as people write them.

Where something is wrong is said by the key it would be mended at: a day ("mon"), "dates", "zone".
Whether a name of holidays is known is for those to judge who can look it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from attrs import evolve

from omniroute.model.hours import Hours, Span
from omniroute.rules.hours.days import FIRST_YEAR, LAST_YEAR, Days
from omniroute.rules.names import did_you_mean, quoted, shown

__all__ = ["DAYS", "day_problem", "problems", "shown_span", "unopened_problem", "zone_problem"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of the week as configuration names them, Monday first."""

_SECONDS_A_DAY: Final = 86_400
_A_LEAP_YEAR: Final = "2000-"

_NO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory"})
_VARIANTS: Final = ("posix/", "right/")
"""Files beside the zones: what they say depends on the machine, counts leap seconds, or is nothing."""

_Found = tuple[tuple[str, ...], str]


def zone_problem(zone: str) -> str | None:
    """Return what is wrong with a time zone's name, or None."""
    try:
        ZoneInfo(zone)
        known = zone not in _NO_ZONES and not zone.startswith(_VARIANTS)
    except (KeyError, ValueError, OSError):
        known = False
    if not known:
        text = f"unknown time zone {quoted(zone)}; expected an IANA name such as Europe/Berlin"
        guess = did_you_mean(zone, available_timezones())
        return f"{text}; did you mean {quoted(guess)}?" if guess else text
    return None


def day_problem(day: str) -> str | None:
    """Return what is wrong with a date ("2026-12-25") or a day of every year ("12-25"), or None."""
    try:
        found = date.fromisoformat(_A_LEAP_YEAR + day if len(day) == len("12-25") else day)
    except ValueError:
        found = None
    if found is None or not day.endswith(found.isoformat()[-5:]):
        return f'expected a date, as "2026-12-25", or a day of every year, as "12-25"; got {shown(day)}'
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return f"expected a date in the years {FIRST_YEAR} to {LAST_YEAR}, got {shown(day)}"
    return None


def shown_span(span: Span) -> str:
    """Return a span as it is written: "22:00-06:00"."""
    start, end = span
    if end > _SECONDS_A_DAY:
        end -= _SECONDS_A_DAY
    return f"{_time(start)}-{_time(end)}"


def _time(second: int) -> str:
    minutes, rest = divmod(second, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text


def problems(hours: Hours) -> Iterator[_Found]:
    """Yield what is wrong with hours, each with the keys it lies under.

    Hours that never open are refused here (R9), so that no question about them searches for ever.
    """
    if hours.zone is not None and (text := zone_problem(hours.zone)):
        yield ("zone",), text
    if hours.always:
        return
    if len(hours.weekly) != len(DAYS):
        yield (), f"expected the hours of seven days, got {len(hours.weekly)}"
        return
    for holiday in hours.holidays:
        if holiday[:1].isdigit() and (text := day_problem(holiday)):
            yield ("holidays",), text
    yield from _dates(hours)
    bad = False
    for day, spans in zip(DAYS, hours.weekly, strict=True):
        for text in _spans(spans):
            bad = True
            yield (day,), text
    if not bad:
        yield from _nights(hours.weekly)
    if not any(hours.weekly) and not any(spans for _, spans in hours.dates):
        yield (), 'never opens; give it hours, as mon-fri = "09:00-17:00", or "always"'


def unopened_problem(hours: Hours, zone: str) -> str | None:
    """Return why hours of single dates alone never open in a zone, or None (R9).

    An opening may lie in a gap of the clock, or on a day that the zone skips. `zone` counts where the
    hours name none. The hours are taken to be free of other problems.
    """
    years = {day[: len("2026")] for day, spans in hours.dates if spans}
    if hours.always or any(hours.weekly) or not years:
        return None
    if any(len(day) == len("12-25") for day, spans in hours.dates if spans):
        return None  # no day of every year is skipped every year
    days = Days(evolve(hours, holidays=()), hours.zone or zone, None)
    if any(days.of_year(int(year)) for year in years):
        return None
    return f"never opens: {hours.zone or zone} has none of it, as clocks go forward"


def _dates(hours: Hours) -> Iterator[_Found]:
    for number, (day, spans) in enumerate(hours.dates):
        if text := day_problem(day):
            yield ("dates", day), text
        if any(day == other for other, _ in hours.dates[:number]):
            yield ("dates", day), "stands here twice"
        for text in _spans(spans):
            yield ("dates", day), text


def _spans(spans: Sequence[Span]) -> Iterator[str]:
    """What is wrong with the spans of one day."""
    for start, end in spans:
        longest = _SECONDS_A_DAY - bool(start)  # "08:00-08:00" would be read as no time at all
        if not 0 <= start < _SECONDS_A_DAY or not start < end <= start + longest:
            text = "expected an opening within the day and a closing within a day of it"
            yield f"{text}, got {start} to {end} seconds"
    for one, two in pairwise(sorted(spans)):
        if two[0] < one[1]:
            yield f"{quoted(shown_span(one))} and {quoted(shown_span(two))} overlap"


def _nights(weekly: Sequence[Sequence[Span]]) -> Iterator[_Found]:
    """What runs over midnight into the hours of the next day."""
    for number, spans in enumerate(weekly):
        later = (number + 1) % len(DAYS)
        if not spans or not weekly[later]:
            continue
        last, first = max(spans), min(weekly[later])
        if last[1] - _SECONDS_A_DAY > first[0]:
            text = (
                f"{quoted(shown_span(last))} runs into {quoted(shown_span(first))} of {DAYS[later]}"
            )
            yield (DAYS[number],), text
