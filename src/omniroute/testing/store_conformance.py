"""The conformance kit for stores: subclass it, give it a store, run pytest.

    class TestCardIndex(DurableStoreConformance):
        @pytest.fixture
        def store(self, tmp_path):
            self.folder = tmp_path
            store = CardIndexStore(tmp_path)
            yield store
            store.close()

        def reopen(self):
            return CardIndexStore(self.folder)

It holds a store to `omniroute.ports.Store` and `Transaction`, over every collection and index that
`omniroute.schema` declares, against an oracle that sorts plain lists. A store that forgets with its
process takes `StoreConformance`. Omniroute's own stores pass it too.
"""

# ruff: noqa: S101  (a conformance kit is made of assertions)

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import pytest
from attrs import evolve, fields, has, resolve_types

from omniroute.errors import OmnirouteError, StoreError, UniqueViolation, UnknownDesk
from omniroute.model.contact import Contact
from omniroute.model.conversation import Clocks, Conversation, Place
from omniroute.model.effects import OutboxEntry, OutboxState, SendMessage
from omniroute.model.events import ConversationEvent, LogEntry, NoteAdded
from omniroute.model.message import Direction, Message
from omniroute.model.records import AddressEntry, DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import (
    ADDRESSES,
    COLLECTIONS,
    CONTACTS,
    CONVERSATIONS,
    DESKS,
    LOG,
    MESSAGES,
    OUTBOX,
    Collection,
    Index,
    Key,
)

__all__ = ["DurableStoreConformance", "StoreConformance", "sample"]

ONE: Final = "desk-one"
TWO: Final = "desk-two"
FAR: Final = 2**62

WAITING: Final = CONVERSATIONS.index("waiting")
READY: Final = OUTBOX.index("ready")
DUE_DESKS: Final = DESKS.index("due_desks")

each_collection = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda each: each.name)


# --- values to store ------------------------------------------------------------------------------


