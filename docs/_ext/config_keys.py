"""Fill the configuration reference with the keys there are.

Which keys exist, what reads each and what it is without, are taken from `config/shape.py` and its
parts; what a key means is the text below its field in `model`; where a policy's key may stand is
asked of `rules.policy_checks`. A page asks with a comment, `% config keys: Policy`.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

from sphinx.application import Sphinx

from omniroute.config import assigning, policies, shape
from omniroute.instants import render_duration
from omniroute.model import agent, assign, desk_config, policy, sla
from omniroute.model.assign import AssignPolicy
from omniroute.model.policy import AfterEnd, Policy, Resuming
from omniroute.rules.policy_checks import DESK_ONLY, NOT_ON_CHANNELS, NOT_ON_QUEUES

MARKER: Final = re.compile(r"^% config keys: (.+)$", re.MULTILINE)

SECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "The desk": ("build", "DeskConfig"),
    "Policy": ("policy_of", "PolicySettings"),
    "After end": ("_after_end", "AfterEnd"),
    "Resuming": ("_resuming", "Resuming"),
    "Transfers": ("_transfer", "TransferRules"),
    "Service level": ("_service_level", "ServiceLevel"),
    "Assign": ("assign", "AssignSettings"),
    "Skills": ("_selector", "Selector"),
    "Segments": ("_segment", "Segment"),
    "Capacity": ("capacity", "Capacity"),
    "Inactivity": ("_inactivity", "Inactivity"),
    "Keep alive": ("_keep_alive", "KeepAlive"),
    "Offers": ("_offer", "OfferRules"),
    "Presence": ("_presence", "Presence"),
    "Channels": ("_channel", "ChannelConfig"),
    "Channel groups": ("_channel_group", "ChannelGroupConfig"),
    "Inboxes": ("_inbox", "InboxConfig"),
    "Queues": ("_traits", "QueueTraits"),
    "SLA": ("_sla_table", "SlaTargets"),
    "Entry points": ("_entry_point", "EntryPointConfig"),
    "Override": ("_plain_override", "Override"),
    "Numbers": ("_number", "NumberConfig"),
    "Direct access": ("_direct_access", "DirectAccess"),
    "Groups": ("_group", "GroupConfig"),
    "Agents": ("read_agent", "AgentConfig"),
}
"""For each section of the page: what reads its table, and the class that it becomes."""

LAYERS: Final = ("desk", "channel", "inbox", "queue")

_READERS: Final = {
    "text": "text",
    "texts": "list of text",
    "whole": "whole number",
    "flag": "`true`, `false`",
    "duration": "duration",
    "minutes": "minutes",
    "notice": "minutes or 0",
    "keywords": "text, or list of text",
    "sla": "SLA time",
    "_whole_sla": "SLA time or [table](#sla)",
    "hours": "[hours](#hours)",
    "_sla_or_blank": 'SLA time, [table](#sla) or `""`',
    "_queues": "list",
    "policy": "[policy](#policy)",
    "_place": "[policy](#policy) and [traits](#queues)",
    "_after_end": "[table](#after-end)",
    "_resuming": "[table](#resuming)",
    "_transfer": "[table](#transfers)",
    "capacity": "[limits](#capacity)",
    "_costs": 'table of whole numbers or `"all"`',
    "assign": "[table](#assign)",
    "integer": "whole number",
    "_levels": "level or comparison",
    "_skills": "table of [selectors](#skills)",
    "_inactivity": "[table](#inactivity)",
    "_keep_alive": "[table](#keep-alive)",
    "_offer": "[table](#offers)",
    "_presence": "[table](#presence)",
    "_service_level": "[table](#service-level)",
    "_channel": "[channel](#channels)",
    "_channel_group": "[group](#channel-groups)",
    "_inbox": "[inbox](#inboxes)",
    "_account": "[account](#accounts)",
    "_entry_point": "[entry point](#entry-points)",
    "_override": "[table](#override)",
    "_access_keys": "table of text",
    "_number": "[number](#numbers)",
    "_direct_access": "[point](#direct-access)",
    "_group": "[group](#groups)",
    "read_agent": "[agent](#agents)",
}
"""How the page calls what each reader takes."""

_MODELS: Final = (desk_config, policy, agent, sla, assign)
_READING: Final = (shape, policies, assigning)


@dataclass(frozen=True)
class Key:
    """One row of the reference."""

    key: str
    value: str
    default: str
    meaning: str
    layers: tuple[str, ...] = ()


def keys_of(section: str) -> list[Key]:
    """Return the keys of a section, as they are read."""
    function, owner = SECTIONS[section]
    meanings, defaults = texts_of(owner), _defaults(owner)
    found = []
    for name, reader, needed in _read(function):
        default = "required" if needed else _shown(name, defaults.get(name))
        if section == "SLA" and name == "first":  # which is the SLA itself where it stands alone
            meanings, default = (
                {**meanings, name: "Until the first answer."},
                "required for inboxes",
            )
        elif section == "SLA" and name == "hours":
            default = f'`"{sla.SlaHours.BUSINESS}"`'
        elif name == "hours":  # one of the policy's settings, which may stand in its section too
            meanings = {**meanings, name: texts_of("PolicySettings")[name]}
            default = '`"always"`' if section == "Policy" else "those of the layer above"
        layers = layers_of(name) if section == "Policy" else ()
        found.append(Key(name, value_of(reader), default, meanings.get(name, ""), layers))
    return found


def layers_of(name: str) -> tuple[str, ...]:
    """Return the layers in which a policy may set a key."""
    refused = {"channel": NOT_ON_CHANNELS, "inbox": DESK_ONLY, "queue": NOT_ON_QUEUES}
    return tuple(layer for layer in LAYERS if name not in refused.get(layer, ()))


# --- what the code says ---------------------------------------------------------------------------


def _read(function: str) -> Iterator[tuple[str, ast.expr, bool]]:
    """Yield the keys that a function reads: the name, its reader, and whether it is needed."""
    bodies = (node for module in _READING for node in _source(module).body)
    (found,) = (n for n in bodies if isinstance(n, ast.FunctionDef) and n.name == function)
    for node in ast.walk(found):
        if isinstance(node, ast.GeneratorExp | ast.ListComp):
            names = node.generators[0].iter
            if isinstance(node.elt, ast.Call) and _is_read(node.elt):
                for name in _literal(names, found):
                    yield name, node.elt.args[1], _needs(node.elt)
        elif isinstance(node, ast.Call) and _is_read(node):
            key = node.args[0]
            if isinstance(key, ast.Constant):
                yield str(key.value), node.args[1], _needs(node)


def _literal(names: ast.expr, function: ast.FunctionDef) -> tuple[str, ...]:
    if isinstance(names, ast.Name):
        assigned = (n for n in ast.walk(function) if isinstance(n, ast.Assign))
        (names,) = (n.value for n in assigned if getattr(n.targets[0], "id", "") == names.id)
    found: tuple[str, ...] = ast.literal_eval(names)
    return found


def _is_read(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("take", "need")


def _needs(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "need"


def value_of(reader: ast.expr) -> str:
    """Return what a reader takes, in the page's words."""
    if isinstance(reader, ast.Name):
        return _READERS[reader.id]
    match reader:
        case ast.Call(func=ast.Name(id="choice"), args=[ast.Name(id=name)]):
            kind: type[StrEnum] = next(vars(m)[name] for m in _READING if name in vars(m))
            return ", ".join(f'`"{each}"`' for each in kind)
        case ast.Call(func=ast.Name(id="_listed")):
            return "list of [segments](#segments)"
        case ast.Call(func=ast.Name(id="many"), args=[inner]):
            return f"table of {value_of(inner)}"
    raise TypeError(f"no words for {ast.unparse(reader)}")


