"""What can be wrong with who is assigned what: modes, groups, shares, priorities, skills (U17, M1 to M3).

A part of `rules.checks`, which is the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from omniroute.errors import Problem
from omniroute.instants import MILLISECOND
from omniroute.model.assign import ASSIGN_DURATIONS, AssignMode, AssignSettings
from omniroute.model.desk_config import DeskConfig, InboxConfig
from omniroute.rules import queue_tree
from omniroute.rules.allotment import WHOLE
from omniroute.rules.estimates import MOST
from omniroute.rules.names import join, name_problem, quoted, unknown
from omniroute.rules.policy_checks import LONGEST_TEXT, message_problems
from omniroute.rules.waiting import HIGHEST, LOWEST

__all__ = ["problems"]


def problems(config: DeskConfig, *, groups_read: bool, queues_read: bool) -> Iterator[Problem]:
    """Yield what is wrong with every layer of `assign`; names are judged only where they were read."""
    groups = config.groups if groups_read else None
    for path, settings, is_leaf in _layers(config):
        yield from _layer(path, settings, groups)
        if settings.priority is not None and not is_leaf:
            yield Problem(join(path, "priority"), "belongs to a leaf; set it for each queue (M3)")
        if settings.segments is not None and path != _DESK:
            yield Problem(join(path, "segments"), "has no effect here; set it for the desk")
    if groups_read:
        yield from _nobody(config)
    if queues_read:
        yield from _overflows(config)


_DESK: Final = join("policy", "assign")


def _layers(config: DeskConfig) -> Iterator[tuple[str, AssignSettings, bool]]:
    if config.policy.assign is not None:
        yield _DESK, config.policy.assign, False
    for name, inbox in config.inboxes.items():
        path = join("inboxes", name)
        if inbox.policy.assign is not None:
            yield join(path, "policy", "assign"), inbox.policy.assign, not inbox.queues
        for place, policy in inbox.at.items():
            if policy.assign is not None:
                yield join(path, "at", place, "assign"), policy.assign, _is_leaf(inbox, place)


def _is_leaf(inbox: InboxConfig, place: str) -> bool:
    node = queue_tree.find(inbox.queues, place)
    return node is None or not node.children  # one that is not there is told of elsewhere


def _layer(
    path: str, settings: AssignSettings, groups: Mapping[str, object] | None
) -> Iterator[Problem]:
    for name in ASSIGN_DURATIONS:
        micros = getattr(settings, name)
        if micros is not None and (micros <= 0 or micros % MILLISECOND):
            wanted = "expected a duration above zero in whole milliseconds"
            yield Problem(join(path, name), f"{wanted}, got {micros} microseconds")
    yield from message_problems(join(path, "full_message"), settings.full_message, LONGEST_TEXT)
    for name in ("waiting_message", "menu_wait"):
        yield from message_problems(join(path, name), getattr(settings, name), LONGEST_TEXT)
    if (over := settings.estimate_over) is not None and not 1 <= over <= MOST:
        text = f"expected a whole number from 1 to {MOST}, got {over}"
        yield Problem(join(path, "estimate_over"), text)
    yield from _mode(path, settings)
    yield from _cascade(path, settings.cascade, groups)
    yield from _percent(path, settings.percent, groups)
    if settings.priority is not None and not LOWEST <= settings.priority <= HIGHEST:
        text = f"expected a whole number from {LOWEST} to {HIGHEST}, got {settings.priority}"
        yield Problem(join(path, "priority"), text)
    for selector in settings.skills or ():
        here = join(path, "skills", selector.skill)
        if problem := name_problem(selector.skill):
            yield Problem(here, problem)
        if not selector.levels or min(selector.levels) < 1:
            yield Problem(here, "expected levels from 1")


def _mode(path: str, settings: AssignSettings) -> Iterator[Problem]:
    """Exactly one mode (U17)."""
    if settings.mode is None and settings.cascade is not None and settings.percent is not None:
        yield Problem(path, "has both cascade and percent; a queue has one mode: leave one out")
    if settings.mode is AssignMode.CASCADE and settings.cascade == ():
        yield Problem(join(path, "cascade"), "names no group")


def _cascade(
    path: str, cascade: tuple[str, ...] | None, groups: Mapping[str, object] | None
) -> Iterator[Problem]:
    for index, group in enumerate(cascade or ()):
        here = join(path, "cascade", index)
        if group in (cascade or ())[:index]:
            yield Problem(here, f"{quoted(group)} stands here twice")
        yield from _known(here, group, groups)


def _percent(
    path: str, percent: Mapping[str, int] | None, groups: Mapping[str, object] | None
) -> Iterator[Problem]:
    if percent is None:
        return
    here = join(path, "percent")
    for group, share in percent.items():
        yield from _known(join(here, group), group, groups)
        if not 0 <= share <= WHOLE:
            text = f"expected basis points from 0 to {WHOLE}, got {share}"
            yield Problem(join(here, group), text)
    if sum(percent.values()) != WHOLE:
        total = sum(percent.values())
        yield Problem(here, f"expected basis points that add up to {WHOLE}, got {total} in all")


def _known(path: str, group: str, groups: Mapping[str, object] | None) -> Iterator[Problem]:
    if groups is not None and group not in groups:
        yield Problem(path, unknown(f"unknown group {quoted(group)}", groups, group))


def _nobody(config: DeskConfig) -> Iterator[Problem]:
    """A group that is to get a share and that no agent of the configuration is in (M2).

    Staff lives in the store: where the configuration brings no agents at all, it is not judged.
    """
    if not config.agents:
        return
    staffed = {group for agent in config.agents.values() for group in agent.groups}
    for path, settings, _ in _layers(config):
        for group, share in (settings.percent or {}).items():
            if share and group in config.groups and group not in staffed:
                text = f"nobody is in {quoted(group)}, which is to get {share} of {WHOLE}"
                yield Problem(join(path, "percent", group), text)


def _overflows(config: DeskConfig) -> Iterator[Problem]:
    """Targets are queues there are, lengths are above zero, and nothing overflows in a circle (P5)."""
    inboxes = {
        leaf: name
        for name, inbox in config.inboxes.items()
        for leaf in queue_tree.leaves(name, inbox.queues)
    }
    leaves = tuple(inboxes)
    for path, settings, _ in _layers(config):
        for index, queue in enumerate(settings.overflow or ()):
            if queue not in leaves:
                text = unknown(f"no queue is named {quoted(queue)}", leaves, queue)
                yield Problem(join(path, "overflow", index), text)
        for name in ("overflow_at", "maximum"):
            if (number := getattr(settings, name)) is not None and number < 1:
                yield Problem(join(path, name), f"expected a whole number from 1, got {number}")
    targets = {leaf: _overflow_of(config, name, leaf) for leaf, name in inboxes.items()}
    for leaf in leaves:
        if (circle := _circle(leaf, targets)) is not None:
            yield Problem(_DESK, f"overflow goes in a circle: {' -> '.join(map(quoted, circle))}")
            return


def _overflow_of(config: DeskConfig, name: str, leaf: str) -> tuple[str, ...]:
    """What is in force at a leaf: the nearest layer that says it.

    A list for many queues may name them: each of those has the ones behind it, and the last none.
    """
    steps = leaf[len(name) + 1 :].split(queue_tree.SEPARATOR)
    inbox = config.inboxes[name]
    places = [queue_tree.SEPARATOR.join(steps[:depth]) for depth in range(len(steps), 0, -1)]
    layers = [inbox.at[place] for place in places if place in inbox.at]
    for policy in (*layers, inbox.policy, config.policy):
        if policy.assign is not None and policy.assign.overflow is not None:
            listed = policy.assign.overflow
            inherited = policy is not inbox.at.get(places[0]) and leaf in listed
            return listed[listed.index(leaf) + 1 :] if inherited else listed
    return ()


def _circle(leaf: str, targets: Mapping[str, tuple[str, ...]]) -> list[str] | None:
    way: list[str] = [leaf]
    reached = {leaf}
    ahead = [(leaf, target) for target in targets.get(leaf, ())]
    while ahead:
        source, target = ahead.pop()
        if target == leaf:
            return [*way, source, leaf] if source != leaf else [leaf, leaf]
        if target not in reached:
            reached.add(target)
            ahead += [(target, each) for each in targets.get(target, ())]
    return None
