"""How events change a conversation: `apply` and `fold`. No policy, no choice.

What is decided elsewhere is told here as fact, so that folding the log gives the stored state
(R16). New values are made by functions that know what changes: a step must stay cheap (PERFORMANCE:
no `attrs.evolve` inside one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from attrs import evolve

from omniroute.model import events as tell
from omniroute.model.assign import NO_ROUTING
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
from omniroute.model.values import copying, making
from omniroute.rules.sla import clocks as sla_clocks
from omniroute.rules.waiting import returned

__all__ = ["AFTER_HOURS", "CHANGES", "apply", "fold"]

# Looking a member up in its class costs as much as storing five fields.
_ENDED: Final = State.ENDED
_RESOLUTION: Final = DeadlineKind.RESOLUTION
# What steps make again and again: each names what it changes.
_moves: Final = copying(
    Conversation, "state", "queue", "agent", "at", "since", "clocks", "timers", "extras"
)
_lines_up: Final = copying(
    Conversation, "state", "place", "queue", "agent", "at", "since", "clocks", "timers", "extras"
)
_heard: Final = copying(Conversation, "place", "at", "clocks", "timers", "extras")
_stays: Final = copying(Conversation, "at", "clocks", "timers", "extras")
_contact_wrote: Final = copying(Clocks, "contact_at", "waiting_since", "due", "sla")
_agent_wrote: Final = copying(Clocks, "waiting_since", "agent_at", "first_reply_at", "due", "sla")
_began_to_wait: Final = copying(Clocks, "queued_at", "due", "sla")
_nobody_waits: Final = copying(Clocks, "waiting_since", "due", "sla")
_due: Final = copying(Clocks, "due", "sla")
_quieted: Final = copying(Extras, "quiet")
_asking: Final = copying(Extras, "offer", "routing")
_back_in_line: Final = copying(
    Extras, "menu", "ending", "previous_agent", "quiet", "routing", "offer"
)
_over: Final = copying(Extras, "menu", "ending", "offer")
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
    clocks = _contact_wrote(k, at, waiting, due, sla)
    x = c.extras
    if x.quiet is not None:
        x = _quieted(x, _broken(x.quiet))
    timers = c.timers if e.timers is None else e.timers
    return _heard(c, place, at, clocks, timers, x)


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
        clocks = _agent_wrote(k, None, at, first, due, sla)
    return _stays(c, at, clocks, c.timers if e.timers is None else e.timers, x)


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
    clocks = _began_to_wait(k, e.at, due, sla)
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
        extras = _back_in_line(x, (), None, previous, quiet, routing, None)
    timers, at = c.timers if e.timers is None else e.timers, e.at
    return _lines_up(c, e.to_state, place, e.queue, None, at, at, clocks, timers, extras)


def _held(c: Conversation, e: tell.Assigned | tell.TookOver) -> Conversation:
    k = c.clocks
    sla = k.sla
    if e.respond_by is not None or (sla is not None and sla.respond_by is not None):
        k = _with_sla(k, sla_clocks.assigned(sla or Sla(k.opened_at), e.respond_by))
    extras = c.extras if c.extras.offer is None else _asking(c.extras, None, c.extras.routing)
    if e.reason in _TRANSFERS:
        routing = evolve(extras.routing, transfers=extras.routing.transfers + 1)
        extras = evolve(extras, routing=routing)
    timers, at = c.timers if e.timers is None else e.timers, e.at
    return _moves(c, e.to_state, c.queue, e.agent, at, at, k, timers, extras)


def _offered(c: Conversation, e: tell.Offered) -> Conversation:
    offer, x = Offer(e.agent, e.at, e.until), c.extras
    return _moved_to(c, e, c.queue, None, _asking(x, offer, x.routing))


def _offer_ended(c: Conversation, e: tell.OfferEnded) -> Conversation:
    x = c.extras
    asking = _asking(x, None, x.routing if e.routing is None else e.routing)
    return _moved_to(c, e, c.queue, None, asking)


def _selecting(c: Conversation, e: tell.Selecting) -> Conversation:
    x = c.extras
    back = returned(x.routing)  # whatever is chosen, the wait for it is a return (S6)
    extras = _back_in_line(x, (), None, x.previous_agent, _resumed(c, e), back, None)
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
    extras = _back_in_line(x, x.menu, None, c.agent, quiet, routing, None)
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
    timers, at = c.timers if e.timers is None else e.timers, e.at
    return _moves(c, e.target, queue, agent, at, at, clocks or c.clocks, timers, extras)


# --- marks of a silence ---------------------------------------------------------------------------

_NO_QUIET: Final = Quiet()
_TRANSFERS: Final = (tell.TRANSFERRED, tell.FORCED)
_ASIDE: Final = (State.DISMISSED, State.SNOOZED)


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
    return _moved_to(c, e, c.queue, c.agent, c.extras)


def _ended(c: Conversation, e: tell.Ended) -> Conversation:
    k, x = c.clocks, c.extras
    sla = k.sla
    if sla is not None:
        if sla.response is not None or sla.resolution is not None or sla.paused_at is not None:
            sla = sla_clocks.ended(sla, e.at)
        elif sla.respond_by is not None:
            sla = sla_clocks.assigned(sla, None)
    if k.waiting_since is not None or k.due is not None or sla is not k.sla:
        k = _nobody_waits(k, None, None, sla)
    ending = _new_ending(e.ending, e.actor, e.at, e.disposition, e.detail)
    extras = _over(x, (), ending, None)
    return _moves(c, e.to_state, c.queue, c.agent, e.at, e.at, k, e.timers or (), extras)


def _with_extras(c: Conversation, e: tell.ConversationEvent, extras: Extras) -> Conversation:
    return _stays(c, e.at, c.clocks, c.timers if e.timers is None else e.timers, extras)


# --- the clocks of the SLA ------------------------------------------------------------------------


def _with_sla(k: Clocks, sla: Sla) -> Clocks:
    return _due(k, sla_clocks.earliest(sla), sla)


def _with_clocks(c: Conversation, e: tell.ConversationEvent, clocks: Clocks) -> Conversation:
    return _stays(c, e.at, clocks, c.timers if e.timers is None else e.timers, c.extras)


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
    return _stays(c, e.at, c.clocks, c.timers if e.timers is None else e.timers, c.extras)


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
