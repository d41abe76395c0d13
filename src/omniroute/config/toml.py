"""A small TOML writer, for documents of text, numbers, booleans, lists and tables.

Lays them out as a person would: a section for what is long, one line for what is short. Knows
nothing of desks. (The standard library reads TOML and does not write it.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["inline", "render_toml"]

_WIDTH: Final = 100
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_INDENT: Final = "  "


def render_toml(document: Mapping[str, Any], *, spread: Container[str] = ()) -> str:
    """Return a document as TOML 1.0: values first, then a section for each table.

    Values are str, bool, int, finite float, lists and tables of them. The tables named in `spread`
    have a section for each of their entries, even for short ones.
    """
    lines = [*_values(document), *_sections((), document, spread)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _values(table: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a table's own values, without its tables."""
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield from _value(key, value)


def _value(key: str, value: Any) -> Iterator[str]:
    line = f"{_key(key)} = {inline(value)}"
    if isinstance(value, Sequence) and len(line) > _WIDTH and not isinstance(value, str):
        yield f"{_key(key)} = ["
        yield from _items(value, _INDENT)
        yield "]"
    else:
        yield line


def _items(items: Sequence[Any], indent: str) -> Iterator[str]:
    """The lines of a long list; a list that follows a text stays on its line where it fits."""
    pending = ""
    for number, item in enumerate(items):
        text = f"{pending}{inline(item)},"
        follows = number + 1 < len(items) and _is_list(items[number + 1])
        if isinstance(item, str) and follows and not pending:
            pending = f"{text} "
        elif _is_list(item) and len(indent) + len(text) > _WIDTH:
            yield f"{indent}{pending}["
            yield from _items(item, indent + _INDENT)
            yield f"{indent}],"
            pending = ""
        else:
            yield f"{indent}{text}"
            pending = ""


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _sections(
    path: tuple[str, ...], table: Mapping[str, Any], spread: Container[str]
) -> Iterator[str]:
    """The sections of a table's tables, each after an empty line."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            here = (*path, key)
            header = ["", f"[{'.'.join(map(_key, here))}]"]
            tables = {k: each for k, each in value.items() if isinstance(each, Mapping)}
            if all(map(_is_short, tables, tables.values())) and (path or key not in spread):
                yield from (
                    *header,
                    *(line for k, each in value.items() for line in _value(k, each)),
                )
            else:
                own = list(_values(value))
                yield from (*header, *own) if own else ()
                yield from _sections(here, value, spread)


def _is_short(key: str, table: Mapping[str, Any]) -> bool:
    return len(f"{_key(key)} = {inline(table)}") <= _WIDTH


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def inline(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {inline(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(map(inline, value))}]"


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, and TOML escapes DEL too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
