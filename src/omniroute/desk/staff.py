"""Staff, one agent at a time: whatever the number of agents, a change loads and stores one (P20)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.agent import Agent, Capacity
from omniroute.model.events import SYSTEM, AgentAvailability, AgentSaved, agent_actor
from omniroute.rules.names import name_problem
from omniroute.rules.resolution import MESSAGING
from omniroute.rules.storable import check_key, check_storable, check_text

__all__ = ["own_capacity", "put", "save_agent", "set_available"]


def save_agent(
    unit: Unit,
    agent: str,
    *,
    name: str | None,
    groups: Sequence[str],
    serves: Sequence[str],
    capacity: Capacity | None,
    skills: Mapping[str, int] | None = None,
    channels: Sequence[str] | None = None,
    weight: int = 1,
    actor: str = SYSTEM,
    follow: bool = False,
) -> None:
    """Record an agent's profile, where it differs from the stored one (R11).

    With `follow`, what the profile names and the configuration no longer has is passed over, and
    stays in the profile: it may come back. Otherwise it raises `UsageError`.
    """
    setup = unit.setup
    known = (setup.known_patterns(serves), setup.known_groups(groups)) if follow else None
    leaves = setup.serving(*(known or (serves, groups)))
    saved = AgentSaved(
        agent,
        unit.now,
        actor,
        name or agent,
        tuple(groups),
        tuple(serves),
        leaves,
        capacity or setup.capacity(),
        setup.distribution(),
        capacity,
        setup.pools(leaves, groups),
        dict(skills or {}),
        None if channels is None else tuple(channels),
        weight,
    )
    if not _same(unit.find_agent(agent), saved):
        unit.write_event(saved)


def _same(agent: Agent | None, saved: AgentSaved) -> bool:
    return agent is not None and all(
        getattr(agent, name) == getattr(saved, name) for name in _PROFILE
    )


_PROFILE = (
    "name",
    "groups",
    "serves",
    "leaves",
    "capacity",
    "distribution",
    "own_capacity",
    "pools",
    "skills",
    "channels",
    "weight",
)


def put(
    agent: str,
    *,
    name: str | None,
    groups: Sequence[str] | None,
    serves: Sequence[str] | None,
    capacity: Mapping[str, Capacity] | None,
    skills: Mapping[str, int] | None,
    channels: Sequence[str] | None,
    weight: int | None,
    by: str | None,
) -> Callable[[Unit], Agent]:
    """Return the flow of adding an agent, or changing what is given of a known one's profile."""
    check_key(agent, "agent")
    _check_profile(agent, name, capacity)
    _check_traits(skills, channels, weight)

    def flow(unit: Unit) -> Agent:
        known = unit.find_agent(agent)
        # What is given must exist; what was kept may name queues that are gone by now.
        unit.setup.serving(serves or (), groups or ())
        save_agent(
            unit,
            agent,
            name=name or (known.name if known else None),
            groups=_given(groups, known.groups if known else ()),
            serves=_given(serves, known.serves if known else ()),
            capacity=own_capacity(capacity) or (known.own_capacity if known else None),
            skills=skills if skills is not None else (known.skills if known else None),
            channels=channels if channels is not None else (known.channels if known else None),
            weight=weight or (known.weight if known else 1),
            actor=SYSTEM if by is None else agent_actor(by),
            follow=True,
        )
        settle(unit)
        return unit.agent(agent)

    return flow


def own_capacity(capacity: Mapping[str, Capacity] | None) -> Capacity | None:
    """Return an agent's own limits in messaging, or None where they have the desk's."""
    return None if capacity is None else capacity.get(MESSAGING)


def _check_profile(agent: str, name: str | None, capacity: Mapping[str, Capacity] | None) -> None:
    from omniroute.rules.checks import capacity_problems  # which configuration is judged by

    problem = name_problem(agent, "an agent's id")
    if problem is None and name is not None:
        check_text(name, "name")
        problem = name_problem(name, "an agent's name")
    if problem is not None:
        raise UsageError(problem, where="agent")
    check_storable(capacity, "capacity")
    if found := tuple(capacity_problems("capacity", capacity or {})):
        raise UsageError(found[0].message, where=found[0].path)


def _check_traits(
    skills: Mapping[str, int] | None, channels: Sequence[str] | None, weight: int | None
) -> None:
    from omniroute.rules.checks import trait_problems  # which configuration is judged by

    found = tuple(trait_problems("", skills or {}, channels or (), 1 if weight is None else weight))
    if found:
        raise UsageError(found[0].message, where=found[0].path)


def _given(value: Sequence[str] | None, otherwise: Sequence[str]) -> Sequence[str]:
    return otherwise if value is None else value


def set_available(agent: str, *, available: bool, by: str) -> Callable[[Unit], Agent]:
    """Return the flow of the one switch for all of an agent's channels (A7).

    Becoming available brings waiting conversations at once; RED keeps those that are held (A9).
    """
    if not isinstance(available, bool):
        raise UsageError("not a switch", where="available", expected="a bool", got=repr(available))
    check_key(by, "by")

    def flow(unit: Unit) -> Agent:
        if unit.agent(agent).available is not available:
            unit.write_event(AgentAvailability(agent, unit.now, agent_actor(by), available))
        settle(unit)
        return unit.agent(agent)

    return flow
