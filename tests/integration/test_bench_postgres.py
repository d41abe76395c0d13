"""The benchmarks on PostgreSQL compare like with like, and judge what they measure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from benchmarks import bench_claim, hot_desk, servers
from benchmarks.bench_hot_desk import pgbench
from benchmarks.bench_stored_step import (
    desks_on,
    rehearsed_on_postgres,
    seeded,
    sourced_replies,
)
from benchmarks.peers import raw_postgres
from benchmarks.peers.claims import Procrastinate, bare_claim, replayed
from omniroute.model.events import Assigned
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


# --- claims ---------------------------------------------------------------------------------------


def test_equal_work_leaves_the_same_tables_as_a_claim(server: servers.Server) -> None:
    url = server.database("claims")
    with bench_claim.open_desks(url) as desks:
        bench_claim.fill(desks["pull"], 3)
    servers.copied(server, "claims", "claims-raw")
    with (
        bench_claim.open_desks(url) as desks,
        servers.raw(server, "claims", autocommit=True) as ours,
        servers.raw(server, "claims-raw") as raw,
    ):
        acts = list(itertools.islice(bench_claim.claims(desks["pull"]), 3))
        for step in replayed(ours, acts, "pull", "ana"):
            raw_postgres.run(raw, raw.cursor(), step)
        assert raw_postgres.tables(raw) == raw_postgres.tables(ours)
        assert len(desks["pull"].conversations(agent="ana").items) == 3


def test_a_bare_claim_takes_each_once(server: servers.Server) -> None:
    server.database("bare")
    with servers.raw(server, "bare") as connection:
        bench_claim.fill_bare(connection, 2)
        claim = bare_claim(connection)
        claim()
        claim()
        with pytest.raises(AssertionError, match="nobody waits"):
            claim()


def test_procrastinate_hands_out_each_job_once(server: servers.Server) -> None:
    pytest.importorskip("procrastinate", reason="a peer: pip install procrastinate")
    server.database("jobs")
    jobs = Procrastinate(server.dsn.replace("dbname=postgres", "dbname=jobs"), 2)
    try:
        jobs.claim(1)
        jobs.claim(1)
        with pytest.raises(AssertionError, match="nobody waits"):
            jobs.claim(1)
    finally:
        jobs.close()


# --- one hot desk ---------------------------------------------------------------------------------


def test_workers_drain_a_hot_desk_in_order(server: servers.Server) -> None:
    url = server.database("hot")
    desks, desk = hot_desk.open_desk(url)
    hot_desk.make_warm(desks, 2)
    hot_desk.fill(desk, 80)
    shares = [[(agent, "") for agent in hot_desk.seats(2, each)[:2]] for each in range(2)]
    with hot_desk.workers(2) as team:
        assert hot_desk.work(team, url, shares) > 0
        assert hot_desk.judge(desk, 0) == 80
        held = desk.conversations(agent="a00", limit=3).items
        position = max(change.position for change in desk.changes())
        hot_desk.fill(desk, 80)  # the same messages again: nobody new
        assert hot_desk.work(team[:1], url, [[("a00", each.id) for each in held]]) > 0
        assert hot_desk.judge(desk, position) == 0
    desks.close()


def test_the_judge_sees_what_came_out_of_order(server: servers.Server) -> None:
    desks, desk = hot_desk.open_desk(server.database("judged"))
    hot_desk.fill(desk, 8)
    desk.set_available("a00")
    changes = list(desk.changes())
    given = [number for number, each in enumerate(changes) if isinstance(each.event, Assigned)]
    first, second = given[:2]
    one, two = changes[first], changes[second]
    changes[first], changes[second] = evolve(one, event=two.event), evolve(two, event=one.event)

    class _Told:
        staff = desk.staff

        def changes(self) -> list[Any]:
            return changes

    with pytest.raises(AssertionError, match="out of order"):
        hot_desk.judge(_Told(), 0)  # type: ignore[arg-type]
    desks.close()


def test_pgbench_tells_its_rate(server: servers.Server) -> None:
    servers.pgbench(server, "-i", "-q", "-s", 1)
    assert 0 < pgbench(server) < 1
