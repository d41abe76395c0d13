"""Stores that meet a database for the first time: several at once, and a server that is not there yet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, create_engine

import omniroute as om
from omniroute.desk import configure
from omniroute.errors import DeskExists, StoreError, UniqueViolation
from omniroute.model.records import DeskRecord
from omniroute.schema import DESKS
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore, upgrading, versions
from omniroute.testing import a_config
from omniroute.testing.scripted import ScriptedPlugin
from omniroute.testing.store_conformance.values import ONE, alone
from tests.rigs.postgres import HOST, Port, Server, wait_for


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, in which nobody waits without being told."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}?timeout=0"
    url: str = request.getfixturevalue("empty_database")
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def use(store: SqlStore) -> None:
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE)


# --- several at once ------------------------------------------------------------------------------

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def beside_one_who_changes_tables(
    engine: Engine, schema: str | None, call: Callable[[], Any]
) -> Future[Any]:
    """Start `call` while another process makes the tables; that one is done when `call` waits for it."""
    tables = SqlStore(engine, schema=schema).tables
    with ThreadPoolExecutor(1) as pool:
        with versions.writing(engine, schema) as connection:
            waits = pool.submit(call)
            wait_for(lambda: connection.execute(sa.text(WAITING)).scalar() == 1, "it waits")
            versions.create(connection, tables, schema)
        return waits


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "AUTOCOMMIT"])
@pytest.mark.parametrize("schema", [None, "helpdesk"])
def test_a_store_waits_for_the_tables_that_another_process_makes(
    empty_database: str, schema: str | None, isolation: str
) -> None:
    engine = create_engine(empty_database)
    pauses: list[float] = []
    own = create_engine(empty_database, isolation_level=isolation)
    store = SqlStore(own, schema=schema, sleep=pauses.append)
    beside_one_who_changes_tables(engine, schema, lambda: use(store)).result()
    assert pauses == [], "it stood in line, and did not try its luck"
    assert om.sql.status(engine, schema=schema).standing is om.sql.Standing.CURRENT
    own.dispose()
    engine.dispose()


def test_an_engine_of_the_hosts_that_commits_by_itself_makes_tables_whole(
    empty_database: str,
) -> None:
    made = create_engine(empty_database)
    engine = made.execution_options(isolation_level="AUTOCOMMIT")
    with versions.writing(engine, None) as connection:
        assert (
            connection.execute(sa.text("SHOW transaction_isolation")).scalar() == "read committed"
        )
        connection.rollback()
    assert om.sql.status(made).standing is om.sql.Standing.EMPTY
    use(SqlStore(engine))
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        assert driver.autocommit, "as the host has it"
    made.dispose()


def test_a_role_with_a_schema_of_its_own_needs_no_more(empty_database: str) -> None:
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE landlady_guest LOGIN"))
        connection.execute(sa.text("CREATE SCHEMA support AUTHORIZATION landlady_guest"))
    store = SqlStore(engine.url.set(username="landlady_guest"), schema="support")
    use(store)
    store.close()
    with engine.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY landlady_guest"))
        connection.execute(sa.text("DROP ROLE landlady_guest"))
    engine.dispose()


def test_an_upgrade_waits_for_the_tables_that_another_process_makes(empty_database: str) -> None:
    engine = create_engine(empty_database)
    waits = beside_one_who_changes_tables(engine, None, lambda: om.sql.upgrade(empty_database))
    assert waits.result() == ()
    engine.dispose()


def test_on_sqlite_a_store_tries_again_until_the_tables_are_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}?timeout=0"
    first = SqlStore(url)
    with first.engine.connect():
        pass  # the file is set up
    changing = versions.writing(first.engine, None)
    versions.create(changing.__enter__(), first.tables, None)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            changing.__exit__(None, None, None)

    store = SqlStore(url, sleep=sleep)
    use(store)
    assert pauses == [0.005, 0.01]
    store.close()
    first.close()


def test_an_upgrade_tries_again_while_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}?timeout=0"
    engine = create_engine(url)
    writing = versions.writing(engine, None)
    writing.__enter__()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            writing.__exit__(None, None, None)

    monkeypatch.setattr(upgrading, "pause", sleep)
    assert om.sql.upgrade(url) == versions.REVISIONS
    assert pauses == [0.005, 0.01]
    engine.dispose()


def test_tables_that_appear_while_they_are_looked_for_have_their_version(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect, others = sa.inspect, SqlStore(engine)

    class Looking:
        def __init__(self, connection: sa.Connection) -> None:
            self._connection = connection

        def has_table(self, name: str, *, schema: str | None) -> bool:
            found = inspect(self._connection).has_table(name, schema=schema)
            others.create_tables()
            return found

    with engine.connect() as connection:
        monkeypatch.setattr(versions, "inspect", Looking)
        found = versions.look(connection, None)
    assert found.standing is om.sql.Standing.CURRENT


def test_tables_of_another_tool_that_appear_meanwhile_get_no_version(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Django's migrations make them while a store opens: they stay Django's."""
    store = SqlStore(engine)
    look = versions.look

    def looked(connection: sa.Connection, schema: str | None) -> om.sql.Version:
        found = look(connection, schema)
        if found.standing is om.sql.Standing.EMPTY and not connection.in_nested_transaction():
            monkeypatch.setattr(versions, "look", look)
            connection.rollback()
            store.tables.metadata.create_all(engine)
        return found

    monkeypatch.setattr(versions, "look", looked)
    use(store)
    assert om.sql.status(engine).standing is om.sql.Standing.UNVERSIONED
    assert not sa.inspect(engine).has_table(versions.VERSION_TABLE)


def opened(store: str | om.Store) -> om.Desks:
    return om.Desks(store, plugins=[ScriptedPlugin(("chat",))], discover=False, builtin=False)


