"""Starting flows: what the outbox hands to the plugins that know what an entry or exit flow is (T2).

Like a message, a flow is tried again where it failed and listed as dead in the end; whoever starts it
knows it by an id that stays the same. Knows nothing of what a flow does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omniroute.lazy import later
from omniroute.model.conversation import Conversation
from omniroute.model.effects import OutboxEntry, StartFlow
from omniroute.model.wire import Accepted, Permanent, Retryable, SendResult
from omniroute.model.wish import FlowStart
from omniroute.rules.delivery import after_failure
from omniroute.rules.names import storable_text
from omniroute.schema import OUTBOX

if TYPE_CHECKING:
    import logging

    from omniroute.desk.runtime import Runtime
    from omniroute.desk.unit import Unit
else:
    (logging,) = later(globals(), None, "logging")

__all__ = ["flow_id", "record_flow", "start_flow"]

_LONGEST: Final = 200


def flow_id(entry: OutboxEntry) -> str:
    """Return the id by which a flow is known outside: the same on every try (R10)."""
    return f"{entry.conversation}:{entry.position}"


def start_flow(
    runtime: Runtime, desk: str, entry: OutboxEntry, effect: StartFlow, conversation: Conversation
) -> SendResult:
    """Ask the plugins to start a flow, and say how it went. Never raises for the flow's sake."""
    hook = runtime.registry.start_flow
    if hook is None:
        return Retryable("no plugin of this process starts flows")
    asked = FlowStart(flow_id(entry), desk, effect.flow, effect.stage, conversation, effect.at)
    try:
        started = hook(start=asked)
    except Exception as error:
        log = logging.getLogger("omniroute.desk")
        log.exception("a plugin could not start flow %r (%s)", effect.flow, asked.id)
        return Retryable(storable_text(f"{type(error).__name__}: {error}"[:_LONGEST]))
    return Accepted(()) if started else Permanent(f"no plugin starts the flow {effect.flow!r}")


def record_flow(unit: Unit, entry: OutboxEntry, result: SendResult) -> None:
    """Write down what came of a flow: it is gone, tried again, or dead and listed (R10)."""
    if isinstance(result, Accepted):
        unit.tx.delete(OUTBOX, unit.desk, OUTBOX.key(entry))
    else:
        unit.tx.put(OUTBOX, unit.desk, after_failure(entry, result, unit.now, flow_id(entry)))
