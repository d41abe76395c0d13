"""What the store does when its server stops, restarts, stops waiting, or is a standby."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

import omniroute as om
from omniroute.model.records import ReadMarker
from omniroute.schema import DESKS, READ_MARKERS
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.drivers import Fault, driver_for
from tests.faults.check_log import check
from tests.faults.crash import DESK, prepare
from tests.faults.office import entry_point, open_desks, perform
from tests.rigs.cluster import Cluster
from tests.rigs.postgres import Server, url_of, wait_for

CONNECTIONS = 6
MESSAGE = {"desk": DESK, "do": "receive", "door": entry_point(0), "contact": "maria"}


@pytest.fixture(scope="module")
def pair():
    with Cluster() as pair:
        prepare(pair.url)
        yield pair


@pytest.fixture
def cluster(pair):
    """A primary and a synchronous standby; both may be ill-treated, and are whole again after."""
    yield pair
    pair.rebuild()


WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def wait_for_a_commit_without_answer(cluster):
    wait_for(lambda: cluster.primary.execute(WAITING), "a commit waits for the standby")


def cancel_whoever_waits_for_the_standby(cluster):
    wait_for_a_commit_without_answer(cluster)
    cluster.primary.execute(f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) AS waiting")


async def receive_async(desks):
    item = om.Inbound(
        kind=om.InboundKind.MESSAGE,
        key="async",
        address=f"{DESK}-0",
        sender=om.Sender(addresses=("maria",), name="Maria"),
        at=0,
        text="hello",
    )
    try:
        await desks.aio[DESK].receive(entry_point(0), item)
    finally:
        await desks.aio.close()


@pytest.mark.req("R4")
def test_a_commit_that_no_standby_confirmed_is_unknown(cluster):
    """PostgreSQL reports it as a success, with a warning that it is committed here only."""
    message = MESSAGE | {"mark": "unconfirmed", "key": "unconfirmed"}
    with open_desks(cluster.url) as desks, ThreadPoolExecutor(1) as pool:
        cluster.hold()
        answer = pool.submit(perform, desks, message)
        cancel_whoever_waits_for_the_standby(cluster)
        assert answer.result(60)["error"] == "CommitUnknown"

        later = pool.submit(asyncio.run, receive_async(open_desks(cluster.url)))
        cancel_whoever_waits_for_the_standby(cluster)
        with pytest.raises(om.CommitUnknown, match="canceling wait for synchronous replication"):
            later.result(60)

        cluster.primary.set("synchronous_standby_names", "")
        assert perform(desks, message)["result"] == "duplicate"


@pytest.mark.req("R4")
def test_a_commit_that_the_primary_died_in_is_unknown_and_asked_again(cluster):
    """Here it was lost. Who asks again under the same key need not know that."""
    message = MESSAGE | {"mark": "in doubt", "key": "in doubt"}
    with open_desks(cluster.url) as desks, ThreadPoolExecutor(1) as pool:
        cluster.hold()
        answer = pool.submit(perform, desks, message)
        wait_for_a_commit_without_answer(cluster)
        cluster.fail_over()
        assert answer.result(60)["error"] == "CommitUnknown"
        assert perform(desks, message)["result"] == "accepted"
        assert perform(desks, message)["result"] == "duplicate"
    report = check(cluster.primary.url)
    assert not report.found, str(report)


@pytest.mark.parametrize(
    "error, fault",
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), Fault.GONE),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), Fault.GONE),
        (psycopg.errors.AdminShutdown(), Fault.GONE),
        (psycopg.errors.CannotConnectNow(), Fault.GONE),
        (psycopg.errors.TooManyConnections(), Fault.GONE),
        (psycopg.errors.IdleInTransactionSessionTimeout(), Fault.GONE),
        (psycopg.errors.ReadOnlySqlTransaction(), Fault.GONE),
        (psycopg.errors.SerializationFailure(), Fault.LOST),
        (psycopg.errors.DeadlockDetected(), Fault.LOST),
        (psycopg.errors.LockNotAvailable(), Fault.LOST),
        (psycopg.errors.UniqueViolation(), Fault.UNIQUE),
        (psycopg.errors.CheckViolation(), Fault.OTHER),
        (psycopg.errors.QueryCanceled(), Fault.OTHER),
        (psycopg.ProgrammingError("the query has 1 placeholder"), Fault.OTHER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_what_an_error_means(error, fault):
    assert driver_for("postgresql", psycopg).judge(error) is fault


def test_a_standby_takes_no_commands_and_says_so(cluster):
    with open_desks(url_of(cluster.standby.port)) as desks:
        assert desks[DESK].id == DESK, "it can be read from"
        answer = perform(desks, MESSAGE | {"mark": "standby", "key": "standby"})
    assert answer["retry"]
    assert "gave up after 9 tries" in answer["text"]
    assert "read-only transaction" in answer["text"]


def mark(number):
    return lambda tx: tx.put(READ_MARKERS, DESK, ReadMarker("ana", "c", number))


def open_many(store):
    """Leave so many connections in the pool."""
    together = Barrier(CONNECTIONS)

    def work(tx):
        tx.get(DESKS, DESK, ())
        together.wait(60)

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for done in [threads.submit(store.transact, work) for _ in range(CONNECTIONS)]:
            done.result()


def test_a_restart_is_noticed_once_and_not_once_for_each_connection():
    with Server() as server:
        store = SqlStore(server.url, durability="normal", retries=1, pool_size=CONNECTIONS)
        store.transact(mark(1))
        open_many(store)
        server.stop()
        server.start()
        store.transact(mark(2))
        found = store.transact(lambda tx: tx.get(READ_MARKERS, DESK, ("ana", "c")))
        assert found == ReadMarker("ana", "c", 2)
        store.close()


def test_a_server_that_is_away_is_a_store_error():
    with Server() as server:
        pauses: list[float] = []
        store = SqlStore(server.url, durability="normal", sleep=pauses.append)
        store.transact(mark(1))
        server.stop()
        with pytest.raises(om.StoreError, match=r"gave up after 9 tries.*refused"):
            store.transact(mark(2))
        assert pauses == sorted(pauses)
        assert len(pauses) == 8
        store.close()
