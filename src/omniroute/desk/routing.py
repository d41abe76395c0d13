"""Bringing waiting conversations and agents together, after whatever changed either side.

Two questions, both answered by `rules.assignment` on what `lines` list in order: who takes this
conversation, and what does this agent take next. `settle` asks them until nothing moves, so that
nobody waits while a suitable agent has room (R2): one transaction decides as many as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import evolve

from omniroute.desk.candidates import find, stages
from omniroute.desk.lines import Lines
from omniroute.desk.overflow import overflow
from omniroute.desk.unit import Unit
from omniroute.model import commands as ask
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignMode, Lane, Routing
from omniroute.model.conversation import Conversation
from omniroute.model.explanation import Candidate, Explanation
from omniroute.rules.assignment import Choice, fitting, may_push
from omniroute.rules.waiting import lane_of, order, plain_lanes, queue_and_group, refusal
from omniroute.schema import EXPLANATIONS

__all__ = ["next_for", "settle"]

_WHOLE = 4  # fields of a lane's prefix: queue, name, segment, class


def settle(unit: Unit) -> None:
    """Assign everything that this unit's changes make assignable, then write the unit down."""
    lines = Lines(unit)
    while unit.freed or unit.queued or unit.closed:
        if unit.freed:
            agent = next(iter(unit.freed))
            del unit.freed[agent]
            _fill(unit, lines, agent)
        elif unit.queued:
            _place(unit, lines, unit.queued.pop(_first_of(unit)))
        else:
            place = next(iter(unit.closed))
            del unit.closed[place]
            _reopen(unit, lines, place)
    unit.finish()


def _first_of(unit: Unit) -> str:
    """Which of several newly waiting conversations comes first (M3)."""
    if len(unit.queued) == 1:
        return next(iter(unit.queued))

    def place(conversation: Conversation) -> tuple[int, int, int, int, str]:
        routing, since = conversation.extras.routing, conversation.clocks.queued_at
        entry = ("", "", routing.segment, routing.wait_class, since, conversation.id)
        return order(entry, unit.rule(conversation.queue or "").assign, unit.now)

    return min(unit.queued.values(), key=place).id


def _place(unit: Unit, lines: Lines, conversation: Conversation, *, told: bool = True) -> bool:
    """Give a waiting conversation to the first agent who may take it; return whether there is one."""
    if conversation.queue is None:
        return False
    if not unit.pushes(conversation):
        return overflow(unit, conversation)
    if (routing := conversation.extras.routing).sticky is not None:
        return _place_sticky(unit, lines, conversation, routing)
    choice = find(unit, lines, conversation)
    if told or choice.chosen is not None:
        _give(unit, lines, conversation, choice)
    return choice.chosen is not None or overflow(unit, conversation)


def _place_sticky(unit: Unit, lines: Lines, conversation: Conversation, routing: Routing) -> bool:
    """Give a conversation to the agent it waits for, or let it wait, or let it wait no longer (P4)."""
    queue = conversation.queue or ""
    agent = unit.find_agent(routing.sticky or "")
    if agent is not None and queue in agent.leaves:
        if may_push(agent) and _enabled(agent, conversation):
            _give(unit, lines, conversation, find(unit, lines, conversation, preferred=agent))
            return True
        if unit.rule(queue).assign.sticky_wait is not None:
            return False
    free = ask.Line(evolve(routing, sticky=None))
    unit.perform(conversation, free, unit.policy(conversation))
    return False  # it is in line like everybody from here on, and looked at again


def _enabled(agent: Agent, conversation: Conversation) -> bool:
    return agent.channels is None or conversation.place.channel in agent.channels


def _fill(unit: Unit, lines: Lines, agent_id: str) -> None:
    """Give an agent with room what comes first of all that they may take (R2)."""
    while (agent := unit.find_agent(agent_id)) is not None and may_push(agent):
        room = agent.capacity.soft_max - agent.load
        waiting = next_for(unit, lines, agent, agent.leaves, unit.pushes_from, room)
        if waiting is None:
            return
        _give(unit, lines, waiting, find(unit, lines, waiting, preferred=agent))


