"""Letting the staff follow a file: agents that were edited by hand are not overwritten unasked (P20).

An agent whose last change came from a file, or who was seeded, follows the file. One that somebody
edited by hand stays as it is, or off the staff, and is told of; so is one that the file no longer
names. Agents are saved in batches, each with a change of its own in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from attrs import fields

from omniroute.desk.permission import permit
from omniroute.desk.routing import settle
from omniroute.desk.staff import CONFIGURATION, FILE, HAND, profile_of, save_agent
from omniroute.desk.unit import Unit
from omniroute.lazy import later
from omniroute.model.desk_config import AgentConfig
from omniroute.model.values import frozen
from omniroute.ports import Transaction
from omniroute.rules.roles import Right
from omniroute.schema import AGENTS, STAFF_CHANGES

if TYPE_CHECKING:
    from omniroute.config import diff
else:
    (diff,) = later(globals(), "omniroute.config", "diff")

__all__ = ["BATCH", "FollowAs", "Followed", "batches", "follow", "planned"]

BATCH: Final = 100

_HISTORY = STAFF_CHANGES.index("staff_history")
_PAGE: Final = 10
_FIELDS: Final = tuple(each.name for each in fields(AgentConfig))

Profiles = Mapping[str, AgentConfig]


class FollowAs(StrEnum):
    """What becomes of an agent when a file is applied."""

    ADDED = "added"
    CHANGED = "changed"
    KEPT = "kept"
    """Edited by hand since; stays so."""
    STAYS_OFF = "stays_off"
    """Taken off the staff by hand since; stays off."""
    NOT_NAMED = "not_named"
    """No longer in the file; stays on the staff."""


@frozen
class Followed:
    """One agent, what becomes of them, and the lines by which they differ from the file."""

    agent: str
    how: FollowAs
    changes: tuple[str, ...]


def batches(profiles: Profiles) -> Iterator[Profiles]:
    """Yield a file's agents, so many at a time."""
    left = iter(profiles.items())
    while batch := dict(islice(left, BATCH)):
        yield batch


def planned(
    desk: str, profiles: Profiles, *, overrule: bool
) -> Callable[[Transaction], list[Followed]]:
    """Return the work that tells what applying these agents would do. Changes nothing."""
    return lambda tx: [each for each, _ in _judged(tx, desk, profiles, overrule=overrule)]


def follow(
    profiles: Profiles, *, by: str | None, overrule: bool
) -> Callable[[Unit], list[Followed]]:
    """Return the flow that lets these agents follow their file; `overrule` those edited by hand too."""

    def flow(unit: Unit) -> list[Followed]:
        actor, told = permit(unit, by, Right.STAFF), []
        for each, profile in _judged(unit.tx, unit.desk, profiles, overrule=overrule):
            told.append(each)
            if each.how in (FollowAs.ADDED, FollowAs.CHANGED):
                save_agent(unit, each.agent, profile, actor=actor, origin=FILE)
        settle(unit)
        return told

    return flow


def _judged(
    tx: Transaction, desk: str, profiles: Profiles, *, overrule: bool
) -> Iterator[tuple[Followed, AgentConfig]]:
    for agent, wanted in profiles.items():
        stored = tx.get(AGENTS, desk, (agent,))
        before = None if stored is None else profile_of(stored)
        profile = wanted if before is None else _normal(agent, wanted)
        changes = diff.agent_differences(agent, before, profile)
        if before is None or changes:
            how = FollowAs.ADDED if before is None else FollowAs.CHANGED
            if not overrule and _by_hand(tx, desk, agent):
                how = FollowAs.STAYS_OFF if before is None else FollowAs.KEPT
            yield Followed(agent, how, changes), profile


def _normal(agent: str, profile: AgentConfig) -> AgentConfig:
    """A profile as it is once it was stored: a name that is the id is none."""
    values: dict[str, Any] = {name: getattr(profile, name) for name in _FIELDS}
    return AgentConfig(**values | {"name": None if profile.name == agent else profile.name})


def _by_hand(tx: Transaction, desk: str, agent: str) -> bool:
    """Whether the last change that somebody wanted was one by hand; following a queue is none."""
    after: tuple[int] | None = None
    while page := tx.scan(_HISTORY, desk, (agent,), after=after, limit=_PAGE, reverse=True):
        wanted = next((each for each in page if each.origin != CONFIGURATION), None)
        if wanted is not None:
            return wanted.origin == HAND
        after = (page[-1].position,)
    return False
