"""Accepting now and routing later: what a host's long transaction records without locking the desk.

An accepted item keeps the instant of its acceptance; the worker's `tick` receives it as of then
(S1). Its provider was told that we have it: one that cannot be routed any more is kept and listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import evolve

from omniroute.desk.foresight import of_item
from omniroute.desk.inbound import addressed, received
from omniroute.desk.receive import REJECTED
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.errors import UniqueViolation, UsageError
from omniroute.instants import from_micros
from omniroute.model.records import AcceptedItem
from omniroute.model.values import frozen
from omniroute.model.wire import Inbound, ParseResult, Rejected
from omniroute.ports import Transaction
from omniroute.rules.resolution import Setup
from omniroute.schema import DEDUPE, INTAKE

__all__ = ["AcceptedItems", "RefusedItem", "accept", "refused_items", "reroute", "route"]

_ORDER = INTAKE.index("intake_order")
_REFUSED = INTAKE.index("intake_refused")
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
    work = _recorded(desk, entry_point, parsed, int(now), setup)  # kept: not to be read anew
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
        # What is accepted later at the same instant is routed later.
        last = tx.entries(_ORDER, desk, (now,), limit=1, reverse=True)
        ahead = last[0][1] + 1 if last else 0
        for number, item in enumerate(parsed.items):
            name, refusal = addressed(setup, entry_point, item)
            if name is None:
                unreadable.append(Rejected(where=f"items[{number}]", reason=refusal or ""))
                continue
            key = (name, item.kind.value, item.key)
            waiting = tx.get(INTAKE, desk, key)
            # One that was refused is taken up again when its provider sends it again.
            if (waiting and waiting.refused is None) or tx.get(DEDUPE, desk, key) is not None:
                known.append(item.key)
                continue
            channel = setup.entry_point(name).channel
            tx.put(INTAKE, desk, AcceptedItem(name, channel, item, now, ahead + number))
            new.append(item.key)
        return AcceptedItems(tuple(new), tuple(known), tuple(unreadable))

    return work


def route(runtime: Runtime, desk: str) -> int:
    """Receive what was accepted, in the order in which it came; return how many items."""
    routed = 0
    while waiting := runtime.read(lambda tx: tx.scan(_ORDER, desk, limit=_BATCH)):
        for accepted in waiting:
            about = of_item(accepted.entry_point, accepted.item)
            runtime.run(desk, accepted.at, _routed(accepted), about=about)
        routed += len(waiting)
    return routed


def _routed(accepted: AcceptedItem) -> Callable[[Unit], None]:
    def flow(unit: Unit) -> None:
        # Another worker may have been faster; receiving twice would only find a duplicate.
        key = INTAKE.key(accepted)
        unit.tx.delete(INTAKE, unit.desk, key)
        refused = _received(unit, accepted)
        if refused is not None:
            unit.tx.put(INTAKE, unit.desk, evolve(accepted, refused=refused))

    return flow


def _received(unit: Unit, accepted: AcceptedItem) -> str | None:
    """Receive an item by the configuration in force; return why it could not be, or None."""
    name: str | None = accepted.entry_point
    if name not in unit.setup.config.entry_points:
        name = unit.setup.by_address(accepted.channel, accepted.item.address)  # renamed, perhaps
    if name is None:
        return f"no entry point has the address {accepted.item.address!r} any more"
    outcome = received(name, accepted.item)(unit).outcome
    return outcome.reason or "refused" if outcome.result == REJECTED else None


# --- what could not be routed ---------------------------------------------------------------------


@frozen
class RefusedItem:
    """An accepted item that could not be routed when its turn came, and why. `at` is its acceptance."""

    entry_point: str
    item: Inbound
    at: datetime
    reason: str


def refused_items(desk: str, zone: str, limit: int) -> Callable[[Transaction], list[RefusedItem]]:
    """Return the work that lists what could not be routed, the oldest first."""

    def work(tx: Transaction) -> list[RefusedItem]:
        return [
            RefusedItem(each.entry_point, each.item, from_micros(each.at, zone), each.refused or "")
            for each in tx.scan(_REFUSED, desk, limit=limit)
        ]

    return work


def reroute(refused: RefusedItem) -> Callable[[Unit], None]:
    """Return the flow that lets a refused item wait again, as of its acceptance."""
    key = (refused.entry_point, refused.item.kind.value, refused.item.key)

    def flow(unit: Unit) -> None:
        found = unit.tx.get(INTAKE, unit.desk, key)
        if found is None or found.refused is None:
            raise UsageError(f"item {refused.item.key!r} is not among the refused ones")
        unit.tx.put(INTAKE, unit.desk, evolve(found, refused=None))
        unit.come_back_at(min(unit.now, unit.record.next_work))

    return flow
