from __future__ import annotations

import pytest

from omniroute.instants import SECOND
from omniroute.model import events as tell
from omniroute.model.sla import ServiceLevel, ServiceLevelFormula
from omniroute.model.state import EndReason, State
from omniroute.rules.sla.service_level import Wait, count, waits

TARGET = 20 * SECOND
FORMULAS = ServiceLevelFormula


def a_wait(seconds: float, *, answered: bool = True) -> Wait:
    return Wait("general", 0, int(seconds * SECOND), answered)


@pytest.mark.req("M8", "U20")
@pytest.mark.parametrize(
    "formula,share",
    [
        (FORMULAS.ANSWERED_AND_ABANDONED, 2 / 6),
        (FORMULAS.ANSWERED, 2 / 3),
        (FORMULAS.ANSWERED_AND_LATE_ABANDONED, 2 / 4),
    ],
)
def test_the_formula_says_what_the_answered_in_target_are_divided_by(
    formula: ServiceLevelFormula, share: float
) -> None:
    found = [
        a_wait(1),
        a_wait(20),
        a_wait(20.000001),
        a_wait(5, answered=False),
        a_wait(20, answered=False),
        a_wait(21, answered=False),
    ]
    result = count(found, lambda _: ServiceLevel(TARGET, formula))
    assert (result.answered, result.answered_in_target, result.abandoned) == (3, 2, 3)
    assert result.share == share


@pytest.mark.req("U20")
@pytest.mark.parametrize("seconds,in_target", [(19.999999, 1), (20, 1), (20.000001, 0)])
def test_a_wait_of_exactly_the_target_is_in_target(seconds: float, in_target: int) -> None:
    result = count([a_wait(seconds)], lambda _: ServiceLevel(TARGET))
    assert (result.answered_in_target, result.share) == (in_target, float(in_target))


@pytest.mark.req("U20", "U19")
def test_no_data_is_no_number_and_neither_is_a_queue_without_a_level() -> None:
    assert count([], lambda _: ServiceLevel(TARGET)).share is None
    assert count([a_wait(1)], lambda _: None).share is None
    only_abandoned = [a_wait(5, answered=False)]
    level = ServiceLevel(TARGET, FORMULAS.ANSWERED)
    assert count(only_abandoned, lambda _: level).share is None


def queued(at: int, queue: str, source: State | None = State.QUEUED) -> tell.Queued:
    return tell.Queued("c_1", at, tell.SYSTEM, None, source, "moved", queue)


def assigned(at: int, source: State = State.QUEUED) -> tell.Assigned:
    return tell.Assigned("c_1", at, tell.SYSTEM, None, source, "push", "ana")


def ended(at: int, actor: str, source: State = State.QUEUED) -> tell.Ended:
    reason = EndReason.CONSUMER if actor == tell.CONTACT else EndReason.AGENT
    return tell.Ended("c_1", at, actor, None, source, reason.value, reason, None)


@pytest.mark.req("U20")
def test_each_wait_counts_for_its_own_queue_and_a_move_is_neither_answered_nor_abandoned() -> None:
    told = [
        queued(0, "a", State.SELECTING),
        queued(10, "b"),
        assigned(15),
        queued(40, "a", State.ACTIVE),
        assigned(60),
    ]
    assert list(waits(told)) == [Wait("b", 10, 15, True), Wait("a", 40, 60, True)]


@pytest.mark.req("U20")
def test_whoever_leaves_the_queue_abandoned_it_and_an_agents_end_is_neither() -> None:
    assert list(waits([queued(0, "a"), ended(9, tell.CONTACT)])) == [Wait("a", 0, 9, False)]
    assert list(waits([queued(0, "a"), ended(9, tell.SYSTEM)])) == [Wait("a", 0, 9, False)]
    assert list(waits([queued(0, "a"), ended(9, tell.agent_actor("ana"))])) == []
    assert list(waits([queued(0, "a"), assigned(5), ended(9, tell.CONTACT, State.ACTIVE)])) == [
        Wait("a", 0, 5, True)
    ]


def test_a_wait_that_was_begun_before_has_no_beginning() -> None:
    assert list(waits([assigned(5)])) == [Wait("", None, 5, True)]
    renamed = tell.Relocated("c_1", 3, tell.SYSTEM, None, "general", "b")
    assert [wait.queue for wait in waits([queued(0, "a"), renamed, assigned(5)])] == ["b"]
