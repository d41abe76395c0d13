"""A client that gives commands one after another, and remembers what it was told of each.

It never gives a command up: what was not answered is asked again, under the same provider id or
idempotency key: what a provider does with a webhook, and a careful host with its own commands.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.faults.office import entry_point, takes_keys

__all__ = ["Driver"]

_OPEN_AT_MOST = 12


class Driver:
    """Chooses the next command, and keeps the ledger.

    With `same_key=False` an unanswered command is asked again as if it were another one: the
    control that shows what keys are for.
    """

    def __init__(
        self, desk: str, *, agents: int, queues: int, seed: str, same_key: bool = True
    ) -> None:
        self.desk = desk
        self.pending: dict[str, Any] | None = None
        self.answered = 0
        self.repeated = 0
        self.refused = 0
        self._agents, self._queues, self._seed = agents, queues, seed
        self._same_key = same_key
        self._random = random.Random(seed)
        self._claims: dict[str, bool] = {}
        self._talks: dict[str, dict[str, Any]] = {}
        self._count = 0

    # --- choosing ---------------------------------------------------------------------------------

    def next(self) -> dict[str, Any]:
        """Return the command to give now: the unanswered one, or a new one."""
        if self.pending is None:
            self.pending = self._new()
            self._claims[self.pending["mark"]] = False
        elif "given" in self.pending:
            self.repeated += 1
            if not self._same_key:
                self.pending["key"] += "+"
        self.pending["given"] = True
        return self.pending

    def _new(self) -> dict[str, Any]:
        self._count += 1
        mark = f"{self._seed}-{self._count}"
        command = {"desk": self.desk, "mark": mark, "key": mark}
        what = self._random.random()
        if not self._talks or (what < 0.45 and len(self._talks) < _OPEN_AT_MOST):
            return command | self._message(f"{mark}-contact", self._random.randrange(self._queues))
        name = self._random.choice(list(self._talks))
        talk = self._talks[name]
        if what < 0.55:
            return command | self._message(talk["contact"], talk["queue"])
        command |= {"conversation": name, "by": talk["agent"] or "a00"}
        do = "end" if what > 0.80 else "note" if what > 0.75 or talk["agent"] is None else "reply"
        return command | {"do": do if takes_keys(do) else "end"}

    def _message(self, contact: str, queue: int) -> dict[str, Any]:
        return {"do": "receive", "door": entry_point(queue), "contact": contact, "queue": queue}

    # --- remembering ------------------------------------------------------------------------------

    def hear(self, answer: dict[str, Any]) -> bool:
        """Take the answer to the pending command; False when it has to be asked again."""
        command = self.pending
        assert command is not None
        if "retry" in answer:
            return False
        self.pending = None
        self.answered += 1
        if "error" in answer:
            self.refused += 1
            self._talks.pop(command.get("conversation", ""), None)
            return True
        self._claims[command["mark"]] = True
        if command["do"] == "receive":
            self._talks[answer["conversation"]] = answer | {
                "contact": command["contact"],
                "queue": command["queue"],
            }
        elif command["do"] == "end":
            self._talks.pop(command["conversation"], None)
        return True

    def write_ledger(self, path: Path) -> Path:
        """Write what was claimed to a file, and return its path."""
        lines = [
            json.dumps({"desk": self.desk, "mark": mark, "acknowledged": acknowledged})
            for mark, acknowledged in self._claims.items()
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path
