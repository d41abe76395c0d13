"""The one transition table, and what each of its rows does.

A row says in which states a command is allowed and where it leads; its step answers with the events
that tell what happened and the effects to carry out. Steps change nothing: `rules.lifecycle` applies
the events. What the table does not list is not possible (X1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from omniroute.errors import AlreadyTaken, ConversationClosed, TransitionNotAllowed
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind, Timer
from omniroute.model.effects import Effect, SendMessage
from omniroute.model.events import CONTACT, SYSTEM, agent_actor
from omniroute.model.policy import AfterEndTo, Assignment, Overtake, Policy
from omniroute.model.sla import SlaTerms
from omniroute.model.state import EndReason, State
from omniroute.model.values import frozen, making
from omniroute.rules import offers, silence
from omniroute.rules.sla import deciding as sla
from omniroute.rules.sla.clocks import kinds_with, of_kind
from omniroute.rules.timers import LIFECYCLE, waits_otherwise
from omniroute.rules.waiting import back_in_line, slot

__all__ = ["TABLE", "Events", "Outcome", "Step", "after_end"]

Events = tuple[tell.ConversationEvent, ...]
Outcome = tuple[Events, tuple[Effect, ...]]

# Members that steps compare with: looking one up in its class costs as much as storing five fields.
_QUEUED: Final = State.QUEUED
_ASSIGNMENT: Final = DeadlineKind.ASSIGNMENT
_OFFER: Final = DeadlineKind.OFFER
_RESPONSE_TARGET: Final = DeadlineKind.RESPONSE_TARGET
_CLAIM: Final = Assignment.CLAIM
# What most steps tell.
_message_received: Final = making(tell.MessageReceived)
_message_sent: Final = making(tell.MessageSent)
_note_added: Final = making(tell.NoteAdded)
_has_queued: Final = making(tell.Queued)
_has_assigned: Final = making(tell.Assigned)
_has_ended: Final = making(tell.Ended)
_send_message: Final = making(SendMessage)


def after_end(conversation: Conversation, policy: Policy, now: int) -> AfterEndTo:
    """Return where a message after the end goes: the policy's answer, or NEW past its window (S9).

    A conversation that ended before it had a queue has nothing to return to: NEW.
    """
    ending, rule = conversation.extras.ending, policy.after_end
    if ending is None or conversation.queue is None:
        return AfterEndTo.NEW
    now = max(now, conversation.at)
    if rule.within is not None and now - ending.at > rule.within:
        return AfterEndTo.NEW
    return rule.to


# --- timers ---------------------------------------------------------------------------------------


def _without(timers: tuple[Timer, ...], kind: DeadlineKind) -> tuple[Timer, ...] | None:
    if not timers:
        return None
    return tuple(timer for timer in timers if timer[1].value != kind.value)


# --- what each command does: every function is one row's, and returns events and effects ----------


def _open(_: None, command: ask.Open, policy: Policy, now: int) -> Outcome:
    due, resolution, timers = sla.begun(policy.sla, command.route.sla, now)
    opened = tell.Opened(
        command.conversation,
        now,
        CONTACT,
        timers,
        None,
        "message",
        command.place,
        command.route,
        command.queue,
        due,
        resolution,
        command.routing,
    )
    return (
        opened,
        _message_received(command.conversation, now, CONTACT, None, command.message),
    ), ()


def _started(_: None, command: ask.Start, policy: Policy, now: int) -> Outcome:
    # Nobody waits for an answer: what runs, if anything, is the resolution.
    resolution, timers = sla.begun(policy.sla, None, now)[1:]
    actor = agent_actor(command.by)
    started = tell.Started(
        command.conversation,
        now,
        actor,
        timers,
        None,
        "started",
        command.place,
        command.route,
        command.queue,
        command.by,
        resolution,
        command.access,
    )
    sent = tell.MessageSent(command.conversation, now, actor, None, command.message)
    return (started, sent), (SendMessage(command.message),)


def _received(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Outcome:
    if c.clocks.waiting_since is None and sla.has_targets(policy):
        due, respond_by, timers = sla.asked(c, policy, now, c.timers)
        said = _message_received(c.id, now, CONTACT, timers, command.message, due, respond_by)
        return (said,), ()
    return (_message_received(c.id, now, CONTACT, None, command.message),), ()


def _reactivated(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Outcome:
    back = tell.Reactivated(c.id, now, CONTACT, None, c.state, "message")
    return (back, *_received(c, command, policy, now)[0]), ()


def _reopened(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Outcome:
    to = after_end(c, policy, now)
    if to is AfterEndTo.NEW or to is AfterEndTo.REJECT:
        raise ConversationClosed(
            f"conversation {c.id!r} has ended",
            hint="a message begins a new one"
            if to is AfterEndTo.NEW
            else "policy after_end: reject",
        )
    # The first response is met once; where later ones have no target, it is wanted again.
    again = sla.has_next(policy) and c.clocks.first_reply_at is not None
    due, resolution, timers = sla.begun(policy.sla, None if again else command.sla, now)
    back = _has_queued(
        c.id,
        now,
        CONTACT,
        timers or None,
        State.ENDED,
        "reopened",
        _queue_of(c),
        None,
        due,
        resolution,
        back_in_line(c, policy, now, owner=to is AfterEndTo.LAST_AGENT),
    )
    if not again:
        return (back, _message_received(c.id, now, CONTACT, None, command.message)), ()
    following, respond_by, armed = sla.asked(c, policy, now, timers)
    said = _message_received(c.id, now, CONTACT, armed, command.message, following, respond_by)
    return (back, said), ()


def _reopened_by_hand(c: Conversation, command: ask.Reopen, policy: Policy, now: int) -> Outcome:
    # Nobody waits for an answer: the contact has not written, and only a resolution starts anew.
    _, due, timers = sla.begun(policy.sla, None, now)
    actor, queue = agent_actor(command.by), _queue_of(c)
    line = back_in_line(c, policy, now, owner=policy.after_end.to is AfterEndTo.LAST_AGENT)
    back = _has_queued(
        c.id, now, actor, timers or None, State.ENDED, "reopened", queue, None, None, due, line
    )
    return (back,), ()


def _queue_of(c: Conversation) -> str:
    if c.queue is None:
        raise TransitionNotAllowed(f"conversation {c.id!r} has no queue to return to")
    return c.queue


def _browsed(c: Conversation, command: ask.Browse, _: Policy, now: int) -> Outcome:
    return (tell.MenuMoved(c.id, now, CONTACT, None, command.path),), ()


def _enqueued(c: Conversation, command: ask.Enqueue, _: Policy, now: int) -> Outcome:
    if c.state is _QUEUED and c.queue == command.queue:
        return (), ()
    if command.by is not None:
        actor = agent_actor(command.by)
    else:
        actor = CONTACT if command.reason == "menu" else SYSTEM
    timers = _without(c.timers, _RESPONSE_TARGET) if c.timers and c.agent is not None else None
    return (
        _has_queued(
            c.id,
            now,
            actor,
            timers,
            c.state,
            command.reason,
            command.queue,
            slot(c),
            None,
            None,
            command.routing,
        ),
    ), ()


def _placed(c: Conversation, command: ask.Line, policy: Policy, now: int) -> Outcome:
    if command.routing == c.extras.routing and not waits_otherwise(c, policy):
        return (), ()
    actor = SYSTEM if command.by is None else agent_actor(command.by)
    return (tell.Lined(c.id, now, actor, None, command.routing),), ()


def _relocated(c: Conversation, command: ask.Relocate, _: Policy, now: int) -> Outcome:
    menu = c.extras.menu if command.queue is not None else command.menu
    if (c.place.inbox, c.queue, c.extras.menu) == (command.inbox, command.queue, menu):
        return (), ()
    actor = SYSTEM if command.by is None else agent_actor(command.by)
    return (tell.Relocated(c.id, now, actor, None, command.inbox, command.queue, menu),), ()


def _handed_over(c: Conversation, command: ask.HandOver, policy: Policy, now: int) -> Outcome:
    if c.agent is None or c.agent == command.to:
        return (), ()
    actor = SYSTEM if command.by is None else agent_actor(command.by)
    to, reason = command.to, command.reason
    due, timers = sla.awaited(c, policy, now)
    return (tell.TookOver(c.id, now, actor, timers, c.state, reason, to, c.agent, due),), ()


def _assigned(c: Conversation, command: ask.Assign, policy: Policy, now: int) -> Outcome:
    due = timers = None
    if policy.response_target is not None:
        due, timers = sla.awaited(c, policy, now)
    released = None if c.state is _QUEUED else slot(c)
    return (
        _has_assigned(
            c.id, now, SYSTEM, timers, c.state, command.reason, command.agent, due, released
        ),
    ), ()


def _taken(c: Conversation, command: ask.Take, policy: Policy, now: int) -> Outcome:
    return _hold(c, command, policy, now), ()


def _hold(c: Conversation, command: ask.Take | ask.Reply, policy: Policy, now: int) -> Events:
    """Return what makes the acting agent the holder: nothing, a claim, or a takeover (C3, C4)."""
    if c.agent == command.by and c.state is not _QUEUED:
        return ()
    actor = agent_actor(command.by)
    due = timers = None
    if policy.response_target is not None and type(command) is ask.Take:
        due, timers = sla.awaited(c, policy, now)  # a reply answers at once
    if c.agent is None:
        if policy.assignment is not _CLAIM:
            raise TransitionNotAllowed(
                f"conversation {c.id!r} cannot be taken by hand",
                expected="assignment = claim",
                got=f"assignment = {policy.assignment}",
                hint=_HOW[policy.assignment],
            )
        released = slot(c)
        return (
            _has_assigned(c.id, now, actor, timers, c.state, "claim", command.by, due, released),
        )
    if policy.overtake is Overtake.FORBID or not command.confirm:
        raise AlreadyTaken(c.id, c.agent, confirmable=policy.overtake is Overtake.CONFIRM)
    taken = tell.TookOver(c.id, now, actor, timers, c.state, "takeover", command.by, c.agent, due)
    return (taken,)


def _replied(c: Conversation, command: ask.Reply, policy: Policy, now: int) -> Outcome:
    held = _hold(c, command, policy, now)
    timers = sla.without(c.timers, sla.ANSWERED) if c.timers else None
    sent = _message_sent(c.id, now, agent_actor(command.by), timers, command.message)
    return (*held, sent) if held else (sent,), (_send_message(command.message),)


def _delivered(c: Conversation, command: ask.Deliver, _: Policy, now: int) -> Outcome:
    sent = _message_sent(
        c.id, now, SYSTEM, None, command.message, automatic=True, occasion=command.occasion
    )
    return (sent,), (_send_message(command.message),)


def _ender(command: ask.End) -> str:
    if command.by is not None:
        return agent_actor(command.by)
    return CONTACT if command.reason is EndReason.CONSUMER else SYSTEM


def _ended(c: Conversation, command: ask.End, _: Policy, now: int) -> Outcome:
    # Every terminal transition stops every clock (R5).
    return (
        _has_ended(
            c.id,
            now,
            _ender(command),
            (),
            c.state,
            command.reason._value_,  # what `value` looks up by a call
            command.reason,
            slot(c) if c.state in _HOLDING else None,
            command.disposition,
        ),
    ), ()


def _noted(c: Conversation, command: ask.Note, _: Policy, now: int) -> Outcome:
    return (_note_added(c.id, now, agent_actor(command.by), None, command.message),), ()


def _tagged(c: Conversation, command: ask.SetTags, _: Policy, now: int) -> Outcome:
    tags = tuple(sorted(set(command.tags)))
    if tags == c.extras.tags:
        return (), ()
    return (tell.Tagged(c.id, now, agent_actor(command.by), None, tags),), ()


def _described(c: Conversation, command: ask.Describe, _: Policy, now: int) -> Outcome:
    subject, attributes = command.subject, dict(command.attributes)
    if (subject, attributes) == (c.extras.subject, dict(c.extras.attributes)):
        return (), ()
    by = agent_actor(command.by)
    return (tell.Described(c.id, now, by, None, subject, attributes),), ()


def _rescheduled(c: Conversation, command: ask.Reschedule, policy: Policy, now: int) -> Outcome:
    terms = policy.sla or SlaTerms(first=command.sla)
    told: list[tell.ConversationEvent] = []
    timers = c.timers
    for each in sla.changes(c, terms, now):
        timers = sla.rearmed(timers, kinds_with(each.kind), each.timers)
        told.append(
            tell.SlaRescheduled(
                c.id, now, SYSTEM, timers, each.due, each.kind, each.warned, each.breached
            )
        )
    return tuple(told), ()


def _expired(c: Conversation, command: ask.Expire, policy: Policy, now: int) -> Outcome:
    kind = command.deadline
    # One that is no longer armed was answered, or told of before (R7).
    if not any(at <= now and armed.value == kind.value for at, armed in c.timers):
        return (), ()
    if kind is _ASSIGNMENT:
        return _widened(c, policy, now), ()
    if kind is _OFFER:
        return offers.lapse(c, command, policy, now), ()
    if kind in LIFECYCLE:
        return silence.fire(c, command, policy, now), ()
    return _ran_out(c, kind, now), ()


def _ran_out(c: Conversation, kind: DeadlineKind, now: int) -> Events:
    """What a deadline of the SLA, or of the agent's target, tells: nothing else happens (U68)."""
    clocks, timers = c.clocks.sla, _without(c.timers, kind)
    if clocks is None:
        return ()
    if kind is _RESPONSE_TARGET:
        by = now if clocks.respond_by is None else clocks.respond_by
        told = tell.ResponseTargetExceeded(c.id, now, SYSTEM, timers, c.agent or "", c.queue, by)
        return (told,)
    clock = of_kind(clocks, kind)
    if clock is None or clock.due is None:
        return ()
    if clock.kind is kind:
        return (tell.SlaBreached(c.id, now, SYSTEM, timers, kind, clock.due),)
    return (tell.SlaWarned(c.id, now, SYSTEM, timers, clock.kind, clock.due),)


