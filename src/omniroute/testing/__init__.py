"""The testing kit: play a desk in virtual time, and check adapters and stores of your own."""

from omniroute.testing.builders import (
    NOW,
    a_config,
    a_conversation,
    a_message,
    a_place,
    an_agent,
    an_inbound,
)
from omniroute.testing.play import MONDAY, Play, PlayAgent, PlayContact, play
from omniroute.testing.scripted import Delivery, ScriptedAdapter, ScriptedProvider

__all__ = [
    "MONDAY",
    "NOW",
    "Delivery",
    "Play",
    "PlayAgent",
    "PlayContact",
    "ScriptedAdapter",
    "ScriptedProvider",
    "a_config",
    "a_conversation",
    "a_message",
    "a_place",
    "an_agent",
    "an_inbound",
    "play",
]
