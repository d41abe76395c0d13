"""The shell around the rules: transactions, configuration in force, what hosts call.

Nothing is imported before it is used, as everywhere at the face: who asks for a `Desk` gets that alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.lazy import exports

if TYPE_CHECKING:
    from omniroute.desk.acting import Acting
    from omniroute.desk.clock_views import ClockView, ResponseTargetView
    from omniroute.desk.contacts import Contacts
    from omniroute.desk.desk import Desk
    from omniroute.desk.desks import Desks, open_desk
    from omniroute.desk.due_story import DueStory, TimeSpan
    from omniroute.desk.explain import Handler, Story, TimelineEntry
    from omniroute.desk.following import FollowAs, Followed
    from omniroute.desk.intake import AcceptedItems, RefusedItem
    from omniroute.desk.numbers import CodeConfirmation, CodeRequest, Numbers, NumberView
    from omniroute.desk.outbox import DeadLetter
    from omniroute.desk.preview import Preview
    from omniroute.desk.team import Staff
    from omniroute.desk.timeline import Ahead, Timeline
    from omniroute.desk.views import (
        AgentView,
        Change,
        ConversationView,
        MessageView,
        Page,
        QueueView,
        Received,
        ReceivedItem,
        StaffChangeView,
        VersionView,
    )
    from omniroute.desk.waits import PlaceInLine

__all__ = [
    "AcceptedItems",
    "Acting",
    "AgentView",
    "Ahead",
    "Change",
    "ClockView",
    "CodeConfirmation",
    "CodeRequest",
    "Contacts",
    "ConversationView",
    "DeadLetter",
    "Desk",
    "Desks",
    "DueStory",
    "FollowAs",
    "Followed",
    "Handler",
    "MessageView",
    "NumberView",
    "Numbers",
    "Page",
    "PlaceInLine",
    "Preview",
    "QueueView",
    "Received",
    "ReceivedItem",
    "RefusedItem",
    "ResponseTargetView",
    "Staff",
    "StaffChangeView",
    "Story",
    "TimeSpan",
    "Timeline",
    "TimelineEntry",
    "VersionView",
    "open_desk",
]

_HOMES = {
    "omniroute.desk.acting": ("Acting",),
    "omniroute.desk.clock_views": (
        "ClockView",
        "ResponseTargetView",
    ),
    "omniroute.desk.contacts": ("Contacts",),
    "omniroute.desk.desk": ("Desk",),
    "omniroute.desk.desks": (
        "Desks",
        "open_desk",
    ),
    "omniroute.desk.due_story": (
        "DueStory",
        "TimeSpan",
    ),
    "omniroute.desk.explain": (
        "Handler",
        "Story",
        "TimelineEntry",
    ),
    "omniroute.desk.following": (
        "FollowAs",
        "Followed",
    ),
    "omniroute.desk.intake": (
        "AcceptedItems",
        "RefusedItem",
    ),
    "omniroute.desk.numbers": (
        "CodeConfirmation",
        "CodeRequest",
        "Numbers",
        "NumberView",
    ),
    "omniroute.desk.outbox": ("DeadLetter",),
    "omniroute.desk.preview": ("Preview",),
    "omniroute.desk.team": ("Staff",),
    "omniroute.desk.timeline": (
        "Ahead",
        "Timeline",
    ),
    "omniroute.desk.views": (
        "AgentView",
        "Change",
        "ConversationView",
        "MessageView",
        "Page",
        "QueueView",
        "Received",
        "ReceivedItem",
        "StaffChangeView",
        "VersionView",
    ),
    "omniroute.desk.waits": ("PlaceInLine",),
}

__getattr__ = exports(__name__, _HOMES)
