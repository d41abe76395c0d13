"""The transition table, and what each command does to a conversation."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import AlreadyTaken, ConversationClosed, TransitionNotAllowed
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.assign import AssignMode, AssignPolicy, Routing, Selector
from omniroute.model.conversation import DeadlineKind, Ending, Extras, Offer
from omniroute.model.effects import SendMessage
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, Policy
from omniroute.model.state import EndReason, State
from omniroute.rules.lifecycle import TABLE, Decision, after_end, decide
from omniroute.testing import NOW, a_conversation, a_place

S = State
LATER = NOW + MINUTE
PUSH = Policy()
CLAIM = Policy(assignment=Assignment.CLAIM, overtake=Overtake.CONFIRM)
PERMISSIVE = evolve(CLAIM, after_end=AfterEnd(AfterEndTo.QUEUE))
OFFERING = evolve(PERMISSIVE, assignment=Assignment.OFFER_ALL)
ROUTE = tell.Route("general", "primary inbox for chat", 15 * MINUTE, "inbox general", "menu", 1)

# What can be asked, in every way that makes a difference. "ana" holds what is held.
COMMANDS: dict[type, tuple[Any, ...]] = {
    ask.Start: (ask.Start("c_1", a_place(started_by="ana"), ROUTE, "general", "ana", "m_1"),),
    ask.Open: (
        ask.Open("c_1", a_place(), ROUTE, "m_1", None),
        ask.Open("c_1", a_place(), ROUTE, "m_1", "general"),
    ),
    ask.Receive: (
        ask.Receive("m_2", 15 * MINUTE),
        ask.Receive("m_2", 15 * MINUTE, queue_gone=True),
    ),
    ask.Browse: (ask.Browse(("Deutsch",)),),
    ask.Enqueue: (ask.Enqueue("general"), ask.Enqueue("vip", by="ana", reason="given back")),
    ask.Relocate: (ask.Relocate("vip", "vip/Gold"), ask.Relocate("vip", None, by="ana")),
    ask.HandOver: (ask.HandOver("bob", by="zoe"),),
    ask.Assign: (ask.Assign("bob"),),
    ask.Offer: (ask.Offer(), ask.Offer("bob")),
    ask.Accept: (ask.Accept("ana"),),
    ask.Decline: (ask.Decline("ana"),),
    ask.Withdraw: (ask.Withdraw("nobody"),),
    ask.Take: (ask.Take("ana"), ask.Take("bob", confirm=True)),
    ask.Reply: (ask.Reply("ana", "m_2"), ask.Reply("bob", "m_2", confirm=True)),
    ask.Deliver: (ask.Deliver("m_2"),),
    ask.End: (ask.End("ana"), ask.End(None, EndReason.TIMEOUT)),
    ask.Note: (ask.Note("ana", "m_2"),),
    ask.Line: (ask.Line(Routing(requires=(Selector("router"),)), by="ana"),),
    ask.Describe: (ask.Describe("ana", "Router", {"order": 4711}),),
    ask.SetTags: (ask.SetTags("ana", ("refund",)),),
    ask.Snooze: (ask.Snooze("ana", LATER + HOUR, "m_2"),),
    ask.Wake: (ask.Wake("ana"), ask.Wake("ana", queue_gone=True)),
    ask.Dismiss: (ask.Dismiss("ana"),),
    ask.Reopen: (ask.Reopen("ana"),),
    ask.Expire: (
        *(ask.Expire(kind) for kind in DeadlineKind),
        ask.Expire(DeadlineKind.WAKE, queue_gone=True),
    ),
    ask.Reschedule: (ask.Reschedule(60_000_000),),
}
SOURCES = (None, *State)
ALLOWED = {(source, row.command) for row in TABLE for source in row.sources}
EVERY = [(source, command) for source in SOURCES for command in COMMANDS]


# The lifecycle's deadlines that can be armed in a state.
EVER = (DeadlineKind.HARD_EXPIRY, DeadlineKind.CHAT_TIMEOUT, DeadlineKind.KEEP_ALIVE)
ARMED: dict[State, tuple[DeadlineKind, ...]] = {
    S.SELECTING: (*EVER, DeadlineKind.SELECTING_EXPIRATION),
    S.QUEUED: (*EVER, DeadlineKind.QUEUE_EXPIRATION),
    S.OFFERED: (*EVER, DeadlineKind.QUEUE_EXPIRATION, DeadlineKind.OFFER),
    S.ACTIVE: (*EVER, DeadlineKind.INACTIVITY),
    S.INACTIVE: (*EVER, DeadlineKind.DISMISSAL),
    S.DISMISSED: EVER,
    S.SNOOZED: (DeadlineKind.HARD_EXPIRY, DeadlineKind.WAKE),
}


def standing(source: State | None) -> Any:
    return None if source is None else a_conversation(source)


def overdue(source: State) -> Any:
    """A conversation all of whose deadlines have come."""
    built = a_conversation(source)
    armed = [(LATER, kind) for kind in ARMED.get(source, ())]
    return evolve(built, timers=tuple(armed) or built.timers)


class Never:
    """Hours that never come."""

    def is_open(self, at: int) -> bool:
        return at < 0

    def next_opening(self, at: int) -> int | None:
        return None if at else 0

    def next_closing(self, at: int) -> int | None:
        return None if at else 0


CLOSED = evolve(PERMISSIVE, hours=Never())


def policy_for(command: Any) -> Policy:
    return OFFERING if isinstance(command, ask.Accept | ask.Decline) else PERMISSIVE


def decided(source: State | None, command: Any, policy: Policy | None = None) -> Decision:
    return decide(standing(source), command, policy or policy_for(command), LATER)


def starts(source: State | None, kind: type) -> list[Any]:
    """A conversation in a state, in every way that makes a difference to a command."""
    start = overdue(source) if source is not None and kind is ask.Expire else standing(source)
    if source is not S.OFFERED:
        return [start]
    return [start, evolve(start, extras=Extras(offer=Offer("ana", NOW, NOW + MINUTE)))]


def named(value: Any) -> str:
    return getattr(value, "__name__", str(value))


# --- the table ------------------------------------------------------------------------------------


def test_every_command_has_its_rows() -> None:
    assert {row.command for row in TABLE} == set(COMMANDS)
    assert len(ALLOWED) == sum(len(row.sources) for row in TABLE), "a pair stands in one row only"


@pytest.mark.req("X1")
@pytest.mark.parametrize("source,kind", [p for p in EVERY if p not in ALLOWED], ids=named)
def test_what_the_table_does_not_list_raises_and_changes_nothing(
    source: State | None, kind: type
) -> None:
    for command in COMMANDS[kind]:
        before = standing(source)
        with pytest.raises(TransitionNotAllowed) as raised:
            decide(before, command, PERMISSIVE, LATER)
        assert before == standing(source)
        assert isinstance(raised.value, ConversationClosed) is (source is S.ENDED)
        assert kind.__name__ in str(raised.value)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.command.__name__)
def test_every_row_leads_to_its_targets_and_nowhere_else(row: Any) -> None:
    for source in row.sources:
        reached = {
            decide(start, each, policy, LATER).state.state
            for each in COMMANDS[row.command]
            for policy in (policy_for(each), CLOSED)
            for start in starts(source, row.command)
            if policy is not CLOSED or policy_for(each) is PERMISSIVE
        }
        assert reached == (set(row.targets) or {source})


@pytest.mark.req("X1")
@pytest.mark.parametrize("source,kind", sorted(ALLOWED, key=str), ids=named)
def test_a_transition_tells_exactly_one_event_with_from_to_actor_and_reason(
    source: State | None, kind: type
) -> None:
    for command in COMMANDS[kind]:
        decision = decided(source, command)
        moves = [each for each in decision.events if isinstance(each, tell.Transition)]
        after = decision.state.state
        assert len(moves) == 1 if after is not source else len(moves) <= 1
        for move in moves:
            assert (move.conversation, move.at) == ("c_1", LATER)
            assert (move.source, move.target) == (source, after)
            assert move.actor
            assert move.reason


def test_a_refusal_says_what_was_asked_and_what_is_possible() -> None:
    with pytest.raises(TransitionNotAllowed) as raised:
        decided(S.SNOOZED, ask.Take("ana"))
    assert "Take" in str(raised.value)
    assert raised.value.got == "state snoozed"
    assert "queued or offered or active" in (raised.value.expected or "")


def test_a_command_without_a_conversation_says_so() -> None:
    with pytest.raises(TransitionNotAllowed, match="Take needs a conversation"):
        decided(None, ask.Take("ana"))


@pytest.mark.req("X2")
@pytest.mark.parametrize("source,kind", sorted(ALLOWED, key=str), ids=named)
def test_the_same_question_gets_the_same_answer(source: State | None, kind: type) -> None:
    for command in COMMANDS[kind]:
        assert decided(source, command) == decided(source, command)


# --- the beginning --------------------------------------------------------------------------------


@pytest.mark.req("G20")
def test_it_is_due_at_the_time_of_contact_plus_the_sla() -> None:
    opened = decided(None, COMMANDS[ask.Open][1]).state
    assert (opened.clocks.opened_at, opened.clocks.due) == (LATER, LATER + 15 * MINUTE)


@pytest.mark.req("G20")
def test_its_deadline_is_the_first_instant_that_is_overdue() -> None:
    opened = decided(None, COMMANDS[ask.Open][1]).state
    assert opened.deadline == LATER + 15 * MINUTE + 1


def test_without_a_queue_it_begins_in_the_menu() -> None:
    assert decided(None, COMMANDS[ask.Open][0]).state.state is S.SELECTING


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.req("S1")
@pytest.mark.parametrize("source,kind", [p for p in sorted(ALLOWED, key=str) if p[0]], ids=named)
def test_a_clock_that_runs_behind_reorders_nothing(source: State, kind: type) -> None:
    chat = a_conversation(source, at=NOW + HOUR)
    for command in COMMANDS[kind]:
        decision = decide(chat, command, policy_for(command), NOW)
        assert all(event.at >= NOW + HOUR for event in decision.events)
        assert decision.state.at == NOW + HOUR


@pytest.mark.req("G20")
@pytest.mark.parametrize("late,fired", [(-SECOND, False), (0, False), (1, True), (HOUR, True)])
def test_a_first_response_is_missed_only_after_its_due_instant(late: int, fired: bool) -> None:
    chat = a_conversation()
    due = chat.clocks.due or 0
    decision = decide(chat, ask.Expire(DeadlineKind.FIRST_RESPONSE), PUSH, due + late)
    assert [type(each) for each in decision.events] == ([tell.SlaBreached] if fired else [])


def test_a_deadline_fires_once() -> None:
    expire = ask.Expire(DeadlineKind.FIRST_RESPONSE)
    chat = a_conversation()
    missed = decide(chat, expire, PUSH, (chat.deadline or 0)).state
    assert missed.deadline is None
    assert missed.clocks.due == chat.clocks.due, "overdue it stays, until somebody answers"


# --- a contact's message --------------------------------------------------------------------------


@pytest.mark.req("C9")
def test_a_message_leaves_an_active_conversation_and_its_owner_alone() -> None:
    after = decided(S.ACTIVE, ask.Receive("m_2")).state
    assert (after.state, after.agent) == (S.ACTIVE, "ana")
    assert after.since == NOW


@pytest.mark.parametrize("source", [S.DISMISSED, S.SNOOZED])
def test_a_message_brings_a_parked_conversation_back_to_its_queue(source: State) -> None:
    after = decided(source, ask.Receive("m_2")).state
    assert (after.state, after.queue, after.clocks.queued_at) == (S.QUEUED, "general", LATER)


def test_a_message_ends_a_silence() -> None:
    after = decided(S.INACTIVE, ask.Receive("m_2")).state
    assert (after.state, after.agent) == (S.ACTIVE, "ana")


def test_waiting_counts_from_the_first_message_nobody_answered() -> None:
    chat = a_conversation(S.ACTIVE)
    answered = decide(chat, ask.Reply("ana", "m_2"), PUSH, NOW + MINUTE).state
    assert answered.clocks.waiting_since is None
    for minutes in (2, 3):
        answered = decide(answered, ask.Receive("m"), PUSH, NOW + minutes * MINUTE).state
    assert answered.clocks.waiting_since == NOW + 2 * MINUTE


# --- after the end --------------------------------------------------------------------------------


@pytest.mark.req("C8")
def test_a_message_after_the_end_reopens_it_with_no_owner() -> None:
    after = decided(S.ENDED, ask.Receive("m_2", 15 * MINUTE)).state
    assert (after.id, after.state, after.agent, after.queue) == ("c_1", S.QUEUED, None, "general")
    assert after.extras.ending is None
    assert after.extras.previous_agent == "ana"


def test_a_reopened_conversation_is_due_anew() -> None:
    after = decided(S.ENDED, ask.Receive("m_2", 15 * MINUTE)).state
    assert after.clocks.due == LATER + 15 * MINUTE
    assert after.deadline == LATER + 15 * MINUTE + 1


@pytest.mark.parametrize("to,hint", [(AfterEndTo.NEW, "a new one"), (AfterEndTo.REJECT, "reject")])
def test_a_message_does_not_reopen_where_policy_says_otherwise(to: AfterEndTo, hint: str) -> None:
    with pytest.raises(ConversationClosed, match=hint):
        decided(S.ENDED, ask.Receive("m_2"), Policy(after_end=AfterEnd(to)))


@pytest.mark.req("S9")
@pytest.mark.parametrize("late,to", [(0, AfterEndTo.QUEUE), (1, AfterEndTo.NEW)])
def test_the_window_after_the_end_includes_its_last_instant(late: int, to: AfterEndTo) -> None:
    policy = Policy(after_end=AfterEnd(AfterEndTo.QUEUE, within=HOUR))
    assert after_end(a_conversation(S.ENDED), policy, NOW + HOUR + late) is to


def test_what_ended_in_the_menu_has_no_queue_to_return_to() -> None:
    chat = a_conversation(S.ENDED, queue=None, agent=None)
    assert after_end(chat, PERMISSIVE, LATER) is AfterEndTo.NEW


# --- taking ---------------------------------------------------------------------------------------


@pytest.mark.req("C3")
def test_the_first_reply_takes_it() -> None:
    decision = decided(S.QUEUED, ask.Reply("ana", "m_2"), CLAIM)
    assert (decision.state.state, decision.state.agent) == (S.ACTIVE, "ana")
    assert [type(each) for each in decision.events] == [tell.Assigned, tell.MessageSent]
    assert decision.effects == (SendMessage("m_2"),)


@pytest.mark.req("A3")
@pytest.mark.parametrize("command", [ask.Take("ana"), ask.Reply("ana", "m_2")], ids=repr)
def test_under_push_nobody_picks(command: Any) -> None:
    with pytest.raises(TransitionNotAllowed, match="cannot be taken by hand"):
        decided(S.QUEUED, command, PUSH)


@pytest.mark.req("C4")
@pytest.mark.parametrize("command", [ask.Take("bob"), ask.Reply("bob", "m_2")], ids=repr)
def test_taking_what_another_holds_warns_with_the_owners_name(command: Any) -> None:
    with pytest.raises(AlreadyTaken) as raised:
        decided(S.ACTIVE, command, CLAIM)
    assert (raised.value.owner, raised.value.confirmable) == ("ana", True)


@pytest.mark.req("C6")
def test_a_confirmed_takeover_stays_active_and_names_both() -> None:
    decision = decided(S.ACTIVE, ask.Take("bob", confirm=True), CLAIM)
    assert (decision.state.state, decision.state.agent) == (S.ACTIVE, "bob")
    (event,) = decision.events
    assert isinstance(event, tell.TookOver)
    assert (event.agent, event.released, event.actor) == ("bob", "ana", "agent:bob")


def test_confirming_does_not_help_where_policy_forbids_takeover() -> None:
    with pytest.raises(AlreadyTaken) as raised:
        decided(S.ACTIVE, ask.Take("bob", confirm=True), PUSH)
    assert not raised.value.confirmable


# --- replying and ending --------------------------------------------------------------------------


def test_a_reply_stops_the_first_response_clock() -> None:
    after = decided(S.ACTIVE, ask.Reply("ana", "m_2")).state
    assert (after.clocks.due, after.deadline, after.clocks.first_reply_at) == (None, None, LATER)


def test_what_the_desk_sends_by_itself_answers_nobody() -> None:
    decision = decided(S.SELECTING, ask.Deliver("m_2"))
    before = a_conversation(S.SELECTING)
    assert decision.state.clocks == before.clocks
    assert decision.state.timers == before.timers
    assert decision.effects == (SendMessage("m_2"),)


@pytest.mark.req("C7")
@pytest.mark.parametrize("source", [each for each in S if each is not S.ENDED])
def test_it_can_be_ended_at_any_time_and_who_did_is_recorded(source: State) -> None:
    after = decided(source, ask.End("bob", disposition="solved")).state
    assert after.state is S.ENDED
    assert after.extras.ending == Ending(EndReason.AGENT, "agent:bob", LATER, "solved")


@pytest.mark.parametrize("source", [each for each in S if each is not S.ENDED])
def test_the_end_stops_every_clock(source: State) -> None:
    after = decided(source, ask.End("bob")).state
    assert (after.timers, after.clocks.due, after.clocks.waiting_since) == ((), None, None)


@pytest.mark.req("X4")
@pytest.mark.parametrize("source", [each for each in S if each is not S.ENDED])
def test_the_end_frees_a_slot_only_where_one_was_held(source: State) -> None:
    ended = decided(source, ask.End("bob")).events[0]
    assert isinstance(ended, tell.Ended)
    assert ended.released == ("ana" if source in (S.ACTIVE, S.INACTIVE) else None)


def test_giving_it_back_frees_the_agent_who_held_it() -> None:
    decision = decided(S.ACTIVE, ask.Enqueue("vip", by="ana", reason="given back"))
    (event,) = decision.events
    assert isinstance(event, tell.Queued)
    assert event.released == "ana"
    assert decision.state.agent is None
    assert decision.state.extras.previous_agent == "ana"


# --- what changes nothing, and what never moves a person's choice ---------------------------------


@pytest.mark.req("R11")
@pytest.mark.parametrize(
    "source,command",
    [
        (S.QUEUED, ask.Enqueue("general")),
        (S.ACTIVE, ask.Take("ana")),
        (S.ACTIVE, ask.SetTags("ana", ())),
        (S.ACTIVE, ask.Describe("ana", None, {})),
    ],
)
def test_a_command_that_changes_nothing_tells_nothing(source: State, command: Any) -> None:
    decision = decided(source, command)
    assert (decision.events, decision.effects) == ((), ())
    assert decision.state == a_conversation(source)


@pytest.mark.req("R11")
@pytest.mark.parametrize("source", [S.ACTIVE, S.INACTIVE])
def test_automatic_assignment_never_overrides_a_person(source: State) -> None:
    with pytest.raises(TransitionNotAllowed):
        decided(source, ask.Assign("bob"))


@pytest.mark.req("P17")
def test_tags_are_kept_in_order_and_each_once() -> None:
    after = decided(S.ENDED, ask.SetTags("ana", ("vip", "refund", "vip"))).state
    assert after.extras.tags == ("refund", "vip")


def test_notes_and_tags_keep_what_else_is_known() -> None:
    extras = Extras(subject="Router", tags=("refund",), previous_agent="bob")
    chat = a_conversation(S.ACTIVE, extras=extras)
    after = decide(chat, ask.Note("ana", "m_2"), PUSH, LATER).state
    assert (after.extras, after.at, after.since) == (extras, LATER, NOW)


@pytest.mark.req("M1", "R5")
def test_nothing_runs_but_in_line_where_only_assignment_takes_time() -> None:
    cascade = AssignPolicy(
        mode=AssignMode.CASCADE, cascade=("tier1", "tier2"), widen_after=10 * SECOND
    )
    policy = Policy(assign=cascade)
    held = evolve(a_conversation(S.ACTIVE), timers=())
    waiting = decide(held, ask.Enqueue("general", by="ana"), policy, LATER)
    assert waiting.state.timers == ((LATER + 10 * SECOND, DeadlineKind.ASSIGNMENT),)
    given = decide(waiting.state, ask.Assign("bob"), policy, LATER)
    assert given.state.timers == given.events[-1].timers == ()
    noted = decide(given.state, ask.Receive("m_2"), policy, LATER)
    assert (noted.state.timers, noted.events[-1].timers) == ((), None)
