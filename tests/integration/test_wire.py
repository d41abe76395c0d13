"""Statements that go to PostgreSQL in one way: their answers, their failures, and what is prepared."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.pool import NullPool

from omniroute.errors import CommitUnknown, StoreError, UniqueViolation
from omniroute.model.contact import Contact
from omniroute.model.records import DeskRecord
from omniroute.ports import Transaction
from omniroute.schema import CONFIGS, CONTACTS, DESKS
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.wire import Answer, Statement, Wire, wire_for
from omniroute.testing.store_conformance import sample
from omniroute.testing.store_conformance.values import alone
from tests.rigs.postgres import wait_for

DESK = "d"
_ADDRESSES = CONTACTS.index("contact_addresses")


@pytest.fixture
def connection(empty_database: str) -> Iterator[psycopg.Connection[Any]]:
    url = sa.make_url(empty_database)
    engine = sa.create_engine(url, poolclass=NullPool)
    raw: Any = engine.raw_connection()
    yield raw.driver_connection
    raw.close()


@pytest.fixture
def wire(connection: psycopg.Connection[Any]) -> Wire:
    made = wire_for(connection, psycopg)
    assert made is not None
    return made


@pytest.fixture
def store(empty_database: str) -> Iterator[SqlStore]:
    store = SqlStore(empty_database, sleep=lambda _: None)
    store.transact(lambda tx: tx.put(DESKS, DESK, DeskRecord(DESK)))
    yield store
    store.close()


def prepared(connection: psycopg.Connection[Any]) -> list[str]:
    query = "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'omniroute%'"
    found = connection.execute(query).fetchall()
    connection.rollback()
    return [row[0] for row in found]


def waiting(store: SqlStore) -> int:
    """How many wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with store.engine.connect() as connection:
        found: int = connection.exec_driver_sql(query).scalar_one()
    return found


# --- answers --------------------------------------------------------------------------------------


def test_each_statement_has_its_answer(wire: Wire) -> None:
    wire.begin()
    answers = wire.ask(
        [
            ("CREATE TEMP TABLE t (a bigint, b text, c smallint)", ()),
            ("INSERT INTO t VALUES (%s, %s, %s), (2, '', NULL)", (-(2**63), "ü'$1%", None)),
            ("SELECT c, b, a FROM t ORDER BY a", ()),
            ("UPDATE t SET c = 7 WHERE a = 2", ()),
            ("SELECT c FROM t WHERE false", ()),
        ]
    )
    assert [(each.rows(), each.met) for each in answers] == [
        ([], 0),
        ([], 2),
        ([(None, "ü'$1%", -(2**63)), (None, "", 2)], 2),
        ([], 1),
        ([], 0),
    ]
    assert wire.commit() is None


def test_more_than_the_sockets_take_at_once(wire: Wire) -> None:
    text = "ö" * 400_000
    wire.begin()
    answers = wire.ask([("SELECT %s::text", (text,))] * 20)
    assert all(each.rows() == [(text,)] for each in answers)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 1.5])
def test_what_cannot_be_carried_is_an_error_and_nothing_leaves(wire: Wire, value: Any) -> None:
    with pytest.raises((psycopg.Error, UnicodeError)):
        wire.execute("SELECT %s::text", (value,))
    wire.execute("SELECT 1")
    assert wire.fetchone() == (1,)


def test_each_statement_sees_what_was_committed_once_the_one_before_it_was_done(
    store: SqlStore, empty_database: str
) -> None:
    """What comes along with the lock is read after the wait for it, as of then."""
    alone(store).put(CONTACTS, DESK, Contact("k1", ()))
    alone(store).get(CONTACTS, DESK, ("k1",))
    other, started = SqlStore(empty_database), threading.Event()
    seen: list[Any] = []

    def second(tx: Any) -> None:
        tx.expect(CONTACTS, DESK, ("k1",))
        started.set()
        tx.lock(DESK)
        seen.append(tx.get(CONTACTS, DESK, ("k1",)))

    thread = threading.Thread(target=lambda: other.transact(second))

    def first(tx: Transaction) -> None:
        tx.lock(DESK)
        thread.start()
        assert started.wait(60)
        tx.put(CONTACTS, DESK, Contact("k1", (), name="Mira"))

    store.transact(first)
    thread.join()
    other.close()
    assert seen == [Contact("k1", (), name="Mira")]


