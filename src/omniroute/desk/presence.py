"""Presence: an agent whose heartbeat stops is away, and policy says what becomes of what they hold (P7).

A heartbeat moves a deadline and tells nothing; being away, and being back, are told. Whoever switched
themselves off is not brought back by a heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable

from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import UsageError
from omniroute.model.agent import Agent
from omniroute.model.commands import Enqueue
from omniroute.model.events import SYSTEM, AgentAvailability
from omniroute.model.policy import AwayThen
from omniroute.model.records import AgentTimer, AgentTimerKind
from omniroute.model.state import State
from omniroute.schema import AGENT_TIMERS

__all__ = ["forget_absence", "heartbeat", "missed"]

_HELD = (State.ACTIVE, State.INACTIVE)


def _key(agent: str) -> tuple[str, str, str]:
    return agent, AgentTimerKind.PRESENCE.value, ""


def heartbeat(agent: str) -> Callable[[Unit], Agent]:
    """Return the flow of a sign of life: whoever was away is back, and gets what waits."""

    def flow(unit: Unit) -> Agent:
        found, rule = unit.agent(agent), unit.setup.policy().presence
        if rule is None:
            raise UsageError(
                "this desk does not look at heartbeats",
                where="policy.presence",
                expected='presence = { away_after = "90s" }',
            )
        known = unit.tx.get(AGENT_TIMERS, unit.desk, _key(agent))
        due = unit.now + rule.away_after
        timer = AgentTimer(agent, AgentTimerKind.PRESENCE, "", unit.now, due)
        unit.arm_agent(timer)
        # Who missed an offer comes back by hand alone (M5).
        if known is not None and known.away and not found.available and not found.missed:
            unit.write_event(AgentAvailability(agent, unit.now, SYSTEM, available=True))
        settle(unit)
        return unit.agent(agent)

    return flow


def forget_absence(unit: Unit, agent: str) -> None:
    """Let a switch by hand count, whatever their heartbeat says of them."""
    known = unit.tx.get(AGENT_TIMERS, unit.desk, _key(agent))
    if known is not None and known.away:
        unit.tx.delete(AGENT_TIMERS, unit.desk, _key(agent))


def missed(unit: Unit, timer: AgentTimer, at: int) -> None:
    """A heartbeat did not come in time, or an absence lasted too long; `at` is the deadline's instant."""
    agent, rule = unit.find_agent(timer.agent), unit.setup.policy().presence
    if agent is None or rule is None:
        unit.tx.delete(AGENT_TIMERS, unit.desk, AGENT_TIMERS.key(timer))
        return
    waits = not timer.away and rule.then is AwayThen.WAIT and rule.wait > 0
    # Somebody must be able to come back in time, however late this is looked at (S2).
    due = unit.now + rule.wait if waits else None
    away = AgentTimer(timer.agent, timer.kind, "", timer.since, due, away=True)
    if not timer.away and not agent.available:
        unit.tx.delete(AGENT_TIMERS, unit.desk, AGENT_TIMERS.key(timer))  # off by hand
        return
    unit.arm_agent(away)
    if not timer.away:
        unit.write_event(AgentAvailability(timer.agent, at, SYSTEM, available=False))
    if not waits and rule.then is not AwayThen.KEEP:
        _give_back(unit, timer.agent, at)


def _give_back(unit: Unit, agent: str, at: int) -> None:
    for found in unit.letting_go(agent, _HELD):
        command = Enqueue(found.queue or found.place.inbox, reason="returned")
        unit.perform(found, command, unit.policy(found), now=at)
