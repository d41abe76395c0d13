"""Bringing waiting conversations and agents together, after whatever changed either side.

Two questions, both answered by `rules.assignment` on what the store lists in order: who takes this
conversation, and what does this agent take next. `settle` asks them until nothing moves, so that
nobody waits while a suitable agent has room (R2).
"""

from __future__ import annotations

from omniroute.desk.unit import Unit
from omniroute.model.agent import Agent
from omniroute.model.commands import Assign
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.policy import AfterEndTo
from omniroute.rules.assignment import LOOKED_AT, Choice, choose, first_waiting, fitting, may_push
from omniroute.schema import AGENTS, CONVERSATIONS, EXPLANATIONS

__all__ = ["settle"]

_WAITING = CONVERSATIONS.index("waiting")
_SERVING = AGENTS.index("serving")


def settle(unit: Unit) -> None:
    """Assign everything that this unit's changes make assignable, then write the unit down."""
    while unit.freed or unit.queued:
        if unit.freed:
            agent = next(iter(unit.freed))
            del unit.freed[agent]
            _fill(unit, agent)
        else:
            _place(unit, unit.queued.pop(next(iter(unit.queued))))
    unit.finish()


def _place(unit: Unit, conversation: Conversation) -> None:
    """Give a newly waiting conversation to the first agent who may take it, if there is one."""
    if conversation.queue is None or not unit.pushes(conversation):
        return
    unit.flush()
    preferred = _last_agent(unit, conversation)
    entries = unit.tx.entries(_SERVING, unit.desk, (conversation.queue,), limit=LOOKED_AT)
    _give(unit, conversation, choose(entries, preferred=preferred))


def _last_agent(unit: Unit, conversation: Conversation) -> Agent | None:
    if unit.policy(conversation).after_end.to is not AfterEndTo.LAST_AGENT:
        return None
    last = conversation.extras.previous_agent
    agent = None if last is None else unit.find_agent(last)
    return agent if agent is not None and conversation.queue in agent.leaves else None


def _fill(unit: Unit, agent_id: str) -> None:
    """Give an agent with room the conversations that wait longest in their queues."""
    while (agent := unit.find_agent(agent_id)) is not None and may_push(agent):
        unit.flush()
        waiting = _next_for(unit, agent)
        if waiting is None:
            return
        entries = unit.tx.entries(_SERVING, unit.desk, (waiting.queue,), limit=LOOKED_AT)
        _give(unit, waiting, choose(entries, preferred=agent))


def _next_for(unit: Unit, agent: Agent) -> Conversation | None:
    leaves = [(leaf,) for leaf in agent.leaves if unit.pushes_from(leaf)]
    first = first_waiting(unit.tx.heads(_WAITING, unit.desk, leaves)) if leaves else None
    return None if first is None else unit.conversation(first)


def _give(unit: Unit, conversation: Conversation, choice: Choice) -> None:
    if choice.chosen is not None:
        policy = unit.policy(conversation)
        conversation = unit.perform(conversation, Assign(choice.chosen.agent), policy)
    unit.tx.put(EXPLANATIONS, unit.desk, fitting(_explanation(unit, conversation, choice)))


def _explanation(unit: Unit, conversation: Conversation, choice: Choice) -> Explanation:
    chosen: Candidate | None = choice.chosen
    return Explanation(
        conversation.id,
        unit.position,
        unit.now,
        conversation.queue or conversation.place.inbox,
        "push",
        chosen,
        choice.runners_up,
        choice.refused,
        choice.more,
        unit.setup.version,
    )
