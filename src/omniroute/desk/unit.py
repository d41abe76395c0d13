"""One unit of work on one desk: what every command does between locking the desk's row and committing.

`Unit.perform` is the only place where a decision becomes stored state: events get their positions,
agents' loads follow, messages and effects are written beside them. No rule lives here; flows in
this package are plain functions of a unit, so that sync and async desks run the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from omniroute.desk.flows import start_flows
from omniroute.desk.keeping import leave_line, lost_keeper
from omniroute.desk.menus import show_menu
from omniroute.desk.missing import note_missed
from omniroute.desk.overflow import can_return
from omniroute.desk.queue_lines import QueueLines
from omniroute.desk.waits import note_wait, with_place
from omniroute.desk.weighing import name_of, weigh
from omniroute.desk.wrapping import start_wrap_ups
from omniroute.errors import UnknownAgent, UnknownConversation
from omniroute.ids import Draw
from omniroute.model import events as tell
from omniroute.model.agent import Agent
from omniroute.model.commands import (
    Assign,
    Command,
    Deliver,
    Expire,
    Line,
    Offer,
    Reschedule,
    Withdraw,
)
from omniroute.model.conversation import Conversation, DeadlineKind
from omniroute.model.effects import Effect, OutboxEntry, SendMessage
from omniroute.model.events import LogEntry
from omniroute.model.message import Direction, Message
from omniroute.model.policy import Assignment, Policy
from omniroute.model.records import AgentTimer, DeskRecord
from omniroute.model.sla import SlaTerms
from omniroute.model.state import WAITING, State
from omniroute.model.wire import DeliveryStatus
from omniroute.ports import Transaction
from omniroute.rules import lifecycle, texts
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.availability import admit
from omniroute.rules.deadlines import has_come
from omniroute.rules.resolution import Setup
from omniroute.rules.sla.deciding import changes
from omniroute.schema import (
    AGENT_TIMERS,
    AGENTS,
    CONFIG_CHANGES,
    CONVERSATIONS,
    DESKS,
    LOG,
    MESSAGES,
    OUTBOX,
)

__all__ = ["Ranking", "Setups", "Unit"]

Ranking = Callable[..., Iterable[object] | None]
"""Takes `question`, a `RankingQuestion`; returns agents' ids, the best first, or None."""


class Setups(Protocol):
    """Gives the compiled configuration of a desk's version."""

    @property
    def ranking(self) -> Ranking | None:
        """What plugins bring to order suitable agents by, or None."""
        ...

    @property
    def starts_flows(self) -> bool:
        """Whether some plugin starts the flows of channels."""
        ...

    def setup(self, tx: Transaction, desk: str, version: int) -> Setup:
        """Return the setup of a version, loading it where this process has not yet seen it."""
        ...


