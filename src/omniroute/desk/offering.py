"""Offers: what an agent is asked, accepting, declining (M5).

What is offered to everybody is read from the lines it waits in, bounded, as an agent asks: nothing is
stored for each agent, and whoever comes later sees it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from omniroute.desk.idempotency import Done
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import UnknownAgent
from omniroute.model import commands as ask
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignPolicy, Lane, QueueLine
from omniroute.model.conversation import Conversation
from omniroute.model.policy import Assignment
from omniroute.model.state import WAITING, State
from omniroute.ports import Transaction
from omniroute.rules.assignment import may_push
from omniroute.rules.offers import is_for_all, refused
from omniroute.rules.resolution import Setup
from omniroute.rules.waiting import (
    is_enabled,
    lane_of,
    open_groups,
    order,
    plain_lanes,
    prefix_of,
    refusal,
    sticky_lane,
)
from omniroute.rules.weights import fits
from omniroute.schema import AGENTS, CONVERSATIONS, DESKS, QUEUE_LINES, Key

__all__ = ["accept", "decline", "offered"]

_OFFERED_TO: Final = CONVERSATIONS.index("agent_by_due")
_WAITING: Final = CONVERSATIONS.index("waiting")


# --- answering ------------------------------------------------------------------------------------


def accept(conversation: str, by: str) -> Callable[[Unit], Done]:
    """Return the flow of taking what is offered to `by`; `NotOffered` where it is not."""

    def flow(unit: Unit) -> Done:
        found = unit.catch_up(unit.conversation(conversation))
        agent = unit.agent(by)  # by now: what lapsed may have switched them off
        _check(unit, agent, found)
        unit.perform(found, ask.Accept(by), unit.policy(found))
        settle(unit)
        return Done(unit.conversation(conversation))

    return flow


def decline(conversation: str, by: str) -> Callable[[Unit], Done]:
    """Return the flow of leaving what is offered to others; `NotOffered` where it is not."""

    def flow(unit: Unit) -> Done:
        found = unit.catch_up(unit.conversation(conversation))
        agent = unit.agent(by)
        if by not in found.extras.routing.declined:
            _check(unit, agent, found)
        unit.perform(found, ask.Decline(by), unit.policy(found))
        settle(unit)
        return Done(unit.conversation(conversation))

    return flow


def _check(unit: Unit, agent: Agent, found: Conversation) -> None:
    """Raise `NotOffered` where what is offered to everybody who may take it is not so to this agent."""
    if found.state not in WAITING or not is_for_all(found, unit.policy(found)):
        return
    queue = found.queue or ""
    rule, line = unit.rule(queue).assign, unit.queue_lines.of(queue)
    reason = None
    if not agent.available or agent.leaving:
        reason = "not available"
    elif queue not in agent.leaves:
        reason = "does not serve its queue"
    elif found.extras.routing.sticky not in (None, agent.id):
        reason = "it waits for somebody else"
    reason = reason or _against(agent, found, rule, line, unit.now)
    if reason is not None:
        raise refused(found.id, agent.id, reason)


def _against(
    agent: Agent, found: Conversation, rule: AssignPolicy, line: QueueLine, now: int
) -> str | None:
    lane, since = lane_of(found), found.clocks.queued_at
    if found.extras.routing.sticky is None:
        return _refusal(agent, lane, rule, line, since, now)
    return None if is_enabled(agent, lane.channel) else f"not enabled for {lane.channel}"


def _refusal(
    agent: Agent, lane: Lane, rule: AssignPolicy, line: QueueLine, since: int, now: int
) -> str | None:
    stages = open_groups(rule, since, now, line.opened(rule.cascade))
    return refusal(agent, lane, rule, now - since, stages)


# --- reading --------------------------------------------------------------------------------------


def offered(
    tx: Transaction, desk: str, setup: Setup, name: str, now: int, limit: int
) -> list[Conversation]:
    """Return what is offered to an agent: to them alone first, then to all who may take it."""
    agent = tx.get(AGENTS, desk, (name,))
    if agent is None:
        raise UnknownAgent(f"no agent {name!r}")
    alone = tx.scan(_OFFERED_TO, desk, (name, State.OFFERED.value), limit=limit)
    alone.sort(key=_until)
    if not may_push(agent) or agent.leaving:
        return alone
    record = tx.get(DESKS, desk, ())
    lined = () if record is None else record.lined
    open_to = _Open(tx, desk, setup, agent, now, limit)
    waiting = [entry for queue in agent.leaves for entry in open_to.entries(queue, lined)]
    waiting.sort(key=lambda each: order(each, setup.policy(None, each[0]).assign, now))
    found = (tx.get(CONVERSATIONS, desk, (entry[-1],)) for entry in waiting[:limit])
    return alone + [each for each in found if each is not None]


def _until(conversation: Conversation) -> tuple[int, str]:
    offer = conversation.extras.offer
    return (offer.until or 0 if offer is not None else 0), conversation.id


class _Open:
    """What waits in lines that are offered to everybody, and that an agent may take."""

    def __init__(
        self, tx: Transaction, desk: str, setup: Setup, agent: Agent, now: int, limit: int
    ) -> None:
        self._tx = tx
        self._desk = desk
        self._setup = setup
        self._agent = agent
        self._now = now
        self._limit = limit

    def entries(self, queue: str, lined: tuple[str, ...]) -> Iterator[Key]:
        """Yield entries of a queue's line, at most `limit` of each lane: time opens a lane to the first."""
        policy = self._setup.policy(None, queue)
        if policy.assignment is not Assignment.OFFER_ALL:
            return
        line = self._tx.get(QUEUE_LINES, self._desk, (queue,)) or QueueLine(queue=queue)
        lanes: dict[Key, tuple[str, Lane | None]] = {}
        for prefix, found in self._lanes(queue, policy.assign, line, lined):
            if prefix[:2] not in lanes:  # what is looked at as one has its segments in it
                lanes[prefix] = found
        for head in self._tx.heads(_WAITING, self._desk, list(lanes)):
            prefix = next(each for each in (head[:4], head[:2]) if each in lanes)
            channel, lane = lanes[prefix]
            if not fits(self._agent, self._setup.counted.get(channel)):
                continue
            for entry in self._tx.entries(_WAITING, self._desk, prefix, limit=self._limit):
                if lane is not None and self._refusal(lane, policy.assign, line, entry[4]):
                    break
                yield entry

    def _refusal(self, lane: Lane, rule: AssignPolicy, line: QueueLine, since: int) -> str | None:
        return _refusal(self._agent, lane, rule, line, since, self._now)

    def _lanes(
        self, queue: str, rule: AssignPolicy, line: QueueLine, lined: tuple[str, ...]
    ) -> Iterator[tuple[Key, tuple[str, Lane | None]]]:
        """Where to look, by channel; without a lane where nothing more is asked of the agent."""
        plain = self._setup.reach.plain
        for prefix, channel in plain_lanes(queue, rule, self._setup.channels):
            yield prefix, (channel, plain[channel])
        for lane in line.lanes if queue in lined else ():
            yield prefix_of(queue, lane), (lane.channel, lane)
        for channel in self._setup.channels:  # who waits for this agent (P4)
            if is_enabled(self._agent, channel):
                yield (queue, sticky_lane(self._agent.id, channel)), (channel, None)
