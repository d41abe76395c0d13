"""Where an entry point leads, by when it wants an answer, and why: overrides, primary inboxes, SLA.

What is set at the entry point counts before what its channel and inbox say, value by value, and each
value carries its source (G9 to G14, G23). Expects a configuration in which `rules.checks` finds no
problem; who asks often asks `rules.resolution.Setup`, which keeps the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, fields

from omniroute.errors import ConfigError, Problem
from omniroute.model.channel_type import Gate
from omniroute.model.desk_config import ChannelDirection, DeskConfig, EntryPointConfig
from omniroute.model.sla import SlaTargets
from omniroute.model.values import frozen
from omniroute.rules.judged import kind_of
from omniroute.rules.layers import DEFAULT
from omniroute.rules.names import join, quoted

__all__ = ["ResolvedEntryPoint", "direction_of", "resolved"]

_TARGETS: Final = tuple(each.name for each in fields(SlaTargets))


@frozen(kw_only=True)
class ResolvedEntryPoint:
    """An entry point with all that follows from the configuration, each with its source (G23).

    `sla` is in microseconds, `targets` what it says beyond the first response, `target_sources` from
    where. `queue` is a leaf's full path, or None where a menu has to find it.
    `kind` is the channel's, which its adapter is found by; `direction` says which way messages go;
    `held` is None for a live entry point, else what it waits for: `connected`, say (G5 to G7).
    """

    name: str
    channel: str
    address: str
    account: str | None
    inbox: str
    inbox_source: str
    sla: int
    sla_source: str
    queue: str | None
    queue_source: str
    kind: str = ""
    number: str | None = None
    direction: ChannelDirection = ChannelDirection.TWO_WAY
    held: str | None = None
    targets: SlaTargets = SlaTargets()
    target_sources: Mapping[str, str] = field(factory=dict)


def direction_of(config: DeskConfig, channel: str) -> ChannelDirection:
    """Return which way messages go on a channel; a channel that is not active is OFF (T6)."""
    found = config.channels.get(channel)
    if found is None:
        return ChannelDirection.TWO_WAY
    return found.direction if found.active else ChannelDirection.OFF


def resolved(
    config: DeskConfig,
    name: str,
    primary: Mapping[str, str],
    leaf_of: Callable[[str], str | None],
) -> ResolvedEntryPoint:
    """Return where an entry point of a configuration leads and by when it wants an answer.

    `primary` has the primary inbox of each channel; `leaf_of` gives the leaf of an inbox that has
    exactly one. Raises `ConfigError` for a channel without a primary inbox (G2).
    """
    entry_point = config.entry_points[name]
    inbox, inbox_source = _inbox(name, entry_point, primary)
    sla, sla_source = _sla(config, entry_point, inbox)
    queue, queue_source = _queue(config, entry_point, leaf_of(inbox))
    targets, target_sources = _targets(config, entry_point, inbox)
    return ResolvedEntryPoint(
        name=name,
        channel=entry_point.channel,
        address=entry_point.address,
        account=entry_point.account,
        inbox=inbox,
        inbox_source=inbox_source,
        sla=sla,
        sla_source=sla_source,
        queue=queue,
        queue_source=queue_source,
        kind=kind_of(config, entry_point.channel),
        number=_number(config, entry_point),
        direction=direction_of(config, entry_point.channel),
        held=_held(entry_point),
        targets=targets,
        target_sources=target_sources,
    )


def _number(config: DeskConfig, entry_point: EntryPointConfig) -> str | None:
    if entry_point.number is not None:
        return entry_point.number
    return entry_point.address if entry_point.address in config.numbers else None


def _held(entry_point: EntryPointConfig) -> str | None:
    return next((gate.value for gate in Gate if not getattr(entry_point, gate.value)), None)


def _inbox(name: str, entry_point: EntryPointConfig, primary: Mapping[str, str]) -> tuple[str, str]:
    if entry_point.override and entry_point.override.inbox is not None:
        return entry_point.override.inbox, "override"
    channel = entry_point.channel
    if channel not in primary:
        text = f"no inbox is primary for {quoted(channel)}"
        raise ConfigError([Problem(join("entry_points", name, "channel"), text)])
    return primary[channel], f"primary inbox for {channel}"


def _sla(config: DeskConfig, entry_point: EntryPointConfig, inbox: str) -> tuple[int, str]:
    if entry_point.override and entry_point.override.sla is not None:
        return entry_point.override.sla, "override"
    return config.inboxes[inbox].sla, f"inbox {inbox}"


def _targets(
    config: DeskConfig, entry_point: EntryPointConfig, inbox: str
) -> tuple[SlaTargets, dict[str, str]]:
    """Lay an override's targets over those of the inbox it leads to (G13, G14)."""
    own = entry_point.override.targets if entry_point.override else SlaTargets()
    over = {"override": own, f"inbox {inbox}": config.inboxes[inbox].targets}
    found = {
        name: next(
            ((value, source) for source, each in over.items() if (value := getattr(each, name))),
            (None, DEFAULT),
        )
        for name in _TARGETS
    }
    values: dict[str, Any] = {name: value for name, (value, _) in found.items()}
    return SlaTargets(**values), {name: source for name, (_, source) in found.items()}


def _queue(
    config: DeskConfig, entry_point: EntryPointConfig, leaf: str | None
) -> tuple[str | None, str]:
    if entry_point.queue is not None:
        return entry_point.queue, "entry point"
    number = config.numbers.get(_number(config, entry_point) or "")
    if number is not None and number.queue is not None:
        return number.queue, "number"
    return (leaf, "single queue") if leaf else (None, "menu")
