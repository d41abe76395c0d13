"""What a freed agent takes: the first, in M3 order, of the lanes that are open to them (R2, S8).

Which lanes of a queue an agent may ever take, and after how long a wait, follows from the
configuration and the agent's profile, and is found once for all agents of one profile; what time
moves, priorities that age and waits that grow, is compared at the instant of the question. Who may
take what is `rules.waiting.refusal`'s to say: here its answers are only remembered. Pure: who stands
first in each lane is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from omniroute.model.agent import Agent
from omniroute.model.assign import AssignPolicy, Lane
from omniroute.model.values import frozen
from omniroute.rules.waiting import (
    effective_priority,
    open_groups,
    order,
    plain_lanes,
    prefix_of,
    refusal,
    steps,
    sticky_lane,
)

__all__ = ["NEVER", "Line", "Reach", "Way", "first_of", "way_to_own"]

Entry = tuple[Any, ...]
Line = tuple[str, AssignPolicy, tuple[Lane, ...]]
"""A queue, its rule, and the lanes that it has beside the plain ones."""

NEVER: Final = 1 << 62
"""Longer than any wait."""
_AT_ONCE: Final = -NEVER
_MOST: Final = 4096  # how many profiles and queues are remembered together


@frozen
class Way:
    """A lane as agents of one profile see it: `prefix` finds who waits there in the waiting index.

    It is open to them after a wait of `opens` microseconds, except to those who have `declined`; in
    a cascade time alone opens it after `widens`. `own` tells a lane that the queue has only as long
    as somebody stands in it. `lane` is None where everybody who waits may be limited otherwise.
    `standing` is the queue's part in the order, the lower the sooner, None where it rises with age
    or classes do not count. `limited`: wait or declining may keep the agent from it.
    """

    prefix: Entry
    rule: AssignPolicy
    lane: Lane | None = None
    opens: int = _AT_ONCE
    widens: int = _AT_ONCE
    declined: tuple[str, ...] = ()
    own: bool = False
    standing: int | None = None
    limited: bool = False


_Known = tuple[tuple[Lane, ...], tuple[Way, ...], tuple[Entry, ...]]
"""The lanes that a queue had beside the plain ones, the ways that they come to, and their prefixes."""


class Reach:
    """The ways into queues, by profile. `plain` has the lane of each channel, which every queue has.

    Belongs to one version of a configuration: a queue's rule is always the same.
    """

    __slots__ = ("_known", "_size", "plain")

    def __init__(self, plain: Mapping[str, Lane]) -> None:
        self.plain = plain
        self._known: dict[Entry, dict[str, _Known]] = {}
        self._size = 0

    def ways(self, agent: Agent, lines: Iterable[Line]) -> tuple[list[Way], list[Entry]]:
        """Return the lanes of some queues as an agent sees them, and the prefix of each.

        Plain lanes that are never open to the agent are left out.
        """
        skills = tuple(agent.skills.items()) if agent.skills else ()
        profile = agent.groups, agent.channels, agent.languages, skills
        by_queue = self._known.get(profile)
        if by_queue is None:
            by_queue = self._known[profile] = {}
        found: list[Way] = []
        prefixes: list[Entry] = []
        for line in lines:
            queue, _, lanes = line
            known = by_queue.get(queue)
            if known is None or (known[0] is not lanes and known[0] != lanes):
                ways = tuple(_ways(agent, line, self.plain))
                known = by_queue[queue] = lanes, ways, tuple(way.prefix for way in ways)
                self._size += 1
            found += known[1]
            prefixes += known[2]
        if self._size > _MOST:
            self._known, self._size = {}, 0
        return found, prefixes


def _ways(agent: Agent, line: Line, plain: Mapping[str, Lane]) -> Iterator[Way]:
    queue, rule, lanes = line
    for prefix, channel in plain_lanes(queue, rule, plain):
        way = _way(agent, prefix, rule, plain[channel])
        if way.opens != NEVER:
            yield way
    for lane in lanes:
        yield _way(agent, prefix_of(queue, lane), rule, lane, own=True)


def _way(agent: Agent, prefix: Entry, rule: AssignPolicy, lane: Lane, *, own: bool = False) -> Way:
    """Ask after every wait that changes anything whether the lane is open by then."""
    open_to = lane
    if declined := lane.routing.declined:  # asked of each agent, not of the profile
        open_to = evolve(lane, routing=evolve(lane.routing, declined=()))
    waits = [_AT_ONCE, *sorted(steps(lane.routing, rule))]

    def first_open(groups: Callable[[int], int]) -> int:
        asked = (w for w in waits if refusal(agent, open_to, rule, w, groups(w)) is None)
        return next(asked, NEVER)

    opens = first_open(lambda _: len(rule.cascade))
    widens = first_open(lambda waited: open_groups(rule, 0, waited))
    return Way(
        prefix,
        rule,
        lane,
        opens,
        widens,
        declined,
        own,
        -effective_priority(rule, 0, 0) if rule.classes and rule.ageing is None else None,
        bool(declined) or opens != _AT_ONCE or widens != _AT_ONCE,
    )


def way_to_own(agent: str, channel: str, queue: str, rule: AssignPolicy) -> Way:
    """Return the way to those who wait for this agent on a channel, whatever others are asked (P4)."""
    return Way((queue, sticky_lane(agent, channel)), rule)


def first_of(
    agent: str,
    ways: Sequence[Way],
    heads: Sequence[Entry | None],
    now: int,
    is_open: Callable[[Entry, Way], bool],
) -> Entry | None:
    """Return the first, in M3 order, of the heads that an agent may take, or None (R2, S8).

    `heads` has for each way who stands first in it, as an entry of the waiting index. `is_open` is
    asked, in order, where time alone has not brought a cascade's group: what was skipped since may
    have (M1).
    """
    best: Entry | None = None
    found: Entry | None = None
    early: list[tuple[Entry, Entry, Way]] = []
    for way, head in zip(ways, heads, strict=True):
        if head is None:
            continue
        if way.standing is None:
            place = order(head, way.rule, now)
        else:  # what `order` says, without asking for what does not change
            _, _, segment, wait_class, since, conversation = head
            place = segment, way.standing, wait_class, since, conversation
        if best is not None and best < place:
            continue
        if way.limited:
            waited = now - head[4]
            if waited < way.opens or agent in way.declined:
                continue
            if waited < way.widens:
                early.append((place, head, way))
                continue
        best, found = place, head
    for place, head, way in sorted(early):
        if (best is None or place < best) and is_open(head, way):
            return head
    return found
