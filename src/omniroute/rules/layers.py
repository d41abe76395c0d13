"""How policy is inherited: the layers of settings that lie over a place, and what they come to (U18).

Preset, desk, channel, inbox, top queue and so on down to the leaf: the nearest set value wins.
`rules.resolution` compiles a desk's configuration with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import fields

from omniroute.model.assign import AssignMode, AssignPolicy, AssignSettings
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import Policy, PolicySettings
from omniroute.rules import queue_tree
from omniroute.rules.presets import preset

__all__ = ["DEFAULT", "SWITCHED", "Layer", "layers", "merged"]

DEFAULT: Final = "default"
"""The source of a value that no layer sets."""

SWITCHED: Final = "enabled"
"""The key of the switches among the merged values and the sources (U79)."""

_FIELDS: Final = tuple(each.name for each in fields(PolicySettings))
_CAPACITY: Final = "capacity"
_ASSIGN: Final = "assign"
_ASSIGN_FIELDS: Final = tuple(each.name for each in fields(AssignSettings))
_MODES: Final = {"cascade": AssignMode.CASCADE, "percent": AssignMode.PERCENT}

Layer = tuple[str, PolicySettings]
"""Where settings are written, in words, and the settings."""


def layers(config: DeskConfig, channel: str | None, place: str | None) -> Iterator[Layer]:
    """Yield the settings that lie over a place, outermost first.

    `channel` is the name of a channel that the configuration has, or None; `place` the full path of
    an inbox or queue that it has, or None for the desk's own.
    """
    yield f"preset {config.preset}", preset(config.preset)
    yield "desk", config.policy
    if channel is not None:
        yield f"channel {channel}", config.channels[channel].policy
    if place is None:
        return
    name, *steps = place.split(queue_tree.SEPARATOR)
    inbox = config.inboxes[name]
    yield f"inbox {name}", inbox.policy
    for depth in range(1, len(steps) + 1):
        at = queue_tree.SEPARATOR.join(steps[:depth])
        if at in inbox.at:
            yield f"queue {name}{queue_tree.SEPARATOR}{at}", inbox.at[at]


def merged(over: Iterable[Layer]) -> tuple[dict[str, Any], dict[str, str]]:
    """Lay settings over each other, outermost first; capacity and switches key by key.

    Returns the values by field and the layer that set each.
    """
    capacity = dict(Policy().capacity)
    switches: dict[str, bool] = {}
    values: dict[str, Any] = {}
    families = [f"{_CAPACITY}.{family}" for family in capacity]
    assign: dict[str, Any] = {}
    assigns = [f"{_ASSIGN}.{name}" for name in _ASSIGN_FIELDS]
    sources = dict.fromkeys((*_FIELDS, *families, *assigns, "sla"), DEFAULT)
    for source, settings in over:
        for name in _FIELDS:
            if (value := getattr(settings, name)) is not None:
                values[name], sources[name] = value, source
        for family, limits in (settings.capacity or {}).items():
            capacity[family], sources[f"{_CAPACITY}.{family}"] = limits, source
        for switch, on in (settings.enabled or {}).items():
            switches[switch], sources[f"{SWITCHED}.{switch}"] = on, source
        for name, value in _assigned(settings.assign).items():
            assign[name], sources[f"{_ASSIGN}.{name}"] = value, source
    return {
        **values,
        _CAPACITY: capacity,
        _ASSIGN: AssignPolicy(**assign),
        SWITCHED: switches,
    }, sources


def _assigned(settings: AssignSettings | None) -> dict[str, Any]:
    """What a layer of `assign` sets: naming groups chooses the mode, unless it says another."""
    if settings is None:
        return {}
    found = {name: getattr(settings, name) for name in _ASSIGN_FIELDS}
    found = {name: value for name, value in found.items() if value is not None}
    for name, mode in _MODES.items():
        if name in found:
            found.setdefault("mode", mode)
    return found