def sample(kind: Any, number: int, name: str = "value", depth: int = 0) -> Any:
    """Return a value of any stored type with every field set; another one for another number."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return sample(inner[0], number, name, depth)
    if origin is tuple and inner[-1] is ...:
        return tuple(sample(inner[0], number, f"{name}{i}", depth + 1) for i in range(_size(depth)))
    if origin is tuple:
        return tuple(sample(each, number, f"{name}{i}", depth) for i, each in enumerate(inner))
    if origin is Mapping:
        keys = [f"{name} {i}.{number}" for i in range(_size(depth))]
        return {key: sample(inner[1], number, key, depth + 1) for key in keys}
    if kind is ConversationEvent:
        kind = NoteAdded
    if has(kind):
        own = [each for each in fields(resolve_types(kind)) if each.init]
        return kind(**{each.name: sample(each.type, number, each.name, depth + 1) for each in own})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[number % len(kind)]
    simple: Mapping[Any, Any] = {str: f"{name}-{number} é中\N{OPEN BOOK}", int: number, bool: True}
    return simple[kind] if kind in simple else [number, None, {"ö\0": 1.5, "a": [False, "\ud800"]}]


def _size(depth: int) -> int:
    return 2 if depth < 6 else 0


def samples(collection: Collection[Any], desk: str, count: int = 3) -> list[Any]:
    """Return values for a collection, each with a key and unique entries of its own."""
    if collection is DESKS:
        return [evolve(sample(DeskRecord, 1), id=desk)]
    return [sample(collection.type, number) for number in range(1, count + 1)]


def conversation(number: int, **changes: Any) -> Conversation:
    """Return a conversation that waits in queue `general` since `number`."""
    made = Conversation(
        id=f"c{number}",
        state=State.QUEUED,
        place=Place("widget", "chat", "general", f"k{number}", f"visitor-{number}"),
        queue="general",
        agent=None,
        at=number,
        since=number,
        clocks=Clocks(opened_at=number, queued_at=number, contact_at=number),
    )
    return evolve(made, **changes)


def parcel(conversation: str, position: int, ready_at: int, **changes: Any) -> OutboxEntry:
    """Return an outbox entry that is pending."""
    effect = SendMessage(f"m{position}")
    return evolve(OutboxEntry(conversation, position, "widget", effect, ready_at), **changes)


# --- the oracle -----------------------------------------------------------------------------------


def entries_of(index: Index[Any], desk: str, values: Iterable[Any]) -> list[Key]:
    """Return the entries that an index must have: sorted plain tuples."""
    collection = index.collection
    names = [column.name for column in collection.columns]
    found = []
    for value in values:
        row = collection.row(value)
        plain = [tuple(row[names.index(name)] for name in index.columns if index.many is None)]
        tail = (*(() if index.desk_led else (desk,)), *collection.key(value))
        for entry in set(map(tuple, index.many(value))) if index.many else plain:
            found += [] if None in entry else [entry + tail]
    return sorted(found)


def between(entries: list[Key], prefix: Key, how: Mapping[str, Any]) -> list[Key]:
    """Return the entries within bounds, each bound compared with as many fields as it has."""
    after, until, reverse = how["after"], how["until"], how["reverse"]
    found = []
    for entry in reversed(entries) if reverse else entries:
        rest = entry[len(prefix) :]
        behind = after is None or _beyond(rest[: len(after)], after, reverse=reverse)
        before = until is None or not _beyond(rest[: len(until)], until, reverse=reverse)
        if entry[: len(prefix)] == prefix and behind and before:
            found.append(entry)
    return found[: how["limit"]]


def _beyond(some: Key, bound: Key, *, reverse: bool) -> bool:
    return some < bound if reverse else some > bound


def put_all(store: Store, desk: str, collection: Collection[Any], values: Iterable[Any]) -> None:
    """Put values in a transaction of their own."""

    def work(tx: Transaction) -> None:
        for value in values:
            tx.put(collection, desk, value)

    store.transact(work)


def all_entries(store: Store, index: Index[Any], desk: str) -> list[Key]:
    """Return every entry of an index."""
    return store.transact(lambda tx: tx.entries(index, desk, limit=10_000))


class Broken(Exception):  # noqa: N818  (what a unit of work raises here is no error of the store)
    """Raised by a unit of work on purpose."""


# --- the kit --------------------------------------------------------------------------------------


class StoreConformance:
    """What every store keeps to. Provide the fixture `store`: an empty one for each test."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """Give an empty store, and close it."""
        raise NotImplementedError("a subclass provides the store")

    @pytest.fixture
    def desk(self, store: Store) -> str:
        """Give a desk that exists, beside another one that does."""
        for each in (TWO, ONE):
            put_all(store, each, DESKS, [DeskRecord(each)])
        return ONE

    # --- values by key ---

    @each_collection
    def test_values_come_back_equal(self, store: Store, collection: Collection[Any]) -> None:
        """Every field of every kind of value survives, by `put` and by `add`."""
        put, added = samples(collection, ONE), samples(collection, TWO, 5)[-2:]
        put_all(store, ONE, collection, put)
        if collection.desk_led:
            store.transact(lambda tx: tx.add(collection, TWO, added))
        for desk, values in ((ONE, put), (TWO, added if collection.desk_led else [])):
            for value in values:
                key = collection.key(value)
                found = store.transact(lambda tx, desk=desk, key=key: tx.get(collection, desk, key))
                assert found == value, f"{collection.name}: {key!r} came back changed"

    @each_collection
    def test_missing_keys(self, store: Store, collection: Collection[Any]) -> None:
        """What was never stored is None, and cannot be deleted."""
        key = collection.key(samples(collection, ONE)[0])
        assert store.transact(lambda tx: tx.get(collection, ONE, key)) is None
        assert store.transact(lambda tx: tx.delete(collection, ONE, key)) is False

    @each_collection
    def test_deleted_values_are_gone(self, store: Store, collection: Collection[Any]) -> None:
        """`delete` says that there was one, and takes its index entries with it."""
        values = samples(collection, ONE)
        key = collection.key(values[0])
        put_all(store, ONE, collection, values)
        assert store.transact(lambda tx: tx.delete(collection, ONE, key)) is True
        assert store.transact(lambda tx: tx.get(collection, ONE, key)) is None
        for index in collection.indexes:
            assert all_entries(store, index, ONE) == entries_of(index, ONE, values[1:]), index.name

    def test_any_text_is_kept(self, store: Store, desk: str) -> None:
        """A body holds NUL, lone surrogates and anything else that a stranger may have sent."""
        said = "a\0b\ud800c\uffff\u2028 \N{OPEN BOOK} '; DROP TABLE desks; -- %s ? :x"
        note = Message(
            id="m1", conversation="c", position=1, direction=Direction.IN, author="contact", at=0
        )
        put_all(store, desk, MESSAGES, [evolve(note, text=said, extra={said: [said]})])
        found = store.transact(lambda tx: tx.get(MESSAGES, desk, ("m1",)))
        assert found is not None
        assert (found.text, found.extra) == (said, {said: [said]})

    # --- entries and their order ---

    @each_collection
    def test_indexes_agree_with_sorted_lists(
        self, store: Store, collection: Collection[Any]
    ) -> None:
        """Scans over every index, with every prefix, in both directions, from and to any bound."""
        values = samples(collection, ONE)
        by_key = {collection.key(value): value for value in values}
        put_all(store, ONE, collection, values)
        for index in collection.indexes:
            entries = entries_of(index, ONE, values)
            asked = list(questions(entries))
            found = store.transact(lambda tx, i=index, q=asked: ask(tx, i, q))
            for (prefix, how), (some, scanned) in zip(asked, found, strict=True):
                wanted = between(entries, prefix, how)
                what = f"{index.name}, prefix={prefix!r}, {how}"
                assert some == wanted, what
                keys = [entry[len(entry) - len(collection.key_columns) :] for entry in wanted]
                assert scanned == [by_key[key] for key in keys], what

    @each_collection
    def test_heads_and_counts(self, store: Store, collection: Collection[Any]) -> None:
        """The first entry of each prefix that has one, and how many there are."""
        values = samples(collection, ONE)
        put_all(store, ONE, collection, values)
        for index in collection.indexes:
            entries = entries_of(index, ONE, values)
            for length in range(len(entries[0]) + 1 if entries else 0):
                prefixes = [entry[:length] for entry in reversed(entries)]
                firsts = [next(e for e in entries if e[:length] == p) for p in prefixes]
                found = store.transact(lambda tx, i=index, p=prefixes: tx.heads(i, ONE, p))
                assert found == firsts, f"{index.name}, prefixes={prefixes!r}"
                for prefix in prefixes:
                    number = sum(entry[:length] == prefix for entry in entries)
                    found = store.transact(lambda tx, i=index, p=prefix: tx.count(i, ONE, p))
                    assert found == number, f"{index.name}, prefix={prefix!r}"

    def test_heads_leave_out_what_is_empty(self, store: Store, desk: str) -> None:
        """A prefix without entries gives nothing, and the others keep their order."""
        put_all(store, desk, CONVERSATIONS, [conversation(1), conversation(2, queue="other")])
        prefixes = [("other",), ("nowhere",), ("general",)]
        heads = store.transact(lambda tx: tx.heads(WAITING, desk, prefixes))
        assert heads == [("other", 2, "c2"), ("general", 1, "c1")]
        assert store.transact(lambda tx: tx.heads(WAITING, desk, [])) == []

    def test_order_of_text_and_numbers(self, store: Store, desk: str) -> None:
        """Text is in order of code points, numbers in that of numbers, up to 64 bits."""
        queues = [
            "",
            "Z",
            "a",
            "a ",
            "a!",
            "aa",
            "a\u0301",
            "ä",
            "z",
            "ß",
            "中",
            "\uffff",
            "\U0001f4e6",
        ]
        numbers = [-FAR, -1, 0, 1, 9, 10, FAR]
        made = [
            conversation(i, queue=queue, clocks=Clocks(0, number, 0))
            for i, (queue, number) in enumerate((q, n) for q in queues for n in numbers)
        ]
        put_all(store, desk, CONVERSATIONS, reversed(made))
        assert all_entries(store, WAITING, desk) == entries_of(WAITING, desk, made)
        for queue in queues:
            found = store.transact(lambda tx, q=queue: tx.entries(WAITING, desk, (q,), limit=99))
            assert [entry[1] for entry in found] == numbers, repr(queue)

    def test_paging_through_many(self, store: Store, desk: str) -> None:
        """`after` the last entry of a page gives the next page, both ways, to the end."""
        made = [conversation(i, queue=f"q{i % 3}") for i in range(1500)]
        store.transact(lambda tx: tx.add(CONVERSATIONS, desk, made))
        for prefix in ((), ("q1",)):
            entries = [e for e in entries_of(WAITING, desk, made) if e[: len(prefix)] == prefix]
            for reverse in (False, True):
                pages = list(_pages(store, desk, prefix, reverse=reverse))
                assert pages == (entries[::-1] if reverse else entries)
            assert store.transact(lambda tx, p=prefix: tx.count(WAITING, desk, p)) == len(entries)

    def test_no_limit_is_no_result(self, store: Store, desk: str) -> None:
        """A limit of none gives none."""
        put_all(store, desk, CONVERSATIONS, [conversation(1)])
        assert store.transact(lambda tx: tx.scan(WAITING, desk, limit=0)) == []

    def test_overwriting_moves_entries(self, store: Store, desk: str) -> None:
        """A changed value leaves its old entries, of plain indexes and of `many` ones."""
        tags = CONVERSATIONS.index("tag_by_due")
        first = conversation(1)
        tagged = evolve(first, extras=evolve(first.extras, tags=("blue", "red")))
        later = evolve(tagged, queue="other", extras=evolve(first.extras, tags=("red", "urgent")))
        for value in (first, tagged, later, first):
            put_all(store, desk, CONVERSATIONS, [value])
            for index in (WAITING, tags):
                assert all_entries(store, index, desk) == entries_of(index, desk, [value])

    def test_none_leaves_an_index(self, store: Store, desk: str) -> None:
        """A value with None in an index's columns has no entry there, and may come back."""
        waits = conversation(1)
        taken = evolve(waits, state=State.ACTIVE, agent="ana")
        for value, count in ((waits, 1), (taken, 0), (waits, 1)):
            put_all(store, desk, CONVERSATIONS, [value])
            assert store.transact(lambda tx: tx.count(WAITING, desk)) == count
        assert store.transact(lambda tx: tx.get(CONVERSATIONS, desk, ("c1",))) == waits

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
        assert all_entries(store, WAITING, desk) == [("general", 1, "c1")]

    def test_a_unique_entry_of_many_is_refused(self, store: Store, desk: str) -> None:
        """The same for an index of which a value has several entries."""
        put_all(store, desk, CONTACTS, [Contact("k1", (("sms", "+1"), ("mail", "a@b")))])
        with pytest.raises(UniqueViolation):
            put_all(store, desk, CONTACTS, [Contact("k2", (("sms", "+2"), ("mail", "a@b")))])
        assert store.transact(lambda tx: tx.get(CONTACTS, desk, ("k2",))) is None
        assert store.transact(lambda tx: tx.count(CONTACTS.index("contact_addresses"), desk)) == 2

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
        assert store.transact(lambda tx: tx.get(CONTACTS, desk, ("k9",))) is None

    def test_a_key_is_added_once(self, store: Store, desk: str) -> None:
        """`add` is for new values: a second one under the key is refused."""
        store.transact(lambda tx: tx.add(CONTACTS, desk, [Contact("k1", (), name="first")]))
        with pytest.raises(UniqueViolation):
            store.transact(lambda tx: tx.add(CONTACTS, desk, [Contact("k1", (), name="second")]))
        found = store.transact(lambda tx: tx.get(CONTACTS, desk, ("k1",)))
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

        store.transact(work)
        found = store.transact(lambda tx: tx.scan(CONVERSATIONS.index("thread"), desk, limit=9))
        assert [each.agent for each in found if each.place == one.place] == ["ben", None]

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
            tx.put(CONVERSATIONS, desk, conversation(3))
            tx.add(LOG, desk, [sample(LogEntry, 1)])
            tx.delete(CONVERSATIONS, desk, ("c2",))
            assert len(tx.lease(READY, desk, now=99, until=100, limit=9)) == 2
            tx.delete(OUTBOX, desk, ("c1", 2))
            raise error

        with pytest.raises(Broken) as caught:
            store.transact(work)
        assert caught.value is error
        assert store.transact(lambda tx: tx.get(DESKS, desk, ())) == DeskRecord(desk)
        assert all_entries(store, WAITING, desk) == entries_of(WAITING, desk, kept)
        assert (
            store.transact(lambda tx: tx.scan(OUTBOX.index("outbox_of"), desk, limit=9)) == entries
        )
        assert all_entries(store, READY, desk) == entries_of(READY, desk, entries)
        assert all_entries(store, LOG.index("log_order"), desk) == []
        assert all_entries(store, DUE_DESKS, desk) == []

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
                ("general", 2, "c2"),
                ("other", 1, "c1"),
            ]
            assert tx.delete(CONVERSATIONS, desk, ("c2",))
            assert tx.get(CONVERSATIONS, desk, ("c2",)) is None
            assert not tx.delete(CONVERSATIONS, desk, ("c2",))
            assert tx.entries(WAITING, desk, limit=9) == [("other", 1, "c1")]
            tx.put(CONVERSATIONS, desk, two)
            tx.put(OUTBOX, desk, parcel("c1", 1, 5))
            assert tx.lease(READY, desk, now=5, until=9, limit=1) != []
            assert tx.lease(READY, desk, now=5, until=9, limit=1) == []

        store.transact(work)
        assert store.transact(lambda tx: tx.count(WAITING, desk)) == 2

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
        assert store.transact(lambda tx: tx.get(CONTACTS, desk, ("k3",))) is None

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

    # --- desks ---

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
            assert store.transact(lambda tx, v=value: tx.delete(collection, TWO, collection.key(v)))
        for value in mine:
            key = collection.key(value)
            assert store.transact(lambda tx, k=key: tx.get(collection, ONE, k)) == value
            assert store.transact(lambda tx, k=key: tx.get(collection, TWO, k)) is None

    def test_an_unknown_desk_cannot_be_locked(self, store: Store, desk: str) -> None:
        """The others can, again and again."""
        with pytest.raises(UnknownDesk):
            store.transact(lambda tx: tx.lock("nobody"))
        store.transact(lambda tx: (tx.lock(desk), tx.lock(desk)))

    def test_addresses_belong_to_no_desk(self, store: Store, desk: str) -> None:
        """Any desk, and none, finds an address: that is what the directory is for (P20)."""
        entry = AddressEntry("whatsapp", "4915", desk, "main")
        put_all(store, desk, ADDRESSES, [entry])
        for asked in (desk, TWO, ""):
            found = store.transact(lambda tx, a=asked: tx.get(ADDRESSES, a, ("whatsapp", "4915")))
            assert found == entry
        index = ADDRESSES.index("addresses_of_desk")
        assert store.transact(lambda tx: tx.scan(index, "", (desk,), limit=9)) == [entry]
        assert store.transact(lambda tx: tx.scan(index, "", (TWO,), limit=9)) == []

    def test_desks_are_found_across(self, store: Store, desk: str) -> None:
        """An index that is not led by the desk names it behind its fields, and looks at all."""
        put_all(store, desk, DESKS, [DeskRecord(desk, next_due=20)])
        put_all(store, TWO, DESKS, [DeskRecord(TWO, next_due=10)])
        assert all_entries(store, DUE_DESKS, "") == [(10, TWO), (20, desk)]
        assert store.transact(lambda tx: tx.heads(DUE_DESKS, "", [()])) == [(10, TWO)]
        due = store.transact(lambda tx: tx.scan(DUE_DESKS, "", until=(15,), limit=9))
        assert [each.id for each in due] == [TWO]
        taken = store.transact(lambda tx: tx.lease(DUE_DESKS, "", now=15, until=30, limit=9))
        assert taken == [DeskRecord(TWO, next_due=30)]
        assert all_entries(store, DUE_DESKS, "") == [(20, desk), (30, TWO)]

    # --- leases ---

    def test_leases_come_in_order(self, store: Store, desk: str) -> None:
        """What is due, the earliest first, and at most `limit`; marked until `until`."""
        made = [parcel(f"c{i}", 1, 10 - i) for i in range(6)]
        put_all(store, desk, OUTBOX, made)
        taken = store.transact(lambda tx: tx.lease(READY, desk, now=9, until=50, limit=3))
        assert taken == [
            evolve(each, ready_at=50, attempts=1) for each in (made[5], made[4], made[3])
        ]
        taken = store.transact(lambda tx: tx.lease(READY, desk, now=9, until=50, limit=3))
        assert [each.conversation for each in taken] == ["c2", "c1"]
        assert store.transact(lambda tx: tx.lease(READY, desk, now=9, until=50, limit=3)) == []
        assert store.transact(lambda tx: tx.get(OUTBOX, desk, ("c5", 1))) == evolve(
            made[5], ready_at=50, attempts=1
        )

    def test_leases_run_out(self, store: Store, desk: str) -> None:
        """At `until` the value is free again, by itself; not before."""
        put_all(store, desk, OUTBOX, [parcel("c1", 1, 10)])
        for now, until, attempts in ((10, 20, 1), (20, 30, 2)):
            early = store.transact(
                lambda tx, n=now, u=until: tx.lease(READY, desk, now=n - 1, until=u, limit=1)
            )
            assert early == []
            (taken,) = store.transact(
                lambda tx, n=now, u=until: tx.lease(READY, desk, now=n, until=u, limit=1)
            )
            assert taken.attempts == attempts

    def test_a_lane_gives_its_first_only(self, store: Store, desk: str) -> None:
        """Nothing overtakes in a lane: not what is due earlier, not while the first is leased."""
        made = [parcel("c1", 2, 1), parcel("c1", 1, 5), parcel("c1", 3, 1), parcel("c2", 9, 7)]
        put_all(store, desk, OUTBOX, made)

        def lease(now: int) -> list[tuple[str, int]]:
            taken = store.transact(
                lambda tx: tx.lease(READY, desk, now=now, until=now + 100, limit=9)
            )
            return [(each.conversation, each.position) for each in taken]

        assert lease(4) == []
        assert lease(7) == [("c1", 1), ("c2", 9)]
        assert lease(8) == []
        store.transact(lambda tx: tx.delete(OUTBOX, desk, ("c1", 1)))
        assert lease(9) == [("c1", 2)]
        put_all(store, desk, OUTBOX, [evolve(made[0], state=OutboxState.DEAD)])
        assert lease(10) == [("c1", 3)]

    def test_leases_of_desks_stay_apart(self, store: Store, desk: str) -> None:
        """Desks lease from their own outbox, with the same conversations in both (R12)."""
        put_all(store, desk, OUTBOX, [parcel("c1", 2, 1)])
        put_all(store, TWO, OUTBOX, [parcel("c1", 1, 1)])
        taken = store.transact(lambda tx: tx.lease(READY, desk, now=5, until=9, limit=9))
        assert [each.position for each in taken] == [2]
        assert store.transact(lambda tx: tx.get(OUTBOX, TWO, ("c1", 1))) == parcel("c1", 1, 1)

    # --- many at once ---

    def test_no_update_is_lost(self, store: Store, desk: str) -> None:
        """Threads that lock, read and write back one desk's row: every one of them counts."""

        def work(tx: Transaction) -> None:
            tx.lock(desk)
            found = tx.get(DESKS, desk, ())
            assert found is not None
            tx.put(DESKS, desk, evolve(found, position=found.position + 1))

        in_threads(4, lambda: [store.transact(work) for _ in range(25)])
        assert store.transact(lambda tx: tx.get(DESKS, desk, ())) == DeskRecord(desk, position=100)

    def test_nothing_is_leased_twice(self, store: Store, desk: str) -> None:
        """Threads that lease without the desk's lock share out what there is."""
        put_all(store, desk, OUTBOX, [parcel(f"c{i}", 1, 1) for i in range(60)])
        taken: list[Key] = []

        def take() -> None:
            for _ in range(60):
                some = store.transact(lambda tx: tx.lease(READY, desk, now=5, until=9, limit=2))
                taken.extend(OUTBOX.key(each) for each in some)

        in_threads(4, take)
        assert len(taken) == len(set(taken)), "the same value was leased twice"
        assert len(taken) == 60


