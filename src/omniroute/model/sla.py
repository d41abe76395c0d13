"""SLA as it is configured and as it is in force: targets, what time counts, service levels.

How the clocks of one conversation stand is `model.conversation`'s; `rules.sla` moves them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from attrs import field

from omniroute.model.values import frozen

__all__ = [
    "OpenTime",
    "ServiceLevel",
    "ServiceLevelFormula",
    "SlaHours",
    "SlaTargets",
    "SlaTerms",
]


class OpenTime(Protocol):
    """Counts open time between instants; all in UTC microseconds. `rules.hours.Calendar` is one."""

    def due(self, start: int, amount: int) -> int:
        """Return the first instant by which `amount` of open time has passed since `start`."""
        ...

    def elapsed(self, start: int, end: int) -> int:
        """Return how much of the time from `start` to `end` was open."""
        ...

    def spans_between(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the open spans from `start` to `end`, in order."""
        ...


class SlaHours(StrEnum):
    """Which time an SLA counts: opening hours, where there are any, or all of it."""

    BUSINESS = "business"
    CALENDAR = "calendar"


@frozen(kw_only=True)
class SlaTargets:
    """What an SLA says beyond the first response; None leaves it open. Durations in microseconds.

    `next` is for each later answer, `resolution` from the beginning to the end; each clock warns
    `warn_before` it runs out.
    """

    next: int | None = None
    """Until each later answer, from the first message that waits for it."""
    resolution: int | None = None
    """From the beginning, or a reopening, to the end; what is snoozed or dismissed does not count."""
    warn_before: int | None = None
    """How long before it runs out each clock warns; one whose whole time is no longer does not."""
    hours: SlaHours | None = None
    """Which time counts: opening hours where there are any, or all of it."""


@frozen(kw_only=True)
class SlaTerms:
    """The SLA in force for a conversation where it stands (P11). Durations in microseconds.

    `hours` counts open time; None counts all of it. `next` and `resolution` are None where there is
    no such clock.
    """

    first: int
    next: int | None = None
    resolution: int | None = None
    warn_before: int | None = None
    hours: OpenTime | None = field(default=None, repr=False)


class ServiceLevelFormula(StrEnum):
    """What the answered in target are divided by (M8)."""

    ANSWERED_AND_ABANDONED = "answered_and_abandoned"
    ANSWERED = "answered"
    ANSWERED_AND_LATE_ABANDONED = "answered_and_late_abandoned"


@frozen
class ServiceLevel:
    """The share of conversations to be answered within `target` microseconds (U19, U20)."""

    target: int
    """Who waited exactly as long still counts as answered in time."""
    formula: ServiceLevelFormula = ServiceLevelFormula.ANSWERED_AND_ABANDONED
    """What the answered in time are divided by."""
