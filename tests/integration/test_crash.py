"""Clients and servers killed with SIGKILL at random points. `make crash` does the same for long."""

from __future__ import annotations

import pytest

from tests.faults.crash import kill_clients, kill_server
from tests.rigs.postgres import Server


@pytest.mark.req("R1", "R4")
def test_killed_clients_leave_nothing_by_half_on_sqlite(tmp_path):
    driver, report = kill_clients(f"sqlite:///{tmp_path}/desk.db", tmp_path, 15)
    assert not report.found, str(report)
    assert driver.repeated >= 15, "each of them died with a command under way"
    assert report.figures["acknowledged"] > 15


@pytest.mark.req("R1", "R4")
def test_killed_clients_leave_nothing_by_half_on_postgres(postgres, tmp_path):
    driver, report = kill_clients(postgres.database("killed_clients"), tmp_path, 6)
    assert not report.found, str(report)
    assert driver.repeated >= 6, "each of them died with a command under way"


def test_the_same_check_finds_what_is_asked_again_under_fresh_keys(tmp_path):
    _, report = kill_clients(f"sqlite:///{tmp_path}/desk.db", tmp_path, 3, same_key=False)
    assert report.found["twice"] >= 1
    assert set(report.found) == {"twice"}


@pytest.mark.req("R1", "R4")
def test_a_killed_server_keeps_what_it_acknowledged(tmp_path):
    with Server() as server:
        driver, report = kill_server(server, tmp_path, 2)
    assert not report.found, str(report)
    assert driver.answered > 2
