"""The world around one desk: a store, a clock that is moved by hand, a provider that answers as told.

Everything is drawn from the same seeds, so that two worlds in which the same is done are equal.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from attrs import define, field, frozen
from sqlalchemy import select

import omniroute as om
from omniroute.clock import ManualClock
from omniroute.codec import encode
from omniroute.desk import Desk, Desks
from omniroute.ids import SeededIds
from omniroute.instants import HOUR, to_micros
from omniroute.model.desk_config import (
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    Overtake,
    PolicySettings,
    ResumeTo,
    Resuming,
)
from omniroute.model.sla import SlaHours, SlaTargets
from omniroute.model.wire import OutRequest, OutResponse
from omniroute.ports import Store, Transaction
from omniroute.schema import Collection, Key
from omniroute.stores.sql import SqlStore
from omniroute.testing.playing import MONDAY
from omniroute.testing.scripted import ScriptedPlugin
from tests.conftest import example
from tests.property.book import Book
from tests.property.silence_oracle import HOURS

T = TypeVar("T")

DESK = "acme"


# --- configuration --------------------------------------------------------------------------------


def desk_config(book: Book) -> DeskConfig:
    """The configuration that a book describes."""
    limits = om.Capacity(*book.limits)
    return DeskConfig(
        desk=DESK,
        zone="Europe/Berlin",
        preset=book.preset,
        policy=_settings(
            book,
            "",
            capacity={"messaging": limits},
            agent_initiated=True,
            hours=HOURS if book.closes else None,
            **book.texts,
        ),
        inboxes={name: _inbox(book, name) for name in book.trees},
        entry_points={name: _entry_point(book, name) for name in book.entries},
        groups={name: GroupConfig(serves=tuple(each)) for name, each in book.groups.items()},
    )


def _inbox(book: Book, name: str) -> InboxConfig:
    slas = {entry.inbox: entry.sla for entry in book.entries.values()}
    return InboxConfig(
        sla=slas.get(name, 60_000_000),
        primary_for=tuple(dict.fromkeys(e.channel for e in book.entries.values()))
        if name == next(iter(book.trees))
        else (),
        queues=_nodes(book.trees[name]),
        policy=_settings(book, name),
        targets=SlaTargets(hours=SlaHours.CALENDAR),
        at={
            place.removeprefix(f"{name}/"): _settings(book, place)
            for place in book.layers
            if place.startswith(f"{name}/")
        },
    )


def _nodes(tree: Any) -> tuple[QueueNode, ...]:
    return tuple(QueueNode(name, _nodes(below)) for name, below in tree.items())


def _settings(book: Book, place: str, **more: Any) -> PolicySettings:
    made: dict[str, Callable[[Any], Any]] = {
        "assignment": Assignment,
        "overtake": Overtake,
        "distribution": om.Distribution,
        "after_end": lambda given: AfterEnd(AfterEndTo(given[0]), given[1]),
        "resume_to": lambda given: Resuming(ResumeTo(given[0]), given[1]),
    }
    values: dict[str, Any] = {
        name: made[name](value) for name, value in book.layers.get(place, {}).items()
    }
    return PolicySettings(**values, **more)


def _entry_point(book: Book, name: str) -> EntryPointConfig:
    entry, first = book.entries[name], next(iter(book.trees))
    override = None if entry.inbox == first else Override(inbox=entry.inbox, sla=entry.sla)
    return EntryPointConfig(
        channel=entry.channel, address=entry.address, override=override, queue=entry.queue
    )


# --- the provider ---------------------------------------------------------------------------------


@frozen
class Attempt:
    """One try to send a message, and what the provider made of it."""

    message: str
    outcome: str


@define
class Provider:
    """Answers `script`, one word for each request, then `accepted`."""

    attempts: list[Attempt] = field(factory=list)
    script: list[str] = field(factory=list)
    early: Callable[[str], None] | None = None

    def perform(self, request: OutRequest) -> OutResponse:
        outcome = self.script.pop(0) if self.script else "accepted"
        body = json.loads(request.body)
        provider_id = f"sent-{body['message']}"
        if outcome == "overtaken" and self.early is not None:
            # The status arrives before the answer that tells the message's id.
            self.early(provider_id)
        self.attempts.append(Attempt(body["message"], outcome))
        if outcome in ("accepted", "overtaken"):
            return OutResponse(status=200, body=json.dumps({"id": provider_id}).encode())
        if outcome == "retryable":
            return OutResponse(error="refused", sent=False)
        if outcome == "permanent":
            return OutResponse(status=400, body=b"no such number")
        return OutResponse(error="timeout")


# --- stores ---------------------------------------------------------------------------------------

Values = dict[tuple[object, ...], tuple[int, str]]
"""Every stored value as its canonical text and version, by collection, desk and key."""


@define
class Kept:
    """A store, ways to see all that is in it, and how it is opened anew, as after a restart."""

    store: Store
    contents: Callable[[], Any]
    values: Callable[[], Values]
    reopened: Callable[[], Store] | None = None

    def restart(self) -> None:
        """Close the store and open it again, where it outlives its process."""
        if self.reopened is not None:
            self.store.close()
            self.store = self.reopened()


def memory_store(folder: Path) -> Kept:
    """A store that ends with its process."""
    store = om.MemoryStore()
    return Kept(store, lambda: _cells(store), lambda: _encoded(store))


def journal_store(folder: Path) -> Kept:
    """The example of a storage backend of another kind."""
    path, opened = folder / "desk.journal", example("journal_store").JournalStore
    kept = Kept(opened(path), path.read_bytes, dict, lambda: opened(path))
    kept.values = lambda: _encoded(cast("Any", kept.store)._tables)
    return kept


def sqlite_store(folder: Path) -> Kept:
    """A database in a file, whose tables are there already."""
    path = folder / "desk.db"
    shutil.copy(_empty_sqlite(), path)
    return _sql(f"sqlite:///{path}")


def postgres_store(url: str) -> Kept:
    """The same database for every story, emptied: to make its tables anew is slow."""
    kept = _sql(url)
    store = cast("SqlStore", kept.store)
    store.create_tables()
    with store.engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in store.tables.metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
    return kept


def _sql(url: str) -> Kept:
    # To wait for the disk would be most of what these tests do, and none of them pulls a plug.
    opened = partial(SqlStore, url, durability="normal")
    store = opened()
    kept = Kept(store, dict, dict, opened)
    kept.contents = lambda: _rows(cast("SqlStore", kept.store))
    kept.values = lambda: _bodies(cast("SqlStore", kept.store))
    return kept


def _rows(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    with store.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in store.tables.metadata.sorted_tables
        }


def _bodies(store: SqlStore) -> Values:
    found: Values = {}
    with store.engine.connect() as connection:
        for collection, table in store.tables.main.items():
            led = ("desk_id",) if collection.desk_led else ()
            key = (*led, *(column.name for column in collection.key_columns))
            for row in connection.execute(select(table)).mappings():
                name = (collection.name, *(row[each] for each in key))
                found[name] = (row["body_version"], row["body"])
    return found


def _cells(store: om.MemoryStore) -> dict[tuple[str, Collection[Any]], dict[Key, Any]]:
    return {
        (desk, collection): dict(table.cells)
        for desk, tables in store._space.desks.items()
        for collection, table in tables.items()
        if table.cells  # an empty one was made for whoever looked into it
    }


def _encoded(store: om.MemoryStore) -> Values:
    return {
        (collection.name, *([desk] if collection.desk_led else []), *key): (
            collection.version,
            encode(collection, value),
        )
        for (desk, collection), cells in _cells(store).items()
        for key, value in cells.items()
    }


@cache
def _empty_sqlite() -> Path:
    """A database with its tables, to be copied: to make them anew is slow."""
    folder = tempfile.mkdtemp(prefix="desk-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.db"
    store = SqlStore(f"sqlite:///{path}")
    store.create_tables()
    store.close()
    return path


STORES: dict[str, Callable[[Path], Kept]] = {
    "memory": memory_store,
    "sqlite": sqlite_store,
    "journal": journal_store,
}


# --- one desk in it -------------------------------------------------------------------------------


class World:
    """One desk on one store."""

    def __init__(self, book: Book, kept: Kept) -> None:
        self.book = book
        self.kept = kept
        # What closes is closed when it begins: that is where its texts have most to say.
        self.clock = ManualClock(to_micros(MONDAY) + (9 * HOUR if book.closes else 0))
        self.ids = SeededIds()
        self.provider = Provider()
        self.read_to = 0
        self.desk = self._open().create(desk_config(book))

    def _open(self) -> Desks:
        channels = tuple(dict.fromkeys(each.channel for each in self.book.entries.values()))
        self.desks = Desks(
            self.kept.store,
            plugins=[ScriptedPlugin(channels)],
            discover=False,
            builtin=False,
            clock=self.clock,
            ids=self.ids,
            transport=self.provider,
        )
        return self.desks

    def restart(self) -> Desk:
        """Another process takes over: nothing is left but what is stored (X5)."""
        self.kept.restart()
        self.desk = self._open()[DESK]
        return self.desk

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.kept.store.transact(work)

    def get(self, collection: Collection[T], *key: Any) -> T:
        found = self.read(lambda tx: tx.get(collection, DESK, key))
        assert found is not None
        return found

    def news(self) -> Iterator[om.Change]:
        """What was committed since the last look."""
        for change in self.desk.changes(self.read_to):
            self.read_to = change.position
            yield change

    def close(self) -> None:
        self.desks.close()
