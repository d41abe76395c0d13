"""What every part of a `Desk` stands on: whose desk it is, the instant of a call, a command's answer.

A `Desk` is made of parts, one file for each concern; each is a class of methods that inherits this.
A part says what may be asked, and asks a flow: flows are imported when they are first called (`lazy`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from omniroute.clock import resolve_now
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.desk import views
    from omniroute.desk.foresight import About
    from omniroute.desk.idempotency import Done
    from omniroute.desk.runtime import Runtime
    from omniroute.desk.unit import Unit
    from omniroute.desk.views import ConversationView, MessageView
    from omniroute.model.conversation import Conversation
    from omniroute.model.message import Message
    from omniroute.ports import Transaction
    from omniroute.rules.resolution import Setup
else:
    (views,) = later(globals(), "omniroute.desk", "views")

__all__ = ["Part"]


class Part:
    """What the parts of a desk share."""

    def __init__(self, desk_id: str, runtime: Runtime) -> None:
        self.id = desk_id
        self._runtime = runtime

    def _now(self, now: datetime | None, where: str = "now") -> int:
        return resolve_now(now, self._runtime.clock, where)

    def _commanded(
        self,
        flow: Callable[[Unit], Done],
        now: datetime | None,
        within: object | None,
        about: About | None = None,
    ) -> ConversationView:
        """Run a command, and answer with the conversation as it left it."""
        instant = self._now(now)

        def commanded(unit: Unit) -> tuple[Conversation, Setup]:
            found = flow(unit).conversation
            assert found is not None  # noqa: S101  (these flows are about one)
            return found, unit.setup

        run = self._runtime.run
        found, setup = run(self.id, instant, commanded, within=within, about=about)
        return views.view_of(found, setup, instant)  # the desk is others' by now

    def _written(
        self,
        flow: Callable[[Unit], Done],
        now: datetime | None,
        within: object | None,
        about: About | None = None,
    ) -> MessageView:
        """Run a command that writes a message, and answer with that."""

        def written(unit: Unit) -> tuple[Message, Setup]:
            message = flow(unit).message
            assert message is not None  # noqa: S101  (these flows write one)
            return message, unit.setup

        instant = None if now is None else self._now(now)  # the clock is read once, under the lock
        run = self._runtime.run
        message, setup = run(self.id, instant, written, within=within, about=about)
        return views.MessageView.of(message, setup.config.zone)

    def _read(self, listed: Callable[[Transaction], list[Message]]) -> list[MessageView]:
        """Read messages, and answer with what a host sees of them."""

        def work(tx: Transaction, setup: Setup) -> list[MessageView]:
            return [views.MessageView.of(each, setup.config.zone) for each in listed(tx)]

        return self._runtime.look(self.id, work)
