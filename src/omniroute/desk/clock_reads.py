"""Reading clocks: what is overdue or soon will be, service levels, response targets that were exceeded.

`ClockReads` is the part of `Desk` that asks for them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from omniroute.desk.part import Part
from omniroute.instants import DAY, check_instant, to_duration
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import read, service, views
    from omniroute.desk.views import ConversationView, Page
    from omniroute.ports import Transaction
    from omniroute.rules.resolution import Setup
    from omniroute.rules.sla.service_level import ServiceLevelCount
else:
    read, service, views = later(globals(), "omniroute.desk", "read", "service", "views")

__all__ = ["ClockReads"]


class ClockReads(Part):
    """What a desk answers about the clocks of its conversations."""

    def overdue(
        self,
        *,
        agent: str | None = None,
        queue: str | None = None,
        inbox: str | None = None,
        limit: int = 50,
        after: str | None = None,
        now: datetime | None = None,
    ) -> Page[ConversationView]:
        """Return a page of open conversations with a breached clock, the longest overdue first (P11)."""
        instant = self._now(now)
        query = read.Query(
            agent=agent, queue=queue, inbox=inbox, limit=limit, after=after, due_until=instant - 1
        )
        return self._listed(query, instant)

    def at_risk(
        self,
        within: str | timedelta,
        *,
        agent: str | None = None,
        queue: str | None = None,
        inbox: str | None = None,
        limit: int = 50,
        after: str | None = None,
        now: datetime | None = None,
    ) -> Page[ConversationView]:
        """Return a page of open conversations that are next due `within` a duration, the first first."""
        instant = self._now(now)
        query = read.Query(
            agent=agent,
            queue=queue,
            inbox=inbox,
            limit=limit,
            after=after,
            due_from=instant,
            due_until=instant + to_duration(within, where="within"),
        )
        return self._listed(query, instant)

    def service_level(
        self,
        *,
        queue: str | None = None,
        inbox: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> ServiceLevelCount:
        """Return how many were answered within the target, of a queue, an inbox, or all (U19, U20).

        Counts waits that ended after `since` and by `until`; without them, in the last 24 hours. A
        conversation that waits twice counts twice. `share` is None where nothing was counted.
        """
        period = self._period(since, until, now)
        return self._runtime.look(self.id, service.service_level(self.id, period, queue, inbox))

    def response_breaches(
        self,
        by: str = "agent",
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        now: datetime | None = None,
    ) -> dict[str, int]:
        """Count exceeded response targets by `agent` or `queue` (U69), in a period as `service_level`."""
        period = self._period(since, until, now)
        return self._runtime.read(service.response_breaches(self.id, period, by))

    def _period(
        self, since: datetime | None, until: datetime | None, now: datetime | None
    ) -> service.Period:
        end = self._now(now) if until is None else check_instant(until, "until")
        return (end - DAY if since is None else check_instant(since, "since")), end

    def _listed(self, query: read.Query, instant: int) -> Page[ConversationView]:
        listed = read.list_conversations(self.id, query)

        def work(tx: Transaction, setup: Setup) -> Page[ConversationView]:
            found, cursor = listed(tx)
            shown = tuple(views.view_of(each, setup, instant) for each in found)
            return views.Page(shown, cursor)

        return self._runtime.look(self.id, work)
