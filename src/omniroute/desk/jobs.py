"""Work on everything a desk holds, after its configuration changed: batch by batch, resumable (S4).

A job is a record of how far it came, written in the same transaction as what it did; every tick
takes one batch further. Until it has come by, a conversation is brought up to date at its next
touch. Versions that moved queues are followed one after another, whatever was saved meanwhile.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from omniroute.desk.staff import CONFIGURATION as BY_CONFIGURATION
from omniroute.desk.staff import profile_of, save_agent
from omniroute.desk.unit import Unit
from omniroute.model.agent import Agent
from omniroute.model.assign import AssignMode
from omniroute.model.commands import Line
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import QueueMove
from omniroute.model.records import CONFIGURATION_JOB, STAFF, Job
from omniroute.model.state import WAITING
from omniroute.rules.moves import follow_patterns
from omniroute.rules.offers import is_for_all
from omniroute.rules.waiting import pool
from omniroute.schema import AGENTS, CONFIG_CHANGES, CONVERSATIONS, JOBS, Key

__all__ = ["advance", "start"]

BATCH: Final = 100

_CONVERSATIONS: Final = "conversations"
_ALL_AGENTS = AGENTS.index("all_agents")
_WAITING = CONVERSATIONS.index("waiting")
_OPEN = CONVERSATIONS.index("open_thread")
_HISTORY = CONFIG_CHANGES.index("config_history")


def start(unit: Unit, version: int) -> None:
    """Begin with a new version: staff first, since who serves what decides who can be given what.

    A job that is still going through the staff goes on, and comes to this version after its own.
    """
    job = unit.tx.get(JOBS, unit.desk, (CONFIGURATION_JOB,))
    if job is None or not job.saves_staff:
        unit.tx.put(JOBS, unit.desk, Job(CONFIGURATION_JOB, version, STAFF))
    unit.come_back_at(unit.now)


def advance(unit: Unit) -> bool:
    """Do one batch of the job, if there is one; return whether more is left."""
    job = unit.tx.get(JOBS, unit.desk, (CONFIGURATION_JOB,))
    if job is None:
        return False
    cursor = _agents(unit, job) if job.saves_staff else _conversations(unit, job.cursor)
    following = _following(unit, job, cursor)
    if following is None:
        unit.tx.delete(JOBS, unit.desk, (CONFIGURATION_JOB,))
        return False
    unit.tx.put(JOBS, unit.desk, following)
    return True


def _following(unit: Unit, job: Job, cursor: str | None) -> Job | None:
    if cursor is not None:
        return Job(job.name, job.version, job.phase, cursor)
    if not job.saves_staff:
        return None
    if job.version < unit.setup.version:
        return Job(job.name, _next_version(unit, job.version), STAFF)
    _look_at_groups(unit)
    return Job(job.name, job.version, _CONVERSATIONS)


def _look_at_groups(unit: Unit) -> None:
    """Now that everybody stands in their groups, what waits may be open to later ones (M1)."""
    waits = unit.tx.heads(_WAITING, unit.desk, [(leaf,) for leaf in unit.setup.leaves])
    for queue, *_ in waits:
        rule = unit.rule(queue).assign
        if rule.mode is AssignMode.CASCADE:
            unit.agenda.closed[pool(queue, rule.cascade[0])] = None


def _next_version(unit: Unit, version: int) -> int:
    """The next version that moved queues, or the one in force: what is between is passed over."""
    later = unit.tx.scan(_HISTORY, unit.desk, after=(version,), limit=BATCH)
    moved = next((each.version for each in later if each.moves), None)
    if moved is not None:
        return moved
    return later[-1].version if later else unit.setup.version


def _agents(unit: Unit, job: Job) -> str | None:
    """Save agents anew, whose queues, capacity or order may follow from the new version."""
    agents = unit.tx.scan(_ALL_AGENTS, unit.desk, after=(job.cursor,), limit=BATCH)
    saved = unit.tx.get(CONFIG_CHANGES, unit.desk, (job.version,))
    moves, author = (saved.moves, saved.by) if saved else ((), None)
    for agent in agents:
        _follow(unit, agent, moves, author)
        # Queues that they serve may be pushed from here on, whoever changed or not.
        unit.agenda.freed[agent.id] = None
    return agents[-1].id if len(agents) == BATCH else None


def _follow(unit: Unit, agent: Agent, moves: tuple[QueueMove, ...], author: str | None) -> None:
    profile, leaving = profile_of(agent), agent.leaving
    serves = follow_patterns(profile.serves, moves) if moves else profile.serves
    if serves == profile.serves or author is None:
        save_agent(unit, agent.id, profile, follow=True, leaving=leaving)
        return
    save_agent(
        unit,
        agent.id,
        evolve(profile, serves=serves),
        actor=author,
        origin=BY_CONFIGURATION,
        follow=True,
        leaving=leaving,
    )


def _conversations(unit: Unit, cursor: str) -> str | None:
    """Recompute when open conversations are due; note where they wait by the new version."""
    behind = _thread(unit.conversation(cursor)) if cursor else None
    found = unit.tx.scan(_OPEN, unit.desk, after=behind, limit=BATCH)
    for each in found:
        conversation = unit.refresh(unit.conversation(each.id))
        if conversation.state in WAITING:
            _line_up(unit, conversation)
    return found[-1].id if len(found) == BATCH else None


def _line_up(unit: Unit, conversation: Conversation) -> None:
    """Note where a conversation waits, and who may take it when, by the new version."""
    policy = unit.policy(conversation)
    unit.queue_lines.note(conversation, unit.setup.channels)
    conversation = unit.perform(conversation, Line(conversation.extras.routing), policy)
    if conversation.state not in WAITING:
        return
    if is_for_all(conversation, policy) or conversation.extras.routing.sticky is not None:
        # Who is asked, or waited for, may be others now.
        unit.agenda.queued[conversation.id] = None


def _thread(conversation: Conversation) -> Key:
    """Where a conversation stood among open ones, whether it still does: it stays in its thread."""
    place = conversation.place
    return place.entry_point, place.contact, place.thread
