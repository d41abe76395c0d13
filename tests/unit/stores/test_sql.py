"""What the SQL store has of its own: statements, trying again, and what goes wrong (on SQLite)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from psycopg import errors
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite

from omniroute.errors import (
    CommitUnknown,
    StoreBusy,
    StoredValueError,
    StoreError,
    UniqueViolation,
    UsageError,
)
from omniroute.model.contact import Contact
from omniroute.model.events import LogEntry
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Transaction
from omniroute.schema import (
    ADDRESSES,
    AGENTS,
    CONTACTS,
    CONVERSATIONS,
    DESKS,
    LOG,
    OUTBOX,
    Index,
)
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.drivers import Fault, error_for
from omniroute.stores.sql.statements import Plans, plans_for, plans_named
from omniroute.stores.sql.wire import numbered
from omniroute.testing.store_conformance import sample
from omniroute.testing.store_conformance.values import (
    ONE,
    READY,
    TWO,
    WAITING,
    alone,
    conversation,
    in_threads,
    parcel,
)

DIALECTS: dict[str, Any] = {
    "sqlite": pysqlite.SQLiteDialect_pysqlite,
    "postgresql": psycopg.PGDialect_psycopg,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(path: Path, pauses: list[float]) -> Iterator[SqlStore]:
    store = SqlStore(
        f"sqlite:///{path}",
        durability="normal",
        sleep=pauses.append,
        connect_args={"timeout": 0, "check_same_thread": False},
    )
    alone(store).add(DESKS, ONE, [DeskRecord(ONE)])
    yield store
    store.close()


@pytest.fixture
def statements(store: SqlStore) -> Iterator[list[str]]:
    """What runs on the store's connection, from now on."""
    seen: list[str] = []
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(seen.append)
    yield seen
    driver.set_trace_callback(None)


# --- every statement ------------------------------------------------------------------------------


def every_text(plans: Plans) -> Iterator[tuple[Any, str]]:
    """Every statement there can be, with the collection or index that it is for."""
    for collection, plan in plans.collections.items():
        masks = [tuple(i == j for i in range(plan.width)) for j in range(plan.width + 1)]
        texts = [plan.get, plan.get_locked, plan.insert, plan.upsert, plan.delete]
        yield from ((collection, text) for text in (*texts, *map(plan.update, masks)))
    for index, reading in plans.indexes.items():
        length = len(reading.order)
        for prefix in range(length + 1):
            yield index, reading.count(prefix)
            yield from ((index, reading.heads(prefix, count)[0]) for count in (1, 5))
            bounds = {0, min(1, length - prefix), length - prefix}
            for shape in product([prefix], bounds, bounds, (False, True)):
                yield index, reading.scan(shape, whole=True)
                yield index, reading.scan(shape, whole=False)
        if index.lease is not None:
            yield index, reading.due
        if index.many is not None:
            yield from ((index, text) for text in (reading.insert, reading.delete))


@pytest.mark.req("R3")
def test_every_scan_is_served_by_an_index(store: SqlStore) -> None:
    """No statement looks at a whole table, or sorts: what is not asked for costs nothing."""
    with store.engine.connect() as connection:
        for subject, text in every_text(store._plans):
            if not isinstance(subject, Index):
                continue
            marks = tuple(["x"] * text.count("?"))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", marks).fetchall()
            steps = [row[3] for row in plan]
            crossing = not subject.desk_led
            for step in steps:
                assert "TEMP B-TREE" not in step, f"{text}\n{steps}"
                whole = step.startswith("SCAN") and "CONSTANT ROW" not in step
                assert crossing or not whole or "subquery" in step or "anon" in step, (
                    f"{text}\n{steps}"
                )


