"""What happened, as it is kept in the log. Folding these gives every state back (R16).

Conversation events name the conversation, the instant and the actor; `timers` is the full set of
armed deadlines from here on, or None where nothing changed. A transition also says from where, to
where and why (X1). Who acts is said as `actors` says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias

from omniroute.model.actors import CONTACT, SYSTEM, actor_agent, agent_actor
from omniroute.model.assign import NO_ROUTING, Routing
from omniroute.model.conversation import DeadlineKind, Place, Timer
from omniroute.model.desk_events import (
    AgentAvailability,
    AgentEvent,
    AgentRemoved,
    AgentSaved,
    Configured,
    ContactsMerged,
    EngagementDelivery,
    EngagementSent,
    NumberVerificationChanged,
    RoomKept,
    RoomReleased,
    Weighed,
    WrapUpEnded,
    WrapUpStarted,
)
from omniroute.model.state import Access, EndReason, State
from omniroute.model.values import frozen
from omniroute.model.wire import DeliveryStatus

__all__ = [
    "ACCEPTED",
    "CONTACT",
    "DECLINED",
    "FORCED",
    "LAPSED",
    "SYSTEM",
    "TRANSFERRED",
    "AgentAvailability",
    "AgentEvent",
    "AgentRemoved",
    "AgentSaved",
    "Assigned",
    "Configured",
    "ContactsMerged",
    "ConversationEvent",
    "Declined",
    "DeliveryChanged",
    "Described",
    "Dismissed",
    "Ended",
    "EngagementDelivery",
    "EngagementSent",
    "Event",
    "FellSilent",
    "FlowStarted",
    "KeepAliveAsked",
    "Lined",
    "LogEntry",
    "MenuMoved",
    "MessageReceived",
    "MessageSent",
    "NoteAdded",
    "NumberVerificationChanged",
    "OfferEnded",
    "Offered",
    "Opened",
    "Queued",
    "Reactivated",
    "Relocated",
    "Remarked",
    "ResponseTargetExceeded",
    "RoomKept",
    "RoomReleased",
    "Route",
    "Selecting",
    "SlaBreached",
    "SlaRescheduled",
    "SlaWarned",
    "Snoozed",
    "Started",
    "Tagged",
    "TookOver",
    "Transition",
    "Weighed",
    "WrapUpEnded",
    "WrapUpStarted",
    "actor_agent",
    "agent_actor",
]

ACCEPTED: Final = "accepted"
"""The reason of an assignment that an offer led to."""
DECLINED: Final = "declined"
"""The reason of an offer's end: its agent does not want it."""
LAPSED: Final = "lapsed"
"""The reason of an offer's end: its agent did not answer in time."""
TRANSFERRED: Final = "transferred"
"""The reason of a transfer."""
FORCED: Final = "forced"
"""The reason of a transfer to somebody who was not available (A23)."""


@frozen
class Route:
    """Why a conversation went where it went, with the source of each value (G23)."""

    inbox: str
    inbox_source: str
    sla: int
    sla_source: str
    queue_source: str
    config_version: int


@frozen
class ConversationEvent:
    """The root of what happens to a conversation."""

    conversation: str
    at: int
    actor: str
    timers: tuple[Timer, ...] | None


@frozen
class Transition(ConversationEvent):
    """A change of state; `source` is None for a new conversation."""

    to_state: ClassVar[State]
    source: State | None
    reason: str

    @property
    def target(self) -> State:
        """The state from here on."""
        return self.to_state


@frozen
class Opened(Transition):
    """A conversation began with a contact's message.

    It waits in `queue`, or chooses one first where that is None. `due` is the first response's
    (G20), `resolution_due` the end's, where there is such a target.
    """

    to_state: ClassVar[State] = State.SELECTING
    place: Place
    route: Route
    queue: str | None
    due: int | None
    resolution_due: int | None = None
    routing: Routing = NO_ROUTING

    @property
    def target(self) -> State:
        """QUEUED where a queue is known, else SELECTING."""
        return State.SELECTING if self.queue is None else State.QUEUED


