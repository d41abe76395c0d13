"""The stored form: compact, versioned, canonical JSON text.

cattrs finds, caches and, on the way out, writes the hook of each type; nothing of it is built
before the first use. Texts of older versions pass through `UPCASTS` first. Defaults are left out,
and a field that is not known is an error: a process that dropped it would lose it.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, Final, NoReturn, TypeVar, cast, get_args

from attrs import has
from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override

from omniroute.codec.names import (
    BY_KIND,
    KIND,
    KINDS,
    UNIONS,
    attributes,
    canonical,
    is_enum,
    is_mapping,
    is_tuple,
    is_union,
    refusal,
)
from omniroute.errors import StoredValueError, UsageError
from omniroute.model.desk_config import AccountConfig, EntryPointConfig
from omniroute.model.explanation import Candidate
from omniroute.model.secret import SecretRef
from omniroute.schema import Collection

__all__ = ["UPCASTS", "Upcast", "decode", "encode"]

V = TypeVar("V")

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
Structure = Callable[[Any, Any], Any]
Unstructure = Callable[[Any], Any]

UPCASTS: Final[dict[tuple[str, int], Upcast]] = {}
"""How a stored form becomes the next version's: (collection's name, from version) → function."""

# --- references to secrets, inside free-form settings ---------------------------------------------

_REFERENCE: Final = "$secret"
_PLAIN: Final = "$plain"
_MARKS: Final = ({_REFERENCE}, {_PLAIN})
_WITH_REFERENCES: Final = (AccountConfig, EntryPointConfig)


def _hide_references(value: Any) -> Any:
    """A setting as JSON: a `SecretRef` is `{"$secret": NAME}`; what looks like one is wrapped."""
    if isinstance(value, SecretRef):
        return {_REFERENCE: value.env}
    if isinstance(value, list | tuple):
        return [_hide_references(each) for each in value]
    if not isinstance(value, Mapping):
        return canonical(value)
    inner = {key: _hide_references(value[key]) for key in sorted(value)}
    return {_PLAIN: inner} if set(inner) in _MARKS else inner


def _find_references(value: Any, _: Any = None) -> Any:
    """The reverse of `_hide_references`."""
    if isinstance(value, list):
        return [_find_references(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_REFERENCE}:
        return SecretRef(env=value[_REFERENCE])
    inner = value[_PLAIN] if set(value) == {_PLAIN} else value
    return {key: _find_references(each) for key, each in inner.items()}


_ROWS: Final = (Candidate,)
"""Classes that stand many times in one value: stored as the list of their fields, without names."""

# --- types ----------------------------------------------------------------------------------------


def _is_member_of_union(kind: Any) -> bool:
    """Whether a field of this type holds values that are told apart by their kind."""
    return is_union(kind) and any(
        is_union(union) and set(get_args(kind)) - {NoneType} == set(get_args(union))
        for union in UNIONS
    )


def _is_optional(kind: Any) -> bool:
    return is_union(kind) and len(get_args(kind)) == 2 and NoneType in get_args(kind)


def _is_anything(kind: Any) -> bool:
    return kind is Any


def _is_raw(kind: Any) -> bool:
    """Whether what JSON gives is the value already."""
    if is_union(kind):
        return all(_is_raw(each) for each in get_args(kind))
    return kind in (str, int, bool, float, NoneType, Any)


def _is_encodable(kind: Any) -> bool:
    """Whether JSON takes values of this type as they are: texts, numbers, tuples of those."""
    if is_union(kind) or is_tuple(kind):
        return all(_is_encodable(each) for each in get_args(kind) if each is not ...)
    if is_enum(kind):
        return issubclass(kind, str)
    return kind is not Any and _is_raw(kind)


# --- hooks ----------------------------------------------------------------------------------------


class _Hooks:
    """How each type goes in and out. cattrs finds and caches the hooks; these are how it makes one.

    A hook on the way in uses up what JSON gave: the dicts are not looked at again.
    """

    def __init__(self) -> None:
        converter = self._converter = Converter(detailed_validation=False)
        for matches, unstructure, structure in (  # the last that matches wins
            (has, self._class_out, self._class_in),
            (is_tuple, None, self._tuple_in),
            (is_mapping, self._mapping_out, self._mapping_in),
            (is_enum, None, self._enum_in),
            (_is_optional, None, self._optional_in),
            (_is_encodable, lambda _: identity, None),
            (_is_anything, lambda _: canonical, None),
            (_is_raw, None, lambda _: lambda given, _: given),
            (_is_member_of_union, lambda _: self._member_out, lambda _: self._member_in),
        ):
            if unstructure is not None:
                converter.register_unstructure_hook_factory(matches, unstructure)
            if structure is not None:
                converter.register_structure_hook_factory(matches, structure)

    def out(self, kind: Any) -> Unstructure:
        """Return what makes JSON values from values of this type."""
        return self._converter.get_unstructure_hook(kind)

    def into(self, kind: Any) -> Structure:
        """Return what makes values of this type from JSON values."""
        return self._converter.get_structure_hook(kind)

    def _class_out(self, cls: type) -> Unstructure:
        if cls in _ROWS:
            return attrgetter(*(each.name for each in attributes(cls)))
        special: dict[str, Any] = {}
        if cls in _WITH_REFERENCES:
            special = {"settings": override(unstruct_hook=_hide_references)}
        inner: Unstructure = make_dict_unstructure_fn(
            cls,
            self._converter,
            _cattrs_omit_if_default=True,
            _cattrs_use_linecache=False,
            **special,
        )
        name = KINDS.get(cls)
        return inner if name is None else lambda value: {KIND: name, **inner(value)}

    def _class_in(self, cls: type) -> Structure:
        if cls in _ROWS:
            return lambda given, _: cls(*given)
        hooks: list[tuple[str, Structure, Any]] = []
        tagged, prepared = cls in KINDS, False

        def structure(given: Any, _: Any) -> Any:
            nonlocal prepared
            if not prepared:  # only now, since a class may stand inside itself
                hooks.extend(self._field_hooks(cls))
                prepared = True
            if tagged:
                del given[KIND]
            for name, hook, kind in hooks:
                if name in given:
                    given[name] = hook(given[name], kind)
            return cls(**given)

        return structure

    def _field_hooks(self, cls: type) -> list[tuple[str, Structure, Any]]:
        hooks = {
            each.name: (self.into(each.type), each.type)
            for each in attributes(cls)
            if not _is_raw(each.type)
        }
        if cls in _WITH_REFERENCES:
            hooks["settings"] = (_find_references, None)
        return [(name, hook, kind) for name, (hook, kind) in hooks.items()]

    def _mapping_out(self, kind: Any) -> Unstructure:
        if get_args(kind)[1] is Any:
            return canonical
        inner = self.out(get_args(kind)[1])
        return lambda mapping: {key: inner(mapping[key]) for key in sorted(mapping)}

    def _mapping_in(self, kind: Any) -> Structure:
        of = get_args(kind)[1]
        if _is_raw(of):
            return lambda given, _: given
        inner = self.into(of)
        return lambda given, _: {key: inner(value, of) for key, value in given.items()}

    def _enum_in(self, kind: type[Enum]) -> Structure:
        members = {member.value: member for member in kind}
        return lambda given, _: members[given]

    def _optional_in(self, kind: Any) -> Structure:
        (of,) = (each for each in get_args(kind) if each is not NoneType)
        inner = self.into(of)
        return lambda given, _: None if given is None else inner(given, of)

    def _tuple_in(self, kind: Any) -> Structure:
        kinds = get_args(kind)
        if kinds[-1] is not ...:
            hooks = [(self.into(each), each) for each in kinds]
            return lambda given, _: tuple(
                [hook(value, each) for value, (hook, each) in zip(given, hooks, strict=True)]
            )
        of = kinds[0]
        if _is_raw(of):
            return lambda given, _: tuple(given)
        inner = self.into(of)
        return lambda given, _: tuple([inner(value, of) for value in given])

    def _member_out(self, value: Any) -> Any:
        return None if value is None else self.out(type(value))(value)

    def _member_in(self, given: Any, _: Any) -> Any:
        if given is None:
            return None
        cls = BY_KIND[given[KIND]]
        return self.into(cls)(given, cls)


@cache
def _hooks() -> _Hooks:
    return _Hooks()


# --- text -----------------------------------------------------------------------------------------


def _refuse(value: object) -> NoReturn:
    raise refusal(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _make_dump() -> Callable[[Any], str]:
    """The standard library's encoder, set up once: to set it up costs as much as to use it."""
    encoder = json.JSONEncoder(
        separators=(",", ":"), allow_nan=False, check_circular=False, default=_refuse
    )
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    quote, sort_keys, skip_keys, allow_nan = (
        json.encoder.encode_basestring_ascii,
        False,
        False,
        False,
    )
    chunks = make(None, _refuse, quote, None, ":", ",", sort_keys, skip_keys, allow_nan)
    return lambda value: "".join(chunks(value, 0))


