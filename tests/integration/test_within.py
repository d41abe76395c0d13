"""Commands inside the host's own transaction: both are stored, or neither; and nothing else is touched."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import omniroute as om
from omniroute.errors import (
    HostTransactionLost,
    IdempotencyConflict,
    StoreError,
    UniqueViolation,
    UnknownConversation,
    UsageError,
)
from omniroute.model.contact import Contact
from omniroute.ports import Transaction
from omniroute.schema import CONTACTS
from omniroute.stores.sql import SqlStore
from omniroute.testing import MONDAY, Play, a_config, an_inbound, play
from omniroute.testing.standin import WebhookBuilder
from tests.integration.hosts import HOSTS, MAKE_TABLE, Host, plain
from tests.rigs.postgres import wait_for

CONFIG = a_config(preset="push", agents=("ana", "bob"))


@pytest.fixture(scope="module")
def postgres_url(postgres: Any) -> str:
    url: str = postgres.database("within")
    return url


@pytest.fixture
def url_of(tmp_path: Any, request: pytest.FixtureRequest) -> Any:
    """Return the URL of a database by its kind; PostgreSQL starts when it is asked for."""

    def url(database: str) -> str:
        if database == "sqlite":
            return f"sqlite:///{tmp_path / 'host.db'}"
        found: str = request.getfixturevalue("postgres_url")
        return found

    return url


@contextlib.contextmanager
def desk_on(url: str) -> Iterator[Play]:
    """Give a desk in a database that holds nothing else but a table of the host's."""
    store = SqlStore(url)
    store.create_tables()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS host_rows")
        connection.exec_driver_sql(MAKE_TABLE)
        for table in store.tables.metadata.sorted_tables:
            connection.execute(sa.delete(table))
    with play(CONFIG, store=store) as p:
        p.agent("ana").on()
        yield p


