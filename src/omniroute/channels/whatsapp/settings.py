"""What one WhatsApp number needs: whose it is, the secrets, and what the provider lets through."""

from __future__ import annotations

from typing import Any, Final

from attrs import Attribute, field, frozen

from omniroute.errors import UsageError
from omniroute.instants import DAY
from omniroute.model.secret import Secret
from omniroute.model.wire import Capabilities, MediaLimit

__all__ = ["CAPABILITIES", "CAPTIONED", "MAX_BODY_BYTES", "WhatsAppSettings"]

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB

MAX_BODY_BYTES: Final = 3 * _MIB
"""The largest webhook that the provider sends."""

CAPTIONED: Final = frozenset({"image", "video", "document"})
"""The kinds of attachment that take a caption."""

CAPABILITIES: Final = Capabilities(
    text_limit=4096,
    caption_limit=1024,
    media={
        "image": MediaLimit(max_bytes=5 * _MIB, mime_types=("image/jpeg", "image/png")),
        "audio": MediaLimit(
            max_bytes=16 * _MIB,
            mime_types=("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
        ),
        "video": MediaLimit(max_bytes=16 * _MIB, mime_types=("video/mp4", "video/3gpp")),
        "document": MediaLimit(max_bytes=100 * _MIB),
        # An animated one; a still one may have 100 KB, which only its content would tell.
        "sticker": MediaLimit(max_bytes=500 * _KIB, mime_types=("image/webp",)),
    },
    window=DAY,
    templates=True,
    receipts=True,
)


def _not_empty(_: object, attribute: Attribute[Any], value: Secret) -> None:
    """Refuse an empty secret: anybody could sign with it (R13)."""
    if not value.reveal():
        raise UsageError(
            "the secret is empty",
            where=f"whatsapp.{attribute.name}",
            hint="the environment variable that it refers to may be unset",
        )


@frozen(kw_only=True)
class WhatsAppSettings:
    """The settings of an account and one of its numbers.

    `address` is the phone number id (not the number); `app_secret` signs webhooks, `access_token`
    lets us send, `verify_token` is what the webhook was set up with. A webhook of more than
    `max_body_bytes` is refused; 3 MiB, the default, is the most there is.
    """

    address: str
    app_secret: Secret = field(validator=_not_empty)
    access_token: Secret = field(validator=_not_empty)
    verify_token: Secret | None = None
    api_version: str = "v25.0"
    base_url: str = "https://graph.facebook.com"
    max_body_bytes: int = MAX_BODY_BYTES
