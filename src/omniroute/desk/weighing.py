"""What agents hold is weighed as they get it, where the desk's channels have costs or maxima (P2).

What counts how much is `rules.weights`'; here it is told, as an event behind the one that gave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.model import events as tell
from omniroute.model.agent import Agent
from omniroute.model.state import State
from omniroute.rules.waiting import slot
from omniroute.rules.weights import terms
from omniroute.schema import CONVERSATIONS, due_order

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit
    from omniroute.desk.unit_state import UnitState

__all__ = ["name_of", "weigh", "weigh_again"]

_HOLDING = CONVERSATIONS.index("agent_by_due")
_HELD = (State.OFFERED, State.ACTIVE, State.INACTIVE)
_PAGE = 100


def name_of(unit: UnitState, event: tell.Event) -> str | None:
    """Return as what the conversation of an event counts, or None where nothing is counted."""
    if not unit.setup.counted:
        return None
    place = getattr(event, "place", None)
    if place is None:
        place = unit.conversation(getattr(event, "conversation", "")).place
    return unit.setup.counted.get(place.channel)


def weigh(unit: UnitState, agent: Agent, event: tell.Event, name: str) -> None:
    """Tell what an agent's load has grown by, where it is not one part and nothing else."""
    wrap_up = isinstance(event, tell.WrapUpStarted)
    conversation = getattr(event, "conversation", "")
    cost = terms(agent, name).cost
    unit.write_event(
        tell.Weighed(agent.id, event.at, tell.SYSTEM, conversation, name, cost, wrap_up)
    )


def weigh_again(unit: Unit, agent: str) -> None:
    """Tell what an agent's conversations cost by terms that changed; what they hold they keep."""
    for state in _HELD:
        after: tuple[int | str, ...] | None = None
        while page := unit.tx.scan(
            _HOLDING, unit.desk, (agent, state.value), after=after, limit=_PAGE
        ):
            for each in page:
                _weigh_one(unit, unit.agent(agent), each.id)
            if len(page) < _PAGE:
                break
            after = (due_order(page[-1]), page[-1].id)


def _weigh_one(unit: Unit, agent: Agent, conversation: str) -> None:
    found, held = unit.conversation(conversation), agent.extras.held.get(conversation)
    if slot(found) != agent.id:
        return
    name = unit.setup.counted.get(found.place.channel)
    cost = terms(agent, name).cost
    if (held is None and name is None) or (held and (held.counted_as, held.cost) == (name, cost)):
        return
    unit.write_event(tell.Weighed(agent.id, unit.now, tell.SYSTEM, conversation, name, cost))
