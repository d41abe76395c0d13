"""The menu as a desk shows it: which queues are enabled, what is listed, and the message that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omniroute.model.conversation import Conversation
from omniroute.rules import menu
from omniroute.schema import AGENTS

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit

__all__ = ["enabled", "listed", "serves_somewhere", "show_menu"]

_SERVING = AGENTS.index("serving")


def _staffed(unit: Unit, inbox: str) -> set[str]:
    leaves = unit.setup.leaves_of(inbox)
    heads = unit.tx.heads(_SERVING, unit.desk, [(leaf,) for leaf in leaves])
    return {head[0] for head in heads} or set(leaves)


def enabled(unit: Unit, inbox: str) -> Callable[[tuple[str, ...]], bool]:
    """Return which leaves have agents (U15); where none has, all count: nobody is turned away."""
    staffed = _staffed(unit, inbox)
    return lambda path: "/".join((inbox, *path)) in staffed


def serves_somewhere(unit: Unit, conversation: Conversation) -> bool:
    """Return whether the queue that a conversation would return to is there and enabled (S6)."""
    queue = conversation.queue
    return queue is not None and queue in _staffed(unit, unit.setup.inbox_of(queue))


def listed(unit: Unit, conversation: Conversation) -> tuple[Any, ...]:
    """Return what the menu lists where the contact is."""
    inbox = conversation.place.inbox
    return menu.options(unit.setup.tree(inbox), conversation.extras.menu, enabled(unit, inbox))


def show_menu(unit: Unit, conversation: Conversation, now: int | None = None) -> Conversation:
    """Send the menu of the branch that the contact looks at."""
    # The branch that is shown has the say, and what it does not say its nearest ancestor (U18).
    branch = "/".join((conversation.place.inbox, *conversation.extras.menu))
    policy = unit.setup.policy(conversation.place.channel, branch)
    text = menu.render(policy.menu_text, listed(unit, conversation))
    return unit.deliver(conversation, policy, text, "menu", now=now)
