"""The benchmarks on PostgreSQL compare like with like, and judge what they measure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from benchmarks import servers
from benchmarks.bench_stored_step import (
    desks_on,
    rehearsed_on_postgres,
    seeded,
    sourced_replies,
)
from benchmarks.peers import raw_postgres
from omniroute.stores.sql import SqlStore


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.postgres(synchronous_commit=False) as server:
        yield server


def test_raw_psycopg_leaves_the_same_tables_and_bytes(server: servers.Server) -> None:
    with desks_on(SqlStore(server.database("ours"), durability="normal")) as desks:
        held = seeded(desks["acme"])
    servers.copied(server, "ours", "raw")
    steps = rehearsed_on_postgres(server, "ours", held, 3)
    with servers.raw(server, "raw") as raw, servers.raw(server, "ours") as ours:
        before = raw_postgres.tables(raw)
        raw.commit()
        for step in steps:
            raw_postgres.run(raw, raw.cursor(), raw_postgres.prepared(step))
        after = raw_postgres.tables(raw)
        assert after == raw_postgres.tables(ours)
    assert sum(after[name] != before[name] for name in after) == 5


def test_an_aggregate_of_eventsourcing_keeps_every_reply(server: servers.Server) -> None:
    pytest.importorskip("eventsourcing", reason="a peer: pip install eventsourcing")
    from benchmarks.peers.sourced import Helpdesk

    server.database("sourced")
    with Helpdesk.in_postgres(servers.HOST, server.port, servers.SUPERUSER, "sourced") as helpdesk:
        for act in itertools.islice(sourced_replies(helpdesk), 3):
            act()
        assert helpdesk.recorder.max_notification_id() == 100 * 3 + 3  # opened, assigned, replied
