"""The registry: which adapters and stores there are, and where they came from."""

from __future__ import annotations

import pytest

from omniroute.channels.builtin import BuiltinAdapters
from omniroute.desk import Desks
from omniroute.errors import PluginError
from omniroute.plugins import Registry, hookimpl
from omniroute.ports import ADAPTER_API
from omniroute.stores.memory import MemoryStore
from omniroute.testing import ScriptedAdapter, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin


class Stores:
    """Brings a store scheme."""

    @hookimpl
    def omniroute_stores(self):
        """Return it."""
        return {"paper": lambda _: MemoryStore()}


class Single:
    """Brings one adapter."""

    def __init__(self, adapter):
        self.adapter = adapter

    @hookimpl
    def omniroute_adapters(self):
        """Return it."""
        return [self.adapter]


def test_adapters_are_found_by_channel_kind() -> None:
    registry = Registry([ScriptedPlugin(("chat", "sms"))])
    assert set(registry.kinds()) == {"chat", "sms"}
    assert registry.require("sms").kind == "sms"
    assert registry.adapter("email") is None
    assert registry.require("chat") is registry.adapter("chat")


def test_the_shipped_adapters_come_through_the_same_hook() -> None:
    assert "whatsapp" in Registry([BuiltinAdapters()]).kinds()
    assert Registry().kinds() == {}


def test_a_missing_adapter_is_named_with_what_was_meant() -> None:
    registry = Registry([ScriptedPlugin(("chat", "whatsapp"))])
    with pytest.raises(PluginError, match="did you mean 'whatsapp'") as raised:
        registry.require("whatsap")
    assert raised.value.expected == "chat, whatsapp"
    with pytest.raises(PluginError, match="a plugin that brings one"):
        Registry().require("chat")


def test_two_adapters_of_one_kind_are_refused() -> None:
    plugins = [ScriptedPlugin(("chat",)), Single(ScriptedAdapter("chat"))]
    with pytest.raises(PluginError, match="two adapters for channel kind 'chat'"):
        Registry(plugins)


@pytest.mark.parametrize("api", [ADAPTER_API - 1, ADAPTER_API + 1])
def test_an_adapter_for_another_interface_version_is_refused(api: int) -> None:
    with pytest.raises(PluginError, match="another interface version") as raised:
        Registry([Single(ScriptedAdapter("chat", api=api))])
    assert (raised.value.expected, raised.value.got) == (str(ADAPTER_API), str(api))


def test_what_a_registry_has_is_not_changed_from_outside() -> None:
    with pytest.raises(TypeError):
        Registry([ScriptedPlugin(("chat",))]).kinds()["sms"] = None  # type: ignore[index]


def test_registries_share_nothing() -> None:
    Registry([ScriptedPlugin(("chat",))])
    assert Registry([ScriptedPlugin(("sms",))]).adapter("chat") is None


def test_a_plugins_store_is_opened_by_its_url() -> None:
    plugins = [Stores(), ScriptedPlugin(("chat",))]
    with Desks("paper://a4", plugins=plugins, discover=False) as desks:
        desk = desks.create(a_config())
        assert desk.receive("main", an_inbound()).accepted == 1
    assert set(Registry([Stores()]).stores()) == {"paper"}


class Misspelt:
    """Means `omniroute_adapters`."""

    @hookimpl
    def omniroute_adapter(self):
        """Return nothing."""


class OtherArguments:
    """Takes what it is not given."""

    @hookimpl
    def omniroute_rank(self, questions):
        """Return nothing."""


class Unmarked:
    """Forgot to mark its hook."""

    def omniroute_adapters(self):
        """Return nothing."""


class Brings:
    """Brings what it is told as adapters and stores."""

    def __init__(self, adapters=(), stores=()):
        self.adapters, self.stores = adapters, dict(stores) if stores == () else stores

    @hookimpl
    def omniroute_adapters(self):
        """Return them."""
        return self.adapters

    @hookimpl
    def omniroute_stores(self):
        """Return them."""
        return self.stores


class Half:
    """An adapter without most of it."""

    kind = "chat"
    api = ADAPTER_API


@pytest.mark.parametrize(
    "plugin,told",
    [
        (Stores, r"a plugin is an object, not its class; got Stores \(pass Stores\(\)\)"),
        (Unmarked(), "a plugin without hooks; expected functions marked om.hookimpl: omniroute_"),
        (None, "a plugin without hooks; .*got nothing"),
        (Misspelt(), "unknown hook 'omniroute_adapter'.* expected omniroute_adapters()"),
        (OtherArguments(), r"'questions'.* expected .*omniroute_rank\(question\)"),
        (Brings(ScriptedAdapter("chat")), "omniroute_adapters brought no list"),
        (Brings([ScriptedAdapter]), r"got the class ScriptedAdapter \(return objects"),
        (Brings([Half()]), "what is no adapter; expected an object with kind, .* without Settings"),
        (Brings(stores=["paper"]), "omniroute_stores brought no stores; .*got a list"),
        (Brings(stores={"paper": None}), "omniroute_stores brought no stores; .*got a table"),
    ],
)
def test_a_plugin_that_cannot_work_says_why_at_once(plugin: object, told: str) -> None:
    with pytest.raises(PluginError, match="(?s)" + told):
        Registry([plugin])


def test_a_plugin_stands_in_the_list_once() -> None:
    plugin = Stores()
    with pytest.raises(PluginError, match="stands here twice; got a Stores"):
        Registry([plugin, plugin])
