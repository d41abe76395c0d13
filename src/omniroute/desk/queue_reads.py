"""Reading queues: the trees as they stand, which queues are enabled, and how many serve them.

`QueueReads` is the part of `Desk` that asks for them. Costs one look for all leaves and one count
for each leaf that somebody serves; no agent is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from omniroute.desk.part import Part
from omniroute.desk.views import QueueView
from omniroute.desk.waits import PlaceInLine, next_wait, place_in_line
from omniroute.errors import UnknownConversation, UsageError
from omniroute.ports import Transaction
from omniroute.rules import queue_tree
from omniroute.rules.names import quoted, unknown
from omniroute.rules.readiness import enabled_paths, readiness
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS, CONVERSATIONS

__all__ = ["QueueReads"]

_SERVING = AGENTS.index("serving")
_WAITING = CONVERSATIONS.index("waiting")


class QueueReads(Part):
    """What a desk answers about its queues."""

    def queues(self, inbox: str | None = None) -> list[QueueView]:
        """Return an inbox's queues, or every inbox's, in tree order, branches before what lies below.

        An inbox without a tree is one leaf. `UsageError` for an inbox that is not there.
        """

        def work(tx: Transaction, setup: Setup) -> list[QueueView]:
            inboxes = setup.config.inboxes
            if inbox is not None and inbox not in inboxes:
                text = unknown(f"no inbox is named {quoted(inbox)}", inboxes, inbox)
                raise UsageError(text, where="inbox")
            chosen = tuple(inboxes) if inbox is None else (inbox,)
            leaves = [leaf for name in chosen for leaf in setup.leaves_of(name)]
            staffed, length = _staffed(tx, self.id, leaves), _length(tx, self.id, leaves)
            waits = {leaf: next_wait(tx, self.id, setup, leaf) for leaf in leaves}
            return [v for name in chosen for v in _viewed(setup, name, staffed, length, waits)]

        return self._runtime.look(self.id, work)

    def place_in_line(
        self, conversation: str, *, now: datetime | None = None
    ) -> PlaceInLine | None:
        """Return where a conversation stands in its queue's line; None where it does not wait (P8).

        `UnknownConversation` for one that is not there. Costs one look at no more than a thousand entries.
        """
        instant = self._now(now)

        def work(tx: Transaction, setup: Setup) -> PlaceInLine | None:
            found = tx.get(CONVERSATIONS, self.id, (conversation,))
            if found is None:
                raise UnknownConversation(f"no conversation {conversation!r}")
            return place_in_line(tx, self.id, setup, found, instant)

        return self._runtime.look(self.id, work)


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
