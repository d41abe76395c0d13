"""Random lives of desks that assign, on the stores that need no server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.line_stories import ENTRIES, NAMES, WEIGHTS, Life, stories

EXAMPLES = int(os.environ.get("OMNIROUTE_EXAMPLES", "40"))


@pytest.mark.req("R2", "P2", "A10")
@given(story=stories)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_waits_whom_somebody_with_room_may_take(story: Any) -> None:
    Life(story, "memory://").run()


@pytest.mark.req("R2")
@given(story=stories)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_on_sqlite(story: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path: Path = tmp_path_factory.mktemp("desk") / "desk.db"
    Life(story, f"sqlite:///{path}").run()


MODES = ("plain", "priority", "ageing", "percent", "skills")


@pytest.mark.req("R2", "M3")
@given(
    modes=st.tuples(st.sampled_from(MODES), st.sampled_from(MODES)),
    weights=st.sampled_from([name for name, each in WEIGHTS.items() if not each.reserve]),
    arrivals=st.lists(
        st.tuples(st.sampled_from(ENTRIES), st.integers(0, 90)), min_size=1, max_size=12
    ),
    name=st.sampled_from(NAMES),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_who_comes_takes_the_first_of_all_that_they_may_take(
    modes: Any, weights: str, arrivals: Any, name: str
) -> None:
    life = Life((*modes, weights, ()), "memory://")
    with life.p:
        for number, (entry, seconds) in enumerate(arrivals):
            life.p.contact(f"c{number}", on=entry).writes("Hello")
            life.p.advance(f"{seconds}s") if seconds else None
        life.frees("on", name)
        life.check()
