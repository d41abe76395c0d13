"""A desk's configuration as values: what a file says once it has been read and checked.

`config` reads and writes it, `rules.resolution` works out what it means, the store keeps versions
of it. Agents here only seed a new desk; afterwards staff lives in the store, one agent at a time
(P20). The text below a field is its description in the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field

from omniroute.model.agent import Capacity, Role
from omniroute.model.policy import PolicySettings
from omniroute.model.secret import SecretRef
from omniroute.model.sla import SlaTargets
from omniroute.model.values import frozen

__all__ = [
    "AccountConfig",
    "AgentConfig",
    "ChannelConfig",
    "ChannelDirection",
    "ChannelGroupConfig",
    "DeskConfig",
    "DirectAccess",
    "EntryPointConfig",
    "GoesLive",
    "GroupConfig",
    "InboxConfig",
    "NumberConfig",
    "Override",
    "QueueMove",
    "QueueNode",
    "QueueTraits",
]


class ChannelDirection(StrEnum):
    """Which way messages go on a channel: both, to contacts only, or not at all (C12, T6)."""

    TWO_WAY = "two_way"
    OUT_ONLY = "out_only"
    OFF = "off"


def _names_alone(settings: Mapping[str, Any]) -> str:
    """Settings as a repr shows them: one that should have been a reference may be the secret (R15)."""
    shown = (
        f"{key!r}: {each if isinstance(each, SecretRef) else '…'}" for key, each in settings.items()
    )
    return f"{{{', '.join(shown)}}}"


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
class QueueTraits:
    """What belongs to one queue and is not handed down as policy is."""

    hidden: bool = False
    """Whether the menu does not show it. Keywords, numbers and direct access still lead to it (U24)."""
    language: str | None = None
    """The language that conversations carry from here on, as `de` or `pt-BR`; top queues only (U13)."""
    keywords: tuple[str, ...] = ()
    """First messages that lead straight here: a list, or one text split at commas and spaces (U59)."""


@frozen(kw_only=True)
class InboxConfig:
    """Where entry points lead. `sla` is in microseconds; without `queues` the inbox is one leaf.

    `targets` is what the SLA says beyond the first response.
    """

    sla: int
    """The time allowed for the first answer, or a table of what else is wanted."""
    primary_for: tuple[str, ...] = ()
    """The channels whose entry points lead here. A channel has exactly one primary inbox."""
    queues: tuple[QueueNode, ...] = ()
    """The queue tree; without one the inbox is a single queue of its own name."""
    policy: PolicySettings = PolicySettings()
    """The policy of this inbox."""
    at: Mapping[str, PolicySettings] = field(factory=dict)
    """The policy of queues by path inside the inbox, and the traits of each: `at."Deutsch/Technik"`."""
    traits: Mapping[str, QueueTraits] = field(factory=dict)
    targets: SlaTargets = SlaTargets()


@frozen(kw_only=True)
class Override:
    """An entry point's exception: another inbox, another SLA (microseconds), or both (G10, G11).

    What its SLA leaves open is as in the inbox that it leads to (G13).
    """

    inbox: str | None = None
    """Where the entry point leads instead of the primary inbox."""
    sla: int | None = None
    """The time allowed here, shorter or longer; blank for that of the inbox it leads to."""
    targets: SlaTargets = SlaTargets()


@frozen(kw_only=True)
class EntryPointConfig:
    """One address on a channel. `queue` leads straight to a queue of the inbox, past the menu.

    Of `connected`, `embedded` and `forwarding_active` each kind of channel knows one or none.
    """

    channel: str
    """The channel, which needs a primary inbox."""
    address: str
    """What the provider calls it: a page id, a mailbox. Unique in the store; by default a chat's name."""
    account: str | None = None
    """The account whose settings it uses."""
    override: Override | None = None
    """Where it differs from the channel's other entry points."""
    queue: str | None = None
    """Leads straight to a leaf of its inbox, past the menu."""
    number: str | None = None
    """Its phone number, one of `numbers`, where the address is not the number itself."""
    connected: bool = True
    """Voice and SMS: whether the number is connected. Held otherwise: nothing is received (G5)."""
    embedded: bool = True
    """Chat: whether the widget is embedded in a page. Nothing is received otherwise (G6)."""
    forwarding_active: bool = True
    """Email: whether the mailbox is forwarded here. Nothing is received otherwise (G7)."""
    settings: Mapping[str, Any] = field(factory=dict, repr=_names_alone)


@frozen
class GoesLive:
    """A warning: an entry point was added that takes messages as soon as the draft is saved (G22)."""

    entry_point: str
    channel: str
    inbox: str | None

    def __str__(self) -> str:
        """Return the warning as a person reads it."""
        where = f"into inbox {self.inbox!r}" if self.inbox else "nowhere yet: no inbox is primary"
        text = f"entry point {self.entry_point!r} is live once this is saved; the next message"
        return f"{text} on {self.channel!r} leads {where}. Don't add it until you are ready."


