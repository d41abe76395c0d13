"""What a store can keep, told before anything is written (R13).

Text without NUL and lone surrogates, numbers of 64 bits, finite ones, JSON. Adapters clean what
strangers send; this is for what hosts and plugins hand over. Knows nothing of what the values mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final

import attrs

from omniroute.errors import UsageError
from omniroute.rules.names import MAX_KEY, join, shown, text_problem

__all__ = [
    "MAX_KEY",
    "check_key",
    "check_storable",
    "check_switch",
    "check_text",
    "key_problem",
    "storable_problem",
]

_LARGEST: Final = 2**63 - 1
_DEEPEST: Final = 64
_GLANCE: Final = 4  # so deep is looked at first
_SIMPLE: Final = frozenset({bool, int, tuple, list, dict})

_Found = tuple[list[str | int], str]  # the steps to it, from the inside, and what is wrong


def storable_problem(value: Any, path: str = "") -> str | None:
    """Return where and why a value cannot be stored, or None. attrs values are looked into."""
    found = None if _are_plain((value,), 0) else _problem(value, 0)
    if found is None:
        return None
    steps, text = found
    where = join(path, *reversed(steps))
    return f"{where} {text}" if where else text


def _are_plain(values: Iterable[Any], depth: int) -> bool:
    """Whether values are seen at a glance to be storable, as nearly all are; no means: look closely."""
    for value in values:
        if value is None:
            continue
        if isinstance(value, str):
            if text_problem(value) is not None:
                return False
            continue
        kind: Any = type(value)
        if value or kind not in _SIMPLE:
            parts = _parts(kind) if depth < _GLANCE else None
            if parts is None or not _are_plain(parts(value), depth + 1):
                return False
    return True


@cache
def _parts(kind: type) -> Callable[[Any], Iterable[Any]] | None:
    """Return what reads all that a kind of value holds at once, or None for what is looked at closely."""
    if kind in (list, tuple):
        return iter
    if not attrs.has(kind):
        return None
    names = _names(kind)
    return attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, *names),)


def _problem(value: Any, depth: int) -> _Found | None:
    if value is None or value == () or isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = text_problem(value)
    elif isinstance(value, int):
        text = None if abs(value) <= _LARGEST else "is too large a number"
    elif isinstance(value, float):
        text = None if math.isfinite(value) else "is not a finite number"
    elif depth >= _DEEPEST:
        text = "is nested too deeply"
    else:
        return _inner_problem(value, depth + 1)
    return None if text is None else ([], text)


def _inner_problem(value: Any, depth: int) -> _Found | None:
    if isinstance(value, list | tuple):
        inner: Iterable[tuple[str | int, Any]] = enumerate(value)
    elif isinstance(value, Mapping):
        strange = [key for key in value if not isinstance(key, str) or text_problem(key)]
        if strange:
            return [], f"has the key {shown(strange[0])}, which cannot be one"
        inner = value.items()
    elif attrs.has(type(value)):
        inner = [(name, getattr(value, name)) for name in _names(type(value))]  # type: ignore[arg-type]
    else:
        return [], f"is of type {type(value).__name__}, which JSON does not have"
    for step, each in inner:
        if found := _problem(each, depth):
            found[0].append(step)
            return found
    return None


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(each.name for each in attrs.fields(cls))


def key_problem(value: Any) -> str | None:
    """Return what is wrong with an id, address or tag, or None: text of 1 to 512 characters."""
    if not isinstance(value, str):
        return f"is {shown(value)}, not text"
    if not value.strip():
        return "is empty"
    if len(value) > MAX_KEY:
        return f"has more than {MAX_KEY} characters"
    return text_problem(value)


def check_storable(value: Any, where: str) -> None:
    """Raise `UsageError` for what cannot be stored."""
    if problem := storable_problem(value, where):
        raise UsageError(f"cannot be stored: {problem}")


def check_key(value: Any, where: str) -> None:
    """Raise `UsageError` for what cannot be an id, an address or a tag."""
    if problem := key_problem(value):
        raise UsageError(f"cannot be used: it {problem}", where=where)


def check_switch(value: Any, where: str) -> None:
    """Raise `UsageError` for what is neither true nor false: any text would count as true."""
    if value is not True and value is not False:
        raise UsageError("not a switch", where=where, expected="True or False", got=shown(value))


def check_text(value: Any, where: str) -> None:
    """Raise `UsageError` for what is no text, or cannot be stored."""
    if not isinstance(value, str):
        raise UsageError("is not text", where=where, got=shown(value))
    if text_problem(value) is not None:
        check_storable(value, where)
