"""Policy: every choice a desk makes, resolved to one value; and settings, as people write them.

`PolicySettings` is one layer, with None for what it leaves open. `Policy` is what the layers come
to: preset, desk, channel, inbox, queues down to the leaf; the nearest set value wins (U18), and
what is switched off is None there (U79). The text below a field is its description in the
reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from attrs import field

from omniroute.instants import DAY, SECOND
from omniroute.model.agent import Capacity, Cost, Distribution
from omniroute.model.assign import AssignPolicy, AssignSettings
from omniroute.model.hours import Hours
from omniroute.model.sla import ServiceLevel, SlaTerms
from omniroute.model.values import frozen

__all__ = [
    "CLOSABLE",
    "LOCKED",
    "SWITCHES",
    "AfterEnd",
    "AfterEndTo",
    "Assignment",
    "AwayThen",
    "DismissedTextAt",
    "ExpirationHours",
    "Inactivity",
    "InactivityAnchor",
    "InactivityThen",
    "KeepAlive",
    "NoticeSide",
    "OfferRules",
    "OfferThen",
    "OpenHours",
    "Overtake",
    "Policy",
    "PolicySettings",
    "Presence",
    "ProtectedNames",
    "ResumeTo",
    "Resuming",
    "TransferAgent",
    "TransferQueue",
    "TransferRules",
]

SWITCHES: Final = (
    "keywords",
    "unanswered_expiration",
    "after_hours_expiration",
    "chat_timeout",
    "selecting_expiration",
    "inactivity",
    "keep_alive",
    "greeting",
    "after_hours_message",
    "dismissed_text",
    "ended_text",
    "response_target",
    "service_level",
)
"""The settings that `enabled` switches; what is off keeps its stored value (U79)."""

CLOSABLE: Final = ("dismiss", "snooze", "take")
"""What a policy can close to agents, by the command's name."""

LOCKED: Final = ("hard_expiry",)
"""The settings that cannot be switched off (U30)."""


class Assignment(StrEnum):
    """How a waiting conversation finds its agent: pushed, claimed, offered to all or to one at a time."""

    PUSH = "push"
    CLAIM = "claim"
    OFFER_ALL = "offer_all"
    OFFER_ONE = "offer_one"


class Overtake(StrEnum):
    """Whether an agent may take a conversation from another: never, or when they confirm (C4)."""

    FORBID = "forbid"
    CONFIRM = "confirm"


class AfterEndTo(StrEnum):
    """Where a contact's message goes after the end."""

    NEW = "new"
    QUEUE = "queue"
    LAST_AGENT = "last_agent"
    REJECT = "reject"


class ProtectedNames(StrEnum):
    """Where a protected word may not stand in a name: as any word of it, or as the whole (U9)."""

    ANY_WORD = "any_word"
    WHOLE_NAME = "whole_name"


class ExpirationHours(StrEnum):
    """Which hours choose the unanswered expiration: those at queue entry, or those now (U28)."""

    AT_ENTRY = "at_entry"
    CURRENT = "current"


class InactivityThen(StrEnum):
    """How an inactive conversation is dismissed: by itself, or by its agent (U37, U38)."""

    DISMISS = "dismiss"
    MANUAL = "manual"


class InactivityAnchor(StrEnum):
    """Whose last message inactivity counts from (U35)."""

    AGENT = "agent"
    CONTACT = "contact"


class NoticeSide(StrEnum):
    """Where the notice lies: dismissed that long after the threshold, or warned before it (U34)."""

    AFTER = "after"
    BEFORE = "before"


class DismissedTextAt(StrEnum):
    """When the text of a dismissal goes out: with the warning, the dismissal, or the return."""

    WARNING = "warning"
    DISMISS = "dismiss"
    REACTIVATE = "reactivate"


