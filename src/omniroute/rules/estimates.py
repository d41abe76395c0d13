"""Where one stands in a queue's line, and how long it will take from there (P8, S14).

Estimates come from the queue's own recent service: of the latest conversations that had to wait, how
long each was the first to be served. All in whole microseconds; without data there is no estimate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from omniroute.instants import MINUTE
from omniroute.model.assign import AssignPolicy
from omniroute.model.desk_config import DeskConfig
from omniroute.rules.policy_checks import written_layers
from omniroute.rules.waiting import order

__all__ = [
    "ESTIMATED_WAIT",
    "FURTHEST",
    "MOST",
    "POSITION",
    "asks",
    "estimate",
    "filled",
    "minutes",
    "place_of",
    "served",
    "tells_waits",
]

POSITION: Final = "{position}"
ESTIMATED_WAIT: Final = "{estimated_wait}"

MOST: Final = 100
"""From how many of the latest services an estimate is taken at most."""
FURTHEST: Final = 1_000
"""How many are counted for a place in line, from its beginning or from its end (R3)."""

_SENTENCES: Final = re.compile(r"(?<=[.!?])(?=\s)|(?<=\n)")


def served(
    gaps: tuple[int, ...], last: int | None, queued_at: int, at: int, over: int
) -> tuple[int, ...]:
    """Return a queue's latest gaps with one more: somebody who waited since `queued_at` is served.

    A gap runs from the service before, or from when the wait began where nobody waited between: time
    in which nobody waits says nothing of how fast a queue moves. At most `over` are kept.
    """
    began = queued_at if last is None else max(last, queued_at)
    return (*gaps, max(at - began, 0))[-over:]


def estimate(gaps: tuple[int, ...], position: int | None) -> int | None:
    """Return how long whoever stands at a position waits from now on; None without data."""
    if not gaps or position is None:
        return None
    return sum(gaps) * position // len(gaps)


def place_of(
    mine: tuple[Any, ...], entries: Iterable[tuple[Any, ...]], rule: AssignPolicy, now: int
) -> int:
    """Return the position of one entry of the waiting index among its queue's, from 1 (M3)."""
    own = order(mine, rule, now)
    return 1 + sum(order(each, rule, now) < own for each in entries)


def tells_waits(config: DeskConfig) -> bool:
    """Whether anything of a desk asks how long its queues' waits are, or tells who begins to wait."""
    found = (each.assign for _, each in written_layers(config) if each.assign is not None)
    return any(each.estimate_over or each.waiting_message for each in found)


# --- in texts -------------------------------------------------------------------------------------


def asks(text: str) -> bool:
    """Whether a text says something of the place in line."""
    return POSITION in text or ESTIMATED_WAIT in text


def minutes(micros: int) -> int:
    """Return an estimate for people: whole minutes, rounded up, at least 1."""
    return max(-(-micros // MINUTE), 1)


def filled(text: str, values: Mapping[str, int | None]) -> str:
    """Return a text with values for its variables; a sentence whose value is None is left out."""
    kept = []
    for sentence in _SENTENCES.split(text):
        said = sentence
        for name, value in values.items():
            if name in said:
                said = None if value is None else said.replace(name, str(value))
            if said is None:
                break
        kept += [] if said is None else [said]
    return "".join(kept).strip()
