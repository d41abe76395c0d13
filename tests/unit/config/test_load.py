from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omniroute.config import load_config, loads
from omniroute.config.documents import parse
from omniroute.errors import ConfigError
from omniroute.instants import DAY, HOUR, MINUTE, SECOND
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    ChannelConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, PolicySettings
from omniroute.model.secret import SecretRef

EVERYTHING = """
desk = "acme"
zone = "Europe/Berlin"
preset = "push"

[policy]
assignment = "claim"
distribution = "longest_idle"
overtake = "confirm"
after_end = { to = "last_agent", within = "72h" }
capacity = { messaging = { goal = 3, soft_max = 4, hard_max = 5 } }
menu_text = "Choose."
labels = { queued = "Unanswered" }
idempotency_window = "7d"

[channels.chat.policy]
menu_text = "Tap one."

[inboxes.general]
primary_for = ["whatsapp", "chat"]
sla = "15m"
queues = [
  "Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]],
  "English",
]
policy = { overtake = "forbid" }
[inboxes.general.at."Deutsch/Technik"]
assignment = "push"

[inboxes.vip]
sla = 0.66

[accounts.meta]
app_secret = { env = "META_APP_SECRET" }
api_version = "v25.0"
retries = 3

[entry_points]
main = { channel = "whatsapp", account = "meta", address = "1065" }
orders = { channel = "whatsapp", address = "1066", queue = "general/English" }
[entry_points.platinum]
channel = "chat"
address = "w"
override = { inbox = "vip", sla = "40s" }
theme = "dark"

[groups]
tier1 = { serves = ["general/Deutsch/**"] }

[agents.ana]
name = "Ana"
groups = ["tier1"]
serves = ["vip"]
capacity = { messaging = { goal = 1, soft_max = 2, hard_max = 3 } }
"""

ALL_OF_IT = DeskConfig(
    desk="acme",
    zone="Europe/Berlin",
    preset="push",
    policy=PolicySettings(
        assignment=Assignment.CLAIM,
        distribution=Distribution.LONGEST_IDLE,
        overtake=Overtake.CONFIRM,
        after_end=AfterEnd(AfterEndTo.LAST_AGENT, 72 * HOUR),
        capacity={"messaging": Capacity(3, 4, 5)},
        menu_text="Choose.",
        labels={"queued": "Unanswered"},
        idempotency_window=7 * DAY,
    ),
    channels={"chat": ChannelConfig(policy=PolicySettings(menu_text="Tap one."))},
    inboxes={
        "general": InboxConfig(
            sla=15 * MINUTE,
            primary_for=("whatsapp", "chat"),
            queues=(
                QueueNode(
                    "Deutsch",
                    (
                        QueueNode("Bestellung"),
                        QueueNode("Technik", (QueueNode("Router"), QueueNode("Mobil"))),
                    ),
                ),
                QueueNode("English"),
            ),
            policy=PolicySettings(overtake=Overtake.FORBID),
            at={"Deutsch/Technik": PolicySettings(assignment=Assignment.PUSH)},
        ),
        "vip": InboxConfig(sla=40 * SECOND),
    },
    accounts={
        "meta": AccountConfig(
            settings={
                "app_secret": SecretRef(env="META_APP_SECRET"),
                "api_version": "v25.0",
                "retries": 3,
            },
        ),
    },
    entry_points={
        "main": EntryPointConfig(channel="whatsapp", account="meta", address="1065"),
        "orders": EntryPointConfig(channel="whatsapp", address="1066", queue="general/English"),
        "platinum": EntryPointConfig(
            channel="chat",
            address="w",
            override=Override(inbox="vip", sla=40 * SECOND),
            settings={"theme": "dark"},
        ),
    },
    groups={"tier1": GroupConfig(serves=("general/Deutsch/**",))},
    agents={
        "ana": AgentConfig(
            name="Ana",
            groups=("tier1",),
            serves=("vip",),
            capacity={"messaging": Capacity(1, 2, 3)},
        ),
    },
)

SMALL = {
    "inboxes": {"general": {"primary_for": ["chat"], "sla": 15}},
    "entry_points": {"widget": {"channel": "chat", "address": "w"}},
}


