"""A desk's configuration as values: what a file says once it has been read and checked.

`config` reads and writes it, `rules.resolution` works out what it means, the store keeps versions
of it. Agents here only seed a new desk; afterwards staff lives in the store, one agent at a time
(P20).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field

from omniroute.model.agent import Capacity, Role
from omniroute.model.policy import PolicySettings
from omniroute.model.values import frozen

__all__ = [
    "AccountConfig",
    "AgentConfig",
    "ChannelConfig",
    "DeskConfig",
    "EntryPointConfig",
    "GroupConfig",
    "InboxConfig",
    "Override",
    "QueueMove",
    "QueueNode",
]


@frozen
class QueueNode:
    """A node of an inbox's queue tree. Without children it is a leaf, which agents serve."""

    name: str
    children: tuple[QueueNode, ...] = ()


@frozen
class QueueMove:
    """Where an edit took what stood at a queue's full path, or an inbox's name.

    With `whole` everything below it went along (a rename, say); without, all of it went into the
    one queue `target`. Without a target it is gone.
    """

    source: str
    target: str | None = None
    whole: bool = True


@frozen(kw_only=True)
class InboxConfig:
    """Where entry points lead. `sla` is in microseconds; without `queues` the inbox is one leaf."""

    sla: int
    primary_for: tuple[str, ...] = ()
    queues: tuple[QueueNode, ...] = ()
    policy: PolicySettings = PolicySettings()
    at: Mapping[str, PolicySettings] = field(factory=dict)


@frozen(kw_only=True)
class Override:
    """An entry point's exception: another inbox, another SLA (microseconds), or both (G10, G11)."""

    inbox: str | None = None
    sla: int | None = None


@frozen(kw_only=True)
class EntryPointConfig:
    """One address on a channel. `queue` leads straight to a queue of the inbox, past the menu."""

    channel: str
    address: str
    account: str | None = None
    override: Override | None = None
    queue: str | None = None
    settings: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class AccountConfig:
    """Credentials at a provider: plain settings, and secrets as references (`SecretRef`)."""

    settings: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class ChannelConfig:
    """What holds for every entry point of one channel kind."""

    policy: PolicySettings = PolicySettings()


@frozen(kw_only=True)
class GroupConfig:
    """A routing group and the queues its agents serve, as patterns."""

    serves: tuple[str, ...] = ()


@frozen(kw_only=True)
class AgentConfig:
    """An agent to begin with. `capacity` is by channel family; None leaves it to the policy."""

    name: str | None = None
    groups: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    capacity: Mapping[str, Capacity] | None = None
    role: Role = Role.AGENT
    skills: Mapping[str, int] = field(factory=dict)
    channels: tuple[str, ...] | None = None
    weight: int = 1


@frozen(kw_only=True)
class DeskConfig:
    """A whole desk. `zone` is an IANA name, never an offset (R8)."""

    desk: str
    zone: str = "UTC"
    preset: str | None = None
    policy: PolicySettings = PolicySettings()
    channels: Mapping[str, ChannelConfig] = field(factory=dict)
    inboxes: Mapping[str, InboxConfig] = field(factory=dict)
    accounts: Mapping[str, AccountConfig] = field(factory=dict)
    entry_points: Mapping[str, EntryPointConfig] = field(factory=dict)
    groups: Mapping[str, GroupConfig] = field(factory=dict)
    agents: Mapping[str, AgentConfig] = field(factory=dict)
