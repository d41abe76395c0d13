"""What plugins are asked: whom to rank for a conversation, and which flow to start."""

from __future__ import annotations

from omniroute.model.agent import Agent
from omniroute.model.conversation import Conversation
from omniroute.model.values import frozen

__all__ = ["FlowStart", "RankingQuestion"]


@frozen
class RankingQuestion:
    """Who of `agents`, all with room and suitable, is to come first for `conversation`.

    They are in the desk's own order. `at` is the instant, in UTC microseconds.
    """

    conversation: Conversation
    agents: tuple[Agent, ...]
    at: int


@frozen
class FlowStart:
    """A flow that is to start: the channel's `flow`, of the stage `entry` or `exit` (T2).

    `id` is the same on every try: whoever starts flows does each only once by it. `at` is the instant
    at which the service began or ended, in UTC microseconds; `conversation` is as it stands by now.
    """

    id: str
    desk: str
    flow: str
    stage: str
    conversation: Conversation
    at: int
