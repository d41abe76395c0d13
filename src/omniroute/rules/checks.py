"""Everything that can be wrong with a configuration across its fields, found all at once.

`problems` is the one gate: a configuration with problems is never used, whether a file, a form or a
program made it. Each problem carries the path at which a person would mend it. What single fields
may look like is checked where they are read; what they mean together, here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import field

from omniroute.errors import ConfigError, Problem
from omniroute.instants import MILLISECOND, SECOND
from omniroute.model.agent import Capacity
from omniroute.model.desk_config import (
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import PolicySettings
from omniroute.model.state import State
from omniroute.model.values import frozen
from omniroute.rules import assign_checks, hours, queue_tree
from omniroute.rules.names import did_you_mean, join, name_problem, quoted, text_problem, unknown
from omniroute.rules.presets import preset_problem
from omniroute.rules.resolution import MESSAGING
from omniroute.rules.sla import SLA_FORMS

__all__ = ["FAMILIES", "capacity_problems", "problems", "require", "trait_problems"]

FAMILIES: Final = (MESSAGING,)
"""The channel families that have a capacity of their own (M9)."""

_NOT_IN_QUEUE_NAMES: Final = (queue_tree.ANY, queue_tree.BELOW)


def require(config: DeskConfig, *, source: str = "configuration") -> None:
    """Raise `ConfigError` with every problem of a configuration, where it has any."""
    if found := problems(config):
        raise ConfigError(found, source=source)


def problems(config: DeskConfig, *, unread: Container[str] = ()) -> tuple[Problem, ...]:
    """Return everything that is wrong with a configuration, in its own order.

    `unread` names what could not be read from a file and is therefore incomplete here: `inboxes`,
    `primary_for`, `queues`, `accounts`, `groups`. References into it are not judged.
    """
    desk = _Desk(config, unread, _leaves(config), _primary(config))
    checks = (_top, _policies, _inboxes, _accounts, _entry_points, _groups, _agents)
    return tuple(problem for check in checks for problem in check(desk))


@frozen
class _Desk:
    """What the checks look at: the configuration, and what it comes to as far as it was read."""

    config: DeskConfig
    unread: Container[str]
    leaves: Mapping[str, None]
    primary: Mapping[str, str]
    patterns: dict[str, str | None] = field(factory=dict)

    def read(self, *sections: str) -> bool:
        return not any(section in self.unread for section in sections)

    def pattern_problem(self, pattern: str) -> str | None:
        if pattern not in self.patterns:
            names_leaf = pattern in self.leaves
            text = None if names_leaf else queue_tree.pattern_problem(pattern, tuple(self.leaves))
            self.patterns[pattern] = text
        return self.patterns[pattern]


def _leaves(config: DeskConfig) -> dict[str, None]:
    """Every leaf's path, in order."""
    trees = (queue_tree.leaves(name, inbox.queues) for name, inbox in config.inboxes.items())
    return dict.fromkeys(leaf for leaves in trees for leaf in leaves)


def _primary(config: DeskConfig) -> dict[str, str]:
    """The first inbox that is primary for each channel."""
    found: dict[str, str] = {}
    for name, inbox in config.inboxes.items():
        for channel in inbox.primary_for:
            found.setdefault(channel, name)
    return found


def _when(path: str, text: str | None) -> Iterator[Problem]:
    if text is not None:
        yield Problem(path, text)


# --- the desk -------------------------------------------------------------------------------------


def _top(desk: _Desk) -> Iterator[Problem]:
    config = desk.config
    yield from _when("desk", name_problem(config.desk))
    yield from _when("zone", hours.zone_problem(config.zone))
    if config.preset is not None:
        yield from _when("preset", preset_problem(config.preset))


