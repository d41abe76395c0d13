"""Claiming the next waiting conversation on PostgreSQL, where agents pull their work.

Ours is the `claim` preset through the public desk: `take_next`, one transaction that locks the desk,
finds who comes first of all that the agent may take, checks policy and capacity, and writes the
conversation, its event, the agent's load and place in line, and the desk's row.

Beside it: the bare statement, one CTE with RETURNING on a table made for nothing else, which keeps no
event and knows no capacity; the same reads and rows as ours by raw psycopg, which decides nothing;
and procrastinate's own call for the next job, as its worker makes it: it marks the job and adds an
event by a trigger. The
server does not wait for the disk, for anybody.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import omniroute as om
from benchmarks import servers
from benchmarks.bench_stored_step import round_of
from benchmarks.harness import Bench, Figure, benchmark, peer
from benchmarks.peers import raw_postgres
from benchmarks.peers.claims import BARE_TABLE, Procrastinate, bare_claim, replayed
from omniroute.stores.sql import SqlStore
from omniroute.testing.scripted import ScriptedPlugin

ROUND: Final = 25
_ROOM: Final = 10_000


@benchmark("claim-postgres")
def claim(bench: Bench) -> Iterator[Figure]:
    """Claiming the next waiting conversation beside one CTE, equal raw work, and procrastinate."""
    with peer("procrastinate"):
        import procrastinate  # noqa: F401  (says at once what is missing)
    waiting = ROUND * (bench.rounds + 2)
    with warnings.catch_warnings(), servers.postgres(synchronous_commit=False) as server:
        warnings.simplefilter("ignore", om.DurabilityWarning)
        with open_desks(server.database("ours")) as desks:
            fill(desks["pull"], waiting)
        servers.copied(server, "ours", "raw")
        servers.copied(server, "ours", "rehearsal")
        for name in ("bare", "jobs"):
            server.database(name)
        with (
            open_desks(servers.url(server, "rehearsal")) as desks,
            servers.raw(server, "rehearsal", autocommit=True) as connection,
        ):
            acts = list(itertools.islice(claims(desks["pull"]), ROUND * (bench.rounds + 1)))
            steps = replayed(connection, acts, "pull", "ana")
        theirs = Procrastinate(server.dsn.replace("dbname=postgres", "dbname=jobs"), waiting)
        with (
            open_desks(servers.url(server, "ours")) as desks,
            servers.raw(server, "raw") as raw,
            servers.raw(server, "bare") as bare,
        ):
            fill_bare(bare, waiting)
            cursor = raw.cursor()
            race = bench.race(
                ours=round_of(claims(desks["pull"]), ROUND),
                equal=round_of((partial(raw_postgres.run, raw, cursor, s) for s in steps), ROUND),
                cte=round_of(itertools.repeat(bare_claim(bare)), ROUND),
                procrastinate=partial(theirs.claim, ROUND),
            )
        theirs.close()
    yield race.at_most("claim/postgres, equal raw work", 1.3, peer="equal")
    yield race.at_least("claim/postgres, procrastinate", 2.5, peer="procrastinate")
    yield race.beside("claim/postgres, one bare CTE", peer="cte")


def open_desks(url: str) -> om.Desks:
    """Open a database's desks, with one where agents claim."""
    plugins = [ScriptedPlugin(("chat",))]
    desks = om.Desks(SqlStore(url), plugins=plugins, discover=False, builtin=False)
    if "pull" not in desks:
        capacity = {"messaging": {"goal": _ROOM, "soft_max": _ROOM, "hard_max": _ROOM}}
        config = {
            "desk": "pull",
            "zone": "UTC",
            "preset": "claim",
            "policy": {"capacity": capacity},
            "inboxes": {"general": {"sla": "1h", "primary_for": ["chat"]}},
            "entry_points": {"main": {"channel": "chat", "address": "main"}},
            "agents": {"ana": {"serves": ["general"]}},
        }
        desks.create(om.load_config(config)).set_available("ana")
    return desks


def fill(desk: om.Desk, waiting: int) -> None:
    """Let so many contacts write."""
    for number in range(waiting):
        message = om.Inbound(
            kind=om.InboundKind.MESSAGE,
            key=f"k{number}",
            address="main",
            sender=om.Sender(addresses=(f"contact-{number}",)),
            text="Hello",
        )
        desk.receive("main", message)


def fill_bare(connection: Any, waiting: int) -> None:
    """Make the bare table, with as many rows of about the same size."""
    connection.execute(BARE_TABLE)
    connection.execute(
        "INSERT INTO waiting SELECT 'c_' || n, 'queued', n, NULL, repeat('x', 700)"
        " FROM generate_series(1, %s) AS n",
        (waiting,),
    )
    connection.commit()


def claims(desk: om.Desk) -> Iterator[Callable[[], str]]:
    """Give calls by which an agent takes who comes next; each returns who that was."""

    def next_one() -> str:
        taken = desk.take_next(by="ana")
        if taken is None:
            raise AssertionError("nobody waits")
        return taken.id

    return itertools.repeat(next_one)
