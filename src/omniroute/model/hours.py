"""Hours: when something is open, as it is configured.

Wall times and a zone's name, never offsets (R8). `config` reads it from what people write,
`rules.hours` judges it and answers questions about it.
"""

from __future__ import annotations

from typing import Final, Protocol

from omniroute.model.values import frozen

__all__ = ["ALWAYS", "Hours", "OpenHours", "Span"]

Span = tuple[int, int]
"""Opening and closing in seconds from the day's 00:00 by the wall clock; past 86,400 the next day."""

_WEEK: Final[tuple[tuple[Span, ...], ...]] = ((),) * 7


@frozen(kw_only=True)
class Hours:
    """Opening hours (P13, U51): open from each span's first instant, closed from its last.

    `zone` is an IANA name; None leaves it to the desk. `weekly` has the spans of Monday to Sunday,
    each belonging to the day it begins on. `holidays` are days without hours: dates ("2026-12-25"),
    days of every year ("12-25"), and names that the package `holidays` knows ("DE-BE"). `dates` are
    one-off openings and closings, by date or day of every year, which replace the whole day's
    spans. `always` is open at all times; the other fields then say nothing.
    """

    zone: str | None = None
    weekly: tuple[tuple[Span, ...], ...] = _WEEK
    holidays: tuple[str, ...] = ()
    dates: tuple[tuple[str, tuple[Span, ...]], ...] = ()
    always: bool = False


class OpenHours(Protocol):
    """What rules ask about open time, in microseconds. `rules.hours.Calendar` answers."""

    def is_open(self, at: int) -> bool:
        """Whether it is open at an instant."""
        ...

    def next_opening(self, at: int) -> int | None:
        """Return the first opening after an instant."""
        ...

    def next_closing(self, at: int) -> int | None:
        """Return the first closing after an instant."""
        ...

    def due(self, start: int, amount: int) -> int:
        """Return the instant at which `amount` of open time has passed since `start`."""
        ...

    def due_before(self, end: int, amount: int) -> int:
        """Return the latest instant from which `amount` of open time passes until `end`."""
        ...

    def elapsed(self, start: int, end: int) -> int:
        """Return the open time from `start` until `end`."""
        ...

    def spans(self, start: int, count: int) -> list[Span]:
        """Return the first open spans from an instant, as instants."""
        ...

    def spans_between(self, start: int, end: int) -> list[Span]:
        """Return the open spans between two instants, as instants."""
        ...


ALWAYS: Final = Hours(always=True)
"""Open at all times."""
