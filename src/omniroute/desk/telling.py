"""The part of `Desk` that tells: what would become of a message, what became of one, and why (P14)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from omniroute.desk.part import Part
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import explain, preview, recomputing, timeline
    from omniroute.desk.explain import Story
    from omniroute.desk.preview import Preview
    from omniroute.desk.timeline import Timeline
    from omniroute.model.explanation import Candidate
    from omniroute.model.wire import Inbound
    from omniroute.ports import Transaction
    from omniroute.rules.resolution import Setup
else:
    explain, preview, recomputing, timeline = later(
        globals(), "omniroute.desk", "explain", "preview", "recomputing", "timeline"
    )

__all__ = ["Telling"]


class Telling(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    def preview(
        self,
        entry_point: str,
        message: str | Inbound,
        *,
        contact: str = "somebody",
        at: datetime | None = None,
    ) -> Preview:
        """Return what would become of a message now, or `at` an instant, changing nothing (P14).

        A text is taken as one that comes from the address `contact`.
        """
        address = self._runtime.current(self.id).entry_point(entry_point).address
        item = preview.as_inbound(message, contact, address)
        return preview.preview(self._runtime, self.id, entry_point, item, self._now(at, "at"))

    def explain(self, conversation: str) -> Story:
        """Return why: this inbox, SLA, queue and agent, or why nobody (P14, S13)."""

        def work(tx: Transaction, setup: Setup) -> Story:
            return explain.explain(self.id, conversation, setup)(tx)

        return self._runtime.look(self.id, work)

    def candidates(
        self, conversation: str, *, position: int | None = None
    ) -> tuple[Candidate, ...]:
        """Return every agent who served the queue when a conversation was given out, and why not (S13).

        Whoever got it comes first, then the others in the order in which they would have; `refused` is
        None for whoever had room and was suitable. `position` is a decision's of `explain`, the latest
        where it is None. Reads the log from its beginning to there. `UnknownConversation` without any
        decision, `UsageError` for a position at which none was taken.
        """
        listed = recomputing.candidates(self.id, conversation, position, self._runtime.setup)
        return self._runtime.look(self.id, listed)

    def timeline(self, conversation: str) -> Timeline:
        """Return what happened to a conversation, what was said, and what is to come.

        Data (`as_json`), and text for people (`as_text`). `UnknownConversation` when there is none.
        """
        return self._runtime.look(self.id, timeline.timeline(self.id, conversation))
