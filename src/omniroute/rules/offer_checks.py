"""Settings of offers that would say nothing, since nobody is asked one at a time or waited for (M5).

A part of `rules.checks`, which is the gate. A layer's setting is judged by the leaves that it lies over.
"""

from __future__ import annotations

from collections.abc import Iterator

from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig
from omniroute.model.policy import Assignment, PolicySettings
from omniroute.rules import queue_tree
from omniroute.rules.layers import layers
from omniroute.rules.names import join

__all__ = ["problems"]


def problems(config: DeskConfig) -> Iterator[Problem]:
    """Yield the settings of offers that no leaf below them has a use for; the preset is known."""
    for path, settings, leaves in _written(config):
        if settings.offer is not None and not any(
            _assignment(config, leaf) is Assignment.OFFER_ONE for leaf in leaves
        ):
            text = 'has no effect: nothing here is offered one at a time, assignment = "offer_one"'
            yield Problem(join(path, "offer"), text)
        sticky = settings.assign is not None and settings.assign.sticky_within is not None
        if sticky and leaves and all(_waits_for_nobody(config, leaf) for leaf in leaves):
            text = "has no effect where everybody is asked; set how long they wait for that agent"
            yield Problem(join(path, "assign", "sticky_within"), f"{text}, sticky_wait")


def _written(config: DeskConfig) -> Iterator[tuple[str, PolicySettings, list[str]]]:
    """Every layer that lies over leaves, with its path and its leaves."""
    below = {
        name: list(queue_tree.leaves(name, inbox.queues)) for name, inbox in config.inboxes.items()
    }
    yield "policy", config.policy, [leaf for leaves in below.values() for leaf in leaves]
    for name, inbox in config.inboxes.items():
        yield join("inboxes", name, "policy"), inbox.policy, below[name]
        for place, settings in inbox.at.items():
            full = f"{name}{queue_tree.SEPARATOR}{place}"
            under = [
                leaf
                for leaf in below[name]
                if leaf == full or leaf.startswith(full + queue_tree.SEPARATOR)
            ]
            yield join("inboxes", name, "at", place), settings, under


def _assignment(config: DeskConfig, leaf: str) -> Assignment:
    found = [each.assignment for _, each in layers(config, None, leaf) if each.assignment]
    return found[-1] if found else Assignment.PUSH


def _waits_for_nobody(config: DeskConfig, leaf: str) -> bool:
    if _assignment(config, leaf) is not Assignment.OFFER_ALL:
        return False
    assigns = [each.assign for _, each in layers(config, None, leaf) if each.assign]
    return not any(each.sticky_wait for each in assigns)
