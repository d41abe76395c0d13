"""What conversations cost an agent: parts of a whole, and maxima by channel beside it (P2, M9, A8 to A10).

A channel counts as itself, its kind or its family, whichever the desk names first in this order; one
that the desk names nowhere costs one part and has no maximum of its own. All in whole parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from omniroute.model.agent import ALL, Agent, Capacity, ChannelTerms, Cost, Held
from omniroute.model.channel_type import ChannelFamily, channel_type
from omniroute.model.desk_config import DeskConfig
from omniroute.rules.judged import kind_of
from omniroute.rules.waiting import queue_and_group

__all__ = [
    "MESSAGING",
    "counted_as",
    "counted_channels",
    "counts",
    "fits",
    "fits_what_is_kept",
    "heavy_channels",
    "hold",
    "known_names",
    "missing",
    "names_of",
    "place_for",
    "queue_of",
    "release",
    "terms",
    "terms_for",
    "wrapped",
]

MESSAGING: Final = "messaging"
"""The capacity that all channels together count against: the agent's whole (M9, P2)."""

_PLAIN: Final = ChannelTerms()
_FOR: Final = "\x1e"
_WRAP_UP: Final = "~"


# --- what a desk says -----------------------------------------------------------------------------


def names_of(channel: str, kind: str) -> tuple[str, str, str]:
    """Return under which names a channel may have a cost or a maximum, the nearest first."""
    return channel, kind, channel_type(kind).family.value


def counted_as(
    channel: str, kind: str, costs: Mapping[str, Cost], limits: Mapping[str, Capacity]
) -> str | None:
    """Return as what a channel's conversations are counted, or None where nothing is counted.

    Who costs one part and has no maximum is not counted: that is what every conversation does.
    """
    for name in names_of(channel, kind):
        if name in costs or (name in limits and name != MESSAGING):
            return name if costs.get(name, 1) != 1 or name in limits else None
    return None


def counted_channels(config: DeskConfig) -> dict[str, str]:
    """Return as what each channel of a desk counts that counts as anything."""
    costs, limits = config.policy.costs or {}, config.policy.capacity or {}
    if not costs and limits.keys() <= {MESSAGING}:
        return {}
    channels = dict.fromkeys((*config.channels, *(e.channel for e in config.entry_points.values())))
    found = {each: counted_as(each, kind_of(config, each), costs, limits) for each in channels}
    return {each: name for each, name in found.items() if name is not None}


def heavy_channels(config: DeskConfig, counted: Mapping[str, str]) -> tuple[str, ...]:
    """Return the channels whose conversations cost several parts, of those that are counted."""
    costs = config.policy.costs or {}
    return tuple(channel for channel, name in counted.items() if costs.get(name, 1) != 1)


def terms_for(
    costs: Mapping[str, Cost],
    limits: Mapping[str, Capacity],
    own: Mapping[str, Capacity],
    whole: Capacity,
) -> dict[str, ChannelTerms]:
    """Return an agent's terms by name: the desk's, with the maxima that were given to them alone.

    `whole` is the agent's capacity: what costs `ALL` takes what automatic assignment may give. Every
    agent has terms for what the desk counts, be it one part for them: they are listed by it.
    """
    return {
        name: ChannelTerms(_parts(costs.get(name, 1), whole), own.get(name) or limits.get(name))
        for name in dict.fromkeys((*costs, *limits))
        if name != MESSAGING and (name in limits or costs.get(name, 1) != 1)
    }


def _parts(cost: Cost, whole: Capacity) -> int:
    return whole.soft_max if cost == ALL else int(cost)


def known_names(channels: Mapping[str, str]) -> Iterator[str]:
    """Yield every name under which channels may be weighed; `channels` are kinds by channel."""
    yield from channels
    yield from channels.values()
    yield from ChannelFamily


# --- what an agent has of it ----------------------------------------------------------------------


def terms(agent: Agent, name: str | None) -> ChannelTerms:
    """Return what one of a name costs an agent; one part where it is not counted."""
    return _PLAIN if name is None else agent.extras.terms.get(name, _PLAIN)


def counts(agent: Agent) -> dict[str, int]:
    """Return how many an agent holds of everything that is counted."""
    found = dict.fromkeys(agent.extras.terms, 0)
    for each in agent.extras.held.values():
        found[each.counted_as] = found.get(each.counted_as, 0) + 1
    return found


def fits(agent: Agent, name: str | None, *, by_hand: bool = False) -> bool:
    """Whether one more of a name fits: into the whole, and under its own maximum (P2, A10).

    Automatic assignment stops at `soft_max`, what a person does at `hard_max` (M9). It takes nothing of
    what is kept (R2).
    """
    return (by_hand or agent.extras.keeps is None) and _has_room(agent, name, by_hand=by_hand)


def fits_what_is_kept(agent: Agent, name: str | None) -> bool:
    """Whether what an agent's parts are kept for fits by now."""
    return _has_room(agent, name, by_hand=False)


def missing(agent: Agent, name: str | None) -> int | None:
    """Return how many parts an agent lacks for one of a name; None where keeping them would not help.

    What takes one part of them gets the first that is freed, in its turn.
    """
    asked = terms(agent, name)
    most = None if asked.limits is None else asked.limits.soft_max
    if not 1 < asked.cost <= agent.capacity.soft_max or (
        most is not None and _count(agent, name) >= most
    ):
        return None
    return max(agent.load + asked.cost - agent.capacity.soft_max, 0)


def _count(agent: Agent, name: str | None) -> int:
    return sum(each.counted_as == name for each in agent.extras.held.values())


def _has_room(agent: Agent, name: str | None, *, by_hand: bool) -> bool:
    asked, whole = terms(agent, name), agent.capacity
    if agent.load + asked.cost > (whole.hard_max if by_hand else whole.soft_max):
        return False
    if asked.limits is None:
        return True
    most = asked.limits.hard_max if by_hand else asked.limits.soft_max
    return _count(agent, name) < most


def hold(
    held: Mapping[str, Held], key: str, name: str | None, cost: int
) -> tuple[Mapping[str, Held], int]:
    """Return what is held with one thing counted so, and by how much the load changes."""
    before = held[key].cost if key in held else 1
    left = {each: value for each, value in held.items() if each != key}
    if name is not None:
        left[key] = Held(name, cost)
    return left, cost - before


def release(held: Mapping[str, Held], key: str) -> tuple[Mapping[str, Held], int]:
    """Return what is held without one thing, and how many parts it took."""
    found = held.get(key)
    if found is None:
        return held, 1
    return {each: value for each, value in held.items() if each != key}, found.cost


def wrapped(conversation: str) -> str:
    """Return under which key the wrap-up of a conversation is held (P6)."""
    return f"{_WRAP_UP}{conversation}"


def queue_of(place: str) -> str:
    """Return the queue that a place's name speaks of: its own, one of its groups', or one for a name."""
    return queue_and_group(place.partition(_FOR)[0])[0]


def place_for(place: str, name: str | None) -> str:
    """Return the name under which a place's agents are listed for what is counted as `name`."""
    return place if name is None else f"{place}{_FOR}{name}"
