"""Channel types: what kinds of channels are called, which family they are of, and when one accepts.

Kinds are open: a plugin's adapter may declare `channel_type`, and a kind that nobody describes is
called by its own name (T17). Cards, buttons and icons are the host's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from omniroute.model.values import frozen

__all__ = ["CHANNEL_TYPES", "ChannelFamily", "ChannelType", "Gate", "channel_type"]


class ChannelFamily(StrEnum):
    """What a channel type belongs to (G1)."""

    VOICE = "voice"
    SMS = "sms"
    CHAT = "chat"
    SOCIAL = "social"
    EMAIL = "email"
    OTHER = "other"


class Gate(StrEnum):
    """What has to be true of an entry point before it accepts: a key of its configuration."""

    CONNECTED = "connected"
    EMBEDDED = "embedded"
    FORWARDING_ACTIVE = "forwarding_active"


@frozen
class ChannelType:
    """A kind of channel: how people call it, in the inbox and in reports (U4).

    `gate` is None where an entry point is live as soon as it is added (G8). `id` is what a report
    is filtered by.
    """

    kind: str
    id: str
    name: str
    report_label: str
    family: ChannelFamily
    gate: Gate | None = None


def _social(kind: str, name: str) -> ChannelType:
    shown, label = f"Messaging ({name.capitalize()})", f"Chats - {name}:initiated via {name}"
    return ChannelType(kind, kind.upper(), shown, label, ChannelFamily.SOCIAL)


def _plain(kind: str, name: str, family: ChannelFamily, gate: Gate | None) -> ChannelType:
    return ChannelType(kind, kind.upper(), name, name, family, gate)


CHANNEL_TYPES: Final[Mapping[str, ChannelType]] = MappingProxyType(
    {
        each.kind: each
        for each in (
            _plain("voice", "Voice", ChannelFamily.VOICE, Gate.CONNECTED),
            _plain("sms", "SMS", ChannelFamily.SMS, Gate.CONNECTED),
            _plain("chat", "Chat", ChannelFamily.CHAT, Gate.EMBEDDED),
            _plain("inapp", "In-app chat", ChannelFamily.CHAT, Gate.EMBEDDED),
            _plain("email", "Email", ChannelFamily.EMAIL, Gate.FORWARDING_ACTIVE),
            _social("whatsapp", "WhatsApp"),
            _social("messenger", "Messenger"),
            _social("facebook", "Facebook"),
            _social("instagram", "Instagram"),
            _social("twitter", "Twitter"),
            _social("x", "X"),
            _social("telegram", "Telegram"),
        )
    }
)
"""The types that omniroute itself knows, by kind."""


def channel_type(kind: str) -> ChannelType:
    """Return the type of a kind; one that nobody describes is called by its own name (T17)."""
    known = CHANNEL_TYPES.get(kind)
    return known or ChannelType(kind, kind.upper(), kind, kind, ChannelFamily.OTHER)