@frozen
class Started(Transition):
    """An agent began the conversation with a message of their own, and holds it (S11).

    It stands in `queue` without having waited there, and has no first-response clock;
    `resolution_due` is the end's, where there is such a target. `access` says from where the agent
    came (C14), where the host told.
    """

    to_state: ClassVar[State] = State.ACTIVE
    place: Place
    route: Route
    queue: str
    agent: str
    resolution_due: int | None = None
    access: Access | None = None


@frozen
class Queued(Transition):
    """The conversation waits in a queue from here on; `released` is who held it before.

    `due` is set where a new first-response clock starts with this wait (C8), `resolution_due` where
    the resolution clock starts anew or goes on after a pause, else None. `routing` is its place in
    line; without one it comes back, in class "returned" (S14).
    """

    to_state: ClassVar[State] = State.QUEUED
    queue: str
    released: str | None = None
    due: int | None = None
    resolution_due: int | None = None
    routing: Routing | None = None


@frozen
class Assigned(Transition):
    """An agent holds the conversation from here on: pushed, taken, or given back to them.

    `respond_by` is set where the response target starts: the contact waits for an answer (U68).
    `released` is whose slot an offer held until now: mostly the same agent's.
    """

    to_state: ClassVar[State] = State.ACTIVE
    agent: str
    respond_by: int | None = None
    released: str | None = None


@frozen
class Offered(Transition):
    """Agents are asked whether they take it, and it waits on (M5).

    `agent` is the one who is asked and has until `until`: it holds a slot of theirs. None is everybody
    who may take it: that holds none, and has no end.
    """

    to_state: ClassVar[State] = State.OFFERED
    agent: str | None
    until: int | None = None


@frozen
class OfferEnded(Transition):
    """Nobody is asked any more; it waits on, since the same instant (M3, M5).

    `reason` says why: `declined`, `lapsed`, or what took it away from those who were asked. `released` is
    whose slot the offer held, `routing` the place in line where it changed.
    """

    to_state: ClassVar[State] = State.QUEUED
    released: str | None = None
    routing: Routing | None = None


@frozen
class Reactivated(Transition):
    """The contact wrote after a silence; the agent goes on (U36)."""

    to_state: ClassVar[State] = State.ACTIVE


@frozen
class TookOver(Transition):
    """An agent has the conversation from another: both are named (C6). `respond_by` as in Assigned.

    `reason` says how: a takeover, a transfer, a forced one, or handed over since the other left.
    """

    to_state: ClassVar[State] = State.ACTIVE
    agent: str
    released: str
    respond_by: int | None = None


@frozen
class FellSilent(Transition):
    """The contact has been silent for long (U32). `warned_at` is where a notice counts from (S2)."""

    to_state: ClassVar[State] = State.INACTIVE
    warned_at: int


@frozen
class Dismissed(Transition):
    """Parked in its queue after a silence, offered to nobody; `released` is who held it (U38)."""

    to_state: ClassVar[State] = State.DISMISSED
    released: str


@frozen
class Snoozed(Transition):
    """Put aside until an instant; `released` is who held it. `message` is the line in the thread."""

    to_state: ClassVar[State] = State.SNOOZED
    until: int
    released: str
    message: str


@frozen
class Selecting(Transition):
    """The contact chooses a queue anew: the one it would return to serves nobody (S6).

    `resolution_due` as in Queued.
    """

    to_state: ClassVar[State] = State.SELECTING
    resolution_due: int | None = None


@frozen
class Ended(Transition):
    """The conversation is over; `released` is who held it. `detail` says more of why, or None."""

    to_state: ClassVar[State] = State.ENDED
    ending: EndReason
    released: str | None
    disposition: str | None = None
    detail: str | None = None


