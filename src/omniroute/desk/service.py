"""What the log says of service in a period: service levels, and response targets that were exceeded.

Read backwards from the newest event, as far as the period reaches: it costs what happened since then.
Deadlines are told for their own instants, so that only what is stamped with a commit's own time says
how far back a page of the log lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from omniroute.errors import UsageError
from omniroute.model import events as tell
from omniroute.model.sla import ServiceLevel
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.rules.sla.service_level import ServiceLevelCount, Wait, count, waits
from omniroute.schema import LOG

__all__ = ["Period", "response_breaches", "service_level"]

_PAGE = 500
_ORDER = LOG.index("log_order")
_TIMELINE = LOG.index("timeline")
_STAMPED = (tell.Opened, tell.Started, tell.MessageReceived, tell.Assigned, tell.AgentAvailability)

Period = tuple[int, int]
"""Beyond an instant, up to and including another, in UTC microseconds."""


def service_level(
    desk: str, period: Period, queue: str | None, inbox: str | None
) -> Callable[[Transaction, Setup], ServiceLevelCount]:
    """Return the work that counts the waits that ended in a period, of a queue, an inbox, or all."""

    def work(tx: Transaction, setup: Setup) -> ServiceLevelCount:
        def level(path: str) -> ServiceLevel | None:
            if queue not in (None, path) or inbox not in (None, setup.inbox_of(path)):
                return None
            return setup.policy(None, path).service_level

        return count(_ended_in(tx, desk, period), level)

    return work


def response_breaches(
    desk: str, period: Period, by: str
) -> Callable[[Transaction], dict[str, int]]:
    """Return the work that counts exceeded response targets by `agent` or `queue` (U69)."""
    if by not in ("agent", "queue"):
        raise UsageError(
            "cannot count by that", where="by", expected="agent or queue", got=repr(by)
        )

    def work(tx: Transaction) -> dict[str, int]:
        found = Counter[str]()
        for event in _backwards(tx, desk, period[0]):
            if isinstance(event, tell.ResponseTargetExceeded) and _lies_in(event.at, period):
                name = event.agent if by == "agent" else event.queue
                found[name or ""] += 1
        return dict(sorted(found.items()))

    return work


def _lies_in(at: int, period: Period) -> bool:
    return period[0] < at <= period[1]


def _backwards(tx: Transaction, desk: str, since: int) -> Iterator[tell.Event]:
    """Yield events from the newest back, until a page of the log lies before an instant."""
    after: tuple[int] | None = None
    while page := tx.scan(_ORDER, desk, after=after, limit=_PAGE, reverse=True):
        yield from (entry.event for entry in page)
        stamped = [each.event.at for each in page if isinstance(each.event, _STAMPED)]
        if stamped and max(stamped) <= since:
            return
        after = (page[-1].position,)


def _ended_in(tx: Transaction, desk: str, period: Period) -> Iterator[Wait]:
    told: dict[str, list[tell.ConversationEvent]] = {}
    for event in _backwards(tx, desk, period[0]):
        if isinstance(event, tell.Transition | tell.Relocated):
            told.setdefault(event.conversation, []).append(event)
    for conversation, events in told.items():
        found = list(waits(reversed(events)))
        if any(wait.since is None or not wait.queue for wait in found):
            found = list(waits(_whole(tx, desk, conversation)))
        yield from (wait for wait in found if _lies_in(wait.until, period))


def _whole(tx: Transaction, desk: str, conversation: str) -> Iterator[tell.ConversationEvent]:
    after: tuple[int] | None = None
    while page := tx.scan(_TIMELINE, desk, (conversation,), after=after, limit=_PAGE):
        for entry in page:
            if isinstance(entry.event, tell.ConversationEvent):
                yield entry.event
        after = (page[-1].position,)
