"""A new version of a desk's configuration: saved whole, followed in batches and at the next touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import omniroute as om
from omniroute.desk import jobs
from omniroute.model.events import AgentSaved, Configured, SlaBreached, SlaRescheduled

Play = Callable[..., Any]


def config(sla: str = "15m", **changes: Any) -> om.DeskConfig:
    """Return a desk of two inboxes; `changes` replace or add top-level tables."""
    tables: dict[str, Any] = {
        "desk": "acme",
        "preset": "push",
        "policy": {"capacity": {"messaging": {"goal": 1, "soft_max": 1, "hard_max": 2}}},
        "inboxes": {
            "general": {"primary_for": ["chat"], "sla": sla},
            "vip": {"sla": "2m", "queues": ["Gold", "Silver"]},
        },
        "entry_points": {"web": {"channel": "chat", "address": "widget"}},
        "agents": {"ana": {"serves": ["general"]}},
    }
    return om.load_config({**tables, **changes})


def told(desk: om.Desk, kind: type) -> list[Any]:
    return [change.event for change in desk.changes() if isinstance(change.event, kind)]


def test_a_version_is_saved_and_told_once_and_an_equal_one_is_none(play: Play) -> None:
    desk = play(config()).desk
    assert desk.apply(config("5m")) == 2
    assert desk.apply(config("5m")) == 2
    assert [(each.version, each.actor) for each in told(desk, Configured)] == [
        (1, "system"),
        (2, "system"),
    ]
    assert desk.config == config("5m", agents={})


def test_a_process_keeps_what_it_compiled_of_the_last_two_versions(play: Play) -> None:
    p = play(config())
    for minutes in range(1, 9):
        newest = p.desk.apply(config(f"{minutes}m"))
        p.contact("Maria").writes("Hello")
    assert list(p.desk._runtime._setups["acme"]) == [newest - 1, newest]


@pytest.mark.req("S4")
def test_the_job_moves_dues_of_running_conversations_from_their_anchor(play: Play) -> None:
    p = play(config())
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("1m")
    p.desk.apply(config("5m"))
    p.desk.tick()
    assert p.desk.conversation(chat.id).due == chat.opened_at.add(minutes=5)
    fired = [change.event for change in p.advance("10m")]
    missed = [event for event in fired if isinstance(event, SlaBreached)]
    assert [om.as_json(each)["due"] for each in missed] == [
        om.as_json(each)["due"] for each in told(p.desk, SlaRescheduled)
    ]


@pytest.mark.req("S4")
def test_a_conversation_follows_at_its_next_touch_before_the_job_comes_by(play: Play) -> None:
    p = play(config())
    chat = p.contact("Maria").writes("Hello")
    p.desk.apply(config("5m"))
    again = p.contact("Maria").writes("Anybody?")
    assert again.due == chat.opened_at.add(minutes=5)


@pytest.mark.req("S4")
def test_a_shorter_sla_that_has_passed_is_missed_now_and_told_once(play: Play) -> None:
    p = play(config())
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("10m")
    p.desk.apply(config("5m"))
    p.desk.tick()
    assert len(told(p.desk, SlaBreached)) == 1
    p.desk.apply(config("6m"))
    p.desk.tick()
    assert len(told(p.desk, SlaBreached)) == 1, "missed under either: told of before"
    p.desk.apply(config("20m"))
    p.desk.tick()
    assert p.desk.conversation(chat.id).overdue is False
    p.advance("20m")
    assert len(told(p.desk, SlaBreached)) == 2


@pytest.mark.req("S4")
def test_the_job_works_in_batches_and_goes_on_where_it_was(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = play(config())
    chats = [p.contact(f"C{n}").writes("Hello") for n in range(7)]
    monkeypatch.setattr(jobs, "BATCH", 3)
    p.desk.apply(config("5m"))
    p.desk.tick()
    for chat in chats:
        assert p.desk.conversation(chat.id).due == chat.opened_at.add(minutes=5)


def test_staff_follows_what_the_new_version_says_of_queues_and_capacity(play: Play) -> None:
    p = play(config())
    p.desk.staff.put("bob", serves=["vip/*"], capacity={"messaging": om.Capacity(1, 1, 1)})
    wider = {"capacity": {"messaging": {"goal": 2, "soft_max": 2, "hard_max": 2}}}
    inboxes = {
        "general": {"primary_for": ["chat"], "sla": "15m"},
        "vip": {"sla": "2m", "queues": ["Gold", "Silver", "Bronze"]},
    }
    p.desk.apply(config(policy=wider, inboxes=inboxes))
    p.desk.tick()
    bob, ana = p.desk.staff.get("bob"), p.desk.staff.get("ana")
    assert bob.queues == ("vip/Gold", "vip/Silver", "vip/Bronze")
    assert (ana.capacity.soft_max, bob.capacity.soft_max) == (2, 1)
    assert {each.agent for each in told(p.desk, AgentSaved)[-2:]} == {"ana", "bob"}


def test_wider_capacity_brings_waiting_conversations(play: Play) -> None:
    p = play(config())
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    waiting = p.contact("Doris").writes("Hello")
    wider = {"capacity": {"messaging": {"goal": 2, "soft_max": 2, "hard_max": 2}}}
    p.desk.apply(config(policy=wider))
    p.desk.tick()
    assert p.desk.conversation(waiting.id).agent == "ana"


def test_a_queue_in_which_somebody_stands_cannot_be_taken_away(play: Play) -> None:
    p = play(
        config(
            entry_points={
                "web": {
                    "channel": "chat",
                    "address": "widget",
                    "override": {"inbox": "vip"},
                    "queue": "vip/Gold",
                }
            }
        )
    )
    p.contact("Maria").writes("Hello")
    fewer = config(
        inboxes={
            "general": {"primary_for": ["chat"], "sla": "15m"},
            "vip": {"sla": "2m", "queues": ["Silver", "Bronze"]},
        }
    )
    with pytest.raises(om.ConfigError, match=r"has 1 open conversation$"):
        p.desk.apply(fewer)
    assert len(told(p.desk, Configured)) == 1


def test_addresses_are_given_back_and_others_are_not_taken(play: Play) -> None:
    p = play(config())
    moved = config(entry_points={"web": {"channel": "chat", "address": "other"}})
    p.desk.apply(moved)
    assert p.desks.find("chat", "widget") is None
    found = p.desks.find("chat", "other")
    assert found is not None
    assert found[1] == "web"
    rival = om.load_config({**om.dump(config()), "desk": "rival"})
    p.desks.create(rival)
    with pytest.raises(om.ConfigError, match="belongs to another desk"):
        p.desk.apply(config())


def test_a_configuration_of_another_desk_is_refused(play: Play) -> None:
    desk = play(config()).desk
    with pytest.raises(om.UsageError, match="another desk"):
        desk.apply(config(desk="other"))
