"""Every public method, every one of its parameters given what it is not: a typed error, nothing changed.

The methods are found, not listed: one that is added is in here without a word. Some of what is given
may be used after all (a number is a fraction, `None` is the default); what is told is in the
library's own words in any case, and whatever raised has changed nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import omniroute as om
from omniroute.model.desk_config import NumberConfig
from omniroute.testing import MONDAY, Play, a_config, an_inbound, play

DEEP: list[Any] = []
for _ in range(3000):
    DEEP = [DEEP]

BAD: dict[str, Any] = {
    "nothing": None,
    "empty": "",
    "NUL": "a\0b",
    "a lone surrogate": "\ud800",
    "long": "x" * 10_000,
    "a number": 7,
    "huge": 2**70,
    "a fraction": 1.5,
    "true": True,
    "bytes": b"x",
    "a list": [],
    "deep": DEEP,
    "a mapping": {"a": "b"},
    "a mapping of numbers": {7: 7},
    "a set": {1},
    "an object": object(),
    "naive": datetime(2026, 3, 2, 9, 0),  # noqa: DTZ001  (naive on purpose)
}

GIVEN: dict[str, Any] = {
    "a": 1,
    "address": "Maria",
    "agent": "ana",
    "amount": "1h",
    "at": MONDAY,
    "b": 1,
    "by": "ana",
    "channel": "chat",
    "code": "123456",
    "config": a_config(agents=("ana", "bob")),
    "contact": "p_1",
    "conversation": "c_1",
    "count": 1,
    "end": MONDAY,
    "entry_point": "main",
    "inbox": "general",
    "item": an_inbound(),
    "limit": 5,
    "number": "+4930123456",
    "on": "main",
    "path": "general/A",
    "queue": "general/A",
    "request": an_inbound(),
    "start": MONDAY,
    "tags": "vip",
    "target": "general/B",
    "text": "Hello",
    "to": "bob",
    "wait": lambda seconds: seconds,
    "within": "1h",
}
"""What the other parameters without a default are given; any text where nothing is said."""

MORE: dict[Any, dict[str, Any]] = {
    "run": {"stop": lambda: True},
    "watch": {"stop": lambda: True},
    ("run", "stop"): {"until": MONDAY},
    "snooze": {"for_": "1h"},
    ("snooze", "until"): {},
    "start": {"contact": "p_1"},
    "engage": {"contact": "p_1"},
}
ENDLESS = {("Worker.run", "stop", "nothing"), ("Desk.watch", "stop", "nothing")}
"""What would go on for ever."""


def opened(store: str) -> tuple[Play, dict[type, Any]]:
    numbers = {"+4930123456": NumberConfig(label="Main")}
    config = a_config(agents=("ana", "bob"), queues=("A", "B"), preset="claim", numbers=numbers)
    p = play(config, store=store)
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.contact("Maria").writes("A")
    p.desk.take(chat.id, by="ana")
    p.contact("Noah").writes("Hello")
    desk = p.desk
    contact, agent = p.contact("Zoe"), p.agent("ana")
    return p, {
        om.Desk: desk,
        om.Acting: desk.acting_as("ana"),
        om.Staff: desk.staff,
        om.Contacts: desk.contacts,
        om.Numbers: desk.numbers,
        om.Desks: p.desks,
        om.Draft: desk.configure(),
        om.Worker: p.desks.worker(wait=lambda _: None),
        om.BusinessHours: om.hours("always"),
        Play: p,
        type(contact): contact,
        type(agent): agent,
    }


def methods() -> list[Any]:
    """Return every public method, by its class and name."""
    _, owners = opened("memory://")
    return [
        pytest.param(cls, name, id=f"{cls.__name__}.{name}")
        for cls in owners
        for name, _ in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and name not in ("close", "parameters")
    ]


def carried_out(method: Callable[..., Any], given: dict[str, Any]) -> None:
    bound = inspect.signature(method).bind_partial()
    for each in bound.signature.parameters.values():
        if each.name in given:
            value = given[each.name]
            several = each.kind is each.VAR_POSITIONAL
            named = each.kind is each.VAR_KEYWORD
            bound.arguments[each.name] = (value,) if several else {"x": value} if named else value
    result = method(*bound.args, **bound.kwargs)
    if isinstance(result, Iterator):
        next(result, None)


def needed(method: Callable[..., Any]) -> dict[str, Any]:
    return {
        each.name: GIVEN.get(each.name, "x")
        for each in inspect.signature(method).parameters.values()
        if each.default is each.empty and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }


def state(p: Play, owner: Any) -> Any:
    changes = tuple(each.position for each in p.desk.change_page(0))
    staged = owner.changes() if isinstance(owner, om.Draft) else ()
    return changes, staged


def tried(method: Callable[..., Any], given: dict[str, Any]) -> Exception | None:
    try:
        carried_out(method, given)
    except Exception as error:  # noqa: BLE001  (to be looked at)
        return error
    return None


@pytest.mark.req("X1")
@pytest.mark.parametrize("cls,name", methods())
def test_whatever_a_public_method_is_given_it_answers_in_the_librarys_own_words(
    cls: type, name: str
) -> None:
    try_all(cls, name, lambda _: "memory://")


@pytest.mark.req("X1")
@pytest.mark.parametrize("name", ["take", "note", "explain"])
def test_a_database_is_not_blamed_for_what_it_was_given(name: str, tmp_path: Path) -> None:
    try_all(om.Desk, name, lambda number: f"sqlite:///{tmp_path}/{number}.db")


def try_all(cls: type, name: str, store: Callable[[int], str]) -> None:
    opening = map(opened, map(store, count()))
    p, owners = next(opening)
    before = state(p, owners[cls])
    for parameter in inspect.signature(getattr(owners[cls], name)).parameters:
        for label, value in BAD.items():
            if (f"{cls.__name__}.{name}", parameter, label) in ENDLESS:
                continue
            method = getattr(owners[cls], name)
            given = needed(method) | MORE.get((name, parameter), MORE.get(name, {}))
            error = tried(method, given | {parameter: value})
            if error is None:  # it could be used, and may have changed things
                p.close()
                p, owners = next(opening)
                before = state(p, owners[cls])
                continue
            told = f"{parameter}, {label}: {error!r}"
            assert isinstance(error, om.OmnirouteError), told
            assert not isinstance(error, om.StoreError), told
            assert str(error), told
            assert state(p, owners[cls]) == before, told
    p.close()
