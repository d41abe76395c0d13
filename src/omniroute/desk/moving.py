"""What stands where a new configuration has nothing left: moved as the draft says, else refused (S15).

A queue and an inbox with open conversations, and an entry point, are never taken away under them.
Costs what is moved, all of it in the transaction that saves the version: at no instant is a
conversation in a queue that does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from omniroute.desk.unit import Unit
from omniroute.errors import Problem
from omniroute.model.commands import End, Relocate
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import QueueMove
from omniroute.model.state import OPEN, EndReason, State
from omniroute.ports import Transaction
from omniroute.rules.menu import branch_of
from omniroute.rules.moves import follow_path, follow_patterns
from omniroute.rules.names import join
from omniroute.rules.queue_tree import SEPARATOR
from omniroute.rules.resolution import Setup
from omniroute.schema import AGENTS, CONVERSATIONS, Index, Key

__all__ = ["Clearing"]

_PAGE: Final = 100
_TOLD: Final = 6
_SERVING: Final = AGENTS.index("serving")
_AGENT: Final = _SERVING.columns.index("agent")
_IN_QUEUE: Final = CONVERSATIONS.index("queue_by_due")
_IN_INBOX: Final = CONVERSATIONS.index("inbox_by_due")
_ON_ENTRY_POINT: Final = CONVERSATIONS.index("open_thread")


class Clearing:
    """Clears the places that are there `before` and not `after`."""

    def __init__(
        self,
        tx: Transaction,
        desk: str,
        before: Setup,
        after: Setup,
        moves: Sequence[QueueMove] = (),
        ending: Collection[str] = (),
        *,
        restaffed: Collection[str] = (),
    ) -> None:
        self._tx = tx
        self._desk = desk
        self._after = after
        self._ending = ending
        # Where conversations alone are moved to says nothing of who serves there.
        self._moves = [move for move in moves if move.whole or move.target is None]
        self._restaffed = restaffed
        self._split = [
            (leaf, path)
            for leaf in before.leaves
            if after.is_branch(path := follow_path(leaf, self._moves))
        ]
        changed = before.config.inboxes.keys() - after.config.inboxes.keys()
        self._queues = {
            leaf: target
            for leaf in before.leaves
            if (target := follow_path(leaf, moves)) != leaf or not after.is_leaf(leaf)
        }
        self._followed = tuple(moves)
        self._browsed = {
            before.inbox_of(move.source)
            for move in moves
            if move.whole and before.is_branch(move.source)
        }
        self._inboxes = {inbox: follow_path(inbox, moves) for inbox in sorted(changed)}
        self._gone = [
            name
            for name, each in before.config.entry_points.items()
            if name not in after.config.entry_points
            or after.config.entry_points[name].channel != each.channel
        ]

    def problems(self) -> Iterator[Problem]:
        """Yield what stands in the way: where, and how many open conversations."""
        for leaf, path in self._split:
            yield from self._serving(leaf, path)
        told = set()
        for leaf, target in self._queues.items():
            if not self._after.is_leaf(target) and (count := self._count(_IN_QUEUE, leaf)):
                told.add(self._after.inbox_of(leaf))
                yield _problem(_path(leaf), count, target, leaf)
        for inbox, target in self._inboxes.items():
            if self._after.inbox_of(target) in self._after.config.inboxes or inbox in told:
                continue
            if count := self._count(_IN_INBOX, inbox):
                yield _problem(join("inboxes", inbox), count, target, inbox)
        for name in self._gone:
            if name not in self._ending and (count := self._on(name)):
                yield _problem(join("entry_points", name), count, name, name)

    def _serving(self, leaf: str, path: str) -> Iterator[Problem]:
        """Yield who serves by name a leaf that would become a branch (U14).

        Looks at those who serve it, page by page, until enough are found to be told. Whose queues
        the draft changes itself (`restaffed`) are left out.
        """
        named: list[str] = []
        after: Key | None = None
        while len(named) <= _TOLD:
            page = self._tx.entries(_SERVING, self._desk, (leaf,), after=after, limit=_PAGE)
            for entry in page:
                agent = self._tx.get(AGENTS, self._desk, (entry[_AGENT],))
                assert agent is not None  # noqa: S101  (an entry is a stored agent's)
                if agent.id not in self._restaffed and path in follow_patterns(
                    agent.serves, self._moves
                ):
                    named.append(agent.id)
            if len(page) < _PAGE:
                break
            after = page[-1][1:]
        if named:
            yield _staffed(path, named)

    def catch_up(self, unit: Unit) -> None:
        """Fire what came due in these places, by the configuration that is in force until now (S2).

        Also beyond the batch that a command fires (R6): what has ended by now is moved nowhere.
        """
        for number, conversation in enumerate(self._going(), 1):
            unit.up_to_date(unit.conversation(conversation))
            if number % _PAGE == 0:
                unit.flush()
        unit.flush()

    def clear(self, unit: Unit, by: str | None) -> None:
        """Move and end what stands there; the unit works by the new configuration by now.

        Who stands where is read first: two queues can change places.
        """
        for number, (conversation, place) in enumerate(self._going().items(), 1):
            self._relocate(unit, conversation, *place, by)
            if number % _PAGE == 0:
                unit.flush()
        for name in self._gone:
            _end(unit, name, by)

    def _going(self) -> dict[str, tuple[str, str | None]]:
        """Return what has to move, each with the inbox and the queue that it moves to."""
        going: dict[str, tuple[str, str | None]] = {
            conversation: (self._after.inbox_of(target), target)
            for leaf, target in self._queues.items()
            for conversation in self._standing(_IN_QUEUE, leaf)
        }
        for inbox, target in self._inboxes.items():
            for conversation in self._standing(_IN_INBOX, inbox):
                going.setdefault(conversation, (self._after.inbox_of(target), None))
        for inbox in sorted(self._browsed & self._after.config.inboxes.keys()):
            for conversation in self._standing(_IN_INBOX, inbox, (State.SELECTING,)):
                going.setdefault(conversation, (inbox, None))
        return going

    def _relocate(
        self, unit: Unit, conversation: str, inbox: str, queue: str | None, by: str | None
    ) -> None:
        found = unit.conversation(conversation)
        queue, menu = queue or found.queue, list[str]()
        if queue is None:
            path = follow_path(branch_of(found), self._followed)
            if self._after.is_branch(path):
                inbox, *menu = path.split(SEPARATOR)
            elif inbox == found.place.inbox:
                return  # a branch that is gone: the next answer is told so, and begins at the top
        unit.perform(found, Relocate(inbox, queue, by, tuple(menu)), unit.policy(found))

    def _standing(
        self, index: Index[Conversation], value: str, states: Iterable[State] = OPEN
    ) -> Iterator[str]:
        for state in states:
            after, prefix = None, (value, state.value)
            while page := self._tx.entries(index, self._desk, prefix, after=after, limit=_PAGE):
                yield from (entry[-1] for entry in page)
                after = page[-1][len(prefix) :]

    def _count(self, index: Index[Conversation], value: str) -> int:
        return sum(self._tx.count(index, self._desk, (value, state.value)) for state in OPEN)

    def _on(self, entry_point: str) -> int:
        return self._tx.count(_ON_ENTRY_POINT, self._desk, (entry_point,))


def _end(unit: Unit, entry_point: str, by: str | None) -> None:
    for found in unit.emptying(_ON_ENTRY_POINT, (entry_point,)):
        unit.perform(found, End(by, EndReason.FAILURE), unit.policy(found))


def _staffed(path: str, named: list[str]) -> Problem:
    shown = ", ".join(named[:_TOLD]) + (" and more" if len(named) > _TOLD else "")
    text = f"has agents, and only leaves have: {shown}; let them serve {path + '/**'!r} first"
    return Problem(_path(path), text)


def _path(queue: str) -> str:
    """Where a queue is found in a configuration: below its inbox, by the rest of its full path."""
    inbox, _, inside = queue.partition(SEPARATOR)
    return join("inboxes", inbox, *([inside] if inside else []))


def _problem(path: str, count: int, target: str, place: str) -> Problem:
    text = f"has {count} open conversation{'' if count == 1 else 's'}"
    return Problem(path, text if target == place else f"{text}, and {target!r} is no queue")
