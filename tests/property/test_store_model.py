"""Random verbs on a store, and on a naive dict that is sorted for every question: they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from omniroute.errors import UniqueViolation
from omniroute.model.contact import Contact
from omniroute.model.conversation import Clocks, Conversation, Place
from omniroute.model.effects import OutboxEntry, OutboxState, SendMessage
from omniroute.model.records import DeskRecord
from omniroute.model.state import State
from omniroute.ports import Store, Transaction
from omniroute.schema import CONTACTS, CONVERSATIONS, DESKS, OUTBOX, Collection, Index, Key
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore

COLLECTIONS: tuple[Collection[Any], ...] = (CONVERSATIONS, CONTACTS, OUTBOX, DESKS)
INDEXES: tuple[Index[Any], ...] = tuple(each for c in COLLECTIONS for each in c.indexes)

few = st.integers(0, 3)
desks = st.sampled_from(["one", "two"])
names = st.sampled_from(["", "a", "ä", "\U0001f4e6"])
numbers = st.sampled_from([-5, 0, 1, 2, 2**61])


def a_conversation(
    number: int,
    state: State,
    names: tuple[str, str | None, str],
    instants: tuple[int, int | None],
    tags: list[str],
) -> Conversation:
    queue, agent, thread = names
    at, due = instants
    made = Conversation(
        id=f"c{number}",
        state=state,
        place=Place("widget", "chat", "general", "k", "v", thread),
        queue=queue,
        agent=agent,
        at=at,
        since=at,
        clocks=Clocks(at, at, at, due=due),
    )
    return evolve(made, extras=evolve(made.extras, tags=tuple(tags)))


conversations = st.builds(
    a_conversation,
    few,
    st.sampled_from([State.QUEUED, State.ACTIVE, State.ENDED]),
    st.tuples(names, st.none() | names, st.sampled_from(["", "x", "y"])),
    st.tuples(numbers, st.none() | numbers),
    st.lists(names, max_size=2),
)
contacts = st.builds(
    Contact,
    few.map(lambda number: f"k{number}"),
    st.lists(st.tuples(names, names), max_size=2).map(tuple),
    name=st.none() | names,
    ref=st.none() | names,
)
parcels = st.builds(
    OutboxEntry,
    names,
    st.sampled_from([1, 2, 3]),
    st.just("widget"),
    st.just(SendMessage("m")),
    numbers,
    st.sampled_from(OutboxState),
)
writes = st.one_of(
    st.tuples(st.just(CONVERSATIONS), desks, conversations),
    st.tuples(st.just(CONTACTS), desks, contacts),
    st.tuples(st.just(OUTBOX), desks, parcels),
    desks.flatmap(
        lambda desk: st.tuples(
            st.just(DESKS),
            st.just(desk),
            st.builds(DeskRecord, st.just(desk), numbers, next_work=numbers),
        )
    ),
)


class Oracle:
    """Values by (collection, desk, key); every question is answered by looking at all of them."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, Key], Any] = {}

    def of(self, collection: Collection[Any], desk: str | None) -> list[tuple[str, Any]]:
        return [
            (owner, value)
            for (name, owner, _), value in self.values.items()
            if name == collection.name and desk in (None, owner)
        ]

    def entries(self, index: Index[Any], desk: str) -> list[Key]:
        found = []
        for owner, value in self.of(index.collection, desk if index.desk_led else None):
            tail = (*(() if index.desk_led else (owner,)), *index.collection.key(value))
            found += [fields + tail for fields in fields_of(index, value)]
        return sorted(found)

    def put(self, collection: Collection[Any], desk: str, value: Any) -> bool:
        """Write a value; False where a unique entry is taken."""
        key = collection.key(value)
        others = [other for _, other in self.of(collection, desk) if collection.key(other) != key]
        for index in (each for each in collection.indexes if each.unique):
            taken = {fields for other in others for fields in fields_of(index, other)}
            if taken & set(fields_of(index, value)):
                return False
        self.values[collection.name, desk, key] = value
        return True


