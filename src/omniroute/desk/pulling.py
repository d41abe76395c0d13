"""Agents pull their work: the next that waits is theirs.

The order and who may take what are `routing`'s, as where the desk pushes; one transaction chooses
and takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from omniroute.desk.idempotency import Done
from omniroute.desk.lines import Lines
from omniroute.desk.routing import next_for, settle
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.agent import Agent
from omniroute.model.commands import Take
from omniroute.model.conversation import Conversation
from omniroute.model.state import WAITING
from omniroute.rules.names import quoted, unknown
from omniroute.rules.weights import fits

__all__ = ["taking"]


def taking(by: str, queue: str | None) -> Callable[[Unit], Done | None]:
    """Return the flow of taking the next that an agent may claim, in all their queues or at a place."""

    def flow(unit: Unit) -> Done | None:
        agent = unit.agent(by)
        queues = agent.leaves if queue is None else _served(unit.setup.leaves, agent, queue)
        lines, by_hand = Lines(unit), partial(fits, by_hand=True)
        waiting = _next(unit, lines, agent, queues, by_hand)
        if waiting is None and unit.setup.counted:  # what waits may be too heavy: taking it says so
            waiting = _next(unit, lines, agent, queues, _any)
        if waiting is None:
            return None
        unit.perform(waiting, Take(by), unit.policy(waiting))
        settle(unit)
        return Done(unit.conversation(waiting.id))

    return flow


def _next(
    unit: Unit, lines: Lines, agent: Agent, queues: Sequence[str], limit: Callable[..., bool]
) -> Conversation | None:
    """Return the next that still waits: one that expired by now is passed over, however late (S2)."""
    while found := next_for(unit, lines, agent, queues, unit.setup.claims_from, limit=limit):
        waiting = unit.up_to_date(found)
        if waiting.state in WAITING:
            return waiting
    return None


def _any(*_: object) -> bool:
    return True


def _served(leaves: Sequence[str], agent: Agent, place: str) -> tuple[str, ...]:
    """Return the queues that an agent serves at a place or below it."""
    found = [leaf for leaf in leaves if leaf == place or leaf.startswith(f"{place}/")]
    if not found:
        raise UsageError(unknown(f"no queue {quoted(place)}", leaves, place), where="queue")
    served = tuple(leaf for leaf in found if leaf in agent.leaves)
    if not served:
        raise UsageError(
            f"agent {agent.id!r} does not serve this queue",
            where="queue",
            expected="one that they serve",
            got=repr(place),
        )
    return served
