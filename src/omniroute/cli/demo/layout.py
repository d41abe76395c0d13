"""How a line looks: time, conversation, who, what; below it what follows from it, label by label.

Knows columns and colours, and nothing of desks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["TONES", "Layout", "Row", "fact"]

TONES: Final = {
    "contact": "bold cyan",
    "agent": "bold green",
    "desk": "bold magenta",
    "provider": "bold blue",
    "label": "dim",
    "bad": "bold red",
    "odd": "yellow",
    "title": "bold",
    "why": "",
    "dim": "dim",
}
"""The colour of everything that has one, by what it is."""

_TIME: Final = 8
_CONVERSATION: Final = 3
_WHO: Final = 9
_VALUE: Final = 18
_GAP: Final = "  "
_INDENT: Final = _TIME + _CONVERSATION + _WHO + 3 * len(_GAP)


@frozen
class Row:
    """One line: what happened at `time`, or without a time what follows from the line above.

    `value` and `why` are what a label's line says: they stand in columns of their own.
    """

    who: str
    tone: str
    text: Text
    time: str = ""
    conversation: str = ""


class Layout:
    """Prints rows to a console, wrapped into their column."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def title(self, text: str, below: str = "") -> None:
        """Begin a part of the story."""
        self._console.print()
        self._console.print(Text(text, TONES["title"]))
        if below:
            self._console.print(Text(below, TONES["dim"]))
        self._console.print()

    def row(self, row: Row) -> None:
        """Print a row; what does not fit goes on below its beginning."""
        head = Text.assemble(
            (row.time.ljust(_TIME) + _GAP, TONES["dim"]),
            (row.conversation.ljust(_CONVERSATION) + _GAP, TONES["dim"]),
            (row.who.ljust(_WHO) + _GAP, TONES[row.tone]),
        )
        for line in row.text.wrap(self._console, max(self._console.width - _INDENT, 20)):
            line.rstrip()
            self._console.print(head.append_text(line), soft_wrap=True)
            head = Text(" " * _INDENT)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table. The first line of a cell is its value, the next where it came from."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name in header:
            table.add_column(name, overflow="fold", header_style=TONES["title"])
        for cells in rows:
            table.add_row(*map(_cell, cells))
        self._console.print(table)

    def gap(self) -> None:
        """Print an empty line."""
        self._console.print()

    def note(self, text: str, tone: str = "dim") -> None:
        """Print a remark across all columns."""
        self._console.print(Text(text, TONES[tone]))

    def last(self, text: str, tone: str) -> None:
        """Print the last line, unwrapped: programs read it."""
        self._console.print(Text(text, TONES[tone]), soft_wrap=True)


def _cell(cell: str) -> Text:
    value, line, why = cell.partition("\n")
    return Text.assemble(value, line, (why, TONES["dim"]))


def fact(value: str, why: str = "", tone: str = "title") -> Text:
    """Return a label's value, padded so that the reasons stand below each other."""
    if not why:
        return Text(value, TONES[tone])
    return Text.assemble((value.ljust(_VALUE), TONES[tone]), _GAP, (why, TONES["why"]))
