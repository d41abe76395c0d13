"""The tables of the architecture page are those that `make check` goes by."""

from __future__ import annotations

from pathlib import Path

from tests.unit.docs.pages import code, named, tables
from tools.layering import LAYERS, SAME_LAYER


def architecture(project: Path):
    return tables(project / "docs" / "architecture.md")


def test_every_room_is_described(project):
    assert sorted(named(architecture(project)["Rooms"], "room")) == sorted(LAYERS)


def test_the_layers_are_those_of_the_tool(project):
    rows = [row for row in architecture(project)["Layers"] if "layer" in row]
    written = {room: int(row["layer"]) for row in rows for room in code(row["rooms"])}
    assert written == dict(LAYERS)


def test_the_imports_within_a_layer_are_those_of_the_tool(project):
    rows = [row for row in architecture(project)["Layers"] if "from" in row]
    written = {(code(row["from"])[0], code(row["to"])[0]): row["because"] for row in rows}
    assert written == dict(SAME_LAYER)


def test_every_room_that_there_is_has_a_layer(project):
    package = project / "src" / "omniroute"
    rooms = {each.stem for each in package.glob("*.py")}
    rooms |= {each.parent.name for each in package.glob("*/__init__.py")}
    assert rooms <= set(LAYERS)
