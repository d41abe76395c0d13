"""What silence does to a conversation, and what breaks it: snooze, wake, dismissal, deadlines.

Every function answers one command with events, as `rules.lifecycle` asks; the table there says in
which states. Which deadlines are armed, and for when, is `rules.timers`' matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from omniroute.errors import NotHolder, TransitionNotAllowed, UsageError
from omniroute.instants import from_micros
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind, Timer
from omniroute.model.events import CONTACT, SYSTEM, agent_actor
from omniroute.model.policy import Policy
from omniroute.model.state import EndReason, State
from omniroute.rules.sla import deciding as sla
from omniroute.rules.waiting import back_in_line, slot

__all__ = ["COMPLIANCE", "check_holder", "dismiss", "fire", "returned", "snooze", "wake"]

Events = tuple[tell.ConversationEvent, ...]

COMPLIANCE: Final = "COMPLIANCE_7D"
"""The detail of an end by hard expiry (U30)."""


def check_holder(c: Conversation, by: str, what: str) -> str:
    """Return the holder's id; `NotHolder` where somebody else asks (A13)."""
    if c.agent != by:
        raise NotHolder(
            f"only the agent who holds conversation {c.id!r} may {what} it",
            expected=f"agent {c.agent!r}",
            got=f"agent {by!r}",
        )
    return by


# --- by hand --------------------------------------------------------------------------------------


def snooze(c: Conversation, command: ask.Snooze, policy: Policy, now: int) -> Events:
    """Put the conversation aside (A11 to A13); never into the past, nor past its hard expiry (S5)."""
    holder = c.agent if command.supervising and c.agent else check_holder(c, command.by, "snooze")
    if command.until <= now:
        _refuse_instant(command.until, f"an instant after {_shown(now)}", "the past has gone by")
    # The armed one, where the policy has changed since it was armed (S4).
    hard = next((at for at, kind in c.timers if kind is DeadlineKind.HARD_EXPIRY), None)
    wakes_at = command.until + policy.snooze_grace
    if hard is not None and wakes_at > hard:
        latest = hard - policy.snooze_grace
        _refuse_instant(command.until, f"{_shown(latest)} at the latest", "it expires before that")
    return (
        tell.Snoozed(
            c.id,
            now,
            agent_actor(command.by),
            sla.of_pause(c, now),
            c.state,
            "snoozed",
            command.until,
            holder,
            command.message,
        ),
    )


def _refuse_instant(until: int, expected: str, hint: str) -> None:
    raise UsageError(
        "a conversation cannot be snoozed until then",
        where="until",
        expected=expected,
        got=_shown(until),
        hint=hint,
    )


def _shown(at: int) -> str:
    return from_micros(at).isoformat()


def wake(c: Conversation, command: ask.Wake, policy: Policy, now: int) -> Events:
    """Bring a snoozed conversation back before its time."""
    by = agent_actor(command.by)
    return (_back(c, policy, now, by, "woken", gone=command.queue_gone),)


def dismiss(c: Conversation, command: ask.Dismiss, _: Policy, now: int) -> Events:
    """Park a conversation whose contact fell silent; the table allows it in INACTIVE alone (U37)."""
    by = check_holder(c, command.by, "dismiss")
    timers = sla.of_pause(c, now)
    return (tell.Dismissed(c.id, now, agent_actor(by), timers, c.state, "dismissed", by),)


# --- by the contact -------------------------------------------------------------------------------


