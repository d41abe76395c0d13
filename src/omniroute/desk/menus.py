"""The menu as a desk shows it: which queues are enabled, what is listed, and the message that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from omniroute.desk.waits import waits_of
from omniroute.model.conversation import Conversation
from omniroute.rules import menu
from omniroute.schema import AGENTS

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit

__all__ = ["enabled", "listed", "serves_somewhere", "show_menu"]

_SERVING = AGENTS.index("serving")


def _staffed(unit: Unit, inbox: str) -> set[str]:
    return _with_agents(unit, unit.setup.leaves_of(inbox))


def _with_agents(unit: Unit, leaves: Sequence[str]) -> set[str]:
    heads = unit.tx.heads(_SERVING, unit.desk, [(leaf,) for leaf in leaves])
    return {head[0] for head in heads} or set(leaves)


def enabled(unit: Unit, inbox: str) -> Callable[[tuple[str, ...]], bool]:
    """Return which of the leaves that the menu shows have agents (U15, U24).

    Where none of them has, all count: nobody is turned away.
    """
    shown = [leaf for leaf in unit.setup.leaves_of(inbox) if not unit.setup.is_hidden(leaf)]
    staffed = _with_agents(unit, shown)
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
    policy = unit.setup.policy(conversation.place.channel, menu.branch_of(conversation))
    options = listed(unit, conversation)
    waits = (
        waits_of(unit, menu.branch_of(conversation), options) if unit.setup.tells_waits else None
    )
    text = menu.render(policy.menu_text, options, waits)
    return unit.deliver(conversation, policy, text, "menu", now=now)
