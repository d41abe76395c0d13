"""Instants and durations: exact, aware, and refused where they are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import NaiveDatetime, UsageError
from omniroute.instants import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    SECOND,
    from_micros,
    render_duration,
    to_duration,
    to_micros,
)

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"])


def test_the_epoch_is_zero_and_a_microsecond_is_one() -> None:
    assert to_micros(EPOCH) == 0
    assert to_micros(EPOCH + timedelta(microseconds=1)) == 1
    assert to_micros(EPOCH - timedelta(microseconds=1)) == -1


def test_the_offset_counts_to_the_microsecond() -> None:
    odd = timezone(timedelta(hours=-3, minutes=-30, seconds=-52, microseconds=-7))
    assert to_micros(datetime(1970, 1, 1, tzinfo=odd)) == 3 * HOUR + 30 * MINUTE + 52 * SECOND + 7


def test_pendulum_and_the_standard_library_agree() -> None:
    parts = (2026, 3, 2, 9, 30, 15, 123456)
    one = pendulum.datetime(*parts, tz="Europe/Berlin")
    assert to_micros(one) == to_micros(datetime(*parts, tzinfo=BERLIN))


def test_the_second_occurrence_of_an_hour_is_another_instant() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert to_micros(first.replace(fold=1)) - to_micros(first) == HOUR
    again = from_micros(to_micros(first) + HOUR, "Europe/Berlin")
    assert (again.hour, again.minute, again.fold) == (2, 30, 1)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), ZONES)  # noqa: DTZ001
def test_there_and_back_is_the_same_instant(local: datetime, zone: str) -> None:
    aware = local.replace(tzinfo=ZoneInfo(zone))
    micros = to_micros(aware)
    assert micros == (aware.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    back = from_micros(micros, zone)
    assert isinstance(back, pendulum.DateTime)
    assert back.timezone_name == zone
    assert to_micros(back) == micros


@pytest.mark.parametrize(
    "zone, around",
    [
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/St_Johns", datetime(2010, 3, 14, 3, 31, tzinfo=UTC)),  # a minute past midnight
        ("Europe/Amsterdam", datetime(1937, 6, 30, 23, 40, 28, tzinfo=UTC)),  # 28 seconds odd
    ],
)
def test_a_clock_that_is_set_at_any_second_is_shown_right(zone: str, around: datetime) -> None:
    for seconds in (-901, -61, -1, 0, 1, 31, 61, 901):
        instant = around + timedelta(seconds=seconds, microseconds=7)
        shown = from_micros(to_micros(instant), zone)
        assert shown.replace(tzinfo=None) == instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize("naive", [datetime(2026, 3, 2, 9), pendulum.naive(2026, 3, 2, 9)])  # noqa: DTZ001
def test_a_datetime_without_a_zone_is_refused_with_advice(naive: datetime) -> None:
    with pytest.raises(NaiveDatetime) as raised:
        to_micros(naive)
    assert "2026-03-02T09:00:00" in (raised.value.got or "")
    assert "tz=UTC" in (raised.value.hint or "")


# --- durations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written,micros",
    [
        ("40s", 40 * SECOND),
        ("15m", 15 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("7d", 7 * DAY),
        ("250ms", 250 * MILLISECOND),
        (" 2m ", 2 * MINUTE),
        ("1d1h1m1s1ms", DAY + HOUR + MINUTE + SECOND + MILLISECOND),
        (timedelta(minutes=2, microseconds=1), 2 * MINUTE + 1),
    ],
)
def test_durations_are_read_in_one_syntax(written: str | timedelta, micros: int) -> None:
    assert to_duration(written) == micros


@pytest.mark.parametrize(
    "written",
    [
        *("", "5", "m", "0s", "-5m", "1.5h", "5 m", "5min", "5M", "1h 30m", "٣m", "5m!", "1e3s"),
        *("100000d", "999999999d", timedelta(0), timedelta(seconds=-1), 5, None, b"5m", True),
    ],
    ids=repr,
)
def test_anything_else_is_no_duration(written: object) -> None:
    with pytest.raises(UsageError, match=r"policy\.inactivity: not a duration") as raised:
        to_duration(written, where="policy.inactivity")  # type: ignore[arg-type]
    assert raised.value.got == repr(written)


def test_a_century_is_the_longest() -> None:
    assert to_duration("36600d") == 36_600 * DAY
    with pytest.raises(UsageError):
        to_duration("36600d1ms")


@given(st.integers(1, 36_600 * DAY // MILLISECOND))
def test_durations_are_written_as_they_are_read(milliseconds: int) -> None:
    micros = milliseconds * MILLISECOND
    assert to_duration(render_duration(micros)) == micros


def test_durations_are_written_in_the_largest_units() -> None:
    assert render_duration(90 * MINUTE) == "1h30m"
    assert render_duration(7 * DAY) == "7d"
    assert render_duration(0) == "0s"


def test_less_than_a_millisecond_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="whole milliseconds"):
        render_duration(1)
