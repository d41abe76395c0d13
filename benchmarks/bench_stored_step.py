"""A stored step end to end: an agent who holds a conversation replies, through the public desk.

One call locks the desk, loads, checks what the channel carries, decides, looks at deadlines, writes
the conversation, its event, the message and the outbox, and commits. Everything is as a host has
it: the machine's clock, random ids, datetimes at the face.
"""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, MetaData

import omniroute as om
from benchmarks import servers
from benchmarks.harness import Bench, Contestant, Figure, at_most, benchmark, no_goal, peer
from benchmarks.peers import orm, raw_postgres, raw_sqlite, rows
from benchmarks.peers.rows import Query, Step
from omniroute.stores.sql import SqlStore

if TYPE_CHECKING:
    from benchmarks.peers.sourced import Helpdesk

CONVERSATIONS: Final = 100
ROUND: Final = 100
TEXT: Final = "Good morning, your parcel is on its way and arrives tomorrow."
ADDRESS: Final = "106540352242922"
CONFIG: Final = {
    "desk": "acme",
    "zone": "Europe/Berlin",
    "inboxes": {"general": {"sla": 15, "primary_for": ["whatsapp"]}},
    "accounts": {
        "meta": {"app_secret": {"env": "APP_SECRET"}, "access_token": {"env": "ACCESS_TOKEN"}}
    },
    "entry_points": {"wa-main": {"channel": "whatsapp", "address": ADDRESS, "account": "meta"}},
    "agents": {
        "ana": {
            "serves": ["general"],
            "capacity": {"messaging": {"goal": 500, "soft_max": 500, "hard_max": 500}},
        }
    },
}


@benchmark("stored-step-memory")
def memory(bench: Bench) -> Iterator[Figure]:
    """An agent's reply through the public desk in memory, and a contact's message."""
    with desks_on(om.MemoryStore()) as desks:
        desk = desks["acme"]
        race = bench.race(
            reply=round_of(replies(desk, seeded(desk))), receive=round_of(messages(desk))
        )
    yield at_most("stored-step/memory", race.median("reply") * 1e6, 10, unit="us")
    yield no_goal("stored-step/memory receive", race.median("receive") * 1e6, unit="us")


@benchmark("stored-step-sqlite")
def sqlite(bench: Bench) -> Iterator[Figure]:
    """The same on SQLite (WAL, synchronous NORMAL), the reply beside raw sqlite3, ORM, eventsourcing.

    The ORM writes the same rows; eventsourcing stores its one event and notification, and syncs at
    every commit, as it does by itself.
    """
    with peer("eventsourcing"):
        from benchmarks.peers.sourced import Helpdesk
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.db"
        with desks_on(sqlite_store(ours)) as desks:
            held = seeded(desks["acme"])
        raw = raw_sqlite.copied(ours, "raw.db")
        orm_engine = orm.engine(f"sqlite:///{raw_sqlite.copied(ours, 'orm.db')}")
        steps = rehearsed(raw_sqlite.copied(ours, "rehearsal.db"), held, ROUND * (bench.rounds + 1))
        with (
            desks_on(sqlite_store(ours)) as desks,
            closing(raw_sqlite.connect(raw)) as connection,
            Helpdesk.in_sqlite(str(Path(folder) / "sourced.db")) as sourced,
        ):
            desk, cursor = desks["acme"], connection.cursor()
            race = bench.race(
                ours=round_of(replies(desk, held)),
                raw=round_of(
                    partial(raw_sqlite.run, cursor, raw_sqlite.prepared(step)) for step in steps
                ),
                orm=round_of(mapped(orm_engine, steps)),
                eventsourcing=round_of(sourced_replies(sourced)),
            )
            more = bench.race(receive=round_of(messages(desk)))
        orm_engine.dispose()
    yield race.at_most("stored-step/sqlite", 2.2, peer="raw")
    yield race.beside("stored-step/sqlite, SQLAlchemy ORM", peer="orm")
    yield race.beside("stored-step/sqlite, eventsourcing", peer="eventsourcing")
    yield no_goal("stored-step/sqlite receive", more.median("receive") * 1e6, unit="us")


@benchmark("stored-step-postgres")
def postgres(bench: Bench) -> Iterator[Figure]:
    """The same on PostgreSQL (synchronous_commit off), beside raw psycopg, ORM, eventsourcing.

    The server is told not to wait for the disk, so nobody does. One connection is kept and
    statements are prepared on all sides.
    """
    with peer("eventsourcing"):
        from benchmarks.peers.sourced import Helpdesk
    with warnings.catch_warnings(), servers.postgres(synchronous_commit=False) as server:
        warnings.simplefilter("ignore", om.DurabilityWarning)
        ours = server.database("ours")
        with desks_on(SqlStore(ours)) as desks:
            held = seeded(desks["acme"])
        orm_engine = orm.engine(servers.copied(server, "ours", "orm"))
        servers.copied(server, "ours", "raw")
        servers.copied(server, "ours", "rehearsal")
        server.database("sourced")
        steps = rehearsed_on_postgres(server, "rehearsal", held, ROUND * (bench.rounds + 1))
        with (
            desks_on(SqlStore(ours)) as desks,
            servers.raw(server, "raw") as connection,
            Helpdesk.in_postgres(
                servers.HOST, server.port, servers.SUPERUSER, "sourced"
            ) as sourced,
        ):
            desk, cursor = desks["acme"], connection.cursor()
            race = bench.race(
                ours=round_of(replies(desk, held)),
                raw=round_of(
                    partial(raw_postgres.run, connection, cursor, raw_postgres.prepared(step))
                    for step in steps
                ),
                orm=round_of(mapped(orm_engine, steps)),
                eventsourcing=round_of(sourced_replies(sourced)),
            )
            more = bench.race(receive=round_of(messages(desk)))
        orm_engine.dispose()
    yield race.at_most("stored-step/postgres", 1.3, peer="raw")
    yield race.beside("stored-step/postgres, SQLAlchemy ORM", peer="orm")
    yield race.beside("stored-step/postgres, eventsourcing", peer="eventsourcing")
    yield no_goal("stored-step/postgres receive", more.median("receive") * 1e6, unit="us")


