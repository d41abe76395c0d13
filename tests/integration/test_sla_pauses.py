"""Cases of helpdesks whose clocks are paused, lived through on a desk: snoozed, woken, read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import omniroute as om
from omniroute.testing import play
from tests.integration.test_sla_cases import CASES, amount, instant, written

PAUSED = [case for case in CASES if "pauses" in case]
AT_CLOSING = {"sla-035": "2013-06-04T16:00:00Z"}
"""Upstream takes the next opening where a time runs out exactly at closing; R8 takes the closing."""


def resolution_due(case: dict[str, Any], allowed: timedelta, until: datetime) -> datetime:
    """Live a case until an instant, asleep in its pauses; return when the resolution is due then."""
    config = {
        "zone": case["calendar"]["tz"],
        "preset": "push",
        "hours": written(case["calendar"]),
        "inboxes": {
            "general": {
                "primary_for": ["chat"],
                "sla": {"first": "30d", "resolution": f"{allowed // timedelta(seconds=1)}s"},
            }
        },
        "entry_points": {"web": {"channel": "chat", "address": "widget"}},
        "agents": {"ana": {"serves": ["general"]}},
    }
    with play(config, start=instant(case["start"])) as p:
        p.agent("ana").on()
        chat = p.contact("Maria", on="web").writes("Hello")
        for begins, ends in case["pauses"]:
            if instant(begins) < until:
                p.advance_to(instant(begins))
                p.desk.snooze(chat.id, by="ana", until=instant(ends))
                p.advance_to(instant(ends))
        (due,) = [
            clock.due
            for clock in p.desk.conversation(chat.id).clocks
            if clock.kind is om.DeadlineKind.RESOLUTION
        ]
        assert due is not None
        return due


@pytest.mark.req("S5", "P11")
@pytest.mark.parametrize(
    "case", [case for case in PAUSED if case["kind"] == "due"], ids=lambda case: str(case["id"])
)
def test_a_resolution_is_due_when_helpdesks_say(case: dict[str, Any]) -> None:
    expected = instant(AT_CLOSING.get(case["id"], case["expected"]))
    assert resolution_due(case, amount(case), expected) == expected


@pytest.mark.req("S5", "P11")
@pytest.mark.parametrize(
    "case", [case for case in PAUSED if case["kind"] == "elapsed"], ids=lambda case: str(case["id"])
)
def test_as_much_time_has_passed_as_helpdesks_say(case: dict[str, Any]) -> None:
    """What has passed at the end is what a resolution may take that is due by then, and no second more."""
    passed, end = timedelta(minutes=case["expected"]), instant(case["end"])
    assert resolution_due(case, passed, end) <= end
    assert resolution_due(case, passed + timedelta(seconds=1), end) > end


def test_the_cases_are_there() -> None:
    if not CASES:
        pytest.skip("needs the optional folder ../shared")
    assert len(PAUSED) == 13
