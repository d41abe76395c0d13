"""Assignment on one hot desk of PostgreSQL, from 1 to 8 processes, beside `pgbench` on the same server.

synchronous_commit is on: every commit waits for the disk. `pgbench -N -M prepared` with one client is
what the machine gives a program that changes one row and adds one in each transaction. Ours changes
more: for each assignment the conversation, the agent's load and place in line, two events or one, the
explanation. Order and capacity of every round are judged from the log; a wrong one is an error.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import omniroute as om
from benchmarks import servers
from benchmarks.harness import Bench, Figure, benchmark, no_goal
from benchmarks.hot_desk import (
    AGENTS,
    ROOM,
    WAITING,
    Worker,
    fill,
    judge,
    make_warm,
    open_desk,
    seats,
    work,
    workers,
)

PROCESSES: Final = (1, 2, 4, 8)
_SECONDS: Final = 1  # of pgbench in a round
_SCALE: Final = 10
_ENDED: Final = 96  # conversations that a round of the steady kind ends

Calls = list[list[tuple[str, str]]]


@benchmark("assign-burst")
def burst(bench: Bench) -> Iterator[Figure]:
    """Agents come on, each with room for 32, and one call each drains what waits, in batches of 32."""
    yield from _race(bench, "assign-burst", 3, _Ground.come_on)


@benchmark("assign-steady")
def steady(bench: Bench) -> Iterator[Figure]:
    """Ending a conversation frees a slot, and the same transaction gives the next one: one call each."""
    yield from _race(bench, "assign-steady", 0.5, _Ground.end)


def _race(
    bench: Bench, name: str, goal: float, calls: Callable[[_Ground, int], tuple[str, Calls]]
) -> Iterator[Figure]:
    with servers.postgres(synchronous_commit=True) as server, workers(max(PROCESSES)) as crew:
        ground = _Ground(server)
        ground.prepare()
        ours = {
            f"ours_{count}": partial(_turn, ground, crew[:count], calls, count)
            for count in PROCESSES
        }
        race = bench.race(pgbench=partial(pgbench, server), **ours)
    for count in PROCESSES:
        what = f"{name}, {count} process{'es' if count > 1 else ''}"
        yield race.at_least(what, goal, peer="pgbench", ours=f"ours_{count}")
    for contestant in ("pgbench", *ours):
        yield no_goal(f"{name} rate, {contestant}", 1 / race.median(contestant), unit="/s")


@dataclass
class _Ground:
    """The databases of a server: one where everybody waits, one where all agents are busy."""

    server: servers.Server
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _held: list[tuple[str, str]] = field(default_factory=list)

    def prepare(self) -> None:
        """Fill them once; every round has its own copy."""
        servers.pgbench(self.server, "-i", "-q", "-s", _SCALE)
        desks, desk = open_desk(self.server.database("waiting"))
        fill(desk, WAITING)
        make_warm(desks, max(PROCESSES))
        desks.close()
        desks, desk = open_desk(servers.copied(self.server, "waiting", "busy"))
        for agent in seats(1, 0):
            desk.set_available(agent)
        for each in desk.conversations(states=[om.State.ACTIVE], limit=AGENTS * ROOM):
            self._held.append((str(each.agent), each.id))
        random.Random(1).shuffle(self._held)
        desks.close()
        self.server.execute("CHECKPOINT")

    def come_on(self, processes: int) -> tuple[str, Calls]:
        """Return a new database, and for each process the agents who come on."""
        shares = [[(agent, "") for agent in seats(processes, each)] for each in range(processes)]
        return self._copy("waiting"), shares

    def end(self, processes: int) -> tuple[str, Calls]:
        """Return a new database, and for each process the conversations to end, and by whom."""
        shares = [
            [each for each in self._held[:_ENDED] if each[0] in seats(processes, number)]
            for number in range(processes)
        ]
        return self._copy("busy"), shares

    def _copy(self, name: str) -> str:
        return servers.copied(self.server, name, f"{name}-{next(self._numbers)}")


def _turn(
    ground: _Ground,
    team: Sequence[Worker],
    calls: Callable[[_Ground, int], tuple[str, Calls]],
    processes: int,
) -> float:
    """Let a team work on a fresh database, judge it, and return the seconds for one assignment."""
    url, shares = calls(ground, processes)
    desks, desk = open_desk(url)
    before = max((change.position for change in desk.changes()), default=0)
    seconds = work(team, url, shares)
    done = judge(desk, before)
    desks.close()
    ground.server.execute(f'DROP DATABASE "{url.rpartition("/")[2].partition("?")[0]}"')
    expected = sum(1 if conversation else ROOM for share in shares for _, conversation in share)
    if done != expected:
        raise AssertionError(f"{done} were assigned, not {expected}")
    return seconds / done


def pgbench(server: servers.Server) -> float:
    """Return the seconds of one of its transactions."""
    said = servers.pgbench(server, "-n", "-N", "-M", "prepared", "-c", 1, "-T", _SECONDS)
    found = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    if found is None:
        raise AssertionError(said)
    return 1 / float(found[1])
