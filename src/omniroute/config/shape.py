"""The shape of a configuration file: which keys there are, and what each becomes.

The one list of keys. What a value may look like is `reading`'s, what values mean together `rules.checks`'.
A part that cannot be read is stood in for, so that the rest can still be judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from omniroute.config.hours import hours
from omniroute.config.policies import capacity, policy, policy_of
from omniroute.config.reading import (
    Notes,
    Table,
    choice,
    flag,
    keywords,
    many,
    sla,
    table,
    text,
    texts,
    whole,
)
from omniroute.instants import DAY, MINUTE
from omniroute.model.agent import Role
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    ChannelConfig,
    ChannelDirection,
    ChannelGroupConfig,
    DeskConfig,
    DirectAccess,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    NumberConfig,
    Override,
    QueueNode,
    QueueTraits,
)
from omniroute.model.hours import Hours
from omniroute.model.policy import (
    PolicySettings,
)
from omniroute.model.secret import SecretRef
from omniroute.model.sla import SlaHours, SlaTargets
from omniroute.rules.names import join, shown
from omniroute.rules.sla import SLA_FORMS, is_blank

__all__ = ["build", "read_agent"]

_STAND_IN_SLA: Final = 365 * DAY  # longer than any warning, so that none is judged by it
_NO_SLA: Final = (_STAND_IN_SLA, SlaTargets())
_STAND_IN_TIME, _STAND_IN_TEXT = MINUTE, "?"
_STAND_IN_KEYS: Final = {"?": "?"}
_STAND_IN_QUEUE: Final = QueueNode("")
_STAND_IN_SECRET: Final = SecretRef(env="")
_PLAIN: Final = 'text, a number, true or false, a list, a table or { env = "NAME" }'


# --- channels -------------------------------------------------------------------------------------


@table
def _channel(fields: Table) -> ChannelConfig:
    return ChannelConfig(
        type=fields.take("type", text, None),
        entry_flow=fields.take("entry_flow", text, None),
        exit_flow=fields.take("exit_flow", text, None),
        active=fields.take("active", flag, default=True),
        direction=fields.take("direction", choice(ChannelDirection), ChannelDirection.TWO_WAY),
        agent_initiated=fields.take("agent_initiated", flag, None),
        enabled_by_support=fields.take("enabled_by_support", flag, default=True),
        contents=fields.take("contents", texts, None),
        policy=_with_hours(
            fields,
            fields.take("policy", policy, PolicySettings()),
            fields.take("hours", hours, None),
        ),
    )


@table
def _channel_group(fields: Table) -> ChannelGroupConfig:
    return ChannelGroupConfig(
        description=fields.take("description", text, None),
        channels=fields.take("channels", texts, ()),
    )


def _with_hours(fields: Table, policy: PolicySettings, found: Hours | None) -> PolicySettings:
    """The policy of a section; its hours may stand in the section itself, and are written there."""
    if found is None:
        return policy
    if policy.hours is not None:
        fields.refuse("hours", "stands in the policy too; set it once")
    return evolve(policy, hours=found)


# --- inboxes and their trees ----------------------------------------------------------------------


_Sla = tuple[int | None, SlaTargets]


@table
def _sla_table(fields: Table) -> _Sla:
    return fields.take("first", sla, None), SlaTargets(
        next=fields.take("next", sla, None),
        resolution=fields.take("resolution", sla, None),
        warn_before=fields.take("warn_before", sla, None),
        hours=fields.take("hours", choice(SlaHours), None),
    )


def _sla(notes: Notes, value: object, path: str) -> _Sla | None:
    """Read an SLA: its first response alone, or a table of targets."""
    if isinstance(value, dict):
        return _sla_table(notes, value, path)
    first = sla(notes, value, path)
    return None if first is None else (first, SlaTargets())


def _whole_sla(notes: Notes, value: object, path: str) -> _Sla | None:
    """Read an SLA that has a first response (G17)."""
    found = _sla(notes, value, path)
    if found is None or found[0] is not None:
        return found
    if not notes.is_broken(here := join(path, "first")):
        notes.add(here, f"is missing; expected {SLA_FORMS}")
    return _STAND_IN_SLA, found[1]


@table
def _inbox(fields: Table) -> InboxConfig:
    places = fields.take("at", many(_place), {})
    primary_for = fields.take("primary_for", texts, ())
    first, targets = fields.need("sla", _whole_sla, _NO_SLA, expected=SLA_FORMS)
    return InboxConfig(
        primary_for=primary_for,
        sla=first or _STAND_IN_SLA,
        targets=targets,
        queues=fields.take("queues", _queues, ()),
        policy=_with_hours(
            fields,
            fields.take("policy", policy, PolicySettings()),
            fields.take("hours", hours, None),
        ),
        at={
            path: policy
            for path, (policy, traits) in places.items()
            if policy != PolicySettings() or traits == QueueTraits()
        },
        traits={path: traits for path, (_, traits) in places.items() if traits != QueueTraits()},
    )


@table
def _place(fields: Table) -> tuple[PolicySettings, QueueTraits]:
    return policy_of(fields), _traits(fields)


def _traits(fields: Table) -> QueueTraits:
    return QueueTraits(
        hidden=fields.take("hidden", flag, default=False),
        language=fields.take("language", text, None),
        keywords=fields.take("keywords", keywords, ()),
    )


def _queues(notes: Notes, value: object, path: str) -> tuple[QueueNode, ...] | None:
    """Read the list notation: a name, and after it the list of its children, if it has any."""
    if not isinstance(value, list):
        notes.expected(path, "a list of queues", value)
        return None
    nodes: list[QueueNode] = []
    childless = False  # whether the item before was a name, which a list may follow
    for index, item in enumerate(value):
        here = join(path, index)
        if isinstance(item, str):
            nodes.append(QueueNode(item))
        elif isinstance(item, list) and item and childless:
            nodes[-1] = QueueNode(nodes[-1].name, _queues(notes, item, here) or ())
        else:
            _refuse_queue(notes, item, here)
            nodes.append(_STAND_IN_QUEUE)
        childless = isinstance(item, str)
    return tuple(nodes)


def _refuse_queue(notes: Notes, item: object, path: str) -> None:
    if isinstance(item, list) and not item:
        notes.add(path, "is an empty list; a queue without children stands alone")
    elif isinstance(item, list):
        notes.add(path, "is a list with no name before it; expected a queue, then its children")
    else:
        notes.expected(path, "a queue's name or the list of its children", item)


# --- accounts and entry points --------------------------------------------------------------------


def _account(notes: Notes, value: object, path: str) -> AccountConfig:
    fields = Table(notes, value, path)
    return AccountConfig(settings=_settings(notes, fields.rest(), path))


def _sla_or_blank(notes: Notes, value: object, path: str) -> _Sla | None:
    return None if is_blank(value) else _sla(notes, value, path)


@table
def _plain_override(fields: Table) -> Override:
    inbox = fields.take("inbox", text, None)
    first, targets = fields.take("sla", _sla_or_blank, (None, SlaTargets()))
    return Override(inbox=inbox, sla=first, targets=targets)


def _override(notes: Notes, value: object, path: str) -> Override | None:
    """Read an override. One that would have changed something, had it been readable, still does."""
    found = _plain_override(notes, value, path)
    if found is not None and notes.holds_broken(path):
        return evolve(found, sla=found.sla or _STAND_IN_SLA)
    return found


def _entry_point(notes: Notes, value: object, path: str) -> EntryPointConfig:
    fields = Table(notes, value, path)
    known: dict[str, Any] = {
        "channel": fields.need("channel", text, "", expected='a channel kind, such as "whatsapp"'),
        "account": fields.take("account", text, None),
        "address": fields.take("address", text, None) or "",
        "queue": fields.take("queue", text, None),
        "override": fields.take("override", _override, None),
        "number": fields.take("number", text, None),
        "connected": fields.take("connected", flag, default=True),
        "embedded": fields.take("embedded", flag, default=True),
        "forwarding_active": fields.take("forwarding_active", flag, default=True),
    }
    settings = _settings(notes, fields.settings(), path)
    fields.close(open_ended=True)
    return EntryPointConfig(**known, settings=settings)


def _settings(notes: Notes, values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Read what adapters understand: plain values, and secrets as references. None is left out."""
    return {
        key: _setting(notes, value, join(path, key))
        for key, value in values.items()
        if value is not None
    }


