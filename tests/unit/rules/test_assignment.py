"""Who gets a waiting conversation, and what is told of the others."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.model.agent import Agent, Capacity
from omniroute.model.explanation import Candidate
from omniroute.rules.assignment import LOOKED_AT, RUNNERS_UP, choose, may_push
from omniroute.rules.availability import rank
from omniroute.testing import NOW, an_agent

FULL = {"load": 3}
OFF = {"available": False}


def entries(*agents: Agent) -> list[tuple[Any, ...]]:
    """Index entries as a store lists them: in order."""
    rows = [
        ("general", *rank(each), each.id, each.load, each.capacity.soft_max, each.idle_since, "")
        for each in agents
    ]
    return sorted(rows)


def crowd(count: int, **fields: Any) -> list[tuple[Any, ...]]:
    return entries(*(an_agent(f"agent-{n:02}", **fields) for n in range(count)))


@pytest.mark.req("A3", "A8")
@pytest.mark.parametrize("fields,expected", [({}, True), (FULL, False), (OFF, False)])
def test_only_green_agents_are_pushed_to(fields: dict[str, Any], expected: bool) -> None:
    assert may_push(an_agent(**fields)) is expected


@pytest.mark.req("A3")
def test_the_first_who_may_take_it_is_chosen() -> None:
    choice = choose(entries(an_agent("ana", load=1), an_agent("bob")))
    assert choice.chosen == Candidate("bob", 0, 3, NOW)
    assert choice.runners_up == (Candidate("ana", 1, 3, NOW),)
    assert choice.refused == {}


@pytest.mark.req("S13")
def test_the_refused_are_told_with_the_reason_and_counted() -> None:
    full = [an_agent(f"full-{n}", load=3) for n in range(2)]
    off = an_agent("off", available=False)
    choice = choose(entries(*full, off, an_agent("ana")))
    assert choice.chosen is not None
    assert [each.refused for each in choice.runners_up] == ["at capacity"] * 2 + ["not available"]
    assert choice.refused == {"at capacity": 2, "not available": 1}


@pytest.mark.req("A10")
def test_nobody_is_chosen_where_nobody_has_room() -> None:
    choice = choose(entries(an_agent("ana", **FULL), an_agent("bob", **OFF)))
    assert choice.chosen is None
    assert [each.agent for each in choice.runners_up] == ["ana", "bob"]


def test_nobody_at_all_is_nobody_refused() -> None:
    choice = choose([])
    assert (choice.chosen, choice.runners_up, choice.refused, choice.more) == (None, (), {}, False)


@pytest.mark.req("S13")
def test_ten_runners_up_are_kept_and_the_others_counted() -> None:
    choice = choose(crowd(20, **FULL))
    assert RUNNERS_UP == 10
    assert [each.agent for each in choice.runners_up] == [f"agent-{n:02}" for n in range(10)]
    assert choice.refused == {"at capacity": 20}


@pytest.mark.parametrize("count,more", [(LOOKED_AT - 1, False), (LOOKED_AT, True)])
def test_it_says_when_more_agents_serve_the_queue_than_were_looked_at(
    count: int, more: bool
) -> None:
    assert choose(crowd(count)).more is more


def test_a_preferred_agent_comes_before_everybody() -> None:
    ana, bob = an_agent("ana", load=2, capacity=Capacity(3, 3, 5)), an_agent("bob")
    choice = choose(entries(ana, bob), preferred=ana)
    assert choice.chosen == Candidate("ana", 2, 3, NOW)
    assert choice.runners_up == (Candidate("bob", 0, 3, NOW),)


@pytest.mark.req("A10")
@pytest.mark.parametrize("fields", [FULL, OFF])
def test_a_preferred_agent_who_cannot_take_it_is_passed_over(fields: dict[str, Any]) -> None:
    ana, bob = an_agent("ana", **fields), an_agent("bob")
    choice = choose(entries(ana, bob), preferred=ana)
    assert choice.chosen is not None
    assert choice.chosen.agent == "bob"
