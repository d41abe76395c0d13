"""What the provider sends: webhooks of the documented shape, signed with an app secret."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from omniroute.instants import SECOND
from omniroute.model.wire import RawRequest
from omniroute.testing.standin.outbound import USER_ID

__all__ = ["WebhookBuilder"]

_START: Final = 1_750_000_000  # in 2025: where the builder's time starts unless it is told one


class WebhookBuilder:
    """Makes webhooks of the documented shape, signed with an app secret.

    Ids and times count up by themselves, so the same calls make the same bytes; `at` takes UTC
    microseconds instead. `message` and `status` return one change's value, `signed` puts values
    into a request; the others do both for one message.
    """

    def __init__(
        self,
        *,
        phone_number_id: str,
        app_secret: str,
        verify_token: str = "",
        display_phone_number: str = "15550783881",
        url: str = "https://desk.example/webhooks/whatsapp",
    ) -> None:
        self.phone_number_id = phone_number_id
        self.app_secret = app_secret
        self.verify_token = verify_token
        self.display_phone_number = display_phone_number
        self.url = url
        self._made = 0

    def sign(self, body: bytes) -> str:
        """Return the signature header's value for `body`."""
        digest = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return f"sha256={digest}"

    def webhook(self, body: bytes) -> RawRequest:
        """Return any bytes as a signed webhook."""
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": self.sign(body)}
        return RawRequest(url=self.url, headers=headers, body=body)

    def signed(self, *values: Mapping[str, Any], field: str = "messages") -> RawRequest:
        """Return one webhook with a change for each of `values`."""
        changes = [{"value": value, "field": field} for value in values]
        entry = {"id": "102290129340398", "changes": changes}
        body = {"object": "whatsapp_business_account", "entry": [entry]}
        return self.webhook(json.dumps(body, ensure_ascii=False).encode())

    def handshake(self, challenge: str = "1158201444", token: str | None = None) -> RawRequest:
        """Return the set-up call, with our verify token or another."""
        query = {
            "hub.mode": "subscribe",
            "hub.verify_token": self.verify_token if token is None else token,
            "hub.challenge": challenge,
        }
        return RawRequest(method="GET", url=self.url, query=query)

    def message(
        self,
        sender: str,
        content: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002  (what the provider calls it)
        at: int | None = None,
        name: str = "Sheena Nelson",
        reply_to: str | None = None,
    ) -> dict[str, Any]:
        """Return a message as a change's value; `content` has its `type` and what goes with it.

        `sender` is a phone number or a business-scoped user id.
        """
        number = self._next()
        hidden = USER_ID.fullmatch(sender) is not None
        message = {
            "from_user_id" if hidden else "from": sender,
            "id": id or f"wamid.IN{number:08d}",
            "timestamp": _seconds(at, number),
            **content,
        }
        if reply_to is not None:
            message["context"] = {"from": self.display_phone_number, "id": reply_to}
        contact = {"profile": {"name": name}, "user_id" if hidden else "wa_id": sender}
        return {**self._value(), "contacts": [contact], "messages": [message]}

    def text(self, sender: str, body: str, **rest: Any) -> RawRequest:
        """Return a text message; `rest` as for `message`."""
        return self.signed(self.message(sender, {"type": "text", "text": {"body": body}}, **rest))

    def image(
        self, sender: str, media_id: str, *, caption: str | None = None, **rest: Any
    ) -> RawRequest:
        """Return an image, with or without a caption."""
        image = {"id": media_id, "mime_type": "image/jpeg", "sha256": "c3RhbmQtaW4="}
        if caption is not None:
            image["caption"] = caption
        return self.signed(self.message(sender, {"type": "image", "image": image}, **rest))

    def button_reply(self, sender: str, option: tuple[str, str], **rest: Any) -> RawRequest:
        """Return the press of a menu's button: (id, title)."""
        return self._reply(sender, "button_reply", option, rest)

    def list_reply(self, sender: str, option: tuple[str, str], **rest: Any) -> RawRequest:
        """Return the choice of a list's row: (id, title)."""
        return self._reply(sender, "list_reply", option, rest)

    def _reply(
        self, sender: str, kind: str, option: tuple[str, str], rest: Mapping[str, Any]
    ) -> RawRequest:
        reply = {"type": kind, kind: {"id": option[0], "title": option[1]}}
        content = {"type": "interactive", "interactive": reply}
        return self.signed(self.message(sender, content, **rest))

    def status(
        self,
        message_id: str,
        status: str,
        *,
        to: str,
        at: int | None = None,
        code: int | None = None,
        outgoing_id: str | None = None,
    ) -> RawRequest:
        """Return a delivery status of an accepted message; `code` is the error of a failed one."""
        item: dict[str, Any] = {
            "id": message_id,
            "status": status,
            "timestamp": _seconds(at, self._next()),
            "recipient_id": to,
        }
        if outgoing_id is not None:
            item["biz_opaque_callback_data"] = outgoing_id
        if code is not None:
            item["errors"] = [{"code": code, "title": "Message undeliverable"}]
        return self.signed({**self._value(), "statuses": [item]})

    def _value(self) -> dict[str, Any]:
        return {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.display_phone_number,
                "phone_number_id": self.phone_number_id,
            },
        }

    def _next(self) -> int:
        self._made += 1
        return self._made


def _seconds(at: int | None, number: int) -> str:
    return str(_START + number if at is None else at // SECOND)
