from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omniroute.errors import UsageError
from omniroute.instants import SECOND
from omniroute.rules.sla import due, is_overdue, parse_sla, sla_seconds


def oracle(minutes: str) -> int:
    """Half up by exact fractions: what G15 says, with none of the code under test."""
    return math.floor(Fraction(minutes) * 60 + Fraction(1, 2))


def outcome(value: object) -> int | None:
    try:
        return sla_seconds(value)
    except UsageError:
        return None


positive = st.decimals(min_value=0, max_value=100_000, allow_nan=False, allow_infinity=False)


@pytest.mark.req("G15", "G16")
@given(positive)
@example(Decimal("0.675"))
@example(Decimal("0.008333333333333333333333333333333333333"))
@example(Decimal("0.0083333333333333333333333333333333333334"))
def test_minutes_are_what_exact_fractions_say(minutes: Decimal):
    text = format(minutes, "f")
    expected = oracle(text) or None
    if minutes.is_signed():  # -0 and its like
        expected = None
    assert outcome(text) == expected
    assert outcome(minutes) == expected


@pytest.mark.req("G15")
@given(st.floats(min_value=0, max_value=100_000))
def test_a_float_is_the_number_that_it_prints(minutes: float):
    text = format(Decimal(str(minutes)), "f")
    assert outcome(minutes) == outcome(text) == outcome(Decimal(text)) == (oracle(text) or None)


@pytest.mark.req("G15", "G16")
@given(st.integers(min_value=-5, max_value=50_000_000))
def test_whole_minutes_agree_in_every_form(minutes: int):
    expected = minutes * 60 if minutes > 0 else None
    assert outcome(minutes) == outcome(str(minutes)) == outcome(Decimal(minutes)) == expected
    assert outcome(float(minutes)) == expected


@pytest.mark.req("G16")
@given(st.text() | st.text(alphabet="0123456789.-+eE_ naif", max_size=8))
def test_any_other_text_is_refused_with_one_error(text: str):
    found = outcome(text)
    assert found is None or found >= 1
    if "-" in text or "_" in text or not text.strip().isascii():
        assert found is None


@pytest.mark.req("G16")
@given(
    st.none()
    | st.booleans()
    | st.floats()
    | st.decimals()
    | st.binary()
    | st.lists(st.integers())
    | st.fractions()
    | st.complex_numbers()
)
def test_nothing_but_a_usage_error_is_raised(value: object):
    found = outcome(value)
    assert found is None or (found >= 1 and not isinstance(value, bool))


@pytest.mark.req("G15")
@given(st.integers(min_value=1, max_value=52_000_000))  # about a century of minutes
def test_a_duration_and_its_minutes_agree(count: int):
    assert parse_sla(f"{count}s") == count * SECOND
    assert parse_sla(f"{count}m") == parse_sla(count) == parse_sla(str(count))


@pytest.mark.req("G20")
@given(
    st.integers(min_value=-(10**17), max_value=10**17),
    st.integers(min_value=1, max_value=10**15),
    st.integers(min_value=-2, max_value=2),
)
def test_overdue_begins_one_microsecond_after_due(contact: int, sla: int, offset: int):
    instant = due(contact, sla)
    assert instant - contact == sla
    assert is_overdue(instant + offset, instant) == (offset > 0)
