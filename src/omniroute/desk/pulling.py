"""The part of `Desk` by which agents pull their work: the next that waits is theirs.

The order and who may take what are `routing`'s, as where the desk pushes; one transaction chooses
and takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from omniroute.desk.idempotency import Done, once
from omniroute.desk.lines import Lines
from omniroute.desk.part import Part
from omniroute.desk.routing import next_for, settle
from omniroute.desk.unit import Unit
from omniroute.desk.views import ConversationView, view_of
from omniroute.errors import UsageError
from omniroute.model.agent import Agent
from omniroute.model.commands import Take
from omniroute.rules.names import quoted, unknown
from omniroute.rules.weights import fits

__all__ = ["Pulling"]


class Pulling(Part):
    """What `Desk` inherits. Everything here is a method of every desk."""

    def take_next(
        self,
        *,
        by: str,
        queue: str | None = None,
        key: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> ConversationView | None:
        """Take whatever comes first of all that `by` may claim (C3, M3, R2); None where nothing waits.

        One transaction: no two agents get the same one, and nobody is passed over. What may be claimed
        waits in queues that the agent serves and whose policy says claim; `queue` narrows it to one of
        them, or to those below a branch or inbox. Channels, skills, groups and who waits for whom count
        as where the desk pushes. Raises `CapacityExceeded` where something waits and `by` holds
        `hard_max`, `UsageError` for a queue that they do not serve. Nothing taken is not recorded under
        `key`: asked again, it looks again. `key` and `within` as for `take`.
        """
        flow, instant = once(key, taking(by, queue), "take_next", by, queue), self._now(now)

        def viewed(unit: Unit) -> ConversationView | None:
            done = flow(unit)
            found = None if done is None else done.conversation
            return None if found is None else view_of(found, unit.setup, instant)

        about = (None, by, key)
        return self._runtime.run(self.id, instant, viewed, within=within, about=about)


def taking(by: str, queue: str | None) -> Callable[[Unit], Done | None]:
    """Return the flow of taking the next that an agent may claim, in all their queues or at a place."""

    def flow(unit: Unit) -> Done | None:
        agent = unit.agent(by)
        queues = agent.leaves if queue is None else _served(unit.setup.leaves, agent, queue)
        lines, by_hand = Lines(unit), partial(fits, by_hand=True)
        waiting = next_for(unit, lines, agent, queues, unit.claims_from, limit=by_hand)
        if waiting is None and unit.setup.counted:  # what waits may be too heavy: taking it says so
            waiting = next_for(unit, lines, agent, queues, unit.claims_from, limit=_any)
        if waiting is None:
            return None
        unit.perform(waiting, Take(by), unit.policy(waiting))
        settle(unit)
        return Done(unit.conversation(waiting.id))

    return flow


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
