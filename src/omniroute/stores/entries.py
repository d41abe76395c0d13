"""What entries a value has in an index: the reading of `schema` that every store here shares."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from omniroute.schema import Index, Key

__all__ = ["EntriesBeside", "EntriesOf", "entries_beside", "entries_of"]

EntriesOf = Callable[[Any], tuple[Key, ...]]
"""Gives a value's entries in one index, without its key; None has none."""

EntriesBeside = Callable[[Any, Key], tuple[Key, ...]]
"""The same of a value and its row of columns, which is known already."""

_NOTHING: Final[tuple[Key, ...]] = ()
_ONE: Final[tuple[Key, ...]] = ((),)


def entries_of(index: Index[Any]) -> EntriesOf:
    """Return what reads a value's entries in an index: none that holds a None, none twice."""
    if index.many is not None:
        return _several(index.many)
    if not index.columns:
        return lambda value: _NOTHING if value is None else _ONE
    return _one(index.collection.row, _fields(index))


def entries_beside(index: Index[Any]) -> EntriesBeside:
    """Return what reads a value's entries in an index, where its row of columns need not be made."""
    if index.many is not None or not index.columns:
        of = entries_of(index)
        return lambda value, _: of(value)
    fields_of = _fields(index)

    def entries(_: Any, row: Key) -> tuple[Key, ...]:
        fields = fields_of(row)
        return _NOTHING if None in fields else (fields,)

    return entries


def _fields(index: Index[Any]) -> Callable[[Key], Key]:
    names = [column.name for column in index.collection.columns]
    return _slicer([names.index(name) for name in index.columns])


def _several(many: Callable[[Any], Any]) -> EntriesOf:
    def entries(value: Any) -> tuple[Key, ...]:
        if value is None:
            return _NOTHING
        return tuple([each for each in dict.fromkeys(map(tuple, many(value))) if None not in each])

    return entries


def _one(row: Callable[[Any], Key], fields_of: Callable[[Key], Key]) -> EntriesOf:
    def entries(value: Any) -> tuple[Key, ...]:
        if value is None:
            return _NOTHING
        fields = fields_of(row(value))
        return _NOTHING if None in fields else (fields,)

    return entries


def _slicer(positions: list[int]) -> Callable[[Key], Key]:
    """The fastest way to a tuple of some fields of a row."""
    first, length = positions[0], len(positions)
    if positions == list(range(first, first + length)):
        return itemgetter(slice(first, first + length))
    return itemgetter(*positions)
