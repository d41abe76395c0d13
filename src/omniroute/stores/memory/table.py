"""One collection of one desk in memory: its values, and how its indexes follow them.

A write costs no sorting: it leaves a line in a journal, and an index catches up when somebody
looks at it, or is built anew when it has fallen far behind. Unique indexes are guarded at once, by
a dict; the one index that crosses desks follows at once. Knows nothing of transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from omniroute.errors import UniqueViolation
from omniroute.schema import Collection, Index, Key
from omniroute.stores.entries import entries_of
from omniroute.stores.memory.ordered import Entries

__all__ = ["Change", "Lanes", "Table", "depth_of"]

Change = tuple["Table", Key, Any]
"""A write: where, under which key, and what stood there before (None: nothing)."""

_SHORTEST_JOURNAL: Final = 1024
_NOTHING: Final[tuple[Key, ...]] = ()


def _column_types(index: Index[Any]) -> list[type]:
    if index.many is not None:
        return [column.type for column in index.many_columns]
    types = {column.name: column.type for column in index.collection.columns}
    return [types[name] for name in index.columns]


def depth_of(index: Index[Any]) -> int:
    """Return how many leading fields choose a partition: text is looked up, numbers are ranges."""
    types = _column_types(index)
    return next((i for i, kind in enumerate(types) if kind is not str), len(types))


class _Unique:
    """Guards a unique index: whose each entry is."""

    __slots__ = ("_entries_of", "_held", "_index", "_owners")

    def __init__(self, index: Index[Any]) -> None:
        self._index = index
        self._entries_of = entries_of(index)
        self._owners: dict[Key, Key] = {}
        self._held: dict[Key, tuple[Key, ...]] = {}

    def follow(self, key: Key, _: Any, new: Any) -> None:
        """Hold the new value's entries instead of the old's; `UniqueViolation` changes nothing."""
        gone, come = self._held.get(key, _NOTHING), self._entries_of(new)
        if gone == come:
            return
        owners = self._owners
        for fields in come:
            owner = owners.get(fields)
            if owner is not None and owner != key:
                raise _taken(self._index, fields, key, owner)
        for fields in gone:
            del owners[fields]
        for fields in come:
            owners[fields] = key
        if come:
            self._held[key] = come
        else:
            del self._held[key]


def _moves(_: Any, __: Any) -> bool:
    """Stand for an index that has no way to tell sooner."""
    return False


def _all_stay(indexes: Sequence[Index[Any]]) -> Callable[[Any, Any], bool]:
    """Return what may say of a changed value that its entries stay in all of some indexes."""
    known = [index.stays or _moves for index in indexes]
    if len(known) == 1:
        return known[0]
    return lambda old, new: all(stays(old, new) for stays in known)


def _taken(index: Index[Any], fields: Key, key: Key, owner: Key) -> UniqueViolation:
    return UniqueViolation(
        "the entry is taken by another value",
        where=f"{index.collection.name}.{index.name}",
        expected="unique fields",
        got=f"{fields!r} for {key!r}, held by {owner!r}",
    )


class _Crossing:
    """One desk's share of an index that crosses desks. The desk stands between fields and key."""

    __slots__ = ("_entries", "_entries_of", "_held", "_tail")

    def __init__(self, index: Index[Any], entries: Entries, desk: str) -> None:
        self._entries_of = entries_of(index)
        self._entries = entries
        self._tail = (desk,)
        self._held: dict[Key, tuple[Key, ...]] = {}

    def follow(self, key: Key, _: Any, new: Any) -> None:
        """Move the value's entries at once."""
        gone, come = self._held.get(key, _NOTHING), self._entries_of(new)
        if gone != come:
            _move(self._entries, self._tail + key, gone, come)
            self._held[key] = come


def _move(entries: Entries, tail: Key, gone: tuple[Key, ...], come: tuple[Key, ...]) -> None:
    for fields in gone:
        if fields not in come:
            entries.remove(fields + tail)
    for fields in come:
        if fields not in gone:
            entries.add(fields + tail)


class Lanes:
    """The values of an index in their lanes: the first of each is the one that may be leased."""

    __slots__ = ("_heads", "_lane", "_order", "_row")

    def __init__(self, index: Index[Any], lane: str) -> None:
        collection = index.collection
        names = [column.name for column in (*collection.columns, *collection.key_columns)]
        self._row = collection.row
        self._lane = itemgetter(names.index(lane))
        self._order = itemgetter(names.index(index.lane_order or lane))
        self._heads = Entries(1)

    def _place(self, key: Key, value: Any) -> Key:
        fields = self._row(value) + key
        return (self._lane(fields), self._order(fields), *key)

    def move(self, key: Key, old: Any, new: Any) -> None:
        """Follow a value that left the index (new None), came into it (old None), or changed."""
        gone = None if old is None else self._place(key, old)
        come = None if new is None else self._place(key, new)
        if gone is not None and gone != come:
            self._heads.remove(gone)
        if come is not None and gone != come:
            self._heads.add(come)

    def is_head(self, key: Key, value: Any) -> bool:
        """Whether nothing stands before this value in its lane."""
        place = self._place(key, value)
        return self._heads.first(place[:1]) == place


