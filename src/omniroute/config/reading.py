"""The small readers that configuration is read with: one value each, problems noted, never raised.

A reader takes `Notes`, a value and its path, and returns what the value means, or None after noting what
was expected and what came. `Table` reads a table key by key and then refuses the keys that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar

from omniroute.errors import Problem, UsageError
from omniroute.instants import to_duration
from omniroute.rules.names import did_you_mean, join, quoted, shown, unknown
from omniroute.rules.sla import SLA_FORMS, parse_sla

__all__ = [
    "Notes",
    "Read",
    "Table",
    "choice",
    "duration",
    "is_digits",
    "many",
    "sla",
    "table",
    "text",
    "texts",
    "whole",
]

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Notes:
    """What was wrong so far. `broken` are the paths whose values are therefore not what was meant."""

    def __init__(self, *, text_scalars: bool = False) -> None:
        self.text_scalars = text_scalars
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def add(self, path: str, problem: str, *, about: str | None = None) -> None:
        """Note a problem at a path, about the value there or at another one."""
        self.problems.append(Problem(path, problem))
        self.broken.add(path if about is None else about)

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

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, read: Read[T], default: T) -> T:
        """Return what a key means, or `default` where it is absent or wrong."""
        self._known.append(key)
        value = self._values.get(key)
        if value is None:
            return default
        found = read(self._notes, value, join(self._path, key))
        return default if found is None else found

    def need(self, key: str, read: Read[T], default: T, *, expected: str) -> T:
        """Return what a key means; `default` only stands in until its absence is reported."""
        if self._values.get(key) is None and not self._notes.is_broken(self._path):
            self._missing[key] = expected
        return self.take(key, read, default)

    def rest(self) -> dict[str, Any]:
        """Return the keys that nobody took."""
        return {key: value for key, value in self._values.items() if key not in self._known}

    def misspelt(self, similarity: float) -> list[str]:
        """Return the keys nobody took that look very much like known ones, reporting each."""
        guesses = {key: self._guess(key, similarity) for key in self.rest()}
        found = [key for key, guess in guesses.items() if guess is not None]
        for key in found:
            self._refuse(key, similarity)
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

    def _guess(self, key: str, similarity: float) -> str | None:
        absent = [known for known in self._known if known not in self._values]
        return did_you_mean(key, absent, similarity=similarity)

    def _refuse(self, key: str, similarity: float = 0.6) -> None:
        guess = self._guess(key, similarity)
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
    """Read a list of texts; those that are none are left out."""
    if not isinstance(value, list):
        notes.expected(path, "a list of text", value)
        return None
    each = [text(notes, item, join(path, index)) for index, item in enumerate(value)]
    return tuple(item for item in each if item is not None)


def whole(notes: Notes, value: object, path: str) -> int | None:
    """Read a whole number, from text where the format knows nothing else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if notes.text_scalars and is_digits(value):
        return int(value)
    notes.expected(path, "a whole number", value)
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
        return to_duration(value)  # type: ignore[arg-type]  (it refuses what is none)
    except UsageError as error:
        notes.expected(path, error.expected or "a duration", value)
        return None


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


def table(build: Callable[[Notes, Table, str], T]) -> Read[T]:
    """Return the reader of a table with known keys; `build` takes each, then all others are refused."""

    def read(notes: Notes, value: object, path: str) -> T | None:
        fields = Table(notes, value, path)
        found = build(notes, fields, path)
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
