"""Everything that can be wrong with a configuration across its fields, found all at once.

`problems` is the one gate: a configuration with problems is never used, whether a file, a form or a
program made it. Each problem carries the path at which a person would mend it. What single fields
may look like is checked where they are read; what they mean together, here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from omniroute.errors import ConfigError, Problem
from omniroute.instants import SECOND, render_duration
from omniroute.model.desk_config import (
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import PolicySettings
from omniroute.model.sla import SlaTargets
from omniroute.rules import (
    assign_checks,
    hours,
    offer_checks,
    queue_tree,
    variables,
    weight_checks,
)
from omniroute.rules.channel_checks import (
    channel_problems,
    gate_problems,
    number_problems,
    one_account_problems,
    profile_problems,
)
from omniroute.rules.judged import Judged, when
from omniroute.rules.names import did_you_mean, join, name_problem, quoted, unknown
from omniroute.rules.policy_checks import (
    DESK_ONLY,
    NOT_ON_CHANNELS,
    NOT_ON_QUEUES,
    capacity_problems,
    misplaced,
    policy_problems,
)
from omniroute.rules.presets import locked_problems, preset_problem
from omniroute.rules.queue_checks import direct_access_problems, place_problem, queue_problems
from omniroute.rules.sla import SLA_FORMS
from omniroute.rules.words import normalized

__all__ = ["problems", "require"]

_NOT_IN_QUEUE_NAMES: Final = (queue_tree.ANY, queue_tree.BELOW)


def require(config: DeskConfig, *, source: str = "configuration") -> None:
    """Raise `ConfigError` with every problem of a configuration, where it has any."""
    if found := problems(config):
        raise ConfigError(found, source=source)


def problems(config: DeskConfig, *, unread: Container[str] = ()) -> tuple[Problem, ...]:
    """Return everything that is wrong with a configuration, in its own order.

    `unread` names what could not be read from a file and is therefore incomplete here: `inboxes`,
    `primary_for`, `queues`, `accounts`, `groups`, `capacity`. References into it are not judged.
    """
    desk = Judged.of(config, unread)
    checks = (
        _top,
        _policies,
        channel_problems,
        _inboxes,
        queue_problems,
        _accounts,
        _entry_points,
        number_problems,
        direct_access_problems,
        _groups,
        _agents,
    )
    return tuple(problem for check in checks for problem in check(desk))


# --- the desk -------------------------------------------------------------------------------------


def _top(desk: Judged) -> Iterator[Problem]:
    config = desk.config
    yield from when("desk", name_problem(config.desk))
    yield from when("zone", hours.zone_problem(config.zone))
    if config.preset is not None:
        yield from when("preset", preset_problem(config.preset))


def _policies(desk: Judged) -> Iterator[Problem]:
    yield from _layer(desk, "policy", desk.config.policy)
    queues_read = desk.read("inboxes", "queues")
    yield from assign_checks.problems(
        desk.config, groups_read=desk.read("groups"), queues_read=queues_read
    )
    if queues_read and (desk.config.preset is None or not preset_problem(desk.config.preset)):
        yield from offer_checks.problems(desk.config)
    if desk.read("inboxes", "primary_for"):
        yield from weight_checks.problems(desk)
    yield from variables.problems(desk.config)
    for kind, channel in desk.config.channels.items():
        path = join("channels", kind, "policy")
        yield from _layer(desk, path, channel.policy)
        yield from misplaced(path, channel.policy, NOT_ON_CHANNELS)


def _layer(desk: Judged, path: str, policy: PolicySettings) -> Iterator[Problem]:
    yield from policy_problems(path, policy)
    yield from when(join(path, "hours"), _never_opens(desk.config.zone, policy))
    yield from locked_problems(desk.config.preset, path, policy)


def _never_opens(zone: str, policy: PolicySettings) -> str | None:
    found = policy.hours
    if found is None or hours.zone_problem(zone) or any(hours.problems(found)):
        return None  # said where that is
    return hours.unopened_problem(found, zone)


def _sla(path: str, sla: int) -> Iterator[Problem]:
    if sla <= 0 or sla % SECOND:
        yield Problem(path, f"not an SLA; expected {SLA_FORMS}, got {sla} microseconds")


def _targets(path: str, first: int | None, targets: SlaTargets) -> Iterator[Problem]:
    """Check an SLA's table: every time by itself, and that a clock warns after it has started."""
    times = {"next": targets.next, "resolution": targets.resolution}
    for name, time in {**times, "warn_before": targets.warn_before}.items():
        if time is not None:
            yield from _sla(join(path, name), time)
    before = targets.warn_before
    if before is None or before % SECOND:
        return
    for name, time in {"first": first, **times}.items():
        if time is not None and time <= before and time % SECOND == 0:
            limits = f"{name}, {render_duration(time)}; got {render_duration(before)}"
            yield Problem(join(path, "warn_before"), f"expected less than {limits}")


# --- inboxes and their trees ----------------------------------------------------------------------


def _inboxes(desk: Judged) -> Iterator[Problem]:
    for name, inbox in desk.config.inboxes.items():
        path = join("inboxes", name)
        yield from when(path, _queue_name_problem(name))
        yield from _sla(join(path, "sla"), inbox.sla)
        yield from _targets(join(path, "sla"), inbox.sla, inbox.targets)
        yield from _primaries(desk, name, inbox)
        yield from _siblings(inbox.queues, join(path, "queues"))
        yield from _layer(desk, join(path, "policy"), inbox.policy)
        yield from misplaced(join(path, "policy"), inbox.policy, DESK_ONLY)
        for place, policy in inbox.at.items():
            if desk.read("queues"):
                yield from when(join(path, "at", place), place_problem(name, inbox, place))
            yield from _layer(desk, join(path, "at", place), policy)
            yield from misplaced(join(path, "at", place), policy, NOT_ON_QUEUES)


