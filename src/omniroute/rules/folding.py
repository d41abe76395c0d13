"""How events change a conversation: `apply` and `fold`. No policy, no choice.

What is decided elsewhere is told here as fact, so that folding the log gives the stored state
(R16). New values are built positionally: a step must stay cheap (PERFORMANCE: no `attrs.evolve`
inside one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import evolve

from omniroute.model import events as tell
from omniroute.model.assign import NO_ROUTING, Routing
from omniroute.model.conversation import (
    NO_EXTRAS,
    Clocks,
    Conversation,
    DeadlineKind,
    Ending,
    Extras,
    Offer,
    Quiet,
    Sla,
    Snooze,
)
from omniroute.model.state import State
from omniroute.model.values import making
from omniroute.rules.sla import clocks as sla_clocks
from omniroute.rules.waiting import returned

__all__ = ["AFTER_HOURS", "CHANGES", "apply", "fold"]

# Looking a member up in its class costs as much as storing five fields.
_ENDED: Final = State.ENDED
_RESOLUTION: Final = DeadlineKind.RESOLUTION
# Steps make these again and again.
_new_conversation: Final = making(Conversation)
_new_clocks: Final = making(Clocks)
_new_extras: Final = making(Extras)
_new_ending: Final = making(Ending)

AFTER_HOURS: Final = "after_hours_message"
"""The occasion of the text that says that the desk is closed: it is remembered (U49)."""


def apply(conversation: Conversation | None, event: tell.ConversationEvent) -> Conversation:
    """Return the conversation after `event`; None before its first. KeyError for a foreign event."""
    return CHANGES[type(event)](conversation, event)


def fold(events: Iterable[tell.ConversationEvent]) -> Conversation | None:
    """Return the state that a conversation's events come to, or None for no events."""
    state = None
    for event in events:
        state = apply(state, event)
    return state


def _opened(_: None, e: tell.Opened) -> Conversation:
    sla = sla_clocks.began(e.at, e.due, e.resolution_due)
    clocks = Clocks(e.at, e.at, e.at, None, None, None, sla_clocks.earliest(sla), sla)
    extras = NO_EXTRAS if e.routing is NO_ROUTING else Extras(routing=e.routing)
    return Conversation(
        e.conversation, e.target, e.place, e.queue, None, e.at, e.at, clocks, e.timers or (), extras
    )


def _started(_: None, e: tell.Started) -> Conversation:
    sla = sla_clocks.began(e.at, None, e.resolution_due)
    clocks = Clocks(e.at, e.at, e.at, None, None, None, sla_clocks.earliest(sla), sla)
    return Conversation(
        e.conversation,
        e.target,
        e.place,
        e.queue,
        e.agent,
        e.at,
        e.at,
        clocks,
        e.timers or (),
        NO_EXTRAS,
    )


def _received(c: Conversation, e: tell.MessageReceived) -> Conversation:
    k, at, place = c.clocks, e.at, c.place
    if place.started_by is not None and not place.heard:
        place = evolve(place, heard=True)
    waiting = at if k.waiting_since is None else k.waiting_since
    due, sla = k.due, k.sla
    if e.due is not None or e.respond_by is not None:
        sla = sla_clocks.asked(sla or Sla(k.opened_at), at, e.due, e.respond_by)
        due = sla_clocks.earliest(sla)
    clocks = _new_clocks(
        k.opened_at, k.queued_at, at, waiting, k.agent_at, k.first_reply_at, due, sla
    )
    x = c.extras
    if x.quiet is not None:
        x = _quieted(x, _broken(x.quiet))
    return _new_conversation(
        c.id,
        c.state,
        place,
        c.queue,
        c.agent,
        at,
        c.since,
        clocks,
        c.timers if e.timers is None else e.timers,
        x,
    )


def _sent(c: Conversation, e: tell.MessageSent) -> Conversation:
    k, at, x = c.clocks, e.at, c.extras
    if e.automatic:
        clocks = k
        if e.occasion == AFTER_HOURS:
            x = _quieted(x, evolve(x.quiet or _NO_QUIET, told_closed_at=at))
    else:
        first = at if k.first_reply_at is None else k.first_reply_at
        due, sla = k.due, k.sla
        if sla is None:
            due = None
        elif not sla.answered or sla.response is not None or sla.respond_by is not None:
            sla = sla_clocks.answered(sla, at)
            due = sla_clocks.earliest(sla)
        clocks = _new_clocks(k.opened_at, k.queued_at, k.contact_at, None, at, first, due, sla)
    return _new_conversation(
        c.id,
        c.state,
        c.place,
        c.queue,
        c.agent,
        at,
        c.since,
        clocks,
        c.timers if e.timers is None else e.timers,
        x,
    )


