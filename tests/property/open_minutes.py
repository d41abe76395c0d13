"""An oracle for open time that walks the minutes, and shares nothing with the code under test.

It walks UTC minute by minute, notes which wall time a clock in the zone shows, and from that table
alone derives when each wall time first comes: the first of two, and a time that the clock skips as
much later as it skips. Opening hours are then painted minute by minute.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (wall times here carry no zone on purpose)
A_DAY = 24 * 60

Weekly = Mapping[int, Sequence[tuple[str, str]]]
"""Wall times of opening and closing by weekday, Monday 0; a closing before its opening is next day's."""


class OpenMinutes:
    """A calendar from `first` until `last` (UTC), one flag for each minute."""

    def __init__(
        self,
        zone: str,
        weekly: Weekly,
        first: datetime,
        last: datetime,
        *,
        holidays: Collection[date] = (),
        dates: Mapping[date, Sequence[tuple[str, str]]] | None = None,
    ) -> None:
        self.first = int(first.timestamp()) // 60
        count = int(last.timestamp()) // 60 - self.first
        self._walk(ZoneInfo(zone), count)
        self.open = bytearray(count)
        for day in range(self.walls[0] // A_DAY - 1, self.walls[-1] // A_DAY + 1):
            on = (EPOCH + timedelta(days=day)).date()
            spans = weekly.get(on.weekday(), ())
            if on in holidays:
                spans = ()
            if dates and on in dates:
                spans = dates[on]
            if day in self.days:
                for opens, closes in spans:
                    self._paint(day, opens, closes)
        self.sums = [0, *accumulate(self.open)]

    def _walk(self, zone: ZoneInfo, count: int) -> None:
        """Ask the zone for the wall time of every minute; hours on which nothing changes at once."""
        self.walls: list[int] = []
        while len(self.walls) < count:
            here = self.first + len(self.walls)
            now, then = _wall(here, zone), _wall(here + 59, zone)
            if then - now == 59:
                self.walls.extend(range(now, now + 60))
            else:
                self.walls.extend(_wall(minute, zone) for minute in range(here, here + 60))
        del self.walls[count:]
        self.comes: dict[int, int] = {}
        for place, wall in enumerate(self.walls):
            self.comes.setdefault(wall, place)
        self.days = {wall // A_DAY for wall in self.walls}
        self.known = sorted(self.comes)

    def _paint(self, day: int, opens: str, closes: str) -> None:
        start, end = _minutes(opens), _minutes(closes)
        if end <= start:
            end += A_DAY
        start, end = self._comes(day * A_DAY + start), self._comes(day * A_DAY + end)
        if start < end:
            self.open[start:end] = b"\1" * (end - start)

    def _comes(self, wall: int) -> int:
        """The place of the minute at which a wall time comes; the window's ends for what lies outside."""
        if wall not in self.comes:
            place = bisect_left(self.known, wall)
            if place in (0, len(self.known)):
                return 0 if place == 0 else len(self.walls)
            skipped = self.known[place] - self.known[place - 1] - 1
            return self._comes(wall + skipped)
        return self.comes[wall]

    # --- questions, in microseconds

    def is_open(self, at: int) -> bool:
        return bool(self.open[at // MINUTE - self.first])

    def worth(self, at: int) -> int:
        """Open time from the beginning until an instant."""
        minute, rest = divmod(at, MINUTE)
        place = minute - self.first
        return self.sums[place] * MINUTE + (rest if rest and self.open[place] else 0)

    def elapsed(self, start: int, end: int) -> int:
        return max(self.worth(end) - self.worth(start), 0)

    def due(self, start: int, amount: int) -> int:
        """The first instant that is worth so much; it must lie inside."""
        target = self.worth(start) + amount
        place = bisect_left(self.sums, -(-target // MINUTE))
        return (self.first + place) * MINUTE - (self.sums[place] * MINUTE - target)

    def due_before(self, end: int, amount: int) -> int:
        """The last instant that is worth so much less; it must lie inside."""
        target = self.worth(end) - amount
        assert target >= 0
        place = bisect_right(self.sums, target // MINUTE) - 1
        return (self.first + place) * MINUTE + target % MINUTE

    def next_opening(self, at: int) -> int | None:
        return self._next(at, b"\0\1")

    def next_closing(self, at: int) -> int | None:
        return self._next(at, b"\1\0")

    def _next(self, at: int, change: bytes) -> int | None:
        place = self.open.find(change, at // MINUTE - self.first)
        return None if place < 0 else (self.first + place + 1) * MINUTE


def _wall(minute: int, zone: ZoneInfo) -> int:
    shown = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).replace(tzinfo=None)
    return (shown - EPOCH) // timedelta(minutes=1)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
