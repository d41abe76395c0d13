"""The order in which conversations wait, and when more agents may take them (M1, M3, P1, P12, S8).

Waiting is first come, first served within a lane: one queue, segment, class, and set of agents.
Nothing is re-keyed while time passes; only the first of each lane is compared, at the instant of the
question. Whoever may not take a lane's first may take none of it: what time opens, it opens for the
longest wait first. Pure: what the store keeps of a queue is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import evolve

from omniroute.model.agent import Agent
from omniroute.model.assign import (
    NEW,
    NO_ROUTING,
    RETURNED,
    AssignMode,
    AssignPolicy,
    Compare,
    Lane,
    Routing,
    Segment,
    Selector,
)
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import AgentConfig
from omniroute.model.policy import Assignment, Policy, ResumeTo
from omniroute.model.state import State

__all__ = [
    "HIGHEST",
    "LOWEST",
    "abilities",
    "back_in_line",
    "effective_priority",
    "groups_of",
    "is_enabled",
    "is_plain",
    "is_sticky",
    "lane_channel",
    "lane_name",
    "lane_of",
    "line_of",
    "meets",
    "next_change",
    "open_groups",
    "order",
    "outside",
    "plain_lanes",
    "pool",
    "prefix_of",
    "queue_and_group",
    "refusal",
    "returned",
    "segment_of",
    "slot",
    "steps",
    "sticky_lane",
    "still_asked",
    "timed",
    "unmet",
]

LOWEST: Final = -5
"""The lowest priority of a queue (M3)."""
HIGHEST: Final = 10
"""The highest priority of a queue; ageing raises none above it (M3)."""

_QUEUED: Final = State.QUEUED
_OFFERED: Final = State.OFFERED
_CLASSES: Final = (RETURNED, 1, NEW)
_POOL: Final = "\x1f"
_TOO_EARLY: Final = "in no group that is open to it yet"
_ALLOTTED: Final = "in another group than it was allotted to"


def pool(queue: str, group: str) -> str:
    """Return the name under which a group's agents in a queue are listed."""
    return f"{queue}{_POOL}{group}"


def queue_and_group(place: str) -> tuple[str, str]:
    """Return the queue and the group that a pool's name speaks of."""
    queue, _, group = place.partition(_POOL)
    return queue, group


def groups_of(assign: AssignPolicy) -> tuple[str, ...]:
    """Return the groups that a queue's mode speaks of, in order; () where it speaks of none."""
    if assign.mode is AssignMode.CASCADE:
        return assign.cascade
    return tuple(assign.percent) if assign.mode is AssignMode.PERCENT else ()


