"""What one message says: a reader for every type that the provider documents.

A reader gets the item as far as it is known (who, when, where) and the message, and returns the
item with its content. It raises `MalformedPayload` for a message that lacks what its type promises;
a type nobody knows becomes UNSUPPORTED, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from omniroute.channels.json_body import JsonNode
from omniroute.model.wire import Attachment, Choice, Inbound, InboundKind

__all__ = ["first_error", "read_content", "with_extra"]


def read_content(item: Inbound, message: JsonNode) -> Inbound:
    """Return `item` with the type, kind and content of `message`."""
    type_ = message["type"].identifier()
    return _READERS.get(type_, _unsupported)(evolve(item, type=type_), message)


def with_extra(item: Inbound, extra: Mapping[str, Any]) -> Inbound:
    """Return `item` with those of `extra` added that are not None."""
    known = {key: value for key, value in extra.items() if value is not None}
    return evolve(item, extra={**item.extra, **known}) if known else item


def first_error(item: Inbound, errors: JsonNode) -> Inbound:
    """Return `item` with the first of the provider's errors, and all of them in `extra`."""
    if not isinstance(errors.value, list) or not errors.value:
        return item
    error = next(iter(errors))
    texts = (error["error_data"]["details"], error["message"], error["title"])
    item = evolve(
        item,
        error_code=error["code"].identifier_or_none(),
        error_text=next(filter(None, (text.text_or_none() for text in texts)), None),
    )
    return with_extra(item, {"errors": errors.value})


def _text(item: Inbound, message: JsonNode) -> Inbound:
    return evolve(item, text=message["text"]["body"].text())


def _media(item: Inbound, message: JsonNode) -> Inbound:
    media = message[item.type]
    media.object()
    ref, url = media["id"].identifier_or_none(), media["url"].text_or_none()
    if ref is None and url is None:
        raise media["id"].refused("a media id")
    attachment = Attachment(
        kind=item.type,
        ref=ref,
        url=url,
        mime_type=media["mime_type"].text_or_none(),
        filename=media["filename"].text_or_none(),
        caption=media["caption"].text_or_none(),
        sha256=media["sha256"].text_or_none(),
        voice=media["voice"].value is True,
    )
    return evolve(item, text=attachment.caption, attachments=(attachment,))


def _location(item: Inbound, message: JsonNode) -> Inbound:
    location = message["location"]
    for name in ("latitude", "longitude"):
        degrees = location[name]
        if isinstance(degrees.value, bool) or not isinstance(degrees.value, int | float):
            raise degrees.refused("degrees as a number")
    return with_extra(item, {"location": location.object()})


def _contacts(item: Inbound, message: JsonNode) -> Inbound:
    cards = [card.object() for card in message["contacts"]]
    if not cards:
        raise message["contacts"].refused("contact cards")
    # How the number was given (asked for, or forwarded) tells how far to trust the card.
    return with_extra(item, {"contacts": cards, "origin": message["origin"].text_or_none()})


def _interactive(item: Inbound, message: JsonNode) -> Inbound:
    reply = message["interactive"]
    reader = _REPLIES.get(reply["type"].text())
    return reader(item, reply) if reader else _unsupported(item, message)


def _button_reply(item: Inbound, reply: JsonNode) -> Inbound:
    return _chosen(item, reply["button_reply"]["id"], reply["button_reply"]["title"])


def _list_reply(item: Inbound, reply: JsonNode) -> Inbound:
    row = reply["list_reply"]
    item = _chosen(item, row["id"], row["title"])
    return with_extra(item, {"choice_description": row["description"].text_or_none()})


def _chosen(item: Inbound, id_: JsonNode, title: JsonNode) -> Inbound:
    """Make a choice of an id and a title; one that is missing is taken from the other."""
    label = title.text_or_none() or id_.identifier()
    key = id_.identifier() if id_.value is not None else label
    return evolve(item, kind=InboundKind.CHOICE, text=label, choice=Choice(id=key, title=label))


def _form_reply(item: Inbound, reply: JsonNode) -> Inbound:
    form = reply["nfm_reply"]
    item = evolve(item, kind=InboundKind.FORM, text=form["body"].text_or_none())
    return with_extra(
        item,
        {
            # As it came: what is in it is between the form's author and the host.
            "form_response_json": form["response_json"].text(),
            "form_name": form["name"].text_or_none(),
        },
    )


def _button(item: Inbound, message: JsonNode) -> Inbound:
    return _chosen(item, message["button"]["payload"], message["button"]["text"])


def _reaction(item: Inbound, message: JsonNode) -> Inbound:
    reaction = message["reaction"]
    # Without an emoji the contact took an earlier reaction back.
    return evolve(
        item,
        kind=InboundKind.REACTION,
        target=reaction["message_id"].identifier(),
        emoji=reaction["emoji"].text_or_none(),
    )


def _order(item: Inbound, message: JsonNode) -> Inbound:
    order = message["order"]
    item = evolve(item, text=order["text"].text_or_none())
    return with_extra(item, {"order": order.object()})


def _edit(item: Inbound, message: JsonNode) -> Inbound:
    edit = message["edit"]
    target = edit["original_message_id"].identifier()
    edited = read_content(item, edit["message"])
    return evolve(edited, kind=InboundKind.EDIT, type="edit", target=target)


def _revoke(item: Inbound, message: JsonNode) -> Inbound:
    target = message["revoke"]["original_message_id"].identifier()
    return evolve(item, kind=InboundKind.DELETE, target=target)


def _system(item: Inbound, message: JsonNode) -> Inbound:
    system = message["system"]
    new = [system[name].identifier_or_none() for name in ("user_id", "wa_id", "new_wa_id")]
    item = evolve(
        item,
        kind=InboundKind.SYSTEM,
        text=system["body"].text_or_none(),
        new_addresses=tuple(name for name in new if name),
    )
    return with_extra(item, {"system": system.object()})


def _welcome(item: Inbound, message: JsonNode) -> Inbound:  # noqa: ARG001  (there is no content)
    return evolve(item, kind=InboundKind.SYSTEM)


def _unsupported(item: Inbound, message: JsonNode) -> Inbound:
    item = first_error(evolve(item, kind=InboundKind.UNSUPPORTED), message["errors"])
    return with_extra(item, {"content": message[item.type].value})


_Reader = Callable[[Inbound, JsonNode], Inbound]

_REPLIES: Final[Mapping[str, _Reader]] = {
    "button_reply": _button_reply,
    "list_reply": _list_reply,
    "nfm_reply": _form_reply,
}

_READERS: Final[Mapping[str, _Reader]] = {
    "text": _text,
    "image": _media,
    "video": _media,
    "audio": _media,
    "document": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": _welcome,
}
