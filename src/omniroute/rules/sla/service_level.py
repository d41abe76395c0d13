"""Service level: how many were answered within the target, from what the log tells (U19, U20, M8).

A wait begins when a conversation enters a queue (S14) and ends when an agent gets it, or when the
conversation ends in the queue without one: then it was abandoned. Moved to another queue, or ended
there by an agent, it is neither. All time counts. Each wait is judged by the level of its queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from omniroute.model import events as tell
from omniroute.model.sla import ServiceLevel, ServiceLevelFormula
from omniroute.model.values import frozen

__all__ = ["ServiceLevelCount", "Wait", "count", "waits"]


@frozen
class Wait:
    """A wait in a queue that is over. `since` is None where its beginning was not told.

    `answered` by an agent, or abandoned. Instants are in UTC microseconds.
    """

    queue: str
    since: int | None
    until: int
    answered: bool


@frozen(kw_only=True)
class ServiceLevelCount:
    """What a service level is made of; `counted` is what the formulas of the queues divide by."""

    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    counted: int = 0

    @property
    def share(self) -> float | None:
        """The part of the counted that were answered in target, from 0 to 1; None without any (U20)."""
        return self.answered_in_target / self.counted if self.counted else None


def waits(events: Iterable[tell.ConversationEvent]) -> Iterator[Wait]:
    """Yield the waits of one conversation that are over, from its events in order.

    The events may begin in the middle: a wait that was begun before has no `since`, and one whose
    queue was not told of is left out where nothing names it.
    """
    queue, since, waiting = None, None, False
    for event in events:
        match event:
            case tell.Opened() | tell.Queued():
                queue, since, waiting = event.queue, event.at, event.queue is not None
            case tell.Relocated():
                queue = event.queue
            case tell.Assigned() | tell.Ended():
                if event.source in _WAITING and (waiting or since is None):
                    answered = isinstance(event, tell.Assigned)
                    if answered or tell.actor_agent(event.actor) is None:
                        yield Wait(queue or "", since, event.at, answered)
                waiting, since = False, event.at
            case tell.Transition():
                waiting, since = False, event.at


def count(
    found: Iterable[Wait], level_of: Callable[[str], ServiceLevel | None]
) -> ServiceLevelCount:
    """Return what waits come to, each by the level of its queue; without one they do not count.

    A wait of exactly the target is in target.
    """
    answered = in_target = abandoned = counted = 0
    for wait in found:
        level = level_of(wait.queue)
        if level is None or wait.since is None:
            continue
        late = wait.until - wait.since > level.target
        answered += wait.answered
        in_target += wait.answered and not late
        abandoned += not wait.answered
        counted += wait.answered or _counts_abandoned(level.formula, late=late)
    return ServiceLevelCount(
        answered=answered, answered_in_target=in_target, abandoned=abandoned, counted=counted
    )


def _counts_abandoned(formula: ServiceLevelFormula, *, late: bool) -> bool:
    if formula is ServiceLevelFormula.ANSWERED_AND_LATE_ABANDONED:
        return late
    return formula is ServiceLevelFormula.ANSWERED_AND_ABANDONED


_WAITING = frozenset({"queued", "offered"})
