"""What a command will read, guessed before it has read anything: it may come with the desk's lock.

A hint and no more, for stores behind a way that costs (`ports.ForeseeingTransaction`). Others never
hear of it, and a read that was not foreseen is made as any other. What an agent takes next is guessed
from how they, and what they hold, were last seen in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal, cast

from omniroute.model.records import CONFIGURATION_JOB, AgentTimerKind
from omniroute.model.wire import Inbound
from omniroute.ports import ForeseeingTransaction, Transaction
from omniroute.rules.assignment import LOOKED_AT
from omniroute.rules.handed_over import item_problem
from omniroute.schema import (
    AGENT_TIMERS,
    AGENTS,
    CONTACTS,
    CONVERSATIONS,
    DEDUPE,
    DESKS,
    IDEMPOTENCY,
    JOBS,
)

if TYPE_CHECKING:
    from omniroute.rules.resolution import Setup

__all__ = [
    "ADDRESSES",
    "FIRST_LOOK",
    "SERVING",
    "WAITING",
    "About",
    "Leads",
    "Reads",
    "foresee",
    "listening",
    "of_item",
]

WAITING: Final = CONVERSATIONS.index("waiting")
SERVING: Final = AGENTS.index("serving")
ADDRESSES: Final = CONTACTS.index("contact_addresses")

FIRST_LOOK: Final = LOOKED_AT + 2
"""How many who serve a queue are read at first, where at most one has changed."""
_MOST: Final = 4  # queues of an agent whose lines come along

Leads = Literal["frees", "claims", "comes", "goes", "ticks"]
"""What a command leads to: what its conversation's agent may take next is given to them, the agent
takes what they may claim, or comes on, or goes; deadlines fire."""

About = tuple[str | None, str | None, str | None, Leads | None]
"""The conversation, the agent and the idempotency key that a command names, and what it leads to."""

SetupOf = Callable[[int], "Setup | None"]
"""Gives a version's configuration where it is at hand."""

Reads = Callable[[ForeseeingTransaction, str, SetupOf], None]
"""Tells what a desk's command will read that names other things."""


def listening(tx: Transaction) -> ForeseeingTransaction | None:
    """Return a transaction where it is of use to tell it what will be read."""
    return cast("ForeseeingTransaction", tx) if getattr(tx, "foresees", False) else None


def foresee(tx: Transaction, desk: str, about: About | Reads, setup_of: SetupOf) -> None:
    """Tell a transaction what a command names, and what that leads to, where it listens."""
    listener = listening(tx)
    if listener is None:
        return
    if not isinstance(about, tuple):
        about(listener, desk, setup_of)
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
    if leads == "ticks":
        listener.expect(JOBS, desk, (CONFIGURATION_JOB,))
    elif leads is not None and leads != "goes":
        _foresee_lines(listener, desk, about, setup_of)


def of_item(entry_point: str, item: Inbound) -> Reads:
    """Return what receiving an item reads: whether it came before, and who its sender is.

    Of one that will be refused nothing: it need not be made of what it says (R13).
    """

    def reads(tx: ForeseeingTransaction, desk: str, setup_of: SetupOf) -> None:
        if item_problem(item):
            return
        tx.expect(DEDUPE, desk, (entry_point, item.kind.value, item.key))
        setup = _setup(tx, desk, setup_of)
        if setup is None or item.sender is None or entry_point not in setup.config.entry_points:
            return
        kind = setup.entry_point(entry_point).kind
        for address in item.sender.addresses[:1]:
            tx.expect_list(ADDRESSES, desk, (kind, address), limit=1, whole=True)

    return reads


def _setup(tx: ForeseeingTransaction, desk: str, setup_of: SetupOf) -> Setup | None:
    """The configuration that was in force when the desk was last seen, where it is at hand."""
    record = tx.last_known(DESKS, desk, ())
    return None if record is None else setup_of(record.config_version)


def _foresee_lines(tx: ForeseeingTransaction, desk: str, about: About, setup_of: SetupOf) -> None:
    """Let those come along who wait first for an agent, and who else could have them."""
    conversation, name, _, leads = about
    if leads == "frees" and conversation is not None:
        held = tx.last_known(CONVERSATIONS, desk, (conversation,))
        if held is not None and held.agent is not None and held.agent != name:
            name = held.agent
            tx.expect(AGENTS, desk, (name,))
    agent = None if name is None else tx.last_known(AGENTS, desk, (name,))
    record, setup = tx.last_known(DESKS, desk, ()), _setup(tx, desk, setup_of)
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
