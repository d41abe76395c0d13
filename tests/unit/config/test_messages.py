"""Broken files, and the exact message that a person sees for each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from omniroute.config import load_config, loads
from omniroute.errors import ConfigError

SOUND = """\
[inboxes.general]
primary_for = ["chat"]
sla = "15m"
queues = ["Deutsch", ["Technik"], "English"]

[entry_points]
widget = { channel = "chat", address = "w1" }
"""

SLA = 'expected minutes (15, 0.5) or a duration in whole seconds ("40s", "1h30m") above zero'
INBOX_KEYS = '"at", "primary_for", "sla", "queues", "policy" and "hours"'

BROKEN = {
    "a key that does not exist": (
        'colour = "red"\n' + SOUND,
        "desk.toml has 1 problem:\n  colour: unknown key",
    ),
    "misspelt keys": (
        'prest = "push"\n' + SOUND.replace("sla", "slaa"),
        f"""\
desk.toml has 2 problems:
  prest: unknown key; did you mean "preset"?
  inboxes.general.slaa: unknown key; did you mean "sla"? Known are {INBOX_KEYS}""",
    ),
    "values of the wrong type": (
        """\
zone = 1
policy = "push"
inboxes = []
agents = { ana = 5, ben = { groups = "tier1", capacity = { messaging = 3 } } }
""",
        """\
desk.toml has 6 problems:
  zone: expected text, got 1
  policy: expected a table, got "push"
  inboxes: expected a table, got a list
  agents.ana: expected a table, got 5
  agents.ben.groups: expected a list of text, got "tier1"
  agents.ben.capacity.messaging: expected a table, got 3""",
    ),
    "SLAs": (
        """\
[inboxes]
a = { sla = "0" }
b = { sla = "-5m" }
c = { sla = "1500ms" }
d = { sla = true }
e = {}
""",
        f"""\
desk.toml has 5 problems:
  inboxes.a.sla: {SLA}, got "0"
  inboxes.b.sla: {SLA}, got "-5m"
  inboxes.c.sla: {SLA}, got "1500ms"
  inboxes.d.sla: {SLA}, got true
  inboxes.e.sla: is missing; {SLA}""",
    ),
    "a queue list": (
        """\
[inboxes.general]
sla = 15
queues = [["Lost"], "Deutsch", ["Technik", ["x/y", "*"], "TECHNIK", []], "English", 7, " French"]
""",
        """\
desk.toml has 7 problems:
  inboxes.general.queues[0]: is a list with no name before it; expected a queue, then its children
  inboxes.general.queues[2][1][0]: "x/y" holds a "/", which separates queues
  inboxes.general.queues[2][1][1]: "*" stands for other names where queues are served
  inboxes.general.queues[2][2]: a queue beside it is named "Technik" already
  inboxes.general.queues[2][3]: is an empty list; a queue without children stands alone
  inboxes.general.queues[4]: expected a queue's name or the list of its children, got 7
  inboxes.general.queues[5]: " French" begins or ends with a space""",
    ),
    "names of nothing": (
        SOUND
        + """\
gold = { channel = "chat", address = "w2", account = "sote", override = { inbox = "vpi" } }
sms = { channel = "sms", address = "1" }
tech = { channel = "chat", address = "w3", queue = "Deutsch/Technik" }
[inboxes.vip]
sla = 2
[inboxes.general.at.Englisch]
menu_text = "Hi"
[accounts.site]
[groups]
tier1 = { serves = ["general/Deutsch", "general/Franz/**"] }
[agents]
ana = { groups = ["tier2"] }
""",
        """\
desk.toml has 8 problems:
  inboxes.general.at.Englisch: inbox "general" has no queue "Englisch"; did you mean "English"? \
Known are "Deutsch", "Deutsch/Technik" and "English"
  entry_points.gold.account: unknown account "sote"; did you mean "site"?
  entry_points.gold.override.inbox: unknown inbox "vpi"; did you mean "vip"? \
Known are "general" and "vip"
  entry_points.sms.channel: no inbox is primary for "sms"; add it to one inbox's primary_for
  entry_points.tech.queue: no queue is named "Deutsch/Technik"; \
did you mean "general/Deutsch/Technik"?
  groups.tier1.serves[0]: "general/Deutsch" is a branch, and agents serve leaves only; \
