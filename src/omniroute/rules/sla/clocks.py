"""Clocks: the fold of a conversation's events to how its SLA clocks stand. No policy, no choice.

Every function returns the `Sla` after something happened; due instants, which depend on the policy,
come with the events (`deciding` works them out). First and next response run only while the contact
waits, and nothing pauses them; snooze and dismissal pause the resolution clock (S5); the end stops
every clock (R5).
"""

from __future__ import annotations

from typing import Final

from omniroute.model.conversation import DeadlineKind, Pause, Sla, SlaClock

__all__ = [
    "RESOLUTION_KINDS",
    "RESPONSE_KINDS",
    "WARNING_OF",
    "answered",
    "asked",
    "assigned",
    "began",
    "earliest",
    "ended",
    "kinds_with",
    "of_kind",
    "paused",
    "rescheduled",
    "resumed",
    "told",
]

FIRST: Final = DeadlineKind.FIRST_RESPONSE
NEXT: Final = DeadlineKind.NEXT_RESPONSE
RESOLUTION: Final = DeadlineKind.RESOLUTION
RESPONSE_TARGET: Final = DeadlineKind.RESPONSE_TARGET

WARNING_OF: Final = {
    FIRST: DeadlineKind.FIRST_RESPONSE_WARNING,
    NEXT: DeadlineKind.NEXT_RESPONSE_WARNING,
    RESOLUTION: DeadlineKind.RESOLUTION_WARNING,
}
"""The deadline that warns of each clock."""

RESPONSE_KINDS: Final = frozenset({FIRST, NEXT, WARNING_OF[FIRST], WARNING_OF[NEXT]})
RESOLUTION_KINDS: Final = frozenset({RESOLUTION, WARNING_OF[RESOLUTION]})


def earliest(sla: Sla) -> int | None:
    """Return the earliest due instant among the clocks that run, or None."""
    response, resolution = sla.response, sla.resolution
    if response is None:
        return None if resolution is None else resolution.due
    if resolution is None or resolution.due is None:
        return response.due
    return resolution.due if response.due is None else min(response.due, resolution.due)


def kinds_with(kind: DeadlineKind) -> frozenset[DeadlineKind]:
    """Return the deadlines that are armed anew together with one: of responses only one runs."""
    return RESOLUTION_KINDS if kind in RESOLUTION_KINDS else RESPONSE_KINDS


def of_kind(sla: Sla, kind: DeadlineKind) -> SlaClock | None:
    """Return the running or paused clock that a deadline, a warning or the due instant, is of."""
    return sla.resolution if kind in RESOLUTION_KINDS else sla.response


def began(
    at: int, due: int | None, resolution_due: int | None, stopped: tuple[SlaClock, ...] = ()
) -> Sla:
    """Return the clocks of a service that begins: a first response, a resolution, where due is given."""
    response = None if due is None else SlaClock(FIRST, at, due)
    resolution = None if resolution_due is None else SlaClock(RESOLUTION, at, resolution_due)
    return Sla(at, False, response, resolution, None, (), stopped, None)  # noqa: FBT003


def asked(sla: Sla, at: int, due: int | None, respond_by: int | None) -> Sla:
    """Return the clocks after a contact's message that begins a wait for an answer."""
    response = sla.response if due is None else SlaClock(NEXT, at, due)
    return _with(sla, response, sla.resolution, sla.stopped, respond_by)


def assigned(sla: Sla, respond_by: int | None) -> Sla:
    """Return the clocks after an agent was given the conversation: the target is theirs alone."""
    return _with(sla, sla.response, sla.resolution, sla.stopped, respond_by)


def answered(sla: Sla, at: int) -> Sla:
    """Return the clocks after an agent's message: whatever waited for it is met."""
    return Sla(
        sla.started_at,
        answered=True,
        resolution=sla.resolution,
        paused_at=sla.paused_at,
        pauses=sla.pauses,
        stopped=_stopping(sla.stopped, sla.response, at, met=True),
    )


def paused(sla: Sla, at: int) -> Sla:
    """Return the clocks after the conversation was snoozed or dismissed.

    A resolution that was due by then stays so; the response target stops (S5).
    """
    clock = sla.resolution
    if clock is not None and clock.due is not None and clock.due > at:
        clock = SlaClock(RESOLUTION, clock.started_at, None, clock.warned, clock.breached)
    return Sla(sla.started_at, sla.answered, sla.response, clock, at, sla.pauses, sla.stopped, None)


def resumed(sla: Sla, at: int, due: int | None) -> Sla:
    """Return the clocks after a pause; the resolution is `due` anew, or not at all."""
    pauses = sla.pauses if sla.paused_at is None else (*sla.pauses, Pause(sla.paused_at, at))
    clock = None
    if due is not None:
        told = sla.resolution or _UNTOLD
        clock = SlaClock(RESOLUTION, sla.started_at, due, told.warned, told.breached)
    return Sla(sla.started_at, sla.answered, sla.response, clock, None, pauses, sla.stopped, None)


def ended(sla: Sla, at: int) -> Sla:
    """Return the clocks after the end: all stopped; only the resolution is met by it (R5)."""
    stopped = _stopping(sla.stopped, sla.response, at, met=False)
    stopped = _stopping(stopped, sla.resolution, at, met=True)
    pauses = sla.pauses if sla.paused_at is None else (*sla.pauses, Pause(sla.paused_at, at))
    return Sla(sla.started_at, sla.answered, None, None, None, pauses, stopped, None)


def told(sla: Sla, kind: DeadlineKind, *, breached: bool) -> Sla:
    """Return the clocks after it was told that one of them warns, or has run out."""
    clock = of_kind(sla, kind)
    if clock is None:
        return sla
    after = SlaClock(
        clock.kind,
        clock.started_at,
        clock.due,
        clock.warned or not breached,
        clock.breached or breached,
    )
    return _replaced(sla, after, after.kind)


def rescheduled(
    sla: Sla, kind: DeadlineKind, since: int, due: int | None, *, warned: bool, breached: bool
) -> Sla:
    """Return the clocks after one of them became due at another instant, began so, or was dropped."""
    return _replaced(
        sla, None if due is None else SlaClock(kind, since, due, warned, breached), kind
    )


_UNTOLD: Final = SlaClock(RESOLUTION, 0, None)


def _replaced(sla: Sla, clock: SlaClock | None, kind: DeadlineKind) -> Sla:
    if kind in RESOLUTION_KINDS:
        return _with(sla, sla.response, clock, sla.stopped, sla.respond_by)
    return _with(sla, clock, sla.resolution, sla.stopped, sla.respond_by)


def _with(
    sla: Sla,
    response: SlaClock | None,
    resolution: SlaClock | None,
    stopped: tuple[SlaClock, ...],
    respond_by: int | None,
) -> Sla:
    return Sla(
        sla.started_at,
        sla.answered,
        response,
        resolution,
        sla.paused_at,
        sla.pauses,
        stopped,
        respond_by,
    )


def _stopping(
    stopped: tuple[SlaClock, ...], clock: SlaClock | None, at: int, *, met: bool
) -> tuple[SlaClock, ...]:
    """The stopped clocks with one more, in the place of an earlier one of its kind."""
    if clock is None:
        return stopped
    kind = clock.kind
    last = SlaClock(kind, clock.started_at, clock.due, clock.warned, clock.breached, at, met)
    return (*(each for each in stopped if each.kind is not kind), last) if stopped else (last,)
