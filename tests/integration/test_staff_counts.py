"""A change of one agent costs the same beside ten agents and beside ten thousand (P20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from omniroute.model.agent import Agent
from omniroute.schema import AGENTS
from omniroute.stores.sql import SqlStore
from omniroute.testing import Play, a_config, an_agent, play
from omniroute.testing.store_conformance.values import alone
from tests.integration.test_statement_counts import _RAN, store

__all__ = ["store"]

FEW, MANY = 10, 10_000
_BATCH = 2_000


def others(number: int) -> Agent:
    made = an_agent(f"other-{number:05}")
    return evolve(made, serves=("general/Other",), leaves=("general/Other",), available=False)


def add(desk: Any) -> object:
    return desk.staff.put("new", serves=["general/Orders"], by="boss")


def change(desk: Any) -> object:
    return desk.staff.change("ana", name="Ann", by="boss")


def draft(desk: Any) -> object:
    with desk.configure(by="boss") as draft:
        draft.put_agent("zoe", serves=["general/Orders"])
    return None


def remove(desk: Any) -> object:
    return desk.staff.remove("ana", held="requeue", by="boss")


def look(desk: Any) -> object:
    return desk.staff.get("ana"), desk.staff.history("ana")


ACTS: tuple[Callable[[Any], object], ...] = (add, change, draft, look, remove)


def counted(p: Play, act: Callable[[Any], object]) -> list[str]:
    _RAN.clear()
    act(p.desk)
    return [each for each in _RAN if each.split()[0] not in ("BEGIN", "PRAGMA")]


@pytest.mark.req("P20")
def test_a_change_of_staff_costs_the_same_whatever_their_number(store: SqlStore) -> None:
    config = a_config(preset="push", queues=("Orders", "Other"), agents={"ana": ["general/Orders"]})
    p = play(config, store=store)
    p.desk.staff.put("boss", role="administrator")
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    p.desk.history()
    seen: dict[int, list[list[str]]] = {}
    for count in (FEW, MANY):
        start = 0 if count == FEW else FEW
        for first in range(start, count, _BATCH):
            numbers = range(first, min(first + _BATCH, count))
            alone(store).add(AGENTS, p.desk.id, [others(number) for number in numbers])
        seen[count] = [counted(p, act) for act in ACTS[:4]]
        p.desk.staff.remove("new")
        p.desk.staff.remove("zoe")
        p.desk.staff.change("ana", name="Ana")
    assert [len(each) for each in seen[MANY]] == [len(each) for each in seen[FEW]]
    assert seen[MANY] == seen[FEW], "the very same statements"
    assert max(len(each) for each in seen[MANY]) <= 16
    assert len(counted(p, remove)) <= 40
