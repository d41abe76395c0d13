"""Who gets a conversation that comes back: woken, dismissed and answered, or reopened (A14, P4, S6)."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.config import load_config
from omniroute.instants import MINUTE, SECOND
from omniroute.model import events as tell
from omniroute.model.assign import RETURNED
from omniroute.model.state import State
from tests.unit.desk.helpers import assert_folds, told

BACK = ("snooze", "dismiss", "end")
"""Three ways in which an agent lets a conversation go that comes back."""


def config(policy: dict[str, Any], overflow: list[str] | None = None, **people: Any) -> Any:
    return load_config(
        {
            "desk": "acme",
            "policy": {
                "inactivity": {"after": "5m"},
                "after_end": {"to": "queue"},
                "capacity": {"messaging": {"goal": 1, "soft_max": 1, "hard_max": 1}},
                **policy,
            },
            "groups": {"tier1": {}, "tier2": {}},
            "inboxes": {
                "help": {
                    "sla": "15m",
                    "primary_for": ["chat"],
                    "queues": ["a", "b"],
                    "at": {"a": {"assign": {"overflow": overflow}}} if overflow else {},
                }
            },
            "entry_points": {"main": {"channel": "chat", "address": "w", "queue": "help/a"}},
            "agents": {name: {"serves": ["help/a"], **each} for name, each in people.items()},
        }
    )


def let_go(p: Any, chat: Any, way: str) -> None:
    """Let its agent be without it again, in one of three ways."""
    agent = p.desk.conversation(chat.id).agent
    if way == "snooze":
        p.desk.snooze(chat.id, by=agent, for_="3d")
    elif way == "end":
        p.desk.end(chat.id, by=agent)
    else:
        p.desk.reply(chat.id, "Hi", by=agent)
        p.advance("5m")
        assert p.desk.conversation(chat.id).state is State.DISMISSED


def back_from(play: Any, way: str, resume: dict[str, Any] | None, away: str = "1m") -> Any:
    """Let bob have a conversation, let it go, and say who has it when the contact writes again.

    Bob has been idle for less time than Ana, so that anybody would give it to her.
    """
    policy = {} if resume is None else {"resume_to": resume}
    p = play(config(policy, ana={}, bob={}))
    p.agent("bob").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").on()
    let_go(p, chat, way)
    p.advance(away)
    p.contact("Maria").writes("again")
    assert_folds(p)
    return p.desk.conversation(chat.id).agent


@pytest.mark.req("A14", "P4")
@pytest.mark.parametrize("way", BACK)
def test_back_to_the_last_agent_within_a_time(play, way: str) -> None:
    resume = {"to": "last_agent", "within": "1h"}
    assert back_from(play, way, resume, "1h") == "bob"
    assert back_from(play, way, resume, "1h1s") == "ana"


@pytest.mark.req("A14", "U39")
@pytest.mark.parametrize("way", BACK)
@pytest.mark.parametrize("resume", [None, {"to": "queue"}, {"to": "first_available"}])
def test_else_to_anybody_who_has_room(play, way: str, resume: dict[str, Any] | None) -> None:
    assert back_from(play, way, resume) == "ana"


@pytest.mark.req("P4")
@pytest.mark.parametrize("wait,holder", [(None, "ana"), ("2m", None)])
def test_the_last_agent_is_waited_for_as_long_as_the_queue_says(
    play, wait: str | None, holder: str | None
) -> None:
    policy: dict[str, Any] = {"resume_to": {"to": "last_agent"}}
    if wait is not None:
        policy["assign"] = {"sticky_wait": wait}
    p = play(config(policy, ana={}, bob={}))
    p.agent("bob").on()
    chat = p.contact("Maria").writes("Hello")
    let_go(p, chat, "snooze")
    p.contact("Otto").writes("Hello")  # bob is full
    p.agent("ana").on()
    p.advance("1m")
    p.contact("Maria").writes("again")
    assert p.desk.conversation(chat.id).agent == holder
    p.advance("2m")
    assert p.desk.conversation(chat.id).agent == "ana"
    assert_folds(p)


@pytest.mark.req("P4")
def test_who_waits_for_their_agent_is_the_first_they_take(play) -> None:
    policy = {"resume_to": {"to": "last_agent"}, "assign": {"sticky_wait": "1h"}}
    p = play(config(policy, bob={}))
    p.agent("bob").on()
    chat = p.contact("Maria").writes("Hello")
    let_go(p, chat, "snooze")
    otto = p.contact("Otto").writes("Hello")
    p.contact("Vera").writes("Hello")
    p.contact("Maria").writes("again")
    p.desk.end(otto.id, by="bob")
    assert p.desk.conversation(chat.id).agent == "bob"


CASCADE = {"cascade": ["tier1", "tier2"], "widen_after": "10m"}
PERCENT = {"percent": {"tier1": 10_000, "tier2": 0}}


@pytest.mark.req("A14", "A15")
@pytest.mark.parametrize("assign", [CASCADE, PERCENT])
@pytest.mark.parametrize("way", BACK)
@pytest.mark.parametrize("to,holder", [("first_available", "two"), ("queue", None)])
def test_the_first_available_is_anybody_who_serves_the_queue(
    play, assign: dict[str, Any], way: str, to: str, holder: str | None
) -> None:
    people: dict[str, Any] = {"one": {"groups": ["tier1"]}, "two": {"groups": ["tier2"]}}
    p = play(config({"assign": assign, "resume_to": {"to": to}}, **people))
    p.agent("one").on()
    chat = p.contact("Maria").writes("Hello")
    let_go(p, chat, way)
    p.contact("Otto").writes("Hello")  # tier1 is there, and full
    p.agent("two").on()
    p.contact("Maria").writes("again")
    assert p.desk.conversation(chat.id).agent == holder
    assert_folds(p)


@pytest.mark.req("A16")
def test_nobody_free_it_waits_for_whoever_is_first_ahead_of_new_ones(play) -> None:
    policy = {"assign": CASCADE, "resume_to": {"to": "first_available"}}
    p = play(config(policy, one={"groups": ["tier1"]}, two={"groups": ["tier2"]}))
    p.agent("one").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.snooze(chat.id, by="one", for_="1h")
    p.contact("Otto").writes("Hello")
    p.advance("30m")
    p.contact("Vera").writes("Hello")
    p.advance("30m")
    assert p.desk.conversation(chat.id).state is State.QUEUED
    p.agent("two").on()
    assert p.desk.conversation(chat.id).agent == "two"
    assert_folds(p)


@pytest.mark.req("A14")
def test_a_transfer_of_what_anybody_could_take_goes_by_the_queue_again(play) -> None:
    policy = {"assign": CASCADE, "resume_to": {"to": "first_available"}}
    people: dict[str, Any] = {
        "one": {"groups": ["tier1"]},
        "two": {"groups": ["tier2"]},
        "too": {"groups": ["tier2"]},
    }
    p = play(config(policy, **people))
    p.agent("one").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.snooze(chat.id, by="one", for_="1h")
    p.contact("Otto").writes("Hello")
    p.agent("two").on()
    p.contact("Maria").writes("again")
    p.agent("too").on()
    import omniroute as om

    p.desk.transfer(chat.id, to=om.Queue("help/a"), by="two")
    assert p.desk.conversation(chat.id).state is State.QUEUED


# --- where the queue serves nobody any more --------------------------------------------------------


def nobody_left(play: Any, overflow: list[str], *, way: str = "dismiss") -> tuple[Any, Any]:
    """Let a conversation be put aside, and its queue lose its last agent."""
    p = play(config({}, overflow, ana={}, bob={"serves": ["help/b"]}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    let_go(p, chat, way)
    p.desk.staff.change("ana", serves=["help/b"])
    return p, chat


@pytest.mark.req("S6")
@pytest.mark.parametrize("way", ["dismiss", "snooze"])
def test_a_reply_goes_where_a_queue_without_agents_overflows(play, way: str) -> None:
    p, chat = nobody_left(play, ["help/b"], way=way)
    p.agent("ana").off()
    p.contact("Maria").writes("again")
    found = p.desk.conversation(chat.id)
    assert (found.state, found.queue) == (State.QUEUED, "help/b")
    assert p.contact("Maria").got[-1:] != ["Please choose."]
    newer = p.contact("Otto").writes("Hello")
    p.desk.transfer(newer.id, to=_queue("help/b"), by="ana") if newer.agent else None
    p.agent("bob").on()
    assert p.desk.conversation(chat.id).agent == "bob"
    assert_folds(p)


def _queue(path: str) -> Any:
    import omniroute as om

    return om.Queue(path)


@pytest.mark.req("S6")
def test_a_wake_by_the_clock_goes_there_too(play) -> None:
    p, chat = nobody_left(play, ["help/b"], way="snooze")
    p.agent("ana").off()
    p.advance("3d")
    assert p.desk.conversation(chat.id).queue == "help/b"
    assert_folds(p)


@pytest.mark.req("S6")
def test_with_nowhere_to_overflow_the_menu_is_shown_and_the_wait_is_a_return(play) -> None:
    p, chat = nobody_left(play, [])
    p.contact("Maria").writes("again")
    assert p.desk.conversation(chat.id).state is State.SELECTING
    p.contact("Maria").writes("1")
    assert p.desk.conversation(chat.id).queue == "help/b"
    (chosen,) = [e for e in told(p, tell.Queued) if e.reason == "menu"]
    assert chosen.routing is not None
    assert chosen.routing.wait_class == RETURNED
    assert_folds(p)


@pytest.mark.req("S2")
def test_in_an_outage_nobody_expires_whose_last_agent_is_gone_and_another_was_there(play) -> None:
    policy = {"resume_to": {"to": "last_agent"}, "unanswered_expiration": "12m"}
    p = play(config(policy, ana={}, bob={}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.snooze(chat.id, by="ana", for_="1h")
    p.agent("ana").off()
    p.agent("bob").on()
    p.clock.advance("2h")
    p.desk.tick()
    assert p.desk.conversation(chat.id).agent == "bob"
    assert_folds(p)


@pytest.mark.req("S2", "U43")
def test_who_waits_for_an_agent_no_more_expires_at_the_deadlines_own_instant(play) -> None:
    policy = {"resume_to": {"to": "last_agent", "within": "1d"}, "unanswered_expiration": "12m"}
    p = play(config(policy, ana={}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.snooze(chat.id, by="ana", for_="3h")
    p.agent("ana").off()
    p.clock.advance("1d")
    p.desk.tick()
    (woken, ended) = (told(p, kind)[-1] for kind in (tell.Lined, tell.Ended))
    assert ended.at - woken.at == 12 * MINUTE
    assert woken.at - chat.opened_at.timestamp() * SECOND == 3 * 60 * MINUTE
