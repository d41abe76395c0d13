"""The shell around the rules: transactions, configuration in force, what hosts call."""

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
