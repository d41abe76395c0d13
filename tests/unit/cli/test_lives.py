"""The demo's four lives: what their timelines say is what the rules promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omniroute.cli.demo.lives import LIVES, lived
from omniroute.testing import Play

DISMISSED, ALIVE, SNOOZED, BACK = LIVES
Life = tuple[str, dict[str, Any], Callable[[Play], None]]


def told(life: Life) -> str:
    return "\n".join(lived(life[1], life[2]))


@pytest.mark.req("U38", "U39", "U44")
def test_a_chat_is_warned_dismissed_and_resumed() -> None:
    text = told(DISMISSED)
    for line in (
        "10:30:00  contact has fallen silent",
        "10:30:00  system wrote (m_3): Are you still there, Maria?",
        "10:35:00  system wrote (m_4): This chat session is closed",
        "10:35:00  dismissed from ana (silence)",
        "12:00:00  waits in help (message)",
        "12:00:00  offered to all who may take it",
        "12:00:00  assigned to ana (accepted)",
        "12:00:00  ended by agent:ana (agent)",
    ):
        assert line in text


@pytest.mark.req("T12", "T15")
def test_keep_alive_asks_again_after_a_reply_and_then_ends() -> None:
    lines = told(ALIVE).splitlines()
    asked = [line.split()[0] for line in lines if "asked whether" in line]
    assert asked == ["10:20:00", "10:45:00"]
    assert [line for line in lines if "is sent" not in line][-2:] == [
        "  10:55:00  system wrote (m_6): We close this for now.",
        "  10:55:00  ended by system (keep_alive)",
    ]


@pytest.mark.req("A13", "A15")
def test_a_snooze_wakes_after_its_day_for_the_first_available_agent() -> None:
    text = told(SNOOZED)
    assert "Agent Ana snoozed this conversation" in text
    assert "Tuesday, 03 March 2026\n  10:00:00  waits in help (woke)" in text
    assert "10:00:00  assigned to ana (push)" in text


@pytest.mark.req("C8")
def test_a_finished_chat_is_the_same_and_unanswered_again() -> None:
    text = told(BACK)
    assert text.startswith("c_1: Finished")
    assert "Thursday, 05 March 2026\n  10:00:00  waits in help (reopened)" in text
    assert text.count("ended by agent:ana") == 2
