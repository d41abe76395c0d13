"""The hooks that a plugin may implement. Few and coarse: each returns what it brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pluggy

from omniroute.ports import ChannelAdapter, Store

__all__ = ["PROJECT", "hookimpl", "hookspec"]

PROJECT: Final = "omniroute"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """What plugins bring."""

    @hookspec
    def omniroute_adapters(self) -> Iterable[ChannelAdapter]:
        """Return channel adapters, one for each channel kind."""
        raise NotImplementedError

    @hookspec
    def omniroute_stores(self) -> Mapping[str, Callable[[str], Store]]:
        """Return store factories by URL scheme; each is called with the whole URL."""
        raise NotImplementedError
