"""Policy: every choice a desk makes, resolved to one value; and settings, as people write them.

`PolicySettings` is one layer, with None for what it leaves open. `Policy` is what the layers come
to: preset, desk, channel, inbox, queues down to the leaf; the nearest set value wins (U18).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field

from omniroute.instants import DAY
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.assign import AssignPolicy, AssignSettings
from omniroute.model.values import frozen

__all__ = ["AfterEnd", "AfterEndTo", "Assignment", "Overtake", "Policy", "PolicySettings"]


class Assignment(StrEnum):
    """How a waiting conversation finds its agent: pushed to one, or claimed by one."""

    PUSH = "push"
    CLAIM = "claim"


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


@frozen
class AfterEnd:
    """What a message after the end does; past `within` (microseconds) it starts a new conversation."""

    to: AfterEndTo = AfterEndTo.NEW
    within: int | None = None


@frozen(kw_only=True)
class PolicySettings:
    """One layer of policy, as written. None leaves a choice to the layers below.

    `idempotency_window` is how long a command's key is remembered, in microseconds (R4).
    """

    assignment: Assignment | None = None
    distribution: Distribution | None = None
    overtake: Overtake | None = None
    after_end: AfterEnd | None = None
    capacity: Mapping[str, Capacity] | None = None
    menu_text: str | None = None
    labels: Mapping[str, str] | None = None
    idempotency_window: int | None = None
    assign: AssignSettings | None = None


@frozen(kw_only=True)
class Policy:
    """A policy in force. The defaults are those of a desk that sets nothing and has no preset."""

    assignment: Assignment = Assignment.PUSH
    distribution: Distribution = Distribution.LONGEST_IDLE
    overtake: Overtake = Overtake.FORBID
    after_end: AfterEnd = AfterEnd()
    capacity: Mapping[str, Capacity] = field(
        factory=lambda: {"messaging": Capacity(goal=3, soft_max=3, hard_max=5)}
    )
    menu_text: str = "Please choose. You can reply with the number or the title."
    labels: Mapping[str, str] = field(factory=dict)
    idempotency_window: int = 30 * DAY
    assign: AssignPolicy = AssignPolicy()
    sla: int | None = None
