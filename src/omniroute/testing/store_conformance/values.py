"""What the kit stores, and what it expects: sample values, and an oracle that sorts plain lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from attrs import evolve, fields, has, resolve_types

from omniroute.codec.names import KINDS
from omniroute.model.assign import NEW
from omniroute.model.conversation import Clocks, Conversation, Place
from omniroute.model.effects import OutboxEntry, SendMessage
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import CONVERSATIONS, DESKS, OUTBOX, Collection, Index, Key

__all__ = [
    "DUE_DESKS",
    "FAR",
    "ONE",
    "READY",
    "TWO",
    "WAITING",
    "Broken",
    "all_entries",
    "alone",
    "ask",
    "between",
    "conversation",
    "entries_of",
    "in_threads",
    "line",
    "pages",
    "parcel",
    "put_all",
    "questions",
    "sample",
    "samples",
]

ONE: Final = "desk-one"
TWO: Final = "desk-two"
FAR: Final = 2**62

WAITING: Final = CONVERSATIONS.index("waiting")
READY: Final = OUTBOX.index("ready")
DUE_DESKS: Final = DESKS.index("due_desks")

# --- values to store ------------------------------------------------------------------------------


def sample(kind: Any, number: int, name: str = "value", depth: int = 0) -> Any:
    """Return a value of any stored type with every field set; another one for another number."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return sample(inner[0], number, name, depth)
    if origin is tuple:
        members = (inner[0],) * _size(depth) if inner[-1] is ... else inner
        return tuple(
            sample(each, number, f"{name}{i}", depth + 1) for i, each in enumerate(members)
        )
    if origin is Mapping:
        keys = [f"{name} {i}.{number}" for i in range(_size(depth))]
        return {key: sample(inner[1], number, key, depth + 1) for key in keys}
    return _object(kind, number, depth) if has(kind) else _scalar(kind, number, name)


def _object(cls: Any, number: int, depth: int) -> Any:
    """A value of a class; of one of its kinds where it is the root of a union."""
    kinds = [each for each in KINDS if issubclass(each, cls) and each is not cls]
    chosen = kinds[number % len(kinds)] if kinds else cls
    own = fields(resolve_types(chosen))
    return chosen(**{each.name: sample(each.type, number, each.name, depth + 1) for each in own})


