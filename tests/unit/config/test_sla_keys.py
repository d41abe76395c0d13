"""The keys of SLAs, response targets and service levels: read, refused with their paths, written back."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.config import dump, load_config
from omniroute.errors import ConfigError
from omniroute.instants import DAY, HOUR, MINUTE, SECOND
from omniroute.model.desk_config import DeskConfig
from omniroute.model.sla import ServiceLevel, ServiceLevelFormula, SlaHours, SlaTargets
from omniroute.rules.resolution import Setup

FORMS = 'minutes (15, 0.5) or a duration in whole seconds ("40s", "1h30m") above zero'


def desk(sla: Any, *, override: Any = None, policy: Any = None) -> DeskConfig:
    point = {"channel": "chat", "address": "widget"}
    return load_config(
        {
            "inboxes": {"general": {"primary_for": ["chat"], "sla": sla}},
            "entry_points": {"web": point if override is None else {**point, "override": override}},
            "policy": policy or {},
        }
    )


def problems(sla: Any, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        desk(sla, **more)
    return [str(each) for each in caught.value.problems]


@pytest.mark.req("P11", "G15")
def test_an_sla_is_its_first_response_or_a_table() -> None:
    short = desk("15m").inboxes["general"]
    assert (short.sla, short.targets) == (15 * MINUTE, SlaTargets())
    assert desk({"first": "15m"}) == desk("15m") == desk(15)
    table = {"first": 0.5, "next": "1h", "resolution": "2d", "warn_before": "10s"}
    whole = desk({**table, "hours": "calendar"}).inboxes["general"]
    assert whole.sla == 30 * SECOND
    assert whole.targets == SlaTargets(
        next=HOUR, resolution=2 * DAY, warn_before=10 * SECOND, hours=SlaHours.CALENDAR
    )


@pytest.mark.parametrize(
    "sla,override,written",
    [
        ("15m", None, ("15m", None)),
        ({"first": "15m"}, {"sla": {"first": "40s"}}, ("15m", {"sla": "40s"})),
        (
            {"first": "15m", "warn_before": "5m", "hours": "business"},
            {"sla": {"next": "10m"}},
            (
                {"first": "15m", "warn_before": "5m", "hours": "business"},
                {"sla": {"next": "10m"}},
            ),
        ),
    ],
)
def test_what_was_read_is_written_back(sla: Any, override: Any, written: Any) -> None:
    config = desk(sla, override=override)
    document = dump(config)
    assert load_config(document) == config
    inbox, point = document["inboxes"]["general"], document["entry_points"]["web"]
    assert (inbox["sla"], point.get("override")) == written


def test_targets_and_levels_of_a_policy_are_written_back() -> None:
    policy = {"response_target": "60s", "service_level": {"target": "20s", "formula": "answered"}}
    config = desk("15m", policy=policy)
    assert config.policy.response_target == MINUTE
    assert config.policy.service_level == ServiceLevel(20 * SECOND, ServiceLevelFormula.ANSWERED)
    assert load_config(dump(config)) == config


@pytest.mark.req("G16")
@pytest.mark.parametrize("value", ["0s", 0, "-5m", "1500ms", True, "soon"])
@pytest.mark.parametrize("key", ["first", "next", "resolution", "warn_before"])
def test_no_time_of_an_sla_is_nothing_or_less(key: str, value: Any) -> None:
    found = problems({"first": "15m", key: value})
    assert len(found) == 1
    assert found[0].startswith(f"inboxes.general.sla.{key}: expected {FORMS}, got ")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems(
        {"next": "5m", "warn_before": "5m", "hours": "never", "last": "1d"},
        override={"sla": {"first": "5m", "warn_before": "5m"}},
        policy={"response_target": "0s", "service_level": {"formula": "best"}},
    )
    starts = [
        "inboxes.general.sla.warn_before: expected less than next, 5m; got 5m",
        'inboxes.general.sla.hours: unknown choice "never"',
        "inboxes.general.sla.last: unknown key",
        f"inboxes.general.sla.first: is missing; expected {FORMS}",
        "entry_points.web.override.sla.warn_before: expected less than first, 5m; got 5m",
        "policy.response_target: expected a duration",
        'policy.service_level.formula: unknown choice "best"',
        "policy.service_level.target: is missing; expected a duration",
    ]
    for start in starts:
        assert [each for each in found if each.startswith(start)], (start, found)
    assert len(found) == len(starts)


@pytest.mark.req("G11")
def test_an_override_whose_table_says_nothing_changes_nothing() -> None:
    (problem,) = problems("15m", override={"sla": {}})
    assert problem.startswith("entry_points.web.override: changes neither the inbox nor the SLA")


@pytest.mark.req("G13", "G14")
def test_each_value_of_an_override_says_where_it_is_from() -> None:
    config = desk(
        {"first": "15m", "next": "1h", "resolution": "1d"}, override={"sla": {"next": "5m"}}
    )
    found = Setup(config, 1).entry_point("web")
    assert (found.sla, found.sla_source) == (15 * MINUTE, "inbox general")
    assert (found.targets.next, found.targets.resolution) == (5 * MINUTE, DAY)
    assert (found.target_sources["next"], found.target_sources["resolution"]) == (
        "override",
        "inbox general",
    )
    assert found.target_sources["warn_before"] == "default"


@pytest.mark.req("U18", "U19", "U79")
def test_a_service_level_is_inherited_and_switched_off_without_losing_its_value() -> None:
    config = load_config(
        {
            "policy": {"service_level": {"target": "20s"}, "response_target": "1m"},
            "inboxes": {
                "general": {
                    "primary_for": ["chat"],
                    "sla": "15m",
                    "queues": ["A", "B"],
                    "at": {"B": {"enabled": {"service_level": False, "response_target": False}}},
                }
            },
        }
    )
    setup = Setup(config, 1)
    on, off = setup.policy(None, "general/A"), setup.policy(None, "general/B")
    assert (on.service_level, on.response_target) == (ServiceLevel(20 * SECOND), MINUTE)
    assert (off.service_level, off.response_target) == (None, None)
    assert setup.stored(None, "general/B").service_level == ServiceLevel(20 * SECOND)
