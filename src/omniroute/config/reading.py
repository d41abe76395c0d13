"""The small readers that configuration is read with: one value each, problems noted, never raised.

A reader takes `Notes`, a value and its path, and returns what the value means, or None after noting
what was expected and what came. `Table` reads a table key by key and then refuses the keys that are
left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, TypeGuard, TypeVar

from omniroute.errors import Problem, UsageError
from omniroute.instants import MILLISECOND, MINUTE, to_duration
from omniroute.rules.names import did_you_mean, join, quoted, shown, unknown
from omniroute.rules.policy_checks import MINUTES_FORMS, MOST_MINUTES
from omniroute.rules.sla import SLA_FORMS, parse_sla

__all__ = [
    "Notes",
    "Read",
    "Table",
    "choice",
    "duration",
    "flag",
    "integer",
    "is_digits",
    "keywords",
    "many",
    "minutes",
    "notice",
    "sla",
    "table",
    "text",
    "texts",
    "whole",
]

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)

_MISSPELT: Final = 0.85  # nearer than names are by chance: `channel_id` is no misspelt `channel`


class Notes:
    """What was wrong so far, and what readers go by.

    `broken` are the paths whose values could not be read. With `text_scalars`, numbers stand as
    text; `settings` are the names that some adapter is known to understand.
    """

    def __init__(
        self, *, text_scalars: bool = False, settings: frozenset[str] = frozenset()
    ) -> None:
        self.text_scalars = text_scalars
        self.settings = settings
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def add(self, path: str, problem: str) -> None:
        """Note a problem with the value at a path."""
        self.problems.append(Problem(path, problem))
        self.broken.add(path)

    def expected(self, path: str, what: str, value: object) -> None:
        """Note that something else was expected."""
        self.add(path, f"expected {what}, got {shown(value)}")

    def is_broken(self, path: str) -> bool:
        """Whether the value at a path, or one that it lies in, could not be read."""
        while path:
            if path in self.broken:
                return True
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return False

    def holds_broken(self, path: str) -> bool:
        """Whether the value at a path, or anything in it, could not be read."""
        inside = (f"{path}.", f"{path}[")
        return path in self.broken or any(each.startswith(inside) for each in self.broken)


Read = Callable[[Notes, Any, str], T | None]


class Table:
    """A table that is read key by key. An empty value (None) counts as absent."""

    def __init__(self, notes: Notes, value: object, path: str) -> None:
        self._notes = notes
        self._path = path
        self._values = value if isinstance(value, dict) else {}
        self._known: list[str] = []
        self._missing: dict[str, str] = {}
        if not isinstance(value, dict):
            notes.expected(path, "a table", value)

    def take(self, key: str, read: Read[T], default: D) -> T | D:
        """Return what a key means, or `default` where it is absent or wrong."""
        self._known.append(key)
        value = self._values.get(key)
        if value is None:
            return default
        found = read(self._notes, value, join(self._path, key))
        return default if found is None else found

    def need(self, key: str, read: Read[T], default: D, *, expected: str) -> T | D:
        """Return what a key means; `default` only stands in until its absence is reported."""
        if self._values.get(key) is None and not self._notes.is_broken(self._path):
            self._missing[key] = expected
        return self.take(key, read, default)

    def refuse(self, key: str, problem: str) -> None:
        """Note a problem with a key's value."""
        self._notes.add(join(self._path, key), problem)

    def rest(self) -> dict[str, Any]:
        """Return the keys that nobody took."""
        return {key: value for key, value in self._values.items() if key not in self._known}

    def settings(self) -> dict[str, Any]:
        """Return the keys that nobody took, for an adapter, and refuse those that are misspelt."""
        found = self.rest()
        for key in tuple(found):
            if key not in self._notes.settings and self._guess(key, _MISSPELT):
                self._refuse(key)
                del found[key]
        return found

    def close(self, *, open_ended: bool = False) -> None:
        """Refuse the keys that nobody took, unless any may stand here, and report missing ones."""
        if not open_ended:
            for key in self.rest():
                self._refuse(key)
        for key, expected in self._missing.items():
            path = join(self._path, key)
            if path not in self._notes.broken:
                self._notes.add(path, f"is missing; expected {expected}")

    def _guess(self, key: str, similarity: float = 0.6) -> str | None:
        absent = [known for known in self._known if known not in self._values]
        return did_you_mean(key, absent, similarity=similarity)

    def _refuse(self, key: str) -> None:
        guess = self._guess(key)
        path = join(self._path, key)
        self._notes.add(path, unknown("unknown key", self._known, key))
        if guess is not None:
            self._notes.broken.add(join(self._path, guess))


