"""What a business may send: requests read and judged as the provider's documentation has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from omniroute.channels.json_body import JsonNode, read_json

__all__ = ["USER_ID", "OutboundMessage", "read_outbound"]

_MEDIA: Final = frozenset({"image", "video", "audio", "document", "sticker"})
_CAPTIONED: Final = frozenset({"image", "video", "document"})
_PHONE: Final = re.compile(r"\+?[0-9]{5,20}")
_MAX_BODY: Final = 1024 * 1024

USER_ID: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
"""A business-scoped user id: a country, a point, letters and digits."""


@frozen(kw_only=True)
class OutboundMessage:
    """A message that the stand-in accepted: `kind` is text, menu, template or the kind of attachment.

    `options` are a menu's (id, title) pairs, or a template's (language, value) pairs, whose name is
    `text`; `body` is the request as it came.
    """

    to: str
    kind: str
    id: str = ""
    text: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] = field(factory=dict, repr=False)


def read_outbound(body: bytes) -> OutboundMessage:
    """Return what the body of a request to send says.

    Raises `MalformedPayload`, with the path, for what the provider's documentation does not allow.
    """
    node = JsonNode(read_json(body, max_bytes=_MAX_BODY))
    _require(node["messaging_product"], node["messaging_product"].value == "whatsapp", '"whatsapp"')
    type_ = (node["type"].text_or_none() or "text").lower()
    callback = node["biz_opaque_callback_data"]
    _require(callback, len(callback.text_or_none() or "") <= 512, "at most 512 characters")
    if "context" in node:
        node["context"]["message_id"].identifier()
    to = _recipient(node)
    if type_ in _MEDIA:
        return OutboundMessage(to=to, kind=type_, text=_media(node[type_]), body=node.object())
    if type_ == "template":
        name, values = _template(node["template"])
        return OutboundMessage(
            to=to, kind="template", text=name, options=tuple(values), body=node.object()
        )
    if type_ == "interactive":
        text, options = _menu(node["interactive"])
        return OutboundMessage(
            to=to, kind="menu", text=text, options=tuple(options), body=node.object()
        )
    _require(node["type"], type_ == "text", "a type of message that the stand-in knows")
    text = _limited(node["text"]["body"], 4096)
    return OutboundMessage(to=to, kind="text", text=text, body=node.object())


def _require(node: JsonNode, condition: object, expected: str) -> None:
    if not condition:
        raise node.refused(expected)


def _limited(node: JsonNode, limit: int) -> str:
    text = node.text()
    _require(node, text.strip() and len(text) <= limit, f"text of 1 to {limit} characters")
    return text


def _recipient(node: JsonNode) -> str:
    """Read whom it goes to; `to` comes before `recipient` when both are there."""
    kind = node["recipient_type"].text_or_none() or "individual"
    _require(node["recipient_type"], kind in {"individual", "group"}, "individual or group")
    if "to" not in node:
        user_id = node["recipient"].text()
        _require(node["recipient"], USER_ID.fullmatch(user_id), "a business-scoped user id")
        return user_id
    to = node["to"].text()
    _require(node["to"], kind == "group" or _PHONE.fullmatch(to), "a phone number")
    return to


def _media(media: JsonNode) -> str | None:
    media.object()
    _require(media["id"], ("id" in media) != ("link" in media), "either an id or a link")
    if "link" in media:
        link = media["link"].text()
        _require(media["link"], link.startswith(("https://", "http://")), "a link")
    if "caption" not in media:
        return None
    _require(media["caption"], media.path in _CAPTIONED, "no caption on this kind of attachment")
    return _limited(media["caption"], 1024)


def _template(template: JsonNode) -> tuple[str, list[tuple[str, str]]]:
    name = _limited(template["name"], 512)
    language = _limited(template["language"]["code"], 15)
    values = []
    if "components" in template:
        for component in template["components"]:
            type_ = (component["type"].text_or_none() or "").lower()
            _require(component["type"], type_ in {"header", "body", "button"}, "a known component")
            for parameter in component["parameters"]:
                _require(parameter["type"], parameter["type"].value == "text", '"text"')
                values.append((language, parameter["text"].text()))
    return name, values


def _menu(menu: JsonNode) -> tuple[str, list[tuple[str, str]]]:
    text = _limited(menu["body"]["text"], 1024)
    for name in ("header", "footer"):
        if "text" in menu[name]:
            _limited(menu[name]["text"], 60)
    type_ = menu["type"].text().lower()
    _require(menu["type"], type_ in {"button", "list"}, "button or list")
    options = list(_buttons(menu["action"]) if type_ == "button" else _rows(menu["action"]))
    most = 3 if type_ == "button" else 10
    _require(menu["action"], 1 <= len(options) <= most, f"1 to {most} options")
    ids = {id_ for id_, _ in options}
    _require(menu["action"], len(ids) == len(options), "options with different ids")
    return text, options


def _buttons(action: JsonNode) -> Iterator[tuple[str, str]]:
    for button in action["buttons"]:
        _require(button["type"], button["type"].value == "reply", '"reply"')
        reply = button["reply"]
        yield _limited(reply["id"], 256), _limited(reply["title"], 20)


def _rows(action: JsonNode) -> Iterator[tuple[str, str]]:
    _limited(action["button"], 20)
    for section in action["sections"]:
        for row in section["rows"]:
            if "description" in row:
                _limited(row["description"], 72)
            yield _limited(row["id"], 200), _limited(row["title"], 24)
