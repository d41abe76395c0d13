"""Every lifecycle timer of a conversation, from its anchors and its policy: one pure function (S3).

`timing(policy)` is what a policy says of time, compiled once; `lifecycle_timers(conversation,
timing)` is what is then armed, in the order in which it fires; `rearmed` keeps what an event does
not touch at its instant (S4). A timer belongs to the state it was computed in: the next transition
computes them all anew (R5). The SLA's deadlines stand in the same tuple and are not looked at here.

| timer | runs in | counts from |
|---|---|---|
| HARD_EXPIRY | every open state | the last message of either side, or the wake |
| CHAT_TIMEOUT | every open state but SNOOZED | the same |
| QUEUE_EXPIRATION | QUEUED, OFFERED | entry into the queue |
| SELECTING_EXPIRATION | SELECTING | entry into the menu |
| INACTIVITY | ACTIVE, begun by the contact, answered | the agent's answer, or the contact's last message |
| DISMISSAL | INACTIVE | the warning |
| KEEP_ALIVE, KEEP_ALIVE_END | every open state but SNOOZED | the contact's last message; the first text |
| WAKE | SNOOZED | what the agent said |
| OFFER | OFFERED to one agent | the commit that offered it (S2) |
| ASSIGNMENT | QUEUED, OFFERED | entry into the queue |
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from omniroute.model.assign import AssignPolicy
from omniroute.model.conversation import Conversation, DeadlineKind, Quiet, Timer
from omniroute.model.policy import (
    ExpirationHours,
    Inactivity,
    InactivityAnchor,
    InactivityThen,
    NoticeSide,
    OpenHours,
    Policy,
)
from omniroute.model.state import State
from omniroute.model.values import frozen
from omniroute.rules.waiting import next_change, timed

__all__ = [
    "BY_AGENT",
    "BY_CONTACT",
    "BY_KEEP_ALIVE",
    "BY_LINE",
    "LIFECYCLE",
    "Timing",
    "in_order",
    "lifecycle_timers",
    "rearmed",
    "timing",
    "waits_otherwise",
]

_HARD_EXPIRY: Final = DeadlineKind.HARD_EXPIRY
_CHAT_TIMEOUT: Final = DeadlineKind.CHAT_TIMEOUT
_QUEUE_EXPIRATION: Final = DeadlineKind.QUEUE_EXPIRATION
_SELECTING_EXPIRATION: Final = DeadlineKind.SELECTING_EXPIRATION
_KEEP_ALIVE_END: Final = DeadlineKind.KEEP_ALIVE_END
_DISMISSAL: Final = DeadlineKind.DISMISSAL
_KEEP_ALIVE: Final = DeadlineKind.KEEP_ALIVE
_INACTIVITY: Final = DeadlineKind.INACTIVITY
_WAKE: Final = DeadlineKind.WAKE
_OFFER: Final = DeadlineKind.OFFER
_ASSIGNMENT: Final = DeadlineKind.ASSIGNMENT
_SELECTING: Final = State.SELECTING
_QUEUED: Final = State.QUEUED
_OFFERED: Final = State.OFFERED
_ACTIVE: Final = State.ACTIVE
_INACTIVE: Final = State.INACTIVE
_SNOOZED: Final = State.SNOOZED
_ENDED: Final = State.ENDED

_PRECEDENCE: Final = (
    _HARD_EXPIRY,
    _CHAT_TIMEOUT,
    _QUEUE_EXPIRATION,
    _SELECTING_EXPIRATION,
    _KEEP_ALIVE_END,
    _DISMISSAL,
    _KEEP_ALIVE,
    _INACTIVITY,
    _WAKE,
    _OFFER,
    _ASSIGNMENT,
)
LIFECYCLE: Final = frozenset(_PRECEDENCE)
"""The kinds that are armed here."""

BY_KEEP_ALIVE: Final = frozenset({_KEEP_ALIVE, _KEEP_ALIVE_END})
"""What the first text of keep-alive arms anew."""

BY_AGENT: Final = frozenset({_HARD_EXPIRY, _CHAT_TIMEOUT, _INACTIVITY})
"""What an agent's message arms anew; keep-alive is not among them (T13)."""

BY_CONTACT: Final = BY_AGENT | BY_KEEP_ALIVE
"""What a contact's message arms anew. Expirations and wakes count from elsewhere (U54, S14)."""

BY_LINE: Final = frozenset({_ASSIGNMENT})
"""What another place in line arms anew."""

