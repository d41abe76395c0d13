"""The stored form and the public form of values."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from typing import Any, get_args

import attrs
import pytest
from attrs import evolve

import omniroute.model
from omniroute.codec import INSTANTS, KINDS, UPCASTS, as_json, decode, encode, json_schema
from omniroute.errors import StoredValueError, UsageError
from omniroute.model import effects, events, wire
from omniroute.model.contact import Contact
from omniroute.model.conversation import DeadlineKind
from omniroute.model.desk_config import AccountConfig, DeskConfig, QueueNode
from omniroute.model.message import Direction, Message
from omniroute.model.records import ConfigVersion, DeskRecord
from omniroute.model.secret import Secret, SecretRef
from omniroute.schema import (
    COLLECTIONS,
    CONFIGS,
    CONTACTS,
    DESKS,
    LOG,
    MESSAGES,
    Collection,
    Column,
)
from omniroute.testing.store_conformance import sample

NUMBERS = frozenset(
    "accept_within after after_hours_expiration ageing attempts away_after caption_limit chat_timeout"
    " concurrency config_version cost counts end_after estimate_over expires first forced gaps goal"
    " hard_expiry hard_max idempotency_window levels load max_answer max_bytes maximum next notice number"
    " open_after overflow_after overflow_at owed percent position priority refused reserve_after resolution"
    " response_target restores segment selecting_expiration shares size skills sla snooze_grace soft_max"
    " stages status step sticky_wait sticky_within target text_limit transfers"
    " unanswered_expiration version wait wait_class warn_before weight widen_after window"
    " within wrap_up".split()
)
"""Fields whose integer is no instant: counts, positions, sizes, durations."""


def model_classes() -> Iterator[Any]:
    for found in pkgutil.iter_modules(omniroute.model.__path__):
        module = import_module(f"omniroute.model.{found.name}")
        for each in vars(module).values():
            if isinstance(each, type) and attrs.has(each) and each.__module__ == module.__name__:
                yield each


def members(union: Any) -> set[type]:
    """The classes of the model that stand in a union: those that nothing else is made from."""
    known = [each for each in model_classes() if issubclass(each, get_args(union) or union)]
    return {one for one in known if not any(one in other.__mro__[1:] for other in known)}


# --- the tables -----------------------------------------------------------------------------------


def test_every_member_of_a_union_has_a_name_of_its_own() -> None:
    wanted = members(events.Event) | members(effects.Effect) | members(wire.SendResult)
    assert set(KINDS) == wanted
    assert len(set(KINDS.values())) == len(KINDS)
    for cls in KINDS:
        assert "kind" not in {each.name for each in attrs.fields(cls)}


def test_every_integer_is_an_instant_or_a_number() -> None:
    for cls in model_classes():
        for each in attrs.fields(attrs.resolve_types(cls)):
            if each.type is int or int in get_args(each.type):
                assert each.name in INSTANTS | NUMBERS, f"{cls.__name__}.{each.name}: which is it?"


# --- the stored form ------------------------------------------------------------------------------


@pytest.mark.req("R16")
@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda each: each.name)
def test_stored_text_is_compact_ascii_and_comes_back(collection: Collection[Any]) -> None:
    value = sample(collection.type, 7)
    text = encode(collection, value)
    assert decode(collection, collection.version, text) == value
    assert text.isascii()
    assert "\0" not in text
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: KINDS[cls])
def test_members_of_unions_come_back_by_their_kind(cls: type) -> None:
    held: Any = sample(cls, 3)
    if cls in members(events.Event):
        text = encode(LOG, events.LogEntry(1, held))
        assert json.loads(text)["event"]["kind"] == KINDS[cls]
        assert decode(LOG, 1, text) == events.LogEntry(1, held)
    assert as_json(held)["kind"] == KINDS[cls]


def test_defaults_are_left_out() -> None:
    assert encode(CONTACTS, Contact("k1", (("sms", "+1"),))) == (
        '{"id":"k1","addresses":[["sms","+1"]]}'
    )
    assert decode(CONTACTS, 1, '{"id":"k1","addresses":[]}') == Contact("k1", ())


@pytest.mark.req("R16")
def test_equal_values_give_equal_bytes() -> None:
    one = Contact("k1", (), attributes={"b": {"y": 1, "x": [{"d": 1, "c": 2}]}, "a": 0})
    two = Contact("k1", (), attributes={"a": 0, "b": {"x": [{"c": 2, "d": 1}], "y": 1}})
    assert one == two
    assert encode(CONTACTS, one) == encode(CONTACTS, two)
    config = DeskConfig(desk="d", accounts={"b": AccountConfig(), "a": AccountConfig()})
    again = DeskConfig(desk="d", accounts=dict(reversed(list(config.accounts.items()))))
    assert encode(CONFIGS, ConfigVersion(1, config, "me", 0)) == encode(
        CONFIGS, ConfigVersion(1, again, "me", 0)
    )


def test_trees_come_back() -> None:
    tree = QueueNode("a", (QueueNode("b", (QueueNode("c"), QueueNode("d"))),))
    inbox = attrs.evolve(sample(DeskConfig, 1).inboxes.popitem()[1], queues=(tree,))
    version = ConfigVersion(1, DeskConfig(desk="d", inboxes={"i": inbox}), "me", 0)
    assert decode(CONFIGS, 1, encode(CONFIGS, version)) == version


def test_references_to_secrets_come_back_and_nothing_is_taken_for_one() -> None:
    settings = {
        "app": SecretRef(env="META"),
        "deep": {"list": [SecretRef(env="X"), {"env": "Y"}]},
        "look": {"$secret": "alike"},
        "wrapped": {"$plain": {"$secret": "alike"}},
        "two": {"$secret": 1, "$plain": 2},
    }
    config = DeskConfig(desk="d", accounts={"meta": AccountConfig(settings=settings)})
    version = ConfigVersion(1, config, "me", 0)
    text = encode(CONFIGS, version)
    assert decode(CONFIGS, 1, text) == version
    assert json.loads(text)["config"]["accounts"]["meta"]["settings"]["app"] == {"$secret": "META"}
    assert as_json(config)["accounts"]["meta"]["settings"]["app"] == {"env": "META"}


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "value",
    [
        Contact("k1", (), attributes={"token": Secret("hunter2")}),
        Contact("k1", (), attributes={"deep": [{"token": Secret("hunter2")}]}),
        Contact("k1", (), name=Secret("hunter2")),  # type: ignore[arg-type]
    ],
    ids=["attribute", "deep", "field"],
)
def test_a_secret_is_never_stored_or_shown(value: Contact) -> None:
    for refused in (lambda: encode(CONTACTS, value), lambda: as_json(value)):
        with pytest.raises(UsageError, match="secret is never") as caught:
            refused()
        assert "hunter2" not in str(caught.value)


@pytest.mark.req("R15")
def test_a_secret_setting_is_never_stored() -> None:
    config = DeskConfig(desk="d", accounts={"m": AccountConfig(settings={"a": Secret("hunter2")})})
    with pytest.raises(UsageError, match="secret is never"):
        encode(CONFIGS, ConfigVersion(1, config, "me", 0))


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "extra",
    [
        {"x": float("nan")},
        {"x": float("inf")},
        {"x": object()},
        {"x": b"bytes"},
        {"x": {1, 2}},
        {1: "x"},
        nested(100_000),
    ],
    ids=["nan", "infinity", "object", "bytes", "set", "number as key", "depth"],
)
def test_what_json_does_not_have_is_refused(extra: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError):
        encode(CONTACTS, Contact("k1", (), attributes=extra))


def test_a_value_of_another_collection_is_refused() -> None:
    with pytest.raises(UsageError, match="contacts: the value cannot be stored"):
        encode(CONTACTS, DeskRecord("d"))  # type: ignore[misc]


@pytest.mark.parametrize(
    "collection,text",
    [
        (DESKS, ""),
        (DESKS, "{"),
        (DESKS, '{"id":"d"'),
        (DESKS, '{"id":"d"} '),
        (DESKS, '{"id":"d"}{}'),
        (DESKS, '{"id":"d","next_due":NaN}'),
        (DESKS, "[]"),
        (DESKS, '"d"'),
        (DESKS, "null"),
        (DESKS, "{}"),
        (DESKS, '{"id":"d","colour":"red"}'),
        (CONTACTS, '{"id":"k","addresses":[5]}'),
        (CONTACTS, '{"id":"k","addresses":[["one"]]}'),
        (CONTACTS, '{"id":"k","addresses":null}'),
        (LOG, '{"position":1,"event":{"at":1,"actor":"a","version":2}}'),
        (LOG, '{"position":1,"event":{"kind":"exploded"}}'),
        (LOG, '{"position":1,"event":7}'),
        (
            MESSAGES,
            '{"id":"m","conversation":"c","position":1,"direction":"up","author":"a","at":1}',
        ),
    ],
)
def test_damaged_text_is_a_stored_value_error(collection: Collection[Any], text: str) -> None:
    with pytest.raises(StoredValueError, match=f"{collection.name}: the stored value cannot be"):
        decode(collection, collection.version, text)


# --- versions -------------------------------------------------------------------------------------


@pytest.fixture
def third() -> Collection[DeskRecord]:
    return Collection(
        name="thirds",
        type=DeskRecord,
        key_columns=(Column("id", str),),
        key=lambda record: (record.id,),
        version=3,
    )


def test_a_newer_version_is_refused(third: Collection[DeskRecord]) -> None:
    with pytest.raises(StoredValueError, match="by a newer omniroute") as caught:
        decode(third, 4, '{"id":"d"}')
    assert (caught.value.where, caught.value.expected) == ("thirds", "version 3 at most")


def test_older_versions_pass_through_every_step(
    third: Collection[DeskRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(UPCASTS, ("thirds", 1), lambda old: {"id": old["name"], "position": "1"})
    monkeypatch.setitem(
        UPCASTS, ("thirds", 2), lambda old: {**old, "position": int(old["position"])}
    )
    assert decode(third, 1, '{"name":"d"}') == DeskRecord("d", position=1)
    assert decode(third, 2, '{"id":"d","position":"5"}') == DeskRecord("d", position=5)
    assert decode(third, 3, '{"id":"d","position":9}') == DeskRecord("d", position=9)


def test_a_version_that_nothing_reads(third: Collection[DeskRecord]) -> None:
    with pytest.raises(StoredValueError, match="nothing reads version 1 of 'thirds'"):
        decode(third, 1, '{"id":"d"}')


def test_an_upcast_that_fails_is_a_stored_value_error(
    third: Collection[DeskRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(UPCASTS, ("thirds", 2), lambda old: {"id": old["gone"]})
    with pytest.raises(StoredValueError, match="KeyError"):
        decode(third, 2, "{}")


# --- the public form ------------------------------------------------------------------------------

MESSAGE = Message(
    id="m1", conversation="c1", position=5, direction=Direction.IN, author="contact", at=1
)


def test_instants_are_iso_8601_in_utc() -> None:
    shown = as_json(evolve(MESSAGE, at=1_700_000_000_000_001, provider_at=-1))
    assert shown["at"] == "2023-11-14T22:13:20.000001Z"
    assert shown["provider_at"] == "1969-12-31T23:59:59.999999Z"
    assert shown["status_at"] is None
    assert shown["position"] == 5
    berlin = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    assert as_json([berlin]) == ["2026-01-02T02:04:05.000006Z"]
    with pytest.raises(UsageError, match="an instant outside the years"):
        as_json(evolve(MESSAGE, at=2**62))


def test_timers_are_pairs_of_an_instant_and_a_kind() -> None:
    event = sample(events.MessageReceived, 1)
    kind = next(iter(DeadlineKind))
    shown = as_json(evolve(event, timers=((0, kind),)))
    assert shown["timers"] == [["1970-01-01T00:00:00.000000Z", kind.value]]
    assert as_json(evolve(event, timers=None))["timers"] is None


def test_every_field_is_shown_but_what_repr_hides() -> None:
    assert set(as_json(MESSAGE)) == {each.name for each in attrs.fields(Message)}
    request = wire.OutRequest(method="POST", url="https://x", headers={"authorization": "hunter2"})
    assert set(as_json(request)) == {"method", "url", "body", "timeout", "max_answer"}
    assert as_json(evolve(request, body=b"\xff"))["body"] == "/w=="


def test_the_public_form_is_plain_json() -> None:
    for collection in COLLECTIONS:
        shown = as_json(sample(collection.type, 2))
        assert json.loads(json.dumps(shown)) == shown
        assert type(as_json(Direction.IN)) is str


def test_schemas_know_optional_instants_and_hidden_fields() -> None:
    schema = json_schema(Message)
    properties = schema["$defs"]["Message"]["properties"]
    instant = {"type": "string", "format": "date-time"}
    assert properties["at"] == instant
    assert properties["status_at"] == {"anyOf": [instant, {"type": "null"}]}
    assert properties["position"] == {"type": "integer"}
    assert "headers" not in json_schema(wire.OutRequest)["$defs"]["OutRequest"]["properties"]
    assert json_schema(events.Configured)["$defs"]["Configured"]["properties"]["kind"] == {
        "const": "configured"
    }


def test_a_schema_is_for_public_classes() -> None:
    with pytest.raises(UsageError, match="no JSON Schema"):
        json_schema(Secret)


def test_utc_is_shown_as_it_is() -> None:
    assert as_json(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"
