"""What the tests of the desk share: looking behind the face, and stores that misbehave."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from omniroute.errors import StoreBusy
from omniroute.model.conversation import Conversation
from omniroute.model.events import ConversationEvent, Event
from omniroute.ports import Transaction
from omniroute.rules.agent_folding import fold_agent
from omniroute.rules.folding import fold
from omniroute.schema import AGENTS, CONVERSATIONS, DEDUPE, Collection
from omniroute.stores.memory import MemoryStore
from omniroute.testing import Play

T = TypeVar("T")


def log(p: Play) -> list[Event]:
    """Every event of the desk, in order."""
    return [change.event for change in p.desk.changes()]


def told(p: Play, kind: type[T]) -> list[T]:
    """The events of one kind, in order."""
    return [event for event in log(p) if isinstance(event, kind)]


def names(p: Play) -> list[str]:
    """The kinds of all events, in order."""
    return [type(event).__name__ for event in log(p)]


def position(p: Play) -> int:
    """The position of the last event."""
    return max((change.position for change in p.desk.changes()), default=0)


def stored(p: Play, collection: Collection[Any], *key: Any) -> Any:
    """The stored value under a key."""
    return p.desk._runtime.read(lambda tx: tx.get(collection, p.desk.id, key))


def every_agent(p: Play) -> list[Any]:
    """Every stored agent."""
    index = AGENTS.index("all_agents")
    return p.desk._runtime.read(lambda tx: tx.scan(index, p.desk.id, limit=1000))


def every_conversation(p: Play) -> list[Conversation]:
    """Every conversation that the log names, as it is stored."""
    ids = dict.fromkeys(each.conversation for each in told(p, ConversationEvent))
    found = [stored(p, CONVERSATIONS, each) for each in ids]
    return [each for each in found if each is not None]


def assert_folds(p: Play) -> None:
    """The stored state of every conversation and agent is what the log folds to (R16)."""
    events = log(p)
    own: dict[str, list[ConversationEvent]] = {}
    for event in events:
        if isinstance(event, ConversationEvent):
            own.setdefault(event.conversation, []).append(event)
    for conversation in every_conversation(p):
        assert fold(own[conversation.id]) == conversation, "the log is the truth (R16)"
    for agent in every_agent(p):
        assert fold_agent(events, agent.id) == agent, "the log is the truth (R16)"


class CountingStore(MemoryStore):
    """A store that counts what is looked at: each value and each entry that a verb gives."""

    def __init__(self) -> None:
        super().__init__()
        self.touched = 0

    def transact(self, work: Callable[[Transaction], T]) -> T:
        return super().transact(lambda tx: work(cast("Transaction", _Counted(tx, self))))


class _Counted:
    def __init__(self, tx: Transaction, store: CountingStore) -> None:
        self._tx = tx
        self._store = store

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real = getattr(self._tx, verb)  # what the transaction does not have, this has not

        def call(*args: Any, **options: Any) -> Any:
            result = real(*args, **options)
            self._store.touched += len(result) if isinstance(result, list) else 1
            return result

        return call


class Lost(Exception):
    """A transaction lost a race."""


class RacyStore(MemoryStore):
    """A store on which every transaction loses its first race, and is run again."""

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, take everything back, and run it again."""

        def lost(tx: Transaction) -> None:
            work(tx)
            raise Lost

        with contextlib.suppress(Lost):
            super().transact(lost)
        return super().transact(work)


class BusyStore(MemoryStore):
    """A store where others have the desk first: `meanwhile` is what they do, once."""

    meanwhile: Callable[[], object] | None = None

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, once the others are done."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().transact(work)


class BreakingStore(MemoryStore):
    """A store that fails while it remembers having received the item with the id `breaks_at`."""

    breaks_at: str | None = None

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, and watch what it writes."""
        return super().transact(lambda tx: work(_Watched(tx, self)))


class _Watched:
    def __init__(self, tx: Transaction, store: BreakingStore) -> None:
        self._tx = tx
        self._store = store

    def add(self, collection: Collection[Any], desk: str, values: Iterable[Any]) -> None:
        values = list(values)
        if collection is DEDUPE and self._store.breaks_at in [each.key for each in values]:
            raise StoreBusy("locked for too long")
        self._tx.add(collection, desk, values)

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._tx, verb)
