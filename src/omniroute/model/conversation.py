"""A conversation: one contact on one entry point and thread, from first message to end.

Ten hot fields, so that a step costs one small constructor; what most conversations never use lives
in `extras`, one shared empty value until used. Only `rules.lifecycle.apply` makes new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import field

from omniroute.model.assign import NO_ROUTING, Routing
from omniroute.model.state import END_COMMENTS, EndReason, State
from omniroute.model.values import frozen

__all__ = [
    "NO_EXTRAS",
    "Clocks",
    "Conversation",
    "DeadlineKind",
    "Ending",
    "Extras",
    "Offer",
    "Pause",
    "Place",
    "Quiet",
    "Sla",
    "SlaClock",
    "Snooze",
    "Timer",
]

# Asked in every step: looking it up in its class costs more than comparing with it.
_ENDED: Final = State.ENDED


class DeadlineKind(StrEnum):
    """What is looked at again when a deadline comes.

    Those of the lifecycle stand in the order in which they count where several come at one instant
    (U43); those of the SLA are told before them.
    """

    FIRST_RESPONSE = "first_response"
    FIRST_RESPONSE_WARNING = "first_response_warning"
    NEXT_RESPONSE = "next_response"
    NEXT_RESPONSE_WARNING = "next_response_warning"
    RESOLUTION = "resolution"
    RESOLUTION_WARNING = "resolution_warning"
    RESPONSE_TARGET = "response_target"
    HARD_EXPIRY = "hard_expiry"
    CHAT_TIMEOUT = "chat_timeout"
    QUEUE_EXPIRATION = "queue_expiration"
    SELECTING_EXPIRATION = "selecting_expiration"
    KEEP_ALIVE_END = "keep_alive_end"
    DISMISSAL = "dismissal"
    KEEP_ALIVE = "keep_alive"
    INACTIVITY = "inactivity"
    WAKE = "wake"
    OFFER = "offer"
    ASSIGNMENT = "assignment"


Timer = tuple[int, DeadlineKind]
"""An armed deadline: its instant in UTC microseconds, and its kind."""


@frozen
class Place:
    """Where a conversation goes on, and with whom. Shared by all of its steps.

    `started_by` is the agent who started it (S11), None where the contact did; `heard` then says
    whether the contact has written since.
    """

    entry_point: str
    channel: str
    inbox: str
    contact: str
    address: str
    thread: str = ""
    started_by: str | None = None
    heard: bool = False


@frozen
class SlaClock:
    """One clock of the SLA: what it measures, since when and by when, in UTC microseconds.

    `kind` is FIRST_RESPONSE, NEXT_RESPONSE or RESOLUTION. `due` is None while the clock is paused.
    `warned` and `breached` say what was told of it. One that has stopped was `met` by what it waited
    for, or given up at the end.
    """

    kind: DeadlineKind
    started_at: int
    due: int | None
    warned: bool = False
    breached: bool = False
    stopped_at: int | None = None
    met: bool = False


@frozen
class Pause:
    """A time that the resolution clock does not count (S5)."""

    since: int
    until: int


@frozen
class Sla:
    """How the clocks of the SLA stand, and what they count from (P11, S5).

    `started_at` is when this service began: the opening, or the latest reopening; `answered` whether
    an agent has written in it; `paused_at` since when it is snoozed or dismissed, `pauses` when it
    was so before. `stopped` has the latest stopped clock of each kind. `respond_by` is when the
    agent's answer is due by the response target (U68).
    """

    started_at: int
    answered: bool = False
    response: SlaClock | None = None
    resolution: SlaClock | None = None
    paused_at: int | None = None
    pauses: tuple[Pause, ...] = ()
    stopped: tuple[SlaClock, ...] = ()
    respond_by: int | None = None


@frozen
class Clocks:
    """The instants that timers and SLA count from, in UTC microseconds.

    `queued_at` is when the present wait began (S14); `waiting_since` the first contact message that
    nobody answered yet (C17); `due` the earliest due instant of the SLA's running clocks (G20).
    """

    opened_at: int
    queued_at: int
    contact_at: int
    waiting_since: int | None = None
    agent_at: int | None = None
    first_reply_at: int | None = None
    due: int | None = None
    sla: Sla | None = None


@frozen
class Ending:
    """How a conversation ended: why, who closed it (C7), and what the closer noted.

    `detail` says more of the reason where there is more to say: `COMPLIANCE_7D` (U30).
    """

    reason: EndReason
    by: str
    at: int
    disposition: str | None = None
    detail: str | None = None

    @property
    def comment(self) -> str:
        """The end's comment, word for word as the record has it (U74)."""
        return END_COMMENTS[self.reason]


@frozen
class Snooze:
    """Until when a conversation sleeps, who put it to sleep, and when. UTC microseconds."""

    until: int
    by: str
    at: int


@frozen
class Quiet:
    """What a silence has come to: marks that timers count from, in UTC microseconds.

    `woke_at` is the latest wake, which counts as activity (R5, S5); `warned_at` where the notice
    before a dismissal counts from, `asked_at` where keep-alive's second stage does (S2); `owed` how
    many messages of the contact must come before the next dismissal (M6); `told_closed_at` when the
    contact was last told that the desk is closed (U49).
    """

    woke_at: int | None = None
    warned_at: int | None = None
    asked_at: int | None = None
    owed: int = 0
    told_closed_at: int | None = None
    snooze: Snooze | None = None


@frozen
class Offer:
    """What is asked of agents while the conversation is OFFERED (M5).

    `agent` is the one it is offered to, who has until `until` to accept; None is everybody who may take
    it, without an end. UTC microseconds.
    """

    agent: str | None
    at: int
    until: int | None = None


@frozen
class Extras:
    """What most conversations never use. `menu` is the path chosen so far while SELECTING.

    `routing` is the place in line: whoever waited once keeps what outlasts a wait. `offer` is set while
    it is OFFERED.
    """

    menu: tuple[str, ...] = ()
    subject: str | None = None
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(factory=dict)
    ending: Ending | None = None
    previous_agent: str | None = None
    quiet: Quiet | None = None
    routing: Routing = NO_ROUTING
    offer: Offer | None = None


NO_EXTRAS: Final = Extras()


@frozen
class Conversation:
    """One conversation as it stands. `at` is the instant of its last event (S1), `since` of its state."""

    id: str
    state: State
    place: Place
    queue: str | None
    agent: str | None
    at: int
    since: int
    clocks: Clocks
    timers: tuple[Timer, ...] = ()
    extras: Extras = NO_EXTRAS

    @property
    def deadline(self) -> int | None:
        """The earliest armed deadline in UTC microseconds, or None."""
        return self.timers[0][0] if self.timers else None

    @property
    def ended(self) -> bool:
        """Whether the conversation is over."""
        return self.state is _ENDED
