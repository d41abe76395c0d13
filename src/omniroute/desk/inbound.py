"""From a request to received items: the adapter verifies and reads, each item gets its transaction."""

from __future__ import annotations

from collections.abc import Iterable

from omniroute.desk.receive import REJECTED, Outcome, receive_item
from omniroute.desk.runtime import Runtime
from omniroute.desk.views import ReceivedItem
from omniroute.model.wire import Inbound, ParseResult, RawRequest, Rejected
from omniroute.rules.resolution import Setup

__all__ = ["item_view", "receive"]


def receive(
    runtime: Runtime,
    desk: str,
    entry_point: str,
    request: RawRequest | Inbound | Iterable[Inbound],
    now: int,
) -> tuple[list[Outcome], tuple[Rejected, ...]]:
    """Verify, parse and store; return what became of each item, and what could not be read."""
    setup = runtime.current(desk)
    parsed = _parse(runtime, desk, setup, entry_point, request, now)
    outcomes = []
    for item in parsed.items:
        name, refusal = _addressed(setup, entry_point, item)
        if name is None:
            outcomes.append(Outcome(REJECTED, item.key, item.kind, reason=refusal))
        else:
            outcomes.append(runtime.run(desk, now, receive_item(name, item)))
    return outcomes, parsed.rejected


def _parse(
    runtime: Runtime,
    desk: str,
    setup: Setup,
    entry_point: str,
    request: RawRequest | Inbound | Iterable[Inbound],
    now: int,
) -> ParseResult:
    setup.entry_point(entry_point)
    if isinstance(request, Inbound):
        return ParseResult(items=(request,))
    if not isinstance(request, RawRequest):
        return ParseResult(items=tuple(request))
    adapter, settings = runtime.adapter(desk, setup, entry_point)
    adapter.verify(request, settings, now)
    return adapter.parse(request, settings)


def _addressed(setup: Setup, entry_point: str, item: Inbound) -> tuple[str | None, str | None]:
    """Return the entry point an item is for: one webhook may hold those of several.

    A signature vouches only for entry points of the account that made it.
    """
    asked = setup.entry_point(entry_point)
    name = setup.by_address(asked.channel, item.address)
    if name is None:
        return None, f"no entry point has the address {item.address!r}"
    if setup.entry_point(name).account != asked.account:
        return None, f"entry point {name!r} belongs to another account than {entry_point!r}"
    return name, None


def item_view(outcome: Outcome) -> ReceivedItem:
    """Return what became of an item, for the host."""
    return ReceivedItem(
        result=outcome.result,
        key=outcome.key,
        kind=outcome.kind.value,
        conversation=None if outcome.conversation is None else outcome.conversation.id,
        message=outcome.message,
        reason=outcome.reason,
    )
