"""A primary that dies under load, and its standby. `make failover` does the same for long."""

from __future__ import annotations

import pytest

from tests.faults.failover import fail_over
from tests.rigs.cluster import Cluster


@pytest.mark.req("R1", "R4")
def test_a_synchronous_standby_takes_over_without_loss(tmp_path):
    with Cluster() as cluster:
        outcome = fail_over(cluster, tmp_path, rounds=1, clients=2, load=0.3, events=80)
    assert not outcome.report.found, str(outcome.report)
    assert outcome.report.figures["acknowledged"] > 20


def test_the_same_check_finds_what_an_asynchronous_standby_loses(tmp_path):
    with Cluster(synchronous=False) as cluster:
        outcome = fail_over(cluster, tmp_path, rounds=1, clients=2, load=0.1, events=20, hold=True)
    assert outcome.report.found["lost"] > 0
    assert not outcome.report.found["half"], str(outcome.report)
