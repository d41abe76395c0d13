"""The full list behind a decision, computed from the log."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.rules.assignment import LOOKED_AT
from omniroute.testing import a_config
from tests.unit.desk.test_assigning import config, holders, writes
from tests.unit.desk.test_weights import config as weighted
from tests.unit.desk.test_weights import writes as weighted_writes


@pytest.mark.req("S13", "P14")
def test_everybody_who_served_the_queue_is_listed_as_they_stood_then(play) -> None:
    names = [f"a{number:02}" for number in range(LOOKED_AT + 8)]
    p = play(a_config(preset="push", agents=[*names, "off"], capacity=1))
    for name in names:
        p.agent(name).on()
    chats = [p.contact(name).writes("Hello") for name in names[:-1]]
    chat = p.contact("Maria").writes("Hello")
    (decision,) = p.desk.explain(chat.id).decisions
    assert len(decision.runners_up) < len(names)
    for each in chats:  # whatever happened since
        p.desk.end(each.id, by=p.desk.conversation(each.id).agent)
    p.desk.staff.put("later", serves=["general"])

    found = p.desk.candidates(chat.id, position=decision.position)
    assert found[0].agent == names[-1] == decision.chosen.agent
    assert (found[0].load, found[0].refused) == (0, None)
    assert {each.agent for each in found} == {*names, "off"}
    assert {each.refused for each in found[1:-1]} == {"at capacity"}
    assert (found[-1].agent, found[-1].refused) == ("off", "not available")
    assert p.desk.candidates(chat.id) == found, "the latest decision is meant where none is named"


@pytest.mark.req("S13", "P1")
def test_reasons_are_those_of_the_configuration_and_the_wait_of_then(play) -> None:
    people: dict[str, dict[str, Any]] = {
        "ana": {"skills": {"router": 3}},
        "bob": {},
        "cid": {"channels": ["sms"]},
    }
    p = play(config(people, at={"a": {"skills": {"router": 2}}}))
    for name in people:
        p.agent(name).on()
    (chat,) = writes(p, "One")
    p.desk.apply(config(people), by=None)
    found = p.desk.candidates(chat.id)
    assert [(each.agent, each.refused) for each in found] == [
        ("ana", None),
        ("bob", "lacks router >= 2"),
        ("cid", "not enabled for chat"),
    ]


@pytest.mark.req("S13", "P2")
def test_too_little_room_is_told_as_such(play) -> None:
    p = play(weighted({"ana": {}, "bob": {}}))
    p.agent("ana").on()
    (chat,) = weighted_writes(p, "chat")
    (call,) = weighted_writes(p, "voice")
    p.agent("bob").on()
    first, last = p.desk.explain(call.id).decisions
    assert [(c.agent, c.load, c.refused) for c in p.desk.candidates(call.id)] == [
        ("bob", 0, None),
        ("ana", 1, "too little room"),
    ]
    before = p.desk.candidates(call.id, position=first.position)
    assert [(c.agent, c.refused) for c in before] == [
        ("ana", "too little room"),
        ("bob", "not available"),
    ]
    assert first.position < last.position
    with pytest.raises(om.UsageError, match="nothing was decided"):
        p.desk.candidates(call.id, position=1)
    with pytest.raises(om.UnknownConversation):
        p.desk.candidates("c_99")
    assert p.desk.candidates(chat.id)[0].agent == "ana"


@pytest.mark.req("S13", "M1")
def test_a_cascade_is_judged_by_who_was_there(play) -> None:
    people = {"ana": {"groups": ["tier1"]}, "bob": {"groups": ["tier2"]}}
    p = play(config(people, at={"a": {"cascade": ["tier1", "tier2"], "widen_after": "90s"}}))
    for name in people:
        p.agent(name).on()
    held, waiting = writes(p, "One", "Two")
    assert [(c.agent, c.refused) for c in p.desk.candidates(held.id)] == [
        ("ana", None),
        ("bob", "in no group that is open to it yet"),
    ]
    p.advance("90s")
    assert [(c.agent, c.refused) for c in p.desk.candidates(waiting.id)] == [
        ("bob", None),
        ("ana", "at capacity"),
    ]


@pytest.mark.req("S13", "M1")
def test_a_group_that_joined_because_nobody_was_there_is_still_open_when_they_are_back(
    play,
) -> None:
    people = {"ana": {"groups": ["tier1"]}, "bob": {"groups": ["tier2"]}}
    skills = {"router": {"levels": ">= 2", "expires": "60s"}}
    p = play(config(people, at={"a": {"cascade": ["tier1", "tier2"], "skills": skills}}))
    p.agent("bob").on()
    (chat,) = writes(p, "One")
    p.agent("ana").on()
    p.advance("60s")
    found = p.desk.candidates(chat.id)
    assert [(c.agent, c.refused) for c in found] == [("ana", None), ("bob", None)]
    decision = p.desk.explain(chat.id).decisions[-1]
    assert (decision.chosen, *decision.runners_up) == found
    assert decision.stages == 2


@pytest.mark.req("S13", "M1", "P1")
@pytest.mark.parametrize(
    "rule, reasons",
    [
        (
            {"cascade": ["tier1", "tier2"]},
            {"bob": "in no group that is open to it yet", "cid": None},
        ),
        (
            {"percent": {"tier1": 10_000, "tier2": 0}},
            {"bob": "in another group than it was allotted to", "cid": None},
        ),
        ({"skills": {"router": 2}}, {"bob": "lacks router >= 2", "cid": None}),
    ],
)
def test_beside_whoever_comes_or_is_freed_it_is_told_who_could_not_take_it(
    play, rule: dict[str, Any], reasons: dict[str, Any]
) -> None:
    people: dict[str, dict[str, Any]] = {
        "ana": {"groups": ["tier1"], "skills": {"router": 3}},
        "bob": {"groups": ["tier2"]},
        "cid": {"groups": ["tier1"], "skills": {"router": 2}},
    }
    p = play(config(people, at={"a": rule}))
    for name in people:
        p.agent(name).on()
    first, second, third = writes(p, "One", "Two", "Three")
    p.agent("ana").ends(first)
    for chat, found in ((first, reasons), (third, {"cid": "at capacity", "bob": reasons["bob"]})):
        (decision,) = p.desk.explain(chat.id).decisions[-1:]
        assert decision.chosen.agent == "ana"
        assert {each.agent: each.refused for each in decision.runners_up} == found
        assert p.desk.candidates(chat.id)[1:] == decision.runners_up
    assert holders(p, second) == ["cid"]
