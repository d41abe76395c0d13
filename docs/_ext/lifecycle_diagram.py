"""Draw the lifecycle from its one table, so that the documentation cannot say anything else.

Owns the picture and the table of `rules.lifecycle.TABLE`. A page asks for them with the line of
`MARKER`. The picture is plain SVG, drawn here: it needs no network, no script and no other tool. A
column stands for a state, a line for one row of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

from sphinx.application import Sphinx

from omniroute.model.state import State
from omniroute.rules.lifecycle import TABLE, Step

MARKER: Final = "<!-- generated: lifecycle -->"

LANES: Final[tuple[State | None, ...]] = (None, *State)
"""The columns: no conversation yet, then every state in the order of its class."""

_LEFT: Final = 84
_LANE: Final = 78
_TOP: Final = 40
_ROW: Final = 26
_WIDTH: Final = _LEFT + _LANE * len(LANES)

_FILLED: Final = 'fill="currentColor" stroke="none"'
_FAINT: Final = "0.25"

_LEGEND: Final = """\
A column is a state, a line is one row of the table. A full dot is a state that the command starts
from, an arrow points to a state that it leads to. A ring around the dot: it may stay there. An open
dot: the command is allowed, and the state stays. The first column stands for "no conversation yet";
states in italics are those that no row leads to yet."""


def lane_of(state: State | None) -> int:
    """Return the x of a state's column."""
    return _LEFT + _LANE * LANES.index(state) + _LANE // 2


def name_of(state: State | None) -> str:
    """Return what a state is called in the picture and in the table."""
    return "(new)" if state is None else state.name


def unreached(table: Iterable[Step]) -> tuple[State, ...]:
    """Return the states that no row leads to from elsewhere, in their order."""
    reached = {target for step in table for target in step.targets if set(step.sources) != {target}}
    return tuple(state for state in State if state not in reached)


# --- the picture ----------------------------------------------------------------------------------


def svg(table: Sequence[Step]) -> str:
    """Return the picture: a column for each state, a line for each row of the table."""
    height = _TOP + _ROW * len(table) + 10
    far = unreached(table)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' style="width: 100%; height: auto; max-width: {_WIDTH}px"'
        ' role="img" aria-label="The lifecycle of a conversation"'
        ' font-family="sans-serif" font-size="11" fill="none" stroke="currentColor">'
    )
    lanes = [_lane(state, height, unreached=state in far) for state in LANES]
    steps = [_step(step, _TOP + _ROW * n + _ROW // 2) for n, step in enumerate(table)]
    return "\n".join([opening, *lanes, *steps, "</svg>"])


def _lane(state: State | None, height: int, *, unreached: bool) -> str:
    x, style = lane_of(state), ' font-style="italic" opacity="0.6"' if unreached else ""
    return (
        f'<text class="state" x="{x}" y="20" text-anchor="middle" {_FILLED}{style}>'
        f"{name_of(state)}</text>"
        f'<line x1="{x}" y1="30" x2="{x}" y2="{height}" opacity="{_FAINT}"/>'
    )


def _step(step: Step, y: int) -> str:
    name = escape(step.command.__name__)
    return "\n".join(
        [
            f'<g class="step"><text x="4" y="{y + 4}" font-weight="bold" {_FILLED}>{name}</text>',
            *_marks(step, y),
            "</g>",
        ]
    )


def _marks(step: Step, y: int) -> Iterator[str]:
    if not step.targets:
        yield from (_circle("stays", source, y) for source in step.sources)
        return
    lanes = [lane_of(state) for state in (*step.sources, *step.targets)]
    yield f'<line x1="{min(lanes)}" y1="{y}" x2="{max(lanes)}" y2="{y}"/>'
    for source in step.sources:
        yield _circle("from", source, y)
        if source in step.targets:
            yield _circle("again", source, y, radius=7)
    for target in step.targets:
        yield from _arrows(target, step.sources, y)


def _circle(kind: str, state: State | None, y: int, radius: int = 4) -> str:
    fill = f" {_FILLED}" if kind == "from" else ""
    return f'<circle class="{kind}" cx="{lane_of(state)}" cy="{y}" r="{radius}"{fill}/>'


def _arrows(target: State, sources: Iterable[State | None], y: int) -> Iterator[str]:
    """An arrow from each side that something comes from; it ends at the column, or at its ring."""
    x, lanes = lane_of(target), [lane_of(source) for source in sources]
    tip = 8 if x in lanes else 0
    if any(lane < x for lane in lanes):
        yield _arrow(x - tip, x - tip - 10, y)
    if any(lane > x for lane in lanes):
        yield _arrow(x + tip, x + tip + 10, y)


def _arrow(tip: int, back: int, y: int) -> str:
    points = f"{tip},{y} {back},{y - 5} {back},{y + 5}"
    return f'<polygon class="to" points="{points}" {_FILLED}/>'


# --- the table ------------------------------------------------------------------------------------


def markdown_table(table: Iterable[Step]) -> str:
    """Return the same rows as a table of text."""
    lines = ["| command | in state | leads to |", "|---|---|---|"]
    for step in table:
        sources = ", ".join(map(name_of, step.sources))
        targets = ", ".join(map(name_of, step.targets)) or "the state stays"
        lines.append(f"| {step.command.__name__} | {sources} | {targets} |")
    return "\n".join(lines)


def generated(table: Sequence[Step] = TABLE) -> str:
    """Return what stands in the place of the marker, as MyST."""
    parts = [f"```{{raw}} html\n{svg(table)}\n```", _LEGEND, markdown_table(table)]
    if far := unreached(table):
        names = ", ".join(f"`{state.name}`" for state in far)
        parts.append(f"No row leads to {names} yet: what leads there is still to come.")
    return "\n\n".join(parts)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    del app, docname
    if MARKER in source[0]:
        source[0] = source[0].replace(MARKER, generated())


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx fill in the pages that ask for the lifecycle."""
    app.connect("source-read", _fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