@pytest.mark.req("R3")
@pytest.mark.parametrize("others", [0, 2_000])
def test_a_step_takes_the_same_statements_however_much_there_is(
    store: SqlStore, statements: list[str], others: int
) -> None:
    alone(store).add(CONVERSATIONS, ONE, [conversation(i) for i in range(1, others + 1)])
    alone(store).add(CONVERSATIONS, ONE, [conversation(0)])
    statements.clear()

    def work(tx: Transaction) -> None:
        tx.lock(ONE)
        record = tx.get(DESKS, ONE, ())
        found = tx.get(CONVERSATIONS, ONE, ("c0",))
        assert record is not None
        assert found is not None
        tx.put(CONVERSATIONS, ONE, evolve(found, at=1))
        tx.put(CONVERSATIONS, ONE, evolve(found, at=2))
        tx.add(LOG, ONE, [sample(LogEntry, i) for i in (1, 2)])
        tx.add(OUTBOX, ONE, [parcel("c0", 1, 5)])
        tx.put(DESKS, ONE, evolve(record, position=2))

    store.transact(work)
    verbs = [text.split()[0] for text in statements]
    assert verbs == [
        *("BEGIN", "SELECT", "SELECT", "UPDATE", "INSERT", "INSERT", "INSERT", "UPDATE", "COMMIT"),
    ]
    (update,) = (text for text in statements if text.startswith("UPDATE omniroute_conversations"))
    assert update.count("=") == 5, "only what changed is written: recency, body, version"


def test_what_does_not_change_is_not_written(store: SqlStore, statements: list[str]) -> None:
    contact = Contact("k1", (("sms", "+1"),))
    alone(store).add(CONTACTS, ONE, [contact])
    statements.clear()

    def work(tx: Transaction) -> None:
        assert tx.get(CONTACTS, ONE, ("k1",)) == contact
        tx.put(CONTACTS, ONE, Contact("k1", (("sms", "+1"),)))

    store.transact(work)
    assert not [
        text
        for text in statements
        if not text.startswith(("BEGIN", "SELECT", "ROLLBACK", "COMMIT"))
    ]


def test_only_entries_that_change_are_written(store: SqlStore, statements: list[str]) -> None:
    alone(store).add(CONTACTS, ONE, [Contact("k1", (("sms", "+1"), ("sms", "+2")))])
    statements.clear()
    alone(store).put(CONTACTS, ONE, Contact("k1", (("sms", "+2"), ("sms", "+3"))))
    changed = [text for text in statements if "omniroute_contact_addresses" in text]
    assert len(changed) == 2
    assert "DELETE" in changed[0]
    assert "'+1'" in changed[0]
    assert "INSERT" in changed[1]
    assert "'+3'" in changed[1]


def test_heads_of_many_prefixes_take_few_statements(store: SqlStore, statements: list[str]) -> None:
    made = [conversation(i, queue=f"q{i:02}") for i in range(50)]
    alone(store).add(CONVERSATIONS, ONE, made)
    statements.clear()
    prefixes = [(f"q{i:02}",) for i in range(49, -1, -1)]
    found = alone(store).heads(WAITING, ONE, prefixes)
    assert [entry[0] for entry in found] == [prefix[0] for prefix in prefixes]
    assert len([text for text in statements if text.startswith("SELECT")]) == 3


