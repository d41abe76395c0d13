"""Entry and exit flows: told in the log once for each beginning and each end, whoever finished it (T2).

What a flow is, is the host's: a plugin starts it, by the outbox, after what was said before (T15); or a
host without such a plugin reads `FlowStarted` from `desk.changes`, which has it exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from omniroute.model import events as tell
from omniroute.model.conversation import Conversation
from omniroute.model.effects import StartFlow
from omniroute.model.state import State

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit

__all__ = ["start_flows"]


def start_flows(unit: Unit, state: Conversation, events: Iterable[tell.ConversationEvent]) -> None:
    """Tell of the flows that start with what these events began or ended."""
    channel = unit.setup.config.channels.get(state.place.channel)
    if channel is None or not (channel.entry_flow or channel.exit_flow):
        return
    for event in events:
        begins = isinstance(event, tell.Opened) or (
            isinstance(event, tell.Queued) and event.source is State.ENDED
        )
        flow = channel.entry_flow if begins else None
        if isinstance(event, tell.Ended):
            flow = channel.exit_flow
        if flow is not None:
            stage = "entry" if begins else "exit"
            told = tell.FlowStarted(state.id, event.at, tell.SYSTEM, None, flow, stage)
            position = unit.write_event(told)
            if unit.starts_flows:
                unit.enqueue(state, StartFlow(flow, stage, event.at), position)
