"""Offers, driven at random against an oracle that reads the log and nothing else (M5, S7).

Whoever comes and goes, accepts, declines and lets lapse: nobody holds more than they may, nobody is asked
twice in one wait, exactly one accept wins, and what is shown to an agent is what they can accept.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from omniroute.errors import AlreadyTaken, CapacityExceeded, UsageError
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import events as tell
from omniroute.model.assign import AssignSettings
from omniroute.model.desk_config import DeskConfig, EntryPointConfig, GroupConfig
from omniroute.model.policy import Assignment, OfferRules, OfferThen, PolicySettings
from omniroute.model.state import State
from omniroute.testing import MONDAY, Play, a_config
from tests.unit.desk.helpers import assert_folds, every_agent, every_conversation

ROOM = 2
STAFF = {"ana": "one", "bob": "one", "cid": "two"}
CONTACTS = {"Maria": "first", "Otto": "first", "Vera": "second", "Kim": "second", "Luis": "first"}
ALL, ONE = Assignment.OFFER_ALL, Assignment.OFFER_ONE
WITHIN = 30 * SECOND

ASSIGNS = st.sampled_from(
    [
        None,
        AssignSettings(cascade=("one", "two"), widen_after=MINUTE),
        AssignSettings(cascade=("one", "two")),
        AssignSettings(percent={"one": 5_000, "two": 5_000}, open_after=2 * MINUTE),
        AssignSettings(overflow=("general/b",), overflow_after=3 * MINUTE),
    ]
)


def a_desk(first: PolicySettings, second: PolicySettings) -> DeskConfig:
    """Two queues, each offered in its own way; everybody serves both through a group."""
    config = a_config(queues=("a", "b"), capacity=ROOM)
    inbox = evolve(config.inboxes["general"], at={"a": first, "b": second})
    return evolve(
        config,
        inboxes={"general": inbox},
        groups={name: GroupConfig(serves=("general/**",)) for name in ("one", "two")},
        entry_points={
            name: EntryPointConfig(channel="chat", address=name, queue=queue)
            for name, queue in {"first": "general/a", "second": "general/b"}.items()
        },
    )


def a_way(mode: Assignment, then: OfferThen, assign: AssignSettings | None) -> PolicySettings:
    offer = OfferRules(accept_within=WITHIN, then=then) if mode is ONE else None
    return PolicySettings(
        assignment=mode, offer=offer, assign=assign, unanswered_expiration=20 * MINUTE
    )


class Wait:
    """One conversation's present wait as the log tells it."""

    def __init__(self, queue: str, at: int) -> None:
        self.queue, self.since = queue, at
        self.state = "queued"
        self.asks: str | None = None
        self.until: int | None = None
        self.holder: str | None = None
        self.refused: set[str] = set()


