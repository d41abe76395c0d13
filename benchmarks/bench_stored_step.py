"""A stored step end to end: an agent who holds a conversation replies, through the public desk.

One call locks the desk, loads, checks what the channel carries, decides, looks at deadlines, writes
the conversation, its event, the message and the outbox, and commits. Everything is as a host has
it: the machine's clock, random ids, datetimes at the face.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import omniroute as om
from benchmarks.harness import Bench, Contestant, Figure, at_most, benchmark, no_goal
from benchmarks.peers import raw_sqlite
from omniroute.stores.sql import SqlStore

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
        race = bench.race(reply=_round(replies(desk, seeded(desk))), receive=_round(messages(desk)))
    yield at_most("stored-step/memory", race.median("reply") * 1e6, 10, unit="us")
    yield no_goal("stored-step/memory receive", race.median("receive") * 1e6, unit="us")


@benchmark("stored-step-sqlite")
def sqlite(bench: Bench) -> Iterator[Figure]:
    """The same on SQLite (WAL, synchronous NORMAL), the reply beside raw sqlite3."""
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.db"
        with desks_on(sqlite_store(ours)) as desks:
            held = seeded(desks["acme"])
        raw = raw_sqlite.copied(ours, "raw.db")
        steps = rehearsed(raw_sqlite.copied(ours, "rehearsal.db"), held, ROUND * (bench.rounds + 1))
        with desks_on(sqlite_store(ours)) as desks, closing(raw_sqlite.connect(raw)) as connection:
            desk, cursor = desks["acme"], connection.cursor()
            race = bench.race(
                ours=_round(replies(desk, held)),
                raw=_round(partial(step.run, cursor) for step in steps),
            )
            more = bench.race(receive=_round(messages(desk)))
    yield race.at_most("stored-step/sqlite", 2.2, peer="raw")
    yield no_goal("stored-step/sqlite receive", more.median("receive") * 1e6, unit="us")


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


def rehearsed(
    path: Path, held: Sequence[str], count: int, **options: Any
) -> list[raw_sqlite.RawStep]:
    """Return what raw code does instead of so many replies, rehearsed in this database."""
    with desks_on(sqlite_store(path), **options) as desks:
        acts = zip(itertools.cycle(held), replies(desks["acme"], held))
        return raw_sqlite.rehearsed(path, "acme", "ana", itertools.islice(acts, count))


def _round(calls: Iterator[Callable[[], object]]) -> Contestant:
    """Return a contestant that times the next calls, and gives what one of them cost."""

    def contestant() -> float:
        turn = list(itertools.islice(calls, ROUND))
        start = time.perf_counter()
        for call in turn:
            call()
        return (time.perf_counter() - start) / len(turn)

    return contestant