def _scalar(kind: Any, number: int, name: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[number % len(kind)]
    anything = [number, None, {"ö\0": 1.5, "a": [False, "\ud800"]}]
    simple = {
        str: f"{name}-{number} é中\N{OPEN BOOK}",
        int: number,
        bool: True,
        float: number + 0.5,
    }
    return simple.get(kind, anything)


def _size(depth: int) -> int:
    return 2 if depth < 6 else 0


def samples(collection: Collection[Any], desk: str, count: int = 3) -> list[Any]:
    """Return values for a collection, each with a key and unique entries of its own."""
    if collection is DESKS:
        return [evolve(sample(DeskRecord, 1), id=desk)]
    return [sample(collection.type, number) for number in range(1, count + 1)]


def conversation(number: int, **changes: Any) -> Conversation:
    """Return a conversation that waits in queue `general` since `number`."""
    made = Conversation(
        id=f"c{number}",
        state=State.QUEUED,
        place=Place("widget", "chat", "general", f"k{number}", f"visitor-{number}"),
        queue="general",
        agent=None,
        at=number,
        since=number,
        clocks=Clocks(opened_at=number, queued_at=number, contact_at=number),
    )
    return evolve(made, **changes)


def line(since: int, queue: str, conversation: str) -> Key:
    """Return the entry of `WAITING` that such a conversation has."""
    return (queue, "chat", 0, NEW, since, conversation)


def parcel(conversation: str, position: int, ready_at: int, **changes: Any) -> OutboxEntry:
    """Return an outbox entry that is pending."""
    effect = SendMessage(f"m{position}")
    return evolve(OutboxEntry(conversation, position, "widget", effect, ready_at), **changes)


# --- the oracle -----------------------------------------------------------------------------------


def entries_of(index: Index[Any], desk: str, values: Iterable[Any]) -> list[Key]:
    """Return the entries that an index must have: sorted plain tuples."""
    collection = index.collection
    names = [column.name for column in collection.columns]
    found = []
    for value in values:
        row = collection.row(value)
        plain = [tuple(row[names.index(name)] for name in index.columns if index.many is None)]
        tail = (*(() if index.desk_led else (desk,)), *collection.key(value))
        for entry in set(map(tuple, index.many(value))) if index.many else plain:
            found += [] if None in entry else [entry + tail]
    return sorted(found)


def between(entries: list[Key], prefix: Key, how: Mapping[str, Any]) -> list[Key]:
    """Return the entries within bounds, each bound compared with as many fields as it has."""
    after, until, reverse = how["after"], how["until"], how["reverse"]
    found = []
    for entry in reversed(entries) if reverse else entries:
        rest = entry[len(prefix) :]
        behind = after is None or _beyond(rest[: len(after)], after, reverse=reverse)
        before = until is None or not _beyond(rest[: len(until)], until, reverse=reverse)
        if entry[: len(prefix)] == prefix and behind and before:
            found.append(entry)
    return found[: how["limit"]]


def _beyond(some: Key, bound: Key, *, reverse: bool) -> bool:
    return some < bound if reverse else some > bound


def put_all(store: Store, desk: str, collection: Collection[Any], values: Iterable[Any]) -> None:
    """Put values in a transaction of their own."""

    def work(tx: Transaction) -> None:
        for value in values:
            tx.put(collection, desk, value)

    store.transact(work)


def all_entries(store: Store, index: Index[Any], desk: str) -> list[Key]:
    """Return every entry of an index."""
    found: list[Key] = alone(store).entries(index, desk, limit=10_000)
    return found


class Broken(Exception):
    """Raised by a unit of work on purpose."""


class _Alone:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return self._store.transact(lambda tx: getattr(tx, verb)(*args, **options))

        return call


def alone(store: Store) -> Any:
    """Return the verbs of a transaction, each call in a transaction of its own."""
    return _Alone(store)


def questions(entries: list[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Give prefixes and bounds that cut a list of entries in every place."""
    for entry in entries[:2]:
        for at in range(len(entry) + 1):
            prefix, rest = entry[:at], entry[at:]
            bounds = [(None, None), (rest, None), (None, rest), (rest[:1], None), (None, rest[:1])]
            for after, until in bounds if rest else bounds[:1]:
                for reverse in (False, True):
                    bound = {"after": after, "until": until, "reverse": reverse}
                    yield prefix, {**bound, "limit": 10 if at else 2}


def ask(
    store: Store, index: Index[Any], asked: list[tuple[Key, dict[str, Any]]]
) -> list[tuple[list[Key], list[Any]]]:
    """Return the entries and the values of each question, all in one transaction."""

    def work(tx: Transaction) -> list[tuple[list[Key], list[Any]]]:
        return [
            (tx.entries(index, ONE, prefix, **how), tx.scan(index, ONE, prefix, **how))
            for prefix, how in asked
        ]

    return store.transact(work)


def pages(store: Store, desk: str, prefix: Key, *, reverse: bool) -> Iterator[Key]:
    """Give the entries of `WAITING` page by page, each after the last entry of the page before."""
    after: Key | None = None
    for _ in range(100):
        page = alone(store).entries(WAITING, desk, prefix, after=after, limit=90, reverse=reverse)
        if not page:
            return
        yield from page
        after = page[-1][len(prefix) :]
    raise AssertionError(f"paging does not end: {page[:2]!r} comes again and again")


def in_threads(count: int, work: Callable[[], Any]) -> None:
    """Run work in several threads at once, and raise what the first of them raised."""
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            work()
        except BaseException as error:  # noqa: BLE001  (raised again below)
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
