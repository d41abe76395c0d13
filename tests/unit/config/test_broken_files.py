"""Broken files and, beside each, the exact message that a person sees: all problems at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from omniroute.config import load_config
from omniroute.errors import ConfigError

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(each.name for each in FOLDER.iterdir() if each.suffix != ".txt")


def test_there_are_at_least_twenty_and_each_has_its_message():
    assert len(FILES) >= 20
    assert {each.stem for each in FOLDER.glob("*.txt")} == {Path(name).stem for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_a_person_sees_exactly_this(name: str):
    with pytest.raises(ConfigError) as caught:
        load_config(FOLDER / name)
    expected = (FOLDER / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert str(caught.value).replace(f"{FOLDER}/", "") + "\n" == expected
