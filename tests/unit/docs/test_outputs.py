"""What a page says its Python prints is what it prints.

A block of the language `output` is what the Python above it printed, since the last such block.
"""

from __future__ import annotations

import io
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.unit.docs.pages import pages
from tools.snippets import read_blocks

ROOT = Path(__file__).resolve().parents[3]
SHOWING = [page for page in pages(ROOT) if any(b.language == "output" for b in read_blocks(page))]


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_printed_is_what_is_shown(page: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed(page, tmp_path) == shown(page)


def shown(page: Path) -> list[tuple[int, str]]:
    return [(each.line, each.text) for each in read_blocks(page) if each.language == "output"]


def printed(page: Path, folder: Path) -> list[tuple[int, str]]:
    """Run a page's Python; return what it printed up to each of its output blocks."""
    blocks = read_blocks(page)
    for block in blocks:
        if block.file is not None:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
    module = types.ModuleType(f"printed_{page.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module
    found, out = [], io.StringIO()
    try:
        for block in blocks:
            if block.runs:
                source = "\n" * (block.line - 1) + block.text
                with redirect_stdout(out):
                    exec(compile(source, str(page), "exec"), module.__dict__)
            elif block.language == "output":
                found.append((block.line, out.getvalue()))
                out = io.StringIO()
    finally:
        del sys.modules[module.__name__]
    return found


def test_there_are_such_pages():
    assert ROOT / "docs/tutorial/your-first-desk.md" in SHOWING
