"""Menus over any tree, against a reading of the rules that looks at every leaf."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.model.desk_config import QueueNode
from omniroute.rules import queue_tree
from omniroute.rules.menu import only_leaf, options, read_answer, render
from omniroute.rules.words import normalized
from tests.property.book import Book, Entry
from tests.property.oracle import Oracle, Person

NAMES = st.sampled_from(["Deutsch", "English", "Technik", "1", "02", "Straße", "STRASSE", "İ", "x"])
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.just({}), lambda below: st.dictionaries(NAMES, below, max_size=4), max_leaves=10
)
ANSWERS = st.one_of(
    st.none(),
    NAMES,
    NAMES.map(str.upper),
    NAMES.map(lambda name: f"  {name.lower()}\n"),
    st.integers(-1, 12).map(str),
    st.integers(0, 12).map(lambda number: f"00{number}"),
    st.sampled_from(["１", "²", "٣", "1.", "1 2", "+1", "9" * 5000, "\x00", "\ud800", ""]),
    st.text(max_size=5),
)


def nodes(tree: dict[str, Any]) -> tuple[QueueNode, ...]:
    return tuple(QueueNode(name, nodes(below)) for name, below in tree.items())


def distinct(tree: dict[str, Any]) -> bool:
    """Whether no two queues beside each other have one name, as a configuration must (its checks)."""
    folded = [normalized(name) for name in tree]
    return len(set(folded)) == len(folded) and all(distinct(below) for below in tree.values())


@st.composite
def menus(draw: st.DrawFn) -> tuple[Oracle, tuple[str, ...]]:
    """A tree with agents on some leaves, and the path of a branch in it."""
    tree = draw(TREES.filter(lambda tree: bool(tree) and distinct(tree)))
    book = Book(
        preset=None,
        trees={"inbox": tree},
        entries={"main": Entry(channel="chat", address="main", inbox="inbox", sla=1)},
        groups={},
        layers={},
        limits=(1, 1, 1),
    )
    oracle = Oracle(book)
    leaves = draw(st.lists(st.sampled_from(book.leaves("inbox")), unique=True))
    if leaves:
        oracle.staff["ana"] = Person(id="ana", leaves=leaves, soft=1, hard=1, idle_since=0)
    path: tuple[str, ...] = ()
    while draw(st.booleans()):
        branches = [name for name, below in book.node("inbox", path).items() if below]
        if not branches:
            break
        path = (*path, draw(st.sampled_from(branches)))
    return oracle, path


def listed(oracle: Oracle, path: tuple[str, ...]) -> tuple[QueueNode, ...]:
    enabled = {tuple(leaf.split("/")[1:]) for leaf in oracle.enabled("inbox")}
    return options(nodes(dict(oracle.book.trees["inbox"])), path, enabled.__contains__)


@given(menus())
def test_a_menu_lists_what_leads_to_an_agent_in_the_order_of_the_tree(
    menu: tuple[Oracle, tuple[str, ...]],
) -> None:
    oracle, path = menu
    names = [node.name for node in listed(oracle, path)]
    assert names == oracle.listed("inbox", path)
    lines = render("Choose.", listed(oracle, path)).splitlines()
    assert lines == ["Choose.", *(f"{n}. {name}" for n, name in enumerate(names, start=1))]


@given(menus(), ANSWERS)
def test_an_answer_leads_where_its_number_or_title_stands(
    menu: tuple[Oracle, tuple[str, ...]], answer: str | None
) -> None:
    oracle, path = menu
    found = read_answer(answer, listed(oracle, path), path)
    names = oracle.listed("inbox", path)
    said = (answer or "").strip()
    wanted = None
    if said and all(digit in "0123456789" for digit in said) and len(said) < 10:
        wanted = dict(enumerate(names, start=1)).get(int(said))
    if wanted is None:
        same = [name for name in names if normalized(name) == normalized(said)]
        same = same if said in names or not normalized(said).isdigit() else []
        wanted = same[0] if same else None
    if wanted is None:
        assert found is None
        return
    assert found is not None
    assert found.path == (*path, wanted)
    assert found.is_leaf == (not oracle.book.node("inbox", found.path))


@given(menus())
def test_every_leaf_with_agents_can_be_reached_by_numbers_and_no_other(
    menu: tuple[Oracle, tuple[str, ...]],
) -> None:
    oracle, _ = menu
    reached: set[str] = set()
    ahead: list[tuple[str, ...]] = [()]
    while ahead:
        path = ahead.pop()
        offered = listed(oracle, path)
        assert offered, "a branch that leads nowhere was offered"
        for number in range(1, len(offered) + 1):
            found = read_answer(str(number), offered, path)
            assert found is not None
            if found.is_leaf:
                reached.add("/".join(("inbox", *found.path)))
            else:
                ahead.append(found.path)
    assert reached == set(oracle.enabled("inbox"))


@given(menus())
def test_one_leaf_with_agents_needs_no_menu(menu: tuple[Oracle, tuple[str, ...]]) -> None:
    oracle, _ = menu
    enabled = {tuple(leaf.split("/")[1:]) for leaf in oracle.enabled("inbox")}
    found = only_leaf(nodes(dict(oracle.book.trees["inbox"])), enabled.__contains__)
    assert found == (next(iter(enabled)) if len(enabled) == 1 else None)


PATTERNS = st.lists(st.one_of(NAMES, st.just("*")), max_size=3).flatmap(
    lambda steps: st.sampled_from([steps, [*steps, "**"]])
)


@pytest.mark.req("R16")
@given(menus(), PATTERNS)
def test_patterns_name_leaves_by_whole_steps(
    menu: tuple[Oracle, tuple[str, ...]], steps: list[str]
) -> None:
    oracle, _ = menu
    pattern = "/".join(["inbox", *steps])
    leaves = oracle.book.leaves()
    assert list(queue_tree.matching(pattern, leaves)) == oracle.book.served([pattern], [])
