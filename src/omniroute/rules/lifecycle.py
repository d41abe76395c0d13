"""Everything that moves a conversation: the one transition table, `decide`, and `apply`.

`decide(conversation, command, policy, now)` answers with the new state, the events that tell what
happened and the effects to carry out; it makes the new state through `apply`, which needs no
policy, so folding the log gives what was stored (R16). What the table does not list raises and
changes nothing (X1). Nothing here reads a clock, does I/O or knows a store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from attrs import evolve

from omniroute.errors import AlreadyTaken, ConversationClosed, TransitionNotAllowed
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.assign import AssignPolicy, Routing
from omniroute.model.conversation import Conversation, DeadlineKind, Timer
from omniroute.model.effects import Effect, SendMessage
from omniroute.model.events import CONTACT, SYSTEM, agent_actor
from omniroute.model.policy import AfterEndTo, Assignment, Overtake, Policy
from omniroute.model.state import State
from omniroute.model.values import frozen
from omniroute.rules.folding import CHANGES, apply, fold
from omniroute.rules.waiting import is_sticky, next_change, returned

__all__ = ["TABLE", "Decision", "Step", "after_end", "apply", "decide", "fold", "rescheduled_due"]

C = TypeVar("C")
Events = tuple[tell.ConversationEvent, ...]
Outcome = tuple[Events, tuple[Effect, ...]]

# Members that steps compare with: looking one up in its class costs as much as storing five fields.
_QUEUED: Final = State.QUEUED
_FIRST_RESPONSE: Final = DeadlineKind.FIRST_RESPONSE
_ASSIGNMENT: Final = DeadlineKind.ASSIGNMENT
_ANSWERED: Final = frozenset({_FIRST_RESPONSE, _ASSIGNMENT})
_CLAIM: Final = Assignment.CLAIM


@frozen
class Decision:
    """What a command comes to: the state from here on, what happened, what must be done outside."""

    state: Conversation
    events: Events
    effects: tuple[Effect, ...]


def decide(
    conversation: Conversation | None, command: ask.Command, policy: Policy, now: int
) -> Decision:
    """Return what `command` does to `conversation` (None for `Open`) under `policy` at `now`.

    `now` is in UTC microseconds; one before the conversation's last event counts as that event's
    instant (S1). Raises `TransitionNotAllowed` for what the table does not list,
    `ConversationClosed` where the conversation has ended, `AlreadyTaken` where another agent holds
    it. Nothing changes then.
    """
    source = None
    if conversation is not None:
        source = conversation.state
        if now < conversation.at:  # noqa: PLR1730  (`max` would be a call in every step)
            now = conversation.at
    step = _BY_COMMAND[type(command)].get(source)
    if step is None:
        raise _refusal(conversation, command)
    events, effects = step(conversation, command, policy, now)
    state = conversation
    for event in events:
        state = CHANGES[type(event)](state, event)
    return Decision(state, events, effects)  # type: ignore[arg-type]  # Open always has events


def _refusal(conversation: Conversation | None, command: ask.Command) -> TransitionNotAllowed:
    name = type(command).__name__
    if conversation is None:
        return TransitionNotAllowed(f"{name} needs a conversation, and there is none")
    kind = ConversationClosed if conversation.ended else TransitionNotAllowed
    allowed = [source for source in _BY_COMMAND[type(command)] if source is not None]
    return kind(
        f"{name} is not possible for conversation {conversation.id!r}",
        expected=f"state {' or '.join(allowed)}" if allowed else "no conversation yet",
        got=f"state {conversation.state}",
    )


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


def _first_response(due: int) -> tuple[Timer, ...]:
    # Overdue is strictly after the due instant (G20): the next microsecond is the first to be so.
    return ((due + 1, _FIRST_RESPONSE),)


def _without(timers: tuple[Timer, ...], kind: DeadlineKind) -> tuple[Timer, ...] | None:
    if not timers:
        return None
    return tuple(timer for timer in timers if timer[1].value != kind.value)


def _lined_timers(
    timers: tuple[Timer, ...], routing: Routing, assign: AssignPolicy, since: int, after: int
) -> tuple[Timer, ...]:
    """Arm the next instant at which more agents may take a wait that began at `since`, if any."""
    rest = tuple(timer for timer in timers if timer[1] is not _ASSIGNMENT)
    at = next_change(routing, assign, since, after)
    return rest if at is None else tuple(sorted((*rest, (at, _ASSIGNMENT))))


def _changed(c: Conversation, timers: tuple[Timer, ...]) -> tuple[Timer, ...] | None:
    return None if timers == c.timers else timers


def _unlined_timers(c: Conversation) -> tuple[Timer, ...] | None:
    """The timers of a conversation that no longer waits, or None where they stay (R5)."""
    for _, kind in c.timers:
        if kind is _ASSIGNMENT:
            return _without(c.timers, _ASSIGNMENT)
    return None


# --- what each command does: every function is one row's, and returns events and effects ----------


def _open(_: None, command: ask.Open, policy: Policy, now: int) -> Outcome:
    due = now + command.route.sla
    timers = _first_response(due)
    if command.queue is not None:
        timers = _lined_timers(timers, command.routing, policy.assign, now, now)
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
        command.routing,
    )
    return (
        opened,
        tell.MessageReceived(command.conversation, now, CONTACT, None, command.message),
    ), ()


def _received(c: Conversation, command: ask.Receive, _: Policy, now: int) -> Outcome:
    return (tell.MessageReceived(c.id, now, CONTACT, None, command.message),), ()


def _reactivated(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Outcome:
    back = tell.Reactivated(c.id, now, CONTACT, None, c.state, "message")
    return (back, *_received(c, command, policy, now)[0]), ()


def _returned(c: Conversation, command: ask.Receive, policy: Policy, now: int) -> Outcome:
    routing, timers = _waits_again(c.timers, c, policy, now)
    back = tell.Queued(
        c.id, now, CONTACT, timers, c.state, "message", _queue_of(c), None, None, routing
    )
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
    due = None if command.sla is None else now + command.sla
    armed = c.timers if due is None else _first_response(due)
    routing, timers = _waits_again(armed, c, policy, now)
    back = tell.Queued(
        c.id, now, CONTACT, timers, State.ENDED, "reopened", _queue_of(c), None, due, routing
    )
    return (back, *_received(c, command, policy, now)[0]), ()


def _waits_again(
    armed: tuple[Timer, ...], c: Conversation, policy: Policy, now: int
) -> tuple[Routing, tuple[Timer, ...] | None]:
    """The place in line of a conversation that comes back, and its timers where they change."""
    routing = returned(c.extras.routing)
    last = c.agent or c.extras.previous_agent
    if last is not None and is_sticky(policy.assign, now - c.since):
        routing = evolve(routing, sticky=last)
    return routing, _changed(c, _lined_timers(armed, routing, policy.assign, now, now))


def _queue_of(c: Conversation) -> str:
    if c.queue is None:
        raise TransitionNotAllowed(f"conversation {c.id!r} has no queue to return to")
    return c.queue


def _browsed(c: Conversation, command: ask.Browse, _: Policy, now: int) -> Outcome:
    return (tell.MenuMoved(c.id, now, CONTACT, None, command.path),), ()


def _enqueued(c: Conversation, command: ask.Enqueue, policy: Policy, now: int) -> Outcome:
    if c.state is _QUEUED and c.queue == command.queue:
        return (), ()
    if command.by is not None:
        actor = agent_actor(command.by)
    else:
        actor = CONTACT if command.reason == "menu" else SYSTEM
    routing = returned(c.extras.routing) if command.routing is None else command.routing
    timers = _changed(c, _lined_timers(c.timers, routing, policy.assign, now, now))
    return (
        tell.Queued(
            c.id,
            now,
            actor,
            timers,
            c.state,
            command.reason,
            command.queue,
            c.agent,
            None,
            routing,
        ),
    ), ()


def _placed(c: Conversation, command: ask.Line, policy: Policy, now: int) -> Outcome:
    if command.routing == c.extras.routing:
        return (), ()
    actor, timers = SYSTEM if command.by is None else agent_actor(command.by), None
    if c.state is _QUEUED:
        since = c.clocks.queued_at
        timers = _changed(c, _lined_timers(c.timers, command.routing, policy.assign, since, now))
    return (tell.Lined(c.id, now, actor, timers, command.routing),), ()


def _assigned(c: Conversation, command: ask.Assign, _: Policy, now: int) -> Outcome:
    timers = _unlined_timers(c)
    return (tell.Assigned(c.id, now, SYSTEM, timers, c.state, command.reason, command.agent),), ()


def _taken(c: Conversation, command: ask.Take, policy: Policy, now: int) -> Outcome:
    return _hold(c, command, policy, now), ()


def _hold(c: Conversation, command: ask.Take | ask.Reply, policy: Policy, now: int) -> Events:
    """Return what makes the acting agent the holder: nothing, a claim, or a takeover (C3, C4)."""
    if c.agent == command.by and c.state is not _QUEUED:
        return ()
    actor = agent_actor(command.by)
    if c.agent is None:
        if policy.assignment is not _CLAIM:
            raise TransitionNotAllowed(
                f"conversation {c.id!r} cannot be taken by hand",
                expected="assignment = claim",
                got=f"assignment = {policy.assignment}",
                hint="this desk gives conversations to agents by itself",
            )
        timers = _unlined_timers(c)
        return (tell.Assigned(c.id, now, actor, timers, c.state, "claim", command.by),)
    if policy.overtake is Overtake.FORBID or not command.confirm:
        raise AlreadyTaken(c.id, c.agent, confirmable=policy.overtake is Overtake.CONFIRM)
    return (tell.TookOver(c.id, now, actor, None, c.state, "takeover", command.by, c.agent),)


def _replied(c: Conversation, command: ask.Reply, policy: Policy, now: int) -> Outcome:
    held = _hold(c, command, policy, now)
    timers = _answered_timers(c.timers) if c.timers else None
    sent = tell.MessageSent(c.id, now, agent_actor(command.by), timers, command.message)
    return (*held, sent) if held else (sent,), (SendMessage(command.message),)


def _answered_timers(timers: tuple[Timer, ...]) -> tuple[Timer, ...]:
    """An answer stops the first response, and whoever answers holds: the wait is over."""
    return tuple(each for each in timers if each[1] not in _ANSWERED)


def _delivered(c: Conversation, command: ask.Deliver, _: Policy, now: int) -> Outcome:
    sent = tell.MessageSent(c.id, now, SYSTEM, None, command.message, automatic=True)
    return (sent,), (SendMessage(command.message),)


def _ended(c: Conversation, command: ask.End, _: Policy, now: int) -> Outcome:
    # Every terminal transition stops every clock (R5).
    return (
        tell.Ended(
            c.id,
            now,
            SYSTEM if command.by is None else agent_actor(command.by),
            (),
            c.state,
            command.reason.value,
            command.reason,
            c.agent if c.state in _HELD else None,
            command.disposition,
        ),
    ), ()


def _noted(c: Conversation, command: ask.Note, _: Policy, now: int) -> Outcome:
    return (tell.NoteAdded(c.id, now, agent_actor(command.by), None, command.message),), ()


def _tagged(c: Conversation, command: ask.SetTags, _: Policy, now: int) -> Outcome:
    tags = tuple(sorted(set(command.tags)))
    if tags == c.extras.tags:
        return (), ()
    return (tell.Tagged(c.id, now, agent_actor(command.by), None, tags),), ()


def _rescheduled(c: Conversation, command: ask.Reschedule, _: Policy, now: int) -> Outcome:
    due = rescheduled_due(c, command.sla)
    if due is None:
        return (), ()
    # One that was missed and told of stays missed, unless the new instant is still to come.
    told = _without(c.timers, _FIRST_RESPONSE) in (None, c.timers)
    rest = _without(c.timers, _FIRST_RESPONSE) or ()
    timers = rest if told and due < now else tuple(sorted((*rest, *_first_response(due))))
    return (tell.SlaRescheduled(c.id, now, SYSTEM, timers, due),), ()


def rescheduled_due(c: Conversation, sla: int) -> int | None:
    """Return when the first response would be due under another SLA, or None where that is no change.

    It counts from the contact's first message that nobody has answered, as it did.
    """
    clocks = c.clocks
    if clocks.due is None or clocks.waiting_since is None:
        return None
    due = clocks.waiting_since + sla
    return None if due == clocks.due else due


def _widened(c: Conversation, policy: Policy, now: int) -> Outcome:
    """More agents may take it from here on; the choice that follows is the desk's (S2)."""
    if not any(at <= now and kind is _ASSIGNMENT for at, kind in c.timers):
        return (), ()
    routing, since = c.extras.routing, c.clocks.queued_at
    if routing.sticky is not None and now >= since + (policy.assign.sticky_wait or 0):
        routing = evolve(routing, sticky=None)
    timers = _lined_timers(c.timers, routing, policy.assign, since, now)
    return (tell.Lined(c.id, now, SYSTEM, timers, routing),), ()


