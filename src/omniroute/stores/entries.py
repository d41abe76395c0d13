"""What entries a value has in an index: the reading of `schema` that every store here shares."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from omniroute.schema import Index, Key

__all__ = ["EntriesOf", "entries_of"]

EntriesOf = Callable[[Any], tuple[Key, ...]]
"""Gives a value's entries in one index, without its key; None has none."""

_NOTHING: Final[tuple[Key, ...]] = ()
_ONE: Final[tuple[Key, ...]] = ((),)


def entries_of(index: Index[Any]) -> EntriesOf:
    """Return what reads a value's entries in an index: none that holds a None, none twice."""
    if index.many is not None:
        return _several(index.many)
    if not index.columns:
        return lambda value: _NOTHING if value is None else _ONE
    names = [column.name for column in index.collection.columns]
    return _one(index.collection.row, _slicer([names.index(name) for name in index.columns]))


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
