"""Deciding: when a conversation's clocks are due under the SLA in force, and what that arms.

`lifecycle` asks here and tells the answer in its events; `clocks` folds them. A deadline that says a
clock ran out is armed at the first instant that is too late, one microsecond after it was due (G20).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from omniroute.model.conversation import (
    Clocks,
    Conversation,
    DeadlineKind,
    Pause,
    Sla,
    SlaClock,
    Timer,
)
from omniroute.model.policy import Policy
from omniroute.model.sla import SlaTerms
from omniroute.model.state import State
from omniroute.model.values import frozen
from omniroute.rules.sla.clocks import (
    RESOLUTION_KINDS,
    RESPONSE_KINDS,
    WARNING_OF,
)
from omniroute.rules.sla.counting import due_after
from omniroute.rules.timers import in_order

__all__ = [
    "ANSWERED",
    "Change",
    "asked",
    "awaited",
    "begun",
    "changes",
    "has_next",
    "has_targets",
    "of_pause",
    "of_wake",
    "rearmed",
    "response_wanted",
    "rests",
    "start",
    "without",
]

FIRST: Final = DeadlineKind.FIRST_RESPONSE
NEXT: Final = DeadlineKind.NEXT_RESPONSE
RESOLUTION: Final = DeadlineKind.RESOLUTION
RESPONSE_TARGET: Final = DeadlineKind.RESPONSE_TARGET

_HELD: Final = (State.ACTIVE, State.INACTIVE)

ANSWERED: Final = RESPONSE_KINDS | {RESPONSE_TARGET}
"""The deadlines that an agent's answer disarms."""

Timers = tuple[Timer, ...]


def has_next(policy: Policy) -> bool:
    """Whether later answers have a target."""
    return policy.sla is not None and policy.sla.next is not None


def has_targets(policy: Policy) -> bool:
    """Whether a contact who begins to wait starts a clock."""
    return policy.response_target is not None or has_next(policy)


def without(timers: Timers, kinds: Collection[DeadlineKind]) -> Timers:
    """Return what is armed but for some kinds."""
    return tuple([timer for timer in timers if timer[1] not in kinds])


def rearmed(timers: Timers, kinds: Collection[DeadlineKind], new: Iterable[Timer]) -> Timers:
    """Return what is armed with some kinds armed anew, in order."""
    return tuple(sorted((*without(timers, kinds), *new), key=in_order))


def start(terms: SlaTerms | None, kind: DeadlineKind, at: int, amount: int) -> tuple[int, Timers]:
    """Return when a clock that starts at `at` is due, and the deadlines that it arms, in order."""
    if terms is None or (terms.hours is None and terms.warn_before is None):
        return at + amount, ((at + amount + 1, kind),)
    due, warn = _due_and_warning(terms, at, amount)
    assert due is not None  # noqa: S101  (nothing is paused)
    if warn is None:
        return due, ((due + 1, kind),)
    return due, ((warn, WARNING_OF[kind]), (due + 1, kind))


def _due_and_warning(
    terms: SlaTerms,
    at: int,
    amount: int,
    pauses: tuple[Pause, ...] = (),
    paused_at: int | None = None,
) -> tuple[int | None, int | None]:
    """When a clock is due and when it warns: with `warn_before` of its open time left."""
    due = due_after(terms.hours, at, amount, pauses, paused_at)
    if terms.warn_before is None or terms.warn_before >= amount:
        return due, None
    return due, due_after(terms.hours, at, amount - terms.warn_before, pauses, paused_at)


def begun(
    terms: SlaTerms | None, first: int | None, now: int
) -> tuple[int | None, int | None, Timers]:
    """Return when first response and resolution of a service that begins are due, and what they arm."""
    due, timers = (None, ()) if first is None else start(terms, FIRST, now, first)
    if terms is None or terms.resolution is None:
        return due, None, timers
    resolution, more = start(terms, RESOLUTION, now, terms.resolution)
    return due, resolution, tuple(sorted((*timers, *more), key=in_order))


def asked(
    c: Conversation, policy: Policy, now: int, timers: Timers
) -> tuple[int | None, int | None, Timers | None]:
    """Return what a contact starts who begins to wait for an answer.

    When the next response is due (P11), when the agent who holds it should have answered (M7), and
    what is armed from here on, None where that is nothing new.
    """
    terms, due, respond_by, armed = policy.sla, None, None, None
    if terms is not None and terms.next is not None and c.clocks.first_reply_at is not None:
        due, more = start(terms, NEXT, now, terms.next)
        armed = tuple(sorted((*timers, *more), key=in_order))
    if policy.response_target is not None and c.state in _HELD:
        respond_by, armed = _target(policy.response_target, armed or timers, now)
    return due, respond_by, armed


def awaited(c: Conversation, policy: Policy, now: int) -> tuple[int | None, Timers | None]:
    """Return when an agent who gets the conversation should answer, and what is armed (M7).

    Only where the contact waits; without a target, an earlier holder's is disarmed.
    """
    if policy.response_target is not None and c.clocks.waiting_since is not None:
        return _target(policy.response_target, c.timers, now)
    if c.clocks.sla is None or c.clocks.sla.respond_by is None:
        return None, None
    return None, without(c.timers, (RESPONSE_TARGET,))


