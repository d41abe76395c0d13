"""What moves a conversation: `decide`, over the table in `rules.transitions`, and `apply`.

`decide(conversation, command, policy, now)` answers with the new state, the events that tell what
happened and the effects to carry out; it makes the new state through `apply`, which needs no
policy, so folding the log gives what was stored (R16). What the table does not list raises and
changes nothing (X1). Nothing here reads a clock, does I/O or knows a store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from omniroute.errors import ConversationClosed, TransitionNotAllowed
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.effects import Effect
from omniroute.model.policy import Policy
from omniroute.model.state import State
from omniroute.model.values import frozen, making
from omniroute.rules.folding import CHANGES, apply, fold
from omniroute.rules.timers import (
    BY_AGENT,
    BY_CONTACT,
    BY_KEEP_ALIVE,
    BY_LINE,
    LIFECYCLE,
    Timing,
    rearmed,
    timing,
)
from omniroute.rules.transitions import TABLE, Events, Outcome, Step, after_end

__all__ = ["TABLE", "Decision", "Step", "after_end", "apply", "decide", "fold"]

# Compared with in every step: looking it up in its class costs as much as storing five fields.
_QUEUED: Final = State.QUEUED
_SNOOZED: Final = State.SNOOZED
_OFFERED: Final = State.OFFERED
# A decision is not seen before it is returned: its last event and its state get their timers here,
# when both are made, instead of being made twice.
_set_told_timers: Final = tell.ConversationEvent.__dict__["timers"].__set__
_set_timers: Final = Conversation.__dict__["timers"].__set__


@frozen
class Decision:
    """What a command comes to: the state from here on, what happened, what must be done outside."""

    state: Conversation
    events: Events
    effects: tuple[Effect, ...]


_decision: Final = making(Decision)


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
    if policy.closed and _CLOSABLE.get(type(command)) in policy.closed:
        raise _closed(conversation, command)
    events, effects = step(conversation, command, policy, now)
    state = conversation
    kinds = None
    for event in events:
        change, moved = _TOLD[type(event)]
        state = change(state, event)
        if moved is not None and kinds is not LIFECYCLE:
            kinds = moved
    if kinds is not None and state is not None:
        compiled = timing(policy)
        # Most steps of most desks end here: nothing is armed, and nothing can be.
        now_in = state.state
        runs = compiled is not None and (now_in is _QUEUED or not compiled.line_only)
        timed = state.timers or now_in is _SNOOZED or now_in is _OFFERED
        if runs or timed or state.extras.routing.requires:
            _arm(state, events[-1], compiled, kinds)
    return _decision(state, events, effects)  # type: ignore[arg-type]  # Open always has events


def _arm(
    state: Conversation,
    last: tell.ConversationEvent,
    compiled: Timing | None,
    kinds: frozenset[DeadlineKind],
) -> None:
    """Compute anew what the events re-arm: everything after a transition (S3), else what moved (S4)."""
    if kinds is BY_AGENT and getattr(last, "automatic", False):
        return
    timers = rearmed(state, compiled, kinds)
    if timers != state.timers:
        _set_told_timers(last, timers)
        _set_timers(state, timers)


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


_CLOSABLE: Final = {ask.Dismiss: "dismiss", ask.Snooze: "snooze", ask.Take: "take"}


def _closed(conversation: Conversation | None, command: ask.Command) -> TransitionNotAllowed:
    name = _CLOSABLE[type(command)]
    where = None if conversation is None else conversation.id
    return TransitionNotAllowed(
        f"this desk's policy has closed {name!r}, asked of conversation {where!r}",
        hint="policy.closed names what agents cannot do here",
    )


# --- looked up in every step ---------------------------------------------------------------------

_REARMS: Final[dict[type, frozenset[DeadlineKind]]] = {
    tell.MessageReceived: BY_CONTACT,
    tell.MessageSent: BY_AGENT,
    tell.KeepAliveAsked: BY_KEEP_ALIVE,
    tell.Lined: BY_LINE,
}
"""Which timers an event arms anew that is no transition; any transition arms all, and the end none."""


def _rearms(event: type) -> frozenset[DeadlineKind] | None:
    moves = issubclass(event, tell.Transition) and event is not tell.Ended
    return LIFECYCLE if moves else _REARMS.get(event)


_TOLD: Final = {event: (change, _rearms(event)) for event, change in CHANGES.items()}
"""How each event changes the state, and what it arms anew."""

_BY_COMMAND: Final[dict[type, dict[State | None, Callable[..., Outcome]]]] = {}
for _row in TABLE:
    for _source in _row.sources:
        _BY_COMMAND.setdefault(_row.command, {})[_source] = _row.run
