"""The writing half of the kit: unique entries, transactions, desks, leases, and many at once."""

# ruff: noqa: S101  (a conformance kit is made of assertions)

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import OmnirouteError, StoreError, UniqueViolation, UnknownDesk
from omniroute.model.contact import Contact
from omniroute.model.effects import OutboxState
from omniroute.model.events import LogEntry
from omniroute.model.records import AddressEntry, DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import (
    ADDRESSES,
    CONTACTS,
    CONVERSATIONS,
    DESKS,
    LOG,
    OUTBOX,
    Collection,
    Key,
)
from omniroute.testing.store_conformance.reading import each_collection
from omniroute.testing.store_conformance.values import (
    DUE_DESKS,
    ONE,
    READY,
    TWO,
    WAITING,
    Broken,
    all_entries,
    alone,
    conversation,
    entries_of,
    in_threads,
    line,
    parcel,
    put_all,
    sample,
    samples,
)

__all__ = ["Desks", "Leases", "Transactions"]


class Transactions:
    """All of a transaction stays, or nothing of it; and no unique entry is held twice."""

    # --- unique entries ---

    def test_a_unique_entry_is_refused(self, store: Store, desk: str) -> None:
        """Two values cannot share it, and nothing of the transaction stays."""
        taken = conversation(1)
        double = evolve(conversation(2), place=taken.place)
        put_all(store, desk, CONVERSATIONS, [taken])

        def work(tx: Transaction) -> None:
            tx.put(CONVERSATIONS, desk, conversation(3))
            tx.put(CONVERSATIONS, desk, double)

        with pytest.raises(UniqueViolation):
            store.transact(work)
        assert all_entries(store, WAITING, desk) == [line(1, "general", "c1")]

    def test_a_unique_entry_of_many_is_refused(self, store: Store, desk: str) -> None:
        """The same for an index of which a value has several entries."""
        put_all(store, desk, CONTACTS, [Contact("k1", (("sms", "+1"), ("mail", "a@b")))])
        with pytest.raises(UniqueViolation):
            put_all(store, desk, CONTACTS, [Contact("k2", (("sms", "+2"), ("mail", "a@b")))])
        assert alone(store).get(CONTACTS, desk, ("k2",)) is None
        assert alone(store).count(CONTACTS.index("contact_addresses"), desk) == 2

    def test_a_violation_cannot_be_swallowed(self, store: Store, desk: str) -> None:
        """A unit of work that catches it does not commit: databases cannot go on after it."""
        put_all(store, desk, CONTACTS, [Contact("k1", (("sms", "+1"),))])

        def work(tx: Transaction) -> None:
            tx.put(CONTACTS, desk, Contact("k9", ()))
            try:
                tx.put(CONTACTS, desk, Contact("k2", (("sms", "+1"),)))
                tx.count(CONTACTS.index("contact_addresses"), desk)
            except UniqueViolation:
                pass

        with pytest.raises(UniqueViolation):
            store.transact(work)
        assert alone(store).get(CONTACTS, desk, ("k9",)) is None

    def test_a_key_is_added_once(self, store: Store, desk: str) -> None:
        """`add` is for new values: a second one under the key is refused."""
        alone(store).add(CONTACTS, desk, [Contact("k1", (), name="first")])
        with pytest.raises(UniqueViolation):
            alone(store).add(CONTACTS, desk, [Contact("k1", (), name="second")])
        found = alone(store).get(CONTACTS, desk, ("k1",))
        assert found is not None
        assert found.name == "first"

    def test_a_unique_entry_can_be_passed_on(self, store: Store, desk: str) -> None:
        """Once let go it is free, in the same transaction too, whatever else is written between."""
        one, two = conversation(1), evolve(conversation(2), place=conversation(1).place)

        def work(tx: Transaction) -> None:
            tx.put(CONVERSATIONS, desk, one)
            tx.put(CONVERSATIONS, desk, conversation(3))
            tx.put(CONVERSATIONS, desk, evolve(one, state=State.ENDED))
            tx.put(CONVERSATIONS, desk, two)
            tx.put(CONVERSATIONS, desk, evolve(one, state=State.ENDED, agent="ana"))
            tx.put(CONVERSATIONS, desk, evolve(two, state=State.ENDED))
            tx.put(CONVERSATIONS, desk, evolve(one, agent="ben"))

        def back(tx: Transaction) -> None:
            tx.put(CONVERSATIONS, desk, evolve(two, state=State.ENDED, agent="cy"))
            tx.put(CONVERSATIONS, desk, evolve(one, state=State.ENDED))
            tx.put(CONVERSATIONS, desk, two)

        open_thread = CONVERSATIONS.index("open_thread")
        for each, holder in ((work, "c1"), (back, "c2")):
            store.transact(each)
            entries = all_entries(store, open_thread, desk)
            assert [entry[-1] for entry in entries if entry[1] == one.place.contact] == [holder]

    def test_many_at_once_keep_their_texts(self, store: Store, desk: str) -> None:
        """Whatever stands in a key or a column: added, changed and deleted in one transaction each."""
        texts = ['"', "\\", "{a,b}", "NULL", "", "\u00e9\n'", "%s $1"]
        made = [evolve(conversation(n, queue=text), id=f"c{text}") for n, text in enumerate(texts)]
        moved = [evolve(each, queue=f"{each.queue}\\") for each in made]
        for values in (made, moved):
            put_all(store, desk, CONVERSATIONS, values)
            assert all_entries(store, WAITING, desk) == entries_of(WAITING, desk, values)
            found = [alone(store).get(CONVERSATIONS, desk, (each.id,)) for each in values]
            assert found == values

        def work(tx: Transaction) -> None:
            for each in moved:
                assert tx.delete(CONVERSATIONS, desk, (each.id,))

        store.transact(work)
        assert all_entries(store, WAITING, desk) == []

    # --- transactions ---

    def test_a_result_is_returned(self, store: Store) -> None:
        """`transact` returns what `work` returns."""
        result = object()
        assert store.transact(lambda _: result) is result

    def test_an_exception_takes_everything_back(self, store: Store, desk: str) -> None:
        """It comes out as it is, and the store stands as before."""
        kept = [conversation(1), conversation(2)]
        entries = [parcel("c1", 1, 10), parcel("c1", 2, 20), parcel("c2", 1, 5)]
        put_all(store, desk, CONVERSATIONS, kept)
        put_all(store, desk, OUTBOX, entries)
        error = Broken()

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            tx.put(DESKS, desk, DeskRecord(desk, position=7, next_due=7))
            tx.put(CONVERSATIONS, desk, evolve(kept[0], queue="other"))
            tx.put(CONVERSATIONS, desk, evolve(kept[0], queue="a third"))
            tx.put(CONVERSATIONS, desk, conversation(3))
            tx.add(LOG, desk, [sample(LogEntry, 1)])
            tx.delete(CONVERSATIONS, desk, ("c2",))
            assert len(tx.lease(READY, desk, now=99, until=100, limit=9)) == 2
            tx.delete(OUTBOX, desk, ("c1", 2))
            raise error

        with pytest.raises(Broken) as caught:
            store.transact(work)
        assert caught.value is error
        assert alone(store).get(DESKS, desk, ()) == DeskRecord(desk)
        assert all_entries(store, WAITING, desk) == entries_of(WAITING, desk, kept)
        assert alone(store).scan(OUTBOX.index("outbox_of"), desk, limit=9) == entries
        assert all_entries(store, READY, desk) == entries_of(READY, desk, entries)
        assert all_entries(store, LOG.index("log_order"), desk) == []
        assert all_entries(store, DUE_DESKS, desk) == [(0, each) for each in sorted((desk, TWO))]

    def test_own_writes_are_read(self, store: Store, desk: str) -> None:
        """By every verb, before the commit."""
        one, two = conversation(1), conversation(2)

        def work(tx: Transaction) -> None:
            tx.put(CONVERSATIONS, desk, one)
            assert tx.get(CONVERSATIONS, desk, ("c1",)) == one
            assert tx.scan(WAITING, desk, ("general",), limit=9) == [one]
            tx.add(CONVERSATIONS, desk, [two])
            assert tx.get(CONVERSATIONS, desk, ("c2",)) == two
            assert tx.count(WAITING, desk) == 2
            tx.put(CONVERSATIONS, desk, evolve(one, queue="other"))
            assert tx.heads(WAITING, desk, [("general",), ("other",)]) == [
                line(2, "general", "c2"),
                line(1, "other", "c1"),
            ]
            assert tx.delete(CONVERSATIONS, desk, ("c2",))
            assert tx.get(CONVERSATIONS, desk, ("c2",)) is None
            assert not tx.delete(CONVERSATIONS, desk, ("c2",))
            assert tx.entries(WAITING, desk, limit=9) == [line(1, "other", "c1")]
            tx.put(CONVERSATIONS, desk, two)
            tx.put(OUTBOX, desk, parcel("c1", 1, 5))
            assert tx.lease(READY, desk, now=5, until=9, limit=1) != []
            assert tx.lease(READY, desk, now=5, until=9, limit=1) == []

        store.transact(work)
        assert alone(store).count(WAITING, desk) == 2

    def test_the_last_write_counts(self, store: Store, desk: str) -> None:
        """Several writes of one key in one transaction come to the last of them."""

        def work(tx: Transaction) -> None:
            for number in range(5):
                tx.put(CONTACTS, desk, Contact("k1", (("sms", f"+{number}"),)))
            tx.add(CONTACTS, desk, [Contact("k2", ())])
            tx.put(CONTACTS, desk, Contact("k2", (("sms", "+0"),)))
            tx.delete(CONTACTS, desk, ("k3",))
            tx.put(CONTACTS, desk, Contact("k3", ()))
            tx.delete(CONTACTS, desk, ("k3",))

        store.transact(work)
        found = all_entries(store, CONTACTS.index("contact_addresses"), desk)
        assert found == [("sms", "+0", "k2"), ("sms", "+4", "k1")]
        assert alone(store).get(CONTACTS, desk, ("k3",)) is None

    def test_a_transaction_ends(self, store: Store, desk: str) -> None:
        """One that was kept for later is refused, not quietly lost."""
        kept: list[Transaction] = []
        store.transact(kept.append)
        with pytest.raises(OmnirouteError):
            kept[0].put(DESKS, desk, DeskRecord(desk, position=9))

    def test_a_closed_store_says_so(self, store: Store) -> None:
        """Not something about a connection."""
        store.close()
        with pytest.raises(StoreError):
            store.transact(lambda _: None)


