"""Wrap-up and presence: deadlines that belong to agents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from omniroute.errors import UsageError
from omniroute.instants import HOUR, MINUTE
from omniroute.model import events as tell
from omniroute.model.agent import Colour
from omniroute.model.policy import AfterEnd, AfterEndTo, AwayThen, PolicySettings, Presence
from omniroute.model.records import AgentTimer, AgentTimerKind
from omniroute.model.state import State
from omniroute.schema import AGENT_TIMERS
from omniroute.testing import MONDAY, NOW, a_config
from tests.unit.desk.helpers import assert_folds, names, told


def desk_of(play: Any, *agents: str, **policy: Any) -> Any:
    p = play(a_config(agents=agents, capacity=1, policy=PolicySettings(**policy), preset="push"))
    for agent in agents:
        p.agent(agent).on()
    return p


def presence(then: AwayThen = AwayThen.KEEP, wait: int = 0) -> Presence:
    return Presence(away_after=2 * MINUTE, then=then, wait=wait * MINUTE)


# --- wrap-up --------------------------------------------------------------------------------------


@pytest.mark.req("P6", "X4")
def test_a_slot_stays_taken_after_the_end_until_its_time_is_over(play) -> None:
    p = desk_of(play, "ana", wrap_up=5 * MINUTE)
    first, second = p.contact("Maria").writes("Hello"), p.contact("Otto").writes("Hello")
    ended = p.agent("ana").ends(first)
    assert ended.conversation.timers == ()
    assert p.desk.staff.get("ana").load == 1
    assert p.desk.staff.get("ana").colour is Colour.ORANGE
    assert p.desk.conversation(second.id).state is State.QUEUED
    assert p.desk.next_due() == MONDAY + timedelta(minutes=5)
    p.advance("5m")
    assert p.desk.conversation(second.id).agent == "ana"
    assert [each.until for each in told(p, tell.WrapUpStarted)] == [NOW + 5 * MINUTE]
    assert_folds(p)


@pytest.mark.req("P6")
def test_an_agent_may_be_done_before(play) -> None:
    p = desk_of(play, "ana", wrap_up=5 * MINUTE)
    first, second = p.contact("Maria").writes("Hello"), p.contact("Otto").writes("Hello")
    p.agent("ana").ends(first)
    p.desk.acting_as("ana").wrapped_up(first.id)
    assert p.desk.conversation(second.id).agent == "ana"
    with pytest.raises(UsageError, match="not wrapping up"):
        p.desk.acting_as("ana").wrapped_up(first.id)
    p.advance("1h")
    assert names(p).count("WrapUpEnded") == 1
    assert_folds(p)


@pytest.mark.req("P6")
def test_it_follows_any_end_and_above_the_soft_maximum_too(play) -> None:
    p = desk_of(play, "ana", wrap_up=5 * MINUTE, chat_timeout=HOUR)
    p.contact("Maria").writes("Hello")
    p.clock.advance("2h")
    p.desk.tick()
    (started,), (ended,) = told(p, tell.WrapUpStarted), told(p, tell.WrapUpEnded)
    assert (started.at, ended.at) == (NOW + HOUR, NOW + HOUR + 5 * MINUTE)
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("P6", "X4", "S15")
def test_who_was_taken_off_the_staff_has_nothing_to_wrap_up_when_they_are_back(play) -> None:
    p = desk_of(play, "ana", wrap_up=5 * MINUTE)
    p.agent("ana").ends(p.contact("Maria").writes("Hello"))
    p.desk.staff.remove("ana")
    assert p.desk.next_due() is None
    p.agent("ana").serving("general").on()
    p.advance("1h")
    assert p.desk.staff.get("ana").load == 0
    assert "WrapUpEnded" not in names(p)
    assert_folds(p)


@pytest.mark.req("P6", "X4", "S15")
def test_who_goes_with_their_last_conversation_has_nothing_to_wrap_up(play) -> None:
    p = desk_of(play, "ana", wrap_up=5 * MINUTE)
    maria = p.contact("Maria").writes("Hello")
    p.desk.staff.remove("ana", held="keep")
    p.agent("ana").ends(maria)
    assert told(p, tell.WrapUpStarted) == []
    p.agent("ana").serving("general").on()
    p.advance("1h")
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("P6", "X4", "S15")
def test_who_goes_with_one_that_came_back_while_they_wrapped_it_up_wraps_nothing_up(play) -> None:
    after_end = AfterEnd(AfterEndTo.LAST_AGENT)
    p = play(
        a_config(
            agents=("ana",),
            capacity=2,
            policy=PolicySettings(wrap_up=30 * MINUTE, after_end=after_end),
            preset="push",
        )
    )
    ana = p.agent("ana").on()
    ana.ends(p.contact("Maria").writes("Hello"))
    again = p.contact("Maria").writes("One more thing")
    assert (again.agent, p.desk.staff.get("ana").load) == ("ana", 2)
    p.desk.staff.remove("ana", held="keep")
    ana.ends(again)
    assert "ana" not in [each.id for each in p.desk.staff.list()]
    assert len(told(p, tell.WrapUpStarted)) == len(told(p, tell.WrapUpEnded)) == 1
    assert p.desk.next_due() is None
    ana.serving("general").on()
    for name in ("Otto", "Emma", "Paul"):
        p.contact(name).writes("Hello")
    p.advance("1h")
    assert (p.desk.staff.get("ana").load, len(ana.holds)) == (2, 2)
    assert_folds(p)


@pytest.mark.req("P6", "X4")
def test_whoever_is_added_has_nothing_to_wrap_up_that_an_older_version_left(play) -> None:
    p = desk_of(play, "bob", wrap_up=5 * MINUTE)
    left = AgentTimer("ana", AgentTimerKind.WRAP_UP, "c_9", NOW, NOW + 5 * MINUTE)
    p.desks.store.transact(lambda tx: (tx.lock("acme"), tx.put(AGENT_TIMERS, "acme", left)))
    p.agent("bob").off()
    p.agent("ana").serving("general").on()
    kept = p.desks.store.transact(lambda tx: tx.get(AGENT_TIMERS, "acme", AGENT_TIMERS.key(left)))
    assert kept is None
    chat = p.contact("Maria").writes("Hello")
    p.advance("1h")
    assert told(p, tell.WrapUpEnded) == []
    assert (p.desk.conversation(chat.id).agent, p.desk.staff.get("ana").load) == ("ana", 1)
    assert_folds(p)


# --- presence -------------------------------------------------------------------------------------


@pytest.mark.req("P7", "S15")
def test_who_was_taken_off_the_staff_is_not_missed_when_they_are_back(play) -> None:
    p = desk_of(play, "ana", presence=presence())
    p.desk.heartbeat("ana")
    p.desk.staff.remove("ana")
    p.agent("ana").serving("general").on()
    p.advance("1h")
    assert p.desk.staff.get("ana").available


@pytest.mark.req("P6", "X4")
def test_who_ends_the_same_conversation_twice_holds_one_slot_for_it(play) -> None:
    p = play(
        a_config(
            agents=("ana",),
            capacity=2,
            policy=PolicySettings(wrap_up=5 * MINUTE, after_end=AfterEnd(AfterEndTo.QUEUE)),
        )
    )
    ana = p.agent("ana").on()
    ana.ends(p.contact("Maria").writes("Hello"))
    p.advance("1m")
    ana.ends(p.contact("Maria").writes("One more thing"))
    assert p.desk.staff.get("ana").load == 1
    p.advance("4m")
    assert p.desk.staff.get("ana").load == 1
    p.advance("1m")
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("P7")
def test_an_agent_whose_heartbeat_stops_is_away_and_back_with_the_next(play) -> None:
    p = desk_of(play, "ana", presence=presence())
    ana = p.desk.acting_as("ana")
    for _ in range(5):
        ana.heartbeat()
        p.advance("1m")
    assert names(p).count("AgentAvailability") == 1, "a heartbeat is not told"
    p.advance("1m")
    gone = told(p, tell.AgentAvailability)[-1]
    assert (gone.at, gone.available, gone.actor) == (NOW + 6 * MINUTE, False, "system")
    waiting = p.contact("Maria").writes("Hello")
    assert waiting.state is State.QUEUED
    ana.heartbeat()
    assert p.desk.conversation(waiting.id).agent == "ana"
    assert_folds(p)


@pytest.mark.req("P7")
@pytest.mark.parametrize(
    "then,wait,goes_at",
    [(AwayThen.KEEP, 0, None), (AwayThen.REQUEUE, 0, 2), (AwayThen.WAIT, 5, 7)],
)
def test_policy_says_what_becomes_of_what_they_hold(play, then, wait, goes_at) -> None:
    p = desk_of(play, "ana", presence=presence(then, wait))
    p.desk.heartbeat("ana")
    chat = p.contact("Maria").writes("Hello")
    p.advance("1h")
    back = [e for e in told(p, tell.Queued) if e.reason == "returned"]
    assert [(each.at - NOW) / MINUTE for each in back] == ([] if goes_at is None else [goes_at])
    assert p.desk.conversation(chat.id).agent == ("ana" if goes_at is None else None)
    assert_folds(p)


@pytest.mark.req("P7", "S2")
def test_an_outage_takes_nobodys_conversations_before_they_could_come_back(play) -> None:
    p = desk_of(play, "ana", presence=presence(AwayThen.WAIT, 5))
    p.desk.heartbeat("ana")
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("1h")
    p.desk.tick()
    assert p.desk.conversation(chat.id).agent == "ana"
    p.desk.heartbeat("ana")
    p.advance("1m")
    assert p.desk.conversation(chat.id).agent == "ana"


@pytest.mark.req("P7")
@pytest.mark.parametrize("away_first", [False, True])
def test_no_heartbeat_brings_back_who_switched_themselves_off(play, away_first: bool) -> None:
    p = desk_of(play, "ana", presence=presence())
    p.desk.heartbeat("ana")
    p.advance("1h" if away_first else "1m")
    p.agent("ana").off()
    p.advance("1h")
    p.desk.heartbeat("ana")
    assert p.desk.staff.get("ana").colour is Colour.RED


def test_a_desk_without_presence_takes_no_heartbeats(play) -> None:
    with pytest.raises(UsageError, match="heartbeats"):
        desk_of(play, "ana").desk.heartbeat("ana")
