"""`desk.staff`: the people of a desk as the host sees them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from omniroute.clock import resolve_now
from omniroute.desk import following, read, staff
from omniroute.desk.checking import checked
from omniroute.desk.following import FollowAs, Followed
from omniroute.desk.foresight import About
from omniroute.desk.leaving import remove
from omniroute.desk.routing import settle
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.desk.views import AgentView, Page, StaffChangeView, page_of
from omniroute.errors import UnknownAgent, UsageError
from omniroute.lazy import later
from omniroute.model.agent import Agent, Capacity, Role
from omniroute.model.desk_config import DeskConfig
from omniroute.ports import Transaction
from omniroute.rules.arguments import blaming
from omniroute.rules.resolution import Setup
from omniroute.rules.storable import check_switch
from omniroute.schema import AGENTS, STAFF_CHANGES

if TYPE_CHECKING:
    from omniroute.config import load, profiles
else:
    load, profiles = later(globals(), "omniroute.config", "load", "profiles")

__all__ = ["Staff", "given"]

T = TypeVar("T")

_ALL = AGENTS.index("all_agents")
_HISTORY = STAFF_CHANGES.index("staff_history")


def given(**values: Any) -> dict[str, Any]:
    """Return those fields of a profile that are given, as they are kept.

    Raises `UsageError` for the first that is none, or says what no file could.
    """
    found, problems = profiles.read_profile(values)
    if problems:
        raise UsageError(problems[0].message, where=problems[0].path)
    return found


@blaming
class Staff:
    """Agents: saved one at a time, whatever their number (P20).

    Changing somebody needs the role administrator, in the agent that `by` names; without `by` the
    host itself acts (G18).
    """

    def __init__(self, desk: str, runtime: Runtime) -> None:
        self._desk = desk
        self._runtime = runtime

    def put(
        self,
        agent: str,
        *,
        name: str | None = None,
        groups: Sequence[str] | None = None,
        serves: Sequence[str] | None = None,
        capacity: Mapping[str, Capacity] | None = None,
        skills: Mapping[str, int] | None = None,
        channels: Sequence[str] | None = None,
        weight: int | None = None,
        role: Role | str | None = None,
        languages: Sequence[str] | None = None,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AgentView:
        """Add an agent, or change what is given of a known one. A new agent is not yet available.

        `serves` are queues and patterns (`general/Deutsch/**`); those of the groups come on top.
        `skills` are levels by name (P1), `channels` those they are enabled for (A1), all where they are
        never given, `weight` counts in the weighted distribution (P3).
        Raises `UsageError` for a pattern that fits no queue, `PermissionDenied` as the class says.
        """
        profile = given(
            name=name,
            groups=groups,
            serves=serves,
            capacity=capacity,
            skills=skills,
            channels=channels,
            weight=weight,
            role=role,
            languages=languages,
        )
        return self._changed(staff.change(agent, profile, by=by, add=True), now, within)

    def change(
        self,
        agent: str,
        *,
        name: str | None = None,
        groups: Sequence[str] | None = None,
        serves: Sequence[str] | None = None,
        capacity: Mapping[str, Capacity] | None = None,
        skills: Mapping[str, int] | None = None,
        channels: Sequence[str] | None = None,
        weight: int | None = None,
        role: Role | str | None = None,
        languages: Sequence[str] | None = None,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AgentView:
        """Change what is given of an agent's profile, as `put`; `UnknownAgent` for a new one."""
        profile = given(
            name=name,
            groups=groups,
            serves=serves,
            capacity=capacity,
            skills=skills,
            channels=channels,
            weight=weight,
            role=role,
            languages=languages,
        )
        return self._changed(staff.change(agent, profile, by=by, add=False), now, within)

    def remove(
        self,
        agent: str,
        *,
        held: str | None = None,
        hand_to: str | None = None,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> None:
        """Take an agent off the staff (S15).

        What they hold is put back into its queue, ahead in class "returned" (`held="requeue"`),
        stays with them until it ends, while they get nothing new (`held="keep"`), or goes to
        another agent (`hand_to`). Raises `UsageError`, saying how many they hold, where nothing is
        said; `CapacityExceeded` where the other agent has no room for all.
        """
        flow = remove(agent, held=held, hand_to=hand_to, by=by)
        self._run(flow, now, within)

    def follow(
        self,
        config: DeskConfig | str | PathLike[str] | Mapping[str, Any],
        *,
        overrule: bool = False,
        plan: bool = False,
        by: str | None = None,
        now: datetime | None = None,
    ) -> builtins.list[Followed]:
        """Let the staff follow the `agents` of a configuration, or of a file's; return what became of whom.

        An agent who was seeded, or last changed by a file, follows it; one that somebody edited by
        hand stays so, and one taken off by hand stays off, unless with `overrule`. Nobody is
        removed: whom the file no longer names is told as `not_named`. With `plan` nothing is
        changed. Agents are saved in batches of 100. Raises `ConfigError` for a configuration that
        cannot be used, and `UsageError` for that of another desk.
        """
        check_switch(overrule, "overrule")
        check_switch(plan, "plan")
        resolve_now(now, self._runtime.clock)  # also where nobody is to be changed
        registry, told = self._runtime.registry, []
        config = checked(load.load_for(self._desk, config, registry), registry)
        for batch in following.batches(config.agents):
            if plan:
                work = following.planned(self._desk, batch, overrule=overrule)
                told += self._runtime.read(work)
            else:
                told += self._run(following.follow(batch, by=by, overrule=overrule), now, None)
        if config.agents:
            told += self._not_named(config.agents)
        return told

    def _not_named(self, named: Container[str]) -> Iterator[Followed]:
        cursor: str | None = None
        while True:
            page = self.list(limit=1000, after=cursor)
            for each in page.items:
                if each.id not in named:
                    yield Followed(each.id, FollowAs.NOT_NAMED, ())
            cursor = page.next
            if cursor is None:
                return

    def set_available(
        self,
        agent: str,
        available: bool = True,  # noqa: FBT001, FBT002  (reads well by position)
        *,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AgentView:
        """Switch an agent on or off for all channels (A7); RED keeps what they hold (A9).

        Somebody else than the agent needs the role supervisor or administrator.
        """
        flow = staff.set_available(agent, available=available, by=by or agent)
        about: About = (None, agent, None, "comes" if available else "goes")
        return self._changed(flow, now, within, about)

    def get(self, agent: str) -> AgentView:
        """Return an agent as they stand; `UnknownAgent` when there is none of that id."""

        def work(tx: Transaction, setup: Setup) -> AgentView:
            found = tx.get(AGENTS, self._desk, (agent,))
            if found is None:
                raise UnknownAgent(f"no agent {agent!r}")
            return AgentView.of(found, setup.config.zone)

        return self._runtime.look(self._desk, work)

    def list(self, *, limit: int = 50, after: str | None = None) -> Page[AgentView]:
        """Return a page of agents by id. Pass a page's `next` as `after` for the one behind it."""
        read.check_limit(limit)
        bound = None if after is None else (after,)

        def work(tx: Transaction, setup: Setup) -> Page[AgentView]:
            found = tx.scan(_ALL, self._desk, after=bound, limit=limit + 1)
            zone = setup.config.zone
            return page_of(found, limit, AgentView.of, zone, lambda each: each.id)

        return self._runtime.look(self._desk, work)

    def history(
        self, agent: str, *, limit: int = 50, after: str | None = None
    ) -> Page[StaffChangeView]:
        """Return a page of what was changed of an agent's profile, newest first, also once removed."""
        read.check_limit(limit)
        bound = None if after is None else (read.position_of(after),)

        def work(tx: Transaction, setup: Setup) -> Page[StaffChangeView]:
            found = tx.scan(
                _HISTORY, self._desk, (agent,), after=bound, limit=limit + 1, reverse=True
            )
            zone = setup.config.zone
            return page_of(found, limit, StaffChangeView.of, zone, lambda each: each.position)

        return self._runtime.look(self._desk, work)

    def _changed(
        self,
        flow: Callable[[Unit], Agent],
        now: datetime | None,
        within: object | None,
        about: About | None = None,
    ) -> AgentView:
        def viewed(unit: Unit) -> AgentView:
            changed = flow(unit)
            settle(unit)
            return AgentView.of(unit.agent(changed.id), unit.setup.config.zone)

        return self._run(viewed, now, within, about)

    def _run(
        self,
        flow: Callable[[Unit], T],
        now: datetime | None,
        within: object | None,
        about: About | None = None,
    ) -> T:
        def settled(unit: Unit) -> T:
            result = flow(unit)
            settle(unit)
            return result

        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, settled, within=within, about=about)