write "general/Deutsch/**"
  groups.tier1.serves[1]: no queue is named "general/Franz/**"; known are \
"general/Deutsch/Technik", "general/English" and "vip"
  agents.ana.groups[0]: unknown group "tier2"; did you mean "tier1"?""",
    ),
    "two primary inboxes, two entry points at one address": (
        SOUND
        + """\
again = { channel = "chat", address = "w1" }
[inboxes.vip]
primary_for = ["chat"]
sla = 2
""",
        """\
desk.toml has 2 problems:
  inboxes.vip.primary_for[0]: "chat" has the primary inbox "general" already; \
a channel has exactly one
  entry_points.again.address: "w1" on "chat" belongs to "widget" already""",
    ),
    "overrides": (
        SOUND
        + """\
a = { channel = "chat", address = "a", override = {} }
b = { channel = "chat", address = "b", override = { sla = "" } }
c = { channel = "chat", address = "c", override = { inbox = "general" } }
d = { channel = "chat", address = "d", override = { inbx = "general" } }
e = { channel = "chat", address = "e", override = "general" }
""",
        """\
desk.toml has 5 problems:
  entry_points.a.override: changes neither the inbox nor the SLA; set one, or leave it out
  entry_points.b.override: changes neither the inbox nor the SLA; set one, or leave it out
  entry_points.c.override: changes neither the inbox nor the SLA; \
"general" is the primary inbox for "chat" anyway
  entry_points.d.override.inbx: unknown key; did you mean "inbox"? Known are "inbox" and "sla"
  entry_points.e.override: expected a table, got "general\"""",
    ),
    "an entry point that says too little": (
        SOUND.replace('["chat"]', '["chat", "email"]')
        + 'a = { channel = "email" }\nb = { adress = "b", channel = "email" }\nc = {}\n',
        """\
desk.toml has 4 problems:
  entry_points.a.address: is missing; expected the provider's id of this entry point
  entry_points.b.adress: unknown key; did you mean "address"? \
Known are "channel", "account", "address", "queue", "override", "number", \
"connected", "embedded" and "forwarding_active"
  entry_points.c.channel: is missing; expected a channel kind, such as "whatsapp"
  entry_points.c.address: is missing; expected the provider's id of this entry point""",
    ),
    "policies": (
        """\
preset = "pusch"
zone = "Europe/Berlim"
[policy]
assignment = "psh"
overtake = "never"
after_end = { within = "3 days" }
capacity = { messaging = { goal = 5, soft_max = 4, hard_max = 4 }, voice = { goal = 1 } }
labels = { queud = "Unanswered" }
[channels.chat.policy]
capacity = { messaging = { goal = 1, soft_max = 1, hard_max = 1 } }
""",
        """\
desk.toml has 11 problems:
  preset: unknown preset "pusch"; did you mean "push"? \
Known are "sla_inbox", "social_queue", "keep_alive", "claim" and "push"
  zone: unknown time zone "Europe/Berlim"; expected an IANA name such as Europe/Berlin; \
did you mean "Europe/Berlin"?
  policy.assignment: unknown choice "psh"; did you mean "push"? \
Known are "push", "claim", "offer_all" and "offer_one"
  policy.overtake: unknown choice "never"; known are "forbid" and "confirm"
  policy.after_end.within: expected a duration, as "40s", "15m", "1h30m" or "7d", got "3 days"
  policy.after_end.to: is missing; expected where a message goes
  policy.capacity.messaging: expected 1 <= goal <= soft_max <= hard_max, \
got goal 5, soft_max 4, hard_max 4
  policy.capacity.voice.soft_max: is missing; expected a whole number
  policy.capacity.voice.hard_max: is missing; expected a whole number
  policy.labels.queud: there is no state "queud"; did you mean "queued"? Known are "selecting", \
"queued", "offered", "active", "inactive", "dismissed", "snoozed" and "ended"
  channels.chat.policy.capacity: has no effect here; set it for the desk""",
    ),
    "secrets": (
        """\
[accounts.meta]
app_secret = { env = "" }
token = { env = 5 }
since = 2024-01-01
""",
        """\
desk.toml has 3 problems:
  accounts.meta.app_secret.env: expected the name of an environment variable
  accounts.meta.token.env: expected the name of an environment variable
  accounts.meta.since: expected text, a number, true or false, a list, a table or \
{ env = "NAME" }, got a date or time""",
    ),
    "TOML that is none": (
        'zone = "Europe/Berlin"\n[inboxes.general\nsla = 5\n',
        (
            "desk.toml has 1 problem:\n"
            "  line 2, column 17: is not TOML: Expected ']' at the end of a table declaration"
        ),
    ),
    "a file that ends too soon": (
        'zone = "Europe/Berlin"\nqueues = [1,',
        "desk.toml has 1 problem:\n  line 2, column 13: is not TOML: Invalid value",
    ),
}


