"""What the checks of a configuration look at: the configuration, and what it comes to so far.

Parts of it may not have been read; what refers into them is not judged.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from attrs import field

from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig, EntryPointConfig, QueueNode
from omniroute.model.values import frozen
from omniroute.rules import queue_tree
from omniroute.rules.names import join, quoted, unknown

__all__ = ["Judged", "kind_of", "positions", "when"]


def when(path: str, text: str | None) -> Iterator[Problem]:
    """Yield the problem of a path, where there is one."""
    if text is not None:
        yield Problem(path, text)


def kind_of(config: DeskConfig, channel: str) -> str:
    """Return the kind of a channel: what its adapter is found by. Unless set, it is its name."""
    found = config.channels.get(channel)
    return (found.type if found else None) or channel


@frozen
class Judged:
    """A configuration under its checks. `leaves` are in tree order, `primary` the first of each."""

    config: DeskConfig
    unread: Container[str]
    leaves: Mapping[str, None]
    primary: Mapping[str, str]
    patterns: dict[str, str | None] = field(factory=dict)

    @classmethod
    def of(cls, config: DeskConfig, unread: Container[str]) -> Judged:
        """Return the view of a configuration, of which the sections `unread` are incomplete."""
        trees = (queue_tree.leaves(name, each.queues) for name, each in config.inboxes.items())
        primary: dict[str, str] = {}
        for name, inbox in config.inboxes.items():
            for channel in inbox.primary_for:
                primary.setdefault(channel, name)
        return cls(config, unread, dict.fromkeys(leaf for tree in trees for leaf in tree), primary)

    def read(self, *sections: str) -> bool:
        """Whether sections were read whole."""
        return not any(section in self.unread for section in sections)

    def kind_of(self, channel: str) -> str:
        """Return the kind of a channel."""
        return kind_of(self.config, channel)

    def inbox_of(self, entry_point: EntryPointConfig) -> str | None:
        """Return the inbox that an entry point leads to, or None where that is not known."""
        override = entry_point.override
        inbox = (override and override.inbox) or self.primary.get(entry_point.channel)
        return inbox if inbox in self.config.inboxes else None

    def pattern_problem(self, pattern: str) -> str | None:
        """Return what is wrong with a pattern of `serves`; each is looked at once."""
        if pattern not in self.patterns:
            names_leaf = pattern in self.leaves
            text = None if names_leaf else queue_tree.pattern_problem(pattern, tuple(self.leaves))
            self.patterns[pattern] = text
        return self.patterns[pattern]

    def leaf_problem(self, queue: str) -> str | None:
        """Return what is wrong with a queue's full path where a leaf is wanted, or None."""
        if queue in self.leaves or not self.read("inboxes", "queues"):
            return None
        below = queue_tree.matching(f"{queue}{queue_tree.SEPARATOR}{queue_tree.BELOW}", self.leaves)
        if below:
            return f"{quoted(queue)} is a branch; expected a queue such as {quoted(below[0])}"
        return unknown(f"no queue is named {quoted(queue)}", self.leaves, queue)


def positions(nodes: Sequence[QueueNode], path: str) -> Iterator[tuple[str, QueueNode]]:
    """Yield every node with its place in the list notation, parents before children."""
    index = 0
    for node in nodes:
        yield join(path, index), node
        index += 1
        if node.children:
            yield from positions(node.children, join(path, index))
            index += 1
