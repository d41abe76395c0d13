"""What is told to a transaction that listens, before a command has read anything."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.desk.foresight import foresee, of_item
from omniroute.model.agent import Agent
from omniroute.model.desk_config import DeskConfig
from omniroute.model.records import DeskRecord
from omniroute.model.wire import Inbound, InboundKind, Sender
from omniroute.rules.resolution import Setup
from omniroute.testing import a_config
from omniroute.testing.store_conformance import sample

DESK = DeskRecord("acme", config_version=1)
QUEUES = ("one", "two", "three", "four", "five")


class Listener:
    """A transaction that listens, and has last seen some values."""

    foresees = True

    def __init__(self, *seen: Any) -> None:
        self.seen = seen
        self.told: list[Any] = []

    def last_known(self, collection: Any, _: str, key: Any) -> Any:
        found = [x for x in self.seen if type(x) is collection.type and collection.key(x) == key]
        return found[0] if found else None

    def expect(self, collection: Any, _: str, key: Any) -> None:
        self.told.append((collection.name, *key))

    def expect_heads(self, index: Any, _: str, prefixes: Any) -> None:
        self.told.append((index.name, *prefixes))

    def expect_list(self, index: Any, _: str, prefix: Any, **_bounds: Any) -> None:
        self.told.append((index.name, *prefix))


class Deaf:
    """A transaction that was not made to listen."""


def setup(config: DeskConfig | None = None) -> Any:
    compiled = Setup(config or a_config(queues=QUEUES, preset="push"), 1)
    return {1: compiled}.get


def an_agent(*queues: str) -> Agent:
    made: Agent = sample(Agent, 1)
    return evolve(made, id="ana", leaves=tuple(f"general/{each}" for each in queues))


def told_of(agent: Agent, record: DeskRecord | None = None) -> list[str]:
    """What of indexes is told when ana comes on, by name."""
    listener: Any = Listener(record or DESK, agent)
    foresee(listener, "acme", (None, "ana", None, "comes"), setup())
    return [each[0] for each in listener.told]


def test_who_waits_and_who_serves_comes_along_for_whom_is_known() -> None:
    told = told_of(an_agent("one", "two"))
    assert told == ["agents", "agent_timers", "waiting", "serving", "serving"]


@pytest.mark.parametrize(
    "agent, record",
    [
        (an_agent(), DESK),
        (an_agent(*QUEUES), DESK),
        (an_agent("one", "two"), DeskRecord("acme", config_version=1, lined=("general/two",))),
        (evolve(an_agent("one"), id="sue"), DESK),
        (an_agent("one"), DeskRecord("acme", config_version=2)),
    ],
    ids=["serves nothing", "serves many", "lanes of their own", "never seen", "version unknown"],
)
def test_of_lines_that_cannot_be_guessed_nothing_is_told(agent: Agent, record: DeskRecord) -> None:
    assert told_of(agent, record) == ["agents", "agent_timers"]


def test_lanes_of_other_queues_do_not_matter() -> None:
    record = DeskRecord("acme", config_version=1, lined=("general/two",))
    assert "waiting" in told_of(an_agent("one"), record)


def an_item(**changes: Any) -> Inbound:
    sender = Sender(addresses=("a1", "a2"))
    made = Inbound(kind=InboundKind.MESSAGE, key="k1", address="main", sender=sender, text="Hello")
    return evolve(made, **changes)


@pytest.mark.parametrize(
    "entry_point, item, more",
    [
        ("main", an_item(), [("contact_addresses", "chat", "a1")]),
        ("main", an_item(sender=None), []),
        ("renamed", an_item(), []),
    ],
)
def test_an_item_is_looked_for_with_its_sender(entry_point: str, item: Inbound, more: Any) -> None:
    listener: Any = Listener(DESK)
    foresee(listener, "acme", of_item(entry_point, item), setup())
    assert listener.told == [("dedupe", entry_point, "message", "k1"), *more]


@pytest.mark.req("R13")
@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "message"},
        {"key": 5},
        {"sender": "maria"},
        {"sender": Sender(addresses=5)},  # type: ignore[arg-type]
        {"sender": Sender(addresses={"a1"})},  # type: ignore[arg-type]
        {"sender": Sender(addresses=(["a1"],))},  # type: ignore[arg-type]
    ],
)
def test_of_an_item_that_will_be_refused_nothing_is_told(wrong: dict[str, Any]) -> None:
    listener: Any = Listener(DESK)
    foresee(listener, "acme", of_item("main", an_item(**wrong)), setup())
    assert listener.told == []


def test_who_does_not_listen_is_told_nothing() -> None:
    deaf: Any = Deaf()
    foresee(deaf, "acme", (None, "ana", None, "comes"), setup())
    foresee(deaf, "acme", of_item("main", an_item()), setup())


def test_a_listener_that_is_of_no_use_is_told_nothing() -> None:
    listener: Any = Listener(DESK, an_agent("one"))
    listener.foresees = False
    foresee(listener, "acme", ("c1", "ana", "key", "frees"), setup())
    assert listener.told == []
