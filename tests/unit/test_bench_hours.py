"""The hours benchmark compares like with like: all give the same answers to what it asks."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

import omniroute as om
from benchmarks.bench_hours import AMOUNTS, DAYS, HOLIDAYS, HOURS, ZONE, core, lists, peers, starts
from omniroute.instants import HOUR, to_micros

PEERS = ("businesstimedelta", "pandas", "worktimecalc")
ASKED = starts(12, seed=0)


@pytest.fixture
def calendars():
    for each in PEERS:
        pytest.importorskip(each, reason=f"a peer: pip install {each}")
    return peers()


@pytest.mark.parametrize("amount", AMOUNTS.values(), ids=list(AMOUNTS))
def test_all_give_the_same_due_date(calendars, amount):
    delta = timedelta(microseconds=amount)
    due_after, _ = calendars.by_businesstimedelta(ZONE, HOLIDAYS)
    bare = calendars.bare_due(lists(core()))
    for at in ASKED[:3] if amount > 100 * HOUR else ASKED:
        expected = HOURS.due(at, delta)
        assert due_after(delta)(at) == expected
        assert (
            core().due(to_micros(at), amount) == bare(to_micros(at), amount) == to_micros(expected)
        )
        if amount >= HOUR:
            assert calendars.by_pandas(HOLIDAYS, amount // HOUR)(at) == expected


@pytest.mark.parametrize("days", DAYS)
def test_all_count_the_same_elapsed_time(calendars, days):
    plain = om.hours({"mon-fri": "08:00-18:00", "holidays": HOLIDAYS}, zone="UTC")
    by_worktimecalc = calendars.by_worktimecalc(HOLIDAYS)
    _, by_businesstimedelta = calendars.by_businesstimedelta(ZONE, HOLIDAYS)
    bare = calendars.bare_elapsed(lists(core()))
    for at in ASKED[:3]:
        end = at + timedelta(days=days)
        first, last = to_micros(at), to_micros(end)
        counted = HOURS.elapsed(at, end)
        assert timedelta(microseconds=core().elapsed(first, last)) == counted
        assert bare(first, last) == core().elapsed(first, last)
        assert by_businesstimedelta(at, end) == counted
        first_utc, last_utc = (each.astimezone(UTC) for each in (at, end))
        theirs = by_worktimecalc(first_utc.replace(tzinfo=None), last_utc.replace(tzinfo=None))
        assert theirs.seconds == plain.elapsed(first_utc, last_utc).total_seconds()
