from __future__ import annotations

import pytest

from omniroute.model.desk_config import QueueNode
from omniroute.rules.queue_tree import children, find, leaves, matching, pattern_problem, walk

TREE = (
    QueueNode(
        "Deutsch",
        (QueueNode("Bestellung"), QueueNode("Technik", (QueueNode("Router"), QueueNode("Mobil")))),
    ),
    QueueNode("English", (QueueNode("Orders"), QueueNode("Technik"))),
    QueueNode("Other"),
)
LEAVES = (
    "general/Deutsch/Bestellung",
    "general/Deutsch/Technik/Router",
    "general/Deutsch/Technik/Mobil",
    "general/English/Orders",
    "general/English/Technik",
    "general/Other",
)


def test_leaves_come_in_tree_order_with_their_full_paths():
    assert leaves("general", TREE) == LEAVES


def test_an_inbox_without_a_tree_is_one_leaf():
    assert leaves("vip", ()) == ("vip",)


def test_every_node_is_walked_over_parents_first():
    assert [path for path, _ in walk("", TREE)][:4] == [
        "Deutsch",
        "Deutsch/Bestellung",
        "Deutsch/Technik",
        "Deutsch/Technik/Router",
    ]


def test_a_node_is_found_by_its_path_inside_the_inbox():
    technik = find(TREE, "Deutsch/Technik")
    assert technik is not None
    assert [node.name for node in technik.children] == ["Router", "Mobil"]
    assert find(TREE, "Technik") is None
    assert find(TREE, "deutsch") is None
    assert find(TREE, "Deutsch/Technik/Router/X") is None
    assert find(TREE, "") is None


def test_children_of_the_top_of_a_branch_and_of_nothing():
    assert [node.name for node in children(TREE)] == ["Deutsch", "English", "Other"]
    assert [node.name for node in children(TREE, "English")] == ["Orders", "Technik"]
    assert children(TREE, "Other") == ()
    assert children(TREE, "Nowhere") == ()


@pytest.mark.parametrize(
    "pattern,expected",
    [
        ("general/Other", LEAVES[5:]),
        ("general/Deutsch/**", LEAVES[:3]),
        ("general/**", LEAVES),
        ("**", LEAVES),
        ("general/Other/**", LEAVES[5:]),
        ("general/*/Technik", LEAVES[4:5]),
        ("general/*/Technik/**", LEAVES[1:3] + LEAVES[4:5]),
        ("general/*", LEAVES[5:]),
        ("*/*/*", (LEAVES[0], LEAVES[3], LEAVES[4])),
        ("general/deutsch/**", ()),
        ("general/Deutsch", ()),
        ("general/Deutsch/Tech*", ()),
        ("general/**/Technik", ()),
        ("", ()),
        ("general/Other/", ()),
    ],
)
def test_a_pattern_matches_whole_names(pattern: str, expected: tuple[str, ...]):
    assert matching(pattern, LEAVES) == expected


@pytest.mark.parametrize(
    "pattern,problem",
    [
        ("general/Other", None),
        (
            "general/Deutsch",
            (
                '"general/Deutsch" is a branch, and agents serve leaves only;'
                ' write "general/Deutsch/**"'
            ),
        ),
        ("general/**/Mobil", '"general/**/Mobil": ** stands at the end only'),
        (
            "general/other",
            (
                'no queue is named "general/other"; did you mean "general/Other"? Known are'
                ' "general/Deutsch/Bestellung", "general/Deutsch/Technik/Router",'
                ' "general/Deutsch/Technik/Mobil", "general/English/Orders",'
                ' "general/English/Technik" and "general/Other"'
            ),
        ),
    ],
)
def test_a_pattern_must_name_a_leaf(pattern: str, problem: str | None):
    assert pattern_problem(pattern, LEAVES) == problem


def test_a_hostile_pattern_costs_no_more_than_its_length():
    deep = ("a/" * 5_000 + "b",)
    assert matching("*/" * 5_000 + "c", deep) == ()
    assert matching("*/" * 5_000 + "**", deep) == deep