def _queued(c: Conversation, e: tell.Queued) -> Conversation:
    k, place = c.clocks, c.place
    due, sla = k.due, k.sla
    if e.source is _ENDED:
        if place.started_by is not None and e.actor == tell.CONTACT:
            place = evolve(place, started_by=None)  # this time it is the contact who began
        sla = sla_clocks.began(e.at, e.due, e.resolution_due, sla.stopped if sla else ())
        due = sla_clocks.earliest(sla)
    elif sla is not None and sla.paused_at is not None:
        sla = sla_clocks.resumed(sla, e.at, e.resolution_due)
        due = sla_clocks.earliest(sla)
    elif sla is not None and sla.respond_by is not None:
        sla = sla_clocks.assigned(sla, None)
    clocks = _new_clocks(
        k.opened_at, e.at, k.contact_at, k.waiting_since, k.agent_at, k.first_reply_at, due, sla
    )
    extras = x = c.extras
    routing = returned(x.routing) if e.routing is None else e.routing
    previous, quiet = c.agent or x.previous_agent, x.quiet
    if (
        previous != x.previous_agent
        or quiet is not None
        or (routing is not x.routing and routing != x.routing)
        or x.ending is not None
        or x.offer is not None
        or x.menu
    ):
        quiet = None if quiet is None and c.state not in _ASIDE else _resumed(c, e)
        extras = _new_extras((), x.subject, x.tags, x.attributes, None, previous, quiet, routing)
    return _new_conversation(
        c.id,
        e.to_state,
        place,
        e.queue,
        None,
        e.at,
        e.at,
        clocks,
        c.timers if e.timers is None else e.timers,
        extras,
    )


def _held(c: Conversation, e: tell.Assigned | tell.TookOver) -> Conversation:
    k = c.clocks
    sla = k.sla
    if e.respond_by is not None or (sla is not None and sla.respond_by is not None):
        k = _with_sla(k, sla_clocks.assigned(sla or Sla(k.opened_at), e.respond_by))
    extras = c.extras if c.extras.offer is None else _asking(c.extras, None)
    if e.reason in _TRANSFERS:
        routing = evolve(extras.routing, transfers=extras.routing.transfers + 1)
        extras = evolve(extras, routing=routing)
    return _new_conversation(
        c.id,
        e.to_state,
        c.place,
        c.queue,
        e.agent,
        e.at,
        e.at,
        k,
        c.timers if e.timers is None else e.timers,
        extras,
    )


def _offered(c: Conversation, e: tell.Offered) -> Conversation:
    return _moved_to(c, e, c.queue, None, _asking(c.extras, Offer(e.agent, e.at, e.until)))


def _offer_ended(c: Conversation, e: tell.OfferEnded) -> Conversation:
    return _moved_to(c, e, c.queue, None, _asking(c.extras, None, e.routing))


def _asking(x: Extras, offer: Offer | None, routing: Routing | None = None) -> Extras:
    return Extras(
        x.menu,
        x.subject,
        x.tags,
        x.attributes,
        x.ending,
        x.previous_agent,
        x.quiet,
        x.routing if routing is None else routing,
        offer,
    )


def _selecting(c: Conversation, e: tell.Selecting) -> Conversation:
    x = c.extras
    back = returned(x.routing)  # whatever is chosen, the wait for it is a return (S6)
    extras = Extras(
        (), x.subject, x.tags, x.attributes, None, x.previous_agent, _resumed(c, e), back
    )
    k = c.clocks
    if k.sla is not None and k.sla.paused_at is not None:
        k = _with_sla(k, sla_clocks.resumed(k.sla, e.at, e.resolution_due))
    return _moved_to(c, e, None, None, extras, k)


def _aside(c: Conversation, e: tell.Dismissed | tell.Snoozed) -> Conversation:
    x, quiet = c.extras, c.extras.quiet or _NO_QUIET
    if isinstance(e, tell.Snoozed):
        snooze = Snooze(e.until, e.actor, e.at)
        quiet = evolve(quiet, warned_at=None, snooze=snooze)
    else:
        quiet = evolve(quiet, warned_at=None)
    routing = x.routing
    if routing.transfers and isinstance(e, tell.Dismissed):
        routing = evolve(routing, transfers=0)  # M13
    extras = Extras(x.menu, x.subject, x.tags, x.attributes, None, c.agent, quiet, routing)
    k = c.clocks
    paused = None if k.sla is None else _with_sla(k, sla_clocks.paused(k.sla, e.at))
    return _moved_to(c, e, c.queue, None, extras, paused)


