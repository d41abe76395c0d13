"""The adapter's face: set-up calls and signatures; reading and writing are in other modules."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from omniroute.channels.json_body import check_size
from omniroute.channels.whatsapp.parsing import find_addresses, parse_webhook
from omniroute.channels.whatsapp.sending import fetch_steps, send_steps
from omniroute.channels.whatsapp.settings import CAPABILITIES, WhatsAppSettings
from omniroute.errors import SignatureInvalid
from omniroute.model.wire import (
    Attachment,
    Capabilities,
    Outgoing,
    ParseResult,
    RawRequest,
    RawResponse,
    SendContext,
)
from omniroute.ports import ADAPTER_API

if TYPE_CHECKING:
    from omniroute.ports import FetchSteps, SendSteps

__all__ = ["WhatsAppAdapter"]

_HEADER: Final = "x-hub-signature-256"
_SIGNATURE: Final = re.compile(r"sha256=([0-9a-fA-F]{64})")


class WhatsAppAdapter:
    """WhatsApp Cloud API, in and out. Holds no state: one instance serves every desk."""

    kind = "whatsapp"
    api = ADAPTER_API
    Settings: type = WhatsAppSettings

    def capabilities(self, settings: WhatsAppSettings) -> Capabilities:  # noqa: ARG002
        """Return the provider's limits: the same for every number."""
        return CAPABILITIES

    def addresses(self, request: RawRequest) -> list[str]:
        """Return the phone number ids in the body, each once; [] for what is not WhatsApp's."""
        return find_addresses(request.body)

    def handshake(self, request: RawRequest, settings: WhatsAppSettings) -> RawResponse | None:
        """Echo `hub.challenge` when the request is a subscription with our verify token."""
        challenge = request.query.get("hub.challenge")
        if (
            request.method != "GET"
            or request.query.get("hub.mode") != "subscribe"
            or challenge is None
            or not _is_verify_token(request.query.get("hub.verify_token"), settings)
        ):
            return None
        return RawResponse(
            headers={"content-type": "text/plain", "x-content-type-options": "nosniff"},
            body=challenge.encode("utf-8", "replace"),
        )

    def verify(self, request: RawRequest, settings: WhatsAppSettings, now: int) -> None:  # noqa: ARG002
        """Check `X-Hub-Signature-256`, HMAC-SHA256 over the raw bytes (R13).

        Raises `PayloadTooLarge` before anything is computed, `SignatureInvalid` for a missing or
        wrong one. The provider signs no time, so `now` is not looked at.
        """
        check_size(request.body, settings.max_body_bytes)
        given = _SIGNATURE.fullmatch(request.headers.get(_HEADER, ""))
        if given is None:
            raise SignatureInvalid(
                "the webhook is not signed",
                where=_HEADER,
                expected="sha256= and 64 hexadecimal digits",
                got="something else" if _HEADER in request.headers else "no such header",
            )
        secret = settings.app_secret.reveal().encode()
        wanted = hmac.new(secret, request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, given[1].lower()):
            raise SignatureInvalid(
                "the signature is not the body's",
                where=_HEADER,
                hint="check the app secret, and that the body arrives as the bytes that were sent",
            )

    def parse(self, request: RawRequest, settings: WhatsAppSettings) -> ParseResult:
        """Return every item of the webhook in payload order, and those that cannot be used."""
        return parse_webhook(request.body, max_bytes=settings.max_body_bytes)

    def send(
        self, message: Outgoing, context: SendContext, settings: WhatsAppSettings
    ) -> SendSteps:
        """Send text and attachments, one request for each part, from the step reached before."""
        return send_steps(message, context, settings)

    def fetch(self, media: Attachment, settings: WhatsAppSettings) -> FetchSteps:
        """Look the attachment up by its id, then download it."""
        return fetch_steps(media, settings)


def _is_verify_token(given: str | None, settings: WhatsAppSettings) -> bool:
    if given is None or settings.verify_token is None:
        return False
    wanted = settings.verify_token.reveal()
    return bool(wanted) and hmac.compare_digest(_bytes(wanted), _bytes(given))


def _bytes(text: str) -> bytes:
    # `compare_digest` takes only ASCII as text, and a query may hold anything.
    return text.encode("utf-8", "surrogatepass")
