"""The part of `Desk` by which agents get work: they take the next that waits, or what is offered (M5)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from omniroute.desk.part import Part
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import idempotency, offering, pulling, read, views
    from omniroute.desk.foresight import About
    from omniroute.desk.unit import Unit
    from omniroute.desk.views import ConversationView
    from omniroute.ports import Transaction
    from omniroute.rules.resolution import Setup
else:
    idempotency, offering, pulling, read, views = later(
        globals(), "omniroute.desk", "idempotency", "offering", "pulling", "read", "views"
    )

__all__ = ["GettingWork"]


class GettingWork(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    def take_next(
        self,
        *,
        by: str,
        queue: str | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView | None:
        """Take whatever comes first of all that `by` may claim (C3, M3, R2); None where nothing waits.

        One transaction: no two agents get the same one, and nobody is passed over. What may be claimed
        waits in queues that the agent serves and whose policy says claim; `queue` narrows it to one of
        them, or to those below a branch or inbox. Channels, skills, groups and who waits for whom count
        as where the desk pushes. Raises `CapacityExceeded` where something waits and `by` holds
        `hard_max`, `UsageError` for a queue that they do not serve. Nothing taken is not recorded under
        `key`: asked again, it looks again. `key` and `within` as for `take`.
        """
        flow = idempotency.once(key, pulling.taking(by, queue), "take_next", by, queue)
        instant = self._now(now)

        def viewed(unit: Unit) -> ConversationView | None:
            done = flow(unit)
            found = None if done is None else done.conversation
            return None if found is None else views.view_of(found, unit.setup, instant)

        about: About = (None, by, key, "claims")
        return self._runtime.run(self.id, instant, viewed, within=within, about=about)

    def accept_offer(
        self,
        conversation: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Take a conversation that is offered to `by`: the first to accept has it (M5).

        Raises `AlreadyTaken` naming the agent who was first, `NotOffered` where it is not offered to `by`
        (to somebody else, declined, lapsed, not theirs to take), `CapacityExceeded` where they have
        no room for what is offered to everybody. `key` and `within` as for `take`.
        """
        flow = idempotency.once(
            key, offering.accept(conversation, by), "accept_offer", conversation, by
        )
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def decline_offer(
        self,
        conversation: str,
        *,
        by: str,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Leave what is offered to others: `by` is not offered it again in this wait (M5).

        It keeps its place in the queue. Raises `NotOffered` where it is not offered to `by`. `key` and
        `within` as for `take`.
        """
        flow = idempotency.once(
            key, offering.decline(conversation, by), "decline_offer", conversation, by
        )
        return self._commanded(flow, now, within, (conversation, by, key, None))

    def offers(
        self, agent: str, *, limit: int = 50, now: datetime | None = None
    ) -> tuple[ConversationView, ...]:
        """Return what is offered to an agent now: to them alone first, then to all who may take it.

        In the order in which it would be given out (M3). An agent without room is shown nothing that is
        offered to all. `UnknownAgent` when there is none of that id.
        """
        read.check_limit(limit)
        instant = self._now(now)

        def work(tx: Transaction, setup: Setup) -> tuple[ConversationView, ...]:
            found = offering.offered(tx, self.id, setup, agent, instant, limit)
            return tuple(views.view_of(each, setup, instant) for each in found[:limit])

        return self._runtime.look(self.id, work)
