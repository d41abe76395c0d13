"""What applies where: a desk's channels, queues, staff and inherited policy, compiled.

A `Setup` is compiled once for each version of a desk's configuration; afterwards every answer is a
dictionary look-up, whatever the number of entry points, and carries its source (G23). It expects a
configuration in which `rules.checks` finds no problem, changes nothing and reads nothing outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from attrs import evolve

from omniroute.errors import UnknownEntryPoint, UsageError
from omniroute.model.agent import Agent, Capacity, Distribution
from omniroute.model.assign import NEW, Lane
from omniroute.model.desk_config import (
    ChannelDirection,
    DeskConfig,
    InboxConfig,
    QueueNode,
    QueueTraits,
)
from omniroute.model.hours import ALWAYS
from omniroute.model.policy import Assignment, Policy, PolicySettings
from omniroute.rules import queue_tree
from omniroute.rules.entry_points import ResolvedEntryPoint, direction_of, resolved
from omniroute.rules.estimates import tells_waits
from omniroute.rules.hours import Calendar, HolidaysOf, calendar
from omniroute.rules.judged import kind_of
from omniroute.rules.layers import SWITCHED, layers, merged
from omniroute.rules.names import quoted, unknown
from omniroute.rules.reach import Entry, Reach, Way, way_to_own
from omniroute.rules.sla.targets import terms_of
from omniroute.rules.waiting import groups_of, is_enabled, pool
from omniroute.rules.weights import MESSAGING, counted_channels, heavy_channels
from omniroute.rules.words import normalized

__all__ = ["Setup"]

_NO_TRAITS: Final = QueueTraits()
_MEMORY: Final = 4096

_PUSHED: Final = (Assignment.PUSH, Assignment.OFFER_ONE)

_Resolved = tuple[Policy, Mapping[str, str]]


class Setup:
    """One version of a desk's configuration, compiled: what applies where, and why.

    `holidays_of` gives the dates of holidays that hours name ("DE-BE").
    """

    __slots__ = (
        "_addresses",
        "_direct_access",
        "_entry_points",
        "_heavy",
        "_holidays_of",
        "_keywords",
        "_leaves",
        "_leaves_by_inbox",
        "_nodes",
        "_patterns",
        "_policies",
        "_primary",
        "channels",
        "config",
        "counted",
        "has_flows",
        "leaves",
        "limits_contents",
        "policies",
        "reach",
        "resolves",
        "tells_waits",
        "version",
    )

    def __init__(
        self, config: DeskConfig, version: int, holidays_of: HolidaysOf | None = None
    ) -> None:
        self._holidays_of = holidays_of
        self.config: Final = config
        self.version: Final = version
        self.counted: Final = counted_channels(config)
        self._heavy = heavy_channels(config, self.counted)
        self.tells_waits: Final = tells_waits(config)
        self.limits_contents: Final = any(
            each.contents is not None for each in config.channels.values()
        )
        self.has_flows: Final = any(
            each.entry_flow or each.exit_flow for each in config.channels.values()
        )
        self._leaves_by_inbox = {
            name: queue_tree.leaves(name, inbox.queues) for name, inbox in config.inboxes.items()
        }
        self.leaves: Final = tuple(
            leaf for leaves in self._leaves_by_inbox.values() for leaf in leaves
        )
        self._leaves = frozenset(self.leaves)
        self._nodes = frozenset(_nodes(config))
        self._primary = {
            channel: name for name, inbox in config.inboxes.items() for channel in inbox.primary_for
        }
        self._entry_points = {
            name: resolved(config, name, self._primary, self.leaf_of)
            for name in config.entry_points
        }
        self._addresses = {
            (each.kind, each.address): name for name, each in self._entry_points.items()
        }
        self.channels: Final = dict.fromkeys(e.channel for e in config.entry_points.values())
        self.reach: Final = Reach({each: Lane(each, 0, NEW, each) for each in self.channels})
        self._keywords = {name: _keywords(name, each) for name, each in config.inboxes.items()}
        self._direct_access = tuple(
            (each.keys.items(), each.queue) for each in config.direct_access.values()
        )
        self._policies: dict[tuple[str | None, str | None], _Resolved] = {}
        self._patterns: dict[str, tuple[str, ...]] = {}
        self.policies: Final = _Policies(self._policy_at)
        targets = [each.targets for each in config.inboxes.values()]
        targets += [each.targets for each in self._entry_points.values()]
        self.resolves: Final = any(each.resolution is not None for each in targets)
        """Whether the SLA of any place, or of any entry point, has a target for the resolution."""

    def __repr__(self) -> str:
        return f"Setup(desk={self.config.desk!r}, version={self.version})"

    # --- entry points

    def entry_point(self, name: str) -> ResolvedEntryPoint:
        """Return where an entry point leads and by when it wants an answer (G9, G10, G13, G14).

        Raises `UnknownEntryPoint`, with the name that was probably meant.
        """
        try:
            return self._entry_points[name]
        except KeyError:
            text = unknown(f"no entry point is named {quoted(name)}", self._entry_points, name)
            raise UnknownEntryPoint(text) from None

    def sla_of(self, name: str) -> int | None:
        """Return an entry point's SLA in microseconds, or None where it no longer exists."""
        found = self._entry_points.get(name)
        return None if found is None else found.sla

    def by_address(self, kind: str, address: str) -> str | None:
        """Return the name of the entry point that has an address on a kind of channel, or None."""
        return self._addresses.get((kind, address))

    def entry_points_of(self, channel: str | None = None) -> list[ResolvedEntryPoint]:
        """Return the entry points of a channel, or all, as configured, resolved (G23)."""
        every = self._entry_points.values()
        return [each for each in every if channel is None or each.channel == channel]

    # --- channels

    def kind_of(self, channel: str) -> str:
        """Return the kind of a channel: its `type`, else its name."""
        return kind_of(self.config, channel)

    def direction(self, channel: str) -> ChannelDirection:
        """Return which way messages go on a channel; a channel that is not active is OFF (T6)."""
        return direction_of(self.config, channel)

    def agent_initiated(self, channel: str) -> bool:
        """Whether agents may start conversations on a channel: never on one that is off (T6, T7)."""
        if self.direction(channel) is ChannelDirection.OFF:
            return False
        found = self.config.channels.get(channel)
        own = None if found is None else found.agent_initiated
        return self.policy().agent_initiated if own is None else own

    def check_channel(self, channel: str | None) -> None:
        """Raise `UsageError` for a channel that is named nowhere; None is none in particular."""
        known = dict.fromkeys((*self.config.channels, *self._primary, *self.channels))
        if channel is not None and channel not in known:
            text = unknown(f"no channel is named {quoted(channel)}", known, channel)
            raise UsageError(text, where="channel")

    def contents(self, channel: str) -> tuple[str, ...] | None:
        """Return what a channel is limited to, or None for all that its adapter carries (U1)."""
        found = self.config.channels.get(channel)
        return None if found is None else found.contents

    # --- trees

    def tree(self, inbox: str) -> tuple[QueueNode, ...]:
        """Return the top of an inbox's queue tree; () where there is no tree, or no such inbox."""
        found = self.config.inboxes.get(inbox)
        return found.queues if found else ()

    def leaves_of(self, inbox: str) -> tuple[str, ...]:
        """Return the full paths of an inbox's leaves in tree order; () for an unknown inbox."""
        return self._leaves_by_inbox.get(inbox, ())

    def leaf_of(self, inbox: str) -> str | None:
        """Return the full path of an inbox's leaf where it has exactly one, else None."""
        leaves = self.leaves_of(inbox)
        return leaves[0] if len(leaves) == 1 else None

    def is_leaf(self, path: str) -> bool:
        """Whether a full path is a queue that agents serve."""
        return path in self._leaves

    def is_branch(self, path: str) -> bool:
        """Whether a full path has queues beneath it: nobody is assigned to it (U14)."""
        return path in self._nodes and path not in self._leaves

    def check_place(self, path: str | None) -> None:
        """Raise `UsageError` for a full path that is neither an inbox nor a queue; None is the desk."""
        if path is not None and path not in self._nodes:
            text = unknown(f"no inbox or queue is named {quoted(path)}", sorted(self._nodes), path)
            raise UsageError(text, where="path")

    def inbox_of(self, path: str) -> str:
        """Return the inbox that a queue's full path lies in."""
        return path.partition(queue_tree.SEPARATOR)[0]

    # --- queues' traits

    def traits(self, path: str) -> QueueTraits:
        """Return what belongs to the queue at a full path alone."""
        inbox, _, place = path.partition(queue_tree.SEPARATOR)
        found = self.config.inboxes.get(inbox)
        return (found.traits.get(place) if found else None) or _NO_TRAITS

    def is_hidden(self, path: str) -> bool:
        """Whether the menu shows neither the queue nor a branch that it lies in (U24)."""
        while path:
            if self.traits(path).hidden:
                return True
            path = path.rpartition(queue_tree.SEPARATOR)[0]
        return False

    def language_of(self, path: str) -> str | None:
        """Return the language that conversations carry at a full path (U13), or None."""
        return self.traits(queue_tree.SEPARATOR.join(path.split(queue_tree.SEPARATOR)[:2])).language

    def by_keyword(self, inbox: str, channel: str, text: str | None) -> str | None:
        """Return the leaf that a first message names by a keyword, or None (U59, U60).

        None too where a keyword names queues of several languages: the contact chooses.
        """
        known = self._keywords.get(inbox)
        if not known or not text:
            return None
        leaves = known.get(normalized(text), ())
        found = [leaf for leaf in leaves if self.policy(channel, leaf).is_on("keywords")]
        return found[0] if len(found) == 1 else None

    def by_direct_access(self, inbox: str, keys: Mapping[str, str]) -> str | None:
        """Return the leaf in an inbox of the first direct access point whose keys all match (U62)."""
        given = keys.items()
        found = (queue for own, queue in self._direct_access if own <= given)
        return next((queue for queue in found if self.inbox_of(queue) == inbox), None)

    # --- staff

    def serving(self, serves: Iterable[str], groups: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the leaves that an agent serves by patterns and groups, in tree order, each once.

        Raises `UsageError` for a pattern that names no leaf and for an unknown group.
        """
        served = {leaf for pattern in serves for leaf in self._served(pattern)}
        for group in groups:
            served.update(*map(self._served, self._group(group)))
        return tuple(leaf for leaf in self.leaves if leaf in served)

    def known_patterns(self, serves: Iterable[str]) -> list[str]:
        """Return those of an agent's patterns that still name queues."""
        return [each for each in serves if self._matching(each)]

    def known_groups(self, groups: Iterable[str]) -> list[str]:
        """Return those of an agent's groups that still exist."""
        return [each for each in groups if each in self.config.groups]

    def _group(self, name: str) -> tuple[str, ...]:
        if name not in self.config.groups:
            text = unknown(f"no group is named {quoted(name)}", self.config.groups, name)
            raise UsageError(text, where="groups")
        return self.config.groups[name].serves

    def _served(self, pattern: str) -> tuple[str, ...]:
        found = self._matching(pattern)
        if not found and (problem := queue_tree.pattern_problem(pattern, self.leaves)):
            raise UsageError(problem, where="serves")
        return found

    def _matching(self, pattern: str) -> tuple[str, ...]:
        if pattern in self._leaves:
            return (pattern,)
        found = self._patterns.get(pattern)
        if found is None:
            if len(self._patterns) >= _MEMORY:
                self._patterns.clear()
            found = self._patterns[pattern] = queue_tree.matching(pattern, self.leaves)
        return found

    def pushes_from(self, queue: str) -> bool:
        """Return whether a queue's conversations are given to agents automatically.

        Conversations of all channels wait in one line, so no channel has a say in this. What is
        offered one at a time goes to whom it would be pushed.
        """
        return self.policy(None, queue).assignment in _PUSHED

    def claims_from(self, queue: str) -> bool:
        """Return whether agents take a queue's conversations themselves."""
        return self.policy(None, queue).assignment is Assignment.CLAIM

    def ways(
        self, agent: Agent, queues: Iterable[str], lanes: Callable[[str], tuple[Lane, ...]]
    ) -> tuple[list[Way], list[Entry]]:
        """Return the lanes of some queues as an agent sees them, and the prefix of each (S8).

        `lanes` gives those that a queue has beside the plain ones.
        """
        asked = [(queue, self.policy(None, queue).assign, lanes(queue)) for queue in queues]
        ways, prefixes = self.reach.ways(agent, asked)
        for queue, rule, _ in asked:
            if rule.sticky_wait is not None:
                own = (each for each in self.channels if is_enabled(agent, each))
                mine = [way_to_own(agent.id, channel, queue, rule) for channel in own]
                ways += mine
                prefixes += [way.prefix for way in mine]
        return ways, prefixes

    def pools(self, leaves: Iterable[str], groups: Iterable[str]) -> tuple[str, ...]:
        """Return the groups of queues that an agent stands in: where a queue asks for groups (U17)."""
        mine = tuple(groups)
        return tuple(
            pool(leaf, group)
            for leaf in leaves
            for group in groups_of(self.policy(None, leaf).assign)
            if group in mine
        )

    def capacity(self, agent_capacity: Mapping[str, Capacity] | None = None) -> Capacity:
        """Return what an agent may hold in messaging: their own limits, else the desk's (M9)."""
        own = agent_capacity.get(MESSAGING) if agent_capacity else None
        return own or self.policy().capacity[MESSAGING]

    def distribution(self) -> Distribution:
        """Return how the desk chooses among agents with room (P3)."""
        return self.policy().distribution

    def distributions(self, leaves: Iterable[str]) -> dict[str, Distribution]:
        """Return how those of some queues choose that choose otherwise than the desk (P3)."""
        usual, own = self.distribution(), {x: self.policy(None, x).distribution for x in leaves}
        return {leaf: how for leaf, how in own.items() if how is not usual}

    def goal(self, queue: str) -> int:
        """Return how many conversations an agent should hold at once in a queue: no cap (U21)."""
        policy = self.policy(None, queue)
        return policy.concurrency or policy.capacity[MESSAGING].goal

    # --- policy

    def policy(self, channel: str | None = None, path: str | None = None) -> Policy:
        """Return the policy in force on a channel at an inbox or queue, by its full path (U18).

        Preset, desk, channel, inbox, top queue and so on down to the leaf: nearest set value wins.
        A place that no longer exists has what its nearest remaining ancestor has.
        """
        return self.policies[None, channel, path]

    def policy_at(
        self, entry_point: str | None, channel: str | None = None, path: str | None = None
    ) -> Policy:
        """Return `policy(channel, path)` with the SLA of an entry point, counted in that place's hours.

        One that no longer exists, or none (None), has the SLA of the inbox that the place lies in.
        Steps look into `policies`, and save a call.
        """
        return self.policies[entry_point, channel, path]

    def _policy_at(self, entry_point: str | None, channel: str | None, path: str | None) -> Policy:
        policy, resolved = (
            self._resolved(channel, path)[0],
            self._entry_points.get(entry_point or ""),
        )
        if resolved is None:
            return policy
        return evolve(policy, sla=terms_of(resolved.sla, resolved.targets, policy.hours))

    def sources(self, channel: str | None = None, path: str | None = None) -> Mapping[str, str]:
        """Return, for each field of `policy(channel, path)`, the layer that set it.

        `capacity` has one more entry for each family, `capacity.messaging`, and `enabled` one for
        each switch that is set. What is switched off keeps the source of its stored value.
        """
        return self._resolved(channel, path)[1]

    def stored(self, channel: str | None = None, path: str | None = None) -> PolicySettings:
        """Return the settings that the layers come to, also those that are switched off (U79)."""
        known = channel if channel in self.config.channels else None
        values, _ = merged(layers(self.config, known, self._place(path)))
        return PolicySettings(**values)

    def hours(self, channel: str | None = None, path: str | None = None) -> Calendar:
        """Return the calendar in force on a channel at an inbox or queue (P13, U18).

        The nearest `hours` that are set count whole; their layer is `sources(channel, path)["hours"]`.
        Where none are set it is always open.
        """
        found = self.policy(channel, path).hours
        return found if isinstance(found, Calendar) else calendar(ALWAYS, self.config.zone)

    def _resolved(self, channel: str | None, path: str | None) -> _Resolved:
        known = channel if channel in self.config.channels else None
        place = self._place(path)
        found = self._policies.get((known, place))
        if found is None:
            found = self._policies[known, place] = self._merged(known, place)
        return found

    def _place(self, path: str | None) -> str | None:
        while path and path not in self._nodes:
            path = path.rpartition(queue_tree.SEPARATOR)[0]
        return path or None

    def _merged(self, channel: str | None, place: str | None) -> _Resolved:
        values, sources = merged(layers(self.config, channel, place))
        for name, on in values[SWITCHED].items():
            if not on:
                values.pop(name, None)  # not applied; `stored` still has it (U79)
        if self._heavy and values["assign"].reserve_after is not None:
            values["assign"] = evolve(values["assign"], heavy=self._heavy)
        if "hours" in values:
            values["hours"] = calendar(values["hours"], self.config.zone, self._holidays_of)
        if place is not None:
            inbox = self.inbox_of(place)
            found = self.config.inboxes[inbox]
            values["sla"] = terms_of(found.sla, found.targets, values.get("hours"))
            sources["sla"] = f"inbox {inbox}"
        return Policy(**values), sources


_Where = tuple[str | None, str | None, str | None]
"""An entry point, a channel and a full path; None where none is meant."""


class _Policies(dict[_Where, Policy]):
    """The policies that were asked for so far; others are compiled when they are."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Callable[[str | None, str | None, str | None], Policy]) -> None:
        self._compiled = compiled

    def __missing__(self, where: _Where) -> Policy:
        if len(self) >= _MEMORY:
            self.clear()
        found = self[where] = self._compiled(*where)
        return found


def _nodes(config: DeskConfig) -> Iterator[str]:
    for name, inbox in config.inboxes.items():
        yield name
        for path, _node in queue_tree.walk(name, inbox.queues):
            yield path


def _keywords(name: str, inbox: InboxConfig) -> dict[str, list[str]]:
    """The leaves that each keyword names: one, or one in each language."""
    found: dict[str, list[str]] = {}
    for place, traits in inbox.traits.items():
        for keyword in dict.fromkeys(map(normalized, traits.keywords)):
            found.setdefault(keyword, []).append(f"{name}{queue_tree.SEPARATOR}{place}")
    return found