class Desks:
    """A desk sees its own; what crosses desks is declared to."""

    @each_collection
    def test_desks_see_their_own_only(self, store: Store, collection: Collection[Any]) -> None:
        """Two desks with the same keys, in every collection: each has its own values (R12)."""
        if not collection.desk_led:
            return
        mine, theirs = samples(collection, ONE), samples(collection, TWO)[:2]
        put_all(store, ONE, collection, mine)
        put_all(store, TWO, collection, theirs)
        for index in (each for each in collection.indexes if each.desk_led):
            assert all_entries(store, index, ONE) == entries_of(index, ONE, mine), index.name
            assert all_entries(store, index, TWO) == entries_of(index, TWO, theirs), index.name
            assert all_entries(store, index, "desk-three") == []
        for value in theirs:
            assert alone(store).delete(collection, TWO, collection.key(value))
        for value in mine:
            key = collection.key(value)
            assert alone(store).get(collection, ONE, key) == value
            assert alone(store).get(collection, TWO, key) is None

    def test_an_unknown_desk_cannot_be_locked(self, store: Store, desk: str) -> None:
        """The others can, again and again."""
        with pytest.raises(UnknownDesk):
            alone(store).lock("nobody")

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            tx.lock(desk)

        store.transact(work)
        store.transact(work)

    def test_addresses_belong_to_no_desk(self, store: Store, desk: str) -> None:
        """Any desk, and none, finds an address: that is what the directory is for (P20)."""
        entry = AddressEntry("whatsapp", "4915", desk, "main")
        put_all(store, desk, ADDRESSES, [entry])
        for asked in (desk, TWO, ""):
            found = alone(store).get(ADDRESSES, asked, ("whatsapp", "4915"))
            assert found == entry
        index = ADDRESSES.index("addresses_of_desk")
        assert alone(store).scan(index, "", (desk,), limit=9) == [entry]
        assert alone(store).scan(index, "", (TWO,), limit=9) == []

    def test_desks_are_found_across(self, store: Store, desk: str) -> None:
        """An index that is not led by the desk names it behind its fields, and looks at all."""
        put_all(store, desk, DESKS, [DeskRecord(desk, next_work=20)])
        put_all(store, TWO, DESKS, [DeskRecord(TWO, next_work=10)])
        assert all_entries(store, DUE_DESKS, "") == [(10, TWO), (20, desk)]
        assert alone(store).heads(DUE_DESKS, "", [()]) == [(10, TWO)]
        due = alone(store).scan(DUE_DESKS, "", until=(15,), limit=9)
        assert [each.id for each in due] == [TWO]
        taken = alone(store).lease(DUE_DESKS, "", now=15, until=30, limit=9)
        assert taken == [DeskRecord(TWO, next_work=30)]
        assert all_entries(store, DUE_DESKS, "") == [(20, desk), (30, TWO)]


