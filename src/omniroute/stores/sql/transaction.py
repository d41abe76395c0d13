"""One transaction: a unit of work over a driver's cursor.

Values that were read are known by what is stored of them; values that are written wait, and are
written once, in order, before anything that could see them and at the end. Knows neither engines
nor commits: whoever opened the cursor begins it, ends it, and tries it again. How statements go to
the database is `exchange`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, groupby
from operator import ne
from typing import Any, Final, NoReturn, TypeVar

from omniroute.codec.stored import decode, encode
from omniroute.errors import UniqueViolation, UnknownDesk, UsageError
from omniroute.schema import DESKS, LOG, Collection, Index, Key
from omniroute.stores.sql.drivers import Driver, Fault
from omniroute.stores.sql.exchange import Exchange, Row
from omniroute.stores.sql.statements import IndexPlan, Plan, Plans
from omniroute.stores.sql.wire import Statement

__all__ = ["FinishedTransaction", "SqlTransaction"]

V = TypeVar("V")

_Id = tuple[Plan, str, Key]
_Written = tuple[Any, Key]  # a value that waits to be written, and its columns
_Change = tuple[_Id, Any, Any]  # what is stored there, and what is to be written (None: nothing)

_UNKNOWN: Final[Any] = object()
_ABSENT: Final = None
_INSERT, _UPDATE, _UPSERT, _REMOVE = "insert", "update", "upsert", "remove"


class _Stored:
    """What is stored under a key: the value, and the columns and text as the database has them."""

    __slots__ = ("columns", "text", "value", "version")

    def __init__(self, value: Any, columns: Key, text: str, version: int) -> None:
        self.value = value
        self.columns = columns
        self.text = text
        self.version = version


class SqlTransaction(Exchange):
    """The verbs of `ports.Transaction`, as SQL."""

    __slots__ = ("_at_hand", "_locked", "_pending", "_stored")

    def __init__(
        self,
        cursor: Any,
        begin: Callable[[bool], None],
        plans: Plans,
        driver: Driver,
        *,
        will_write: bool,
    ) -> None:
        super().__init__(cursor, begin, plans, driver, will_write=will_write)
        self._locked: set[str] = set()
        self._stored: dict[_Id, _Stored | None] = {}
        self._at_hand: dict[_Id, Row] = {}  # rows that came with entries, until they are asked for
        self._pending: dict[_Id, _Written | None] = {}

    # --- verbs on values ---

    def lock(self, desk: str) -> None:
        """Lock the desk's row, and read it: the `get` that follows costs nothing."""
        if desk in self._locked:
            return
        self._write()
        for known in [each for each in self._stored if each[1] == desk]:
            del self._stored[known]  # read before the lock: may have changed
        self._at_hand.clear()
        plan = self._plans.collections[DESKS]
        row = self._fetch_locked(plan.get_locked, desk)
        pending = self._pending.get((plan, desk, ()), _UNKNOWN)
        if row is None and pending in (None, _UNKNOWN):
            raise UnknownDesk(
                f"no desk {desk!r} in this store", hint="create it first, from a configuration"
            )
        if row is not None:
            self._keep((plan, desk, ()), row)
        self._locked.add(desk)

    def get(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        """Return the value under a key, from memory where it was read or written before."""
        plan = self._plans.collections[collection]
        place = (plan, desk if plan.led else "", key)
        pending = self._pending.get(place, _UNKNOWN)
        if pending is not _UNKNOWN:
            return None if pending is None else pending[0]
        stored = self._stored.get(place, _UNKNOWN)
        if stored is _UNKNOWN:
            stored = self._load(place)
        return None if stored is None else stored.value

    def put(self, collection: Collection[V], desk: str, value: V) -> None:
        """Let a value wait to be written."""
        plan = self._plans.collections[collection]
        place = (plan, desk if plan.led else "", collection.key(value))
        written = (value, collection.row(value))
        if plan.unique and place in self._pending:
            self._keep_unique_in_order(place, written)
        self._pending[place] = written

    def _keep_unique_in_order(self, place: _Id, written: _Written) -> None:
        """Write what waits before one key changes its unique entries again: order matters then."""
        pending = self._pending[place]
        if pending is None or any(of(*pending) != of(*written) for of in place[0].unique):
            self.flush()

    def add(self, collection: Collection[V], desk: str, values: Iterable[V]) -> None:
        """Let new values wait to be written."""
        plan = self._plans.collections[collection]
        owner = desk if plan.led else ""
        for value in values:
            place = (plan, owner, collection.key(value))
            known = self._pending.get(place) or self._stored.get(place)
            if known is not None:
                self.fault = Fault.UNIQUE
                self.error = UniqueViolation(
                    "the key is taken by another value", where=collection.name, got=repr(place[2])
                )
                raise self.error
            if place not in self._pending:
                self._stored[place] = _ABSENT
            self.put(collection, desk, value)

    def delete(self, collection: Collection[V], desk: str, key: Key) -> bool:
        """Remove what is under a key, or what waits to be written there."""
        plan = self._plans.collections[collection]
        place = (plan, desk if plan.led else "", key)
        pending = self._pending.get(place, _UNKNOWN)
        if pending is not _UNKNOWN:
            self._pending[place] = None
            return pending is not None
        stored = self._stored.get(place, _UNKNOWN)
        if stored is _UNKNOWN and plan.many:
            stored = self._load(place)
        if stored is _UNKNOWN:
            return self._delete_unseen(place)
        if stored is not None:
            self._pending[place] = None
        return stored is not None

    def _delete_unseen(self, place: _Id) -> bool:
        self._write()
        self._listed.clear()
        gone: int = self._run(place[0].delete, _key(place)).rowcount
        self._stored[place] = _ABSENT
        return gone > 0

    # --- what will be read ---

    def expect(self, collection: Collection[V], desk: str, key: Key) -> None:
        """Let a value come along with the next way to a server."""
        plan = self._plans.collections[collection]
        place = (plan, desk if plan.led else "", key)
        if self._wire is not None and all(isinstance(each, str) for each in key):
            self._expect(plan.get, _key(place), lists=False)

    def expect_heads(self, index: Index[V], desk: str, prefixes: Sequence[Key]) -> None:
        """Let the answer to `heads` come along."""
        if self._wire is not None:
            plan = self._plans.indexes[index]
            for _, text, parameters in plan.firsts(desk, prefixes):
                self._expect(text, parameters, lists=True)

    def expect_list(
        self, index: Index[V], desk: str, prefix: Key, *, limit: int, whole: bool
    ) -> None:
        """Let the answer to `scan`, with `whole` values, or `entries` come along."""
        if self._wire is not None:
            plan = self._plans.indexes[index]
            self._expect(*plan.between(desk, (prefix, (), ()), limit, whole=whole), lists=True)

    def last_known(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        """Return what was last seen under a key, by whatever transaction; perhaps no longer so."""
        plan = self._plans.collections[collection]
        known = plan.decoded.get((plan, desk if plan.led else "", key))
        return None if known is None else known.value

    # --- verbs on indexes ---

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
        """Return values in the index's order."""
        if limit <= 0:
            return []
        plan, bounds = self._plans.indexes[index], (prefix, after or (), until or ())
        asked = plan.between(desk, bounds, limit, reverse=reverse, whole=True)
        return [self._seen(plan.plan, row) for row in self._query(plan, *asked)]

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
        """Return index entries in order."""
        if limit <= 0:
            return []
        plan, bounds = self._plans.indexes[index], (prefix, after or (), until or ())
        asked = plan.between(desk, bounds, limit, reverse=reverse, whole=False)
        return [tuple(row) for row in self._query(plan, *asked)]

    def heads(self, index: Index[V], desk: str, prefixes: Sequence[Key]) -> list[Key]:
        """Return the first entry of each prefix that has one: a statement for every 32 of them."""
        plan = self._plans.indexes[index]
        found: dict[Key, Key] = {}
        for length, text, parameters in plan.firsts(desk, prefixes):
            for row in self._query(plan, text, parameters):
                entry = tuple(row[: plan.fields])
                found[entry[:length]] = entry
                if len(row) > plan.fields:
                    self._at_hand[plan.plan.place(row[plan.fields :])] = row[plan.fields :]
        return [found[prefix] for prefix in prefixes if prefix in found]

    def count(self, index: Index[V], desk: str, prefix: Key = ()) -> int:
        """Return how many entries start with a prefix."""
        plan = self._plans.indexes[index]
        led = (desk,) if plan.led else ()
        number: int = self._query(plan, plan.count(len(prefix)), (*led, *prefix))[0][0]
        return number

    def lease(self, index: Index[V], desk: str, *, now: int, until: int, limit: int) -> list[V]:
        """Take values that are due and first in their lane; skips what others are taking now."""
        if index.lease is None:
            raise UsageError(f"the index {index.name!r} declares no lease")
        plan = self._plans.indexes[index]
        led = (desk,) if plan.led else ()
        self._write()
        taken: list[V] = []
        for row in self._query(plan, plan.due, (*led, now, limit)):
            value = index.lease(self._seen(plan.plan, row), until)
            self.put(index.collection, row[0] if plan.plan.led else "", value)
            taken.append(value)
        return taken

    def _query(self, plan: IndexPlan, text: str, parameters: Sequence[Any]) -> list[Row]:
        """Run a query on an index, once it has everything that waits in its collection."""
        if any(place[0] is plan.plan for place in self._pending):
            self.flush()
        self._read()
        return self._fetch(text, parameters)

    # --- what is stored ---

    def _load(self, place: _Id) -> _Stored | None:
        at_hand = self._at_hand.pop(place, None)
        if at_hand is not None:
            return self._keep(place, at_hand[len(place[0].keys) :])
        self._read()
        row = self._fetch_one(place[0].get, _key(place))
        if row is None:
            self._stored[place] = _ABSENT
            return None
        return self._keep(place, row)

    def _keep(self, place: _Id, row: Row) -> _Stored:
        """Remember a row of columns, body and version."""
        plan = place[0]
        text, version = row[-2], row[-1]
        known = plan.decoded.get(place)
        if known is not None and known.text == text and known.version == version:
            value = known.value
        else:
            value = decode(plan.collection, version, text)
        stored = self._stored[place] = _Stored(value, tuple(row[: plan.width]), text, version)
        plan.decoded.keep(place, stored)
        return stored

    def _seen(self, plan: Plan, row: Row) -> Any:
        """The value of a row of desk, key, columns, body and version; decoded once."""
        place = plan.place(row)
        stored = self._stored.get(place)
        if stored is None or stored.text != row[-2]:
            stored = self._keep(place, row[len(plan.keys) :])
        return stored.value

    # --- writing ---

    def flush(self) -> None:
        """Write what waits: collection by collection, in each in the order in which it came."""
        if not self._pending:
            return
        self._write()
        self._listed.clear()  # listed before: may be listed otherwise by now
        waiting, self._pending = self._pending, {}
        plans: dict[tuple[Plan, str], list[_Change]] = {}
        for place, written in waiting.items():
            stored = self._stored.get(place, _UNKNOWN)
            if stored is _UNKNOWN and place[0].many:
                stored = self._load(place)
            if written is None and stored is None:
                continue
            plans.setdefault(place[:2], []).append((place, stored, written))
        for changes in plans.values():
            self._gathers = self._driver.gathers and _in_any_order(changes)
            for _, alike in groupby(changes, _way):
                self._make(list(alike))
        self._send()

    def _make(self, changes: list[_Change]) -> None:
        """Write changes that are made in the same way."""
        way = _way(changes[0])
        if way is _INSERT:
            self._insert(changes)
        elif way is _UPDATE:
            self._update(changes)
        elif way is _UPSERT:
            self._upsert(changes)
        else:
            self._remove(changes)

    def _insert(self, changes: list[_Change]) -> None:
        plan = changes[0][0][0]
        rows = []
        for place, _, (value, columns) in changes:
            stored = self._write_down(place, value, columns)
            rows.append((*_key(place), *columns, stored.text, stored.version))
        self._run_each(plan.insert, rows)
        for index in plan.many:
            of = self._plans.indexes[index].entries_of
            entries = [
                _entry(place, fields) for place, _, (value, _) in changes for fields in of(value)
            ]
            self._run_each(self._plans.indexes[index].insert, entries)

    def _upsert(self, changes: list[_Change]) -> None:
        plan, rows = changes[0][0][0], []
        for place, _, (value, columns) in changes:
            stored = self._write_down(place, value, columns)
            rows.append((*_key(place), *columns, stored.text, stored.version))
        self._run_each(plan.upsert, rows)

    def _update(self, changes: list[_Change]) -> None:
        plan = changes[0][0][0]
        rows: dict[tuple[bool, ...], list[Key]] = {}
        for place, before, (value, columns) in changes:
            after = self._write_down(place, value, columns)
            mask = tuple(map(ne, before.columns, columns))
            if after.text != before.text or after.version != before.version or True in mask:
                row = (*compress(columns, mask), after.text, after.version, *_key(place))
                rows.setdefault(mask, []).append(row)
        for mask, alike in rows.items():
            self._run_each(plan.update(mask), alike, all_there=True)
        self._move(plan, [(place, old.value, new[0]) for place, old, new in changes])

    def _remove(self, changes: list[_Change]) -> None:
        plan = changes[0][0][0]
        self._run_each(plan.delete, [_key(place) for place, _, _ in changes])
        for place, _, _ in changes:
            self._stored[place] = _ABSENT
        self._move(plan, [(place, old.value, None) for place, old, _ in changes if plan.many])

    def _move(self, plan: Plan, changes: list[tuple[_Id, Any, Any]]) -> None:
        """Let the entries of indexes with their own tables follow values."""
        for each in plan.many:
            index = self._plans.indexes[each]
            gone: list[Key] = []
            come: list[Key] = []
            for place, old, new in changes:
                left, right = index.entries_of(old), index.entries_of(new)
                if left != right:
                    gone += [_entry(place, fields) for fields in left if fields not in right]
                    come += [_entry(place, fields) for fields in right if fields not in left]
            self._run_each(index.delete, gone)
            self._run_each(index.insert, come)

    def _write_down(self, place: _Id, value: Any, columns: Key) -> _Stored:
        """Remember a value as stored, and return it with its text."""
        plan = place[0]
        text, version = encode(plan.collection, value), plan.collection.version
        stored = self._stored[place] = _Stored(value, columns, text, version)
        plan.decoded.keep(place, stored)
        return stored

    # --- the end ---

    def settle(self, *, hold: bool = False) -> list[Statement]:
        """Write what waits; raise what went wrong, even where `work` swallowed it.

        With `hold`, what can go in one way with the commit is returned instead of run.
        """
        if self.error is not None:
            raise self.error
        self._holds = hold
        self.flush()
        return self._held

    def desks_that_grew(self) -> set[str]:
        """Return the desks to whose log this transaction added; perhaps one that it only read."""
        log = self._plans.collections[LOG]
        return {place[1] for place in self._stored if place[0] is log}


def _way(change: _Change) -> str:
    """How a change is made: so that those made alike can be made together."""
    _, stored, written = change
    if written is None:
        return _REMOVE
    if stored is None:
        return _INSERT
    return _UPSERT if stored is _UNKNOWN else _UPDATE


def _in_any_order(changes: list[_Change]) -> bool:
    """Whether changes in a collection can go in one statement, which makes them in no set order.

    Not where a unique entry moves from one value to another.
    """
    unique = changes[0][0][0].unique
    if not unique or len(changes) == 1:
        return True
    let_go: set[tuple[int, Key]] = set()
    taken: set[tuple[int, Key]] = set()
    for _, stored, written in changes:
        if stored is _UNKNOWN:
            return False
        for number, of in enumerate(unique):
            before = of(stored.value, stored.columns) if stored is not None else ()
            after = of(*written) if written is not None else ()
            if before != after:
                let_go.update((number, entry) for entry in before)
                taken.update((number, entry) for entry in after)
    return let_go.isdisjoint(taken)


def _key(place: _Id) -> Key:
    plan, desk, key = place
    return (desk, *key) if plan.led else key


def _entry(place: _Id, fields: Key) -> Key:
    plan, desk, key = place
    return (desk, *fields, *key) if plan.led else (*fields, *key)


class FinishedTransaction(SqlTransaction):
    """What a transaction becomes when it is over."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UsageError(
            "the transaction is over", hint="keep values, not the transaction, from a unit of work"
        )

    lock = get = put = add = delete = scan = entries = heads = count = lease = _refuse
    expect = expect_heads = expect_list = last_known = _refuse
    foresees = property(_refuse)
