"""What happened on a desk beside its conversations: staff, versions, engagements, numbers.

Part of `model.events`, which is where all events are imported from.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field

from omniroute.model.agent import Capacity, ChannelTerms, Distribution, Role
from omniroute.model.state import EngagementKind, Verification
from omniroute.model.values import frozen
from omniroute.model.wire import DeliveryStatus

__all__ = [
    "AgentAvailability",
    "AgentEvent",
    "AgentRemoved",
    "AgentSaved",
    "Configured",
    "ContactsMerged",
    "EngagementDelivery",
    "EngagementSent",
    "NumberVerificationChanged",
    "RoomKept",
    "RoomReleased",
    "Weighed",
    "WrapUpEnded",
    "WrapUpStarted",
]


@frozen
class AgentEvent:
    """The root of what happens to an agent apart from conversations."""

    agent: str
    at: int
    actor: str


@frozen
class AgentSaved(AgentEvent):
    """The agent is new, or their profile changed; load and availability stay as they are."""

    name: str
    groups: tuple[str, ...]
    serves: tuple[str, ...]
    leaves: tuple[str, ...]
    capacity: Capacity
    distribution: Distribution
    own_capacity: Capacity | None = None
    role: Role = Role.AGENT
    leaving: bool = False
    pools: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(factory=dict)
    channels: tuple[str, ...] | None = None
    weight: int = 1
    languages: tuple[str, ...] = ()
    terms: Mapping[str, ChannelTerms] = field(factory=dict)
    own_limits: Mapping[str, Capacity] = field(factory=dict)
    distributions: Mapping[str, Distribution] = field(factory=dict)


@frozen
class AgentRemoved(AgentEvent):
    """The agent is no longer on the desk's staff."""


@frozen
class AgentAvailability(AgentEvent):
    """The agent switched availability on or off (A7).

    Told by the system where it follows from their heartbeat: it stopped, or came back (P7); and where
    they `missed` an offer: then only a switch by hand brings them back (M5).
    """

    available: bool
    missed: bool = False


@frozen
class WrapUpStarted(AgentEvent):
    """The slot of an ended conversation stays taken until `until` at the latest (P6)."""

    conversation: str
    until: int


@frozen
class WrapUpEnded(AgentEvent):
    """The agent is done with an ended conversation, or the time for it is over: the slot is free."""

    conversation: str


@frozen
class Weighed(AgentEvent):
    """What the agent holds counts as `cost` parts from here on, and as one of `counted_as` (P2).

    Told where a channel has a cost or a maximum: of a conversation that they got, of its wrap-up, and
    of what they hold when the terms change. `counted_as` is None where nothing is counted any more.
    """

    conversation: str
    counted_as: str | None
    cost: int
    wrap_up: bool = False


@frozen
class RoomKept(AgentEvent):
    """The agent's free parts are kept for a conversation that waits and needs several (R2)."""

    conversation: str


@frozen
class RoomReleased(AgentEvent):
    """The agent's free parts are no longer kept: the conversation got what it needs, or left."""

    conversation: str


@frozen
class Configured:
    """The desk works by another version of its configuration from here on."""

    at: int
    actor: str
    version: int


@frozen
class ContactsMerged:
    """One contact was merged into another that is kept, by hand (P17). Conversations stay as they are.

    Both had been kept until then: what was merged into `other` before is merged into `contact` too.
    """

    contact: str
    at: int
    actor: str
    other: str


@frozen
class EngagementSent:
    """A message goes to a contact without opening a conversation, or being part of one (C10)."""

    message: str
    at: int
    actor: str
    contact: str
    entry_point: str
    engagement: EngagementKind


@frozen
class EngagementDelivery:
    """What became of an engagement's message, as the provider says."""

    message: str
    at: int
    actor: str
    status: DeliveryStatus
    reason: str | None = None


@frozen
class NumberVerificationChanged:
    """A code was asked for, entered wrongly, or proved that a number is the desk's (M11)."""

    number: str
    at: int
    actor: str
    status: Verification
    expires_at: int | None = None
    attempts: int = 0
