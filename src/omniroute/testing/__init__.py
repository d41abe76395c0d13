"""The testing kit: play a desk in virtual time, and check adapters and stores of your own.

Imported by pytest wherever omniroute is installed, for the plugin: nothing comes before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omniroute.testing.builders import (
        NOW,
        a_config,
        a_conversation,
        a_message,
        a_place,
        an_agent,
        an_inbound,
    )
    from omniroute.testing.playing import MONDAY, Play, PlayAgent, PlayContact, play
    from omniroute.testing.scripted import Delivery, ScriptedAdapter, ScriptedProvider
    from omniroute.testing.walking import Finding, FindingKind, walk, walk_cases

__all__ = [
    "MONDAY",
    "NOW",
    "Delivery",
    "Finding",
    "FindingKind",
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
    "walk",
    "walk_cases",
]

_HOMES = {
    "builders": (
        "NOW",
        "a_config",
        "a_conversation",
        "a_message",
        "a_place",
        "an_agent",
        "an_inbound",
    ),
    "playing": ("MONDAY", "Play", "PlayAgent", "PlayContact", "play"),
    "scripted": ("Delivery", "ScriptedAdapter", "ScriptedProvider"),
    "walking": ("Finding", "FindingKind", "walk", "walk_cases"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'omniroute.testing' has no attribute {name!r}")
    value = getattr(import_module(f"omniroute.testing.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
