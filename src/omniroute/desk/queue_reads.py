"""The part of `Desk` that reads queues, and where conversations stand in their lines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from omniroute.desk.part import Part
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import queue_views, waits
    from omniroute.desk.views import QueueView
    from omniroute.desk.waits import PlaceInLine
else:
    queue_views, waits = later(globals(), "omniroute.desk", "queue_views", "waits")

__all__ = ["QueueReads"]


class QueueReads(Part):
    """What a desk answers about its queues."""

    def queues(self, inbox: str | None = None) -> list[QueueView]:
        """Return an inbox's queues, or every inbox's, in tree order, branches before what lies below.

        An inbox without a tree is one leaf. `UsageError` for an inbox that is not there.
        """
        return self._runtime.look(self.id, queue_views.listed(self.id, inbox))

    def place_in_line(
        self, conversation: str, *, now: datetime | None = None
    ) -> PlaceInLine | None:
        """Return where a conversation stands in its queue's line; None where it does not wait (P8).

        `UnknownConversation` for one that is not there. Costs looks at no more than two thousand entries.
        """
        instant = self._now(now)

        return self._runtime.look(self.id, waits.standing(self.id, conversation, instant))
