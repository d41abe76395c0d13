"""Variables of automatic texts: what a text cannot have is told, and not sent in braces."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.config import load_config
from omniroute.errors import ConfigError

ALIVE = {"after": "10m", "end_after": "10m", "text": "There?", "end_text": "Bye"}


def told(policy: dict[str, Any], at: str = "policy") -> list[str]:
    document: dict[str, Any] = {
        "inboxes": {"general": {"primary_for": ["chat"], "sla": "15m"}},
        "entry_points": {"main": {"channel": "chat", "address": "w"}},
        "agents": {"ana": {"serves": ["general"]}},
    }
    (document if at == "policy" else document["inboxes"]["general"])["policy"] = policy
    try:
        load_config(document)
    except ConfigError as error:
        return [str(each) for each in error.problems]
    return []


@pytest.mark.parametrize(
    "policy",
    [
        {"greeting": "Hello, you are number {position}."},
        {"after_hours_message": "Again on {opens_at}. You are number {position}."},
        {"assign": {"waiting_message": "{position}: {estimated_wait}", "estimate_over": 5}},
        {"assign": {"menu_wait": "({estimated_wait} min)", "estimate_over": 5}},
        {"dismissed_text": "[agent name] has left."},
        {"dismissed_text": "Welcome back. You are number {position}."},
        {"ended_text": "You were number {position}."},
        {"keep_alive": {**ALIVE, "text": "Still there? You are number {position}."}},
        {"keep_alive": {**ALIVE, "end_text": "You were number {position}. Bye"}},
        {
            "keep_alive": {**ALIVE, "text": "It takes {estimated_wait} min."},
            "assign": {"estimate_over": 5},
        },
        {"ended_text": "Bye :-} { } {1} {a b}"},
    ],
)
def test_what_a_text_has_may_stand_in_it(policy: dict[str, Any]) -> None:
    assert told(policy) == []


@pytest.mark.parametrize(
    "policy,problem",
    [
        (
            {"greeting": "Hello {contact}, {contact}!"},
            (
                "greeting: {contact} stands for nothing here; "
                'known are "{position}" and "{estimated_wait}"'
            ),
        ),
        (
            {"greeting": "Number {postion}"},
            (
                'greeting: {postion} stands for nothing here; did you mean "{position}"? '
                'Known are "{position}" and "{estimated_wait}"'
            ),
        ),
        (
            {"greeting": "Again {opens_at}"},
            (
                "greeting: {opens_at} stands for nothing here; "
                'known are "{position}" and "{estimated_wait}"'
            ),
        ),
        (
            {"assign": {"menu_wait": "({position})"}},
            (
                "assign.menu_wait: {position} stands for nothing here; "
                'the only one is "{estimated_wait}"'
            ),
        ),
        (
            {"ended_text": "Bye {Name}"},
            (
                "ended_text: {Name} stands for nothing here; "
                'known are "{position}" and "{estimated_wait}"'
            ),
        ),
        (
            {"inactivity": {"after": "10m", "notice": "5m", "text": "{agent} waits"}},
            "inactivity.text: {agent} stands for nothing here, and would be sent as it is",
        ),
        (
            {"inactivity": {"after": "10m", "notice": "5m", "text": "Number {position}"}},
            "inactivity.text: {position} stands for nothing here, and nobody who gets it waits",
        ),
        (
            {"keep_alive": {**ALIVE, "end_text": "Bye {name}"}},
            (
                "keep_alive.end_text: {name} stands for nothing here; "
                'known are "{position}" and "{estimated_wait}"'
            ),
        ),
        (
            {"keep_alive": {**ALIVE, "text": "It takes {estimated_wait} min."}},
            "keep_alive.text: names {estimated_wait}, and no assign.estimate_over is set",
        ),
        (
            {"ended_text": "It took {estimated_wait} min."},
            "ended_text: names {estimated_wait}, and no assign.estimate_over is set",
        ),
    ],
)
@pytest.mark.parametrize("at", ["policy", "inboxes.general.policy"])
def test_what_it_does_not_have_is_told_wherever_it_stands(
    policy: dict[str, Any], problem: str, at: str
) -> None:
    assert told(policy, at) == [f"{at}.{problem}"]
