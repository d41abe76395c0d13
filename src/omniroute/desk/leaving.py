"""Taking somebody off the staff: what they hold is requeued, kept or handed over, never dropped (S15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from omniroute.desk.asking import withdraw_from
from omniroute.desk.permission import permit
from omniroute.desk.staff import HAND, profile_of, record, save_agent
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.commands import Enqueue, HandOver
from omniroute.model.conversation import Conversation
from omniroute.model.events import AgentRemoved
from omniroute.model.state import OPEN, State
from omniroute.ports import Transaction
from omniroute.rules.roles import Right
from omniroute.schema import AGENTS, CONVERSATIONS

__all__ = ["HELD", "leaving_problems", "remove"]

HELD: Final = ("requeue", "keep")
"""What can become of the conversations that somebody holds, besides being handed to an agent."""

_SAY: Final = 'held="requeue", held="keep", or hand_to=<agent>'
_HOLDING: Final = CONVERSATIONS.index("agent_by_due")
_HELD_IN: Final = tuple(state for state in OPEN if state is not State.OFFERED)


def remove(
    agent: str, *, held: str | None, hand_to: str | None, by: str | None, origin: str = HAND
) -> Callable[[Unit], None]:
    """Return the flow of taking an agent off the staff.

    Raises `UsageError`, saying how many, where they hold conversations and nothing is said of them.
    """
    _check_said(agent, held, hand_to)

    def flow(unit: Unit) -> None:
        actor = permit(unit, by, Right.STAFF)
        leaver = unit.agent(agent)
        count = _holds(unit.tx, unit.desk, agent)
        if count and held is None and hand_to is None:
            raise UsageError(_unsaid(agent, count), expected=_SAY)
        before = profile_of(leaver)
        if count and held == "keep":
            save_agent(unit, agent, before, actor=actor, follow=True, leaving=True)
            record(unit, agent, actor, origin, before, None)
            return
        if leaver.load:
            withdraw_from(unit, leaver, None)
        _let_go(unit, agent, hand_to, by)
        unit.write_event(AgentRemoved(agent, unit.now, actor))
        record(unit, agent, actor, origin, before, None)

    return flow


def leaving_problems(
    tx: Transaction, desk: str, agent: str, held: str | None, hand_to: str | None
) -> Iterator[str]:
    """Yield why somebody cannot be taken off the staff like this, as `remove` would raise it."""
    try:
        _check_said(agent, held, hand_to)
    except UsageError as error:
        yield f"{error.summary}; expected {error.expected or 'another agent'}"
    for each in (agent, hand_to):
        if each is not None and tx.get(AGENTS, desk, (each,)) is None:
            yield f"there is no agent {each!r}"
    if held is None and hand_to is None and (count := _holds(tx, desk, agent)):
        yield f"{_unsaid(agent, count)}; expected {_SAY}"


def _check_said(agent: str, held: str | None, hand_to: str | None) -> None:
    if held is not None and (held not in HELD or hand_to is not None):
        raise UsageError(
            "what becomes of the conversations they hold is said once",
            where="held",
            expected=_SAY,
            got=f"held={held!r}, hand_to={hand_to!r}",
        )
    if hand_to == agent:
        raise UsageError("somebody else has to take them", where="hand_to", got=repr(hand_to))


def _unsaid(agent: str, count: int) -> str:
    return f"agent {agent!r} holds {count} open conversation{'' if count == 1 else 's'}"


def _holds(tx: Transaction, desk: str, agent: str) -> int:
    return sum(tx.count(_HOLDING, desk, (agent, state.value)) for state in _HELD_IN)


def _let_go(unit: Unit, agent: str, hand_to: str | None, by: str | None) -> None:
    """Let each open conversation have another holder, or wait for one, page by page."""
    if hand_to is not None:
        unit.agent(hand_to)
    for found in unit.letting_go(agent, _HELD_IN):
        unit.perform(found, _command(found, hand_to, by), unit.policy(found))


def _command(conversation: Conversation, hand_to: str | None, by: str | None) -> Enqueue | HandOver:
    if hand_to is not None:
        return HandOver(hand_to, by)
    return Enqueue(conversation.queue or conversation.place.inbox, by, "returned")
