"""An agent's profile as a program or a form gives it, read by the same words as a file's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from omniroute.config.reading import Notes
from omniroute.config.shape import read_agent
from omniroute.config.staged import plain
from omniroute.errors import Problem

__all__ = ["read_profile"]

_LISTS: Final = ("groups", "serves", "channels", "languages")


def read_profile(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the fields that are given, as they are kept, and what is wrong with any of them.

    Values are those of a file or of the model (`Capacity`, `Role`); None counts as not given, and any
    collection of names as a list.
    """
    notes = Notes()
    values = {key: plain(_listed(key, each)) for key, each in given.items() if each is not None}
    found = read_agent(notes, values, "")
    if notes.problems or found is None:
        return {}, notes.problems
    return {key: getattr(found, key) for key in values}, []


def _listed(key: str, value: Any) -> Any:
    if key in _LISTS and isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return list(value)
    return value