@pytest.fixture
def decoded(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections whose values are decoded from here on; nothing is at hand of earlier."""
    transaction: Any = import_module("omniroute.stores.sql.transaction")
    alone(store).add(CONVERSATIONS, ONE, [conversation(1)])
    found: list[str] = []
    decode = transaction.decode

    def counted(collection: Any, version: int, text: str) -> Any:
        found.append(collection.name)
        return decode(collection, version, text)

    monkeypatch.setattr(transaction, "decode", counted)
    for plan in store._plans.collections.values():
        plan.decoded.clear()
    return found


def _look(tx: Transaction) -> None:
    tx.lock(ONE)
    assert tx.get(DESKS, ONE, ()) == DeskRecord(ONE)
    one = tx.get(CONVERSATIONS, ONE, ("c1",))
    assert tx.scan(WAITING, ONE, limit=5)[0] is one
    assert tx.get(CONVERSATIONS, ONE, ("c1",)) is one


def test_a_value_is_decoded_once(store: SqlStore, decoded: list[str]) -> None:
    """In a transaction, and in the next ones while what is stored of it stays the same."""
    store.transact(_look)
    assert decoded == ["desks", "conversations"]
    store.transact(_look)
    assert decoded == ["desks", "conversations"]


def test_a_value_that_somebody_else_wrote_is_decoded_anew(
    store: SqlStore, path: Path, decoded: list[str]
) -> None:
    store.transact(_look)
    other = SqlStore(f"sqlite:///{path}")
    changed = DeskRecord(ONE, position=7)
    alone(other).put(DESKS, ONE, changed)
    other.close()
    with sqlite3.connect(path) as connection:  # and somebody who has another process's memory
        connection.execute(
            "UPDATE omniroute_desks SET body = replace(body, '7', '8') WHERE desk_id = ?", (ONE,)
        )
    connection.close()
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=8)
    assert decoded[2:] == ["desks"]


def test_what_was_taken_back_is_not_remembered(store: SqlStore, decoded: list[str]) -> None:
    def fail(tx: Transaction) -> None:
        tx.put(DESKS, ONE, DeskRecord(ONE, position=9))
        tx.scan(DESKS.index("due_desks"), ONE, limit=1)  # writes it
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact(fail)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE)


def test_values_at_hand_do_not_pile_up(store: SqlStore) -> None:
    plan = store._plans.collections[CONVERSATIONS]
    for number in range(3000):
        plan.decoded.keep((plan, ONE, (f"c{number}",)), None)
    assert 0 < len(plan.decoded) <= 1024


# --- trying again ---------------------------------------------------------------------------------


@pytest.fixture
def writer(path: Path, store: SqlStore) -> Iterator[sqlite3.Connection]:
    """Another program that has the database's only place for writers."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_a_busy_database_is_tried_again(
    store: SqlStore, writer: sqlite3.Connection, pauses: list[float]
) -> None:
    """With growing pauses, until it is free; `work` runs from its start each time."""
    runs: list[int] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            writer.execute("COMMIT")

    store._sleep = sleep

    def work(tx: Transaction) -> None:
        runs.append(len(pauses))
        tx.lock(ONE)
        tx.put(DESKS, ONE, DeskRecord(ONE, position=len(runs)))

    store.transact(work)
    assert runs == [0, 1, 2, 3]
    assert pauses == sorted(pauses)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=4)


def test_a_database_that_stays_busy_is_given_up(
    store: SqlStore, writer: sqlite3.Connection, pauses: list[float]
) -> None:
    with pytest.raises(StoreBusy, match="gave up after 9 tries"):
        alone(store).put(CONVERSATIONS, ONE, conversation(1))
    assert len(pauses) == 8
    assert sum(pauses) < 5
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE), "readers are not held up"


def test_a_lost_race_cannot_be_swallowed(store: SqlStore, writer: sqlite3.Connection) -> None:
    """Where `work` catches the error and goes on, the transaction is lost all the same."""

    def work(tx: Transaction) -> str:
        try:
            tx.lock(ONE)
        except StoreError:
            return "stored, or so it thinks"
        return "locked"

    with pytest.raises(StoreBusy):
        store.transact(work)


def test_a_transaction_that_began_by_reading_starts_over_to_write(
    store: SqlStore, pauses: list[float]
) -> None:
    """Else two of them could read the same and both write."""
    alone(store).add(CONTACTS, ONE, [Contact("k1", ())])
    runs: list[Any] = []

    def work(tx: Transaction) -> None:
        found = tx.get(CONTACTS, ONE, ("k1",))
        assert found is not None
        if not runs:
            alone(other).put(CONTACTS, ONE, evolve(found, name="other"))
        runs.append(found.name)
        tx.put(CONTACTS, ONE, evolve(found, name=f"{found.name} and mine"))

    other = SqlStore(store.engine.url)
    store.transact(work)
    other.close()
    assert runs == [None, "other"]
    assert pauses == []
    found = alone(store).get(CONTACTS, ONE, ("k1",))
    assert found.name == "other and mine"


