"""One story on every store, PostgreSQL among them: the same log and the same values (X2)."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.property.desk_machine import DeskMachine, drive
from tests.property.world import STORES, postgres_store
from tests.rigs.postgres import Server


@pytest.mark.req("X2", "R16", "X5")
def test_the_same_story_gives_the_same_log_and_the_same_values_on_every_store(
    postgres: Server,
) -> None:
    url = postgres.database("story")

    class Everywhere(DeskMachine):
        stores: ClassVar = {**STORES, "postgres": lambda _: postgres_store(url)}

    drive(Everywhere, 2)