def test_what_came_along_before_the_lock_is_read_again(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect(CONTACTS, DESK, ("k1",))
        tx.get(DESKS, DESK, ())
        alone(store).put(CONTACTS, DESK, Contact("k1", ()))
        tx.lock(DESK)
        assert tx.get(CONTACTS, DESK, ("k1",)) == Contact("k1", ())

    store.transact(work)


def test_what_was_foreseen_is_not_read_twice(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[int] = []
    ask = Wire.ask

    def heard(self: Wire, statements: Sequence[Statement]) -> list[Answer]:
        ways.append(len(statements))
        return ask(self, statements)

    monkeypatch.setattr(Wire, "ask", heard)
    alone(store).put(CONTACTS, DESK, Contact("k1", ()))
    ways.clear()

    def work(tx: Any) -> None:
        for key in ("k1", "nobody"):
            tx.expect(CONTACTS, DESK, (key,))
        tx.lock(DESK)
        assert tx.get(CONTACTS, DESK, ("k1",)) == Contact("k1", ())
        assert tx.get(CONTACTS, DESK, ("nobody",)) is None

    store.transact(work)
    assert ways == [4, 1]  # turn and lock with both, and the commit


def test_what_was_foreseen_gives_way_to_what_is_written(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect(CONTACTS, DESK, ("k1",))
        tx.lock(DESK)
        tx.put(CONTACTS, DESK, Contact("k1", (), name="Mira"))
        tx.flush()
        assert tx.get(CONTACTS, DESK, ("k1",)) == Contact("k1", (), name="Mira")

    store.transact(work)


def test_a_read_that_cannot_be_asked_for_fails_where_it_is_asked_for(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect(CONTACTS, DESK, ("a\0b",))
        tx.lock(DESK)
        with pytest.raises(StoreError, match="NUL"):
            tx.get(CONTACTS, DESK, ("a\0b",))

    with pytest.raises(StoreError, match="NUL"):
        store.transact(work)


def test_those_who_wait_for_a_desk_wait_in_line_and_not_for_each_version_of_its_row(
    empty_database: str,
) -> None:
    """One stands first and waits for the transaction; the others for a row that never changes."""
    store = SqlStore(empty_database, pool_size=5)
    alone(store).put(DESKS, DESK, DeskRecord(DESK))
    alone(store).put(CONFIGS, DESK, evolve(sample(CONFIGS.type, 1), version=1))

    def add_one(tx: Transaction) -> None:
        tx.lock(DESK)
        record = tx.get(DESKS, DESK, ())
        assert record is not None
        tx.put(DESKS, DESK, evolve(record, position=record.position + 1))

    def in_line() -> list[tuple[str, bool]]:
        query = """SELECT l.relation::regclass::text, bool_or(l.granted) FROM pg_locks l
            WHERE l.locktype = 'tuple' AND NOT l.granted GROUP BY 1"""
        with store.engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.exec_driver_sql(query)]

    def first(tx: Transaction) -> None:
        add_one(tx)
        for each in others:
            each.start()
        wait_for(lambda: waiting(store) == len(others), "all wait")
        assert in_line() == [("omniroute_configs", False)]

    others = [threading.Thread(target=lambda: store.transact(add_one)) for _ in range(3)]
    store.transact(first)
    for each in others:
        each.join()
    assert alone(store).get(DESKS, DESK, ()) == DeskRecord(DESK, position=4)
    store.close()


# --- failures -------------------------------------------------------------------------------------


def test_nothing_runs_after_what_failed(wire: Wire, connection: psycopg.Connection[Any]) -> None:
    wire.begin()
    with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere") as caught:
        wire.commit([("CREATE TABLE t (a int)", ()), ("SELECT 1 FROM nowhere", ())])
    assert caught.value.sqlstate == "42P01"
    assert wire.refused == 1
    connection.rollback()
    wire.execute("SELECT to_regclass('t')")
    assert wire.fetchone() == (None,)
    assert wire.refused is None


def test_a_last_write_that_is_refused_is_told_as_any(store: SqlStore) -> None:
    taken = Contact("k1", ())
    alone(store).put(CONTACTS, DESK, taken)
    with pytest.raises(UniqueViolation):
        store.transact(lambda tx: tx.add(CONTACTS, DESK, (taken,)))
    assert alone(store).get(CONTACTS, DESK, ("k1",)) == taken


def test_a_server_that_ends_before_the_commit_has_stored_nothing(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said so, of a statement before the commit: nothing is unknown, and another try goes well."""
    commit = Wire.commit
    tries: list[None] = []

    def ended_first(self: Wire, last: Any = ()) -> str | None:
        tries.append(None)
        if len(tries) == 1:
            last = [("SELECT pg_terminate_backend(pg_backend_pid())", ()), *last]
        return commit(self, last)

    monkeypatch.setattr(Wire, "commit", ended_first)
    store.transact(lambda tx: tx.put(CONTACTS, DESK, Contact("k1", ())))
    assert len(tries) == 2
    assert alone(store).get(CONTACTS, DESK, ("k1",)) == Contact("k1", ())


def test_a_connection_that_breaks_without_a_word_leaves_the_commit_unknown(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Wire) -> list[Any]:
        self._libpq.finish()
        raise psycopg.OperationalError("the connection is lost")

    tries = []

    def work(tx: Any) -> None:
        tries.append(tx.lock(DESK))
        tx.put(DESKS, DESK, DeskRecord(DESK, position=len(tries)))
        monkeypatch.setattr(Wire, "_receive", broken)

    with pytest.raises(CommitUnknown):
        store.transact(work)
    assert len(tries) == 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests run behind a shell that goes on without them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_wait_lets_the_server_go(store: SqlStore, empty_database: str) -> None:
    """Whoever waits for the desk's lock and is interrupted holds nobody up, now or later."""
    other = SqlStore(empty_database)
    other.transact(lambda tx: tx.get(DESKS, DESK, ()))

    def waits(tx: Transaction) -> None:
        threading.Thread(target=interrupt_who_waits).start()
        tx.lock(DESK)

    def interrupt_who_waits() -> None:
        wait_for(lambda: waiting(store), "it waits for the lock")
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.main_thread().ident or 0

    def first(tx: Transaction) -> None:
        tx.lock(DESK)
        with pytest.raises(KeyboardInterrupt):
            other.transact(waits)
        wait_for(lambda: not waiting(store), "nobody waits for the lock")

    store.transact(first)
    assert other.transact(lambda tx: tx.get(DESKS, DESK, ())) == DeskRecord(DESK)
    assert alone(store).get(DESKS, DESK, ()) == DeskRecord(DESK)
    other.close()


def test_a_transaction_whose_end_was_interrupted_does_not_go_on(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection does not return to the pool with the transaction open."""
    store = SqlStore(empty_database, pool_size=1, max_overflow=0)
    alone(store).put(DESKS, DESK, DeskRecord(DESK))

    def fail(tx: Transaction) -> None:
        tx.lock(DESK)
        raise RuntimeError

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(psycopg.Connection, "rollback", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.transact(fail)
    monkeypatch.undo()
    patience = {"options": "-c lock_timeout=1000"}
    other = SqlStore(empty_database, retries=0, connect_args=patience)
    other.transact(lambda tx: tx.lock(DESK))
    other.close()
    store.close()


# --- what is prepared -----------------------------------------------------------------------------


def test_a_statement_is_prepared_once_it_has_run_often(
    wire: Wire, connection: psycopg.Connection[Any]
) -> None:
    """As often as psycopg would wait, and whatever its parameters are."""
    for value in (1, None, 2**40, 5, 6):
        wire.execute("SELECT %s::bigint", (value,))
    assert prepared(connection) == []
    for value in (None, 1):
        wire.execute("SELECT %s::bigint", (value,))
        assert wire.fetchone() == (value,)
    assert prepared(connection) == ["SELECT $1::bigint"]


def test_nothing_is_prepared_where_that_is_switched_off(
    wire: Wire, connection: psycopg.Connection[Any]
) -> None:
    connection.prepare_threshold = None
    for _ in range(10):
        wire.execute("SELECT 1")
    assert prepared(connection) == []


def test_only_so_many_stay_prepared(connection: psycopg.Connection[Any]) -> None:
    connection.prepare_threshold, connection.prepared_max = 0, 3
    wire = wire_for(connection, psycopg)
    assert wire is not None
    for number in (1, 2, 3, 1, 4, 5, 1):
        wire.execute(f"SELECT {number}")
        assert wire.fetchone() == (number,)
    assert sorted(prepared(connection)) == ["SELECT 1", "SELECT 4", "SELECT 5"]


def test_what_could_not_be_prepared_is_tried_again(
    wire: Wire, connection: psycopg.Connection[Any]
) -> None:
    connection.prepare_threshold = 0
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            wire.execute("SELECT a FROM t")
    wire.execute("CREATE TEMP TABLE t (a int)")
    wire.execute("SELECT a FROM t")
    assert wire.fetchall() == []


# --- beginning ------------------------------------------------------------------------------------


def test_a_transaction_begins_as_the_host_set_it(
    wire: Wire, connection: psycopg.Connection[Any]
) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only, connection.deferrable = True, False
    wire.begin("SET LOCAL synchronous_commit = off")
    shown = [
        each.rows()[0][0]
        for each in wire.ask(
            [
                (f"SHOW {name}", ())
                for name in ("transaction_isolation", "transaction_read_only", "synchronous_commit")
            ]
        )
    ]
    assert shown == ["repeatable read", "on", "off"]
    wire.commit()
    wire.execute("SHOW synchronous_commit")
    assert wire.fetchone() == ("on",)


def test_a_host_that_chose_its_cursors_keeps_them(connection: psycopg.Connection[Any]) -> None:
    connection.cursor_factory = psycopg.ClientCursor
    assert wire_for(connection, psycopg) is None


def test_a_connection_with_another_encoding_keeps_its_cursors(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("SET client_encoding = 'LATIN1'")
    assert wire_for(connection, psycopg) is None


# --- what others do to what was prepared ----------------------------------------------------------


def names(connection: psycopg.Connection[Any]) -> set[str]:
    query = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'omniroute%'"
    found = connection.execute(query).fetchall()
    connection.rollback()
    return {row[0] for row in found}


def often(wire: Wire, text: str) -> None:
    """Run a statement until it is prepared."""
    for _ in range(8):
        wire.execute(text)
    wire.commit()


def test_two_connections_never_prepare_under_one_name(
    connection: psycopg.Connection[Any], wire: Wire, empty_database: str
) -> None:
    """Behind a pooler the one may meet what the other prepared, and would run it."""
    engine = sa.create_engine(sa.make_url(empty_database), poolclass=NullPool)
    raw: Any = engine.raw_connection()
    other = wire_for(raw.driver_connection, psycopg)
    assert other is not None
    often(wire, "SELECT 1")
    often(other, "SELECT 2")
    ours, theirs = names(connection), names(raw.driver_connection)
    assert ours
    assert theirs
    assert ours.isdisjoint(theirs)
    raw.close()


def test_what_somebody_let_go_is_prepared_anew(store: SqlStore) -> None:
    """psycopg does so where a host rolls back on a connection that it shares with us."""
    for _ in range(10):
        store.transact(lambda tx: tx.get(DESKS, DESK, ()))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("DEALLOCATE ALL")
    assert store.transact(lambda tx: tx.get(DESKS, DESK, ())) == DeskRecord(DESK)


def test_what_gives_other_columns_by_now_is_prepared_anew(store: SqlStore) -> None:
    for _ in range(10):
        store.transact(lambda tx: tx.get(CONTACTS, DESK, ("p",)))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE omniroute_contacts ALTER ref TYPE varchar(200)")
    assert store.transact(lambda tx: tx.get(CONTACTS, DESK, ("p",))) is None


def test_what_was_let_go_is_let_go_on_the_server_where_the_rest_fails_too(
    connection: psycopg.Connection[Any],
) -> None:
    connection.prepared_max = 2
    made = wire_for(connection, psycopg)
    assert made is not None
    connection.prepare_threshold = 0
    for number in range(10):
        made.begin()
        with pytest.raises(psycopg.Error):
            made.ask([(f"SELECT {number}", ()), ("SELECT 1/0", ())])
        connection.rollback()
    assert len(names(connection)) <= 4


def after_a_beginning_that_failed(store: SqlStore, swallowing: Callable[[Transaction], Any]) -> int:
    """Do what a host does who swallows that BEGIN was let go of; return how often it was tried."""
    for _ in range(10):
        store.transact(lambda tx: tx.get(DESKS, DESK, ()))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("DEALLOCATE ALL")
    tries = 0

    def work(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            with pytest.raises(StoreError):
                tx.get(CONTACTS, DESK, ("b",))
            with contextlib.suppress(StoreError):
                swallowing(tx)

    store.transact(work)
    return tries


def test_after_an_error_that_was_swallowed_nothing_is_written_by_itself(store: SqlStore) -> None:
    """Where no transaction began, each statement would be one."""

    def swallowing(tx: Transaction) -> None:
        tx.add(CONTACTS, DESK, [Contact("k1", (("chat", "k1"),))])
        tx.scan(_ADDRESSES, DESK, ("chat", "k1"), limit=1)  # which what waits is written for

    assert after_a_beginning_that_failed(store, swallowing) == 2
    assert alone(store).get(CONTACTS, DESK, ("k1",)) is None


def test_after_an_error_that_was_swallowed_nothing_is_read_as_if_it_had_begun(
    store: SqlStore,
) -> None:
    read: list[Any] = []
    tries = after_a_beginning_that_failed(store, lambda tx: read.append(tx.get(DESKS, DESK, ())))
    assert (tries, read) == (2, [])


def test_what_cannot_be_sent_does_not_take_the_beginning_along(
    connection: psycopg.Connection[Any], wire: Wire
) -> None:
    wire.begin()
    with pytest.raises(psycopg.DataError):
        wire.execute("SELECT %s::text", ("a\0",))
    wire.execute("CREATE TABLE left_behind (a int)")
    connection.rollback()
    wire.execute("SELECT to_regclass('left_behind')::text")
    assert wire.fetchone() == (None,)


def test_an_interrupt_is_told_though_the_server_cannot_be_asked_to_stop(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Wire) -> list[Any]:
        raise KeyboardInterrupt

    def unheard(_: Wire) -> None:
        raise psycopg.OperationalError("nobody answers")

    monkeypatch.setattr(Wire, "_receive", interrupted)
    monkeypatch.setattr(Wire, "_cancel", unheard)
    with pytest.raises(KeyboardInterrupt):
        wire.execute("SELECT 1")


def test_a_warning_of_a_hosts_trigger_says_nothing_of_the_commit(store: SqlStore) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE WARNING 'looked at'; RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER warns BEFORE UPDATE ON omniroute_desks"
            " FOR EACH ROW EXECUTE FUNCTION warn()"
        )
    store.transact(lambda tx: tx.put(DESKS, DESK, DeskRecord(DESK, position=7)))
    assert alone(store).get(DESKS, DESK, ()) == DeskRecord(DESK, position=7)


def test_a_database_schema_may_have_any_name(empty_database: str) -> None:
    store = SqlStore(empty_database, schema='my%s %d :b"x')
    store.transact(lambda tx: tx.put(DESKS, DESK, DeskRecord(DESK)))
    assert alone(store).get(DESKS, DESK, ()) == DeskRecord(DESK)
    store.close()
