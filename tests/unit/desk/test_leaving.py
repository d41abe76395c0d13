"""Leaving the staff: what somebody holds is put back, kept or handed over."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.instants import DAY, HOUR
from omniroute.model import events as tell
from omniroute.model.assign import AssignSettings
from omniroute.schema import AGENTS
from omniroute.testing import a_config
from tests.unit.desk.helpers import assert_folds, position, stored, told


@pytest.fixture
def p(play: Any) -> Any:
    """Ana holds Maria's and Otto's conversations; Bob is on the staff and not there."""
    p = play(a_config(preset="push", agents=("ana", "bob"), capacity=2))
    p.agent("ana").on()
    p.chats = [p.contact(name).writes("Hello") for name in ("Maria", "Otto")]
    assert {each.agent for each in p.chats} == {"ana"}
    return p


def now(p: Any) -> list[Any]:
    return [p.desk.conversation(each.id) for each in p.chats]


@pytest.mark.req("S15")
def test_what_somebody_holds_is_never_dropped_in_silence(p: Any) -> None:
    before = position(p)
    with pytest.raises(om.UsageError, match="holds 2 open conversations"):
        p.desk.staff.remove("ana")
    assert position(p) == before


@pytest.mark.req("S15")
def test_what_they_hold_is_put_back_as_returned(p: Any) -> None:
    p.desk.staff.remove("ana", held="requeue")
    assert [(each.state, each.agent) for each in now(p)] == [(om.State.QUEUED, None)] * 2
    assert [each.reason for each in told(p, tell.Queued)] == ["returned"] * 2
    with pytest.raises(om.UnknownAgent):
        p.desk.staff.get("ana")
    assert_folds(p)


def test_what_is_put_back_goes_to_whoever_has_room(p: Any) -> None:
    p.agent("bob").on()
    p.desk.staff.remove("ana", held="requeue")
    assert [each.agent for each in now(p)] == ["bob"] * 2


@pytest.mark.req("S15")
def test_whoever_keeps_what_they_hold_goes_with_the_last_of_it(p: Any) -> None:
    p.desk.staff.remove("ana", held="keep")
    ana = p.desk.staff.get("ana")
    assert (ana.leaving, ana.load, ana.queues) == (True, 2, ())
    assert [each.agent for each in now(p)] == ["ana"] * 2
    p.contact("Eva").writes("Hello")
    p.desk.end(p.chats[0].id, by="ana")
    p.desk.reply(p.chats[1].id, "One moment", by="ana")
    assert p.desk.staff.get("ana").load == 1
    p.desk.end(p.chats[1].id, by="ana")
    assert stored(p, AGENTS, "ana") is None
    assert isinstance(told(p, tell.AgentEvent)[-1], om.AgentRemoved)
    assert_folds(p)


@pytest.mark.req("S15")
def test_whoever_leaves_takes_nothing_more(play: Any) -> None:
    p = play(a_config(preset="claim", agents=("ana", "bob")))
    chats = [p.contact(name).writes("Hello") for name in ("Maria", "Otto")]
    p.desk.take(chats[0].id, by="ana")
    p.desk.staff.remove("ana", held="keep")
    with pytest.raises(om.AgentUnavailable, match="is leaving"):
        p.desk.take(chats[1].id, by="ana")


def test_whoever_is_put_back_on_the_staff_stays(p: Any) -> None:
    p.desk.staff.remove("ana", held="keep")
    p.desk.staff.put("ana")
    assert p.desk.staff.get("ana").leaving is False
    assert p.desk.staff.get("ana").queues == ("general",)


@pytest.mark.req("S15")
def test_what_they_hold_is_handed_to_a_named_agent(p: Any) -> None:
    p.desk.staff.remove("ana", hand_to="bob")
    assert [(each.state, each.agent) for each in now(p)] == [(om.State.ACTIVE, "bob")] * 2
    assert [(each.released, each.agent) for each in told(p, om.TookOver)] == [("ana", "bob")] * 2
    assert p.desk.staff.get("bob").load == 2
    assert_folds(p)


@pytest.mark.parametrize(
    "how,error",
    [
        ({"hand_to": "eva"}, om.UnknownAgent),
        ({"hand_to": "ana"}, om.UsageError),
        ({"held": "drop"}, om.UsageError),
        ({"held": "keep", "hand_to": "bob"}, om.UsageError),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(p: Any, how: Any, error: Any) -> None:
    before = position(p)
    with pytest.raises(error):
        p.desk.staff.remove("ana", **how)
    assert position(p) == before


def test_nobody_is_handed_more_than_they_may_hold(p: Any) -> None:
    p.desk.staff.put("bob", capacity={"messaging": om.Capacity(1, 1, 1)})
    before = position(p)
    with pytest.raises(om.CapacityExceeded):
        p.desk.staff.remove("ana", hand_to="bob")
    assert position(p) == before
    assert p.desk.staff.get("ana").load == 2


@pytest.mark.req("S15", "A14")
@pytest.mark.parametrize("how", [{"held": "requeue"}, {"held": "keep"}, {"hand_to": "bob"}])
@pytest.mark.parametrize("rule", [None, AssignSettings(sticky_within=DAY, sticky_wait=HOUR)])
def test_what_sleeps_wakes_for_others_when_who_put_it_aside_has_left(
    play: Any, how: Any, rule: AssignSettings | None
) -> None:
    config = a_config(preset="push", agents=("ana", "bob"), capacity=2)
    p = play(evolve(config, policy=evolve(config.policy, assign=rule)))
    p.agent("ana").on()
    asleep, held = (p.contact(name).writes("Hello") for name in ("Maria", "Otto"))
    p.desk.snooze(asleep.id, by="ana", for_="3h")
    p.desk.staff.remove("ana", **how)
    assert p.desk.conversation(asleep.id).state is om.State.SNOOZED, "it is nobody's, and sleeps on"
    if "hand_to" not in how:
        p.agent("bob").on()
    p.advance("3h")
    woken = p.desk.conversation(asleep.id)
    if "hand_to" in how:
        assert (woken.state, woken.agent) == (om.State.QUEUED, None)
        p.agent("bob").on()
        woken = p.desk.conversation(asleep.id)
    assert (woken.state, woken.agent) == (om.State.ACTIVE, "bob")
    assert p.desk.conversation(held.id).state is om.State.ACTIVE
    assert_folds(p)