def desks_on(store: om.Store, **options: Any) -> om.Desks:
    """Return the desks of a store, which holds the benchmark's desk."""
    desks = om.Desks(store, discover=False, reveal=lambda _: om.Secret("s3cret"), **options)
    if "acme" not in desks:
        desks.create(om.load_config(CONFIG))
    return desks


def sqlite_store(path: Path) -> om.Store:
    """Return a store that syncs as raw code does here: not at every commit."""
    return SqlStore(f"sqlite:///{path}", durability="normal")


def seeded(desk: om.Desk) -> list[str]:
    """Let contacts write and an agent answer each; return the conversations that the agent holds."""
    desk.set_available("ana")
    for message in itertools.islice(messages(desk), CONVERSATIONS):
        message()
    held = [each.id for each in desk.conversations(agent="ana", limit=CONVERSATIONS)]
    for reply in itertools.islice(replies(desk, held), CONVERSATIONS):
        reply()
    return held


def replies(desk: om.Desk, held: Sequence[str]) -> Iterator[Callable[[], om.MessageView]]:
    """Give calls by which the agent replies in one conversation after the other."""
    for conversation in itertools.cycle(held):
        yield partial(desk.reply, conversation, TEXT, by="ana")


def messages(desk: om.Desk) -> Iterator[Callable[[], om.Received]]:
    """Give calls by which one contact after the other writes, again and again."""
    for number in itertools.count():
        message = om.Inbound(
            kind=om.InboundKind.MESSAGE,
            key=f"wamid.HBgMNDkxNTE{next(_KEYS):012}",
            address=ADDRESS,
            sender=om.Sender(addresses=(f"4915100{number % CONVERSATIONS:05}",), name="Maria"),
            text="Hello, could you tell me where my parcel is?",
        )
        yield partial(desk.receive, "wa-main", message)


_KEYS = itertools.count()


def rehearsed(path: Path, held: Sequence[str], count: int, **options: Any) -> list[Step]:
    """Return what so many replies do to the database, rehearsed in this one."""
    with (
        desks_on(sqlite_store(path), **options) as desks,
        closing(sqlite3.connect(path)) as connection,
    ):
        return _rehearsed(desks["acme"], raw_sqlite.query(connection), held, count)


def rehearsed_on_postgres(
    server: servers.Server, database: str, held: Sequence[str], count: int, **options: Any
) -> list[Step]:
    """Return what so many replies do to the database, rehearsed in this one of a server."""
    url = servers.url(server, database)
    with (
        desks_on(SqlStore(url), **options) as desks,
        servers.raw(server, database, autocommit=True) as connection,
    ):
        return _rehearsed(desks["acme"], raw_postgres.query(connection), held, count)


def _rehearsed(desk: om.Desk, query: Query, held: Sequence[str], count: int) -> list[Step]:
    acts = zip(itertools.cycle(held), replies(desk, held))
    return rows.rehearsed(query, "acme", "ana", itertools.islice(acts, count))


def mapped(engine: Engine, steps: Iterable[Step]) -> Iterator[Callable[[], None]]:
    """Give calls by which the ORM does what the library did."""
    names = {key.table for step in steps for key, _ in step.reads}
    names |= {new.table for step in steps for new in step.new}
    metadata = MetaData()
    metadata.reflect(engine, only=sorted(names))
    classes = orm.Mapped(list(metadata.tables.values()))
    for step in steps:
        yield partial(classes.run, engine, step)


def sourced_replies(helpdesk: Helpdesk) -> Iterator[Callable[[], None]]:
    """Give calls by which an agent replies in one aggregate after the other."""
    held = [
        helpdesk.open("wa-main", f"4915100{number:05}", TEXT, "ana")
        for number in range(CONVERSATIONS)
    ]
    for conversation in held:
        helpdesk.reply(conversation, "ana", TEXT)
    for conversation in itertools.cycle(held):
        yield partial(helpdesk.reply, conversation, "ana", TEXT)


def round_of(calls: Iterator[Callable[[], object]], number: int = ROUND) -> Contestant:
    """Return a contestant that times the next calls, and gives what one of them cost."""

    def contestant() -> float:
        turn = list(itertools.islice(calls, number))
        start = time.perf_counter()
        for call in turn:
            call()
        return (time.perf_counter() - start) / len(turn)

    return contestant