class OpenHours(Protocol):
    """When something is open, as policy asks it: a calendar of `rules.hours`. Microseconds."""

    def is_open(self, at: int, /) -> bool:
        """Whether it is open at an instant."""
        ...

    def next_opening(self, at: int, /) -> int | None:
        """Return the first opening after an instant, or None."""
        ...

    def next_closing(self, at: int, /) -> int | None:
        """Return the first closing after an instant, or None."""
        ...


class TransferQueue(StrEnum):
    """Which queues a conversation may be transferred to (U67)."""

    ANY = "any"
    SAME_CHANNEL = "same_channel"
    NONE = "none"


class TransferAgent(StrEnum):
    """Which agents a conversation may be transferred to (A21)."""

    ANY = "any"
    SAME_GROUP = "same_group"


@frozen(kw_only=True)
class TransferRules:
    """Where a conversation may be transferred, and how often (A21, A23, M13, U67)."""

    queue: TransferQueue = TransferQueue.ANY
    """Which queues: any, those of inboxes that serve its channel, or none."""
    agent: TransferAgent = TransferAgent.ANY
    """Which agents: any, or those who share a group with whoever transfers."""
    force: bool = True
    """Whether every agent may transfer anyway to somebody who is not available; else supervisors."""
    maximum: int | None = None
    """How often, until it is dismissed or ends; then nowhere but `final`."""
    final: str | None = None
    """The full path of the queue that stays open after that."""


@frozen
class AfterEnd:
    """What a message after the end does; past `within` (microseconds) it starts a new conversation."""

    to: AfterEndTo = AfterEndTo.NEW
    """Where the message goes."""
    within: int | None = None
    """Counted from the end; a later message starts a new conversation whatever `to` says."""


class ResumeTo(StrEnum):
    """Who gets a conversation that comes back from a snooze, a dismissal or its end."""

    QUEUE = "queue"
    FIRST_AVAILABLE = "first_available"
    LAST_AGENT = "last_agent"


@frozen
class Resuming:
    """Who gets a conversation that comes back (A14, U39, P4)."""

    to: ResumeTo = ResumeTo.QUEUE
    """Whoever the queue gives it to, whoever is first available, or the agent who had it last."""
    within: int | None = None
    """For how long it goes to that agent, counted from when they let it go."""


@frozen(kw_only=True)
class Inactivity:
    """When a silent conversation becomes inactive, and what then (U32 to U38). Microseconds."""

    after: int
    """How long the contact is silent before the conversation is inactive."""
    notice: int = 0
    """How long before the dismissal the contact is warned; 0 warns and dismisses at once."""
    notice_side: NoticeSide = NoticeSide.AFTER
    """Whether the dismissal comes a notice after the threshold, or the warning a notice before it."""
    then: InactivityThen = InactivityThen.DISMISS
    """Whether it is dismissed by itself, or by its agent."""
    anchor: InactivityAnchor = InactivityAnchor.AGENT
    """Whose last message it counts from; it never runs while the contact waits for an answer."""
    text: str | None = None
    """The warning, at most 918 characters."""


@frozen(kw_only=True)
class KeepAlive:
    """The two stages that end a quiet conversation (T8 to T15). Microseconds, without an upper bound."""

    after: int
    """How long after the contact's last message the first text goes out."""
    text: str
    """Asks whether anybody is still there; `{position}` and `{estimated_wait}` may stand in it."""
    end_after: int
    """How long after the first text the conversation ends."""
    end_text: str
    """The text that goes out at the end; may have the same."""
    end_text_first: bool = False
    """Whether the end's text goes out first and the end follows `end_after` later (T11's other reading)."""


class AwayThen(StrEnum):
    """What becomes of the conversations of somebody who is away (P7)."""

    KEEP = "keep"
    REQUEUE = "requeue"
    WAIT = "wait"


@frozen(kw_only=True)
class Presence:
    """When an agent whose heartbeat stopped counts as away, and what then (P7). Microseconds."""

    away_after: int
    """How long after their last heartbeat an agent is away."""
    then: AwayThen = AwayThen.KEEP
    """Whether their conversations stay, wait in their queues again, or do so after `wait`."""
    wait: int = 0
    """How long an absent agent may take to come back before their conversations go."""


