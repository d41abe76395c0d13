"""Any commands in any order, on pure `decide` and `apply`: what holds whatever was asked, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import AlreadyTaken, ConversationClosed, TransitionNotAllowed
from omniroute.instants import HOUR, MINUTE
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.effects import SendMessage
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, Policy
from omniroute.model.sla import SlaTerms
from omniroute.model.state import EndReason, State
from omniroute.rules.lifecycle import TABLE, Decision, apply, decide, fold
from omniroute.rules.waiting import slot
from omniroute.testing import NOW, a_conversation, a_place

PEOPLE = st.sampled_from(["ana", "bob", "cho"])
QUEUES = st.sampled_from(["general/English", "vip"])
ROUTE = tell.Route("general", "primary inbox for chat", 15 * MINUTE, "inbox general", "menu", 1)
OPENED = st.builds(
    ask.Open,
    conversation=st.just("c_1"),
    place=st.just(a_place()),
    route=st.just(ROUTE),
    message=st.just("m"),
    queue=st.none() | QUEUES,
)
OPENINGS = OPENED | st.builds(
    ask.Start,
    conversation=st.just("c_1"),
    place=st.just(a_place(started_by="ana")),
    route=st.just(ROUTE),
    queue=QUEUES,
    by=st.just("ana"),
    message=st.just("m"),
)
COMMANDS = st.one_of(
    st.builds(ask.Receive, message=st.just("m"), sla=st.sampled_from([None, MINUTE])),
    st.builds(ask.Browse, path=st.sampled_from([(), ("Deutsch",), ("Deutsch", "Technik")])),
    st.builds(
        ask.Enqueue, queue=QUEUES, by=st.none() | PEOPLE, reason=st.sampled_from(["menu", "back"])
    ),
    st.builds(ask.Assign, agent=PEOPLE),
    st.builds(ask.Offer, agent=st.none() | PEOPLE),
    st.builds(ask.Accept, by=PEOPLE),
    st.builds(ask.Decline, by=PEOPLE),
    st.builds(ask.Withdraw),
    st.builds(ask.Take, by=PEOPLE, confirm=st.booleans()),
    st.builds(ask.Reply, by=PEOPLE, message=st.just("m"), confirm=st.booleans()),
    st.builds(ask.Deliver, message=st.just("m")),
    st.builds(
        ask.End,
        by=st.none() | PEOPLE,
        reason=st.sampled_from(EndReason),
        disposition=st.sampled_from([None, "solved"]),
    ),
    st.builds(ask.Note, by=PEOPLE, message=st.just("m")),
    st.builds(
        ask.Describe,
        by=PEOPLE,
        subject=st.sampled_from([None, "Router"]),
        attributes=st.dictionaries(st.sampled_from("ab"), st.integers(0, 1)),
    ),
    st.builds(ask.SetTags, by=PEOPLE, tags=st.lists(st.sampled_from("abc")).map(tuple)),
    st.builds(ask.Expire, st.sampled_from(DeadlineKind)),
    st.builds(ask.Reschedule, sla=st.sampled_from([MINUTE, HOUR])),
)
TERMS = st.none() | st.builds(
    SlaTerms,
    first=st.sampled_from([MINUTE, 15 * MINUTE]),
    next=st.sampled_from([None, 2 * MINUTE]),
    resolution=st.sampled_from([None, 5 * MINUTE]),
    warn_before=st.sampled_from([None, MINUTE]),
)
POLICIES = st.builds(
    Policy,
    sla=TERMS,
    response_target=st.sampled_from([None, MINUTE]),
    assignment=st.sampled_from(Assignment),
    overtake=st.sampled_from(Overtake),
    after_end=st.builds(
        AfterEnd, to=st.sampled_from(AfterEndTo), within=st.sampled_from([None, 1, MINUTE])
    ),
)
# A clock that mostly goes on, sometimes stands, and sometimes is set back.
STEPS = st.one_of(st.integers(0, 5 * MINUTE), st.just(0), st.integers(-HOUR, -1))
STORIES = st.lists(st.tuples(STEPS, COMMANDS, POLICIES), max_size=25)
# Also in states to which a story seldom leads.
STARTS = st.none() | st.builds(a_conversation, st.sampled_from(State))


def asked(
    state: Conversation, command: Any, policy: Policy, now: int
) -> Decision | TransitionNotAllowed:
    """Return what a command comes to, or the error that refuses it."""
    try:
        return decide(state, command, policy, now)
    except TransitionNotAllowed as refusal:
        return refusal


def lived(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> Iterator[tuple[Conversation, Any, Policy, int, Decision]]:
    """Yield every step that was allowed; check that the others change nothing (X1)."""
    state = start or decide(None, opening, Policy(), NOW).state
    now = NOW
    for step, command, policy in story:
        now += step
        before = repr(state)
        decision = asked(state, command, policy, now)
        assert repr(state) == before
        if isinstance(decision, TransitionNotAllowed):
            closed = isinstance(decision, ConversationClosed)
            assert closed is state.ended or isinstance(decision, AlreadyTaken)
            continue
        assert decide(state, command, policy, now) == decision, "asked twice, answered differently"
        yield state, command, policy, now, decision
        state = decision.state


@pytest.mark.req("R16", "X2")
@given(STARTS, OPENINGS, STORIES)
def test_what_was_told_is_all_that_the_state_comes_from(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    events = [] if start else list(decide(None, opening, Policy(), NOW).events)
    state = start
    for before, _, _, _, decision in lived(start, opening, story):
        events += decision.events
        after = before
        for event in decision.events:
            after = apply(after, event)
        assert after == decision.state
        state = decision.state
    if start is None:
        assert fold(events) == (state or decide(None, opening, Policy(), NOW).state)


@pytest.mark.req("X1")
@given(STARTS, OPENINGS, STORIES)
def test_a_change_of_state_is_told_by_one_event_that_the_table_lists(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    rows = {(source, row.command): row.targets for row in TABLE for source in row.sources}
    for before, command, _, _, decision in lived(start, opening, story):
        moves = [each for each in decision.events if isinstance(each, tell.Transition)]
        targets = rows[before.state, type(command)]
        assert decision.state.state in (targets or (before.state,)) or not decision.events
        if before.state is not decision.state.state:
            assert len(moves) == 1
        for move in moves:
            assert (move.source, move.target) == (before.state, decision.state.state)
            assert move.reason
            assert move.actor in ("contact", "system") or move.actor.startswith("agent:")


@pytest.mark.req("S1")
@given(STARTS, OPENINGS, STORIES)
def test_no_clock_reorders_a_conversation(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    for before, _, _, now, decision in lived(start, opening, story):
        effective = max(now, before.at)
        assert all(event.at == effective for event in decision.events)
        assert decision.state.at == (effective if decision.events else before.at)
        assert before.since <= decision.state.since <= decision.state.at
        clocks = decision.state.clocks
        assert clocks.opened_at == before.clocks.opened_at
        assert clocks.opened_at <= clocks.queued_at <= decision.state.at


@pytest.mark.req("R16")
@given(STARTS, OPENINGS, STORIES)
def test_clocks_and_holders_fit_the_state(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    for _, command, _, _, decision in lived(start, opening, story):
        state, clocks = decision.state, decision.state.clocks
        assert list(state.timers) == sorted(state.timers)
        assert len({kind for _, kind in state.timers}) == len(state.timers)
        check_clocks(state)
        if state.ended:
            assert (state.timers, clocks.due, clocks.waiting_since) == ((), None, None)
            assert state.extras.ending is not None
        else:
            assert state.extras.ending is None
        if state.state in (State.ACTIVE, State.INACTIVE):
            assert state.agent is not None
        assert (state.extras.offer is not None) is (state.state is State.OFFERED)
        if state.state in (State.QUEUED, State.OFFERED):
            assert state.agent is None
            assert state.queue is not None
        if isinstance(command, ask.Reply):
            assert clocks.waiting_since is None
            assert clocks.sla is not None
            assert (clocks.sla.response, clocks.sla.respond_by) == (None, None)
            assert state.agent == command.by
        sent = [each.message for each in decision.events if isinstance(each, tell.MessageSent)]
        assert [SendMessage(message) for message in sent] == list(decision.effects)


def check_clocks(state: Conversation) -> None:
    """Each armed deadline of the SLA is of a clock that runs, and of none that was told of."""
    sla = state.clocks.sla
    assert sla is not None
    clocks = [each for each in (sla.response, sla.resolution) if each is not None]
    assert state.clocks.due == min((each.due for each in clocks if each.due), default=None)
    running = {each.kind: each for each in clocks}
    for at, kind in state.timers:
        if kind is DeadlineKind.RESPONSE_TARGET:
            assert at == sla.respond_by
            assert state.agent is not None
            continue
        if kind is DeadlineKind.OFFER:
            assert state.extras.offer is not None
            assert at == state.extras.offer.until
            continue
        if kind is DeadlineKind.WAKE:
            assert state.state is State.SNOOZED
            continue
        clock = running[DeadlineKind(kind.removesuffix("_warning"))]
        assert clock.due is not None
        assert not clock.breached
        assert at == clock.due + 1 or (at < clock.due and kind.endswith("_warning"))


@pytest.mark.req("C4", "C6")
@given(STARTS, OPENINGS, STORIES)
def test_who_lets_go_is_named_and_nobody_loses_a_conversation_unasked(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    held = (State.ACTIVE, State.INACTIVE)
    for before, command, policy, _, decision in lived(start, opening, story):
        holder = before.agent if before.state in held else None
        after = decision.state.agent if decision.state.state in held else None
        if holder is not None:
            named = [getattr(event, "released", None) for event in decision.events]
            released = [each for each in named if each is not None]
            assert released == ([] if holder == after else [holder])
        if holder is not None and after not in (None, holder):
            assert isinstance(command, (ask.Take, ask.Reply))
            assert command.confirm
            assert policy.overtake is Overtake.CONFIRM
            assert any(isinstance(event, tell.TookOver) for event in decision.events)


@pytest.mark.req("X4", "M5")
@given(STARTS, OPENINGS, STORIES)
def test_every_slot_that_is_taken_or_freed_is_told(
    start: Conversation | None, opening: ask.Open | ask.Start, story: list[tuple[int, Any, Policy]]
) -> None:
    taking = (State.ACTIVE, State.INACTIVE, State.OFFERED)
    for before, _, _, _, decision in lived(start, opening, story):
        loads = Counter[str]()
        for event in decision.events:
            if isinstance(event, tell.Transition):
                loads[getattr(event, "agent", None) or ""] += 1
                loads[getattr(event, "released", None) or ""] -= 1
        for state, change in ((decision.state, -1), (before, 1)):
            loads[(slot(state) if state.state in taking else None) or ""] += change
        assert {name for name, load in loads.items() if load and name} == set()


@pytest.mark.req("G20")
@given(OPENED, st.integers(0, HOUR), st.booleans())
@settings(max_examples=50)
def test_a_first_response_is_missed_from_the_microsecond_after_it_was_due(
    opening: ask.Open, late: int, replied: bool
) -> None:
    state = decide(None, opening, Policy(assignment=Assignment.CLAIM), NOW).state
    (at, kind), due = state.timers[0], state.clocks.due
    assert due == NOW + 15 * MINUTE
    assert at == due + 1
    if replied and state.state is State.QUEUED:
        policy = Policy(assignment=Assignment.CLAIM)
        state = decide(state, ask.Reply("ana", "m"), policy, NOW).state
        assert decide(state, ask.Expire(kind), policy, at + late).events == ()
        return
    assert decide(state, ask.Expire(kind), Policy(), due).events == ()
    missed = decide(state, ask.Expire(kind), Policy(), at + late)
    assert [type(event) for event in missed.events] == [tell.SlaBreached]
    assert missed.state.timers == ()
    assert decide(missed.state, ask.Expire(kind), Policy(), at + late).events == ()
