"""The store that lives in memory: for tests, tools and desks that need not outlive their process.

Keeps the frozen values themselves. One lock, so one transaction at a time; an undo log takes a
failed one back. It has no database transaction that a host's could be joined with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from omniroute.errors import StoreError, UniqueViolation, UnknownDesk, UsageError
from omniroute.ports import Transaction
from omniroute.schema import DESKS, Collection, Index, Key
from omniroute.stores.hints import Hints
from omniroute.stores.memory.ordered import Entries
from omniroute.stores.memory.table import Change, Table, depth_of

__all__ = ["MemoryStore"]

T = TypeVar("T")
V = TypeVar("V")

_Tables = dict[Collection[Any], Table]
_NO_TABLES: _Tables = {}
_EVERYWHERE = ""  # whose tables hold what belongs to no desk


class _Space:
    """What a store holds: tables by desk, and the entries of indexes that cross desks."""

    __slots__ = ("_crossing", "desks")

    def __init__(self) -> None:
        self.desks: dict[str, _Tables] = {}
        self._crossing: dict[Index[Any], Entries] = {}

    def crossing(self, index: Index[Any]) -> Entries:
        entries = self._crossing.get(index)
        if entries is None:
            entries = self._crossing[index] = Entries(depth_of(index))
        return entries


class MemoryStore:
    """A store in memory. `MemoryStore()` is empty; two of them share nothing."""

    def __init__(self) -> None:
        self._space = _Space()
        self._lock = threading.RLock()
        self._hints = Hints()
        self._busy = False
        self._closed = False

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction, and take back what it wrote when it raises."""
        with self._lock:
            if self._closed or self._busy:
                self._refuse()
            tx = _MemoryTransaction(self._space)
            self._busy = True
            try:
                result = work(tx)
                if tx.new or tx.broken is not None:
                    tx.settle()
            except BaseException:
                tx.roll_back()
                raise
            finally:
                tx.__class__ = _FinishedTransaction
                self._busy = False
        if (tx.undo or tx.new) and self._hints:
            self._hints.tell()
        return result

    def subscribe(self, desk: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when a desk's log may have grown; return what ends it."""
        return self._hints.subscribe(desk, wake)

    def _refuse(self) -> NoReturn:
        if self._closed:
            raise StoreError("the store is closed", hint="make a new MemoryStore")
        raise UsageError(
            "a transaction inside a transaction",
            hint="use the transaction that work was given; do not call transact from it",
        )

    def close(self) -> None:
        """Forget everything; later calls raise `StoreError`."""
        with self._lock:
            self._closed = True
            self._space = _Space()

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._space.desks)} desks)"


