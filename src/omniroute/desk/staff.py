"""Staff, one agent at a time: whatever the number of agents, a change loads and stores one (P20).

A profile is what a person wrote of an agent (`AgentConfig`); the stored agent is that profile under
the configuration in force, with load and availability. Every change of a profile is kept with its
author.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, fields

from omniroute.desk.permission import permit
from omniroute.desk.presence import forget_absence
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.desk.weighing import weigh_again
from omniroute.errors import Problem, UnknownAgent, UsageError
from omniroute.lazy import later
from omniroute.model.agent import Agent, Capacity
from omniroute.model.desk_config import AgentConfig
from omniroute.model.events import SYSTEM, AgentAvailability, AgentSaved, agent_actor
from omniroute.model.records import StaffChange
from omniroute.rules.names import name_problem
from omniroute.rules.resolution import Setup
from omniroute.rules.roles import Right
from omniroute.rules.storable import check_key, check_storable, check_switch, check_text
from omniroute.rules.weight_checks import agent_limit_problems, room_problems
from omniroute.rules.weights import MESSAGING, terms_for
from omniroute.schema import STAFF_CHANGES

if TYPE_CHECKING:
    from omniroute.config import diff
    from omniroute.rules import channel_checks, policy_checks
else:
    (diff,) = later(globals(), "omniroute.config", "diff")
    channel_checks, policy_checks = later(
        globals(), "omniroute.rules", "channel_checks", "policy_checks"
    )

__all__ = [
    "CONFIGURATION",
    "FILE",
    "HAND",
    "SEED",
    "change",
    "check_named",
    "check_profile",
    "check_room",
    "profile_of",
    "record",
    "save_agent",
    "set_available",
]

HAND: Final = "hand"
FILE: Final = "file"
SEED: Final = "seed"
CONFIGURATION: Final = "configuration"

_SAVED: Final = tuple(
    each.name
    for each in fields(AgentSaved)
    if each.name not in ("agent", "at", "actor", "terms", "own_limits", "distributions")
)


def profile_of(agent: Agent) -> AgentConfig:
    """Return what is written of an agent, as a configuration would have it."""
    return AgentConfig(
        name=None if agent.name == agent.id else agent.name,
        groups=agent.groups,
        serves=agent.serves,
        capacity=_own_capacity(agent),
        role=agent.role,
        skills=agent.skills,
        channels=agent.channels,
        weight=agent.weight,
        languages=agent.languages,
    )


def _is_saved(agent: Agent, saved: AgentSaved) -> bool:
    extras = agent.extras
    known = (extras.terms, extras.own_limits, extras.distributions)
    return known == (saved.terms, saved.own_limits, saved.distributions) and all(
        getattr(agent, name) == getattr(saved, name) for name in _SAVED
    )


def _own_capacity(agent: Agent) -> dict[str, Capacity] | None:
    whole = {} if agent.own_capacity is None else {MESSAGING: agent.own_capacity}
    return {**whole, **agent.extras.own_limits} or None


def save_agent(
    unit: Unit,
    agent: str,
    profile: AgentConfig,
    *,
    actor: str = SYSTEM,
    origin: str | None = None,
    follow: bool = False,
    leaving: bool = False,
) -> None:
    """Record an agent's profile, where it differs from the stored one (R11).

    With `follow`, what the profile names and the configuration no longer has is passed over, and
    stays in the profile: it may come back. Otherwise it raises `UsageError`. `origin` is given
    where the profile itself changes, which is then kept in its history.
    """
    setup, before = unit.setup, unit.find_agent(agent)
    serves, groups = profile.serves, profile.groups
    named = (setup.known_patterns(serves), setup.known_groups(groups)) if follow else None
    limits = dict(profile.capacity or {})
    own = limits.pop(MESSAGING, None)
    capacity, policy = own or setup.capacity(), setup.policy()
    leaves = () if leaving else setup.serving(*(named or (serves, groups)))
    saved = AgentSaved(
        agent,
        unit.now,
        actor,
        profile.name or agent,
        tuple(groups),
        tuple(serves),
        leaves,
        capacity,
        setup.distribution(),
        own,
        profile.role,
        leaving,
        setup.pools(leaves, groups),
        dict(profile.skills),
        profile.channels,
        profile.weight,
        tuple(profile.languages),
        terms_for(policy.costs, policy.capacity, limits, capacity),
        limits,
        setup.distributions(leaves),
    )
    if before is not None and _is_saved(before, saved):
        return
    unit.write_event(saved)
    if before is not None and before.load and before.extras.terms != saved.terms:
        weigh_again(unit, agent)
    if origin is not None:
        known = None if before is None else profile_of(before)
        record(unit, agent, actor, origin, known, profile)


def record(
    unit: Unit,
    agent: str,
    actor: str,
    origin: str,
    before: AgentConfig | None,
    after: AgentConfig | None,
) -> None:
    """Keep the change of a profile that was just told: who did it and what it was, line by line."""
    changes = diff.agent_differences(agent, before, after)
    if changes or before is None:
        change = StaffChange(agent, unit.position, actor, unit.now, origin, changes, after)
        unit.tx.add(STAFF_CHANGES, unit.desk, (change,))


def change(
    agent: str, given: Mapping[str, Any], *, by: str | None, add: bool, origin: str = HAND
) -> Callable[[Unit], Agent]:
    """Return the flow of changing what is given of an agent's profile; a new agent only with `add`.

    What is given must exist in the configuration; what was kept may name queues that are gone.
    """
    check_profile(agent, given)

    def flow(unit: Unit) -> Agent:
        actor = permit(unit, by, Right.STAFF)
        known = unit.find_agent(agent)
        if known is None and not add:
            raise UnknownAgent(f"no agent {agent!r}", hint="staff.put adds one")
        check_named(unit.setup, given)
        profile = evolve(profile_of(known) if known else AgentConfig(), **given)
        check_room(unit.setup, profile, given)
        save_agent(unit, agent, profile, actor=actor, origin=origin, follow=True)
        return unit.agent(agent)

    return flow


def check_named(setup: Setup, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` where what is given of a profile names what the configuration has not."""
    setup.serving(given.get("serves", ()), given.get("groups", ()))
    if given.get("channels"):
        for problem in channel_checks.enabled_problems("channels", given["channels"], setup.config):
            raise UsageError(problem.message, where=problem.path)
    limits = setup.policy().capacity
    for problem in agent_limit_problems("capacity", given.get("capacity") or {}, limits):
        raise UsageError(problem.message, where=problem.path)


