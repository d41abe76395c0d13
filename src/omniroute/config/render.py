"""Writing: a configuration as the plain document that `load_config` takes, and as TOML for people.

`load_config(dump(config)) == config`, and so through `dumps_toml`. What is not set is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from attrs import fields

from omniroute.config.hours import written_hours
from omniroute.config.toml import render_toml
from omniroute.config.trees import notation
from omniroute.instants import render_duration
from omniroute.model.agent import Capacity, Role
from omniroute.model.assign import ASSIGN_DURATIONS, AssignSettings, Selector
from omniroute.model.channel_type import Gate
from omniroute.model.desk_config import (
    AgentConfig,
    ChannelConfig,
    ChannelGroupConfig,
    DeskConfig,
    DirectAccess,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    NumberConfig,
    Override,
    QueueTraits,
)
from omniroute.model.hours import Hours
from omniroute.model.policy import (
    AfterEnd,
    Inactivity,
    KeepAlive,
    OfferRules,
    Policy,
    PolicySettings,
    Presence,
    Resuming,
    TransferRules,
)
from omniroute.model.secret import SecretRef
from omniroute.model.sla import ServiceLevel, SlaTargets
from omniroute.rules.arguments import blaming

__all__ = ["dump", "dump_agent", "dump_policy", "dumps_toml", "written"]


@blaming
def dump(config: DeskConfig) -> dict[str, Any]:
    """Return a configuration as the mapping that `load_config` reads back as an equal one."""
    document = {
        "desk": config.desk,
        "zone": config.zone,
        "preset": config.preset,
        **_own_policy(config.policy),
        "channels": {name: _channel(each) for name, each in config.channels.items()},
        "channel_groups": {n: _channel_group(each) for n, each in config.channel_groups.items()},
        "inboxes": {name: _inbox(each) for name, each in config.inboxes.items()},
        "accounts": {name: _plain(each.settings) for name, each in config.accounts.items()},
        "entry_points": {name: _entry_point(each) for name, each in config.entry_points.items()},
        "numbers": {name: _number(each) for name, each in config.numbers.items()},
        "direct_access": {n: _direct_access(each) for n, each in config.direct_access.items()},
        "groups": {name: _group(each) for name, each in config.groups.items()},
        "agents": {name: dump_agent(each) for name, each in config.agents.items()},
    }
    return {key: value for key, value in document.items() if value not in (None, {})}


@blaming
def dumps_toml(config: DeskConfig) -> str:
    """Return a configuration as a TOML file that a person can go on with."""
    return render_toml(dump(config), spread=("channels", "inboxes", "accounts"))


def written(value: Any) -> Any:
    """Return a value of a policy or of settings as it is written in a configuration."""
    return _plain(_value(value))


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not set."""
    return {key: value for key, value in values.items() if value is not None}


def _own_policy(policy: PolicySettings) -> dict[str, Any]:
    """The policy of a section, whose hours stand in the section itself."""
    written = _policy(policy)
    hours = written.pop("hours", None)
    return {"hours": hours, "policy": written or None}


def dump_policy(policy: Policy) -> dict[str, Any]:
    """Return a policy in force as the table that would set all of it."""
    values = {each.name: getattr(policy, each.name) for each in fields(PolicySettings)}
    hours = getattr(policy.hours, "hours", None)  # a calendar's, as they were written
    return _policy(PolicySettings(**values | {"hours": hours}))


def _policy(policy: PolicySettings) -> dict[str, Any]:
    values = {each.name: getattr(policy, each.name) for each in fields(PolicySettings)}
    written = {
        key: render_duration(value) if key in _DURATIONS else _value(value)
        for key, value in values.items()
        if value is not None
    }
    if policy.assign is not None:
        written["assign"] = _assign(policy.assign)
    return written


_DURATIONS: Final = (
    "idempotency_window",
    "unanswered_expiration",
    "after_hours_expiration",
    "chat_timeout",
    "hard_expiry",
    "selecting_expiration",
    "snooze_grace",
    "wrap_up",
    "response_target",
)