def message(path: Path, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_person_sees(name: str, tmp_path: Path):
    text, expected = BROKEN[name]
    path = tmp_path / "desk.toml"
    path.write_text(text, encoding="utf-8")
    assert message(path, tmp_path) == expected


def test_the_sound_file_is_sound(tmp_path: Path):
    path = tmp_path / "desk.toml"
    path.write_text(SOUND, encoding="utf-8")
    assert load_config(path).desk == "desk"


@pytest.mark.parametrize(
    "file,content,expected",
    [
        ("none.toml", None, "there is no such file"),
        (
            "desk.ini",
            b"",
            'expected a file that ends in .toml or .json or .yaml or .yml, got "desk.ini"',
        ),
        ("desk.toml", b"a = 1\nb = '\xff'", "line 2: is not UTF-8"),
        ("desk.json", b'{"zone": }', "line 1, column 10: is not JSON: Expecting value"),
        (
            "desk.json",
            b'{"accounts": {"a": {"x": NaN}}}',
            "accounts.a.x: expected a finite number, got nan",
        ),
        ("desk.json", b"{}", "expected a table of settings, got an empty one"),
        ("desk.toml", b"# nothing yet", "expected a table of settings, got an empty one"),
        ("desk.toml", b"x = " + b"9" * 5_000, "holds a number of far too many digits"),
        ("desk.json", b"[]", "expected a table of settings, got a list"),
        (
            "desk.yaml",
            b"a: [",
            "line 1, column 5: is not YAML: expected the node content, but found '<stream end>'",
        ),
        (
            "desk.yaml",
            b"a: 1\n- b",
            "line 2, column 1: is not YAML: expected <block end>, but found '-'",
        ),
        ("desk.yml", b"", "expected a table of settings, got nothing"),
        (
            "desk.yml",
            b"accounts: {meta: {app_secret: !ENV META}}",
            "line 1, column 31: is not YAML: tags are not read, such as !ENV",
        ),
        (
            "desk.yml",
            b"a: !!omap []",
            "line 1, column 4: is not YAML: tags are not read, such as tag:yaml.org,2002:omap",
        ),
        (
            "desk.yml",
            b"inboxes:\n  <<: [{}, 7]",
            "line 2, column 12: is not YAML: << takes a table or a list of tables",
        ),
        (
            "desk.yml",
            b"inboxes: &a\n  <<: {<<: *a}",
            "line 1, column 10: is not YAML: << brings a table into itself",
        ),
    ],
)
def test_a_file_that_cannot_be_read_at_all(
    tmp_path: Path, file: str, content: bytes | None, expected: str
):
    path = tmp_path / file
    if content is not None:
        path.write_bytes(content)
    assert message(path, tmp_path) == f"{file} has 1 problem:\n  {expected}"


def test_yaml_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError) as caught:
        loads("zone: UTC", "yaml")
    assert str(caught.value) == (
        'configuration has 1 problem:\n  YAML needs an extra: pip install "omniroute[yaml]"'
    )


def test_a_folder_is_no_file(tmp_path: Path):
    (tmp_path / "desk.toml").mkdir()
    assert "cannot be read: " in message(tmp_path / "desk.toml", tmp_path)


def test_a_source_that_is_neither_path_nor_mapping():
    with pytest.raises(ConfigError, match="expected a path or a mapping, got 5"):
        load_config(5)  # type: ignore[arg-type]


def test_an_unknown_format_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r'unknown format "tml"; did you mean "toml"\?'):
        loads("", "tml")
