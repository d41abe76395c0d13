"""What adapters and hosts hand over is made of what it says, or refused before it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from attrs import evolve

from omniroute.model.wire import (
    Accepted,
    Attachment,
    Choice,
    DeliveryStatus,
    Inbound,
    OutRequest,
    Permanent,
    Retryable,
    Sender,
    Unknown,
)
from omniroute.rules.handed_over import item_problem, result_problem, type_problem
from omniroute.testing import an_inbound

ITEM = an_inbound("Hello")
FULL = evolve(
    ITEM,
    at=5,
    attachments=[Attachment(kind="image", size=4)],  # type: ignore[arg-type]
    choice=Choice(id="1", title="Orders"),
    status=DeliveryStatus.READ,
    new_addresses=["other"],  # type: ignore[arg-type]
    access_keys={"campaign": "spring"},
    extra={"location": [1.5, None]},
)


@pytest.mark.parametrize("item", [ITEM, FULL])
def test_what_is_of_its_types_passes(item: Inbound) -> None:
    assert type_problem(item) is None


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", ["extra", "carry"])
def test_what_has_no_field_of_its_own_may_be_any_json(name: str) -> None:
    given: Any = {"a": True, "b": None, "c": 1.5, "d": [True], "e": {"f": False}, "g": 1}
    assert item_problem(evolve(ITEM, **{name: given})) is None


@pytest.mark.req("R13")
@pytest.mark.parametrize(
    "given,told",
    [
        ({"kind": "message"}, 'kind is "message", not an InboundKind'),
        ({"sender": "maria"}, 'sender is "maria", not a Sender'),
        ({"sender": Sender(addresses="maria")}, 'sender.addresses is "maria", not a list'),  # type: ignore[arg-type]
        ({"sender": Sender(addresses=("m",), name=5)}, "sender.name is 5, not text"),  # type: ignore[arg-type]
        ({"at": 1.5}, "at is 1.5, not a whole number"),
        ({"at": True}, "at is true, not a whole number"),
        ({"text": ()}, "text is a list, not text"),
        ({"text": b"x"}, "text is a bytes, not text"),
        ({"attachments": None}, "attachments is nothing, not a list"),
        ({"attachments": ["a.png"]}, 'attachments[0] is "a.png", not an Attachment'),
        (
            {"attachments": (Attachment(kind="image", size="4"),)},  # type: ignore[arg-type]
            'attachments[0].size is "4", not a whole number',
        ),
        ({"choice": {"id": "1"}}, "choice is a table, not a Choice"),
        ({"status": "read"}, 'status is "read", not a DeliveryStatus'),
        ({"new_addresses": ["m", 5]}, "new_addresses[1] is 5, not text"),
        ({"access_keys": {"a": 5}}, 'access_keys."a" is 5, not text'),
        ({"extra": {5: "a"}}, "extra.5 is 5, not text"),
        ({"carry": []}, "carry is a list, not a mapping"),
    ],
)
def test_the_part_of_another_type_is_named(given: dict[str, Any], told: str) -> None:
    assert type_problem(evolve(ITEM, **given)) == told


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", [each.name for each in attrs.fields(Inbound)])
@pytest.mark.parametrize("wrong", [object(), 1.5, b"x"])
def test_no_field_takes_what_it_cannot_hold(name: str, wrong: object) -> None:
    given: dict[str, Any] = {name: wrong}
    found = type_problem(evolve(ITEM, **given))
    assert found is not None
    assert found.startswith(f"{name} is ")


@pytest.mark.parametrize(
    "result,told",
    [
        (None, "expected Accepted, Retryable, Permanent or Unknown, got nothing"),
        (OutRequest(method="POST", url="x"), "got an OutRequest"),
        (Accepted("id-1"), 'provider_ids is "id-1", not a list'),  # type: ignore[arg-type]
        (Accepted((7,)), "provider_ids[0] is 7, not text"),  # type: ignore[arg-type]
        (Retryable("busy", after="30s"), 'after is "30s", not a whole number'),  # type: ignore[arg-type]
        (Permanent(KeyError("x")), "reason is a KeyError, not text"),  # type: ignore[arg-type]
        (Unknown("lost", step=None), "step is nothing, not a whole number"),  # type: ignore[arg-type]
        (Accepted(("a\ud800b",)), "provider_ids[0] holds the character U+D800"),
        (Permanent("no \0 reason"), "reason holds the character U+0000"),
        (Retryable("busy", after=2**63), "after is too large a number"),
    ],
)
def test_what_send_returned_is_a_result(result: object, told: str) -> None:
    assert told in (result_problem(result) or "")


def test_a_result_is_fine() -> None:
    sound = (Accepted(["id-1"]), Retryable("busy", after=5), Permanent("no", code="131026"))  # type: ignore[arg-type]
    assert [result_problem(each) for each in sound] == [None, None, None]


def test_a_provider_s_wish_may_be_a_timedelta() -> None:
    assert Retryable("busy", after=timedelta(seconds=30)) == Retryable("busy", after=30_000_000)
