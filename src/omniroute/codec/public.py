"""The public form: every public value as JSON, and the JSON Schema that describes it.

Instants are ISO-8601 in UTC with microseconds, durations microseconds, bytes base64; members of
unions carry their `kind`; what a value's repr hides is left out. Nothing here is hot: no cattrs.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType
from typing import Any, Final, TypeVar, get_args, get_origin

from attrs import Attribute, has

from omniroute.codec.names import (
    INSTANTS,
    KIND,
    KINDS,
    attributes,
    canonical,
    is_enum,
    is_mapping,
    is_tuple,
    is_union,
)
from omniroute.errors import UsageError
from omniroute.model.conversation import DeadlineKind
from omniroute.model.secret import SecretRef

__all__ = ["as_json", "json_schema"]

_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMERS: Final = "timers"  # pairs of an instant and a kind


def as_json(value: Any) -> Any:
    """Return any public value as JSON values: every field, instants as ISO-8601 in UTC.

    `json_schema` describes the result. Raises `UsageError` for secrets, and for what is not JSON
    inside a free-form value.
    """
    if has(type(value)):
        return _object(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return _scalar(value)


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, SecretRef):
        return {"env": value.env}
    cls: Any = type(value)
    shown = {name: _field(name, getattr(value, name)) for name in _shown(cls)}
    return {KIND: KINDS[cls], **shown} if cls in KINDS else shown


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    return canonical(value)


def _field(name: str, value: Any) -> Any:
    if name in INSTANTS and type(value) is int:
        return _instant(value)
    if name == _TIMERS and value is not None:
        return [[_instant(instant), kind.value] for instant, kind in value]
    return as_json(value)


@cache
def _shown(cls: Any) -> tuple[str, ...]:
    return tuple(each.name for each in attributes(cls) if each.repr is not False)


def _instant(micros: int) -> str:
    try:
        return _iso(_EPOCH + timedelta(microseconds=micros))
    except OverflowError as error:
        raise UsageError("an instant outside the years 1 to 9999", got=f"{micros} us") from error


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- described ------------------------------------------------------------------------------------

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: Final[Mapping[Any, Mapping[str, str]]] = MappingProxyType(
    {
        Any: {},
        str: {"type": "string"},
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: {"type": "number"},
        NoneType: {"type": "null"},
        bytes: {"type": "string", "contentEncoding": "base64"},
        datetime: {"type": "string", "format": "date-time"},
        timedelta: {"type": "integer"},
    }
)


def json_schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what `as_json` gives for a class, or a union of them.

    Raises `UsageError` for a class that is not a public value.
    """
    defs: dict[str, Any] = {}
    top = _schema(kind, defs)
    return {"$schema": _DRAFT, **top, "$defs": defs}


def _schema(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:
    if kind in _SIMPLE or isinstance(kind, TypeVar):
        return dict(_SIMPLE.get(kind, {}))
    if is_enum(kind):
        return {"type": "string", "enum": [member.value for member in kind]}
    inner = get_args(kind)
    if is_union(kind):
        return {"anyOf": [_schema(each, defs) for each in inner]}
    if is_tuple(kind):
        return _array(inner, defs)
    if is_mapping(kind):
        return {"type": "object", "additionalProperties": _schema(inner[1], defs)}
    return _class(get_origin(kind) or kind, defs)


def _array(kinds: tuple[Any, ...], defs: dict[str, Any]) -> dict[str, Any]:
    if kinds[-1] is ...:
        return {"type": "array", "items": _schema(kinds[0], defs)}
    items = [_schema(each, defs) for each in kinds]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _class(cls: Any, defs: dict[str, Any]) -> dict[str, Any]:
    if not (isinstance(cls, type) and has(cls)):
        raise UsageError("no JSON Schema", expected="a public class", got=repr(cls))
    members = [each for each in KINDS if issubclass(each, cls) and each is not cls]
    if members:
        return {"anyOf": [_reference(each, defs) for each in members]}
    return _reference(cls, defs)


def _reference(cls: type, defs: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in defs:
        defs[cls.__name__] = {}  # taken, since a class may stand inside itself
        defs[cls.__name__] = _properties(cls, defs)
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _properties(cls: type, defs: dict[str, Any]) -> dict[str, Any]:
    shown = frozenset(_shown(cls))
    named = [each for each in attributes(cls) if each.name in shown]
    properties = {each.name: _schema(_public_type(each), defs) for each in named}
    if cls in KINDS:
        properties = {KIND: {"const": KINDS[cls]}, **properties}
    return {
        "title": cls.__name__,
        "description": (cls.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _public_type(attribute: Attribute[Any]) -> Any:
    """A field's type as the public form has it: datetimes for instants."""
    kind = attribute.type
    if attribute.name == _TIMERS:
        timers = tuple[tuple[datetime, DeadlineKind], ...]
        return timers | None if is_union(kind) else timers
    if attribute.name in INSTANTS and kind is int:
        return datetime
    if attribute.name in INSTANTS and is_union(kind) and set(get_args(kind)) == {int, NoneType}:
        return datetime | None
    return kind
