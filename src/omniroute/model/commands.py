"""What can be asked of a conversation: plain values that `rules.lifecycle.decide` answers.

`by` names the agent who acts. Commands carry ids that were drawn before the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omniroute.model.assign import NO_ROUTING, Routing
from omniroute.model.conversation import DeadlineKind, Place
from omniroute.model.events import Route
from omniroute.model.state import Access, EndReason
from omniroute.model.values import frozen

__all__ = [
    "Accept",
    "Assign",
    "Browse",
    "Command",
    "Decline",
    "Deliver",
    "Describe",
    "Dismiss",
    "End",
    "Enqueue",
    "Expire",
    "HandOver",
    "Line",
    "Note",
    "Offer",
    "Open",
    "Receive",
    "Relocate",
    "Reopen",
    "Reply",
    "Reschedule",
    "SetTags",
    "Snooze",
    "Start",
    "Take",
    "Wake",
    "Withdraw",
]


@frozen
class Open:
    """A contact's first message: begin a conversation. `queue` is None where a menu comes first."""

    conversation: str
    place: Place
    route: Route
    message: str
    queue: str | None
    routing: Routing = NO_ROUTING


@frozen
class Start:
    """An agent writes to a contact first: begin a conversation that they hold (S11)."""

    conversation: str
    place: Place
    route: Route
    queue: str
    by: str
    message: str
    access: Access | None = None


@frozen
class Receive:
    """The contact wrote again. `sla` (microseconds) is that of a new wait, where this begins one.

    `queue_gone` says that the queue of the conversation serves nobody any more (S6).
    """

    message: str
    sla: int | None = None
    queue_gone: bool = False


@frozen
class Browse:
    """The contact moved to a branch of the menu."""

    path: tuple[str, ...]


@frozen
class Enqueue:
    """Put the conversation into a queue: chosen in the menu, or given back by its agent.

    `routing` is its place in line there; without one it comes back, in class "returned".
    """

    queue: str
    by: str | None = None
    reason: str = "menu"
    routing: Routing | None = None


@frozen
class Line:
    """Change the conversation's place in line: others may take it from here on (P1, P4, M5)."""

    routing: Routing
    by: str | None = None


@frozen
class Assign:
    """Give the waiting conversation to an agent, automatically."""

    agent: str
    reason: str = "push"


@frozen
class Offer:
    """Ask an agent whether they take the waiting conversation; None asks everybody who may (M5)."""

    agent: str | None = None


@frozen
class Accept:
    """An agent takes what is offered to them: the first to accept has it (M5)."""

    by: str


@frozen
class Decline:
    """An agent does not want what is offered to them, and is not offered it again in this wait (M5)."""

    by: str


@frozen
class Withdraw:
    """Ask nobody any more: those who were asked cannot take it now, or it goes elsewhere (S7)."""

    reason: str = "withdrawn"


@frozen
class Take:
    """An agent takes the conversation by hand; from another one only with `confirm` (C4)."""

    by: str
    confirm: bool = False


@frozen
class HandOver:
    """Give the conversation to another agent: a transfer (A21), or since its holder leaves (S15)."""

    to: str
    by: str | None = None
    reason: str = "handed_over"


@frozen
class Relocate:
    """The configuration moved the queue, or its inbox: follow it (S15).

    `menu` is the branch that a contact looks at who still chooses.
    """

    inbox: str
    queue: str | None
    by: str | None = None
    menu: tuple[str, ...] = ()


@frozen
class Reply:
    """An agent writes to the contact; where policy says claim, the first reply takes it (C3)."""

    by: str
    message: str
    confirm: bool = False


@frozen
class Deliver:
    """The desk writes to the contact by itself: a menu, a text of the policy for an occasion."""

    message: str
    occasion: str | None = None


@frozen
class End:
    """Close the conversation."""

    by: str | None
    reason: EndReason = EndReason.AGENT
    disposition: str | None = None


@frozen
class Snooze:
    """The holder puts the conversation aside until an instant (A11). `message` is the thread's line.

    `supervising` where somebody does it who may do so with what others hold (A13).
    """

    by: str
    until: int
    message: str
    supervising: bool = False


@frozen
class Wake:
    """Bring a snoozed conversation back before its time."""

    by: str
    queue_gone: bool = False


@frozen
class Reopen:
    """An agent brings back a conversation that has ended (S9)."""

    by: str


@frozen
class Dismiss:
    """The holder parks the conversation, whose contact has fallen silent (U37)."""

    by: str


@frozen
class Note:
    """Leave an internal note."""

    by: str
    message: str


@frozen
class SetTags:
    """Set the conversation's tags to exactly these."""

    by: str
    tags: tuple[str, ...]


@frozen
class Describe:
    """Set what the conversation is about, and the host's own attributes of it, to exactly these."""

    by: str
    subject: str | None
    attributes: Mapping[str, Any]


@frozen
class Reschedule:
    """The first response is wanted within another time (microseconds) than it was (S4)."""

    sla: int


@frozen
class Expire:
    """A deadline has come.

    `committed_at` is the instant of the commit that tells of it: what a person must be able to react to
    counts from there (S2). None: it is told at its own instant. `queue_gone` as in `Receive`.
    """

    deadline: DeadlineKind
    committed_at: int | None = None
    queue_gone: bool = False


Command = (
    Open
    | Start
    | Receive
    | Browse
    | Enqueue
    | Relocate
    | HandOver
    | Assign
    | Offer
    | Accept
    | Decline
    | Withdraw
    | Take
    | Reply
    | Deliver
    | End
    | Snooze
    | Wake
    | Dismiss
    | Reopen
    | Note
    | SetTags
    | Describe
    | Line
    | Reschedule
    | Expire
)
