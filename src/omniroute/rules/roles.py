"""Who may do what: the one table of roles and rights (G18, C13).

An agent acts with the rights of their role; `None` is the host itself, or the desk's own work, and
is trusted. Whoever is not on the staff has no rights at all, so that somebody who was removed has
none left. Knows nothing of what is done with a right.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from omniroute.errors import PermissionDenied
from omniroute.model.agent import Agent, Role
from omniroute.rules.names import quoted

__all__ = ["RIGHTS", "Right", "has_right", "require_right"]


class Right(StrEnum):
    """What a role can allow."""

    CONFIGURE = "change the configuration"
    ROLL_BACK = "roll the configuration back"
    STAFF = "change the staff"
    SWITCH_OTHERS = "switch other agents on and off"
    FORCE_TRANSFER = "force a transfer"
    SNOOZE_OTHERS = "snooze another agent's conversation"
    MERGE_CONTACTS = "merge contacts"


_AGENT: Final = frozenset[Right]()
_SUPERVISOR: Final = frozenset(
    {Right.SWITCH_OTHERS, Right.FORCE_TRANSFER, Right.SNOOZE_OTHERS, Right.MERGE_CONTACTS}
)

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.AGENT: _AGENT,
        Role.SUPERVISOR: _SUPERVISOR,
        Role.ADMINISTRATOR: frozenset(Right),
    }
)
"""What each role may do beside what every agent may: answering, taking, ending (C7).

Disabling a channel changes the configuration, and needs that right (C13). What nobody may do, on a
desk that knows no takeover, say, is policy's matter (C4).
"""


def has_right(agent: Agent, right: Right) -> bool:
    """Whether an agent's role allows something."""
    return right in RIGHTS[agent.role]


def require_right(by: str, agent: Agent | None, right: Right) -> None:
    """Raise `PermissionDenied` unless `agent`, who is `by` on the staff (None: nobody), has a right."""
    if agent is not None and has_right(agent, right):
        return
    holders = [role.value for role in Role if right in RIGHTS[role]]
    raise PermissionDenied(
        f"{quoted(by)} may not {right.value}",
        where="by",
        expected=f"somebody with the role {' or '.join(holders)}",
        got="nobody on the staff" if agent is None else f"the role {agent.role.value}",
        hint="by=None acts for the host itself",
    )