def _widened(c: Conversation, policy: Policy, now: int) -> Events:
    """More agents may take it from here on; the choice that follows is the desk's (S2)."""
    routing = c.extras.routing
    if routing.sticky is not None and now >= c.clocks.queued_at + (policy.assign.sticky_wait or 0):
        routing = evolve(routing, sticky=None)
    return (tell.Lined(c.id, now, SYSTEM, None, routing),)


def _quiet(step: Callable[..., Events]) -> Callable[..., Outcome]:
    """Return a step of another room as the table's rows have them: it sends nothing."""

    def run(c: Conversation, command: Any, policy: Policy, now: int) -> Outcome:
        return step(c, command, policy, now), ()

    return run


# --- the table ------------------------------------------------------------------------------------


@frozen
class Step:
    """A row: in which states a command is allowed, and where it leads (empty: the state stays)."""

    command: type
    sources: tuple[State | None, ...]
    targets: tuple[State, ...]
    run: Callable[[Any, Any, Policy, int], Outcome]


_HOW: Final = {
    Assignment.PUSH: "this desk gives conversations to agents by itself",
    Assignment.OFFER_ALL: "desk.accept_offer takes what is offered",
    Assignment.OFFER_ONE: "desk.accept_offer takes what is offered",
}
_HELD: Final = (State.ACTIVE, State.INACTIVE)
_HOLDING: Final = (*_HELD, State.OFFERED)
_OPEN: Final = tuple(state for state in State if state is not State.ENDED)
_EVERY: Final = tuple(State)

