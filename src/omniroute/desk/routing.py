"""Bringing waiting conversations and agents together, after whatever changed either side.

Two questions, both answered by `rules.assignment` on what `lines` list in order: who takes this
conversation, and what does this agent take next. `settle` asks them until nothing moves, so that
nobody waits while a suitable agent has room (R2): one transaction decides as many as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import evolve

from omniroute.desk.agenda import Agenda
from omniroute.desk.asking import ask_everybody, follow_staff
from omniroute.desk.candidates import find, stages
from omniroute.desk.decided import write_decision
from omniroute.desk.keeping import fits_by_now, is_starving, keep, keep_room, kept_in
from omniroute.desk.lines import Lines
from omniroute.desk.overflow import overflow
from omniroute.desk.unit import Unit
from omniroute.desk.waits import tell_who_waits
from omniroute.model import commands as ask
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignMode, Lane, Routing
from omniroute.model.conversation import Conversation
from omniroute.model.policy import Assignment
from omniroute.model.state import State
from omniroute.rules.assignment import Choice, may_push
from omniroute.rules.reach import Way, first_of
from omniroute.rules.waiting import (
    is_enabled,
    lane_channel,
    lane_of,
    order,
    plain_lanes,
    prefix_of,
    queue_and_group,
    refusal,
    slot,
)
from omniroute.rules.weights import fits, missing, place_for

__all__ = ["next_for", "settle"]


def settle(unit: Unit) -> None:
    """Assign everything that this unit's changes make assignable, and write states so far."""
    if (agenda := unit.pending) is not None:
        if agenda.has_to_settle:
            _bring_together(unit, agenda, Lines(unit))
        if agenda.began_waiting:
            tell_who_waits(unit)
    unit.flush()


def _bring_together(unit: Unit, agenda: Agenda, lines: Lines) -> None:
    while agenda.restaffed or agenda.bereft or agenda.freed or agenda.queued or agenda.closed:
        if agenda.restaffed:
            follow_staff(unit, lines)
        elif agenda.bereft:
            _look_again(unit)
        elif agenda.freed:
            agent = next(iter(agenda.freed))
            del agenda.freed[agent]
            _fill(unit, lines, agent)
        elif agenda.closed:  # what it opens is open to all who wait, in their order
            place = next(iter(agenda.closed))
            del agenda.closed[place]
            _reopen(unit, lines, place)
        else:
            conversation = _first_of(unit, agenda)
            del agenda.queued[conversation.id]
            _place(unit, lines, conversation)


def _first_of(unit: Unit, agenda: Agenda) -> Conversation:
    """Return the first of several newly waiting conversations, as it stands by now (M3)."""
    if len(agenda.queued) == 1:
        return unit.conversation(next(iter(agenda.queued)))

    def place(conversation: Conversation) -> tuple[int, int, int, int, str]:
        routing, since = conversation.extras.routing, conversation.clocks.queued_at
        entry = ("", "", routing.segment, routing.wait_class, since, conversation.id)
        return order(entry, unit.rule(conversation.queue or "").assign, unit.now)

    return min(map(unit.conversation, agenda.queued), key=place)


def _place(unit: Unit, lines: Lines, conversation: Conversation, *, told: bool = True) -> bool:
    """Give a waiting conversation to the first agent who may take it; return whether there is one."""
    if conversation.queue is None:
        return False
    if unit.rule(conversation.queue).assignment is Assignment.OFFER_ALL:
        return ask_everybody(unit, lines, conversation)
    if (offer := conversation.extras.offer) is not None and offer.agent is None:
        unit.perform(conversation, ask.Withdraw("changed"), unit.policy(conversation))
        return False  # it is in line like others from here on, and looked at again
    if offer is None and (routing := conversation.extras.routing).sticky is not None:
        return _place_sticky(unit, lines, conversation, routing)
    if offer is not None or not unit.pushes(conversation):
        return overflow(unit, conversation)
    choice = find(unit, lines, conversation)
    if told or choice.chosen is not None:
        _give(unit, lines, conversation, choice)
    if choice.chosen is None and unit.setup.counted and is_starving(unit, conversation):
        _keep_room(unit, lines, conversation)
    return choice.chosen is not None or overflow(unit, conversation)