_OF_SLA: Final = (
    DeadlineKind.FIRST_RESPONSE_WARNING,
    DeadlineKind.NEXT_RESPONSE_WARNING,
    DeadlineKind.RESOLUTION_WARNING,
    DeadlineKind.FIRST_RESPONSE,
    DeadlineKind.NEXT_RESPONSE,
    DeadlineKind.RESOLUTION,
    DeadlineKind.RESPONSE_TARGET,
)
_RANK: Final = {kind: rank for rank, kind in enumerate((*_OF_SLA, *_PRECEDENCE))}


def in_order(timer: Timer) -> tuple[int, int]:
    """Return the sort key of a timer: its instant, then precedence, the SLA's first (U43)."""
    return timer[0], _RANK[timer[1]]


# --- what a policy says of time -------------------------------------------------------------------


@frozen
class Timing:
    """A policy's durations in microseconds, ready to add; None where one does not apply.

    `inactive_after` is when a silence is told of: the threshold, less the notice where that lies
    before it (U34). `dismiss_after` is the notice, None where agents dismiss by hand (U37). With
    `line_only` nothing runs but in line.
    """

    hard_expiry: int | None
    chat_timeout: int | None
    selecting: int | None
    in_hours: int | None
    after_hours: int | None
    follows_hours: bool
    hours: OpenHours | None
    inactive_after: int | None
    dismiss_after: int | None
    from_contact: bool
    keep_alive: int | None
    keep_alive_end: int | None
    snooze_grace: int
    waits: bool
    assign: AssignPolicy
    line_only: bool = False


_COMPILED: Final[dict[int, tuple[Policy, Timing | None]]] = {}
_KEPT: Final = 4096


def timing(policy: Policy) -> Timing | None:
    """Return what a policy says of time, or None where no timer of the lifecycle can run.

    Policies are compared by identity: a setup hands out the same one for the same place.
    """
    found = _COMPILED.get(id(policy))
    if found is not None and found[0] is policy:
        return found[1]
    made = _compiled(policy)
    if len(_COMPILED) >= _KEPT:
        _COMPILED.clear()
    compiled: Timing | None = made
    if made == _UNTIMED:
        compiled = None
    elif evolve(made, assign=_PLAIN) == _UNTIMED:
        compiled = evolve(made, line_only=True)
    _COMPILED[id(policy)] = (policy, compiled)
    return compiled


def _compiled(policy: Policy) -> Timing:
    silence, alive = policy.inactivity, policy.keep_alive
    expires = policy.unanswered_expiration or policy.after_hours_expiration
    return Timing(
        policy.hard_expiry,
        policy.chat_timeout,
        policy.selecting_expiration,
        policy.unanswered_expiration,
        policy.after_hours_expiration,
        bool(expires) and policy.expiration_hours is ExpirationHours.CURRENT,
        policy.hours if expires else None,
        None if silence is None else _told_after(silence),
        None if silence is None or silence.then is InactivityThen.MANUAL else silence.notice,
        silence is not None and silence.anchor is InactivityAnchor.CONTACT,
        None if alive is None else alive.after,
        None if alive is None else alive.end_after,
        policy.snooze_grace,
        expires is not None,
        policy.assign if timed(policy.assign) else _PLAIN,
    )


_PLAIN: Final = AssignPolicy()
_UNTIMED: Final = _compiled(Policy())


def _told_after(silence: Inactivity) -> int:
    if silence.notice_side is NoticeSide.BEFORE:
        return silence.after - silence.notice
    return silence.after


# --- what is armed --------------------------------------------------------------------------------

_NO_QUIET: Final = Quiet()


def lifecycle_timers(c: Conversation, t: Timing) -> list[Timer]:
    """Return every lifecycle timer of a conversation under `t`, in the order in which they fire."""
    state, clocks = c.state, c.clocks
    if state is _ENDED:
        return []
    quiet = c.extras.quiet or _NO_QUIET
    woke_at = quiet.woke_at
    asked = clocks.contact_at
    if woke_at is not None and woke_at > asked:
        asked = woke_at
    agent_at = clocks.agent_at
    last = asked if agent_at is None or agent_at < asked else agent_at
    armed: list[Timer] = []
    if t.hard_expiry is not None:
        armed.append((last + t.hard_expiry, _HARD_EXPIRY))
    if state is _SNOOZED:
        if quiet.snooze is not None:
            armed.append((quiet.snooze.until + t.snooze_grace, _WAKE))
    else:
        if t.chat_timeout is not None:
            armed.append((last + t.chat_timeout, _CHAT_TIMEOUT))
        if t.keep_alive is not None:
            armed.append(_alive(t, asked, quiet))
        armed += _of_state(c, t, quiet, asked)
        if state is _QUEUED or state is _OFFERED:
            armed += _of_line(c, t)
    if len(armed) > 1:
        armed.sort(key=in_order)
    return armed


