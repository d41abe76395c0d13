"""Where in a queue's line a conversation goes when its wait there begins (M2, P4, P12, S14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from omniroute.model.assign import NEW, NO_ROUTING, AssignMode, Routing
from omniroute.model.conversation import Conversation
from omniroute.rules.waiting import is_sticky, segment_of

if TYPE_CHECKING:
    from omniroute.desk.unit import Unit

__all__ = ["arriving", "entering"]


def arriving(
    unit: Unit,
    queue: str | None,
    attributes: Mapping[str, Any],
    earlier: Conversation | None,
) -> Routing:
    """Return the place in line of a new conversation; `earlier` is the last one before it.

    Where their contact was merged with another, that may still go on (P17).
    """
    desk = unit.setup.policy().assign
    routing = NO_ROUTING
    if desk.segments and (segment := segment_of(desk.segments, attributes)):
        routing = Routing(segment=segment)
    if queue is None:
        return routing
    rule = unit.rule(queue).assign
    if earlier is not None and earlier.agent and is_sticky(rule, _gone(unit, earlier)):
        routing = evolve(routing, sticky=earlier.agent)
    return entering(unit, queue, routing)


def _gone(unit: Unit, earlier: Conversation) -> int:
    return unit.now - earlier.since if earlier.ended else 0


def entering(unit: Unit, queue: str, routing: Routing, wait_class: int = NEW) -> Routing:
    """Return a conversation's place in the line of a queue that it comes into for the first time.

    Under percent it is allotted to a group, and counted (M2).
    """
    rule = unit.rule(queue).assign
    group = unit.queue_lines.allot(queue, rule) if rule.mode is AssignMode.PERCENT else None
    if group == routing.group and wait_class == routing.wait_class and not routing.exclusive:
        return routing
    return evolve(routing, group=group, wait_class=wait_class, exclusive=False)
