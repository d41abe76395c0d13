"""Whose fault it is where Python stumbles over what a caller gave: the argument that is not what it says.

A command that succeeds looks at no type. Only where Python itself raises (`TypeError` and the like), or a
database refuses a value, are the arguments held against the annotations of what was called: one that does
not fit is told as a `UsageError` with its name. Where all of them fit, what was raised stands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import wraps
from types import FunctionType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, cast, get_args, get_origin

from omniroute.errors import StoreError, UsageError
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.rules import names
else:
    (names,) = later(globals(), "omniroute.rules", "names")

__all__ = ["blaming"]

C = TypeVar("C", bound=Callable[..., Any])

_STUMBLES: Final = (
    *(TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError),
    StoreError,
)
_YIELDS: Final = 0x20  # inspect.CO_GENERATOR, which is not imported for one number
_DEEPEST: Final = 64
_LARGEST: Final = 2**63 - 1
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    bool: "True or False",
    NoneType: "None",
    Callable: "something to call",
}
_ANYTHING: Final[tuple[Any, ...]] = (object, Any)
_CALLED: Final[tuple[Any, ...]] = (Callable,)
_OF_MANY: Final = (Iterable, Collection, Sequence)
_SEVERAL: Final = (list, tuple, set, frozenset)


def blaming(face: C) -> C:
    """Let a public function, or every public method of a class, say which argument was at fault."""
    if not isinstance(face, type):
        return cast("C", _called(face))
    for name in dir(face):
        found = next((vars(each)[name] for each in face.__mro__ if name in vars(each)), None)
        public = not name.startswith("_") or name == "__init__"
        if public and isinstance(found, FunctionType) and not hasattr(found, "__wrapped__"):
            wrap = _followed if found.__code__.co_flags & _YIELDS else _called
            setattr(face, name, wrap(found))
    return face


def _called(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except _STUMBLES as error:
            if (blamed := _at_fault(method, args, kwargs)) is None:
                raise
            raise blamed from error

    return called


def _followed(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def followed(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from method(*args, **kwargs)
        except _STUMBLES as error:
            if (blamed := _at_fault(method, args, kwargs)) is None:
                raise
            raise blamed from error

    return followed


def _at_fault(
    method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> UsageError | None:
    """Return what to say of the first argument that is not what its annotation says, if one is not."""
    import inspect  # only needed where something is wrong

    signature = inspect.signature(method)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return None  # too few or too many: Python says it well
    for name, value in given.items():
        parameter = signature.parameters[name]
        said = parameter.annotation
        kind = Any if said is parameter.empty else _resolved(said, method)
        if parameter.kind is parameter.VAR_POSITIONAL:
            each = [(name, one) for one in value]
        elif parameter.kind is parameter.VAR_KEYWORD:
            each = list(value.items())
        else:
            each = [(name, value)]
        for where, one in each:
            if (expected := _unfit(one, kind)) is not None:
                return UsageError(
                    "cannot be used", where=where, expected=expected, got=names.shown(one)
                )
    return None


def _resolved(annotation: Any, method: Callable[..., Any]) -> Any:
    """Return the type that an annotation names; `Any` where it cannot be told."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, _Names(method.__globals__))  # noqa: S307  (our own annotations)
    except Exception:  # noqa: BLE001  (what cannot be told is nobody's fault)
        return Any


class _Names(dict[str, Any]):
    """A module's names, and those that it has for type checkers alone: from wherever they are by now."""

    def __missing__(self, name: str) -> Any:
        ours = [each for each in sys.modules if each.startswith("omniroute.")]
        for home in ("collections.abc", "datetime", *ours):
            found = vars(sys.modules[home]).get(name)
            if isinstance(found, type | UnionType):
                return found
        raise KeyError(name)


def _unfit(value: Any, kind: Any) -> str | None:
    """Return what was expected where a value is not of a type, None where it may be."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        found = [_unfit(value, each) for each in inner]
        return " or ".join(dict.fromkeys(filter(None, found))) if all(found) else None
    base = NoneType if kind is None else origin or kind
    if base in _ANYTHING or not isinstance(base, type):
        return _unstorable(value)
    if not _is(value, base):
        if issubclass(base, Enum):
            return f"one of {base.__name__}: {', '.join(each.name for each in base)}"
        return _WORDS.get(base) or (_several(inner) if issubclass(base, Iterable) else _named(base))
    if isinstance(value, Mapping):
        within = [(each, inner[:1]) for each in value] + [
            (each, inner[1:]) for each in value.values()
        ]
    elif isinstance(value, _SEVERAL):
        within = [(each, inner[:1]) for each in value]
    else:
        return _unstorable(value)
    found = [_unfit(each, kinds[0]) for each, kinds in within if kinds]
    return _several(inner) if any(found) else None


def _is(value: Any, base: type) -> bool:
    if base in _CALLED:
        return callable(value)
    try:
        if isinstance(value, str | bytes):
            return issubclass(type(value), base) and base not in _OF_MANY
        return isinstance(value, base) and not (base is int and isinstance(value, bool))
    except TypeError:
        return True  # a protocol that cannot be asked


def _unstorable(value: Any) -> str | None:
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number of 64 bits"
    if isinstance(value, str) and names.text_problem(value):
        return "text that can be stored"
    return f"at most {_DEEPEST} levels" if _is_deep(value) else None


def _is_deep(value: Any) -> bool:
    """Whether lists and mappings stand inside each other further than anything takes them."""
    level = [value]
    for _ in range(_DEEPEST):
        found = {id(each): each for each in level if isinstance(each, Mapping | list | tuple)}
        inner = found.values()
        level = [
            one for each in inner for one in (each.values() if isinstance(each, Mapping) else each)
        ]
    return bool(level)


def _several(kinds: tuple[Any, ...]) -> str:
    told = [each for each in kinds if isinstance(each, type) and each not in _ANYTHING]
    named = [_WORDS.get(each) or _named(each) for each in told]
    return f"a {'mapping' if len(kinds) == 2 else 'list'} of {' to '.join(named) or 'values'}"


def _named(base: type) -> str:
    return f"{'an' if base.__name__[0] in 'AEIOU' else 'a'} {base.__name__}"