def _of_line(c: Conversation, t: Timing) -> tuple[Timer, ...]:
    """When an offer lapses (M5), and when more agents may take what waits (M1)."""
    x, at = c.extras, None
    armed: tuple[Timer, ...] = ()
    if t.assign is not _PLAIN or x.routing.requires:
        at = next_change(x.routing, t.assign, c.clocks.queued_at, c.at, c.place.channel)
    if x.offer is not None and x.offer.until is not None:
        armed = ((x.offer.until, _OFFER),)
    return armed if at is None else (*armed, (at, _ASSIGNMENT))


def _alive(t: Timing, asked: int, quiet: Quiet) -> Timer:
    if quiet.asked_at is None:
        return asked + (t.keep_alive or 0), _KEEP_ALIVE
    return max(quiet.asked_at, quiet.woke_at or 0) + (t.keep_alive_end or 0), _KEEP_ALIVE_END


def _of_state(c: Conversation, t: Timing, quiet: Quiet, asked: int) -> tuple[Timer, ...]:
    state = c.state
    at, kind = None, _INACTIVITY
    if state is _ACTIVE:
        at = _silent_at(c, t, quiet, asked)
    elif state is _QUEUED or state is _OFFERED:
        if t.waits:
            at, kind = _expires_at(c.clocks.queued_at, t), _QUEUE_EXPIRATION
    elif state is _INACTIVE:
        if t.dismiss_after is not None and quiet.warned_at is not None:
            at, kind = quiet.warned_at + t.dismiss_after, _DISMISSAL
    elif state is _SELECTING and t.selecting is not None:
        at, kind = c.since + t.selecting, _SELECTING_EXPIRATION
    return () if at is None else ((at, kind),)


def _silent_at(c: Conversation, t: Timing, quiet: Quiet, asked: int) -> int | None:
    """When a silence becomes one: both sides wrote, and the contact is not waiting (U35, M6).

    Never in what an agent started: a dismissal parks what a contact came with (M6).
    """
    agent_at = c.clocks.agent_at
    if t.inactive_after is None or agent_at is None or quiet.owed:
        return None
    if c.place.started_by is not None:
        return None
    if t.from_contact:
        return asked + t.inactive_after
    if c.clocks.waiting_since is not None:
        return None
    woke_at = quiet.woke_at
    return (agent_at if woke_at is None or woke_at < agent_at else woke_at) + t.inactive_after


def _expires_at(queued_at: int, t: Timing) -> int | None:
    """When a wait has lasted too long, by the hours at entry or by those of the moment (U25 to U28)."""
    hours = t.hours
    if hours is None:
        return None if t.in_hours is None else queued_at + t.in_hours
    if not t.follows_hours:
        lasts = t.in_hours if hours.is_open(queued_at) else t.after_hours
        return None if lasts is None else queued_at + lasts
    open_at = closed_at = None
    if t.in_hours is not None:
        at = queued_at + t.in_hours
        open_at = at if hours.is_open(at) else hours.next_opening(at)
    if t.after_hours is not None:
        at = queued_at + t.after_hours
        closed_at = hours.next_closing(at) if hours.is_open(at) else at
    return min((at for at in (open_at, closed_at) if at is not None), default=None)


def waits_otherwise(c: Conversation, policy: Policy) -> bool:
    """Whether a policy opens a wait to more agents at another instant than the one that is armed.

    Unlike a deadline of the lifecycle (S4), one that nobody armed would let it wait for ever (R2).
    """
    compiled = timing(policy)
    armed = [timer for timer in c.timers if timer[1] is _ASSIGNMENT]
    wanted = () if compiled is None else _of_line(c, compiled)
    return armed != [timer for timer in wanted if timer[1] is _ASSIGNMENT]


def rearmed(c: Conversation, t: Timing | None, kinds: frozenset[DeadlineKind]) -> tuple[Timer, ...]:
    """Return a conversation's full set of timers with those of `kinds` computed anew.

    Others keep their instant, whatever the policy says by now (S4).
    """
    kept = [timer for timer in c.timers if timer[1] not in kinds]
    armed = lifecycle_timers(c, t or _UNTIMED)  # one that sleeps wakes under any policy
    if kinds is not LIFECYCLE:
        armed = [timer for timer in armed if timer[1] in kinds]
    if not kept:
        return tuple(armed)
    kept += armed
    kept.sort(key=in_order)
    return tuple(kept)
