"""How what is stored is declared: collections, their columns, and the indexes into them.

`schema` declares with these all that there is. A collection says how a value becomes a key and a row
of columns; an index is an ordered tuple of those columns, and a value has an entry in it only when
none of them is None. A `many` index has its own entries, any number for each value.

Column types are `str` and `int` (64 bits) only. Entries are ordered by their columns, then by key;
strings by code point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from attrs import field, frozen

__all__ = ["Collection", "Column", "Index", "Key"]

V = TypeVar("V")

Key = tuple[Any, ...]
"""The values of some columns, in order."""


@frozen
class Column:
    """A named column of type `str` or `int`.

    A number below `least` would be an error of ours: a database that can refuses it. What has it
    `always` is never None, so that nobody has to ask.
    """

    name: str
    type: type
    least: int | None = None
    always: bool = False


@frozen(eq=False)
class Index(Generic[V]):
    """An ordered way into a collection.

    `columns` name columns of the collection, or, where `many` is given, the index's own columns,
    whose entries `many(value)` returns. `unique` refuses a second value with the same entry.
    `lease` says how a value is marked as taken until an instant; `lane` and `lane_order` name
    columns: only the first entry of a lane, by that order, can be leased. `desk_led` is False for
    the one index that crosses desks. `stays(old, new)` may say of a changed value that its entries
    are the same, where a look at a field or two tells: what says no is looked at as ever.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    many: Callable[[V], Iterable[Key]] | None = None
    many_columns: tuple[Column, ...] = ()
    lease: Callable[[V, int], V] | None = None
    lane: str | None = None
    lane_order: str | None = None
    desk_led: bool = True
    stays: Callable[[V, V], bool] | None = None
    collection: Collection[V] = field(init=False, repr=False)


@frozen(eq=False)
class Collection(Generic[V]):
    """A kind of stored value.

    `key(value)` gives the values of `key_columns`, `row(value)` those of `columns` (None allowed).
    `version` is that of the stored form; the codec upcasts older ones. `desk_led` is False for the
    address directory alone, which finds a desk (P20).
    """

    name: str
    type: type[V]
    key_columns: tuple[Column, ...]
    key: Callable[[V], Key]
    columns: tuple[Column, ...] = ()
    row: Callable[[V], Key] = lambda _: ()
    indexes: tuple[Index[V], ...] = ()
    version: int = 1
    desk_led: bool = True

    def __attrs_post_init__(self) -> None:
        for index in self.indexes:
            object.__setattr__(index, "collection", self)

    def index(self, name: str) -> Index[V]:
        """Return the declared index of that name; KeyError when there is none."""
        for index in self.indexes:
            if index.name == name:
                return index
        raise KeyError(f"collection {self.name!r} declares no index {name!r}")
