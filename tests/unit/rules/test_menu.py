"""What the menu lists, and what an answer means."""

from __future__ import annotations

import pytest

from omniroute.model.desk_config import QueueNode
from omniroute.rules.menu import Selected, only_leaf, options, read_answer, render

TREE = (
    QueueNode("Deutsch", (QueueNode("Bestellung"), QueueNode("Technik"))),
    QueueNode("English"),
    QueueNode("2"),
)
EVERY = {("Deutsch", "Bestellung"), ("Deutsch", "Technik"), ("English",), ("2",)}


def listed(enabled: set[tuple[str, ...]] = EVERY, path: tuple[str, ...] = ()) -> list[str]:
    return [node.name for node in options(TREE, path, enabled.__contains__)]


def test_it_lists_one_level_in_the_order_of_the_tree() -> None:
    assert listed() == ["Deutsch", "English", "2"]
    assert listed(path=("Deutsch",)) == ["Bestellung", "Technik"]
    assert listed(path=("gone",)) == []


def test_what_nobody_serves_is_not_listed() -> None:
    assert listed({("Deutsch", "Technik")}) == ["Deutsch"]
    assert listed({("Deutsch", "Technik")}, ("Deutsch",)) == ["Technik"]
    assert listed({("English",)}) == ["English"]


def test_lines_are_numbered_from_1() -> None:
    assert render("Please choose.", TREE) == "Please choose.\n1. Deutsch\n2. English\n3. 2"


@pytest.mark.req("U53")
@pytest.mark.parametrize(
    "answer,path",
    [
        ("1", ("Deutsch",)),
        ("01", ("Deutsch",)),
        ("  3 ", ("2",)),
        ("english", ("English",)),
        ("\tENGLISH \n", ("English",)),
        ("deutsch", ("Deutsch",)),
        ("Deutsch!", ("Deutsch",)),
        ("*ｄｅｕｔｓｃｈ*", ("Deutsch",)),
        ("Deu\u200btsch", ("Deutsch",)),
    ],
)
def test_an_answer_chooses_by_number_or_title(answer: str, path: tuple[str, ...]) -> None:
    selected = read_answer(answer, TREE, ())
    assert selected is not None
    assert selected.path == path


@pytest.mark.req("U53")
def test_a_number_beats_a_title_of_digits() -> None:
    assert read_answer("2", TREE, ()) == Selected(("English",), is_leaf=True)


@pytest.mark.req("U53")
@pytest.mark.parametrize(
    "answer",
    [
        "0",
        "4",
        "-1",
        "1.0",
        "١",
        "１",
        "²",
        "1 2",
        "Deut",
        "Deutsch?s",
        "",
        "   ",
        None,
        "9" * 5000,
    ],
)
def test_any_other_answer_chooses_nothing(answer: str | None) -> None:
    assert read_answer(answer, TREE, ()) is None


@pytest.mark.req("U53")
def test_a_branch_is_told_from_a_leaf() -> None:
    assert read_answer("1", TREE, ()) == Selected(("Deutsch",), is_leaf=False)
    below = TREE[0].children
    assert read_answer("technik", below, ("Deutsch",)) == Selected(
        ("Deutsch", "Technik"), is_leaf=True
    )


@pytest.mark.req("U58")
@pytest.mark.parametrize(
    "enabled,expected",
    [
        ({("Deutsch", "Technik")}, ("Deutsch", "Technik")),
        ({("English",)}, ("English",)),
        ({("English",), ("2",)}, None),
        (set(), None),
    ],
)
def test_one_enabled_leaf_leaves_nothing_to_choose(
    enabled: set[tuple[str, ...]], expected: tuple[str, ...] | None
) -> None:
    assert only_leaf(TREE, enabled.__contains__) == expected
