"""Position and estimated wait in a whole desk: at the face, in messages and in menus."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import omniroute as om
from omniroute.config import load_config
from omniroute.schema import QUEUE_LINES
from tests.unit.desk.helpers import assert_folds, stored
from tests.unit.desk.test_assigning import config, holders, writes

ESTIMATES = {"estimate_over": 3}


def ends(p: Any, *chats: Any) -> None:
    for each in chats:
        p.agent("ana").ends(each)


@pytest.mark.req("P8", "S14")
def test_a_place_in_line_has_a_position_and_an_estimate_once_there_is_data(play) -> None:
    p = play(config({"ana": {}}, assign=ESTIMATES))
    p.agent("ana").on()
    first, second, third, fourth = writes(p, "One", "Two", "Three", "Four")
    seen = p.desk.place_in_line(third.id)
    assert (seen.queue, seen.waiting, seen.position) == ("general/a", 3, 2)
    assert seen.estimated_wait is None, "nobody who had to wait was served yet"
    assert p.desk.place_in_line(first.id) is None, "it does not wait"

    p.advance("4m")
    ends(p, first)
    assert p.desk.place_in_line(third.id).estimated_wait == timedelta(minutes=4)
    p.advance("2m")
    ends(p, second)
    seen = p.desk.place_in_line(fourth.id)
    assert (seen.position, seen.estimated_wait) == (1, timedelta(minutes=3)), "mean of 4 and 2"
    assert_folds(p)


@pytest.mark.req("P8")
def test_an_assignment_at_once_says_nothing_and_nothing_is_kept_without_the_setting(play) -> None:
    p = play(config({"ana": {}}, at={"a": ESTIMATES}))
    p.agent("ana").on()
    (first,) = writes(p, "One")
    assert stored(p, QUEUE_LINES, "general/a") is None
    (second,) = writes(p, "Two", on="chat-b")
    p.advance("1m")
    ends(p, first)
    assert holders(p, second) == ["ana"]
    assert stored(p, QUEUE_LINES, "general/b") is None


@pytest.mark.req("P8")
def test_the_history_is_the_queues_latest_and_bounded(play) -> None:
    p = play(config({"ana": {}}, assign=ESTIMATES))
    p.agent("ana").on()
    chats = writes(p, *map(str, range(6)))
    for number, each in enumerate(chats[:5], start=1):
        p.advance(f"{number}m")
        ends(p, each)
    line = stored(p, QUEUE_LINES, "general/a")
    assert [gap // 60_000_000 for gap in line.gaps] == [3, 4, 5]


@pytest.mark.req("P8", "S14")
def test_an_overflow_keeps_the_place_that_counts_from_queue_entry(play) -> None:
    p = play(config({"ana": {}}, at={"a": {"overflow": ["general/b"], "overflow_after": "1m"}}))
    (early,) = writes(p, "Early")
    p.advance("30s")
    (other,) = writes(p, "Other", on="chat-b")
    p.advance("30s")
    seen = p.desk.place_in_line(early.id)
    assert (seen.queue, seen.position) == ("general/b", 1)
    assert p.desk.place_in_line(other.id).position == 2


@pytest.mark.req("P8")
def test_whoever_begins_to_wait_is_told_where_they_stand_once(play) -> None:
    text = (
        "All agents are busy. You are number {position}. It takes about {estimated_wait} minutes."
    )
    p = play(config({"ana": {}}, assign={**ESTIMATES, "waiting_message": text}))
    p.agent("ana").on()
    first, second, _ = writes(p, "One", "Two", "Three")
    p.deliver()
    assert p.contact("One").got == [], "nobody waits who is served at once"
    assert p.contact("Two").got == ["All agents are busy. You are number 1."]
    assert p.contact("Three").got == ["All agents are busy. You are number 2."]
    p.contact("Two", on="chat-a").writes("Still there?")
    p.advance("90s")
    assert len(p.contact("Two").got) == 1
    ends(p, first)
    writes(p, "Four")
    p.deliver()
    said = "All agents are busy. You are number 2. It takes about 3 minutes."
    assert p.contact("Four").got == [said]
    assert second.state is om.State.QUEUED
    assert_folds(p)


@pytest.mark.req("P8")
def test_a_greeting_says_the_position_too(play) -> None:
    p = play(config({"ana": {}}, greeting="Welcome. You are number {position} in line."))
    writes(p, "One", "Two")
    p.deliver()
    assert p.contact("Two").got == ["Welcome. You are number 2 in line."]


@pytest.mark.req("P8")
def test_whatever_is_said_to_somebody_who_waits_may_tell_the_place(play) -> None:
    alive = {
        "after": "10m",
        "end_after": "10m",
        "text": "Still there? You are number {position}.",
        "end_text": "Good bye. You were number {position}.",
    }
    p = play(config({"ana": {}}, keep_alive=alive, ended_text="Bye. Number {position} is free."))
    writes(p, "One", "Two")
    p.advance("20m")
    p.deliver()
    assert p.contact("Two").got == [
        "Still there? You are number 2.",
        "Good bye. You were number 1.",  # One has left by then
        "Bye. Number 1 is free.",
    ]


@pytest.mark.req("P8")
def test_whoever_comes_back_from_a_dismissal_is_told_the_place(play) -> None:
    policy: dict[str, Any] = {
        "dismissed_text": "Welcome back. You are number {position}.",
        "dismissed_text_at": "reactivate",
        "inactivity": {"after": "10m", "notice": "5m"},
    }
    p = play(config({"ana": {}}, **policy))
    ana = p.agent("ana").on()
    (first,) = writes(p, "One")
    ana.replies(first, "Hello")
    p.advance("20m")
    ana.off()
    writes(p, "Two", "One")
    p.deliver()
    assert p.contact("One").got == [
        "Hello",
        "Welcome back. You are number 1.",
    ]  # returns come first


def menu_config() -> Any:
    return load_config(
        {
            "preset": "push",
            "policy": {
                "capacity": {"messaging": {"goal": 1, "soft_max": 1, "hard_max": 1}},
                "menu_text": "Choose",
                "assign": {"estimate_over": 5, "menu_wait": "(about {estimated_wait} min)"},
            },
            "inboxes": {
                "general": {"sla": "15m", "primary_for": ["chat"], "queues": ["Orders", "Repairs"]}
            },
            "entry_points": {"chat": {"channel": "chat", "address": "w"}},
            "agents": {"ana": {"serves": ["general/**"]}},
        },
        registry=None,
    )


@pytest.mark.req("P8")
def test_the_menu_and_the_list_of_queues_say_how_long_it_takes(play) -> None:
    p = play(menu_config())
    p.agent("ana").on()
    chats = []
    for name in ("One", "Two", "Three"):
        p.contact(name).writes("Hello")
        chats.append(p.contact(name).writes("Orders"))
    p.deliver()
    assert p.contact("Three").got == ["Choose\n1. Orders\n2. Repairs"]
    p.advance("4m")
    ends(p, chats[0])
    p.contact("Four").writes("Hello")
    p.deliver()
    assert p.contact("Four").got == ["Choose\n1. Orders (about 8 min)\n2. Repairs"]
    assert p.contact("Four").writes("Orders").queue == "general/Orders"
    orders, repairs = p.desk.queues("general")
    assert (orders.waiting, orders.estimated_wait) == (2, timedelta(minutes=12))
    assert (repairs.waiting, repairs.estimated_wait) == (0, None)


@pytest.mark.req("P8")
def test_a_text_that_names_an_estimate_needs_one() -> None:
    with pytest.raises(om.ConfigError, match=r"no assign\.estimate_over is set"):
        config({"ana": {}}, greeting="It takes {estimated_wait} minutes.")
    with pytest.raises(om.ConfigError, match="expected a whole number from 1 to 100, got 101"):
        config({"ana": {}}, assign={"estimate_over": 101})


@pytest.mark.req("P8", "R3")
def test_in_a_long_line_the_first_and_the_last_thousand_have_a_position(play, monkeypatch) -> None:
    p = play(config({"ana": {}}, assign={"ageing": "1m"}, capacity=2))
    p.agent("ana").on()
    returns = writes(p, "One", "Two")
    chats = writes(p, *(f"C{number}" for number in range(4)))
    p.advance("70s")
    chats += writes(p, "C4", "C5", "C6", on="sms-a")
    chats += writes(p, "C7")
    p.agent("ana").off()
    for each in returns:
        p.desk.transfer(each.id, om.Queue("general/a"), by="ana")
    everybody = [each.id for each in (*returns, *chats)]
    exact = {each: p.desk.place_in_line(each).position for each in everybody}
    assert sorted(exact.values()) == list(range(1, len(everybody) + 1))
    monkeypatch.setattr("omniroute.desk.waits.FURTHEST", 3)
    ends = {1, 2, 3, 8, 9, 10}
    for each, position in exact.items():
        seen = p.desk.place_in_line(each)
        assert (seen.waiting, seen.position) == (10, position if position in ends else None)
    monkeypatch.setattr("omniroute.desk.waits._MOST_LANES", 1)
    assert p.desk.place_in_line(everybody[0]).position is None
    with pytest.raises(om.UnknownConversation):
        p.desk.place_in_line("c_99")