def _expired(c: Conversation, command: ask.Expire, policy: Policy, now: int) -> Outcome:
    due, kind = c.clocks.due, command.deadline
    if kind is _ASSIGNMENT:
        return _widened(c, policy, now)
    # One that is no longer armed was answered, or told of before (R7).
    if due is None or not any(at <= now and armed.value == kind.value for at, armed in c.timers):
        return (), ()
    timers = _without(c.timers, kind)
    return (tell.SlaMissed(c.id, now, SYSTEM, timers, kind, due),), ()


# --- the table ------------------------------------------------------------------------------------


@frozen
class Step:
    """A row: in which states a command is allowed, and where it leads (empty: the state stays)."""

    command: type
    sources: tuple[State | None, ...]
    targets: tuple[State, ...]
    run: Callable[[Any, Any, Policy, int], Outcome]


_HELD: Final = (State.ACTIVE, State.INACTIVE)
_OPEN: Final = tuple(state for state in State if state is not State.ENDED)
_EVERY: Final = tuple(State)

TABLE: Final = (
    Step(ask.Open, (None,), (State.SELECTING, State.QUEUED), _open),
    Step(ask.Receive, (State.SELECTING, State.QUEUED, State.OFFERED, State.ACTIVE), (), _received),
    Step(ask.Receive, (State.INACTIVE,), (State.ACTIVE,), _reactivated),
    Step(ask.Receive, (State.DISMISSED, State.SNOOZED), (State.QUEUED,), _returned),
    Step(ask.Receive, (State.ENDED,), (State.QUEUED,), _reopened),
    Step(ask.Browse, (State.SELECTING,), (), _browsed),
    Step(
        ask.Enqueue,
        (State.SELECTING, State.QUEUED, State.OFFERED, *_HELD),
        (State.QUEUED,),
        _enqueued,
    ),
    Step(ask.Assign, (State.QUEUED, State.OFFERED), (State.ACTIVE,), _assigned),
    Step(ask.Take, (State.QUEUED, State.OFFERED, State.ACTIVE), (State.ACTIVE,), _taken),
    Step(ask.Take, (State.INACTIVE,), (State.INACTIVE, State.ACTIVE), _taken),
    Step(ask.Reply, (State.QUEUED, State.OFFERED), (State.ACTIVE,), _replied),
    Step(ask.Reply, (State.ACTIVE,), (State.ACTIVE,), _replied),
    Step(ask.Reply, (State.INACTIVE,), (State.INACTIVE, State.ACTIVE), _replied),
    Step(ask.Deliver, _OPEN, (), _delivered),
    Step(ask.End, _OPEN, (State.ENDED,), _ended),
    Step(ask.Note, _EVERY, (), _noted),
    Step(ask.SetTags, _EVERY, (), _tagged),
    Step(ask.Line, _OPEN, (), _placed),
    Step(ask.Reschedule, _OPEN, (), _rescheduled),
    Step(ask.Expire, _OPEN, (), _expired),
)
"""Every transition there is. The diagram in the documentation is drawn from these rows."""

_BY_COMMAND: Final[dict[type, dict[State | None, Callable[..., Outcome]]]] = {}
for _row in TABLE:
    for _source in _row.sources:
        _BY_COMMAND.setdefault(_row.command, {})[_source] = _row.run
