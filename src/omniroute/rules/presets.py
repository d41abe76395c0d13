"""Presets: the policies of known ways to work, the outermost layer of every policy (U18).

Each says only what it is known for; the rest are `Policy`'s own defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omniroute.errors import UsageError
from omniroute.model.agent import Distribution
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    Overtake,
    PolicySettings,
    TransferAgent,
    TransferQueue,
    TransferRules,
)
from omniroute.rules.names import quoted, unknown

__all__ = ["PRESETS", "preset", "preset_problem"]

PRESETS: Final[Mapping[str, PolicySettings]] = MappingProxyType(
    {
        "push": PolicySettings(
            assignment=Assignment.PUSH,
            distribution=Distribution.LEAST_LOADED,  # A18
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
            transfer=TransferRules(agent=TransferAgent.SAME_GROUP),  # A21
        ),
        "claim": PolicySettings(
            assignment=Assignment.CLAIM,
            overtake=Overtake.CONFIRM,  # C4
            after_end=AfterEnd(AfterEndTo.QUEUE),  # C8: the same conversation, and no timer
            transfer=TransferRules(queue=TransferQueue.NONE),
            labels=dict.fromkeys(("selecting", "queued", "offered"), "Unanswered")
            | dict.fromkeys(("active", "inactive", "dismissed", "snoozed"), "Active")
            | {"ended": "Finished"},
        ),
        "sla_inbox": PolicySettings(
            assignment=Assignment.PUSH,
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
        ),
    },
)
"""What each preset sets, by its name."""


def preset(name: str | None) -> PolicySettings:
    """Return what a preset sets; nothing for None. Raises `UsageError` for an unknown one."""
    if name is None:
        return PolicySettings()
    if problem := preset_problem(name):
        raise UsageError(problem, where="preset")
    return PRESETS[name]


def preset_problem(name: str) -> str | None:
    """Return what is wrong with a preset's name, with the names there are, or None."""
    if name in PRESETS:
        return None
    return unknown(f"unknown preset {quoted(name)}", PRESETS, name)
