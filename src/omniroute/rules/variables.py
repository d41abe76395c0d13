"""What may stand in which automatic text, and is filled in when it goes out.

A text goes to contacts as it is written: a variable that it cannot have would reach them in braces,
and nobody at the desk would see it. Knows nothing of the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import PolicySettings
from omniroute.rules.estimates import ESTIMATED_WAIT, POSITION
from omniroute.rules.names import join, unknown
from omniroute.rules.policy_checks import written_layers
from omniroute.rules.texts import OPENS_AT

__all__ = ["problems"]

_NO_ESTIMATES: Final = f"names {ESTIMATED_WAIT}, and no assign.estimate_over is set"
_VARIABLE: Final = re.compile(r"\{[A-Za-z_]+\}")

_PLACE: Final = (POSITION, ESTIMATED_WAIT)
_KNOWN: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    ("greeting",): _PLACE,
    ("after_hours_message",): (OPENS_AT, *_PLACE),
    ("dismissed_text",): _PLACE,  # may go out as they are back in the line
    ("ended_text",): _PLACE,
    ("assign", "waiting_message"): _PLACE,
    ("assign", "full_message"): _PLACE,
    ("assign", "menu_wait"): (ESTIMATED_WAIT,),
    ("keep_alive", "text"): _PLACE,
    ("keep_alive", "end_text"): _PLACE,
}
"""A menu, and the warning of `inactivity`, never go to somebody who waits for an agent."""
_TEXTS: Final = ("menu_text", "greeting", "after_hours_message", "dismissed_text", "ended_text")
_OF_ASSIGN: Final = ("waiting_message", "full_message", "menu_wait")


def problems(config: DeskConfig) -> Iterator[Problem]:
    """Yield the variables that stand in a text which does not have them, or that no queue has."""
    layers = list(written_layers(config))
    estimated = any(each.assign and each.assign.estimate_over for _, each in layers)
    for path, layer in layers:
        for keys, text in _texts(layer):
            known = _KNOWN.get(keys, ())
            for found in dict.fromkeys(_VARIABLE.findall(text or "")):
                if found not in known:
                    yield Problem(join(path, *keys), _told(found, known))
                elif found == ESTIMATED_WAIT and not estimated:
                    yield Problem(join(path, *keys), _NO_ESTIMATES)


def _texts(layer: PolicySettings) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for name in _TEXTS:
        yield (name,), getattr(layer, name)
    if layer.assign is not None:
        for name in _OF_ASSIGN:
            yield ("assign", name), getattr(layer.assign, name)
    if layer.inactivity is not None:
        yield ("inactivity", "text"), layer.inactivity.text
    if layer.keep_alive is not None:
        yield ("keep_alive", "text"), layer.keep_alive.text
        yield ("keep_alive", "end_text"), layer.keep_alive.end_text


def _told(found: str, known: tuple[str, ...]) -> str:
    what = f"{found} stands for nothing here"
    if known:
        return unknown(what, known, found)
    sent = "nobody who gets it waits" if found in _PLACE else "would be sent as it is"
    return f"{what}, and {sent}"
