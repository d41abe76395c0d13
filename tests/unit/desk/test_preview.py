"""What would happen to a message, changing nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import omniroute as om
from omniroute.cli import main
from omniroute.model.state import State
from omniroute.testing import MONDAY, an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from tests.unit.desk.helpers import every_agent, log
from tests.unit.desk.test_assigning import CASCADE, TIERS, config, holders, writes


@pytest.mark.req("P14")
def test_it_says_who_would_get_a_message_and_changes_nothing(play) -> None:
    p = play(config(TIERS, at={"a": CASCADE}))
    p.agent("ana").on()
    before = (log(p), every_agent(p))
    seen = p.desk.preview("chat-a", "Hello")
    assert (seen.result, seen.story.conversation.agent) == ("accepted", "ana")
    assert "ana was chosen in general/a" in seen.as_text()
    assert (log(p), every_agent(p)) == before
    assert p.desk.conversations().items == ()
    (real,) = writes(p, "Maria")
    assert holders(p, real) == ["ana"]


@pytest.mark.req("P14")
def test_it_says_so_of_another_instant_with_what_is_due_by_then(play) -> None:
    p = play(config(TIERS, at={"a": CASCADE}))
    p.agent("ana").on()
    p.agent("bob").on()
    waiting = writes(p, "One", "Two")[1]
    now = p.desk.preview("chat-a", "Hello", contact="addr-two")
    assert now.story.conversation.state is State.QUEUED
    later = p.desk.preview("chat-a", "Hello", contact="addr-two", at=MONDAY + timedelta(seconds=91))
    assert later.story.conversation.agent == "bob"
    assert holders(p, waiting) == [None]


@pytest.mark.req("P14")
def test_what_would_be_refused_is_told_with_the_reason(play) -> None:
    p = play(config(TIERS))
    seen = p.desk.preview("chat-a", an_inbound(address="elsewhere"))
    assert (seen.result, seen.story) == ("rejected", None)
    assert "elsewhere" in seen.as_text()


def seeded(folder: Path) -> tuple[str, str]:
    url = f"sqlite:///{folder / 'desk.db'}"
    document: dict[str, Any] = {
        "desk": "acme",
        "inboxes": {"general": {"primary_for": ["chat"], "sla": "15m"}},
        "entry_points": {"web": {"channel": "chat", "address": "widget"}},
        "agents": {"ana": {"serves": ["general"]}},
    }
    with om.Desks(url, plugins=[ScriptedPlugin(("chat",))], discover=False) as desks:
        desk = desks.create(om.load_config(document))
        desk.set_available("ana")
        received = desk.receive("web", an_inbound(address="widget"))
    return url, received.conversations[0].id


@pytest.mark.req("P14")
def test_the_commands_print_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url, conversation = seeded(tmp_path)
    assert main(["explain", conversation, "--store", url]) == 0
    assert "ana was chosen in general" in capsys.readouterr().out
    assert main(["preview", "web", "Hello", "--store", url, "--at", "2030-01-01T09:00+00:00"]) == 0
    assert "would be accepted" in capsys.readouterr().out
    assert main(["preview", "web", "Hello", "--store", url, "--json"]) == 0
    assert '"accepted"' in capsys.readouterr().out
