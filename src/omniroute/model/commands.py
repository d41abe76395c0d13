"""What can be asked of a conversation: plain values that `rules.lifecycle.decide` answers.

`by` names the agent who acts. Commands carry ids that were drawn before the transaction.
"""

from __future__ import annotations

from omniroute.model.assign import NO_ROUTING, Routing
from omniroute.model.conversation import DeadlineKind, Place
from omniroute.model.events import Route
from omniroute.model.state import EndReason
from omniroute.model.values import frozen

__all__ = [
    "Assign",
    "Browse",
    "Command",
    "Deliver",
    "End",
    "Enqueue",
    "Expire",
    "Line",
    "Note",
    "Open",
    "Receive",
    "Reply",
    "Reschedule",
    "SetTags",
    "Take",
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
class Receive:
    """The contact wrote again. `sla` (microseconds) is that of a new wait, where this begins one."""

    message: str
    sla: int | None = None


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
class Take:
    """An agent takes the conversation by hand; from another one only with `confirm` (C4)."""

    by: str
    confirm: bool = False


@frozen
class Reply:
    """An agent writes to the contact; where policy says claim, the first reply takes it (C3)."""

    by: str
    message: str
    confirm: bool = False


@frozen
class Deliver:
    """The desk writes to the contact by itself: a menu, a text of the policy."""

    message: str


@frozen
class End:
    """Close the conversation."""

    by: str | None
    reason: EndReason = EndReason.AGENT
    disposition: str | None = None


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
class Reschedule:
    """The first response is wanted within another time (microseconds) than it was (S4)."""

    sla: int


@frozen
class Expire:
    """A deadline has come."""

    deadline: DeadlineKind


Command = (
    Open
    | Receive
    | Browse
    | Enqueue
    | Assign
    | Take
    | Reply
    | Deliver
    | End
    | Note
    | SetTags
    | Line
    | Reschedule
    | Expire
)
