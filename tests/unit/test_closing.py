"""What a `with` block gives, and what happens where it ends."""

from __future__ import annotations

from typing import assert_type

import pytest

from omniroute.closing import Block, Closes


class Noting(Block):
    def __init__(self) -> None:
        self.ended: list[bool] = []

    def _leave(self, *, raised: bool) -> None:
        self.ended.append(raised)


class Tap(Closes):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_block_gives_the_thing_itself_and_is_told_of_its_end() -> None:
    noting = Noting()
    with noting as given:
        assert_type(given, Noting)
        assert given is noting
        assert noting.ended == []
    assert noting.ended == [False]


def test_an_error_goes_on_and_is_told_of() -> None:
    noting = Noting()
    with pytest.raises(KeyError), noting:
        raise KeyError
    assert noting.ended == [True]


def test_what_closes_is_closed_however_its_block_ended() -> None:
    with Tap() as first:
        assert_type(first, Tap)
        assert first.closed == 0
    second = Tap()
    with pytest.raises(KeyError), second:
        raise KeyError
    assert (first.closed, second.closed) == (1, 1)
