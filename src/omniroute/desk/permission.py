"""Whether whoever acts may: their role is looked up under the desk's lock, where the work is done."""

from __future__ import annotations

from omniroute.desk.unit import Unit
from omniroute.model.events import SYSTEM, agent_actor
from omniroute.rules.roles import Right, require_right

__all__ = ["permit"]


def permit(unit: Unit, by: str | None, right: Right) -> str:
    """Return the actor that `by` stands for; `PermissionDenied` where their role lacks the right.

    None is the host, or the desk itself: trusted, and told as `system` (G18).
    """
    if by is None:
        return SYSTEM
    require_right(by, unit.find_agent(by), right)
    return agent_actor(by)
