"""What changed between two configurations, as lines that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from omniroute.config.render import dump, dump_agent
from omniroute.config.settings import ENTRY_POINT_KEYS
from omniroute.config.toml import inline
from omniroute.model.desk_config import AgentConfig, DeskConfig
from omniroute.rules.names import join

__all__ = ["agent_differences", "differences", "document_differences"]

_ABSENT: Final = object()
_ENTRIES: Final = frozenset(
    {
        "channels",
        "channel_groups",
        "inboxes",
        "accounts",
        "entry_points",
        "numbers",
        "direct_access",
        "groups",
        "agents",
    },
)
_SHOWN_OF_ENTRY_POINT: Final = frozenset(ENTRY_POINT_KEYS)
_SIMPLE: Final = re.compile(r"[^\s\"]+")

_Keys = tuple[str, ...]


def differences(before: DeskConfig, after: DeskConfig) -> tuple[str, ...]:
    """Return one line for each change, with its path: `inboxes.general.sla: 15m -> 20m`.

    Empty where both say the same. Values of adapters' settings are not shown, references to secrets
    are (R15).
    """
    return document_differences(dump(before), dump(after))


def document_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line for each change between two documents, as `differences` does."""
    return tuple(_tables("", (), before, after))


def agent_differences(
    agent: str, before: AgentConfig | None, after: AgentConfig | None
) -> tuple[str, ...]:
    """Return one line for each change of one agent's profile; None stands for nobody."""
    path, keys = join("agents", agent), ("agents", agent)
    if after is None:
        return () if before is None else (f"{path}: removed",)
    lines = tuple(_tables(path, keys, dump_agent(before or AgentConfig()), dump_agent(after)))
    return lines if before is not None else (f"{path}: added", *lines)


def _tables(
    path: str, keys: _Keys, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        pair = before.get(key, _ABSENT), after.get(key, _ABSENT)
        yield from _values(join(path, key), (*keys, key), *pair)


def _values(path: str, keys: _Keys, before: Any, after: Any) -> Iterator[str]:
    if before == after and type(before) is type(after):
        return
    if _is_entry(keys) and _ABSENT in (before, after):
        yield f"{path}: {'added' if before is _ABSENT else 'removed'}"
    elif _is_table(before) and _is_table(after):
        yield from _tables(path, keys, before, after)
    elif before is _ABSENT and _is_table(after):
        yield from _tables(path, keys, {}, after)
    elif after is _ABSENT and _is_table(before):
        yield from _tables(path, keys, before, {})
    else:
        yield f"{path}: {_change(before, after, hide=_is_setting(keys))}"


def _is_entry(keys: _Keys) -> bool:
    """Whether keys name one inbox, one agent and so on."""
    return len(keys) == 2 and keys[0] in _ENTRIES


def _is_setting(keys: _Keys) -> bool:
    """Whether keys lead to what only an adapter understands."""
    if keys[0] == "accounts":
        return True
    return keys[0] == "entry_points" and keys[2] not in _SHOWN_OF_ENTRY_POINT


def _is_table(value: Any) -> bool:
    """Whether a value is a table whose keys are compared one by one."""
    return isinstance(value, dict) and bool(value) and not _is_reference(value)


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"env"}


def _change(before: Any, after: Any, *, hide: bool) -> str:
    texts = [_shown(each, hide=hide) for each in (before, after)]
    return "changed" if texts[0] == texts[1] else " -> ".join(texts)


def _shown(value: Any, *, hide: bool) -> str:
    if value is _ABSENT:
        return "not set"
    if hide and not _is_reference(value):
        return "(not shown)"
    return value if isinstance(value, str) and _SIMPLE.fullmatch(value) else inline(value)
