"""Agents who pull their work: the next that waits is theirs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from omniroute.config import load_config
from omniroute.errors import CapacityExceeded, UsageError
from omniroute.model import events as tell
from omniroute.model.state import State
from tests.unit.desk.helpers import assert_folds, log, position, told

LEAVES = ("Deutsch", "English", "Orders/Late", "Orders/Lost")


def config(*, at=None, assign=None, preset="claim", capacity=5, **agents):
    """Agents who claim (ana everywhere, bob in German), with an entry point for each queue."""
    limits = {"goal": capacity, "soft_max": capacity, "hard_max": capacity}
    served = agents or {"ana": {"serves": ["general/**"]}, "bob": {"serves": ["general/Deutsch"]}}
    policy = {"capacity": {"messaging": limits}} | ({"assign": assign} if assign else {})
    return load_config(
        {
            "desk": "acme",
            "preset": preset,
            "policy": policy,
            "inboxes": {
                "general": {
                    "sla": "15m",
                    "primary_for": ["chat"],
                    "queues": ["Deutsch", "English", "Orders", ["Late", "Lost"]],
                    "at": {name: {"assign": each} for name, each in (at or {}).items()},
                }
            },
            "entry_points": {
                leaf.split("/")[-1]: {
                    "channel": "chat",
                    "address": leaf,
                    "queue": f"general/{leaf}",
                }
                for leaf in LEAVES
            },
            "groups": {"tier1": {}, "tier2": {}},
            "agents": served,
        },
        registry=None,
    )


def write(p, *places):
    """Let somebody write to each place, a minute apart; return the conversations."""
    found = []
    for number, place in enumerate(places):
        found.append(p.contact(f"C{len(log(p))}-{number}", on=place).writes("Hello"))
        p.clock.advance("1m")
    return found


@pytest.mark.req("C3", "M3")
def test_the_longest_wait_of_all_ones_queues_is_next(play) -> None:
    p = play(config())
    english, deutsch, late = write(p, "English", "Deutsch", "Late")
    assert [p.desk.take_next(by="ana").id for _ in range(3)] == [english.id, deutsch.id, late.id]
    assert p.desk.take_next(by="ana") is None
    taken = told(p, tell.Assigned)
    assert [(each.agent, each.reason, each.actor) for each in taken] == [
        ("ana", "claim", "agent:ana")
    ] * 3
    assert p.desk.conversation(english.id).state is State.ACTIVE
    assert_folds(p)


@pytest.mark.req("R2")
def test_what_one_does_not_serve_is_left_for_others(play) -> None:
    p = play(config())
    english, deutsch = write(p, "English", "Deutsch")
    assert p.desk.take_next(by="bob").id == deutsch.id
    assert p.desk.take_next(by="bob") is None
    assert p.desk.take_next(by="ana").id == english.id


def test_a_queue_narrows_it_and_so_does_what_stands_above_queues(play) -> None:
    p = play(config())
    english, lost, late, deutsch = write(p, "English", "Lost", "Late", "Deutsch")
    ana = p.desk.acting_as("ana")
    assert ana.take_next(queue="general/Deutsch").id == deutsch.id
    assert ana.take_next(queue="general/Deutsch") is None
    assert ana.take_next(queue="general/Orders").id == lost.id
    assert ana.take_next(queue="general").id == english.id
    assert ana.take_next(queue="general/Orders/Late").id == late.id


def test_a_queue_that_is_none_or_not_theirs_is_refused(play) -> None:
    p = play(config())
    write(p, "Deutsch")
    before = position(p)
    with pytest.raises(UsageError, match=r'no queue "general/Deutch"; did you mean'):
        p.desk.take_next(by="ana", queue="general/Deutch")
    with pytest.raises(UsageError, match="'bob' does not serve this queue"):
        p.desk.take_next(by="bob", queue="general/English")
    assert position(p) == before


@pytest.mark.req("M9")
def test_who_holds_all_they_may_takes_nothing_more(play) -> None:
    p = play(config(capacity=1))
    _, otto = write(p, "English", "Deutsch")
    first = p.desk.take_next(by="ana")
    with pytest.raises(CapacityExceeded, match="'ana'"):
        p.desk.take_next(by="ana")
    p.desk.end(first.id, by="ana")
    assert p.desk.take_next(by="ana").id == otto.id
    assert p.desk.take_next(by="ana") is None


@pytest.mark.req("A3")
def test_what_the_desk_pushes_is_nobodys_to_take(play) -> None:
    p = play(config(preset="push"))
    write(p, "Deutsch")
    assert p.desk.take_next(by="ana") is None


@pytest.mark.req("P1")
def test_skills_count_as_they_do_where_the_desk_pushes(play) -> None:
    everything = ["general/**"]
    people = {"ana": {"serves": everything}, "bob": {"serves": everything, "skills": {"german": 3}}}
    p = play(config(at={"Deutsch": {"skills": {"german": ">= 2"}}}, **people))
    deutsch, english = write(p, "Deutsch", "English")
    assert p.desk.take_next(by="ana").id == english.id
    assert p.desk.take_next(by="ana") is None
    assert p.desk.take_next(by="bob").id == deutsch.id


@pytest.mark.req("M1")
def test_a_cascade_opens_to_later_groups_as_it_does_where_the_desk_pushes(play) -> None:
    everything = ["general/**"]
    people = {
        "ana": {"serves": everything, "groups": ["tier1"]},
        "bob": {"serves": everything, "groups": ["tier2"]},
    }
    rule = {"mode": "cascade", "cascade": ["tier1", "tier2"], "widen_after": "5m"}
    p = play(config(at={"Deutsch": rule}, **people))
    p.agent("ana").on()
    (deutsch,) = write(p, "Deutsch")
    assert p.desk.take_next(by="bob") is None
    p.clock.advance("4m")
    assert p.desk.take_next(by="bob").id == deutsch.id


@pytest.mark.req("P12")
def test_whose_segment_comes_first_is_taken_first(play) -> None:
    p = play(config(assign={"segments": [{"attribute": "tier", "value": "gold"}]}))
    maria = p.contact("Maria", on="English")
    maria.writes("Hello")
    p.desk.end(p.desk.take_next(by="ana").id, by="ana")
    contact = p.desk.contacts.find("chat", maria.address)
    p.desk.contacts.link(contact.id, ref="customer:1", attributes={"tier": "gold"})
    (plain,) = write(p, "English")
    gold = maria.writes("again")
    assert p.desk.take_next(by="ana").id == gold.id
    assert p.desk.take_next(by="ana").id == plain.id


@pytest.mark.req("R4")
def test_the_same_key_gives_the_same_one_and_nothing_found_is_looked_for_again(play) -> None:
    p = play(config())
    assert p.desk.take_next(by="ana", key="k1") is None
    english, deutsch = write(p, "English", "Deutsch")
    assert p.desk.take_next(by="ana", key="k1").id == english.id
    assert p.desk.take_next(by="ana", key="k1").id == english.id
    assert p.desk.take_next(by="ana", key="k2").id == deutsch.id


def test_a_look_that_finds_nothing_writes_nothing(play) -> None:
    p = play(config())
    before = position(p)
    assert p.desk.take_next(by="ana") is None
    assert position(p) == before


def test_of_many_agents_at_once_each_gets_another_one(play) -> None:
    p = play(
        config(capacity=12, **{name: {"serves": ["general/**"]} for name in ("ana", "bob", "eva")})
    )
    waiting = write(p, *["English", "Deutsch"] * 6)
    got = []

    def pull(agent):
        while (taken := p.desk.take_next(by=agent)) is not None:
            got.append(taken.id)

    threads = [threading.Thread(target=pull, args=(agent,)) for agent in ("ana", "bob", "eva")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(each.id for each in waiting)
    order = [each.conversation for each in told(p, tell.Assigned)]
    assert order == [each.id for each in waiting]


def test_it_is_awaited_too(play) -> None:
    p = play(config())
    english, deutsch = write(p, "English", "Deutsch")

    async def pull():
        desk = p.desks.aio[p.desk.id]
        first = await desk.take_next(by="ana")
        second = await desk.acting_as("ana").take_next(queue="general/Deutsch")
        return first.id, second.id

    assert asyncio.run(pull()) == (english.id, deutsch.id)