class DurableStoreConformance(StoreConformance):
    """What stores keep to that outlive a process. Provide `reopen` beside the fixture `store`."""

    def reopen(self) -> Store:
        """Return another store on the same data, as another process would open it."""
        raise NotImplementedError("a subclass opens the same data again")

    @each_collection
    def test_values_survive_the_store(self, store: Store, collection: Collection[Any]) -> None:
        """What was committed is read by the next process, equal, and found by every index."""
        values = samples(collection, ONE)
        put_all(store, ONE, collection, values)
        store.close()
        again = self.reopen()
        try:
            for value in values:
                key = collection.key(value)
                assert again.transact(lambda tx, k=key: tx.get(collection, ONE, k)) == value
            for index in collection.indexes:
                assert all_entries(again, index, ONE) == entries_of(index, ONE, values)
        finally:
            again.close()

    def test_two_stores_share_one_truth(self, store: Store, desk: str) -> None:
        """What one commits, the other sees; what it has not committed, nobody sees."""
        other = self.reopen()
        try:
            put_all(other, desk, CONVERSATIONS, [conversation(1)])
            assert store.transact(lambda tx: tx.count(WAITING, desk)) == 1

            def work(tx: Transaction) -> int:
                tx.put(CONVERSATIONS, desk, conversation(2))
                tx.count(WAITING, desk)
                return other.transact(lambda tx: tx.count(WAITING, desk))

            assert store.transact(work) == 1
            assert other.transact(lambda tx: tx.count(WAITING, desk)) == 2
        finally:
            other.close()


