"""How events change an agent: `apply_agent` and `fold_agent`. No policy, no choice.

Agents change by events of their own, and by conversations that come and go (R16).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import evolve

from omniroute.model import events as tell
from omniroute.model.agent import NO_EXTRAS, Agent, AgentExtras
from omniroute.model.values import copying
from omniroute.rules.folding import CHANGES
from omniroute.rules.weights import hold, release, wrapped

__all__ = ["apply_agent", "fold_agent"]

_given: Final = copying(Agent, "load", "idle_since", "given_at", "forced")
_freed: Final = copying(Agent, "load", "idle_since", "extras")
_MOVES: Final[dict[type, tuple[bool, bool]]] = {
    event: (hasattr(event, "agent"), hasattr(event, "released"))
    for event in CHANGES
    if issubclass(event, tell.Transition)
}
"""Of each transition, whether it can give a conversation to an agent, and free one of it."""


def apply_agent(agent: Agent | None, event: tell.Event, agent_id: str) -> Agent | None:
    """Return the agent `agent_id` after `event`: their own events, and conversations that come and go.

    None before they are saved and after they are removed. Events that do not concern them change
    nothing.
    """
    moves = _MOVES.get(type(event))
    if moves is None:
        if isinstance(event, tell.AgentEvent) and event.agent == agent_id:
            return _own(agent, event)
        return agent
    if agent is None:
        return agent
    e: Any = event
    gives, frees = moves
    given = gives and e.agent == agent_id
    freed = frees and e.released == agent_id
    if given is freed:
        return agent
    if given:
        forced = agent.forced + 1 if e.reason == tell.FORCED else agent.forced
        return _given(agent, agent.load + 1, e.at, e.at, forced)
    x, cost = agent.extras, 1
    if x.held:
        held, cost = release(x.held, e.conversation)
        x = evolve(x, held=held)
    return _freed(agent, agent.load - cost, e.at, x)


def _own(agent: Agent | None, event: tell.AgentEvent) -> Agent | None:
    if isinstance(event, tell.AgentSaved):
        return Agent(
            event.agent,
            event.name,
            event.groups,
            event.serves,
            event.leaves,
            event.capacity,
            event.distribution,
            False if agent is None else agent.available,
            0 if agent is None else agent.load,
            event.at if agent is None else agent.idle_since,
            event.own_capacity,
            event.role,
            event.leaving,
            event.pools,
            event.skills,
            event.channels,
            event.weight,
            0 if agent is None else agent.given_at,
            event.languages,
            0 if agent is None else agent.forced,
            _extras(agent, event),
            False if agent is None else agent.missed,
        )
    if agent is None or isinstance(event, tell.AgentRemoved):
        return None
    if isinstance(event, tell.WrapUpStarted | tell.WrapUpEnded | tell.Weighed):
        return _weighed(agent, event)
    if isinstance(event, tell.AgentAvailability):
        # Idle time is time in which work could have come: it starts with being available.
        since = event.at if event.available and not agent.available else agent.idle_since
        extras = agent.extras if event.available else _keeping(agent.extras, None)
        return evolve(
            agent,
            available=event.available,
            idle_since=since,
            extras=extras,
            missed=event.missed,
        )
    if isinstance(event, tell.RoomKept | tell.RoomReleased):
        kept = event.conversation if isinstance(event, tell.RoomKept) else None
        return evolve(agent, extras=_keeping(agent.extras, kept))
    return agent


def _keeping(extras: AgentExtras, conversation: str | None) -> AgentExtras:
    if extras.keeps == conversation:
        return extras
    return evolve(extras, keeps=conversation)


def _extras(agent: Agent | None, event: tell.AgentSaved) -> AgentExtras:
    held = {} if agent is None else agent.extras.held
    if not (event.terms or event.own_limits or event.distributions or held):
        return NO_EXTRAS
    return AgentExtras(event.terms, event.own_limits, event.distributions, held)


def _weighed(agent: Agent, event: tell.WrapUpStarted | tell.WrapUpEnded | tell.Weighed) -> Agent:
    """The agent's load with a hold more or less, or with something that counts otherwise (P2, P6)."""
    extras, key, idle_since = agent.extras, wrapped(event.conversation), event.at
    if isinstance(event, tell.WrapUpStarted):
        held, change = extras.held, 1  # belongs to the agent: the conversation is over (X4)
    elif isinstance(event, tell.WrapUpEnded):
        held, cost = release(extras.held, key)
        change = -cost
    else:
        key, idle_since = key if event.wrap_up else event.conversation, agent.idle_since
        held, change = hold(extras.held, key, event.counted_as, event.cost)
    if held != extras.held:
        extras = evolve(extras, held=held)
    return evolve(agent, load=agent.load + change, idle_since=idle_since, extras=extras)


def fold_agent(events: Iterable[tell.Event], agent_id: str) -> Agent | None:
    """Return the state that a desk's events come to for one agent."""
    state = None
    for event in events:
        state = apply_agent(state, event, agent_id)
    return state
