"""`desk.staff`: the people of a desk as the host sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omniroute.clock import resolve_now
from omniroute.desk import read, staff
from omniroute.desk.runtime import Runtime
from omniroute.desk.views import AgentView, Page
from omniroute.errors import UnknownAgent
from omniroute.model.agent import Agent, Capacity
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
        by: str | None = None,
        now: datetime | None = None,
    ) -> AgentView:
        """Add an agent, or change what is given of a known one. A new agent is not yet available.

        `serves` are queues and patterns (`general/Deutsch/**`); those of the groups come on top.
        Raises `UsageError` for a pattern that fits no queue.
        """
        flow = staff.put(
            agent, name=name, groups=groups, serves=serves, capacity=capacity, by=by
        )
        return self._view(self._runtime.run(self._desk, self._now(now), flow))

    def set_available(
        self,
        agent: str,
        available: bool = True,
        *,
        by: str | None = None,
        now: datetime | None = None,
    ) -> AgentView:
        """Switch an agent on or off for all channels (A7); RED keeps what they hold (A9)."""
        flow = staff.set_available(agent, available=available, by=by or agent)
        return self._view(self._runtime.run(self._desk, self._now(now), flow))

    def get(self, agent: str) -> AgentView:
        """Return an agent as they stand; `UnknownAgent` when there is none of that id."""
        found = self._runtime.read(lambda tx: tx.get(AGENTS, self._desk, (agent,)))
        if found is None:
            raise UnknownAgent(f"no agent {agent!r}")
        return self._view(found)

    def list(self, *, limit: int = 50, after: str | None = None) -> Page[AgentView]:
        """Return a page of agents by id. Pass a page's `next` as `after` for the one behind it."""
        read.check_limit(limit)
        bound = None if after is None else (after,)
        found = self._runtime.read(
            lambda tx: tx.scan(_ALL, self._desk, after=bound, limit=limit + 1)
        )
        cursor = found[limit - 1].id if len(found) > limit else None
        return Page(tuple(self._view(each) for each in found[:limit]), cursor)

    def _now(self, now: datetime | None) -> int:
        return resolve_now(now, self._runtime.clock)

    def _view(self, agent: Agent) -> AgentView:
        return AgentView.of(agent, self._runtime.current(self._desk).config.zone)
