"""Which armed deadlines have come at an instant (R6, U43)."""

from __future__ import annotations

from typing import Final

from omniroute.model.conversation import DeadlineKind, Timer

__all__ = ["has_come"]

# Armed at the first instant that is too late, not at the last that is in time: nothing can still
# win.
_PAST: Final = frozenset(
    {DeadlineKind.FIRST_RESPONSE, DeadlineKind.NEXT_RESPONSE, DeadlineKind.RESOLUTION}
)


def has_come(timer: Timer, now: int, *, inclusive: bool) -> bool:
    """Return whether a deadline fires at `now`.

    `inclusive` is how a tick asks: a deadline fires at its instant. Before a command it is asked
    without, since a message stamped exactly at a deadline wins (U43).
    """
    at, kind = timer
    return at < now or (at == now and (inclusive or kind in _PAST))
