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

_EVERYWHERE = ""  # whose tables hold what belongs to no desk


class _Tables(dict[Collection[Any], Table]):
    """One desk's tables: each is made when it is first asked for."""

    __slots__ = ("_desk", "_space")

    def __init__(self, space: _Space, desk: str) -> None:
        self._space = space
        self._desk = desk

    def __missing__(self, collection: Collection[Any]) -> Table:
        owner, shared = self._desk, self._space.shared
        if collection.desk_led or shared is self:
            table = Table(collection, self._space.crossing, owner)
        else:
            table = shared[collection]
        self[collection] = table
        return table

    @property
    def are_empty(self) -> bool:
        """Whether nothing of this desk's own stands in them."""
        return not any(table.cells for each, table in self.items() if each.desk_led)


class _Space:
    """What a store holds: tables by desk, and the entries of indexes that cross desks."""

    __slots__ = ("_crossing", "desks", "shared")

    def __init__(self) -> None:
        self.desks: dict[str, _Tables] = {}
        self.shared: _Tables = _Tables(self, _EVERYWHERE)
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
                if tx.new is not None or tx.broken is not None:
                    tx.settle()
            except BaseException:
                tx.roll_back()
                raise
            finally:
                tx.end()
                self._busy = False
        if self._hints.wakes and tx.undo:
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
    __slots__ = ("_desks", "_space", "broken", "new", "undo")

    def __init__(self, space: _Space) -> None:
        self._space = space
        self._desks = space.desks
        self.undo: list[Change] = []
        self.broken: UniqueViolation | None = None
        self.new: dict[str, _Tables] | None = None
        """The tables of desks of which nothing is stored so far."""

    # --- the end of it ---

    def settle(self) -> None:
        """Make what was written stay."""
        if self.broken is not None:
            raise self.broken
        for desk, tables in (self.new or {}).items():
            if not tables.are_empty:
                self._space.desks[desk] = tables

    def end(self) -> None:
        """Refuse every verb from here on."""
        self._space = self._desks = _OVER

    def roll_back(self) -> None:
        """Take everything back, the last write first."""
        for table, key, old in reversed(self.undo):
            table.write(key, old)

    # --- verbs: what every step uses looks for its table by itself, and saves a call ---

    def _table(self, collection: Collection[Any], desk: str) -> Table:
        """The stored table; that of a desk which is not known is stored once something is in it."""
        tables = self._desks.get(desk)
        if tables is None:
            if self.new is None:
                self.new = {}
            tables = self.new.get(desk)
            if tables is None:
                tables = self.new[desk] = _Tables(self._space, desk)
        return tables[collection]

    def lock(self, desk: str) -> None:
        try:
            table = self._desks[desk][DESKS]
        except KeyError:
            table = self._table(DESKS, desk)
        if not table.cells:
            raise UnknownDesk(
                f"no desk {desk!r} in this store", hint="create it first, from a configuration"
            )

    def get(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        try:
            table = self._desks[desk][collection]
        except KeyError:
            table = self._table(collection, desk)
        found: V | None = table.cells.get(key)
        return found

    def put(self, collection: Collection[V], desk: str, value: V) -> None:
        try:
            table = self._desks[desk][collection]
        except KeyError:
            table = self._table(collection, desk)
        try:
            self.undo.append(table.write(collection.key(value), value))
        except UniqueViolation as error:
            self.broken = error
            raise

    def add(self, collection: Collection[V], desk: str, values: Iterable[V]) -> None:
        try:
            table = self._desks[desk][collection]
        except KeyError:
            table = self._table(collection, desk)
        key_of, undo, cells = collection.key, self.undo, table.cells
        for value in values:
            key = key_of(value)
            if table.followed or key in cells:
                self._add_beside(table, key, value)
            else:
                cells[key] = value
                undo.append((table, key, None))

    def _add_beside(self, table: Table, key: Key, value: object) -> None:
        """Add what an index follows, or what must not be there."""
        try:
            self.undo.append(table.add(key, value))
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
        found: V = self._table(index.collection, entry[at]).cells[entry[at + 1 :]]
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
                    table = self._table(index.collection, entry[key_at - 1])
                key, lanes = entry[key_at:], table.lanes(index)
                if lanes is None or lanes.is_head(key, table.cells[key]):
                    found.append((table, key))
            after = batch[-1]
        return found


class _Over:
    """Stands for what is stored once a transaction is over: whatever is looked for is refused."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise UsageError(
            "the transaction is over", hint="keep values, not the transaction, from a unit of work"
        )

    __getitem__ = get = crossing = _refuse


_OVER: Any = _Over()
