"""The registry: which adapters and store schemes a process has, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pluggy

from omniroute.errors import PluginError
from omniroute.plugins.hookspecs import PROJECT, Hooks
from omniroute.ports import ADAPTER_API, ChannelAdapter, Store
from omniroute.rules.names import shown

__all__ = ["Rank", "Registry"]

Rank = Callable[..., Iterable[object] | None]
"""Asks the plugins: takes `question`, returns agents' ids or None."""


SendCode = Callable[..., bool | None]
"""Lets the plugins bring a code: takes `desk`, `number`, `code`; True where one did."""


StartsFlow = Callable[..., bool | None]
"""Lets the plugins start a flow: takes `start`, a `FlowStart`; True where one did."""


_ADAPTER: Final = (
    *("kind", "api", "Settings"),
    *("capabilities", "addresses", "handshake", "verify", "parse", "send", "fetch"),
)


class Registry:
    """Adapters by channel kind and stores by URL scheme, gathered from plugins.

    `plugins` are objects with hook implementations; `discover` also loads those of installed
    packages. `rank` asks those that order agents, or is None. Raises `PluginError` for two adapters
    of one kind and for one made for another interface version.
    """

    def __init__(self, plugins: Iterable[object] = (), *, discover: bool = False) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Hooks)
        try:
            for plugin in plugins:
                _register(manager, plugin)
            if discover:
                manager.load_setuptools_entrypoints(PROJECT)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(
                f"a plugin's hook is not as omniroute calls it: {error}",
                expected=", ".join(f"{each}" for each in _signatures()),
            ) from error
        self._adapters: dict[str, ChannelAdapter] = {}
        for adapters in reversed(manager.hook.omniroute_adapters()):
            for adapter in _listed(adapters):
                self._add(adapter)
        self.rank: Rank | None = (
            manager.hook.omniroute_rank if manager.hook.omniroute_rank.get_hookimpls() else None
        )
        self.send_code: SendCode | None = (
            manager.hook.omniroute_send_code
            if manager.hook.omniroute_send_code.get_hookimpls()
            else None
        )
        self.start_flow: StartsFlow | None = (
            manager.hook.omniroute_start_flow
            if manager.hook.omniroute_start_flow.get_hookimpls()
            else None
        )
        self._stores: dict[str, Callable[[str], Store]] = {}
        for factories in reversed(manager.hook.omniroute_stores()):
            self._stores.update(_opening(factories))

    def _add(self, adapter: ChannelAdapter) -> None:
        missing = [name for name in _ADAPTER if not hasattr(adapter, name)]
        if missing or isinstance(adapter, type):
            raise PluginError(
                "omniroute_adapters brought what is no adapter",
                expected="an object with " + ", ".join(_ADAPTER),
                got=f"the class {adapter.__name__}"
                if isinstance(adapter, type)
                else f"one without {missing[0]}",
                hint="return objects, not their classes" if isinstance(adapter, type) else None,
            )
        if adapter.api != ADAPTER_API:
            raise PluginError(
                f"the adapter for {adapter.kind!r} speaks another interface version",
                expected=str(ADAPTER_API),
                got=str(adapter.api),
                hint="install a version of the plugin made for this omniroute",
            )
        known = self._adapters.get(adapter.kind)
        if known is not None:
            raise PluginError(
                f"two adapters for channel kind {adapter.kind!r}",
                got=f"{type(known).__name__} and {type(adapter).__name__}",
                hint="uninstall one of the plugins",
            )
        self._adapters[adapter.kind] = adapter

    def adapter(self, kind: str) -> ChannelAdapter | None:
        """Return the adapter of a channel kind, or None."""
        return self._adapters.get(kind)

    def require(self, kind: str) -> ChannelAdapter:
        """Return the adapter of a channel kind; `PluginError` with a suggestion when there is none."""
        found = self._adapters.get(kind)
        if found is None:
            import difflib

            close = difflib.get_close_matches(kind, self._adapters, n=1)
            raise PluginError(
                f"no adapter for channel kind {kind!r}",
                expected=", ".join(sorted(self._adapters)) or "a plugin that brings one",
                hint=f"did you mean {close[0]!r}?"
                if close
                else "install the plugin that brings it",
            )
        return found

    def kinds(self) -> Mapping[str, ChannelAdapter]:
        """Return every adapter by its kind."""
        return MappingProxyType(self._adapters)

    def stores(self) -> Mapping[str, Callable[[str], Store]]:
        """Return the store factories that plugins bring, by URL scheme."""
        return MappingProxyType(self._stores)


def _register(manager: pluggy.PluginManager, plugin: object) -> None:
    if isinstance(plugin, type):
        raise PluginError(
            "a plugin is an object, not its class",
            got=plugin.__name__,
            hint=f"pass {plugin.__name__}()",
        )
    if manager.is_registered(plugin):
        raise PluginError("this plugin stands here twice", got=shown(plugin))
    manager.register(plugin)
    if not manager.get_hookcallers(plugin):
        raise PluginError(
            "a plugin without hooks",
            expected=f"functions marked om.hookimpl: {', '.join(_signatures())}",
            got=shown(plugin),
        )


def _signatures() -> list[str]:
    """Return the hooks as a plugin writes them."""
    hooks = {name: each for name, each in vars(Hooks).items() if name.startswith(PROJECT)}
    return [
        f"{name}({', '.join(each.__code__.co_varnames[1 : each.__code__.co_argcount])})"
        for name, each in hooks.items()
    ]


def _listed(adapters: Any) -> Iterable[ChannelAdapter]:
    if not isinstance(adapters, Iterable):
        raise PluginError(
            "omniroute_adapters brought no list", expected="adapters", got=shown(adapters)
        )
    found: Iterable[ChannelAdapter] = adapters
    return found


def _opening(factories: Any) -> Mapping[str, Callable[[str], Store]]:
    if not isinstance(factories, Mapping) or not all(map(callable, factories.values())):
        raise PluginError(
            "omniroute_stores brought no stores",
            expected="a mapping of URL schemes to functions that open a store",
            got=shown(factories),
        )
    return factories