@frozen
class MessageReceived(ConversationEvent):
    """The contact wrote; `message` is the message's id.

    Where nothing was unanswered before, `due` is the next response's, if there is such a target, and
    `respond_by` the holder's by the response target.
    """

    message: str
    due: int | None = None
    respond_by: int | None = None


@frozen
class MessageSent(ConversationEvent):
    """An agent or the desk wrote. `automatic` ones answer nobody: clocks do not stop for them.

    `occasion` says which of the policy's texts it is, or None.
    """

    message: str
    automatic: bool = False
    occasion: str | None = None


@frozen
class KeepAliveAsked(ConversationEvent):
    """The contact was silent, and is asked whether they are there (T10).

    The end counts from `asked_at` (S2).
    """

    asked_at: int


@frozen
class MenuMoved(ConversationEvent):
    """The contact moved in the menu; `path` is the branch they look at."""

    path: tuple[str, ...]


@frozen
class NoteAdded(ConversationEvent):
    """An agent left an internal note."""

    message: str


@frozen
class Lined(ConversationEvent):
    """The waiting conversation's place in line changed: others may take it than before (P1, P4, M5)."""

    routing: Routing


@frozen
class Declined(ConversationEvent):
    """An agent does not want it, and is not offered it again in this wait; others still are (M5)."""

    agent: str
    routing: Routing


@frozen
class Remarked(ConversationEvent):
    """A reaction, edit, deletion, echo or notice of the provider: it moves nothing (P16).

    `remark` says which: the kind of the message.
    """

    message: str
    remark: str


@frozen
class Tagged(ConversationEvent):
    """The conversation's tags are `tags` from here on."""

    tags: tuple[str, ...]


@frozen
class Described(ConversationEvent):
    """What the conversation is about, and the host's attributes of it, from here on."""

    subject: str | None
    attributes: Mapping[str, Any]


@frozen
class SlaWarned(ConversationEvent):
    """A clock runs out soon: its warning has come, and `due` is when it runs out (P11)."""

    clock: DeadlineKind
    due: int


@frozen
class SlaBreached(ConversationEvent):
    """A clock ran out: now is past `due` (G20). The event's instant is the first that is overdue."""

    clock: DeadlineKind
    due: int


@frozen
class SlaRescheduled(ConversationEvent):
    """A clock is due at another instant: the configuration changed, or the queue did (S3, S4).

    `due` is None where there is no such clock from here on. `warned` and `breached` say what counts
    as told of it: one that is still past its instant is not told of again.
    """

    due: int | None
    clock: DeadlineKind = DeadlineKind.FIRST_RESPONSE
    warned: bool = False
    breached: bool = False


@frozen
class ResponseTargetExceeded(ConversationEvent):
    """The agent took longer than their target to answer; the conversation goes on (U68)."""

    agent: str
    queue: str | None
    respond_by: int


@frozen
class Relocated(ConversationEvent):
    """The configuration moved the conversation: its queue was renamed, moved or removed (S15).

    It stays in its state, in its place in line and with its holder; `queue` is None where a menu
    still has to find one, in the branch `menu` of the inbox.
    """

    inbox: str
    queue: str | None
    menu: tuple[str, ...] = ()


@frozen
class FlowStarted(ConversationEvent):
    """A flow of the channel starts: `stage` is `entry` or `exit` (T2). Hosts run it from the log.

    It moves nothing, and stands in the log once for each beginning and each end.
    """

    flow: str
    stage: str


@frozen
class DeliveryChanged(ConversationEvent):
    """What became of an outgoing message, as the provider says."""

    message: str
    status: DeliveryStatus
    reason: str | None = None


Event: TypeAlias = (
    ConversationEvent
    | AgentEvent
    | Configured
    | ContactsMerged
    | NumberVerificationChanged
    | EngagementSent
    | EngagementDelivery
)


@frozen
class LogEntry:
    """An event at its place in the desk's log: positions start at 1 and have no gaps (P19)."""

    position: int
    event: Event
