"""A desk driven at random through its public face, in virtual time, with a second opinion at every step.

The same machine runs on each store alone, and on two at once, which must agree event for event (X2).
`make fuzz` runs it longer: each test for FUZZ_SECONDS, in stories of FUZZ_STEPS steps.
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.property.desk_machine import DeskMachine, drive
from tests.property.world import memory_store, sqlite_store


class OnMemory(DeskMachine):
    stores: ClassVar = {"memory": memory_store}


class OnSqlite(DeskMachine):
    stores: ClassVar = {"sqlite": sqlite_store}


class OnBoth(DeskMachine):
    stores: ClassVar = {"memory": memory_store, "sqlite": sqlite_store}


@pytest.mark.req("X4", "A10", "R16")
def test_a_desk_in_memory_keeps_its_word() -> None:
    drive(OnMemory, 80)


@pytest.mark.req("X1", "X3", "P18")
def test_a_desk_on_sqlite_keeps_its_word() -> None:
    drive(OnSqlite, 15)


@pytest.mark.req("X2", "P19", "S9")
def test_the_same_story_gives_the_same_log_on_every_store() -> None:
    drive(OnBoth, 15)
