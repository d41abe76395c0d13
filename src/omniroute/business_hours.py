"""Business hours for people: aware datetimes in, pendulum's out, with or without a desk.

A thin face over `rules.hours`, which owns what is open and when. Reads what configuration reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from omniroute.config.holiday_names import holidays_of
from omniroute.config.hours import read_hours, written_hours
from omniroute.errors import ConfigError, Problem, UsageError
from omniroute.instants import check_instant, from_micros, to_duration
from omniroute.lazy import later
from omniroute.model.hours import Hours
from omniroute.rules.arguments import blaming
from omniroute.rules.hours import (
    BEGINNING,
    HORIZON,
    Calendar,
    calendar,
    unopened_problem,
    zone_problem,
)
from omniroute.rules.names import shown

if TYPE_CHECKING:
    import pendulum
else:
    (pendulum,) = later(globals(), None, "pendulum")

__all__ = ["BusinessHours", "hours"]


@blaming
def hours(opening: str | Mapping[str, Any] | Hours, *, zone: str | None = None) -> BusinessHours:
    """Return business hours: `"always"`, a table as the key `hours` takes, or a value of `Hours`.

        om.hours({"mon-fri": ["08:00-12:30", "13:30-18:00"], "holidays": "DE-BE"}, zone="Europe/Berlin")

    `zone` is an IANA name; a `zone` in the table counts before it, and one of the two is needed,
    except for "always". Raises `ConfigError` with everything that is wrong with the hours.
    """
    found = read_hours(opening)
    name = found.zone or zone or ("UTC" if found.always else None)
    if name is None:
        raise UsageError("hours need a time zone", where="zone", expected="as Europe/Berlin")
    if problem := zone_problem(name):
        raise UsageError(problem, where="zone")
    if problem := unopened_problem(found, name):
        raise ConfigError([Problem("hours", problem)], source="hours")
    return BusinessHours(calendar(found, name, holidays_of))


# Dues seldom come twice, and keeping the latest would cost more than making them.
_not_kept: Final = from_micros.__wrapped__


@blaming
class BusinessHours:
    """When something is open, and how much open time lies between instants (P13, U51).

    Open from each opening on, closed from each closing on. Instants are aware datetimes of any
    zone; naive ones raise `NaiveDatetime`. Those that come back are in the hours' own zone. Amounts
    of open time are `timedelta` or text ("8h", "90m"). Reaches over the years 1900 to 2399:
    `UsageError` beyond.
    """

    __slots__ = ("_calendar",)

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    @property
    def zone(self) -> str:
        """The zone that the hours are kept in."""
        return self._calendar.zone

    def __repr__(self) -> str:
        return f"hours({written_hours(self._calendar.hours)!r}, zone={self.zone!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BusinessHours):
            return NotImplemented
        return (self._calendar.hours, self.zone) == (other._calendar.hours, other.zone)

    def __hash__(self) -> int:
        return hash((self._calendar.hours, self.zone))

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at an instant."""
        return self._calendar.is_open(check_instant(at, "at"))

    def next_opening(self, at: datetime) -> pendulum.DateTime | None:
        """Return the first opening after an instant; None where none comes within ten years."""
        return self._shown(self._calendar.next_opening(check_instant(at, "at")))

    def next_closing(self, at: datetime) -> pendulum.DateTime | None:
        """Return the first closing after an instant; None where none comes within ten years."""
        return self._shown(self._calendar.next_closing(check_instant(at, "at")))

    def due(self, start: datetime, amount: timedelta | str) -> pendulum.DateTime:
        """Return the instant at which `amount` of open time has passed since `start`.

        An amount that runs out exactly at a closing ends at that closing (R8). No amount at all
        ends where it starts.
        """
        due = self._calendar.due(check_instant(start, "start"), _amount(amount))
        return self._reached(due, HORIZON)

    def due_before(self, end: datetime, amount: timedelta | str) -> pendulum.DateTime:
        """Return the latest instant from which `amount` of open time passes until `end`."""
        start = self._calendar.due_before(check_instant(end, "end"), _amount(amount))
        return self._reached(start, BEGINNING)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the open time from `start` until `end`; none where `end` is not later."""
        micros = self._calendar.elapsed(check_instant(start, "start"), check_instant(end, "end"))
        return timedelta(microseconds=micros)

    def spans(
        self, start: datetime, count: int
    ) -> list[tuple[pendulum.DateTime, pendulum.DateTime]]:
        """Return the first `count` open spans from an instant, the first one cut at it."""
        _check_count(count)
        begin = check_instant(start, "start")
        return [self._span(each) for each in self._calendar.spans(begin, count)]

    def spans_between(
        self, start: datetime, end: datetime
    ) -> list[tuple[pendulum.DateTime, pendulum.DateTime]]:
        """Return the open spans between two instants, cut at both."""
        spans = self._calendar.spans_between(
            check_instant(start, "start"), check_instant(end, "end")
        )
        return [self._span(each) for each in spans]

    def _shown(self, micros: int | None) -> pendulum.DateTime | None:
        return None if micros is None else from_micros(micros, self.zone)

    def _span(self, span: tuple[int, int]) -> tuple[pendulum.DateTime, pendulum.DateTime]:
        return from_micros(span[0], self.zone), from_micros(span[1], self.zone)

    def _reached(self, micros: int, end: int) -> pendulum.DateTime:
        if micros == end or not BEGINNING <= micros <= HORIZON:
            raise UsageError("there is not so much open time in the years 1900 to 2399")
        return _not_kept(micros, self.zone)


def _check_count(count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool):
        expected = "a whole number"
        raise UsageError(
            "not a number of spans", where="count", expected=expected, got=shown(count)
        )


def _amount(amount: timedelta | str) -> int:
    nothing = not amount and isinstance(amount, timedelta)
    return 0 if nothing else to_duration(amount, where="amount")
