"""From a message to requests: parts in order, each one request, resumed at the step reached before.

The parts follow from the message alone, so a retry in another process finds the same ones. What the
channel cannot carry is refused before the first request; what is too long is taken apart, never
cut.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from attrs import evolve

from omniroute.channels.text import split_text
from omniroute.channels.whatsapp.results import MAX_ANSWER_BYTES, answer_of, describe, interpret
from omniroute.channels.whatsapp.settings import CAPABILITIES, CAPTIONED, WhatsAppSettings
from omniroute.errors import DeliveryError, UnsupportedContent
from omniroute.model.wire import (
    Accepted,
    Attachment,
    MediaLimit,
    Outgoing,
    OutRequest,
    OutResponse,
    SendContext,
    Template,
)

if TYPE_CHECKING:
    from omniroute.ports import FetchSteps, SendSteps

__all__ = ["fetch_steps", "parts_of", "send_steps"]

_TEXT_LIMIT: Final = CAPABILITIES.text_limit
_CAPTION_LIMIT: Final = CAPABILITIES.caption_limit or 0
_CALLBACK_LIMIT: Final = 512
# A country, a point and up to 128 letters or digits; a parent business's own has ENT between them.
_USER_ID: Final = re.compile(r"[A-Za-z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_MEDIA_HOSTS: Final = frozenset({"lookaside.fbsbx.com"})
"""Where the provider keeps attachments; a token shown anywhere else would be given away."""

_LARGEST_MEDIA: Final = max(limit.max_bytes for limit in CAPABILITIES.media.values())


def send_steps(message: Outgoing, context: SendContext, settings: WhatsAppSettings) -> SendSteps:
    """Yield one request for each part from `context.step` on; return how the message fared.

    Raises `UnsupportedContent` before the first one. Everything but `Accepted` tells the step at
    which to go on and the ids of the parts that are out.
    """
    sent_ids = context.sent_ids
    for step, part in list(enumerate(parts_of(message)))[context.step :]:
        response = yield _message_request(message, part, step, context, settings)
        result = interpret(response, step=step, sent_ids=sent_ids)
        if not isinstance(result, Accepted):
            return result
        sent_ids = result.provider_ids
    return Accepted(sent_ids)


def parts_of(message: Outgoing) -> list[dict[str, Any]]:
    """Return the content of each request: text first, then attachments with what belongs to them.

    A template is one request, and says everything.

    A text that comes with a single attachment is its caption where one fits: contacts then get one
    message instead of two.
    """
    if message.template is not None:
        return [_template_part(message.template)]
    text, attachments = message.text or "", message.attachments
    for attachment in attachments:
        _check(attachment)
    if len(attachments) == 1 and text.strip() and _fits_as_caption(text, attachments[0]):
        text, attachments = "", (evolve(attachments[0], caption=text),)
    parts = [_text_part(part) for part in split_text(text, _TEXT_LIMIT)]
    for attachment in attachments:
        parts.extend(_attachment_parts(attachment))
    if not parts:
        raise UnsupportedContent("the message is empty", expected="text or an attachment")
    return parts


def _fits_as_caption(text: str, attachment: Attachment) -> bool:
    return attachment.kind in CAPTIONED and not attachment.caption and len(text) <= _CAPTION_LIMIT


def _check(attachment: Attachment) -> None:
    limit = CAPABILITIES.media.get(attachment.kind)
    if limit is None:
        raise _unsupported("the kind of attachment", tuple(CAPABILITIES.media), attachment.kind)
    if not attachment.ref and not attachment.url:
        raise UnsupportedContent("an attachment needs a media id or a link")
    _check_limits(attachment, limit)


def _check_limits(attachment: Attachment, limit: MediaLimit) -> None:
    if attachment.size is not None and attachment.size > limit.max_bytes:
        raise UnsupportedContent(
            f"the {attachment.kind} is too large",
            expected=f"at most {limit.max_bytes} bytes",
            got=f"{attachment.size} bytes",
        )
    mime_type = (attachment.mime_type or "").partition(";")[0].strip().lower()
    if mime_type and limit.mime_types and mime_type not in limit.mime_types:
        raise _unsupported(f"the type of {attachment.kind}", limit.mime_types, mime_type)


def _unsupported(what: str, known: tuple[str, ...], got: str) -> UnsupportedContent:
    return UnsupportedContent(
        f"WhatsApp does not carry {what}", expected=" or ".join(known), got=repr(got)
    )


def _template_part(template: Template) -> dict[str, Any]:
    said: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    if template.values:
        values = [{"type": "text", "text": value} for value in template.values]
        said["components"] = [{"type": "body", "parameters": values}]
    return {"type": "template", "template": said}


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"preview_url": False, "body": text}}


def _attachment_parts(attachment: Attachment) -> list[dict[str, Any]]:
    """Return the attachment; where it cannot have its caption, that follows as text."""
    media: dict[str, Any] = {"id": attachment.ref} if attachment.ref else {"link": attachment.url}
    caption = attachment.caption or ""
    if caption.strip() and _fits_as_caption(caption, evolve(attachment, caption=None)):
        media["caption"] = caption
        caption = ""
    if attachment.kind == "document" and attachment.filename:
        media["filename"] = attachment.filename
    if attachment.kind == "audio" and attachment.voice:
        media["voice"] = True
    part = {"type": attachment.kind, attachment.kind: media}
    return [part, *(_text_part(text) for text in split_text(caption, _TEXT_LIMIT))]


def _message_request(
    message: Outgoing,
    part: dict[str, Any],
    step: int,
    context: SendContext,
    settings: WhatsAppSettings,
) -> OutRequest:
    body = {"messaging_product": "whatsapp", **_recipient(message.to, context), **part}
    if message.reply_to and step == 0:
        body["context"] = {"message_id": message.reply_to}
    if len(message.id) <= _CALLBACK_LIMIT:
        # Comes back with every status, so a message whose answer was lost is found again (S12).
        body["biz_opaque_callback_data"] = message.id
    return OutRequest(
        method="POST",
        url=_url(settings, settings.address, "messages"),
        headers={**_bearer(settings), "content-type": "application/json"},
        # A lone surrogate cannot be encoded; it becomes a question mark rather than an error.
        body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        max_answer=MAX_ANSWER_BYTES,
    )


def _recipient(to: str, context: SendContext) -> dict[str, str]:
    """Name the recipient in the field meant for it.

    A business-scoped id in `to` is answered with success and never delivered.
    """
    group = context.carry.get("group_id")
    if isinstance(group, str) and group:
        return {"recipient_type": "group", "to": group}
    field = "recipient" if _USER_ID.fullmatch(to) else "to"
    return {"recipient_type": "individual", field: to}


def _url(settings: WhatsAppSettings, *steps: str) -> str:
    path = "/".join(quote(step, safe="") for step in (settings.api_version, *steps))
    return f"{settings.base_url.rstrip('/')}/{path}"


def _bearer(settings: WhatsAppSettings) -> dict[str, str]:
    return {"authorization": f"Bearer {settings.access_token.reveal()}"}


def fetch_steps(media: Attachment, settings: WhatsAppSettings) -> FetchSteps:
    """Look up where the attachment is, then download it; links live for five minutes only.

    Raises `DeliveryError` when the provider does not give it, or it is larger than its kind may be.
    """
    url = media.url
    if media.ref is not None:
        response = yield OutRequest(
            method="GET",
            url=_url(settings, media.ref),
            headers=_bearer(settings),
            max_answer=MAX_ANSWER_BYTES,
        )
        url = answer_of(_ok(response))["url"].text_or_none()
    limit = CAPABILITIES.media.get(media.kind)
    max_bytes = limit.max_bytes if limit else _LARGEST_MEDIA
    link = _checked_link(url)
    response = yield OutRequest(
        method="GET",
        url=link,
        headers=_bearer(settings) if _is_provider(link, settings) else {},
        timeout=60.0,
        max_answer=max_bytes,
    )
    body = _ok(response).body
    if len(body) > max_bytes:
        raise DeliveryError(
            "the attachment is too large",
            expected=f"at most {max_bytes} bytes",
            got=f"{len(body)} bytes",
        )
    return body


def _ok(response: OutResponse) -> OutResponse:
    if response.error is not None or not 200 <= response.status < 300:
        raise DeliveryError(
            "the attachment could not be fetched", got=response.error or describe(response)
        )
    return response


def _checked_link(url: str | None) -> str:
    try:
        parts = urlsplit(url or "")
        usable = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if url is None or not usable:
        raise DeliveryError("the attachment has no link", expected="an http or https URL")
    return url


def _is_provider(url: str, settings: WhatsAppSettings) -> bool:
    """Whether the host of `url` may see a token: the API's own, or the one for attachments."""
    link, base = urlsplit(url), urlsplit(settings.base_url)
    if (link.scheme, link.netloc) == (base.scheme, base.netloc):
        return True
    return link.scheme == "https" and link.hostname in _MEDIA_HOSTS and link.port in {None, 443}
