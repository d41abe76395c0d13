"""Whether an agent can be given work, and who comes first among those who can (A8 to A10, A18, P3).

The store keeps agents in the order that `rank` gives, so that choosing one costs one short scan.
"""

from __future__ import annotations

from typing import Final

from omniroute.errors import AgentUnavailable, CapacityExceeded
from omniroute.model.agent import Agent, Colour, Distribution
from omniroute.rules.weights import fits, terms

__all__ = ["COLOURS", "admit", "colour", "rank"]

COLOURS: Final = (Colour.GREEN, Colour.ORANGE, Colour.RED)
"""Colours as the index orders them: those who can take something first."""

_LEAST_LOADED: Final = Distribution.LEAST_LOADED
_ROUND_ROBIN: Final = Distribution.ROUND_ROBIN
_WEIGHTED: Final = Distribution.WEIGHTED

_NUMBER: Final = {each: number for number, each in enumerate(COLOURS)}


def colour(agent: Agent, name: str | None = None) -> Colour:
    """Return the agent's availability: RED off, ORANGE on and full, GREEN on with room (A8).

    `name` is what is asked for: a channel or family with a cost or a maximum of its own (P2).
    """
    if not agent.available:
        return Colour.RED
    room = agent.has_room if name is None else fits(agent, name)
    return Colour.GREEN if room else Colour.ORANGE


def rank(agent: Agent, name: str | None = None, queue: str | None = None) -> tuple[int, int, int]:
    """Return the agent's place among those who serve a queue: colour, then distribution (P3).

    `queue` says which, where it chooses otherwise than the desk; `name` what there should be room for.

    `longest_idle`: those with nothing to do first, then by how long ago their load last changed.
    `least_loaded`: by load as a share of what automatic assignment may give, then longest idle
    (A18). `round_robin`: by how long ago they were last given something. `weighted`: by load as a share
    of their weight. `best_skill` compares by conversation (`rules.ranking`), and so far is by idleness.
    """
    number, how = _NUMBER[colour(agent, name)], agent.distribution
    if queue is not None and agent.extras.distributions:
        how = agent.extras.distributions.get(queue, how)
    if how is _LEAST_LOADED:
        return number, agent.load * 10_000 // max(agent.capacity.soft_max, 1), agent.idle_since
    if how is _ROUND_ROBIN:
        return number, 0, agent.given_at
    if how is _WEIGHTED:
        return number, agent.load * 10_000 // max(agent.weight, 1), agent.idle_since
    return number, 1 if agent.load else 0, agent.idle_since


def admit(agent: Agent, *, by_hand: bool, name: str | None = None) -> None:
    """Raise `CapacityExceeded` unless the agent may hold one more conversation, counted as `name`.

    Automatic assignment stops at `soft_max` (A10); what a person does stops at `hard_max` (M9).
    Whoever is leaving takes nothing more, `AgentUnavailable` (S15).
    """
    if agent.leaving:
        raise AgentUnavailable(f"agent {agent.id!r} is leaving and takes nothing more")
    limit = agent.capacity.hard_max if by_hand else agent.capacity.soft_max
    if name is not None:
        _admit_counted(agent, name, limit, by_hand=by_hand)
    elif agent.load >= limit:
        raise CapacityExceeded(
            f"agent {agent.id!r} holds as many conversations as they may",
            expected=f"at most {limit}",
            got=f"{agent.load} held",
        )


def _admit_counted(agent: Agent, name: str, limit: int, *, by_hand: bool) -> None:
    if fits(agent, name, by_hand=by_hand):
        return
    asked = terms(agent, name)
    if agent.load + asked.cost > limit:
        raise CapacityExceeded(
            f"agent {agent.id!r} has too little room for {name}",
            expected=f"at most {limit} parts in all",
            got=f"{agent.load} taken, and {asked.cost} more",
        )
    raise CapacityExceeded(f"agent {agent.id!r} holds as many of {name} as they may")
