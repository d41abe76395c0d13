"""MISSED: who lets an offer lapse may get nothing more until they are switched on by hand (M5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.model.events import SYSTEM, AgentAvailability
from omniroute.model.policy import OfferThen

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit
    from omniroute.model.conversation import Conversation

__all__ = ["note_missed"]


def note_missed(unit: Unit, conversation: Conversation, at: int) -> None:
    """Switch off whoever let the offer of a conversation lapse at `at`, where policy says so."""
    offer = conversation.extras.offer
    if offer is None or unit.policy(conversation).offer.then is not OfferThen.MISSED:
        return
    agent = unit.find_agent(offer.agent or "")
    if agent is not None and not agent.missed:
        unit.write_event(AgentAvailability(agent.id, at, SYSTEM, available=False, missed=True))
