"""The part of a `Desk` that its configuration is changed by: drafts, versions, and going back to one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from omniroute.desk.part import Part
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.config import diff, load
    from omniroute.desk import checking, configure, drafts, history
    from omniroute.desk.drafts import Draft
    from omniroute.desk.views import Page, VersionView
    from omniroute.errors import Problem
    from omniroute.model import desk_config
    from omniroute.model.desk_config import DeskConfig, QueueMove
else:
    diff, load = later(globals(), "omniroute.config", "diff", "load")
    checking, configure, drafts, history = later(
        globals(), "omniroute.desk", "checking", "configure", "drafts", "history"
    )
    (desk_config,) = later(globals(), "omniroute.model", "desk_config")

__all__ = ["Versioned"]


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
        return drafts.Draft(self.id, self._runtime, by)

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
        registry = self._runtime.registry
        loaded = checking.checked(load.load_for(self.id, config, registry), registry)
        flow = configure.apply(loaded, by=by, moves=_moves(move))
        return self._runtime.run(self.id, self._now(now), flow)

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
        return self._runtime.run(self.id, self._now(now), flow)

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
        return self._runtime.look(self.id, history.versions(self.id, limit, after))

    def version(self, number: int) -> DeskConfig:
        """Return the configuration as it was in a version; `UnknownVersion` when there is none."""
        return self._runtime.look(self.id, history.version(self.id, number))

    def compare(self, a: int, b: int) -> tuple[str, ...]:
        """Return what changed from version `a` to version `b`, one line for each change."""
        return diff.differences(self.version(a), self.version(b))


def _moves(move: Mapping[str, str] | None) -> tuple[QueueMove, ...]:
    queue_move = desk_config.QueueMove
    return tuple(queue_move(source, to, whole=False) for source, to in (move or {}).items())
