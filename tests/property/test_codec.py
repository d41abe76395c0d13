"""Stored and public forms, over any value that the model's types allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from omniroute.codec import INSTANTS, KINDS, as_json, decode, encode, json_schema
from omniroute.errors import StoredValueError
from omniroute.model import commands, events, wire
from omniroute.model.conversation import DeadlineKind
from omniroute.model.desk_config import AccountConfig, DeskConfig, EntryPointConfig
from omniroute.model.secret import SecretRef
from omniroute.schema import COLLECTIONS, Collection

each_collection = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda each: each.name)

TEXT = st.text(st.characters(codec=None), max_size=8)  # lone surrogates and NUL among them
NUMBERS = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.recursive(
    JSON | st.builds(SecretRef, env=TEXT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.sampled_from(["$secret", "$plain", "env"]), inner, max_size=3)
    ),
    max_leaves=6,
)
# what a datetime can say: the years 1 to 9999
YEARS = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATES = st.integers(*((year - EPOCH) // timedelta(microseconds=1) for year in YEARS))


@cache
def values(kind: Any, integers: Any = NUMBERS) -> st.SearchStrategy[Any]:
    """Values of a type; instants are drawn from `integers`."""
    return st.deferred(lambda: _values(kind, integers))


def _values(kind: Any, integers: Any) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*(values(each, integers) for each in inner))
    if origin is tuple:
        some = st.lists(values(inner[0], integers), max_size=2).map(tuple)
        members = (values(each, integers) for each in inner if each is not ...)
        return some if inner[-1] is ... else st.tuples(*members)
    if origin is Mapping:
        free = JSON if inner[1] is Any else values(inner[1], integers)
        return st.dictionaries(TEXT, free, max_size=2)
    if attrs.has(kind):
        return _objects(kind, integers)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: NUMBERS,
        bool: st.booleans(),
        NoneType: st.none(),
        bytes: st.binary(max_size=8),
        float: st.floats(allow_nan=False, allow_infinity=False),
    }
    return simple[kind]


def _objects(cls: Any, integers: Any) -> st.SearchStrategy[Any]:
    kinds = [each for each in KINDS if issubclass(each, cls) and each is not cls]
    if kinds:
        return st.one_of(*(values(each, integers) for each in kinds))
    own = {}
    for each in attrs.fields(attrs.resolve_types(cls)):
        own[each.name] = values(each.type, integers)
        if each.name in INSTANTS and each.type in (int, int | None):
            own[each.name] = integers if each.type is int else st.none() | integers
        elif each.name == "timers":
            timer = st.tuples(integers, st.sampled_from(DeadlineKind))
            some = st.lists(timer, max_size=2).map(tuple)
            own[each.name] = some | st.none() if NoneType in get_args(each.type) else some
        elif each.name == "settings" and cls in (AccountConfig, EntryPointConfig):
            own[each.name] = st.dictionaries(TEXT, SETTINGS, max_size=2)
    return st.fixed_dictionaries(own).map(lambda fields: cls(**fields))


def any_value(collection: Collection[Any]) -> st.SearchStrategy[Any]:
    kind: Any = collection.type
    return values(kind)


@pytest.mark.req("R16")
@each_collection
@settings(max_examples=25)
@given(data=st.data())
def test_any_value_comes_back(collection: Collection[Any], data: st.DataObject) -> None:
    value = data.draw(any_value(collection))
    text = encode(collection, value)
    back = decode(collection, collection.version, text)
    assert back == value
    assert encode(collection, back) == text
    assert text.isascii()
    assert "\0" not in text


@each_collection
@settings(max_examples=25)
@given(data=st.data())
def test_damaged_text_is_never_half_read(collection: Collection[Any], data: st.DataObject) -> None:
    """Whatever is cut off, changed or put in: a value of the type, or a StoredValueError."""
    text = encode(collection, data.draw(any_value(collection)))
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 4)))
    damaged = (
        text[:at] + data.draw(st.sampled_from(["", "0", "}", "null", '"', "[]"])) + text[until:]
    )
    try:
        found = decode(collection, collection.version, damaged)
    except StoredValueError:
        return
    assert isinstance(found, collection.type)


PUBLIC = [
    *(collection.type for collection in COLLECTIONS),
    *KINDS,
    *(each for each in get_args(commands.Command)),
    DeskConfig,
    wire.Inbound,
    wire.RawRequest,
    wire.OutRequest,
    wire.ParseResult,
    wire.Capabilities,
]


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_the_public_form_is_what_its_schema_says(cls: type, data: st.DataObject) -> None:
    value = data.draw(values(cls, DATES))
    shown = as_json(value)
    schema = json_schema(cls)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(shown)
    assert set(shown) == set(schema["$defs"][cls.__name__]["properties"])
    assert json.loads(json.dumps(shown)) == shown


@given(instant=DATES)
def test_an_instant_reads_back_exactly(instant: int) -> None:
    shown = as_json(events.Configured(at=instant, actor="a", version=1))["at"]
    assert (datetime.fromisoformat(shown) - EPOCH) // timedelta(microseconds=1) == instant
