"""Joining what two people changed of one document: path by path, and where they clash.

A list, a queue tree say, is one value: two people who both changed it clash. Knows nothing of what
the values mean; whether the joined document is a configuration, loading it tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from omniroute.rules.names import join

__all__ = ["merge"]

_ABSENT: Final = object()


def merge(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return `theirs` with what `mine` changed of `base`, and the paths that both changed otherwise.

    Where both changed a path, `mine` stands in the result.
    """
    clashes: list[str] = []
    merged = _tables("", (base, mine, theirs), clashes)
    return merged, tuple(clashes)


def _tables(path: str, tables: tuple[Mapping[str, Any], ...], clashes: list[str]) -> dict[str, Any]:
    base, mine, theirs = tables
    merged = {}
    for key in dict.fromkeys((*theirs, *mine)):
        values = tuple(each.get(key, _ABSENT) for each in (base, mine, theirs))
        value = _value(join(path, key), values, clashes)
        if value is not _ABSENT:
            merged[key] = value
    return merged


def _value(path: str, values: tuple[Any, ...], clashes: list[str]) -> Any:
    base, mine, theirs = values
    if _same(mine, base) or _same(mine, theirs):
        return theirs
    if _same(theirs, base):
        return mine
    if isinstance(mine, dict) and isinstance(theirs, dict):
        common = base if isinstance(base, dict) else {}
        return _tables(path, (common, mine, theirs), clashes)
    clashes.append(path)
    return mine


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))
