"""Read the fenced blocks of a documentation page, so that they can be run.

Owns the rules for pages: python blocks run in the order of the page, in one namespace; a block
under ``<!-- not run: reason -->`` is left out, and the reason must be given; a block whose first
line is ``# file: NAME`` is a file that the page's python blocks find in their folder; TOML must be
TOML.
"""

from __future__ import annotations

import re
import sys
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_OPENING = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_NOT_RUN = re.compile(r"^<!--\s*not run\s*:?(?P<reason>.*?)-->$")
_FILE = re.compile(r"^# file: (?P<name>\S+)\s*$")
_PYTHON = frozenset({"python", "py", "python3"})
_UNRUNNABLE = frozenset({"pycon", "doctest"})


class PageError(Exception):
    """A page breaks the rules for pages."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line its text starts on."""

    language: str
    text: str
    line: int
    not_run: str | None = None

    @property
    def file(self) -> str | None:
        """The name that the block's text is to be found under, if it is a file."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found["name"] if found else None

    @property
    def runs(self) -> bool:
        """Whether the block is Python to be run."""
        return self.language in _PYTHON and self.file is None and self.not_run is None


def read_blocks(page: Path) -> list[Block]:
    """Every fenced block of a page; `PageError` for a page that breaks the rules."""
    lines = page.read_text(encoding="utf-8").splitlines()
    blocks = []
    reason: str | None = None
    numbered = iter(enumerate(lines, start=1))
    for number, line in numbered:
        if opening := _OPENING.match(line):
            text = _body(numbered, opening, page)
            language = opening["info"].strip().partition(" ")[0].lower()
            blocks.append(_checked(Block(language, text, number + 1, reason), page))
            reason = None
        elif comment := _NOT_RUN.match(line.strip()):
            reason = comment["reason"].strip()
            if not reason:
                raise PageError(f"{page}:{number}: 'not run' needs a reason")
        elif line.strip():
            reason = None
    return blocks


def _body(numbered: Iterator[tuple[int, str]], opening: re.Match[str], page: Path) -> str:
    indent, fence = len(opening["indent"]), opening["fence"]
    body: list[str] = []
    for _, line in numbered:
        text = line.strip()
        if text and set(text) == {fence[0]} and len(text) >= len(fence):
            return "".join(f"{each}\n" for each in body)
        body.append(line[min(indent, len(line) - len(line.lstrip())) :])
    raise PageError(f"{page}: the block {opening[0].strip()!r} is not closed")


def _checked(block: Block, page: Path) -> Block:
    where = f"{page}:{block.line}"
    if block.language in _UNRUNNABLE and block.not_run is None:
        raise PageError(f"{where}: write {block.language} as python, so that it runs")
    if block.file is not None and not _is_plain(block.file):
        raise PageError(f"{where}: {block.file!r} is not a plain relative path")
    if block.language == "toml" and block.not_run is None:
        try:
            tomllib.loads(block.text)
        except tomllib.TOMLDecodeError as error:
            raise PageError(f"{where}: not TOML: {error}") from None
    return block


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def run_page(page: Path, folder: Path) -> int:
    """Write the page's files into `folder`, run its Python there; return how many blocks ran.

    The caller has made `folder` the current one. Tracebacks point into the page.
    """
    blocks = read_blocks(page)
    for block in blocks:
        if block.file is not None:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
    runnable = [block for block in blocks if block.runs]
    # A real module, so that attrs and typing can look up what the page defines.
    module = types.ModuleType(f"page_{page.stem}")
    module.__file__ = str(page)
    sys.modules[module.__name__] = module
    try:
        for block in runnable:
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, str(page), "exec"), module.__dict__)  # noqa: S102  (what it is for)
    finally:
        del sys.modules[module.__name__]
    return len(runnable)