class OfferThen(StrEnum):
    """What becomes of an agent who let an offer lapse: the next one comes, or none until they return."""

    NEXT = "next"
    MISSED = "missed"


@frozen(kw_only=True)
class OfferRules:
    """How conversations are offered one at a time (M5). Microseconds."""

    accept_within: int = 30 * SECOND
    """How long an agent has to accept, before it is offered to the next."""
    then: OfferThen = OfferThen.NEXT
    """Whether who let one lapse goes on, or gets nothing until they are switched on by hand."""


@frozen(kw_only=True)
class PolicySettings:
    """One layer of policy, as written. None leaves a choice to the layers below.

    Durations are in microseconds.
    """

    assignment: Assignment | None = None
    """Whether waiting conversations are given to agents, taken by them, or offered to them."""
    offer: OfferRules | None = None
    """How they are offered one at a time."""
    distribution: Distribution | None = None
    """Who comes first among the agents with room; ties break by id."""
    agent_initiated: bool | None = None
    """Whether agents may start conversations; a channel's own `agent_initiated` counts before it."""
    overtake: Overtake | None = None
    """Whether an agent may take a conversation from another, after confirming it."""
    after_end: AfterEnd | None = None
    """What a contact's message does after the end."""
    resume_to: Resuming | None = None
    """Who gets a conversation that comes back from a snooze, a dismissal or its end."""
    capacity: Mapping[str, Capacity] | None = None
    """What an agent holds at once: `messaging` in all, and of a channel, kind or family by its name."""
    costs: Mapping[str, Cost] | None = None
    """How many parts of an agent one conversation takes, by channel, kind or family; else 1."""
    concurrency: int | None = None
    """How many conversations an agent should hold at once in a queue: shown as a goal, and no cap."""
    menu_text: str | None = None
    """The first line of the menu; a branch may have its own, else the nearest above it. Not on leaves."""
    labels: Mapping[str, str] | None = None
    """What states are called: `{ queued = "Unanswered" }`."""
    idempotency_window: int | None = None
    """How long the key of a command is remembered."""
    back_words: tuple[str, ...] | None = None
    """Words that lead one level up in the menu, as a whole message."""
    exit_words: tuple[str, ...] | None = None
    """Words with which the contact ends the conversation, in any state, as a whole message."""
    protected_names: ProtectedNames | None = None
    """Whether a protected word may not be any word of a queue's name, or only not the whole name."""
    enabled: Mapping[str, bool] | None = None
    """Switches: `{ greeting = false }` is not applied and keeps its text. What is not named is on."""
    unanswered_expiration: int | None = None
    """How long a conversation waits unanswered in a queue during hours before it ends."""
    after_hours_expiration: int | None = None
    """The same outside hours."""
    expiration_hours: ExpirationHours | None = None
    """Which hours choose between the two: those when the wait began, or those at the moment."""
    chat_timeout: int | None = None
    """How long a conversation is inactive before it ends."""
    hard_expiry: int | None = None
    """How long any conversation is inactive before it ends, whatever is switched off."""
    selecting_expiration: int | None = None
    """How long a contact stays in the menu before the conversation ends."""
    inactivity: Inactivity | None = None
    """When a silent conversation is inactive, and how it is dismissed."""
    keep_alive: KeepAlive | None = None
    """The two stages that end a quiet conversation."""
    greeting: str | None = None
    """Sent once when a conversation starts, with `{position}` and `{estimated_wait}`; at most 918."""
    skip_greeting_after_hours: bool | None = None
    """Whether no greeting goes out outside hours."""
    after_hours_message: str | None = None
    """Answers outside hours, once per conversation and closed period, with `{opens_at}`; at most 918."""
    dismissed_text: str | None = None
    """Tells the contact of the dismissal; at most 918 characters. `[agent name]` is the agent's."""
    dismissed_text_at: DismissedTextAt | None = None
    """When the text of a dismissal goes out."""
    ended_text: str | None = None
    """Sent once when the conversation ends, for whatever reason; at most 918 characters."""
    snooze_grace: int | None = None
    """How long beyond its time a snoozed conversation goes on sleeping (A15)."""
    dismissed_resumes_after_hours: bool | None = None
    """Whether a message outside hours brings a dismissed conversation back; else it stays (M6)."""
    closed: tuple[str, ...] | None = None
    """What agents cannot do here, of `dismiss`, `snooze` and `take`."""
    wrap_up: int | None = None
    """How long an agent's slot stays taken after the end, unless they are done before (P6)."""
    presence: Presence | None = None
    """When agents whose heartbeat stops are away, and what becomes of what they hold (P7)."""
    transfer: TransferRules | None = None
    """Where conversations may be transferred, and how often."""
    assign: AssignSettings | None = None
    """Who may be given what waits, and what comes first."""
    hours: Hours | None = None
    """When it is open; the nearest hours count whole and are not laid over each other."""
    response_target: int | None = None
    """How long the agent who holds a conversation may take to answer; all time counts."""
    service_level: ServiceLevel | None = None
    """The share of conversations to be answered within a time."""


