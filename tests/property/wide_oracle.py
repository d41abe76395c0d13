"""What must hold of a desk with everything switched on: told from its log, and from nothing else.

The log is folded event by event; what is folded is compared with what is stored by the machine, and
judged here. Of the rules only the resolved policy is asked: where settings come from is tested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import omniroute as om
from omniroute.model import events as tell
from omniroute.model.agent import ALL, Agent
from omniroute.model.assign import AssignMode, Compare, Selector
from omniroute.model.conversation import Conversation
from omniroute.model.policy import Assignment, Policy
from omniroute.model.state import State
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.folding import apply
from tests.property.silence_oracle import is_open, turns
from tests.property.wide_desks import STAFF

HOLDING = (State.ACTIVE, State.INACTIVE)


class Oracle:
    """Folds the log, and objects."""

    def __init__(self, setup: om.Setup) -> None:
        self.setup = setup
        self.chats: dict[str, Conversation] = {}
        self.staff: dict[str, Agent] = {}
        self.wraps: set[tuple[str, str]] = set()
        self.told_closed: dict[str, int] = {}
        self.greeted: set[str] = set()
        self.behind = False
        """Whether something that hangs on a new configuration has still to follow it (S4)."""

    def policy(self, chat: Conversation) -> Policy:
        return self.setup.policy(chat.place.channel, chat.queue or chat.place.inbox)

    # --- the log ----------------------------------------------------------------------------------

    def read(self, events: list[Any]) -> set[str]:
        """Fold what was committed at once, judge it, and return the conversations it is about."""
        touched: set[str] = set()
        for event in events:
            for agent in STAFF:
                after = apply_agent(self.staff.get(agent), event, agent)
                if after is None:
                    self.staff.pop(agent, None)
                else:
                    self.staff[agent] = after
            if isinstance(event, tell.WrapUpStarted):
                self.wraps.add((event.agent, event.conversation))
            elif isinstance(event, tell.WrapUpEnded):
                self.wraps.remove((event.agent, event.conversation))
            elif isinstance(event, tell.AgentRemoved):
                self.wraps = {each for each in self.wraps if each[0] != event.agent}
            if isinstance(event, tell.ConversationEvent):
                before = self.chats.get(event.conversation)
                if isinstance(event, tell.Assigned) and event.reason == "push":
                    self._first_of_its_lane(event)
                after_it = apply(before, event)
                assert before is None or after_it.at >= before.at, "told before what came before"
                self.chats[event.conversation] = after_it
                touched.add(event.conversation)
        self._texts(events)
        return touched

    def _first_of_its_lane(self, event: tell.Assigned) -> None:
        """Whoever is given out has waited longest of those whom the same agents may take (R2, S8)."""
        if self.behind:
            return  # what waited under another way of assigning is looked at by the job (S4)
        chosen = self.chats[event.conversation]
        assert chosen.state is State.QUEUED or holder(chosen) is None, "it is asked of somebody"
        since = chosen.clocks.queued_at, chosen.id
        for other in self.chats.values():
            same = other.state is State.QUEUED and (
                other.queue,
                other.place.channel,
                other.extras.routing,
            ) == (chosen.queue, chosen.place.channel, chosen.extras.routing)
            assert not same or since <= (other.clocks.queued_at, other.id), "waited longer (S8)"

    # --- the policy's texts -----------------------------------------------------------------------

    def _texts(self, events: list[Any]) -> None:
        """Each text goes out once for its occasion, and in the transaction of that (U44 to U50)."""
        said: dict[tuple[str, str], int] = {}
        for e in events:
            if isinstance(e, tell.MessageSent) and e.occasion is not None:
                said[e.conversation, e.occasion] = said.get((e.conversation, e.occasion), 0) + 1
        over = {e.conversation for e in events if isinstance(e, tell.Ended)}
        for e in events:
            if isinstance(e, tell.Opened):
                self._greets(e, said.get((e.conversation, "greeting"), 0))
            elif isinstance(e, tell.MessageReceived) and e.conversation not in over:
                self._answers_outside_hours(e, said.get((e.conversation, "after_hours_message"), 0))
            elif isinstance(e, tell.Ended) and not self.behind:
                text = self.policy(self.chats[e.conversation]).ended_text
                assert said.get((e.conversation, "ended_text"), 0) == (text is not None), "U46"
        for e in events:
            if isinstance(e, tell.MessageSent) and e.occasion == "after_hours_message":
                self.told_closed[e.conversation] = e.at

    def _greets(self, e: tell.Opened, times: int) -> None:
        policy = self.policy(self.chats[e.conversation])
        closed = policy.hours is not None and not is_open(e.at)
        skipped = closed and policy.skip_greeting_after_hours
        assert times == (policy.greeting is not None and not skipped), "greeted once (U48, U50)"

    def _answers_outside_hours(self, e: tell.MessageReceived, times: int) -> None:
        policy, told = self.policy(self.chats[e.conversation]), self.told_closed.get(e.conversation)
        wanted = (
            policy.after_hours_message is not None
            and policy.hours is not None
            and not is_open(e.at)
            and (told is None or turns(told, to_open=True) <= e.at)
        )
        assert times == wanted, "once for a conversation and closed period (U49)"

    # --- what an agent may be given -----------------------------------------------------------------

    def cost(self, agent: Agent, channel: str) -> int:
        cost = (self.setup.config.policy.costs or {}).get(channel, 1)
        return agent.capacity.soft_max if cost == ALL else int(cost)

    def fits(self, agent: Agent, chat: Conversation, *, by_hand: bool = False) -> bool:
        channel = chat.place.channel
        whole, own = agent.capacity, agent.extras.own_limits
        most = own.get(channel) or (self.setup.config.policy.capacity or {}).get(channel)
        held = sum(
            each.place.channel == channel
            for each in self.chats.values()
            if holder(each) == agent.id
        ) + sum(
            self.chats[conversation].place.channel == channel
            for by, conversation in self.wraps
            if by == agent.id
        )
        if most is not None and held >= (most.hard_max if by_hand else most.soft_max):
            return False
        limit = whole.hard_max if by_hand else whole.soft_max
        return agent.load + self.cost(agent, channel) <= limit

    def may(self, agent: Agent, chat: Conversation, now: int) -> bool:
        """Whether an agent may take what waits, whatever they hold; a cascade is asked by time alone."""
        routing, rule = chat.extras.routing, self.policy(chat).assign
        if agent.leaving or chat.queue not in agent.leaves or agent.id in routing.declined:
            return False
        if agent.channels is not None and chat.place.channel not in agent.channels:
            return False
        if routing.sticky is not None:
            return routing.sticky == agent.id
        waited = now - chat.clocks.queued_at
        if routing.exclusive:
            in_group = routing.group in agent.groups
        elif routing.anyone:
            in_group = True
        else:
            in_group = self._in_group(agent, chat, waited)
        asked = [*rule.skills, *routing.requires]
        return in_group and all(
            _meets(agent, each) for each in asked if each.expires is None or waited < each.expires
        )

    def _in_group(self, agent: Agent, chat: Conversation, waited: int) -> bool:
        rule, group = self.policy(chat).assign, chat.extras.routing.group
        if rule.mode is AssignMode.CASCADE:
            stages = 1 + (waited // rule.widen_after if rule.widen_after and waited > 0 else 0)
            return any(each in agent.groups for each in rule.cascade[:stages])
        if rule.mode is AssignMode.PERCENT and group in rule.percent:
            opened = rule.open_after is not None and waited >= rule.open_after
            return opened or group in agent.groups
        return True

    # --- what always holds --------------------------------------------------------------------------

    def check(self, seen: int) -> None:
        """Judge everything as it stands; time was looked at until `seen`."""
        self._check_loads()
        threads = [
            (chat.place.entry_point, chat.place.contact, chat.place.thread)
            for chat in self.chats.values()
            if chat.state is not State.ENDED
        ]
        assert len(threads) == len(set(threads)), "two open conversations in one thread (S9)"
        for chat in self.chats.values():
            instants = [at for at, _ in chat.timers]
            assert instants == sorted(instants)
            assert chat.state is not State.ENDED or chat.timers == (), "an end stops clocks (R5)"
        if not self.behind:
            self._check_nobody_waits(seen)
            self._check_keepers()

    def _check_loads(self) -> None:
        for agent in self.staff.values():
            held = {chat.id for chat in self.chats.values() if holder(chat) == agent.id}
            held |= {f"~{conversation}" for by, conversation in self.wraps if by == agent.id}
            weighed = agent.extras.held
            assert set(weighed) <= held, "weighed, and not held (X4)"
            load = sum(weighed[each].cost if each in weighed else 1 for each in held)
            assert agent.load == load, "slots are counted otherwise (X4)"
            assert (
                agent.load <= agent.capacity.hard_max
                or agent.forced
                or self.behind
                or (self._may_be_above(agent))
            ), "above what nothing passes (M9)"

    def _may_be_above(self, agent: Agent) -> bool:
        """A smaller capacity, or higher costs, take nothing from anybody."""
        return self.setup.version > 1 or agent.own_capacity is not None

    def _check_nobody_waits(self, seen: int) -> None:
        for chat in self.chats.values():
            how = self.policy(chat).assignment
            if chat.state is not State.QUEUED or how is Assignment.CLAIM:
                continue
            for agent in self.staff.values():
                if not agent.available or not self.may(agent, chat, seen):
                    continue
                if how is Assignment.OFFER_ALL:
                    raise AssertionError(f"{chat.id} is not shown to {agent.id} (S7)")
                if agent.extras.keeps is None and self.fits(agent, chat):
                    raise AssertionError(f"{chat.id} waits while {agent.id} has room (R2)")

    def _check_keepers(self) -> None:
        kept = [agent.extras.keeps for agent in self.staff.values() if agent.extras.keeps]
        assert len(kept) == len(set(kept)), "two keep their parts for one (R2)"
        for agent in self.staff.values():
            if agent.extras.keeps is not None:
                chat = self.chats[agent.extras.keeps]
                assert chat.state is State.QUEUED, "parts are kept for what does not wait (R2)"
                assert chat.queue in agent.leaves, "parts are kept for another queue (R2)"
                assert agent.available, "parts are kept of who is not there (R2)"

    def claimable(self, agent: Agent, seen: int) -> Iterable[Conversation]:
        """What waits where the desk does not push, and the agent may take."""
        for chat in self.chats.values():
            claimed = self.policy(chat).assignment is Assignment.CLAIM
            if chat.state is State.QUEUED and claimed and self.may(agent, chat, seen):
                yield chat


def holder(chat: Conversation) -> str | None:
    """Whose slot a conversation takes."""
    if chat.state in HOLDING:
        return chat.agent
    offer = chat.extras.offer
    return offer.agent if chat.state is State.OFFERED and offer is not None else None


def _meets(agent: Agent, asked: Selector) -> bool:
    level = {**dict.fromkeys(agent.languages, 1), **agent.skills}.get(asked.skill)
    if level is None:
        return False
    return level >= asked.levels[0] if asked.compare is Compare.AT_LEAST else level in asked.levels
