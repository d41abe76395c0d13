"""A desk's configuration as a test writes it, and what it means, by the test's own reading.

Resolves settings, queue trees and patterns of `serves` without one line of the rules in `src`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

Path = tuple[str, ...]
Limits = tuple[int, int, int]

_PRESETS: Mapping[str | None, Mapping[str, Any]] = {
    None: {},
    "push": {
        "assignment": "push",
        "distribution": "least_loaded",
        "overtake": "forbid",
        "after_end": ("new", None),
        "resume_to": ("first_available", None),
    },
    "claim": {"assignment": "claim", "overtake": "confirm", "after_end": ("queue", None)},
    "sla_inbox": {
        "assignment": "push",
        "overtake": "forbid",
        "after_end": ("new", None),
        "resume_to": ("last_agent", 3 * 86_400_000_000),
    },
}
_DEFAULTS: Mapping[str, Any] = {
    "assignment": "push",
    "distribution": "longest_idle",
    "overtake": "forbid",
    "after_end": ("new", None),
    "resume_to": ("queue", None),
}


@frozen(kw_only=True)
class Entry:
    """An entry point as the test configured it; `queue` where it leads past the menu."""

    channel: str
    address: str
    inbox: str
    sla: int
    queue: str | None = None


@frozen(kw_only=True)
class Book:
    """What the test configured. `layers` are settings by place: "" is the desk, then paths.

    `texts` are the desk's automatic ones; `closes` says whether it has the hours of `silence_oracle`.
    """

    preset: str | None
    trees: Mapping[str, Any]
    entries: Mapping[str, Entry]
    groups: Mapping[str, Sequence[str]]
    layers: Mapping[str, Mapping[str, Any]]
    limits: Limits
    texts: Mapping[str, str] = {}
    closes: bool = False

    def setting(self, name: str, where: str = "") -> Any:
        """The value of a setting at an inbox or queue: that of the nearest layer."""
        steps = where.split("/") if where else []
        places = ["", *("/".join(steps[:n]) for n in range(1, len(steps) + 1))]
        values = [_DEFAULTS[name], _PRESETS[self.preset].get(name)]
        values += [self.layers.get(place, {}).get(name) for place in places]
        return [value for value in values if value is not None][-1]

    def pushes(self, where: str) -> bool:
        return bool(self.setting("assignment", where) == "push")

    def leaves(self, inbox: str | None = None) -> list[str]:
        inboxes = self.trees if inbox is None else [inbox]
        return [path for name in inboxes for path in self._below(name, self.trees[name])]

    def _below(self, path: str, tree: Mapping[str, Any]) -> list[str]:
        if not tree:
            return [path]
        return [leaf for name, sub in tree.items() for leaf in self._below(f"{path}/{name}", sub)]

    def served(self, serves: Iterable[str], groups: Iterable[str]) -> list[str]:
        """The leaves that patterns come to, in tree order."""
        patterns = [*serves, *(each for group in groups for each in self.groups[group])]
        return [leaf for leaf in self.leaves() if any(_serves(each, leaf) for each in patterns)]

    def node(self, inbox: str, path: Path) -> Mapping[str, Any]:
        """What lies below a branch; nothing where the branch is gone."""
        tree = self.trees[inbox]
        for name in path:
            tree = tree.get(name, {})
        return dict(tree)


def _serves(pattern: str, leaf: str) -> bool:
    head, below = (pattern[:-3], "(/.*)?") if pattern.endswith("/**") else (pattern, "")
    names = ("[^/]+" if name == "*" else re.escape(name) for name in head.split("/"))
    return re.fullmatch("/".join(names) + below, leaf) is not None