def _target(target: int, timers: Timers, now: int) -> tuple[int, Timers]:
    due = now + target
    return due, rearmed(timers, (RESPONSE_TARGET,), ((due, RESPONSE_TARGET),))


def of_pause(c: Conversation, at: int) -> Timers | None:
    """Return what stays armed when the conversation is snoozed or dismissed at an instant (S5)."""
    if not c.timers:
        return None
    clock = c.clocks.sla.resolution if c.clocks.sla else None
    late = clock is not None and clock.due is not None and clock.due <= at
    return without(c.timers, {RESPONSE_TARGET} if late else RESOLUTION_KINDS | {RESPONSE_TARGET})


def of_wake(c: Conversation, terms: SlaTerms | None, at: int) -> tuple[int | None, Timers | None]:
    """Return when the resolution is due after a pause that ends at `at`, and what is then armed."""
    sla = c.clocks.sla
    if sla is None or sla.paused_at is None or terms is None or terms.resolution is None:
        return None, None
    pauses = (*sla.pauses, Pause(sla.paused_at, at))
    due, warn = _due_and_warning(terms, sla.started_at, terms.resolution, pauses)
    told = sla.resolution
    new = _armed(RESOLUTION, due, None if told and told.warned else warn, told)
    return due, rearmed(c.timers, RESOLUTION_KINDS, new)


def _armed(
    kind: DeadlineKind, due: int | None, warn: int | None, told: SlaClock | None
) -> Iterator[Timer]:
    if due is None or (told is not None and told.breached):
        return
    if warn is not None:
        yield warn, WARNING_OF[kind]
    yield due + 1, kind


# --- under another policy -------------------------------------------------------------------------


@frozen
class Change:
    """A clock that is due at another instant than it was, with what that arms."""

    kind: DeadlineKind
    due: int | None
    warned: bool
    breached: bool
    timers: Timers


def changes(c: Conversation, terms: SlaTerms, now: int) -> list[Change]:
    """Return how the clocks differ from what they would be under `terms`, from the whole history (P11).

    What was told of a clock stays told, unless the new instant is still to come; what is already
    past is told of at `now`, a breach without its warning. Nothing for one that has ended.
    """
    clocks = c.clocks
    sla = clocks.sla
    if sla is None or (terms.resolution is None and rests(clocks)):
        return []
    if c.ended:
        return []
    found = [_response(c, sla, terms, now)]
    found.append(_change(c, sla.resolution, RESOLUTION, _resolution(sla, terms), now))
    return [each for each in found if each is not None]


def rests(clocks: Clocks) -> bool:
    """Whether no clock of the SLA runs, and none would but one for the resolution.

    So it is whenever an agent has answered.
    """
    sla = clocks.sla
    return sla is None or (
        sla.response is None and sla.resolution is None and clocks.waiting_since is None
    )


def _response(c: Conversation, sla: Sla, terms: SlaTerms, now: int) -> Change | None:
    since = c.clocks.waiting_since
    kind, amount = response_wanted(c, terms)
    if since is None or amount is None:
        return _change(c, sla.response, kind, (None, None), now)
    return _change(c, sla.response, kind, _due_and_warning(terms, since, amount), now)


def response_wanted(c: Conversation, terms: SlaTerms) -> tuple[DeadlineKind, int | None]:
    """Return which response the contact waits for, and its target, if it has one.

    The first is met once. A service after a reopening whose SLA has no target for later answers is
    held to the first one's again.
    """
    sla, met = c.clocks.sla, c.clocks.first_reply_at is not None
    if (sla is None or not sla.answered) and (not met or terms.next is None):
        return FIRST, terms.first
    return NEXT, terms.next


def _resolution(sla: Sla, terms: SlaTerms) -> tuple[int | None, int | None]:
    if terms.resolution is None:
        return None, None
    return _due_and_warning(terms, sla.started_at, terms.resolution, sla.pauses, sla.paused_at)


def _change(
    c: Conversation,
    clock: SlaClock | None,
    kind: DeadlineKind,
    wanted: tuple[int | None, int | None],
    now: int,
) -> Change | None:
    due, warn = wanted
    if clock is None:
        if due is None:
            return None
        return _changed(kind, due, warn, now, warned=False, breached=False)
    same = clock.due == due and (clock.kind is kind or due is None)
    if same and (due is None or clock.warned or clock.breached or warn == _warning(c, kind)):
        return None
    known = clock.kind is kind
    return _changed(
        kind, due, warn, now, warned=clock.warned and known, breached=clock.breached and known
    )


def _warning(c: Conversation, kind: DeadlineKind) -> int | None:
    wanted = WARNING_OF[kind]
    return next((at for at, armed in c.timers if armed is wanted), None)


def _changed(
    kind: DeadlineKind, due: int | None, warn: int | None, now: int, *, warned: bool, breached: bool
) -> Change:
    if due is None:
        return Change(kind, None, False, False, ())  # noqa: FBT003
    breached = breached and due < now
    warned = due < now or (warned and warn is not None and warn < now)
    timers: list[Timer] = [] if breached else [(due + 1, kind)]
    if warn is not None and not warned and not breached:
        timers.append((warn, WARNING_OF[kind]))
    return Change(kind, due, warned, breached, tuple(timers))
