"""What crosses the wire: requests and responses as data, what adapters parse, what sending gives.

Adapters do no I/O: a webhook is a `RawRequest`, an answer a `RawResponse`, and sending is a
sequence of `OutRequest`s that a transport carries out. Raw bytes stay raw until a signature has
been checked (R13).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from attrs import field

from omniroute.errors import UsageError
from omniroute.model.values import frozen

__all__ = [
    "Accepted",
    "Attachment",
    "Capabilities",
    "Choice",
    "DeliveryStatus",
    "Inbound",
    "InboundKind",
    "MediaLimit",
    "OutRequest",
    "OutResponse",
    "Outgoing",
    "ParseResult",
    "Permanent",
    "RawRequest",
    "RawResponse",
    "Rejected",
    "Retryable",
    "SendContext",
    "SendResult",
    "Sender",
    "Template",
    "Unknown",
]


_ONE_MICROSECOND: Final = timedelta(microseconds=1)


def _lower_keys(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return {key.lower(): value for key, value in headers.items()}
    except AttributeError:
        raise UsageError(
            "cannot be used",
            where="headers",
            expected="a mapping of text to text",
            got=type(headers).__name__,
        ) from None


def _as_bytes(body: bytes | bytearray | memoryview) -> bytes:
    return bytes(body) if isinstance(body, bytearray | memoryview) else body


def _micros(duration: int | timedelta | None) -> int | None:
    return duration // _ONE_MICROSECOND if isinstance(duration, timedelta) else duration


@frozen(kw_only=True)
class RawRequest:
    """An HTTP request as it came: nothing decoded, nothing trusted.

    `url` is the public URL the provider called (some sign it); `headers` have lower-case names;
    `query` keeps the first value of each name. A `body` that is a bytearray or memoryview is copied.
    """

    method: str = "POST"
    url: str = ""
    headers: Mapping[str, str] = field(factory=dict, converter=_lower_keys)
    query: Mapping[str, str] = field(factory=dict)
    body: bytes = field(default=b"", converter=_as_bytes, repr=lambda body: f"<{len(body)} bytes>")


@frozen(kw_only=True)
class RawResponse:
    """What to answer a webhook with."""

    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""


class InboundKind(StrEnum):
    """What an item of a webhook is. Only a contact's own content moves a conversation (P16)."""

    MESSAGE = "message"
    CHOICE = "choice"
    FORM = "form"
    REACTION = "reaction"
    EDIT = "edit"
    DELETE = "delete"
    ECHO = "echo"
    STATUS = "status"
    SYSTEM = "system"
    UNSUPPORTED = "unsupported"

    @property
    def is_content(self) -> bool:
        """Whether the contact said something, even if this library cannot show what."""
        return self in _CONTENT


_CONTENT = frozenset(
    {InboundKind.MESSAGE, InboundKind.CHOICE, InboundKind.FORM, InboundKind.UNSUPPORTED}
)


