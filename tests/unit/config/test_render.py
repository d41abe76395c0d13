from __future__ import annotations

import tomllib
from typing import Any

import pytest
from attrs import evolve

from omniroute.config import differences, dump, dumps_toml, load_config, loads
from omniroute.config.toml import render_toml
from omniroute.instants import MINUTE, SECOND
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import Overtake, PolicySettings
from omniroute.model.secret import SecretRef

CONFIG = DeskConfig(
    desk="acme",
    zone="Europe/Berlin",
    policy=PolicySettings(menu_text="Please choose."),
    inboxes={
        "general": InboxConfig(
            sla=15 * MINUTE,
            primary_for=("chat",),
            queues=(QueueNode("Deutsch", (QueueNode("Technik"),)), QueueNode("English")),
            at={"Deutsch/Technik": PolicySettings(overtake=Overtake.CONFIRM)},
        ),
        "vip": InboxConfig(sla=2 * MINUTE),
    },
    accounts={"site": AccountConfig(settings={"token": SecretRef(env="TOKEN"), "theme": "dark"})},
    entry_points={
        "widget": EntryPointConfig(
            channel="chat", address="w", account="site", settings={"colour": "red"}
        ),
    },
    groups={"tier1": GroupConfig(serves=("general/**",))},
    agents={"ana": AgentConfig(groups=("tier1",))},
)

TOML = """\
desk = "acme"
zone = "Europe/Berlin"

[policy]
menu_text = "Please choose."

[inboxes.general]
primary_for = ["chat"]
sla = "15m"
queues = ["Deutsch", ["Technik"], "English"]
at = { "Deutsch/Technik" = { overtake = "confirm" } }

[inboxes.vip]
sla = "2m"

[accounts.site]
token = { env = "TOKEN" }
theme = "dark"

[entry_points]
widget = { channel = "chat", account = "site", address = "w", colour = "red" }

[groups]
tier1 = { serves = ["general/**"] }

[agents]
ana = { groups = ["tier1"] }
"""


def test_a_dump_is_what_a_person_would_have_written():
    assert dump(CONFIG) == tomllib.loads(TOML)
    assert load_config(dump(CONFIG)) == CONFIG


def test_the_toml_is_laid_out_for_people():
    assert dumps_toml(CONFIG) == TOML
    assert loads(TOML) == CONFIG


def test_a_dump_shares_nothing_with_the_configuration():
    first = dump(CONFIG)
    first["entry_points"]["widget"]["colour"] = "blue"
    first["inboxes"]["general"]["queues"].append("Other")
    assert dump(CONFIG) == tomllib.loads(TOML)


def test_an_empty_policy_and_an_empty_table_stay_as_they_are():
    config = evolve(CONFIG, policy=PolicySettings(capacity={}, labels={}))
    assert dump(config)["policy"] == {"capacity": {}, "labels": {}}
    assert loads(dumps_toml(config)) == config


@pytest.mark.parametrize(
    "value",
    [
        'quotes " and \\ and \n and \t and \x1f and \x7f and é and 🦆 and \u2028',
        "",
        True,
        False,
        0,
        -5,
        10**18,
        0.5,
        -0.0,
        1e16,
        1e-7,
        [],
        [[], [[]]],
        ["a", 1, 2.5, True, {"b": [1]}],
        {},
        {"": 1, "a b": 2, "a.b": 3, 'a"b': {"c": {}}, "ä": 5},
        {"x": "y" * 200},
        {"deep": {"long": "y" * 90, "list": ["z" * 60, ["y" * 60, {"q": 1}]]}},
        ["x" * 60, ["y" * 60, ["z" * 60, "w"], "v"], ["u" * 90]],
    ],
)
def test_toml_gives_every_value_back(value: Any):
    for document in ({"key": value}, {"table": {"key": value}}, {"a b": {"c": {"key": value}}}):
        for spread in ((), ("table", "a b")):
            text = render_toml(document, spread=spread)
            assert tomllib.loads(text) == document
            assert text.endswith("\n")


def test_a_long_tree_is_broken_into_lines():
    queues = ["Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]], "English"] * 3
    text = render_toml({"queues": queues})
    assert text.splitlines()[:4] == [
        "queues = [",
        '  "Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]],',
        '  "English",',
        '  "Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]],',
    ]
    assert tomllib.loads(text) == {"queues": queues}


# --- differences


def changed(**changes: Any) -> tuple[str, ...]:
    return differences(CONFIG, evolve(CONFIG, **changes))


def with_inbox(**changes: Any) -> tuple[str, ...]:
    general = evolve(CONFIG.inboxes["general"], **changes)
    return changed(inboxes={**CONFIG.inboxes, "general": general})


def test_equal_configurations_have_no_differences():
    assert differences(CONFIG, load_config(dump(CONFIG))) == ()
    reordered = {name: CONFIG.inboxes[name] for name in ("vip", "general")}
    assert changed(inboxes=reordered) == ()


def test_each_change_is_one_line_with_its_path():
    assert with_inbox(sla=20 * MINUTE) == ("inboxes.general.sla: 15m -> 20m",)
    assert changed(zone="UTC", preset="push") == (
        "zone: Europe/Berlin -> UTC",
        "preset: not set -> push",
    )
    assert changed(policy=PolicySettings()) == ('policy.menu_text: "Please choose." -> not set',)
    assert with_inbox(at={}) == (
        'inboxes.general.at."Deutsch/Technik".overtake: confirm -> not set',
    )
    assert with_inbox(queues=(QueueNode("English"),), at={}) == (
        'inboxes.general.queues: ["Deutsch", ["Technik"], "English"] -> ["English"]',
        'inboxes.general.at."Deutsch/Technik".overtake: confirm -> not set',
    )


def test_what_comes_or_goes_is_named_whole():
    assert changed(agents={"ben": AgentConfig()}) == (
        "agents.ana: removed",
        "agents.ben: added",
    )
    assert changed(groups={}) == ("groups.tier1: removed",)
    assert differences(evolve(CONFIG, agents={}), CONFIG) == ("agents.ana: added",)


def test_an_override_is_told_field_by_field():
    widget = evolve(CONFIG.entry_points["widget"], override=Override(inbox="vip", sla=40 * SECOND))
    assert changed(entry_points={"widget": widget}) == (
        "entry_points.widget.override.inbox: not set -> vip",
        "entry_points.widget.override.sla: not set -> 40s",
    )


@pytest.mark.req("R15")
def test_settings_are_not_shown_and_references_are():
    site = AccountConfig(settings={"token": SecretRef(env="NEW"), "theme": "spilled"})
    widget = evolve(CONFIG.entry_points["widget"], settings={"key": "spilled"})
    lines = changed(accounts={"site": site}, entry_points={"widget": widget})
    assert lines == (
        'accounts.site.token: { env = "TOKEN" } -> { env = "NEW" }',
        "accounts.site.theme: changed",
        "entry_points.widget.colour: (not shown) -> not set",
        "entry_points.widget.key: not set -> (not shown)",
    )
    literal = AccountConfig(settings={"token": "spilled", "theme": "dark"})
    assert changed(accounts={"site": literal}) == (
        'accounts.site.token: { env = "TOKEN" } -> (not shown)',
    )
