"""Staff, one agent at a time: whatever the number of agents, a change loads and stores one (P20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.agent import Agent, Capacity
from omniroute.model.events import SYSTEM, AgentAvailability, AgentSaved, agent_actor

__all__ = ["put", "save_agent", "set_available"]


def save_agent(
    unit: Unit,
    agent: str,
    *,
    name: str | None,
    groups: Sequence[str],
    serves: Sequence[str],
    capacity: Mapping[str, Capacity] | None,
    actor: str = SYSTEM,
) -> None:
    """Record an agent's profile, where it differs from the stored one (R11)."""
    setup = unit.setup
    saved = AgentSaved(
        agent,
        unit.now,
        actor,
        name or agent,
        tuple(groups),
        tuple(serves),
        setup.serving(serves, groups),
        setup.capacity(capacity),
        setup.distribution(),
    )
    if not _same(unit.find_agent(agent), saved):
        unit.write_event(saved)


def _same(agent: Agent | None, saved: AgentSaved) -> bool:
    return agent is not None and (
        (agent.name, agent.groups, agent.serves, agent.leaves)
        == (saved.name, saved.groups, saved.serves, saved.leaves)
        and (agent.capacity, agent.distribution) == (saved.capacity, saved.distribution)
    )


def put(
    agent: str,
    *,
    name: str | None,
    groups: Sequence[str] | None,
    serves: Sequence[str] | None,
    capacity: Mapping[str, Capacity] | None,
    by: str | None,
) -> Callable[[Unit], Agent]:
    """Return the flow of adding an agent, or changing what is given of a known one's profile."""
    if not agent.strip():
        raise UsageError("an agent needs an id", where="agent", got=repr(agent))

    def flow(unit: Unit) -> Agent:
        known = unit.find_agent(agent)
        save_agent(
            unit,
            agent,
            name=name or (known.name if known else None),
            groups=_given(groups, known.groups if known else ()),
            serves=_given(serves, known.serves if known else ()),
            capacity={"messaging": known.capacity} if capacity is None and known else capacity,
            actor=SYSTEM if by is None else agent_actor(by),
        )
        settle(unit)
        return unit.agent(agent)

    return flow


def _given(value: Sequence[str] | None, otherwise: Sequence[str]) -> Sequence[str]:
    return otherwise if value is None else value


def set_available(agent: str, *, available: bool, by: str) -> Callable[[Unit], Agent]:
    """Return the flow of the one switch for all of an agent's channels (A7).

    Becoming available brings waiting conversations at once; RED keeps those that are held (A9).
    """

    def flow(unit: Unit) -> Agent:
        if unit.agent(agent).available is not available:
            unit.write_event(AgentAvailability(agent, unit.now, agent_actor(by), available))
        settle(unit)
        return unit.agent(agent)

    return flow