@pytest.fixture(params=HOSTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def p(kind: str, url_of: Any) -> Iterator[Play]:
    with desk_on(url_of(HOSTS[kind][0])) as p:
        yield p


@pytest.fixture
def host(kind: str, p: Play, url_of: Any) -> Iterator[Host]:
    database, connect = HOSTS[kind]
    with connect(url_of(database)) as host:
        yield host


def positions(p: Play) -> list[int]:
    return [change.position for change in p.desk.changes()]


def texts(p: Play) -> list[str]:
    chats = p.desk.conversations(states=list(om.State))
    return [each.text or "" for chat in chats for each in p.desk.messages(chat.id)]


def store_of(desks: Play | om.Desks) -> SqlStore:
    store = (desks.desks if isinstance(desks, Play) else desks).store
    assert isinstance(store, SqlStore)
    return store


# --- together or not at all -----------------------------------------------------------------------


def test_both_are_stored_with_the_hosts_commit(p: Play, host: Host) -> None:
    host.writes("before")
    received = p.desk.receive("main", an_inbound(), within=host.passed)
    chat = received.conversations[0]
    p.desk.reply(chat.id, "Hi", by="ana", within=host.passed)
    host.writes(chat.id)
    before = texts(p)
    host.commit()
    assert before == []
    assert texts(p) == ["Hello", "Hi"]
    assert host.rows == ["before", chat.id]
    assert positions(p) == list(range(1, len(positions(p)) + 1))


def test_both_are_gone_with_the_hosts_rollback(p: Play, host: Host) -> None:
    before = positions(p)
    host.writes("before")
    chat = p.desk.receive("main", an_inbound(), within=host.passed).conversations[0]
    p.desk.end(chat.id, by="ana", within=host.passed)
    host.writes("after")
    host.rollback()
    assert host.rows == []
    assert (texts(p), positions(p)) == ([], before)
    assert p.contact("Maria").writes("Hello").state is om.State.ACTIVE
    assert positions(p) == list(range(1, len(positions(p)) + 1))


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_the_first_statement_may_be_ours(p: Play, host: Host, ending: str) -> None:
    """Where the driver begins a transaction only before the host's own first write, too."""
    p.desk.receive("main", an_inbound(), within=host.passed)
    getattr(host, ending)()
    assert texts(p) == (["Hello"] if ending == "commit" else [])


def test_an_error_takes_back_the_command_and_nothing_of_the_hosts(p: Play, host: Host) -> None:
    def broken(tx: Transaction) -> None:
        tx.put(CONTACTS, p.desk.id, Contact("k1", (("chat", "one"),)))
        tx.count(CONTACTS.index("contact_addresses"), p.desk.id)
        raise LookupError("a plugin's, say")

    def doubled(tx: Transaction) -> None:
        for key in ("k1", "k2"):
            tx.put(CONTACTS, p.desk.id, Contact(key, (("chat", "one"),)))

    host.writes("before")
    with pytest.raises(UnknownConversation):
        p.desk.end("c_99", by="ana", within=host.passed)
    for work, error in ((broken, LookupError), (doubled, UniqueViolation)):
        with pytest.raises(error):
            store_of(p).transact_within(host.passed, work)
    host.writes("after")
    chat = p.desk.receive("main", an_inbound(), within=host.passed).conversations[0]
    with pytest.raises(om.UsageError):
        p.desk.take(chat.id, by="nobody", within=host.passed)
    host.commit()
    assert host.rows == ["after", "before"]
    assert texts(p) == ["Hello"]
    assert p.desk.contacts.find("chat", "one") is None


@pytest.mark.req("R4")
def test_a_key_lives_and_dies_with_the_hosts_transaction(p: Play, host: Host) -> None:
    chat = p.contact("Maria").writes("Hello")

    def note(text: str) -> str:
        return p.desk.note(chat.id, text, by="ana", key="k", within=host.passed).id

    note("lost")
    host.rollback()
    first = note("kept")
    assert note("kept") == first
    host.commit()
    assert note("kept") == first
    with pytest.raises(IdempotencyConflict):
        note("other")
    host.commit()
    assert texts(p) == ["Hello", "kept"]


# --- what is the host's stays the host's ----------------------------------------------------------


@pytest.fixture
def own_connections(p: Play) -> list[object]:
    """What the store takes from its own engine's pool."""
    taken: list[object] = []
    sa.event.listen(store_of(p).engine, "checkout", lambda *of: taken.append(of))
    return taken


def test_nothing_begins_commits_or_rolls_back_but_the_host(
    p: Play, host: Host, own_connections: list[object]
) -> None:
    host.writes("before")
    said: list[str] = []
    if host.database == "sqlite":
        host.raw.set_trace_callback(said.append)
    else:
        [[number]] = host.run("SELECT pg_current_xact_id()::text")
    chat = p.desk.receive("main", an_inbound(), within=host.passed).conversations[0]
    p.desk.accept("main", an_inbound(key="in-2"), within=host.passed)
    with pytest.raises(UnknownConversation):
        p.desk.end("c_99", by="ana", within=host.passed)
    p.desk.end(chat.id, by="ana", within=host.passed)
    if host.database == "sqlite":
        host.raw.set_trace_callback(None)
        words = {text.split(maxsplit=1)[0].upper() for text in said}
        assert not words & {"BEGIN", "COMMIT", "END"}
        assert {text for text in said if "ROLLBACK" in text} == {
            "ROLLBACK TO SAVEPOINT omniroute_command"
        }
    else:
        assert host.run("SELECT pg_current_xact_id()::text") == [(number,)]
    assert own_connections == []
    host.rollback()


def test_a_webhook_is_read_and_received_on_the_hosts_connection_alone(tmp_path: Any) -> None:
    """Also what the webhook is verified by comes from there."""
    settings = {key: {"env": "S"} for key in ("app_secret", "access_token", "verify_token")}
    config = om.load_config(
        {
            "desk": "acme",
            "inboxes": {"general": {"primary_for": ["whatsapp"], "sla": "15m"}},
            "accounts": {"meta": settings},
            "entry_points": {"wa": {"channel": "whatsapp", "account": "meta", "address": "7"}},
        }
    )
    webhook = WebhookBuilder(phone_number_id="7", app_secret="S").text("491511", "Hello")
    url = f"sqlite:///{tmp_path / 'host.db'}"
    with om.Desks(url, reveal=lambda ref: om.Secret(ref.env)) as first:
        first.create(config)
    with (
        om.Desks(url, reveal=lambda ref: om.Secret(ref.env)) as desks,
        contextlib.closing(sqlite3.connect(plain(url))) as connection,
    ):
        sa.event.listen(
            store_of(desks).engine, "do_connect", lambda *_: pytest.fail("a connection")
        )
        desk = desks.desk("acme")
        assert desk.receive("wa", webhook, within=connection).accepted == 1
        assert len(desk.accept("wa", webhook, within=connection).known) == 1
        connection.rollback()


def test_rows_and_columns_arrive_as_the_host_has_set_them(p: Play, host: Host) -> None:
    """Its row factory, its text factory and its JSON are its own, before us and after us."""
    if host.database == "sqlite":
        host.raw.row_factory = sqlite3.Row
        host.raw.text_factory = bytes
        query = "SELECT 'text' AS what"
    else:
        query = """SELECT '{"a": [1]}'::jsonb AS what, '{"b": 2}'::json AS more, 5 AS n"""
    before = _shown(host.run(query))
    chat = p.desk.receive("main", an_inbound(), within=host.passed).conversations[0]
    p.desk.end(chat.id, by="ana", within=host.passed)
    assert _shown(host.run(query)) == before
    if host.database == "sqlite":
        assert before == [[b"text"]]
        assert (host.raw.row_factory, host.raw.text_factory) == (sqlite3.Row, bytes)
        host.raw.text_factory = str
    host.commit()
    assert texts(p) == ["Hello"]


def _shown(rows: Any) -> list[list[Any]]:
    return [list(row) for row in rows]


def test_a_driver_that_gives_dictionaries_is_no_hindrance(url_of: Any) -> None:
    with (
        desk_on(url_of("postgresql")) as p,
        psycopg.connect(plain(url_of("postgresql")), row_factory=dict_row) as connection,
    ):
        connection.cursor_factory = psycopg.ClientCursor
        p.desk.receive("main", an_inbound(), within=connection)
        row = connection.execute("""SELECT '{"a": [1]}'::jsonb AS what""").fetchone()
        assert row == {"what": {"a": [1]}}
        connection.commit()
        assert texts(p) == ["Hello"]


def test_dictionaries_of_sqlite_are_no_hindrance_either(url_of: Any) -> None:
    url = url_of("sqlite")
    with desk_on(url) as p, contextlib.closing(sqlite3.connect(plain(url))) as connection:
        connection.row_factory = lambda cursor, row: {
            column[0]: each for column, each in zip(cursor.description, row, strict=True)
        }
        p.desk.receive("main", an_inbound(), within=connection)
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
        connection.commit()
        assert texts(p) == ["Hello"]


class _Base(sa.orm.DeclarativeBase):
    pass


class Order(_Base):
    """A host's own, with a column of JSON."""

    __tablename__ = "host_orders"
    id: sa.orm.Mapped[int] = sa.orm.mapped_column(primary_key=True)
    lines: sa.orm.Mapped[dict[str, Any]] = sa.orm.mapped_column(sa.JSON)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_objects_of_a_session_are_written_and_read_as_ever(url_of: Any, database: str) -> None:
    url = url_of(database)
    engine = sa.create_engine(url)
    _Base.metadata.create_all(engine)
    with desk_on(url) as p, Session(engine) as session:
        session.add(Order(id=1, lines={"lid": 2}))
        session.flush()
        p.desk.receive("main", an_inbound(), within=session)
        session.expire_all()
        assert session.get_one(Order, 1).lines == {"lid": 2}
        session.get_one(Order, 1).lines = {"lid": 3}
        session.commit()
        assert session.get_one(Order, 1).lines == {"lid": 3}
        session.rollback()
        assert texts(p) == ["Hello"]
    _Base.metadata.drop_all(engine)
    engine.dispose()


# --- what cannot be joined ------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["receive", "accept"])
def test_without_a_transaction_there_is_nothing_to_join(url_of: Any, action: str) -> None:
    sqlite, postgres = url_of("sqlite"), url_of("postgresql")
    with (
        desk_on(sqlite) as p,
        contextlib.closing(sqlite3.connect(plain(sqlite), isolation_level=None)) as connection,
    ):
        _refuses(p, action, connection, "autocommit")
    with desk_on(postgres) as p, psycopg.connect(plain(postgres), autocommit=True) as other:
        _refuses(p, action, other, "autocommit")
        with other.transaction():
            p.desk.receive("main", an_inbound(), within=other)
        assert texts(p) == ["Hello"]
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with desk_on(postgres) as p, engine.connect() as third:
        _refuses(p, action, third, "autocommit")
    engine.dispose()


def _refuses(p: Play, action: str, connection: object, match: str) -> None:
    before = positions(p)
    with pytest.raises(UsageError, match=match):
        getattr(p.desk, action)("main", an_inbound(), within=connection)
    assert (positions(p), texts(p)) == (before, [])


def test_what_is_no_connection_to_this_database_is_refused(url_of: Any) -> None:
    sqlite, postgres = url_of("sqlite"), url_of("postgresql")
    engines = [sa.create_engine(sqlite), sa.create_engine(postgres)]
    closed = sqlite3.connect(plain(sqlite))
    closed.close()
    with desk_on(sqlite) as p, psycopg.connect(plain(postgres)) as other:
        for wrong, match in (
            (object(), "not a connection"),
            (engines[0], "not a connection"),
            (other, "another kind of database"),
            (closed, "closed"),
        ):
            _refuses(p, "receive", wrong, match)
        with engines[1].connect() as connection:
            _refuses(p, "receive", connection, "another kind of database")
    with desk_on(postgres) as p, contextlib.closing(sqlite3.connect(":memory:")) as memory:
        _refuses(p, "receive", memory, "another kind of database")
    for engine in engines:
        engine.dispose()


def test_a_sqlite_connection_of_another_thread_is_refused(url_of: Any) -> None:
    url = url_of("sqlite")
    with desk_on(url) as p, contextlib.closing(sqlite3.connect(plain(url))) as connection:
        connection.execute("INSERT INTO host_rows VALUES ('before')")

        async def elsewhere() -> None:
            await p.desks.aio[p.desk.id].receive("main", an_inbound(), within=connection)

        with pytest.raises(UsageError, match="thread"):
            asyncio.run(elsewhere())
        connection.rollback()


# --- races ----------------------------------------------------------------------------------------


def test_a_stale_reader_of_sqlite_has_lost_and_may_run_again(url_of: Any) -> None:
    url = url_of("sqlite")
    with desk_on(url) as p, contextlib.closing(sqlite3.connect(plain(url))) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM host_rows").fetchall()
        p.contact("Otto").writes("faster")
        with pytest.raises(HostTransactionLost, match="run your block again"):
            p.desk.receive("main", an_inbound(key="in-9"), within=connection)
        connection.rollback()
        p.desk.receive("main", an_inbound(key="in-9"), within=connection)
        connection.commit()
        assert sorted(texts(p)) == ["Hello", "faster"]


def test_a_writer_that_never_ends_is_a_race_lost(url_of: Any) -> None:
    url = url_of("sqlite")
    with (
        desk_on(url) as p,
        contextlib.closing(sqlite3.connect(plain(url), timeout=0)) as connection,
        contextlib.closing(sqlite3.connect(plain(url))) as other,
    ):
        other.execute("INSERT INTO host_rows VALUES ('held')")
        with pytest.raises(HostTransactionLost, match="locked"):
            p.desk.receive("main", an_inbound(key="in-9"), within=connection)
        other.rollback()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_snapshot_that_is_too_old_has_lost(url_of: Any, level: str) -> None:
    """What the host commits all the same is nothing: PostgreSQL sees to that."""
    url = url_of("postgresql")
    engine = sa.create_engine(url, isolation_level=level)
    with desk_on(url) as p, engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO host_rows VALUES ('before')")
        p.contact("Otto").writes("faster")
        with pytest.raises(HostTransactionLost, match="run your block again") as raised:
            p.desk.receive("main", an_inbound(key="in-9"), within=connection)
        assert isinstance(raised.value, StoreError)
        connection.commit()
        rows = connection.exec_driver_sql("SELECT * FROM host_rows").fetchall()
        connection.rollback()
        p.desk.receive("main", an_inbound(key="in-9"), within=connection)
        connection.commit()
        assert (rows, sorted(texts(p))) == ([], ["Hello", "faster"])
    engine.dispose()


def is_blocked(asks: Any, who: Any) -> bool:
    """Whether a connection waits for another one's lock."""
    query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    (blocked,) = asks.execute(query, (who.info.backend_pid,)).fetchone()
    return bool(blocked)


def test_a_deadlock_with_another_host_is_a_race_lost(url_of: Any) -> None:
    """One has a row of the host's and wants the desk, the other has the desk and wants the row."""
    url = url_of("postgresql")
    with (
        desk_on(url) as p,
        psycopg.connect(plain(url)) as one,
        psycopg.connect(plain(url)) as other,
    ):
        one.execute("INSERT INTO host_rows VALUES ('row')")
        one.commit()
        one.execute("SET deadlock_timeout = '50ms'")  # so that this one notices
        other.execute("SET deadlock_timeout = '1h'")
        one.execute("UPDATE host_rows SET what = 'one'")
        p.desk.receive("main", an_inbound(), within=other)
        thread = threading.Thread(target=lambda: other.execute("UPDATE host_rows SET what = 'two'"))
        thread.start()
        wait_for(lambda: is_blocked(one, other), "the other waits for the row")
        with pytest.raises(HostTransactionLost, match=r"(?i)deadlock"):
            p.desk.receive("main", an_inbound(key="in-2"), within=one)
        one.rollback()
        thread.join()
        other.commit()
        assert texts(p) == ["Hello"]


def test_the_desk_is_locked_until_the_host_commits(url_of: Any) -> None:
    url = url_of("postgresql")
    with desk_on(url) as p, psycopg.connect(plain(url)) as connection:
        chat = p.desk.receive("main", an_inbound(), within=connection).conversations[0]
        done = threading.Event()

        def note() -> None:
            p.desk.note(chat.id, "waited for you", by="ana")
            done.set()

        thread = threading.Thread(target=note)
        thread.start()
        assert not done.wait(0.2)
        connection.commit()
        thread.join(60)
        assert texts(p) == ["Hello", "waited for you"]


# --- accepting without the desk's lock ------------------------------------------------------------


@pytest.mark.req("S1", "X3")
def test_two_hosts_accept_at_one_desk_at_the_same_time(url_of: Any) -> None:
    url = url_of("postgresql")
    with (
        desk_on(url) as p,
        psycopg.connect(plain(url)) as one,
        psycopg.connect(plain(url)) as other,
        psycopg.connect(plain(url)) as third,
    ):
        for connection in (one, other, third):
            connection.execute("SET lock_timeout = '60s'")
        for connection, key in ((one, "in-1"), (other, "in-2"), (third, "in-3")):
            accepted = p.desk.accept("main", an_inbound(key, key=key), within=connection)
            assert accepted.new == (key,)
            p.clock.advance("1m")
        third.rollback()
        p.desk.tick()
        assert texts(p) == []
        p.clock.advance("1m")
        other.commit()
        one.commit()
        p.desk.tick()
        assert texts(p) == ["in-1", "in-2"]
        (chat,) = p.desk.conversations()
        assert chat.due == MONDAY + timedelta(minutes=15)


@pytest.mark.req("X3")
def test_an_item_that_two_hosts_accept_at_once_is_known_to_the_second(url_of: Any) -> None:
    url = url_of("postgresql")
    with (
        desk_on(url) as p,
        psycopg.connect(plain(url)) as one,
        psycopg.connect(plain(url)) as other,
    ):
        items = [an_inbound("a", key="in-1"), an_inbound("b", key="in-2")]
        p.desk.accept("main", items, within=one)
        other.execute("INSERT INTO host_rows VALUES ('mine')")
        found: list[Any] = []
        thread = threading.Thread(
            target=lambda: found.append(p.desk.accept("main", items, within=other))
        )
        thread.start()
        thread.join(0.2)
        one.commit()
        thread.join(60)
        other.commit()
        assert [(each.new, each.known) for each in found] == [((), ("in-1", "in-2"))]
        assert other.execute("SELECT * FROM host_rows").fetchall() == [("mine",)]
        p.desk.tick()
        assert texts(p) == ["a", "b"]


# --- async ----------------------------------------------------------------------------------------

ASYNC = {"sqlite": "sqlite+aiosqlite:///", "postgresql": "postgresql+psycopg://"}


@contextlib.asynccontextmanager
async def async_host(url: str, kind: str) -> Any:
    engine = create_async_engine(url.replace("sqlite:///", ASYNC["sqlite"]))
    try:
        if kind == "connection":
            async with engine.connect() as connection:
                yield connection
        else:
            async with AsyncSession(engine) as session:
                yield session
    finally:
        await engine.dispose()


@pytest.mark.parametrize("kind", ["connection", "session"])
@pytest.mark.parametrize("database", ASYNC)
def test_an_async_host_passes_its_connection_or_session_to_the_async_desk(
    url_of: Any, database: str, kind: str
) -> None:
    url = url_of(database)
    insert = sa.text("INSERT INTO host_rows VALUES ('mine')")

    async def story(p: Play) -> list[Any]:
        desk, seen = p.desks.aio[p.desk.id], []
        async with async_host(url, kind) as host:
            for ending in ("rollback", "commit"):
                await host.execute(insert)
                received = await desk.receive("main", an_inbound(), within=host)
                chat = received.conversations[0].id
                await desk.acting_as("ana").reply(chat, "Hi", key="k", within=host)
                with pytest.raises(UnknownConversation):
                    await desk.end("c_99", by="ana", within=host)
                await desk.accept("main", an_inbound("more", key="in-2"), within=host)
                await getattr(host, ending)()
                rows = await host.execute(sa.text("SELECT what FROM host_rows"))
                seen.append((rows.fetchall(), await desk.tick()))
                await host.rollback()
        return seen

    with desk_on(url) as p:
        assert asyncio.run(story(p)) == [([], 0), ([("mine",)], 0)]
        assert texts(p) == ["Hello", "Hi", "more"]


@pytest.mark.parametrize("kind", ["connection", "session"])
def test_an_async_host_may_bring_the_sync_desk_along(url_of: Any, kind: str) -> None:
    url = url_of("postgresql")

    async def story(p: Play) -> None:
        async with async_host(url, kind) as host:
            received = await host.run_sync(
                lambda within: p.desk.receive("main", an_inbound(), within=within)
            )
            assert received.accepted == 1
            await host.commit()
            with pytest.raises(UsageError, match="async twin"):
                p.desk.receive("main", an_inbound(key="in-2"), within=host)
            await host.rollback()

    with desk_on(url) as p:
        asyncio.run(story(p))
        assert texts(p) == ["Hello"]


def test_a_drivers_own_async_connection_is_refused_in_words(url_of: Any) -> None:
    url = url_of("postgresql")

    async def story(p: Play) -> None:
        async with await psycopg.AsyncConnection.connect(plain(url)) as connection:
            await p.desks.aio[p.desk.id].receive("main", an_inbound(), within=connection)

    with desk_on(url) as p, pytest.raises(UsageError, match="not a connection"):
        asyncio.run(story(p))


def test_the_loop_goes_on_while_a_hosts_command_waits_for_the_desk(url_of: Any) -> None:
    """On an async connection, and on a synchronous one, which then waits in a thread."""
    url = url_of("postgresql")

    async def waited(p: Play, host: Any, holder: Any) -> int:
        call = asyncio.create_task(
            p.desks.aio[p.desk.id].receive("main", an_inbound(), within=host)
        )
        ticks = 0
        while ticks < 20:
            ticks += 1
            await asyncio.sleep(0.005)
            assert not call.done()
        holder.rollback()
        await call
        return ticks

    async def story(p: Play) -> None:
        with psycopg.connect(plain(url)) as holder, psycopg.connect(plain(url)) as plain_host:
            for host in (plain_host, None):
                p.desk.receive("main", an_inbound(key="x"), within=holder)
                if host is not None:
                    await waited(p, host, holder)
                    host.rollback()
                    continue
                async with async_host(url, "session") as session:
                    await waited(p, session, holder)
                    await session.rollback()

    with desk_on(url) as p:
        asyncio.run(story(p))
        assert texts(p) == []


def test_a_transaction_that_is_read_only_is_not_one_to_run_again(url_of: Any) -> None:
    url = url_of("postgresql")
    with desk_on(url) as p, psycopg.connect(plain(url)) as connection:
        connection.read_only = True
        with pytest.raises(StoreError, match="transaction is read only") as caught:
            p.desk.receive("main", an_inbound(), within=connection)
        assert not isinstance(caught.value, HostTransactionLost)
        assert connection.execute("SELECT 1").fetchone() == (1,), "the host's block goes on"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_sqlalchemy_no_longer_lets_us_use_is_refused_in_words(
    url_of: Any, database: str
) -> None:
    url = url_of(database)
    with desk_on(url) as p:
        engine = sa.create_engine(url)
        ended = engine.connect()
        ended.close()
        for each in (ended, Session()):
            with pytest.raises(UsageError, match="cannot be used here"):
                p.desk.receive("main", an_inbound(), within=each)
        engine.dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_scoped_session_is_the_one_of_the_task_that_passes_it(url_of: Any, database: str) -> None:
    """A worker thread has another one, which nobody would ever commit."""
    url = url_of(database)
    passes_threads = {"connect_args": {"check_same_thread": False}} if database == "sqlite" else {}

    async def works(p: Play) -> None:
        engine = sa.create_engine(url, **passes_threads)
        session = scoped_session(sessionmaker(engine))
        await p.desks.aio["acme"].receive("main", an_inbound("sync"), within=session)
        session.commit()
        session.remove()
        engine.dispose()
        async_engine = create_async_engine(url.replace("sqlite:///", ASYNC["sqlite"]))
        made: Any = async_sessionmaker(async_engine)
        scoped = async_scoped_session(made, scopefunc=asyncio.current_task)
        await p.desks.aio["acme"].receive("main", an_inbound("async", key="in-2"), within=scoped)
        await scoped.commit()
        await scoped.remove()
        await async_engine.dispose()

    with desk_on(url) as p:
        asyncio.run(works(p))
        assert sorted(texts(p)) == ["async", "sync"]


def test_a_store_that_is_closed_joins_nothing(url_of: Any) -> None:
    url = url_of("sqlite")
    with (
        desk_on(url) as p,
        contextlib.closing(sqlite3.connect(plain(url), isolation_level="DEFERRED")) as connection,
    ):
        p.desks.close()
        with pytest.raises(StoreError, match="closed"):
            p.desk.receive("main", an_inbound(), within=connection)


def test_a_store_that_is_the_hosts_engine_is_one_like_any_other(tmp_path: Any) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with play(CONFIG, store=SqlStore(engine)) as p, engine.connect() as connection:
        p.desk.receive("main", an_inbound(), within=connection)
        connection.rollback()
        assert texts(p) == []
    engine.dispose()
