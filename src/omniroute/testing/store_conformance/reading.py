"""The reading half of the kit: values by key, and every index in every direction."""

# ruff: noqa: S101  (a conformance kit is made of assertions)

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.codec.names import KINDS
from omniroute.model.contact import Contact
from omniroute.model.conversation import Clocks
from omniroute.model.events import (
    AgentEvent,
    Configured,
    ContactsMerged,
    ConversationEvent,
    LogEntry,
    NumberVerificationChanged,
)
from omniroute.model.message import Direction, Message
from omniroute.model.state import State
from omniroute.ports import Store
from omniroute.schema import COLLECTIONS, CONTACTS, CONVERSATIONS, LOG, MESSAGES, Collection
from omniroute.testing.store_conformance.values import (
    FAR,
    ONE,
    TWO,
    WAITING,
    all_entries,
    alone,
    ask,
    between,
    conversation,
    entries_of,
    line,
    pages,
    put_all,
    questions,
    sample,
    samples,
)

__all__ = ["Reading", "each_collection"]

each_collection = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda each: each.name)


class Reading:
    """What is stored comes back: by key, and in the order of every index."""

    # --- values by key ---

    @each_collection
    def test_values_come_back_equal(self, store: Store, collection: Collection[Any]) -> None:
        """Every field of every kind of value survives, by `put` and by `add`."""
        put, added = samples(collection, ONE), samples(collection, TWO, 5)[-2:]
        put_all(store, ONE, collection, put)
        if collection.desk_led:
            alone(store).add(collection, TWO, added)
        for desk, values in ((ONE, put), (TWO, added if collection.desk_led else [])):
            for value in values:
                key = collection.key(value)
                found = alone(store).get(collection, desk, key)
                assert found == value, f"{collection.name}: {key!r} came back changed"

    def test_every_kind_of_event_comes_back(self, store: Store, desk: str) -> None:
        """With all of its fields: the log is what everything else is folded from (R16)."""
        roots = (
            ConversationEvent,
            AgentEvent,
            Configured,
            ContactsMerged,
            NumberVerificationChanged,
        )
        kinds = [each for each in KINDS if issubclass(each, roots)]
        log = [LogEntry(i, sample(kind, i)) for i, kind in enumerate(kinds, start=1)]
        store.transact(lambda tx: tx.add(LOG, desk, log))
        assert alone(store).scan(LOG.index("log_order"), desk, limit=99) == log

    @each_collection
    def test_missing_keys(self, store: Store, collection: Collection[Any]) -> None:
        """What was never stored is None, and cannot be deleted."""
        key = collection.key(samples(collection, ONE)[0])
        assert alone(store).get(collection, ONE, key) is None
        assert alone(store).delete(collection, ONE, key) is False

    @each_collection
    def test_deleted_values_are_gone(self, store: Store, collection: Collection[Any]) -> None:
        """`delete` says that there was one, and takes its index entries with it."""
        values = samples(collection, ONE)
        key = collection.key(values[0])
        put_all(store, ONE, collection, values)
        assert alone(store).delete(collection, ONE, key) is True
        assert alone(store).get(collection, ONE, key) is None
        for index in collection.indexes:
            assert all_entries(store, index, ONE) == entries_of(index, ONE, values[1:]), index.name

    def test_any_text_is_kept(self, store: Store, desk: str) -> None:
        """A body holds NUL, lone surrogates and anything else that a stranger may have sent."""
        said = "a\0b\ud800c\uffff\u2028 \N{OPEN BOOK} '; DROP TABLE desks; -- %s ? :x"
        note = Message(
            id="m1", conversation="c", position=1, direction=Direction.IN, author="contact", at=0
        )
        put_all(store, desk, MESSAGES, [evolve(note, text=said, extra={said: [said]})])
        found = alone(store).get(MESSAGES, desk, ("m1",))
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
            found = ask(store, index, asked)
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
                found = alone(store).heads(index, ONE, prefixes)
                assert found == firsts, f"{index.name}, prefixes={prefixes!r}"
                for prefix in prefixes:
                    number = sum(entry[:length] == prefix for entry in entries)
                    found = alone(store).count(index, ONE, prefix)
                    assert found == number, f"{index.name}, prefix={prefix!r}"

    def test_heads_leave_out_what_is_empty(self, store: Store, desk: str) -> None:
        """A prefix without entries gives nothing, and the others keep their order."""
        put_all(store, desk, CONVERSATIONS, [conversation(1), conversation(2, queue="other")])
        prefixes = [("other",), ("nowhere",), ("general",)]
        heads = alone(store).heads(WAITING, desk, prefixes)
        assert heads == [line(2, "other", "c2"), line(1, "general", "c1")]
        assert alone(store).heads(WAITING, desk, []) == []

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
            found = alone(store).entries(WAITING, desk, (queue,), limit=99)
            assert [entry[4] for entry in found] == numbers, repr(queue)

    def test_paging_through_many(self, store: Store, desk: str) -> None:
        """`after` the last entry of a page gives the next page, both ways, to the end."""
        made = [conversation(i, queue=f"q{i % 3}") for i in range(1500)]
        alone(store).add(CONVERSATIONS, desk, made)
        for prefix in ((), ("q1",)):
            entries = [e for e in entries_of(WAITING, desk, made) if e[: len(prefix)] == prefix]
            for reverse in (False, True):
                found = list(pages(store, desk, prefix, reverse=reverse))
                assert found == (entries[::-1] if reverse else entries)
            assert alone(store).count(WAITING, desk, prefix) == len(entries)

    def test_what_begins_as_a_text(self, store: Store, desk: str) -> None:
        """Bounds of several fields, text and numbers, hold all that begins as a text, and no more."""
        names = ("ma", "maa", "mar", "mar x", "mara", "marö", "mar\U0001f4e6", "mas", "x", "mâr")
        put_all(
            store, desk, CONTACTS, [Contact(f"k{i}", (), ref=name) for i, name in enumerate(names)]
        )
        index = CONTACTS.index("contact_terms")
        every = all_entries(store, index, desk)
        found = alone(store).entries(
            index, desk, every[0][:1], after=("mar", "", ""), until=("mar\U0010ffff",), limit=99
        )
        assert found == [each for each in every if each[1].startswith("mar")]
        assert len(found) == 6

    def test_no_limit_is_no_result(self, store: Store, desk: str) -> None:
        """A limit of none gives none."""
        put_all(store, desk, CONVERSATIONS, [conversation(1)])
        assert alone(store).scan(WAITING, desk, limit=0) == []

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
            assert alone(store).count(WAITING, desk) == count
        assert alone(store).get(CONVERSATIONS, desk, ("c1",)) == waits
