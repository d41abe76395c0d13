"""Tests that a page shows are run as its reader would run them: pass, or fail as the page says.

They are the blocks whose first line is `# file: test_NAME.py`. Those named `test_wrong…` are there
to fail, and the text that the page shows of their report stands in it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.pages import pages
from tools.snippets import Block, read_blocks

ROOT = Path(__file__).resolve().parents[3]


def shown_tests(page: Path) -> list[str]:
    names = [block.file or "" for block in read_blocks(page)]
    return sorted(name for name in names if name.startswith("test_"))


PAGES = [page for page in pages(ROOT) if shown_tests(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_s_tests_do_what_it_says(page: Path, tmp_path: Path):
    blocks = read_blocks(page)
    for block in blocks:
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *shown_tests(page)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    results = re.findall(r"^(PASSED|FAILED|ERROR) (test_\w+\.py)", done.stdout, re.MULTILINE)
    wrong = {name for name in shown_tests(page) if name.startswith("test_wrong")}
    told = {(name, "FAILED" if name in wrong else "PASSED") for name in shown_tests(page)}
    assert {(name, result) for result, name in results} == told, done.stdout + done.stderr
    assert not wrong or report_of(blocks) in done.stdout


def report_of(blocks: list[Block]) -> str:
    """Return the text that the page shows below the test that is wrong."""
    wrong = next(i for i, block in enumerate(blocks) if (block.file or "").startswith("test_wrong"))
    return next(block.text for block in blocks[wrong:] if block.language == "text")


def test_there_are_such_pages():
    assert ROOT / "docs/tutorial/testing-your-helpdesk.md" in PAGES
