"""What reading gives of a conversation's clocks: the SLA's, and the target of the agent who holds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from omniroute.instants import from_micros
from omniroute.model.conversation import Conversation, DeadlineKind, Sla, SlaClock
from omniroute.model.sla import OpenTime
from omniroute.model.values import frozen
from omniroute.rules.sla.status import (
    ClockStatus,
    Cue,
    clock_status,
    clocks_of,
    cue,
    overdue_by,
)

__all__ = ["ClockView", "ResponseTargetView", "clock_views", "response_target_view"]


@frozen(kw_only=True)
class ClockView:
    """A clock of the SLA as it stood when it was read (P11).

    `due` is None while it is paused, `stopped_at` None while it is not over; `late` is the open time
    by which it is, or was, past its due instant, None where it is not.
    """

    kind: DeadlineKind
    status: ClockStatus
    started_at: datetime
    due: datetime | None
    stopped_at: datetime | None
    late: timedelta | None

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        clock: SlaClock,
        hours: OpenTime | None,
        zone: str,
        now: int,
    ) -> ClockView:
        """Return the view of one clock of a conversation."""
        status = clock_status(conversation, clock, now)
        late = overdue_by(clock, hours, now) if status is ClockStatus.BREACHED else None
        return cls(
            kind=clock.kind,
            status=status,
            started_at=from_micros(clock.started_at, zone),
            due=None if clock.due is None else from_micros(clock.due, zone),
            stopped_at=None if clock.stopped_at is None else from_micros(clock.stopped_at, zone),
            late=None if late is None else timedelta(microseconds=late),
        )


@frozen(kw_only=True)
class ResponseTargetView:
    """How the agent's response target stands (U68).

    `cue` is OK while no answer is awaited of them, DUE while `remaining_seconds` are left, EXCEEDED
    from the instant `due` on, when they go below zero.
    """

    cue: Cue
    remaining_seconds: float | None
    due: datetime | None


_OK = ResponseTargetView(cue=Cue.OK, remaining_seconds=None, due=None)


def clock_views(
    conversation: Conversation, hours: OpenTime | None, zone: str, now: int
) -> tuple[ClockView, ...]:
    """Return the latest clock of each kind: those that run or are paused, then those that stopped."""
    return tuple(
        [ClockView.of(conversation, clock, hours, zone, now) for clock in clocks_of(conversation)]
    )


def response_target_view(sla: Sla | None, zone: str, now: int) -> ResponseTargetView:
    """Return how the response target of a conversation's agent stands."""
    if sla is None or sla.respond_by is None:
        return _OK
    shown, left = cue(sla, now)
    return ResponseTargetView(
        cue=shown,
        remaining_seconds=None if left is None else left / 1_000_000,
        due=from_micros(sla.respond_by, zone),
    )
