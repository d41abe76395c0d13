"""Kills the primary under load, promotes its standby, and lets the checker judge what was lost.

    python -m tests.faults.failover [--rounds N] [--clients N] [--fsync]

Clients know both servers by one URL, and ask again what was not answered, under the same keys.
With a synchronous standby nothing that was acknowledged is lost, nothing is there twice. The
control is an asynchronous pair whose standby is cut off before the primary dies: the same checker
finds the loss.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.check_log import Report, check
from tests.faults.crash import DESK, prepare
from tests.faults.workers import program
from tests.rigs.cluster import Cluster
from tests.rigs.postgres import wait_for

__all__ = ["Outcome", "fail_over", "main"]

_LOAD = 1.0  # seconds of work before and after each fail-over


@dataclass
class Outcome:
    """What the clients did, and how it was judged."""

    rounds: int
    report: Report
    done: Counter[str] = field(default_factory=Counter)
    longest_silence: float = 0.0

    def __str__(self) -> str:
        did = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))
        silence = f"longest time without an answer {self.longest_silence:.1f} s"
        return f"{self.rounds} fail-overs; {did}; {silence}\n{self.report}"


def fail_over(
    cluster: Cluster,
    folder: Path,
    *,
    rounds: int,
    clients: int,
    hold: bool = False,
    load: float = _LOAD,
    events: int = 10,
) -> Outcome:
    """Run so many rounds under load, and judge. `hold` cuts the standby off before each.

    Before and after each at least so many `events` are stored.
    """
    prepare(cluster.url)
    with program("failover_team", cluster.url, folder, clients) as working:
        _wait_for_work(cluster, events)
        for left in reversed(range(rounds)):
            _once(cluster, load, events, hold=hold)
            if left:
                cluster.rebuild()
        time.sleep(load)
        working.communicate()  # the end of their input: everybody ends their last command
    assert working.returncode == 0
    return _outcome(cluster, folder, rounds, clients)


def _once(cluster: Cluster, load: float, events: int, *, hold: bool) -> None:
    time.sleep(load)
    if hold:
        cluster.hold()
        _wait_for_work(cluster, events)
    cluster.fail_over()
    _wait_for_work(cluster, events)


def _outcome(cluster: Cluster, folder: Path, rounds: int, clients: int) -> Outcome:
    ledgers = [folder / f"ledger-{number}.jsonl" for number in range(clients)]
    outcome = Outcome(rounds, check(cluster.primary.url, ledgers))
    for number in range(clients):
        told = json.loads((folder / f"done-{number}.json").read_text(encoding="utf-8"))
        outcome.done.update(told["done"])
        outcome.longest_silence = max(outcome.longest_silence, told["longest_silence"])
    return outcome


def _wait_for_work(cluster: Cluster, events: int) -> None:
    """Wait until the primary has taken some more events."""
    query = f"SELECT count(*) FROM omniroute_log WHERE desk_id = '{DESK}'"
    before = cluster.primary.execute(query)[0][0]
    wait_for(lambda: cluster.primary.execute(query)[0][0] > before + events, "clients work")


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds and the control; 1 when anything was lost, or the control found nothing."""
    parser = argparse.ArgumentParser(prog="failover")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--fsync", action="store_true")
    given = parser.parse_args(arguments)
    with Cluster(fsync=given.fsync) as cluster, tempfile.TemporaryDirectory() as folder:
        real = fail_over(cluster, Path(folder), rounds=given.rounds, clients=given.clients)
        sys.stdout.write(f"== synchronous standby: {real}\n")
    with (
        Cluster(synchronous=False, fsync=given.fsync) as cluster,
        tempfile.TemporaryDirectory() as folder,
    ):
        control = fail_over(cluster, Path(folder), rounds=1, clients=given.clients, hold=True)
        sys.stdout.write(f"== control, asynchronous standby cut off: {control}\n")
    return 0 if not real.report.found and control.report.found["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())
