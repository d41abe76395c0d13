"""The shape of a configuration file: which keys there are, and what each becomes.

The one list of keys. What a key's value may look like is `reading`'s, what values mean together is
`rules.checks`'. A part that cannot be read is stood in for, so that the rest can still be judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from attrs import evolve

from omniroute.config.hours import hours
from omniroute.config.reading import (
    Notes,
    Read,
    Table,
    choice,
    duration,
    flag,
    integer,
    is_digits,
    many,
    sla,
    table,
    text,
    texts,
    whole,
)
from omniroute.instants import SECOND
from omniroute.model.agent import Capacity, Distribution, Role
from omniroute.model.assign import AssignMode, AssignSettings, Compare, Segment, Selector
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    ChannelConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.hours import Hours
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, PolicySettings
from omniroute.model.secret import SecretRef
from omniroute.rules.names import join, shown
from omniroute.rules.sla import SLA_FORMS, is_blank

__all__ = ["build"]

T = TypeVar("T")

_STAND_IN_SLA: Final = SECOND
_STAND_IN_QUEUE: Final = QueueNode("")
_STAND_IN_SECRET: Final = SecretRef(env="")
_PLAIN: Final = 'text, a number, true or false, a list, a table or { env = "NAME" }'


# --- policy ---------------------------------------------------------------------------------------


@table
def _after_end(fields: Table) -> AfterEnd:
    to = fields.need("to", choice(AfterEndTo), AfterEndTo.NEW, expected="where a message goes")
    return AfterEnd(to, fields.take("within", duration, None))


@table
def _capacity(fields: Table) -> Capacity | None:
    names = ("goal", "soft_max", "hard_max")
    limits = [fields.need(name, whole, None, expected="a whole number") for name in names]
    known = [each for each in limits if each is not None]
    return Capacity(*known) if len(known) == len(names) else None


@table
def _selector(fields: Table) -> Selector | None:
    level = fields.need("level", _levels, None, expected='levels, as ">= 3", "== 5" or "in 2, 3"')
    expires = fields.take("expires", duration, None)
    return None if level is None else evolve(level, expires=expires)


def _levels(notes: Notes, value: object, path: str) -> Selector | None:
    """Read what is asked of a skill: a lowest level, or a comparison with levels."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Selector("", Compare.AT_LEAST, (value,))
    words = value.strip() if isinstance(value, str) else ""
    compare = next((each for each in Compare if words.startswith(each)), Compare.AT_LEAST)
    numbers = words.removeprefix(compare).replace(",", " ").split()
    one = compare is not Compare.IN
    if not numbers or not all(map(is_digits, numbers)) or (one and len(numbers) > 1):
        notes.expected(path, 'levels, as 3, ">= 3", "== 5" or "in 2, 3"', value)
        return None
    return Selector("", compare, tuple(map(int, numbers)))


def _skills(notes: Notes, value: object, path: str) -> tuple[Selector, ...] | None:
    """Read what a queue asks of agents, by skill: levels, or a table with `level` and `expires`."""

    def one(notes: Notes, value: object, path: str) -> Selector | None:
        return (_selector if isinstance(value, dict) else _levels)(notes, value, path)

    found = many(one)(notes, value, path)
    if found is None:
        return None
    return tuple(evolve(each, skill=name) for name, each in found.items())


@table
def _segment(fields: Table) -> Segment | None:
    attribute = fields.need("attribute", text, None, expected="a contact's attribute")
    value = fields.need("value", text, None, expected="the value that goes in front")
    return None if attribute is None or value is None else Segment(attribute, value)


def _listed(read: Read[T]) -> Read[tuple[T, ...]]:
    def each(notes: Notes, value: object, path: str) -> tuple[T, ...] | None:
        if not isinstance(value, list):
            notes.expected(path, "a list", value)
            return None
        found = [read(notes, item, join(path, index)) for index, item in enumerate(value)]
        return tuple(item for item in found if item is not None)

    return each


