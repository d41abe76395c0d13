"""Folding the log gives every state back, without policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import TransitionNotAllowed
from omniroute.instants import MINUTE, SECOND
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, Policy
from omniroute.model.state import EndReason, State
from omniroute.model.wire import DeliveryStatus
from omniroute.rules.agent_folding import apply_agent, fold_agent
from omniroute.rules.folding import apply, fold
from omniroute.rules.lifecycle import decide
from omniroute.testing import NOW, a_conversation, a_place, an_agent

AGENTS = st.sampled_from(["ana", "bob"])
COMMANDS = st.one_of(
    st.builds(ask.Receive, message=st.just("m"), sla=st.sampled_from([None, MINUTE])),
    st.builds(ask.Browse, path=st.sampled_from([(), ("Deutsch",)])),
    st.builds(ask.Enqueue, queue=st.sampled_from(["general", "vip"]), by=st.none() | AGENTS),
    st.builds(ask.Assign, agent=AGENTS),
    st.builds(ask.Take, by=AGENTS, confirm=st.booleans()),
    st.builds(ask.Reply, by=AGENTS, message=st.just("m"), confirm=st.booleans()),
    st.builds(ask.Deliver, message=st.just("m")),
    st.builds(ask.End, by=st.none() | AGENTS),
    st.builds(ask.Note, by=AGENTS, message=st.just("m")),
    st.builds(ask.SetTags, by=AGENTS, tags=st.sampled_from([(), ("vip",), ("vip", "refund")])),
    st.just(ask.Expire(DeadlineKind.FIRST_RESPONSE)),
)
POLICIES = st.builds(
    Policy,
    assignment=st.sampled_from(Assignment),
    overtake=st.sampled_from(Overtake),
    after_end=st.builds(AfterEnd, to=st.sampled_from(AfterEndTo)),
)
ROUTE = tell.Route("general", "primary", 15 * MINUTE, "inbox", "menu", 1)
SAVED = tell.AgentSaved(
    "ana",
    NOW,
    "system",
    "Ana",
    (),
    ("general",),
    ("general",),
    Capacity(3, 3, 5),
    Distribution.LEAST_LOADED,
)


@pytest.mark.req("R16")
@given(POLICIES, st.lists(st.tuples(st.integers(-SECOND, MINUTE), COMMANDS), max_size=20))
def test_the_log_folds_to_the_state_that_deciding_gave(
    policy: Policy, steps: list[tuple[int, ask.Command]]
) -> None:
    now = NOW
    log: list[tell.ConversationEvent] = []
    first = decide(None, ask.Open("c_1", a_place(), ROUTE, "m", None), policy, now)
    state: Conversation = first.state
    log += first.events
    for passed, command in steps:
        now += passed
        try:
            decision = decide(state, command, policy, now)
        except TransitionNotAllowed:
            continue
        state = decision.state
        log += decision.events
    assert fold(log) == state


def test_no_events_are_no_conversation() -> None:
    assert fold(()) is None
    assert fold_agent((), "ana") is None


@pytest.mark.req("P16")
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "event",
    [
        tell.Remarked("c_1", NOW + MINUTE, "contact", None, "m_2", "reaction"),
        tell.DeliveryChanged("c_1", NOW + MINUTE, "system", None, "m_2", DeliveryStatus.READ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_reported_of_a_message_moves_nothing(
    state: State, event: tell.ConversationEvent
) -> None:
    chat = a_conversation(state)
    assert apply(chat, event) == chat


def test_an_event_of_another_kind_is_no_conversations() -> None:
    with pytest.raises(KeyError):
        apply(a_conversation(), SAVED)  # type: ignore[arg-type]


# --- agents ---------------------------------------------------------------------------------------


def transition(kind: type[tell.Transition], **fields: Any) -> tell.Transition:
    common: dict[str, Any] = {
        "conversation": "c_1",
        "at": NOW + MINUTE,
        "actor": "system",
        "timers": (),
    }
    return kind(**common, source=State.QUEUED, reason="push", **fields)


ASSIGNED = transition(tell.Assigned, agent="ana")
QUEUED = transition(tell.Queued, queue="vip", released="ana")
TOOK_OVER = transition(tell.TookOver, agent="bob", released="ana")
ENDED = transition(tell.Ended, ending=EndReason.AGENT, released="ana")


def test_a_saved_agent_is_new_and_not_available() -> None:
    assert fold_agent([SAVED], "ana") == an_agent(available=False)


@pytest.mark.req("X4")
@pytest.mark.parametrize(
    "event,change",
    [(ASSIGNED, 1), (QUEUED, -1), (TOOK_OVER, -1), (ENDED, -1)],
    ids=lambda each: type(each).__name__,
)
def test_load_follows_conversations_that_come_and_go(event: tell.Event, change: int) -> None:
    after = apply_agent(an_agent(load=2), event, "ana")
    assert after == an_agent(
        load=2 + change, idle_since=NOW + MINUTE, given_at=NOW + MINUTE if change > 0 else 0
    )


@pytest.mark.req("X4")
def test_a_takeover_moves_a_slot_from_one_agent_to_the_other() -> None:
    after = apply_agent(an_agent("bob", load=1), TOOK_OVER, "bob")
    assert after == an_agent("bob", load=2, idle_since=NOW + MINUTE, given_at=NOW + MINUTE)


@pytest.mark.parametrize("event", [ASSIGNED, ENDED], ids=lambda each: type(each).__name__)
def test_what_happens_to_one_agent_leaves_another_alone(event: tell.Event) -> None:
    assert apply_agent(an_agent("bob"), event, "bob") == an_agent("bob")


@pytest.mark.req("R16")
def test_a_changed_profile_keeps_load_and_availability() -> None:
    busy = an_agent(load=2, name="Ann", idle_since=NOW - MINUTE)
    assert apply_agent(busy, SAVED, "ana") == an_agent(load=2, idle_since=NOW - MINUTE)


def test_idle_time_starts_with_becoming_available() -> None:
    on = tell.AgentAvailability("ana", NOW + MINUTE, "agent:ana", available=True)
    off = tell.AgentAvailability("ana", NOW + 2 * MINUTE, "agent:ana", available=False)
    assert fold_agent([SAVED, on], "ana") == an_agent(idle_since=NOW + MINUTE)
    assert fold_agent([SAVED, on, off], "ana") == an_agent(available=False, idle_since=NOW + MINUTE)


def test_a_removed_agent_is_none() -> None:
    assert fold_agent([SAVED, tell.AgentRemoved("ana", NOW, "system")], "ana") is None