def effective_priority(assign: AssignPolicy, since: int, now: int) -> int:
    """Return a queue's priority for a wait that began at `since`: it rises with age (M3, U22, U23)."""
    if not assign.prioritized:
        return 0
    if assign.ageing is None or now <= since:
        return assign.priority
    return min(HIGHEST, assign.priority + (now - since) // assign.ageing)


def order(entry: tuple[Any, ...], assign: AssignPolicy, now: int) -> tuple[int, int, int, int, str]:
    """Return what orders a lane's first among the others; less comes first (M3).

    `entry` is the waiting index's: queue, lane, segment, class, waiting since, conversation.
    """
    _, _, segment, wait_class, since, conversation = entry
    priority = -effective_priority(assign, since, now)
    return segment, priority, wait_class if assign.classes else NEW, since, conversation


# --- lanes ----------------------------------------------------------------------------------------


def lane_name(routing: Routing, channel: str) -> str:
    """Return the lane's name inside its queue: the channel, and whatever else limits who may take it.

    Whoever waits for one agent stands in that agent's lane.
    """
    if routing is NO_ROUTING:
        return channel
    if routing.sticky is not None:
        return sticky_lane(routing.sticky, channel)
    limits = [channel]
    if routing.group is not None:
        limits.append(f"{'only' if routing.exclusive else 'group'}={routing.group}")
    limits += [f"{each}/{each.expires}" for each in routing.requires]
    limits += [f"not={each}" for each in routing.declined]
    if routing.anyone:
        limits.append("anyone")
    return _POOL.join(limits)


def line_of(conversation: Conversation) -> str | None:
    """Return the lane's name in which a conversation is listed, or None where it does not wait.

    What is offered to one agent stands beside the lanes that others look at, and counts with the queue.
    """
    state = conversation.state
    if state is not _QUEUED and state is not _OFFERED:
        return None
    offer = conversation.extras.offer
    if offer is not None and offer.agent is not None:
        return f"!{offer.agent}"
    return lane_name(conversation.extras.routing, conversation.place.channel)


def slot(c: Conversation) -> str | None:
    """Return whose slot a conversation takes: its holder's, or that of whom it is offered to (X4)."""
    if c.agent is not None or c.extras.offer is None:
        return c.agent
    return c.extras.offer.agent


def sticky_lane(agent: str, channel: str) -> str:
    """Return the lane of those who wait for one agent on a channel (P4)."""
    return f"@{agent}{_POOL}{channel}"


def lane_channel(sticky: str) -> str:
    """Return the channel of a lane of those who wait for one agent."""
    return sticky.rpartition(_POOL)[2]


def is_plain(routing: Routing) -> bool:
    """Whether a conversation stands where every freed agent looks anyway.

    Whoever waits for one agent is found by that agent's name.
    """
    if routing is NO_ROUTING or routing.sticky is not None:
        return True
    limited = routing.group or routing.requires or routing.declined
    return not (routing.segment or limited or routing.anyone)


def lane_of(conversation: Conversation) -> Lane:
    """Return the lane in which a conversation waits."""
    routing, channel = conversation.extras.routing, conversation.place.channel
    limits = Routing(
        group=routing.group,
        exclusive=routing.exclusive,
        requires=routing.requires,
        declined=routing.declined,
        anyone=routing.anyone,
    )
    name = lane_name(routing, channel)
    return Lane(name, routing.segment, routing.wait_class, channel, limits)


def prefix_of(queue: str, lane: Lane) -> tuple[Any, ...]:
    """Return the prefix of the waiting index under which those of a queue's lane stand."""
    return queue, lane.name, lane.segment, lane.wait_class


def plain_lanes(
    queue: str, assign: AssignPolicy, channels: Iterable[str]
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield prefixes of a queue's plain lanes, each with its channel.

    Where time changes the order or who may take what, classes are looked at one by one; else the
    index's own order is the order.
    """
    deep = (
        assign.ageing is not None
        or not assign.classes
        or assign.mode is AssignMode.CASCADE
        or bool(assign.skills)
    )
    for channel in channels:
        if deep:
            for wait_class in _CLASSES:
                yield (queue, channel, 0, wait_class), channel
        else:
            yield (queue, channel), channel


def is_sticky(assign: AssignPolicy, gone: int) -> bool:
    """Whether a contact who was gone for so many microseconds returns to their last agent (P4)."""
    return assign.sticky_within is not None and gone <= assign.sticky_within


def segment_of(segments: tuple[Segment, ...], attributes: Mapping[str, Any]) -> int:
    """Return a contact's segment: below 0 for those who go in front, the first named before all (P12)."""
    for number, each in enumerate(segments):
        if str(attributes.get(each.attribute, "")) == each.value:
            return number - len(segments)
    return 0


def returned(routing: Routing) -> Routing:
    """Return the place in line of a conversation that comes back: a wait of its own (S14)."""
    if routing is NO_ROUTING or routing is _BACK:
        return _BACK
    # Made in a step, where `evolve` would cost more than the rest of it.
    return Routing(
        segment=routing.segment,
        wait_class=RETURNED,
        group=routing.group,
        requires=routing.requires,
        transfers=routing.transfers,
    )


_BACK: Final = Routing(wait_class=RETURNED)


# --- who may take it ------------------------------------------------------------------------------


def abilities(agent: Agent | AgentConfig) -> Mapping[str, int]:
    """Return an agent's skills; a language is a skill of level 1, unless they say which (P1)."""
    if not agent.languages:
        return agent.skills
    return {**dict.fromkeys(agent.languages, 1), **agent.skills}


def meets(selector: Selector, skills: Mapping[str, int]) -> bool:
    """Whether an agent's skills are what a selector asks for; whoever lacks a skill never does (P1)."""
    level = skills.get(selector.skill)
    if level is None:
        return False
    if selector.compare is Compare.AT_LEAST:
        return level >= selector.levels[0]
    return level in selector.levels


def unmet(selectors: Iterable[Selector], skills: Mapping[str, int], waited: int) -> Selector | None:
    """Return the first selector that still counts after a wait and is not met, or None (P1)."""
    return next((each for each in still_asked(selectors, waited) if not meets(each, skills)), None)


def still_asked(selectors: Iterable[Selector], waited: int) -> list[Selector]:
    """Return the selectors that still count after a wait of so many microseconds (P1)."""
    return [each for each in selectors if each.expires is None or waited < each.expires]


def open_groups(assign: AssignPolicy, since: int, now: int, opened: tuple[int, ...] = ()) -> int:
    """Return how many of a cascade's groups may take a wait that began at `since` (M1).

    The pool only grows: by time, and by every instant since at which nobody before was available.
    """
    if assign.mode is not AssignMode.CASCADE:
        return 0
    count = 1
    if assign.widen_after is not None and now > since:
        count += (now - since) // assign.widen_after
    for number, at in enumerate(opened):
        if since <= at:
            count = max(count, number + 2)
    return min(count, len(assign.cascade))


def is_enabled(agent: Agent, channel: str) -> bool:
    """Whether an agent is enabled for a channel (A1): all that is asked of whom somebody waits for (P4)."""
    return agent.channels is None or channel in agent.channels


def refusal(agent: Agent, lane: Lane, assign: AssignPolicy, waited: int, stages: int) -> str | None:
    """Return why an agent may not take the first of a lane, apart from room, or None (R2).

    `waited` is how long it has, in microseconds, `stages` how many groups of the cascade are open to it.
    What is asked here is what `R2` calls
    the conversations that an agent may take: channel, skills, stage, group, declined.
    """
    if agent.channels is not None and lane.channel not in agent.channels:
        return f"not enabled for {lane.channel}"
    routing = lane.routing
    if routing is not NO_ROUTING:
        if agent.id in routing.declined:
            return "declined it"
        if routing.exclusive and routing.group not in agent.groups:
            return "not in the group"
    free = routing.exclusive or routing.anyone
    if not free and (reason := _outside(agent, routing, assign, waited, stages)):
        return reason
    if not assign.skills and not routing.requires:
        return None
    able = abilities(agent)
    missing = unmet(assign.skills, able, waited) or unmet(routing.requires, able, waited)
    return None if missing is None else f"lacks {missing}"


def outside(assign: AssignPolicy) -> str:
    """Return what speaks against whoever is in none of the groups that a wait is open to."""
    return _TOO_EARLY if assign.mode is AssignMode.CASCADE else _ALLOTTED


def _outside(
    agent: Agent, routing: Routing, assign: AssignPolicy, waited: int, stages: int
) -> str | None:
    if assign.mode is AssignMode.CASCADE:
        if not any(group in agent.groups for group in assign.cascade[:stages]):
            return outside(assign)
    elif assign.mode is AssignMode.PERCENT and routing.group in assign.percent:
        opens = assign.open_after
        if routing.group not in agent.groups and (opens is None or waited < opens):
            return outside(assign)
    return None


def timed(assign: AssignPolicy) -> bool:
    """Whether time alone can change who may take what waits under a policy."""
    return (
        assign.widen_after is not None
        or assign.open_after is not None
        or assign.sticky_within is not None
        or assign.sticky_wait is not None
        or assign.overflow_after is not None
        or bool(assign.heavy)
        or any(each.expires is not None for each in assign.skills)
    )


def back_in_line(c: Conversation, policy: Policy, now: int, *, owner: bool = False) -> Routing:
    """Return the place in line of a conversation that comes back (A14, S14).

    With the agent it waits for where policy says so, or with `owner` whoever had it last (P4): for
    the first agent who is available, past stages and shares, or as its queue gives.
    """
    routing, last = returned(c.extras.routing), c.agent or c.extras.previous_agent
    resume, assign = policy.resume_to, policy.assign
    if last is not None and policy.assignment is not Assignment.CLAIM:
        gone = now - c.since
        kept = resume.to is ResumeTo.LAST_AGENT and (resume.within is None or gone <= resume.within)
        if owner or kept or is_sticky(assign, gone):
            return evolve(routing, sticky=last)
    if resume.to is ResumeTo.FIRST_AVAILABLE and assign.mode is not AssignMode.EVERYONE:
        return evolve(routing, anyone=True)
    return routing


def next_change(
    routing: Routing, assign: AssignPolicy, since: int, after: int, channel: str = ""
) -> int | None:
    """Return the next instant beyond `after` at which more agents may take a wait, or None.

    Every one lies at a fixed distance from the beginning of the wait.
    """
    ahead = [since + each for each in steps(routing, assign) if since + each > after]
    if channel in assign.heavy and assign.reserve_after is not None:
        ahead += [at for at in (since + assign.reserve_after,) if at > after]
    return min(ahead, default=None)


def steps(routing: Routing, assign: AssignPolicy) -> Iterator[int]:
    """Yield after which waits, in microseconds, more agents may take a conversation, in no order."""
    if assign.mode is AssignMode.CASCADE and assign.widen_after is not None:
        for number in range(1, len(assign.cascade)):
            yield number * assign.widen_after
    elif assign.mode is AssignMode.PERCENT and assign.open_after is not None:
        yield assign.open_after
    if routing.sticky is not None:
        yield assign.sticky_wait or 0
    if assign.overflow_after is not None:
        yield assign.overflow_after
    for each in (*assign.skills, *routing.requires):
        if each.expires is not None:
            yield each.expires
