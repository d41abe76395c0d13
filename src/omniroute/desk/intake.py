"""Accepting now and routing later: what a host's long transaction records without locking the desk.

An accepted item keeps the instant of its acceptance; the worker's `tick` receives it as of then
(S1).
"""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk.inbound import addressed, received
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.errors import UniqueViolation
from omniroute.model.records import AcceptedItem
from omniroute.model.values import frozen
from omniroute.model.wire import ParseResult, Rejected
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import DEDUPE, INTAKE

__all__ = ["AcceptedItems", "accept", "route"]

_ORDER = INTAKE.index("intake_order")
_BATCH = 100


@frozen
class AcceptedItems:
    """What was recorded for routing: keys of new items, of those known before, and the unreadable."""

    new: tuple[str, ...]
    known: tuple[str, ...]
    unreadable: tuple[Rejected, ...]


def accept(
    runtime: Runtime,
    desk: str,
    entry_point: str,
    parsed: ParseResult,
    now: int,
    *,
    setup: Setup,
    within: object | None,
) -> AcceptedItems:
    """Record items, each where its address belongs; takes no lock on the desk."""
    work = _recorded(desk, entry_point, parsed, now, setup)
    for _ in parsed.items:
        try:
            return runtime.transact(work, within=within)
        except UniqueViolation:
            continue  # somebody recorded the same item at this moment: now it is known
    return runtime.transact(work, within=within)


def _recorded(
    desk: str, entry_point: str, parsed: ParseResult, now: int, setup: Setup
) -> Callable[[Transaction], AcceptedItems]:

    def work(tx: Transaction) -> AcceptedItems:
        new, known, unreadable = [], [], list(parsed.rejected)
        for number, item in enumerate(parsed.items):
            name, refusal = addressed(setup, entry_point, item)
            if name is None:
                unreadable.append(Rejected(where=f"items[{number}]", reason=refusal or ""))
                continue
            key = (name, item.kind.value, item.key)
            seen = tx.get(INTAKE, desk, key) or tx.get(DEDUPE, desk, key)
            if seen is not None:
                known.append(item.key)
                continue
            tx.put(INTAKE, desk, AcceptedItem(name, item, now, number))
            new.append(item.key)
        return AcceptedItems(tuple(new), tuple(known), tuple(unreadable))

    return work


def route(runtime: Runtime, desk: str) -> int:
    """Receive what was accepted, in the order in which it came; return how many items."""
    routed = 0
    while waiting := runtime.read(lambda tx: tx.scan(_ORDER, desk, limit=_BATCH)):
        for accepted in waiting:
            runtime.run(desk, accepted.at, _routed(accepted))
        routed += len(waiting)
    return routed


def _routed(accepted: AcceptedItem) -> Callable[[Unit], None]:
    def flow(unit: Unit) -> None:
        # Another worker may have been faster; receiving twice would only find a duplicate.
        unit.tx.delete(INTAKE, unit.desk, INTAKE.key(accepted))
        if accepted.entry_point not in unit.setup.config.entry_points:
            return  # removed since: what comes to it now is refused as well
        received(accepted.entry_point, accepted.item)(unit)

    return flow
