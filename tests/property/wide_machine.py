"""The wide machine's inside: a desk with everything switched on, and whatever people do at it.

Texts, hours, offers, weights, segments, cascades, shares, overflow, staff that comes and goes, new versions
and rollbacks, in any order. After every step the folded log is what is stored (R16), and `wide_oracle`
judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import omniroute as om
from omniroute.codec import encode
from omniroute.desk import Desks
from omniroute.errors import UsageError
from omniroute.instants import DAY, HOUR, MINUTE, to_micros
from omniroute.model import events as tell
from omniroute.model.desk_config import DeskConfig
from omniroute.model.records import CONFIGURATION_JOB
from omniroute.model.state import State
from omniroute.model.targets import Group, Queue
from omniroute.model.wire import Inbound, InboundKind, Sender
from omniroute.schema import AGENTS, CONVERSATIONS, JOBS
from omniroute.testing import MONDAY, Play
from omniroute.testing.scripted import ScriptedPlugin
from tests.property.wide_desks import ENTRIES, GOLD, PROFILES, QUEUES, STAFF, desks
from tests.property.wide_oracle import Oracle

T = TypeVar("T")

EVERYBODY = AGENTS.index("all_agents")
CONTACTS = ("Maria", "Otto", "Vera", "Kim", "Luis")
STARTS = (0, 11 * HOUR, 5 * DAY)
"""Monday morning, Monday evening, Saturday."""

agents = st.sampled_from(STAFF)
picks = st.integers(0, 9)


class WideMachine(RuleBasedStateMachine):
    """One desk, four agents, five contacts, four ways in, and a clock that goes as it likes."""

    store: ClassVar[str] = "memory://"

    @initialize(config=desks(), start=st.sampled_from(STARTS), on=st.sets(agents))
    def opens(self, config: DeskConfig, start: int, on: set[str]) -> None:
        self.p = Play(config, store=self.store, start=to_micros(MONDAY) + start)
        self.oracle = Oracle(om.Setup(self.p.desk.config, 1))
        self.position, self.seen, self.keys = 0, self.p.clock.now(), 0
        for agent in STAFF:
            self.p.desk.staff.put(agent, **PROFILES[agent])
            if agent in on:
                self.p.desk.set_available(agent)
        self.follow()

    def teardown(self) -> None:
        if hasattr(self, "p"):
            for chat in self.oracle.chats:
                self.told_whole(chat)
            self.p.close()

    @property
    def desk(self) -> om.Desk:
        return self.p.desk

    # --- what was committed -----------------------------------------------------------------------

    def follow(self) -> list[Any]:
        """Hear the oracle on what was committed just now; what is stored is what the log folds to."""
        fresh = list(self.desk.changes(self.position))
        if fresh:
            places = [change.position for change in fresh]
            assert places == [*range(self.position + 1, places[-1] + 1)], "a gap (P19)"
            self.position = places[-1]
        events = [change.event for change in fresh]
        touched = self.oracle.read(events)
        folded = {each: encode(CONVERSATIONS, self.oracle.chats[each]) for each in touched}
        staff = {each: encode(AGENTS, agent) for each, agent in self.oracle.staff.items()}
        stored_staff, stored, behind = self.p.desks._runtime.read(
            lambda tx: (
                {each.id: encode(AGENTS, each) for each in tx.scan(EVERYBODY, "acme", limit=100)},
                {
                    each: encode(CONVERSATIONS, found)
                    for each in touched
                    if (found := tx.get(CONVERSATIONS, "acme", (each,))) is not None
                },
                tx.get(JOBS, "acme", (CONFIGURATION_JOB,)) is not None,
            )
        )
        assert stored == folded, "the log is the truth (R16)"
        assert stored_staff == staff, "the log is the truth (R16)"
        self.oracle.behind = behind
        return events

    def tried(self, act: Callable[[], T]) -> T | None:
        """Do what may be refused; a refusal changes nothing."""
        try:
            done = act()
        except UsageError:
            assert list(self.desk.changes(self.position)) == []
            return None
        self.seen = self.p.clock.now()
        self.follow()
        return done

    def pick(self, number: int, *states: State) -> str | None:
        """One of the conversations in some states, the latest with 0."""
        found = [c.id for c in self.oracle.chats.values() if not states or c.state in states]
        return found[-1 - number % len(found)] if found else None

    # --- contacts -----------------------------------------------------------------------------------

    def inbound(self, who: str, entry: str, text: str) -> Inbound:
        self.keys += 1
        address = f"addr-{who.lower()}"
        return Inbound(
            kind=InboundKind.MESSAGE,
            key=f"in-{self.keys}",
            address=entry,
            sender=Sender(addresses=(address,), name=who),
            at=self.p.clock.now(),
            text=text,
        )

    @rule(
        who=st.sampled_from(CONTACTS),
        entry=st.sampled_from(sorted(ENTRIES)),
        text=st.sampled_from(["Hello", "Hello", "1", "2", "bye"]),
        foreseen=st.booleans(),
    )
    def writes(self, who: str, entry: str, text: str, foreseen: bool) -> None:
        """What a preview foretells is what comes (P14)."""
        item = self.inbound(who, entry, text)
        ahead = self.desk.preview(entry, item) if foreseen else None
        received = self.tried(lambda: self.desk.receive(entry, item))
        if ahead is None or received is None:
            return
        (what,) = received.items
        assert ahead.result == what.result
        if ahead.story is not None and what.conversation is not None:
            told, chat = ahead.story.conversation, self.oracle.chats[what.conversation]
            expected = told.state, told.queue, told.agent, told.place.inbox
            assert (chat.state, chat.queue, chat.agent, chat.place.inbox) == expected

    @rule(number=picks, text=st.sampled_from(["Hello again", "1", "bye"]))
    def writes_again(self, number: int, text: str) -> None:
        """Where they wrote before."""
        if chat := self.pick(number):
            place = self.oracle.chats[chat].place
            who = place.address.removeprefix("addr-").title()
            self.writes(who=who, entry=place.entry_point, text=text, foreseen=False)

    @rule(entry=st.sampled_from(sorted(ENTRIES)))
    def a_line_comes_on(self, entry: str) -> None:
        for who in CONTACTS[:3]:
            self.writes(who=who, entry=entry, text="Hello", foreseen=False)

    @rule(number=picks)
    def is_gold(self, number: int) -> None:
        """Whoever is gold goes in front from their next wait on (P12)."""
        if chat := self.pick(number):
            contact = self.oracle.chats[chat].place.contact
            self.tried(lambda: self.desk.contacts.link(contact, attributes=GOLD))

    @rule(number=picks, other=picks)
    def are_one(self, number: int, other: int) -> None:
        """Contacts are merged; conversations never are (P17)."""
        keep, gone = self.pick(number), self.pick(other)
        if keep and gone:
            places = [self.oracle.chats[each].place for each in (keep, gone)]
            if len({(each.channel, each.address) for each in places}) == 2:
                kept, other_one = (each.contact for each in places)
                self.tried(lambda: self.desk.contacts.merge(kept, other_one))

    # --- agents -------------------------------------------------------------------------------------

    @rule(agent=agents, on=st.sampled_from([True, True, False]))
    def switches(self, agent: str, on: bool) -> None:
        self.tried(lambda: self.desk.set_available(agent, on))

    @rule()
    def all_come(self) -> None:
        for agent in STAFF:
            self.switches(agent=agent, on=True)

    @rule(agent=agents)
    def beats(self, agent: str) -> None:
        self.tried(lambda: self.desk.heartbeat(agent))

    @rule(agent=agents, number=picks, confirm=st.booleans())
    def replies(self, agent: str, number: int, confirm: bool) -> None:
        if chat := self.pick(number):
            self.tried(lambda: self.desk.reply(chat, "Hi", by=agent, confirm=confirm))

    @rule(number=picks)
    def holder_replies(self, number: int) -> None:
        if chat := self.pick(number, State.ACTIVE, State.INACTIVE):
            by = self.oracle.chats[chat].agent or ""
            self.tried(lambda: self.desk.reply(chat, "Hi", by=by))

    @rule(agent=agents, number=picks, confirm=st.booleans())
    def takes(self, agent: str, number: int, confirm: bool) -> None:
        if chat := self.pick(number):
            self.tried(lambda: self.desk.take(chat, by=agent, confirm=confirm))

    @rule(agent=agents, queue=st.sampled_from([None, *QUEUES]))
    def takes_the_next(self, agent: str, queue: str | None) -> None:
        """Nothing is given where nothing can be claimed, and something where it can."""
        before = self.position
        taken = self.tried(lambda: self.desk.take_next(by=agent, queue=queue))
        if taken is not None:
            assert self.oracle.chats[taken.id].agent == agent
        elif agent in self.oracle.staff and self.position == before and not self.oracle.behind:
            person = self.oracle.staff[agent]
            left = [
                each.id
                for each in self.oracle.claimable(person, self.seen)
                if queue in (None, each.queue) and self.oracle.fits(person, each, by_hand=True)
            ]
            assert not left or queue not in (None, *person.leaves), "left to wait"

    @rule(agent=agents)
    def accepts_what_is_shown(self, agent: str) -> None:
        self.ticks()
        for shown in self.desk.offers(agent)[:1] if agent in self.oracle.staff else ():
            taken = self.desk.accept_offer(shown.id, by=agent)
            self.follow()
            assert taken.agent == agent, "what is shown can be accepted (M5)"

    @rule(agent=agents, number=picks, accept=st.booleans())
    def answers_an_offer(self, agent: str, number: int, accept: bool) -> None:
        if chat := self.pick(number, State.OFFERED, State.QUEUED):
            answer = self.desk.accept_offer if accept else self.desk.decline_offer
            self.tried(lambda: answer(chat, by=agent))

    @rule(
        agent=agents,
        number=picks,
        to=st.sampled_from([*STAFF, Group("one"), Group("two"), *map(Queue, QUEUES)]),
        force=st.booleans(),
        own=st.booleans(),
    )
    def transfers(
        self, agent: str, number: int, to: str | Group | Queue, force: bool, own: bool
    ) -> None:
        states = (State.ACTIVE, State.INACTIVE) if own else ()
        if chat := self.pick(number, *states):
            by = self.oracle.chats[chat].agent if own else agent
            self.tried(
                lambda: self.desk.transfer(chat, to, by=by or agent, comment="?", force=force)
            )

    @rule(number=picks, what=st.sampled_from(["end", "dismiss", "snooze", "snooze"]))
    def holder_lets_go(self, number: int, what: str) -> None:
        if chat := self.pick(number, State.ACTIVE, State.INACTIVE):
            by = self.oracle.chats[chat].agent or ""
            more = {"for_": "20m"} if what == "snooze" else {}
            self.tried(lambda: getattr(self.desk, what)(chat, by=by, **more))

    @rule(
        agent=agents,
        number=picks,
        what=st.sampled_from(["end", "wake", "reopen", "wrapped_up", "note", "mark_read"]),
    )
    def acts(self, agent: str, number: int, what: str) -> None:
        if chat := self.pick(number):
            more = {"text": "?"} if what == "note" else {}
            seen = self.seen
            self.tried(lambda: getattr(self.desk, what)(chat, by=agent, **more))
            if what == "mark_read":  # it changes no conversation, and fires nothing
                self.seen = seen

    @rule(agent=agents, who=st.sampled_from(CONTACTS), entry=st.sampled_from(sorted(ENTRIES)))
    def starts(self, agent: str, who: str, entry: str) -> None:
        address = f"addr-{who.lower()}"
        self.tried(lambda: self.desk.start(entry, "Hi", by=agent, address=address))

    # --- staff and configuration --------------------------------------------------------------------

    @rule(
        agent=agents,
        groups=st.none() | st.lists(st.sampled_from(["one", "two"]), unique=True, max_size=2),
        serves=st.sampled_from([None, (), ("general/a",), ("general/b",)]),
        limits=st.sampled_from([None, None, (1, 1, 1), (2, 3, 4)]),
    )
    def is_edited(
        self,
        agent: str,
        groups: list[str] | None,
        serves: tuple[str, ...] | None,
        limits: tuple[int, int, int] | None,
    ) -> None:
        capacity = None if limits is None else {"messaging": om.Capacity(*limits)}
        self.tried(
            lambda: self.desk.staff.put(agent, groups=groups, serves=serves, capacity=capacity)
        )

    @rule(agent=agents, held=st.sampled_from([None, "requeue", "keep", *STAFF]))
    def leaves(self, agent: str, held: str | None) -> None:
        how = {"hand_to": held} if held in STAFF else {"held": held}
        self.tried(lambda: self.desk.staff.remove(agent, **how))

    @rule(agent=agents)
    def joins(self, agent: str) -> None:
        self.tried(lambda: self.desk.staff.put(agent, **PROFILES[agent]))
        self.switches(agent=agent, on=True)

    @rule(config=desks(), followed=st.booleans())
    def is_configured(self, config: DeskConfig, followed: bool) -> None:
        """Other timers, texts, hours, modes, weights: what hangs on the old ones follows (S4)."""
        self.saved(lambda: self.desk.apply(config), followed=followed)

    @rule(number=picks, followed=st.booleans())
    def is_rolled_back(self, number: int, followed: bool) -> None:
        newest = self.desk.history(limit=1).items[0].number
        self.saved(lambda: self.desk.rollback(to=1 + number % newest), followed=followed)

    def saved(self, save: Callable[[], int], *, followed: bool) -> None:
        self.ticks()  # what came due before is the old version's
        version = save()
        self.oracle.setup, self.oracle.behind = om.Setup(self.desk.config, version), True
        self.follow()
        if followed:
            self.ticks()
            assert not self.oracle.behind, "one tick follows so few"

    # --- time, delivery, restarts -------------------------------------------------------------------

    @rule(by=st.sampled_from([MINUTE, 2 * MINUTE, 5 * MINUTE, 20 * MINUTE, 3 * HOUR, DAY]))
    def passes_unseen(self, by: int) -> None:
        self.p.clock.sleep(by)

    @rule(by=st.sampled_from([MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR]))
    def passes(self, by: int) -> None:
        """Punctually: with a tick at every due instant."""
        end = self.p.clock.now() + by
        while (due := self.desk.next_due()) is not None and to_micros(due) <= end:
            self.p.clock.set(max(to_micros(due), self.p.clock.now()))
            self.ticks()
        self.p.clock.set(end)

    @rule()
    def ticks(self) -> None:
        """A tick leaves nothing that is due, and a second one has nothing to do (R7)."""
        self.desk.tick()
        self.seen = now = self.p.clock.now()
        self.follow()
        self.desk.tick()
        assert self.follow() == [], "a second tick at the same instant fires nothing (R7)"
        due = self.desk.next_due()
        assert due is None or to_micros(due) > now, "a tick left something due"
        late = {
            c.id: c.timers for c in self.oracle.chats.values() if (c.deadline or now + 1) <= now
        }
        assert not late, "a tick left something due"

    @rule()
    def delivers(self) -> None:
        self.desk.deliver()
        self.follow()
        assert self.desk.dead_letters() == []

    @rule()
    def restarts(self) -> None:
        """Another process takes over: nothing is left but what is stored (X5)."""
        runtime = self.p.desks._runtime
        channels = tuple(dict.fromkeys(channel for channel, _ in ENTRIES.values()))
        self.p.desks = Desks(
            runtime.store,
            plugins=[ScriptedPlugin(channels)],
            discover=False,
            builtin=False,
            clock=self.p.clock,
            ids=runtime.ids,
            transport=self.p.provider,
        )
        self.p.desk = self.p.desks["acme"]

    # --- what always holds --------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "p"):
            self.oracle.check(self.seen)

    @precondition(lambda self: hasattr(self, "p"))
    @rule(number=picks)
    def is_read(self, number: int) -> None:
        """Reading agrees with what is stored, and every decision is told."""
        if chat := self.pick(number):
            self.told_whole(chat)
        waiting = [
            c for c in self.oracle.chats.values() if c.state in (State.QUEUED, State.OFFERED)
        ]
        counted = self.desk.counts("queue", states=(State.QUEUED, State.OFFERED))
        for queue in QUEUES:
            assert counted.get(queue, 0) == sum(each.queue == queue for each in waiting)

    def told_whole(self, chat: str) -> None:
        story = self.desk.explain(chat)
        assert story.as_text()
        said = [
            e.event.message
            for e in self.desk.changes()
            if getattr(e.event, "conversation", None) == chat
            and isinstance(e.event, tell.MessageSent | tell.MessageReceived | tell.NoteAdded)
        ]
        kept = [each.id for each in self.desk.messages(chat, limit=1000)]
        assert [each for each in kept if each in set(said)] == said
