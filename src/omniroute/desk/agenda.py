"""What the changes of one unit of work make worth looking at, until somebody has looked.

Most units change nothing that anybody else waits for, and never make one. No rule lives here.
"""

from __future__ import annotations

from omniroute.model.agent import Agent
from omniroute.model.records import AgentTimer

__all__ = ["Agenda"]


class Agenda:
    """What `routing.settle` looks at, and, while late deadlines are fired, what came due meanwhile."""

    __slots__ = (
        "agents_due",
        "began_waiting",
        "bereft",
        "closed",
        "due_again",
        "freed",
        "queued",
        "restaffed",
    )

    def __init__(self) -> None:
        self.due_again: dict[str, None] = {}
        """Conversations with a deadline that came while others were fired."""
        self.agents_due: list[AgentTimer] = []
        """Deadlines of agents that came so."""
        self.queued: dict[str, None] = {}
        """Conversations that came into line, to be looked up when they are placed (R16)."""
        self.freed: dict[str, None] = {}
        self.closed: dict[str, None] = {}
        self.restaffed: list[tuple[Agent | None, Agent | None]] = []
        """Agents who came, went, or serve otherwise: as they were, and as they are (S7)."""
        self.began_waiting: dict[str, None] = {}
        """Conversations whose wait began, where they are told of it (P8)."""
        self.bereft: dict[str, None] = {}
        """Conversations for which an agent kept room who no longer does."""

    @property
    def has_to_settle(self) -> bool:
        """Whether conversations and agents may have to be brought together."""
        return bool(self.restaffed or self.bereft or self.freed or self.queued or self.closed)
