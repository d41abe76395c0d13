"""From a queue that cannot take it to one that can, keeping the wait (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from omniroute.desk.entering import entering
from omniroute.desk.menus import serves_somewhere
from omniroute.model import commands as ask
from omniroute.model.assign import RETURNED, AssignPolicy
from omniroute.model.conversation import Conversation
from omniroute.model.state import WAITING
from omniroute.schema import AGENTS, CONVERSATIONS

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit

__all__ = ["can_return", "overflow"]

_WAITING = CONVERSATIONS.index("waiting")
_SERVING = AGENTS.index("serving")


def can_return(unit: Unit, conversation: Conversation) -> bool:
    """Whether there is a queue to return to: its own with agents, or one that it overflows into (S6)."""
    if serves_somewhere(unit, conversation):
        return True
    queue = conversation.queue
    return queue is not None and _target(unit, unit.rule(queue).assign, (queue,)) is not None


def overflow(unit: Unit, conversation: Conversation) -> bool:
    """Move a conversation that nobody took to the next queue, where it is time; return whether it moved.

    Transfer rules do not bind it and hidden queues take part; disabled and full ones are skipped, and
    none is visited twice in a wait. With nowhere to go it stays.
    """
    queue = conversation.queue or ""
    rule = unit.rule(queue).assign
    if not rule.overflow and rule.full_message is None:
        return False
    unit.flush()
    full = _length(unit, queue) > (rule.maximum or _NO_LIMIT)
    if not full and not _is_time(unit, conversation, rule):
        return False
    visited = (queue, *conversation.extras.routing.visited)
    target = _target(unit, rule, visited)
    if target is not None:
        _move(unit, conversation, target)
    elif full and rule.full_message is not None and conversation.clocks.queued_at == unit.now:
        policy = unit.policy(conversation)
        unit.deliver(conversation, policy, rule.full_message, "queue_full")
    return target is not None


_NO_LIMIT = 2**62


def _is_time(unit: Unit, conversation: Conversation, rule: AssignPolicy) -> bool:
    waited = unit.reached - conversation.clocks.queued_at
    if rule.overflow_after is not None and waited >= rule.overflow_after:
        return True
    if conversation.extras.routing.wait_class == RETURNED and not serves_somewhere(
        unit, conversation
    ):
        return True  # it came back where nobody serves any more (S6)
    arrived = waited == 0
    length = _length(unit, conversation.queue or "")
    return arrived and rule.overflow_at is not None and length > rule.overflow_at


def _length(unit: Unit, queue: str) -> int:
    return unit.tx.count(_WAITING, unit.desk, (queue,))


def _target(unit: Unit, rule: AssignPolicy, visited: tuple[str, ...]) -> str | None:
    for queue in rule.overflow:
        if queue in visited or not unit.setup.is_leaf(queue):
            continue
        limit = unit.rule(queue).assign.maximum
        full = limit is not None and _length(unit, queue) >= limit
        if not full and unit.tx.heads(_SERVING, unit.desk, [(queue,)]):
            return queue
    return None


def _move(unit: Unit, conversation: Conversation, queue: str) -> None:
    conversation = unit.catch_up(conversation, until=unit.reached)
    if conversation.state not in WAITING:
        return  # it expired before there was anywhere to go
    left, before = conversation.queue or "", conversation.extras.routing
    inbox = unit.setup.inbox_of(queue)
    # Told as of where deadlines have been fired to: what comes later still ends it in time (S2).
    now = unit.reached
    if conversation.extras.offer is not None:
        policy = unit.policy(conversation)
        conversation = unit.perform(conversation, ask.Withdraw("overflow"), policy, now=now)
        if conversation.state not in WAITING:
            return  # by a policy that is newer than its deadlines (S3)
    relocate = ask.Relocate(inbox, queue)
    moved = unit.perform(conversation, relocate, unit.policy(conversation), now=now)
    if moved.state not in WAITING:
        return  # the other queue lets nobody wait that long
    routing = entering(unit, queue, evolve(before, group=None), before.wait_class)
    routing = evolve(routing, visited=(*before.visited, left), sticky=None)
    unit.perform(moved, ask.Line(routing), unit.policy(moved), now=now)