# --- helpers of the kit ---------------------------------------------------------------------------


def questions(entries: list[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Give prefixes and bounds that cut a list of entries in every place."""
    for entry in entries[:2]:
        for at in range(len(entry) + 1):
            prefix, rest = entry[:at], entry[at:]
            bounds = [(None, None), (rest, None), (None, rest), (rest[:1], None), (None, rest[:1])]
            for after, until in bounds if rest else bounds[:1]:
                for reverse in (False, True):
                    bound = {"after": after, "until": until, "reverse": reverse}
                    yield prefix, {**bound, "limit": 10 if at else 2}


def ask(
    tx: Transaction, index: Index[Any], asked: list[tuple[Key, dict[str, Any]]]
) -> list[tuple[list[Key], list[Any]]]:
    """Return the entries and the values of each question."""
    return [
        (tx.entries(index, ONE, prefix, **how), tx.scan(index, ONE, prefix, **how))
        for prefix, how in asked
    ]


def _pages(store: Store, desk: str, prefix: Key, *, reverse: bool) -> Iterator[Key]:
    after: Key | None = None
    while True:
        page = store.transact(
            lambda tx, a=after: tx.entries(
                WAITING, desk, prefix, after=a, limit=90, reverse=reverse
            )
        )
        if not page:
            return
        yield from page
        after = page[-1][len(prefix) :]


def in_threads(count: int, work: Callable[[], Any]) -> None:
    """Run work in several threads at once, and raise what the first of them raised."""
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait()
            work()
        except BaseException as error:  # noqa: BLE001  (raised again below)
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