@frozen(kw_only=True)
class Policy:
    """A policy in force. The defaults are those of a desk that sets nothing and has no preset.

    Durations are in microseconds; what is None is not applied: not set, or switched off (U79).
    `enabled` holds the switches that some layer set.
    `hours` answers questions about open time; None is open at all times.
    """

    assignment: Assignment = Assignment.PUSH
    offer: OfferRules = OfferRules()
    distribution: Distribution = Distribution.LONGEST_IDLE
    agent_initiated: bool = True
    overtake: Overtake = Overtake.FORBID
    after_end: AfterEnd = AfterEnd()
    resume_to: Resuming = Resuming()
    capacity: Mapping[str, Capacity] = field(
        factory=lambda: {"messaging": Capacity(goal=3, soft_max=3, hard_max=5)}
    )
    costs: Mapping[str, Cost] = field(factory=dict)
    concurrency: int | None = None
    menu_text: str = "Please choose. You can reply with the number or the title."
    labels: Mapping[str, str] = field(factory=dict)
    idempotency_window: int = 30 * DAY
    back_words: tuple[str, ...] = ()
    exit_words: tuple[str, ...] = ()
    protected_names: ProtectedNames = ProtectedNames.ANY_WORD
    enabled: Mapping[str, bool] = field(factory=dict)
    unanswered_expiration: int | None = None
    after_hours_expiration: int | None = None
    expiration_hours: ExpirationHours = ExpirationHours.AT_ENTRY
    chat_timeout: int | None = None
    hard_expiry: int | None = None
    selecting_expiration: int | None = None
    inactivity: Inactivity | None = None
    keep_alive: KeepAlive | None = None
    greeting: str | None = None
    skip_greeting_after_hours: bool = False
    after_hours_message: str | None = None
    dismissed_text: str | None = None
    dismissed_text_at: DismissedTextAt = DismissedTextAt.DISMISS
    ended_text: str | None = None
    snooze_grace: int = 0
    dismissed_resumes_after_hours: bool = False
    closed: tuple[str, ...] = ()
    wrap_up: int | None = None
    presence: Presence | None = None
    hours: OpenHours | None = field(default=None, repr=False)
    transfer: TransferRules = TransferRules()
    assign: AssignPolicy = AssignPolicy()
    response_target: int | None = None
    service_level: ServiceLevel | None = None
    sla: SlaTerms | None = None

    def is_on(self, setting: str) -> bool:
        """Whether one of `SWITCHES` is not switched off."""
        return self.enabled.get(setting, True)
