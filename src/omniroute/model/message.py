"""Messages: what was said, beside the log that tells when and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field

from omniroute.model.values import frozen
from omniroute.model.wire import Attachment, Choice, DeliveryStatus, Template

__all__ = ["Direction", "Message"]


class Direction(StrEnum):
    """Which way a message goes. A note goes nowhere: only agents see it."""

    IN = "in"
    OUT = "out"
    NOTE = "note"


@frozen(kw_only=True)
class Message:
    """One message, reaction or note of a conversation.

    `position` is its event's place in the desk's log, which orders messages. `author` is an actor.
    `conversation` is empty for an engagement, which is part of none (C10).
    `at` is the desk's instant, `provider_at` the provider's (S1), both in UTC microseconds.
    """

    id: str
    conversation: str
    position: int
    direction: Direction
    author: str
    at: int
    kind: str = "message"
    type: str = "text"
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    template: Template | None = None
    choice: Choice | None = None
    reply_to: str | None = None
    target: str | None = None
    emoji: str | None = None
    entry_point: str | None = None
    provider_ids: tuple[str, ...] = ()
    provider_at: int | None = None
    status: DeliveryStatus | None = None
    status_at: int | None = None
    error: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)
    carry: Mapping[str, Any] = field(factory=dict)
