"""Configurations that a program made: whether every value is of its field's type.

Owns the one question that annotations answer. What values mean is judged by `rules.checks`, which
may then look into them: it is asked first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from types import NoneType
from typing import Any, Final, get_args

from attrs import has

from omniroute.codec.names import attributes, is_enum, is_mapping, is_tuple, is_union
from omniroute.errors import Problem
from omniroute.rules.names import join, shown

__all__ = ["type_problems"]

_WORDS: Final[Mapping[Any, str]] = {str: "text", int: "a whole number", bool: "True or False"}


def type_problems(value: Any, kind: Any, path: str = "") -> Iterator[Problem]:
    """Yield what inside a value is not of the type that a class or an annotation says."""
    if kind is Any:
        return
    if is_union(kind):
        yield from _of_union(value, get_args(kind), path)
    elif not _is(value, kind):
        yield Problem(path, f"expected {_named(kind)}, got {shown(value)}")
    elif is_tuple(kind):
        yield from _of_tuple(value, get_args(kind), path)
    elif is_mapping(kind):
        key_kind, inner = get_args(kind)
        yield from _of_mapping(value, key_kind, inner, path)
    elif has(kind):
        for each in attributes(kind):
            yield from type_problems(getattr(value, each.name), each.type, join(path, each.name))


def _is(value: Any, kind: Any) -> bool:
    if is_tuple(kind):
        return isinstance(value, tuple)
    if is_mapping(kind):
        return isinstance(value, Mapping)
    return isinstance(value, kind) and (kind is not int or not isinstance(value, bool))


def _of_union(value: Any, kinds: tuple[Any, ...], path: str) -> Iterator[Problem]:
    found = {kind: list(type_problems(value, kind, path)) for kind in kinds}
    if not all(found.values()):
        return
    others = [kind for kind in kinds if kind is not NoneType]
    if len(others) == 1:
        yield from found[others[0]]  # which says where inside
    else:
        yield Problem(path, f"expected {' or '.join(map(_named, others))}, got {shown(value)}")


def _of_tuple(value: tuple[Any, ...], kinds: tuple[Any, ...], path: str) -> Iterator[Problem]:
    any_length = kinds[-1] is Ellipsis
    if not any_length and len(value) != len(kinds):
        yield Problem(path, f"expected {len(kinds)} values, got {len(value)}")
        return
    for index, (each, kind) in enumerate(
        zip(value, repeat(kinds[0]) if any_length else kinds, strict=False)
    ):
        yield from type_problems(each, kind, join(path, index))


def _of_mapping(value: Mapping[Any, Any], key_kind: Any, kind: Any, path: str) -> Iterator[Problem]:
    for key, each in value.items():
        if not _is(key, key_kind):
            yield Problem(path, f"expected keys that are {_named(key_kind)}, got {shown(key)}")
        else:
            yield from type_problems(each, kind, join(path, key))


def _named(kind: Any) -> str:
    if is_tuple(kind):
        return "a tuple"
    if is_mapping(kind):
        return "a mapping"
    if is_enum(kind):
        return f"a member of {kind.__name__}"
    name: str = kind.__name__
    return _WORDS.get(kind) or f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
