"""Whether a value fits the type that a setting is annotated with, and what it becomes there.

Owns the types that adapters may use in their `Settings`. Says what a value is, never what it holds:
a text may be a secret in the wrong place (R15).
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin

from attrs import frozen

from omniroute.config.reading import is_digits
from omniroute.errors import UsageError
from omniroute.instants import to_duration
from omniroute.model.secret import Secret, SecretRef
from omniroute.rules.names import listing, shown

__all__ = ["Misfit", "fit"]

Reveal = Callable[[SecretRef], Secret]

_REFERENCE: Final = '{ env = "NAME" }'
_BOOLEANS: Final = {"true": True, "false": False}
_LISTS: Final = (tuple, list, set, frozenset, Sequence, Iterable)
_TABLES: Final = (dict, Mapping)
_KINDS: Final = (
    (SecretRef, "a secret reference"),
    (str, "text"),
    (bool, "true or false"),
    ((int, float), "a number"),
)


class Misfit(Exception):
    """A value that its setting does not take. The message is the problem's."""


def fit(value: Any, kind: Any, reveal: Reveal, *, text_scalars: bool = True) -> Any:
    """Return `value` as the type `kind` takes it, secrets revealed. Raises `Misfit`.

    With `text_scalars`, numbers and booleans may stand as text, as they do in YAML.
    """
    return _Fitter(reveal, text_scalars=text_scalars).fit(value, kind)


def _misfit(expected: str, value: object) -> Misfit:
    return Misfit(f"expected {expected}, got {_kind(value)}")


def _kind(value: object) -> str:
    return next((word for kind, word in _KINDS if isinstance(value, kind)), shown(value))


def _is_record(origin: Any, kind: Any) -> bool:
    """Whether a type is a tuple of a fixed length, as `tuple[str, int]`."""
    return origin is tuple and Ellipsis not in get_args(kind)


@frozen
class _Fitter:
    reveal: Reveal
    text_scalars: bool

    def fit(self, value: Any, kind: Any) -> Any:
        if kind in _SCALARS:
            return _SCALARS[kind](self, value)
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            return self._one_of(value, get_args(kind))
        if origin is Literal:
            return self._choice(value, [(each, each) for each in get_args(kind)])
        if (origin or kind) in (*_LISTS, *_TABLES) and not _is_record(origin, kind):
            return self._container(value, origin or kind, get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self._choice(value, [(each.value, each) for each in kind])
        return self._other(value, kind)

    def _choice(self, value: Any, choices: Sequence[tuple[Any, Any]]) -> Any:
        for written, meant in choices:
            if type(written) is type(value) and written == value:
                return meant
            if self.text_scalars and str(written) == value:
                return meant
        raise _misfit(f"one of {listing(str(written) for written, _ in choices)}", value)

    def _one_of(self, value: Any, kinds: Sequence[Any]) -> Any:
        """Take what fits as it stands before what has to be read from text."""
        misfits: list[Misfit] = []
        for fitter in (_Fitter(self.reveal, text_scalars=False), self):
            misfits.clear()
            for kind in kinds:
                try:
                    return fitter.fit(value, kind)
                except Misfit as misfit:
                    misfits += [misfit] if kind is not type(None) else []
        raise misfits[0] if len(misfits) == 1 else self._none_of(value, misfits)

    def _none_of(self, value: Any, misfits: Iterable[Misfit]) -> Misfit:
        wanted = [str(each).partition("expected ")[2].rpartition(", got ")[0] for each in misfits]
        return _misfit(" or ".join(dict.fromkeys(wanted)), value)

    def _container(self, value: Any, kind: Any, args: Sequence[Any]) -> Any:
        inner = [each for each in args if each is not Ellipsis][-1] if args else Any
        if kind in _TABLES:
            if not isinstance(value, dict):
                raise _misfit("a table", value)
            return {key: self.fit(item, inner) for key, item in value.items()}
        if not isinstance(value, list | tuple):
            raise _misfit("a list", value)
        return (kind if kind in (list, set, frozenset) else tuple)(
            self.fit(item, inner) for item in value
        )

    def _other(self, value: Any, kind: Any) -> Any:
        """Leave every other type to cattrs. What it raises is not told: it may show a secret."""
        import cattrs

        try:
            return cattrs.Converter(forbid_extra_keys=True).structure(value, kind)
        except Exception:  # noqa: BLE001  (whatever a plugin's own type raises)
            name = getattr(kind, "__name__", str(kind))
            raise _misfit(f"what {name} takes", value) from None


def _any(fitter: _Fitter, value: Any) -> Any:
    if isinstance(value, SecretRef):
        return fitter.reveal(value)
    if isinstance(value, list):
        return [_any(fitter, item) for item in value]
    if isinstance(value, dict):
        return {key: _any(fitter, item) for key, item in value.items()}
    return value


def _secret(fitter: _Fitter, value: Any) -> Secret:
    if isinstance(value, SecretRef):
        return fitter.reveal(value)
    raise Misfit(f"secrets are references; expected {_REFERENCE}, got {_kind(value)}")


def _text(_: _Fitter, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _misfit("text", value)


def _flag(fitter: _Fitter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if fitter.text_scalars and isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise _misfit("true or false", value)


def _whole(fitter: _Fitter, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if fitter.text_scalars and is_digits(value):
        return int(value)
    raise _misfit("a whole number", value)


def _number(fitter: _Fitter, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if fitter.text_scalars and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise _misfit("a number", value)


def _duration(_: _Fitter, value: Any) -> timedelta:
    try:
        return timedelta(microseconds=to_duration(value))
    except UsageError:
        raise _misfit('a duration ("40s", "15m")', value) from None


def _nothing(_: _Fitter, value: Any) -> None:
    if value is not None:
        raise _misfit("nothing", value)


_SCALARS: Final[Mapping[Any, Callable[[_Fitter, Any], Any]]] = {
    Any: _any,
    object: _any,
    Secret: _secret,
    str: _text,
    bool: _flag,
    int: _whole,
    float: _number,
    timedelta: _duration,
    type(None): _nothing,
}
