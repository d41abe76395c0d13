"""Transfers: to an agent, to a group, to a queue; one transaction for both slots (A21 to A25)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from omniroute.desk.entering import entering
from omniroute.desk.idempotency import Done
from omniroute.desk.routing import settle
from omniroute.desk.unit import Unit
from omniroute.errors import TransferNotAllowed, UsageError
from omniroute.model import commands as ask
from omniroute.model.agent import Agent, Colour
from omniroute.model.assign import TRANSFERRED
from omniroute.model.conversation import Conversation
from omniroute.model.events import FORCED, agent_actor
from omniroute.model.events import TRANSFERRED as BY_TRANSFER
from omniroute.model.message import Direction, Message
from omniroute.model.targets import Group, Queue
from omniroute.rules.availability import colour
from omniroute.rules.names import quoted, unknown
from omniroute.rules.roles import Right, require_right
from omniroute.rules.storable import check_key, check_switch, check_text
from omniroute.rules.transfer import check_agent, check_count, check_holder, check_queue

__all__ = ["COMMENT", "transfer"]

COMMENT = "transfer"
"""The kind of the note that a transfer's comment becomes: the contact never sees it (A22)."""


def transfer(
    conversation: str, to: str | Group | Queue, by: str, comment: str | None, *, force: bool
) -> Callable[[Unit], Done]:
    """Return the flow of giving a held conversation to an agent, a group or a queue."""
    if not isinstance(to, str | Group | Queue):
        raise UsageError(
            "not somebody to transfer to",
            where="to",
            expected="an agent's id, Group(name) or Queue(path)",
            got=repr(to),
        )
    check_key(to if isinstance(to, str) else to.name if isinstance(to, Group) else to.path, "to")
    check_switch(force, "force")
    if comment is not None:
        check_text(comment, "comment")

    def flow(unit: Unit) -> Done:
        sender = unit.agent(by)
        found = unit.conversation(conversation)
        check_holder(found, by)
        rules = unit.policy(found).transfer
        if force and not rules.force:
            require_right(by, sender, Right.FORCE_TRANSFER)
        if isinstance(to, str):
            _to_agent(unit, found, sender, to, comment, force=force)
        else:
            _to_line(unit, found, sender, to, comment)
        settle(unit)
        return Done(unit.conversation(conversation))

    return flow


def _to_agent(
    unit: Unit, found: Conversation, sender: Agent, to: str, comment: str | None, *, force: bool
) -> None:
    rules, name = unit.policy(found).transfer, unit.setup.counted.get(found.place.channel)
    check_count(found, rules, None)
    check_agent(sender, unit.agent(to), rules, name, force=force)
    found = _commented(unit, found, sender, comment)
    reason = BY_TRANSFER if colour(unit.agent(to), name) is Colour.GREEN else FORCED
    unit.perform(found, ask.HandOver(to, sender.id, reason), unit.policy(found))


def _to_line(
    unit: Unit, found: Conversation, sender: Agent, to: Group | Queue, comment: str | None
) -> None:
    rules = unit.policy(found).transfer
    queue = _queue_of(unit, found, to)
    check_count(found, rules, queue)
    if queue != found.queue or isinstance(to, Queue):
        primary = unit.setup.config.inboxes[unit.setup.inbox_of(queue)].primary_for
        check_queue(found, queue, rules, primary)
    before = found.extras.routing
    routing = before
    if queue != found.queue:
        routing = entering(unit, queue, before, TRANSFERRED)
    group = to.name if isinstance(to, Group) else routing.group
    found = _commented(unit, found, sender, comment)
    # It does not come straight back to whoever gives it away.
    routing = evolve(
        routing,
        wait_class=TRANSFERRED,
        group=group,
        exclusive=isinstance(to, Group),
        sticky=None,
        anyone=False,
        declined=(sender.id,),
        visited=(),
        transfers=before.transfers + 1,
    )
    command = ask.Enqueue(queue, sender.id, BY_TRANSFER, routing)
    unit.perform(found, command, unit.policy_at(found, queue))


def _queue_of(unit: Unit, found: Conversation, to: Group | Queue) -> str:
    """The queue it will wait in: the named one, or of a group's the present one, else its first."""
    setup = unit.setup
    if isinstance(to, Queue):
        if not setup.is_leaf(to.path):
            text = unknown(f"no queue is named {quoted(to.path)}", setup.leaves, to.path)
            raise UsageError(text, where="to")
        return to.path
    if not setup.known_groups((to.name,)):
        text = unknown(f"no group is named {quoted(to.name)}", setup.config.groups, to.name)
        raise UsageError(text, where="to")
    leaves = setup.serving((), (to.name,))
    if found.queue in leaves or (not leaves and found.queue is not None):
        return found.queue
    if not leaves:
        raise TransferNotAllowed(f"group {to.name!r} serves no queue", where="to")
    return leaves[0]


def _commented(unit: Unit, found: Conversation, sender: Agent, comment: str | None) -> Conversation:
    """Leave the comment as a note, before whoever receives it looks."""
    if comment is None or not comment.strip():
        return found
    message = Message(
        id=unit.draw.next("m"),
        conversation=found.id,
        position=0,
        direction=Direction.NOTE,
        author=agent_actor(sender.id),
        at=max(unit.now, found.at),
        kind=COMMENT,
        text=comment,
    )
    command = ask.Note(sender.id, message.id)
    return unit.perform(found, command, unit.policy(found), messages=(message,))
