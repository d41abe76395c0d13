"""From a request to items, and from what became of them to the host's answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence

from omniroute.desk.receive import REJECTED, Outcome, receive_item
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.desk.views import Received, ReceivedItem, view_of
from omniroute.errors import PayloadError, PluginError, UsageError
from omniroute.model.values import frozen
from omniroute.model.wire import Inbound, ParseResult, RawRequest, RawResponse, Rejected
from omniroute.ports import ChannelAdapter
from omniroute.rules import acceptance
from omniroute.rules.handed_over import check_request, item_problem
from omniroute.rules.names import shown
from omniroute.rules.resolution import Setup

__all__ = [
    "Arrival",
    "addressed",
    "handshake",
    "parse",
    "received",
    "signed_for",
    "summary",
]


@frozen
class Arrival:
    """What became of an item, and the configuration under which it did."""

    outcome: Outcome
    setup: Setup


def parse(
    runtime: Runtime,
    desk: str,
    entry_point: str,
    request: RawRequest | Inbound | Iterable[Inbound],
    now: int,
    *,
    setup: Callable[[], Setup],
) -> ParseResult:
    """Verify and read a request, by `setup()`; a host's own items are taken as they are."""
    if not isinstance(request, RawRequest):
        return ParseResult(items=_own_items(request))
    check_request(request)
    adapter, settings = runtime.adapter(desk, setup(), entry_point)
    adapter.verify(request, settings, now)
    return _read(adapter.parse(request, settings), adapter)


def _read(result: object, adapter: ChannelAdapter) -> ParseResult:
    """Return what an adapter read; `PluginError` where it did not give what it promised."""
    if isinstance(result, ParseResult):
        items: object = result.items
        if isinstance(items, tuple | list) and all(isinstance(each, Inbound) for each in items):
            return result
        result = items
    raise PluginError(
        f"the adapter for {adapter.kind!r} read a webhook wrongly",
        expected="a ParseResult with Inbound items from its parse",
        got=shown(result),
        hint="the adapter conformance kit finds such mistakes",
    )


def handshake(
    runtime: Runtime, desk: str, entry_point: str | None, request: RawRequest
) -> RawResponse | None:
    """Return the answer of an entry point, or of the first that has one, to a set-up call."""
    setup = runtime.current(desk)
    for name in _reachable(runtime, setup) if entry_point is None else (entry_point,):
        adapter, settings = runtime.adapter(desk, setup, name)
        greeting = adapter.handshake(request, settings)
        if greeting is not None:
            return greeting
    return None


def signed_for(runtime: Runtime, desk: str, request: RawRequest) -> str | None:
    """Return the first entry point for whose account a webhook is signed, or None."""
    setup, now = runtime.current(desk), runtime.clock.now()
    for name in _reachable(runtime, setup):
        adapter, settings = runtime.adapter(desk, setup, name)
        with contextlib.suppress(PayloadError):
            adapter.verify(request, settings, now)
            return name
    return None


def _reachable(runtime: Runtime, setup: Setup) -> list[str]:
    """Entry points whose channel has an adapter here: another process may have others."""
    known = runtime.registry.kinds()
    return [each.name for each in setup.entry_points_of() if each.kind in known]


def _own_items(request: object) -> tuple[Inbound, ...]:
    if isinstance(request, Inbound):
        return (request,)
    items = tuple(request) if isinstance(request, Iterable) else ()
    if not isinstance(request, Iterable) or not all(isinstance(each, Inbound) for each in items):
        raise UsageError(
            "not a webhook", expected="a RawRequest, or Inbound values", got=type(request).__name__
        )
    return items


def received(entry_point: str, item: Inbound, *, own: bool = False) -> Callable[[Unit], Arrival]:
    """Return the flow that receives an item where its address belongs.

    A host's own item that is refused raises; one of a webhook is reported.
    """

    def flow(unit: Unit) -> Arrival:
        name, refusal = addressed(unit.setup, entry_point, item)
        if name is None:
            return Arrival(Outcome(REJECTED, item.key, item.kind, reason=refusal), unit.setup)
        if error := acceptance.refusal(unit.setup, unit.setup.entry_point(name), item):
            if own:
                raise error
            rejected = Outcome(REJECTED, item.key, item.kind, reason=error.summary)
            return Arrival(rejected, unit.setup)
        return Arrival(receive_item(name, item)(unit), unit.setup)

    return flow


def addressed(setup: Setup, entry_point: str, item: Inbound) -> tuple[str | None, str | None]:
    """Return the entry point an item is for, or None and why: a webhook may hold those of several.

    A signature vouches only for entry points of the account that made it.
    """
    asked = setup.entry_point(entry_point)
    if problem := item_problem(item):
        return None, problem
    name = setup.by_address(asked.kind, item.address)
    if name is None:
        return None, f"no entry point has the address {item.address!r}"
    if setup.entry_point(name).account != asked.account:
        return None, f"entry point {name!r} belongs to another account than {entry_point!r}"
    return name, None


def summary(arrivals: Sequence[Arrival], unreadable: tuple[Rejected, ...], now: int) -> Received:
    """Return what became of a request, for the host."""
    touched = {
        each.outcome.conversation.id: view_of(each.outcome.conversation, each.setup, now)
        for each in arrivals
        if each.outcome.conversation is not None
    }
    return Received(
        items=tuple(_item(each.outcome) for each in arrivals),
        conversations=tuple(touched.values()),
        unreadable=unreadable,
    )


def _item(outcome: Outcome) -> ReceivedItem:
    return ReceivedItem(
        result=outcome.result,
        key=str(outcome.key),
        kind=str(outcome.kind),  # what an adapter or host named so need not be a kind
        conversation=None if outcome.conversation is None else outcome.conversation.id,
        message=outcome.message,
        reason=outcome.reason,
    )