def text(notes: Notes, value: object, path: str) -> str | None:
    """Read a text."""
    if isinstance(value, str):
        return value
    notes.expected(path, "text", value)
    return None


def texts(notes: Notes, value: object, path: str) -> tuple[str, ...] | None:
    """Read a list of texts; an empty one stands in for what is none."""
    if not isinstance(value, list):
        notes.expected(path, "a list of text", value)
        return None
    each = (text(notes, item, join(path, index)) for index, item in enumerate(value))
    return tuple(item or "" for item in each)


def whole(notes: Notes, value: object, path: str) -> int | None:
    """Read a whole number, from text where the format knows nothing else."""
    found = _number(notes, value)
    if found is None:
        notes.expected(path, "a whole number", value)
    return found


def _number(notes: Notes, value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if notes.text_scalars and is_digits(value) else None


def integer(notes: Notes, value: object, path: str) -> int | None:
    """Read a whole number that may be below zero."""
    if isinstance(value, str) and value.startswith("-") and notes.text_scalars:
        found = whole(notes, value[1:], path)
        return None if found is None else -found
    return whole(notes, value, path)


def flag(notes: Notes, value: object, path: str) -> bool | None:
    """Read true or false, from text where the format knows nothing else."""
    if isinstance(value, bool):
        return value
    if notes.text_scalars and value in ("true", "false"):
        return value == "true"
    notes.expected(path, "true or false", value)
    return None


def is_digits(value: object) -> TypeGuard[str]:
    """Whether a value is a text of digits and no longer than a number gets."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18


def sla(notes: Notes, value: object, path: str) -> int | None:
    """Read an SLA as microseconds (G15, G16)."""
    try:
        return parse_sla(value)
    except UsageError:
        notes.expected(path, SLA_FORMS, value)
        return None


def duration(notes: Notes, value: object, path: str) -> int | None:
    """Read a duration as microseconds."""
    try:
        micros = to_duration(value if isinstance(value, str | timedelta) else "")
    except UsageError:
        micros = 0
    if micros and micros % MILLISECOND == 0:
        return micros
    notes.expected(path, 'a duration, as "40s", "15m", "1h30m" or "7d"', value)
    return None


def minutes(notes: Notes, value: object, path: str) -> int | None:
    """Read a timer as microseconds: whole minutes, as a number or a duration (U25 to U34)."""
    return _minutes(notes, value, path, least=1)


def notice(notes: Notes, value: object, path: str) -> int | None:
    """Read a notice as microseconds: as `minutes`, or 0 for none (U34)."""
    return _minutes(notes, value, path, least=0)


def _minutes(notes: Notes, value: object, path: str, *, least: int) -> int | None:
    count = _count_of_minutes(notes, value)
    if count is not None and least <= count <= MOST_MINUTES:
        return count * MINUTE
    notes.expected(path, MINUTES_FORMS if least else f"0, or {MINUTES_FORMS}", value)
    return None


def _count_of_minutes(notes: Notes, value: object) -> int | None:
    number = _number(notes, value)
    if number is not None or not isinstance(value, str):
        return number
    try:
        count, rest = divmod(to_duration(value), MINUTE)
    except UsageError:
        return None
    return None if rest else count


def keywords(notes: Notes, value: object, path: str) -> tuple[str, ...] | None:
    """Read keywords: a list, or one text that is split at commas and spaces (U59)."""
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    return texts(notes, value, path)


def choice(kind: type[E]) -> Read[E]:
    """Return the reader of one of an enumeration's words."""

    def read(notes: Notes, value: object, path: str) -> E | None:
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        if not isinstance(value, str):
            notes.expected(path, "text", value)
            return None
        notes.add(path, unknown(f"unknown choice {quoted(value)}", kind, value))
        return None

    return read


def table(build: Callable[[Table], T | None]) -> Read[T]:
    """Make a reader of what takes a table's known keys; afterwards all others are refused."""

    def read(notes: Notes, value: object, path: str) -> T | None:
        fields = Table(notes, value, path)
        found = build(fields)
        fields.close()
        return found

    return read


def many(read_one: Read[T]) -> Read[Mapping[str, T]]:
    """Return the reader of a table whose keys are names, and whose values `read_one` reads."""

    def read(notes: Notes, value: object, path: str) -> Mapping[str, T] | None:
        if not isinstance(value, dict):
            notes.expected(path, "a table", value)
            return None
        each = {key: read_one(notes, item, join(path, key)) for key, item in value.items()}
        return {key: item for key, item in each.items() if item is not None}

    return read
