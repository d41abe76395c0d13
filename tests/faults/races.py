"""Lets processes race on one desk and on many, and lets the checker judge the log.

    python -m tests.faults.races [--assignments N] [--processes 1 2 4 8] [--desks 1 64] [--fsync] [--modes]

N is over all combinations of process and desk counts. Prints how fast each was. With `--modes` every way
of assigning is on: cascades, shares, skills, contacts who return to their agent.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.books import Books
from tests.faults.check_log import Report, check
from tests.faults.modes import ModeBooks
from tests.faults.office import office, open_desks
from tests.faults.workers import program
from tests.rigs.postgres import Server

__all__ = ["Race", "main", "race"]

_SOFT_MAX = 2
_LONE = (12, 4)  # agents and queues of the one hot desk
_MANY = (3, 2)  # and of each of many
_BACKLOG = 1.5  # so many conversations are open for each that agents have room for


@dataclass
class Race:
    """What came of one race."""

    processes: int
    desks: int
    seconds: float
    done: Counter[str]
    report: Report

    @property
    def assignments(self) -> int:
        """How many conversations were given to agents."""
        return self.report.figures["assignments"]

    def __str__(self) -> str:
        rate = self.assignments / self.seconds
        commands = sum(self.done[what] for what in ("receive", "reply", "end", "available"))
        refused = sum(count for what, count in self.done.items() if what.startswith("refused"))
        return (
            f"{self.processes:9} {self.desks:6} {self.assignments:12} {self.seconds:8.1f}"
            f" {rate:9.0f} {commands / self.seconds:9.0f} {refused:8}"
            f" {sum(self.report.found.values()):6}"
        )


HEADER = "processes  desks  assignments  seconds  assign/s  command/s refused   wrong"


def race(
    url: str, folder: Path, *, processes: int, desks: int, assignments: int, modes: bool = False
) -> Race:
    """Run one race on an empty database; with `modes`, where every way of assigning is on."""
    names = [f"desk-{number:02}" for number in range(desks)]
    agents, queues = _LONE if desks == 1 else _MANY
    _prepare(url, names, agents, queues, modes=modes)
    quota = math.ceil(assignments / processes)
    keep_open = math.ceil(desks * agents * _SOFT_MAX * _BACKLOG / processes)
    seconds = _run(url, folder, processes, quota, keep_open, *names)
    _finish(url, names)
    done: Counter[str] = Counter()
    for number in range(processes):
        done.update(json.loads((folder / f"done-{number}.json").read_text(encoding="utf-8")))
    ledgers = [folder / f"ledger-{number}.jsonl" for number in range(processes)]
    books = ModeBooks if modes else Books
    return Race(processes, desks, seconds, done, check(url, ledgers, books=books))


def _prepare(url: str, names: list[str], agents: int, queues: int, *, modes: bool) -> None:
    with open_desks(url) as store:
        for name in names:
            config = office(
                name, agents=agents, queues=queues, soft_max=_SOFT_MAX, sla="2s", modes=modes
            )
            desk = store.create(config)
            for agent in desk.staff.list():
                desk.set_available(agent.id)


def _run(*arguments: object) -> float:
    """Start everybody at once, wait for all, and return how many seconds they took."""
    with program("race_team", *arguments) as racers:
        assert racers.stdout is not None
        assert racers.stdout.readline() == "ready\n"
        began = time.monotonic()
        racers.communicate("go\n")
        assert racers.returncode == 0
    return time.monotonic() - began


def _finish(url: str, names: list[str]) -> None:
    """End what is held until nobody waits: everybody gets their turn."""
    with open_desks(url) as store:
        for name in names:
            desk = store[name]
            agents = [agent.id for agent in desk.staff.list()]
            for agent in agents:
                desk.set_available(agent)
            while open_ones := desk.conversations(limit=50).items:
                desk.tick()  # time may open a wait to more of them
                for each in open_ones:
                    if each.agent is not None:
                        desk.end(each.id, by=each.agent)


def main(arguments: list[str] | None = None) -> int:
    """Run every combination; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="races")
    parser.add_argument("--assignments", type=int, default=50_000)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--desks", type=int, nargs="*", default=[1, 64])
    parser.add_argument("--fsync", action="store_true")
    parser.add_argument("--modes", action="store_true")
    given = parser.parse_args(arguments)
    each = math.ceil(given.assignments / (len(given.processes) * len(given.desks)))
    races = []
    sys.stdout.write(HEADER + "\n")
    with Server(fsync=given.fsync) as server, tempfile.TemporaryDirectory() as folder:
        for desks in given.desks:
            for processes in given.processes:
                url = server.database(f"race_{desks}_{processes}")
                how = {"processes": processes, "desks": desks, "modes": given.modes}
                one = race(url, Path(folder), assignments=each, **how)
                races.append(one)
                sys.stdout.write(f"{one}\n")
                if one.report.found:
                    sys.stdout.write(f"{one.report}\n")
                sys.stdout.flush()
    return _sum_up(races)


def _sum_up(races: list[Race]) -> int:
    total, found, done = 0, Counter[str](), Counter[str]()
    for one in races:
        total += one.assignments
        found.update(one.report.found)
        done.update(one.done)
    lost = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    sys.stdout.write(f"{total} assignments; wrong: {dict(found) or 'nothing'}\n{lost}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
