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
    "ASSIGN_DURATIONS",
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
    """What is asked: a lowest level, or a comparison."""
    expires: int | None = None
    """After how long of a wait it is no longer asked."""

    def __str__(self) -> str:
        levels = ", ".join(map(str, self.levels))
        return f"{self.skill} {self.compare} {levels}"


@frozen
class Segment:
    """Contacts who go in front of any queue: those whose `attribute` is `value` (P12)."""

    attribute: str
    """The contact's attribute that is looked at."""
    value: str
    """What it has to be."""


@frozen(kw_only=True)
class AssignSettings:
    """One layer of `assign`, as written. None leaves a choice to the layers below."""

    mode: AssignMode | None = None
    """Which of a queue's agents may be given a conversation; naming groups or shares chooses it."""
    cascade: tuple[str, ...] | None = None
    """The groups in order: the first is eligible at once, each next one joins those before it."""
    widen_after: int | None = None
    """After how long of a wait the next group joins; one with nobody available is skipped at once."""
    percent: Mapping[str, int] | None = None
    """The share of each group in basis points, in total 10,000, counted at the first entry."""
    open_after: int | None = None
    """After how long of a wait all groups may take what was allotted to one."""
    priority: int | None = None
    """From -5 to 10, leaves only: of several queues the one with the higher priority comes first."""
    prioritized: bool | None = None
    """Switched off, the queue counts as having priority 0 and keeps its value."""
    ageing: int | None = None
    """For each such time of a wait the priority rises by 1, up to 10."""
    classes: bool | None = None
    """Whether, at equal priority, who returns comes first, then who was transferred."""
    skills: tuple[Selector, ...] | None = None
    """What is asked of whoever gets it, by skill."""
    segments: tuple[Segment, ...] | None = None
    """Contacts who go in front of any queue, the first named before all; the desk's alone."""
    sticky_within: int | None = None
    """A contact who is back within this time returns to their last agent."""
    sticky_wait: int | None = None
    """How long, from entry into the queue, they wait for that agent before anybody may take them."""
    overflow: tuple[str, ...] | None = None
    """Full paths of queues that take what this one cannot, in order."""
    overflow_after: int | None = None
    """After how long of a wait a conversation goes on to the first of them with agents and room."""
    overflow_at: int | None = None
    """With how many waiting the next one goes on at once."""
    reserve_after: int | None = None
    """After how long of a wait, for what costs several parts, an agent's freed parts are kept for it."""
    maximum: int | None = None
    """How many may wait: further ones go on, and nothing overflows into it."""
    estimate_over: int | None = None
    """From how many of its latest waits the queue's estimated wait is taken; else there is none."""
    waiting_message: str | None = None
    """Sent to whoever begins to wait; `{position}` and `{estimated_wait}` (in minutes) stand in it."""
    menu_wait: str | None = None
    """What stands behind the queue's title in a menu where it has an estimate, with `{estimated_wait}`."""
    full_message: str | None = None
    """Sent to whoever comes to a full queue and has nowhere to go on to."""


ASSIGN_DURATIONS: Final = (
    "widen_after",
    "open_after",
    "ageing",
    "sticky_within",
    "sticky_wait",
    "overflow_after",
    "reserve_after",
)
"""The keys of `assign` that are durations."""


@frozen(kw_only=True)
class AssignPolicy:
    """What holds for one queue. The defaults are those of a desk that sets nothing.

    `heavy` are the channels that `reserve_after` is for: those that cost several parts (P2).
    """

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
    overflow: tuple[str, ...] = ()
    overflow_after: int | None = None
    overflow_at: int | None = None
    reserve_after: int | None = None
    heavy: tuple[str, ...] = ()
    maximum: int | None = None
    estimate_over: int | None = None
    waiting_message: str | None = None
    menu_wait: str | None = None
    full_message: str | None = None


@frozen
class Routing:
    """A conversation's own place in line, beside its queue and the instant its wait began.

    `segment` is 0 for most and below it for whoever goes in front (P12). `group` is the one it was
    allotted to (M2) or, where `exclusive`, transferred to. `requires` is asked beside what the queue
    asks. `sticky` is the agent it waits for (P4). `declined` will not be offered it again in this
    wait (M5). `visited` are the queues this wait has been in (P5), `transfers` counts (M13). `anyone`
    who serves the queue may take it, whatever stage or share it has (A14).
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
    anyone: bool = False


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
    for each later stage of the cascade, whose groups were `stages_of`, the latest instant at which nobody
    before it was available: who has waited since then is open to that stage (M1). `keepers` are agents
    whose freed parts are kept, by the conversation they are kept for (R2). `gaps` are how
    long the latest who had to wait were the first to be served, in microseconds, the last of them at
    `served_at` (P8).
    """

    queue: str
    lanes: tuple[Lane, ...] = ()
    shares: Mapping[str, int] = field(factory=dict)
    counts: Mapping[str, int] = field(factory=dict)
    stages_until: tuple[int, ...] = ()
    keepers: Mapping[str, str] = field(factory=dict)
    gaps: tuple[int, ...] = ()
    served_at: int | None = None
    stages_of: tuple[str, ...] = ()

    def opened(self, cascade: tuple[str, ...]) -> tuple[int, ...]:
        """Return `stages_until` for a cascade: of other groups nothing is known."""
        return self.stages_until if self.stages_of == cascade else ()
