"""One stored step, beside raw driver code that writes the same tables and the same bytes.

The step: lock the desk, read a conversation, write it, two log entries, a message, an outbox entry
and the desk's row, commit. Raw code is given the bytes; the store makes them, and reads what it
locks.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench, Figure, at_most, benchmark
from omniroute.codec import encode
from omniroute.model.conversation import Clocks, Conversation, Place
from omniroute.model.effects import OutboxEntry, SendMessage
from omniroute.model.events import LogEntry, MessageReceived, MessageSent
from omniroute.model.message import Direction, Message
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import CONVERSATIONS, DESKS, LOG, MESSAGES, OUTBOX, Collection
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore

NOW = 1_700_000_000_000_000
DESK = "acme"
CONVERSATION_COUNT = 500
STEPS = 200


@dataclass(frozen=True)
class Step:
    """What one step writes."""

    number: int
    conversation: Conversation
    entries: Sequence[LogEntry]
    message: Message
    parcel: OutboxEntry
    record: DeskRecord

    def __call__(self, tx: Transaction) -> None:
        """Do the step as a flow of the desk does."""
        tx.lock(DESK)
        tx.get(DESKS, DESK, ())
        tx.get(CONVERSATIONS, DESK, (self.conversation.id,))
        tx.put(CONVERSATIONS, DESK, self.conversation)
        tx.add(LOG, DESK, self.entries)
        tx.add(MESSAGES, DESK, (self.message,))
        tx.add(OUTBOX, DESK, (self.parcel,))
        tx.put(DESKS, DESK, self.record)


def a_conversation(number: int, at: int) -> Conversation:
    """Return a conversation that an agent holds."""
    return Conversation(
        id=f"c_4k2m9x8w7v6t5r4q{number:04d}",
        state=State.ACTIVE,
        place=Place("whatsapp-main", "whatsapp", "general", f"k_4k2m9x8w7v6t{number:04d}", "49151"),
        queue="general/Deutsch/Technik",
        agent="ana",
        at=at,
        since=NOW,
        clocks=Clocks(opened_at=NOW, queued_at=NOW, contact_at=at, agent_at=at),
    )


def steps(count: int, start: int = 0) -> list[Step]:
    """Return steps that follow each other in one desk's log."""
    return [_step(number) for number in range(start, start + count)]


def _step(number: int) -> Step:
    at, position = NOW + (number + 1) * 1_000_000, 2 * number + 2
    conversation = a_conversation(number % CONVERSATION_COUNT, at)
    message = f"m_4k2m9x8w7v6t5r{number:06d}"
    received = MessageReceived(conversation.id, at, "contact", None, message)
    sent = MessageSent(conversation.id, at, "agent:ana", None, message)
    return Step(
        number % CONVERSATION_COUNT,
        conversation,
        (LogEntry(position - 1, received), LogEntry(position, sent)),
        Message(
            id=message,
            conversation=conversation.id,
            position=position,
            direction=Direction.OUT,
            author="agent:ana",
            at=at,
            text="Good morning, your parcel is on its way and arrives tomorrow.",
            entry_point="whatsapp-main",
        ),
        OutboxEntry(conversation.id, position, "whatsapp-main", SendMessage(message), at),
        DeskRecord(DESK, position=position, config_version=1),
    )


def seed(store: Store) -> None:
    """Give a store its desk and its conversations."""

    def work(tx: Transaction) -> None:
        tx.add(DESKS, DESK, [DeskRecord(DESK, config_version=1)])
        tx.add(CONVERSATIONS, DESK, [a_conversation(i, NOW) for i in range(CONVERSATION_COUNT)])

    store.transact(work)


# --- raw code -------------------------------------------------------------------------------------


def row(collection: Collection[Any], value: Any) -> tuple[Any, ...]:
    """Return a value as its table has it: desk, key, columns, body, version."""
    body = encode(collection, value)
    return (DESK, *collection.key(value), *collection.row(value), body, collection.version)


def insert_text(collection: Collection[Any]) -> str:
    """Return the insert that raw code would run."""
    width = 3 + len(collection.key_columns) + len(collection.columns)
    marks = ", ".join("?" * width)
    return f"INSERT INTO omniroute_{collection.name} VALUES ({marks})"


def read_text(collection: Collection[Any]) -> str:
    """Return the query for one row by its key."""
    names = [*(column.name for column in collection.columns), "body", "body_version"]
    return f"SELECT {', '.join(names)} FROM {_of_one(collection)}"


