"""Offers: to everybody at once, or to one agent at a time (M5, S7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import AlreadyTaken, CapacityExceeded, NotOffered, UnknownAgent
from omniroute.instants import MINUTE, SECOND, to_micros
from omniroute.model import events as tell
from omniroute.model.agent import Colour
from omniroute.model.assign import AssignSettings, Segment
from omniroute.model.desk_config import EntryPointConfig, GroupConfig
from omniroute.model.policy import (
    Assignment,
    AwayThen,
    OfferRules,
    OfferThen,
    PolicySettings,
    Presence,
)
from omniroute.model.state import EndReason, State
from omniroute.testing import MONDAY, NOW, a_config
from omniroute.testing import play as on_a
from tests.unit.desk.helpers import assert_folds, names, told

ALL, ONE = Assignment.OFFER_ALL, Assignment.OFFER_ONE
MISSED = OfferRules(then=OfferThen.MISSED)


def desk_of(
    play: Any, mode: Assignment, *agents: str, capacity: int = 1, on: bool = True, **policy: Any
) -> Any:
    settings = PolicySettings(assignment=mode, **policy)
    p = play(a_config(agents=agents, capacity=capacity, policy=settings))
    for agent in agents if on else ():
        p.agent(agent).on()
    return p


def grouped(play: Any, mode: Assignment, groups: dict[str, str], **assign: Any) -> Any:
    """A desk whose agents serve through a group each; all are on."""
    p = play(
        a_config(
            groups={name: GroupConfig(serves=("general",)) for name in groups.values()},
            policy=PolicySettings(assignment=mode, assign=AssignSettings(**assign)),
        )
    )
    for agent, group in groups.items():
        p.agent(agent).serving(groups=(group,)).on()
    return p


def shown(p: Any, agent: str) -> list[str]:
    return [each.id for each in p.desk.acting_as(agent).offers()]


def state(p: Any, conversation: Any) -> State:
    found: State = p.desk.conversation(conversation.id).state
    return found


# --- to everybody ---------------------------------------------------------------------------------


@pytest.mark.req("M5", "U66")
def test_everybody_who_serves_the_queue_sees_it_and_the_first_to_accept_has_it(play) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    p.agent("zoe").serving().on()
    chat = p.contact("Maria").writes("Hello")
    assert chat.state is State.OFFERED
    assert (chat.offered_to, chat.offered_until) == (None, None)
    assert [shown(p, each) for each in ("ana", "bob", "zoe")] == [[chat.id], [chat.id], []]
    taken = p.agent("bob").accepts(chat)
    assert (taken.state, taken.agent) == (State.ACTIVE, "bob")
    (assigned,) = told(p, tell.Assigned)
    assert (assigned.actor, assigned.reason) == ("agent:bob", tell.ACCEPTED)
    assert shown(p, "ana") == []
    assert_folds(p)


@pytest.mark.req("M5", "P12")
def test_segments_and_those_without_one_are_shown_once_each(play) -> None:
    gold = AssignSettings(segments=(Segment("tier", "gold"),))
    p = desk_of(play, ALL, "ana", capacity=5, assign=gold)
    vera = p.contact("Vera")
    first = vera.writes("Hello")
    p.agent("ana").accepts(first)
    p.agent("ana").ends(first)
    p.desk.contacts.link(first.contact, attributes={"tier": "gold"})
    plain = p.contact("Otto").writes("Hello")
    p.advance("1m")
    second = vera.writes("Hello again")
    assert shown(p, "ana") == [second.id, plain.id]


@pytest.mark.req("M5", "C5", "R1")
def test_whoever_comes_second_is_told_who_was_first(play) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.agent("bob").accepts(chat)
    with pytest.raises(AlreadyTaken, match="'bob'") as raised:
        p.agent("ana").accepts(chat)
    assert (raised.value.owner, raised.value.confirmable) == ("bob", False)
    assert p.agent("bob").accepts(chat).agent == "bob"
    assert len(told(p, tell.Assigned)) == 1


@pytest.mark.req("M5", "U66")
@pytest.mark.parametrize("act", ["accepts", "declines"])
def test_nobody_else_can_answer(play, act: str) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    p.agent("zoe").serving().on()
    p.agent("bob").off()
    chat = p.contact("Maria").writes("Hello")
    with pytest.raises(NotOffered, match="does not serve its queue"):
        getattr(p.agent("zoe"), act)(chat)
    with pytest.raises(NotOffered, match="not available"):
        getattr(p.agent("bob"), act)(chat)
    with pytest.raises(UnknownAgent):
        p.desk.accept_offer(chat.id, by="nobody")
    assert names(p).count("Offered") == 1
    assert state(p, chat) is State.OFFERED


@pytest.mark.req("M5", "X4")
def test_an_offer_to_all_holds_no_slot_and_accepting_checks_room_again(play) -> None:
    p = desk_of(play, ALL, "ana")
    first, second = p.contact("Maria").writes("Hello"), p.contact("Otto").writes("Hello")
    assert shown(p, "ana") == [first.id, second.id]
    assert p.desk.staff.get("ana").load == 0
    p.agent("ana").accepts(second)
    assert shown(p, "ana") == []
    with pytest.raises(CapacityExceeded, match="at most 1"):
        p.agent("ana").accepts(first)
    p.agent("ana").ends(second)
    assert shown(p, "ana") == [first.id]
    p.agent("ana").accepts(first)
    assert p.desk.staff.get("ana").load == 1
    assert_folds(p)


@pytest.mark.req("S7", "M5")
def test_with_nobody_there_it_is_queued_and_whoever_comes_sees_it(play) -> None:
    p = desk_of(play, ALL, "ana", "bob", on=False)
    chat = p.contact("Maria").writes("Hello")
    assert chat.state is State.QUEUED
    p.agent("ana").on()
    assert state(p, chat) is State.OFFERED
    p.agent("bob").on()
    assert shown(p, "bob") == [chat.id]
    p.agent("ana").off()
    assert state(p, chat) is State.OFFERED
    p.agent("bob").off()
    assert state(p, chat) is State.QUEUED
    assert [each.reason for each in told(p, tell.OfferEnded)] == ["nobody"]
    view = p.desk.conversation(chat.id)
    assert view.conversation.clocks.queued_at == NOW
    assert_folds(p)


@pytest.mark.req("M5", "S7", "M3")
def test_who_declines_is_not_shown_it_again_in_this_wait(play) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    assert p.agent("ana").declines(chat).state is State.OFFERED
    assert (shown(p, "ana"), shown(p, "bob")) == ([], [chat.id])
    with pytest.raises(NotOffered, match="declined it"):
        p.agent("ana").accepts(chat)
    p.clock.advance("1m")
    assert p.agent("ana").declines(chat).state is State.OFFERED
    assert p.agent("bob").declines(chat).state is State.QUEUED
    assert len(told(p, tell.Declined)) == 2
    p.agent("ana").off().on()
    assert shown(p, "ana") == []
    assert p.desk.conversation(chat.id).conversation.clocks.queued_at == NOW
    assert_folds(p)


@pytest.mark.req("S14", "M5")
def test_a_new_wait_is_offered_to_everybody_again(play) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").declines(chat)
    p.agent("bob").accepts(chat)
    p.desk.acting_as("bob").snooze(chat.id, for_="1h")
    p.contact("Maria").writes("Still here")
    assert shown(p, "ana") == [chat.id]
    assert_folds(p)


@pytest.mark.req("S7", "M1")
def test_it_goes_to_the_first_group_and_extends_as_the_cascade_widens(play) -> None:
    p = grouped(play, ALL, {"ana": "one", "bob": "two"}, cascade=("one", "two"), widen_after=MINUTE)
    chat = p.contact("Maria").writes("Hello")
    assert (shown(p, "ana"), shown(p, "bob")) == ([chat.id], [])
    with pytest.raises(NotOffered, match="no group that is open"):
        p.agent("bob").accepts(chat)
    p.advance("1m")
    assert shown(p, "bob") == [chat.id]
    assert p.agent("bob").accepts(chat).agent == "bob"
    assert_folds(p)


@pytest.mark.req("S7", "M1")
def test_a_group_with_nobody_there_is_skipped_at_once(play) -> None:
    p = grouped(play, ALL, {"ana": "one", "bob": "two"}, cascade=("one", "two"))
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").off()
    assert (state(p, chat), shown(p, "bob")) == (State.OFFERED, [chat.id])
    assert_folds(p)


@pytest.mark.req("S7", "M1")
def test_when_the_last_of_a_group_leaves_the_next_group_sees_what_waits(play) -> None:
    p = grouped(play, ALL, {"ana": "one", "bob": "two"}, cascade=("one", "two"))
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").declines(chat)
    assert (state(p, chat), shown(p, "bob")) == (State.QUEUED, [])
    p.agent("ana").off()
    assert (state(p, chat), shown(p, "bob")) == (State.OFFERED, [chat.id])
    assert_folds(p)


@pytest.mark.req("S7", "M2")
@pytest.mark.parametrize("mode", [ALL, ONE])
def test_under_percent_it_goes_to_the_allotted_group_alone_until_opened(play, mode) -> None:
    shares = {"one": 10_000, "two": 0}
    p = grouped(play, mode, {"ana": "one", "bob": "two"}, percent=shares, open_after=MINUTE)
    chat = p.contact("Maria").writes("Hello")
    assert (shown(p, "ana"), shown(p, "bob")) == ([chat.id], [])
    p.agent("ana").declines(chat)
    assert (state(p, chat), shown(p, "bob")) == (State.QUEUED, [])
    p.advance("1m")
    assert (state(p, chat), shown(p, "bob")) == (State.OFFERED, [chat.id])
    assert_folds(p)


@pytest.mark.req("P4", "M5")
def test_who_waits_for_their_last_agent_is_shown_to_that_agent_first(play) -> None:
    sticky = AssignSettings(sticky_within=60 * MINUTE, sticky_wait=MINUTE)
    p = desk_of(play, ALL, "ana", "bob", assign=sticky)
    first = p.contact("Maria").writes("Hello")
    p.agent("ana").accepts(first)
    p.agent("ana").ends(first)
    again = p.contact("Maria").writes("One more thing")
    assert (shown(p, "ana"), shown(p, "bob")) == ([again.id], [])
    with pytest.raises(NotOffered, match="waits for somebody else"):
        p.agent("bob").accepts(again)
    text = p.desk.explain(again.id).as_text()
    assert "to ana: holds 0 of 1" in text
    assert "not to bob: it waits for ana" in text
    p.advance("61s")
    assert shown(p, "bob") == [again.id]
    assert_folds(p)


@pytest.mark.req("P4", "A14")
def test_who_is_back_is_shown_to_their_agent_whatever_group_is_asked(play) -> None:
    groups = {"ana": "one", "bob": "two"}
    shares = {"one": 0, "two": 10_000}
    p = grouped(play, ALL, groups, percent=shares, sticky_within=60 * MINUTE, sticky_wait=MINUTE)
    first = p.contact("Maria").writes("Hello")
    p.agent("bob").accepts(first)
    p.desk.transfer(first.id, "ana", by="bob")
    p.agent("ana").ends(first)
    again = p.contact("Maria").writes("One more thing")
    assert (state(p, again), shown(p, "ana")) == (State.OFFERED, [again.id])
    assert p.agent("ana").accepts(again).agent == "ana"
    assert_folds(p)


@pytest.mark.req("A7", "A1")
def test_one_switch_covers_every_channel_of_an_agent(play) -> None:
    config = a_config(agents=("ana",), capacity=5, policy=PolicySettings(assignment=ALL))
    inbox = evolve(config.inboxes["general"], primary_for=("chat", "sms"))
    points = {**config.entry_points, "sms": EntryPointConfig(channel="sms", address="sms")}
    p = play(evolve(config, inboxes={"general": inbox}, entry_points=points))
    chats = [p.contact("Maria").writes("Hello"), p.contact("Otto", on="sms").writes("Hello")]
    assert shown(p, "ana") == []
    p.agent("ana").on()
    assert shown(p, "ana") == [each.id for each in chats]
    p.agent("ana").off()
    assert (shown(p, "ana"), [state(p, each) for each in chats]) == ([], [State.QUEUED] * 2)
    p.desk.staff.put("ana", channels=("sms",))
    p.agent("ana").on()
    assert shown(p, "ana") == [chats[1].id]
    with pytest.raises(NotOffered, match="not enabled for chat"):
        p.agent("ana").accepts(chats[0])
    p.agent("ana").off()
    assert shown(p, "ana") == []
    assert_folds(p)


@pytest.mark.req("U66")
@pytest.mark.parametrize("mode", [ALL, ONE, Assignment.PUSH])
def test_instructions_go_out_then_it_waits_and_an_assigned_agent_has_it(play, mode) -> None:
    p = desk_of(play, mode, "ana", greeting="Hello, somebody answers soon.")
    p.agent("zoe").serving().on()
    chat = p.contact("Maria").writes("Hello")
    p.deliver()
    assert p.contact("Maria").got == ["Hello, somebody answers soon."]
    if mode is not Assignment.PUSH:
        p.agent("ana").accepts(chat)
    assert p.desk.conversation(chat.id).agent == "ana"
    kinds = [each for each in names(p) if each in ("Opened", "MessageSent", "Offered", "Assigned")]
    assert kinds[:2] == ["Opened", "MessageSent"]
    assert kinds[-1] == "Assigned"


# --- one at a time --------------------------------------------------------------------------------


@pytest.mark.req("M5", "X4")
def test_one_agent_is_asked_holds_a_slot_and_may_accept(play) -> None:
    p = desk_of(play, ONE, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    assert (chat.state, chat.offered_to) == (State.OFFERED, "ana")
    assert chat.offered_until == MONDAY + timedelta(seconds=30)
    assert (shown(p, "ana"), shown(p, "bob")) == ([chat.id], [])
    assert (p.desk.staff.get("ana").load, p.desk.staff.get("ana").colour) == (1, Colour.ORANGE)
    with pytest.raises(NotOffered, match="somebody else"):
        p.agent("bob").accepts(chat)
    taken = p.agent("ana").accepts(chat)
    assert (taken.state, taken.agent, taken.offered_to) == (State.ACTIVE, "ana", None)
    assert p.desk.staff.get("ana").load == 1
    p.advance("1m")
    assert names(p).count("OfferEnded") == 0
    assert p.agent("ana").ends(chat).state is State.ENDED
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("M5", "M3", "R2")
def test_who_declines_is_not_asked_again_and_the_next_one_is(play) -> None:
    p = desk_of(play, ONE, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("10s")
    other = p.contact("Otto").writes("Hello")
    assert other.offered_to == "bob"
    # Nobody but bob may take the first now, who has no room; ana is free for what comes.
    assert p.agent("ana").declines(chat).state is State.QUEUED
    assert p.desk.staff.get("ana").load == 0
    third = p.contact("Eva").writes("Hello")
    assert third.offered_to == "ana"
    p.agent("bob").declines(other)
    assert p.desk.conversation(chat.id).offered_to == "bob"
    p.agent("bob").declines(chat)
    assert state(p, chat) is State.QUEUED
    assert p.desk.conversation(chat.id).conversation.clocks.queued_at == NOW
    assert_folds(p)


@pytest.mark.req("M5", "M3")
def test_an_offer_that_lapses_goes_on_to_the_next_and_keeps_the_wait(play) -> None:
    p = desk_of(play, ONE, "ana", "bob", offer=OfferRules(accept_within=20 * SECOND))
    chat = p.contact("Maria").writes("Hello")
    p.advance("20s")
    view = p.desk.conversation(chat.id)
    assert (view.offered_to, view.conversation.clocks.queued_at) == ("bob", NOW)
    (ended,) = told(p, tell.OfferEnded)
    assert (ended.reason, ended.released, ended.at) == (tell.LAPSED, "ana", NOW + 20 * SECOND)
    p.advance("20s")
    assert state(p, chat) is State.QUEUED
    assert p.desk.staff.get("ana").available
    p.agent("ana").off().on()
    assert state(p, chat) is State.QUEUED
    assert_folds(p)


@pytest.mark.req("M5", "R6")
def test_accepting_at_the_last_instant_counts_and_later_it_does_not(play) -> None:
    p = desk_of(play, ONE, "ana")
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("30s")
    assert p.agent("ana").accepts(chat).agent == "ana"
    other = p.contact("Otto")
    p.agent("ana").ends(chat)
    late = other.writes("Hello")
    p.clock.advance("31s")
    with pytest.raises(NotOffered, match="not offered"):
        p.agent("ana").accepts(late)


@pytest.mark.req("S2", "M5")
def test_an_outage_lapses_one_offer_and_not_one_after_another(play) -> None:
    p = desk_of(play, ONE, "ana", "bob", "eva")
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("1h")
    p.desk.tick()
    view = p.desk.conversation(chat.id)
    assert len(told(p, tell.OfferEnded)) == 1
    assert view.offered_until == MONDAY + timedelta(hours=1, seconds=30)
    first, second = told(p, tell.Offered)
    assert (first.at, second.at) == (NOW, NOW + 60 * MINUTE)
    assert_folds(p)


@pytest.mark.req("M5", "A7")
def test_a_lapse_can_set_the_agent_to_missed_until_they_return_by_hand(play) -> None:
    p = desk_of(play, ONE, "ana", offer=MISSED)
    chat = p.contact("Maria").writes("Hello")
    p.advance("30s")
    ana = p.desk.staff.get("ana")
    assert (ana.missed, ana.available, ana.colour, ana.load) == (True, False, Colour.RED, 0)
    assert state(p, chat) is State.QUEUED
    later = p.contact("Otto").writes("Hello")
    p.advance("1h")
    assert state(p, later) is State.QUEUED
    p.agent("ana").on()
    assert not p.desk.staff.get("ana").missed
    assert p.desk.conversation(later.id).offered_to == "ana"
    assert state(p, chat) is State.QUEUED
    assert_folds(p)


@pytest.mark.req("M5", "P7")
def test_no_heartbeat_brings_back_who_missed_an_offer(play) -> None:
    presence = Presence(away_after=20 * SECOND, then=AwayThen.KEEP)
    p = desk_of(play, ONE, "ana", offer=MISSED, presence=presence)
    p.contact("Maria").writes("Hello")
    for _ in range(3):
        p.desk.heartbeat("ana")
        p.advance("15s")
    assert p.desk.staff.get("ana").missed
    p.advance("1m")
    p.desk.heartbeat("ana")
    assert not p.desk.staff.get("ana").available
    assert_folds(p)


@pytest.mark.req("M5", "A7", "X4")
def test_who_switches_off_is_not_asked_any_more_and_may_be_asked_again(play) -> None:
    p = desk_of(play, ONE, "ana")
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").off()
    assert (state(p, chat), p.desk.staff.get("ana").load) == (State.QUEUED, 0)
    p.agent("ana").on()
    assert p.desk.conversation(chat.id).offered_to == "ana"
    assert_folds(p)


def to_mode(p: Any, mode: Assignment) -> None:
    p.desk.apply(evolve(p.desk.config, policy=evolve(p.desk.config.policy, assignment=mode)))
    p.desk.tick()


@pytest.mark.req("S4", "M5")
@pytest.mark.parametrize("mode", [Assignment.PUSH, Assignment.CLAIM, ALL])
def test_an_offer_that_is_open_when_the_mode_changes_runs_its_course(play, mode) -> None:
    p = desk_of(play, ONE, "ana", "bob", capacity=2)
    chats = [p.contact(name).writes("Hello") for name in ("Maria", "Otto", "Kim")]
    assert [each.offered_to for each in chats] == ["ana", "bob", "ana"]
    until = chats[0].offered_until
    to_mode(p, mode)
    assert [p.desk.conversation(each.id).offered_to for each in chats] == ["ana", "bob", "ana"]
    assert p.agent("ana").accepts(chats[0]).agent == "ana", "whoever is asked may still answer"
    p.agent("bob").off()
    assert p.desk.conversation(chats[1].id).offered_to is None, "nobody is asked who is not there"
    p.advance_to(to_micros(until))
    last = p.desk.conversation(chats[2].id)
    assert last.offered_to is None, "at its own instant it lapses, and the new mode holds"
    assert last.state is State.QUEUED, "ana let it lapse, and bob is off"
    p.agent("bob").on()
    now = {Assignment.PUSH: State.ACTIVE, Assignment.CLAIM: State.QUEUED, ALL: State.OFFERED}
    assert {state(p, each) for each in chats[1:]} == {now[mode]}
    assert_folds(p)


@pytest.mark.req("S15", "M5")
@pytest.mark.parametrize("held", [None, "keep"])
def test_who_leaves_is_not_asked_any_more(play, held) -> None:
    p = desk_of(play, ONE, "ana", "bob", capacity=2)
    chat = p.contact("Maria").writes("Hello")
    if held:
        p.agent("ana").accepts(chat)
        p.agent("bob").off()
        chat = p.contact("Otto").writes("Hello")
        assert chat.offered_to == "ana"
        p.agent("bob").on()
    p.desk.staff.remove("ana", held=held)
    assert p.desk.conversation(chat.id).offered_to == "bob"
    assert p.desk.staff.get("bob").load == 1
    if held is None:
        told_in_order = [each for each in names(p) if each in ("OfferEnded", "AgentRemoved")]
        assert told_in_order == ["OfferEnded", "AgentRemoved"]
    assert_folds(p)


@pytest.mark.req("S7", "U25", "X4")
@pytest.mark.parametrize("mode", [ALL, ONE])
def test_expiration_runs_while_it_is_offered(play, mode) -> None:
    rules = OfferRules(accept_within=10 * MINUTE) if mode is ONE else None
    p = desk_of(play, mode, "ana", offer=rules, unanswered_expiration=5 * MINUTE, wrap_up=MINUTE)
    chat = p.contact("Maria").writes("Hello")
    p.advance("5m")
    view = p.desk.conversation(chat.id)
    assert view.ending.reason is EndReason.EXPIRED_IN_QUEUE
    assert (p.desk.staff.get("ana").load, names(p).count("WrapUpStarted")) == (0, 0)
    assert view.conversation.timers == ()
    assert_folds(p)


@pytest.mark.req("S7", "P5", "M3")
@pytest.mark.parametrize("mode", [ALL, ONE])
def test_overflow_runs_while_it_is_offered_and_keeps_the_wait(play, mode) -> None:
    settings = PolicySettings(
        assignment=mode,
        offer=OfferRules(accept_within=10 * MINUTE) if mode is ONE else None,
        assign=AssignSettings(overflow=("general/B",), overflow_after=MINUTE),
    )
    config = a_config(agents={"ana": ("general/A",), "bob": ("general/B",)}, queues=("A", "B"))
    inbox = config.inboxes["general"]
    inbox = evolve(inbox, at={"A": settings, "B": PolicySettings(assignment=ALL)})
    p = play(evolve(config, inboxes={"general": inbox}))
    p.agent("ana").on()
    p.agent("bob").on()
    chat = p.contact("Maria")
    chat.writes("Hello")
    first = chat.writes("1")
    assert shown(p, "ana") == [first.id]
    p.advance("1m")
    view = p.desk.conversation(first.id)
    assert (view.queue, view.state, shown(p, "bob")) == ("general/B", State.OFFERED, [first.id])
    assert view.conversation.clocks.queued_at == NOW
    assert (shown(p, "ana"), p.desk.staff.get("ana").load) == ([], 0)
    assert_folds(p)


@pytest.mark.req("P5", "M5", "S7")
def test_a_conversation_that_goes_back_to_the_queue_is_offered_and_the_contact_may_leave(play):
    p = desk_of(play, ONE, "ana", exit_words=("bye",), ended_text="Bye.")
    chat = p.contact("Maria").writes("Hello")
    ended = p.contact("Maria").writes("bye")
    assert (ended.id, ended.ending.reason) == (chat.id, EndReason.CONSUMER)
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.req("M5", "M3", "R3")
def test_offers_are_listed_in_the_order_of_waiting_and_bounded(play) -> None:
    p = desk_of(play, ALL, "ana", "bob", capacity=9)
    chats = []
    for name in ("Maria", "Otto", "Eva"):
        chats.append(p.contact(name).writes("Hello"))
        p.clock.advance("1s")
    p.agent("bob").declines(chats[1])
    assert shown(p, "ana") == [each.id for each in chats]
    assert shown(p, "bob") == [chats[0].id, chats[2].id]
    assert [each.id for each in p.desk.offers("ana", limit=2)] == [each.id for each in chats[:2]]
    with pytest.raises(UnknownAgent):
        p.desk.offers("nobody")


@pytest.mark.req("P14")
def test_an_offer_explains_itself(play) -> None:
    p = desk_of(play, ALL, "ana", "bob")
    p.agent("bob").off()
    text = p.desk.explain(p.contact("Maria").writes("Hello").id).as_text()
    assert "offered in general to everybody who may take it" in text
    assert "to ana: holds 0 of 1" in text
    assert "not to bob: not available" in text
    assert "offered to all who may take it: 1 with room, 1 not available" in text


@pytest.mark.req("P14", "A26")
def test_an_offer_to_one_explains_itself_and_only_holders_are_handlers(play) -> None:
    p = desk_of(play, ONE, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    story = p.desk.explain(chat.id)
    assert "offered to ana until 09:00:30: 1 with room, 1 at capacity" in story.as_text()
    assert "ana is asked in general" in story.as_text()
    assert story.handlers == ()
    p.agent("ana").declines(chat)
    p.agent("bob").accepts(chat)
    story = p.desk.explain(chat.id)
    assert [each.agent for each in story.handlers] == ["bob"]
    assert "ana declined it" in story.as_text()
    assert "no longer offered (declined)" in story.as_text()


@pytest.mark.req("P14", "M5")
def test_a_preview_tells_what_would_be_offered(play) -> None:
    p = desk_of(play, ONE, "ana")
    assert "offered to ana until 09:00:30" in p.desk.preview("main", "Hello").as_text()
    assert shown(p, "ana") == []


@pytest.mark.req("P18", "M5")
def test_what_is_offered_to_somebody_is_not_listed_as_theirs(play) -> None:
    p = desk_of(play, ONE, "ana")
    chat = p.contact("Maria").writes("Hello")
    assert p.agent("ana").holds == []
    assert [each.id for each in p.desk.conversations(queue="general")] == [chat.id]


@pytest.mark.req("S2", "P5", "U43")
@pytest.mark.parametrize("mode", [ALL, ONE, Assignment.PUSH])
@pytest.mark.parametrize("late", [False, True])
def test_overflow_and_expiration_come_at_their_instants_however_late(play, mode, late) -> None:
    """A late tick tells what punctual ones tell; an offer alone is made as of the commit."""
    config = a_config(agents={"ana": ("general/A",), "bob": ("general/B",)}, queues=("A", "B"))
    settings = PolicySettings(
        assignment=mode,
        unanswered_expiration=20 * MINUTE,
        assign=AssignSettings(overflow=("general/B",), overflow_after=3 * MINUTE),
    )
    inbox = evolve(
        config.inboxes["general"], at={"A": settings, "B": evolve(settings, assign=None)}
    )
    points = {"main": evolve(config.entry_points["main"], queue="general/A")}
    p = play(evolve(config, inboxes={"general": inbox}, entry_points=points))
    for agent in ("ana", "bob") if mode is not Assignment.PUSH else ():
        p.agent(agent).on()
    p.contact("Maria").writes("Hello")
    if late:
        p.clock.advance("1h")
        p.desk.tick()
    else:
        p.advance("1h")
    (moved,), (ended,) = told(p, tell.Relocated), told(p, tell.Ended)
    assert (moved.at, ended.at) == (NOW + 3 * MINUTE, NOW + 20 * MINUTE)
    assert_folds(p)


@pytest.mark.req("S2", "S13", "M5")
def test_nobody_is_said_to_be_asked_for_what_had_ended_by_then(play) -> None:
    p = desk_of(play, ONE, "ana", unanswered_expiration=10 * MINUTE, wrap_up=5 * MINUTE)
    first = p.contact("Maria").writes("Hello")
    p.agent("ana").accepts(first)
    p.agent("ana").ends(first)
    second = p.contact("Otto").writes("Hello")
    p.clock.advance("20m")
    p.desk.tick()
    assert p.desk.conversation(second.id).ending.reason is EndReason.EXPIRED_IN_QUEUE
    assert [each.chosen for each in p.desk.explain(second.id).decisions] == [None]
    assert_folds(p)


@pytest.mark.req("R1", "C5", "M5")
@pytest.mark.parametrize("on_disk", [False, True])
def test_of_many_who_accept_at_once_exactly_one_has_it(on_disk, tmp_path) -> None:
    agents = ("ana", "bob", "eva", "kim")
    config = a_config(agents=agents, capacity=1, policy=PolicySettings(assignment=ALL))
    store = f"sqlite:///{tmp_path}/desk.db" if on_disk else "memory://"
    with on_a(config, store=store) as p:
        for agent in agents:
            p.agent(agent).on()
        chat, together = p.contact("Maria").writes("Hello"), Barrier(len(agents))

        def accept(agent: str) -> str | None:
            together.wait()
            try:
                return p.agent(agent).accepts(chat).agent
            except AlreadyTaken as error:
                return f"after {error.owner}"

        with ThreadPoolExecutor(len(agents)) as pool:
            results = list(pool.map(accept, agents))
        (winner,) = [each for each in results if each in agents]
        assert sorted(results, key=str) == sorted([winner, *[f"after {winner}"] * 3], key=str)
        assert [each for each in agents if p.desk.staff.get(each).load] == [winner]
        assert_folds(p)
