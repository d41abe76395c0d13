"""What one unit of work on a desk has read, what it changed, and what is still to be written.

Events get their positions here, agents' loads follow them, and what every change makes worth looking
at is noted for `routing.settle`. Nothing is looked up, and no container filled, for what a desk does
not use: most units write one conversation, one event and the desk's row. No rule lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from attrs import fields_dict

from omniroute.desk.agenda import Agenda
from omniroute.desk.keeping import leave_line, lost_keeper
from omniroute.desk.queue_lines import QueueLines
from omniroute.desk.waits import note_wait
from omniroute.desk.weighing import name_of, weigh
from omniroute.errors import UnknownAgent, UnknownConversation
from omniroute.ids import Draw
from omniroute.model import events as tell
from omniroute.model.agent import Agent
from omniroute.model.conversation import Conversation
from omniroute.model.effects import Effect, OutboxEntry, SendMessage
from omniroute.model.events import LogEntry
from omniroute.model.message import Message
from omniroute.model.policy import Policy
from omniroute.model.records import AgentTimer, DeskRecord
from omniroute.model.state import WAITING, State
from omniroute.model.values import making
from omniroute.ports import Transaction
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.availability import admit
from omniroute.rules.resolution import Setup
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

__all__ = ["Ranking", "Setups", "UnitState"]

Ranking = Callable[..., Iterable[object] | None]
"""Takes `question`, a `RankingQuestion`; returns agents' ids, the best first, or None."""

_TIMERS: Final = AGENT_TIMERS.index("timers_of_agents")
_entry: Final = making(LogEntry)
_outgoing: Final = making(OutboxEntry)
_desk_row: Final = making(DeskRecord)


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


