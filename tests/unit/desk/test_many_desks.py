"""Thousands of desks on one store: each found by its address, and one worker for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.clock import ManualClock
from omniroute.desk import Desks
from omniroute.model.desk_config import EntryPointConfig
from omniroute.testing import MONDAY, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin, ScriptedProvider

COUNT = 1000
CONFIG = a_config(preset="push", agents=("ana",))


def named(number: int) -> om.DeskConfig:
    entry = EntryPointConfig(channel="chat", address=f"widget-{number}")
    return evolve(CONFIG, desk=f"desk-{number}", entry_points={"main": entry})


@pytest.fixture(params=["memory", "sqlite"])
def desks(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Desks]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'desks.db'}"
    store = (
        om.MemoryStore() if request.param == "memory" else om.sql.SqlStore(url, durability="normal")
    )
    with Desks(
        store,
        plugins=[ScriptedPlugin(("chat",))],
        discover=False,
        builtin=False,
        clock=ManualClock(MONDAY),
        transport=ScriptedProvider(),
    ) as desks:
        for number in range(COUNT):
            desks.create(named(number))
        rest(desks)
        yield desks


def rest(desks: Desks) -> int:
    """Let a worker go round until nothing is due; return how many desks it visited."""
    worker, visited = desks.worker(wait=lambda _: None), 0
    while done := worker.round().desks:
        visited += done
    return visited


def told(desk: om.Desk) -> list[str]:
    return [type(change.event).__name__ for change in desk.changes()]


@pytest.mark.req("P20")
def test_an_address_finds_its_desk_and_one_worker_serves_them_all(desks: Desks) -> None:
    busy = [desks[f"desk-{number}"] for number in (7, 500, 999)]
    for desk in busy:
        found = desks.find("chat", f"widget-{desk.id.partition('-')[2]}")
        assert found is not None
        assert (found[0].id, found[1]) == (desk.id, "main")
        desk.receive("main", an_inbound(address=f"widget-{desk.id.partition('-')[2]}"))
    clock: Any = desks._runtime.clock
    clock.set(MONDAY + timedelta(seconds=1))
    assert rest(desks) == 0, "nothing is due yet"
    clock.set(MONDAY + timedelta(minutes=16))
    assert rest(desks) == COUNT
    late = [desk.id for desk in map(desks.desk, desks.ids()) if "SlaBreached" in told(desk)]
    assert sorted(late) == sorted(desk.id for desk in busy)
    assert desks["desk-8"].counts() == {}


@pytest.mark.req("P20")
def test_staff_is_edited_one_person_at_a_time_and_at_one_desk(desks: Desks) -> None:
    desk = desks["desk-500"]
    for number in range(300):
        desk.staff.put(f"a{number:03}", serves=["general"])
    before = len(told(desk))
    desk.staff.put("a007", name="Bond")
    assert told(desk)[before:] == ["AgentSaved"], "one person, whatever their number"
    assert [agent.id for agent in desks["desk-501"].staff.list().items] == ["ana"]
