"""How the tests read documentation: tables by heading, names in code marks, everything in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

Rows = list[dict[str, str]]

_HEADING = re.compile(r"^(#{1,6}) (.+)$")
_CODE = re.compile(r"`([^`\n]+)`")
_ESCAPED = "\0"


def prose(page: Path) -> str:
    """Return a page's text without its fenced blocks."""
    lines, fence = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        opening = re.match(r" *(`{3,}|~{3,})", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opening:
            fence = opening[1]
        else:
            lines.append(line)
    return "\n".join(lines)


def tables(page: Path) -> dict[str, Rows]:
    """Return the rows of the tables under each heading, as mappings from column to cell."""
    found: dict[str, Rows] = {}
    heading, columns = "", list[str]()
    for line in prose(page).splitlines():
        if match := _HEADING.match(line):
            heading, columns = match[2], []
        elif not line.startswith("|"):
            columns = []
        elif not columns:
            columns = _cells(line)
        elif set(line) - set("|-: "):
            row = dict(zip(columns, _cells(line), strict=True))
            found.setdefault(heading, []).append(row)
    return found


def _cells(line: str) -> list[str]:
    inner = line.replace("\\|", _ESCAPED).strip().strip("|")
    return [cell.strip().replace(_ESCAPED, "|") for cell in inner.split("|")]


def code(text: str) -> list[str]:
    """Return what stands between single code marks."""
    return _CODE.findall(text)


def named(rows: Rows, column: str) -> list[str]:
    """Return the first name in each row's cell of a column."""
    return [code(row[column])[0] for row in rows]


def pages(project: Path) -> Iterator[Path]:
    """Yield every page of the documentation, and the README."""
    docs = project / "docs"
    yield project / "README.md"
    for page in sorted(docs.rglob("*.md")):
        if "_build" not in page.relative_to(docs).parts:
            yield page
