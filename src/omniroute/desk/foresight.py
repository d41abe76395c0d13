"""What a command will surely read, known before it has read anything: it may come with the desk's lock.

A hint and no more, for stores behind a way that costs (`ports.ForeseeingTransaction`). Others never
hear of it, and a read that was not foreseen is made as any other.
"""

from __future__ import annotations

from omniroute.ports import Transaction
from omniroute.schema import AGENTS, CONVERSATIONS, IDEMPOTENCY

__all__ = ["About", "foresee"]

About = tuple[str | None, str | None, str | None]
"""The conversation, the agent and the idempotency key that a command names."""


def foresee(tx: Transaction, desk: str, about: About) -> bool:
    """Tell a transaction what a command names; return whether it listens."""
    expect = getattr(tx, "expect", None)
    if expect is None:
        return False
    conversation, agent, key = about
    if key is not None:
        expect(IDEMPOTENCY, desk, (key,))
    if agent is not None:
        expect(AGENTS, desk, (agent,))
    if conversation is not None:
        expect(CONVERSATIONS, desk, (conversation,))
    return True
