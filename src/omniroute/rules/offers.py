"""Offers: agents are asked whether they take what waits, all at once or one at a time (M5, S7).

Every function answers one command with events, as `rules.transitions` asks; the table there says in
which states. An offer changes neither the wait nor its place in line. Who may be asked is
`rules.waiting`'s matter, who is asked first `rules.assignment`'s.
"""

from __future__ import annotations

from attrs import evolve

from omniroute.errors import AlreadyTaken, NotOffered
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.assign import Routing
from omniroute.model.conversation import Conversation
from omniroute.model.events import SYSTEM, agent_actor
from omniroute.model.policy import Assignment, Policy
from omniroute.rules.sla import deciding as sla
from omniroute.rules.waiting import slot

__all__ = [
    "accept",
    "accept_held",
    "decline",
    "is_for_all",
    "lapse",
    "offer",
    "refused",
    "withdraw",
]

Events = tuple[tell.ConversationEvent, ...]


def is_for_all(c: Conversation, policy: Policy) -> bool:
    """Whether everybody who may take a waiting conversation is asked, and accepting it is a race.

    Also where nobody was there to be told, so far.
    """
    if c.extras.offer is not None:
        return c.extras.offer.agent is None
    return policy.assignment is Assignment.OFFER_ALL


def offer(c: Conversation, command: ask.Offer, policy: Policy, now: int) -> Events:
    """Ask an agent, who has until an instant counted from now (S2), or everybody (M5)."""
    asked, agent = c.extras.offer, command.agent
    if asked is not None and (asked.agent is not None or agent is None):
        return ()
    until = None if agent is None else now + policy.offer.accept_within
    mode = Assignment.OFFER_ALL if agent is None else Assignment.OFFER_ONE
    return (tell.Offered(c.id, now, SYSTEM, None, c.state, mode.value, agent, until),)


def accept(c: Conversation, command: ask.Accept, policy: Policy, now: int) -> Events:
    """Give it to whoever accepts first; `NotOffered` to whom it is not offered."""
    _check_asked(c, command.by, policy)
    due = timers = None
    if policy.response_target is not None:
        due, timers = sla.awaited(c, policy, now)
    by = agent_actor(command.by)
    return (
        tell.Assigned(
            c.id, now, by, timers, c.state, tell.ACCEPTED, command.by, due, released=slot(c)
        ),
    )


def accept_held(c: Conversation, command: ask.Accept, _: Policy, __: int) -> Events:
    """Tell whoever comes second that it is taken, and by whom (C5); the holder has it already."""
    if c.agent != command.by:
        raise AlreadyTaken(c.id, c.agent or "", confirmable=False)
    return ()


def decline(c: Conversation, command: ask.Decline, policy: Policy, now: int) -> Events:
    """Leave it to others: whoever declines is not offered it again in this wait (M5)."""
    by, asked = command.by, c.extras.offer
    if by in c.extras.routing.declined:
        return ()
    _check_asked(c, by, policy)
    routing = _declined(c.extras.routing, by)
    told = tell.Declined(c.id, now, agent_actor(by), None, by, routing)
    if asked is None or asked.agent is None:
        return (told,)
    return told, tell.OfferEnded(c.id, now, agent_actor(by), None, c.state, tell.DECLINED, by)


def lapse(c: Conversation, _: ask.Expire, __: Policy, now: int) -> Events:
    """The agent did not answer in time, and is not offered it again in this wait (M5)."""
    asked = c.extras.offer
    if asked is None or asked.agent is None:
        return ()
    routing = _declined(c.extras.routing, asked.agent)
    return (tell.OfferEnded(c.id, now, SYSTEM, None, c.state, tell.LAPSED, asked.agent, routing),)


def withdraw(c: Conversation, command: ask.Withdraw, _: Policy, now: int) -> Events:
    """Ask nobody any more; whoever was asked may be asked again."""
    return (tell.OfferEnded(c.id, now, SYSTEM, None, c.state, command.reason, slot(c)),)


def _declined(routing: Routing, by: str) -> Routing:
    sticky = None if routing.sticky == by else routing.sticky
    return evolve(routing, declined=(*routing.declined, by), sticky=sticky)


def _check_asked(c: Conversation, by: str, policy: Policy) -> None:
    if is_for_all(c, policy):
        if by not in c.extras.routing.declined:
            return
        raise refused(c.id, by, "declined it")
    asked = c.extras.offer
    if asked is None or asked.agent != by:
        raise refused(c.id, by, "it is offered to somebody else" if asked else "it is not offered")


def refused(conversation: str, by: str, reason: str) -> NotOffered:
    """Return the error for an agent to whom a conversation is not offered."""
    return NotOffered(
        f"conversation {conversation!r} is not offered to agent {by!r}",
        expected="what desk.offers lists for them",
        got=reason,
    )
