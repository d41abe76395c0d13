"""A desk goes on where it stood after its process ended, with every timer that was pending."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import omniroute as om
from omniroute.clock import ManualClock
from omniroute.instants import MINUTE
from omniroute.model.desk_config import EntryPointConfig, Override
from omniroute.testing import MONDAY, NOW, a_config, play
from omniroute.testing.scripted import ScriptedPlugin


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}"
    found: str = request.getfixturevalue("empty_database")
    return found


def reopened(url: str, at: timedelta) -> tuple[om.Desks, om.Desk]:
    """The stored desk, as another process opens it at a time after the beginning."""
    plugins = [ScriptedPlugin(("chat",))]
    clock = ManualClock(MONDAY + at)
    desks = om.Desks(url, clock=clock, plugins=plugins, builtin=False, discover=False)
    return desks, desks["acme"]


@pytest.mark.req("X5")
def test_timers_that_were_pending_fire_in_order_after_a_restart(url: str) -> None:
    """Those that fell due in between at once, each for its own instant; the others when they are due."""
    allowed = {"slow": 60, "fast": 5, "main": 15, "next": 25}
    points = {
        name: EntryPointConfig(
            channel="chat", address=name, override=Override(sla=minutes * MINUTE)
        )
        for name, minutes in allowed.items()
    }
    with play(a_config(entry_points=points), store=url) as p:
        chats = {name: p.contact(name, on=name).writes("Hello").id for name in allowed}
        position = p.desk.change_page()[-1].position
        due = p.desk.next_due()

    desks, desk = reopened(url, timedelta(minutes=30))
    with desks:
        assert desk.next_due() == due == MONDAY + timedelta(minutes=5, microseconds=1)
        assert desk.tick() == 3
        fired = [each.event for each in desk.changes(position)]
        assert all(isinstance(each, om.SlaBreached) for each in fired)
        assert [getattr(each, "conversation", None) for each in fired] == [
            chats[n] for n in ("fast", "main", "next")
        ]
        assert [each.at - NOW for each in fired] == [n * MINUTE + 1 for n in (5, 15, 25)]
        assert desk.tick() == 0
        position += 3

    desks, desk = reopened(url, timedelta(minutes=61))
    with desks:
        assert desk.tick() == 1
        (late,) = desk.changes(position)
        assert getattr(late.event, "conversation", None) == chats["slow"]
        assert desk.next_due() is None


@pytest.mark.req("X5")
def test_what_waits_to_be_sent_outlives_its_process(url: str) -> None:
    """The outbox, holders and loads are as they were."""
    with play(a_config(agents=["ana"], capacity=1), store=url) as p:
        p.agent("ana").on()
        chat = p.contact("Maria").writes("Hello")
        p.desk.reply(chat.id, "Good morning", by="ana")
        waiting = p.contact("Otto").writes("Hello")
    desks, desk = reopened(url, timedelta(minutes=1))
    with desks:
        assert desk.waiting_to_send() == 1
        assert desk.conversation(chat.id).agent == "ana"
        desk.end(chat.id, by="ana")
        assert desk.conversation(waiting.id).agent == "ana"
