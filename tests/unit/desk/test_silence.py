"""Silence at a desk: snooze, dismissal, wakes, the policy's texts, and late looks at the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from omniroute.clock import ManualClock
from omniroute.errors import NaiveDatetime, NotHolder, TransitionNotAllowed, UsageError
from omniroute.instants import DAY, HOUR, MINUTE
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.desk_config import ChannelConfig
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    DismissedTextAt,
    Inactivity,
    InactivityThen,
    KeepAlive,
    PolicySettings,
)
from omniroute.model.state import EndReason, State
from omniroute.model.wire import InboundKind
from omniroute.testing import MONDAY, NOW, a_config
from tests.unit.desk.helpers import assert_folds, log, names, told


def desk_of(play: Any, *agents: str, capacity: int = 1, **policy: Any) -> Any:
    """A desk whose agents are all available, one conversation each."""
    settings = PolicySettings(**policy)
    p = play(a_config(agents=agents, capacity=capacity, policy=settings))
    for agent in agents:
        p.agent(agent).on()
    return p


def moves(p: Any) -> list[tuple[float, str]]:
    """Every change of state, with its minute."""
    return [((e.at - NOW) / MINUTE, e.target.value) for e in told(p, tell.Transition)]


# --- snooze ---------------------------------------------------------------------------------------


@pytest.mark.req("A12", "X4")
def test_a_snooze_frees_the_slot_in_the_same_step(play) -> None:
    p = desk_of(play, "ana")
    first, second = p.contact("Maria").writes("Hello"), p.contact("Otto").writes("Hello")
    assert second.state is State.QUEUED
    snoozed = p.desk.acting_as("ana").snooze(first.id, for_="3h")
    assert (snoozed.state, snoozed.agent) == (State.SNOOZED, None)
    assert p.desk.conversation(second.id).agent == "ana"
    assert p.desk.staff.get("ana").load == 1
    assert_folds(p)


@pytest.mark.req("A13")
def test_the_thread_says_who_snoozed(play) -> None:
    p = desk_of(play, "ana", "bob")
    p.desk.staff.put("ana", name="Ana Sousa")
    chat = p.contact("Maria").writes("Hello")
    with pytest.raises(NotHolder):
        p.desk.snooze(chat.id, by="bob", for_="3h")
    p.desk.snooze(chat.id, by="ana", for_="3h")
    line = p.desk.messages(chat.id)[-1]
    assert (line.text, line.author) == ("Agent Ana Sousa snoozed this conversation", "system")
    assert p.contact("Maria").got == []


@pytest.mark.req("A13")
def test_a_supervisor_puts_aside_what_another_holds_and_nobody_else_does(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob")))
    p.desk.staff.put("sue", role="supervisor")
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    with pytest.raises(NotHolder):
        p.desk.snooze(chat.id, by="bob", for_="3h")
    snoozed = p.desk.snooze(chat.id, by="sue", for_="3h")
    assert (snoozed.state, snoozed.agent) == (State.SNOOZED, None)
    assert p.desk.staff.get("ana").load == 0, "it was hers, and her slot is free"
    assert p.desk.messages(chat.id)[-1].text == "Agent sue snoozed this conversation"
    assert_folds(p)


@pytest.mark.req("A11")
def test_a_snooze_takes_a_duration_or_an_aware_instant(play) -> None:
    p = desk_of(play, "ana")
    chat = p.contact("Maria").writes("Hello")
    ana = p.desk.acting_as("ana")
    with pytest.raises(NaiveDatetime):
        ana.snooze(chat.id, until=datetime(2026, 3, 5))  # noqa: DTZ001
    for wrong in ({}, {"for_": "3h", "until": MONDAY + timedelta(days=1)}):
        with pytest.raises(UsageError, match="one end"):
            ana.snooze(chat.id, **wrong)
    with pytest.raises(UsageError, match="cannot be snoozed until then"):
        ana.snooze(chat.id, until=MONDAY)
    with pytest.raises(UsageError, match="not an instant"):
        ana.snooze(chat.id, until="tomorrow")
    ana.snooze(chat.id, until=datetime(2026, 3, 3, 9, tzinfo=UTC))
    assert p.desk.next_due() == MONDAY + timedelta(minutes=15, microseconds=1)
    p.advance("1d")
    assert moves(p)[-2:] == [(DAY / MINUTE, "queued"), (DAY / MINUTE, "active")]


@pytest.mark.req("A14", "A16")
def test_a_reply_wakes_it_for_the_first_available_agent(play) -> None:
    p = desk_of(play, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "I am asking the warehouse.")
    p.desk.snooze(chat.id, by="ana", for_="1d")
    p.agent("ana").off()
    p.advance("1h")
    back = p.contact("Maria").writes("Any news?")
    assert (back.id, back.state, back.agent) == (chat.id, State.ACTIVE, "bob")
    assert p.advance("2d") == []
    assert_folds(p)


@pytest.mark.req("A15", "A16", "A17")
def test_nobody_free_at_the_wake_it_waits_from_then_on(play) -> None:
    p = desk_of(play, "ana")
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Call me back.")
    p.desk.snooze(chat.id, by="ana", for_="3h")
    p.agent("ana").off()
    p.advance("2h")
    p.contact("Otto").writes("Hello")
    p.advance("3h")
    assert p.desk.conversation(chat.id).state is State.QUEUED
    p.agent("ana").on()
    held = p.agent("ana").holds
    assert [each.id for each in held] == [chat.id], "ahead of a new one that has waited longer"
    p.agent("ana").replies(held[0], "Are you still interested?")
    p.agent("ana").ends(held[0])


def test_it_wakes_by_hand_once_for_a_key(play) -> None:
    p = desk_of(play, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.desk.snooze(chat.id, by="ana", for_="1d", key="k1")
    p.desk.snooze(chat.id, by="ana", for_="1d", key="k1")
    woken = p.desk.acting_as("bob").wake(chat.id)
    assert woken.state is State.ACTIVE
    assert names(p).count("Snoozed") == 1


def test_awaited_it_is_the_same(play) -> None:
    p = desk_of(play, "ana")
    chat = p.contact("Maria").writes("Hello")

    async def snoozed_and_woken() -> list[State]:
        ana = p.desks.aio["acme"].acting_as("ana")
        return [
            (await ana.snooze(chat.id, for_="1h")).state,
            (await ana.wake(chat.id)).state,
        ]

    assert asyncio.run(snoozed_and_woken()) == [State.SNOOZED, State.ACTIVE]


# --- dismissal ------------------------------------------------------------------------------------

SILENCE = Inactivity(after=10 * MINUTE, notice=2 * MINUTE, text="Are you still there?")
GONE = "This session is closed. [agent name] has left the conversation."


@pytest.mark.req("U38", "U44", "U34")
def test_a_silent_chat_is_warned_dismissed_and_told_so(play) -> None:
    p = desk_of(play, "ana", inactivity=SILENCE, dismissed_text=GONE)
    chat = p.contact("Maria").writes("Hello")
    waiting = p.contact("Otto").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.advance("10m")
    assert p.contact("Maria").got == ["Hi", "Are you still there?"]
    p.advance("2m")
    assert p.contact("Maria").got[2:] == ["This session is closed. ana has left the conversation."]
    assert p.desk.conversation(chat.id).state is State.DISMISSED
    assert p.desk.conversation(waiting.id).agent == "ana", "the slot is free at once"
    assert_folds(p)


@pytest.mark.req("U39", "S6")
def test_a_return_leads_to_any_eligible_agent_of_the_same_queue(play) -> None:
    p = desk_of(play, "ana", "bob", inactivity=SILENCE)
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.advance("1h")
    p.agent("ana").off()
    back = p.contact("Maria").writes("Here I am")
    assert (back.id, back.queue, back.agent) == (chat.id, "general", "bob")
    assert [each.text for each in p.desk.messages(chat.id)][:2] == ["Hello", "Hi"]


@pytest.mark.req("U37")
def test_an_agent_dismisses_by_hand_only_what_is_inactive(play) -> None:
    manual = Inactivity(after=10 * MINUTE, then=InactivityThen.MANUAL)
    p = desk_of(play, "ana", inactivity=manual, dismissed_text=GONE)
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    with pytest.raises(TransitionNotAllowed):
        p.desk.acting_as("ana").dismiss(chat.id)
    p.advance("1h")
    assert p.desk.conversation(chat.id).state is State.INACTIVE
    assert p.desk.acting_as("ana").dismiss(chat.id).state is State.DISMISSED
    p.deliver()
    assert len(p.contact("Maria").got) == 2


@pytest.mark.req("U44")
@pytest.mark.parametrize(
    "at,minute",
    [
        (DismissedTextAt.WARNING, 10),
        (DismissedTextAt.DISMISS, 12),
        (DismissedTextAt.REACTIVATE, 30),
    ],
)
def test_the_text_of_a_dismissal_goes_out_once_at_its_moment(play, at: Any, minute: int) -> None:
    p = desk_of(play, "ana", inactivity=SILENCE, dismissed_text="Gone", dismissed_text_at=at)
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.advance("30m")
    p.contact("Maria").writes("Again")
    p.deliver()
    sent = [each for each in told(p, tell.MessageSent) if each.occasion == "dismissed_text"]
    assert [(each.at - NOW) / MINUTE for each in sent] == [minute]
    assert p.contact("Maria").got.count("Gone") == 1


@pytest.mark.req("S6")
def test_where_its_queue_is_disabled_a_return_leads_to_the_menu(play) -> None:
    p = play(
        a_config(
            agents={"ana": ("general/Sales",), "bob": ("general/Service",)},
            queues=("Sales", "Service", "More"),
            policy=PolicySettings(inactivity=Inactivity(after=10 * MINUTE)),
            preset="push",
        )
    )
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Maria").writes("Sales")
    p.agent("ana").replies(chat, "Hi")
    p.advance("1h")
    p.desk.staff.put("cho", serves=["general/More"])
    p.desk.staff.put("ana", serves=["general/More"])
    back = p.contact("Maria").writes("Hello again")
    p.deliver()
    assert (back.state, back.queue) == (State.SELECTING, None)
    menu = p.contact("Maria").got[-1]
    assert "Sales" not in menu
    assert "Service" in menu
    assert p.contact("Maria").writes("Service").queue == "general/Service"
    assert_folds(p)


@pytest.mark.req("P16")
@pytest.mark.parametrize("kind", [each for each in InboundKind if not each.is_content])
def test_only_the_contacts_own_content_wakes_or_resumes(play, kind: InboundKind) -> None:
    p = desk_of(play, "ana", "bob", inactivity=Inactivity(after=10 * MINUTE))
    maria, otto = p.contact("Maria"), p.contact("Otto")
    p.agent("ana").replies(maria.writes("Hello"), "Hi")
    p.agent("bob").replies(otto.writes("Hello"), "Hi")
    p.desk.snooze("c_1", by="ana", for_="1d")
    p.advance("1h")
    for contact in (maria, otto):
        contact.sends(kind, target="m_2", emoji="x")
    states = [p.desk.conversation(each).state for each in ("c_1", "c_2")]
    assert states == [State.SNOOZED, State.DISMISSED]


@pytest.mark.req("A28", "A20")
def test_nobody_loses_a_conversation_for_being_slow(play) -> None:
    p = desk_of(play, "ana", "bob")
    chat = p.contact("Maria").writes("Hello")
    p.advance("30d")
    held = p.desk.conversation(chat.id)
    assert (held.state, held.agent) == (State.ACTIVE, "ana")
    assert moves(p) == [(0, "queued"), (0, "active")], "not even for a moment"


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.req("U47")
def test_a_greeting_goes_out_once_when_a_chat_starts(play) -> None:
    p = desk_of(play, "ana", greeting="Welcome!", after_end=AfterEnd(AfterEndTo.QUEUE))
    chat = p.contact("Maria").writes("Hello")
    p.contact("Maria").writes("Anybody?")
    p.agent("ana").ends(chat)
    p.contact("Maria").writes("Me again")
    p.deliver()
    assert p.contact("Maria").got == ["Welcome!"]


@pytest.mark.req("U46", "U74")
@pytest.mark.parametrize("ended_by", ["agent", "timeout"])
def test_the_ended_text_goes_out_once_whoever_ends_it(play, ended_by: str) -> None:
    p = desk_of(play, "ana", ended_text="Goodbye.", chat_timeout=HOUR)
    chat = p.contact("Maria").writes("Hello")
    if ended_by == "agent":
        p.agent("ana").ends(chat)
    p.advance("3h")
    assert p.contact("Maria").got == ["Goodbye."]
    ending = p.desk.conversation(chat.id).ending
    comment = "by the agent" if ended_by == "agent" else "due to timeout"
    assert ending.comment == f"Chat session ended {comment}"


ALIVE = KeepAlive(
    after=10 * MINUTE, text="Still there?", end_after=5 * MINUTE, end_text="We close this now."
)


@pytest.mark.req("T8", "T10", "T15")
def test_keep_alive_asks_then_says_goodbye_then_ends(play) -> None:
    p = desk_of(play, "ana", keep_alive=ALIVE)
    chat = p.contact("Maria").writes("Hello")
    p.advance("10m")
    assert p.contact("Maria").got == ["Still there?"]
    p.advance("1h")
    assert p.contact("Maria").got == ["Still there?", "We close this now."]
    last = [type(each).__name__ for each in log(p) if getattr(each, "conversation", "") == chat.id]
    assert last.index("Ended") > max(n for n, name in enumerate(last) if name == "MessageSent")
    ended = p.desk.conversation(chat.id)
    assert (ended.state, ended.ending.reason) == (State.ENDED, EndReason.KEEP_ALIVE)
    assert_folds(p)


@pytest.mark.req("T11")
def test_the_last_text_may_come_first(play) -> None:
    first = KeepAlive(
        after=10 * MINUTE,
        text="Still there?",
        end_after=5 * MINUTE,
        end_text="We close this in five minutes.",
        end_text_first=True,
    )
    p = desk_of(play, "ana", keep_alive=first)
    p.contact("Maria").writes("Hello")
    p.advance("10m")
    assert p.contact("Maria").got == ["Still there?", "We close this in five minutes."]
    p.advance("5m")
    assert len(p.contact("Maria").got) == 2
    assert moves(p)[-1] == (15, "ended")


@pytest.mark.req("T2", "T15")
@pytest.mark.parametrize("ended_by", ["agent", "keep_alive"])
def test_flows_start_once_whoever_finishes(play, ended_by: str) -> None:
    flows = ChannelConfig(entry_flow="welcome", exit_flow="survey")
    settings = PolicySettings(keep_alive=ALIVE)
    p = play(a_config(agents=("ana",), policy=settings, channels={"chat": flows}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.contact("Maria").writes("Anybody?")
    if ended_by == "agent":
        p.agent("ana").ends(chat)
    p.advance("1d")
    started = told(p, tell.FlowStarted)
    assert [(each.flow, each.stage) for each in started] == [
        ("welcome", "entry"),
        ("survey", "exit"),
    ]
    kinds = [name for name in names(p) if name != "DeliveryChanged"]
    assert kinds.index("FlowStarted") == kinds.index("Opened") + 2
    assert kinds[kinds.index("Ended") + 1] == "FlowStarted", "the exit flow comes after the end"
    assert_folds(p)


# --- late looks -----------------------------------------------------------------------------------


@pytest.mark.req("S2", "R6")
def test_many_conversations_deadlines_fire_in_the_order_of_their_instants(play) -> None:
    p = desk_of(play, keep_alive=ALIVE)
    p.contact("Maria").writes("Hello")
    p.advance("2m")
    p.contact("Otto").writes("Hello")
    p.clock.advance("1d")
    p.desk.tick()
    instants = [each.at for each in told(p, tell.KeepAliveAsked)]
    assert instants == [NOW + 10 * MINUTE, NOW + 12 * MINUTE]
    late = [each for each in log(p) if each.at > NOW + 3 * MINUTE]
    assert late == sorted(late, key=lambda each: each.at)


@pytest.mark.req("S2")
def test_who_would_have_been_served_in_time_does_not_expire_in_an_outage(play) -> None:
    p = desk_of(
        play, "ana", inactivity=Inactivity(after=10 * MINUTE), unanswered_expiration=30 * MINUTE
    )
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    waiting = p.contact("Otto").writes("Hello")
    p.clock.advance("1d")
    p.desk.tick()
    served = p.desk.conversation(waiting.id)
    assert (served.state, served.agent) == (State.ACTIVE, "ana")
    assert told(p, tell.Dismissed)[0].at == NOW + 10 * MINUTE
    assert told(p, tell.Assigned)[-1].at == NOW + DAY, "a choice carries the commit's instant"


@pytest.mark.req("S3")
def test_what_has_passed_under_the_new_places_policy_fires_in_the_same_step(play) -> None:
    config = a_config(agents=("ana",), queues=("Slow", "Fast"), preset="claim")
    at = {"Fast": PolicySettings(chat_timeout=HOUR)}
    inbox = evolve(config.inboxes["general"], at=at)
    p = play(evolve(config, inboxes={"general": inbox}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.contact("Maria").writes("Slow")
    p.advance("2h")
    p.desk._runtime.run(
        "acme", p.clock.now(), lambda unit: _enqueued(unit, chat.id, "general/Fast")
    )
    assert moves(p)[-2:] == [(120, "queued"), (120, "ended")]
    assert_folds(p)


def _enqueued(unit: Any, conversation: str, queue: str) -> None:
    found = unit.conversation(conversation)
    unit.perform(found, ask.Enqueue(queue, reason="moved"), unit.setup.policy("chat", queue))


@pytest.mark.req("X5", "R7")
def test_duplicate_and_early_ticks_fire_nothing_twice(play) -> None:
    p = desk_of(play, "ana", keep_alive=ALIVE)
    p.contact("Maria").writes("Hello")
    for minute in (9, 10, 10, 5, 14, 10, 15, 15, 60):
        p.desk.tick(now=MONDAY + timedelta(minutes=minute))
    assert [names(p).count(each) for each in ("KeepAliveAsked", "Ended")] == [1, 1]


# --- running --------------------------------------------------------------------------------------


def test_a_desk_runs_by_its_own_clock_and_stops_at_every_deadline(play) -> None:
    p = desk_of(play, "ana", keep_alive=ALIVE)
    p.contact("Maria").writes("Hello")
    fired = p.desk.run(until=MONDAY + timedelta(hours=1), every="7m")
    assert p.clock.now() == NOW + HOUR
    assert fired == 2, "asked and ended"
    assert p.contact("Maria").got == ["Still there?", "We close this now."]


def test_it_runs_until_it_is_told_to_stop(play) -> None:
    p = desk_of(play)
    rounds = iter([False, False, True])
    assert p.desk.run(stop=lambda: next(rounds)) == 0
    assert p.clock.now() == NOW + 2_000_000
    end = MONDAY + timedelta(seconds=5)
    assert asyncio.run(p.desks.aio["acme"].run(until=end)) == 0
    assert p.clock.now() == NOW + 5_000_000


def test_a_clock_that_cannot_sleep_is_refused(play) -> None:
    class Still:
        def now(self) -> int:
            return NOW

    p = desk_of(play)
    p.desk._runtime.clock = Still()
    with pytest.raises(UsageError, match="cannot sleep"):
        p.desk.run()


def test_sleeping_on_a_clock_that_is_moved_by_hand_moves_it() -> None:
    clock = ManualClock(NOW)
    clock.sleep(5)
    assert clock.now() == NOW + 5


@pytest.mark.req("S2", "P5")
def test_in_an_outage_nobody_expires_who_would_have_overflowed_to_somebody_in_time(play) -> None:
    def story(late: bool) -> Any:
        from omniroute.config import load_config

        p = play(
            load_config(
                {
                    "desk": "acme",
                    "policy": {"unanswered_expiration": "12m"},
                    "inboxes": {
                        "help": {
                            "sla": "15m",
                            "primary_for": ["chat"],
                            "queues": ["a", "b"],
                            "at": {
                                "a": {"assign": {"overflow": ["help/b"], "overflow_after": "6m"}}
                            },
                        }
                    },
                    "entry_points": {
                        "main": {"channel": "chat", "address": "w", "queue": "help/a"}
                    },
                    "agents": {"ana": {"serves": ["help/a"]}, "bob": {"serves": ["help/b"]}},
                }
            )
        )
        p.agent("bob").on()
        chat = p.contact("Maria").writes("Hello")
        p.clock.advance("1h") if late else p.advance("1h")
        p.contact("Otto").writes("Hello")  # what is overdue is looked at first
        assert_folds(p)
        return p.desk.conversation(chat.id)

    for late in (False, True):
        found = story(late)
        assert (found.state, found.agent, found.queue) == (State.ACTIVE, "bob", "help/b")
