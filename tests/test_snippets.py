"""Every Python block of README, CONTRIBUTING and the documentation runs as it is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.snippets import PageError, read_blocks, run_page

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(
        page
        for page in (ROOT / "docs").rglob("*.md")
        if "_build" not in page.relative_to(ROOT).parts
    ),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path)


def written(folder, text):
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def test_blocks_of_one_page_share_a_namespace_and_their_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = written(
        tmp_path,
        "```python\nfrom pathlib import Path\ntext = Path('conf/desk.toml').read_text()\n```\n"
        "words\n\n```toml\n# file: conf/desk.toml\nzone = 'UTC'\n```\n"
        "```console\n$ false\n```\n"
        "1. in a list\n\n   ```python\n   assert text.endswith(\"zone = 'UTC'\\n\")\n   ```\n",
    )
    assert run_page(page, tmp_path) == 2


def test_a_failing_block_fails_and_points_into_the_page(tmp_path):
    page = written(tmp_path, "# Title\n\n```python\n\nraise LookupError('here')\n```\n")
    with pytest.raises(LookupError, match="here") as caught:
        run_page(page, tmp_path)
    last = caught.traceback[-1]
    assert (Path(last.path), last.lineno + 1) == (page, 5)


def test_a_block_is_left_out_only_for_a_reason(tmp_path):
    page = written(tmp_path, "<!-- not run: needs a server -->\n\n```python\n1/0\n```\n")
    assert run_page(page, tmp_path) == 0
    with pytest.raises(PageError, match="needs a reason"):
        read_blocks(written(tmp_path, "<!-- not run: -->\n```python\n1/0\n```\n"))


def test_the_reason_holds_for_the_next_block_only(tmp_path):
    text = "<!-- not run: slow -->\n```python\n1/0\n```\n\n```python\n1/0\n```\n"
    with pytest.raises(ZeroDivisionError):
        run_page(written(tmp_path, text), tmp_path)


def test_a_longer_fence_may_hold_a_shorter_one(tmp_path):
    (block,) = read_blocks(written(tmp_path, "````markdown\n```python\n1/0\n```\n````\n"))
    assert (block.language, block.runs) == ("markdown", False)


@pytest.mark.parametrize(
    "text,message",
    [
        ("```python\n1\n", "not closed"),
        ("```toml\nzone = \n```\n", "not TOML"),
        ("```toml\n# file: ../desk.toml\n```\n", "plain relative path"),
        ("```pycon\n>>> 1\n```\n", "write pycon as python"),
    ],
)
def test_a_page_that_breaks_the_rules_is_refused(tmp_path, text, message):
    with pytest.raises(PageError, match=message):
        read_blocks(written(tmp_path, text))