def next_for(
    unit: Unit,
    lines: Lines,
    agent: Agent,
    queues: Iterable[str],
    serves: Callable[[str], bool],
    room: int = 1,
) -> Conversation | None:
    """Return the first, in M3 order, of the conversations that an agent may take (R2, S8).

    Of the `queues` those count that `serves` says yes to: where work is pushed, or where it is claimed.
    `room` is for how many the agent will be asked about.
    """
    queues = [queue for queue in queues if serves(queue)]
    lanes = _lanes(unit, queues)
    if not lanes:
        return None
    own = (leaf for leaf in queues if unit.rule(leaf).assign.sticky_wait is not None)
    heads = lines.heads([*lanes, *((leaf, f"@{agent.id}") for leaf in own)], room)
    _forget(unit, lanes, heads)
    for head in sorted(heads, key=lambda each: order(each, unit.rule(each[0]).assign, unit.now)):
        queue, name, segment, wait_class, since, conversation = head
        lane = lanes.get((queue, name, segment, wait_class)) or lanes.get((queue, name))
        if lane is None:  # their own: who waits for this agent
            lane = lane_of(unit.conversation(conversation))
        if _may_take(unit, lines, agent, queue, lane, since):
            return unit.conversation(conversation)
    return None


def _lanes(unit: Unit, queues: Iterable[str]) -> dict[tuple[Any, ...], Lane]:
    """Every lane of some queues in which conversations may wait, by its prefix."""
    found: dict[tuple[Any, ...], Lane] = {}
    for queue in queues:
        rule = unit.rule(queue).assign
        for prefix, channel in plain_lanes(queue, rule, unit.setup.channels):
            found[prefix] = unit.setup.plain[channel]
        for lane in unit.queue_lines.lanes(queue):
            found[queue, lane.name, lane.segment, lane.wait_class] = lane
    return found


def _forget(
    unit: Unit, lanes: Mapping[tuple[Any, ...], Lane], heads: Iterable[tuple[Any, ...]]
) -> None:
    """Drop lanes of their own in which nobody stands any more."""
    if not unit.queue_lines.lined:
        return
    found = {head[:4] for head in heads}
    for prefix, lane in lanes.items():
        if (
            len(prefix) == _WHOLE
            and prefix not in found
            and lane in unit.queue_lines.lanes(prefix[0])
        ):
            unit.queue_lines.drop(prefix[0], lane)


def _may_take(unit: Unit, lines: Lines, agent: Agent, queue: str, lane: Lane, since: int) -> bool:
    rule = unit.rule(queue).assign
    stage = 0
    if rule.mode is AssignMode.CASCADE and not lane.routing.exclusive:
        stage = 1
        if rule.cascade and rule.cascade[0] not in agent.groups:
            stage = stages(unit, lines, queue, rule, since)
    return refusal(agent, lane, rule, unit.now - since, stage) is None


def _reopen(unit: Unit, lines: Lines, place: str) -> None:
    """Somebody of a group is no longer there: what waits may be open to later groups now (M1)."""
    queue, _ = queue_and_group(place)
    rule = unit.rule(queue).assign
    if not unit.pushes_from(queue) or rule.mode is not AssignMode.CASCADE:
        return
    lines.flush()
    stages(unit, lines, queue, rule, unit.now)
    while any(_place(unit, lines, each, told=False) for each in _heads(unit, lines, queue)):
        pass


def _heads(unit: Unit, lines: Lines, queue: str) -> list[Conversation]:
    """The first of each of a queue's lanes, in order."""
    rule, lanes = unit.rule(queue).assign, _lanes(unit, (queue,))
    heads = sorted(lines.heads(list(lanes), 1), key=lambda each: order(each, rule, unit.now))
    return [unit.conversation(head[-1]) for head in heads]


def _give(unit: Unit, lines: Lines, conversation: Conversation, choice: Choice) -> None:
    if choice.chosen is not None:
        before, policy = conversation, unit.policy(conversation)
        conversation = unit.perform(conversation, ask.Assign(choice.chosen.agent), policy)
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