class Leases:
    """What is due is taken once, in order, and comes free by itself; and no update is lost."""

    def test_leases_come_in_order(self, store: Store, desk: str) -> None:
        """What is due, the earliest first, and at most `limit`; marked until `until`."""
        made = [parcel(f"c{i}", 1, 10 - i) for i in range(6)]
        put_all(store, desk, OUTBOX, made)
        taken = alone(store).lease(READY, desk, now=9, until=50, limit=3)
        assert taken == [
            evolve(each, ready_at=50, attempts=1) for each in (made[5], made[4], made[3])
        ]
        taken = alone(store).lease(READY, desk, now=9, until=50, limit=3)
        assert [each.conversation for each in taken] == ["c2", "c1"]
        assert alone(store).lease(READY, desk, now=9, until=50, limit=3) == []
        assert alone(store).get(OUTBOX, desk, ("c5", 1)) == evolve(made[5], ready_at=50, attempts=1)

    def test_leases_run_out(self, store: Store, desk: str) -> None:
        """At `until` the value is free again, by itself; not before."""
        put_all(store, desk, OUTBOX, [parcel("c1", 1, 10)])
        for now, until, attempts in ((10, 20, 1), (20, 30, 2)):
            early = alone(store).lease(READY, desk, now=now - 1, until=until, limit=1)
            assert early == []
            (taken,) = alone(store).lease(READY, desk, now=now, until=until, limit=1)
            assert taken.attempts == attempts

    def test_a_lane_gives_its_first_only(self, store: Store, desk: str) -> None:
        """Nothing overtakes in a lane: not what is due earlier, not while the first is leased."""
        made = [parcel("c1", 2, 1), parcel("c1", 1, 5), parcel("c1", 3, 1), parcel("c2", 9, 7)]
        put_all(store, desk, OUTBOX, made)

        def lease(now: int) -> list[tuple[str, int]]:
            taken = alone(store).lease(READY, desk, now=now, until=now + 100, limit=9)
            return [(each.conversation, each.position) for each in taken]

        assert lease(4) == []
        assert lease(7) == [("c1", 1), ("c2", 9)]
        assert lease(8) == []
        alone(store).delete(OUTBOX, desk, ("c1", 1))
        assert lease(9) == [("c1", 2)]
        put_all(store, desk, OUTBOX, [evolve(made[0], state=OutboxState.DEAD)])
        assert lease(10) == [("c1", 3)]

    def test_leases_of_desks_stay_apart(self, store: Store, desk: str) -> None:
        """Desks lease from their own outbox, with the same conversations in both (R12)."""
        put_all(store, desk, OUTBOX, [parcel("c1", 2, 1)])
        put_all(store, TWO, OUTBOX, [parcel("c1", 1, 1)])
        taken = alone(store).lease(READY, desk, now=5, until=9, limit=9)
        assert [each.position for each in taken] == [2]
        assert alone(store).get(OUTBOX, TWO, ("c1", 1)) == parcel("c1", 1, 1)

    # --- many at once ---

    def test_no_update_is_lost(self, store: Store, desk: str) -> None:
        """Threads that lock, read and write back one desk's row: every one of them counts."""

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            found = tx.get(DESKS, desk, ())
            assert found is not None
            tx.put(DESKS, desk, evolve(found, position=found.position + 1))

        in_threads(4, lambda: [store.transact(work) for _ in range(25)])
        assert alone(store).get(DESKS, desk, ()) == DeskRecord(desk, position=100)

    def test_nothing_is_leased_twice(self, store: Store, desk: str) -> None:
        """Threads that lease without the desk's lock share out what there is."""
        put_all(store, desk, OUTBOX, [parcel(f"c{i}", 1, 1) for i in range(60)])
        taken: list[Key] = []

        def take() -> None:
            for _ in range(60):
                some = alone(store).lease(READY, desk, now=5, until=9, limit=2)
                taken.extend(OUTBOX.key(each) for each in some)

        in_threads(4, take)
        assert len(taken) == len(set(taken)), "the same value was leased twice"
        assert len(taken) == 60
