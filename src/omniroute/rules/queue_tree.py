"""Queue trees: paths, leaves, and the patterns by which agents serve them (U5, U14).

A leaf's path is `"<inbox>/<a>/<b>"`; an inbox without a tree is one leaf, `"<inbox>"`. A pattern of
`serves` is a leaf's path in which `*` stands for any one name and `**`, at the end, for the node
itself and everything below it. Matching is by whole names, case-sensitive, and linear: no pattern
reaches a regular expression (R14). Knows trees only, not who serves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from omniroute.model.desk_config import QueueNode
from omniroute.rules.names import quoted, unknown

__all__ = [
    "ANY",
    "BELOW",
    "SEPARATOR",
    "children",
    "find",
    "leaves",
    "matching",
    "pattern_problem",
    "walk",
]

SEPARATOR: Final = "/"
ANY: Final = "*"
BELOW: Final = "**"


def walk(prefix: str, nodes: Iterable[QueueNode]) -> Iterator[tuple[str, QueueNode]]:
    """Yield every node with its path below `prefix`, parents before children, in tree order."""
    for node in nodes:
        path = f"{prefix}{SEPARATOR}{node.name}" if prefix else node.name
        yield path, node
        yield from walk(path, node.children)


def leaves(inbox: str, nodes: Sequence[QueueNode]) -> tuple[str, ...]:
    """Return the paths of an inbox's leaves in tree order; without a tree the inbox is one leaf."""
    if not nodes:
        return (inbox,)
    return tuple(path for path, node in walk(inbox, nodes) if not node.children)


def find(nodes: Sequence[QueueNode], path: str) -> QueueNode | None:
    """Return the node at a path inside its inbox (`"Deutsch/Technik"`), or None."""
    node, level = None, nodes
    for name in path.split(SEPARATOR):
        node = next((each for each in level if each.name == name), None)
        if node is None:
            return None
        level = node.children
    return node


def children(nodes: Sequence[QueueNode], path: str = "") -> tuple[QueueNode, ...]:
    """Return the nodes below a path inside the inbox (`""`: the top); () where there is nothing."""
    if not path:
        return tuple(nodes)
    node = find(nodes, path)
    return node.children if node else ()


def matching(pattern: str, leaves: Iterable[str]) -> tuple[str, ...]:
    """Return those of `leaves` that a pattern of `serves` names, in their order."""
    steps = pattern.split(SEPARATOR)
    below = steps[-1] == BELOW
    if below:
        steps.pop()
    return tuple(leaf for leaf in leaves if _fits(steps, leaf.split(SEPARATOR), below=below))


def _fits(steps: Sequence[str], names: Sequence[str], *, below: bool) -> bool:
    if len(names) != len(steps) and not (below and len(names) > len(steps)):
        return False
    return all(step in (ANY, name) for step, name in zip(steps, names, strict=False))


def pattern_problem(pattern: str, leaves: Sequence[str]) -> str | None:
    """Return what is wrong with a pattern of `serves`, or None: it must name a leaf (U14)."""
    if matching(pattern, leaves):
        return None
    if BELOW in pattern.split(SEPARATOR)[:-1]:
        return f"{quoted(pattern)}: ** stands at the end only"
    below = f"{pattern}{SEPARATOR}{BELOW}"
    if matching(below, leaves):
        return f"{quoted(pattern)} is a branch, and agents serve leaves only; write {quoted(below)}"
    return unknown(f"no queue is named {quoted(pattern)}", leaves, pattern)
