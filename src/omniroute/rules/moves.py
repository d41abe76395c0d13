"""Where an edit of the queue trees took things: paths and patterns followed through moves (S15, U12).

Pure text on full paths (`inbox/a/b`). Conversations follow by `follow_path`, what agents and groups
serve by `follow_pattern`. Knows neither drafts nor desks.
"""

from __future__ import annotations

from collections.abc import Iterable

from omniroute.model.desk_config import QueueMove
from omniroute.rules.queue_tree import SEPARATOR

__all__ = ["follow_path", "follow_pattern", "follow_patterns", "stands_at"]


def stands_at(path: str, place: str) -> bool:
    """Return whether a path is that place, or lies below it."""
    return path == place or path.startswith(place + SEPARATOR)


def follow_path(path: str, moves: Iterable[QueueMove]) -> str:
    """Return where the conversations of a queue or inbox are after the moves, in their order.

    What is gone without a target stays where it was named: nobody said where it goes.
    """
    for move in moves:
        if move.target is not None and stands_at(path, move.source):
            path = move.target + path[len(move.source) :] if move.whole else move.target
    return path


def follow_pattern(pattern: str, moves: Iterable[QueueMove]) -> str | None:
    """Return what a pattern of `serves` is after the moves, or None where its queues are gone.

    Only names lead along: a pattern that begins with `*` says of itself what it means.
    """
    for move in moves:
        if not stands_at(pattern, move.source):
            continue
        if move.target is None or not move.whole:
            return None
        pattern = move.target + pattern[len(move.source) :]
    return pattern


def follow_patterns(patterns: Iterable[str], moves: Iterable[QueueMove]) -> tuple[str, ...]:
    """Return patterns after the moves, without those whose queues are gone, each once."""
    known = tuple(moves)
    followed = (follow_pattern(each, known) for each in patterns)
    return tuple(dict.fromkeys(each for each in followed if each is not None))
