"""Who gets a waiting conversation, and why (A3, A8 to A10, A18, S13).

The store lists the agents who serve a queue in the order that `rules.availability.rank` gives; here
the first who may take it is chosen, and the others are told why not. Pure: the list is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from attrs import evolve

from omniroute.model.agent import Agent, Colour
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.values import frozen, making
from omniroute.rules.availability import COLOURS, colour

__all__ = [
    "LARGEST",
    "LOOKED_AT",
    "RUNNERS_UP",
    "Choice",
    "among",
    "choose",
    "fitting",
    "may_push",
    "refused_for",
    "told",
]

LOOKED_AT: Final = 24
"""How many of the agents who serve a queue are looked at for one decision: cost stays bounded (R3)."""

RUNNERS_UP: Final = 10
"""How many candidates beside the chosen one an explanation keeps (S13)."""

LARGEST: Final = 1024
"""How many bytes an explanation takes at most (S13)."""

# What an explanation takes at most as stored text beside its names: its own fields, those of
# each candidate, and the count of each reason.
_FRAME: Final = 180
_ROW: Final = 44
_COUNT: Final = 5

_REFUSED: Final = {Colour.ORANGE: "at capacity", Colour.RED: "not available"}


_GREEN: Final = COLOURS.index(Colour.GREEN)
_ORANGE: Final = COLOURS.index(Colour.ORANGE)
_TOO_LITTLE: Final = "too little room"
_new_candidate: Final = making(Candidate)


@frozen
class Choice:
    """Who was chosen (None: nobody), the next in order, and the refused by reason.

    `stages` is to how many groups of a cascade the conversation is open.
    """

    chosen: Candidate | None
    runners_up: tuple[Candidate, ...]
    refused: dict[str, int]
    more: bool
    stages: int = 0


def may_push(agent: Agent) -> bool:
    """Return whether automatic assignment may give the agent one more: only to GREEN (A3, A10)."""
    return colour(agent) is Colour.GREEN


def choose(
    entries: Sequence[tuple[Any, ...]], *, preferred: Agent | None = None, channel: str = ""
) -> Choice:
    """Choose from index entries (queue, colour, rank, rank, agent, load, maximum, idle since, channels).

    `preferred` comes before everybody where they may take it. `entries` are in order, at most
    `LOOKED_AT`; with that many there may be more. Whoever is not enabled for `channel` is refused (A1).
    """
    chosen, refused, runners_up = _preferred(preferred), dict[str, int](), list[Candidate]()
    name = None if chosen is None else chosen.agent
    for entry in entries:
        if entry[4] == name:
            continue
        reason = _reason(entry, channel)
        if reason is not None:
            refused[reason] = refused.get(reason, 0) + 1
        elif chosen is None:
            chosen = _candidate(entry, None)
            continue
        if len(runners_up) < RUNNERS_UP:
            runners_up.append(_candidate(entry, reason))
    return Choice(chosen, tuple(runners_up), refused, len(entries) >= LOOKED_AT)


def among(
    suitable: Sequence[Candidate], refused: Sequence[Candidate], *, more: bool, stages: int
) -> Choice:
    """Choose the first of those who may take it, and tell of the others; with `more` there may be others.

    `stages` are how many groups of a cascade it is open to.
    """
    others = [*suitable[1:], *refused]
    chosen = suitable[0] if suitable else None
    return Choice(chosen, tuple(others[:RUNNERS_UP]), _counts(others), more, stages)


def told(entry: tuple[Any, ...], channel: str = "") -> Candidate:
    """Return an index entry as a candidate, with what speaks against them on a channel."""
    return _candidate(entry, _reason(entry, channel))


def _reason(entry: tuple[Any, ...], channel: str) -> str | None:
    """What speaks against whom an index entry tells of, or None."""
    number, channels = entry[1], entry[8]
    if number == _ORANGE and entry[5] < entry[6]:
        return _TOO_LITTLE
    if number != _GREEN:
        return _REFUSED[COLOURS[number]]
    if channel and channels and f",{channel}," not in channels:
        return f"not enabled for {channel}"
    return None


def _candidate(entry: tuple[Any, ...], reason: str | None) -> Candidate:
    return _new_candidate(entry[4], entry[5], entry[6], entry[7], reason)


def refused_for(agent: Agent, name: str | None = None) -> str | None:
    """Return what speaks against giving an agent one more, counted as `name`, or None."""
    found = colour(agent, name)
    if found is Colour.ORANGE and agent.load < agent.capacity.soft_max:
        return _TOO_LITTLE
    return _REFUSED.get(found)


def _preferred(agent: Agent | None) -> Candidate | None:
    if agent is None or not may_push(agent):
        return None
    return Candidate(agent.id, agent.load, agent.capacity.soft_max, agent.idle_since)


def _counts(candidates: Iterable[Candidate]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for candidate in candidates:
        if candidate.refused is not None:
            counts[candidate.refused] = counts.get(candidate.refused, 0) + 1
    return counts


def fitting(explanation: Explanation) -> Explanation:
    """Return the explanation with as many of its runners-up as a kilobyte holds, in order (S13).

    All ten where agents' ids have up to about twenty characters. What is left out is still
    counted, and is computed again by folding the log up to the explanation's position.
    """
    told = explanation.runners_up
    rows = told if explanation.chosen is None else (explanation.chosen, *told)
    texts = [explanation.conversation, explanation.queue, *explanation.refused]
    texts += [each.agent for each in rows]
    # All texts in one are shorter by the quotes between them.
    size = _FRAME + _COUNT * len(explanation.refused) + _ROW * len(rows)
    size += _bytes("".join(texts)) + 2 * (len(texts) - 1)
    if size <= LARGEST or not told:
        return explanation
    kept = len(told)
    while kept and size > LARGEST:
        kept -= 1
        size -= _ROW + _bytes(told[kept].agent)
    return evolve(explanation, runners_up=told[:kept], more=True)


def _bytes(text: str) -> int:
    return len(encode_basestring_ascii(text))