def _setting(notes: Notes, value: object, path: str) -> object:
    if isinstance(value, dict):
        if value.keys() == {"env"}:
            return _secret(notes, value["env"], path)
        return {key: _setting(notes, item, join(path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_setting(notes, item, join(path, index)) for index, item in enumerate(value)]
    if not isinstance(value, str | int | float):
        notes.expected(path, _PLAIN, value)
    elif isinstance(value, float) and not math.isfinite(value):
        notes.add(path, f"expected a finite number, got {shown(value)}")
    return value


def _secret(notes: Notes, name: object, path: str) -> SecretRef:
    """Read a reference. What stands in the place of a name is not shown: it may be the secret."""
    if isinstance(name, str) and name and not set(name) & {"=", "\0"}:
        return SecretRef(env=name)
    notes.add(join(path, "env"), "expected the name of an environment variable")
    return _STAND_IN_SECRET


# --- numbers and direct access --------------------------------------------------------------------


@table
def _number(fields: Table) -> NumberConfig:
    return NumberConfig(
        label=fields.need("label", text, _STAND_IN_TEXT, expected="what people call the number"),
        queue=fields.take("queue", text, None),
        verified=fields.take("verified", flag, default=False),
        global_outbound=fields.take("global_outbound", flag, default=False),
    )


def _access_keys(notes: Notes, value: object, path: str) -> Mapping[str, str] | None:
    found = many(text)(notes, value, path)
    return _STAND_IN_KEYS if notes.holds_broken(path) else found


@table
def _direct_access(fields: Table) -> DirectAccess:
    return DirectAccess(
        keys=fields.need("keys", _access_keys, _STAND_IN_KEYS, expected="a table of keys"),
        queue=fields.need("queue", text, "", expected="the queue that it leads to"),
    )


# --- staff ----------------------------------------------------------------------------------------


@table
def _group(fields: Table) -> GroupConfig:
    return GroupConfig(serves=fields.take("serves", texts, ()))


@table
def read_agent(fields: Table) -> AgentConfig:
    """Read an agent's profile."""
    return AgentConfig(
        name=fields.take("name", text, None),
        groups=fields.take("groups", texts, ()),
        serves=fields.take("serves", texts, ()),
        capacity=fields.take("capacity", many(capacity), None),
        channels=fields.take("channels", texts, None),
        skills=fields.take("skills", many(whole), {}),
        languages=fields.take("languages", texts, ()),
        weight=fields.take("weight", whole, 1),
        role=fields.take("role", choice(Role), Role.AGENT),
    )


# --- the desk -------------------------------------------------------------------------------------


def build(notes: Notes, values: Mapping[str, Any], desk: str) -> DeskConfig:
    """Read a document; where `notes` has problems afterwards, the result is only to be checked."""
    top = Table(notes, values, "")
    config = DeskConfig(
        desk=top.take("desk", text, desk),
        zone=top.take("zone", text, "UTC"),
        preset=top.take("preset", text, None),
        policy=_with_hours(
            top,
            top.take("policy", policy, PolicySettings()),
            top.take("hours", hours, None),
        ),
        channels=top.take("channels", many(_channel), {}),
        channel_groups=top.take("channel_groups", many(_channel_group), {}),
        inboxes=top.take("inboxes", many(_inbox), {}),
        accounts=top.take("accounts", many(_account), {}),
        entry_points=top.take("entry_points", many(_entry_point), {}),
        numbers=top.take("numbers", many(_number), {}),
        direct_access=top.take("direct_access", many(_direct_access), {}),
        groups=top.take("groups", many(_group), {}),
        agents=top.take("agents", many(read_agent), {}),
    )
    top.close()
    return config
