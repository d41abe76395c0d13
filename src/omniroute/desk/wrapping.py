"""Wrap-up: after the end a slot stays taken for a time, or until the agent is done (P6).

The hold and its deadline belong to the agent; the conversation is over and has neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from omniroute.errors import UsageError
from omniroute.lazy import later
from omniroute.model import events as tell
from omniroute.model.events import SYSTEM, agent_actor
from omniroute.model.records import AgentTimer, AgentTimerKind
from omniroute.model.state import State
from omniroute.schema import AGENT_TIMERS

if TYPE_CHECKING:
    from omniroute.desk import routing
    from omniroute.desk.unit import Unit
else:
    (routing,) = later(
        globals(), "omniroute.desk", "routing"
    )  # it needs the unit, which needs this

__all__ = ["end_wrap_up", "finish", "start_wrap_ups"]


def start_wrap_ups(unit: Unit, events: Iterable[tell.ConversationEvent], lasts: int) -> None:
    """Keep the slot of whoever held a conversation that these events ended."""
    for event in events:
        if not isinstance(event, tell.Ended) or event.source is State.OFFERED:
            continue  # what was only offered leaves nothing to wrap up
        if event.released is not None and unit.find_agent(event.released) is not None:
            until, name = event.at + lasts, event.conversation
            key = (event.released, AgentTimerKind.WRAP_UP.value, name)
            if unit.tx.get(AGENT_TIMERS, unit.desk, key) is not None:
                # It came back to them before they were done with its last end: one slot is enough.
                unit.write_event(tell.WrapUpEnded(event.released, event.at, SYSTEM, name))
                if unit.find_agent(event.released) is None:
                    continue  # it was the last that kept them on the staff (S15)
            unit.write_event(tell.WrapUpStarted(event.released, event.at, SYSTEM, name, until))
            timer = AgentTimer(event.released, AgentTimerKind.WRAP_UP, name, event.at, until)
            unit.arm_agent(timer)


def end_wrap_up(unit: Unit, timer: AgentTimer, at: int, actor: str = SYSTEM) -> None:
    """Free the slot that a wrap-up holds."""
    unit.tx.delete(AGENT_TIMERS, unit.desk, AGENT_TIMERS.key(timer))
    if unit.find_agent(timer.agent) is not None:
        unit.write_event(tell.WrapUpEnded(timer.agent, at, actor, timer.conversation))


def finish(conversation: str, by: str) -> Callable[[Unit], None]:
    """Return the flow of an agent who is done with an ended conversation before its time is over."""

    def flow(unit: Unit) -> None:
        unit.agent(by)
        key = (by, AgentTimerKind.WRAP_UP.value, conversation)
        timer = unit.tx.get(AGENT_TIMERS, unit.desk, key)
        if timer is None:
            raise UsageError(
                f"agent {by!r} is not wrapping up conversation {conversation!r}",
                expected="a conversation that they held when it ended, within its wrap-up time",
            )
        end_wrap_up(unit, timer, unit.now, agent_actor(by))
        routing.settle(unit)

    return flow
