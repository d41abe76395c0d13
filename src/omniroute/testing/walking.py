"""`walk`: everywhere that a contact can come to in a configuration, and what is odd about it.

A sound configuration (`omniroute check`) can still lead contacts nowhere: a queue that no entry point
reaches, an entry point that nobody answers. `walk` says so as data; `walk_cases` as the cases of a
parametrized test. Nothing here is an error to omniroute: a desk without staff at night may be meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from os import PathLike
from typing import Any

from omniroute.config.load import load_config
from omniroute.model.assign import AssignMode
from omniroute.model.desk_config import AgentConfig, DeskConfig, QueueNode
from omniroute.model.policy import AfterEndTo, Assignment, Policy
from omniroute.model.values import frozen
from omniroute.rules import queue_tree
from omniroute.rules.menu import menu_number
from omniroute.rules.names import join, quoted
from omniroute.rules.resolution import Setup
from omniroute.rules.waiting import abilities, groups_of, unmet
from omniroute.rules.words import normalized

__all__ = ["Finding", "FindingKind", "walk", "walk_cases"]


class FindingKind(StrEnum):
    """What a walk can find."""

    UNREACHABLE_QUEUE = "unreachable_queue"
    """No entry point, menu, keyword, number or direct access point leads to the queue."""
    DEAD_END = "dead_end"
    """Something leads straight to a queue that nobody serves."""
    UNSTAFFED_QUEUE = "unstaffed_queue"
    """Nobody serves the queue; its menu does not show it."""
    NO_TAKER = "no_taker"
    """Agents serve the queue, and what it asks for (groups, skills, channels) keeps out all of them."""
    UNSTAFFED_ENTRY_POINT = "unstaffed_entry_point"
    """Nobody serves any queue that the entry point leads to."""
    HIDDEN_QUEUE = "hidden_queue"
    """The queue is hidden from the menu, and nothing else leads to it (U24)."""
    CONTRADICTION = "contradiction"
    """One setting keeps another from having any effect."""
    EMPTY_GROUP = "empty_group"
    """Nobody is in the group."""
    IDLE_AGENT = "idle_agent"
    """The agent serves nothing, and has no role that needs nothing to serve."""


@frozen
class Finding:
    """Something odd: its kind, the path at which a person would mend it, and a sentence."""

    kind: FindingKind
    where: str
    text: str

    def __str__(self) -> str:
        """As one line: path, then the sentence."""
        return f"{self.where}: {self.text}"


def walk(
    config: DeskConfig | Mapping[str, Any] | str | PathLike[str],
) -> tuple[Finding, ...]:
    """Return what is odd about a configuration, in its own order; a file or mapping is loaded first.

    Its `agents` are the staff that counts: for a stored desk, `omniroute walk` fills them in.
    """
    if not isinstance(config, DeskConfig):
        config = load_config(config)
    found = _Walk(config)
    steps = (found.queues, found.menus, found.entry_points, found.policies, found.staff)
    return tuple(finding for step in steps for finding in step())


def walk_cases(
    config: DeskConfig | Mapping[str, Any] | str | PathLike[str],
) -> list[Any]:
    """Return the findings as cases for `pytest.mark.parametrize("finding", …)`, one test each.

    Without findings there is one case, None, so that the test is there and passes.
    """
    import pytest

    found = walk(config)
    if not found:
        return [pytest.param(None, id="nothing odd")]
    return [pytest.param(each, id=f"{each.kind}: {each.where}") for each in found]


class _Walk:
    """One look at a configuration: what leads where, and who is there."""

    def __init__(self, config: DeskConfig) -> None:
        self._config = config
        self._setup = Setup(config, 0)
        self._serving: dict[str, list[AgentConfig]] = {}
        for agent in config.agents.values():
            for leaf in self._setup.serving(agent.serves, agent.groups):
                self._serving.setdefault(leaf, []).append(agent)
        self._staffed = set(self._serving)
        self._channels: dict[str, set[str]] = {}
        for each in self._setup.entry_points_of():
            self._channels.setdefault(each.inbox, set()).add(each.channel)
        self._straight = dict(self._led_straight())

    def _led_straight(self) -> Iterator[tuple[str, str]]:
        """Leaves that something leads to past the menu, with the path of what does."""
        config = self._config
        for section, entries in (
            ("direct_access", config.direct_access),
            ("numbers", config.numbers),
            ("entry_points", config.entry_points),
        ):
            for name, each in entries.items():
                if each.queue is not None:
                    yield each.queue, join(section, name, "queue")
        for name, inbox in config.inboxes.items():
            for place, traits in inbox.traits.items():
                if traits.keywords:
                    path = join("inboxes", name, "at", place, "keywords")
                    yield f"{name}{queue_tree.SEPARATOR}{place}", path

    def _hidden(self, leaf: str) -> bool:
        """Whether the menu leads to a leaf nowhere: it, or a branch above it, is hidden."""
        inbox, _, place = leaf.partition(queue_tree.SEPARATOR)
        traits = self._config.inboxes[inbox].traits
        steps = place.split(queue_tree.SEPARATOR)
        above = (queue_tree.SEPARATOR.join(steps[: n + 1]) for n in range(len(steps)))
        return any(path in traits and traits[path].hidden for path in above)

    # --- queues

    def queues(self) -> Iterator[Finding]:
        menus = {each.inbox for each in self._setup.entry_points_of() if each.queue is None}
        menus |= {
            each.inbox
            for each in self._setup.entry_points_of()
            if each.queue_source == "single queue"
        }
        for leaf in self._setup.leaves:
            where = _place(leaf)
            if leaf not in self._straight:
                if self._setup.inbox_of(leaf) not in menus:
                    yield Finding(FindingKind.UNREACHABLE_QUEUE, where, "no contact can come here")
                elif self._hidden(leaf):
                    text = "is hidden, and no keyword, number or direct access leads here"
                    yield Finding(FindingKind.HIDDEN_QUEUE, where, text)
            if leaf not in self._staffed:
                yield self._unstaffed(leaf, where)
            elif (why := self._kept_out(leaf)) is not None:
                yield Finding(FindingKind.NO_TAKER, where, f"of those who serve it none {why}")

    def _kept_out(self, leaf: str) -> str | None:
        """What keeps everybody who serves a leaf from taking what waits there, however long."""
        assign, able = self._setup.policy(None, leaf).assign, self._serving[leaf]
        groups = set(groups_of(assign))
        if groups and (assign.mode is AssignMode.CASCADE or assign.open_after is None):
            able = [each for each in able if not groups.isdisjoint(each.groups)]
            if not able:
                return f"is in {' or '.join(map(quoted, sorted(groups)))}"
        lasting = [each for each in assign.skills if each.expires is None]
        able = [each for each in able if unmet(lasting, abilities(each), 0) is None]
        if not able:
            return f"has {', '.join(map(str, lasting))}"
        led = self._channels.get(self._setup.inbox_of(leaf))
        if led and all(
            each.channels is not None and led.isdisjoint(each.channels) for each in able
        ):
            return f"is enabled for {' or '.join(map(quoted, sorted(led)))}"
        return None

    def _unstaffed(self, leaf: str, where: str) -> Finding:
        if leaf in self._straight:
            text = f"{quoted(leaf)} is served by nobody, and this leads straight there"
            return Finding(FindingKind.DEAD_END, self._straight[leaf], text)
        return Finding(FindingKind.UNSTAFFED_QUEUE, where, "nobody serves it")

    # --- menus

    def menus(self) -> Iterator[Finding]:
        for name, inbox in self._config.inboxes.items():
            yield from _numbered(name, inbox.queues)
            titles = {
                normalized(node.name): path for path, node in queue_tree.walk(name, inbox.queues)
            }
            for place, traits in inbox.traits.items():
                for word in traits.keywords:
                    other = titles.get(normalized(word))
                    if other is not None and other != f"{name}{queue_tree.SEPARATOR}{place}":
                        text = f"{quoted(word)} leads here, and is the title of {quoted(other)}"
                        path = join("inboxes", name, "at", place, "keywords")
                        yield Finding(FindingKind.CONTRADICTION, path, text)

    # --- entry points

    def entry_points(self) -> Iterator[Finding]:
        for each in self._setup.entry_points_of():
            leads = (each.queue,) if each.queue else self._setup.leaves_of(each.inbox)
            if not self._staffed.intersection(leads):
                text = f"leads to {quoted(each.queue or each.inbox)}, where nobody answers"
                path = join("entry_points", each.name)
                yield Finding(FindingKind.UNSTAFFED_ENTRY_POINT, path, text)

    # --- policies

    def policies(self) -> Iterator[Finding]:
        told = set()
        for leaf in self._setup.leaves:
            sources = self._setup.sources(None, leaf)
            for setting, text in _contradictions(self._setup.policy(None, leaf)):
                if (setting, sources[setting]) not in told:
                    told.add((setting, sources[setting]))
                    yield Finding(FindingKind.CONTRADICTION, _place(leaf), text)

    # --- staff

    def staff(self) -> Iterator[Finding]:
        config = self._config
        members = {group for agent in config.agents.values() for group in agent.groups}
        for group in config.groups:
            if group not in members:
                yield Finding(FindingKind.EMPTY_GROUP, join("groups", group), "nobody is in it")
        for name, agent in config.agents.items():
            if agent.role == "agent" and not self._setup.serving(agent.serves, agent.groups):
                yield Finding(FindingKind.IDLE_AGENT, join("agents", name), "serves no queue")


def _place(leaf: str) -> str:
    inbox, _, inside = leaf.partition(queue_tree.SEPARATOR)
    return join("inboxes", inbox, inside) if inside else join("inboxes", inbox)


def _numbered(path: str, level: Sequence[QueueNode]) -> Iterator[Finding]:
    """Titles that are the number of another line of their menu: who answers it gets that line."""
    for line, node in enumerate(level, 1):
        here = f"{path}{queue_tree.SEPARATOR}{node.name}"
        number = menu_number(node.name)
        if number is not None and number != line and number <= len(level):
            text = f"is line {line} of its menu, and who answers {quoted(node.name)} gets line {number}"
            yield Finding(FindingKind.CONTRADICTION, _place(here), text)
        yield from _numbered(here, node.children)


def _contradictions(policy: Policy) -> Iterator[tuple[str, str]]:
    """The settings of one place that others keep from having an effect."""
    after = policy.after_end
    if after.to is AfterEndTo.LAST_AGENT and policy.assignment is Assignment.CLAIM:
        text = "after_end leads to the last agent, but agents claim by themselves here"
        yield "after_end", text
    if policy.skip_greeting_after_hours and policy.greeting is None:
        yield "skip_greeting_after_hours", "there is no greeting that could be skipped"
    if policy.dismissed_text is not None and policy.inactivity is None:
        yield "dismissed_text", "nobody is dismissed here: inactivity is not set"