def _fell_silent(c: Conversation, e: tell.FellSilent) -> Conversation:
    quiet = evolve(c.extras.quiet or _NO_QUIET, warned_at=e.warned_at)
    return _moved_to(c, e, c.queue, c.agent, _quieted(c.extras, quiet))


def _asked(c: Conversation, e: tell.KeepAliveAsked) -> Conversation:
    quiet = evolve(c.extras.quiet or _NO_QUIET, asked_at=e.asked_at)
    return _with_extras(c, e, _quieted(c.extras, quiet))


def _moved_to(
    c: Conversation,
    e: tell.Transition,
    queue: str | None,
    agent: str | None,
    extras: Extras,
    clocks: Clocks | None = None,
) -> Conversation:
    return _new_conversation(
        c.id,
        e.target,
        c.place,
        queue,
        agent,
        e.at,
        e.at,
        clocks or c.clocks,
        c.timers if e.timers is None else e.timers,
        extras,
    )


# --- marks of a silence ---------------------------------------------------------------------------

_NO_QUIET: Final = Quiet()
_TRANSFERS: Final = (tell.TRANSFERRED, tell.FORCED)
_ASIDE: Final = (State.DISMISSED, State.SNOOZED)


def _quieted(x: Extras, quiet: Quiet | None) -> Extras:
    return _new_extras(
        x.menu,
        x.subject,
        x.tags,
        x.attributes,
        x.ending,
        x.previous_agent,
        quiet,
        x.routing,
        x.offer,
    )


def _broken(quiet: Quiet) -> Quiet:
    """The contact wrote: warnings and questions are void; it is one message of those owed (M6)."""
    return Quiet(
        quiet.woke_at,
        None,
        None,
        max(quiet.owed - 1, 0),
        quiet.told_closed_at,
        quiet.snooze,
    )


def _resumed(c: Conversation, e: tell.Transition) -> Quiet | None:
    """What is left of a silence when the conversation waits again.

    Waking counts as activity (R5). After a dismissal the contact must write once before the next
    one, and where their own message brings it back, once more (M6).
    """
    quiet = c.extras.quiet or _NO_QUIET
    if c.state is State.SNOOZED:
        return evolve(quiet, woke_at=e.at, warned_at=None, snooze=None)
    if c.state is State.DISMISSED:
        return evolve(quiet, warned_at=None, owed=2 if e.actor == tell.CONTACT else 1)
    if c.state is State.ENDED:
        told = quiet.told_closed_at
        return None if told is None else Quiet(told_closed_at=told)
    return evolve(quiet, warned_at=None)


def _reactivated(c: Conversation, e: tell.Reactivated) -> Conversation:
    return _new_conversation(
        c.id,
        e.to_state,
        c.place,
        c.queue,
        c.agent,
        e.at,
        e.at,
        c.clocks,
        c.timers if e.timers is None else e.timers,
        c.extras,
    )


def _ended(c: Conversation, e: tell.Ended) -> Conversation:
    k, x = c.clocks, c.extras
    sla = k.sla
    if sla is not None and (
        sla.response is not None or sla.resolution is not None or sla.paused_at is not None
    ):
        sla = sla_clocks.ended(sla, e.at)
    elif sla is not None and sla.respond_by is not None:
        sla = sla_clocks.assigned(sla, None)
    if k.waiting_since is not None or k.due is not None or sla is not k.sla:
        k = _new_clocks(
            k.opened_at,
            k.queued_at,
            k.contact_at,
            None,
            k.agent_at,
            k.first_reply_at,
            None,
            sla,
        )
    ending = _new_ending(e.ending, e.actor, e.at, e.disposition, e.detail)
    extras = _new_extras(
        (), x.subject, x.tags, x.attributes, ending, x.previous_agent, x.quiet, x.routing
    )
    return _new_conversation(
        c.id, e.to_state, c.place, c.queue, c.agent, e.at, e.at, k, e.timers or (), extras
    )


def _with_extras(c: Conversation, e: tell.ConversationEvent, extras: Extras) -> Conversation:
    return _new_conversation(
        c.id,
        c.state,
        c.place,
        c.queue,
        c.agent,
        e.at,
        c.since,
        c.clocks,
        c.timers if e.timers is None else e.timers,
        extras,
    )


