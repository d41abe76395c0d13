"""The lines of a queue, kept right in memory while a unit assigns: the same as the store would list."""

from __future__ import annotations

import random
from itertools import count

import pytest

from omniroute.desk.lines import Lines
from omniroute.model import events as tell
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.policy import PolicySettings
from omniroute.rules.assignment import LOOKED_AT, RUNNERS_UP
from omniroute.schema import AGENTS
from omniroute.testing import a_config
from tests.unit.desk.helpers import assert_folds, log, told
from tests.unit.desk.test_assigning import config, holders, writes

SERVING = AGENTS.index("serving")
TREE = ("Deutsch", "English", "Français")
QUEUES = [f"general/{each}" for each in TREE]


def waiting_in(p, *answers):
    """Let one contact after the other wait in the queue that they name; return their conversations."""
    found = []
    for number, answer in zip(count(), answers, strict=False):
        contact = p.contact(f"contact-{number}")
        contact.writes("Hello")
        found.append(contact.writes(answer))
        p.advance("1s")
    return found


def given(p):
    return [(each.conversation, each.agent) for each in told(p, tell.Assigned)]


def test_one_call_gives_everything_there_is_room_for_in_order_of_waiting(play) -> None:
    agents = {"ana": QUEUES[:2], "bob": QUEUES}
    p = play(a_config(preset="push", queues=TREE, agents=agents, capacity=7))
    p.agent("bob").on()
    p.agent("bob").off()
    answers = "Deutsch English English English Français Deutsch Deutsch English Français English"
    waiting = waiting_in(p, *answers.split())
    position = len(log(p))
    p.agent("ana").on()
    mine = [each.id for each in waiting if each.queue in QUEUES[:2]][:7]
    assert given(p) == [(each, "ana") for each in mine]
    p.agent("bob").on()
    rest = [each.id for each in waiting if each.id not in mine]
    assert given(p)[7:] == [(each, "bob") for each in rest]
    ats = {each.at for each in log(p)[position:] if isinstance(each, tell.Assigned)}
    assert len(ats) == 1  # one instant for each call, and no time went by
    assert_folds(p)


@pytest.mark.req("S13")
def test_every_assignment_of_a_batch_is_explained_as_things_stood_then(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob", "eva"), capacity=3))
    waiting = [p.contact(f"contact-{number}").writes("Hello") for number in range(4)]
    p.agent("eva").on()
    p.agent("bob").on()
    found = [p.desk.explain(each.id).decisions[-1] for each in waiting]
    assert [(each.chosen.agent, each.chosen.load) for each in found] == [
        ("eva", 0),
        ("eva", 1),
        ("eva", 2),
        ("bob", 0),
    ]
    assert [each.refused for each in found[:3]] == [{"not available": 2}] * 3
    assert [[other.agent for other in each.runners_up] for each in found] == [
        ["ana", "bob"],
        ["ana", "bob"],
        ["ana", "bob"],
        ["eva", "ana"],
    ]
    assert found[3].refused == {"at capacity": 1, "not available": 1}


@pytest.mark.parametrize("distribution", list(Distribution))
@pytest.mark.parametrize("agents", [5, LOOKED_AT, LOOKED_AT + 60])
def test_whoever_changes_the_first_agents_are_those_that_the_store_would_list(
    play, agents, distribution
) -> None:
    """With fewer agents than are looked at, and with so many that they leave the list and come in."""
    names = [f"agent-{number:02}" for number in range(agents)]
    serves = {name: QUEUES[number % 3 : number % 3 + 2] for number, name in enumerate(names)}
    policy = PolicySettings(distribution=distribution)
    p = play(a_config(preset="push", queues=TREE, agents=serves, capacity=2, policy=policy))
    chance = random.Random(agents)

    def flow(unit):
        lines = Lines(unit)
        for _ in range(120):
            name = chance.choice(names)
            on = chance.random() < 0.7
            unit.write_event(tell.AgentAvailability(name, unit.now, tell.SYSTEM, on))
            queue = chance.choice(QUEUES)
            yield lines.servers(queue), unit, queue

    def compare(unit):
        for found, _, queue in flow(unit):
            held = dict(unit.changed_agents)
            unit.flush()
            stored = unit.tx.entries(SERVING, unit.desk, (queue,), limit=LOOKED_AT)
            assert [tuple(each) for each in found] == [tuple(each) for each in stored]
            for agent in held.values():  # as if nothing were stored yet
                unit.changed_agents[agent.id] = agent
        unit.agenda.freed.clear()

    p.desk._runtime.run(p.desk.id, p.clock.now(), compare)
    assert RUNNERS_UP < LOOKED_AT


@pytest.mark.req("R2", "A10", "S15")
def test_what_was_written_down_meanwhile_is_looked_at_anew(play) -> None:
    rule = {"overflow": ["general/b"], "overflow_after": "10m"}
    p = play(config({"ana": {}, "bob": {}}, at={"a": rule}, capacity=3))
    p.agent("ana").on()
    chats = writes(p, "One", "Two", "Three")
    one = {"messaging": Capacity(1, 1, 1)}
    p.desk.staff.put("bob", capacity=one)
    p.agent("bob").on()
    p.desk.staff.remove("ana", held="requeue")
    assert holders(p, *chats) == ["bob", None, None], "nobody is given more than they have room for"
    assert_folds(p)
