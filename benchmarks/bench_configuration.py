"""A large desk's configuration: 10,000 agents, 500 queues, 100 entry points.

Reading and checking a file of that size; a change of one agent beside ten and beside ten thousand,
whose ratio is what counts (P20); a change of one queue, and its share of the job that follows.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from attrs import evolve

import omniroute as om
from benchmarks.harness import Bench, Figure, benchmark, no_goal, timed
from omniroute.config import load_config
from omniroute.rules.checks import problems
from omniroute.rules.resolution import Setup
from omniroute.stores.sql import SqlStore
from omniroute.testing.scripted import ScriptedPlugin

AGENTS: Final = 10_000
FEW: Final = 10
INBOXES: Final = 20
QUEUES: Final = 25
ENTRY_POINTS: Final = 100
SERVED: Final = 5
ROUND: Final = 20


def document(agents: int = AGENTS) -> dict[str, Any]:
    """A desk as a file has it: inboxes of 25 queues in five branches, agents on five queues each."""
    branches = [[f"Branch {b}", [f"Queue {b}{q}" for q in range(5)]] for b in range(QUEUES // 5)]
    tree = list(itertools.chain.from_iterable(branches))
    places = [f"Branch {b}/Queue {b}{q}" for b in range(QUEUES // 5) for q in range(5)]
    leaves = [f"inbox-{i}/{place}" for i in range(INBOXES) for place in places]
    inboxes: dict[str, Any] = {
        f"inbox-{number}": {"sla": "15m", "queues": tree} for number in range(INBOXES)
    }
    inboxes["inbox-0"]["primary_for"] = ["chat"]
    return {
        "desk": "large",
        "zone": "Europe/Berlin",
        "preset": "push",
        "inboxes": inboxes,
        "entry_points": {
            f"web-{number}": {
                "channel": "chat",
                "address": f"widget-{number}",
                "override": {"inbox": f"inbox-{1 + number % (INBOXES - 1)}"},
            }
            for number in range(ENTRY_POINTS)
        },
        "groups": {f"group-{n}": {"serves": [f"inbox-{n}/Branch 0/*"]} for n in range(INBOXES)},
        "agents": {
            f"agent-{number:05}": {
                "groups": [f"group-{number % INBOXES}"],
                "serves": [leaves[(number * 7 + each) % len(leaves)] for each in range(SERVED)],
            }
            for number in range(agents)
        },
    }


@benchmark("configuration")
def configuration(bench: Bench) -> Iterator[Figure]:
    """Load, check and compile a large desk."""
    written = document()
    config = load_config(written)
    race = bench.race(
        load=timed(lambda: lambda: load_config(written)),
        check=timed(lambda: lambda: problems(config)),
        compiled=timed(lambda: lambda: Setup(evolve(config, agents={}), 1)),
    )
    for name in ("load", "check", "compiled"):
        yield no_goal(f"configuration/{name}", race.median(name) * 1e3, unit="ms")


@benchmark("configuration-changes")
def changes(bench: Bench) -> Iterator[Figure]:
    """One agent changed beside 10 and beside 10,000; one queue renamed in a draft, on SQLite."""
    with tempfile.TemporaryDirectory() as folder, desks(folder, FEW) as few, desks(folder) as many:
        race = bench.race(
            few=timed(lambda: renamed(few["large"]), ROUND),
            many=timed(lambda: renamed(many["large"]), ROUND),
        )
        queue = bench.race(queue=timed(lambda: requeued(many["large"])))
    yield race.at_most("configuration/agent of 10,000", 1.3, ours="many", peer="few")
    yield no_goal("configuration/queue of 500", queue.median("queue") * 1e3, unit="ms")


def desks(folder: str, agents: int = AGENTS) -> om.Desks:
    """Open a store with the desk on it."""
    path = Path(folder) / f"{agents}.db"
    store = SqlStore(f"sqlite:///{path}", durability="normal")
    desks = om.Desks(store, plugins=[ScriptedPlugin(("chat",))], builtin=False, discover=False)
    desks.create(load_config(document(agents)))
    return desks


_NUMBERS = itertools.count()


def renamed(desk: om.Desk) -> Callable[[], object]:
    """Other names for one agent, one after another."""
    names = [f"Agent {next(_NUMBERS)}" for _ in range(ROUND)]
    return lambda: [desk.staff.change("agent-00003", name=name) for name in names]


def requeued(desk: om.Desk) -> Callable[[], object]:
    """Another name for one queue, staged and saved."""

    def change() -> None:
        with desk.configure() as draft:
            queue = draft.document["inboxes"]["inbox-3"]["queues"][-1][-1]
            draft.rename_queue(f"inbox-3/Branch 4/{queue}", f"Queue {next(_NUMBERS)}")

    return change
