"""The part of `Desk` that writes to contacts first: conversations that agents start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from omniroute.desk.idempotency import Done, once
from omniroute.desk.starting import Opening, start
from omniroute.desk.views import ConversationView
from omniroute.model.state import Access
from omniroute.model.wire import Attachment, Template

if TYPE_CHECKING:
    from omniroute.desk.runtime import Runtime
    from omniroute.desk.unit import Unit

__all__ = ["Outreach"]


class Outreach:
    """What `Desk` inherits. Everything here is a method of every desk."""

    if TYPE_CHECKING:
        id: str
        _runtime: Runtime

        def _commanded(
            self, flow: Callable[[Unit], Done], now: datetime | None, within: object | None
        ) -> ConversationView: ...

    def start(
        self,
        entry_point: str,
        text: str | None = None,
        *,
        by: str,
        contact: str | None = None,
        address: str | None = None,
        attachments: Sequence[Attachment] = (),
        template: Template | None = None,
        queue: str | None = None,
        thread: str = "",
        access: Access | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView:
        """Write to a contact first: a conversation begins that `by` holds (S11, T7).

        To a contact by id, or to whoever has an `address`, known or new; with both, to that address of
        theirs. It stands in `queue`, a leaf of the entry point's inbox: by default the entry point's
        own, or the first there that `by` serves. It takes a slot, up to `hard_max` as all that people
        do by hand, and has no first-response clock. A first message that fails for good ends it.

        Raises `AgentInitiatedNotAllowed` where the channel is off or policy says no,
        `ConversationOpen`, naming it, where one is open with that contact on this entry point and
        thread, `MessagingWindowClosed` where only a `template` goes out, `UnsupportedContent`,
        `CapacityExceeded`, `AgentUnavailable` for an agent without this channel. `access` says from
        where the agent came (C14). `key` and `within` as for `take`.
        """
        opening = Opening(
            entry_point=entry_point,
            contact=contact,
            address=address,
            text=text,
            attachments=tuple(attachments),
            template=template,
            thread=thread,
        )
        flow = start(opening, by, self._runtime.capabilities, queue=queue, access=access)
        return self._commanded(once(key, flow, "start", by, opening, queue), now, within)