class _MemoryTransaction:
    __slots__ = ("_desk", "_space", "_tables", "broken", "new", "undo")

    def __init__(self, space: _Space) -> None:
        self._space = space
        self.undo: list[Change] = []
        self.broken: UniqueViolation | None = None
        self._desk: str | None = None
        self._tables = _NO_TABLES  # those stored of the desk that the last verb was about
        self.new: dict[tuple[str, Collection[Any]], Table] = {}

    # --- the end of it ---

    def settle(self) -> None:
        """Make what was written stay."""
        if self.broken is not None:
            raise self.broken
        for (owner, collection), table in self.new.items():
            if table.cells:
                self._space.desks.setdefault(owner, {})[collection] = table

    def roll_back(self) -> None:
        """Take everything back, the last write first."""
        for table, key, old in reversed(self.undo):
            table.write(key, old)

    # --- verbs ---

    def _table(self, collection: Collection[Any], desk: str) -> Table:
        if desk != self._desk:
            self._desk = desk
            self._tables = self._space.desks.get(desk, _NO_TABLES)
        table = self._tables.get(collection)
        return self._find_table(collection, desk) if table is None else table

    def _find_table(self, collection: Collection[Any], desk: str) -> Table:
        """The stored table, or an empty one that is stored once something is committed in it."""
        owner = desk if collection.desk_led else _EVERYWHERE
        table = self._space.desks.get(owner, {}).get(collection)
        if table is None:
            table = self.new.get((owner, collection))
        if table is None:
            table = Table(collection, self._space.crossing, owner)
            self.new[owner, collection] = table
        return table

    def lock(self, desk: str) -> None:
        if not self._table(DESKS, desk).cells:
            raise UnknownDesk(
                f"no desk {desk!r} in this store", hint="create it first, from a configuration"
            )

    def get(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        table = self._tables.get(collection) if desk == self._desk else None
        cells = self._table(collection, desk).cells if table is None else table.cells
        found: V | None = cells.get(key)
        return found

    def put(self, collection: Collection[V], desk: str, value: V) -> None:
        table = self._tables.get(collection) if desk == self._desk else None
        if table is None:
            table = self._table(collection, desk)
        try:
            self.undo.append(table.write(collection.key(value), value))
        except UniqueViolation as error:
            self.broken = error
            raise

    def add(self, collection: Collection[V], desk: str, values: Iterable[V]) -> None:
        table = self._tables.get(collection) if desk == self._desk else None
        if table is None:
            table = self._table(collection, desk)
        key_of, undo, cells, followed = collection.key, self.undo, table.cells, table.followed
        try:
            for value in values:
                key = key_of(value)
                if followed or key in cells:
                    undo.append(table.add(key, value))
                else:
                    cells[key] = value
                    undo.append((table, key, None))
        except UniqueViolation as error:
            self.broken = error
            raise

    def delete(self, collection: Collection[V], desk: str, key: Key) -> bool:
        table = self._table(collection, desk)
        if key not in table.cells:
            return False
        self.undo.append(table.write(key, None))
        return True

    def scan(
        self,
        index: Index[V],
        desk: str,
        prefix: Key = (),
        *,
        after: Key | None = None,
        until: Key | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[V]:
        if not index.desk_led:
            crossing = self._space.crossing(index)
            each = crossing.scan(prefix, after=after, until=until, limit=limit, reverse=reverse)
            return [self._crossed(index, entry) for entry in each]
        table = self._table(index.collection, desk)
        found = table.entries(index).scan(
            prefix, after=after, until=until, limit=limit, reverse=reverse
        )
        width, cells = len(index.columns), table.cells
        return [cells[entry[width:]] for entry in found]

    def entries(
        self,
        index: Index[V],
        desk: str,
        prefix: Key = (),
        *,
        after: Key | None = None,
        until: Key | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[Key]:
        return self._entries(index, desk).scan(
            prefix, after=after, until=until, limit=limit, reverse=reverse
        )

    def heads(self, index: Index[V], desk: str, prefixes: Sequence[Key]) -> list[Key]:
        firsts = self._entries(index, desk).firsts(prefixes)
        return [first for first in firsts if first is not None]

    def count(self, index: Index[V], desk: str, prefix: Key = ()) -> int:
        return self._entries(index, desk).count(prefix)

    def lease(self, index: Index[V], desk: str, *, now: int, until: int, limit: int) -> list[V]:
        if index.lease is None:
            raise UsageError(f"the index {index.name!r} declares no lease")
        taken: list[V] = []
        for table, key in self._due(index, desk, now, limit):
            value = index.lease(table.cells[key], until)
            self.undo.append(table.write(key, value))
            taken.append(value)
        return taken

    # --- finding ---

    def _entries(self, index: Index[Any], desk: str) -> Entries:
        if index.desk_led:
            return self._table(index.collection, desk).entries(index)
        return self._space.crossing(index)

    def _crossed(self, index: Index[V], entry: Key) -> V:
        """The value of an entry whose index crosses desks: it names the desk."""
        at = len(index.columns)
        found: V = self._find_table(index.collection, entry[at]).cells[entry[at + 1 :]]
        return found

    def _due(self, index: Index[Any], desk: str, now: int, limit: int) -> list[tuple[Table, Key]]:
        """What may be leased: due, in order, first in its lane. Looks at nothing else."""
        entries, table = self._entries(index, desk), self._table(index.collection, desk)
        key_at = len(index.columns) + (0 if index.desk_led else 1)
        found: list[tuple[Table, Key]] = []
        after: Key | None = None
        while batch := entries.scan((), after=after, until=(now,), limit=limit - len(found)):
            for entry in batch:
                if not index.desk_led:
                    table = self._find_table(index.collection, entry[key_at - 1])
                key, lanes = entry[key_at:], table.lanes(index)
                if lanes is None or lanes.is_head(key, table.cells[key]):
                    found.append((table, key))
            after = batch[-1]
        return found


class _FinishedTransaction(_MemoryTransaction):
    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UsageError(
            "the transaction is over", hint="keep values, not the transaction, from a unit of work"
        )

    lock = get = put = add = delete = scan = entries = heads = count = lease = _refuse
