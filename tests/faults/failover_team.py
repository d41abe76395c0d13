"""The clients that live through fail-overs: they give commands until their input ends.

    python -m tests.faults.failover_team URL FOLDER COUNT

What the store did not answer is asked again under the same key. Each leaves a ledger in the folder,
and what it did.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections import Counter
from pathlib import Path

import omniroute as om
from tests.faults.crash import AGENTS, DESK, QUEUES
from tests.faults.driver import Driver
from tests.faults.forking import team, warm_desks
from tests.faults.office import perform

__all__ = ["main"]


def _work(desks: om.Desks, folder: Path, number: int) -> None:
    driver = Driver(DESK, agents=AGENTS, queues=QUEUES, seed=f"client-{number}")
    done: Counter[str] = Counter()
    heard, longest = time.monotonic(), 0.0
    while driver.pending is not None or not select.select([sys.stdin], [], [], 0)[0]:
        answer = perform(desks, driver.next())
        if driver.hear(answer):
            longest, heard = max(longest, time.monotonic() - heard), time.monotonic()
        else:
            done[answer["error"]] += 1
            time.sleep(0.05)
    driver.write_ledger(folder / f"ledger-{number}.jsonl")
    told = {"answered": driver.answered, "asked again": driver.repeated, "refused": driver.refused}
    done.update(told)
    text = json.dumps({"done": done, "longest_silence": longest})
    (folder / f"done-{number}.json").write_text(text, encoding="utf-8")


def main(url: str, folder: str, count: str) -> int:
    """Let everybody work; 1 when anybody failed."""
    desks = warm_desks(url)
    return 0 if team(int(count), lambda number: _work(desks, Path(folder), number)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
