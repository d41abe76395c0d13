"""Each timer: where it runs, what it counts from, when it fires, and what stops it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import NotHolder, TransitionNotAllowed, UsageError
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import DeadlineKind
from omniroute.model.policy import (
    Assignment,
    ExpirationHours,
    Inactivity,
    InactivityAnchor,
    InactivityThen,
    KeepAlive,
    NoticeSide,
    Overtake,
    Policy,
)
from omniroute.model.state import EndReason, State
from omniroute.rules.lifecycle import decide
from omniroute.rules.timers import timing
from omniroute.testing import NOW, a_conversation
from tests.unit.rules.life import Daily, Life, minutes

WEEK = minutes(10080)


def silence(after: float = 10, notice: float = 0, **more: Any) -> Inactivity:
    return Inactivity(after=minutes(after), notice=minutes(notice), **more)


def alive(after: float = 10, end_after: float = 5) -> KeepAlive:
    return KeepAlive(
        after=minutes(after), text="Still there?", end_after=minutes(end_after), end_text="Bye."
    )


MANUAL = silence(then=InactivityThen.MANUAL)

# --- the queue and the menu -----------------------------------------------------------------------


@pytest.mark.req("U25", "U43")
def test_a_wait_expires_at_its_instant_and_not_before() -> None:
    life = Life(unanswered_expiration=minutes(30))
    assert life.armed == [(30, "queue_expiration")]
    life.until(29.9999)
    assert life.where == "queued"
    life.until(30)
    assert life.story[-1] == (30, "ended: expired_in_queue")
    assert life.state.timers == ()


@pytest.mark.req("U26", "U27", "U28")
@pytest.mark.parametrize("opens,fires", [(0, 30), (10, 90)])
def test_the_hours_at_entry_choose_how_long_one_may_wait(opens: int, fires: float) -> None:
    life = Life(
        hours=Daily(opens, 59),
        unanswered_expiration=minutes(30),
        after_hours_expiration=minutes(90),
    )
    assert life.armed == [(fires, "queue_expiration")]


@pytest.mark.req("U28")
def test_the_current_hours_choose_where_policy_says_so() -> None:
    settings: dict[str, Any] = {
        "unanswered_expiration": minutes(30),
        "after_hours_expiration": minutes(90),
        "expiration_hours": ExpirationHours.CURRENT,
    }
    # Closed at entry, open from minute 10: thirty minutes' wait is over while it is open.
    assert Life(hours=Daily(10, 59), **settings).armed == [(30, "queue_expiration")]
    # Open for ten minutes of each hour: at minute 30 it is closed, at 60 open again.
    assert Life(hours=Daily(0, 10), **settings).armed == [(60, "queue_expiration")]
    only = {**settings, "unanswered_expiration": None}
    assert Life(hours=Daily(0, 40), **only).armed == [(100, "queue_expiration")]


def test_what_has_no_value_for_these_hours_does_not_expire() -> None:
    assert Life(hours=Daily(0, 10), after_hours_expiration=minutes(5)).armed == []
    assert Life(after_hours_expiration=minutes(5)).armed == []


@pytest.mark.req("S14")
def test_messages_in_the_queue_do_not_begin_the_wait_anew_but_a_return_does() -> None:
    life = Life(unanswered_expiration=minutes(30)).writes(20)
    assert life.armed == [(30, "queue_expiration")]
    life.held(25).does(40, ask.Enqueue("general", by="ana", reason="given back"))
    assert life.armed == [(70, "queue_expiration")]


@pytest.mark.req("U31", "U54")
def test_the_menu_expires_and_an_invalid_answer_does_not_reset_it() -> None:
    life = Life(queue=None, selecting_expiration=minutes(15))
    life.writes(10).does(11, ask.Browse(("Deutsch",)), ask.Deliver("m"))
    assert life.armed == [(15, "selecting_expiration")]
    life.until(15)
    assert life.story[-1] == (15, "ended: expired_selecting")
    assert life.state.extras.ending is not None
    assert life.state.extras.ending.comment == "Chat session ended due to expiration in queue"


@pytest.mark.req("R5")
def test_leaving_the_menu_leaves_its_deadline_behind() -> None:
    life = Life(queue=None, selecting_expiration=minutes(15)).does(14, ask.Enqueue("general"))
    assert life.armed == []
    assert life.until(100).where == "queued"


# --- timeouts -------------------------------------------------------------------------------------


@pytest.mark.req("U29")
def test_a_chat_times_out_that_long_after_the_last_message_of_either_side() -> None:
    life = Life(chat_timeout=minutes(60)).held(1, 2)
    assert life.armed == [(62, "chat_timeout")]
    life.writes(30).does(50, ask.Reply("ana", "m")).does(55, ask.Note("ana", "m"), ask.Deliver("m"))
    assert life.armed == [(110, "chat_timeout")]
    assert life.until(200).story[-1] == (110, "ended: timeout")


@pytest.mark.req("U30")
def test_hard_expiry_ends_any_inactive_chat_and_says_why() -> None:
    life = Life(hard_expiry=WEEK).held().until(10082)
    assert life.story[-1] == (10082, "ended: timeout")
    ending = life.state.extras.ending
    assert ending is not None
    assert (ending.detail, ending.comment) == (
        "COMPLIANCE_7D",
        "Chat session ended due to timeout",
    )


@pytest.mark.req("U41")
def test_a_dismissed_chat_still_times_out() -> None:
    life = Life(inactivity=silence(10), chat_timeout=minutes(60), hard_expiry=WEEK).held()
    life.until(12)
    assert life.armed == [(62, "chat_timeout"), (10082, "hard_expiry")]
    assert life.until(62).story[-1] == (62, "ended: timeout")


@pytest.mark.req("A20")
def test_without_timers_nothing_ever_ends_by_itself() -> None:
    life = Life().held().until(10**7)
    assert life.where == "active"
    assert life.state.timers == ()


# --- inactivity and dismissal ---------------------------------------------------------------------


@pytest.mark.req("U32", "U34", "U38")
def test_silence_is_told_warned_of_and_then_dismissed() -> None:
    life = Life(inactivity=silence(10, notice=2)).held().until(100)
    assert life.story[2:] == [(12, "inactive"), (14, "dismissed")]
    assert (life.state.agent, life.state.queue) == (None, "general")
    assert life.state.extras.previous_agent == "ana"
    dismissed = life.events[-1]
    assert isinstance(dismissed, tell.Dismissed)
    assert dismissed.released == "ana"


@pytest.mark.req("U34")
def test_the_notice_may_lie_before_the_threshold_and_none_dismisses_at_once() -> None:
    before = Life(inactivity=silence(10, notice=2, notice_side=NoticeSide.BEFORE)).held()
    assert before.until(100).story[2:] == [(10, "inactive"), (12, "dismissed")]
    both = Life(inactivity=silence(10)).held().until(100, late=90)
    assert both.story[2:] == [(12, "inactive"), (12, "dismissed")]


@pytest.mark.req("U35")
def test_it_counts_from_the_agents_last_answer_and_never_while_the_contact_waits() -> None:
    life = Life(inactivity=silence(10)).held(1, None)
    assert life.armed == []
    life.does(2, ask.Reply("ana", "m")).does(8, ask.Reply("ana", "m"))
    assert life.armed == [(18, "inactivity")]
    life.writes(9)
    assert life.armed == []


@pytest.mark.req("U35")
def test_it_counts_from_the_contacts_last_message_where_policy_says_so() -> None:
    life = Life(inactivity=silence(10, anchor=InactivityAnchor.CONTACT)).held(1, 2).writes(5)
    assert life.armed == [(15, "inactivity")]
    assert life.does(8, ask.Reply("ana", "m")).armed == [(15, "inactivity")]


@pytest.mark.req("U36")
def test_any_word_of_the_contact_cancels_the_dismissal() -> None:
    life = Life(inactivity=silence(10, notice=5)).held().writes(13)
    assert life.story[2:] == [(12, "inactive"), (13, "active")]
    assert life.armed == []
    assert life.does(14, ask.Reply("ana", "m")).armed == [(24, "inactivity")]


@pytest.mark.req("U37")
def test_by_hand_it_is_dismissed_only_once_inactive_and_by_its_holder() -> None:
    life = Life(inactivity=MANUAL).held()
    with pytest.raises(TransitionNotAllowed, match="state inactive"):
        life.does(11, ask.Dismiss("ana"))
    life.until(500)
    assert life.story[2:] == [(12, "inactive")]
    with pytest.raises(NotHolder, match="ana"):
        life.does(501, ask.Dismiss("bob"))
    assert life.does(502, ask.Dismiss("ana")).story[-1] == (502, "dismissed")


@pytest.mark.req("U39", "U40")
def test_a_dismissed_chat_waits_again_when_the_contact_writes() -> None:
    life = Life(inactivity=silence(10), unanswered_expiration=minutes(30)).held()
    assert life.until(500).armed == [], "parked, it waits for nobody and does not expire"
    life.writes(600)
    assert life.story[-1] == (600, "queued")
    assert life.state.queue == "general"
    assert life.armed == [(630, "queue_expiration")]


@pytest.mark.req("M6")
def test_a_dismissal_needs_a_message_from_each_side() -> None:
    by_contact = silence(10, anchor=InactivityAnchor.CONTACT)
    assert Life(inactivity=by_contact).held(1, None).until(500).where == "active"


@pytest.mark.req("M6")
def test_after_a_return_the_contact_writes_once_before_the_next_dismissal() -> None:
    life = Life(inactivity=silence(10)).held().writes(20)
    life.does(21, ask.Assign("bob"), ask.Reply("bob", "m"))
    assert life.armed == []
    life.writes(30).does(31, ask.Reply("bob", "m"))
    assert life.armed == [(41, "inactivity")]


@pytest.mark.req("M6")
@pytest.mark.parametrize("resumes", [False, True])
def test_outside_hours_it_stays_dismissed_unless_policy_says_otherwise(resumes: bool) -> None:
    life = Life(
        inactivity=silence(10), hours=Daily(0, 30), dismissed_resumes_after_hours=resumes
    ).held()
    life.writes(45)
    assert life.where == ("queued" if resumes else "dismissed")
    assert life.writes(65).where == "queued"


@pytest.mark.req("S6")
def test_where_its_queue_serves_nobody_a_return_leads_to_the_menu() -> None:
    life = Life(inactivity=silence(10), selecting_expiration=minutes(5)).held()
    life.does(20, ask.Receive("m", queue_gone=True))
    assert life.story[-1] == (20, "selecting")
    assert (life.state.queue, life.armed) == (None, [(25, "selecting_expiration")])


@pytest.mark.req("U42", "U79")
def test_switched_off_there_is_neither() -> None:
    life = Life(inactivity=None, chat_timeout=minutes(10**6)).held()
    assert life.armed == [(10**6 + 2, "chat_timeout")]
    assert life.until(10**6).where == "active"


# --- keep-alive -----------------------------------------------------------------------------------


@pytest.mark.req("T10", "T11", "T15")
def test_keep_alive_asks_once_and_ends_that_long_after() -> None:
    life = Life(keep_alive=alive(10, 5)).held().until(100)
    assert life.story[2:] == [(10, "asked"), (15, "ended: keep_alive")]


@pytest.mark.req("T12")
@pytest.mark.parametrize("at", [9, 10, 14, 15])
def test_a_reply_before_the_end_restarts_both_stages(at: int) -> None:
    life = Life(keep_alive=alive(10, 5)).held().writes(at).until(100)
    assert life.story[-2:] == [(at + 10, "asked"), (at + 15, "ended: keep_alive")]


@pytest.mark.req("T13")
def test_an_agents_message_restarts_nothing() -> None:
    life = Life(keep_alive=alive(10, 5)).held(1, 9).does(12, ask.Reply("ana", "m")).until(100)
    assert life.story[2:] == [(10, "asked"), (15, "ended: keep_alive")]
    moved = Life(keep_alive=alive(10, 5)).held(1, 8).does(9, ask.Enqueue("vip", by="ana"))
    assert moved.armed == [(10, "keep_alive")], "not where all is armed anew either"


@pytest.mark.req("T14")
def test_the_two_times_have_no_upper_bound() -> None:
    life = Life(keep_alive=alive(10**6, 10**6)).held().until(10**7)
    assert life.story[-1] == (2 * 10**6, "ended: keep_alive")


@pytest.mark.req("T16", "S4")
def test_edited_values_apply_from_the_next_restart() -> None:
    life = Life(keep_alive=alive(10, 5)).held()
    life.policy = evolve(life.policy, keep_alive=alive(20, 5))
    life.does(5, ask.Reply("ana", "m"), ask.Note("ana", "m"), ask.SetTags("ana", ("a",)))
    assert life.armed == [(10, "keep_alive")]
    assert life.writes(6).armed == [(26, "keep_alive")]


# --- snooze ---------------------------------------------------------------------------------------


def snoozed(at: float, until: float, by: str = "ana") -> tuple[float, ask.Snooze]:
    return at, ask.Snooze(by, NOW + minutes(until), "m")


@pytest.mark.req("A15", "S14", "R5")
def test_a_snoozed_chat_wakes_at_its_time_and_waits_anew() -> None:
    life = Life(unanswered_expiration=minutes(30)).held().does(*snoozed(5, 185))
    assert life.armed == [(185, "wake")]
    assert life.state.agent is None
    life.until(185)
    assert life.story[-2:] == [(5, "snoozed"), (185, "queued")]
    assert life.armed == [(215, "queue_expiration")]


@pytest.mark.req("A15")
def test_a_grace_lets_it_sleep_longer() -> None:
    life = Life(snooze_grace=minutes(60)).held().does(*snoozed(5, 185))
    assert life.until(500).story[-1] == (245, "queued")


@pytest.mark.req("A14", "A19")
def test_a_reply_wakes_it_and_at_its_instant_it_wakes_once() -> None:
    life = Life().held().does(*snoozed(5, 185)).writes(185).until(10**4)
    assert life.story[-1] == (185, "queued")
    assert [name for _, name in life.story].count("queued") == 2
    assert life.armed == []


@pytest.mark.req("A13")
def test_only_the_holder_snoozes() -> None:
    with pytest.raises(NotHolder, match="ana"):
        Life().held().does(*snoozed(5, 185, by="bob"))


@pytest.mark.req("A11")
@pytest.mark.parametrize("until", [4, 5])
def test_nothing_is_snoozed_into_the_past(until: float) -> None:
    with pytest.raises(UsageError, match="cannot be snoozed until then"):
        Life().held().does(*snoozed(5, until))


@pytest.mark.req("S5")
def test_a_snooze_stops_the_other_clocks_and_never_passes_hard_expiry() -> None:
    policy: dict[str, Any] = {
        "chat_timeout": minutes(60),
        "hard_expiry": minutes(1000),
        "inactivity": silence(10),
        "keep_alive": alive(30),
    }
    life = Life(**policy).held()
    with pytest.raises(UsageError, match="expires before that"):
        life.does(*snoozed(5, 1003))
    life.does(*snoozed(5, 500))
    assert life.armed == [(500, "wake"), (1002, "hard_expiry")]


@pytest.mark.req("S5", "R5")
def test_on_wake_every_clock_counts_from_the_wake() -> None:
    life = Life(chat_timeout=minutes(60), inactivity=silence(10), keep_alive=alive(30)).held()
    life.does(*snoozed(5, 500)).until(500)
    assert life.armed == [(530, "keep_alive"), (560, "chat_timeout")]
    assert life.does(501, ask.Assign("bob")).armed[0] == (510, "inactivity")


def test_by_hand_it_wakes_before_its_time() -> None:
    life = Life().held().does(*snoozed(5, 500)).does(20, ask.Wake("bob"))
    assert life.story[-1] == (20, "queued")
    assert life.armed == []


# --- one instant, one policy for another, late polls ----------------------------------------------


@pytest.mark.req("U43")
def test_at_one_instant_the_gravest_counts() -> None:
    everything = {
        DeadlineKind.HARD_EXPIRY: Life(
            hard_expiry=minutes(30), chat_timeout=minutes(30), unanswered_expiration=minutes(30)
        ),
        DeadlineKind.CHAT_TIMEOUT: Life(
            chat_timeout=minutes(30), unanswered_expiration=minutes(30)
        ),
    }
    for kind, life in everything.items():
        assert life.state.timers[0] == (NOW + minutes(30), kind)
        ended = life.until(30).events[-1]
        assert isinstance(ended, tell.Ended)
        assert (ended.detail is not None) is (kind is DeadlineKind.HARD_EXPIRY)
    life = Life(chat_timeout=minutes(10), inactivity=silence(8, notice=2)).held(0, 0)
    assert life.until(10).story[-2:] == [(8, "inactive"), (10, "ended: timeout")]


@pytest.mark.req("U43")
def test_a_message_at_the_deadline_itself_wins() -> None:
    life = Life(unanswered_expiration=minutes(30)).does(30, ask.Assign("ana")).until(500)
    assert life.where == "active"


@pytest.mark.req("S3")
def test_a_transition_computes_every_timer_by_the_new_places_policy() -> None:
    life = Life(chat_timeout=minutes(60)).held()
    life.policy = Policy(chat_timeout=minutes(20), unanswered_expiration=minutes(5))
    life.does(30, ask.Enqueue("vip", by="ana", reason="transfer"))
    assert life.armed == [(22, "chat_timeout"), (35, "queue_expiration")], "one has passed"
    assert life.until(30).story[-1] == (30, "ended: timeout"), "and fires now"


@pytest.mark.req("S4")
def test_what_an_event_does_not_touch_keeps_its_instant() -> None:
    life = Life(unanswered_expiration=minutes(30), chat_timeout=minutes(60))
    life.policy = Policy(unanswered_expiration=minutes(5), chat_timeout=minutes(50))
    life.does(4, ask.Note("ana", "m"), ask.Deliver("m"))
    assert life.armed == [(30, "queue_expiration"), (60, "chat_timeout")]
    assert life.writes(8).armed == [(30, "queue_expiration"), (58, "chat_timeout")]
    life.policy = Policy()
    assert life.does(9, ask.Assign("ana")).armed == []


@pytest.mark.req("S2")
def test_what_a_person_must_be_able_to_react_to_counts_from_the_commit() -> None:
    silent = Life(inactivity=silence(10, notice=2)).held().until(90, late=90)
    assert silent.story[2:] == [(12, "inactive")]
    assert silent.armed == [(92, "dismissal")]
    asked = Life(keep_alive=alive(10, 5)).held().until(90, late=90)
    assert (asked.story[2:], asked.armed) == ([(10, "asked")], [(95, "keep_alive_end")])


@pytest.mark.req("S2")
def test_everything_else_is_told_as_if_the_poll_had_been_punctual() -> None:
    policy: dict[str, Any] = {"inactivity": silence(10), "chat_timeout": minutes(60)}
    punctual, late = Life(**policy).held().until(500), Life(**policy).held().until(500, late=500)
    assert late.events == punctual.events


@pytest.mark.req("R7")
def test_a_deadline_that_was_fired_or_disarmed_comes_to_nothing() -> None:
    life = Life(chat_timeout=minutes(60), inactivity=silence(10, notice=100)).held().until(12)
    for kind in DeadlineKind:
        assert decide(life.state, ask.Expire(kind), life.policy, NOW + minutes(13)).events == ()


@pytest.mark.req("R5")
@pytest.mark.parametrize("state", [each for each in State if each is not State.ENDED])
def test_every_end_stops_every_clock(state: State) -> None:
    policy = Policy(
        hard_expiry=WEEK, chat_timeout=minutes(60), keep_alive=alive(), inactivity=silence()
    )
    ended = decide(a_conversation(state), ask.End("ana"), policy, NOW).state
    assert ended.timers == ()


@pytest.mark.req("R5")
def test_a_takeover_computes_the_silence_anew() -> None:
    life = Life(
        inactivity=silence(10, notice=60),
        assignment=Assignment.CLAIM,
        overtake=Overtake.CONFIRM,
    )
    life.does(1, ask.Reply("ana", "m")).does(20, ask.Take("bob", confirm=True))
    assert life.armed == [(11, "inactivity")]
    assert life.until(20).story[-2:] == [(20, "active"), (20, "inactive")]


@pytest.mark.req("U74")
@pytest.mark.parametrize(
    "reason,comment",
    [
        (EndReason.AGENT, "Chat session ended by the agent"),
        (EndReason.CONSUMER, "Chat session ended by the consumer"),
        (EndReason.TIMEOUT, "Chat session ended due to timeout"),
        (EndReason.KEEP_ALIVE, "Chat session ended due to timeout"),
        (EndReason.EXPIRED_IN_QUEUE, "Chat session ended due to expiration in queue"),
        (EndReason.EXPIRED_SELECTING, "Chat session ended due to expiration in queue"),
        (EndReason.FAILURE, "Chat session ended due to failure"),
    ],
)
def test_each_end_has_its_one_comment(reason: EndReason, comment: str) -> None:
    ended = decide(a_conversation(), ask.End(None, reason), Policy(), NOW).state
    assert ended.extras.ending is not None
    assert ended.extras.ending.comment == comment


def test_what_a_policy_says_of_time_is_compiled_once() -> None:
    policy = Policy(chat_timeout=minutes(60))
    assert timing(policy) is timing(policy) is not None
    assert timing(Policy()) is None
