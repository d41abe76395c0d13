"""Who is asked while conversations are offered: kept right as they wait and as staff changes (M5, S7).

What is offered to everybody is so while anybody who may take it is there, with room or not: `desk.offers`
lists it for those with room. Only the state follows here; nothing is stored for each agent, and at most
`AT_ONCE` conversations of a queue change at once, the first due first. Accepting does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import evolve

from omniroute.desk.candidates import asked, somebody_may
from omniroute.desk.decided import write_decision
from omniroute.desk.lines import Lines
from omniroute.desk.overflow import overflow
from omniroute.desk.unit import Unit
from omniroute.model import commands as ask
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignMode
from omniroute.model.conversation import Conversation
from omniroute.model.policy import Assignment
from omniroute.model.state import State
from omniroute.schema import CONVERSATIONS

__all__ = ["AT_ONCE", "ask_everybody", "follow_staff", "withdraw_from"]

AT_ONCE: Final = 100

_OFFERED_TO: Final = CONVERSATIONS.index("agent_by_due")
_IN_QUEUE: Final = CONVERSATIONS.index("queue_by_due")


def ask_everybody(unit: Unit, lines: Lines, conversation: Conversation) -> bool:
    """Offer a conversation to everybody who may take it, while anybody is there; else it waits in QUEUED.

    Returns whether it went on to another queue instead.
    """
    queue, routing = conversation.queue or "", conversation.extras.routing
    policy, now = unit.policy(conversation), unit.reached
    if routing.sticky is not None and not _waits_for(unit, queue, routing.sticky):
        unit.perform(conversation, ask.Line(evolve(routing, sticky=None)), policy, now=now)
        return False  # looked at again, in its new place
    if overflow(unit, conversation):
        return True
    conversation = unit.conversation(conversation.id)  # told, perhaps, that the queue is full
    if (offer := conversation.extras.offer) is not None and offer.agent is not None:
        return False  # one was asked before everybody was: they may still accept
    there, offered = somebody_may(unit, lines, conversation), offer is not None
    if there and not offered:
        after = unit.perform(conversation, ask.Offer(), policy, now=now)
        if after.state is State.OFFERED:
            write_decision(unit, after, asked(unit, lines, after), now)
    elif offered and not there:
        unit.perform(conversation, ask.Withdraw("nobody"), policy, now=now)
    return False


def _waits_for(unit: Unit, queue: str, agent: str) -> bool:
    """Whether a contact still waits for their last agent, before everybody sees them (P4)."""
    found = unit.find_agent(agent)
    serves = found is not None and queue in found.leaves
    return serves and unit.rule(queue).assign.sticky_wait is not None


def follow_staff(unit: Unit, lines: Lines) -> None:
    """Let offers follow those who came, went, or serve other queues than before (S7)."""
    changes, unit.agenda.restaffed = unit.agenda.restaffed, []
    came: dict[str, None] = {}
    left: dict[str, None] = {}
    for before, after in changes:
        if before is not None and before.available:
            left.update(dict.fromkeys(before.leaves))
            if before.load:  # an offer may be older than its queue's mode
                withdraw_from(unit, before, after)
        if after is not None and after.available:
            came.update(dict.fromkeys(after.leaves))
            if not after.has_room:  # theirs may be the first group with anybody (M1)
                unit.agenda.closed.update(dict.fromkeys(after.pools))
    for queue in came | left:
        if unit.setup.is_leaf(queue) and unit.rule(queue).assignment is Assignment.OFFER_ALL:
            # Where somebody left a group, a later one may join in its place (M1).
            opens = unit.rule(queue).assign.mode is AssignMode.CASCADE and queue in left
            states = ((State.QUEUED, queue in came or opens), (State.OFFERED, queue in left))
            _relabel(unit, lines, queue, [state for state, changed in states if changed])


def withdraw_from(unit: Unit, before: Agent, after: Agent | None) -> None:
    """Take back what was offered to somebody alone who is not there for it any more."""
    unit.flush()
    prefix = (before.id, State.OFFERED.value)
    for each in unit.tx.scan(_OFFERED_TO, unit.desk, prefix, limit=AT_ONCE):
        there = after is not None and after.available and not after.leaving
        if not there or (after is not None and each.queue not in after.leaves):
            found = unit.conversation(each.id)
            policy, now = unit.policy(found), unit.reached
            unit.perform(found, ask.Withdraw("unavailable"), policy, now=now)


def _relabel(unit: Unit, lines: Lines, queue: str, states: Iterable[State]) -> None:
    lines.flush()
    for state in states:
        found = unit.tx.scan(_IN_QUEUE, unit.desk, (queue, state.value), limit=AT_ONCE)
        for each in found:
            conversation = unit.conversation(each.id)
            offer = conversation.extras.offer
            if offer is None or offer.agent is None:
                ask_everybody(unit, lines, conversation)
