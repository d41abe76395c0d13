"""What a ranking plugin is asked: a conversation, and the agents who may be given it."""

from __future__ import annotations

from omniroute.model.agent import Agent
from omniroute.model.conversation import Conversation
from omniroute.model.values import frozen

__all__ = ["RankingQuestion"]


@frozen
class RankingQuestion:
    """Who of `agents`, all with room and suitable, is to come first for `conversation`.

    They are in the desk's own order. `at` is the instant, in UTC microseconds.
    """

    conversation: Conversation
    agents: tuple[Agent, ...]
    at: int
