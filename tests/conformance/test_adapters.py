"""The shipped adapters, held to the kit that plugin authors use; and the kit itself."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.channels.whatsapp import WhatsAppAdapter, WhatsAppSettings
from omniroute.errors import PayloadError, SignatureInvalid
from omniroute.model.wire import (
    Accepted,
    Choice,
    DeliveryStatus,
    InboundKind,
    Outgoing,
    OutRequest,
    OutResponse,
    ParseResult,
    RawRequest,
    SendContext,
    Sender,
    Unknown,
)
from omniroute.testing.adapter_conformance import AdapterConformance, AdapterSample
from tests.unit.channels.helpers import NUMBER, PHONE, SETTINGS, USER_ID, webhook

K = InboundKind


def sample(name: str, *expected: dict[str, Any]) -> AdapterSample:
    return AdapterSample(name=name, request=webhook(name), expected=expected, addresses=(NUMBER,))


class TestWhatsApp(AdapterConformance):
    adapter = WhatsAppAdapter()
    settings = SETTINGS
    samples = (
        sample("text", {"kind": K.MESSAGE, "text": "Wo ist mein Paket? 📦"}),
        sample(
            "text-both-identities",
            {"sender": Sender(addresses=(USER_ID, PHONE), name="Mira Lund")},
        ),
        sample("text-group-hidden-number", {"thread": "120363000000000001@g.us"}),
        sample("text-forwarded", {"kind": K.MESSAGE, "text": "Look at this"}),
        sample("image-caption", {"kind": K.MESSAGE, "type": "image", "text": "The broken lid"}),
        sample("list-reply", {"choice": Choice(id="queue-router", title="Router")}),
        sample("form-reply", {"kind": K.FORM}),
        sample("reaction-removed", {"kind": K.REACTION, "emoji": None}),
        sample("edit-text", {"kind": K.EDIT, "target": "wamid.FIX0001"}),
        sample("revoke", {"kind": K.DELETE, "target": "wamid.FIX0001"}),
        sample("order", {"kind": K.MESSAGE, "type": "order"}),
        sample("system-user-id-changed", {"kind": K.SYSTEM}),
        sample("unsupported", {"kind": K.UNSUPPORTED, "error_code": "131051"}),
        sample("status-failed", {"status": DeliveryStatus.FAILED, "error_code": "131047"}),
        sample("status-group", {"kind": K.STATUS}, {"kind": K.STATUS}),
        sample("errors", {"kind": K.SYSTEM, "error_code": "130429"}),
        sample("echo", {"kind": K.ECHO, "text": "We called you back"}),
    )
    bad_signature = evolve(webhook("text"), headers={"x-hub-signature-256": "sha256=" + "0" * 64})
    bad_item_batch = webhook("batch-with-bad-items")
    outgoing = Outgoing(id="01JMESSAGE", to=PHONE, text="Hello")
    accepted = OutResponse(status=200, body=b'{"messages": [{"id": "wamid.OUT1"}]}')


# --- the kit finds what is wrong ------------------------------------------------------------------


class Unsigned(WhatsAppAdapter):
    def verify(self, request: RawRequest, settings: WhatsAppSettings, now: int) -> None:
        if "x-hub-signature-256" in request.headers:
            super().verify(request, settings, now)


class SignsHeadersOnly(WhatsAppAdapter):
    def verify(self, request: RawRequest, settings: WhatsAppSettings, now: int) -> None:
        if "x-hub-signature-256" not in request.headers:
            raise SignatureInvalid("no signature")


class Talkative(WhatsAppAdapter):
    def verify(self, request: RawRequest, settings: WhatsAppSettings, now: int) -> None:
        raise SignatureInvalid(f"expected one made with {settings.app_secret.reveal()}")


class Swallowing(WhatsAppAdapter):
    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        result = super().parse(request, settings)
        return ParseResult() if result.rejected else result


class Fragile(WhatsAppAdapter):
    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        try:
            return super().parse(request, settings)
        except PayloadError:
            raise KeyError("entry") from None


class Forgetful(WhatsAppAdapter):
    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        result = super().parse(request, settings)
        items = tuple(evolve(item, key=item.target or item.key) for item in result.items)
        return evolve(result, items=items)


class Undecoded(WhatsAppAdapter):
    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        result = super().parse(request, settings)
        text: Any = b"Hello"
        return evolve(result, items=tuple(evolve(item, text=text) for item in result.items))


class Impure(WhatsAppAdapter):
    def __init__(self) -> None:
        self.count = 0

    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        self.count += 1
        result = super().parse(request, settings)
        return evolve(result, items=tuple(evolve(item, at=self.count) for item in result.items))


class Homeless(WhatsAppAdapter):
    def addresses(self, request: RawRequest) -> list[str]:
        return [*super().addresses(request)] * 2


class Optimistic(WhatsAppAdapter):
    def send(self, message: Outgoing, context: SendContext, settings: WhatsAppSettings) -> Any:
        result = yield from super().send(message, context, settings)
        return Accepted(("x",)) if isinstance(result, Unknown) else result


class StartsAgain(WhatsAppAdapter):
    def send(self, message: Outgoing, context: SendContext, settings: WhatsAppSettings) -> Any:
        return super().send(message, SendContext(), settings)


class Careless(WhatsAppAdapter):
    def send(self, message: Outgoing, context: SendContext, settings: WhatsAppSettings) -> Any:
        bare = evolve(message, attachments=())
        return super().send(bare, context, settings)


class Endless(WhatsAppAdapter):
    def send(self, message: Outgoing, context: SendContext, settings: WhatsAppSettings) -> Any:
        while True:
            yield OutRequest(method="GET", url="https://x.example")


class OfAnotherVersion(WhatsAppAdapter):
    api = 99


@pytest.mark.parametrize(
    "broken, found_by",
    [
        (Unsigned, "test_refuses_a_missing_or_wrong_signature"),
        (SignsHeadersOnly, "test_refuses_a_changed_body"),
        (Talkative, "test_accepts_what_the_provider_signed"),
        (Talkative, "test_secrets_do_not_show"),
        (Swallowing, "test_a_bad_item_does_not_lose_its_batch"),
        (Fragile, "test_survives_anything"),
        (Forgetful, "test_keys_tell_items_apart"),
        (Undecoded, "test_every_item_is_complete"),
        (Impure, "test_parsing_is_pure"),
        (Homeless, "test_finds_whom_a_webhook_is_for"),
        (Optimistic, "test_sending_ends_in_a_result"),
        (StartsAgain, "test_sending_resumes_where_it_stopped"),
        (Careless, "test_refuses_what_the_channel_cannot_carry"),
        (Endless, "test_sending_ends_in_a_result"),
        (OfAnotherVersion, "test_declares_its_interface"),
    ],
)
def test_the_kit_finds_a_broken_adapter(broken: type[WhatsAppAdapter], found_by: str) -> None:
    kit = TestWhatsApp()
    kit.adapter = broken()
    with pytest.raises((AssertionError, pytest.fail.Exception, SignatureInvalid, KeyError)):
        getattr(kit, found_by)()


class Forgotten(AdapterConformance):
    """Has an adapter's class, and nothing that the kit asks for beside it."""

    adapter = WhatsAppAdapter  # type: ignore[assignment]


def test_the_kit_says_what_it_needs() -> None:
    with pytest.raises(AttributeError, match="Forgotten needs 'samples': set it in the class"):
        Forgotten().test_accepts_what_the_provider_signed()
    with pytest.raises(AssertionError, match="`adapter` is an object, not its class"):
        Forgotten().test_declares_its_interface()
    with pytest.raises(AttributeError, match="'Forgotten' object has no attribute 'sampels'"):
        _ = Forgotten().sampels