def update_text(collection: Collection[Any], changed: Sequence[str]) -> str:
    """Return the update of some columns and the body."""
    names = ", ".join(f"{name} = ?" for name in (*changed, "body"))
    return f"UPDATE {_of_one(collection)}".replace(" WHERE", f" SET {names} WHERE")


def _of_one(collection: Collection[Any]) -> str:
    keys = ["desk_id", *(column.name for column in collection.key_columns)]
    where = " AND ".join(f"{name} = ?" for name in keys)
    return f"omniroute_{collection.name} WHERE {where}"


def _moving(collection: Collection[Any], one: Any, other: Any) -> list[int]:
    """The places of the columns that differ between two values."""
    pairs = zip(collection.row(one), collection.row(other), strict=True)
    return [place for place, (some, else_) in enumerate(pairs) if some != else_]


def raw_sqlite_step(cursor: sqlite3.Cursor, step: Step) -> Callable[[], None]:
    """Return the same step as raw code, with its bytes made beforehand."""
    moving = _moving(CONVERSATIONS, a_conversation(step.number, NOW), step.conversation)
    columns = CONVERSATIONS.row(step.conversation)
    key = (DESK, step.conversation.id)
    write = update_text(CONVERSATIONS, [CONVERSATIONS.columns[place].name for place in moving])
    written = (
        *(columns[place] for place in moving),
        encode(CONVERSATIONS, step.conversation),
        *key,
    )
    entries = [row(LOG, entry) for entry in step.entries]
    message, parcel = row(MESSAGES, step.message), row(OUTBOX, step.parcel)
    desk = (encode(DESKS, step.record), DESK)

    def work() -> None:
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(_READ_DESK, (DESK,)).fetchone()
        cursor.execute(_READ, key).fetchone()
        cursor.execute(write, written)
        cursor.executemany(_ADD_LOG, entries)
        cursor.execute(_ADD_MESSAGE, message)
        cursor.execute(_ADD_PARCEL, parcel)
        cursor.execute(_WRITE_DESK, desk)
        cursor.execute("COMMIT")

    return work


_READ_DESK, _READ = read_text(DESKS), read_text(CONVERSATIONS)
_WRITE_DESK = update_text(DESKS, [])
_ADD_LOG = insert_text(LOG)
_ADD_MESSAGE = insert_text(MESSAGES)
_ADD_PARCEL = insert_text(OUTBOX)


# --- the races ------------------------------------------------------------------------------------


class _Feed:
    """Gives each round the steps that follow the last round's."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> list[Step]:
        self._next += STEPS
        return steps(STEPS, self._next - STEPS)


def _timed(works: Sequence[Callable[[], object]]) -> float:
    start = time.perf_counter()
    for work in works:
        work()
    return (time.perf_counter() - start) / len(works)


def _ours(store: Store) -> Callable[[], float]:
    feed = _Feed()

    def contestant() -> float:
        return _timed([partial(store.transact, step) for step in feed.take()])

    return contestant


def _raw(path: Path) -> Callable[[], float]:
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA synchronous = NORMAL")
    cursor, feed = connection.cursor(), _Feed()
    return lambda: _timed([raw_sqlite_step(cursor, step) for step in feed.take()])


@benchmark("store-sqlite")
def sqlite_step(bench: Bench) -> Iterator[Figure]:
    """The stored step on SQLite (WAL, synchronous NORMAL) beside raw sqlite3."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "ours.db", Path(folder) / "raw.db"]
        stores = [SqlStore(f"sqlite:///{path}", durability="normal") for path in paths]
        for store in stores:
            seed(store)
        stores[1].close()
        race = bench.race(ours=_ours(stores[0]), raw=_raw(paths[1]))
        stores[0].close()
    yield race.at_most("store/sqlite step", 2.2, peer="raw")


@benchmark("store-memory")
def memory_step(bench: Bench) -> Iterator[Figure]:
    """The stored step in memory, without deciding anything."""
    store = MemoryStore()
    seed(store)
    race = bench.race(ours=_ours(store))
    yield at_most("store/memory step", race.median("ours") * 1e6, 10, unit="us")


__all__ = [
    "Step",
    "a_conversation",
    "insert_text",
    "memory_step",
    "raw_sqlite_step",
    "row",
    "seed",
    "sqlite_step",
    "steps",
]
