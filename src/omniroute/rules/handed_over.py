"""Whether values that adapters and hosts hand over are made of what they say (R13).

They are written by others, and nobody ran a type checker over all of them: what is of another type is
refused before it is kept, since it could not be read back. A list does for a tuple. Whether text and
numbers can be stored is `storable`'s question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from omniroute.errors import UsageError
from omniroute.model.values import frozen
from omniroute.model.wire import (
    Accepted,
    Attachment,
    Inbound,
    Permanent,
    RawRequest,
    Retryable,
    Unknown,
)
from omniroute.rules.names import shown
from omniroute.rules.storable import check_storable, key_problem, storable_problem

__all__ = ["check_attachments", "check_request", "item_problem", "result_problem", "type_problem"]

_RESULTS: Final = (Accepted, Retryable, Permanent, Unknown)
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    bool: "True or False",
    bytes: "bytes",
    tuple: "a list",
    Mapping: "a mapping",
}


@frozen
class _Kind:
    """What a field may hold: instances of `base`; `classes` are those that need no look inside.

    `inner` is what their elements are, of a mapping its keys and its values.
    """

    base: type | tuple[type, ...]
    classes: frozenset[type]
    inner: tuple[_Kind, ...]
    word: str


_Look = tuple[int, bool, str, _Kind]


def type_problem(value: Any, where: str = "") -> str | None:
    """Return which part of an attrs value is not of the type that it is declared with, or None."""
    cls = value.__class__
    parts = _fields(cls)[0](value)
    for at, needless, name, kind in _looks(cls, tuple([one.__class__ for one in parts])):
        if needless and not parts[at]:
            continue
        if problem := _problem(parts[at], kind):
            place = f"{where}.{name}" if where else name
            return f"{place}{problem}"
    return None


def item_problem(item: Inbound) -> str | None:
    """Return why an item cannot be kept, or None: an adapter or a host made it, not the desk (R13)."""
    if problem := type_problem(item):
        return problem
    keys = [("key", item.key), ("address", item.address)]
    if item.thread:
        keys.append(("thread", item.thread))
    if item.target:
        keys.append(("target", item.target))
    if item.sender is not None:
        keys += [(f"sender.addresses[{n}]", each) for n, each in enumerate(item.sender.addresses)]
        if not item.sender.addresses:
            return "sender has no address"
    for name, each in keys:
        if problem := key_problem(each):
            return f"{name} {problem}"
    return storable_problem(item)


def result_problem(result: object) -> str | None:
    """Return what is wrong with what an adapter's `send` returned, or None: what cannot be stored too."""
    if not isinstance(result, _RESULTS):
        return f"expected Accepted, Retryable, Permanent or Unknown, got {shown(result)}"
    return type_problem(result) or storable_problem(result)


def check_attachments(attachments: tuple[Attachment, ...]) -> None:
    """Raise `UsageError` for what is no `Attachment`, or one that cannot be stored."""
    for number, each in enumerate(attachments):
        where = f"attachments[{number}]"
        if not isinstance(each, Attachment):
            raise UsageError(
                "not an Attachment", where=where, expected="a list of Attachments", got=shown(each)
            )
        if problem := type_problem(each, where):
            raise UsageError(f"cannot be used: {problem}")
    check_storable(attachments, "attachments")


def check_request(request: RawRequest) -> None:
    """Raise `UsageError` for a request that a host did not hand over as it came: decoded, say."""
    if problem := type_problem(request, "request"):
        raise UsageError(f"not a request as it came: {problem}")


@lru_cache(maxsize=1024)
def _looks(cls: type, classes: tuple[type, ...]) -> tuple[_Look, ...]:
    """Return the fields to look into where the fields of a value are of these classes.

    Each by its place, and whether that is needless for an empty one. Nearly all values of a class
    have the same few classes, and most of those need no look.
    """
    return tuple(
        (at, bool(kind.inner) and issubclass(found, kind.base), name, kind)
        for at, (found, (name, kind)) in enumerate(zip(classes, _fields(cls)[1], strict=True))
        if found not in kind.classes
    )


def _problem(value: Any, kind: _Kind) -> str | None:
    """Return where in a value what is wrong, or None."""
    if not isinstance(value, kind.base) or (value.__class__ is bool and bool not in kind.classes):
        return f" is {shown(value)}, not {kind.word}"
    if not kind.inner:
        found = type_problem(value) if attrs.has(value.__class__) else None
        return f".{found}" if found else None
    if isinstance(value, Mapping):
        keys, values = kind.inner
        for key, one in value.items():
            if problem := _problem(key, keys) or _problem(one, values):
                return f".{shown(key)}{problem}"
        return None
    several: Any = value
    return _several_problem(several, *kind.inner)


def _several_problem(values: Sequence[Any], kind: _Kind) -> str | None:
    for number, each in enumerate(values):
        if each.__class__ not in kind.classes and (problem := _problem(each, kind)):
            return f"[{number}]{problem}"
    return None


@cache
def _fields(cls: type) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[tuple[str, _Kind], ...]]:
    """Return what reads all fields of a class at once, and each one's name and kind."""
    hints = get_type_hints(cls)
    names = [each.name for each in attrs.fields(cls)]
    read = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, *names),)
    return read, tuple((name, _kind(hints[name])) for name in names)


def _kind(hint: Any) -> _Kind:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return _Kind(object, frozenset({bool}), (), "anything")  # what a store takes: `storable`
    if origin is tuple:
        return _Kind((tuple, list), frozenset(), (_kind(inner[0]),), "a list")
    if origin is Mapping:
        return _Kind(Mapping, frozenset(), tuple(map(_kind, inner)), "a mapping")
    bases = inner or (hint,)
    words = [_WORDS.get(each) or _named(each) for each in bases if each is not NoneType]
    plain = frozenset(each for each in bases if not attrs.has(each))
    return _Kind(bases, plain, (), " or ".join(words))


def _named(cls: type) -> str:
    return f"{'an' if cls.__name__[0] in 'AEIOU' else 'a'} {cls.__name__}"
