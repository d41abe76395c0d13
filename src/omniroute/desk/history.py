"""The versions of a desk's configuration, as they were saved."""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk import read
from omniroute.desk.views import Page, VersionView, page_of
from omniroute.errors import UnknownVersion
from omniroute.model.desk_config import DeskConfig
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import CONFIG_CHANGES, CONFIGS

__all__ = ["version", "versions"]

_HISTORY = CONFIG_CHANGES.index("config_history")


def versions(
    desk: str, limit: int, after: str | None
) -> Callable[[Transaction, Setup], Page[VersionView]]:
    """Return the work that reads a page of versions, newest first."""
    read.check_limit(limit)
    bound = None if after is None else (read.position_of(after),)

    def work(tx: Transaction, setup: Setup) -> Page[VersionView]:
        found = tx.scan(_HISTORY, desk, after=bound, limit=limit + 1, reverse=True)
        zone = setup.config.zone
        return page_of(found, limit, VersionView.of, zone, lambda each: each.version)

    return work


def version(desk: str, number: int) -> Callable[[Transaction, Setup], DeskConfig]:
    """Return the work that reads the configuration of a version; `UnknownVersion` when there is none."""

    def work(tx: Transaction, _: Setup) -> DeskConfig:
        stored = tx.get(CONFIGS, desk, (number,))
        if stored is None:
            raise UnknownVersion(f"desk {desk!r} has no version {number} of its configuration")
        return stored.config

    return work
