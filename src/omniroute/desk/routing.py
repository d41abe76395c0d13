"""Bringing waiting conversations and agents together, after whatever changed either side.

Two questions, both answered by `rules.assignment` on what `lines` list in order: who takes this
conversation, and what does this agent take next. `settle` asks them until nothing moves, so that
nobody waits while a suitable agent has room (R2): one transaction decides as many as there are.
"""

from __future__ import annotations

from omniroute.desk.lines import Lines
from omniroute.desk.unit import Unit
from omniroute.model.agent import Agent
from omniroute.model.commands import Assign
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.policy import AfterEndTo
from omniroute.rules.assignment import Choice, choose, fitting, may_push
from omniroute.schema import EXPLANATIONS

__all__ = ["settle"]


def settle(unit: Unit) -> None:
    """Assign everything that this unit's changes make assignable, then write the unit down."""
    lines = Lines(unit)
    while unit.freed or unit.queued:
        if unit.freed:
            agent = next(iter(unit.freed))
            del unit.freed[agent]
            _fill(unit, lines, agent)
        else:
            _place(unit, lines, unit.queued.pop(next(iter(unit.queued))))
    unit.finish()


def _place(unit: Unit, lines: Lines, conversation: Conversation) -> None:
    """Give a newly waiting conversation to the first agent who may take it, if there is one."""
    if conversation.queue is None or not unit.pushes(conversation):
        return
    preferred = _last_agent(unit, conversation)
    choice = choose(lines.servers(conversation.queue), preferred=preferred)
    _give(unit, lines, conversation, choice)


def _last_agent(unit: Unit, conversation: Conversation) -> Agent | None:
    if unit.policy(conversation).after_end.to is not AfterEndTo.LAST_AGENT:
        return None
    last = conversation.extras.previous_agent
    agent = None if last is None else unit.find_agent(last)
    return agent if agent is not None and conversation.queue in agent.leaves else None


def _fill(unit: Unit, lines: Lines, agent_id: str) -> None:
    """Give an agent with room the conversations that wait longest in their queues."""
    agent = unit.find_agent(agent_id)
    if agent is None or not may_push(agent):
        return
    queues = [leaf for leaf in agent.leaves if unit.pushes_from(leaf)]
    while queues and agent is not None and may_push(agent):
        waiting = lines.longest_waiting(queues, agent.capacity.soft_max - agent.load)
        if waiting is None or waiting.queue is None:
            return
        _give(unit, lines, waiting, choose(lines.servers(waiting.queue), preferred=agent))
        agent = unit.find_agent(agent_id)


def _give(unit: Unit, lines: Lines, conversation: Conversation, choice: Choice) -> None:
    if choice.chosen is not None:
        before, policy = conversation, unit.policy(conversation)
        conversation = unit.perform(conversation, Assign(choice.chosen.agent), policy)
        lines.given(before, conversation)
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
