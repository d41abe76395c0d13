"""Real payloads, gathered elsewhere, and the facts that must be read from each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import SignatureInvalid
from omniroute.instants import to_micros
from omniroute.model.secret import Secret
from omniroute.model.wire import Inbound, RawRequest
from omniroute.testing.standin import read_outbound
from tests.unit.channels.helpers import ADAPTER, SETTINGS

PAYLOADS = Path(__file__).resolve().parents[4] / "shared" / "data" / "payloads"
INDEX = PAYLOADS / "INDEX.json"


def _entries() -> list[Any]:
    if not INDEX.is_file():
        reason = f"needs the optional folder {PAYLOADS.parent.parent.name}/data/payloads"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")]
    entries = json.loads(INDEX.read_text(encoding="utf-8"))["items"]
    return [
        pytest.param(entry, id=Path(entry["file"]).stem)
        for entry in entries
        if entry["channel"] == "whatsapp"
    ]


KINDS = {"form_reply": "form"}


def facts(item: Inbound) -> dict[str, Any]:
    """Return an item in the neutral words of the index; what is absent is None."""
    addresses = item.sender.addresses if item.sender else ()
    phones = [each for each in addresses if "." not in each]
    user_ids = [each for each in addresses if "." in each]
    contacts = item.extra.get("contacts")
    return {
        "kind": {form: neutral for neutral, form in KINDS.items()}.get(item.kind, item.kind),
        "entry_point_id": item.address,
        "recipient_id": item.address,
        "entry_point_address": item.extra.get("display_phone_number"),
        "customer_id": (phones or user_ids)[0],
        "sender_id": (phones or user_ids)[0],
        "customer_alt_id": user_ids[0] if user_ids else None,
        "customer_name": item.sender.name if item.sender else None,
        "provider_message_id": item.target if item.kind == "status" else item.key,
        "message_type": item.type,
        "text": item.text,
        "timestamp": item.at,
        "status": item.status,
        "error_code": item.error_code,
        "reply_to": item.reply_to,
        "group_id": item.thread or None,
        "choice": {"id": item.choice.id, "title": item.choice.title} if item.choice else None,
        "reaction": {"to": item.target, "emoji": item.emoji},
        "location": item.extra.get("location"),
        "contacts": [card["name"]["formatted_name"] for card in contacts] if contacts else None,
        "form_response_json": item.extra.get("form_response_json"),
        "media": [_media(attachment) for attachment in item.attachments],
    }


def _media(attachment: Any) -> dict[str, Any]:
    named = {"id": attachment.ref, "mime_type": attachment.mime_type, "url": attachment.url}
    return {**named, "filename": attachment.filename, "voice": attachment.voice}


def wanted(name: str, value: Any) -> Any:
    return to_micros(datetime.fromisoformat(value)) if name == "timestamp" and value else value


def hold(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    assert set(expected) <= set(found), "the index has a fact that this test does not know"
    for name, value in expected.items():
        if name == "media":
            assert [
                {key: media[key] for key in each}
                for media, each in zip(found["media"], value, strict=True)
            ] == value
        else:
            assert found[name] == wanted(name, value), name


@pytest.mark.parametrize("entry", _entries())
def test_every_fact_of_the_index_holds(entry: dict[str, Any]) -> None:
    body = (PAYLOADS / entry["file"]).read_bytes()
    if entry["direction"] == "inbound":
        _check_inbound(body, entry["expected"])
    elif entry["direction"] == "outbound":
        _check_outbound(body, entry["expected"]["outbound"])
    else:
        assert entry["usable_for"] == "signature-vector"
        _check_signature(json.loads(body), valid=entry["expected"]["valid"])


def _check_inbound(body: bytes, expected: dict[str, Any]) -> None:
    result = ADAPTER.parse(RawRequest(body=body), SETTINGS)
    assert result.rejected == ()
    assert len(result.items) == len(expected["events"])
    for item, event in zip(result.items, expected["events"], strict=True):
        hold(facts(item), event)
        assert item.address in ADAPTER.addresses(RawRequest(body=body))
    keys = {(item.address, item.kind, item.key) for item in result.items}
    # Where the index says that a message comes twice, dedupe must find one key.
    assert len(keys) == (1 if "after_idempotency" in expected else len(result.items))


def _check_outbound(body: bytes, expected: dict[str, Any]) -> None:
    message = read_outbound(body)
    assert (message.to, message.kind) == (expected["to"], expected["kind"])
    assert [list(option) for option in message.options] == expected.get("options", [])


def _check_signature(vector: dict[str, Any], *, valid: bool) -> None:
    settings = evolve(SETTINGS, app_secret=Secret(vector["app_secret"]))
    headers = {vector["scheme"]: vector["signature"]}
    request = RawRequest(headers=headers, body=vector["body"].encode())
    assert valid
    ADAPTER.verify(request, settings, 0)
    with pytest.raises(SignatureInvalid):
        ADAPTER.verify(evolve(request, body=request.body + b"!"), settings, 0)
