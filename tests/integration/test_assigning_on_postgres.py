"""Random lives of desks that assign, on PostgreSQL: the stories of `tests/property` (R2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property.line_stories import Life, stories
from tests.property.world import postgres_store
from tests.rigs.postgres import Server


@pytest.mark.req("R2", "P2")
def test_nobody_waits_on_postgres_whom_somebody_with_room_may_take(postgres: Server) -> None:
    url = postgres.database("lines")

    @given(story=stories)
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    def live(story: Any) -> None:
        Life(story, postgres_store(url).store).run()

    live()