def _primaries(desk: Judged, name: str, inbox: InboxConfig) -> Iterator[Problem]:
    for index, channel in enumerate(inbox.primary_for):
        path = join("inboxes", name, "primary_for", index)
        yield from when(path, name_problem(channel))
        if channel in inbox.primary_for[:index]:
            yield Problem(path, f"{quoted(channel)} stands here twice")
        elif (first := desk.primary[channel]) != name:
            text = f"{quoted(channel)} has the primary inbox {quoted(first)} already"
            yield Problem(path, f"{text}; a channel has exactly one")


def _siblings(nodes: Sequence[QueueNode], path: str) -> Iterator[Problem]:
    """Check the names of a level and of those below it; paths as the list notation counts."""
    index, names = 0, dict[str, str]()
    for node in nodes:
        here, said = join(path, index), normalized(node.name)
        yield from when(here, _queue_name_problem(node.name))
        if said in names:
            yield Problem(here, f"a queue beside it is named {quoted(names[said])} already")
        names.setdefault(said, node.name)
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


# --- accounts and entry points --------------------------------------------------------------------


def _accounts(desk: Judged) -> Iterator[Problem]:
    for name in desk.config.accounts:
        yield from when(join("accounts", name), name_problem(name))


def _entry_points(desk: Judged) -> Iterator[Problem]:
    addresses: dict[tuple[str, str], str] = {}
    accounts: dict[str, str] = {}
    for name, each in desk.config.entry_points.items():
        path = join("entry_points", name)
        yield from when(path, name_problem(name))
        yield from _channel(desk, path, each.channel)
        yield from gate_problems(desk, name, each)
        yield from _account(desk, path, each.account)
        where = (desk.kind_of(each.channel), each.address)
        yield from _address(path, each, addresses.get(where))
        addresses.setdefault(where, name)
        if each.account is not None and each.account in desk.config.accounts:
            first = accounts.setdefault(each.channel, each.account)
            yield from one_account_problems(desk, path, each, first)
        if each.override is not None:
            yield from _override(desk, path, each.channel, each.override)
        if each.queue is not None and desk.read("inboxes", "queues", "primary_for"):
            yield from when(join(path, "queue"), _queue_problem(desk, each, each.queue))


def _channel(desk: Judged, path: str, channel: str) -> Iterator[Problem]:
    here = join(path, "channel")
    if text := name_problem(channel):
        yield Problem(here, text)
    elif channel not in desk.primary and desk.read("inboxes", "primary_for"):
        text = f"no inbox is primary for {quoted(channel)}"
        guess = did_you_mean(channel, desk.primary)
        text += f"; did you mean {quoted(guess)}?" if guess else ""
        yield Problem(here, f"{text}{' Else' if guess else ';'} add it to one inbox's primary_for")


def _account(desk: Judged, path: str, account: str | None) -> Iterator[Problem]:
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


def _override(desk: Judged, path: str, channel: str, override: Override) -> Iterator[Problem]:
    here, inboxes = join(path, "override"), desk.config.inboxes
    same_sla = override.sla is None and override.targets == SlaTargets()
    if override.inbox is None and same_sla:
        yield Problem(here, "changes neither the inbox nor the SLA; set one, or leave it out")
    if override.sla is not None:
        yield from _sla(join(here, "sla"), override.sla)
    yield from _targets(join(here, "sla"), override.sla, override.targets)
    if override.inbox is None or not desk.read("inboxes"):
        return
    if override.inbox not in inboxes:
        text = unknown(f"unknown inbox {quoted(override.inbox)}", inboxes, override.inbox)
        yield Problem(join(here, "inbox"), text)
    elif same_sla and desk.primary.get(channel) == override.inbox:
        text = f"{quoted(override.inbox)} is the primary inbox for {quoted(channel)} anyway"
        yield Problem(here, f"changes neither the inbox nor the SLA; {text}")


def _queue_problem(desk: Judged, entry_point: EntryPointConfig, queue: str) -> str | None:
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


def _groups(desk: Judged) -> Iterator[Problem]:
    for name, group in desk.config.groups.items():
        path = join("groups", name)
        yield from when(path, name_problem(name))
        yield from _serves(desk, path, group.serves)


def _agents(desk: Judged) -> Iterator[Problem]:
    for name, agent in desk.config.agents.items():
        path = join("agents", name)
        yield from when(path, name_problem(name))
        if agent.name is not None:
            yield from when(join(path, "name"), name_problem(agent.name))
        yield from _agent_groups(desk, path, agent)
        yield from _serves(desk, path, agent.serves)
        yield from capacity_problems(join(path, "capacity"), agent.capacity or {})
        yield from profile_problems(desk, path, agent)


def _agent_groups(desk: Judged, path: str, agent: AgentConfig) -> Iterator[Problem]:
    if not desk.read("groups"):
        return
    for index, group in enumerate(agent.groups):
        if group not in desk.config.groups:
            text = unknown(f"unknown group {quoted(group)}", desk.config.groups, group)
            yield Problem(join(path, "groups", index), text)


def _serves(desk: Judged, path: str, patterns: Iterable[str]) -> Iterator[Problem]:
    if not desk.read("inboxes", "queues"):
        return
    for index, pattern in enumerate(patterns):
        yield from when(join(path, "serves", index), desk.pattern_problem(pattern))
