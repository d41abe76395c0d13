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


# --- who is there, and may not --------------------------------------------------------------------


def texts(**changes: Any) -> list[str]:
    return [str(each) for each in walk(config(**changes)) if each.kind is K.NO_TAKER]


def orders(**assign: Any) -> dict[str, Any]:
    return general(at={"Orders": {"assign": assign}})


ORDERS = "inboxes.general.Orders: of those who serve it none "


@pytest.mark.parametrize(
    "changes,told",
    [
        ({"inboxes": orders(cascade=["tier1"])}, [ORDERS + 'is in "tier1"']),
        ({"inboxes": orders(cascade=["tier1", "all"])}, []),
        ({"inboxes": orders(percent={"tier1": 10_000})}, [ORDERS + 'is in "tier1"']),
        ({"inboxes": orders(percent={"tier1": 10_000}, open_after="1m")}, []),
        ({"inboxes": orders(skills={"router": 3})}, [ORDERS + "has router >= 3"]),
        ({"inboxes": orders(skills={"router": {"levels": 3, "expires": "1m"}})}, []),
        ({"inboxes": orders(skills={"de": 1})}, []),
    ],
)
def test_a_queue_whose_agents_are_all_kept_out_is_odd(
    changes: dict[str, Any], told: list[str]
) -> None:
    people = {
        "ana": {"groups": ["all"], "languages": ["de"]},
        "eve": {"groups": ["tier1"], "role": "supervisor"},
    }
    groups = {**BASE["groups"], "tier1": {}}
    assert texts(**changes, groups=groups, agents=people) == told


def test_a_queue_whose_agents_are_enabled_for_other_channels_is_odd() -> None:
    inboxes = general(primary_for=["chat", "sms"])
    people = {"ana": {"groups": ["all"], "channels": ["sms"]}}
    assert texts(inboxes=inboxes, agents=people) == [
        'inboxes.general.Orders: of those who serve it none is enabled for "chat"',
        'inboxes.general.Support: of those who serve it none is enabled for "chat"',
    ]
    people["ben"] = {"groups": ["all"]}
    assert texts(inboxes=inboxes, agents=people) == []


# --- titles, numbers and keywords -----------------------------------------------------------------


def test_a_title_that_is_the_number_of_another_line_is_odd() -> None:
    assert [str(each) for each in walk(config(inboxes=general(queues=["1", "3", "2", "7"])))] == [
        'inboxes.general.3: is line 2 of its menu, and who answers "3" gets line 3',
        'inboxes.general.2: is line 3 of its menu, and who answers "2" gets line 2',
    ]


def test_a_keyword_that_is_the_title_of_another_queue_is_odd() -> None:
    at = {
        "Support": {"keywords": ["help2", "ORDERS"]},
        "Orders": {"keywords": ["orders2", "Order"]},
    }
    told = '"ORDERS" leads here, and is the title of "general/Orders"'
    assert [str(each) for each in walk(config(inboxes=general(at=at)))] == [
        f"inboxes.general.at.Support.keywords: {told}"
    ]
