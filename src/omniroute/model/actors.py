"""Who acts: the contact, the desk itself, or an agent. Actors are `contact`, `system`, or `agent:<id>`."""

from __future__ import annotations

from sys import intern
from typing import Final

__all__ = ["CONTACT", "SYSTEM", "actor_agent", "agent_actor"]

CONTACT: Final = "contact"
SYSTEM: Final = "system"
_AGENT: Final = "agent:"


def agent_actor(agent: str) -> str:
    """Return the actor that stands for an agent: the same object, however often they act."""
    return intern(_AGENT + agent)


def actor_agent(actor: str) -> str | None:
    """Return the agent an actor stands for, or None for contact and system."""
    return actor.removeprefix(_AGENT) if actor.startswith(_AGENT) else None
