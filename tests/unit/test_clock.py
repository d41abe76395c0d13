"""The only reader of time, and what `now=` means at the face."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omniroute.clock import ManualClock, SystemClock, resolve_now
from omniroute.errors import NaiveDatetime, UsageError
from omniroute.instants import MINUTE
from omniroute.testing import MONDAY, NOW


def test_the_systems_clock_gives_microseconds() -> None:
    before = time.time_ns() // 1_000
    now = SystemClock().now()
    assert before <= now <= time.time_ns() // 1_000


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(MONDAY)
    assert (clock.now(), clock.now()) == (NOW, NOW)
    assert clock.advance("12m") == NOW + 12 * MINUTE == clock.now()
    assert clock.advance(timedelta(minutes=1)) == NOW + 13 * MINUTE


def test_a_manual_clock_jumps_either_way() -> None:
    clock = ManualClock(NOW)
    clock.set(MONDAY - timedelta(minutes=1))
    assert clock.now() == NOW - MINUTE
    clock.set(NOW + MINUTE)
    assert repr(clock) == "ManualClock(2026-03-02T09:01:00+00:00)"


def test_time_is_not_moved_by_nothing_or_backwards_with_advance() -> None:
    with pytest.raises(UsageError):
        ManualClock(NOW).advance(timedelta(seconds=-1))


def test_a_clock_does_not_start_at_a_naive_datetime() -> None:
    with pytest.raises(NaiveDatetime):
        ManualClock(datetime(2026, 3, 2, 9))  # noqa: DTZ001


@pytest.mark.parametrize("now", [None, MONDAY, MONDAY.astimezone(UTC)])
def test_now_is_the_clocks_or_what_is_given(now: Any) -> None:
    assert resolve_now(now, ManualClock(NOW)) == NOW


@pytest.mark.parametrize("now", [NOW, True, 1.5, "2026-03-02", MONDAY.date()], ids=repr)
def test_anything_else_is_no_instant(now: Any) -> None:
    with pytest.raises(UsageError, match="now: not an instant"):
        resolve_now(now, ManualClock(NOW))


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(NaiveDatetime):
        resolve_now(datetime(2026, 3, 2, 9), ManualClock(NOW))  # noqa: DTZ001
