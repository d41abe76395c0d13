"""What settings contradict together is found when they are configured, at the nearer of the two."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.test_config_rules import a_desk, said, with_at


def inactivity(after: Any, **more: Any) -> dict[str, Any]:
    return {"inactivity": {"after": after, **more}}


@pytest.mark.req("U33")
@pytest.mark.parametrize("minutes", [29, 30])
def test_a_silence_may_be_as_long_as_the_chat_timeout(minutes):
    assert said(a_desk(policy={"chat_timeout": 30, **inactivity(minutes)})) == []


@pytest.mark.req("U33")
def test_a_silence_that_is_longer_than_the_chat_timeout_is_refused():
    assert said(a_desk(policy={"chat_timeout": 30, **inactivity(31)})) == [
        (
            "policy.inactivity: inactivity of 31m is longer than the chat timeout of 30m "
            "(policy.chat_timeout)"
        )
    ]


@pytest.mark.req("U34")
def test_the_notice_belongs_to_the_silence_where_it_follows_the_threshold():
    assert said(a_desk(policy={"chat_timeout": 30, **inactivity(20, notice=10)})) == []
    assert said(a_desk(policy={"chat_timeout": 30, **inactivity(21, notice=10)})) == [
        (
            "policy.inactivity: inactivity of 21m with 10m of notice is longer than the chat timeout "
            "of 30m (policy.chat_timeout)"
        )
    ]
    before = inactivity(30, notice=10, notice_side="before")
    assert said(a_desk(policy={"chat_timeout": 30, **before})) == []
    assert said(a_desk(policy=inactivity(5, notice=10, notice_side="before"))) == [
        (
            "policy.inactivity.notice: the warning would go out before the silence begins: "
            "10m before 5m"
        )
    ]


@pytest.mark.req("U33")
def test_timers_that_meet_only_by_inheritance_are_told_at_the_nearer_one():
    document = with_at("Deutsch/Technik", chat_timeout=20)
    document["policy"] = inactivity("30m")
    assert said(document) == [
        (
            'inboxes.general.at."Deutsch/Technik".chat_timeout: chat timeout of 20m is shorter than '
            "the inactivity of 30m (policy.inactivity)"
        )
    ]
    channel = a_desk(channels={"chat": {"policy": {"chat_timeout": 10}}})
    channel["inboxes"]["general"]["policy"] = inactivity(15)
    assert said(channel) == [
        (
            "inboxes.general.policy.inactivity: inactivity of 15m is longer than the chat timeout of "
            "10m (channels.chat.policy.chat_timeout)"
        )
    ]


@pytest.mark.req("U33")
def test_a_presets_own_timer_is_inherited_too():
    assert said(a_desk(preset="social_queue", policy=inactivity("2d"))) == [
        (
            "policy.inactivity: inactivity of 2d is longer than the chat timeout of 1d "
            "(preset.chat_timeout)"
        )
    ]
    assert said(a_desk(preset="social_queue", policy=inactivity("1d"))) == []


@pytest.mark.req("U33", "U79")
def test_what_is_switched_off_contradicts_nothing_until_it_is_on_again():
    document = with_at("Deutsch/Technik", chat_timeout=20)
    document["policy"] = inactivity("30m", then="manual") | {"enabled": {"inactivity": False}}
    assert said(document) == []
    document["inboxes"]["general"]["at"]["Deutsch/Technik"]["enabled"] = {"inactivity": True}
    assert len(said(document)) == 1
    alone = with_at("English", enabled={"inactivity": True})
    alone["policy"] = document["policy"] | {"chat_timeout": 20}
    assert len(said(alone)) == 1


@pytest.mark.req("U30")
@pytest.mark.parametrize(
    "setting,said_so",
    [
        ("chat_timeout", "chat timeout"),
        ("unanswered_expiration", "unanswered expiration"),
        ("after_hours_expiration", "after-hours expiration"),
        ("selecting_expiration", "selecting expiration"),
    ],
)
def test_nothing_ends_later_than_by_the_hard_expiry(setting, said_so):
    assert said(a_desk(policy={"hard_expiry": "1d", setting: "1d"})) == []
    assert said(a_desk(policy={"hard_expiry": "1d", setting: 1441})) == [
        (
            f"policy.{setting}: {said_so} of 1d1m is longer than the hard expiry of 1d "
            "(policy.hard_expiry)"
        )
    ]


def test_a_dismissal_comes_before_the_hard_expiry_also_without_a_timeout():
    policy = {"hard_expiry": "1d", **inactivity("1d", notice=1)}
    (problem,) = said(a_desk(policy=policy))
    assert problem.startswith(
        "policy.inactivity: inactivity of 1d with 1m of notice is longer than"
    )


def test_a_dismissal_comes_before_keep_alive_has_ended_the_conversation():
    alive = {"after": "5m", "text": "There?", "end_after": "5m", "end_text": "Bye."}
    assert said(a_desk(policy={"keep_alive": alive, **inactivity(10)})) == []
    assert said(a_desk(preset="keep_alive", policy=inactivity(21))) == [
        (
            "policy.inactivity: inactivity of 21m is longer than the keep-alive of 20m in all "
            "(preset.keep_alive)"
        )
    ]


@pytest.mark.parametrize("name", ["overflow_after", "open_after", "sticky_wait"])
def test_what_is_to_happen_in_a_wait_happens_before_it_expires(name):
    policy = {"unanswered_expiration": 30, "assign": {name: "30m"}}
    assert said(a_desk(policy=policy)) == []
    policy["assign"] = {name: "31m"}
    assert said(a_desk(policy=policy)) == [
        (
            f"policy.assign.{name}: {name} of 31m is longer than the unanswered expiration of 30m "
            "(policy.unanswered_expiration)"
        )
    ]


def test_with_hours_a_wait_may_last_as_long_as_the_longer_expiration():
    policy = {"unanswered_expiration": 30, "assign": {"overflow_after": "1h"}}
    document = a_desk(policy=policy, hours={"mon-fri": "09:00-17:00"})
    assert said(document) == []  # outside hours nothing expires
    policy["after_hours_expiration"] = 40
    (problem,) = said(document)
    assert "longer than the after-hours expiration of 40m" in problem
    policy["expiration_hours"] = "current"  # a closing or an opening may lie in between
    assert said(document) == []
    del policy["expiration_hours"]
    policy["after_hours_expiration"] = 90
    assert said(document) == []


@pytest.mark.req("S5")
def test_a_snooze_that_would_always_end_past_the_hard_expiry_is_refused():
    assert said(a_desk(policy={"hard_expiry": "1d", "snooze_grace": "1d"})) == []
    assert said(a_desk(policy={"hard_expiry": "1d", "snooze_grace": "25h"})) == [
        (
            "policy.snooze_grace: snooze_grace of 1d1h is longer than the hard expiry of 1d "
            "(policy.hard_expiry)"
        )
    ]


@pytest.mark.req("U37")
def test_dismissal_by_hand_is_open_to_agents():
    assert said(a_desk(policy=inactivity(5, then="manual"))) == []
    assert said(a_desk(preset="push", policy=inactivity(5))) == []
    text = (
        'inactivity with then = "manual" leaves the dismissal to agents, and closed has "dismiss"'
    )
    manual = inactivity(5, then="manual")
    assert said(a_desk(preset="push", policy=manual)) == [
        f"policy.inactivity: {text} (preset.closed)"
    ]
    assert said(a_desk(preset="push", policy=manual | {"closed": []})) == []
    document = with_at("English", closed=["dismiss"])
    document["policy"] = manual
    assert said(document) == [f"inboxes.general.at.English.closed: {text} (policy.inactivity)"]


def test_a_grace_is_set_where_somebody_may_snooze():
    assert said(a_desk(preset="social_queue", policy={"snooze_grace": "5m"})) == [
        "policy.snooze_grace: snooze_grace has no effect where snooze is closed (preset.closed)"
    ]
    further_in = with_at("English", closed=["snooze"])
    further_in["policy"] = {"snooze_grace": "5m"}
    assert said(further_in) == []


def test_what_comes_after_the_end_has_a_window_only_where_it_has_an_effect():
    assert said(a_desk(policy={"after_end": {"to": "queue", "within": "1h"}})) == []
    (problem,) = said(a_desk(policy={"after_end": {"to": "new", "within": "1h"}}))
    assert problem.startswith('policy.after_end.within: has no effect with to = "new"')


@pytest.mark.req("M13")
def test_the_last_queue_of_transfers_is_one_and_can_be_reached():
    last = {"maximum": 2, "final": "general/English"}
    assert said(a_desk(policy={"transfer": last})) == []
    assert said(a_desk(policy={"transfer": {"final": "general/English"}})) == [
        "policy.transfer.final: has no effect without maximum"
    ]
    assert said(a_desk(policy={"transfer": last | {"queue": "none"}})) == [
        'policy.transfer.final: is never reached with queue = "none"'
    ]
    (branch,) = said(a_desk(policy={"transfer": last | {"final": "general/Deutsch"}}))
    assert branch.startswith('policy.transfer.final: "general/Deutsch" is a branch')
    (unknown,) = said(a_desk(policy={"transfer": last | {"final": "general/Englisch"}}))
    assert 'did you mean "general/English"' in unknown


@pytest.mark.req("R9")
def test_hours_whose_only_opening_the_clock_skips_never_open():
    skipped = {"dates": {"2026-03-29": "02:30-03:15"}}
    assert said(a_desk(zone="Europe/Berlin", hours=skipped)) == [
        "policy.hours: never opens: Europe/Berlin has none of it, as clocks go forward"
    ]
    assert said(a_desk(zone="UTC", hours=skipped)) == []
    assert said(a_desk(zone="UTC", hours=skipped | {"zone": "Europe/Berlin"})) != []
    assert said(a_desk(zone="Europe/Berlin", hours={"dates": {"03-29": "02:30-03:15"}})) == []
    twice = {"dates": skipped["dates"] | {"2026-03-30": "02:30-03:15"}}
    assert said(a_desk(zone="Europe/Berlin", hours=twice)) == []
    day = {"dates": {"2011-12-30": "09:00-17:00"}, "zone": "Pacific/Apia"}
    assert said(a_desk(hours=day)) != []  # a day that Samoa did not have
