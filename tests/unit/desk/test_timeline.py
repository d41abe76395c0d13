"""The timeline of a conversation, as data and as text, at the desk and in the terminal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

import omniroute as om
from omniroute.cli import main
from omniroute.errors import UnknownConversation
from omniroute.instants import MINUTE
from omniroute.model.conversation import DeadlineKind
from omniroute.model.policy import Assignment, Inactivity, PolicySettings
from omniroute.testing import a_config, play

SILENCE = PolicySettings(inactivity=Inactivity(after=10 * MINUTE, notice=5 * MINUTE, text="Hm?"))
TEXT = """\
c_1: inactive
Monday, 02 March 2026
  09:00:00  opened on main -> queued
  09:00:00  contact wrote (m_1): Hello
  09:00:00  assigned to ana (push)
  09:00:00  agent:ana wrote (m_2): Hi
  09:00:00  m_2 is sent
  09:10:00  contact has fallen silent
  09:10:00  system wrote (m_3): Hm?
  09:10:00  m_3 is sent
  09:15:00  to come: dismissal"""


def silent(store: str) -> om.testing.Play:
    p = play(a_config(agents=("ana",), policy=SILENCE), store=store)
    p.agent("ana").on()
    p.agent("ana").replies(p.contact("Maria").writes("Hello"), "Hi")
    p.advance("10m")
    return p


def test_it_tells_what_happened_what_was_said_and_what_is_to_come() -> None:
    with silent("memory://") as p:
        found = p.desk.timeline("c_1")
        assert found.as_text() == TEXT
        assert [each.deadline for each in found.ahead] == [DeadlineKind.DISMISSAL]
        assert asyncio.run(p.desks.aio["acme"].timeline("c_1")) == found
        with pytest.raises(UnknownConversation):
            p.desk.timeline("c_9")


@pytest.mark.req("P14")
def test_instants_that_are_told_in_words_are_the_desks_too() -> None:
    offers = PolicySettings(assignment=Assignment.OFFER_ONE)
    with play(a_config(agents=("ana",), policy=offers, zone="Asia/Kathmandu")) as p:
        ana = p.agent("ana").on()
        chat = p.contact("Maria").writes("Hello")
        ana.accepts(chat)
        p.desk.acting_as("ana").snooze(chat.id, until=datetime(2026, 3, 5, 7, 30, tzinfo=UTC))
        for entries in (p.desk.timeline(chat.id).entries, p.desk.explain(chat.id).timeline):
            assert [entry.text.split(": ")[0] for entry in entries if " until " in entry.text] == [
                "offered to ana until 14:45:30",
                "ana snoozed it until 05 Mar 13:15",
            ]


def test_the_terminal_shows_it(tmp_path, capsys) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    silent(url).close()
    assert main(["timeline", url, "acme", "c_1"]) == 0
    assert capsys.readouterr().out == TEXT + "\n"
    assert main(["timeline", url, "acme", "c_9"]) == 1
