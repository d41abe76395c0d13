"""A desk with everything switched on, driven at random: see `wide_machine`. `make fuzz` runs it longer."""

from __future__ import annotations

import pytest

from tests.property.desk_machine import drive
from tests.property.wide_machine import WideMachine


class OnSqlite(WideMachine):
    store = "sqlite://"


@pytest.mark.req("R16", "R2", "U49")
def test_a_desk_with_everything_switched_on_keeps_its_word() -> None:
    drive(WideMachine, 20)


@pytest.mark.req("X2", "R7", "S4")
def test_it_does_so_on_a_database() -> None:
    drive(OnSqlite, 4)
