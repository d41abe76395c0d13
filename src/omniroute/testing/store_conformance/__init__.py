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

from collections.abc import Iterator
from typing import Any

import pytest

from omniroute.model.records import DeskRecord
from omniroute.ports import Store, Transaction
from omniroute.schema import CONVERSATIONS, DESKS, Collection
from omniroute.testing.store_conformance.reading import Reading, each_collection
from omniroute.testing.store_conformance.values import (
    ONE,
    TWO,
    WAITING,
    all_entries,
    alone,
    conversation,
    entries_of,
    put_all,
    sample,
    samples,
)
from omniroute.testing.store_conformance.writing import Desks, Leases, Transactions

__all__ = ["DurableStoreConformance", "StoreConformance", "sample"]


class StoreConformance(Reading, Transactions, Desks, Leases):
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
                assert alone(again).get(collection, ONE, key) == value
            for index in collection.indexes:
                assert all_entries(again, index, ONE) == entries_of(index, ONE, values)
        finally:
            again.close()

    def test_two_stores_share_one_truth(self, store: Store, desk: str) -> None:
        """What one commits, the other sees; what it has not committed, nobody sees."""
        other = self.reopen()
        try:
            put_all(other, desk, CONVERSATIONS, [conversation(1)])
            assert alone(store).count(WAITING, desk) == 1

            def work(tx: Transaction) -> int:
                tx.put(CONVERSATIONS, desk, conversation(2))
                tx.count(WAITING, desk)
                seen: int = alone(other).count(WAITING, desk)
                return seen

            assert store.transact(work) == 1
            assert alone(other).count(WAITING, desk) == 2
        finally:
            other.close()
