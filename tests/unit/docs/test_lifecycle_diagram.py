"""The lifecycle's picture and table show every row of the table in the code, and nothing else.

The oracle is the table itself; the picture is read back from its shapes, as a reader sees them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve

from docs._ext.lifecycle_diagram import MARKER, generated, svg, unreached
from omniroute.model import commands
from omniroute.model.state import State
from omniroute.rules.lifecycle import TABLE, Step

Row = tuple[str, frozenset[str], frozenset[str]]
"""A command's name, the states it starts from, and those it leads to (empty: the state stays)."""

SVG = "{http://www.w3.org/2000/svg}"
NEW = "(new)"


def rows_of(table: tuple[Step, ...]) -> list[Row]:
    def names(states: tuple[State | None, ...]) -> frozenset[str]:
        return frozenset(NEW if state is None else state.name for state in states)

    return [(step.command.__name__, names(step.sources), names(step.targets)) for step in table]


def rows_drawn(picture: str) -> list[Row]:
    """Read the picture back: which marks of each line stand in which column."""
    root = ET.fromstring(picture)
    columns = {
        float(text.get("x", "")): text.text or ""
        for text in root.iter(f"{SVG}text")
        if text.get("class") == "state"
    }

    def column(x: float) -> str:
        return columns[min(columns, key=lambda each: abs(each - x))]

    rows = []
    for line in root.iter(f"{SVG}g"):
        (name,) = [text.text or "" for text in line.iter(f"{SVG}text")]
        sources, targets = set[str](), set[str]()
        for circle in line.iter(f"{SVG}circle"):
            where = column(float(circle.get("cx", "")))
            (targets if circle.get("class") == "again" else sources).add(where)
        for arrow in line.iter(f"{SVG}polygon"):
            tip = arrow.get("points", "").partition(",")[0]
            targets.add(column(float(tip)))
        rows.append((name, frozenset(sources), frozenset(targets)))
    return rows


class TableCells(HTMLParser):
    """The text of every cell of an HTML page's tables, by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] += data


def rows_listed(cells: list[list[str]]) -> list[Row]:
    def names(cell: str) -> frozenset[str]:
        text = cell.strip()
        return frozenset() if text == "the state stays" else frozenset(text.split(", "))

    return [(command, names(sources), names(targets)) for command, sources, targets in cells]


def test_the_picture_shows_every_row_and_nothing_else():
    assert rows_drawn(svg(TABLE)) == rows_of(TABLE)


@pytest.mark.parametrize("missing", range(len(TABLE)))
def test_a_row_less_is_a_line_less(missing):
    shorter = TABLE[:missing] + TABLE[missing + 1 :]
    assert rows_drawn(svg(shorter)) == rows_of(shorter)


@pytest.mark.parametrize("source", [None, *State])
@pytest.mark.parametrize("target", State)
def test_any_row_can_be_drawn_and_is_read_back(source, target):
    table = (evolve(TABLE[0], sources=(source,), targets=(target,)),)
    assert rows_drawn(svg(table)) == rows_of(table)


def test_states_that_nothing_leads_to_are_named():
    step = Step(commands.Take, (State.ACTIVE, State.QUEUED), (State.ACTIVE,), TABLE[0].run)
    assert State.ACTIVE not in unreached([step])
    assert State.ACTIVE in unreached([evolve(step, sources=(State.ACTIVE,))])
    every = Step(commands.Open, (None,), tuple(State), TABLE[0].run)
    assert unreached([every]) == ()
    assert "No row leads to" not in generated([every])


def test_the_page_asks_for_what_is_generated(project: Path):
    page = (project / "docs/reference/lifecycle.md").read_text(encoding="utf-8")
    assert page.count(MARKER) == 1


def test_sphinx_fills_the_page_in(project: Path, tmp_path: Path):
    """The page is built as `make docs` builds it, in a small project of its own, and read back."""
    shutil.copy(project / "docs/reference/lifecycle.md", tmp_path / "index.md")
    conf = (
        f"import sys\nsys.path[:0] = [{str(project / 'docs/_ext')!r}]\n"
        "extensions = ['myst_parser', 'lifecycle_diagram']\n"
    )
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "-b", "html"]
    built = subprocess.run(
        [*command, str(tmp_path), str(out)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    html = (out / "index.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert rows_drawn(picture) == rows_of(TABLE)
    cells = TableCells(html.partition('id="states"')[0]).rows
    assert rows_listed(cells[1:]) == rows_of(TABLE)
