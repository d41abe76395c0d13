"""A desk driven at random through its public face, in virtual time, with a second opinion at every step.

The same machine runs on one store alone, and on several at once, which must agree event for event
(X2); `tests/integration/test_desk_on_postgres.py` adds PostgreSQL to them. `make fuzz` runs it
longer: each test for FUZZ_SECONDS, in stories of FUZZ_STEPS steps. That it would notice is shown
with stores that are broken on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

import omniroute as om
from omniroute.ports import Transaction
from omniroute.schema import CONVERSATIONS, DEDUPE, IDEMPOTENCY, LOG, OUTBOX, Collection, Index, Key
from tests.property.desk_machine import DeskMachine, drive
from tests.property.world import STORES, Kept, memory_store, sqlite_store

T = TypeVar("T")


class OnMemory(DeskMachine):
    stores: ClassVar = {"memory": memory_store}


class OnSqlite(DeskMachine):
    stores: ClassVar = {"sqlite": sqlite_store}


class OnAll(DeskMachine):
    stores: ClassVar = STORES


@pytest.mark.req("X4", "A10", "R16")
def test_a_desk_in_memory_keeps_its_word() -> None:
    drive(OnMemory, 80)


@pytest.mark.req("X1", "X3", "P18")
def test_a_desk_on_sqlite_keeps_its_word() -> None:
    drive(OnSqlite, 10)


@pytest.mark.req("X2", "P19", "S9")
def test_the_same_story_gives_the_same_log_on_every_store() -> None:
    drive(OnAll, 6)


# --- stores that are broken, each in one way ------------------------------------------------------


class Broken:
    """A transaction that does one thing wrong."""

    def __init__(self, tx: Transaction) -> None:
        self.tx: Any = tx

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.tx, verb)


class LosesPuts(Broken):
    def put(self, collection: Collection[Any], desk: str, value: Any) -> None:
        if collection is not CONVERSATIONS or value.state is not om.State.ENDED:
            self.tx.put(collection, desk, value)


class ForgetsItems(Broken):
    def add(self, collection: Collection[Any], desk: str, values: Iterable[Any]) -> None:
        if collection is not DEDUPE:
            self.tx.add(collection, desk, values)


class ForgetsKeys(Broken):
    def put(self, collection: Collection[Any], desk: str, value: Any) -> None:
        if collection is not IDEMPOTENCY:
            self.tx.put(collection, desk, value)

    def add(self, collection: Collection[Any], desk: str, values: Iterable[Any]) -> None:
        if collection is not IDEMPOTENCY:
            self.tx.add(collection, desk, values)


class KeepsWhatIsSent(Broken):
    def delete(self, collection: Collection[Any], desk: str, key: Key) -> bool:
        return collection is OUTBOX or bool(self.tx.delete(collection, desk, key))


class GivesTheYoungest(Broken):
    def heads(self, index: Index[Any], desk: str, prefixes: list[Key]) -> list[Key]:
        found = (
            self.tx.entries(index, desk, each, limit=1, reverse=index.name == "waiting")
            for each in prefixes
        )
        return [each[0] for each in found if each]


class LosesEvents(Broken):
    def add(self, collection: Collection[Any], desk: str, values: Iterable[Any]) -> None:
        kept = [
            each
            for each in values
            if collection is not LOG or not isinstance(each.event, om.TookOver | om.Tagged)
        ]
        self.tx.add(collection, desk, kept)


def broken(kind: type[Broken]) -> Callable[[Path], Kept]:
    class Store(om.MemoryStore):
        def transact(self, work: Callable[[Transaction], T]) -> T:
            return super().transact(lambda tx: work(kind(tx)))

    def kept(folder: Path) -> Kept:
        found = memory_store(folder)
        found.store = Store()
        return found

    return kept


@pytest.mark.parametrize("kind", Broken.__subclasses__(), ids=lambda kind: kind.__name__)
def test_a_store_that_is_broken_is_found_out(kind: type[Broken]) -> None:
    class OnBroken(DeskMachine):
        stores: ClassVar = {"broken": broken(kind)}

    with pytest.raises(AssertionError):
        drive(OnBroken, 400, fuzz=False)  # the first that sees it ends them