class OfferMachine(RuleBasedStateMachine):
    """Three agents in two groups, five contacts, two queues, and a clock that goes as it likes."""

    @initialize(
        modes=st.tuples(st.sampled_from([ALL, ONE]), st.sampled_from([ALL, ONE, ONE])),
        then=st.sampled_from(OfferThen),
        assign=ASSIGNS,
        store=st.sampled_from(["memory://", "memory://", "sqlite://"]),
    )
    def opens(
        self,
        modes: tuple[Assignment, Assignment],
        then: OfferThen,
        assign: AssignSettings | None,
        store: str,
    ) -> None:
        self.modes = {"general/a": modes[0], "general/b": modes[1]}
        self.then, self.assign = then, assign
        self.p = Play(self.config(), store=store, start=MONDAY)
        self.waits: dict[str, Wait] = {}
        self.on: dict[str, bool] = dict.fromkeys(STAFF, False)
        self.missed: set[str] = set()
        self.position, self.events = 0, list[Any]()
        for agent, group in STAFF.items():
            self.p.desk.staff.put(agent, groups=(group,))
            self.switches(agent, on=True)

    def config(self) -> DeskConfig:
        first, second = self.modes.values()
        return a_desk(a_way(first, self.then, self.assign), a_way(second, self.then, None))

    # --- what the log says ------------------------------------------------------------------------

    def follow(self) -> list[Any]:
        now = self.p.clock.now()
        fresh = list(self.p.desk.changes(self.position))
        for change in fresh:
            self.position = change.position
            self.events.append(change.event)
            self.read(change.event, now)
        return [change.event for change in fresh]

    def read(self, e: Any, now: int) -> None:
        """Judge one event that was committed at `now`, and follow it."""
        handler = getattr(self, f"_on_{type(e).__name__}", None)
        if handler is not None:
            handler(e, now)

    def _on_AgentAvailability(self, e: Any, _: int) -> None:
        assert not (e.available and e.agent in self.missed and e.actor == "system"), "by hand (M5)"
        self.on[e.agent] = e.available
        if e.missed:
            assert self.then is OfferThen.MISSED
            self.missed.add(e.agent)
        elif e.available:
            self.missed.discard(e.agent)

    def _on_AgentRemoved(self, e: Any, _: int) -> None:
        assert not self.load(e.agent), "who leaves holds nothing (S15)"
        self.on[e.agent] = False
        self.missed.discard(e.agent)

    def _on_Opened(self, e: Any, _: int) -> None:
        self.waits[e.conversation] = Wait(e.queue, e.at)

    def _on_Queued(self, e: Any, _: int) -> None:
        self.waits[e.conversation] = Wait(e.queue, e.at)

    def _on_Relocated(self, e: Any, _: int) -> None:
        self.waits[e.conversation].queue = e.queue

    def _on_Snoozed(self, e: Any, _: int) -> None:
        wait = self.waits[e.conversation]
        wait.holder, wait.state = None, "snoozed"

    def _on_Declined(self, e: Any, _: int) -> None:
        wait = self.waits[e.conversation]
        assert e.agent not in wait.refused, "declined twice"
        wait.refused.add(e.agent)

    def _on_Ended(self, e: Any, _: int) -> None:
        wait = self.waits[e.conversation]
        assert e.released == (wait.holder or wait.asks), "who held a slot is named (X4)"
        wait.state, wait.holder, wait.asks, wait.until = "ended", None, None, None

    def _on_Offered(self, e: Any, now: int) -> None:
        wait = self.waits[e.conversation]
        narrowed = wait.state == "offered" and wait.asks is None and e.agent is not None
        assert wait.state == "queued" or narrowed, "offered while somebody is asked or has it"
        assert (e.agent is None) is (self.modes[wait.queue] is ALL)
        if e.agent is not None:
            assert e.agent not in wait.refused, "the same offer twice in one wait (M5)"
            assert self.on[e.agent], "offered to who is not there"
            assert self.load(e.agent) < ROOM, "offered to who has no room (X4)"
            # What a choice tells carries the commit's now, or what came just before it (S1, S2).
            assert e.until == e.at + WITHIN
            assert e.at >= now
        wait.state, wait.asks, wait.until = "offered", e.agent, e.until

    def _on_OfferEnded(self, e: Any, now: int) -> None:
        wait = self.waits[e.conversation]
        assert wait.state == "offered"
        assert e.released == wait.asks
        if e.reason == tell.LAPSED:
            assert e.at == wait.until, "a lapse is told at its instant (U43)"
            assert e.at <= now, "a lapse is never early (R7)"
            wait.refused.add(e.released)
        wait.state, wait.asks, wait.until = "queued", None, None

    def _on_Assigned(self, e: Any, _: int) -> None:
        wait = self.waits[e.conversation]
        assert e.reason == tell.ACCEPTED, "nothing is pushed here"
        assert wait.holder is None, "two accepts won (M5)"
        assert e.agent not in wait.refused
        assert wait.asks in (None, e.agent)
        assert e.released == wait.asks
        wait.asks, wait.until, wait.state, wait.holder = None, None, "active", e.agent
        assert self.load(e.agent) <= ROOM, "past what automatic assignment may give (A10)"

    def load(self, agent: str) -> int:
        return sum(agent in (wait.holder, wait.asks) for wait in self.waits.values())

    def pick(self, number: int, *states: str) -> str | None:
        names = [name for name, wait in self.waits.items() if not states or wait.state in states]
        return names[number % len(names)] if names else None

    # --- what people do ---------------------------------------------------------------------------

    @rule(who=st.sampled_from(sorted(CONTACTS)))
    def writes(self, who: str) -> None:
        self.p.contact(who, on=CONTACTS[who]).writes("Hello")
        self.follow()

    @rule(agent=st.sampled_from(sorted(STAFF)), on=st.sampled_from([True, True, False]))
    def switches(self, agent: str, on: bool) -> None:
        self.p.desk.set_available(agent, on)
        self.follow()
        assert self.on[agent] is on
        assert on is False or agent not in self.missed, "back by hand (M5)"

    @rule(agent=st.sampled_from(sorted(STAFF)), number=st.integers(0, 9))
    def accepts(self, agent: str, number: int) -> None:
        """What is shown to an agent can be accepted, and nothing else can."""
        self.ticks()
        name = self.pick(number)
        if name is None:
            return
        wait, before = self.waits[name], self.position
        shown, refusal = {each.id for each in self.p.desk.offers(agent)}, None
        try:
            self.p.desk.accept_offer(name, by=agent)
        except UsageError as error:
            refusal = error
        told = self.follow()
        assert (name in shown or wait.holder == agent) is (refusal is None)
        if refusal is None:
            assert self.waits[name].holder == agent
        else:
            assert (told, self.position) == ([], before)
        if isinstance(refusal, AlreadyTaken):
            assert refusal.owner == wait.holder, "the loser is told who was first (C5)"
        if isinstance(refusal, CapacityExceeded):
            assert self.load(agent) >= ROOM

    @rule(agent=st.sampled_from(sorted(STAFF)), number=st.integers(0, 9))
    def declines(self, agent: str, number: int) -> None:
        """What is shown to an agent can be declined, and is not shown again in this wait."""
        self.ticks()
        shown = self.p.desk.offers(agent)
        if shown:
            name = shown[number % len(shown)].id
            self.p.desk.decline_offer(name, by=agent)
            self.follow()
            assert name not in {each.id for each in self.p.desk.offers(agent)}

    @rule(
        agent=st.sampled_from(sorted(STAFF)),
        number=st.integers(0, 9),
        answer=st.sampled_from(["accept_offer", "decline_offer"]),
    )
    def answers_late(self, agent: str, number: int, answer: str) -> None:
        """Deadlines that came are fired before an answer counts (R6)."""
        name = self.pick(number, "offered", "queued")
        if name is not None:
            with contextlib.suppress(UsageError):
                getattr(self.p.desk, answer)(name, by=agent)
            self.follow()

    @rule(agent=st.sampled_from(sorted(STAFF)))
    def leaves_and_comes_back(self, agent: str) -> None:
        """What was offered to them goes on, what they held waits again (S15)."""
        self.p.desk.staff.remove(agent, held="requeue")
        self.follow()
        self.p.desk.staff.put(agent, groups=(STAFF[agent],))
        self.switches(agent, on=True)

    @rule(queue=st.sampled_from(["general/a", "general/b"]))
    def asks_otherwise(self, queue: str) -> None:
        """A queue's conversations are offered in the other way from here on."""
        self.ticks()
        self.modes[queue] = ONE if self.modes[queue] is ALL else ALL
        self.p.desk.apply(self.config())
        self.follow()
        self.ticks()

    @rule(number=st.integers(0, 9), lasts=st.sampled_from([None, "1h"]))
    def lets_go(self, number: int, lasts: str | None) -> None:
        name = self.pick(number, "active")
        if name is None:
            return
        holder = self.waits[name].holder or ""
        if lasts is None:
            self.p.desk.end(name, by=holder)
        else:
            self.p.desk.snooze(name, by=holder, for_=lasts)
        self.follow()

    @rule(by=st.sampled_from([SECOND, 20 * SECOND, 30 * SECOND, MINUTE, 4 * MINUTE, HOUR]))
    def passes(self, by: int) -> None:
        """Nobody looks meanwhile."""
        self.p.clock.sleep(by)

    @rule()
    def ticks(self) -> None:
        now = self.p.clock.now()
        self.p.desk.tick()
        lapsed = [e for e in self.follow() if isinstance(e, tell.OfferEnded)]
        names = [e.conversation for e in lapsed if e.reason == tell.LAPSED]
        assert len(names) == len(set(names)), "an outage lapses one offer of a wait (S2)"
        late = [w for w in self.waits.values() if w.until is not None and w.until <= now]
        assert not late, "a tick left an offer that is over"
        self.p.desk.tick()
        assert self.follow() == [], "a second tick at the same instant fires nothing (R7)"

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "p"):
            return
        for agent in every_agent(self.p):
            assert agent.load == self.load(agent.id), "slots are counted otherwise (X4)"
            assert (agent.available, agent.missed) == (self.on[agent.id], agent.id in self.missed)
        for name, wait in self.waits.items():
            if wait.state != "offered" or wait.asks is not None:
                continue
            assert any(self.on[each] and each not in wait.refused for each in STAFF), (
                f"{name} is offered to nobody who is there (S7)"
            )
        for agent in STAFF:
            for view in self.p.desk.offers(agent):
                wait = self.waits[view.id]
                assert self.on[agent], "shown to who is off (A7)"
                assert agent not in wait.refused, "shown again in one wait (M5)"
                assert wait.asks in (None, agent)
                assert wait.asks == agent or self.load(agent) < ROOM, "shown without room"

    def teardown(self) -> None:
        if not hasattr(self, "p"):
            return
        assert_folds(self.p)
        for conversation in every_conversation(self.p):
            if conversation.state in (State.QUEUED, State.OFFERED):
                wait = self.waits[conversation.id]
                assert conversation.clocks.queued_at == wait.since, "an offer keeps the wait (M3)"
        self.p.close()


TestOffers = pytest.mark.req("M5", "S7", "X4")(OfferMachine.TestCase)
TestOffers.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