@table
def _assign(fields: Table) -> AssignSettings:
    return AssignSettings(
        mode=fields.take("mode", choice(AssignMode), None),
        cascade=fields.take("cascade", texts, None),
        widen_after=fields.take("widen_after", duration, None),
        percent=fields.take("percent", many(whole), None),
        open_after=fields.take("open_after", duration, None),
        priority=fields.take("priority", integer, None),
        prioritized=fields.take("prioritized", flag, None),
        ageing=fields.take("ageing", duration, None),
        classes=fields.take("classes", flag, None),
        skills=fields.take("skills", _skills, None),
        segments=fields.take("segments", _listed(_segment), None),
        sticky_within=fields.take("sticky_within", duration, None),
        sticky_wait=fields.take("sticky_wait", duration, None),
    )


@table
def _policy(fields: Table) -> PolicySettings:
    return PolicySettings(
        assignment=fields.take("assignment", choice(Assignment), None),
        distribution=fields.take("distribution", choice(Distribution), None),
        overtake=fields.take("overtake", choice(Overtake), None),
        after_end=fields.take("after_end", _after_end, None),
        capacity=fields.take("capacity", many(_capacity), None),
        menu_text=fields.take("menu_text", text, None),
        labels=fields.take("labels", many(text), None),
        idempotency_window=fields.take("idempotency_window", duration, None),
        assign=fields.take("assign", _assign, None),
        hours=fields.take("hours", hours, None),
    )


@table
def _channel(fields: Table) -> ChannelConfig:
    return ChannelConfig(
        policy=_with_hours(
            fields,
            fields.take("policy", _policy, PolicySettings()),
            fields.take("hours", hours, None),
        )
    )


def _with_hours(fields: Table, policy: PolicySettings, found: Hours | None) -> PolicySettings:
    """The policy of a section; its hours may stand in the section itself, and are written there."""
    if found is None:
        return policy
    if policy.hours is not None:
        fields.refuse("hours", "stands in the policy too; set it once")
    return evolve(policy, hours=found)


# --- inboxes and their trees ----------------------------------------------------------------------


@table
def _inbox(fields: Table) -> InboxConfig:
    return InboxConfig(
        primary_for=fields.take("primary_for", texts, ()),
        sla=fields.need("sla", sla, _STAND_IN_SLA, expected=SLA_FORMS),
        queues=fields.take("queues", _queues, ()),
        policy=_with_hours(
            fields,
            fields.take("policy", _policy, PolicySettings()),
            fields.take("hours", hours, None),
        ),
        at=fields.take("at", many(_policy), {}),
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


def _sla_or_blank(notes: Notes, value: object, path: str) -> int | None:
    return None if is_blank(value) else sla(notes, value, path)


@table
def _plain_override(fields: Table) -> Override:
    return Override(
        inbox=fields.take("inbox", text, None),
        sla=fields.take("sla", _sla_or_blank, None),
    )


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
        "address": fields.need(
            "address", text, "", expected="the provider's id of this entry point"
        ),
        "queue": fields.take("queue", text, None),
        "override": fields.take("override", _override, None),
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


# --- staff ----------------------------------------------------------------------------------------


@table
def _group(fields: Table) -> GroupConfig:
    return GroupConfig(serves=fields.take("serves", texts, ()))


@table
def _agent(fields: Table) -> AgentConfig:
    return AgentConfig(
        name=fields.take("name", text, None),
        groups=fields.take("groups", texts, ()),
        serves=fields.take("serves", texts, ()),
        capacity=fields.take("capacity", many(_capacity), None),
        skills=fields.take("skills", many(whole), {}),
        channels=fields.take("channels", texts, None),
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
            top.take("policy", _policy, PolicySettings()),
            top.take("hours", hours, None),
        ),
        channels=top.take("channels", many(_channel), {}),
        inboxes=top.take("inboxes", many(_inbox), {}),
        accounts=top.take("accounts", many(_account), {}),
        entry_points=top.take("entry_points", many(_entry_point), {}),
        groups=top.take("groups", many(_group), {}),
        agents=top.take("agents", many(_agent), {}),
    )
    top.close()
    return config