def _place_sticky(unit: Unit, lines: Lines, conversation: Conversation, routing: Routing) -> bool:
    """Give a conversation to the agent it waits for, or let it wait, or let it wait no longer (P4)."""
    queue = conversation.queue or ""
    agent = unit.find_agent(routing.sticky or "")
    if agent is not None and queue in agent.leaves:
        pushed = unit.pushes(conversation) and may_push(agent)
        if pushed and _suits(unit, agent, conversation):
            _give(unit, lines, conversation, find(unit, lines, conversation, preferred=agent))
            return True
        if unit.rule(queue).assign.sticky_wait is not None:
            return False
    free = ask.Line(evolve(routing, sticky=None))
    unit.perform(conversation, free, unit.policy(conversation), now=unit.reached)
    return False  # it is in line like everybody from here on, and looked at again


def _suits(unit: Unit, agent: Agent, conversation: Conversation) -> bool:
    """Whether an agent is enabled for a conversation's channel (A1), and it fits (P2)."""
    channel = conversation.place.channel
    return is_enabled(agent, channel) and fits(agent, unit.setup.counted.get(channel))


def _fill(unit: Unit, lines: Lines, agent_id: str) -> None:
    """Give an agent with room what comes first of all that they may take (R2)."""
    if (found := unit.find_agent(agent_id)) is not None and found.extras.keeps is not None:
        if (kept := fits_by_now(unit, found)) is None:
            return
        first, keeper = _first_of_lane(unit, lines, kept), unit.agent(agent_id)
        if first.id != kept.id:
            unit.agenda.bereft[kept.id] = (
                None  # the longest wait comes first, whoever it was kept for
            )
        _give(unit, lines, first, find(unit, lines, first, preferred=keeper))
    while (agent := unit.find_agent(agent_id)) is not None and may_push(agent):
        room = agent.capacity.soft_max - agent.load
        waiting = next_for(unit, lines, agent, agent.leaves, unit.pushes_from, room)
        if waiting is None:
            return
        _give(unit, lines, waiting, find(unit, lines, waiting, preferred=agent))


def _first_of_lane(unit: Unit, lines: Lines, conversation: Conversation) -> Conversation:
    """Return who stands first in the lane in which a conversation waits: the same agents may take it."""
    prefix = prefix_of(conversation.queue or "", lane_of(conversation))
    (head,) = lines.heads([prefix], 1)
    return conversation if head is None else unit.conversation(head[-1])


def _keep_room(unit: Unit, lines: Lines, conversation: Conversation) -> None:
    """Keep somebody's parts for what has waited long and needs several, of the first who serve it (R2)."""
    queue, lane, since = (
        conversation.queue or "",
        lane_of(conversation),
        conversation.clocks.queued_at,
    )
    place = place_for(queue, unit.setup.counted.get(lane.channel))

    def may_take(agent: Agent) -> bool:
        return _may_take(unit, lines, agent, queue, lane, since)

    keep_room(unit, conversation, [entry[4] for entry in lines.servers(place)], may_take)


def _look_again(unit: Unit) -> None:
    """What nobody keeps parts for any more is placed anew."""
    agenda = unit.agenda
    for each in agenda.bereft:
        if unit.conversation(each).state is State.QUEUED:
            agenda.queued[each] = None
    agenda.bereft.clear()


def next_for(
    unit: Unit,
    lines: Lines,
    agent: Agent,
    queues: Iterable[str],
    serves: Callable[[str], bool],
    room: int = 1,
    *,
    limit: Callable[[Agent, str | None], bool] = fits,
) -> Conversation | None:
    """Return the first, in M3 order, of the conversations that an agent may take (R2, S8).

    Of the `queues` those count that `serves` says yes to: where work is pushed, or where it is claimed.
    `room` is for how many the agent will be asked about. What does not fit under the `limit` is passed
    over for what does (P2).
    """
    asked = [queue for queue in queues if serves(queue)]
    if not asked:
        return None
    ways, prefixes = unit.setup.ways(agent, asked, unit.queue_lines.lanes)
    heads = lines.heads(prefixes, room)
    _forget(unit, ways, heads)
    if unit.setup.counted:
        heads = _that_fit(unit, lines, agent, ways, heads, limit)

    def is_open(head: tuple[Any, ...], way: Way) -> bool:
        lane = way.lane or lane_of(unit.conversation(head[-1]))
        return _may_take(unit, lines, agent, head[0], lane, head[4])

    found = first_of(agent.id, ways, heads, unit.now, is_open)
    return None if found is None else unit.conversation(found[-1])


