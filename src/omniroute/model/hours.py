"""Hours: when something is open, as it is configured.

Wall times and a zone's name, never offsets (R8). `config` reads it from what people write,
`rules.hours` judges it and answers questions about it.
"""

from __future__ import annotations

from typing import Final

from omniroute.model.values import frozen

__all__ = ["ALWAYS", "Hours", "Span"]

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


ALWAYS: Final = Hours(always=True)
"""Open at all times."""