def changed(value: Any, *path: str) -> dict[str, Any]:
    """Return SMALL with a value set at a path."""
    document: dict[str, Any] = json.loads(json.dumps(SMALL))
    table = document
    for key in path[:-1]:
        table = table.setdefault(key, {})
    table[path[-1]] = value
    return document


def messages(document: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(document)
    return [str(problem) for problem in caught.value.problems]


def test_every_key_is_read_and_means_what_it_says():
    assert loads(EVERYTHING) == ALL_OF_IT


# --- sources


def test_the_same_desk_in_every_format(tmp_path: Path):
    document = {"zone": "Europe/Berlin", "preset": "claim", **SMALL}
    files = {
        "toml": 'zone = "Europe/Berlin"\npreset = "claim"\n'
        '[inboxes.general]\nprimary_for = ["chat"]\nsla = 15\n'
        '[entry_points]\nwidget = { channel = "chat", address = "w" }\n',
        "json": json.dumps(document),
        "yaml": "zone: Europe/Berlin\npreset: claim\n"
        "inboxes:\n  general:\n    primary_for: [chat]\n    sla: 15\n"
        "entry_points:\n  widget: {channel: chat, address: w}\n",
    }
    expected = load_config(document, desk="acme")
    for extension, text in files.items():
        path = tmp_path / f"acme.{extension}"
        path.write_text(text, encoding="utf-8")
        assert load_config(path) == load_config(str(path)) == expected
        assert loads(text, extension, desk="acme") == expected


def test_yaml_scalars_are_text_and_numbers_are_read_where_they_are_wanted():
    config = loads(
        "inboxes:\n  yes: {primary_for: [on], sla: 0.66}\n"
        "entry_points:\n  no: {channel: on, address: 0123, opens: 13:30, flag: yes, port: 5}\n"
        "policy: {capacity: {messaging: {goal: 1, soft_max: 2, hard_max: 3}}}\n",
        "yaml",
    )
    assert config.inboxes["yes"].primary_for == ("on",)
    assert config.inboxes["yes"].sla == 40 * SECOND
    assert config.entry_points["no"].address == "0123"
    assert config.entry_points["no"].settings == {"opens": "13:30", "flag": "yes", "port": "5"}
    assert config.policy.capacity == {"messaging": Capacity(1, 2, 3)}


def test_a_number_as_text_is_refused_where_the_format_has_numbers():
    limits = {"goal": "1", "soft_max": 2, "hard_max": 3}
    assert messages(changed({"messaging": limits}, "policy", "capacity")) == [
        'policy.capacity.messaging.goal: expected a whole number, got "1"',
    ]


def test_the_desks_id_is_the_files_stem_unless_the_file_or_the_caller_says(tmp_path: Path):
    path = tmp_path / "north.json"
    path.write_text(json.dumps(SMALL), encoding="utf-8")
    assert load_config(path).desk == "north"
    assert load_config(SMALL).desk == "desk"
    path.write_text(json.dumps({**SMALL, "desk": "south"}), encoding="utf-8")
    assert load_config(path).desk == "south"
    assert load_config(path, desk="west").desk == "west"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path):
    path = tmp_path / "desk.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(SMALL).encode())
    assert load_config(path).inboxes.keys() == {"general"}


def test_a_files_mapping_is_copied_not_kept():
    document = changed({"a": [1]}, "entry_points", "widget", "theme")
    config = load_config(document)
    document["entry_points"]["widget"]["theme"]["a"].append(2)
    assert config.entry_points["widget"].settings == {"theme": {"a": [1]}}


# --- blanks


@pytest.mark.req("G13", "G17")
def test_an_override_sla_may_be_blank_and_an_inboxs_may_not():
    for blank in (None, ""):
        override = {"inbox": "vip", "sla": blank}
        document = changed(override, "entry_points", "widget", "override")
        document["inboxes"]["vip"] = {"sla": "2m"}
        assert load_config(document).entry_points["widget"].override == Override(inbox="vip")
        (problem,) = messages(changed(blank, "inboxes", "general", "sla"))
        assert problem.startswith("inboxes.general.sla: ")


@pytest.mark.req("G11")
def test_an_override_of_blanks_changes_nothing_and_is_refused():
    assert messages(changed({"inbox": None, "sla": ""}, "entry_points", "widget", "override")) == [
        (
            "entry_points.widget.override: changes neither the inbox nor the SLA;"
            " set one, or leave it out"
        ),
    ]


