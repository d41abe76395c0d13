"""Walking a configuration: what leads nowhere, who is missing, what has no effect."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.testing import Finding, FindingKind, walk, walk_cases

K = FindingKind

BASE: dict[str, Any] = {
    "desk": "acme",
    "preset": "push",
    "inboxes": {
        "general": {"primary_for": ["chat"], "sla": "15m", "queues": ["Orders", "Support"]},
    },
    "entry_points": {"web": {"channel": "chat", "address": "w1"}},
    "groups": {"all": {"serves": ["general/**"]}},
    "agents": {"ana": {"groups": ["all"]}},
}


def config(**changes: Any) -> om.DeskConfig:
    return om.load_config({**BASE, **changes})


def found(**changes: Any) -> list[tuple[FindingKind, str]]:
    return [(each.kind, each.where) for each in walk(config(**changes))]


def general(**changes: Any) -> dict[str, Any]:
    return {"general": {**BASE["inboxes"]["general"], **changes}}


def test_a_sound_desk_has_nothing_odd() -> None:
    assert walk(config()) == ()
    assert walk(BASE) == ()


@pytest.mark.parametrize(
    "changes,expected",
    [
        (
            {"inboxes": {**general(), "vip": {"sla": "2m"}}},
            [(K.UNREACHABLE_QUEUE, "inboxes.vip"), (K.UNSTAFFED_QUEUE, "inboxes.vip")],
        ),
        (
            {"groups": {"all": {"serves": ["general/Orders"]}}},
            [(K.UNSTAFFED_QUEUE, "inboxes.general.Support")],
        ),
        (
            {
                "groups": {"all": {"serves": ["general/Orders"]}},
                "entry_points": {
                    "web": {"channel": "chat", "address": "w1", "queue": "general/Support"}
                },
            },
            [
                (K.UNREACHABLE_QUEUE, "inboxes.general.Orders"),
                (K.DEAD_END, "entry_points.web.queue"),
                (K.UNSTAFFED_ENTRY_POINT, "entry_points.web"),
            ],
        ),
        (
            {"inboxes": general(at={"Support": {"hidden": True}})},
            [(K.HIDDEN_QUEUE, "inboxes.general.Support")],
        ),
        ({"inboxes": general(at={"Support": {"hidden": True, "keywords": ["technik"]}})}, []),
        (
            {
                "inboxes": general(at={"Support": {"hidden": True}}),
                "direct_access": {"app": {"keys": {"k": "v"}, "queue": "general/Support"}},
            },
            [],
        ),
        (
            {"groups": {**BASE["groups"], "spare": {}}},
            [(K.EMPTY_GROUP, "groups.spare")],
        ),
        (
            {"agents": {**BASE["agents"], "bob": {}, "boss": {"role": "administrator"}}},
            [(K.IDLE_AGENT, "agents.bob")],
        ),
        (
            {"preset": "claim", "policy": {"after_end": {"to": "last_agent"}}},
            [(K.CONTRADICTION, "inboxes.general.Orders")],
        ),
        (
            {"policy": {"after_end": {"to": "new", "within": "1h"}}},
            [(K.CONTRADICTION, "inboxes.general.Orders")],
        ),
        (
            {"policy": {"skip_greeting_after_hours": True}},
            [(K.CONTRADICTION, "inboxes.general.Orders")],
        ),
    ],
)
def test_what_is_odd_is_found(changes: Any, expected: Any) -> None:
    assert found(**changes) == expected


def test_an_inbox_of_one_queue_is_reached_by_its_entry_points() -> None:
    single = {"general": {"primary_for": ["chat"], "sla": "15m"}}
    assert found(inboxes=single, groups={"all": {"serves": ["general"]}}) == []


def test_findings_are_cases_of_a_test() -> None:
    (case,) = walk_cases(config(groups={**BASE["groups"], "spare": {}}))
    assert case.values == (Finding(K.EMPTY_GROUP, "groups.spare", "nobody is in it"),)
    assert str(case.values[0]) == "groups.spare: nobody is in it"
    assert case.id == "empty_group: groups.spare"
    (nothing,) = walk_cases(config())
    assert nothing.values == (None,)
