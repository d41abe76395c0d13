from __future__ import annotations

import copy
import hashlib
import hmac
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omniroute.channels.whatsapp import WhatsAppAdapter, WhatsAppSettings
from omniroute.errors import PayloadTooLarge, SignatureInvalid, UsageError
from omniroute.instants import DAY
from omniroute.model.secret import Secret
from omniroute.model.wire import RawRequest
from omniroute.ports import ADAPTER_API
from tests.unit.channels.helpers import ADAPTER, SETTINGS, WEBHOOKS

BODY = b'{"object": "whatsapp_business_account", "entry": []}'
GOOD = WEBHOOKS.sign(BODY)


def request(signature: str | None, body: bytes = BODY) -> RawRequest:
    headers = {} if signature is None else {"X-Hub-Signature-256": signature}
    return RawRequest(headers=headers, body=body)


def test_a_signed_body_passes_in_either_case_of_hexadecimal() -> None:
    ADAPTER.verify(request(GOOD), SETTINGS, 0)
    ADAPTER.verify(request("sha256=" + GOOD[7:].upper()), SETTINGS, 0)


@pytest.mark.req("R13")
@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        GOOD[7:],
        "sha1=" + hmac.new(b"app-secret-for-tests", BODY, hashlib.sha1).hexdigest(),
        "sha1=" + GOOD[7:],
        "SHA256=" + GOOD[7:],
        "sha256=" + "0" * 64,
        "sha256=" + GOOD[7:-1],
        GOOD + "0",
        GOOD + " ",
        GOOD + "\n",
        "sha256=" + "g" * 64,
        "sha256=" + "٣" * 64,
        "sha256=" + "é" * 64,
        f"{GOOD}, {GOOD}",
    ],
)
def test_anything_but_the_bodys_own_signature_is_refused(signature: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        ADAPTER.verify(request(signature), SETTINGS, 0)


@pytest.mark.req("R13")
@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_is_one_too_many(place: int, bit: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= 1 << bit
    with pytest.raises(SignatureInvalid):
        ADAPTER.verify(request(GOOD, bytes(changed)), SETTINGS, 0)


def test_another_applications_signature_is_refused() -> None:
    other = evolve(SETTINGS, app_secret=Secret("another"))
    with pytest.raises(SignatureInvalid):
        ADAPTER.verify(request(GOOD), other, 0)


@pytest.mark.req("R13")
def test_a_large_body_is_refused_before_it_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    small = evolve(SETTINGS, max_body_bytes=len(BODY) - 1)
    with monkeypatch.context() as patch:
        patch.setattr(hmac, "new", lambda *_: pytest.fail("hashed"))
        with pytest.raises(PayloadTooLarge, match=f"at most {len(BODY) - 1} bytes"):
            ADAPTER.verify(request(GOOD), small, 0)
    ADAPTER.verify(request(GOOD), evolve(SETTINGS, max_body_bytes=len(BODY)), 0)


@pytest.mark.req("R15")
def test_errors_show_neither_the_secret_nor_the_right_signature() -> None:
    with pytest.raises(SignatureInvalid) as refused:
        ADAPTER.verify(request("sha256=" + "0" * 64), SETTINGS, 0)
    text = str(refused.value) + repr(refused.value) + repr(SETTINGS)
    for secret in ("app-secret-for-tests", "access-token-for-tests", "verify-token-for-tests"):
        assert secret not in text
    assert GOOD[7:] not in text


@pytest.mark.parametrize("name", ["app_secret", "access_token"])
def test_an_empty_secret_is_refused_when_it_is_set(name: str) -> None:
    secrets: dict[str, Any] = {"app_secret": Secret("a"), "access_token": Secret("b")}
    secrets[name] = Secret("")
    with pytest.raises(UsageError, match=f"whatsapp.{name}: the secret is empty"):
        WhatsAppSettings(address="1", **secrets)


# --- the set-up call ------------------------------------------------------------------------------


def test_the_challenge_is_echoed_as_plain_text() -> None:
    answer = ADAPTER.handshake(WEBHOOKS.handshake("<b>1158201444</b>"), SETTINGS)
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"<b>1158201444</b>")
    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("token", ["", "wrong", "verify-token-for-test", "é", "\ud800"])
def test_a_wrong_verify_token_gets_no_answer(token: str) -> None:
    assert ADAPTER.handshake(WEBHOOKS.handshake(token=token), SETTINGS) is None


@pytest.mark.parametrize("verify_token", [None, Secret("")])
def test_without_a_verify_token_nobody_is_answered(verify_token: Secret | None) -> None:
    settings = evolve(SETTINGS, verify_token=verify_token)
    assert ADAPTER.handshake(WEBHOOKS.handshake(token=""), settings) is None


@pytest.mark.parametrize("name", ["hub.mode", "hub.verify_token", "hub.challenge"])
def test_an_incomplete_set_up_call_gets_no_answer(name: str) -> None:
    call = WEBHOOKS.handshake()
    query = {key: value for key, value in call.query.items() if key != name}
    assert ADAPTER.handshake(evolve(call, query=query), SETTINGS) is None


def test_a_post_is_no_set_up_call() -> None:
    assert ADAPTER.handshake(evolve(WEBHOOKS.handshake(), method="POST"), SETTINGS) is None


# --- what it says about itself --------------------------------------------------------------------


def test_it_declares_what_the_channel_carries() -> None:
    capabilities = ADAPTER.capabilities(SETTINGS)
    assert (capabilities.text_limit, capabilities.text_unit) == (4096, "characters")
    assert (capabilities.caption_limit, capabilities.window) == (1024, DAY)
    assert capabilities.receipts
    assert not capabilities.idempotent_send
    assert set(capabilities.media) == {"image", "video", "audio", "document", "sticker"}
    assert capabilities.media["image"].max_bytes == 5 * 1024 * 1024


def test_it_is_an_adapter_of_this_interface() -> None:
    assert (ADAPTER.kind, ADAPTER.api, ADAPTER.Settings) == (
        "whatsapp",
        ADAPTER_API,
        WhatsAppSettings,
    )
    assert copy.copy(WhatsAppAdapter()).kind == "whatsapp"
