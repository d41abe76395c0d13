"""What both forms agree on: names of union members, which fields are instants, what JSON can hold.

Owns the tables that a new event, effect or instant is entered in, and the refusal of secrets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Any, Final, Union, get_origin

from attrs import Attribute, fields, resolve_types

from omniroute.errors import UsageError
from omniroute.model import effects, events, wire
from omniroute.model.secret import Secret

__all__ = [
    "BY_KIND",
    "INSTANTS",
    "KIND",
    "KINDS",
    "UNIONS",
    "attributes",
    "canonical",
    "is_enum",
    "is_mapping",
    "is_tuple",
    "is_union",
    "refusal",
]

KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        events.Opened: "opened",
        events.Started: "started",
        events.Queued: "queued",
        events.Offered: "offered",
        events.OfferEnded: "offer_ended",
        events.Declined: "declined",
        events.Assigned: "assigned",
        events.Reactivated: "reactivated",
        events.TookOver: "took_over",
        events.FellSilent: "fell_silent",
        events.Dismissed: "dismissed",
        events.Snoozed: "snoozed",
        events.Selecting: "selecting",
        events.Ended: "ended",
        events.MessageReceived: "message_received",
        events.MessageSent: "message_sent",
        events.KeepAliveAsked: "keep_alive_asked",
        events.MenuMoved: "menu_moved",
        events.Relocated: "relocated",
        events.NoteAdded: "note_added",
        events.Remarked: "remarked",
        events.Tagged: "tagged",
        events.Described: "described",
        events.Lined: "lined",
        events.SlaBreached: "sla_breached",
        events.SlaRescheduled: "sla_rescheduled",
        events.SlaWarned: "sla_warned",
        events.ResponseTargetExceeded: "response_target_exceeded",
        events.DeliveryChanged: "delivery_changed",
        events.FlowStarted: "flow_started",
        events.AgentSaved: "agent_saved",
        events.AgentRemoved: "agent_removed",
        events.AgentAvailability: "agent_availability",
        events.WrapUpStarted: "wrap_up_started",
        events.WrapUpEnded: "wrap_up_ended",
        events.Weighed: "weighed",
        events.RoomKept: "room_kept",
        events.RoomReleased: "room_released",
        events.Configured: "configured",
        events.ContactsMerged: "contacts_merged",
        events.NumberVerificationChanged: "number_verification_changed",
        events.EngagementSent: "engagement_sent",
        events.EngagementDelivery: "engagement_delivery",
        effects.SendMessage: "send_message",
        effects.StartFlow: "start_flow",
        wire.Accepted: "accepted",
        wire.Retryable: "retryable",
        wire.Permanent: "permanent",
        wire.Unknown: "unknown",
    }
)
"""The name in stored text of every class that stands in a union. Never changed once released."""

BY_KIND: Final[Mapping[str, type]] = MappingProxyType({name: cls for cls, name in KINDS.items()})
"""The reverse of `KINDS`."""

KIND: Final = "kind"
"""The key that a union member's name stands under."""

UNIONS: Final[tuple[Any, ...]] = (events.Event, effects.Effect, wire.SendResult)
"""Field types whose values are told apart by their kind."""

INSTANTS: Final = frozenset(
    {
        "agent_at",
        "asked_at",
        "at",
        "committed_at",
        "contact_at",
        "due",
        "expires_at",
        "first_reply_at",
        "given_at",
        "idle_since",
        "next_due",
        "next_work",
        "opened_at",
        "paused_at",
        "provider_at",
        "queued_at",
        "ready_at",
        "resolution_due",
        "respond_by",
        "served_at",
        "since",
        "stages_until",
        "started_at",
        "status_at",
        "stopped_at",
        "told_closed_at",
        "until",
        "waiting_since",
        "warned_at",
        "woke_at",
    }
)
"""The fields whose integer is an instant. Other integers are counts, positions or durations."""


def canonical(value: Any) -> Any:
    """Return a JSON value with keys in order; `UsageError` for anything that JSON does not have."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [canonical(each) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: canonical(value[key]) for key in sorted(value)}
    raise refusal(value)


def refusal(value: object) -> UsageError:
    """Return the error that says why a value cannot become JSON."""
    if isinstance(value, Secret):
        return UsageError("a secret is never stored or shown", hint="store a reference to it")
    return UsageError(
        "not a JSON value",
        expected="text, a finite number, true, false, null, a list, or a mapping with text keys",
        got=type(value).__name__ if not isinstance(value, float) else repr(value),
    )


def is_union(kind: Any) -> bool:
    """Whether a type is a union, None included."""
    return get_origin(kind) in (Union, UnionType)


def is_enum(kind: Any) -> bool:
    """Whether a type is an enumeration."""
    return isinstance(kind, type) and issubclass(kind, Enum)


def is_tuple(kind: Any) -> bool:
    """Whether a type is a tuple with its members named."""
    return get_origin(kind) is tuple


def is_mapping(kind: Any) -> bool:
    """Whether a type is a mapping with its members named."""
    return get_origin(kind) is Mapping


def attributes(cls: type) -> tuple[Attribute[Any], ...]:
    """Return an attrs class's fields, their types resolved."""
    return tuple(fields(resolve_types(cls)))