class Unit:
    """A desk's transaction while it runs. Made anew for every try."""

    def __init__(self, tx: Transaction, desk: str, now: int, draw: Draw, setups: Setups) -> None:
        tx.lock(desk)
        record = tx.get(DESKS, desk, ())
        assert record is not None  # noqa: S101  (lock raises for an unknown desk)
        self.tx = tx
        self.desk = desk
        self.now = now
        self.draw = draw
        self.record: DeskRecord = record
        self.setup = setups.setup(tx, desk, record.config_version)
        self.reached = now
        """Up to where deadlines have been fired, while late ones are fired in order."""
        self.due_again: dict[str, None] = {}
        """Conversations with a deadline that came while others were fired."""
        self.agents_due: list[AgentTimer] = []
        """Deadlines of agents that came so."""
        self.queued: dict[str, Conversation] = {}
        self.freed: dict[str, None] = {}
        self._agents: dict[str, Agent] = {}
        self._saved: dict[str, Agent] = {}
        self._saved_at: dict[int, int] = {}  # by version of the configuration
        self._conversations: dict[str, Conversation] = {}
        self._touched: dict[str, Conversation] = {}
        self.moves_in_line = 0
        self._entries: list[LogEntry] = []
        self._position = record.position
        self._next_due = record.next_due
        self._next_work = record.next_work
        self.ranking = setups.ranking
        self.starts_flows = setups.starts_flows
        self.queue_lines = QueueLines(tx, desk, record.lined)
        self.closed: dict[str, None] = {}
        self.restaffed: list[tuple[Agent | None, Agent | None]] = []
        """Agents who came, went, or serve otherwise: as they were, and as they are (S7)."""
        self.began_waiting: dict[str, None] = {}
        """Conversations whose wait began, where they are told of it (P8)."""
        self.bereft: dict[str, None] = {}
        """Conversations for which an agent kept room who no longer does."""

    @property
    def may_be_overdue(self) -> bool:
        """Whether some deadline of the desk may have come."""
        return self._next_due is not None and self._next_due <= self.now

    @property
    def position(self) -> int:
        """The log position of the last event so far."""
        return self._position

    @property
    def changed_agents(self) -> dict[str, Agent]:
        """The agents that are not stored as they stand by now."""
        return self._saved

    # --- reading ----------------------------------------------------------------------------------

    def conversation(self, conversation: str) -> Conversation:
        """Return a conversation as it stands in this unit; `UnknownConversation` when there is none."""
        found = self._conversations.get(conversation)
        if found is None:
            found = self.tx.get(CONVERSATIONS, self.desk, (conversation,))
            if found is None:
                raise UnknownConversation(f"no conversation {conversation!r}")
            self._conversations[conversation] = found
        return found

    def agent(self, agent: str) -> Agent:
        """Return an agent as they stand in this unit; `UnknownAgent` when there is none."""
        found = self.find_agent(agent)
        if found is None:
            raise UnknownAgent(f"no agent {agent!r}")
        return found

    def find_agent(self, agent: str) -> Agent | None:
        """Return an agent as they stand in this unit, or None."""
        found = self._agents.get(agent)
        if found is None:
            found = self.tx.get(AGENTS, self.desk, (agent,))
            if found is not None:
                self._agents[agent] = found
        return found

    def policy(self, conversation: Conversation) -> Policy:
        """Return the policy in force where the conversation stands."""
        place = conversation.place
        return self.setup.policy_at(
            place.entry_point, place.channel, conversation.queue or place.inbox
        )

    def policy_at(self, conversation: Conversation, queue: str) -> Policy:
        """Return the policy that is in force for a conversation once it stands in a queue."""
        return self.setup.policy(conversation.place.channel, queue)

    # --- deciding and recording -------------------------------------------------------------------

    def perform(
        self,
        conversation: Conversation | None,
        command: Command,
        policy: Policy,
        *,
        now: int | None = None,
        messages: Iterable[dict[str, Any]] = (),
    ) -> Conversation:
        """Decide, and write down everything that the decision says; return the new state.

        `messages` are the bodies, without their positions, of messages that the command names by
        id. `now` is another instant than the unit's where a deadline's own event is told (S2).
        """
        driven = isinstance(command, (Expire, Reschedule))
        if conversation is not None:
            if not driven:
                # Nobody is asked for what has ended by now, however late that is looked at (S2).
                alone = isinstance(command, Offer) and command.agent is not None
                until = None if alone else self.reached
                conversation = self.catch_up(self.refresh(conversation), until=until)
                if isinstance(command, _BY_LINE) and conversation.state not in WAITING:
                    return conversation  # it expired before anybody had room
            for said in texts.ahead(conversation, command, policy):
                conversation = self._say(conversation, said, policy, now)
        decision = lifecycle.decide(conversation, command, policy, self.now if now is None else now)
        self._write(conversation, decision, messages)
        state = decision.state
        start_flows(self, state, decision.events)
        if policy.wrap_up is not None and state.ended:
            start_wrap_ups(self, decision.events, policy.wrap_up)
        if conversation is not None and _counts_anew(conversation, state):
            state = self.refresh(state)  # another queue may count other hours (S3)
        for said in texts.afterwards(decision.events, state, policy):
            state = self._say(state, said, policy, now)
        if driven:
            return state
        # What has passed already fires now (S3), what still lies ahead of a late deadline does not.
        return self.catch_up(state, until=self.reached)

    def _say(
        self, conversation: Conversation, said: texts.Said, policy: Policy, now: int | None
    ) -> Conversation:
        """Send one of the policy's texts, told at the instant of what it belongs to (S2)."""
        agent = conversation.agent or conversation.extras.previous_agent
        found = None if agent is None else self.find_agent(agent)
        text = texts.filled(said.text, found.name if found else None)
        return self.deliver(
            conversation, policy, text, said.occasion, occasion=said.occasion, now=now
        )

    def deliver(
        self,
        conversation: Conversation,
        policy: Policy,
        text: str,
        kind: str,
        *,
        occasion: str | None = None,
        now: int | None = None,
    ) -> Conversation:
        """Let the desk write to the contact by itself: a menu, or a text of the policy."""
        if not (text := with_place(self, conversation, text)):
            return conversation
        message, at = self.draw.next("m"), max(self.now if now is None else now, conversation.at)
        body = {
            "id": message,
            "conversation": conversation.id,
            "direction": Direction.OUT,
            "author": tell.SYSTEM,
            "at": at,
            "kind": kind,
            "text": text,
            "entry_point": conversation.place.entry_point,
            "status": DeliveryStatus.PENDING,
        }
        command = Deliver(message, occasion)
        decision = lifecycle.decide(conversation, command, policy, at)
        self._write(conversation, decision, (body,))
        return decision.state

    def _write(
        self,
        conversation: Conversation | None,
        decision: lifecycle.Decision,
        messages: Iterable[dict[str, Any]],
    ) -> None:
        at = {getattr(event, "message", None): self._record(event) for event in decision.events}
        for body in messages:
            self.add_message(Message(position=at[body["id"]], **body))
        for effect in decision.effects:
            self.enqueue(decision.state, effect, at[getattr(effect, "message", None)])
        if decision.state is not conversation:
            self._touch(decision.state, decision.events)

    def refresh(self, conversation: Conversation) -> Conversation:
        """Let a conversation's clocks follow the configuration in force, where it stands (S3, S4).

        As of the instant that it was saved, or of what happened since: what came due after that and
        was not looked at is still told for its own instant (S2).
        """
        if conversation.clocks.sla is None or conversation.ended:
            return conversation
        policy = self.policy(conversation)
        first = self.setup.sla_of(conversation.place.entry_point)
        if first is None or not changes(
            conversation, policy.sla or SlaTerms(first=first), self.now
        ):
            return conversation
        return self.perform(conversation, Reschedule(first), policy, now=self._in_force_since())

    def _in_force_since(self) -> int:
        version = self.setup.version
        if version not in self._saved_at:
            saved = self.tx.get(CONFIG_CHANGES, self.desk, (version,))
            self._saved_at[version] = self.now if saved is None else min(saved.at, self.now)
        return self._saved_at[version]

    def catch_up(self, conversation: Conversation, *, until: int | None = None) -> Conversation:
        """Fire what came due before this instant: a late poll loses no deadline (R6)."""
        while self.is_due(conversation, inclusive=False, until=until):
            conversation = self.fire(conversation)
        return conversation

    def is_due(
        self, conversation: Conversation, *, inclusive: bool, until: int | None = None
    ) -> bool:
        """Return whether a deadline of the conversation has come, as `has_come` asks."""
        timers = conversation.timers
        now = self.now if until is None else until
        return bool(timers) and has_come(timers[0], now, inclusive=inclusive)

    def fire(self, conversation: Conversation) -> Conversation:
        """Fire a conversation's earliest deadline, at its own instant (S2)."""
        (at, kind), before = conversation.timers[0], conversation.timers
        gone = kind is DeadlineKind.WAKE and not can_return(self, conversation)
        command = Expire(kind, self.now, gone)
        after = self.perform(conversation, command, self.policy(conversation), now=at)
        assert after.timers != before  # noqa: S101  (or this would go on for ever)
        if kind is DeadlineKind.OFFER:
            note_missed(self, conversation, at)
        if after.state is State.SELECTING and conversation.state is not State.SELECTING:
            return show_menu(self, after, at)
        return after

    def write_event(self, event: tell.Event) -> int:
        """Record an event that no conversation's state depends on; return its position."""
        return self._record(event)

    def add_message(self, message: Message) -> None:
        """Write a new message beside its event."""
        self.tx.add(MESSAGES, self.desk, (message,))

    def _record(self, event: tell.Event) -> int:
        self._position += 1
        self._entries.append(LogEntry(self._position, event))
        for agent in _concerned(event):
            self._follow(agent, event)
        return self._position

    def _follow(self, agent_id: str, event: tell.Event) -> None:
        before = self.find_agent(agent_id)
        after = apply_agent(before, event, agent_id)
        if isinstance(event, _OF_STAFF):
            self.restaffed.append((before, after))
        if (kept := lost_keeper(before, after)) and not isinstance(event, tell.RoomReleased):
            self.bereft[kept] = None
        if after is None:
            self._agents.pop(agent_id, None)
            self._saved.pop(agent_id, None)
            self.closed.update(dict.fromkeys(before.pools if before is not None else ()))
            self.tx.delete(AGENTS, self.desk, (agent_id,))
            return
        name = None
        if before is not None and after.load > before.load:
            if not isinstance(event, tell.Weighed):
                name = name_of(self, event)
            _check_room(before, event, name)
        elif after is not before:
            self.freed[agent_id] = None
            if before is not None and before.available and _left(before, after):
                self.closed.update(dict.fromkeys(before.pools))
        self._agents[agent_id] = self._saved[agent_id] = after
        if name is not None:
            weigh(self, after, event, name)
        if after.leaving and not after.load and before is not None:
            self._record(tell.AgentRemoved(agent_id, event.at, tell.SYSTEM))  # S15: the last ended

    def _touch(self, conversation: Conversation, events: Iterable[tell.Event]) -> None:
        before = self._conversations.get(conversation.id)
        self._conversations[conversation.id] = self._touched[conversation.id] = conversation
        if conversation.state in WAITING or (before and before.state in WAITING):
            self.moves_in_line += 1
        if self.setup.counted and before is not None and before.state is State.QUEUED:
            leave_line(self, before, conversation)
        if self.setup.tells_waits:
            note_wait(self, before, conversation, events)
        if conversation.state not in WAITING or any(
            isinstance(event, tell.Offered) for event in events
        ):
            self.queued.pop(conversation.id, None)
        elif any(isinstance(event, _WAITS_ANEW) for event in events):
            self.queued[conversation.id] = conversation
            self.queue_lines.note(conversation, self.setup.channels)
        if (deadline := conversation.deadline) is not None:
            self.note_deadline(deadline)
            if deadline <= self.now:
                self.due_again[conversation.id] = None

    def arm_agent(self, timer: AgentTimer) -> None:
        """Write down a deadline that belongs to an agent."""
        self.tx.put(AGENT_TIMERS, self.desk, timer)
        if timer.due is not None:
            self.note_deadline(timer.due)
            if timer.due <= self.now:
                self.agents_due.append(timer)

    def note_deadline(self, deadline: int) -> None:
        """Let the desk's row promise nothing later than this deadline."""
        if self._next_due is None or deadline < self._next_due:
            self._next_due = deadline
            self._next_work = min(self._next_work, deadline)

    def enqueue(self, conversation: Conversation, effect: Effect, position: int) -> None:
        """Commit an effect with the event it belongs to; the outbox carries it out."""
        entry = OutboxEntry(
            conversation.id, position, conversation.place.entry_point, effect, self.now
        )
        self.tx.add(OUTBOX, self.desk, (entry,))
        self._next_work = min(self._next_work, self.now)

    def send(self, message: Message, to: str) -> None:
        """Write a message that belongs to no conversation, and let it go to an address (C10)."""
        self.add_message(message)
        entry = OutboxEntry(
            "", message.position, message.entry_point or "", SendMessage(message.id, to), self.now
        )
        self.tx.add(OUTBOX, self.desk, (entry,))
        self._next_work = min(self._next_work, self.now)

    def expect_no_deadline_before(self, instant: int | None) -> None:
        """Note what the deadline index says comes next, after due ones have been fired."""
        self._next_due = instant

    def come_back_at(self, instant: int) -> None:
        """Note when a worker should come by again, once it has done what there was (P20)."""
        self._next_work = instant

    def flush(self) -> None:
        """Write states so far, so that index scans see them."""
        if self._saved:
            for agent in self._saved.values():
                self.tx.put(AGENTS, self.desk, agent)
            self._saved.clear()
        if self._touched:
            for conversation in self._touched.values():
                self.tx.put(CONVERSATIONS, self.desk, conversation)
            self._touched.clear()

    def finish(self) -> None:
        """Write what is left: states, the log, the desk's row."""
        self.flush()
        self.queue_lines.write()
        if not self._entries and (self._next_due, self._next_work, self.queue_lines.lined) == (
            self.record.next_due,
            self.record.next_work,
            self.record.lined,
        ):
            return
        if self._entries:
            self.tx.add(LOG, self.desk, self._entries)
            self._entries = []
        self.record = DeskRecord(
            self.record.id,
            self._position,
            self.record.config_version,
            self._next_due,
            self._next_work,
            self.queue_lines.lined,
        )
        self.tx.put(DESKS, self.desk, self.record)

    def use_version(self, version: int, setup: Setup) -> None:
        """Work by another configuration version from here on; it is written with the desk's row."""
        self.record = DeskRecord(
            self.record.id,
            self.record.position,
            version,
            self._next_due,
            self._next_work,
            self.record.lined,
        )
        self.setup = setup

    def pushes(self, conversation: Conversation) -> bool:
        """Return whether the conversation is given to agents automatically."""
        return self.pushes_from(conversation.queue or conversation.place.inbox)

    def pushes_from(self, queue: str) -> bool:
        """Return whether a queue's conversations are given to agents automatically.

        Conversations of all channels wait in one line, so no channel has a say in this. What is
        offered one at a time goes to whom it would be pushed.
        """
        return self.rule(queue).assignment in _PUSHED

    def claims_from(self, queue: str) -> bool:
        """Return whether agents take a queue's conversations themselves."""
        return self.rule(queue).assignment is Assignment.CLAIM

    def rule(self, queue: str) -> Policy:
        """Return the policy by which a queue's line is served."""
        return self.setup.policy(None, queue)