def test_an_empty_optional_value_counts_as_absent():
    document = changed(None, "entry_points", "widget", "account")
    document |= {"preset": None, "policy": None, "agents": {"ana": {"groups": None}}}
    config = load_config(document)
    assert config.preset is None
    assert config.agents == {"ana": AgentConfig()}
    document["entry_points"]["widget"]["theme"] = None
    assert load_config(document) == config


@pytest.mark.req("G15", "G16")
@pytest.mark.parametrize(
    "written,seconds", [(15, 900), (0.675, 41), ("0.66", 40), ("1h", 3600), ("40s", 40)]
)
def test_an_sla_is_read_from_minutes_and_durations(written: object, seconds: int):
    config = load_config(changed(written, "inboxes", "general", "sla"))
    assert config.inboxes["general"].sla == seconds * SECOND


@pytest.mark.req("G12")
def test_a_second_override_is_refused_in_every_format():
    override = '{"sla": 5}'
    text = json.dumps(SMALL).replace(
        '"address"', f'"override": {override}, "override": {override}, "address"'
    )
    with pytest.raises(ConfigError, match=r"entry_points\.widget\.override: stands here twice"):
        loads(text, "json")
    yaml = (
        "inboxes: {general: {primary_for: [chat], sla: 15}}\n"
        "entry_points: {widget: {channel: chat, address: w, override: {sla: 5}, override: {}}}"
    )
    with pytest.raises(ConfigError, match=r"entry_points\.widget\.override: stands here twice"):
        loads(yaml, "yaml")
    toml = 'entry_points.w = { channel = "chat", override = { sla = 5 }, override = { sla = 5 } }'
    with pytest.raises(ConfigError, match="is not TOML"):
        loads(toml)


# --- what a broken part hides and what it does not


def test_a_misspelt_key_is_one_problem_and_not_what_follows_from_it():
    document = {
        "inboxs": {"general": {"primary_for": ["chat"], "sla": 15}},
        "entry_points": {"widget": {"channel": "chat", "adress": "w"}},
    }
    assert [problem.partition(";")[0] for problem in messages(document)] == [
        "inboxs: unknown key",
        "entry_points.widget.adress: unknown key",
    ]


def test_a_part_that_cannot_be_read_hides_only_what_depends_on_it():
    document = {
        "inboxes": {"general": {"primary_for": ["chat", 5], "sla": "x", "queues": ["A", "a", 7]}},
        "entry_points": {
            "widget": {"channel": "chat", "address": "w", "account": "none"},
            "other": {"channel": "sms", "address": "w"},
        },
        "groups": {},
        "agents": {"ana": {"serves": [1, "general/B"], "groups": ["nobody"]}},
    }
    assert [problem.partition(": ")[0] for problem in messages(document)] == [
        "inboxes.general.primary_for[1]",
        "inboxes.general.sla",
        "inboxes.general.queues[1]",
        "inboxes.general.queues[2]",
        "entry_points.widget.account",
        "agents.ana.serves[0]",
        "agents.ana.groups[0]",
    ]


def test_a_bad_item_does_not_shift_the_places_of_those_after_it():
    document = changed([5, "general", "generl"], "groups", "g", "serves")
    assert messages(document) == [
        "groups.g.serves[0]: expected text, got 5",
        'groups.g.serves[2]: no queue is named "generl"; did you mean "general"?',
    ]


def test_settings_that_only_resemble_a_key_are_left_to_the_adapter():
    document = changed("123", "entry_points", "widget", "channel_id")
    document["entry_points"]["widget"]["addresses"] = ["a"]  # `address` itself is there
    settings = load_config(document).entry_points["widget"].settings
    assert settings == {"channel_id": "123", "addresses": ["a"]}


# --- unreasonable documents


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def test_a_document_that_is_nested_without_end_is_refused_not_followed():
    assert "nested deeper than 100 levels" in messages({"accounts": {"a": {"x": nested(500)}}})[0]
    endless: list[Any] = []
    endless.append(endless)
    assert "nested deeper than 100 levels" in messages({"accounts": {"a": {"x": endless}}})[0]
    for text, language in (
        ("x = " + "[" * 100_000, "toml"),
        ("[" * 100_000, "json"),
        ("[" * 2_000, "yaml"),
    ):
        with pytest.raises(ConfigError):
            loads(text, language)


