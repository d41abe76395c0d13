"""Draw what a clock counts from the rules that count it, so that the page cannot say anything else.

Owns the three timelines of the page about clocks: a pause, a weekend, a change to summer time. A page
asks for them with the line of `MARKER`. Plain SVG: a bar from the start to the due instant; what counts
is full, what is closed is empty, a pause is hatched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from sphinx.application import Sphinx

from omniroute.instants import HOUR, from_micros, to_micros
from omniroute.model.conversation import Pause
from omniroute.model.hours import Hours
from omniroute.rules.hours import Calendar, calendar
from omniroute.rules.sla.counting import due_after, running_spans

MARKER: Final = "<!-- generated: clock timelines -->"

ZONE: Final = "Europe/Berlin"
_LEFT: Final = 12
_WIDTH: Final = 720
_HEIGHT: Final = 92
_BAR: Final = 34
_THICK: Final = 22

Span = tuple[int, int]


def _at(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return to_micros(datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(ZONE)))


def _hours(begins: int, ends: int, days: int) -> Calendar:
    weekly = tuple(((begins * 3600, ends * 3600),) if day < days else () for day in range(7))
    return calendar(Hours(weekly=weekly), ZONE)


@dataclass(frozen=True)
class Timeline:
    """A clock with a target, and what stands in its way."""

    title: str
    hours: Calendar
    start: int
    amount: int
    pauses: tuple[Pause, ...] = ()

    @property
    def due(self) -> int:
        """The instant at which the amount has passed."""
        found = due_after(self.hours, self.start, self.amount, self.pauses)
        return self.start if found is None else found

    @property
    def counted(self) -> list[Span]:
        """The spans that count."""
        spans = running_spans(self.start, self.due, self.pauses)
        return [each for span in spans for each in self.hours.spans_between(*span)]


TIMELINES: Final = (
    Timeline(
        "A pause: 4 hours of open time, snoozed from 11:00 to 15:00",
        _hours(9, 17, 5),
        _at(2026, 3, 2, 10),
        4 * HOUR,
        (Pause(_at(2026, 3, 2, 11), _at(2026, 3, 2, 15)),),
    ),
    Timeline(
        "A weekend: 4 hours of open time from Friday 15:00",
        _hours(9, 17, 5),
        _at(2026, 3, 6, 15),
        4 * HOUR,
    ),
    Timeline(
        "Summer time: 6 hours, open all night from 22:00; 02:00 to 03:00 does not exist",
        _hours(22, 30, 7),
        _at(2026, 3, 28, 21),
        6 * HOUR,
    ),
)


# --- the picture ----------------------------------------------------------------------------------


def svg(line: Timeline) -> str:
    """Return the picture of one timeline, on the desk's wall clock."""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' style="width: 100%; height: auto; max-width: {_WIDTH}px"'
        f' role="img" aria-label="{escape(line.title)}"'
        ' font-family="sans-serif" font-size="11" fill="none" stroke="currentColor">'
    )
    whole = _rect("whole", line, (line.start, line.due))
    pauses = [_rect("paused", line, (each.since, each.until)) for each in line.pauses]
    counted = [_rect("counted", line, span) for span in line.counted]
    return "\n".join(
        [
            opening,
            _text(_LEFT, 16, line.title, "start"),
            whole,
            *pauses,
            *counted,
            *_ends(line),
            "</svg>",
        ]
    )


def x_of(line: Timeline, at: int) -> float:
    """Return where an instant lies."""
    share = (at - line.start) / (line.due - line.start)
    return round(_LEFT + share * (_WIDTH - 2 * _LEFT), 1)


_STYLES: Final = {
    "whole": 'opacity="0.5"',
    "counted": 'fill="currentColor" opacity="0.6" stroke="none"',
    "paused": 'stroke-dasharray="3 3"',
}


def _rect(kind: str, line: Timeline, span: Span) -> str:
    left, right = (x_of(line, at) for at in span)
    inset = 5 if kind == "paused" else 0
    return (
        f'<rect class="{kind}" x="{left}" y="{_BAR + inset}" width="{round(right - left, 1)}"'
        f' height="{_THICK - 2 * inset}" {_STYLES[kind]}/>'
    )


def _ends(line: Timeline) -> list[str]:
    """Label the start, the due instant, and where counting stops and goes on."""
    edges = [at for span in line.counted for at in span]
    inner = [at for at in edges if line.start < at < line.due]
    shown = [line.start, *inner, line.due]
    return [
        _text(
            x_of(line, at), 72 if number % 2 == 0 else 86, _label(at), _anchor(number, len(shown))
        )
        for number, at in enumerate(shown)
    ]


def _anchor(number: int, count: int) -> str:
    return "start" if number == 0 else "end" if number == count - 1 else "middle"


def _label(at: int) -> str:
    return f"{from_micros(at, ZONE):%a %H:%M}"


def _text(x: float, y: int, text: str, anchor: str) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor" stroke="none">'
        f"{escape(text)}</text>"
    )


# --- the page -------------------------------------------------------------------------------------


def caption(line: Timeline) -> str:
    """Return what the picture shows, in words."""
    spans = "; ".join(f"{_label(a)} to {_label(b)}" for a, b in line.counted)
    hours = line.amount / HOUR
    lasts = timedelta(microseconds=line.due - line.start)
    return f"Counted: {spans}. {hours:g} hours of open time took {lasts}. Due {_label(line.due)}."


def generated() -> str:
    """Return what stands in the place of the marker, as MyST."""
    parts = [f"```{{raw}} html\n{svg(line)}\n```\n\n{caption(line)}" for line in TIMELINES]
    return "\n\n".join(parts)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    del app, docname
    if MARKER in source[0]:
        source[0] = source[0].replace(MARKER, generated())


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx fill in the pages that ask for the timelines."""
    app.connect("source-read", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
