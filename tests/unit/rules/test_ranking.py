"""Who of several suitable agents comes first."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.instants import MINUTE
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.assign import Compare, Selector
from omniroute.rules.availability import rank
from omniroute.rules.ranking import by_skill, ranked, skill_score
from omniroute.testing import NOW, an_agent


def in_order(how: Distribution, **agents: dict[str, Any]) -> list[str]:
    made = [an_agent(name, distribution=how, **fields) for name, fields in agents.items()]
    return [each.id for each in sorted(made, key=lambda agent: (*rank(agent), agent.id))]


def holding(load: int, of: int, minutes: int) -> dict[str, Any]:
    return {
        "load": load,
        "capacity": Capacity(of, of, of),
        "idle_since": NOW - minutes * MINUTE,
    }


@pytest.mark.req("P3")
@pytest.mark.parametrize("how", [Distribution.LONGEST_IDLE, Distribution.LEAST_LOADED])
def test_a_published_example_of_longest_idle_holds(how: Distribution) -> None:
    """Azure Communication Services, distribution modes: D, C, A, B."""
    found = in_order(
        how, a=holding(3, 5, 5), b=holding(3, 4, 3), c=holding(3, 5, 7), d=holding(0, 3, 2)
    )
    assert found == ["d", "c", "a", "b"]


@pytest.mark.req("P3")
def test_round_robin_gives_to_whoever_was_given_something_longest_ago() -> None:
    found = in_order(
        Distribution.ROUND_ROBIN,
        ana={"given_at": NOW, "load": 0},
        bob={"given_at": NOW - MINUTE, "load": 2},
        eva={"given_at": 0, "load": 1},
    )
    assert found == ["eva", "bob", "ana"]


@pytest.mark.req("P3")
def test_weighted_gives_by_load_as_a_share_of_weight() -> None:
    found = in_order(
        Distribution.WEIGHTED,
        ana={"weight": 3, "load": 2},
        bob={"weight": 1, "load": 1},
        eva={"weight": 1, "load": 0},
    )
    assert found == ["eva", "ana", "bob"]


ASKED = (
    Selector("french", Compare.EQUAL, (1,)),
    Selector("sales", Compare.AT_LEAST, (10,)),
    Selector("thrift", Compare.AT_LEAST, (10,)),
)


@pytest.mark.req("P3", "P1")
def test_a_published_example_of_best_worker_holds() -> None:
    """Azure Communication Services, best worker: H (0.707), I (0.675), G (0.667)."""
    agents = [
        an_agent("g", skills={"french": 1, "sales": 10, "thrift": 10}),
        an_agent("h", skills={"french": 1, "sales": 15, "thrift": 10}),
        an_agent("i", skills={"french": 1, "sales": 10, "thrift": 11}),
    ]
    scores = [round(skill_score(ASKED, each.skills), 3) for each in agents]
    assert scores == [0.667, 0.707, 0.675]
    assert [each.id for each in by_skill(agents, ASKED)] == ["h", "i", "g"]


@pytest.mark.req("P3")
def test_among_equals_the_order_that_was_given_stays() -> None:
    agents = [an_agent(name) for name in ("eva", "ana", "bob")]
    assert by_skill(agents, ()) == agents


@pytest.mark.req("P3")
def test_strangers_and_repetitions_in_a_wish_are_passed_over() -> None:
    known = ("ana", "bob", "eva")
    assert ranked(known, ["eva", "zoe", "eva", None, 7]) == ["eva", "ana", "bob"]
    assert ranked(known, []) == ["ana", "bob", "eva"]
