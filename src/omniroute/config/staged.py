"""What a draft holds: a document that is edited, and what the document alone does not tell.

Owns the way to the tables of a document, and how values that a program gives are written in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, timedelta
from enum import Enum
from typing import Any, Final

from attrs import define, field

from omniroute.config.holiday_names import expanded
from omniroute.config.render import written
from omniroute.config.survey import DATES
from omniroute.errors import UsageError
from omniroute.instants import render_duration, to_duration
from omniroute.model.desk_config import QueueMove
from omniroute.model.values import frozen
from omniroute.rules.names import join, quoted, shown, unknown

__all__ = ["AgentEdit", "Staged", "confirmed", "plain", "settled"]

_ONE_OF: Final[Mapping[str, str]] = {
    "accounts": "account",
    "agents": "agent",
    "channel_groups": "channel group",
    "channels": "channel",
    "direct_access": "direct access point",
    "entry_points": "entry point",
    "groups": "group",
    "inboxes": "inbox",
    "numbers": "number",
}


@frozen(kw_only=True)
class AgentEdit:
    """What is to be changed of one agent: fields of their profile, or that they leave (S15)."""

    given: Mapping[str, Any] = field(factory=dict)
    leaves: bool = False
    held: str | None = None
    hand_to: str | None = None


@define
class Staged:
    """A desk's document as it was (`base`) and as it is edited, with what goes along.

    `moves` say where edits of the trees took things, `ending` are entry points that go together
    with their open conversations, `agents` what changes of the staff.
    """

    desk: str
    base: dict[str, Any]
    document: dict[str, Any]
    moves: list[QueueMove] = field(factory=list)
    ending: set[str] = field(factory=set)
    agents: dict[str, AgentEdit] = field(factory=dict)

    @classmethod
    def of(cls, desk: str, document: dict[str, Any]) -> Staged:
        """Return a document with nothing edited yet."""
        return cls(desk, document, deepcopy(document))

    def section(self, name: str) -> dict[str, Any]:
        """Return a section of the document (`inboxes`); one that is not there is empty."""
        found = self.document.get(name, {})
        if not isinstance(found, dict):
            raise UsageError("not a table", where=name, got=type(found).__name__)
        return found

    def below(self, table: dict[str, Any], *keys: str) -> dict[str, Any]:
        """Return a table inside a table; those that are missing are there from now on."""
        for at, key in enumerate(keys):
            _check_name(keys[at - 1] if at else "name", key)
        for key in keys:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                raise UsageError("not a table", where=key, got=type(inner).__name__)
            table = inner
        return table

    def entry(self, section: str, name: str) -> dict[str, Any]:
        """Return one entry of a section; `UsageError`, with what was probably meant."""
        entries = self.section(section)
        _check_name(section, name)
        found = entries.get(name)
        if not isinstance(found, dict):
            what = f"no {_ONE_OF[section]} is named {quoted(name)}"
            raise UsageError(unknown(what, entries, name), where=section)
        return found

    def add(self, section: str, name: str, values: Mapping[str, Any]) -> None:
        """Add an entry to a section; `UsageError` where there is one of that name."""
        _check_name(section, name)
        if name in self.section(section):
            raise UsageError(
                f"the {_ONE_OF[section]} {quoted(name)} is there already", where=join(section, name)
            )
        values = settled(values)
        self.below(self.document, section)[name] = {}
        self.change(section, name, values)

    def change(self, section: str, name: str, values: Mapping[str, Any]) -> None:
        """Set what is given of an entry; None takes a key away."""
        self.update(self.entry(section, name), values)

    def update(self, table: dict[str, Any], values: Mapping[str, Any]) -> None:
        """Set what is given of a table; None takes a key away."""
        for key, value in settled(values).items():
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value

    def remove(self, section: str, name: str) -> None:
        """Take an entry out of a section."""
        self.entry(section, name)
        del self.section(section)[name]
        if not self.section(section):
            del self.document[section]


def _check_name(section: str, name: Any) -> None:
    if not isinstance(name, str):
        raise UsageError("not a name", where=section, expected="text", got=shown(name))


def settled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as a document holds them, all of them or an error: nothing is set by halves."""
    return {key: None if value is None else plain(value) for key, value in values.items()}


def plain(value: Any) -> Any:
    """Return a value as a document holds it: durations, choices and values of the model as written."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return render_duration(to_duration(value))
    if isinstance(value, Mapping) and (dates := expanded(value)) is not None:
        return dates
    if isinstance(value, Mapping):
        return {
            key: _dated(each) if key == DATES and isinstance(each, Mapping) else plain(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return written(value)


def _dated(dates: Mapping[Any, Any]) -> dict[Any, Any]:
    """Single days with hours of their own, whose keys may be dates: they are no list of holidays."""
    return {
        key.isoformat() if type(key) is date else key: plain(each) for key, each in dates.items()
    }


def confirmed(confirm: bool, what: str) -> None:  # noqa: FBT001  (a switch passed on)
    """Raise `UsageError` unless it was confirmed that something goes (T3)."""
    if confirm is not True:
        raise UsageError(f"{what} is about to be deleted", expected="confirm=True", where="confirm")