def _value(value: Any) -> Any:
    """A policy's value as written."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {key: _value(each) for key, each in value.items()}
    write = _WRITERS.get(type(value))
    return value if write is None else write(value)


def _destination(rule: AfterEnd | Resuming) -> dict[str, Any]:
    within = None if rule.within is None else render_duration(rule.within)
    return _set({"to": rule.to.value, "within": within})


def _transfer(rules: TransferRules) -> dict[str, Any]:
    plain = TransferRules()
    values = {each.name: getattr(rules, each.name) for each in fields(TransferRules)}
    return {k: _value(v) for k, v in values.items() if v != getattr(plain, k)}


def _capacity(limits: Capacity) -> dict[str, Any]:
    return {"goal": limits.goal, "soft_max": limits.soft_max, "hard_max": limits.hard_max}


def _inactivity(each: Inactivity) -> dict[str, Any]:
    plain = Inactivity(after=each.after)
    return {
        "after": render_duration(each.after),
        **({"notice": render_duration(each.notice)} if each.notice else {}),
        **_changed(each, plain, "notice_side", "then", "anchor", "text"),
    }


def _keep_alive(each: KeepAlive) -> dict[str, Any]:
    return {
        "after": render_duration(each.after),
        "text": each.text,
        "end_after": render_duration(each.end_after),
        "end_text": each.end_text,
        **({"end_text_first": True} if each.end_text_first else {}),
    }


def _offer(rules: OfferRules) -> dict[str, Any]:
    plain = OfferRules()
    changed = rules.accept_within != plain.accept_within
    return {
        **({"accept_within": render_duration(rules.accept_within)} if changed else {}),
        **_changed(rules, plain, "then"),
    }


def _presence(each: Presence) -> dict[str, Any]:
    return {
        "away_after": render_duration(each.away_after),
        **_changed(each, Presence(away_after=each.away_after), "then"),
        **({"wait": render_duration(each.wait)} if each.wait else {}),
    }


def _service_level(level: ServiceLevel) -> dict[str, Any]:
    return {"target": render_duration(level.target), "formula": level.formula.value}


_WRITERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    AfterEnd: _destination,
    Capacity: _capacity,
    Inactivity: _inactivity,
    Hours: written_hours,
    KeepAlive: _keep_alive,
    OfferRules: _offer,
    Presence: _presence,
    Resuming: _destination,
    ServiceLevel: _service_level,
    TransferRules: _transfer,
}


def _changed(value: Any, plain: Any, *names: str) -> dict[str, Any]:
    """The fields that differ from those of a value that sets nothing."""
    pairs = ((name, getattr(value, name), getattr(plain, name)) for name in names)
    return {name: _value(own) for name, own, other in pairs if own != other}


def _assign(assign: AssignSettings) -> dict[str, Any]:
    written = _set({each.name: getattr(assign, each.name) for each in fields(AssignSettings)})
    for name in ASSIGN_DURATIONS:
        if name in written:
            written[name] = render_duration(written[name])
    for name in ("cascade", "overflow"):
        if name in written:
            written[name] = list(written[name])
    if "skills" in written:
        written["skills"] = {each.skill: _selector(each) for each in written["skills"]}
    if "segments" in written:
        segments = written["segments"]
        written["segments"] = [{"attribute": s.attribute, "value": s.value} for s in segments]
    return {key: _value(value) for key, value in written.items()}


def _selector(selector: Selector) -> Any:
    level = f"{selector.compare} {', '.join(map(str, selector.levels))}"
    if selector.expires is None:
        return level
    return {"levels": level, "expires": render_duration(selector.expires)}


def _channel(channel: ChannelConfig) -> dict[str, Any]:
    names = (each.name for each in fields(ChannelConfig) if each.name != "policy")
    return _changed(channel, _PLAIN_CHANNEL, *names) | _set(_own_policy(channel.policy))


_PLAIN_CHANNEL: Final = ChannelConfig()


def _channel_group(group: ChannelGroupConfig) -> dict[str, Any]:
    return _set({"description": group.description, "channels": list(group.channels) or None})


def _inbox(inbox: InboxConfig) -> dict[str, Any]:
    return _set(
        {
            "primary_for": list(inbox.primary_for) or None,
            "sla": _sla(inbox.sla, inbox.targets),
            "queues": notation(inbox.queues) or None,
            **_own_policy(inbox.policy),
            "at": {path: _place(inbox, path) for path in (*inbox.at, *inbox.traits)} or None,
        },
    )


def _sla(first: int | None, targets: SlaTargets) -> Any:
    """An SLA as written: the first response alone, or a table of what is set."""
    written = {each.name: getattr(targets, each.name) for each in fields(SlaTargets)}
    hours = written.pop("hours")
    times = {"first": first, **written}
    table = {key: render_duration(value) for key, value in times.items() if value is not None}
    if hours is not None:
        table["hours"] = hours.value
    return table.get("first") if table.keys() <= {"first"} else table


def _place(inbox: InboxConfig, path: str) -> dict[str, Any]:
    traits = inbox.traits.get(path, _NO_TRAITS)
    own = _changed(traits, _NO_TRAITS, "hidden", "language", "keywords")
    return own | _policy(inbox.at.get(path, _NO_POLICY))


_NO_TRAITS: Final = QueueTraits()
_NO_POLICY: Final = PolicySettings()


def _plain(value: Any) -> Any:
    """A setting as written: secrets as references."""
    if isinstance(value, SecretRef):
        return {"env": value.env}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _entry_point(entry_point: EntryPointConfig) -> dict[str, Any]:
    known = {
        "channel": entry_point.channel,
        "account": entry_point.account,
        "address": entry_point.address,
        "queue": entry_point.queue,
        "override": entry_point.override and _override(entry_point.override),
        "number": entry_point.number,
    }
    gates = {gate.value: False for gate in Gate if not getattr(entry_point, gate.value)}
    settings: dict[str, Any] = _plain(entry_point.settings)
    return {**_set(known), **gates, **settings}


def _override(override: Override) -> dict[str, Any]:
    return _set({"inbox": override.inbox, "sla": _sla(override.sla, override.targets)})


def _number(number: NumberConfig) -> dict[str, Any]:
    own = {"label": number.label, "queue": number.queue}
    flags = {name: True for name in ("verified", "global_outbound") if getattr(number, name)}
    return _set(own) | flags


def _direct_access(each: DirectAccess) -> dict[str, Any]:
    return {"keys": dict(each.keys), "queue": each.queue}


def _group(group: GroupConfig) -> dict[str, Any]:
    return _set({"serves": list(group.serves) or None})


def dump_agent(agent: AgentConfig) -> dict[str, Any]:
    """Return an agent's profile as the table that stands for it in a configuration."""
    return _set(
        {
            "name": agent.name,
            "groups": list(agent.groups) or None,
            "serves": list(agent.serves) or None,
            "capacity": None if agent.capacity is None else _value(agent.capacity),
            "channels": None if agent.channels is None else list(agent.channels),
            "skills": dict(agent.skills) or None,
            "languages": list(agent.languages) or None,
            "weight": None if agent.weight == 1 else agent.weight,
            "role": None if agent.role is Role.AGENT else agent.role.value,
        },
    )
