"""Whether an entry point accepts what comes in on it, and why not (G5 to G8, C12, T6, U1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from omniroute.errors import EntryPointClosed, OmnirouteError, UnsupportedContent
from omniroute.model.desk_config import ChannelDirection
from omniroute.model.wire import Attachment, Inbound, InboundKind
from omniroute.rules.entry_points import ResolvedEntryPoint
from omniroute.rules.resolution import Setup

__all__ = ["check_contents", "held_reason", "refusal"]

_OURS: Final = frozenset({InboundKind.STATUS, InboundKind.ECHO, InboundKind.SYSTEM})
_TEXT: Final = frozenset({InboundKind.CHOICE, InboundKind.FORM})
_HELD: Final = {
    "connected": "its number is held, not connected",
    "embedded": "it is not embedded in a page",
    "forwarding_active": "its mailbox is not forwarded",
}


def refusal(setup: Setup, entry_point: ResolvedEntryPoint, item: Inbound) -> OmnirouteError | None:
    """Return the error that an item is refused with, or None where it is accepted.

    News of what we sent ourselves is always accepted: it moves and creates nothing.
    """
    if item.kind in _OURS:
        return None
    if (reason := held_reason(entry_point)) is not None:
        return EntryPointClosed(entry_point.name, reason)
    if entry_point.direction is not ChannelDirection.TWO_WAY:
        off = entry_point.direction is ChannelDirection.OFF
        state = "is off" if off else "is one-way, and carries nothing from contacts"
        reason = f"channel {entry_point.channel!r} {state}"
        return EntryPointClosed(entry_point.name, reason)
    contents = setup.contents(entry_point.channel)
    if contents is None or not item.kind.is_content:
        return None
    strange = [kind for kind in _kinds(item) if kind not in contents]
    return _unsupported(strange[0], contents) if strange else None


def held_reason(entry_point: ResolvedEntryPoint) -> str | None:
    """Return why an entry point is not live yet, or None where it is (G5 to G7)."""
    return None if entry_point.held is None else _HELD[entry_point.held]


def _kinds(item: Inbound) -> list[str]:
    """What an item holds, in the words of a channel's `contents`."""
    if item.kind in _TEXT:
        return ["text"]
    if item.attachments:
        return [each.kind for each in item.attachments]
    return [item.type if item.kind is InboundKind.MESSAGE else item.kind.value]


def check_contents(
    contents: Collection[str] | None, text: str | None, attachments: Collection[Attachment]
) -> None:
    """Raise `UnsupportedContent` for what a channel is not to carry, whatever its adapter can (U1)."""
    if contents is None:
        return
    # A text beside a file is its caption.
    kinds = [each.kind for each in attachments] or (["text"] if text else [])
    for kind in kinds:
        if kind not in contents:
            raise _unsupported(kind, contents)


def _unsupported(kind: str, contents: Collection[str]) -> UnsupportedContent:
    return UnsupportedContent(
        "this channel does not carry this kind of content",
        expected=", ".join(contents) or "nothing",
        got=kind,
    )