def check_room(setup: Setup, profile: AgentConfig, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` where what is given leaves an agent no room for what they are enabled for (P2).

    `profile` is theirs with it. What they were before, and what channels cost since, is not judged.
    """
    if given.keys() & {"capacity", "channels"}:
        for problem in room_problems("", profile, setup.config, setup.counted):
            raise UsageError(problem.message, where=problem.path)


def check_profile(agent: str, given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for what cannot stand in an agent's profile."""
    check_key(agent, "agent")
    problem, name = name_problem(agent, "an agent's id"), given.get("name")
    if problem is None and name is not None:
        check_text(name, "name")
        problem = name_problem(name, "an agent's name")
    if problem is not None:
        raise UsageError(problem, where="agent")
    capacity: Mapping[str, Capacity] | None = given.get("capacity")
    traits = (given.get("skills") or {}, given.get("weight", 1))
    check_storable(dict(given), "agent")
    found = [
        *policy_checks.capacity_problems("capacity", capacity or {}),
        *channel_checks.trait_problems("", *traits),
    ]
    found += [
        Problem(f"languages[{index}]", text)
        for index, language in enumerate(given.get("languages", ()))
        if (text := channel_checks.language_problem(language))
    ]
    if found:
        raise UsageError(found[0].message, where=found[0].path)


def set_available(agent: str, *, available: bool, by: str) -> Callable[[Unit], Agent]:
    """Return the flow of the one switch for all of an agent's channels (A7).

    Becoming available brings waiting conversations at once; RED keeps those that are held (A9).
    Switching somebody else needs the right to (G18).
    """
    check_switch(available, "available")
    check_key(agent, "agent")
    check_key(by, "by")

    def flow(unit: Unit) -> Agent:
        found = unit.agent(agent)
        if by != agent:
            permit(unit, by, Right.SWITCH_OTHERS)
        if found.available is not available:
            unit.write_event(AgentAvailability(agent, unit.now, agent_actor(by), available))
        forget_absence(unit, agent)
        settle(unit)
        return unit.agent(agent)

    return flow
