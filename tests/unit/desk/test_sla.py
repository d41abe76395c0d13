"""The clocks of the SLA on a desk: told once each for their own instant, listed by due, shown in views."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from omniroute.codec import as_json, json_schema
from omniroute.desk import ConversationView, Story
from omniroute.errors import NaiveDatetime, UsageError
from omniroute.instants import DAY, HOUR, MINUTE
from omniroute.model import events as tell
from omniroute.model.conversation import DeadlineKind
from omniroute.model.desk_config import EntryPointConfig, InboxConfig, Override
from omniroute.model.hours import Hours
from omniroute.model.policy import AfterEnd, AfterEndTo, Inactivity, Overtake, PolicySettings
from omniroute.model.sla import ServiceLevel, SlaHours, SlaTargets
from omniroute.model.state import State
from omniroute.rules.sla.status import ClockStatus, Cue
from omniroute.testing import MONDAY, NOW, Play, a_config
from tests.unit.desk.helpers import assert_folds, told

WORK = Hours(
    weekly=(((32_400, 61_200),),) * 5 + ((), ())
)  # 9:00 to 17:00; a play begins Monday 9:00
CLOSE = NOW + 8 * HOUR


NO_TARGETS = SlaTargets()


def a_desk(
    *, targets: SlaTargets = NO_TARGETS, policy: Any = None, sla: int = 15 * MINUTE, **more: Any
) -> Any:
    inbox = InboxConfig(sla=sla, primary_for=("chat",), targets=targets)
    more.setdefault("agents", ("ana",))
    return a_config(inboxes={"general": inbox}, policy=policy or PolicySettings(), **more)


def snooze(p: Play, conversation: str, micros: int) -> None:
    """Let Ana put a conversation aside."""
    p.desk.snooze(conversation, by="ana", for_=timedelta(microseconds=micros))


def dues(p: Play) -> list[tuple[str, str, int]]:
    """What was told of clocks: the event, the clock, and the instant, from the start in minutes."""
    kinds = (tell.SlaWarned, tell.SlaBreached)
    return [
        (type(each).__name__, each.clock.value, (each.at - NOW) // MINUTE)
        for each in told(p, tell.ConversationEvent)
        if isinstance(each, kinds)
    ]


def clocks(view: Any) -> dict[str, str]:
    return {each.kind.value: each.status.value for each in view.clocks}


# --- told once, for their own instant -------------------------------------------------------------

ALL = SlaTargets(next=10 * MINUTE, resolution=2 * HOUR, warn_before=5 * MINUTE)


@pytest.mark.req("P11", "S2")
def test_late_and_doubled_ticks_tell_what_punctual_ones_tell(play) -> None:
    logs = []
    for late in (False, True):
        p = play(a_desk(targets=ALL))
        p.agent("ana").on()
        chat = p.contact("Maria").writes("Hello")
        for _ in range(20):
            p.advance("1m") if not late else p.clock.advance("1m")
        p.agent("ana").replies(chat, "Hi")
        p.contact("Maria").writes("And?")
        for _ in range(120):
            p.advance("1m") if not late else p.clock.advance("1m")
        for offset in (0, 0, 60, -90):
            p.desk.tick(now=MONDAY + timedelta(minutes=141 + offset))
        logs.append([repr(each) for each in told(p, tell.ConversationEvent)])
        assert_folds(p)
    assert logs[0] == logs[1]
    assert dues(p) == [
        ("SlaWarned", "first_response", 10),
        ("SlaBreached", "first_response", 15),
        ("SlaWarned", "next_response", 25),
        ("SlaBreached", "next_response", 30),
        ("SlaWarned", "resolution", 115),
        ("SlaBreached", "resolution", 120),
    ]


@pytest.mark.req("P11")
def test_repeated_messages_do_not_restart_the_next_response_and_only_a_reply_stops_it(play) -> None:
    p = play(a_desk(targets=SlaTargets(next=10 * MINUTE)))
    p.agent("ana").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    assert p.desk.conversation(chat.id).due is None
    p.advance("1h")
    due = maria.writes("One more thing").due
    assert due == MONDAY + timedelta(minutes=70)
    p.advance("4m")
    assert maria.writes("Are you there?").due == due
    p.desk.note(chat.id, "asks twice", by="ana")
    assert p.desk.conversation(chat.id).due == due
    p.agent("ana").replies(chat, "I am")
    view = p.desk.conversation(chat.id)
    assert view.due is None
    assert clocks(view) == {"first_response": "met", "next_response": "met"}
    p.advance("1d")
    assert dues(p) == []


@pytest.mark.req("P11")
def test_a_reopened_conversation_has_met_its_first_response_and_owes_the_next(play) -> None:
    policy = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE))
    p = play(a_desk(targets=ALL, policy=policy))
    p.agent("ana").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.advance("1h")
    p.desk.end(chat.id, by="ana")
    assert clocks(p.desk.conversation(chat.id)) == {"first_response": "met", "resolution": "met"}
    p.advance("3h")
    again = maria.writes("It is broken again")
    assert clocks(again) == {
        "next_response": "running",
        "resolution": "running",
        "first_response": "met",
    }
    by_kind = {each.kind: each.due for each in again.clocks}
    assert told(p, tell.SlaRescheduled) == [], "known at once, not only when looked at again"
    assert by_kind[DeadlineKind.NEXT_RESPONSE] == MONDAY + timedelta(hours=4, minutes=10)
    assert by_kind[DeadlineKind.RESOLUTION] == MONDAY + timedelta(hours=6)
    assert_folds(p)


@pytest.mark.req("P11")
@pytest.mark.parametrize(
    "following,owed", [(10 * MINUTE, "next_response"), (None, "first_response")]
)
def test_what_an_agent_reopens_has_a_new_resolution_and_owes_nothing_yet(
    play, following: int | None, owed: str
) -> None:
    p = play(a_desk(targets=SlaTargets(next=following, resolution=2 * HOUR)))
    p.agent("ana").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.desk.end(chat.id, by="ana")
    p.agent("ana").off()
    p.advance("1h")
    again = p.desk.reopen(chat.id, by="ana")
    assert clocks(again) == {"resolution": "running", "first_response": "met"}
    assert again.due == MONDAY + timedelta(hours=3)
    assert clocks(maria.writes("And?"))[owed] == "running"
    assert_folds(p)


# --- hours and pauses -----------------------------------------------------------------------------


@pytest.mark.req("P11")
@pytest.mark.parametrize("counts,due", [(None, DAY + 2 * HOUR), (SlaHours.CALENDAR, 10 * HOUR)])
def test_clocks_count_business_hours_unless_the_sla_says_calendar(
    play, counts: SlaHours | None, due: int
) -> None:
    policy = PolicySettings(hours=WORK)
    p = play(a_desk(sla=10 * HOUR, policy=policy, targets=SlaTargets(hours=counts)))
    chat = p.contact("Maria").writes("Hello")
    assert chat.due == MONDAY + timedelta(microseconds=due)


@pytest.mark.req("P11")
def test_how_late_a_clock_is_is_open_time(play) -> None:
    p = play(a_desk(sla=8 * HOUR, policy=PolicySettings(hours=WORK)))
    chat = p.contact("Maria").writes("Hello")
    (clock,) = p.desk.conversation(chat.id, now=MONDAY + timedelta(days=1, minutes=30)).clocks
    assert clock.due == MONDAY + timedelta(hours=8), "it ends at closing (R8)"
    assert (clock.status, clock.late) == (ClockStatus.BREACHED, timedelta(minutes=30))


def test_clocks_and_their_stories_are_data_too(play) -> None:
    p = play(a_desk(sla=8 * HOUR, policy=PolicySettings(hours=WORK), targets=ALL))
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("24h30m")
    found = as_json(p.desk.conversation(chat.id))
    assert found["clocks"][0]["late"] == 30 * MINUTE
    assert found["response_target"] == {"cue": "ok", "remaining_seconds": None, "due": None}
    (first, last) = as_json(p.desk.explain(chat.id))["dues"]
    assert (first["allowed"], last["allowed"]) == (8 * HOUR, 2 * HOUR)
    for kind in (ConversationView, Story):
        assert "timedelta" not in repr(json_schema(kind))


@pytest.mark.req("S5", "P11")
def test_a_snooze_pauses_the_resolution_and_not_an_answer_that_is_awaited(play) -> None:
    p = play(a_desk(targets=SlaTargets(resolution=2 * HOUR)))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.advance("5m")
    snooze(p, chat.id, 5 * HOUR)
    asleep = p.desk.conversation(chat.id)
    assert asleep.due == MONDAY + timedelta(minutes=15)
    assert clocks(asleep) == {"first_response": "running", "resolution": "paused"}
    p.advance("5h")
    awake = p.desk.conversation(chat.id)
    assert awake.state is State.ACTIVE
    by_kind = {each.kind: each for each in awake.clocks}
    assert by_kind[DeadlineKind.FIRST_RESPONSE].status is ClockStatus.BREACHED
    assert by_kind[DeadlineKind.RESOLUTION].due == MONDAY + timedelta(hours=7)
    p.advance("3h")
    assert dues(p) == [("SlaBreached", "first_response", 15), ("SlaBreached", "resolution", 420)]
    assert_folds(p)


# --- another configuration ------------------------------------------------------------------------


@pytest.mark.req("P11", "S4")
def test_a_new_policy_counts_anew_from_the_beginning_also_what_was_paused_before(play) -> None:
    p = play(a_desk())
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    snooze(p, chat.id, HOUR)
    p.advance("1h")
    p.desk.apply(a_desk(targets=ALL))
    p.desk.tick()
    view = p.desk.conversation(chat.id)
    (clock,) = [each for each in view.clocks if each.kind is DeadlineKind.RESOLUTION]
    assert clock.due == MONDAY + timedelta(hours=3)
    assert p.desk.next_due() == MONDAY + timedelta(hours=2, minutes=55)
    p.desk.apply(a_desk())
    p.desk.tick()
    assert p.desk.conversation(chat.id).due is None
    assert p.desk.next_due() is None
    assert_folds(p)


@pytest.mark.req("S4")
def test_what_a_longer_target_saves_is_not_told_as_breached_by_a_late_tick(play) -> None:
    p = play(a_desk())
    for number in range(130):  # more than the job takes in one batch
        p.contact(f"N{number}").writes("Hello")
    p.clock.advance("10m")
    p.desk.apply(a_desk(sla=HOUR))
    p.clock.advance("10m")
    p.desk.tick()
    assert dues(p) == []
    p.advance("1h")
    assert dues(p) == [("SlaBreached", "first_response", 60)] * 130


@pytest.mark.req("S2", "S4")
def test_what_an_outage_after_a_new_version_delayed_is_told_for_its_own_instant(play) -> None:
    logs = []
    for late in (False, True):
        silence = PolicySettings(inactivity=Inactivity(after=30 * MINUTE))
        p = play(a_desk(policy=silence, sla=HOUR, targets=SlaTargets(resolution=10 * HOUR)))
        p.agent("ana").on()
        idle = p.contact("Maria").writes("Hello")
        p.agent("ana").replies(idle, "Hi")
        waits = p.contact("Otto").writes("Hello")
        shorter = SlaTargets(resolution=50 * MINUTE, warn_before=5 * MINUTE)
        p.desk.apply(a_desk(policy=silence, sla=45 * MINUTE, targets=shorter))
        for _ in range(120):
            p.advance("1m") if not late else p.clock.advance("1m")
        p.desk.tick()
        p.desk.tick()
        events = told(p, tell.ConversationEvent)
        logs.append([[repr(e) for e in events if e.conversation == c.id] for c in (idle, waits)])
        assert dues(p) == [  # Maria's resolution was paused before it ran out
            ("SlaWarned", "first_response", 40),
            ("SlaWarned", "resolution", 45),
            ("SlaBreached", "first_response", 45),
            ("SlaBreached", "resolution", 50),
        ]
        assert_folds(p)
    assert logs[0] == logs[1]


@pytest.mark.req("S3", "P11")
def test_a_queue_with_other_hours_counts_anew_at_once(play) -> None:
    queues = ("Deutsch", "English")
    config = a_config(agents={"ana": ("general/**",)}, queues=queues, zone="UTC")
    inbox = evolve(
        config.inboxes["general"],
        sla=10 * HOUR,
        at={"Deutsch": PolicySettings(hours=WORK)},
    )
    p = play(evolve(config, inboxes={"general": inbox}, preset="claim"))
    p.agent("ana").on()
    maria = p.contact("Maria")
    assert maria.writes("Hello").due == MONDAY + timedelta(hours=10)
    assert maria.writes("1").due == MONDAY + timedelta(days=1, hours=2)
    assert_folds(p)


# --- by entry point -------------------------------------------------------------------------------


@pytest.mark.req("G13", "G14")
def test_an_overrides_targets_lie_over_those_of_the_inbox_it_leads_to(play) -> None:
    targets = SlaTargets(next=HOUR, resolution=DAY)
    config = a_desk(targets=targets)
    points = {
        **config.entry_points,
        "gold": EntryPointConfig(
            channel="chat",
            address="gold",
            override=Override(sla=MINUTE, targets=SlaTargets(next=5 * MINUTE)),
        ),
    }
    p = play(evolve(config, entry_points=points))
    p.agent("ana").on()
    found = {}
    for name in ("main", "gold"):
        maria = p.contact("Maria", on=name)
        chat = maria.writes("Hello")
        first = {each.kind: each.due for each in chat.clocks}
        p.agent("ana").replies(chat, "Hi")
        again = maria.writes("More")
        found[name] = [
            first[DeadlineKind.FIRST_RESPONSE] - MONDAY,
            again.due - MONDAY,
            first[DeadlineKind.RESOLUTION] - MONDAY,
        ]
    minutes = {name: [each.total_seconds() / 60 for each in row] for name, row in found.items()}
    assert minutes == {"main": [15, 60, 1440], "gold": [1, 5, 1440]}


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.req("P11")
def test_overdue_and_at_risk_are_listed_by_due_page_by_page(play) -> None:
    p = play(a_desk())
    chats = []
    for number in range(7):
        chats.append(p.contact(f"N{number}").writes("Hello").id)
        p.clock.advance("1m")
    now = MONDAY + timedelta(minutes=17)  # the third is due now, and so in time (G20)
    assert [each.id for each in p.desk.overdue(now=now)] == chats[:2]
    assert all(each.overdue for each in p.desk.overdue(now=now))
    assert [each.id for each in p.desk.at_risk("2m", now=now)] == chats[2:5]
    pages, cursor = [], None
    while True:
        page = p.desk.at_risk(timedelta(minutes=3), limit=2, after=cursor, now=now)
        pages.append([each.id for each in page])
        cursor = page.next
        if cursor is None:
            break
    assert pages == [chats[2:4], chats[4:6]]
    first = p.desk.overdue(now=now, limit=1)
    assert [each.id for each in p.desk.overdue(now=now, limit=1, after=first.next)] == [chats[1]]
    assert [each.id for each in p.desk.overdue(inbox="general", now=now)] == chats[:2]
    assert not list(p.desk.overdue(agent="ana", now=now))
    p.desk.end(chats[0], by="ana", now=now)
    assert [each.id for each in p.desk.overdue(now=now)] == chats[1:2]
    with pytest.raises(UsageError, match="within"):
        p.desk.at_risk("soon")


# --- the agent's response target ------------------------------------------------------------------

TARGET = PolicySettings(response_target=MINUTE)


def cue(p: Play, conversation: str, seconds: float) -> tuple[Cue, float | None]:
    view = p.desk.conversation(conversation, now=MONDAY + timedelta(seconds=seconds))
    return view.response_target.cue, view.response_target.remaining_seconds


@pytest.mark.req("U68", "M7")
def test_a_response_target_is_exceeded_once_per_wait_and_ends_nothing(play) -> None:
    p = play(a_desk(policy=TARGET, preset="push"))
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    assert cue(p, chat.id, 0) == (Cue.OK, None), "nobody holds it yet"
    p.advance("30s")
    p.agent("ana").on()
    assert cue(p, chat.id, 31) == (Cue.DUE, 59)
    assert cue(p, chat.id, 90) == (Cue.EXCEEDED, 0)
    p.advance("2m")
    maria.writes("Are you there?")
    p.advance("2m")
    (event,) = told(p, tell.ResponseTargetExceeded)
    assert (event.agent, event.queue) == ("ana", "general")
    assert event.at == event.respond_by == NOW + 90_000_000
    assert p.desk.conversation(chat.id).state is State.ACTIVE
    p.agent("ana").replies(chat, "Hi")
    assert cue(p, chat.id, 300) == (Cue.OK, None)
    p.advance("1h")
    assert len(told(p, tell.ResponseTargetExceeded)) == 1
    maria.writes("Thanks, one more thing")
    p.advance("1h")
    assert len(told(p, tell.ResponseTargetExceeded)) == 2
    assert_folds(p)


@pytest.mark.req("U68", "M7")
@pytest.mark.parametrize("late,exceeded", [(0, 0), (1, 1)])
def test_an_answer_at_the_targets_very_instant_is_in_time(play, late: int, exceeded: int) -> None:
    p = play(a_desk(policy=TARGET, preset="push"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana", now=MONDAY + timedelta(seconds=60, microseconds=late))
    p.advance("1h")
    assert len(told(p, tell.ResponseTargetExceeded)) == exceeded


@pytest.mark.req("M7")
def test_a_target_needs_a_contact_who_waits(play) -> None:
    overtake = PolicySettings(response_target=MINUTE, overtake=Overtake.CONFIRM)
    p = play(
        a_desk(policy=overtake, preset="claim", agents={"ana": ("general",), "bob": ("general",)})
    )
    p.agent("ana").on()
    p.agent("bob").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.agent("bob").takes(chat, confirm=True)
    assert cue(p, chat.id, 0) == (Cue.OK, None)
    maria.writes("And?")
    p.clock.advance("30s")
    p.agent("ana").takes(chat, confirm=True)
    assert cue(p, chat.id, 30) == (Cue.DUE, 60), "it is the time of who holds it now"
    assert_folds(p)


@pytest.mark.req("M7", "U68")
def test_nobodys_target_runs_in_a_queue_also_after_a_reopening(play) -> None:
    policy = PolicySettings(response_target=MINUTE, after_end=AfterEnd(AfterEndTo.QUEUE))
    p = play(a_desk(policy=policy, preset="push", targets=SlaTargets(next=HOUR)))
    p.agent("ana").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.desk.end(chat.id, by="ana")
    p.agent("ana").off()
    assert maria.writes("Again").state is State.QUEUED
    assert cue(p, chat.id, 0) == (Cue.OK, None)
    p.advance("10m")
    assert told(p, tell.ResponseTargetExceeded) == []
    p.agent("ana").on()
    assert cue(p, chat.id, 600) == (Cue.DUE, 60)


@pytest.mark.req("S5", "U68")
def test_a_snooze_stops_the_response_target(play) -> None:
    p = play(a_desk(policy=TARGET, preset="push"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    snooze(p, chat.id, 10 * MINUTE)
    p.advance("9m")
    assert told(p, tell.ResponseTargetExceeded) == []
    p.advance("1m")
    assert cue(p, chat.id, 600) == (Cue.DUE, 60), "it counts from the new assignment"
    assert_folds(p)


@pytest.mark.req("S2", "M7")
def test_an_outage_does_not_use_up_the_time_that_an_agent_has_to_answer(play) -> None:
    p = play(a_desk(policy=TARGET, preset="push"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    snooze(p, chat.id, 10 * MINUTE)
    p.clock.advance("1h")  # nobody ticks; it would have woken at ten past
    p.desk.tick()
    assert cue(p, chat.id, 3600) == (Cue.DUE, 60)
    assert_folds(p)


# --- service level --------------------------------------------------------------------------------


@pytest.mark.req("U19", "U20", "M8")
def test_a_service_level_counts_the_waits_that_ended_in_a_period_by_queue(play) -> None:
    level = ServiceLevel(20 * 1_000_000)
    config = a_config(
        agents={"ana": ("general/A",), "bob": ("general/B",)},
        queues=("A", "B"),
        preset="claim",
        policy=PolicySettings(service_level=level),
    )
    inbox = evolve(
        config.inboxes["general"],
        at={"B": PolicySettings(service_level=ServiceLevel(60 * 1_000_000))},
    )
    points = {
        name: EntryPointConfig(channel="chat", address=name, queue=f"general/{name}")
        for name in ("A", "B")
    }
    p = play(evolve(config, inboxes={"general": inbox}, entry_points=points))
    p.agent("ana").on()
    p.agent("bob").on()
    assert p.desk.service_level().share is None, "no data is no number"
    chats = [p.contact(f"A{n}", on="A").writes("Hello") for n in range(4)]
    other = p.contact("Otto", on="B").writes("Hello")
    p.clock.advance("20s")
    p.desk.take(chats[0].id, by="ana")  # exactly at the target: in time
    p.clock.advance("1s")
    p.desk.take(chats[1].id, by="ana")
    p.desk.take(other.id, by="bob")
    found = p.desk.service_level(queue="general/A")
    assert (found.answered, found.answered_in_target, found.share) == (2, 1, 0.5)
    assert p.desk.service_level(queue="general/B").share == 1.0
    assert p.desk.service_level(inbox="general").share == 2 / 3
    assert p.desk.service_level(inbox="vip").share is None
    middle = MONDAY + timedelta(seconds=20)
    assert p.desk.service_level(queue="general/A", since=middle).answered_in_target == 0
    assert p.desk.service_level(queue="general/A", until=middle).share == 1.0
    assert p.desk.service_level(now=MONDAY + timedelta(days=2)).share is None


@pytest.mark.req("U69")
def test_exceeded_targets_are_counted_by_agent_queue_and_period(play) -> None:
    config = a_config(
        agents={"ana": ("general/A",), "bob": ("general/B",)},
        queues=("A", "B"),
        preset="push",
        policy=TARGET,
    )
    points = {
        name: EntryPointConfig(channel="chat", address=name, queue=f"general/{name}")
        for name in ("A", "B")
    }
    p = play(evolve(config, entry_points=points))
    p.agent("ana").on()
    p.agent("bob").on()
    p.contact("Maria", on="A").writes("Hello")
    p.advance("2m")
    p.contact("Nora", on="A").writes("Hello")
    p.contact("Otto", on="B").writes("Hello")
    p.advance("2m")
    assert p.desk.response_breaches() == {"ana": 2, "bob": 1}
    assert p.desk.response_breaches("queue") == {"general/A": 2, "general/B": 1}
    first = MONDAY + timedelta(minutes=1)
    assert p.desk.response_breaches(until=first) == {"ana": 1}
    assert p.desk.response_breaches(since=first) == {"ana": 1, "bob": 1}
    with pytest.raises(UsageError, match="count by"):
        p.desk.response_breaches("inbox")


@pytest.mark.req("U20")
def test_a_wait_that_began_long_before_the_period_is_found_in_a_long_log(play) -> None:
    policy = PolicySettings(service_level=ServiceLevel(HOUR))
    p = play(a_desk(preset="claim", policy=policy))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    for number in range(600):
        p.contact("Otto").writes(f"{number}")
    p.clock.advance("30m")
    p.desk.take(chat.id, by="ana")
    found = p.desk.service_level(since=MONDAY + timedelta(minutes=10))
    assert (found.answered, found.share) == (1, 1.0)


# --- explained ------------------------------------------------------------------------------------


def test_a_due_instant_is_explained_by_what_was_counted_and_what_was_not(play) -> None:
    targets = SlaTargets(resolution=10 * HOUR)
    p = play(a_desk(policy=PolicySettings(hours=WORK), targets=targets))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.advance("1h")
    snooze(p, chat.id, HOUR)
    p.advance("1h")
    (due,) = p.desk.explain(chat.id).dues

    def at(hours: float) -> Any:
        return MONDAY + timedelta(hours=hours)

    def spans(found: Any) -> list[tuple[Any, Any]]:
        return [(each.since, each.until) for each in found]

    assert (due.clock, due.source, due.hours_source) == (
        DeadlineKind.RESOLUTION,
        "inbox general",
        "desk",
    )
    assert due.due == at(27)
    assert spans(due.counted) == [(at(0), at(1)), (at(2), at(8)), (at(24), at(27))]
    assert spans(due.skipped) == [(at(8), at(24))]
    assert spans(due.pauses) == [(at(1), at(2))]
    assert sum((b - a for a, b in spans(due.counted)), timedelta()) == due.allowed
    text = p.desk.explain(chat.id).as_text()
    assert "resolution due 2026-03-03 12:00:00: 10h of open time from 2026-03-02 09:00:00" in text
    assert "  paused 2026-03-02 10:00:00 to 2026-03-02 11:00:00" in text
    p.advance("1h")
    snooze(p, chat.id, HOUR)
    (paused,) = p.desk.explain(chat.id).dues
    assert paused.due is None
    assert spans(paused.counted) == [(at(0), at(1)), (at(2), at(3))], "until the pause began"


def test_a_long_story_of_a_due_instant_is_cut_and_says_so(play) -> None:
    targets = SlaTargets(resolution=200 * HOUR)
    p = play(a_desk(policy=PolicySettings(hours=WORK), targets=targets))
    chat = p.contact("Maria").writes("Hello")
    due = p.desk.explain(chat.id).dues[-1]
    assert (len(due.counted), len(due.skipped), due.more) == (12, 12, True)


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("asked", ["service_level", "response_breaches"])
def test_a_period_of_no_instants_is_refused_by_name(play, asked: str, name: str) -> None:
    desk = play(a_config(preset="push")).desk
    for wrong in ("x", 5, datetime(2026, 3, 2)):  # noqa: DTZ001
        with pytest.raises(UsageError) as raised:
            getattr(desk, asked)(**{name: wrong})
        assert raised.value.where == name or isinstance(raised.value, NaiveDatetime)
