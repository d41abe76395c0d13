"""Silence, driven at random: every preset, clock jumps, late and duplicate ticks, against an oracle.

`make silence` runs 200,000 steps; the suite some 5,000.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from omniroute.errors import UsageError
from omniroute.ids import SeededIds
from omniroute.instants import DAY, HOUR, MINUTE
from omniroute.model import events as tell
from omniroute.model.assign import AssignSettings
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import (
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    QueueNode,
)
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    AwayThen,
    ExpirationHours,
    Inactivity,
    InactivityThen,
    KeepAlive,
    OfferRules,
    OfferThen,
    Policy,
    PolicySettings,
    Presence,
    ResumeTo,
    Resuming,
)
from omniroute.model.state import State
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.checks import problems
from omniroute.rules.folding import apply
from omniroute.rules.presets import PRESETS
from omniroute.schema import AGENTS as AGENTS_KEPT
from omniroute.schema import CONVERSATIONS
from omniroute.testing import MONDAY, Play, a_config
from tests.property.desk_ground import now_and_then
from tests.property.silence_oracle import HOURS, Agent, Oracle
from tests.unit.desk.helpers import assert_folds, every_agent, every_conversation, stored

STEPS = int(os.environ.get("SILENCE_STEPS", "5000"))
_LENGTH = 45
"""How many steps an example has on average, at least; at most it has fifty."""
ROOM = 2
QUEUES = ("general/a", "general/b")
STAFF = {
    "ana": (("tier1",), QUEUES),
    "bob": (("tier2",), QUEUES[:1]),
    "cid": (("tier1",), QUEUES[1:]),
}
AGENTS = tuple(STAFF)
CONTACTS = {"Maria": "first", "Otto": "first", "Vera": "second", "Kim": "second", "Luis": "menu"}
"""Who writes, and on which entry point: two lead to a queue, one to the menu."""


def spans(*minutes: int) -> st.SearchStrategy[int | None]:
    return st.sampled_from([None, *(each * MINUTE for each in minutes)])


INACTIVITY = st.none() | st.builds(
    Inactivity,
    after=st.sampled_from([7, 15]).map(lambda n: n * MINUTE),
    notice=st.sampled_from([0, 5]).map(lambda n: n * MINUTE),
    then=st.sampled_from(InactivityThen),
    text=st.none() | st.just("Hm?"),
)
ALIVE = st.none() | st.builds(
    KeepAlive,
    after=st.sampled_from([9, 30]).map(lambda n: n * MINUTE),
    text=st.just("There?"),
    end_after=st.sampled_from([16, 20]).map(lambda n: n * MINUTE),
    end_text=st.just("Bye."),
)


def asking(policy: PolicySettings) -> PolicySettings:
    """Agents are asked one at a time, and who lets an offer lapse is off until they return."""
    offer = OfferRules(accept_within=2 * MINUTE, then=OfferThen.MISSED)
    return evolve(policy, assignment=Assignment.OFFER_ONE, offer=offer)


POLICIES = st.builds(
    PolicySettings,
    unanswered_expiration=spans(12, 45),
    chat_timeout=spans(40, 200),
    hard_expiry=spans(10080),
    inactivity=INACTIVITY,
    keep_alive=ALIVE,
    after_hours_expiration=spans(8, 90),
    expiration_hours=st.none() | st.sampled_from(ExpirationHours),
    hours=st.none() | st.just(HOURS),
    selecting_expiration=spans(6),
    snooze_grace=spans(10),
    dismissed_resumes_after_hours=st.none() | st.just(value=True),
    resume_to=st.none()
    | st.sampled_from([Resuming(to) for to in ResumeTo] + [Resuming(ResumeTo.LAST_AGENT, HOUR)]),
    presence=st.none()
    | st.builds(
        Presence,
        away_after=st.just(6 * MINUTE),
        then=st.sampled_from([AwayThen.KEEP, AwayThen.REQUEUE]),
    )
    | st.just(Presence(away_after=6 * MINUTE, then=AwayThen.WAIT, wait=4 * MINUTE)),
    assign=st.none() | st.just(AssignSettings(sticky_wait=3 * MINUTE)),
    wrap_up=spans(3),
    ended_text=st.none() | st.just("The end."),
    closed=st.just(()),
    after_end=st.sampled_from([None, AfterEnd(AfterEndTo.QUEUE)]),
).flatmap(lambda policy: st.sampled_from([policy, policy, asking(policy)]))


CASCADE = st.none() | st.builds(
    AssignSettings,
    cascade=st.just(("tier1", "tier2")),
    widen_after=spans(2, 5),
    overflow=st.none() | st.just((QUEUES[1],)),
    overflow_after=spans(6),
)


def a_desk(preset: str, policy: PolicySettings, cascade: AssignSettings | None) -> DeskConfig:
    """Two queues, one of which may ask its groups one after the other, and a menu."""
    inbox = InboxConfig(
        sla=15 * MINUTE,
        primary_for=("chat",),
        queues=(QueueNode("a"), QueueNode("b")),
        at={} if cascade is None else {"a": PolicySettings(assign=cascade)},
    )
    queues = {"first": "general/a", "second": "general/b", "menu": None}
    config = a_config(
        capacity=ROOM,
        preset=preset,
        policy=policy,
        inboxes={"general": inbox},
        groups={"tier1": GroupConfig(), "tier2": GroupConfig()},
        entry_points={
            name: EntryPointConfig(channel="chat", address=name, queue=queue)
            for name, queue in queues.items()
        },
    )
    people = {name: AgentConfig(groups=each[0], serves=each[1]) for name, each in STAFF.items()}
    config = evolve(config, agents=people)
    assert problems(config) == ()
    return config


class SilenceMachine(RuleBasedStateMachine):
    """One desk with two queues, five contacts, three agents, and a clock that goes as it likes."""

    steps = 0

    @initialize(preset=st.sampled_from(sorted(PRESETS)), policy=POLICIES, cascade=CASCADE)
    def opens(self, preset: str, policy: PolicySettings, cascade: AssignSettings | None) -> None:
        self.p = Play(a_desk(preset, policy, cascade), store="memory://", start=_START)
        self.presence = policy.presence
        assert isinstance(self.p.desks._runtime.ids, SeededIds)
        setup = self.p.desk._runtime.current("acme")
        self.policy: Policy = setup.policy("chat", QUEUES[1])
        staff = {name: Agent(*each) for name, each in STAFF.items()}
        stages = setup.policy("chat", QUEUES[0]).assign
        self.oracle = Oracle(self.policy, staff, stages.cascade, stages.widen_after)
        self.seen = 0
        self.position = 0
        self.folded: dict[str, Conversation] = {}
        self.folded_staff: dict[str, Any] = {}
        self.follow()
        for agent in AGENTS:
            self.switches(agent, available=True)
        self.writes("Maria")
        self.accepts("ana", 0)
        self.answers(0)

    def follow(self) -> list[Any]:
        """Let the oracle read what was committed just now."""
        fresh = list(self.p.desk.changes(self.position))
        for change in fresh:
            self.oracle.read(change.event, self.p.clock.now())
            self.position = change.position
        events = [change.event for change in fresh]
        self._fold(events)
        return events

    def _fold(self, events: list[Any]) -> None:
        """What is stored is what the log folds to, after every step (R16)."""
        touched: dict[str, None] = {}
        for event in events:
            for agent in AGENTS:
                after = apply_agent(self.folded_staff.get(agent), event, agent)
                self.folded_staff[agent] = after
            if isinstance(event, tell.ConversationEvent):
                touched[event.conversation] = None
                before = self.folded.get(event.conversation)
                self.folded[event.conversation] = apply(before, event)
        for name in touched:
            assert stored(self.p, CONVERSATIONS, name) == self.folded[name], "the log is the truth"
        if events:
            for agent in AGENTS:
                assert stored(self.p, AGENTS_KEPT, agent) == self.folded_staff[agent]

    def tried(self, call: Any, *args: Any, **more: Any) -> None:
        """Do what may be refused; a refusal changes nothing."""
        before = self.position
        try:
            call(*args, **more)
        except UsageError:
            assert list(self.p.desk.changes(before)) == []
        self.follow()

    def chat(self, number: int) -> str | None:
        names = list(self.oracle.chats)
        return names[number % len(names)] if names else None

    # --- what people do ---------------------------------------------------------------------------

    @rule(who=st.sampled_from(sorted(CONTACTS)))
    def writes(self, who: str) -> None:
        self.p.contact(who, on=CONTACTS[who]).writes("Hello")
        self.follow()

    @rule(number=st.sampled_from(["1", "2", "3"]))
    def chooses(self, number: str) -> None:
        """Answer the menu, where it is shown."""
        self.p.contact("Luis", on="menu").writes(number)
        self.follow()

    @precondition(lambda self: self.policy.presence is not None)
    @rule(agent=st.sampled_from(AGENTS))
    def beats(self, agent: str) -> None:
        """Tell that an agent is there (P7)."""
        self.p.desk.heartbeat(agent)
        self.follow()
        if self.oracle.beats(agent, self.p.clock.now()):
            raise AssertionError("whoever was away is back with their heartbeat")

    @rule(agent=st.sampled_from(AGENTS), available=st.booleans())
    def switches(self, agent: str, available: bool) -> None:
        person = self.oracle.staff[agent]
        was, due = person.available, person.beat_due or 0
        self.p.desk.set_available(agent, available)
        for event in self.follow():  # an offer may have lapsed before their heartbeat was due
            if isinstance(event, tell.AgentAvailability) and event.agent == agent:
                was = event.available if event.at <= due else was
        self.oracle.switched(agent, self.p.clock.now(), was_available=was)

    @rule(agent=st.sampled_from(AGENTS), number=st.integers(0, 9))
    def replies(self, agent: str, number: int) -> None:
        if chat := self.chat(number):
            self.tried(self.p.desk.reply, chat, "Hi", by=agent)

    @rule(number=st.integers(0, 9))
    def answers(self, number: int) -> None:
        """Let whoever holds a conversation answer, or whoever may take it."""
        if chat := self.chat(number):
            self.tried(self.p.desk.reply, chat, "Hi", by=self.oracle.chats[chat].agent or "ana")

    @rule(agent=st.sampled_from(AGENTS), number=st.integers(0, 9))
    def accepts(self, agent: str, number: int) -> None:
        """Take what is offered: the first has it."""
        if chat := self.chat(number):
            self.tried(self.p.desk.accept_offer, chat, by=agent)

    @rule(agent=st.sampled_from(AGENTS), number=st.integers(0, 9))
    def declines(self, agent: str, number: int) -> None:
        """Leave what is offered to others."""
        if chat := self.chat(number):
            self.tried(self.p.desk.decline_offer, chat, by=agent)

    @rule(number=st.integers(0, 9), lasts=st.sampled_from(["5m", "3h", "1d"]))
    def puts_aside(self, number: int, lasts: str) -> None:
        """Let its holder snooze a conversation."""
        if chat := self.chat(number):
            by = self.oracle.chats[chat].agent or "ana"
            self.tried(self.p.desk.snooze, chat, by=by, for_=lasts)

    @rule(
        agent=st.sampled_from(AGENTS),
        number=st.integers(0, 9),
        action=st.sampled_from(["end", "dismiss", "wake", "take", "wrapped_up", "note"]),
    )
    def acts(self, agent: str, number: int, action: str) -> None:
        if chat := self.chat(number):
            more = {"text": "?"} if action == "note" else {}
            self.tried(getattr(self.p.desk, action), chat, by=agent, **more)

    @rule(
        agent=st.sampled_from(AGENTS),
        number=st.integers(0, 9),
        lasts=st.sampled_from(["5m", "3h", "1d", "8d"]),
    )
    def snoozes(self, agent: str, number: int, lasts: str) -> None:
        if chat := self.chat(number):
            self.tried(self.p.desk.snooze, chat, by=agent, for_=lasts)

    # --- what administrators do -------------------------------------------------------------------

    @now_and_then(6)
    @rule(preset=st.sampled_from(sorted(PRESETS)), policy=POLICIES, cascade=CASCADE)
    def configures(
        self, preset: str, policy: PolicySettings, cascade: AssignSettings | None
    ) -> None:
        """Other timers, hours and modes from here on: what is armed stays so until it is armed anew.

        What an absence comes to stays: the oracle follows one rule of presence (the wide machine draws it).
        """
        self.ticks()
        policy = evolve(policy, presence=self.presence)
        self.p.desk.apply(a_desk(preset, policy, cascade))
        self.works_by_another_version()

    @now_and_then(4)
    @rule(number=st.integers(0, 9))
    def rolls_back(self, number: int) -> None:
        self.ticks()
        newest = self.p.desk.history(limit=1).items[0].number
        self.p.desk.rollback(to=1 + number % newest)
        self.works_by_another_version()

    def works_by_another_version(self) -> None:
        """Staff and places in line follow with the next tick."""
        setup = self.p.desk._runtime.current("acme")
        stages = setup.policy("chat", QUEUES[0]).assign
        self.policy = self.oracle.policy = setup.policy("chat", QUEUES[1])
        self.oracle.cascade, self.oracle.widen_after = stages.cascade, stages.widen_after
        self.follow()
        self.ticks()

    # --- what time does ---------------------------------------------------------------------------

    @rule(by=st.sampled_from([MINUTE, 4 * MINUTE, 11 * MINUTE, HOUR, DAY]))
    def passes_unseen(self, by: int) -> None:
        self.p.clock.sleep(by)

    @rule()
    def ticks(self) -> None:
        now = self.p.clock.now()
        self.p.desk.tick()
        self._in_order(self.follow())
        assert not self.oracle.overdue(now), "a tick left something due"
        self.oracle.look(now)
        self.seen = now
        self.p.desk.tick()
        assert self.follow() == [], "a second tick at the same instant fires nothing (R7)"

    @rule(back=st.sampled_from([1, MINUTE, HOUR]))
    def is_set_back(self, back: int) -> None:
        now = self.p.clock.now()
        self.p.desk.tick()
        self.follow()
        self.p.clock.set(now - back)
        self.p.desk.tick()
        assert self.follow() == [], "nothing comes twice because a clock went back (R7)"
        self.p.clock.set(now)

    @rule(by=st.sampled_from([5 * MINUTE, HOUR]))
    def passes(self, by: int) -> None:
        """Let time pass punctually: a tick at every due instant."""
        end = self.p.clock.now() + by
        while (due := self.p.desk.next_due()) is not None:
            at = round(due.timestamp() * 1_000_000)
            if at > end:
                break
            untold = self.oracle.untold()
            self.p.clock.set(max(at, self.p.clock.now()))
            self.p.desk.tick()
            self.seen = self.p.clock.now()
            told = self.follow()
            assert told != [] or at in untold, "a due instant at which nothing comes"
            self.oracle.look(self.seen)
        self.p.clock.set(end)

    def _in_order(self, events: list[Any]) -> None:
        """Deadlines are told in the order of their instants, what follows from a choice apart (S2).

        What comes into line is a choice too, be it that an offer lapsed or that it woke: before an
        agent is asked, at the tick's instant, all that came due for the conversation by then is told,
        and may leave nothing to ask about.
        """
        choices = tell.Assigned | tell.Offered | tell.OfferEnded | tell.Queued | tell.Lined
        chosen = {e.conversation for e in events if isinstance(e, choices)}
        silent = (tell.FellSilent, tell.Dismissed, tell.KeepAliveAsked, tell.Ended)
        instants = [e.at for e in events if isinstance(e, silent) and e.conversation not in chosen]
        assert instants == sorted(instants)

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        self.steps += 1
        if not hasattr(self, "p"):
            return
        if self.policy.assignment is Assignment.PUSH:
            idle = self.oracle.idle_while_somebody_waits(ROOM, self.seen)
            assert not idle, "somebody waits (R2)"
        for agent in every_agent(self.p):
            assert agent.load == self.oracle.load(agent.id)

    def teardown(self) -> None:
        if not hasattr(self, "p"):
            return
        assert_folds(self.p)
        for conversation in every_conversation(self.p):
            self._armed(conversation)
        self.p.close()

    def _armed(self, conversation: Conversation) -> None:
        """What is stored as armed is what the oracle expects, and nothing after the end."""
        due = self.oracle.chats[conversation.id].armed
        armed = {kind.value: at for at, kind in conversation.timers if kind.value in _KINDS}
        assert armed == due
        assert not (conversation.state is State.ENDED and conversation.timers)


_KINDS = {
    "hard_expiry",
    "chat_timeout",
    "queue_expiration",
    "selecting_expiration",
    "keep_alive",
    "keep_alive_end",
    "dismissal",
    "inactivity",
    "wake",
    "offer",
}
_START = MONDAY

TestSilence = pytest.mark.req("R7", "U43", "S3")(SilenceMachine.TestCase)
TestSilence.settings = settings(
    max_examples=max(STEPS // _LENGTH, 1),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
