"""From a file, a text or a mapping to one plain document, with syntax errors as problems.

Owns the formats. A key that stands twice, which JSON and YAML parsers drop in silence, is kept in
mind by `RepeatedKeys` and reported by `survey`. Knows nothing of what the keys mean.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from omniroute.errors import ConfigError, Problem
from omniroute.rules.names import shown, unknown

__all__ = ["FORMATS", "Document", "RepeatedKeys", "parse", "read"]

_EXTENSIONS: Final = {".toml": "toml", ".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_MOST_DIGITS: Final = 640  # what Python reads however it is set up
_MERGE: Final = "<<"
_YAML_NOTHING: Final = ("", "~", "null")
_YAML_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")
)
_TOML_PLACE: Final = re.compile(
    r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL
)


@frozen
class Document:
    """What was read: its values, what messages call it, and the desk's id if it gives none.

    `text_scalars` is true where the format knows text only, so that numbers are read from text.
    """

    values: Mapping[Any, Any]
    source: str = "configuration"
    desk: str = "desk"
    text_scalars: bool = False


class RepeatedKeys(dict[Hashable, Any]):
    """A table that was written with a key more than once; the last value stands."""

    repeated: tuple[str, ...] = ()


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Document:
    """Read a path by its extension, or take a mapping. Raises `ConfigError`."""
    if isinstance(source, Mapping):
        return Document(source)
    if isinstance(source, str) and "\n" in source:
        text = (
            "expected a path or a mapping, got text of several lines; `config.loads` reads a text"
        )
        raise ConfigError([Problem("", text)])
    try:
        path = Path(source)
    except TypeError:
        text = f"expected a path or a mapping, got {shown(source)}"
        raise ConfigError([Problem("", text)]) from None
    file_format = _EXTENSIONS.get(path.suffix.lower())
    if file_format is None:
        text = f"expected a file that ends in {' or '.join(_EXTENSIONS)}, got {shown(path.name)}"
        raise ConfigError([Problem("", text)], source=str(path))
    return parse(_content(path), file_format, source=str(path), desk=path.stem)


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem(f"line {line}", "is not UTF-8")
    except FileNotFoundError:
        problem = Problem("", "there is no such file")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        problem = Problem("", f"cannot be read: {reason or error}")
    raise ConfigError([problem], source=str(path))


def parse(text: str, file_format: str, *, source: str, desk: str) -> Document:
    """Parse a text of one of `FORMATS`. Raises `ConfigError` with line and column."""
    parser = FORMATS.get(file_format)
    if parser is None:
        problem = unknown(f"unknown format {shown(file_format)}", FORMATS, file_format)
        raise ConfigError([Problem("", problem)], source=source)
    try:
        values = parser(text)
    except _SyntaxProblem as error:
        raise ConfigError([error.problem], source=source) from None
    except RecursionError:
        raise ConfigError([Problem("", "is nested too deeply")], source=source) from None
    if not isinstance(values, Mapping) or not values:
        got = "an empty one" if isinstance(values, Mapping) else shown(values)
        raise ConfigError([Problem("", f"expected a table of settings, got {got}")], source=source)
    return Document(values, source, desk, file_format == "yaml")


class _SyntaxProblem(Exception):
    """What a parser could not read, and where."""

    def __init__(self, line: int | None, column: int | None, text: str) -> None:
        place = f"line {line}, column {column}" if line is not None else ""
        self.problem = Problem(place, text)
        super().__init__(text)


def _toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; so is a number of too many digits
        found = _TOML_PLACE.match(str(error))
        if found is None:
            raise _SyntaxProblem(None, None, "holds a number of far too many digits") from None
        line, column = (int(found[2]), int(found[3])) if found[2] else _end(text)
        raise _SyntaxProblem(line, column, f"is not TOML: {found[1]}") from None


def _end(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_table, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise _SyntaxProblem(error.lineno, error.colno, f"is not JSON: {error.msg}") from None
    except ValueError as error:
        raise _SyntaxProblem(None, None, f"is not JSON: {error}") from None


def _integer(digits: str) -> int | Decimal:
    """Read a whole number; one of more digits than Python reads stays what nothing takes."""
    return int(digits) if len(digits) <= _MOST_DIGITS else Decimal(digits)


def _table(pairs: Iterable[tuple[str, Any]]) -> RepeatedKeys:
    table, repeated = RepeatedKeys(), dict[str, None]()
    for key, value in pairs:
        if key in table:
            repeated[key] = None
        table[key] = value
    table.repeated = tuple(repeated)
    return table


class _Merging:
    """Merge keys (`<<: *base`, `<<: [*one, *two]`): each table merged once, its own keys counting first."""

    def __init__(self, yaml: Any) -> None:
        self._yaml = yaml
        self._pairs: dict[Any, list[tuple[Any, Any]]] = {}
        self._inside: list[Any] = []

    def pairs(self, node: Any) -> list[tuple[Any, Any]]:
        """Return the keys and values of a mapping's node: what it merges, then its own."""
        if node not in self._pairs:
            own = [pair for pair in node.value if not self._is_merge(pair[0])]
            named = {_name(key) for key, _ in own}
            merged: dict[Any, tuple[Any, Any]] = {}
            self._inside.append(node)
            for key, value in node.value:
                for source in self._sources(value) if self._is_merge(key) else ():
                    for pair in self.pairs(source):
                        merged.setdefault(_name(pair[0]), pair)
            self._inside.pop()
            found = [pair for name, pair in merged.items() if name not in named]
            self._pairs[node] = found + own
        return self._pairs[node]

    def _is_merge(self, key: Any) -> bool:
        scalar = isinstance(key, self._yaml.ScalarNode)
        return scalar and key.style is None and key.value == _MERGE

    def _sources(self, value: Any) -> list[Any]:
        many = isinstance(value, self._yaml.SequenceNode)
        sources: list[Any] = value.value if many else [value]
        for each in sources:
            problem = None
            if not isinstance(each, self._yaml.MappingNode):
                problem = "<< takes a table or a list of tables"
            elif each in self._inside:
                problem = "<< brings a table into itself"
            if problem is not None:
                raise self._yaml.MarkedYAMLError(problem=problem, problem_mark=each.start_mark)
        return sources