def test_an_interrupt_is_not_tried_again(store: SqlStore, writer: sqlite3.Connection) -> None:
    def work(tx: Transaction) -> None:
        try:
            tx.lock(ONE)
        except StoreBusy:
            raise KeyboardInterrupt from None

    with pytest.raises(KeyboardInterrupt):
        store.transact(work)


class Flaky(sqlite3.Connection):
    """A connection whose commit fails as it is told to."""

    failures: list[BaseException] = []  # noqa: RUF012  (shared on purpose)

    def commit(self) -> None:
        if self.failures:
            raise self.failures.pop()
        super().commit()


@pytest.fixture
def flaky(path: Path) -> Iterator[SqlStore]:
    arguments = {"factory": Flaky, "check_same_thread": False}
    store = SqlStore(f"sqlite:///{path}", sleep=lambda _: None, connect_args=arguments)
    alone(store).add(DESKS, ONE, [DeskRecord(ONE)])
    yield store
    Flaky.failures.clear()
    store.close()


def test_a_commit_without_an_answer_is_unknown(flaky: SqlStore) -> None:
    """Never a success, and never tried again: it may have been stored."""
    runs: list[None] = []

    def work(tx: Transaction) -> None:
        runs.append(None)
        tx.put(DESKS, ONE, DeskRecord(ONE, position=1))

    Flaky.failures.append(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(CommitUnknown, match="disk I/O error"):
        flaky.transact(work)
    assert len(runs) == 1
    alone(flaky).put(DESKS, ONE, DeskRecord(ONE, position=2))
    assert alone(flaky).get(DESKS, ONE, ()) == DeskRecord(ONE, position=2)


def test_a_commit_that_was_refused_is_tried_again(flaky: SqlStore) -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    Flaky.failures.append(busy)
    alone(flaky).put(DESKS, ONE, DeskRecord(ONE, position=1))
    assert alone(flaky).get(DESKS, ONE, ()) == DeskRecord(ONE, position=1)


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["\ud800", "x\ud800"])
def test_text_that_no_database_takes_is_a_store_error(store: SqlStore, key: str) -> None:
    with pytest.raises(StoreError, match="UnicodeEncodeError"):
        alone(store).add(CONTACTS, ONE, [Contact(key, ())])
    with pytest.raises(StoreError, match="UnicodeEncodeError"):
        alone(store).get(CONTACTS, key, ("k1",))
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE)


def test_numbers_that_no_database_takes_are_a_store_error(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="OverflowError"):
        alone(store).add(CONVERSATIONS, ONE, [conversation(1, at=2**64)])


@pytest.mark.parametrize("name", ["DuplicatePreparedStatement", "InvalidSqlStatementName"])
def test_a_statement_that_was_prepared_on_another_connection_names_the_cure(name: str) -> None:
    """What a pgbouncer that pools transactions leads to, with psycopg as it comes."""
    failure = error_for(Fault.OTHER, getattr(errors, name)("_pg3_0"))
    assert "prepare_threshold" in str(failure)
    assert "prepare_threshold" not in str(error_for(Fault.OTHER, errors.SyntaxError("at or near")))


def test_a_violation_hides_no_driver_error(store: SqlStore) -> None:
    alone(store).add(CONTACTS, ONE, [Contact("k1", (("sms", "+1"),))])
    with pytest.raises(UniqueViolation) as caught:
        alone(store).add(CONTACTS, ONE, [Contact("k2", (("sms", "+1"),))])
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