def test_an_alias_that_multiplies_is_refused_not_followed():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="500,000 values"):
        loads("\n".join(lines), "yaml")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, object(), 1 + 2j])
def test_settings_are_plain_values(value: object):
    (problem,) = messages(changed(value, "accounts", "a", "x"))
    assert problem.startswith("accounts.a.x: expected ")


def test_keys_are_text():
    document = {**SMALL, "agents": {5: {}}}
    assert messages(document) == ["agents: expected keys that are text, got 5"]


def test_text_that_no_store_takes_is_refused_where_it_stands():
    document = changed("dark\0", "entry_points", "widget", "theme")
    document["agents"] = {"a\ud800": {}}
    assert messages(document) == [
        "entry_points.widget.theme: holds the character U+0000, which cannot be stored",
        'agents."a\\ud800": the key holds the character U+D800, which cannot be stored',
    ]


def test_what_is_null_in_yaml_is_absent_and_what_is_quoted_is_text():
    config = loads(
        """
        zone:
        preset: ~
        policy: null
        inboxes:
          g: {sla: 5, primary_for: [chat], queues: }
        entry_points:
          null: {channel: chat, override: {sla: 40s, inbox: ~}}
        agents:
          ana: {name: "null"}
          ben: {name: Null}
        """,
        "yaml",
    )
    assert (config.zone, config.preset, config.inboxes["g"].queues) == ("UTC", None, ())
    assert list(config.entry_points) == ["null"]
    assert [agent.name for agent in config.agents.values()] == ["null", "Null"]


def test_merge_keys_of_yaml_bring_what_a_table_does_not_say_itself():
    config = loads(
        """
        inboxes:
          g: &base {sla: 15m, primary_for: [chat], queues: [Orders]}
          h: &quick {sla: 40s}
          i: {<<: *base, primary_for: []}
          j: &both {<<: [*quick, *base], primary_for: []}
          k:
            hours: always
            <<: *both
          l: {sla: 5m, queues: ["<<"]}
        entry_points:
          "<<": {channel: chat}
        """,
        "yaml",
    )
    slas = {name: inbox.sla // SECOND for name, inbox in config.inboxes.items()}
    assert slas == {"g": 900, "h": 40, "i": 900, "j": 40, "k": 40, "l": 300}
    assert [name for name, inbox in config.inboxes.items() if inbox.primary_for] == ["g"]
    assert [leaf for leaf in "ijk" if config.inboxes[leaf].queues == (QueueNode("Orders"),)] == [
        *"ijk"
    ]
    assert list(config.entry_points) == ["<<"]


def test_merged_tables_that_multiply_are_merged_once_each():
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 60)]
    values = parse("\n".join(lines), "yaml", source="s", desk="d").values
    assert values["a59"] == {"x": "1"}


def test_a_key_that_stands_twice_is_told_beside_a_merge_too():
    text = "inboxes:\n  g: &g {sla: 5m}\n  h: {sla: 1m, <<: *g, sla: 2m}\n  i: {<<: *g, <<: *g}\n"
    with pytest.raises(ConfigError) as raised:
        loads(text, "yaml")
    paths = [each.path for each in raised.value.problems]
    assert paths[:2] == ["inboxes.h.sla", 'inboxes.i."<<"']


def test_numbers_of_any_length_are_problems_like_others():
    digits = "9" * 5_000
    text = f'{{"inboxes": {{"g": {{"sla": {digits}}}}}, "accounts": {{"a": {{"x": {digits}}}}}}}'
    with pytest.raises(ConfigError) as caught:
        loads(text, "json")
    assert [problem.path for problem in caught.value.problems] == ["inboxes.g.sla", "accounts.a.x"]
    assert all("far too large" in problem.message for problem in caught.value.problems)


def test_text_in_the_place_of_a_path_is_told_how_to_be_read():
    with pytest.raises(
        ConfigError, match=r"got text of several lines; `config\.loads` reads a text"
    ):
        load_config("zone = 'UTC'\ndesk = 'acme'")
