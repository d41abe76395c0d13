from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.channels.text import split_text


def test_what_fits_stays_as_it_is() -> None:
    assert split_text("  as it is\n", 11) == ["  as it is\n"]


@pytest.mark.parametrize("text", ["", " ", "\n\t ", " " * 50])
def test_blank_text_has_no_parts(text: str) -> None:
    assert split_text(text, 10) == []


@pytest.mark.parametrize(
    "text, parts",
    [
        ("one two\n\nthree four five", ["one two", "three four five"]),
        ("one two\nthree four five", ["one two", "three four five"]),
        ("One two. Three four five", ["One two.", "Three four five"]),
        ("one two three four five", ["one two three", "four five"]),
        ("x" * 40, ["x" * 16, "x" * 16, "x" * 8]),
        ("a b" + "c" * 30, ["a b" + "c" * 13, "c" * 16, "c"]),
    ],
)
def test_it_parts_at_the_gentlest_place(text: str, parts: list[str]) -> None:
    assert split_text(text, 16) == parts


@pytest.mark.parametrize("cluster", ["e\u0301", "👍🏽", "👩\u200d🚀", "❤\ufe0f"])
def test_what_is_one_character_to_a_reader_is_not_torn(cluster: str) -> None:
    parts = split_text(cluster * 20, len(cluster) * 3 + 1)
    assert "".join(parts) == cluster * 20
    assert all(part.startswith(cluster[0]) for part in parts)


@given(
    text=st.text(alphabet="ab.!?\n \t\u0301\u200d👍🏽", max_size=200) | st.text(max_size=200),
    limit=st.integers(1, 50),
)
def test_nothing_is_cut_but_white_space_at_the_seams(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(part.strip() and len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
