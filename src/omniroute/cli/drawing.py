"""A desk drawn: inboxes, queues, SLA, hours, staff, and what applies where, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from omniroute.config.render import dump_policy
from omniroute.config.toml import inline
from omniroute.instants import render_duration
from omniroute.model.desk_config import DeskConfig, QueueNode
from omniroute.model.state import Readiness
from omniroute.rules.entry_points import ResolvedEntryPoint
from omniroute.rules.queue_tree import SEPARATOR
from omniroute.rules.readiness import enabled_paths, readiness
from omniroute.rules.resolution import Setup

__all__ = ["Drawing"]

_INHERITED = ("default", "preset")
_SHOWN = 6


class Drawing:
    """A configuration, looked at from the top."""

    def __init__(self, config: DeskConfig) -> None:
        self._config = config
        self._setup = Setup(config, 0)
        self._serving: dict[str, list[str]] = {leaf: [] for leaf in self._setup.leaves}
        for name, agent in config.agents.items():
            for leaf in self._setup.serving(agent.serves, agent.groups):
                self._serving[leaf].append(name)
        self._enabled = enabled_paths(leaf for leaf, agents in self._serving.items() if agents)

    # --- for people

    def as_tree(self) -> Tree:
        """Return it for a terminal."""
        config = self._config
        preset = f", preset {config.preset}" if config.preset else ""
        root = Tree(Text.assemble((config.desk, "bold"), f"  zone {config.zone}{preset}"))
        self._settings(root, None, ("preset", "default"))
        for name, inbox in config.inboxes.items():
            head = Text.assemble((name, "bold cyan"), f"  SLA {render_duration(inbox.sla)}")
            if inbox.primary_for:
                head.append(f"  primary for {', '.join(inbox.primary_for)}")
            self._mark(head, name)
            branch = root.add(head)
            for each in self._entry_points(name):
                branch.add(_entry_point(each))
            self._settings(branch, name, (*_INHERITED, "desk"))
            self._queues(branch, name, inbox.queues)
        return root

    def _queues(self, branch: Tree, path: str, nodes: Iterable[QueueNode]) -> None:
        for node in nodes:
            below = f"{path}{SEPARATOR}{node.name}"
            head = Text(node.name)
            self._mark(head, below)
            inner = branch.add(head)
            self._settings(inner, below, None)
            self._queues(inner, below, node.children)

    def _mark(self, head: Text, path: str) -> None:
        """Say of a leaf whether it is ready, and who serves it (U15, U16)."""
        if path not in self._serving:
            return
        agents = self._serving[path]
        more = f" and {len(agents) - _SHOWN} more" if len(agents) > _SHOWN else ""
        found = readiness(path, self._enabled)
        ready = found is Readiness.READY
        head.append(f"  {found.value.replace('_', ' ')}", "green" if ready else "red")
        if agents:
            head.append(f"  {', '.join(agents[:_SHOWN])}{more}")

    def _settings(self, branch: Tree, path: str | None, above: tuple[str, ...] | None) -> None:
        for name, value, source in self._applying(path):
            own = source == f"queue {path}" if above is None else not source.startswith(above)
            if own:
                branch.add(Text.assemble((f"{name} = {inline(value)}", "dim"), f"  ({source})"))

    # --- for both

    def _applying(self, path: str | None) -> Iterator[tuple[str, Any, str]]:
        """Every setting in force at a place: its name, its value as written, where it comes from."""
        written = dump_policy(self._setup.policy(None, path))
        for name, source in self._setup.sources(None, path).items():
            key, _, inner = name.partition(".")
            value = written.get(key)
            if inner and isinstance(value, Mapping):
                value = value.get(inner)
            if name != "capacity" and value not in (None, {}, []):
                yield name, value, source

    def _entry_points(self, inbox: str) -> list[ResolvedEntryPoint]:
        return [each for each in self._setup.entry_points_of() if each.inbox == inbox]

    # --- for programs

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        config = self._config
        return {
            "desk": config.desk,
            "zone": config.zone,
            "preset": config.preset,
            "settings": self._json_settings(None),
            "inboxes": [
                {
                    "name": name,
                    "sla": render_duration(inbox.sla),
                    "primary_for": list(inbox.primary_for),
                    "entry_points": [_entry_point_json(e) for e in self._entry_points(name)],
                    "settings": self._json_settings(name),
                    **self._json_leaf(name),
                    "queues": self._json_queues(name, inbox.queues),
                }
                for name, inbox in config.inboxes.items()
            ],
        }

    def _json_queues(self, path: str, nodes: Iterable[QueueNode]) -> list[dict[str, Any]]:
        found = []
        for node in nodes:
            below = f"{path}{SEPARATOR}{node.name}"
            queue = {"name": node.name, "path": below, **self._json_leaf(below)}
            queue["settings"] = self._json_settings(below)
            queue["queues"] = self._json_queues(below, node.children)
            found.append(queue)
        return found

    def _json_leaf(self, path: str) -> dict[str, Any]:
        if path not in self._serving:
            return {}
        return {"ready": path in self._enabled, "agents": self._serving[path]}

    def _json_settings(self, path: str | None) -> dict[str, Any]:
        return {
            name: {"value": value, "source": source} for name, value, source in self._applying(path)
        }


def _entry_point(each: ResolvedEntryPoint) -> Text:
    head = Text.assemble((each.name, "magenta"), f"  {each.channel} {each.address}")
    head.append(f"  SLA {render_duration(each.sla)} ({each.sla_source})", "dim")
    head.append(f"  by {each.inbox_source}", "dim")
    if each.queue is not None:
        head.append(f"  to {each.queue} ({each.queue_source})", "dim")
    return head


def _entry_point_json(each: ResolvedEntryPoint) -> dict[str, Any]:
    return {
        "name": each.name,
        "channel": each.channel,
        "address": each.address,
        "inbox_source": each.inbox_source,
        "sla": render_duration(each.sla),
        "sla_source": each.sla_source,
        "queue": each.queue,
        "queue_source": each.queue_source,
    }
