"""Processes that race on PostgreSQL. `make races` does the same for long."""

from __future__ import annotations

import pytest

from tests.faults.races import race


@pytest.mark.req("R1", "X3")
def test_nothing_is_lost_or_given_twice_or_out_of_turn(postgres, tmp_path):
    url = postgres.database("race")
    outcome = race(url, tmp_path, processes=4, desks=2, assignments=60)
    assert not outcome.report.found, str(outcome.report)
    assert outcome.assignments >= 60
    assert not outcome.done["again: UniqueViolation"], "the desk's lock is what keeps order"
    assert outcome.report.figures["desks"] == 2 + 1  # and the one they warmed up on
