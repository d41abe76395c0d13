from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, localcontext

import pytest

from omniroute.errors import UsageError
from omniroute.instants import MINUTE, SECOND
from omniroute.rules.sla import due, is_blank, is_overdue, parse_sla, sla_seconds


@pytest.mark.req("G15")
@pytest.mark.parametrize(
    "minutes,seconds",
    [
        ("0.33", 20),
        ("0.5", 30),
        ("0.66", 40),
        ("0.67", 40),
        ("0.675", 41),
        ("0.00834", 1),
        ("1", 60),
        ("15", 900),
        ("2.5", 150),
        ("10080", 604_800),
    ],
)
def test_minutes_round_half_up_to_seconds_in_every_form(minutes: str, seconds: int):
    assert sla_seconds(minutes) == seconds
    assert sla_seconds(float(minutes)) == seconds
    assert sla_seconds(Decimal(minutes)) == seconds
    if minutes.isdigit():
        assert sla_seconds(int(minutes)) == seconds


@pytest.mark.req("G15")
def test_digits_beyond_any_context_still_count():
    just_below = "0.008" + "3" * 60  # times sixty: 0.4999…, which rounds to nothing
    with pytest.raises(UsageError):
        sla_seconds(just_below)
    assert sla_seconds(just_below[:-1] + "4") == 1
    with localcontext() as context:
        context.prec = 2
        assert sla_seconds("1234.5") == 74_070


@pytest.mark.req("G16")
@pytest.mark.parametrize(
    "value",
    [
        0,
        "0",
        "0.0",
        0.0,
        Decimal(0),
        "-1",
        "1-2",
        "1e-3",
        -1,
        -0.5,
        Decimal("-0.5"),
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        "nan",
        "inf",
        True,
        False,
        None,
        "",
        " ",
        "ten",
        "1,5",
        "1_000",
        "１５",
        "15m",
        "0x10",
        [15],
        {"minutes": 15},
        b"15",
        "0.008",
        0.008,
        "1e999999999",
        10**5000,
        1e300,
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) or value < 9**99 else "huge",
)
def test_what_is_no_number_of_minutes_is_refused(value: object):
    with pytest.raises(UsageError, match="not an SLA; expected minutes that come to at least one"):
        sla_seconds(value)


def test_a_refusal_says_what_came():
    with pytest.raises(UsageError) as caught:
        sla_seconds("1-2")
    assert caught.value.expected == "minutes that come to at least one second, as 15, 0.5 or 0.66"
    assert caught.value.got == '"1-2"'


@pytest.mark.req("G15", "G16")
@pytest.mark.parametrize(
    "value,micros",
    [
        (15, 15 * MINUTE),
        ("15", 15 * MINUTE),
        ("0.66", 40 * SECOND),
        ("40s", 40 * SECOND),
        ("15m", 15 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("2000ms", 2 * SECOND),
        (timedelta(seconds=40), 40 * SECOND),
    ],
)
def test_an_sla_is_minutes_or_a_duration(value: object, micros: int):
    assert parse_sla(value) == micros


@pytest.mark.req("G16")
@pytest.mark.parametrize("value", ["1500ms", "0s", "-1m", "1h-2m", "15 minutes", None, "", True])
def test_a_duration_that_is_no_sla_is_refused_with_its_place(value: object):
    with pytest.raises(UsageError, match=r"^inboxes\.vip\.sla: not an SLA; expected minutes"):
        parse_sla(value, "inboxes.vip.sla")


@pytest.mark.req("G13", "G17")
def test_blank_is_none_or_empty_and_nothing_else():
    assert is_blank(None)
    assert is_blank("")
    others: tuple[object, ...] = (0, "0", " ", False, [], "1")
    assert not any(is_blank(value) for value in others)


@pytest.mark.req("G20")
def test_due_is_contact_plus_sla_and_overdue_is_strictly_after():
    instant = due(1_000 * SECOND, 40 * SECOND)
    assert instant == 1_040 * SECOND
    assert not is_overdue(instant - 1, instant)
    assert not is_overdue(instant, instant)
    assert is_overdue(instant + 1, instant)
