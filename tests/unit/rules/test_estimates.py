"""Where one stands in line, and how long it takes from there."""

from __future__ import annotations

import pytest

from omniroute.instants import MINUTE, SECOND
from omniroute.model.assign import AssignPolicy
from omniroute.rules.estimates import estimate, filled, minutes, place_of, served


@pytest.mark.req("P8")
def test_a_gap_counts_only_while_somebody_waited() -> None:
    gaps = served((), None, 0, 40, 10)
    assert gaps == (40,), "the first counts from its own wait"
    gaps = served(gaps, 40, 10, 100, 10)
    assert gaps == (40, 60), "a queue in which somebody waits counts from the service before"
    assert served(gaps, 100, 500, 520, 10) == (40, 60, 20), "nobody waited from 100 to 500"


@pytest.mark.req("P8")
def test_the_history_is_bounded_and_the_latest_stay() -> None:
    assert served((1, 2, 3), 100, 50, 104, 3) == (2, 3, 4)


@pytest.mark.req("P8")
def test_an_estimate_is_the_mean_gap_for_each_position_in_whole_numbers() -> None:
    assert estimate((10, 15), 3) == 37
    assert estimate((), 3) is None, "no data"
    assert estimate((10,), None) is None, "no position"


@pytest.mark.req("P8", "S14")
def test_the_position_counts_from_queue_entry_in_the_order_of_waiting() -> None:
    entries = [
        ("q", "chat", 0, 2, 10, "c_1"),
        ("q", "sms", 0, 2, 5, "c_2"),
        ("q", "chat", 0, 0, 20, "c_3"),
    ]
    mine = ("q", "chat", 0, 2, 10, "c_1")
    assert place_of(mine, entries, AssignPolicy(), 100) == 3, "c_3 returned, c_2 came before"
    assert place_of(mine, entries, AssignPolicy(classes=False), 100) == 2
    ahead = [*entries, ("q", "chat", -1, 2, 99, "c_4")]
    assert place_of(mine, ahead, AssignPolicy(), 100) == 4, "a segment goes in front"


@pytest.mark.req("P8")
@pytest.mark.parametrize(
    "micros, shown", [(0, 1), (1, 1), (MINUTE, 1), (MINUTE + 1, 2), (90 * SECOND, 2)]
)
def test_people_are_told_whole_minutes_rounded_up(micros: int, shown: int) -> None:
    assert minutes(micros) == shown


@pytest.mark.req("P8")
def test_a_sentence_without_a_value_is_left_out() -> None:
    text = "Everybody is busy. You are number {position}. It takes {estimated_wait} min!\nBye"
    known = {"{position}": 3, "{estimated_wait}": 5}
    assert filled(text, known) == ("Everybody is busy. You are number 3. It takes 5 min!\nBye")
    unknown = {"{position}": 3, "{estimated_wait}": None}
    assert filled(text, unknown) == "Everybody is busy. You are number 3.\nBye"
    assert filled("{estimated_wait} min", unknown) == ""
