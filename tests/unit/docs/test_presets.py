"""Every preset has a page, whose example runs under it and whose words are the preset's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from omniroute.config import loads
from omniroute.rules.presets import PRESETS
from tests.unit.docs.pages import code, prose, tables
from tools.snippets import read_blocks


def page_of(project: Path, name: str) -> Path:
    return project / "docs" / "how-to" / f"preset-{name.replace('_', '-')}.md"


@pytest.mark.parametrize("name", PRESETS)
def test_the_example_of_a_presets_page_runs_under_it(project: Path, name: str):
    blocks = read_blocks(page_of(project, name))
    (desk,) = [each for each in blocks if each.file == "desk.toml"]
    assert loads(desk.text).preset == name
    assert sum(each.runs for each in blocks) >= 3
    assert sum(each.language == "output" for each in blocks) >= 3


@pytest.mark.parametrize("name", PRESETS)
def test_its_labels_and_what_it_closes_are_the_presets(project: Path, name: str):
    page = page_of(project, name)
    (rows,) = [
        table for title, table in tables(page).items() if title == "What the states are called"
    ]
    labels: dict[str, Any] = {row["state"].strip("`"): row["here"] for row in rows}
    assert labels == dict(PRESETS[name].labels or {})
    (closed,) = re.findall(r"^Closed to agents: (.*?)\.", prose(page), re.MULTILINE)
    assert code(closed) == list(PRESETS[name].closed or ())


def test_the_overview_and_the_index_lead_to_each(project: Path):
    for page in ("presets.md", "index.md"):
        text = (project / "docs" / "how-to" / page).read_text(encoding="utf-8")
        for name in PRESETS:
            assert f"({page_of(project, name).name})" in text
