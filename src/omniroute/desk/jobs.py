"""Work on everything a desk holds, after its configuration changed: batch by batch, resumable (S4).

A job is a record of how far it came, written in the same transaction as what it did; every tick
takes one batch further. Until it has come by, a conversation is brought up to date at its next
touch.
"""

from __future__ import annotations

from typing import Final

from omniroute.desk.staff import save_agent
from omniroute.desk.unit import Unit
from omniroute.model.records import Job
from omniroute.model.state import State
from omniroute.schema import AGENTS, CONVERSATIONS, JOBS

__all__ = ["CONFIGURATION", "advance", "start"]

CONFIGURATION: Final = "configuration"
"""The job that follows a new version of the configuration."""

BATCH: Final = 100

_AGENTS: Final = "agents"
_CONVERSATIONS: Final = "conversations"
_ALL_AGENTS = AGENTS.index("all_agents")
_OPEN = CONVERSATIONS.index("open_conversations")


def start(unit: Unit, version: int) -> None:
    """Begin anew: staff first, since who serves what decides who can be given what."""
    unit.tx.put(JOBS, unit.desk, Job(CONFIGURATION, version, _AGENTS))


def advance(unit: Unit) -> bool:
    """Do one batch of the job, if there is one; return whether more is left."""
    job = unit.tx.get(JOBS, unit.desk, (CONFIGURATION,))
    if job is None:
        return False
    cursor = _agents(unit, job.cursor) if job.phase == _AGENTS else _conversations(unit, job.cursor)
    if cursor is not None:
        following = Job(job.name, job.version, job.phase, cursor)
    elif job.phase == _AGENTS:
        following = Job(job.name, job.version, _CONVERSATIONS)
    else:
        unit.tx.delete(JOBS, unit.desk, (CONFIGURATION,))
        return False
    unit.tx.put(JOBS, unit.desk, following)
    return True


def _agents(unit: Unit, cursor: str) -> str | None:
    """Save agents anew, whose queues, capacity or order may follow from the new version."""
    agents = unit.tx.scan(_ALL_AGENTS, unit.desk, after=(cursor,), limit=BATCH)
    for agent in agents:
        save_agent(
            unit,
            agent.id,
            name=agent.name,
            groups=agent.groups,
            serves=agent.serves,
            capacity=agent.own_capacity,
            skills=agent.skills,
            channels=agent.channels,
            weight=agent.weight,
            follow=True,
        )
        # Queues that they serve may be pushed from here on, whoever changed or not.
        unit.freed[agent.id] = None
    return agents[-1].id if len(agents) == BATCH else None


def _conversations(unit: Unit, cursor: str) -> str | None:
    """Recompute when open conversations are due; note where they wait by the new version."""
    found = unit.tx.scan(_OPEN, unit.desk, (1,), after=(cursor,), limit=BATCH)
    for conversation in found:
        conversation = unit.refresh(conversation)  # noqa: PLW2901  (as it stands from here on)
        if conversation.state is State.QUEUED:
            unit.lines.note(conversation, unit.setup.channels)
    return found[-1].id if len(found) == BATCH else None
