"""The hooks that a plugin may implement. Few and coarse: each returns what it brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pluggy

from omniroute.model.wish import FlowStart, RankingQuestion
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

    @hookspec(firstresult=True)
    def omniroute_rank(self, question: RankingQuestion) -> Iterable[str] | None:
        """Return ids of suitable agents, the best first, or None to leave the order as it is.

        Runs inside a transaction, and may run twice: do no I/O. Agents that are not named keep their
        order behind the others; ids that were not asked about are passed over.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def omniroute_send_code(self, desk: str, number: str, code: str) -> bool | None:
        """Bring a verification code to whoever has the number; return True where that is done.

        Runs after the commit, and may do I/O. None leaves it to the next plugin, and to the host.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def omniroute_start_flow(self, start: FlowStart) -> bool | None:
        """Start an entry or exit flow of a channel; return True where that is done.

        Served by the outbox after the commit, in order with the conversation's messages: it may do
        I/O. None leaves it to the next plugin. What it raises is tried again, with the same `start.id`.
        """
        raise NotImplementedError