class UnitState:
    """A desk's transaction while it runs, under the desk's lock. Made anew for every try."""

    __slots__ = (
        "_agents",
        "_conversations",
        "_entries",
        "_next_due",
        "_next_work",
        "_opened",
        "_position",
        "_queue_lines",
        "_saved",
        "_saved_at",
        "_setups",
        "_touched",
        "agents_written",
        "desk",
        "draw",
        "moves_in_line",
        "now",
        "pending",
        "reached",
        "record",
        "setup",
        "tx",
    )

    def __init__(self, tx: Transaction, desk: str, now: int, draw: Draw, setups: Setups) -> None:
        record = tx.get(DESKS, desk, ())
        assert record is not None  # noqa: S101  (locking raises for an unknown desk)
        self.tx = tx
        self.desk = desk
        self.now = now
        self.draw = draw
        self.record: DeskRecord = record
        self.setup = setups.setup(tx, desk, record.config_version)
        self.reached = now
        """Up to where deadlines have been fired, while late ones are fired in order."""
        self.moves_in_line = 0
        self.agents_written = 0
        """How often agents were written down: what was read of them before is older than they are."""
        self.pending: Agenda | None = None
        """The `agenda`, where there is anything in it."""
        self._agents: dict[str, Agent] = {}
        self._saved: dict[str, Agent] = {}
        self._conversations: dict[str, Conversation] = {}
        self._touched: dict[str, Conversation] = {}
        self._opened: set[str] | None = None  # which nothing is stored of yet
        self._saved_at: tuple[int, int] | None = None  # a version of the configuration, and when
        self._entries: list[LogEntry] = []
        self._position = record.position
        self._next_due = record.next_due
        self._next_work = record.next_work
        self._queue_lines: QueueLines | None = None
        self._setups = setups

    @property
    def ranking(self) -> Ranking | None:
        """What plugins bring to order suitable agents by, or None."""
        return self._setups.ranking

    @property
    def starts_flows(self) -> bool:
        """Whether some plugin starts the flows of channels."""
        return self._setups.starts_flows

    @property
    def agenda(self) -> Agenda:
        """What this unit's changes make worth looking at."""
        found = self.pending
        if found is None:
            found = self.pending = Agenda()
        return found

    @property
    def queue_lines(self) -> QueueLines:
        """What is kept of the lines of the desk's queues."""
        found = self._queue_lines
        if found is None:
            found = self._queue_lines = QueueLines(self.tx, self.desk, self.record.lined)
        return found

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
        found = self._agents.get(agent)
        if found is None:
            found = self.tx.get(AGENTS, self.desk, (agent,))
            if found is None:
                raise UnknownAgent(f"no agent {agent!r}")
            self._agents[agent] = found
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
        return self.setup.policies[
            place.entry_point, place.channel, conversation.queue or place.inbox
        ]

    def policy_at(self, conversation: Conversation, queue: str) -> Policy:
        """Return the policy that is in force for a conversation once it stands in a queue."""
        return self.setup.policy(conversation.place.channel, queue)

    def in_force_since(self) -> int:
        """Return since when the configuration has been in force, as far as this unit is concerned."""
        version, known = self.setup.version, self._saved_at
        if known is None or known[0] != version:
            saved = self.tx.get(CONFIG_CHANGES, self.desk, (version,))
            at = self.now if saved is None else min(saved.at, self.now)
            known = self._saved_at = (version, at)
        return known[1]

    def pushes(self, conversation: Conversation) -> bool:
        """Return whether the conversation is given to agents automatically."""
        return self.pushes_from(conversation.queue or conversation.place.inbox)

    def pushes_from(self, queue: str) -> bool:
        """Return whether a queue's conversations are given to agents automatically."""
        return self.setup.pushes_from(queue)

    def rule(self, queue: str) -> Policy:
        """Return the policy by which a queue's line is served."""
        return self.setup.policy(None, queue)

    # --- recording --------------------------------------------------------------------------------

    def write_event(self, event: tell.Event) -> int:
        """Record an event, and let the agents follow whom it names; return the log's position by then."""
        self._position = position = self._position + 1
        self._entries.append(_entry(position, event))
        naming = _NAMING.get(type(event))
        if naming is None:
            naming = _NAMING[type(event)] = _names_in(type(event))
        if naming:
            for name in naming:
                agent = getattr(event, name)
                if agent is not None:
                    self._follow(agent, event)
            position = self._position
        return position

    def _follow(self, agent_id: str, event: tell.Event) -> None:
        before = self.find_agent(agent_id)
        after = apply_agent(before, event, agent_id)
        if isinstance(event, _OF_STAFF):
            self._restaff(agent_id, before, after)
        if (kept := lost_keeper(before, after)) and not isinstance(event, tell.RoomReleased):
            self.agenda.bereft[kept] = None
        if after is None:
            self._agents.pop(agent_id, None)
            self._saved.pop(agent_id, None)
            self.agents_written += 1
            self.agenda.closed.update(dict.fromkeys(before.pools if before is not None else ()))
            self.tx.delete(AGENTS, self.desk, (agent_id,))
            return
        name = None
        if before is not None and after.load > before.load:
            if not isinstance(event, tell.Weighed):
                name = name_of(self, event)
            _check_room(before, event, name)
        elif after is not before:
            self.agenda.freed[agent_id] = None
            if before is not None and before.available and _left(before, after):
                self.agenda.closed.update(dict.fromkeys(before.pools))
        self._agents[agent_id] = self._saved[agent_id] = after
        if name is not None:
            weigh(self, after, event, name)
        if after.leaving and not after.load and before is not None:
            self.write_event(
                tell.AgentRemoved(agent_id, event.at, tell.SYSTEM)
            )  # S15: the last ended

    def _restaff(self, agent_id: str, before: Agent | None, after: Agent | None) -> None:
        self.agenda.restaffed.append((before, after))
        if before is None or after is None:  # older versions left those of whoever was removed
            self._forget_timers(agent_id)

    def _forget_timers(self, agent_id: str) -> None:
        """Whoever is gone wraps nothing up and is not missed: nor when they are back."""
        while timers := self.tx.scan(_TIMERS, self.desk, (agent_id,), limit=100):
            for timer in timers:
                self.tx.delete(AGENT_TIMERS, self.desk, AGENT_TIMERS.key(timer))

    def add_message(self, message: Message) -> None:
        """Write a new message beside its event."""
        self.tx.add(MESSAGES, self.desk, (message,))

    def open(self, conversation: Conversation, events: Iterable[tell.Event]) -> None:
        """Keep a conversation that has just begun, as `touch` does."""
        if self._opened is None:
            self._opened = set()
        self._opened.add(conversation.id)
        self.touch(conversation, events)

    def touch(self, conversation: Conversation, events: Iterable[tell.Event]) -> None:
        """Keep a conversation as these events left it, and note what that makes worth looking at."""
        name = conversation.id
        before = self._conversations.get(name)
        self._conversations[name] = self._touched[name] = conversation
        if conversation.state in WAITING or (before is not None and before.state in WAITING):
            self._move_in_line(before, conversation, events)
        elif self.pending is not None:
            self.pending.queued.pop(name, None)
        timers = conversation.timers
        if timers:
            deadline = timers[0][0]
            self.note_deadline(deadline)
            if deadline <= self.now:
                self.agenda.due_again[name] = None

    def _move_in_line(
        self, before: Conversation | None, after: Conversation, events: Iterable[tell.Event]
    ) -> None:
        """Follow a conversation that waits, or waited until now."""
        self.moves_in_line += 1
        if before is not None and before.state is State.QUEUED and self._may_keep_room():
            leave_line(self, before, after)
        if self.setup.tells_waits:
            note_wait(self, before, after, events)
        agenda = self.agenda
        if after.state not in WAITING or any(isinstance(event, tell.Offered) for event in events):
            agenda.queued.pop(after.id, None)
        elif any(isinstance(event, _WAITS_ANEW) for event in events):
            agenda.queued[after.id] = None
            self.queue_lines.note(after, self.setup.channels)

    def _may_keep_room(self) -> bool:
        """Whether room may be kept for somebody: by this version, or still by the one before it."""
        return bool(self.setup.counted or self.record.lined)

    def arm_agent(self, timer: AgentTimer) -> None:
        """Write down a deadline that belongs to an agent."""
        self.tx.put(AGENT_TIMERS, self.desk, timer)
        if timer.due is not None:
            self.note_deadline(timer.due)
            if timer.due <= self.now:
                self.agenda.agents_due.append(timer)

    def note_deadline(self, deadline: int) -> None:
        """Let the desk's row promise nothing later than this deadline."""
        if self._next_due is None or deadline < self._next_due:
            self._next_due = deadline
            self._next_work = min(self._next_work, deadline)

    def enqueue(self, conversation: Conversation, effect: Effect, position: int) -> None:
        """Commit an effect with the event it belongs to; the outbox carries it out."""
        entry_point, now = conversation.place.entry_point, self.now
        entry = _outgoing(conversation.id, position, entry_point, effect, now)
        self.tx.add(OUTBOX, self.desk, (entry,))
        if now < self._next_work:  # noqa: PLR1730  (`min` would be a call in every step)
            self._next_work = now

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
            self.agents_written += 1
        if self._touched:
            opened = self._opened
            for name, conversation in self._touched.items():
                if opened is not None and name in opened:
                    self.tx.add(CONVERSATIONS, self.desk, (conversation,))
                else:
                    self.tx.put(CONVERSATIONS, self.desk, conversation)
            self._touched = {}
            self._opened = None

    def finish(self) -> None:
        """Write what is left: states, the log, the desk's row."""
        if self._saved or self._touched:
            self.flush()
        record, lines = self.record, self._queue_lines
        lined = record.lined
        if lines is not None:
            lines.write()
            lined = lines.lined
        if self._entries:
            self.tx.add(LOG, self.desk, self._entries)
            self._entries = []
        elif (
            self._next_work == record.next_work
            and self._next_due == record.next_due
            and lined == record.lined
        ):
            return
        self.record = _desk_row(
            record.id,
            self._position,
            record.config_version,
            self._next_due,
            self._next_work,
            lined,
        )
        self.tx.put(DESKS, self.desk, self.record)

    def use_version(self, version: int, setup: Setup) -> None:
        """Work by another configuration version from here on; it is written with the desk's row."""
        lines = self.queue_lines
        if self.setup.counted:
            for queue in self.setup.leaves:
                lines.of(queue)  # room may be kept there that the desk's row does not tell of
        self.record = DeskRecord(
            self.record.id,
            self.record.position,
            version,
            self._next_due,
            self._next_work,
            lines.lined,
        )
        self.setup = setup


_WAITS_ANEW = (
    tell.Opened,
    tell.Queued,
    tell.Relocated,
    tell.Lined,
    tell.OfferEnded,
    tell.Declined,
)
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


_NAMING: Final[dict[type, tuple[str, ...]]] = {}
"""By kind of event, the fields that name agents who follow it: worked out when it first happens."""


def _names_in(event: type[tell.Event]) -> tuple[str, ...]:
    """Return the fields of a kind of event that name agents who follow it, in the order they do."""
    if issubclass(event, tell.AgentEvent):
        return ("agent",)
    if not issubclass(event, tell.Transition):
        return ()
    named = fields_dict(event)
    return tuple(name for name in ("released", "agent") if name in named)
