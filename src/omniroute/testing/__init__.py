"""The testing kit: play a desk in virtual time, and check adapters and stores of your own."""

from omniroute.testing.play import MONDAY, Play, PlayAgent, PlayContact, play
from omniroute.testing.scripted import Delivery, ScriptedAdapter, ScriptedProvider

__all__ = [
    "MONDAY",
    "Delivery",
    "Play",
    "PlayAgent",
    "PlayContact",
    "ScriptedAdapter",
    "ScriptedProvider",
    "play",
]
