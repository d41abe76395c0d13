"""Queues as they stand: the trees, which are enabled, how many serve them and how many wait.

Costs one look for all leaves and one count for each leaf that somebody serves; no agent is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from omniroute.desk import waits
from omniroute.desk.views import QueueView
from omniroute.errors import UsageError
from omniroute.ports import Transaction
from omniroute.rules import queue_tree
from omniroute.rules.names import quoted, unknown
from omniroute.rules.readiness import enabled_paths, readiness
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS, CONVERSATIONS

__all__ = ["listed"]

_SERVING = AGENTS.index("serving")
_WAITING = CONVERSATIONS.index("waiting")


def listed(desk: str, inbox: str | None) -> Callable[[Transaction, Setup], list[QueueView]]:
    """Return the work that reads the queues of an inbox, or of all, in tree order."""

    def work(tx: Transaction, setup: Setup) -> list[QueueView]:
        inboxes = setup.config.inboxes
        if inbox is not None and inbox not in inboxes:
            text = unknown(f"no inbox is named {quoted(inbox)}", inboxes, inbox)
            raise UsageError(text, where="inbox")
        chosen = tuple(inboxes) if inbox is None else (inbox,)
        leaves = [leaf for name in chosen for leaf in setup.leaves_of(name)]
        staffed, length = _staffed(tx, desk, leaves), _length(tx, desk, leaves)
        waiting = {leaf: waits.next_wait(tx, desk, setup, leaf) for leaf in leaves}
        return [v for name in chosen for v in _viewed(setup, name, staffed, length, waiting)]

    return work


def _length(tx: Transaction, desk: str, leaves: list[str]) -> dict[str, int]:
    """How many wait in each leaf where anybody does."""
    heads = tx.heads(_WAITING, desk, [(leaf,) for leaf in leaves])
    return {leaf: tx.count(_WAITING, desk, (leaf,)) for leaf, *_ in heads}


def _staffed(tx: Transaction, desk: str, leaves: list[str]) -> dict[str, int]:
    """How many agents are assigned to each leaf that has any."""
    heads = tx.heads(_SERVING, desk, [(leaf,) for leaf in leaves])
    return {leaf: tx.count(_SERVING, desk, (leaf,)) for leaf, *_ in heads}


def _viewed(
    setup: Setup,
    inbox: str,
    staffed: dict[str, int],
    length: dict[str, int],
    waits: dict[str, int | None],
) -> Iterator[QueueView]:
    enabled = enabled_paths(staffed)
    paths = [path for path, _ in queue_tree.walk(inbox, setup.tree(inbox))] or [inbox]
    for path in paths:
        leaf, wait = setup.is_leaf(path), waits.get(path)
        yield QueueView(
            path=path,
            name=path.rpartition(queue_tree.SEPARATOR)[2],
            inbox=inbox,
            leaf=leaf,
            readiness=readiness(path, enabled),
            agents=staffed.get(path, 0) if leaf else None,
            hidden=setup.is_hidden(path),
            language=setup.language_of(path),
            goal=setup.goal(path) if leaf else None,
            waiting=length.get(path, 0) if leaf else None,
            estimated_wait=None if wait is None else timedelta(microseconds=wait),
        )
