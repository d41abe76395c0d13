"""Agents as they are stored: who they are, what they serve, and how loaded they stand now."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import field

from omniroute.model.values import frozen

__all__ = [
    "ALL",
    "NO_EXTRAS",
    "Agent",
    "AgentExtras",
    "Capacity",
    "ChannelTerms",
    "Colour",
    "Cost",
    "Distribution",
    "Held",
    "Role",
]

Cost = int | str
"""How many parts of an agent one conversation takes: a number, or `ALL` that they have (P2)."""

ALL: Final = "all"
"""The cost of what takes an agent wholly."""


class Colour(StrEnum):
    """Availability as computed, never set (A8): RED wins over ORANGE."""

    GREEN = "green"
    ORANGE = "orange"
    RED = "red"


class Distribution(StrEnum):
    """Who comes first among agents with room (P3). Ties break by id."""

    LONGEST_IDLE = "longest_idle"
    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    WEIGHTED = "weighted"
    BEST_SKILL = "best_skill"


class Role(StrEnum):
    """What an agent may do beside answering: the table is `rules.roles.RIGHTS` (G18)."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


@frozen
class Capacity:
    """How many conversations an agent holds (M9); where channels have costs, how many parts (P2).

    `goal` is shown; automatic assignment stops at `soft_max`; nothing passes `hard_max`.
    """

    goal: int
    """What is aimed at; shown, nothing more."""
    soft_max: int
    """Where automatic assignment stops."""
    hard_max: int
    """What nothing goes past, not even an agent who takes one by hand."""


@frozen
class ChannelTerms:
    """What one conversation of a channel or family costs an agent, and how many they may hold (P2).

    `cost` is in parts of the agent's capacity; `limits` count conversations, None for no maximum.
    """

    cost: int = 1
    limits: Capacity | None = None


@frozen
class Held:
    """What something that an agent holds counts as: a channel or family of the terms, and its cost."""

    counted_as: str
    cost: int


@frozen
class AgentExtras:
    """What agents have only where channels have costs or maxima, or queues choose by themselves.

    `terms` are by channel or family; `own_limits` what was given of it to this agent alone;
    `distributions` are of the queues that choose otherwise than the desk (P3). `held` are
    conversations, and wrap-ups behind a `~`, by what they count as: what is not in it costs one part.
    `keeps` is the conversation for which their free parts are kept (R2).
    """

    terms: Mapping[str, ChannelTerms] = field(factory=dict)
    own_limits: Mapping[str, Capacity] = field(factory=dict)
    distributions: Mapping[str, Distribution] = field(factory=dict)
    held: Mapping[str, Held] = field(factory=dict)
    keeps: str | None = None


NO_EXTRAS: Final = AgentExtras()
"""What agents have of it where nothing is weighed."""


@frozen
class Agent:
    """One agent. `leaves` are the queues that `serves` and the groups come to, resolved when saved.

    `load` counts conversations held, offers that hold a slot and wrap-up holds (X4), each by its cost
    (P2); `idle_since`
    is the instant of the last change of load, in UTC microseconds. `own_capacity` is what was given
    to this agent alone; without it `capacity` is the desk's, and follows it. `pools` are the queues'
    groups that they stand in. `channels` are those they are enabled for, None for all (A1). `weight`
    counts in the weighted distribution; `given_at` is when they were last given something (P3),
    `forced` how often past what they may hold (M9). One who is `leaving` gets nothing new, and goes
    with the last conversation they hold (S15). One who `missed` an offer is not
    available until somebody switches them on by hand (M5).
    """

    id: str
    name: str
    groups: tuple[str, ...]
    serves: tuple[str, ...]
    leaves: tuple[str, ...]
    capacity: Capacity
    distribution: Distribution
    available: bool
    load: int
    idle_since: int
    own_capacity: Capacity | None = None
    role: Role = Role.AGENT
    leaving: bool = False
    pools: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(factory=dict)
    channels: tuple[str, ...] | None = None
    weight: int = 1
    given_at: int = 0
    languages: tuple[str, ...] = ()
    forced: int = 0
    extras: AgentExtras = NO_EXTRAS
    missed: bool = False

    @property
    def has_room(self) -> bool:
        """Whether automatic assignment may add one more."""
        return self.load < self.capacity.soft_max and self.extras.keeps is None
