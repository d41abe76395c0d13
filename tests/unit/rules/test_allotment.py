"""Shares of groups, exact at every step."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.rules.allotment import WHOLE, next_group


def worst(shares: dict[str, int], steps: int) -> int:
    """The largest distance from a group's share, in ten-thousandths, at any of so many steps."""
    counts = dict.fromkeys(shares, 0)
    found = 0
    for number in range(1, steps + 1):
        counts[next_group(shares, counts)] += 1
        found = max(found, *(abs(counts[g] * WHOLE - number * s) for g, s in shares.items()))
    return found


@st.composite
def all_shares(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, WHOLE), max_size=7)))
    edges = [0, *cuts, WHOLE]
    return {f"g{n}": b - a for n, (a, b) in enumerate(itertools.pairwise(edges))}


@pytest.mark.req("M2")
@given(shares=all_shares(), steps=st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_no_group_is_ever_a_whole_conversation_away_from_its_share(
    shares: dict[str, int], steps: int
) -> None:
    assert worst(shares, steps) < WHOLE


@pytest.mark.req("M2")
@pytest.mark.parametrize(
    "shares", [{"a": 3333, "b": 3333, "c": 3334}, {"a": 1, "b": 9999}, {"a": 5000, "b": 5000}]
)
def test_the_shares_hold_to_ten_thousand(shares: dict[str, int]) -> None:
    assert worst(shares, WHOLE) < WHOLE
    counts = dict.fromkeys(shares, 0)
    for _ in range(WHOLE):
        counts[next_group(shares, counts)] += 1
    assert counts == shares


@pytest.mark.req("M2")
def test_the_order_is_the_same_every_time() -> None:
    shares = {"a": 6000, "b": 2500, "c": 1500}
    counts = dict.fromkeys(shares, 0)
    order = ""
    for _ in range(20):
        order += next_group(shares, counts)
        counts[order[-1]] += 1
    assert order == "abaacabaabacaabacaba"
    assert counts == {"a": 12, "b": 5, "c": 3}


def test_a_group_without_a_share_gets_nothing() -> None:
    assert next_group({"a": 0, "b": WHOLE}, {}) == "b"