_WAITS_ANEW = (
    tell.Opened,
    tell.Queued,
    tell.Relocated,
    tell.Lined,
    tell.OfferEnded,
    tell.Declined,
)
_BY_LINE = (Assign, Line, Offer, Withdraw)
_PUSHED = (Assignment.PUSH, Assignment.OFFER_ONE)
_OF_STAFF = (tell.AgentSaved, tell.AgentAvailability, tell.AgentRemoved)


def _check_room(agent: Agent, event: tell.Event, name: str | None) -> None:
    """Raise `CapacityExceeded` unless an event may give an agent one more, counted as `name` (M9, A10)."""
    if isinstance(event, tell.AgentEvent):
        return  # a wrap-up holds what was held already
    if isinstance(event, tell.TookOver) and event.reason == tell.FORCED:
        return
    accepts = isinstance(event, tell.Assigned) and event.reason == tell.ACCEPTED
    by_hand = event.actor != tell.SYSTEM and not accepts
    admit(agent, by_hand=by_hand, name=name)


def _left(before: Agent, after: Agent) -> bool:
    """Whether an agent who was there is no longer, or no longer in the same groups."""
    return not after.available or before.pools != after.pools


def _counts_anew(before: Conversation, after: Conversation) -> bool:
    """Whether clocks may count otherwise: in another queue, or where a contact begins to wait."""
    if before.queue != after.queue:
        return True
    return before.clocks.waiting_since is None and after.clocks.waiting_since is not None


def _concerned(event: tell.Event) -> tuple[str, ...]:
    if isinstance(event, tell.AgentEvent):
        return (event.agent,)
    if not isinstance(event, tell.Transition):
        return ()
    named = (getattr(event, "released", None), getattr(event, "agent", None))
    return tuple(agent for agent in named if agent is not None)
