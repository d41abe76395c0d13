"""Offers on pure `decide`: who is asked, who may answer, what stays as it was (M5, S7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import AlreadyTaken, NotOffered, TransitionNotAllowed
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignMode, AssignPolicy, Routing
from omniroute.model.conversation import Conversation, DeadlineKind, Extras, Offer
from omniroute.model.policy import Assignment, OfferRules, Policy
from omniroute.model.state import EndReason, State
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.lifecycle import decide
from omniroute.rules.waiting import line_of, slot
from omniroute.testing import NOW, a_conversation, an_agent

S = State
ONE = Policy(assignment=Assignment.OFFER_ONE, offer=OfferRules(accept_within=20 * SECOND))
ALL = Policy(assignment=Assignment.OFFER_ALL)
LATER = NOW + MINUTE


def waiting(**changes: Any) -> Conversation:
    return a_conversation(S.QUEUED, timers=(), **changes)


def asked(agent: str | None = "ana", policy: Policy = ONE, **changes: Any) -> Conversation:
    return decide(waiting(**changes), ask.Offer(agent), policy, LATER).state


@pytest.mark.req("M5", "S2")
def test_an_agent_has_as_long_as_policy_says_from_the_commit_that_asks_them() -> None:
    decision = decide(waiting(), ask.Offer("ana"), ONE, LATER)
    (event,) = decision.events
    assert isinstance(event, tell.Offered)
    assert (event.at, event.agent, event.until) == (LATER, "ana", LATER + 20 * SECOND)
    assert decision.state.extras.offer == Offer("ana", LATER, LATER + 20 * SECOND)
    assert decision.state.timers == ((LATER + 20 * SECOND, DeadlineKind.OFFER),)


@pytest.mark.req("M5")
def test_an_offer_to_all_has_no_end_and_asking_again_changes_nothing() -> None:
    state = asked(None, ALL)
    assert state.extras.offer == Offer(None, LATER)
    assert state.timers == ()
    assert decide(state, ask.Offer(), ALL, LATER).events == ()
    assert decide(asked("ana"), ask.Offer("bob"), ONE, LATER).events == ()


@pytest.mark.req("M3", "S14")
@pytest.mark.parametrize("command", [ask.Decline("ana"), ask.Withdraw("unavailable")])
def test_an_offer_that_is_over_keeps_the_wait(command: Any) -> None:
    before = waiting(queue="vip")
    after = decide(asked("ana", queue="vip"), command, ONE, LATER + SECOND).state
    assert (after.state, after.queue, after.clocks) == (S.QUEUED, "vip", before.clocks)
    assert after.extras.offer is None
    assert after.timers == ()


@pytest.mark.req("M5", "M3")
def test_a_lapse_is_told_at_its_own_instant_and_rules_the_agent_out() -> None:
    state = asked("ana", queue="vip")
    at = LATER + 20 * SECOND
    decision = decide(state, ask.Expire(DeadlineKind.OFFER, LATER + HOUR), ONE, at)
    (event,) = decision.events
    assert isinstance(event, tell.OfferEnded)
    assert (event.at, event.reason, event.released, event.actor) == (at, "lapsed", "ana", "system")
    assert decision.state.extras.routing.declined == ("ana",)
    assert decision.state.clocks.queued_at == NOW


@pytest.mark.req("M5")
def test_whoever_declines_is_named_and_others_are_still_asked() -> None:
    state = asked(None, ALL)
    first = decide(state, ask.Decline("ana"), ALL, LATER).state
    both = decide(first, ask.Decline("bob"), ALL, LATER).state
    assert (both.state, both.extras.routing.declined) == (S.OFFERED, ("ana", "bob"))
    assert decide(both, ask.Decline("ana"), ALL, LATER).events == ()
    with pytest.raises(NotOffered, match="declined it"):
        decide(both, ask.Accept("ana"), ALL, LATER)


@pytest.mark.req("M5", "P4")
def test_whoever_declines_is_not_waited_for_any_more() -> None:
    state = asked("ana", extras=Extras(routing=Routing(sticky="ana")))
    declined = decide(state, ask.Decline("ana"), ONE, LATER).state
    assert declined.extras.routing == Routing(declined=("ana",))
    other = asked("bob", extras=Extras(routing=Routing(sticky="ana")))
    assert decide(other, ask.Decline("bob"), ONE, LATER).state.extras.routing.sticky == "ana"


@pytest.mark.req("M5")
@pytest.mark.parametrize("command", [ask.Accept("bob"), ask.Decline("bob")])
@pytest.mark.parametrize("policy", [Policy(), ONE])
def test_only_who_is_asked_can_answer(command: Any, policy: Policy) -> None:
    with pytest.raises(NotOffered, match="somebody else"):
        decide(asked("ana"), command, policy, LATER)
    with pytest.raises(NotOffered, match="it is not offered"):
        decide(waiting(), command, policy, LATER)


@pytest.mark.req("M5", "C5")
@pytest.mark.parametrize("state", [S.ACTIVE, S.INACTIVE])
def test_a_second_to_accept_is_told_and_the_first_may_ask_again(state: State) -> None:
    held = a_conversation(state)
    with pytest.raises(AlreadyTaken) as raised:
        decide(held, ask.Accept("bob"), ALL, LATER)
    assert (raised.value.owner, raised.value.confirmable) == ("ana", False)
    assert decide(held, ask.Accept("ana"), ALL, LATER).events == ()


@pytest.mark.req("M5")
def test_accepting_is_possible_before_anybody_was_told() -> None:
    decision = decide(waiting(), ask.Accept("ana"), ALL, LATER)
    assert (decision.state.state, decision.state.agent) == (S.ACTIVE, "ana")


@pytest.mark.req("M7", "U68")
def test_accepting_starts_the_response_target() -> None:
    policy = evolve(ONE, response_target=MINUTE)
    taken = decide(asked("ana", policy), ask.Accept("ana"), policy, LATER + SECOND).state
    assert taken.clocks.sla is not None
    assert taken.clocks.sla.respond_by == LATER + SECOND + MINUTE


@pytest.mark.req("X4")
@pytest.mark.parametrize(
    "command,held",
    [
        (ask.Accept("ana"), 1),
        (ask.Decline("ana"), 0),
        (ask.Withdraw(), 0),
        (ask.End("zoe"), 0),
        (ask.End(None, EndReason.CONSUMER), 0),
        (ask.Enqueue("vip", by="zoe"), 0),
        (ask.Assign("bob"), 0),
        (ask.Take("bob"), 0),
        (ask.Expire(DeadlineKind.OFFER), 0),
        (ask.Expire(DeadlineKind.HARD_EXPIRY), 0),
        (ask.Expire(DeadlineKind.QUEUE_EXPIRATION), 0),
    ],
    ids=repr,
)
def test_a_slot_is_held_from_the_offer_to_its_end(command: Any, held: int) -> None:
    policy = evolve(ONE, hard_expiry=20 * SECOND, unanswered_expiration=20 * SECOND)
    claim = evolve(policy, assignment=Assignment.CLAIM)
    decided = decide(waiting(), ask.Offer("ana"), policy, LATER)
    assert (load(decided.events), slot(decided.state)) == (1, "ana")
    after = decide(decided.state, command, claim, LATER + HOUR).events
    assert load((*decided.events, *after)) == held


def load(events: Iterable[tell.Event]) -> int:
    """What the events come to for an agent who held nothing."""
    agent: Agent | None = an_agent("ana")
    for event in events:
        agent = apply_agent(agent, event, "ana")
    assert agent is not None
    return agent.load


@pytest.mark.req("M5", "X4")
def test_what_is_offered_to_one_stands_beside_the_lanes_of_others() -> None:
    assert line_of(asked(None, ALL)) == line_of(waiting()) == "chat"
    assert line_of(asked("ana")) == "!ana"
    assert line_of(a_conversation(S.ACTIVE)) is None


@pytest.mark.req("S7", "M1")
def test_time_opens_it_to_more_agents_while_it_is_offered() -> None:
    wide = AssignPolicy(mode=AssignMode.CASCADE, cascade=("one", "two"), widen_after=HOUR)
    policy = evolve(ONE, assign=wide, unanswered_expiration=2 * HOUR)
    assert [kind for _, kind in asked("ana", policy).timers] == [
        DeadlineKind.OFFER,
        DeadlineKind.ASSIGNMENT,
        DeadlineKind.QUEUE_EXPIRATION,
    ]


@pytest.mark.req("U43", "R6")
def test_what_ends_it_comes_before_its_offer_lapses_at_the_same_instant() -> None:
    policy = evolve(ONE, unanswered_expiration=MINUTE + 20 * SECOND)
    assert [kind for _, kind in asked("ana", policy).timers] == [
        DeadlineKind.QUEUE_EXPIRATION,
        DeadlineKind.OFFER,
    ]


def test_a_message_of_the_contact_leaves_the_offer_as_it_is() -> None:
    state = asked("ana")
    after = decide(state, ask.Receive("m_2"), ONE, LATER + SECOND).state
    assert (after.state, after.extras.offer, after.timers) == (
        S.OFFERED,
        state.extras.offer,
        state.timers,
    )


@pytest.mark.req("A3")
@pytest.mark.parametrize("policy", [ALL, ONE])
def test_what_is_offered_is_not_taken_without_accepting(policy: Policy) -> None:
    for command in (ask.Take("ana"), ask.Reply("ana", "m_2")):
        with pytest.raises(TransitionNotAllowed, match="accept_offer"):
            decide(waiting(), command, policy, LATER)


@pytest.mark.req("M5")
def test_who_missed_an_offer_is_known_until_they_are_switched_on() -> None:
    away = tell.AgentAvailability("ana", LATER, "system", available=False, missed=True)
    missed = apply_agent(an_agent("ana"), away, "ana")
    assert missed is not None
    assert (missed.available, missed.missed) == (False, True)
    held = apply_agent(missed, decide(waiting(), ask.Assign("ana"), Policy(), NOW).events[0], "ana")
    assert held is not None
    assert held.missed
    back = tell.AgentAvailability("ana", LATER, "agent:ana", available=True)
    here = apply_agent(held, back, "ana")
    assert here is not None
    assert (here.available, here.missed) == (True, False)
