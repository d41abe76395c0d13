"""Bringing waiting conversations and agents together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from omniroute.instants import HOUR
from omniroute.model import events as tell
from omniroute.model.agent import Capacity, Colour, Distribution
from omniroute.model.desk_config import AgentConfig, InboxConfig
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, PolicySettings
from omniroute.model.state import State
from omniroute.testing import MONDAY, a_config
from tests.unit.desk.helpers import assert_folds, every_agent, told

TREE = ("Deutsch", "English")


def loads(p):
    return {each.id: each.load for each in every_agent(p) if each.load}


def arrivals(p, *names):
    return [p.contact(name).writes("Hello") for name in names]


@pytest.mark.req("A3")
def test_a_conversation_goes_at_once_to_one_agent_who_is_green(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob", "eva"), capacity=1))
    p.agent("ana").on()
    p.agent("bob").on()
    (maria,) = arrivals(p, "Maria")
    assert (maria.state, maria.agent) == (State.ACTIVE, "ana")
    assert [each.reason for each in told(p, tell.Assigned)] == ["push"]


@pytest.mark.req("A8", "A9", "A10")
def test_colours_follow_load_and_push_never_exceeds_the_maximum(play) -> None:
    p = play(a_config(preset="push", agents=("ana",), capacity=2))

    def colour():
        return p.desk.staff.get("ana").colour

    assert colour() is Colour.RED
    p.agent("ana").on()
    assert colour() is Colour.GREEN
    maria, otto, eve = arrivals(p, "Maria", "Otto", "Eve")
    assert (colour(), loads(p)) == (Colour.ORANGE, {"ana": 2})
    assert (otto.agent, eve.agent) == ("ana", None)
    p.agent("ana").off()
    assert colour() is Colour.RED
    p.agent("ana").ends(maria)
    assert (colour(), loads(p)) == (Colour.RED, {"ana": 1})


@pytest.mark.req("A9")
def test_who_goes_red_keeps_what_they_hold_and_gets_nothing_more(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))
    p.agent("ana").on()
    (maria,) = arrivals(p, "Maria")
    p.agent("ana").off()
    (otto,) = arrivals(p, "Otto")
    assert [each.id for each in p.agent("ana").holds] == [maria.id]
    assert otto.state is State.QUEUED
    p.agent("ana").replies(maria, "still here")
    assert p.contact("Maria").got == ["still here"]


@pytest.mark.req("A9")
def test_a_freed_slot_takes_what_waits_without_anybodys_doing(play) -> None:
    p = play(a_config(preset="push", agents=("ana",), capacity=1))
    p.agent("ana").on()
    maria, otto = arrivals(p, "Maria", "Otto")
    p.agent("ana").ends(maria)
    after = p.desk.conversation(otto.id)
    assert (after.state, after.agent) == (State.ACTIVE, "ana")
    assert loads(p) == {"ana": 1}
    assert_folds(p)


def test_who_becomes_available_takes_what_has_waited_longest(play) -> None:
    p = play(a_config(preset="push", agents=("ana",), capacity=2))
    for name in ("Maria", "Otto", "Eve"):
        arrivals(p, name)
        p.advance("1m")
    p.agent("ana").on()
    assert {each.id for each in p.agent("ana").holds} == {"c_1", "c_2"}


def test_a_freed_agent_takes_from_all_their_queues_by_waiting(play) -> None:
    p = play(a_config(preset="push", queues=TREE, agents=("ana", "bob"), capacity=1))
    for name, answer in {"Maria": "English", "Otto": "Deutsch"}.items():
        p.contact(name).writes("Hello")
        p.contact(name).writes(answer)
        p.advance("1m")
    p.agent("bob").serving("general/Deutsch").on()
    assert [each.queue for each in p.agent("bob").holds] == ["general/Deutsch"]
    p.agent("ana").on()
    assert [each.queue for each in p.agent("ana").holds] == ["general/English"]


@pytest.mark.req("A18")
def test_the_least_loaded_comes_first_then_the_longest_idle_then_the_lowest_id(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob", "eva"), capacity=3))
    for agent in ("eva", "bob"):
        p.agent(agent).on()
    p.advance("1m")
    p.agent("ana").on()
    chats = []
    for name in ("Maria", "Otto", "Ida", "Nina"):
        chats += arrivals(p, name)
        p.advance("1m")
    # Of eva and bob, idle as long, the lower id; then ana, idle for less; then who was first.
    assert [each.agent for each in chats] == ["bob", "eva", "ana", "bob"]


def test_by_default_the_longest_idle_comes_first_whatever_their_load_was(play) -> None:
    policy = PolicySettings(distribution=Distribution.LONGEST_IDLE)
    p = play(a_config(agents=("ana", "bob"), policy=policy))
    p.agent("ana").on()
    p.advance("1m")
    p.agent("bob").on()
    chats = []
    for name in ("Maria", "Otto", "Ida"):
        chats += arrivals(p, name)
        p.advance("1m")
    p.agent("ana").ends(chats[0])
    p.agent("ana").ends(chats[2])
    p.advance("1m")
    p.agent("bob").ends(chats[1])
    assert [each.agent for each in chats] == ["ana", "bob", "ana"]
    assert arrivals(p, "Nina")[0].agent == "ana"


def test_only_who_serves_the_queue_gets_it(play) -> None:
    agents = {"ana": ["general/Deutsch"], "bob": ["general/English"]}
    p = play(a_config(preset="push", queues=TREE, agents=agents))
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Maria").writes("English")
    assert chat.state is State.QUEUED
    p.agent("bob").on()
    assert p.desk.conversation(chat.id).agent == "bob"


@pytest.mark.req("X4")
def test_load_is_what_an_agent_holds_through_a_whole_day(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob"), capacity=2))
    p.agent("ana").on()
    p.agent("bob").on()
    chats = arrivals(p, "A", "B", "C", "D", "E", "F")
    assert loads(p) == {"ana": 2, "bob": 2}
    p.agent("bob").off()
    for chat in chats[:3]:
        p.desk.end(chat.id, by="ana")
    held = {agent: len(p.agent(agent).holds) for agent in ("ana", "bob")}
    assert loads(p) == {name: count for name, count in held.items() if count}
    assert [each.id for each in p.desk.conversations(states=[State.QUEUED])] == []
    assert_folds(p)


def test_the_last_agent_gets_it_back_where_policy_says_so(play) -> None:
    policy = PolicySettings(after_end=AfterEnd(AfterEndTo.LAST_AGENT, within=HOUR))
    p = play(a_config(preset="push", agents=("ana", "bob"), policy=policy, capacity=1))
    p.agent("bob").on()
    (maria,) = arrivals(p, "Maria")
    p.agent("ana").on()
    p.advance("1m")
    p.agent("bob").ends(maria)  # so that ana is idle for longer
    again = p.contact("Maria").writes("again")
    assert (again.id, again.agent) == (maria.id, "bob")


def test_anybody_gets_it_where_the_last_agent_cannot(play) -> None:
    policy = PolicySettings(after_end=AfterEnd(AfterEndTo.LAST_AGENT, within=HOUR))
    p = play(a_config(preset="push", agents=("ana", "bob"), policy=policy, capacity=1))
    p.agent("bob").on()
    (maria,) = arrivals(p, "Maria")
    p.agent("bob").ends(maria)
    p.agent("bob").off()
    p.agent("ana").on()
    assert p.contact("Maria").writes("again").agent == "ana"


def test_a_queue_that_is_claimed_is_pushed_to_nobody(play) -> None:
    config = a_config(preset="push", agents={"ana": ["general", "vip"]})
    claimed = PolicySettings(assignment=Assignment.CLAIM)
    vip = InboxConfig(sla=HOUR, primary_for=("sms",), policy=claimed)
    number = evolve(config.entry_points["main"], channel="sms", address="+49")
    p = play(
        evolve(
            config,
            inboxes={**config.inboxes, "vip": vip},
            entry_points={**config.entry_points, "number": number},
        )
    )
    claimable = p.contact("Otto", on="number").writes("Hello")
    p.agent("ana").on()
    assert p.desk.conversation(claimable.id).state is State.QUEUED
    assert p.contact("Maria", on="main").writes("Hello").agent == "ana"
    assert p.agent("ana").takes(claimable).agent == "ana"


def test_an_agents_own_capacity_beats_the_desks(play) -> None:
    config = a_config(preset="push", capacity=1)
    own = {"messaging": Capacity(2, 2, 2)}
    agents = {"ana": AgentConfig(serves=("general",), capacity=own)}
    p = play(evolve(config, agents=agents))
    p.agent("ana").on()
    assert [each.agent for each in arrivals(p, "Maria", "Otto", "Eve")] == ["ana", "ana", None]


@pytest.mark.req("S1")
def test_idle_time_counts_from_when_it_happened(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))
    p.advance("1m")
    p.agent("ana").on()
    p.advance("1m")
    arrivals(p, "Maria")
    assert p.desk.staff.get("ana").idle_since == MONDAY + timedelta(minutes=2)
