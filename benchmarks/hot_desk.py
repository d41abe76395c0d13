"""One hot desk, the processes that work on it, and the judge of what they did.

The parent prepares databases and says go; each worker is a process of its own with its own `Desks`.
Judged from the log alone: every assignment must have been that of the longest waiting conversation
among the agent's queues, and no agent may ever have held more than they can.

    python -m benchmarks.hot_desk        a worker: reads commands from its input, one JSON a line
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import omniroute as om
from omniroute.model.events import Assigned, Ended, Opened
from omniroute.stores.sql import SqlStore
from omniroute.testing.scripted import ScriptedPlugin

__all__ = [
    "AGENTS",
    "ROOM",
    "WAITING",
    "Worker",
    "fill",
    "judge",
    "open_desk",
    "seats",
    "work",
    "workers",
]

AGENTS: Final = 16
ROOM: Final = 32
QUEUES: Final = 4
WAITING: Final = 5 * AGENTS * ROOM // 2  # two fifths are taken at once; the rest comes next
_NAME: Final = "hot"


def config(name: str, room: int) -> om.DeskConfig:
    """Return a desk where each agent serves two of four queues."""
    capacity = {"goal": room, "soft_max": room, "hard_max": room}
    inboxes: dict[str, Any] = {f"q{number}": {"sla": "7d"} for number in range(QUEUES)}
    inboxes["q0"]["primary_for"] = ["chat"]
    return om.load_config(
        {
            "desk": name,
            "zone": "UTC",
            "preset": "push",
            "policy": {"capacity": {"messaging": capacity}},
            "inboxes": inboxes,
            "entry_points": {
                f"door-{number}": {
                    "channel": "chat",
                    "address": f"{name}-{number}",
                    **({"override": {"inbox": f"q{number}"}} if number else {}),
                }
                for number in range(QUEUES)
            },
            "agents": {
                f"a{number:02}": {"serves": [f"q{number % QUEUES}", f"q{(number + 1) % QUEUES}"]}
                for number in range(AGENTS)
            },
        }
    )


def open_desk(url: str) -> tuple[om.Desks, om.Desk]:
    """Open a database's desks and the hot one, which is made where it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", om.DurabilityWarning)
        desks = om.Desks(
            SqlStore(url), plugins=[ScriptedPlugin(("chat",))], discover=False, builtin=False
        )
        if _NAME not in desks:
            desks.create(config(_NAME, ROOM))
    return desks, desks[_NAME]


def make_warm(desks: om.Desks, count: int) -> None:
    """Make other desks, on one of which each process works before it is measured.

    Its connection then knows the statements, as that of a process that has run for a minute does.
    """
    for number in range(count):
        desk = desks.create(config(f"warm-{number}", 4))
        fill(desk, AGENTS * 4 + 24)


def fill(desk: om.Desk, waiting: int) -> None:
    """Let so many contacts write, to one queue after the other."""
    for number in range(waiting):
        message = om.Inbound(
            kind=om.InboundKind.MESSAGE,
            key=f"k{number}",
            address=f"{desk.id}-{number % QUEUES}",
            sender=om.Sender(addresses=(f"contact-{number}",)),
            text="Hello",
        )
        desk.receive(f"door-{number % QUEUES}", message)


def seats(processes: int, number: int) -> list[str]:
    """Return the agents for whom one of so many processes acts."""
    return [f"a{each:02}" for each in range(number, AGENTS, processes)]


# --- the worker -----------------------------------------------------------------------------------


def _serve(lines: Iterable[str]) -> None:
    """Prepare and work as told, and tell what it took: one line for each line."""
    desks: om.Desks | None = None
    calls: list[tuple[str, str]] = []
    desk: om.Desk
    for line in lines:
        command = json.loads(line)
        if "url" in command:
            desks, desk = open_desk(command["url"])
            _warm_up(desks[f"warm-{command['number']}"])
            desk.counts()
            gc.collect()
            gc.disable()  # as in every benchmark: when it comes by is not what is measured
            calls = [(each[0], each[1]) for each in command["calls"]]
            _say({})
        else:
            began = time.perf_counter()
            for agent, conversation in calls:
                if conversation:
                    desk.end(conversation, by=agent)
                else:
                    desk.set_available(agent)
            _say({"seconds": time.perf_counter() - began})
            assert desks is not None
            desks.close()


def _warm_up(desk: om.Desk) -> None:
    for agent in seats(1, 0):
        desk.set_available(agent)
    for each in desk.conversations(states=[om.State.ACTIVE], limit=20):
        desk.end(each.id, by=str(each.agent))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


# --- the parent -----------------------------------------------------------------------------------


class Worker:
    """A process that works on a desk."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hot_desk"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, command: dict[str, Any]) -> None:
        """Give a command, which is answered later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for the answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a worker has failed: see above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


@contextmanager
def workers(count: int) -> Iterator[list[Worker]]:
    """Start so many, and end them at last."""
    started = [Worker() for _ in range(count)]
    try:
        yield started
    finally:
        for each in started:
            each.close()


def work(team: Sequence[Worker], url: str, calls: Sequence[Sequence[tuple[str, str]]]) -> float:
    """Let each of a team make its calls, all at once; return the seconds until the last is done."""
    for number, (worker, share) in enumerate(zip(team, calls, strict=True)):
        worker.tell({"url": url, "number": number, "calls": share})
    for worker in team:
        worker.hear()
    began = time.perf_counter()
    for worker in team:
        worker.tell({})
    for worker in team:
        worker.hear()
    return time.perf_counter() - began


def judge(desk: om.Desk, after: int) -> int:
    """Return how many were assigned since a position; AssertionError for a wrong one."""
    serves = {agent.id: agent.serves for agent in desk.staff.list()}
    waiting: dict[str, dict[str, tuple[int, str]]] = {f"q{each}": {} for each in range(QUEUES)}
    where: dict[str, str] = {}
    load: Counter[str] = Counter()
    done = 0
    for change in desk.changes():
        event = change.event
        match event:
            case Opened():
                queue = str(event.queue)
                where[event.conversation] = queue
                waiting[queue][event.conversation] = (event.at, event.conversation)
            case Assigned():
                heads = [each for queue in serves[event.agent] for each in waiting[queue].values()]
                if min(heads)[1] != event.conversation:
                    raise AssertionError(f"out of order: {change}")
                del waiting[where[event.conversation]][event.conversation]
                load[event.agent] += 1
                if load[event.agent] > ROOM:
                    raise AssertionError(f"more than they can hold: {change}")
                done += change.position > after
            case Ended():
                load[str(event.released)] -= 1
    return done


if __name__ == "__main__":
    _serve(sys.stdin)
