"""What becomes of outgoing messages: what a channel can carry, when to try again, how statuses merge."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

from attrs import evolve

from omniroute.errors import UnsupportedContent
from omniroute.instants import HOUR, SECOND
from omniroute.model.effects import OutboxEntry, OutboxState
from omniroute.model.wire import (
    Attachment,
    Capabilities,
    DeliveryStatus,
    Permanent,
    Retryable,
    Unknown,
)

__all__ = ["LEASE", "MAX_ATTEMPTS", "after_failure", "check_content", "merge_status", "retry_at"]

LEASE: Final = 60 * SECOND
"""How long a worker may take over what it leased before another may take it up (R10)."""

MAX_ATTEMPTS: Final = 10
"""After so many tries a message is dead: listed, and no longer in the way (S12)."""

_FIRST_DELAY: Final = 5 * SECOND
_LONGEST_DELAY: Final = HOUR
_LONGEST_WISH: Final = 30 * 24 * HOUR

_ORDER: Final = {
    DeliveryStatus.PENDING: 0,
    DeliveryStatus.UNKNOWN: 1,
    DeliveryStatus.SENT: 2,
    DeliveryStatus.DELIVERED: 3,
    DeliveryStatus.READ: 4,
}


def merge_status(old: DeliveryStatus | None, new: DeliveryStatus) -> DeliveryStatus | None:
    """Return the status after a report, or None where it adds nothing.

    Reports come in any order and more than once: read beats delivered beats sent. Failed is kept
    apart: it stands until the message is seen to have arrived after all, and never replaces an
    arrival.
    """
    if old is None or old is new:
        return None if old is new else new
    if new is DeliveryStatus.FAILED:
        return None if _ORDER[old] >= _ORDER[DeliveryStatus.DELIVERED] else new
    if old is DeliveryStatus.FAILED:
        return new if _ORDER[new] >= _ORDER[DeliveryStatus.DELIVERED] else None
    return new if _ORDER[new] > _ORDER[old] else None


def retry_at(now: int, attempts: int, name: str, after: int | None = None) -> int:
    """Return when to try again: delays double from 5 seconds to an hour, each with its own jitter.

    `after` (microseconds) is the provider's own wish and is kept, up to 30 days. The jitter, up to a
    quarter, comes from `name` and `attempts`, so that the same input gives the same answer (X2).
    """
    delay = min(_FIRST_DELAY << min(attempts - 1, 20), _LONGEST_DELAY) if attempts > 0 else 0
    jitter = delay * (zlib.crc32(f"{name}:{attempts}".encode()) % 1000) // 4000
    return now + max(delay + jitter, min(after or 0, _LONGEST_WISH))


def after_failure(
    entry: OutboxEntry, result: Retryable | Permanent | Unknown, now: int, name: str
) -> OutboxEntry:
    """Return an entry as a try that failed leaves it: ready again later, or dead and listed (R10, S12).

    `name` is the id by which what it carries is known outside.
    """
    unknown = isinstance(result, Unknown)
    reason = f"unknown: {result.reason}" if unknown else result.reason
    failed = evolve(entry, reason=reason, step=result.step, sent_ids=result.sent_ids)
    if isinstance(result, Retryable) and entry.attempts < MAX_ATTEMPTS:
        return evolve(failed, ready_at=retry_at(now, entry.attempts, name, result.after))
    return evolve(failed, state=OutboxState.DEAD)


def check_content(
    capabilities: Capabilities, text: str | None, attachments: Sequence[Attachment]
) -> None:
    """Raise `UnsupportedContent` for what the channel cannot carry (U1), before anything is stored."""
    if not (text and text.strip()) and not attachments:
        raise UnsupportedContent("a message needs a text or an attachment", where="text")
    for number, attachment in enumerate(attachments):
        where = f"attachments[{number}]"
        limit = capabilities.media.get(attachment.kind)
        if limit is None:
            raise UnsupportedContent(
                "this channel does not carry this kind of file",
                where=f"{where}.kind",
                expected=", ".join(sorted(capabilities.media)) or "no files",
                got=repr(attachment.kind),
            )
        if attachment.size is not None and attachment.size > limit.max_bytes:
            raise UnsupportedContent(
                "the file is too large for this channel",
                where=f"{where}.size",
                expected=f"at most {limit.max_bytes} bytes",
                got=f"{attachment.size}",
            )
