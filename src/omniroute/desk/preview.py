"""What would happen to a message, now or at any instant, changing nothing (P14).

The message is received as any other, in a transaction that is then taken back: what is told is what
would have been committed.
"""

from __future__ import annotations

from omniroute.desk.explain import Story, explain
from omniroute.desk.inbound import received
from omniroute.desk.runtime import Runtime
from omniroute.desk.tick import fire_overdue
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.ids import Draw, RandomIds
from omniroute.model.values import frozen
from omniroute.model.wire import Inbound, InboundKind, Sender
from omniroute.ports import Transaction

__all__ = ["Preview", "as_inbound", "preview"]


@frozen
class Preview:
    """What would become of a message: its result, and the story of the conversation it would touch.

    `result` is as in `ReceivedItem`; `story` is None where no conversation would be touched. Ids of
    what does not exist yet are made up.
    """

    result: str
    reason: str | None
    story: Story | None

    def as_text(self) -> str:
        """Return it for a person to read."""
        head = f"would be {self.result}" + ("" if self.reason is None else f": {self.reason}")
        return head if self.story is None else f"{head}\n{self.story.as_text()}"


class _Taken(Exception):
    """Carries what was found out of a transaction that must not commit."""

    def __init__(self, found: Preview) -> None:
        self.found = found


def preview(runtime: Runtime, desk: str, entry_point: str, item: Inbound, now: int) -> Preview:
    """Return what would become of an item on an entry point at an instant."""

    def work(tx: Transaction) -> None:
        tx.lock(desk)
        unit = Unit(tx, desk, now, Draw(RandomIds()), runtime)
        fire_overdue(unit)
        outcome = received(entry_point, item, own=True)(unit).outcome
        unit.finish()
        touched, story = outcome.conversation, None
        if touched is not None:
            story = explain(desk, touched.id, unit.setup)(tx)
        raise _Taken(Preview(outcome.result, outcome.reason, story))

    try:
        runtime.transact(work)
    except _Taken as taken:
        return taken.found
    raise UsageError("the store ran nothing", where="store", got=type(runtime.store).__name__)


def as_inbound(message: str | Inbound, contact: str, address: str) -> Inbound:
    """Return a text as the item that a contact with an address would have sent."""
    if isinstance(message, Inbound):
        return message
    return Inbound(
        kind=InboundKind.MESSAGE,
        key=RandomIds().next("preview"),
        address=address,
        sender=Sender(addresses=(contact,)),
        text=message,
    )