def test_a_damaged_row_is_a_stored_value_error(store: SqlStore) -> None:
    alone(store).add(CONTACTS, ONE, [Contact("k1", ())])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE omniroute_contacts SET body = '{'")
    with pytest.raises(StoredValueError):
        alone(store).get(CONTACTS, ONE, ("k1",))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE omniroute_contacts SET body = '{}', body_version = 9")
    with pytest.raises(StoredValueError, match="by a newer omniroute"):
        alone(store).scan(CONTACTS.index("contacts_by_ref"), ONE, limit=1) or alone(store).get(
            CONTACTS, ONE, ("k1",)
        )


@pytest.mark.parametrize("name", ["no/such/folder/desk.db", "text.db"])
def test_what_cannot_be_opened_is_a_store_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.db").write_text("this is a letter, and no database at all" * 50)
    store = SqlStore(f"sqlite:///{tmp_path / name}")
    with pytest.raises(StoreError):
        store.transact(lambda tx: tx.lock(ONE))
    store.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: SqlStore("sqlite:///x.db", durability="mostly"),  # type: ignore[arg-type]
        lambda: SqlStore("no url at all"),
        lambda: SqlStore("nosuch://x"),
    ],
)
def test_what_cannot_work_is_a_usage_error(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        make()


def test_other_databases_are_refused() -> None:
    from sqlalchemy.dialects.mysql import mysqldb

    with pytest.raises(UsageError, match="not supported"):
        plans_for(mysqldb.MySQLDialect_mysqldb, None)


# --- tables and engines ---------------------------------------------------------------------------


def test_an_empty_database_gets_its_tables_once(path: Path) -> None:
    stores = [SqlStore(f"sqlite:///{path}") for _ in range(4)]
    waiting = iter(stores)
    in_threads(4, lambda: alone(next(waiting)).put(DESKS, ONE, DeskRecord(ONE)))
    names = set(inspect(stores[0].engine).get_table_names())
    assert names == {*stores[0].tables.metadata.tables, "omniroute_version"}
    assert all(name.startswith("omniroute_") for name in names)
    stores[0].create_tables()
    for store in stores:
        store.close()


def reading(path: Path) -> sqlite3.Connection:
    """Another process that looks at a new file: nobody can switch it to WAL meanwhile."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE theirs (x)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM theirs").fetchall()
    return other


def test_a_new_file_that_others_look_at_is_opened_when_they_are_done(path: Path) -> None:
    other = reading(path)
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            other.execute("COMMIT")

    store = SqlStore(f"sqlite:///{path}?timeout=0", sleep=wait)
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    assert pauses == [0.005, 0.01]
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()
    other.close()


def test_a_new_file_that_others_never_leave_is_told_as_busy(path: Path) -> None:
    other = reading(path)
    store = SqlStore(f"sqlite:///{path}?timeout=0", retries=2, sleep=lambda _: None)
    with pytest.raises(StoreBusy, match="gave up after 3 tries; got database is locked"):
        alone(store).put(DESKS, ONE, DeskRecord(ONE))
    other.close()
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    store.close()


@pytest.mark.parametrize("durability,level", [("full", 2), ("normal", 1)])
def test_durability_is_what_was_asked_for(path: Path, durability: Any, level: int) -> None:
    store = SqlStore(f"sqlite:///{path}", durability=durability)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()


def test_an_engine_of_the_hosts_stays_open(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    store = SqlStore(engine)
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    store.close()
    with pytest.raises(StoreError, match="closed"):
        alone(store).get(DESKS, ONE, ())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT desk_id FROM omniroute_desks").scalar() == ONE
    engine.dispose()


def test_the_password_never_shows() -> None:
    pytest.importorskip("psycopg")
    store = SqlStore("postgres://ana:hunter2@127.0.0.1:1/desk")
    assert "hunter2" not in repr(store)
    with pytest.raises(StoreError) as caught:
        store.transact(lambda tx: tx.lock(ONE))
    assert "hunter2" not in str(caught.value)
    store.close()


def test_threads_that_write_queue_up_without_pauses(store: SqlStore, pauses: list[float]) -> None:
    """They wait for each other here, not by asking the file again and again."""

    def work(tx: Transaction) -> None:
        tx.lock(ONE)
        found = tx.get(DESKS, ONE, ())
        assert found is not None
        tx.put(DESKS, ONE, evolve(found, position=found.position + 1))

    in_threads(8, lambda: [store.transact(work) for _ in range(20)])
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=160)
    assert pauses == []


def test_readers_see_the_last_commit_while_one_writes(store: SqlStore) -> None:
    alone(store).add(CONVERSATIONS, ONE, [conversation(1)])
    counts: list[int] = []

    def look() -> None:
        counts.append(alone(store).count(WAITING, ONE))

    def work(tx: Transaction) -> None:
        tx.add(CONVERSATIONS, ONE, [conversation(2)])
        assert tx.count(WAITING, ONE) == 2
        reader = threading.Thread(target=look)
        reader.start()
        reader.join()

    store.transact(work)
    look()
    assert counts == [1, 2]


def test_values_read_before_the_lock_are_read_again(store: SqlStore) -> None:
    """On PostgreSQL they may have changed in between; here the transaction starts over."""

    def work(tx: Transaction) -> DeskRecord | None:
        tx.get(DESKS, ONE, ())
        tx.lock(ONE)
        return tx.get(DESKS, ONE, ())

    assert store.transact(work) == DeskRecord(ONE)


def test_a_desk_made_in_this_transaction_can_be_locked(store: SqlStore) -> None:
    def work(tx: Transaction) -> None:
        tx.add(DESKS, TWO, [DeskRecord(TWO)])
        tx.lock(TWO)
        tx.put(DESKS, TWO, DeskRecord(TWO, position=1))

    store.transact(work)
    assert alone(store).get(DESKS, TWO, ()) == DeskRecord(TWO, position=1)


def test_nothing_but_what_is_used_is_left_over(store: SqlStore) -> None:
    """Side tables lose their rows with the value."""
    agent = evolve(sample(AGENTS.type, 1), leaves=("a", "b"))
    ended = conversation(1, state=State.ENDED)
    alone(store).put(AGENTS, ONE, agent)
    alone(store).put(CONVERSATIONS, ONE, evolve(ended, extras=evolve(ended.extras, tags=("t",))))
    assert alone(store).delete(AGENTS, ONE, (agent.id,))
    assert alone(store).delete(CONVERSATIONS, ONE, ("c1",))
    with store.engine.connect() as connection:
        for name in ("serving", "agents", "tag_by_due", "tag_by_latest", "conversations"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM omniroute_{name}").scalar()
            assert rows == 0, name


def test_addresses_are_in_no_desk(store: SqlStore) -> None:
    columns = [column.name for column in store.tables.main[ADDRESSES].columns]
    assert columns == ["kind", "address", "owner", "body", "body_version"]
    assert READY.lane == "lane"


def test_a_statements_marks_become_the_servers_own() -> None:
    assert numbered("SELECT 1") == "SELECT 1"
    assert numbered("SELECT %s::json, %s WHERE a = %s") == "SELECT $1::json, $2 WHERE a = $3"
    assert numbered('SELECT "a%%sb", %s, 5 %% 2') == 'SELECT "a%sb", $1, 5 % 2'


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_no_statement_has_other_marks_than_those_of_its_parameters(database: str) -> None:
    """A sign of per cent would be doubled for one kind of cursor, and not for the other."""
    plans = plans_named(database)
    texts = [plan.get + plan.insert + plan.delete for plan in plans.collections.values()]
    assert not [text for text in texts if "%" in text.replace("%s", "")]
