"""One unit of work on one desk: what every command does between locking the desk's row and committing.

`Unit.perform` is the only place where a decision becomes stored state: events get their positions,
agents' loads follow, messages and effects are written beside them. No rule lives here; flows in
this package are plain functions of a unit, so that sync and async desks run the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from omniroute.desk.flows import start_flows
from omniroute.desk.menus import show_menu
from omniroute.desk.missing import note_missed
from omniroute.desk.overflow import can_return
from omniroute.desk.unit_state import Ranking, Setups, UnitState
from omniroute.desk.waits import with_place
from omniroute.desk.wrapping import start_wrap_ups
from omniroute.model import events as tell
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
from omniroute.model.message import Direction, Message
from omniroute.model.policy import Policy
from omniroute.model.state import WAITING, State
from omniroute.model.wire import DeliveryStatus
from omniroute.rules import lifecycle, texts
from omniroute.rules.deadlines import has_come
from omniroute.rules.sla.deciding import changes, rests
from omniroute.schema import CONVERSATIONS, MESSAGES, Index, Key

__all__ = ["Ranking", "Setups", "Unit"]

# A message is not seen before its event has a position: it gets that when both are written.
_set_position: Final = Message.__dict__["position"].__set__


class Unit(UnitState):
    """A desk's transaction while it runs, and how it decides."""

    __slots__ = ()

    def perform(
        self,
        conversation: Conversation | None,
        command: Command,
        policy: Policy,
        *,
        now: int | None = None,
        messages: Sequence[Message] = (),
    ) -> Conversation:
        """Decide, and write down everything that the decision says; return the new state.

        `messages` are those that the command names by id, made for this call: their positions are
        their events', and set here. `now` is another instant than the unit's where a deadline's own
        event is told (S2).
        """
        kind = type(command)
        driven = kind in _DRIVEN
        if conversation is not None:
            if not driven:
                if conversation.clocks.sla is not None:
                    conversation = self.refresh(conversation)
                if conversation.timers:
                    # Nobody is asked for what has ended by now, however late that is looked at (S2).
                    alone = isinstance(command, Offer) and command.agent is not None
                    conversation = self.catch_up(
                        conversation, until=None if alone else self.reached
                    )
                states = _BY_LINE.get(kind)
                if states is not None and conversation.state not in states:
                    return conversation  # it expired before anybody had room
            if kind in texts.SAID_AHEAD_OF:
                for said in texts.ahead(conversation, command, policy):
                    conversation = self._say(conversation, said, policy, now)
        decision = lifecycle.decide(conversation, command, policy, self.now if now is None else now)
        self._write(conversation, decision, messages)
        state = decision.state
        if not _FOLLOWED.isdisjoint(map(type, decision.events)):
            state = self._follow_up(conversation, decision, policy, now)
        if driven or not state.timers:
            return state
        # What has passed already fires now (S3), what still lies ahead of a late deadline does not.
        return self.catch_up(state, until=self.reached)

    def _follow_up(
        self,
        conversation: Conversation | None,
        decision: lifecycle.Decision,
        policy: Policy,
        now: int | None,
    ) -> Conversation:
        """Do what a decision brings about beside itself: flows, wrap-ups, other clocks, texts."""
        state, events = decision.state, decision.events
        if self.setup.has_flows:
            start_flows(self, state, events)
        if policy.wrap_up is not None and state.ended:
            start_wrap_ups(self, events, policy.wrap_up)
        if conversation is not None and _counts_anew(conversation, state):
            state = self.refresh(state)  # another queue may count other hours (S3)
        if not texts.SAID_AFTER.isdisjoint(map(type, events)):
            for said in texts.afterwards(events, state, policy):
                state = self._say(state, said, policy, now)
        return state

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
        at = max(self.now if now is None else now, conversation.at)
        message = Message(
            id=self.draw.next("m"),
            conversation=conversation.id,
            position=0,
            direction=Direction.OUT,
            author=tell.SYSTEM,
            at=at,
            kind=kind,
            text=text,
            entry_point=conversation.place.entry_point,
            status=DeliveryStatus.PENDING,
        )
        command = Deliver(message.id, occasion)
        decision = lifecycle.decide(conversation, command, policy, at)
        self._write(conversation, decision, (message,))
        return decision.state

    def _write(
        self,
        conversation: Conversation | None,
        decision: lifecycle.Decision,
        messages: Sequence[Message],
    ) -> None:
        state, events = decision.state, decision.events
        at: dict[str | None, int] = {}
        for event in events:
            at[getattr(event, "message", None)] = self.write_event(event)
        if messages:
            for message in messages:
                _set_position(message, at[message.id])
            self.tx.add(MESSAGES, self.desk, messages)
        for effect in decision.effects:
            self.enqueue(state, effect, at[getattr(effect, "message", None)])
        if conversation is None:
            self.open(state, events)
        elif state is not conversation:
            self.touch(state, events)

    def refresh(self, conversation: Conversation) -> Conversation:
        """Let a conversation's clocks follow the configuration in force, where it stands (S3, S4).

        As of the instant that it was saved, or of what happened since: what came due after that and
        was not looked at is still told for its own instant (S2).
        """
        clocks = conversation.clocks
        if clocks.sla is None or (not self.setup.resolves and rests(clocks)):
            return conversation
        policy = self.policy(conversation)
        if policy.sla is None or not changes(conversation, policy.sla, self.now):
            return conversation
        first = self.setup.sla_of(conversation.place.entry_point)
        if first is None:
            return conversation  # its entry point is gone
        return self.perform(conversation, Reschedule(first), policy, now=self.in_force_since())

    def emptying(self, index: Index[Conversation], prefix: Key) -> Iterator[Conversation]:
        """Yield, page by page, what stands below a prefix: whoever asks takes each of them away.

        What came due is fired first, also beyond the batch that a command fires (R6): what has ended
        by now is left out, and what has moved is there as it stands.
        """
        self.flush()
        while page := self.tx.scan(index, self.desk, prefix, limit=_PAGE):
            for each in page:
                found = self.up_to_date(self.conversation(each.id))
                if not found.ended:
                    yield found
            self.flush()

    def letting_go(self, agent: str, states: Iterable[State]) -> Iterator[Conversation]:
        """Yield what an agent holds in some states: whoever asks takes each of them from them."""
        for state in states:
            for found in self.emptying(_HOLDING, (agent, state.value)):
                if found.agent == agent:
                    yield found

    def up_to_date(self, conversation: Conversation) -> Conversation:
        """Return a conversation as `perform` meets it: by what is in force, with what came due fired."""
        return self.catch_up(self.refresh(conversation), until=self.reached)

    def catch_up(self, conversation: Conversation, *, until: int | None = None) -> Conversation:
        """Fire what came due before this instant: a late poll loses no deadline (R6)."""
        while conversation.timers and self.is_due(conversation, inclusive=False, until=until):
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


_PAGE: Final = 100
_BY_LINE: Final[Mapping[type, tuple[State, ...]]] = {
    Assign: WAITING,
    Line: WAITING,
    Offer: WAITING,
    Withdraw: (State.OFFERED,),
}
"""What is done to whatever waits, and in which states: one that has left them by now is passed over."""
_HOLDING: Final = CONVERSATIONS.index("agent_by_due")
_DRIVEN: Final = frozenset({Expire, Reschedule})
_FOLLOWED: Final = texts.SAID_AFTER | {tell.Ended, tell.Relocated}
"""Events that bring something about beside themselves: texts, flows, wrap-ups, clocks that count anew."""


def _counts_anew(before: Conversation, after: Conversation) -> bool:
    """Whether clocks may count otherwise: in another queue, or where a contact begins to wait."""
    if before.queue != after.queue:
        return True
    return before.clocks.waiting_since is None and after.clocks.waiting_since is not None
