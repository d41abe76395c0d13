"""The menu that leads a contact to a queue: what it lists, and what an answer means (U52 to U54, U58).

Pure text: numbers from 1, titles as written. What a channel can show better is its adapter's
affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import QueueNode
from omniroute.model.values import frozen
from omniroute.rules import queue_tree
from omniroute.rules.words import normalized

__all__ = ["Selected", "branch_of", "menu_number", "only_leaf", "options", "read_answer", "render"]


def branch_of(conversation: Conversation) -> str:
    """Return the full path of the branch that a contact looks at while they choose."""
    return queue_tree.SEPARATOR.join((conversation.place.inbox, *conversation.extras.menu))


@frozen
class Selected:
    """What an answer leads to: the chosen node's path below the inbox, and whether it is a leaf."""

    path: tuple[str, ...]
    is_leaf: bool


def options(
    nodes: Sequence[QueueNode], path: tuple[str, ...], enabled: Callable[[tuple[str, ...]], bool]
) -> tuple[QueueNode, ...]:
    """Return what the menu lists at `path`: nodes with an enabled leaf, in tree order (U52).

    `enabled` tells of a leaf's path whether anybody is assigned to it (U15).
    """
    for name in path:
        nodes = next((node.children for node in nodes if node.name == name), ())
    return tuple(node for node in nodes if _has_enabled(node, (*path, node.name), enabled))


def _has_enabled(
    node: QueueNode, path: tuple[str, ...], enabled: Callable[[tuple[str, ...]], bool]
) -> bool:
    if not node.children:
        return enabled(path)
    return any(_has_enabled(child, (*path, child.name), enabled) for child in node.children)


def only_leaf(
    nodes: Sequence[QueueNode], enabled: Callable[[tuple[str, ...]], bool]
) -> tuple[str, ...] | None:
    """Return the path of the single enabled leaf, or None where there is a choice (U58)."""
    found = [path for path in _leaves(nodes, ()) if enabled(path)]
    return found[0] if len(found) == 1 else None


def _leaves(nodes: Sequence[QueueNode], path: tuple[str, ...]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for node in nodes:
        below = (*path, node.name)
        found += _leaves(node.children, below) if node.children else [below]
    return found


def render(text: str, listed: Sequence[QueueNode], waits: Mapping[str, str] | None = None) -> str:
    """Return the menu as text: an introduction, then one numbered line for each option.

    `waits` says, by an option's title, what stands behind it.
    """
    titles = [f"{node.name} {(waits or {}).get(node.name, '')}".rstrip() for node in listed]
    return "\n".join([text, *(f"{n}. {title}" for n, title in enumerate(titles, start=1))])


def read_answer(
    answer: str | None, listed: Sequence[QueueNode], path: tuple[str, ...]
) -> Selected | None:
    """Return what an answer selects by number or title (U53), or None where it selects nothing.

    Titles match whole, as words do (`rules.words`); numbers are ASCII digits, `"01"` being 1.
    """
    words = answer or ""
    node = _by_number(words.strip(), listed) or _by_title(words, listed)
    if node is None:
        return None
    return Selected((*path, node.name), not node.children)


def menu_number(words: str) -> int | None:
    """Return the line of a menu that a text is the number of, from 1, or None."""
    if not (words.isascii() and words.isdigit()) or len(words) > 9:
        return None
    return int(words) or None


def _by_number(words: str, listed: Sequence[QueueNode]) -> QueueNode | None:
    number = menu_number(words)
    return None if number is None or number > len(listed) else listed[number - 1]


def _by_title(words: str, listed: Sequence[QueueNode]) -> QueueNode | None:
    wanted = normalized(words)
    if wanted.isdigit() and wanted != words.strip():
        return None  # digits of other scripts are no number, and do not become a title's
    return next((node for node in listed if normalized(node.name) == wanted), None)