def _name(key: Any) -> Any:
    """By what a key's node is told from others: its text; a key that is none is refused later."""
    return key.value if isinstance(key.value, str) else key


def _yaml(text: str) -> object:
    try:
        import yaml
    except ImportError:
        hint = 'YAML needs an extra: pip install "omniroute[yaml]"'
        raise _SyntaxProblem(None, None, hint) from None

    merging = _Merging(yaml)

    class Loader(yaml.BaseLoader):
        """Scalars stay text, but for what stands for nothing; mappings remember keys that stand twice."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            untyped: Any = self
            event = untyped.peek_event()
            tag = getattr(event, "tag", None)
            if tag not in (None, "!") and tag not in _YAML_TAGS:
                text = f"tags are not read, such as {tag}"
                raise yaml.MarkedYAMLError(problem=text, problem_mark=event.start_mark)
            return super().compose_node(parent, index)

        def construct_scalar(self, node: Any) -> Any:
            absent = node.style is None and node.value in _YAML_NOTHING
            return None if absent else super().construct_scalar(node)

        def construct_mapping(self, node: yaml.MappingNode, *args: Any) -> dict[Hashable, Any]:
            pairs = merging.pairs(node)
            for key, _ in pairs:
                key.style = "'"  # a key is text, whatever it looks like
            whole = yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)
            table = RepeatedKeys(super().construct_mapping(whole, *args))
            counts = Counter(key.value for key, _ in node.value)
            table.repeated = tuple(key for key, count in counts.items() if count > 1)
            return table

    try:
        return Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise _SyntaxProblem(line, column, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise _SyntaxProblem(None, None, f"is not YAML: {reason}") from None


FORMATS: Final[Mapping[str, Callable[[str], object]]] = {
    "toml": _toml,
    "json": _json,
    "yaml": _yaml,
}
"""The formats by name, each with what parses it."""
