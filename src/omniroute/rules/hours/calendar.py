"""Questions about open time, each answered by two searches whatever the amount.

Open spans stand as three sorted lists: openings, closings, and the open time up to each closing. A
window of whole years is built when a question first needs it and grows by doubling. It is replaced,
never changed, so that threads may share a calendar. All instants and durations are microseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Final

from omniroute.errors import UsageError
from omniroute.instants import DAY, to_micros
from omniroute.model.hours import Hours, Span
from omniroute.rules.hours.days import FIRST_YEAR, LAST_YEAR, Days, HolidaysOf, joined, year_of

__all__ = ["BEGINNING", "HORIZON", "Calendar", "calendar"]

_LOOK_AHEAD: Final = 3_653 * DAY  # ten years: 29 February comes after eight at most
_BELOW: Final = 4 * DAY  # what may run into a year: a span over midnight, offsets, a skipped date
_ABOVE: Final = 2 * DAY  # what of the next year may begin before it in UTC
_SENTINEL: Final = -(1 << 62)

_Window = tuple[int, int, list[int], list[int], list[int]]
"""From and until which instant it answers; openings, closings, open time up to each closing."""


def _new_year(year: int) -> int:
    return to_micros(datetime(year, 1, 1, tzinfo=UTC))


BEGINNING: Final = _new_year(FIRST_YEAR) + _BELOW
"""The first instant that calendars answer for: in January 1900."""

_LAST: Final = _new_year(LAST_YEAR + 1) - _ABOVE
HORIZON: Final = _LAST - 1
"""The last instant that calendars answer for: in December 2399."""


@lru_cache(maxsize=256)
def calendar(hours: Hours, zone: str = "UTC", holidays_of: HolidaysOf | None = None) -> Calendar:
    """Return the calendar of hours, compiled once for each value.

    `zone` counts where the hours name none; `holidays_of` gives the dates of named holidays. The
    hours are taken to be free of problems (`rules.hours.problems`).
    """
    if hours.always:
        return _Always(hours, zone)
    return Calendar(hours, zone, holidays_of)


class Calendar:
    """When something is open: from each opening, until just before each closing (U51).

    Reaches over the years 1900 to 2399; `UsageError` for instants beyond. Where open time does not
    come to an amount within them, the answer is `HORIZON`, or `BEGINNING` for a look back.
    """

    __slots__ = ("_days", "_window", "hours", "zone")

    def __init__(
        self, hours: Hours, zone: str = "UTC", holidays_of: HolidaysOf | None = None
    ) -> None:
        self.hours: Final = hours
        self.zone: Final = hours.zone or zone
        self._days = Days(hours, self.zone, holidays_of)
        self._window: _Window = (0, 0, [_SENTINEL], [_SENTINEL], [0])

    def __repr__(self) -> str:
        return f"Calendar({self.hours!r}, zone={self.zone!r})"

    # --- questions

    def is_open(self, at: int) -> bool:
        """Whether it is open at an instant: at its opening yes, at its closing no (U51)."""
        first, last, starts, ends, _ = self._window
        if not first <= at < last:
            _, _, starts, ends, _ = self._reaching(at)
        return at < ends[bisect_right(starts, at) - 1]

    def next_opening(self, at: int) -> int | None:
        """Return the first opening after an instant; None where none comes within ten years."""
        window = self._reaching(at)
        while True:
            starts = window[2]
            place = bisect_right(starts, at)
            if place < len(starts):
                return starts[place]
            if window[1] - at > _LOOK_AHEAD or window[1] >= _LAST:
                return None
            window = self._later(window)

    def next_closing(self, at: int) -> int | None:
        """Return the first closing after an instant; None where none comes within ten years."""
        window = self._reaching(at)
        while True:
            last, ends = window[1], window[3]
            place = bisect_right(ends, at)
            if place < len(ends) and ends[place] < last:
                return ends[place]
            if last - at > _LOOK_AHEAD or last >= _LAST:
                return None
            window = self._later(window)

    def due(self, start: int, amount: int) -> int:
        """Return the instant at which `amount` of open time has passed since `start`.

        An amount that runs out exactly at a closing ends at that closing (R8). No amount at all
        ends where it starts; `UsageError` for less.
        """
        if amount <= 0:
            return _unmoved(start, amount)
        window = first, last, starts, ends, sums = self._window
        if not first <= start < last:
            window = _, _, starts, ends, sums = self._reaching(start)
        place = bisect_right(starts, start) - 1
        left = ends[place] - start
        target = sums[place] + amount - left if left > 0 else sums[place] + amount
        place = bisect_left(sums, target)
        try:
            return ends[place] - sums[place] + target
        except IndexError:
            return self._due(window, target)

    def _due(self, window: _Window, target: int) -> int:
        """The instant that is worth so much, where the years at hand are not."""
        while target > window[4][-1]:
            if window[1] >= _LAST:
                return HORIZON
            window = self._later(window)
        place = bisect_left(window[4], target)
        return window[3][place] - window[4][place] + target

    def due_before(self, end: int, amount: int) -> int:
        """Return the latest instant from which `amount` of open time passes until `end`.

        An amount that reaches back exactly to an opening starts at that opening. No amount at all
        starts where it ends; `UsageError` for less.
        """
        if amount <= 0:
            return _unmoved(end, amount)
        window = self._reaching(end)
        while True:
            _, _, starts, ends, sums = window
            place = bisect_right(starts, end) - 1
            target = sums[place] - max(ends[place] - end, 0) - amount
            if target >= 0:
                place = bisect_right(sums, target)
                return ends[place] - sums[place] + target
            if window[0] <= BEGINNING:
                return BEGINNING
            window = self._earlier(window)

    def elapsed(self, start: int, end: int) -> int:
        """Return the open time from `start` until `end`; 0 where `end` is not later."""
        if end <= start:
            return 0
        first, last, starts, ends, sums = self._window
        if start < first or end >= last:
            _, _, starts, ends, sums = self._reaching(start, end)
        place = bisect_right(starts, start) - 1
        left = ends[place] - start
        before = sums[place] - left if left > 0 else sums[place]
        place = bisect_right(starts, end) - 1
        left = ends[place] - end
        return (sums[place] - left if left > 0 else sums[place]) - before

    def spans(self, start: int, count: int) -> list[Span]:
        """Return the first `count` open spans from an instant, the first one cut at it.

        There are fewer where the calendar ends; a span that lasts so long is cut there, in 2399.
        """
        return list(islice(self._spans(start), max(count, 0)))

    def spans_between(self, start: int, end: int) -> list[Span]:
        """Return the open spans between two instants, cut at both."""
        if end <= start:
            return []
        _, _, starts, ends, _ = self._reaching(start, end)
        places = range(bisect_right(ends, start), bisect_left(starts, end))
        return [(max(starts[n], start), min(ends[n], end)) for n in places]

    def _spans(self, start: int) -> Iterator[Span]:
        window, after = self._reaching(start), start
        while True:
            _, last, starts, ends, _ = window
            for place in range(bisect_right(ends, after), len(starts)):
                if ends[place] >= last:
                    break  # the next year may go on with it
                after = ends[place]
                yield max(starts[place], start), after
            if last >= _LAST:
                break
            window = self._later(window)
        for place in range(bisect_right(ends, after), len(starts)):
            yield max(starts[place], start), ends[place]

    # --- windows

    def _reaching(self, start: int, end: int | None = None) -> _Window:
        """The window, grown until it answers for an instant, or for two."""
        window, end = self._window, start if end is None else end
        if window[0] <= start and end < window[1]:
            return window
        if not BEGINNING <= start <= end < _LAST:
            raise _out_of_reach(start if start < BEGINNING else end)
        first, last = year_of(start - _BELOW), year_of(end + _ABOVE)
        if window[0] == window[1]:
            return self._grown(window, first, last)
        before, after = year_of(window[0]), year_of(window[1])
        size = after - before + 1
        if first < before:
            first = min(first, before - size)
        if last > after:
            last = max(last, after + size)
        return self._grown(window, min(first, before), max(last, after))

    def _later(self, window: _Window) -> _Window:
        """A window with twice the years, where the calendar goes on."""
        first, last = year_of(window[0]), year_of(window[1])
        return self._grown(window, first, last + (last - first + 1))

    def _earlier(self, window: _Window) -> _Window:
        first, last = year_of(window[0]), year_of(window[1])
        return self._grown(window, first - (last - first + 1), last)

    def _grown(self, window: _Window, first: int, last: int) -> _Window:
        first, last = max(first, FIRST_YEAR), min(last, LAST_YEAR)
        _, until, starts, ends, sums = window
        if window[0] < until and year_of(window[0]) == first:
            starts, ends, sums = starts[:], ends[:], sums[:]
            missing = range(year_of(until) + 1, last + 1)
        else:
            starts, ends, sums = [_SENTINEL], [_SENTINEL], [0]
            missing = range(first, last + 1)
        for year in missing:
            _append(starts, ends, sums, self._days.of_year(year))
        grown = (_new_year(first) + _BELOW, _new_year(last + 1) - _ABOVE, starts, ends, sums)
        self._window = grown
        return grown


def _append(starts: list[int], ends: list[int], sums: list[int], spans: list[Span]) -> None:
    """Add a year's spans; the first may go on where the last year's end, or begin before that."""
    if spans and spans[0][0] <= ends[-1]:
        spans = joined([(starts.pop(), ends.pop()), *spans])
        sums.pop()
    total = sums[-1]
    for start, end in spans:
        total += end - start
        starts.append(start)
        ends.append(end)
        sums.append(total)


def _unmoved(instant: int, amount: int) -> int:
    if amount < 0:
        raise UsageError("an amount of open time is not below zero", got=f"{amount} us")
    return instant


def _out_of_reach(instant: int) -> UsageError:
    side = f"before {FIRST_YEAR}" if instant < BEGINNING else f"after {LAST_YEAR}"
    return UsageError(
        "calendars do not reach so far",
        expected=f"an instant in the years {FIRST_YEAR} to {LAST_YEAR}",
        got=f"one {side} ({instant} us)",
    )


class _Always(Calendar):
    """Open at all times."""

    __slots__ = ()

    def is_open(self, at: int) -> bool:  # noqa: ARG002
        return True

    def next_opening(self, at: int) -> None:  # noqa: ARG002
        return None

    def next_closing(self, at: int) -> None:  # noqa: ARG002
        return None

    def due(self, start: int, amount: int) -> int:
        return _unmoved(start, amount) if amount <= 0 else start + amount

    def due_before(self, end: int, amount: int) -> int:
        return _unmoved(end, amount) if amount <= 0 else end - amount

    def elapsed(self, start: int, end: int) -> int:
        return max(end - start, 0)

    def spans(self, start: int, count: int) -> list[Span]:
        return [(start, HORIZON)] if count > 0 and start < HORIZON else []

    def spans_between(self, start: int, end: int) -> list[Span]:
        return [(start, end)] if start < end else []
