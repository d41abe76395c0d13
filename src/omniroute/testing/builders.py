"""Builders: values with everything sensible filled in, so that a test says only what it is about.

    chat = a_conversation(State.ACTIVE, agent="ana")
    after = decide(chat, End("ana"), Policy(), NOW).state

Every builder takes the fields to change by name. All of them agree with each other: the place of
`a_conversation` is an entry point of `a_config`, and `an_agent` serves the queue it waits in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve

from omniroute.instants import HOUR, MINUTE, to_micros
from omniroute.model.agent import Agent, Capacity, Distribution
from omniroute.model.conversation import (
    NO_EXTRAS,
    Clocks,
    Conversation,
    DeadlineKind,
    Ending,
    Extras,
    Offer,
    Place,
    Quiet,
    Sla,
    SlaClock,
    Snooze,
)
from omniroute.model.desk_config import (
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    InboxConfig,
    QueueNode,
)
from omniroute.model.events import CONTACT, agent_actor
from omniroute.model.message import Direction, Message
from omniroute.model.state import EndReason, State
from omniroute.model.wire import Inbound, InboundKind, Sender
from omniroute.testing.playing import MONDAY

__all__ = [
    "NOW",
    "a_config",
    "a_conversation",
    "a_message",
    "a_place",
    "an_agent",
    "an_inbound",
]

NOW: Final = to_micros(MONDAY)
"""The instant that built values carry: the one at which a play begins, in UTC microseconds."""

_SLA: Final = 15 * MINUTE
_ALL: Final = "general/**"
_HELD: Final = (State.ACTIVE, State.INACTIVE)


def a_config(
    *,
    agents: Iterable[str] | Mapping[str, Iterable[str]] = (),
    capacity: int | None = None,
    queues: Iterable[str | QueueNode] = (),
    **changes: Any,
) -> DeskConfig:
    """Return a desk "acme": inbox "general" (SLA 15 minutes), entry point "main" on channel "chat".

    `agents` serve every queue of "general", or in a mapping what it says. `capacity` is how many
    conversations an agent holds, by hand one more. `queues` are the tree of "general". Other fields
    of `DeskConfig` (`preset`, `policy`, `inboxes`…) replace what would be built.
    """
    nodes = tuple(QueueNode(each) if isinstance(each, str) else each for each in queues)
    everything = _ALL if nodes else "general"
    serves = agents if isinstance(agents, Mapping) else dict.fromkeys(agents, (everything,))
    limits = None if capacity is None else {"messaging": Capacity(capacity, capacity, capacity + 1)}
    built = DeskConfig(
        desk="acme",
        inboxes={"general": InboxConfig(sla=_SLA, primary_for=("chat",), queues=nodes)},
        entry_points={"main": EntryPointConfig(channel="chat", address="main")},
        agents={name: AgentConfig(serves=tuple(each)) for name, each in serves.items()},
    )
    built = evolve(built, **changes)
    return built if limits is None else evolve(built, policy=evolve(built.policy, capacity=limits))


def a_place(**changes: Any) -> Place:
    """Return a place: contact "p_1", whose address is "addr-maria", on entry point "main"."""
    built = Place(
        entry_point="main",
        channel="chat",
        inbox="general",
        contact="p_1",
        address="addr-maria",
    )
    return evolve(built, **changes)


def a_conversation(state: State = State.QUEUED, **changes: Any) -> Conversation:
    """Return a conversation that came in at `NOW` and stands in `state` since.

    It waits in queue "general" (in none while SELECTING), is held by "ana" where the state has a
    holder, is due in 15 minutes, and where it has ended it was ended by "ana". Where it is put
    aside "ana" held it before, and it sleeps for an hour.
    """
    ended, due = state is State.ENDED, NOW + _SLA
    timers = [] if ended else [(due + 1, DeadlineKind.FIRST_RESPONSE)]
    timers += [(NOW + HOUR, DeadlineKind.WAKE)] if state is State.SNOOZED else []
    built = Conversation(
        id="c_1",
        state=state,
        place=a_place(),
        queue=None if state is State.SELECTING else "general",
        agent="ana" if state in (*_HELD, State.ENDED) else None,
        at=NOW,
        since=NOW,
        clocks=_clocks(None if ended else due),
        timers=tuple(timers),
        extras=_EXTRAS.get(state, NO_EXTRAS),
    )
    return evolve(built, **changes)


def _clocks(due: int | None) -> Clocks:
    running = None if due is None else SlaClock(DeadlineKind.FIRST_RESPONSE, NOW, due)
    return Clocks(
        NOW, NOW, NOW, None if due is None else NOW, due=due, sla=Sla(NOW, response=running)
    )


_EXTRAS: Final = {
    State.ENDED: Extras(ending=Ending(EndReason.AGENT, agent_actor("ana"), NOW)),
    State.OFFERED: Extras(offer=Offer(None, NOW)),
    State.INACTIVE: Extras(quiet=Quiet(warned_at=NOW)),
    State.DISMISSED: Extras(previous_agent="ana", quiet=Quiet()),
    State.SNOOZED: Extras(
        previous_agent="ana",
        quiet=Quiet(snooze=Snooze(NOW + HOUR, agent_actor("ana"), NOW)),
    ),
}


def an_agent(id: str = "ana", **changes: Any) -> Agent:  # noqa: A002  (the field's name)
    """Return an agent who is available, holds nothing of at most 3, and serves queue "general"."""
    built = Agent(
        id=id,
        name=id.title(),
        groups=(),
        serves=("general",),
        leaves=("general",),
        capacity=Capacity(goal=3, soft_max=3, hard_max=5),
        distribution=Distribution.LEAST_LOADED,
        available=True,
        load=0,
        idle_since=NOW,
    )
    return evolve(built, **changes)


def an_inbound(text: str | None = "Hello", **changes: Any) -> Inbound:
    """Return a contact's message as an adapter reads it: key "in-1", to the address "main"."""
    built = Inbound(
        kind=InboundKind.MESSAGE,
        key="in-1",
        address="main",
        sender=Sender(addresses=("addr-maria",), name="Maria"),
        at=NOW,
        text=text,
    )
    return evolve(built, **changes)


def a_message(text: str | None = "Hello", **changes: Any) -> Message:
    """Return the contact's first message of `a_conversation`, as it is stored."""
    built = Message(
        id="m_1",
        conversation="c_1",
        position=2,
        direction=Direction.IN,
        author=CONTACT,
        at=NOW,
        text=text,
        entry_point="main",
        provider_ids=("in-1",),
    )
    return evolve(built, **changes)