def returned(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Events:
    """The contact writes to a conversation that is parked or sleeps: it waits again (U39, A14).

    Outside hours a dismissed one stays where it is, unless policy says otherwise (M6).
    """
    parked = (
        c.state is State.DISMISSED
        and not policy.dismissed_resumes_after_hours
        and policy.hours is not None
        and not policy.hours.is_open(now)
    )
    if parked:
        return (_said(c, command, policy, now, c.timers),)
    back = _back(c, policy, now, CONTACT, "message", gone=command.queue_gone)
    return back, _said(c, command, policy, now, c.timers if back.timers is None else back.timers)


def _said(
    c: Conversation, command: ask.Receive, policy: Policy, now: int, timers: tuple[Timer, ...]
) -> tell.MessageReceived:
    due = respond_by = armed = None
    if c.clocks.waiting_since is None:
        due, respond_by, armed = sla.asked(c, policy, now, timers)
    return tell.MessageReceived(c.id, now, CONTACT, armed, command.message, due, respond_by)


def _back(
    c: Conversation, policy: Policy, now: int, actor: str, reason: str, *, gone: bool
) -> tell.Transition:
    due, timers = sla.of_wake(c, policy.sla, now)
    if gone:
        return tell.Selecting(c.id, now, actor, timers, c.state, reason, due)
    if c.queue is None:
        raise TransitionNotAllowed(f"conversation {c.id!r} has no queue to return to")
    routing = back_in_line(c, policy, now)
    return tell.Queued(c.id, now, actor, timers, c.state, reason, c.queue, None, None, due, routing)


# --- by the clock ---------------------------------------------------------------------------------


def fire(c: Conversation, command: ask.Expire, policy: Policy, now: int) -> Events:
    """Return what the deadline of a timer comes to; `now` is the deadline's own instant (S2)."""
    return _FIRED[command.deadline](c, command, policy, now)


def _over(reason: EndReason, detail: str | None = None) -> Callable[..., Events]:
    def ended(c: Conversation, command: ask.Expire, _: Policy, now: int) -> Events:
        del command
        held = slot(c) if c.state in _HOLDING else None
        return (
            tell.Ended(c.id, now, SYSTEM, (), c.state, reason.value, reason, held, None, detail),
        )

    return ended


def _fell_silent(c: Conversation, command: ask.Expire, policy: Policy, now: int) -> Events:
    silence = policy.inactivity
    immediate = silence is None or silence.notice == 0
    warned_at = now if immediate or command.committed_at is None else max(now, command.committed_at)
    return (tell.FellSilent(c.id, now, SYSTEM, None, c.state, "silence", warned_at),)


def _dismissed(c: Conversation, _: ask.Expire, __: Policy, now: int) -> Events:
    assert c.agent is not None  # noqa: S101  (an inactive conversation is held)
    return (tell.Dismissed(c.id, now, SYSTEM, sla.of_pause(c, now), c.state, "silence", c.agent),)


def _asked(c: Conversation, command: ask.Expire, _: Policy, now: int) -> Events:
    asked_at = now if command.committed_at is None else max(now, command.committed_at)
    return (tell.KeepAliveAsked(c.id, now, SYSTEM, None, asked_at),)


def _woke(c: Conversation, command: ask.Expire, policy: Policy, now: int) -> Events:
    return (_back(c, policy, now, SYSTEM, "woke", gone=command.queue_gone),)


_HOLDING: Final = (State.ACTIVE, State.INACTIVE, State.OFFERED)

_FIRED: Final[dict[DeadlineKind, Callable[[Any, Any, Any, int], Events]]] = {
    DeadlineKind.HARD_EXPIRY: _over(EndReason.TIMEOUT, COMPLIANCE),
    DeadlineKind.CHAT_TIMEOUT: _over(EndReason.TIMEOUT),
    DeadlineKind.QUEUE_EXPIRATION: _over(EndReason.EXPIRED_IN_QUEUE),
    DeadlineKind.SELECTING_EXPIRATION: _over(EndReason.EXPIRED_SELECTING),
    DeadlineKind.KEEP_ALIVE_END: _over(EndReason.KEEP_ALIVE),
    DeadlineKind.DISMISSAL: _dismissed,
    DeadlineKind.KEEP_ALIVE: _asked,
    DeadlineKind.INACTIVITY: _fell_silent,
    DeadlineKind.WAKE: _woke,
}
