"""What the memory store has of its own: catching up, lanes, and who may come in when."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import StoreError, UniqueViolation, UsageError
from omniroute.model.assign import Routing
from omniroute.model.conversation import DeadlineKind, Extras, Offer
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Transaction
from omniroute.schema import (
    COLLECTIONS,
    CONTACTS,
    CONVERSATIONS,
    DESKS,
    OUTBOX,
    Collection,
    Column,
    Index,
)
from omniroute.stores.entries import entries_of as index_entries
from omniroute.stores.memory import MemoryStore
from omniroute.stores.memory.table import Table
from omniroute.testing import NOW, a_conversation, a_place
from omniroute.testing.store_conformance.values import (
    ONE,
    READY,
    WAITING,
    alone,
    conversation,
    entries_of,
    parcel,
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_the_values_themselves_are_kept(store: MemoryStore) -> None:
    value = conversation(1)
    alone(store).put(CONVERSATIONS, ONE, value)
    assert alone(store).get(CONVERSATIONS, ONE, ("c1",)) is value


@pytest.mark.parametrize("looks", ["never", "first", "at times", "always"])
def test_indexes_catch_up_however_seldom_they_are_looked_at(store: MemoryStore, looks: str) -> None:
    """Through more writes than a journal holds, with keys that change, go and come back."""
    index = CONVERSATIONS.index("agent_by_due")
    kept: dict[int, Any] = {}
    every = {"never": 10_000, "first": 10_000, "at times": 900, "always": 1}[looks]

    def work(tx: Transaction) -> None:
        if looks == "first":
            assert tx.count(WAITING, ONE) == tx.count(index, ONE) == 0
        for step in range(4_000):
            number = step * 7 % 307
            if step % 5 == 4:
                tx.delete(CONVERSATIONS, ONE, (f"c{number}",))
                kept.pop(number, None)
            else:
                value = conversation(number, queue=f"q{step % 3}", agent=f"a{step % 4}")
                kept[number] = evolve(value, state=list(State)[step % 3])
                tx.put(CONVERSATIONS, ONE, kept[number])
            if step % every == every - 1:
                assert tx.count(index, ONE) == len(kept)
                assert tx.count(WAITING, ONE) == len(entries_of(WAITING, ONE, kept.values()))
        for each in (index, WAITING):
            assert tx.entries(each, ONE, limit=999) == entries_of(each, ONE, kept.values())

    store.transact(work)


def test_an_index_far_behind_is_dropped_and_the_journal_stays_short(store: MemoryStore) -> None:
    alone(store).count(WAITING, ONE)

    def work(tx: Transaction) -> Any:
        tx.put(CONVERSATIONS, ONE, conversation(1))
        tx.count(WAITING, ONE)
        for number in range(5_000):
            tx.put(CONVERSATIONS, ONE, conversation(number % 10, at=number))
        return tx

    store.transact(work)
    table: Table = store._space.desks[ONE][CONVERSATIONS]
    assert len(table._journal) <= 1_025
    assert not table._watched
    assert alone(store).count(WAITING, ONE) == 10


def test_lanes_follow_values_that_leave_and_return(store: MemoryStore) -> None:
    """The order in a lane is by position, whatever was written when."""

    def work(tx: Transaction) -> None:
        tx.add(OUTBOX, ONE, [parcel("c1", position, 10) for position in (5, 3, 9)])
        assert [each.position for each in tx.lease(READY, ONE, now=10, until=20, limit=9)] == [3]
        tx.delete(OUTBOX, ONE, ("c1", 3))
        tx.put(OUTBOX, ONE, parcel("c1", 1, 15))
        assert tx.lease(READY, ONE, now=14, until=20, limit=9) == []
        assert [each.position for each in tx.lease(READY, ONE, now=15, until=20, limit=9)] == [1]

    store.transact(work)


def test_a_lease_looks_only_at_what_is_due(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(store).add(OUTBOX, ONE, [parcel(f"c{i}", 1, i) for i in range(2_000)])
    looked: list[Any] = []

    def is_head(_: Any, key: Any, __: Any) -> bool:
        looked.append(key)
        return True

    monkeypatch.setattr("omniroute.stores.memory.table.Lanes.is_head", is_head)
    assert len(alone(store).lease(READY, ONE, now=4, until=9, limit=100)) == 5
    assert len(looked) == 5


def test_reading_leaves_no_trace_of_desks_that_are_not(store: MemoryStore) -> None:
    for number in range(50):
        alone(store).get(DESKS, f"nobody-{number}", ())
        alone(store).count(WAITING, f"nobody-{number}")
    assert repr(store) == "MemoryStore(0 desks)"


def test_a_transaction_inside_a_transaction_is_refused(store: MemoryStore) -> None:
    with pytest.raises(UsageError, match="a transaction inside a transaction"):
        store.transact(lambda _: store.transact(lambda _: None))
    alone(store).put(DESKS, ONE, DeskRecord(ONE))


def test_a_transaction_waits_for_the_other(store: MemoryStore) -> None:
    inside, seen = threading.Event(), []

    def slow(tx: Transaction) -> None:
        tx.put(DESKS, ONE, DeskRecord(ONE, position=1))
        other.start()
        assert not inside.wait(0.05)
        tx.put(DESKS, ONE, DeskRecord(ONE, position=2))

    def look() -> None:
        seen.append(alone(store).get(DESKS, ONE, ()))
        inside.set()

    other = threading.Thread(target=look)
    store.transact(slow)
    other.join()
    assert seen == [DeskRecord(ONE, position=2)]


def test_closing_forgets(store: MemoryStore) -> None:
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        alone(store).get(DESKS, ONE, ())
    store.close()


def test_a_refused_value_leaves_none_of_its_unique_entries(store: MemoryStore) -> None:
    """With two unique indexes, of which the second refuses: the first is as it was."""
    pairs: Collection[tuple[str, str, str]] = Collection(
        name="pairs",
        type=tuple,
        key_columns=(Column("id", str),),
        key=lambda pair: (pair[0],),
        columns=(Column("left", str), Column("right", str)),
        row=lambda pair: pair[1:],
        indexes=(Index("lefts", ("left",), unique=True), Index("rights", ("right",), unique=True)),
    )
    table = Table(pairs, lambda _: pytest.fail("crosses no desk"), ONE)
    table.write(("a",), ("a", "l1", "r1"))
    table.write(("b",), ("b", "l2", "r2"))
    with pytest.raises(UniqueViolation, match=r"pairs\.rights"):
        table.write(("b",), ("b", "l3", "r1"))
    table.write(("c",), ("c", "l3", "r3"))
    with pytest.raises(UniqueViolation, match=r"pairs\.lefts"):
        table.write(("d",), ("d", "l2", "r4"))
    assert table.entries(pairs.index("lefts")).scan((), limit=9) == [
        ("l1", "a"),
        ("l2", "b"),
        ("l3", "c"),
    ]


def test_what_declares_no_lease_cannot_be_leased(store: MemoryStore) -> None:
    with pytest.raises(UsageError, match="declares no lease"):
        alone(store).lease(CONTACTS.index("contacts_by_ref"), ONE, now=1, until=2, limit=1)


PLACES = st.builds(a_place, inbox=st.sampled_from(["general", "vip"]), thread=st.sampled_from("ab"))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(State),
        "queue": st.sampled_from(["general", "vip"]),
        "agent": st.none() | st.just("ana"),
        "at": st.integers(NOW, NOW + 2),
        "since": st.integers(NOW, NOW + 2),
        "place": PLACES,
        "timers": st.sampled_from([(), ((NOW + 1, DeadlineKind.INACTIVITY),)]),
        "extras": st.builds(
            Extras,
            routing=st.builds(
                Routing, segment=st.integers(-1, 0), sticky=st.sampled_from([None, "bob"])
            ),
            offer=st.none() | st.builds(Offer, st.sampled_from([None, "bob"]), st.just(NOW)),
        ),
    },
)


@given(st.sampled_from(State), CHANGES, CHANGES)
def test_an_index_that_says_an_entry_stays_is_right(state: State, one: Any, other: Any) -> None:
    before = evolve(a_conversation(state), **one)
    after = evolve(before, **other)
    for index in CONVERSATIONS.indexes:
        if index.stays is not None and index.stays(before, after):
            assert index_entries(index)(before) == index_entries(index)(after)


def test_a_desk_stays_where_it_is_due_until_it_is_due_otherwise() -> None:
    (due,) = DESKS.indexes
    assert due.stays is not None
    desk = DeskRecord("acme", 7, next_work=NOW)
    for changed in (evolve(desk, position=8, next_due=NOW), evolve(desk, next_work=NOW + 1)):
        stays = index_entries(due)(desk) == index_entries(due)(changed)
        assert due.stays(desk, changed) is stays


def test_only_indexes_that_a_test_looks_at_say_that_entries_stay() -> None:
    told = {each.name for each in COLLECTIONS if any(index.stays for index in each.indexes)}
    assert told == {CONVERSATIONS.name, DESKS.name}


def test_of_what_stays_nothing_is_lost_where_others_move(store: MemoryStore) -> None:
    """The thread is held by whoever is open in it, however often that one changes."""
    first, second = conversation(1), evolve(conversation(2), place=conversation(1).place)
    for at in range(3):
        alone(store).put(CONVERSATIONS, ONE, evolve(first, at=at))
    with pytest.raises(UniqueViolation):
        alone(store).put(CONVERSATIONS, ONE, second)
    alone(store).put(CONVERSATIONS, ONE, evolve(first, state=State.ENDED))
    alone(store).put(CONVERSATIONS, ONE, second)
    with pytest.raises(UniqueViolation):
        alone(store).put(CONVERSATIONS, ONE, first)
