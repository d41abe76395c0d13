"""The policy's texts and their moments (U44 to U50, T8 to T15): what the desk says by itself, and when.

Pure: what was decided and what the policy has are arguments. Each text goes out once for its
occasion, because it hangs on the event that happens once: the desk sends what is returned here in
the same transaction. What is said before an event is asked with `ahead`, the rest with `afterwards`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from omniroute.instants import from_micros
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.events import CONTACT
from omniroute.model.policy import DismissedTextAt, OpenHours, Policy
from omniroute.model.state import EndReason, State
from omniroute.model.values import frozen
from omniroute.rules.folding import AFTER_HOURS

__all__ = ["SAID_AFTER", "SAID_AHEAD_OF", "Said", "afterwards", "ahead", "filled", "never_began"]

GREETING: Final = "greeting"
WARNING: Final = "inactivity"
DISMISSED: Final = "dismissed_text"
KEEP_ALIVE: Final = "keep_alive"
KEEP_ALIVE_END: Final = "keep_alive_end"
ENDED: Final = "ended_text"

AGENT_NAME: Final = "[agent name]"
OPENS_AT: Final = "{opens_at}"

_ENDING: Final = frozenset(
    {
        DeadlineKind.HARD_EXPIRY,
        DeadlineKind.CHAT_TIMEOUT,
        DeadlineKind.QUEUE_EXPIRATION,
        DeadlineKind.SELECTING_EXPIRATION,
        DeadlineKind.KEEP_ALIVE_END,
    }
)


SAID_AHEAD_OF: Final = frozenset({ask.Dismiss, ask.End, ask.Expire})
"""The commands that `ahead` may have something to say before."""

SAID_AFTER: Final = frozenset(
    {
        tell.FellSilent,
        tell.KeepAliveAsked,
        tell.MessageReceived,
        tell.Opened,
        tell.Queued,
        tell.Selecting,
    }
)
"""The events that `afterwards` may have something to say after."""


@frozen
class Said:
    """A text that goes to the contact, and its occasion: the setting it comes from."""

    occasion: str
    text: str


def ahead(c: Conversation, command: ask.Command, policy: Policy) -> Iterator[Said]:
    """Yield what is said before a command is done that ends or parks the conversation."""
    if c.ended:
        return
    kind = command.deadline if isinstance(command, ask.Expire) else None
    if isinstance(command, ask.Dismiss) or kind is DeadlineKind.DISMISSAL:
        if policy.dismissed_text_at is DismissedTextAt.DISMISS:
            yield from _said(DISMISSED, policy.dismissed_text)
    elif isinstance(command, ask.End) or kind in _ENDING:
        if isinstance(command, ask.End) and command.reason is EndReason.FAILURE and never_began(c):
            return
        alive = policy.keep_alive
        if kind is DeadlineKind.KEEP_ALIVE_END and alive and not alive.end_text_first:
            yield Said(KEEP_ALIVE_END, alive.end_text)
        yield from _said(ENDED, policy.ended_text)


def afterwards(
    events: Iterable[tell.ConversationEvent], state: Conversation, policy: Policy
) -> Iterator[Said]:
    """Yield what is said after these events, which led to `state`."""
    for event in events:
        if isinstance(event, tell.MessageReceived):
            yield from _closed(event, state, policy)
        elif isinstance(event, tell.Opened):
            yield from _greeting(event, policy)
        elif isinstance(event, tell.FellSilent):
            yield from _warning(policy)
        elif isinstance(event, tell.KeepAliveAsked):
            yield from _asked(policy)
        elif (
            isinstance(event, tell.Queued | tell.Selecting)
            and (event.source, event.actor) == (State.DISMISSED, CONTACT)
            and policy.dismissed_text_at is DismissedTextAt.REACTIVATE
        ):
            yield from _said(DISMISSED, policy.dismissed_text)


def never_began(c: Conversation) -> bool:
    """Whether an agent started it and the contact has not written: perhaps they know nothing of it."""
    return c.place.started_by is not None and not c.place.heard


def _said(occasion: str, text: str | None) -> Iterator[Said]:
    if text is not None:
        yield Said(occasion, text)


def _greeting(event: tell.Opened, policy: Policy) -> Iterator[Said]:
    closed = policy.hours is not None and not policy.hours.is_open(event.at)
    if not (closed and policy.skip_greeting_after_hours):
        yield from _said(GREETING, policy.greeting)


def _closed(event: tell.MessageReceived, state: Conversation, policy: Policy) -> Iterator[Said]:
    """Once for each conversation and closed period: whether it was open since one was told (U49)."""
    hours = policy.hours
    if policy.after_hours_message is None or hours is None or hours.is_open(event.at):
        return
    quiet = state.extras.quiet
    told_at = None if quiet is None else quiet.told_closed_at
    if told_at is not None:
        opened_at = hours.next_opening(told_at)
        if opened_at is None or opened_at > event.at:
            return
    text = policy.after_hours_message
    if OPENS_AT in text:
        text = text.replace(OPENS_AT, _opening(hours, event.at))
    yield Said(AFTER_HOURS, text)


def _opening(hours: OpenHours, at: int) -> str:
    opens_at = hours.next_opening(at)
    if opens_at is None:
        return ""
    local = from_micros(opens_at, getattr(hours, "zone", "UTC"))
    return local.format("dddd, D MMMM, HH:mm", locale="en")


def _warning(policy: Policy) -> Iterator[Said]:
    if policy.inactivity is not None:
        yield from _said(WARNING, policy.inactivity.text)
    if policy.dismissed_text_at is DismissedTextAt.WARNING:
        yield from _said(DISMISSED, policy.dismissed_text)


def _asked(policy: Policy) -> Iterator[Said]:
    alive = policy.keep_alive
    if alive is not None:
        yield Said(KEEP_ALIVE, alive.text)
        if alive.end_text_first:
            yield Said(KEEP_ALIVE_END, alive.end_text)


def filled(text: str, agent_name: str | None) -> str:
    """Return a text with the agent's name where it stands for it (U44)."""
    return text.replace(AGENT_NAME, agent_name or "") if AGENT_NAME in text else text