@frozen(kw_only=True)
class AccountConfig:
    """Credentials at a provider: plain settings, and secrets as references (`SecretRef`)."""

    settings: Mapping[str, Any] = field(factory=dict, repr=_names_alone)


@frozen(kw_only=True)
class ChannelConfig:
    """What holds for every entry point of one channel (T1, T6, T7, C11, C12).

    A channel that is named as its type needs no `type`; any other does.
    """

    type: str | None = None
    """The kind of channel, where the channel is not named as its kind: two of one kind, say."""
    entry_flow: str | None = None
    """The flow that starts with a conversation, by the host's name for it."""
    exit_flow: str | None = None
    """The flow that starts with its end."""
    active: bool = True
    """Whether the channel works at all: off, nothing is received and nobody can start (T6)."""
    direction: ChannelDirection = ChannelDirection.TWO_WAY
    """Which way messages go; one-way refuses those of contacts (C12)."""
    agent_initiated: bool | None = None
    """Whether agents may start conversations here (T7); unset, as the desk's policy says."""
    enabled_by_support: bool = True
    """Whether the provider has enabled it; a channel that is not cannot be active (U2)."""
    contents: tuple[str, ...] | None = None
    """What it carries, both ways: `["text", "image", "video"]`; unset, all that its adapter can (U1)."""
    policy: PolicySettings = PolicySettings()
    """The policy of everything on this channel."""


@frozen(kw_only=True)
class ChannelGroupConfig:
    """Channels that are spoken of together (T5)."""

    description: str | None = None
    """What the group is for."""
    channels: tuple[str, ...] = ()
    """Its channels; a channel may be in several groups."""


@frozen(kw_only=True)
class GroupConfig:
    """A routing group and the queues its agents serve, as patterns."""

    serves: tuple[str, ...] = ()
    """The queues that its agents serve."""


@frozen(kw_only=True)
class NumberConfig:
    """A phone number of the desk, by its E.164 form (U63 to U65)."""

    label: str
    """What people call it."""
    queue: str | None = None
    """The leaf that what comes in on it goes to; the number must be verified for that (U64)."""
    verified: bool = False
    """Whether whoever saves this says that the number is theirs: it counts as verified, without a code."""
    global_outbound: bool = False
    """Whether it is the number for everything outbound; leave it false."""


@frozen(kw_only=True)
class DirectAccess:
    """A direct access point: external keys that lead straight to a queue (U62)."""

    keys: Mapping[str, str]
    """The keys that a first message has to bring, all of them."""
    queue: str
    """The leaf it leads to, hidden or not."""


@frozen(kw_only=True)
class AgentConfig:
    """An agent to begin with. `capacity` is by channel family; None leaves it to the policy."""

    name: str | None = None
    """What they are called."""
    groups: tuple[str, ...] = ()
    """The groups they belong to."""
    serves: tuple[str, ...] = ()
    """The queues they serve, beside those of their groups."""
    capacity: Mapping[str, Capacity] | None = None
    """What they hold at once."""
    channels: tuple[str, ...] | None = None
    """The channels they are enabled for; unset, all (A1)."""
    skills: Mapping[str, int] = field(factory=dict)
    """What they can, with levels from 1 to 100: `{ router = 7 }`."""
    languages: tuple[str, ...] = ()
    """The languages they speak, as `de` or `pt-BR`."""
    role: Role = Role.AGENT
    """What they may do."""
    weight: int = 1
    """How much they hold beside others, where the distribution is `weighted`."""


@frozen(kw_only=True)
class DeskConfig:
    """A whole desk. `zone` is an IANA name, never an offset (R8)."""

    desk: str
    """The desk's id, which everything stored is led by."""
    zone: str = "UTC"
    """The zone in which the desk shows instants; never an offset."""
    preset: str | None = None
    """The preset that the policy starts from."""
    policy: PolicySettings = PolicySettings()
    """The desk's policy."""
    channels: Mapping[str, ChannelConfig] = field(factory=dict)
    """Channels by name."""
    channel_groups: Mapping[str, ChannelGroupConfig] = field(factory=dict)
    """Groups of channels by name."""
    inboxes: Mapping[str, InboxConfig] = field(factory=dict)
    """Inboxes by name."""
    accounts: Mapping[str, AccountConfig] = field(factory=dict)
    """Credentials by name."""
    entry_points: Mapping[str, EntryPointConfig] = field(factory=dict)
    """Entry points by name."""
    numbers: Mapping[str, NumberConfig] = field(factory=dict)
    """Phone numbers by their E.164 form."""
    direct_access: Mapping[str, DirectAccess] = field(factory=dict)
    """Direct access points by name; the first whose keys all match wins."""
    groups: Mapping[str, GroupConfig] = field(factory=dict)
    """Routing groups by name."""
    agents: Mapping[str, AgentConfig] = field(factory=dict)
    """Agents by id, to begin with."""