TABLE: Final = (
    Step(ask.Open, (None,), (State.SELECTING, State.QUEUED), _open),
    Step(ask.Start, (None,), (State.ACTIVE,), _started),
    Step(ask.Receive, (State.SELECTING, State.QUEUED, State.OFFERED, State.ACTIVE), (), _received),
    Step(ask.Receive, (State.INACTIVE,), (State.ACTIVE,), _reactivated),
    Step(
        ask.Receive,
        (State.DISMISSED,),
        (State.DISMISSED, State.QUEUED, State.SELECTING),
        _quiet(silence.returned),
    ),
    Step(ask.Receive, (State.SNOOZED,), (State.QUEUED, State.SELECTING), _quiet(silence.returned)),
    Step(ask.Receive, (State.ENDED,), (State.QUEUED,), _reopened),
    Step(ask.Browse, (State.SELECTING,), (), _browsed),
    Step(
        ask.Enqueue,
        (State.SELECTING, State.QUEUED, State.OFFERED, *_HELD),
        (State.QUEUED,),
        _enqueued,
    ),
    Step(ask.Relocate, _OPEN, (), _relocated),
    Step(ask.HandOver, _HELD, (State.ACTIVE,), _handed_over),
    Step(ask.Assign, (State.QUEUED, State.OFFERED), (State.ACTIVE,), _assigned),
    Step(ask.Offer, (State.QUEUED, State.OFFERED), (State.OFFERED,), _quiet(offers.offer)),
    Step(ask.Accept, (State.QUEUED, State.OFFERED), (State.ACTIVE,), _quiet(offers.accept)),
    Step(ask.Accept, _HELD, (), _quiet(offers.accept_held)),
    Step(ask.Decline, (State.QUEUED,), (), _quiet(offers.decline)),
    Step(ask.Decline, (State.OFFERED,), (State.OFFERED, State.QUEUED), _quiet(offers.decline)),
    Step(ask.Withdraw, (State.OFFERED,), (State.QUEUED,), _quiet(offers.withdraw)),
    Step(ask.Take, (State.QUEUED, State.OFFERED, State.ACTIVE), (State.ACTIVE,), _taken),
    Step(ask.Take, (State.INACTIVE,), (State.INACTIVE, State.ACTIVE), _taken),
    Step(ask.Reply, (State.QUEUED, State.OFFERED), (State.ACTIVE,), _replied),
    Step(ask.Reply, (State.ACTIVE,), (State.ACTIVE,), _replied),
    Step(ask.Reply, (State.INACTIVE,), (State.INACTIVE, State.ACTIVE), _replied),
    Step(ask.Deliver, _OPEN, (), _delivered),
    Step(ask.Snooze, _HELD, (State.SNOOZED,), _quiet(silence.snooze)),
    Step(ask.Wake, (State.SNOOZED,), (State.QUEUED, State.SELECTING), _quiet(silence.wake)),
    Step(ask.Dismiss, (State.INACTIVE,), (State.DISMISSED,), _quiet(silence.dismiss)),
    Step(ask.End, _OPEN, (State.ENDED,), _ended),
    Step(ask.Reopen, (State.ENDED,), (State.QUEUED,), _reopened_by_hand),
    Step(ask.Note, _EVERY, (), _noted),
    Step(ask.SetTags, _EVERY, (), _tagged),
    Step(ask.Describe, _EVERY, (), _described),
    Step(ask.Line, _OPEN, (), _placed),
    Step(ask.Reschedule, _OPEN, (), _rescheduled),
    Step(ask.Expire, (State.SELECTING,), (State.SELECTING, State.ENDED), _expired),
    Step(ask.Expire, (State.QUEUED,), (State.QUEUED, State.ENDED), _expired),
    Step(ask.Expire, (State.OFFERED,), (State.OFFERED, State.QUEUED, State.ENDED), _expired),
    Step(ask.Expire, (State.ACTIVE,), (State.ACTIVE, State.INACTIVE, State.ENDED), _expired),
    Step(ask.Expire, (State.INACTIVE,), (State.INACTIVE, State.DISMISSED, State.ENDED), _expired),
    Step(ask.Expire, (State.DISMISSED,), (State.DISMISSED, State.ENDED), _expired),
    Step(
        ask.Expire,
        (State.SNOOZED,),
        (State.SNOOZED, State.QUEUED, State.SELECTING, State.ENDED),
        _expired,
    ),
)
"""Every transition there is. The diagram in the documentation is drawn from these rows."""
