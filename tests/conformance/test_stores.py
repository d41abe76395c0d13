"""The stores that omniroute ships, held to the kit that authors of stores use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from sqlalchemy import create_engine, text

from omniroute.errors import StoreError
from omniroute.model.contact import Contact
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import CONTACTS, CONVERSATIONS, DESKS, OUTBOX
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore
from omniroute.testing.store_conformance import DurableStoreConformance, StoreConformance
from omniroute.testing.store_conformance.values import (
    ONE,
    READY,
    TWO,
    WAITING,
    Broken,
    alone,
    conversation,
    in_threads,
    parcel,
    put_all,
)


class TestMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore()
        yield store
        store.close()


class TestSqliteInMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = SqlStore("sqlite://")
        yield store
        store.close()


class TestSqliteFile(DurableStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        self.url = f"sqlite:///{tmp_path / 'desk.db'}"
        store = SqlStore(self.url, durability="normal")
        yield store
        store.close()

    def reopen(self) -> Store:
        return SqlStore(self.url, durability="normal")


class TestPostgres(DurableStoreConformance):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        self.url = postgres_url
        store = SqlStore(postgres_url)
        store.create_tables()
        empty(store)
        yield store
        store.close()

    def reopen(self) -> Store:
        return SqlStore(self.url)

    def test_a_schema_of_our_own(self, store: SqlStore) -> None:
        ours = SqlStore(self.url, schema="helpdesk")
        put_all(ours, ONE, CONVERSATIONS, [conversation(1)])
        put_all(ours, ONE, CONTACTS, [Contact("k1", (("sms", "+1"),))])
        ours.close()
        again = SqlStore(self.url, schema="helpdesk")
        counts = [alone(each).count(WAITING, ONE) for each in (again, store)]
        addresses = alone(again).entries(ADDRESSES_OF_CONTACTS, ONE, limit=9)
        again.close()
        assert counts == [1, 0]
        assert addresses == [("sms", "+1", "k1")]

    @pytest.mark.parametrize("number", [1, 3, 4, 40])
    def test_many_rows_are_written_as_few_are(
        self, store: SqlStore, desk: str, number: int
    ) -> None:
        """New, changed, perhaps there, removed; of several collections, with odd text in them."""
        odd = 'quote " backslash \\ braces {} %s line\nbreak \u2028 \U0001f600'
        contacts = [Contact(f"k{n}", (("sms", f"+{n}"),), name=odd) for n in range(number)]
        talks = [conversation(n) for n in range(number)]

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            for contact in contacts:
                tx.put(CONTACTS, desk, contact)
            tx.add(CONVERSATIONS, desk, talks)

        def change(tx: Transaction) -> None:
            tx.lock(desk)
            for each in tx.scan(WAITING, desk, limit=100):
                taken = evolve(each, state=State.ACTIVE, agent="ana", at=each.at + 1)
                tx.put(CONVERSATIONS, desk, taken)
            for contact in contacts:  # each takes the next one's address over, the last is new
                tx.put(CONTACTS, desk, evolve(contact, addresses=(("sms", f"+{contact.id}"),)))

        def remove(tx: Transaction) -> None:
            tx.lock(desk)
            for contact in contacts:
                assert tx.delete(CONTACTS, desk, (contact.id,))

        store.transact(work)
        assert alone(store).get(CONTACTS, desk, ("k0",)) == contacts[0]
        assert alone(store).count(WAITING, desk) == number
        store.transact(change)
        assert alone(store).count(WAITING, desk) == 0
        found = alone(store).entries(ADDRESSES_OF_CONTACTS, desk, limit=100)
        assert sorted(found) == sorted(("sms", f"+k{n}", f"k{n}") for n in range(number))
        store.transact(remove)
        assert alone(store).entries(ADDRESSES_OF_CONTACTS, desk, limit=100) == []

    @pytest.mark.parametrize("number", [2, 9])
    def test_unique_entries_go_round(self, store: SqlStore, desk: str, number: int) -> None:
        """Each lets go before the next one takes, which one statement for all would not promise."""
        ended = [conversation(n) for n in range(number)]
        put_all(store, desk, CONVERSATIONS, ended)

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            for each in ended:
                over = evolve(each, state=State.ENDED)
                tx.put(CONVERSATIONS, desk, over)
                tx.put(CONVERSATIONS, desk, evolve(each, id=f"next-{each.id}"))

        store.transact(work)
        assert alone(store).count(WAITING, desk) == number

    def test_what_a_removed_value_held_goes_to_another(self, store: SqlStore, desk: str) -> None:
        put_all(store, desk, CONTACTS, [Contact("k1", (("sms", "+1"),)), Contact("k2", ())])

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            assert tx.get(CONTACTS, desk, ("k2",)) == Contact("k2", ())
            tx.delete(CONTACTS, desk, ("k1",))
            tx.put(CONTACTS, desk, Contact("k2", (("sms", "+1"),)))

        store.transact(work)
        assert alone(store).entries(ADDRESSES_OF_CONTACTS, desk, limit=9) == [("sms", "+1", "k2")]

    @pytest.mark.parametrize("number", [1, 2, 9])
    def test_an_update_of_what_went_away_is_lost_among_many(
        self, store: SqlStore, desk: str, number: int
    ) -> None:
        put_all(store, desk, CONTACTS, [Contact(f"k{n}", ()) for n in range(number)])
        other = self.reopen()
        runs: list[None] = []

        def work(tx: Transaction) -> None:
            runs.append(None)
            found = [tx.get(CONTACTS, desk, (f"k{n}",)) for n in range(number)]
            if len(runs) == 1:
                alone(other).delete(CONTACTS, desk, ("k0",))
            for contact in found:
                if contact is not None:
                    tx.put(CONTACTS, desk, evolve(contact, name="Mira"))

        store.transact(work)
        other.close()
        assert len(runs) == 2

    def test_a_broken_connection_is_replaced(self, store: SqlStore, desk: str) -> None:
        """The server went away under the transaction: it runs again on another connection."""
        runs: list[None] = []

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            runs.append(None)
            if len(runs) == 1:
                end_other_connections(self.url)
            tx.put(DESKS, desk, DeskRecord(desk, position=len(runs)))

        store.transact(work)
        assert len(runs) == 2
        assert alone(store).get(DESKS, desk, ()) == DeskRecord(desk, position=2)

    def test_connections_that_broke_in_the_pool_are_replaced(
        self, store: SqlStore, desk: str
    ) -> None:
        in_threads(4, lambda: [alone(store).count(WAITING, desk) for _ in range(5)])
        end_other_connections(self.url)
        assert alone(store).get(DESKS, desk, ()) == DeskRecord(desk)

    def test_a_server_that_is_not_there(self) -> None:
        """It may only be starting: it is tried again, and told when that does not help."""
        store = SqlStore("postgresql+psycopg://127.0.0.1:1/x", retries=2, sleep=lambda _: None)
        with pytest.raises(StoreError, match="gave up after 3 tries"):
            alone(store).count(WAITING, ONE)

    def test_one_waits_for_the_others_lock(self, store: SqlStore, desk: str) -> None:
        """And then reads what the other has written, even where it had read before."""
        put_all(store, desk, CONTACTS, [Contact("k1", ())])
        other = self.reopen()
        seen: list[Any] = []

        def second(tx: Transaction) -> None:
            seen.append((tx.get(DESKS, desk, ()), tx.get(CONTACTS, desk, ("k1",))))
            started.set()
            tx.lock(desk)
            seen.append((tx.get(DESKS, desk, ()), tx.get(CONTACTS, desk, ("k1",))))

        def first(tx: Transaction) -> None:
            tx.lock(desk)
            thread.start()
            assert started.wait(10)
            tx.put(DESKS, desk, DeskRecord(desk, position=1))
            tx.put(CONTACTS, desk, Contact("k1", (), name="Mira"))

        started = threading.Event()
        thread = threading.Thread(target=lambda: other.transact(second))
        store.transact(first)
        thread.join()
        other.close()
        assert seen == [
            (DeskRecord(desk), Contact("k1", ())),
            (DeskRecord(desk, position=1), Contact("k1", (), name="Mira")),
        ]

    def test_what_came_with_an_entry_is_read_again_after_the_lock(
        self, store: SqlStore, desk: str
    ) -> None:
        """The first of an index brings its row along, which may change until the lock is had."""
        put_all(store, desk, CONTACTS, [Contact("k1", (), ref="r")])
        other = self.reopen()

        def work(tx: Transaction) -> Any:
            tx.heads(CONTACTS.index("contacts_by_ref"), desk, [("r",)])
            put_all(other, desk, CONTACTS, [Contact("k1", (), ref="r", name="Mira")])
            tx.lock(desk)
            return tx.get(CONTACTS, desk, ("k1",))

        assert store.transact(work) == Contact("k1", (), ref="r", name="Mira")
        other.close()

    def test_what_another_is_leasing_is_skipped(self, store: SqlStore, desk: str) -> None:
        """Nobody waits for it, and nothing overtakes it in its lane."""
        made = [parcel("c1", 1, 1), parcel("c1", 2, 1), parcel("c2", 1, 2)]
        put_all(store, desk, OUTBOX, made)
        other = self.reopen()

        def work(tx: Transaction) -> None:
            (mine,) = tx.lease(READY, desk, now=9, until=99, limit=1)
            theirs = alone(other).lease(READY, desk, now=9, until=99, limit=9)
            assert (mine.conversation, [each.conversation for each in theirs]) == ("c1", ["c2"])

        store.transact(work)
        other.close()

    def test_a_deadlock_is_tried_again(self, store: SqlStore, desk: str) -> None:
        """Two that lock two desks in opposite order: both come through."""
        meet = threading.Barrier(2, timeout=10)
        tries: list[str] = []

        def transfer(one: str, two: str) -> None:
            def work(tx: Transaction) -> None:
                tries.append(one)
                tx.lock(one)
                if len(tries) <= 2:
                    meet.wait()
                tx.lock(two)
                for each in (one, two):
                    found = tx.get(DESKS, each, ())
                    assert found is not None
                    tx.put(DESKS, each, evolve(found, position=found.position + 1))

            store.transact(work)

        pairs = iter([(desk, TWO), (TWO, desk)])
        in_threads(2, lambda: transfer(*next(pairs)))
        assert len(tries) > 2
        for each in (desk, TWO):
            assert alone(store).get(DESKS, each, ()) == DeskRecord(each, position=2)

    def test_a_row_that_went_away_is_a_lost_race(self, store: SqlStore, desk: str) -> None:
        put_all(store, desk, CONTACTS, [Contact("k1", ())])
        other = self.reopen()
        runs: list[Any] = []

        def work(tx: Transaction) -> None:
            runs.append(tx.get(CONTACTS, desk, ("k1",)))
            if len(runs) == 1:
                alone(other).delete(CONTACTS, desk, ("k1",))
            tx.put(CONTACTS, desk, Contact("k1", (), name="again"))

        store.transact(work)
        other.close()
        assert runs == [Contact("k1", ()), None]
        assert alone(store).get(CONTACTS, desk, ("k1",)) == Contact("k1", (), name="again")

    def test_an_engine_in_autocommit_is_still_one_transaction(
        self, store: SqlStore, desk: str
    ) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        hosts = SqlStore(engine)

        def work(tx: Transaction) -> None:
            tx.put(CONTACTS, desk, Contact("k1", ()))
            tx.count(ADDRESSES_OF_CONTACTS, desk)
            raise Broken

        with pytest.raises(Broken):
            hosts.transact(work)
        assert alone(hosts).get(CONTACTS, desk, ("k1",)) is None
        alone(hosts).put(CONTACTS, desk, Contact("k1", ()))
        assert alone(store).get(CONTACTS, desk, ("k1",)) == Contact("k1", ())
        engine.dispose()

    def test_text_that_no_database_takes_is_a_store_error(self, store: SqlStore, desk: str) -> None:
        for key in ("a\0b", "\ud800"):
            with pytest.raises(StoreError):
                put_all(store, desk, CONTACTS, [Contact(key, ())])
        with pytest.raises(StoreError):
            put_all(store, desk, CONVERSATIONS, [conversation(1, at=2**64)])

    def test_every_scan_is_served_by_an_index(self, store: SqlStore) -> None:
        """No plan looks at a whole table or sorts, where the planner may choose (R3)."""
        with store.engine.connect() as connection:
            connection.execute(text("SET enable_seqscan = off"))
            connection.execute(text("SET enable_bitmapscan = off"))
            connection.execute(text("SET enable_sort = off"))
            connection.execute(text("SET enable_incremental_sort = off"))
            for index in (
                WAITING,
                READY,
                ADDRESSES_OF_CONTACTS,
                CONVERSATIONS.index("agent_by_due"),
            ):
                reading = store._plans.indexes[index]
                query = reading.scan((1, 1, 1, False), whole=True)
                values = ["1" for _ in range(query.count("%s"))]
                plan = connection.exec_driver_sql(f"EXPLAIN {query}", tuple(values)).fetchall()
                steps = "\n".join(row[0] for row in plan)
                assert "Sort" not in steps, steps
                assert "Seq Scan" not in steps, steps


ADDRESSES_OF_CONTACTS = CONTACTS.index("contact_addresses")


def end_other_connections(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


def empty(store: SqlStore) -> None:
    names = ", ".join(table.name for table in store.tables.metadata.sorted_tables)
    with store.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