_dump: Final = _make_dump()
_parse: Final = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode

_OUT: Final[dict[Collection[Any], Unstructure]] = {}
_INTO: Final[dict[Collection[Any], Structure]] = {}


def encode(collection: Collection[V], value: V) -> str:
    """Return the stored text of a value, in the form of the collection's version; ASCII only.

    Raises `UsageError` for what JSON does not have, and for secrets.
    """
    out = _OUT.get(collection)
    if out is None:
        out = _OUT[collection] = _hooks().out(collection.type)
    try:
        return _dump(out(value))
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            "the value cannot be stored",
            where=collection.name,
            expected=f"a {collection.type.__name__} of JSON values",
            got=f"{type(error).__name__}: {error}",
        ) from error


def decode(collection: Collection[V], version: int, text: str) -> V:
    """Return the value that was stored as `text` in the form of `version`.

    Raises `StoredValueError` where the version is newer than this omniroute, or the text damaged.
    """
    into = _INTO.get(collection)
    if into is None:
        into = _INTO[collection] = _hooks().into(collection.type)
    try:
        given, end = _parse(text)
        if version != collection.version or end != len(text):
            given = _upcast(collection, version, given, text[end:])
        return cast("V", into(given, collection.type))
    except StoredValueError:
        raise
    except Exception as error:
        raise StoredValueError(
            "the stored value cannot be read",
            where=collection.name,
            expected=f"the form of version {collection.version}",
            got=f"{type(error).__name__}: {error}",
        ) from error


def _upcast(
    collection: Collection[Any], version: int, given: dict[str, Any], rest: str
) -> dict[str, Any]:
    if rest:
        raise ValueError("more text after the value")
    if version > collection.version:
        raise StoredValueError(
            "the value was stored by a newer omniroute",
            where=collection.name,
            expected=f"version {collection.version} at most",
            got=f"version {version}",
            hint="run the newest omniroute in every process before values are written in its form",
        )
    for step in range(version, collection.version):
        upcast = UPCASTS.get((collection.name, step))
        if upcast is None:
            raise StoredValueError(
                f"nothing reads version {step} of {collection.name!r}", where=collection.name
            )
        given = upcast(given)
    return given