class DeliveryStatus(StrEnum):
    """How far an outgoing message came. Read beats delivered beats sent; failed is kept apart."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"


@frozen(kw_only=True)
class Sender:
    """Who wrote, by every address the provider gave, the most lasting first.

    WhatsApp gives a business-scoped user id beside or instead of the phone number; both are
    addresses of one contact, so `addresses` is a tuple and never empty.
    """

    addresses: tuple[str, ...]
    name: str | None = None


@frozen(kw_only=True)
class Attachment:
    """A file beside a message: `kind` is image, video, audio, document or sticker.

    `ref` is the provider's media id or, for outgoing ones, the media store's; `url` a direct link.
    """

    kind: str
    ref: str | None = None
    url: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    caption: str | None = None
    sha256: str | None = None
    size: int | None = None
    voice: bool = False


@frozen(kw_only=True)
class Choice:
    """A menu row or button that the contact pressed."""

    id: str
    title: str


@frozen(kw_only=True)
class Inbound:
    """One item of a webhook, in neutral words.

    `key` is the provider's id of this item, unique per (entry point, kind); for edits, reactions
    and statuses, which carry another message's id, `key` is made unique by the adapter and `target`
    is that id. `at` is the provider's time in UTC microseconds: data, never a clock (S1). `extra`
    keeps what has no field of its own (location, contacts, order, referral), as JSON values.
    `carry` is kept for the next outgoing message (mail references, reply tokens). `outgoing` is our
    own id of the message that a status is about, where the provider hands it back; `new_addresses`
    are those that a contact goes by from here on. `access_keys` lead a first message past the menu
    where a direct access point has them (U62).
    """

    kind: InboundKind
    key: str
    address: str
    sender: Sender | None = None
    at: int | None = None
    type: str = "text"
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    choice: Choice | None = None
    target: str | None = None
    reply_to: str | None = None
    emoji: str | None = None
    status: DeliveryStatus | None = None
    error_code: str | None = None
    error_text: str | None = None
    thread: str = ""
    outgoing: str | None = None
    new_addresses: tuple[str, ...] = ()
    access_keys: Mapping[str, str] = field(factory=dict)
    extra: Mapping[str, Any] = field(factory=dict)
    carry: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Rejected:
    """An item of a webhook that could not be used; its neighbours were (R13)."""

    where: str
    reason: str
    key: str | None = None

    def __str__(self) -> str:
        """Return where and why; a reason that names the place more closely stands alone."""
        if self.reason.startswith(self.where):
            return self.reason
        return f"{self.where}: {self.reason}"


@frozen(kw_only=True)
class ParseResult:
    """What a webhook held: usable items in payload order, and those rejected with a reason."""

    items: tuple[Inbound, ...] = ()
    rejected: tuple[Rejected, ...] = ()


@frozen(kw_only=True)
class MediaLimit:
    """The largest size in bytes of one kind of attachment, and the MIME types taken ('' = any)."""

    max_bytes: int
    mime_types: tuple[str, ...] = ()


@frozen
class Template:
    """A text that the provider has approved, which goes out where no messaging window is open (S11).

    `name` and `language` ("de", "pt_BR") are the provider's; `values` fill its places, in order.
    """

    name: str
    language: str
    values: tuple[str, ...] = ()


@frozen(kw_only=True)
class Capabilities:
    """What a channel can carry. The core degrades to it; nothing is cut silently.

    `window` is how long after a contact's message ours go out freely, in microseconds (None: always);
    outside of it an agent starts with a template, where the channel has `templates` (S11).
    """

    text_limit: int
    text_unit: str = "characters"
    caption_limit: int | None = None
    menus: tuple[str, ...] = ()
    media: Mapping[str, MediaLimit] = field(factory=dict)
    window: int | None = None
    templates: bool = False
    receipts: bool = False
    idempotent_send: bool = False


@frozen(kw_only=True)
class Outgoing:
    """One message to carry to a contact. `id` stays the same on every retry.

    Where there is a `template` it is sent, and `text` only says how it reads.
    """

    id: str
    to: str
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None
    template: Template | None = None


@frozen(kw_only=True)
class SendContext:
    """What sending may need beside the message: what was carried in, and the step reached before."""

    carry: Mapping[str, Any] = field(factory=dict)
    step: int = 0
    sent_ids: tuple[str, ...] = ()


@frozen(kw_only=True)
class OutRequest:
    """A request to a provider, for a transport to carry out. Headers may hold secrets: not shown.

    `max_answer` is the largest answer in bytes that is read; None leaves it to the transport.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    timeout: float = 20.0
    max_answer: int | None = None


@frozen(kw_only=True)
class OutResponse:
    """A provider's answer; `error` is set instead when none came.

    `sent` says whether the request may have reached the provider: a refused connection did not, a
    timeout while reading may have (Unknown, R10).
    """

    status: int = 0
    headers: Mapping[str, str] = field(factory=dict, converter=_lower_keys)
    body: bytes = field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    error: str | None = None
    sent: bool = True


@frozen
class Accepted:
    """The provider took it, and calls it `provider_ids` (one for each part)."""

    provider_ids: tuple[str, ...]


@frozen
class Retryable:
    """It did not go out and may later; not before `after`, where the provider said so.

    `after` is a `timedelta`, or microseconds, in which it is kept. Of a message in several parts,
    `step` counts those that did go out, as `sent_ids`; the next try starts behind them. The same for
    `Permanent` and `Unknown`.
    """

    reason: str
    after: int | None = field(default=None, converter=_micros)
    step: int = field(default=0, kw_only=True)
    sent_ids: tuple[str, ...] = field(default=(), kw_only=True)


@frozen
class Permanent:
    """It will never go out as it is."""

    reason: str
    code: str | None = None
    step: int = field(default=0, kw_only=True)
    sent_ids: tuple[str, ...] = field(default=(), kw_only=True)


@frozen
class Unknown:
    """It may have gone out; nobody knows until a status arrives. Not resent blindly (R10, S12)."""

    reason: str
    step: int = field(default=0, kw_only=True)
    sent_ids: tuple[str, ...] = field(default=(), kw_only=True)


SendResult = Accepted | Retryable | Permanent | Unknown
