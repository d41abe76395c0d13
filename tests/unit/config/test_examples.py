from __future__ import annotations

from pathlib import Path

import pytest

from omniroute.channels.builtin import BuiltinAdapters
from omniroute.config import adapter_settings, dump, dumps_toml, load_config, loads
from omniroute.model.policy import Assignment
from omniroute.model.secret import Secret
from omniroute.plugins import Registry
from omniroute.rules.resolution import Setup

REGISTRY = Registry([BuiltinAdapters()])


@pytest.mark.parametrize("name", ["helpdesk", "claim"])
def test_an_example_is_sound_with_the_shipped_adapters(name: str, project: Path):
    config = load_config(project / "examples" / f"{name}.toml", registry=REGISTRY)
    assert loads(dumps_toml(config)) == load_config(dump(config)) == config
    setup = Setup(config, 1)
    for entry_point in config.entry_points:
        channel = setup.entry_point(entry_point).channel
        adapter = REGISTRY.require(channel)
        settings = adapter_settings(config, entry_point, adapter, lambda ref: Secret(ref.env))
        assert settings.address == setup.entry_point(entry_point).address
    served = {
        leaf
        for agent in config.agents.values()
        for leaf in setup.serving(agent.serves, agent.groups)
    }
    assert served == set(setup.leaves)


def test_the_helpdesk_shows_what_the_demo_needs(project: Path):
    setup = Setup(load_config(project / "examples" / "helpdesk.toml", registry=REGISTRY), 1)
    rows = {e.name: (e.inbox, e.sla_source, e.queue) for e in setup.entry_points_of("whatsapp")}
    assert rows == {
        "whatsapp-main": ("general", "inbox general", None),
        "whatsapp-orders": ("general", "inbox general", "general/Orders"),
        "whatsapp-platinum": ("vip", "override", "vip"),
    }
    assert setup.capacity().soft_max == 2
    assert setup.policy("whatsapp", "general/Orders").assignment is Assignment.PUSH


def test_the_other_one_is_claimed(project: Path):
    setup = Setup(load_config(project / "examples" / "claim.toml"), 1)
    assert setup.policy("whatsapp", "shop").assignment is Assignment.CLAIM
