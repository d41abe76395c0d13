from __future__ import annotations

import pytest

from omniroute.config import dump, dumps_toml, load_config, loads
from omniroute.errors import ConfigError

AS_PEOPLE_WRITE = """
zone = "Europe/Berlin"
preset = "push"
hours = { mon-fri = ["08:00-12:30", "13:30-18:00"], sat = "10:00-14:00", holidays = "DE-BE" }

[policy]
after_end = { to = "last_agent", within = "72h" }
capacity = { messaging = { goal = 3, soft_max = 4, hard_max = 5 } }
after_hours_message = "We open again {opens_at}."

[inboxes.general]
primary_for = ["whatsapp", "email", "chat"]
sla = "15m"
queues = [
  "Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]],
  "English", ["Orders", "Support"],
]
[inboxes.general.at."Deutsch/Technik"]
inactivity = { after = "10m", notice = "2m", then = "dismiss" }
assign = { cascade = ["tier1", "tier2"], widen_after = "90s" }

[inboxes.vip]
sla = "2m"
hours = "always"

[accounts.meta]
app_secret = { env = "META_APP_SECRET" }

[entry_points]
whatsapp-main = { channel = "whatsapp", account = "meta", address = "106540352242922" }
platinum-widget = { channel = "chat", override = { inbox = "vip", sla = "40s" } }

[agents]
ana = { groups = ["tier1"], serves = ["general/Deutsch/**", "vip"] }
"""


def test_a_file_as_people_write_one_is_read():
    config = loads(AS_PEOPLE_WRITE)
    assert list(config.groups) == ["tier1", "tier2"]
    assert config.entry_points["platinum-widget"].address == "platinum-widget"
    assert loads(dumps_toml(config)) == load_config(dump(config)) == config


def test_groups_that_are_listed_are_all_there_are():
    with pytest.raises(ConfigError, match=r'unknown group "tier2"; did you mean "tier1"\?'):
        loads(AS_PEOPLE_WRITE + "[groups]\ntier1 = {}\n")
    with pytest.raises(ConfigError, match="there are none"):
        loads(AS_PEOPLE_WRITE + "[groups]\n")


def test_groups_of_shares_are_implied_too():
    config = load_config(
        {
            "policy": {"assign": {"percent": {"a": 6_000, "b": 4_000}}},
            "inboxes": {"general": {"primary_for": ["chat"], "sla": "5m"}},
        }
    )
    assert list(config.groups) == ["a", "b"]


@pytest.mark.parametrize(
    "entry_point",
    [
        {"channel": "email"},
        {"channel": "chat", "address": ""},
        {"channel": "pages"},
    ],
)
def test_only_a_chat_goes_by_its_name(entry_point: dict[str, str]):
    document = {
        "channels": {"pages": {"type": "messenger"}},
        "inboxes": {"general": {"primary_for": ["chat", "email", "pages"], "sla": "5m"}},
        "entry_points": {"main": entry_point},
    }
    with pytest.raises(ConfigError) as caught:
        load_config(document)
    (problem,) = caught.value.problems
    assert problem.path == "entry_points.main.address"


def test_a_chat_of_another_name_goes_by_its_name_too():
    config = load_config(
        {
            "channels": {"shop": {"type": "chat"}},
            "inboxes": {"general": {"primary_for": ["shop"], "sla": "5m"}},
            "entry_points": {"main": {"channel": "shop"}},
        }
    )
    assert config.entry_points["main"].address == "main"
