"""What the tests of channels share: settings without a network, fixtures, signing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omniroute.channels.whatsapp import WhatsAppAdapter, WhatsAppSettings
from omniroute.model.secret import Secret
from omniroute.model.wire import Inbound, ParseResult, RawRequest
from omniroute.testing.standin import WebhookBuilder

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "whatsapp"

NUMBER = "223344556677889"
PHONE = "4915112345678"
USER_ID = "DE.90817263544536271809"

ADAPTER = WhatsAppAdapter()
SETTINGS = WhatsAppSettings(
    address=NUMBER,
    app_secret=Secret("app-secret-for-tests"),
    access_token=Secret("access-token-for-tests"),
    verify_token=Secret("verify-token-for-tests"),
)
WEBHOOKS = WebhookBuilder(
    phone_number_id=NUMBER,
    app_secret="app-secret-for-tests",
    verify_token="verify-token-for-tests",
)


def payload(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    return found


def webhook(name: str) -> RawRequest:
    return WEBHOOKS.webhook((FIXTURES / f"{name}.json").read_bytes())


def parse(body: object) -> ParseResult:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ADAPTER.parse(RawRequest(body=raw), SETTINGS)


def only(name: str) -> Inbound:
    """Return the one item of a fixture, of which nothing may be rejected."""
    result = ADAPTER.parse(webhook(name), SETTINGS)
    assert result.rejected == ()
    (item,) = result.items
    return item
