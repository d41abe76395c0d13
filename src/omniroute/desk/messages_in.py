"""The part of `Desk` through which messages come in: webhooks, and what a host read itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from omniroute.desk.part import Part
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import foresight, inbound, intake, read
    from omniroute.desk.intake import AcceptedItems, RefusedItem
    from omniroute.desk.views import Received
    from omniroute.model import wire
    from omniroute.model.wire import Inbound, RawRequest, RawResponse
else:
    foresight, inbound, intake, read = later(
        globals(), "omniroute.desk", "foresight", "inbound", "intake", "read"
    )
    (wire,) = later(globals(), "omniroute.model", "wire")

__all__ = ["MessagesIn"]


class MessagesIn(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    def receive(
        self,
        entry_point: str,
        request: RawRequest | Inbound | Iterable[Inbound],
        *,
        now: datetime | None = None,
        within: object | None = None,
    ) -> Received:
        """Verify, read and store a webhook, one transaction for each item it holds.

        A host that has read its channel itself passes `Inbound` values instead of the request. With
        `within` it all joins the transaction open on the host's connection, in one savepoint for
        each item; the desk is then locked until the host commits. Raises `PayloadError` where
        nothing of the request can be used, `EntryPointClosed` and `UnsupportedContent` for the
        first of a host's own items that is not accepted (those of a webhook are reported as
        rejected), `UnknownEntryPoint`, and `StoreError`: answer 5xx then, and redelivery skips what
        is already stored (X3).
        """
        instant = self._now(now)
        setup = partial(self._runtime.current, self.id, within=within)
        parsed = inbound.parse(self._runtime, self.id, entry_point, request, instant, setup=setup)
        own = not isinstance(request, wire.RawRequest)
        outcomes = []
        for item in parsed.items:
            flow = inbound.received(entry_point, item, own=own)
            about = foresight.of_item(entry_point, item)
            outcomes.append(self._runtime.run(self.id, instant, flow, within=within, about=about))
        return inbound.summary(outcomes, parsed.rejected, instant)

    def accept(
        self,
        entry_point: str,
        request: RawRequest | Inbound | Iterable[Inbound],
        *,
        now: datetime | None = None,
        within: object | None = None,
    ) -> AcceptedItems:
        """Verify, read and record a webhook without routing it: the next `tick` does that.

        Does not lock the desk, so that a host's long transaction (`within`) holds nobody up. What
        was accepted before, or received, is skipped as `receive` skips it. What cannot be routed when
        its turn comes is in `refused_items`.
        """
        instant = self._now(now)
        setup = self._runtime.current(self.id, within=within)
        setup.entry_point(entry_point)  # known, or nothing could route it
        parsed = inbound.parse(
            self._runtime, self.id, entry_point, request, instant, setup=lambda: setup
        )
        return intake.accept(
            self._runtime, self.id, entry_point, parsed, instant, setup=setup, within=within
        )

    def refused_items(self, *, limit: int = 50) -> list[RefusedItem]:
        """Return what was accepted and could not be routed, the oldest first, with the reasons."""
        read.check_limit(limit)
        return self._runtime.look(
            self.id, lambda tx, setup: intake.refused_items(self.id, setup.config.zone, limit)(tx)
        )

    def reroute(self, refused: RefusedItem, *, now: datetime | None = None) -> None:
        """Let a refused item wait for the next `tick` again, as of its acceptance."""
        self._runtime.run(self.id, self._now(now), intake.reroute(refused))

    def handshake(self, entry_point: str | None, request: RawRequest) -> RawResponse | None:
        """Return the answer to a provider's set-up call for an entry point, or None when it is none.

        Without an entry point the first answers that knows the call; those of channels without an
        adapter are passed over.
        """
        return inbound.handshake(self._runtime, self.id, entry_point, request)
