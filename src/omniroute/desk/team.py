"""`desk.staff`: the people of a desk as the host sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from omniroute.clock import resolve_now
from omniroute.desk import read, staff
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.desk.views import AgentView, Page
from omniroute.errors import UnknownAgent
from omniroute.model.agent import Agent, Capacity
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS

__all__ = ["Staff"]

_ALL = AGENTS.index("all_agents")


class Staff:
    """Agents: saved one at a time, whatever their number (P20)."""

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
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AgentView:
        """Add an agent, or change what is given of a known one. A new agent is not yet available.

        `serves` are queues and patterns (`general/Deutsch/**`); those of the groups come on top.
        `skills` are levels by name (P1), `channels` those they are enabled for (A1), all where they are
        never given, `weight` counts in the weighted distribution (P3). Raises `UsageError` for a
        pattern that fits no queue.
        """
        flow = staff.put(
            agent,
            name=name,
            groups=groups,
            serves=serves,
            capacity=capacity,
            skills=skills,
            channels=channels,
            weight=weight,
            by=by,
        )
        return self._changed(flow, now, within)

    def set_available(
        self,
        agent: str,
        available: bool = True,  # noqa: FBT001, FBT002  (reads well by position)
        *,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AgentView:
        """Switch an agent on or off for all channels (A7); RED keeps what they hold (A9)."""
        flow = staff.set_available(agent, available=available, by=by or agent)
        return self._changed(flow, now, within)

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
            cursor = found[limit - 1].id if len(found) > limit else None
            zone = setup.config.zone
            return Page(tuple(AgentView.of(each, zone) for each in found[:limit]), cursor)

        return self._runtime.look(self._desk, work)

    def _changed(
        self, flow: Callable[[Unit], Agent], now: datetime | None, within: object | None
    ) -> AgentView:
        def viewed(unit: Unit) -> AgentView:
            return AgentView.of(flow(unit), unit.setup.config.zone)

        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, viewed, within=within)