@pytest.mark.parametrize("same", ["id", "address"])
def test_who_makes_a_desk_that_another_makes_at_this_moment_is_told_so(
    url: str, same: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rival, desks = opened(url), opened(url)
    config = a_config()
    other = a_config(desk="other") if same == "address" else config
    rival.ids()
    check, waiting = configure.unverified, [other]  # type: ignore[attr-defined]

    def unverified(*given: Any) -> Any:
        """What is asked once the desk was looked for, and was not there."""
        if waiting:
            rival.create(waiting.pop())
        return check(*given)

    monkeypatch.setattr(configure, "unverified", unverified)
    match = "already in this store" if same == "id" else "belongs to another desk"
    with pytest.raises((DeskExists, om.ConfigError), match=match):
        desks.create(config)
    assert rival.ids() == [other.desk]
    for each in (rival, desks):
        each.close()


def test_a_violation_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again as often as others can come first, once for the id and for each address."""
    store = MemoryStore()
    runs: list[int] = []

    def transact(_: Any) -> None:
        runs.append(len(runs))
        raise UniqueViolation("taken")

    monkeypatch.setattr(store, "transact", transact)
    with pytest.raises(UniqueViolation):
        opened(store).create(a_config())
    assert len(runs) == 3


# --- a server that is not there yet ---------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that may be stopped, with a user who needs a password."""
    with Server(settings={"max_connections": 8, "superuser_reserved_connections": 0}) as server:
        server.execute("CREATE ROLE ana LOGIN PASSWORD 'right'")
        rules = server.data / "pg_hba.conf"
        rules.write_text("host all ana all scram-sha-256\n" + rules.read_text())
        server.execute("SELECT pg_reload_conf()")
        server.execute("CREATE DATABASE starting")
        yield server


def at_second_pause(act: Callable[[], object]) -> tuple[list[float], Callable[[float], None]]:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            act()

    return pauses, sleep


def test_a_server_that_is_starting_is_waited_for(server: Server) -> None:
    server.stop()
    pauses, sleep = at_second_pause(server.start)
    store = SqlStore(server.url, durability="normal", sleep=sleep)
    use(store)
    assert pauses == [0.005, 0.01]
    store.close()


def test_so_is_a_free_connection(server: Server) -> None:
    held = [server.connect() for _ in range(8)]

    def free() -> None:
        for each in held:
            each.close()
        wait_for(lambda: not server.children("postgres postgres"), "they are closed")

    pauses, sleep = at_second_pause(free)
    store = SqlStore(server.url, durability="normal", sleep=sleep)
    use(store)
    assert pauses == [0.005, 0.01]
    store.close()


@pytest.fixture
def nobodys() -> Iterator[int]:
    """A port on which nobody listens."""
    with Port() as port:
        yield port.number


def test_a_server_that_never_comes_is_told(server: Server, nobodys: int) -> None:
    pauses: list[float] = []
    store = SqlStore(f"postgresql+psycopg://ana:secret@{HOST}:{nobodys}/desk", sleep=pauses.append)
    with pytest.raises(StoreError, match=r"gave up after 9 tries.*refused") as caught:
        use(store)
    assert len(pauses) == 8
    assert "secret" not in str(caught.value)
    store.close()


def test_nobody_is_held_up_by_the_pauses_of_another(nobodys: int) -> None:
    held: list[bool] = []
    store = SqlStore(
        f"postgresql+psycopg://{HOST}:{nobodys}/desk",
        retries=1,
        sleep=lambda _: held.append(store._preparing.locked()),
    )
    with pytest.raises(StoreError, match="gave up after 2 tries"):
        use(store)
    assert held == [False]
    store.close()


def test_an_event_loop_spends_no_thread_on_pauses(nobodys: Port) -> None:
    threads: list[threading.Thread] = []
    desks = om.Desks(
        SqlStore(
            f"postgresql+psycopg://{HOST}:{nobodys}/desk",
            retries=1,
            sleep=lambda _: threads.append(threading.current_thread()),
        )
    )
    with pytest.raises(StoreError, match="gave up after 2 tries"):
        asyncio.run(desks.aio.ids())
    assert threads == [threading.main_thread()], "where the pause is awaited"
    desks.close()


@pytest.mark.parametrize(
    "place, told",
    [
        ("ana:wrong@{host}:{port}/starting", "password authentication failed"),
        ("ana@{host}:{port}/starting", "no password supplied"),
        ("nobody@{host}:{port}/starting", 'role "nobody" does not exist'),
        ("postgres@{host}:{port}/nowhere", 'database "nowhere" does not exist'),
        ("postgres@no-such-host.invalid:{port}/starting", "known"),
        ("postgres@{host}:{port}/starting?sslmode=require", "SSL was required"),
        ("postgres@{host}:{port}/starting?colour=red", "invalid connection option"),
    ],
)
def test_what_a_url_has_wrong_is_told_at_once(server: Server, place: str, told: str) -> None:
    pauses: list[float] = []
    url = "postgresql+psycopg://" + place.format(host=HOST, port=server.port)
    store = SqlStore(url, sleep=pauses.append)
    with pytest.raises(
        StoreError, match=f"postgresql.*: the database cannot be opened.*{told}"
    ) as it:
        use(store)
    assert pauses == []
    assert "wrong" not in str(it.value)
    store.close()


def test_a_user_who_may_make_no_tables_is_told_at_once(server: Server) -> None:
    pauses: list[float] = []
    url = f"postgresql+psycopg://ana:right@{HOST}:{server.port}/starting"
    store = SqlStore(url, schema="other", sleep=pauses.append)
    with pytest.raises(StoreError, match=r"permission denied for database starting"):
        use(store)
    assert pauses == []
    store.close()
