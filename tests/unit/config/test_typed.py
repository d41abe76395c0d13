"""Configurations that a program made: what is of the wrong type is told with its path, all at once."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute import hours
from omniroute.config.typed import type_problems
from omniroute.desk.checking import checked
from omniroute.errors import ConfigError
from omniroute.model.agent import Capacity
from omniroute.model.desk_config import AgentConfig, DeskConfig, InboxConfig, QueueNode
from omniroute.model.hours import ALWAYS, Hours
from omniroute.model.policy import PolicySettings
from omniroute.plugins import Registry
from omniroute.testing import a_config

# As somebody without a type checker writes them.
Desk: Any = DeskConfig
Inbox: Any = InboxConfig
Node: Any = QueueNode
Agent: Any = AgentConfig
Limits: Any = Capacity
Settings: Any = PolicySettings
Opening: Any = Hours

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"desk": 7}, "desk: expected text, got 7"),
    ({"desk": None}, "desk: expected text, got nothing"),
    ({"zone": None}, "zone: expected text, got nothing"),
    ({"preset": 7}, "preset: expected text, got 7"),
    ({"policy": {}}, "policy: expected a PolicySettings, got a table"),
    ({"inboxes": ["general"]}, "inboxes: expected a mapping, got a list"),
    ({"inboxes": {7: Inbox(sla=1)}}, "inboxes: expected keys that are text, got 7"),
    ({"inboxes": {"a": {"sla": "15m"}}}, "inboxes.a: expected an InboxConfig, got a table"),
    ({"agents": {"bob": {"name": "Bob"}}}, "agents.bob: expected an AgentConfig, got a table"),
]
INSIDE: list[tuple[Any, str]] = [
    (Inbox(sla="15m"), 'sla: expected a whole number, got "15m"'),
    (Inbox(sla=True), "sla: expected a whole number, got true"),
    (Inbox(sla=1.5), "sla: expected a whole number, got 1.5"),
    (Inbox(sla=1, primary_for="chat"), 'primary_for: expected a tuple, got "chat"'),
    (Inbox(sla=1, primary_for=["chat"]), "primary_for: expected a tuple, got a list"),
    (Inbox(sla=1, queues=("a",)), 'queues[0]: expected a QueueNode, got "a"'),
    (
        Inbox(sla=1, queues=(Node("a", (Node(7),)),)),
        "queues[0].children[0].name: expected text, got 7",
    ),
    (Agent(role="agent"), 'role: expected a member of Role, got "agent"'),
    (Agent(capacity={"a": (1, 1, 1)}), "capacity.a: expected a Capacity, got a list"),
    (
        Agent(capacity={"a": Limits(1, "2", 3)}),
        'capacity.a.soft_max: expected a whole number, got "2"',
    ),
    (
        Settings(assignment="push"),
        'assignment: expected a member of Assignment, got "push"',
    ),
    (
        Settings(costs={"voice": 1.5}),
        "costs.voice: expected a whole number or text, got 1.5",
    ),
    (Opening(weekly=(((1,),), *((),) * 6)), "weekly[0][0]: expected 2 values, got 1"),
    (Opening(always=1), "always: expected True or False, got 1"),
]


@pytest.mark.parametrize("changes,text", WRONG, ids=[text for _, text in WRONG])
def test_what_is_of_the_wrong_type_is_told_before_anything_looks_into_it(
    changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        checked(evolve(a_config(), **changes), Registry((), discover=False))
    assert [str(each) for each in raised.value.problems] == [text]


@pytest.mark.parametrize("value,text", INSIDE, ids=[text for _, text in INSIDE])
def test_types_are_looked_at_however_deep_they_stand(value: Any, text: str) -> None:
    told = [str(each) for each in type_problems(value, type(value))]
    assert told == [text]


def test_all_that_is_of_the_wrong_type_is_told_at_once() -> None:
    config: Any = Desk(desk=7, zone=8, agents={"a": Agent(name=9, weight="1")})
    paths = [each.path for each in type_problems(config, DeskConfig)]
    assert paths == ["desk", "zone", "agents.a.name", "agents.a.weight"]


def test_sound_values_have_no_problem() -> None:
    policy = Settings(costs={"voice": "all", "email": 2}, hours=ALWAYS, greeting="Hello")
    config = a_config(agents=("ana",), queues=("Deutsch",), capacity=3)
    assert [*type_problems(evolve(config, policy=policy), DeskConfig)] == []


@pytest.mark.parametrize("value", [Opening(always=1), Opening(zone=7), Opening(weekly=(7,) * 7)])
def test_hours_that_a_program_made_are_looked_at_too(value: Any) -> None:
    with pytest.raises(ConfigError, match="hours"):
        hours(value, zone="UTC")
