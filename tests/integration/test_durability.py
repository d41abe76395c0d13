"""What a commit is worth: warnings on weaker settings, commits nobody knows about, and the host's DSN."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, event

import omniroute as om
from omniroute.errors import CommitUnknown
from omniroute.model.records import DeskRecord
from omniroute.schema import AGENTS, DESKS
from omniroute.stores.sql import SqlStore
from omniroute.testing import an_agent
from omniroute.testing.store_conformance.values import ONE, alone
from tests.rigs.postgres import HOST, Port, Server, url_of, wait_for


def warned(store: SqlStore) -> list[str]:
    """The warnings of a store's first use; later uses give none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alone(store).put(DESKS, ONE, DeskRecord(ONE))
        first = len(caught)
        alone(store).get(DESKS, ONE, ())
        assert len(caught) == first
    assert {each.category for each in caught} <= {om.DurabilityWarning}
    return [str(each.message) for each in caught]


def only(found: list[str], *parts: str) -> None:
    assert len(found) == len(parts), found
    for part in parts:
        assert sum(part in each for each in found) == 1, (part, found)


# --- SQLite ---------------------------------------------------------------------------------------


def hosts_engine(path: Path, *pragmas: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return engine


@pytest.mark.parametrize(
    "pragmas,parts",
    [
        ((), ()),
        (("journal_mode = WAL", "synchronous = FULL"), ()),
        (("synchronous = EXTRA",), ()),
        (("synchronous = OFF",), ("synchronous is '0': a loss of power can destroy",)),
        (("journal_mode = WAL", "synchronous = NORMAL"), ("synchronous is '1': a loss of power",)),
        (("journal_mode = MEMORY",), ("journal_mode is 'memory': a process that ends",)),
        (("journal_mode = OFF", "synchronous = OFF"), ("journal_mode is 'off'", "synchronous")),
    ],
)
def test_a_hosts_engine_that_promises_less_is_named(
    tmp_path: Path, pragmas: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    engine = hosts_engine(tmp_path / "desk.db", *pragmas)
    only(warned(SqlStore(engine)), *parts)
    engine.dispose()


def test_what_was_asked_for_is_no_surprise(tmp_path: Path) -> None:
    engine = hosts_engine(tmp_path / "desk.db", "synchronous = OFF")
    assert warned(SqlStore(engine, durability="normal")) == []
    engine.dispose()
    for store in (SqlStore(f"sqlite:///{tmp_path / 'own.db'}"), SqlStore("sqlite://")):
        assert warned(store) == []
        store.close()


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of this module's own: its settings change."""
    with Server() as server:
        yield server


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("migrated", [False, True])
def test_no_database_keeps_a_load_below_zero(
    tmp_path: Path, server: Server, database: str, *, migrated: bool
) -> None:
    """Whatever goes wrong in a count, it is not stored: the command fails, and says so."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if database == "postgresql":
        url = server.database(f"load_{migrated}".lower())
    if migrated:
        om.sql.upgrade(url)
    store = SqlStore(url)
    alone(store).put(AGENTS, ONE, an_agent(load=0))
    with pytest.raises(om.StoreError, match="refused"):
        alone(store).put(AGENTS, ONE, an_agent(load=-1))
    assert alone(store).get(AGENTS, ONE, (an_agent().id,)).load == 0
    store.close()


def test_normal_durability_is_of_one_transaction_alone(server: Server) -> None:
    """Nothing of it stays with a connection, which behind a pooler is another client's next."""
    store = SqlStore(server.database("relaxed"), durability="normal", pool_size=1)

    def shown(tx: Any) -> Any:
        return tx._cursor.execute("SHOW synchronous_commit").fetchone()[0]

    def work(tx: Any) -> Any:
        tx.put(DESKS, ONE, DeskRecord(ONE))
        tx.flush()
        return shown(tx)

    assert store.transact(work) == "off"
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()


def test_a_server_that_promises_less_is_named(server: Server) -> None:
    store = SqlStore(server.database("weak"))
    only(
        warned(store),
        "fsync is 'off': a loss of power can destroy the whole database",
        "full_page_writes is 'off'",
    )
    store.close()
    store = SqlStore(server.database("weak_on_purpose"), durability="normal")
    assert warned(store) == []
    store.close()


@pytest.mark.parametrize("value,standbys,seen", [("off", "", 1), ("local", "", 0), ("on", "", 0)])
def test_a_commit_that_does_not_wait_is_named(
    server: Server, value: str, standbys: str, seen: int
) -> None:
    url = server.database(f"commits_{value}")
    server.execute(f"ALTER DATABASE commits_{value} SET synchronous_commit = {value}")
    store = SqlStore(url)
    found = [each for each in warned(store) if "synchronous_commit is 'off'" in each]
    assert len(found) == seen
    store.close()


@pytest.fixture
def lonely(server: Server) -> Iterator[Server]:
    """A server that waits for a standby that there is not."""
    server.set("synchronous_standby_names", "nobody")
    yield server
    server.set("synchronous_standby_names", "")


def test_a_commit_that_waits_for_no_standby_is_named(server: Server) -> None:
    url = server.database("local")
    server.execute("ALTER DATABASE local SET synchronous_commit = local")
    server.set("synchronous_standby_names", "nobody")
    try:
        store = SqlStore(url)
        assert any("synchronous_commit is 'local'" in each for each in warned(store))
        store.close()
    finally:
        server.set("synchronous_standby_names", "")


def cancel(server: Server, function: str) -> None:
    """Stop whoever waits for a standby."""
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    wait_for(lambda: server.execute(waits), "somebody waits for the standby")
    server.execute(f"SELECT {function}(pid) FROM ({waits}) AS waiting")


@pytest.mark.parametrize(
    "function,text",
    [
        ("pg_cancel_backend", "not yet where a fail-over keeps it.*canceling wait"),
        ("pg_terminate_backend", "broke while committing|not yet where a fail-over keeps it"),
    ],
)
def test_a_commit_whose_wait_is_cancelled_is_unknown(
    lonely: Server, function: str, text: str
) -> None:
    """PostgreSQL says success with a warning, 01000: committed here, and nowhere else."""
    lonely.set("synchronous_standby_names", "")
    url = lonely.database(function)
    store = SqlStore(url)
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    lonely.set("synchronous_standby_names", "nobody")
    runs: list[None] = []

    def work(tx: om.Transaction) -> None:
        runs.append(None)
        tx.put(DESKS, ONE, DeskRecord(ONE, position=1))

    canceller = threading.Thread(target=cancel, args=(lonely, function))
    canceller.start()
    with pytest.raises(CommitUnknown, match=text):
        store.transact(work)
    canceller.join()
    assert len(runs) == 1, "an unknown commit is not tried again"
    lonely.set("synchronous_standby_names", "")
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=1), "and was one"
    store.close()


def test_a_dsn_of_many_hosts_and_its_options_reach_the_driver(server: Server) -> None:
    dead = Port()
    url = url_of(
        dead.number,
        server.port,
        target_session_attrs="read-write",
        connect_timeout=50,
        keepalives=1,
        keepalives_idle=7,
        keepalives_interval=3,
        keepalives_count=2,
        tcp_user_timeout=9000,
        application_name="helpdesk",
    )
    store = SqlStore(url)
    found: dict[str, Any] = {}
    event.listen(store.engine, "do_connect", lambda *given: found.update(given[3]))
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert driver.info.port == server.port, "the one that answers"
        assert driver.info.get_parameters()["tcp_user_timeout"] == "9000"
    wanted = {
        "host": f"{HOST},{HOST}",
        "port": f"{dead.number},{server.port}",
        "target_session_attrs": "read-write",
        "connect_timeout": "50",
        "keepalives": "1",
        "keepalives_idle": "7",
        "keepalives_interval": "3",
        "keepalives_count": "2",
        "tcp_user_timeout": "9000",
        "application_name": "helpdesk",
    }
    assert {name: found.get(name) for name in wanted} == wanted
    store.close()
    dead.close()


def test_a_standby_alone_is_not_taken_for_the_primary(server: Server) -> None:
    """`target_session_attrs` is the driver's to keep: a server that only reads is refused."""
    url = server.database("reading")
    server.execute("ALTER DATABASE reading SET default_transaction_read_only = on")
    with pytest.raises(psycopg.OperationalError, match="read-only"):
        psycopg.connect(
            server.dsn.replace("dbname=postgres", "dbname=reading")
            + " target_session_attrs=read-write"
        )
    store = SqlStore(f"{url}&target_session_attrs=read-write", retries=0, sleep=lambda _: None)
    with pytest.raises(om.StoreError, match="read-only"):
        alone(store).get(DESKS, ONE, ())
    store.close()
