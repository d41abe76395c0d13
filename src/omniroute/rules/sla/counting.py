"""Counting: how much open time has passed for a clock, and when it will have passed.

Open time is what the hours say; a pause counts as closed. A budget that runs out exactly at closing,
or at the beginning of a pause, ends there (R8). All in UTC microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from omniroute.model.conversation import Pause
from omniroute.model.sla import OpenTime

__all__ = ["counted", "due_after", "elapsed", "running_spans"]


def elapsed(hours: OpenTime | None, start: int, end: int) -> int:
    """Return the open time from `start` to `end`; all of it without hours, none where `end` is first."""
    if end <= start:
        return 0
    return end - start if hours is None else hours.elapsed(start, end)


def counted(hours: OpenTime | None, start: int, end: int, pauses: Iterable[Pause] = ()) -> int:
    """Return the open time from `start` to `end` less that of its pauses."""
    return sum(elapsed(hours, *span) for span in running_spans(start, end, pauses))


def running_spans(start: int, end: int, pauses: Iterable[Pause] = ()) -> Iterator[tuple[int, int]]:
    """Yield the spans from `start` to `end` that no pause lies in. Pauses are in order."""
    for pause in pauses:
        if pause.since >= end:
            break
        if pause.since > start:
            yield start, pause.since
        start = max(start, pause.until)
    if start < end:
        yield start, end


def due_after(
    hours: OpenTime | None,
    start: int,
    amount: int,
    pauses: Sequence[Pause] = (),
    paused_at: int | None = None,
) -> int | None:
    """Return the first instant by which `amount` of open, unpaused time has passed since `start`.

    None where a pause that still lasts, since `paused_at`, begins before that.
    """
    for pause in pauses:
        spent = elapsed(hours, start, pause.since)
        if amount <= spent:
            break
        amount -= spent
        start = pause.until
    due = start + amount if hours is None else hours.due(start, amount)
    return None if paused_at is not None and due > paused_at else due
