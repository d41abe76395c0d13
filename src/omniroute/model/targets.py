"""Where a conversation can be transferred to besides an agent: a group, a queue (A21, U67)."""

from __future__ import annotations

from omniroute.model.values import frozen

__all__ = ["Group", "Queue"]


@frozen
class Group:
    """A routing group, by name: the first of it who is available (A25)."""

    name: str


@frozen
class Queue:
    """A queue, by its full path: whoever may take what waits there."""

    path: str
