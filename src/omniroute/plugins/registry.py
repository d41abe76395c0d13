"""The registry: which adapters and store schemes a process has, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import pluggy

from omniroute.errors import PluginError
from omniroute.plugins.hookspecs import PROJECT, Hooks
from omniroute.ports import ADAPTER_API, ChannelAdapter, Store

__all__ = ["Rank", "Registry"]

Rank = Callable[..., Iterable[object] | None]
"""Asks the plugins: takes `question`, returns agents' ids or None."""


SendCode = Callable[..., bool | None]
"""Lets the plugins bring a code: takes `desk`, `number`, `code`; True where one did."""


StartsFlow = Callable[..., bool | None]
"""Lets the plugins start a flow: takes `start`, a `FlowStart`; True where one did."""


class Registry:
    """Adapters by channel kind and stores by URL scheme, gathered from plugins.

    `plugins` are objects with hook implementations; `discover` also loads those of installed
    packages. `rank` asks those that order agents, or is None. Raises `PluginError` for two adapters
    of one kind and for one made for another interface version.
    """

    def __init__(self, plugins: Iterable[object] = (), *, discover: bool = False) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Hooks)
        for plugin in plugins:
            manager.register(plugin)
        if discover:
            manager.load_setuptools_entrypoints(PROJECT)
        self._adapters: dict[str, ChannelAdapter] = {}
        for adapters in reversed(manager.hook.omniroute_adapters()):
            for adapter in adapters:
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
            self._stores.update(factories)

    def _add(self, adapter: ChannelAdapter) -> None:
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
