"""A first walk over a document: a plain copy of it, and where everything in it stands.

After it nothing downstream meets a key that is no text, a nesting without end, an alias that
explodes or a character that no store takes. `Places` puts problems into the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NoReturn

from omniroute.config.holiday_names import expanded
from omniroute.errors import ConfigError, Problem
from omniroute.rules.names import join, shown, text_problem

__all__ = ["DATES", "Places", "Survey", "survey"]

_MAX_DEPTH: Final = 100
_MAX_VALUES: Final = 500_000
_SHOWN_OF_PATH: Final = 60
DATES: Final = "dates"

_Place = tuple[int, ...]


class Places:
    """Where each path stands in the document."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {"": ()}

    def add(self, path: str, place: _Place) -> None:
        """Note that `path` stands at `place`: the numbers of its branches from the root."""
        self._places[path] = place

    def order(self, problem: Problem) -> tuple[float, ...]:
        """Return what problems are sorted by; something missing comes after what is there."""
        path = problem.path
        if path in self._places:
            return self._places[path]
        while path not in self._places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return (*self._places[path], float("inf"))


class Survey:
    """A document after its first walk: its values as plain dicts and lists, and what was wrong."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.places = Places()
        self.problems: list[Problem] = []
        self.values: dict[str, Any] = {}
        self._count = 0

    def copy(self, value: object, path: str, place: _Place) -> object:
        """Return a plain copy of a value, noting where it and all below it stand."""
        self.places.add(path, place)
        self._count += 1
        if len(place) > _MAX_DEPTH:
            self._refuse(f"{path[:_SHOWN_OF_PATH]}…", f"is nested deeper than {_MAX_DEPTH} levels")
        if self._count > _MAX_VALUES:
            self._refuse(path, f"expected at most {_MAX_VALUES:,} values in all")
        if isinstance(value, Mapping):
            keeps = path.rpartition(".")[2] == DATES  # what each date has counts there
            if not keeps and (dates := expanded(value)) is not None:
                return dates
            return self._table(value, path, place)
        if isinstance(value, list | tuple):
            return [self.copy(v, join(path, i), (*place, i)) for i, v in enumerate(value)]
        if isinstance(value, str) and (problem := text_problem(value)):
            self.problems.append(Problem(path, problem))
        return value

    def _refuse(self, path: str, text: str) -> NoReturn:
        raise ConfigError([Problem(path, text)], source=self.source)

    def _table(self, table: Mapping[Any, Any], path: str, place: _Place) -> dict[str, Any]:
        for key in getattr(table, "repeated", ()):
            self.problems.append(Problem(join(path, str(key)), "stands here twice"))
        plain: dict[str, Any] = {}
        for number, (given, value) in enumerate(table.items()):
            key = given.isoformat() if type(given) is date else given  # as YAML reads one
            if not isinstance(key, str):
                self.problems.append(
                    Problem(path, f"expected keys that are text, got {shown(key)}")
                )
                continue
            here = join(path, key)
            if key in plain:
                self.problems.append(Problem(here, "stands here twice"))
            if problem := text_problem(key):
                self.problems.append(Problem(here, f"the key {problem}"))
            plain[key] = self.copy(value, here, (*place, number))
        return plain


def survey(values: Mapping[Any, Any], source: str) -> Survey:
    """Walk over a document. Raises `ConfigError` where it is too deep or too large to be one."""
    found = Survey(source)
    copied = found.copy(values, "", ())
    assert isinstance(copied, dict)  # noqa: S101  (a mapping is copied into one)
    found.values = copied
    return found
