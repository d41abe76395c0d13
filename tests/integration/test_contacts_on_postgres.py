"""Searching contacts on PostgreSQL: the stories of `tests/property` (P17)."""

from __future__ import annotations

import pytest

from tests.property.test_contacts import search_is_looking_at_everybody
from tests.property.world import postgres_store
from tests.rigs.postgres import Server


@pytest.mark.req("P17")
def test_who_is_found_on_postgres_is_whom_looking_at_everybody_finds(postgres: Server) -> None:
    url = postgres.database("people")
    search_is_looking_at_everybody(lambda: postgres_store(url).store, 6)
