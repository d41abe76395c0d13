"""Why an agent got a conversation, or why nobody did: at most 1 KB, kept with the decision (S13)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field

from omniroute.model.values import frozen

__all__ = ["Candidate", "Explanation"]


@frozen
class Candidate:
    """One agent who was looked at: their load, since when they are idle, and what spoke against them."""

    agent: str
    load: int
    maximum: int
    idle_since: int
    refused: str | None = None


@frozen
class Explanation:
    """One routing decision.

    `chosen` is None where nobody could take it. `runners_up` are the next ten in order; `refused`
    counts the others by reason. `position` and `config_version` say what was known, `stages` to how
    many groups of a cascade it was open (M1).
    """

    conversation: str
    position: int
    at: int
    queue: str
    mode: str
    chosen: Candidate | None
    runners_up: tuple[Candidate, ...] = ()
    refused: Mapping[str, int] = field(factory=dict)
    more: bool = False
    config_version: int = 0
    stages: int = 0
