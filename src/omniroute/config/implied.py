"""What a document leaves to be understood: groups that are only named, addresses that are names.

A short file says a thing once. Where it has no `groups`, the groups are those that somebody is in or
that something is assigned to; a widget that the host embeds itself has no provider's id, and goes by
its own name unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from omniroute.config.reading import Notes
from omniroute.model.channel_type import ChannelFamily, channel_type
from omniroute.model.desk_config import DeskConfig, GroupConfig
from omniroute.rules.judged import kind_of
from omniroute.rules.names import join
from omniroute.rules.policy_checks import written_layers

__all__ = ["implied"]


def implied(config: DeskConfig, values: Mapping[str, Any], notes: Notes) -> DeskConfig:
    """Return a configuration with what its document implies, noting addresses that nothing does."""
    written: Mapping[str, Any] = values.get("entry_points") or {}
    entry_points = dict(config.entry_points)
    for name, each in config.entry_points.items():
        path = join("entry_points", name, "address")
        if each.address or notes.is_broken(path) or written[name].get("address") is not None:
            continue
        if channel_type(kind_of(config, each.channel)).family is ChannelFamily.CHAT:
            entry_points[name] = evolve(each, address=name)
        else:
            notes.add(path, "is missing; expected the provider's id of this entry point")
    groups = config.groups
    if values.get("groups") is None:
        groups = {name: GroupConfig() for name in _named(config)}
    return evolve(config, entry_points=entry_points, groups=groups)


def _named(config: DeskConfig) -> Iterator[str]:
    """The groups that a document names: those assigned to, in order, then those of agents."""
    for _, policy in written_layers(config):
        if policy.assign is not None:
            yield from (*(policy.assign.cascade or ()), *(policy.assign.percent or ()))
    for agent in config.agents.values():
        yield from agent.groups
