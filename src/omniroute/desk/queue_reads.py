"""Reading queues: the trees as they stand, which queues are enabled, and how many serve them.

`QueueReads` is the part of `Desk` that asks for them. Costs one look for all leaves and one count
for each leaf that somebody serves; no agent is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from omniroute.desk.runtime import Runtime
from omniroute.desk.views import QueueView
from omniroute.errors import UsageError
from omniroute.ports import Transaction
from omniroute.rules import queue_tree
from omniroute.rules.names import quoted, unknown
from omniroute.rules.readiness import enabled_paths, readiness
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS

__all__ = ["QueueReads"]

_SERVING = AGENTS.index("serving")


class QueueReads:
    """What a desk answers about its queues."""

    id: str
    _runtime: Runtime

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
            staffed = _staffed(tx, self.id, [e for name in chosen for e in setup.leaves_of(name)])
            return [view for name in chosen for view in _viewed(setup, name, staffed)]

        return self._runtime.look(self.id, work)


def _staffed(tx: Transaction, desk: str, leaves: list[str]) -> dict[str, int]:
    """How many agents are assigned to each leaf that has any."""
    heads = tx.heads(_SERVING, desk, [(leaf,) for leaf in leaves])
    return {leaf: tx.count(_SERVING, desk, (leaf,)) for leaf, *_ in heads}


def _viewed(setup: Setup, inbox: str, staffed: dict[str, int]) -> Iterator[QueueView]:
    enabled = enabled_paths(staffed)
    paths = [path for path, _ in queue_tree.walk(inbox, setup.tree(inbox))] or [inbox]
    for path in paths:
        leaf = setup.is_leaf(path)
        yield QueueView(
            path=path,
            name=path.rpartition(queue_tree.SEPARATOR)[2],
            inbox=inbox,
            leaf=leaf,
            readiness=readiness(path, enabled),
            agents=staffed.get(path, 0) if leaf else None,
            hidden=setup.is_hidden(path),
            language=setup.language_of(path),
        )