def fields_of(index: Index[Any], value: Any) -> set[Key]:
    if index.many is not None:
        entries: Iterable[Any] = index.many(value)
    else:
        names = [column.name for column in index.collection.columns]
        row = dict(zip(names, index.collection.row(value), strict=True))
        entries = [[row[name] for name in index.columns]]
    return {tuple(entry) for entry in entries if None not in tuple(entry)}


class Abandoned(Exception):
    """Ends a unit of work on purpose."""


class StoreMachine(RuleBasedStateMachine):
    make: Callable[[], Store]

    def __init__(self) -> None:
        super().__init__()
        self.store = type(self).make()
        self.oracle = Oracle()

    def teardown(self) -> None:
        self.store.close()

    @initialize()
    def begin(self) -> None:
        self.write([(DESKS, "one", DeskRecord("one")), (DESKS, "two", DeskRecord("two"))], at=0)

    @rule(some=st.lists(writes, min_size=1, max_size=6), at=few, added=st.booleans())
    def write(self, some: list[Any], at: int, added: bool = False) -> None:
        """Several writes in one transaction, looked at in its middle; all of them stay, or none."""
        before, wanted = dict(self.oracle.values), True
        for collection, desk, value in some:
            fresh = (collection.name, desk, collection.key(value)) not in self.oracle.values
            wanted = wanted and (fresh or not added) and self.oracle.put(collection, desk, value)

        def work(tx: Transaction) -> None:
            for place, (collection, desk, value) in enumerate(some):
                if added:
                    tx.add(collection, desk, (value,))
                else:
                    tx.put(collection, desk, value)
                if place == at:
                    assert tx.get(collection, desk, collection.key(value)) == value
                    for index in collection.indexes:
                        tx.count(index, desk)

        if wanted:
            self.store.transact(work)
        else:
            self.oracle.values = before
            with pytest.raises(UniqueViolation):
                self.store.transact(work)

    @rule(some=st.lists(writes, max_size=4), now=numbers)
    def abandon(self, some: list[Any], now: int) -> None:
        """Writes, deletions and leases that an exception takes back."""

        def work(tx: Transaction) -> None:
            for collection, desk, value in some:
                tx.delete(collection, desk, collection.key(value))
                tx.put(collection, desk, value)
            tx.lease(OUTBOX.index("ready"), "one", now=now, until=now + 9, limit=9)
            raise Abandoned

        with pytest.raises((Abandoned, UniqueViolation)):
            self.store.transact(work)

    @rule(collection=st.sampled_from(COLLECTIONS), desk=desks, data=st.data())
    def remove(self, collection: Collection[Any], desk: str, data: st.DataObject) -> None:
        keys = [collection.key(value) for _, value in self.oracle.of(collection, desk)]
        if collection is DESKS or not keys:
            return
        key = data.draw(st.sampled_from(keys))
        del self.oracle.values[collection.name, desk, key]
        assert self.store.transact(lambda tx: tx.delete(collection, desk, key)) is True
        assert self.store.transact(lambda tx: tx.delete(collection, desk, key)) is False

    @rule(desk=desks, now=numbers, ahead=st.integers(1, 3), limit=few)
    def lease_parcels(self, desk: str, now: int, ahead: int, limit: int) -> None:
        index = OUTBOX.index("ready")
        waiting = [each for _, each in self.oracle.of(OUTBOX, desk)]
        heads: dict[str, OutboxEntry] = {}
        for each in sorted(waiting, key=lambda each: each.position):
            if each.state is OutboxState.PENDING:
                heads.setdefault(each.conversation, each)
        due = [each for each in heads.values() if each.ready_at <= now]
        due.sort(key=lambda each: (each.ready_at, each.conversation))
        wanted = [
            evolve(each, ready_at=now + ahead, attempts=each.attempts + 1) for each in due[:limit]
        ]
        for each in wanted:
            assert self.oracle.put(OUTBOX, desk, each)
        taken = self.store.transact(
            lambda tx: tx.lease(index, desk, now=now, until=now + ahead, limit=limit)
        )
        assert taken == wanted

    @rule(now=numbers, limit=few)
    def lease_desks(self, now: int, limit: int) -> None:
        entries = self.oracle.entries(DESKS.index("due_desks"), "")
        wanted = []
        for _, desk in [entry for entry in entries if entry[0] <= now][:limit]:
            record = evolve(self.oracle.values["desks", desk, ()], next_work=now + 1)
            self.oracle.put(DESKS, desk, record)
            wanted.append(record)
        taken = self.store.transact(
            lambda tx: tx.lease(DESKS.index("due_desks"), "", now=now, until=now + 1, limit=limit)
        )
        assert taken == wanted

    @rule(
        index=st.sampled_from(INDEXES),
        desk=desks,
        limit=st.integers(0, 5),
        reverse=st.booleans(),
        data=st.data(),
    )
    def read(
        self,
        index: Index[Any],
        desk: str,
        limit: int,
        reverse: bool,
        data: st.DataObject,
    ) -> None:
        """A scan between bounds taken from entries that are, or were, or never were there."""
        entries = self.oracle.entries(index, desk)
        some = st.sampled_from(entries) if entries else st.just(())
        one, other = data.draw(some), data.draw(some)
        at = data.draw(st.integers(0, len(one)))
        prefix = one[:at]
        after = one[at : at + data.draw(few)] if data.draw(st.booleans()) else None
        until = other[at : at + data.draw(few)] if data.draw(st.booleans()) else None
        wanted = entries[::-1] if reverse else entries
        wanted = [each for each in wanted if each[:at] == prefix]
        if after:
            wanted = [e for e in wanted if beyond(e[at:], after, reverse=reverse)]
        if until:
            wanted = [e for e in wanted if not beyond(e[at:], until, reverse=reverse)]
        how: dict[str, Any] = {"after": after, "until": until, "limit": limit, "reverse": reverse}
        assert (
            self.store.transact(lambda tx: tx.entries(index, desk, prefix, **how)) == wanted[:limit]
        )
        values = self.store.transact(lambda tx: tx.scan(index, desk, prefix, **how))
        keys = len(index.collection.key_columns)
        assert [index.collection.key(value) for value in values] == [
            entry[len(entry) - keys :] for entry in wanted[:limit]
        ]
        assert self.store.transact(lambda tx: tx.count(index, desk, prefix)) == sum(
            entry[:at] == prefix for entry in entries
        )
        first = [next(e for e in entries if e[:at] == prefix)] if entries else []
        assert self.store.transact(lambda tx: tx.heads(index, desk, [prefix])) == first

    @rule()
    def compare_everything(self) -> None:
        def work(tx: Transaction) -> None:
            for (name, desk, key), value in self.oracle.values.items():
                collection = next(each for each in COLLECTIONS if each.name == name)
                assert tx.get(collection, desk, key) == value
            for index in INDEXES:
                for desk in ("one", "two"):
                    found = tx.entries(index, desk, limit=1_000)
                    assert found == self.oracle.entries(index, desk)

        self.store.transact(work)


def beyond(rest: Key, bound: Key, *, reverse: bool) -> bool:
    return rest[: len(bound)] < bound if reverse else rest[: len(bound)] > bound


@pytest.mark.parametrize(
    "make,examples",
    [(MemoryStore, 60), (lambda: SqlStore("sqlite://"), 25)],
    ids=["memory", "sqlite"],
)
def test_a_store_agrees_with_a_dict(make: Callable[[], Store], examples: int) -> None:
    machine = type("Machine", (StoreMachine,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=25)
    )