# --- the clocks of the SLA ------------------------------------------------------------------------


def _with_sla(k: Clocks, sla: Sla) -> Clocks:
    return _new_clocks(
        k.opened_at,
        k.queued_at,
        k.contact_at,
        k.waiting_since,
        k.agent_at,
        k.first_reply_at,
        sla_clocks.earliest(sla),
        sla,
    )


def _with_clocks(c: Conversation, e: tell.ConversationEvent, clocks: Clocks) -> Conversation:
    return _new_conversation(
        c.id,
        c.state,
        c.place,
        c.queue,
        c.agent,
        e.at,
        c.since,
        clocks,
        c.timers if e.timers is None else e.timers,
        c.extras,
    )


def _rescheduled(c: Conversation, e: tell.SlaRescheduled) -> Conversation:
    k, sla = c.clocks, c.clocks.sla or Sla(c.clocks.opened_at)
    since = sla.started_at if e.clock is _RESOLUTION else (k.waiting_since or e.at)
    sla = sla_clocks.rescheduled(sla, e.clock, since, e.due, warned=e.warned, breached=e.breached)
    return _with_clocks(c, e, _with_sla(k, sla))


def _sla_told(c: Conversation, e: tell.SlaWarned | tell.SlaBreached) -> Conversation:
    k = c.clocks
    if k.sla is None:
        return _touched(c, e)
    breached = type(e) is tell.SlaBreached
    return _with_clocks(c, e, _with_sla(k, sla_clocks.told(k.sla, e.clock, breached=breached)))


def _moved(c: Conversation, e: tell.MenuMoved) -> Conversation:
    return _with_extras(c, e, evolve(c.extras, menu=e.path))


def _tagged(c: Conversation, e: tell.Tagged) -> Conversation:
    return _with_extras(c, e, evolve(c.extras, tags=e.tags))


def _described(c: Conversation, e: tell.Described) -> Conversation:
    return _with_extras(c, e, evolve(c.extras, subject=e.subject, attributes=e.attributes))


def _lined(c: Conversation, e: tell.Lined | tell.Declined) -> Conversation:
    return _with_extras(c, e, evolve(c.extras, routing=e.routing))


def _relocated(c: Conversation, e: tell.Relocated) -> Conversation:
    extras = c.extras if c.extras.menu == e.menu else evolve(c.extras, menu=e.menu)
    place = c.place if c.place.inbox == e.inbox else evolve(c.place, inbox=e.inbox)
    return evolve(_with_extras(c, e, extras), place=place, queue=e.queue)


def _touched(c: Conversation, e: tell.ConversationEvent) -> Conversation:
    return _new_conversation(
        c.id,
        c.state,
        c.place,
        c.queue,
        c.agent,
        e.at,
        c.since,
        c.clocks,
        c.timers if e.timers is None else e.timers,
        c.extras,
    )


def _unchanged(c: Conversation, _: tell.ConversationEvent) -> Conversation:
    return c


CHANGES: Final[dict[type, Callable[[Any, Any], Conversation]]] = {
    tell.Opened: _opened,
    tell.Started: _started,
    tell.MessageReceived: _received,
    tell.MessageSent: _sent,
    tell.Queued: _queued,
    tell.Offered: _offered,
    tell.OfferEnded: _offer_ended,
    tell.Declined: _lined,
    tell.Assigned: _held,
    tell.TookOver: _held,
    tell.Reactivated: _reactivated,
    tell.FellSilent: _fell_silent,
    tell.Dismissed: _aside,
    tell.Snoozed: _aside,
    tell.Selecting: _selecting,
    tell.KeepAliveAsked: _asked,
    tell.Ended: _ended,
    tell.MenuMoved: _moved,
    tell.Relocated: _relocated,
    tell.Tagged: _tagged,
    tell.Described: _described,
    tell.Lined: _lined,
    tell.NoteAdded: _touched,
    tell.SlaBreached: _sla_told,
    tell.SlaWarned: _sla_told,
    tell.ResponseTargetExceeded: _touched,
    tell.SlaRescheduled: _rescheduled,
    # What is reported of a message moves neither the state nor its clocks (P16).
    tell.DeliveryChanged: _unchanged,
    tell.FlowStarted: _unchanged,
    tell.Remarked: _unchanged,
}
"""How each kind of event changes a conversation."""
