"""Who may be given a conversation, and which comes first: what a policy says of it, and where one stands.

`AssignSettings` is one layer as written, `AssignPolicy` what the layers come to; `Routing` is one
conversation's own place in line. Durations are in microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import field

from omniroute.model.values import frozen

__all__ = [
    "NEW",
    "NO_ROUTING",
    "RETURNED",
    "TRANSFERRED",
    "AssignMode",
    "AssignPolicy",
    "AssignSettings",
    "Compare",
    "Lane",
    "QueueLine",
    "Routing",
    "Segment",
    "Selector",
]

RETURNED: Final = 0
"""The class of a wait after a wake or a return: first among equals (M3)."""
TRANSFERRED: Final = 1
"""The class of a wait that a transfer began."""
NEW: Final = 2
"""The class of a contact's first wait."""


class AssignMode(StrEnum):
    """Which of a queue's agents may be given a conversation (U17, M1, M2)."""

    EVERYONE = "everyone"
    CASCADE = "cascade"
    PERCENT = "percent"


class Compare(StrEnum):
    """How an agent's level of a skill is compared with what is wanted (P1)."""

    AT_LEAST = ">="
    EQUAL = "=="
    IN = "in"


@frozen
class Selector:
    """One wanted skill: `router >= 3`. After `expires` of a wait it is no longer asked for (P1)."""

    skill: str
    compare: Compare = Compare.AT_LEAST
    levels: tuple[int, ...] = (1,)
    expires: int | None = None

    def __str__(self) -> str:
        levels = ", ".join(map(str, self.levels))
        return f"{self.skill} {self.compare} {levels}"


@frozen
class Segment:
    """Contacts who go in front of any queue: those whose `attribute` is `value` (P12)."""

    attribute: str
    value: str


@frozen(kw_only=True)
class AssignSettings:
    """One layer of `assign`, as written. None leaves a choice to the layers below."""

    mode: AssignMode | None = None
    cascade: tuple[str, ...] | None = None
    widen_after: int | None = None
    percent: Mapping[str, int] | None = None
    open_after: int | None = None
    priority: int | None = None
    prioritized: bool | None = None
    ageing: int | None = None
    classes: bool | None = None
    skills: tuple[Selector, ...] | None = None
    segments: tuple[Segment, ...] | None = None
    sticky_within: int | None = None
    sticky_wait: int | None = None


@frozen(kw_only=True)
class AssignPolicy:
    """What holds for one queue. The defaults are those of a desk that sets nothing."""

    mode: AssignMode = AssignMode.EVERYONE
    cascade: tuple[str, ...] = ()
    widen_after: int | None = None
    percent: Mapping[str, int] = field(factory=dict)
    open_after: int | None = None
    priority: int = 0
    prioritized: bool = True
    ageing: int | None = None
    classes: bool = True
    skills: tuple[Selector, ...] = ()
    segments: tuple[Segment, ...] = ()
    sticky_within: int | None = None
    sticky_wait: int | None = None


@frozen
class Routing:
    """A conversation's own place in line, beside its queue and the instant its wait began.

    `segment` is 0 for most and below it for whoever goes in front (P12). `group` is the one it was
    allotted to (M2) or, where `exclusive`, transferred to. `requires` is asked beside what the queue
    asks. `sticky` is the agent it waits for (P4). `declined` will not be offered it again in this
    wait (M5). `visited` are the queues this wait has been in (P5), `transfers` counts (M13).
    """

    segment: int = 0
    wait_class: int = NEW
    group: str | None = None
    exclusive: bool = False
    requires: tuple[Selector, ...] = ()
    sticky: str | None = None
    declined: tuple[str, ...] = ()
    visited: tuple[str, ...] = ()
    transfers: int = 0


NO_ROUTING: Final = Routing()


@frozen
class Lane:
    """Conversations of one queue that the same agents may take, in order of their waits (S8)."""

    name: str
    segment: int
    wait_class: int
    channel: str
    routing: Routing = NO_ROUTING


@frozen(kw_only=True)
class QueueLine:
    """What is kept of a queue's line: its lanes beside the plain ones, and its history.

    `counts` says how many conversations each group was allotted under `shares` (M2). `stages_until` holds
    for each later stage of the cascade the latest instant at which nobody before it was available:
    who has waited since then is open to that stage (M1).
    """

    queue: str
    lanes: tuple[Lane, ...] = ()
    shares: Mapping[str, int] = field(factory=dict)
    counts: Mapping[str, int] = field(factory=dict)
    stages_until: tuple[int, ...] = ()
