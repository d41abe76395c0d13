"""The hours benchmark's calendar, on the libraries that people use for open time.

One calendar for all, Berlin's: Monday to Friday from 8:00 to 18:00 with a lunch break from 12:30 to
13:30, and the public holidays of the city. Each is used as its documentation has it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import businesstimedelta
import pandas as pd
import pytz
from worktimecalc.calc import WorkTimeCalculator

__all__ = ["bare_due", "bare_elapsed", "by_businesstimedelta", "by_pandas", "by_worktimecalc"]

Due = Callable[[datetime], datetime]


def by_businesstimedelta(
    zone: str, holidays: Sequence[date]
) -> tuple[Callable[[timedelta], Due], Callable[[datetime, datetime], timedelta]]:
    """Return what makes due dates, and what counts elapsed time, by businesstimedelta."""
    tz = pytz.timezone(zone)
    week = [0, 1, 2, 3, 4]
    rules = businesstimedelta.Rules(
        [
            businesstimedelta.WorkDayRule(time(8), time(18), week, tz=tz),
            businesstimedelta.LunchTimeRule(time(12, 30), time(13, 30), week, tz=tz),
            businesstimedelta.HolidayRule(set(holidays), tz=tz),
        ]
    )

    def due_after(amount: timedelta) -> Due:
        delta = businesstimedelta.BusinessTimeDelta(rules, timedelta=amount)
        return lambda start: start + delta

    def elapsed(start: datetime, end: datetime) -> timedelta:
        found: timedelta = rules.difference(start, end).timedelta
        return found

    return due_after, elapsed


def by_pandas(holidays: Sequence[date], hours: int) -> Callable[[Any], Any]:
    """Return what adds whole hours of open time to a `Timestamp` by pandas."""
    offset = pd.offsets.CustomBusinessHour(
        n=hours, start=["08:00", "13:30"], end=["12:30", "18:00"], holidays=list(holidays)
    )
    return lambda start: start + offset


def by_worktimecalc(holidays: Sequence[date]) -> Callable[[datetime, datetime], Any]:
    """Return what counts elapsed time by worktimecalc: one span a day, no zones, 8:00 to 18:00."""
    counted: Callable[[datetime, datetime], Any] = WorkTimeCalculator(
        8, 18, holidays=sorted(holidays)
    )
    return counted


# --- the prototype: two searches over three lists, and nothing else ---------------------------------

Lists = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""Openings, closings, and the open time up to each closing."""


def bare_due(lists: Lists) -> Callable[[int, int], int]:
    """Return what finds due instants by two bare searches."""
    starts, ends, sums = lists

    def due(start: int, amount: int) -> int:
        place = bisect_right(starts, start) - 1
        target = sums[place] - max(ends[place] - start, 0) + amount
        place = bisect_left(sums, target)
        return ends[place] - sums[place] + target

    return due


def bare_elapsed(lists: Lists) -> Callable[[int, int], int]:
    """Return what counts open time by two bare searches."""
    starts, ends, sums = lists

    def elapsed(start: int, end: int) -> int:
        one, two = bisect_right(starts, start) - 1, bisect_right(starts, end) - 1
        return (sums[two] - max(ends[two] - end, 0)) - (sums[one] - max(ends[one] - start, 0))

    return elapsed
