"""From wall times to instants: the open spans of one year of a calendar (R8).

A wall time that a clock skips moves forward by what is skipped; one that it shows twice is the
first of the two. A span belongs to the date it begins on, and a date that a zone skips whole (Apia
had no 30 December 2011) has no spans. Where two spans meet or overlap they are one.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from omniroute.errors import UsageError
from omniroute.instants import DAY, SECOND
from omniroute.model.hours import Hours, Span

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Days", "HolidaysOf", "joined", "year_of"]

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2399
"""The years that calendars reach over. Beyond them questions are refused, never searched for."""

HolidaysOf = Callable[[str, int], Iterable[date]]
"""What gives the dates of a name such as "DE-BE" in a year."""

_SECONDS_A_DAY: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_ONE_MICROSECOND: Final = timedelta(microseconds=1)
_NONE: Final = timedelta()

_OfDay = tuple[Span, ...]


def year_of(instant: int) -> int:
    """Return the year of an instant in UTC, or one just out of reach for what datetimes have not."""
    try:
        return (_EPOCH + timedelta(microseconds=instant)).year
    except OverflowError:
        return FIRST_YEAR - 1 if instant < 0 else LAST_YEAR + 1


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that meet or overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


class _Exceptions:
    """Days written as dates ("2026-12-25") and as days of every year ("12-25"), by year."""

    __slots__ = ("_annual", "_dated")

    def __init__(self, days: Iterable[tuple[str, _OfDay]]) -> None:
        self._annual: dict[tuple[int, int], _OfDay] = {}
        self._dated: dict[int, dict[int, _OfDay]] = {}
        for text, spans in days:
            if len(text) == len("12-25"):
                self._annual[int(text[:2]), int(text[3:])] = spans
            else:
                day = date.fromisoformat(text)
                self._dated.setdefault(day.year, {})[day.toordinal()] = spans

    def of_year(self, year: int) -> dict[int, _OfDay]:
        """Return the spans of days by their ordinals; a full date counts before a yearly one."""
        annual = {
            date(year, month, day).toordinal(): spans
            for (month, day), spans in self._annual.items()
            if (month, day) != (2, 29) or isleap(year)
        }
        return {**annual, **self._dated.get(year, {})}


class Days:
    """Which spans each date has, and where they lie in UTC."""

    __slots__ = ("_dates", "_holidays", "_holidays_of", "_names", "_weekly", "_zone")

    def __init__(self, hours: Hours, zone: str, holidays_of: HolidaysOf | None) -> None:
        self._zone = ZoneInfo(zone)
        self._weekly = hours.weekly
        self._holidays_of = holidays_of
        self._names = [each for each in hours.holidays if not each[0].isdigit()]
        holidays = [(each, ()) for each in hours.holidays if each[0].isdigit()]
        self._holidays = _Exceptions(holidays)
        self._dates = _Exceptions(hours.dates)

    def of_year(self, year: int) -> list[Span]:
        """Return the open spans of a year's dates as instants, in order; they may run past its end."""
        return joined(self._instants(year))

    def _exceptions(self, year: int) -> Mapping[int, _OfDay]:
        """The days of a year that the week does not decide: one-offs count before holidays."""
        named = (day for name in self._names for day in self._named(name, year))
        return {
            **dict.fromkeys(named, ()),
            **self._holidays.of_year(year),
            **self._dates.of_year(year),
        }

    def _named(self, name: str, year: int) -> Iterator[int]:
        if self._holidays_of is None:
            raise UsageError(
                "nothing here knows holidays by name",
                expected="dates, or a function that gives the dates of a name",
                got=repr(name),
            )
        return (day.toordinal() for day in self._holidays_of(name, year))

    def _instants(self, year: int) -> Iterator[Span]:
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        midnights = self._midnights(range(first, last + 3))
        exceptions, weekly = self._exceptions(year), self._weekly
        for number, day in enumerate(range(first, last + 1)):
            midnight, length = midnights[number], midnights[number + 1] - midnights[number]
            if length <= 0:
                continue  # a date that the zone skips
            spans = exceptions.get(day)
            if spans is None:
                spans = weekly[(day - 1) % 7]
            even = length == DAY and midnights[number + 2] - midnights[number + 1] == DAY
            for opens, closes in spans:
                if even:
                    yield midnight + opens * SECOND, midnight + closes * SECOND
                else:
                    start, end = self._instant(day, opens), self._instant(day, closes)
                    if start < end:
                        yield start, end

    def _midnights(self, days: Iterable[int]) -> list[int]:
        """The instants at which days begin, as `_instant` has them, in a row."""
        found, offset, micros = [], _NONE, 0
        utcoffset, wall = self._zone.utcoffset, datetime.fromordinal
        for day in days:
            if (now := utcoffset(wall(day)) or _NONE) is not offset:
                offset, micros = now, now // _ONE_MICROSECOND
            found.append((day - _EPOCH_DAY) * DAY - micros)
        return found

    def _instant(self, day: int, second: int) -> int:
        """The instant at which a wall clock shows a second of a day, given as an ordinal."""
        more, rest = divmod(second, _SECONDS_A_DAY)
        wall = datetime.fromordinal(day + more)
        if rest:
            wall = wall.replace(hour=rest // 3600, minute=rest // 60 % 60, second=rest % 60)
        offset = self._zone.utcoffset(wall) or _NONE  # the first of two; that before a gap
        return (day + more - _EPOCH_DAY) * DAY + rest * SECOND - offset // _ONE_MICROSECOND