class _Follower:
    """An index that catches up with the table's journal when it is looked at."""

    __slots__ = ("_entries_of", "_index", "applied", "entries", "lanes")

    def __init__(self, index: Index[Any]) -> None:
        self._index = index
        self._entries_of = entries_of(index)
        self.entries: Entries | None = None
        self.lanes: Lanes | None = None
        self.applied = 0

    def build(self, cells: dict[Key, Any]) -> Entries:
        """Make the entries of everything there is."""
        of, lane = self._entries_of, self._index.lane
        pairs = [(fields, key) for key, value in cells.items() for fields in of(value)]
        self.entries = Entries(depth_of(self._index), (fields + key for fields, key in pairs))
        if lane is not None:
            self.lanes = Lanes(self._index, lane)
            for _, key in pairs:
                self.lanes.move(key, None, cells[key])
        return self.entries

    def catch_up(self, entries: Entries, cells: dict[Key, Any], journal: list[Change]) -> None:
        """Apply what happened since: for each key, from the form last seen to the present one."""
        of, seen, stays = self._entries_of, set[Key](), self._index.stays or _moves
        for _, key, old in journal[self.applied :]:
            if key in seen:
                continue
            seen.add(key)
            new = cells.get(key)
            if old is not None and new is not None and stays(old, new):
                continue
            gone, come = of(old), of(new)
            if self.lanes is not None:
                self.lanes.move(key, old if gone else None, new if come else None)
            if gone != come:
                _move(entries, key, gone, come)


class Table:
    """The values of one collection, by key, with their indexes."""

    __slots__ = (
        "_followers",
        "_hot",
        "_journal",
        "_name",
        "_room",
        "_stay",
        "_watched",
        "cells",
        "followed",
    )

    def __init__(
        self, collection: Collection[Any], crossing: Callable[[Index[Any]], Entries], desk: str
    ) -> None:
        self.cells: dict[Key, Any] = {}
        self._name = collection.name
        led = [index for index in collection.indexes if index.desk_led]
        unled = [index for index in collection.indexes if not index.desk_led]
        self._followers = {index: _Follower(index) for index in led}
        self._hot: tuple[_Unique | _Crossing, ...] = (
            *(_Unique(index) for index in collection.indexes if index.unique),
            *(_Crossing(index, crossing(index), desk) for index in unled),
        )
        self._stay = _all_stay(
            [each for each in collection.indexes if each.unique or not each.desk_led]
        )
        self._journal: list[Change] = []
        self._room = _SHORTEST_JOURNAL
        self._watched = False
        self.followed = bool(self._hot)
        """Whether some index follows what is written; else it is enough to put it into the cells."""

    def add(self, key: Key, new: Any) -> Change:
        """Put a value that must be new; return what the undo log needs."""
        if key in self.cells:
            raise UniqueViolation(
                "the key is taken by another value", where=self._name, got=repr(key)
            )
        return self.write(key, new)

    def write(self, key: Key, new: Any) -> Change:
        """Put a value, or remove it (None); return what the undo log needs."""
        cells = self.cells
        old = cells.get(key)
        if self._hot and (old is None or new is None or not self._stay(old, new)):
            self._follow(key, old, new)
        if new is not None:
            cells[key] = new
        elif old is not None:
            del cells[key]
        change = (self, key, old)
        if self._watched:
            self._journal.append(change)
            if len(self._journal) > self._room:
                self._trim()
        return change

    def _follow(self, key: Key, old: Any, new: Any) -> None:
        for done, each in enumerate(self._hot):
            try:
                each.follow(key, old, new)
            except UniqueViolation:
                for earlier in self._hot[:done]:
                    earlier.follow(key, new, old)
                raise

    def entries(self, index: Index[Any]) -> Entries:
        """Return the entries of an index as they stand now."""
        follower = self._followers[index]
        entries = follower.entries
        if entries is None:
            entries = follower.build(self.cells)
            self._watched = self.followed = True
        elif follower.applied < len(self._journal):
            follower.catch_up(entries, self.cells, self._journal)
        follower.applied = len(self._journal)
        return entries

    def lanes(self, index: Index[Any]) -> Lanes | None:
        """Return the lanes of an index whose `entries` have just been asked for."""
        follower = self._followers.get(index)
        return None if follower is None else follower.lanes

    def _trim(self) -> None:
        """Empty the journal. An index far behind is dropped: building it anew costs no more."""
        length = len(self._journal)
        for index, follower in self._followers.items():
            if follower.entries is not None and 2 * follower.applied >= length:
                self.entries(index)
            else:
                follower.entries = follower.lanes = None
            follower.applied = 0
        self._journal.clear()
        self._room = max(_SHORTEST_JOURNAL, len(self.cells))
        self._watched = any(each.entries is not None for each in self._followers.values())
        self.followed = self._watched or bool(self._hot)
