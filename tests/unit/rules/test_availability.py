"""Colours, the order among agents, and who may hold one more."""

from __future__ import annotations

import pytest

from omniroute.errors import CapacityExceeded
from omniroute.instants import MINUTE
from omniroute.model.agent import Agent, Capacity, Colour, Distribution
from omniroute.rules.availability import admit, colour, rank
from omniroute.testing import NOW, an_agent

LIMITS = Capacity(goal=2, soft_max=3, hard_max=5)


@pytest.mark.req("A8")
@pytest.mark.parametrize(
    "available,load,expected",
    [
        (True, 0, Colour.GREEN),
        (True, 2, Colour.GREEN),
        (True, 3, Colour.ORANGE),
        (True, 4, Colour.ORANGE),
        (False, 0, Colour.RED),
        (False, 3, Colour.RED),
    ],
)
def test_the_colour_follows_from_the_switch_and_the_load(
    available: bool, load: int, expected: Colour
) -> None:
    assert colour(an_agent(available=available, load=load, capacity=LIMITS)) is expected


@pytest.mark.req("A10")
@pytest.mark.parametrize(
    "load,by_hand,allowed",
    [(2, False, True), (3, False, False), (3, True, True), (4, True, True), (5, True, False)],
)
def test_push_stops_at_the_soft_maximum_and_a_hand_at_the_hard_one(
    load: int, by_hand: bool, allowed: bool
) -> None:
    agent = an_agent(load=load, capacity=LIMITS)
    if allowed:
        admit(agent, by_hand=by_hand)
        return
    with pytest.raises(CapacityExceeded) as raised:
        admit(agent, by_hand=by_hand)
    assert raised.value.expected == f"at most {load}"
    assert "'ana'" in str(raised.value)


def ordered(*agents: Agent) -> list[str]:
    return [each.id for each in sorted(agents, key=lambda each: (*rank(each), each.id))]


def agent(name: str, distribution: Distribution, **fields: object) -> Agent:
    return an_agent(name, distribution=distribution, **fields)


@pytest.mark.parametrize("distribution", Distribution)
def test_those_who_can_take_something_come_first(distribution: Distribution) -> None:
    assert ordered(
        agent("red", distribution, available=False, idle_since=NOW - 3 * MINUTE),
        agent("orange", distribution, load=3, idle_since=NOW - 2 * MINUTE),
        agent("green", distribution, load=2, idle_since=NOW - MINUTE),
    ) == ["green", "orange", "red"]


@pytest.mark.req("A18")
def test_the_least_loaded_comes_first_then_the_longest_idle_then_the_lowest_id() -> None:
    least = Distribution.LEAST_LOADED
    assert ordered(
        agent("d", least, load=1, idle_since=NOW - 9 * MINUTE),
        agent("c", least, idle_since=NOW),
        agent("b", least, idle_since=NOW),
        agent("a", least, idle_since=NOW + 1),
    ) == ["b", "c", "a", "d"]


def test_load_is_a_share_of_what_an_agent_may_hold() -> None:
    least = Distribution.LEAST_LOADED
    assert ordered(
        agent("small", least, load=1, capacity=Capacity(2, 2, 2)),
        agent("large", least, load=2, capacity=Capacity(6, 6, 6)),
    ) == ["large", "small"]


def test_an_agent_who_may_hold_nothing_is_no_division_by_zero() -> None:
    none = an_agent(capacity=Capacity(0, 0, 0))
    assert colour(none) is Colour.ORANGE
    assert rank(none)[1] == 0


def test_the_longest_idle_comes_first_and_any_load_after_none() -> None:
    longest = Distribution.LONGEST_IDLE
    assert ordered(
        agent("busy", longest, load=1, idle_since=NOW - 9 * MINUTE),
        agent("busier", longest, load=2, idle_since=NOW - 10 * MINUTE),
        agent("fresh", longest, idle_since=NOW),
        agent("rested", longest, idle_since=NOW - MINUTE),
    ) == ["rested", "fresh", "busier", "busy"]
