"""Whether a conversation may be transferred, and to whom (A21, A23, A24, M13, U67).

A person decides: groups, shares and skills of the queue do not bind a transfer to an agent (R11).
"""

from __future__ import annotations

from collections.abc import Container

from omniroute.errors import NotHolder, TargetUnavailable, TransferNotAllowed
from omniroute.model.agent import Agent, Colour
from omniroute.model.conversation import Conversation
from omniroute.model.policy import TransferAgent, TransferQueue, TransferRules
from omniroute.rules.availability import colour

__all__ = ["check_agent", "check_count", "check_holder", "check_queue"]


def check_holder(c: Conversation, by: str) -> None:
    """Raise `NotHolder` unless the agent who acts holds the conversation."""
    if c.agent != by:
        raise NotHolder(
            f"only the agent who holds conversation {c.id!r} may transfer it",
            expected=f"agent {c.agent!r}",
            got=f"agent {by!r}",
        )


def check_count(c: Conversation, rules: TransferRules, queue: str | None) -> None:
    """Raise `TransferNotAllowed` where there were as many as may be; one final queue stays open (M13)."""
    done = c.extras.routing.transfers
    if rules.maximum is None or done < rules.maximum:
        return
    if queue is not None and queue == rules.final:
        return
    raise TransferNotAllowed(
        f"conversation {c.id!r} was transferred as often as it may",
        expected=f"queue {rules.final!r}" if rules.final else f"at most {rules.maximum} transfers",
        got=f"{done} so far",
    )


def check_agent(
    sender: Agent,
    receiver: Agent,
    rules: TransferRules,
    name: str | None = None,
    *,
    force: bool,
) -> None:
    """Raise unless the sender may give a conversation, counted as `name`, to the receiver.

    `TransferNotAllowed` for oneself (A24) and for another routing group where policy keeps to one's
    own (A21); `TargetUnavailable` for who is RED or ORANGE, unless it is forced (A23).
    """
    if sender.id == receiver.id:
        raise TransferNotAllowed("a conversation is not transferred to oneself", where="to")
    if rules.agent is TransferAgent.SAME_GROUP and not set(sender.groups) & set(receiver.groups):
        raise TransferNotAllowed(
            f"agent {receiver.id!r} is in another routing group",
            where="to",
            expected=f"somebody in {', '.join(sender.groups) or 'the same group'}, or a group",
            got=f"groups {', '.join(receiver.groups) or 'none'}",
        )
    if receiver.leaving:
        raise TargetUnavailable(f"agent {receiver.id!r} is leaving and takes nothing more")
    seen = colour(receiver, name)
    if seen is not Colour.GREEN and not force:
        raise TargetUnavailable(
            f"agent {receiver.id!r} is not available",
            expected="green",
            got=seen.value,
            hint="force=True transfers anyway, past their maximum",
        )


def check_queue(
    c: Conversation, queue: str, rules: TransferRules, channels: Container[str]
) -> None:
    """Raise `TransferNotAllowed` where policy forbids this queue (U67); `channels` are its inbox's."""
    if rules.queue is TransferQueue.NONE:
        raise TransferNotAllowed(
            f"conversations on {c.place.channel} are not transferred to another queue",
            where="to",
            expected="an agent",
            got=f"queue {queue!r}",
        )
    if rules.queue is TransferQueue.SAME_CHANNEL and c.place.channel not in channels:
        raise TransferNotAllowed(
            f"queue {queue!r} does not serve {c.place.channel}",
            where="to",
            expected="a queue of the same channel",
        )
