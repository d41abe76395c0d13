"""Ids: never given twice, and the same again when a transaction runs again."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from omniroute.ids import Draw, RandomIds, SeededIds

FORM = re.compile(r"c_[0-9a-hjkmnp-tv-z]{20}", re.ASCII)


def test_random_ids_are_safe_in_urls_and_say_their_kind() -> None:
    drawn = [RandomIds().next("c") for _ in range(1_000)]
    assert len(set(drawn)) == 1_000
    assert all(FORM.fullmatch(each) for each in drawn)


def test_every_position_of_a_random_id_is_random() -> None:
    drawn = [RandomIds().next("c")[2:] for _ in range(200)]
    assert all(len(set(position)) > 10 for position in zip(*drawn, strict=True))


FORKED = """
import os
from omniroute.ids import RandomIds
RandomIds().next("c")
child = os.fork()
if child:
    os.waitpid(child, 0)
print(RandomIds().next("c"), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_and_its_fork_draw_ids_of_their_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, check=True, text=True
    )
    child, parent = done.stdout.split()
    assert child != parent


def test_seeded_ids_count_by_kind_and_agree() -> None:
    one, other = SeededIds("x"), SeededIds("x")
    assert [one.next("c"), one.next("m"), one.next("c")] == ["c_x1", "m_x1", "c_x2"]
    assert other.next("c") == "c_x1"


@pytest.mark.req("X2")
def test_a_draw_gives_the_same_ids_again_after_a_rewind() -> None:
    draw = Draw(SeededIds())
    first = [draw.next("p"), draw.next("c"), draw.next("m")]
    draw.rewind()
    assert [draw.next("p"), draw.next("c"), draw.next("m")] == first
    assert draw.next("m") == "m_2"


def test_a_try_that_takes_another_way_gets_fresh_ids_from_there_on() -> None:
    draw = Draw(SeededIds())
    first = [draw.next("m"), draw.next("c"), draw.next("m")]
    draw.rewind()
    second = [draw.next("m"), draw.next("m"), draw.next("c")]
    assert second[0] == first[0]
    assert not set(second[1:]) & set(first)
    draw.rewind()
    assert [draw.next("m"), draw.next("m"), draw.next("c")] == second
