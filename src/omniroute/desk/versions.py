"""The part of a `Desk` that its configuration is changed by: drafts, versions, and going back to one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from omniroute.clock import resolve_now
from omniroute.desk import configure, read
from omniroute.desk.checking import checked
from omniroute.desk.part import Part
from omniroute.desk.views import Page, VersionView
from omniroute.errors import Problem, UnknownVersion
from omniroute.model.desk_config import DeskConfig, QueueMove
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import CONFIG_CHANGES, CONFIGS

if TYPE_CHECKING:
    from omniroute.desk.drafts import Draft

__all__ = ["Versioned"]

_HISTORY = CONFIG_CHANGES.index("config_history")


class Versioned(Part):
    """A desk's configuration and its versions. Every `Desk` is one."""

    @property
    def config(self) -> DeskConfig:
        """The configuration in force. Its staff is not in it: that is `desk.staff`."""
        return self._runtime.current(self.id).config

    def configure(self, *, by: str | None = None) -> Draft:
        """Return a draft: edits that are staged, and saved as one version (G19, U7).

        `by` is an agent with the role administrator, else `PermissionDenied` (G18); without `by`
        the host itself acts.
        """
        from omniroute.desk.drafts import Draft  # brings all of `config`, which is seldom needed

        return Draft(self.id, self._runtime, by)

    def apply(
        self,
        config: DeskConfig | str | PathLike[str] | Mapping[str, Any],
        *,
        by: str | None = None,
        move: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> int:
        """Save a configuration, or a file's, as a new version, whole or not at all; return its number.

        Its agents are not looked at: staff is changed one at a time, with `staff` or in a draft.
        Every process works by it from its next transaction; what hangs on the old one (dues, who
        serves what) follows in batches with the next ticks, and at each conversation's next touch
        (S4). `move` says where the open conversations of queues that it no longer has go (S15).
        Raises `ConfigError` with everything that is wrong, or that running conversations stand in,
        and `PermissionDenied` where `by` may not (G18).
        """
        from omniroute.config.load import load_for  # many modules, and seldom needed

        loaded = checked(load_for(self.id, config, self._runtime.registry), self._runtime.registry)
        flow = configure.apply(loaded, by=by, moves=_moves(move))
        return self._runtime.run(self.id, resolve_now(now, self._runtime.clock), flow)

    def rollback(
        self,
        *,
        to: int,
        by: str | None = None,
        move: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> int:
        """Save the content of version `to` as a new version, the same to the byte; return its number.

        Queues that were renamed or moved since are where they were, with their conversations and who
        serves them.
        Raises `UnknownVersion`; else as `apply`: `rollback_problems` tells it beforehand. Staff is not
        part of a version, and stays.
        """
        flow = configure.roll_back(to, by=by, moves=_moves(move))
        return self._runtime.run(self.id, resolve_now(now, self._runtime.clock), flow)

    def rollback_problems(
        self, *, to: int, by: str | None = None, move: Mapping[str, str] | None = None
    ) -> tuple[Problem, ...]:
        """Return everything that keeps `rollback` from being done now, each with its path.

        What running conversations and agents stand in (S15), an address that another desk has by
        now. Changes nothing. Raises `UnknownVersion` and `PermissionDenied` as `rollback` does.
        """
        return self._runtime.look(
            self.id, configure.roll_back_problems(self.id, to, by=by, moves=_moves(move))
        )

    def history(self, *, limit: int = 50, after: str | None = None) -> Page[VersionView]:
        """Return a page of the versions of the configuration, newest first: who, when and what."""
        read.check_limit(limit)
        bound = None if after is None else (read.position_of(after),)

        def work(tx: Transaction, setup: Setup) -> Page[VersionView]:
            found = tx.scan(_HISTORY, self.id, after=bound, limit=limit + 1, reverse=True)
            cursor = str(found[limit - 1].version) if len(found) > limit else None
            zone = setup.config.zone
            return Page(tuple(VersionView.of(each, zone) for each in found[:limit]), cursor)

        return self._runtime.look(self.id, work)

    def version(self, number: int) -> DeskConfig:
        """Return the configuration as it was in a version; `UnknownVersion` when there is none."""

        def work(tx: Transaction, _: Setup) -> DeskConfig:
            stored = tx.get(CONFIGS, self.id, (number,))
            if stored is None:
                raise UnknownVersion(
                    f"desk {self.id!r} has no version {number} of its configuration"
                )
            return stored.config

        return self._runtime.look(self.id, work)

    def compare(self, a: int, b: int) -> tuple[str, ...]:
        """Return what changed from version `a` to version `b`, one line for each change."""
        from omniroute.config import differences

        return differences(self.version(a), self.version(b))


def _moves(move: Mapping[str, str] | None) -> tuple[QueueMove, ...]:
    return tuple(QueueMove(source, to, whole=False) for source, to in (move or {}).items())
