"""Processes that race on PostgreSQL. `make races` does the same for long."""

from __future__ import annotations

import pytest

from tests.faults.books import Report
from tests.faults.modes import ModeBooks
from tests.faults.races import race


@pytest.mark.req("R1", "X3")
def test_nothing_is_lost_or_given_twice_or_out_of_turn(postgres, tmp_path):
    url = postgres.database("race")
    outcome = race(url, tmp_path, processes=4, desks=2, assignments=60)
    assert not outcome.report.found, str(outcome.report)
    assert outcome.assignments >= 60
    assert not outcome.done["again: UniqueViolation"], "the desk's lock is what keeps order"
    assert outcome.report.figures["desks"] == 2 + 1  # and the one they warmed up on


@pytest.mark.req("R2", "P4")
def test_neither_is_it_where_every_way_of_assigning_is_on(postgres, tmp_path):
    url = postgres.database("race-modes")
    outcome = race(url, tmp_path, processes=4, desks=1, assignments=80, modes=True)
    assert not outcome.report.found, str(outcome.report)
    assert outcome.assignments >= 60


AGENTS = {"a1": ("tier1", 1), "a2": ("tier2", 3)}


def books(*given):
    """Read events of two agents with room, by their kind, instant and other fields."""
    report = Report()
    read = ModeBooks("desk", report)
    capacity = {"soft_max": 2, "hard_max": 2}
    saved = [
        (
            "agent_saved",
            0,
            {
                "agent": name,
                "leaves": [f"q{n}" for n in range(4)],
                "capacity": capacity,
                "groups": [tier],
                "skills": {"router": router},
            },
        )
        for name, (tier, router) in AGENTS.items()
    ]
    there = [("agent_availability", 0, {"agent": each, "available": True}) for each in AGENTS]
    for position, (kind, at, fields) in enumerate([*saved, *there, *given], 1):
        read.read(position, {"kind": kind, "at": at, "actor": "system", **fields})
    return report.found


def opened(name, queue, at, **routing):
    place = {"entry_point": queue, "contact": name}
    fields = {"conversation": name, "place": place, "queue": queue, "routing": routing}
    return "opened", at, fields


def assigned(name, agent, at):
    return "assigned", at, {"conversation": name, "agent": agent, "source": "queued"}


@pytest.mark.parametrize(
    "given,wrong",
    [
        ([opened("c", "q3", 1), assigned("c", "a2", 2)], {}),
        ([opened("c", "q0", 1), assigned("c", "a2", 2)], {"not entitled": 1}),
        ([opened("c", "q0", 1), assigned("c", "a2", 1_000_001)], {}),
        ([opened("c", "q1", 1, group="tier1"), assigned("c", "a2", 2)], {"not entitled": 1}),
        ([opened("c", "q2", 1), assigned("c", "a1", 2)], {"not entitled": 1}),
        ([opened("c", "q3", 1, sticky="a1"), assigned("c", "a2", 2)], {"not entitled": 1}),
        (
            [opened("c", "q3", 1), opened("d", "q3", 2), assigned("d", "a1", 3)],
            {"left waiting": 2, "out of order": 2},
        ),
    ],
)
def test_the_books_of_the_modes_find_what_they_are_for(given, wrong):
    assert dict(books(*given)) == wrong
