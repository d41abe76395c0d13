"""The processes that race: each works on shared desks until it has opened its share.

    python -m tests.faults.race_team URL FOLDER COUNT QUOTA OPEN DESK...

Says `ready`, waits for a line, and forks. Each member opens QUOTA conversations and keeps about
OPEN of its own opening alive. It may end or answer any agent's conversation, whoever opened it, so
that processes meet; some items are sent by every process, as a provider sends twice. Each leaves a
ledger in the folder, and what it did.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

import omniroute as om
from tests.faults.forking import team, warm_desks
from tests.faults.office import entry_point, perform

__all__ = ["main"]

Share = tuple[int, int]
"""How many conversations to open, and how many to keep open."""

_BACK = 0.1  # the share of received items whose contact wrote before
_SHARED = 0.05  # the share of received items that every process sends
_OTHERS = (("reply", 0.08), ("available", 0.03), ("tick", 0.02), ("deliver", 0.03))


class _Racer:
    def __init__(self, desks: om.Desks, names: list[str], number: str) -> None:
        self.done: Counter[str] = Counter()
        self.claims: dict[tuple[str, str], bool] = {}
        self._desks = {name: desks[name] for name in names}
        self._names = names
        self._doors = {name: len(desk.entry_points()) for name, desk in self._desks.items()}
        self._agents = {
            name: [each.id for each in d.staff.list()] for name, d in self._desks.items()
        }
        self._number = number
        self._random = random.Random(f"race/{number}")
        self._marks = 0
        self._shared: Counter[str] = Counter()
        self._mine: dict[str, deque[tuple[str, str]]] = {name: deque(maxlen=20) for name in names}
        self._opened = self._ended = 0

    def run(self, quota: int, keep_open: int) -> None:
        """Open so many conversations, and end others all the while."""
        while self._opened < quota:
            name = self._random.choice(self._names)
            what = self._choose()
            if what == "receive" or (self._opened - self._ended < keep_open and what == "end"):
                self._receive(name)
            else:
                getattr(self, f"_{what}")(name)

    def _choose(self) -> str:
        point = self._random.random()
        for what, share in _OTHERS:
            point -= share
            if point < 0:
                return what
        return "end"

    # --- commands ---------------------------------------------------------------------------------

    def _give(self, name: str, command: dict[str, Any]) -> dict[str, Any] | None:
        """Give a command until it is answered; None where it was refused."""
        while "retry" in (answer := perform(self._desks, {"desk": name, **command})):
            self.done[f"again: {answer['error']}"] += 1
            time.sleep(0.01)
        if "error" in answer:
            self.done[f"refused: {answer['error']}"] += 1
            return None
        self.done[command["do"]] += 1
        return answer

    def _mark(self) -> dict[str, Any]:
        self._marks += 1
        return dict.fromkeys(("mark", "key"), f"{self._number}-{self._marks}")

    def _receive(self, name: str) -> None:
        marks = self._mark()
        if self._random.random() < _SHARED:
            self._shared[name] += 1
            marks = dict.fromkeys(("mark", "key"), f"shared-{self._shared[name]}")
        door = entry_point(sum(marks["key"].encode()) % self._doors[name])
        contact = f"{marks['key']}-contact"
        shared = marks["key"].startswith("shared")
        back = not shared and bool(self._mine[name]) and self._random.random() < _BACK
        if back:
            door, contact = self._random.choice(self._mine[name])
        elif not shared:
            self._mine[name].append((door, contact))
        answer = self._give(name, {"do": "receive", "door": door, "contact": contact, **marks})
        self.claims[name, marks["mark"]] = answer is not None
        self._opened += not back and answer is not None and answer["result"] == "accepted"

    def _held(self, name: str) -> tuple[str, str] | None:
        """Find a conversation that somebody holds, and who."""
        by = self._random.choice(self._agents[name])
        held = self._desks[name].conversations(agent=by, limit=5).items
        return (self._random.choice(held).id, by) if held else None

    def _end(self, name: str) -> None:
        self._act(name, "end")

    def _reply(self, name: str) -> None:
        self._act(name, "reply")

    def _act(self, name: str, what: str) -> None:
        found = self._held(name)
        if found is None:
            return
        command = {"do": what, "conversation": found[0], "by": found[1], **self._mark()}
        answer = self._give(name, command)
        self.claims[name, command["mark"]] = answer is not None
        self._ended += what == "end" and answer is not None

    def _available(self, name: str) -> None:
        by, available = self._random.choice(self._agents[name]), self._random.random() < 0.7
        self._give(name, {"do": "available", "by": by, "available": available})

    def _tick(self, name: str) -> None:
        self._desks[name].tick()
        self.done["tick"] += 1

    def _deliver(self, name: str) -> None:
        self.done["delivered"] += self._desks[name].deliver(limit=16)


def _work(desks: om.Desks, names: list[str], folder: Path, number: int, share: Share) -> None:
    racer = _Racer(desks, names, str(number))
    racer.run(*share)
    lines = [
        json.dumps({"desk": desk, "mark": mark, "acknowledged": acknowledged}) + "\n"
        for (desk, mark), acknowledged in racer.claims.items()
    ]
    (folder / f"ledger-{number}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / f"done-{number}.json").write_text(json.dumps(racer.done), encoding="utf-8")


def main(url: str, folder: str, count: str, quota: str, keep_open: str, *names: str) -> int:
    """Let everybody race; 1 when anybody failed."""
    desks = warm_desks(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    share = (int(quota), int(keep_open))
    went_well = team(
        int(count), lambda number: _work(desks, list(names), Path(folder), number, share)
    )
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
