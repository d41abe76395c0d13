"""The states of a conversation and why it ended: the field's words, once."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = [
    "END_COMMENTS",
    "OPEN",
    "WAITING",
    "Access",
    "EndReason",
    "EngagementKind",
    "Readiness",
    "State",
    "Verification",
]


class State(StrEnum):
    """Where a conversation stands (DESIGN.md, section 6)."""

    SELECTING = "selecting"
    QUEUED = "queued"
    OFFERED = "offered"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"
    ENDED = "ended"


class Verification(StrEnum):
    """Whether it was proven that a number is the desk's (M11)."""

    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"


OPEN: Final = tuple(state for state in State if state is not State.ENDED)
"""Every state but ENDED."""

WAITING: Final = (State.QUEUED, State.OFFERED)
"""States in which a conversation waits for an agent."""


class Readiness(StrEnum):
    """Whether a queue is enabled: some agent is assigned to it, or to a leaf beneath it (U15, U16)."""

    NOT_READY = "not_ready"
    READY = "ready"


class Access(StrEnum):
    """From where an agent came to a conversation: what the host's screens tell (C14)."""

    CHANNEL_PAGE = "channel_page"
    CONVERSATION_LIST = "conversation_list"


class EngagementKind(StrEnum):
    """What is sent to a contact without opening a conversation (C10)."""

    MESSAGE = "message"
    PROMO = "promo"
    COUPON = "coupon"


class EndReason(StrEnum):
    """Why a conversation ended."""

    AGENT = "agent"
    CONSUMER = "consumer"
    TIMEOUT = "timeout"
    EXPIRED_IN_QUEUE = "expired_in_queue"
    EXPIRED_SELECTING = "expired_selecting"
    KEEP_ALIVE = "keep_alive"
    FAILURE = "failure"


_QUEUE_COMMENT: Final = "Chat session ended due to expiration in queue"
_TIMEOUT_COMMENT: Final = "Chat session ended due to timeout"

END_COMMENTS: Final = {
    EndReason.AGENT: "Chat session ended by the agent",
    EndReason.CONSUMER: "Chat session ended by the consumer",
    EndReason.TIMEOUT: _TIMEOUT_COMMENT,
    EndReason.KEEP_ALIVE: _TIMEOUT_COMMENT,
    EndReason.EXPIRED_IN_QUEUE: _QUEUE_COMMENT,
    EndReason.EXPIRED_SELECTING: _QUEUE_COMMENT,
    EndReason.FAILURE: "Chat session ended due to failure",
}
"""The one comment of each end, word for word (U74)."""