@cache
def _source(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@cache
def texts_of(owner: str) -> Mapping[str, str]:
    """Return the text below each field of a class, by the field's name."""
    (body,) = (
        node.body
        for module in _MODELS
        for node in _source(module).body
        if isinstance(node, ast.ClassDef) and node.name == owner
    )
    found = {}
    for field, below in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(below.value.value))
    return found


def _defaults(owner: str) -> Mapping[str, Any]:
    """What fields are without being set; for a policy's, what is then in force."""
    if owner == "AssignSettings":
        rule = AssignPolicy()
        return {name: getattr(rule, name) for name in AssignPolicy.__annotations__}
    if owner == "PolicySettings":
        policy = Policy()
        return {name: getattr(policy, name) for name in Policy.__annotations__}
    cls = next(vars(module)[owner] for module in _MODELS if owner in vars(module))
    return {
        each.name: getattr(each.default, "factory", lambda each=each: each.default)()
        for each in cls.__attrs_attrs__
        if repr(each.default) != "NOTHING"
    }


def _shown(name: str, value: Any) -> str:
    if name == "desk":
        return "the file's name without its ending"
    match value:
        case {"messaging": limits}:
            text = f"{limits.goal}, {limits.soft_max}, {limits.hard_max} for `messaging`"
        case bool() | str():
            text = f"`{json.dumps(value)}`"
        case AfterEnd() | Resuming():
            text = f'`{{ to = "{value.to}" }}`'
        case int() if name in ("weight", "priority"):
            text = f"`{value}`"
        case int():
            text = f'`"{render_duration(value)}"`' if value else "`0`"
        case _:
            text = "none"
    return text


# --- the page -------------------------------------------------------------------------------------


def markdown(section: str) -> str:
    """Return a section's table as Markdown."""
    rows = keys_of(section)
    columns = ["key", "value", "default", *(["may stand in"] if section == "Policy" else [])]
    lines = [f"| {' | '.join([*columns, 'meaning'])} |", f"|{'---|' * (len(columns) + 1)}"]
    for row in rows:
        where = "any layer" if row.layers == LAYERS else ", ".join(row.layers)
        cells = [f"`{row.key}`", row.value, row.default, *([where] if row.layers else [])]
        meaning = " ".join(row.meaning.split()).replace("|", "\\|")
        lines.append(f"| {' | '.join([*cells, meaning])} |")
    return "\n".join(lines)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    del app, docname
    source[0] = MARKER.sub(lambda found: markdown(found[1]), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx fill in the pages that ask for keys."""
    app.connect("source-read", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