def _policies(desk: _Desk) -> Iterator[Problem]:
    yield from _policy("policy", desk.config.policy)
    yield from assign_checks.problems(desk.config, groups_read=desk.read("groups"))
    for kind, channel in desk.config.channels.items():
        path = join("channels", kind)
        yield from _when(path, name_problem(kind))
        yield from _policy(join(path, "policy"), channel.policy)
        outside = (*_DESK_WIDE, "assignment", "assign")
        yield from _misplaced(join(path, "policy"), channel.policy, outside)


# Agents have one capacity and one place in line, and conversations of all channels wait in one
# line: set further in, these would say nothing, and a setting that says nothing is a mistake.
_DESK_WIDE: Final = ("capacity", "distribution", "idempotency_window")


def _misplaced(path: str, policy: PolicySettings, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        if getattr(policy, name) is not None:
            wider = "inbox, queue or desk" if name.startswith("assign") else "desk"
            yield Problem(join(path, name), f"has no effect here; set it for the {wider}")


def _policy(path: str, policy: PolicySettings) -> Iterator[Problem]:
    within = policy.after_end.within if policy.after_end else None
    yield from _duration(join(path, "after_end", "within"), within)
    yield from _duration(join(path, "idempotency_window"), policy.idempotency_window)
    yield from capacity_problems(join(path, "capacity"), policy.capacity or {})
    if policy.menu_text is not None:
        text = text_problem(policy.menu_text) if policy.menu_text.strip() else "a text is not empty"
        yield from _when(join(path, "menu_text"), text)
    for keys, text in hours.problems(policy.hours) if policy.hours else ():
        yield Problem(join(path, "hours", *keys), text)
    for state in policy.labels or {}:
        if state not in set(State):
            text = unknown(f"there is no state {quoted(state)}", State, state)
            yield Problem(join(path, "labels", state), text)


def capacity_problems(path: str, capacities: Mapping[str, Capacity]) -> Iterator[Problem]:
    """Yield what is wrong with capacities by channel family (M9)."""
    for family, limits in capacities.items():
        here = join(path, family)
        if family not in FAMILIES:
            text = unknown(f"there is no channel family {quoted(family)}", FAMILIES, family)
            yield Problem(here, text)
        if not 1 <= limits.goal <= limits.soft_max <= limits.hard_max:
            text = "expected 1 <= goal <= soft_max <= hard_max, got "
            text += f"goal {limits.goal}, soft_max {limits.soft_max}, hard_max {limits.hard_max}"
            yield Problem(here, text)


def _duration(path: str, micros: int | None) -> Iterator[Problem]:
    if micros is not None and (micros <= 0 or micros % MILLISECOND):
        text = f"expected a duration above zero in whole milliseconds, got {micros} microseconds"
        yield Problem(path, text)


def _sla(path: str, sla: int) -> Iterator[Problem]:
    if sla <= 0 or sla % SECOND:
        yield Problem(path, f"not an SLA; expected {SLA_FORMS}, got {sla} microseconds")


# --- inboxes and their trees ----------------------------------------------------------------------


def _inboxes(desk: _Desk) -> Iterator[Problem]:
    for name, inbox in desk.config.inboxes.items():
        path = join("inboxes", name)
        yield from _when(path, _queue_name_problem(name))
        yield from _sla(join(path, "sla"), inbox.sla)
        yield from _primaries(desk, name, inbox)
        yield from _siblings(inbox.queues, join(path, "queues"))
        yield from _policy(join(path, "policy"), inbox.policy)
        yield from _misplaced(join(path, "policy"), inbox.policy, _DESK_WIDE)
        for place, policy in inbox.at.items():
            if desk.read("queues"):
                yield from _when(join(path, "at", place), _place_problem(name, inbox, place))
            yield from _policy(join(path, "at", place), policy)
            yield from _misplaced(join(path, "at", place), policy, _DESK_WIDE)


def _primaries(desk: _Desk, name: str, inbox: InboxConfig) -> Iterator[Problem]:
    for index, channel in enumerate(inbox.primary_for):
        path = join("inboxes", name, "primary_for", index)
        yield from _when(path, name_problem(channel))
        if channel in inbox.primary_for[:index]:
            yield Problem(path, f"{quoted(channel)} stands here twice")
        elif (first := desk.primary[channel]) != name:
            text = f"{quoted(channel)} has the primary inbox {quoted(first)} already"
            yield Problem(path, f"{text}; a channel has exactly one")


def _siblings(nodes: Sequence[QueueNode], path: str) -> Iterator[Problem]:
    """Check the names of a level and of those below it; paths as the list notation counts."""
    index, names = 0, dict[str, str]()
    for node in nodes:
        here, folded = join(path, index), node.name.casefold()
        yield from _when(here, _queue_name_problem(node.name))
        if folded in names:
            yield Problem(here, f"a queue beside it is named {quoted(names[folded])} already")
        names.setdefault(folded, node.name)
        index += 1
        if node.children:
            yield from _siblings(node.children, join(path, index))
            index += 1


def _queue_name_problem(name: str) -> str | None:
    if queue_tree.SEPARATOR in name:
        return f"{quoted(name)} holds a {quoted(queue_tree.SEPARATOR)}, which separates queues"
    if name in _NOT_IN_QUEUE_NAMES:
        return f"{quoted(name)} stands for other names where queues are served"
    return name_problem(name)


def _place_problem(name: str, inbox: InboxConfig, place: str) -> str | None:
    if queue_tree.find(inbox.queues, place):
        return None
    known = [path for path, _node in queue_tree.walk("", inbox.queues)]
    return unknown(f"inbox {quoted(name)} has no queue {quoted(place)}", known, place)


# --- accounts and entry points --------------------------------------------------------------------


def _accounts(desk: _Desk) -> Iterator[Problem]:
    for name in desk.config.accounts:
        yield from _when(join("accounts", name), name_problem(name))


def _entry_points(desk: _Desk) -> Iterator[Problem]:
    addresses: dict[tuple[str, str], str] = {}
    for name, each in desk.config.entry_points.items():
        path = join("entry_points", name)
        yield from _when(path, name_problem(name))
        yield from _channel(desk, path, each.channel)
        yield from _account(desk, path, each.account)
        yield from _address(path, each, addresses.get((each.channel, each.address)))
        addresses.setdefault((each.channel, each.address), name)
        if each.override is not None:
            yield from _override(desk, path, each.channel, each.override)
        if each.queue is not None and desk.read("inboxes", "queues", "primary_for"):
            yield from _when(join(path, "queue"), _queue_problem(desk, each, each.queue))


def _channel(desk: _Desk, path: str, channel: str) -> Iterator[Problem]:
    here = join(path, "channel")
    if text := name_problem(channel):
        yield Problem(here, text)
    elif channel not in desk.primary and desk.read("inboxes", "primary_for"):
        text = f"no inbox is primary for {quoted(channel)}"
        guess = did_you_mean(channel, desk.primary)
        text += f"; did you mean {quoted(guess)}?" if guess else ""
        yield Problem(here, f"{text}{' Else' if guess else ';'} add it to one inbox's primary_for")


def _account(desk: _Desk, path: str, account: str | None) -> Iterator[Problem]:
    if account is not None and account not in desk.config.accounts and desk.read("accounts"):
        text = unknown(f"unknown account {quoted(account)}", desk.config.accounts, account)
        yield Problem(join(path, "account"), text)


def _address(path: str, entry_point: EntryPointConfig, other: str | None) -> Iterator[Problem]:
    here = join(path, "address")
    if text := name_problem(entry_point.address, "an address"):
        yield Problem(here, text)
    elif other is not None:
        channel = quoted(entry_point.channel)
        text = f"{quoted(entry_point.address)} on {channel} belongs to {quoted(other)} already"
        yield Problem(here, text)


def _override(desk: _Desk, path: str, channel: str, override: Override) -> Iterator[Problem]:
    here, inboxes = join(path, "override"), desk.config.inboxes
    if override.inbox is None and override.sla is None:
        yield Problem(here, "changes neither the inbox nor the SLA; set one, or leave it out")
    if override.sla is not None:
        yield from _sla(join(here, "sla"), override.sla)
    if override.inbox is None or not desk.read("inboxes"):
        return
    if override.inbox not in inboxes:
        text = unknown(f"unknown inbox {quoted(override.inbox)}", inboxes, override.inbox)
        yield Problem(join(here, "inbox"), text)
    elif override.sla is None and desk.primary.get(channel) == override.inbox:
        text = f"{quoted(override.inbox)} is the primary inbox for {quoted(channel)} anyway"
        yield Problem(here, f"changes neither the inbox nor the SLA; {text}")


def _queue_problem(desk: _Desk, entry_point: EntryPointConfig, queue: str) -> str | None:
    override = entry_point.override
    inbox = (override and override.inbox) or desk.primary.get(entry_point.channel)
    if inbox is None or inbox not in desk.config.inboxes:
        return None  # said where the inbox is named
    leaves = queue_tree.leaves(inbox, desk.config.inboxes[inbox].queues)
    if queue in leaves:
        return None
    if queue in desk.leaves:
        return f"{quoted(queue)} lies in another inbox; this entry point leads to {quoted(inbox)}"
    below = queue_tree.matching(f"{queue}{queue_tree.SEPARATOR}{queue_tree.BELOW}", leaves)
    if below:
        return f"{quoted(queue)} is a branch; expected a queue such as {quoted(below[0])}"
    full = f"{inbox}{queue_tree.SEPARATOR}{queue}"
    known = [full] if full in leaves else leaves
    return unknown(f"no queue is named {quoted(queue)}", known, full if full in leaves else queue)


# --- staff ----------------------------------------------------------------------------------------


def _groups(desk: _Desk) -> Iterator[Problem]:
    for name, group in desk.config.groups.items():
        path = join("groups", name)
        yield from _when(path, name_problem(name))
        yield from _serves(desk, path, group.serves)


def _agents(desk: _Desk) -> Iterator[Problem]:
    for name, agent in desk.config.agents.items():
        path = join("agents", name)
        yield from _when(path, name_problem(name))
        if agent.name is not None:
            yield from _when(join(path, "name"), name_problem(agent.name))
        yield from _agent_groups(desk, path, agent)
        yield from _serves(desk, path, agent.serves)
        yield from capacity_problems(join(path, "capacity"), agent.capacity or {})
        yield from trait_problems(path, agent.skills, agent.channels or (), agent.weight)


def trait_problems(
    path: str, skills: Mapping[str, int], channels: Sequence[str], weight: int
) -> Iterator[Problem]:
    """Yield what is wrong with an agent's skills, enabled channels and weight (P1, A1, P3)."""
    for skill, level in skills.items():
        here = join(path, "skills", skill)
        yield from _when(here, name_problem(skill))
        if level < 1:
            yield Problem(here, f"expected a level from 1, got {level}; leave out what is lacking")
    for index, channel in enumerate(channels):
        yield from _when(join(path, "channels", index), name_problem(channel))
    if weight < 1:
        yield Problem(join(path, "weight"), f"expected a whole number from 1, got {weight}")


def _agent_groups(desk: _Desk, path: str, agent: AgentConfig) -> Iterator[Problem]:
    if not desk.read("groups"):
        return
    for index, group in enumerate(agent.groups):
        if group not in desk.config.groups:
            text = unknown(f"unknown group {quoted(group)}", desk.config.groups, group)
            yield Problem(join(path, "groups", index), text)


def _serves(desk: _Desk, path: str, patterns: Iterable[str]) -> Iterator[Problem]:
    if not desk.read("inboxes", "queues"):
        return
    for index, pattern in enumerate(patterns):
        yield from _when(join(path, "serves", index), desk.pattern_problem(pattern))