def _that_fit(
    unit: Unit,
    lines: Lines,
    agent: Agent,
    ways: Sequence[Way],
    heads: Sequence[tuple[Any, ...] | None],
    limit: Callable[[Agent, str | None], bool],
) -> list[tuple[Any, ...] | None]:
    """Return the heads that fit; none where the agent's parts are kept for one from here on (R2)."""
    counted = unit.setup.counted
    fitting_heads: list[tuple[Any, ...] | None] = []
    starving: list[tuple[tuple[Any, ...], Conversation]] = []
    for way, head in zip(ways, heads, strict=True):
        name = counted.get(_channel_of(way))
        fits_here = limit(agent, name)
        fitting_heads.append(head if fits_here else None)
        if head is None or fits_here or limit is not fits or not way.rule.heavy:
            continue
        if missing(agent, name) is None or (first := _not_kept(unit, lines, way, head)) is None:
            continue
        found = unit.conversation(first[-1])
        lane = None if way.lane is None else lane_of(found)
        if is_starving(unit, found) and (
            lane is None or _may_take(unit, lines, agent, first[0], lane, first[4])
        ):
            starving.append((order(first, way.rule, unit.now), found))
    if not starving:
        return fitting_heads
    keep(unit, agent, min(starving, key=lambda each: each[0])[1])
    return [None] * len(fitting_heads)


def _not_kept(unit: Unit, lines: Lines, way: Way, head: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return the first of a lane for which nobody keeps parts yet."""
    kept = kept_in(unit, head[0])
    return head if head[-1] not in kept else lines.first_but(way.prefix, kept, len(kept))


def _channel_of(way: Way) -> str:
    return lane_channel(way.prefix[1]) if way.lane is None else way.lane.channel


def _forget(unit: Unit, ways: Iterable[Way], heads: Iterable[tuple[Any, ...] | None]) -> None:
    """Drop lanes of their own in which nobody stands any more."""
    if not unit.queue_lines.lined:
        return
    for way, head in zip(ways, heads, strict=True):
        if head is None and way.own and way.lane is not None:
            unit.queue_lines.drop(way.prefix[0], way.lane)


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
    if rule.mode is not AssignMode.CASCADE:
        return
    lines.flush()
    stages(unit, lines, queue, rule, unit.now)
    while unit.pushes_from(queue) and any(
        _place(unit, lines, unit.conversation(each), told=False)
        for each in _heads(unit, lines, queue)
    ):
        pass


def _heads(unit: Unit, lines: Lines, queue: str) -> list[str]:
    """Which conversations are the first of each of a queue's lanes, in order."""
    rule = unit.rule(queue).assign
    prefixes = [
        *(prefix for prefix, _ in plain_lanes(queue, rule, unit.setup.channels)),
        *(prefix_of(queue, lane) for lane in unit.queue_lines.lanes(queue)),
    ]
    heads = [head for head in lines.heads(prefixes, 1) if head is not None]
    heads.sort(key=lambda each: order(each, rule, unit.now))
    return [head[-1] for head in heads]


def _give(unit: Unit, lines: Lines, conversation: Conversation, choice: Choice) -> None:
    if choice.chosen is not None:
        before, policy = conversation, unit.policy(conversation)
        offered = policy.assignment is Assignment.OFFER_ONE
        command = ask.Offer if offered else ask.Assign
        conversation = unit.perform(conversation, command(choice.chosen.agent), policy)
        lines.given(before, conversation)
        if slot(conversation) != choice.chosen.agent:
            return  # it had ended by now, before anybody was asked (S2)
    write_decision(unit, conversation, choice, unit.now)
