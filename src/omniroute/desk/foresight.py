"""What a command will read, guessed before it has read anything: it may come with the desk's lock.

A hint and no more, for stores behind a way that costs (`ports.ForeseeingTransaction`). Others never
hear of it, and a read that was not foreseen is made as any other. What an agent takes next is guessed
from how they, and what they hold, were last seen in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal, cast

from omniroute.model.records import AgentTimerKind
from omniroute.ports import ForeseeingTransaction, Transaction
from omniroute.rules.assignment import LOOKED_AT
from omniroute.schema import AGENT_TIMERS, AGENTS, CONVERSATIONS, DESKS, IDEMPOTENCY

if TYPE_CHECKING:
    from omniroute.rules.resolution import Setup

__all__ = ["FIRST_LOOK", "SERVING", "WAITING", "About", "Leads", "foresee", "listening"]

WAITING: Final = CONVERSATIONS.index("waiting")
SERVING: Final = AGENTS.index("serving")

FIRST_LOOK: Final = LOOKED_AT + 2
"""How many who serve a queue are read at first, where at most one has changed."""
_MOST: Final = 4  # queues of an agent whose lines come along

Leads = Literal["frees", "claims", "comes", "goes"]
"""What a command leads to: what its conversation's agent may take next is given to them, the agent
takes what they may claim, or comes on, or goes."""

About = tuple[str | None, str | None, str | None, Leads | None]
"""The conversation, the agent and the idempotency key that a command names, and what it leads to."""


def listening(tx: Transaction) -> ForeseeingTransaction | None:
    """Return a transaction where it is of use to tell it what will be read."""
    return cast("ForeseeingTransaction", tx) if getattr(tx, "foresees", False) else None


def foresee(
    tx: Transaction, desk: str, about: About, setup_of: Callable[[int], Setup | None]
) -> None:
    """Tell a transaction what a command names, and what that leads to, where it listens.

    `setup_of` gives a version's configuration where it is at hand.
    """
    listener = listening(tx)
    if listener is None:
        return
    conversation, agent, key, leads = about
    if key is not None:
        listener.expect(IDEMPOTENCY, desk, (key,))
    if agent is not None:
        listener.expect(AGENTS, desk, (agent,))
    if conversation is not None:
        listener.expect(CONVERSATIONS, desk, (conversation,))
    elif agent is not None and leads in ("comes", "goes"):
        listener.expect(AGENT_TIMERS, desk, (agent, AgentTimerKind.PRESENCE.value, ""))
    if leads is not None and leads != "goes":
        _foresee_lines(listener, desk, about, setup_of)


def _foresee_lines(
    tx: ForeseeingTransaction, desk: str, about: About, setup_of: Callable[[int], Setup | None]
) -> None:
    """Let those come along who wait first for an agent, and who else could have them."""
    conversation, name, _, leads = about
    if leads == "frees" and conversation is not None:
        held = tx.last_known(CONVERSATIONS, desk, (conversation,))
        if held is not None and held.agent is not None and held.agent != name:
            name = held.agent
            tx.expect(AGENTS, desk, (name,))
    agent = None if name is None else tx.last_known(AGENTS, desk, (name,))
    record = tx.last_known(DESKS, desk, ())
    setup = None if record is None else setup_of(record.config_version)
    if agent is None or record is None or setup is None:
        return
    serves = setup.claims_from if leads == "claims" else setup.pushes_from
    queues = [each for each in agent.leaves if serves(each)]
    if not queues or len(queues) > _MOST or _any_of(queues, record.lined):
        return
    _, prefixes = setup.ways(agent, queues, _none)
    tx.expect_heads(WAITING, desk, prefixes)
    if leads != "claims" and not setup.counted:
        for queue in queues:
            tx.expect_list(SERVING, desk, (queue,), limit=FIRST_LOOK, whole=False)


def _any_of(queues: Iterable[str], lined: tuple[str, ...]) -> bool:
    return bool(lined) and not set(lined).isdisjoint(queues)


def _none(_: str) -> tuple[()]:
    """Queues have no lanes beside the plain ones, as far as anybody knows."""
    return ()
