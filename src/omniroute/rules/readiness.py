"""Which queues are enabled: the one home of readiness (U15, U16). Knows paths, not who serves them."""

from __future__ import annotations

from collections.abc import Iterable

from omniroute.model.state import Readiness
from omniroute.rules.queue_tree import SEPARATOR

__all__ = ["enabled_paths", "readiness"]


def enabled_paths(staffed: Iterable[str]) -> frozenset[str]:
    """Return the full paths that are enabled: leaves with agents, and every branch above one."""
    found: set[str] = set()
    for path in staffed:
        while path and path not in found:
            found.add(path)
            path = path.rpartition(SEPARATOR)[0]  # noqa: PLW2901  (up to the inbox)
    return frozenset(found)


def readiness(path: str, enabled: frozenset[str]) -> Readiness:
    """Return the readiness of a queue, by what `enabled_paths` found."""
    return Readiness.READY if path in enabled else Readiness.NOT_READY
