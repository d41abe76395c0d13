"""What costs several parts of an agent does not starve: after a wait, freed parts are kept for it (R2, P2).

One agent keeps for one conversation, and takes nothing else until it fits; whoever has room for it
before gets it. The agent's side is told by events, the queue's line remembers whose they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.model import events as tell
from omniroute.model.agent import Agent
from omniroute.model.conversation import Conversation
from omniroute.model.state import State
from omniroute.rules.weights import fits_what_is_kept, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from omniroute.desk.unit import Unit
    from omniroute.desk.unit_state import UnitState

__all__ = [
    "fits_by_now",
    "give_back",
    "is_starving",
    "keep",
    "keep_room",
    "kept_in",
    "leave_line",
    "lost_keeper",
]


def is_starving(unit: Unit, conversation: Conversation) -> bool:
    """Whether a conversation has waited so long that parts are kept for it, and nobody keeps any."""
    after = _keeps_after(unit, conversation)
    if after is None or unit.now - conversation.clocks.queued_at < after:
        return False
    return conversation.id not in kept_in(unit, conversation.queue or "")


def _keeps_after(unit: Unit, conversation: Conversation) -> int | None:
    """After which wait parts are kept for a conversation where it stands; None where none are."""
    queue = conversation.queue or ""
    rule = unit.rule(queue).assign
    heavy = conversation.place.channel in rule.heavy
    return rule.reserve_after if heavy and unit.pushes_from(queue) else None


def kept_in(unit: Unit, queue: str) -> dict[str, str]:
    """Return for whom of a queue parts are kept, and whose: a keeper who left keeps none (R2)."""
    keepers = unit.queue_lines.keepers(queue)
    agents = {by: unit.find_agent(by) for by in keepers.values()}
    return {
        each: by
        for each, by in keepers.items()
        if (agent := agents[by]) is not None and agent.extras.keeps == each
    }


def keep_room(
    unit: Unit,
    conversation: Conversation,
    agents: Iterable[str],
    may_take: Callable[[Agent], bool],
) -> None:
    """Keep the parts of whoever lacks fewest for a conversation, of some agents in order."""
    name = unit.setup.counted.get(conversation.place.channel)
    best: Agent | None = None
    least = 0
    for each in agents:
        agent = unit.find_agent(each)
        if agent is None or not agent.available or agent.extras.keeps is not None:
            continue
        lacks = missing(agent, name)
        if lacks is not None and (best is None or lacks < least) and may_take(agent):
            best, least = agent, lacks
    if best is not None:
        keep(unit, best, conversation)


def keep(unit: Unit, agent: Agent, conversation: Conversation) -> None:
    """Keep an agent's parts for a conversation from here on."""
    unit.queue_lines.keep_room(conversation, agent.id)
    unit.write_event(tell.RoomKept(agent.id, unit.now, tell.SYSTEM, conversation.id))


def fits_by_now(unit: Unit, agent: Agent) -> Conversation | None:
    """Return what an agent's parts are kept for, where it fits by now: they are let go of for it."""
    conversation = unit.conversation(agent.extras.keeps or "")
    name = unit.setup.counted.get(conversation.place.channel)
    if conversation.state is not State.QUEUED or not fits_what_is_kept(agent, name):
        return None
    let_go(unit, conversation)
    return conversation


def leave_line(unit: UnitState, before: Conversation, after: Conversation) -> None:
    """Give back what is kept for a conversation that waits no longer where it did."""
    if (after.state, after.queue) != (before.state, before.queue):
        let_go(unit, before)


def let_go(unit: UnitState, conversation: Conversation) -> None:
    """Give back what is kept for a conversation: it has what it needs, or waits there no longer."""
    by = unit.queue_lines.keepers(conversation.queue or "").get(conversation.id)
    if by is None:
        return
    unit.queue_lines.keep_room(conversation, None)
    agent = unit.find_agent(by)
    if agent is not None and agent.extras.keeps == conversation.id:
        unit.write_event(tell.RoomReleased(by, unit.now, tell.SYSTEM, conversation.id))


def give_back(unit: Unit) -> None:
    """Give back what is kept where a new version keeps nothing; what waits is placed anew (R2, S4)."""
    for queue in unit.queue_lines.lined:
        for each in unit.queue_lines.keepers(queue):
            conversation = unit.conversation(each)
            if _keeps_after(unit, conversation) is None:
                let_go(unit, conversation)
                unit.agenda.bereft[each] = None


def lost_keeper(before: Agent | None, after: Agent | None) -> str | None:
    """Return the conversation for which an agent kept parts and no longer does."""
    kept = None if before is None else before.extras.keeps
    return kept if kept is not None and (after is None or after.extras.keeps != kept) else None
