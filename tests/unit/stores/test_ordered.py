"""Sorted entries in memory, beside plain sorted lists."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.stores.memory.ordered import TOP, Chunked, Entries

MANY = 5_000


def shuffled(entries: list[Any]) -> list[Any]:
    return random.Random(4).sample(entries, len(entries))


def test_top_is_above_everything() -> None:
    for other in ("", "\U0010ffff", 2**70, ("x",)):
        assert not other > TOP
        assert other < TOP
    assert sorted([("a", 1), ("b",)]) == sorted([("b",), ("a", 1)])
    assert ("a", TOP) > ("a", "z")
    assert repr(TOP) == "TOP"


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_entries_come_and_go_in_order(depth: int) -> None:
    wanted = [(f"p{i % 3}", f"q{i % 7}", i) for i in range(MANY)]
    entries = Entries(depth)
    for entry in shuffled(wanted):
        entries.add(entry)
    wanted.sort()
    assert entries.size == MANY
    assert entries.scan((), limit=MANY) == wanted
    assert entries.scan((), limit=MANY, reverse=True) == wanted[::-1]
    for entry in shuffled(wanted):
        entries.remove(entry)
    assert entries.scan((), limit=9) == []
    assert entries.size == 0
    assert entries.first(()) is None


def test_a_long_run_is_cut_and_joined() -> None:
    """Nothing moves the whole list; taking from the head or thinning out leaves no crumbs."""
    run = Chunked([])
    for number in shuffled(list(range(MANY))):
        run.add((number,))
    chunks = run._chunks
    assert max(map(len, chunks)) <= 1024
    assert len(chunks) <= MANY // 256
    for number in range(MANY - 100):
        run.remove((number,))
    assert list(run) == [(number,) for number in range(MANY - 100, MANY)]
    assert len(run._chunks) <= 2
    for number in range(MANY):
        run.add((number, "again"))
    for number in range(MANY):
        if number % 50:
            run.remove((number, "again"))
    assert len(run._chunks) <= 4
    assert run.count((0,), (MANY,)) == len(run) == 200


@pytest.mark.parametrize("count", [3, MANY])
@pytest.mark.parametrize("depth", [0, 1])
def test_what_is_not_there_cannot_be_removed(count: int, depth: int) -> None:
    entries = Entries(depth, [("p", number) for number in range(0, 2 * count, 2)])
    for missing in (("p", 1), ("p", 2 * count), ("q", 0), ("p", -1)):
        with pytest.raises(KeyError):
            entries.remove(missing)
    assert entries.size == count


FIELDS = st.tuples(
    st.sampled_from(["", "a", "b", "ä"]), st.sampled_from(["x", "y"]), st.integers(-2, 2)
)


@given(
    depth=st.integers(0, 2),
    entries=st.sets(FIELDS, max_size=12),
    bounds=st.tuples(FIELDS, FIELDS, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    limit=st.integers(0, 5),
    reverse=st.booleans(),
)
def test_scans_agree_with_a_sorted_list(
    depth: int,
    entries: set[tuple[Any, ...]],
    bounds: tuple[Any, Any, int, int, int],
    limit: int,
    reverse: bool,
) -> None:
    one, other, fixed, first, second = bounds
    prefix = one[:fixed]
    after = one[fixed : fixed + first] or None
    until = other[fixed : fixed + second] or None
    found = Entries(depth, entries).scan(
        prefix, after=after, until=until, limit=limit, reverse=reverse
    )
    sign = -1 if reverse else 1

    def beyond(rest: tuple[Any, ...], bound: tuple[Any, ...]) -> bool:
        rest = rest[: len(bound)]
        return sign * ((rest > bound) - (rest < bound)) > 0

    wanted = [
        entry
        for entry in sorted(entries, reverse=reverse)
        if entry[:fixed] == prefix
        and (after is None or beyond(entry[fixed:], after))
        and (until is None or not beyond(entry[fixed:], until))
    ]
    assert found == wanted[:limit]
    assert Entries(depth, entries).count(prefix) == sum(e[:fixed] == prefix for e in entries)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_who_is_first_below_a_prefix_is_never_remembered_too_long(depth: int) -> None:
    chance, entries, held = random.Random(depth), Entries(depth), set[Any]()
    asked: set[Any] = {(), ("q", 0), ("q", 0, 1)}
    for _ in range(300):
        entry = ("q", chance.randrange(2), chance.randrange(3), chance.randrange(6))
        asked.add(entry[: chance.randrange(40)])
        if entry in held:
            held.remove(entry)
            entries.remove(entry)
        else:
            held.add(entry)
            entries.add(entry)
        order = sorted(asked)
        wanted = [
            min((each for each in held if each[: len(prefix)] == prefix), default=None)
            for prefix in order
        ]
        assert entries.firsts(order) == wanted
        assert [entries.first(prefix) for prefix in order] == wanted
    for entry in held:
        entries.remove(entry)
    assert entries.firsts(order) == [None] * len(order)


def test_who_is_first_of_a_long_run_is_known_while_it_empties() -> None:
    """Two classes of a lane; those of the first leave it one by one, then those of the second."""
    wanted = [("q", "lane", 2 * number // (3 * MANY), number) for number in range(0, 3 * MANY, 3)]
    entries = Entries(2, wanted)
    # Into the second chunk, until it is too full to take in what is left of the first.
    for late in (number for number in range(1537, 2305) if number % 3):
        wanted.append(("q", "lane", 0, late))
        entries.add(wanted[-1])
    wanted.sort()
    lane, *classes = [("q", "lane"), ("q", "lane", 0), ("q", "lane", 1)]
    ones = [each for each in wanted if each[2] == 1]
    for first in wanted:
        zero, one = (first, ones[0]) if first[2] == 0 else (None, first)
        assert entries.firsts([lane, *classes]) == [first, zero, one]
        entries.remove(first)
    assert entries.firsts([lane, *classes]) == [None] * 3


def test_answers_are_forgotten_before_they_are_too_many() -> None:
    entries = Entries(1, [("p", number, 0) for number in range(20_000)])
    for number in range(20_000):
        assert entries.first(("p", number)) == ("p", number, 0)
    assert len(entries._firsts) < 20_000
    entries.remove(("p", 3, 0))
    assert entries.first(("p", 3)) is None
