"""Presets: the policies of known ways to work, the outermost layer of every policy (U18).

Each says only what it is known for; the rest are `Policy`'s own defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from omniroute.errors import Problem, UsageError
from omniroute.instants import DAY, MINUTE
from omniroute.model.agent import Distribution
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    DismissedTextAt,
    KeepAlive,
    Overtake,
    PolicySettings,
    ResumeTo,
    Resuming,
    TransferAgent,
    TransferQueue,
    TransferRules,
)
from omniroute.rules.names import join, quoted, unknown

__all__ = ["LOCKED_BY", "PRESETS", "locked_problems", "preset", "preset_problem"]

_WAITS: Final = ("selecting", "queued", "offered")
_HELD: Final = ("active", "inactive")


def _labels(waits: str, held: str, ended: str, **others: str) -> dict[str, str]:
    """Words for states: several of ours are one of a product's."""
    return dict.fromkeys(_WAITS, waits) | dict.fromkeys(_HELD, held) | others | {"ended": ended}


PRESETS: Final[Mapping[str, PolicySettings]] = MappingProxyType(
    {
        "sla_inbox": PolicySettings(
            assignment=Assignment.PUSH,
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
            resume_to=Resuming(ResumeTo.LAST_AGENT, 3 * DAY),  # the same agent for a while
            labels=_labels("Waiting", "Open", "Closed", snoozed="Snoozed"),
            closed=("dismiss",),
        ),
        "social_queue": PolicySettings(
            assignment=Assignment.OFFER_ALL,
            agent_initiated=False,
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
            resume_to=Resuming(ResumeTo.QUEUE),  # U39
            transfer=TransferRules(queue=TransferQueue.NONE),  # U67
            chat_timeout=DAY,
            hard_expiry=7 * DAY,  # U30, locked
            dismissed_text_at=DismissedTextAt.DISMISS,
            labels=_labels("Queued", "Active", "Ended", inactive="Inactive", dismissed="Dismissed"),
            closed=("snooze",),
        ),
        "keep_alive": PolicySettings(
            assignment=Assignment.PUSH,
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
            keep_alive=KeepAlive(
                after=10 * MINUTE,
                text="Are you still there?",
                end_after=10 * MINUTE,
                end_text="We have not heard from you, and close this conversation.",
            ),
            labels=_labels("Waiting", "In service", "Finished"),
            closed=("dismiss", "snooze"),
        ),
        "claim": PolicySettings(
            assignment=Assignment.CLAIM,
            agent_initiated=False,
            overtake=Overtake.CONFIRM,  # C4
            after_end=AfterEnd(AfterEndTo.QUEUE),  # C8: the same conversation, and no timer
            resume_to=Resuming(ResumeTo.QUEUE),
            transfer=TransferRules(queue=TransferQueue.NONE),
            labels=_labels(
                "Unanswered", "Active", "Finished", dismissed="Active", snoozed="Active"
            ),
            closed=("dismiss", "snooze"),  # C1: three statuses and no more
        ),
        "push": PolicySettings(
            assignment=Assignment.PUSH,
            distribution=Distribution.LEAST_LOADED,  # A18
            agent_initiated=False,
            overtake=Overtake.FORBID,
            after_end=AfterEnd(AfterEndTo.NEW),
            resume_to=Resuming(ResumeTo.FIRST_AVAILABLE),  # A14
            transfer=TransferRules(agent=TransferAgent.SAME_GROUP),  # A21
            labels=_labels("Waiting", "Ongoing", "Ended", snoozed="Snoozed"),
            closed=("dismiss",),  # put aside by snooze, ended by hand (A20)
        ),
    },
)
"""What each preset sets, by its name."""


LOCKED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"social_queue": ("hard_expiry",)}
)
"""What a preset sets that no layer may set otherwise (U30)."""


def locked_problems(name: str | None, path: str, policy: PolicySettings) -> Iterator[Problem]:
    """Yield the settings of a layer that differ from what the preset locks."""
    for setting in LOCKED_BY.get(name or "", ()):
        value = getattr(policy, setting)
        if value is not None and value != getattr(PRESETS[name or ""], setting):
            text = f"the preset {quoted(name or '')} locks this; leave it out"
            yield Problem(join(path, setting), text)


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
