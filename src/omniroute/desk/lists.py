"""From which indexes a list of conversations is read, and in which order they are one.

Who has ended is never due, and has no entries by due (`schema`): by due they come behind all others,
the latest first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final

from omniroute.model.conversation import Conversation
from omniroute.model.state import State
from omniroute.ports import Transaction
from omniroute.schema import CONVERSATIONS, NO_DUE, Index, Key

__all__ = ["ORDERS", "count", "ordered"]

ORDERS: Final = ("due", "latest")
_BEFORE: Final = -(2**62)  # every number that orders a list
_BEHIND: Final = NO_DUE + 2**61  # however late an instant is

Leading = tuple[str, str] | None
"""The name of what leads the index with its value: a list of one agent, one queue. None is all."""

_Part = tuple[Index[Conversation], Key, int]  # an index, a prefix, what is added to its order


def ordered(
    tx: Transaction,
    desk: str,
    leads: Iterable[Leading],
    states: Iterable[State],
    order: str,
    *,
    after: Key | None = None,
    until: int | None = None,
    limit: int,
) -> Iterator[Key]:
    """Yield (order value, conversation id) over some states and leads, merged into one order.

    From behind `after`, as far as the order value `until`; `limit` at a time.
    """
    wanted = dict.fromkeys(states)
    parts = [_part(leading, state, order) for leading in leads for state in wanted]
    return heapq.merge(*(_stream(tx, desk, part, after, until, limit) for part in parts))


def count(tx: Transaction, desk: str, leading: Leading, states: Iterable[State]) -> int:
    """Return how many conversations a list has."""
    parts = [_part(leading, state, "latest") for state in dict.fromkeys(states)]
    return sum(tx.count(index, desk, prefix) for index, prefix, _ in parts)


def _part(leading: Leading, state: State, order: str) -> _Part:
    name, value = leading or ("all", None)
    moved = 0
    if order == "due" and state is State.ENDED:
        order, moved = "latest", _BEHIND
    prefix = (state.value,) if value is None else (value, state.value)
    return CONVERSATIONS.index(f"{name}_by_{order}"), prefix, moved


def _stream(
    tx: Transaction, desk: str, part: _Part, after: Key | None, until: int | None, limit: int
) -> Iterator[Key]:
    index, prefix, moved = part
    behind = None if after is None else (max(after[0] - moved, _BEFORE), *after[1:])
    end = None if until is None else (max(until - moved, _BEFORE),)
    while True:
        entries = tx.entries(index, desk, prefix, after=behind, until=end, limit=limit)
        for entry in entries:
            behind = entry[len(prefix) :]
            yield (behind[0] + moved, behind[1])
        if len(entries) < limit:
            return
