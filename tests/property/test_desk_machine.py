"""A desk driven at random through its public face, in virtual time, with a second opinion at every step.

The same machine runs on each store alone, and on two at once, which must agree event for event
(X2). `make fuzz` runs it longer: FUZZ_SECONDS in all, stories of FUZZ_STEPS steps.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

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
    run_state_machine_as_test,
)

import omniroute as om
from omniroute.codec import encode
from omniroute.errors import OmnirouteError
from omniroute.instants import HOUR, MINUTE, SECOND, from_micros, to_micros
from omniroute.model.wire import Choice, DeliveryStatus, Inbound, InboundKind, Sender
from omniroute.rules.folding import apply, apply_agent
from omniroute.schema import AGENTS, CONVERSATIONS, EXPLANATIONS
from tests.property.oracle import Book, Chat, Entry, Oracle
from tests.property.world import DESK, STORES, World, desk_config

FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
FUZZ_STEPS = int(os.environ.get("FUZZ_STEPS", "40"))

STAFF = ("ana", "bob", "cho", "dee")  # dee is not there until she is saved
TREES = {
    "general": {"Deutsch": {"Bestellung": {}, "Technik": {}}, "English": {}},
    "vip": {},
}
ENTRIES = {
    "wa": Entry(channel="whatsapp", address="1", inbox="general", sla=15 * MINUTE),
    "plat": Entry(channel="whatsapp", address="2", inbox="vip", sla=40 * SECOND),
    "web": Entry(
        channel="chat", address="w", inbox="general", sla=15 * MINUTE, queue="general/English"
    ),
}
GROUPS = {"tier1": ("general/**",), "german": ("general/Deutsch/*",)}
PATTERNS = ("vip", "general/English", "general/Deutsch/Technik", "general/Deutsch/**", "general/**")
OTHER_TREES: dict[str, dict[str, Any]] = {
    "as ever": TREES["general"],
    "without Technik": {"Deutsch": {"Bestellung": {}}, "English": {}},
    "English has grown": {
        "Deutsch": TREES["general"]["Deutsch"],
        "English": {"Orders": {}, "Help": {}},
    },
}
LIMITS = ((1, 1, 1), (1, 1, 2), (1, 2, 3), (2, 2, 2))
WORDS = (None, "", "1", "2", "3", "01", "0", "English", " deutsch ", "technik", "Hello", "²", "１")
CONTENT = [kind for kind in InboundKind if kind.is_content]
REMARKS = [kind for kind in InboundKind if not kind.is_content and kind is not InboundKind.STATUS]

ALL_AGENTS = AGENTS.index("all_agents")

agents = st.sampled_from((*STAFF[:3], *STAFF))
picks = st.integers(0, 7)
contacts = st.sampled_from(
    [("maria",), ("maria", "+1"), ("+1",), ("doris",), ("doris", "+1"), ("eve",)]
)
inbounds = st.fixed_dictionaries(
    {
        "entry": st.sampled_from(tuple(ENTRIES)),
        "addresses": contacts,
        "thread": st.sampled_from(["", "", "", "t"]),
        "text": st.sampled_from(WORDS),
    }
)
after_ends = st.tuples(
    st.sampled_from(["queue", "last_agent", "queue", "reject", "new"]),
    st.sampled_from([None, 10 * MINUTE]),
)
assignments = st.sampled_from(["push", "claim"])


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A configuration: a preset, and exceptions to it at every level."""
    open_settings = {
        "assignment": assignments,
        "overtake": st.sampled_from(["forbid", "confirm"]),
        "after_end": after_ends,
    }
    layers = {
        place: draw(st.fixed_dictionaries({}, optional=open_settings))
        for place in ("", "general", "vip", "general/Deutsch/Technik", "general/English")
    }
    distribution = draw(st.sampled_from([None, "longest_idle", "least_loaded"]))
    layers[""] = {**layers[""], **({"distribution": distribution} if distribution else {})}
    return Book(
        preset=draw(st.sampled_from([None, "push", "claim", "sla_inbox"])),
        trees=TREES,
        entries=ENTRIES,
        groups=GROUPS,
        layers={place: layer for place, layer in layers.items() if layer or not place},
        limits=draw(st.sampled_from(LIMITS)),
    )


def changed_book(book: Book, general: dict[str, Any], factor: int) -> Book:
    """A book with another tree for "general" and other SLAs, without what then has no place."""
    changed = evolve(book, trees={**book.trees, "general": general})
    places = {"", *changed.trees, *(path for path in changed.leaves())}
    entries = {
        name: evolve(
            entry,
            sla=entry.sla * factor,
            queue=entry.queue if entry.queue in changed.leaves() else None,
        )
        for name, entry in book.entries.items()
    }
    layers = {place: layer for place, layer in book.layers.items() if place in places}
    return evolve(changed, entries=entries, layers=layers)


class DeskMachine(RuleBasedStateMachine):
    """Commands, reactions of the outside, and time, in any order."""

    stores: ClassVar[tuple[str, ...]] = ("memory",)

    # --- setting up, and doing the same everywhere
    # --------------------------------------------------

    @initialize(book=books(), on=st.sets(st.sampled_from(STAFF[:3])))
    def open_desk(self, book: Book, on: set[str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="desk-")
        self.book, self.oracle = book, Oracle(book)
        self.worlds: list[World] = []
        for store in self.stores:
            place = Path(self.folder.name) / f"{len(self.worlds)}-{store}"
            place.mkdir()
            self.worlds.append(World(book, STORES[store](place)))
        self.now = self.worlds[0].clock.now()
        self.people: dict[tuple[str, str], int] = {}
        self.known: dict[int, str] = {}
        self.address: dict[str, tuple[str, ...]] = {}
        self.received: dict[tuple[str, str, str], tuple[str, Inbound]] = {}
        self.letters: dict[str, tuple[str, int, str]] = {}
        self.attempts = 0
        self.folded: dict[str, om.Conversation] = {}
        self.folded_staff: dict[str, om.Agent | None] = {}
        self.read_by: dict[tuple[str, str], int] = {}
        self.keys = 0
        self.told: list[str] = []
        self.intake: list[tuple[str, Inbound]] = []
        self.keyed: dict[str, tuple[str, str, str]] = {}
        for agent in STAFF[:3]:
            self.saves(agent, ["general/**", "vip"] if agent != "cho" else [], None, None)
            if agent in on:
                self.turns(agent, on=True)

    def teardown(self) -> None:
        for world in getattr(self, "worlds", ()):
            world.close()
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def do(self, act: Callable[[World], Any], refusal: str | None = None) -> Any:
        """Do the same in every world; where it must be refused, see that nothing changed (X1)."""
        before = [world.kept.contents() for world in self.worlds] if refusal else None
        results = [_outcome(act, world) for world in self.worlds]
        for result in results[1:]:
            assert _seen(result) == _seen(results[0]), "the stores disagree (X2)"
        given = type(results[0]).__name__ if isinstance(results[0], OmnirouteError) else None
        assert given == refusal, f"expected {refusal}, got {results[0]!r}"
        if before is not None:
            assert [world.kept.contents() for world in self.worlds] == before
        self.listen()
        return results[0]

    def listen(self) -> None:
        """Read what was committed, in every world, and hear the oracle on it."""
        news = [list(world.news()) for world in self.worlds]
        for each in news[1:]:
            assert each == news[0], "the logs differ (X2)"
        self.told = [type(change.event).__name__ for change in news[0]]
        touched = self.oracle.read(news[0])
        for change in news[0]:
            event = change.event
            if isinstance(event, om.MessageSent):
                self.letters[event.message] = (event.conversation, change.position, "waiting")
            if hasattr(event, "conversation"):
                state = self.folded.get(event.conversation)
                self.folded[event.conversation] = apply(state, event)
            for agent in STAFF:
                after = apply_agent(self.folded_staff.get(agent), event, agent)
                self.folded_staff[agent] = after
        for conversation in touched:
            self.compare(conversation)

    def told_only(self, *names: str) -> bool:
        """Whether the last command told nothing else; deadlines that had come aside (R6)."""
        return set(self.told) <= {*names, "SlaMissed"}

    def compare(self, conversation: str) -> None:
        """The stored state is the folded log (R16), and what the oracle thinks."""
        chat, folded = self.oracle.chats[conversation], self.folded[conversation]
        for world in self.worlds:
            stored = world.get(CONVERSATIONS, conversation)
            assert encode(CONVERSATIONS, stored) == encode(CONVERSATIONS, folded)
        assert folded.state.value == chat.state
        assert folded.queue == chat.queue
        assert (folded.agent if chat.state == "active" else None) == chat.holder
        assert folded.extras.tags == chat.tags
        assert (folded.clocks.due, folded.clocks.queued_at) == (chat.due, chat.queued_at)
        assert folded.timers == (() if chat.armed is None else ((chat.armed, "first_response"),))
        assert folded.extras.menu == chat.path

    @invariant()
    def all_is_well(self) -> None:
        self.oracle.check_loads()
        self.oracle.check_nobody_waits()
        self.oracle.check_threads()
        staff = {agent: each for agent, each in self.folded_staff.items() if each is not None}
        expected = {agent: encode(AGENTS, each) for agent, each in staff.items()}
        for world in self.worlds:
            stored = world.read(lambda tx: tx.scan(ALL_AGENTS, DESK, limit=100))
            assert {each.id: encode(AGENTS, each) for each in stored} == expected
            due = world.desk.next_due()
            assert (None if due is None else to_micros(due)) == self.oracle.next_due()
            assert world.desk.waiting_to_send() == self.count_letters("waiting")
            assert len(world.desk.dead_letters(limit=1000)) == self.count_letters("dead")

    def count_letters(self, state: str) -> int:
        return sum(each[2] == state for each in self.letters.values())

    def chat(self, pick: int, state: str | None = None) -> Chat:
        """One of the conversations in a state, the latest with 0."""
        chats = [chat for chat in self.oracle.chats.values() if state in (None, chat.state)]
        return chats[-1 - pick % len(chats)]

    @property
    def has_chats(self) -> bool:
        return bool(self.oracle.chats)

    def any_in(self, state: str) -> bool:
        return any(chat.state == state for chat in self.oracle.chats.values())

    # --- what contacts and providers send
    # -----------------------------------------------------------

    def person(self, kind: str, addresses: tuple[str, ...]) -> int:
        """Who this is, by any of the addresses; addresses are somebody's for good (P17)."""
        keys = [(kind, each) for each in addresses]
        found = next((self.people[key] for key in keys if key in self.people), None)
        number = len(set(self.people.values())) if found is None else found
        for key in keys:
            self.people.setdefault(key, number)
        return number

    def inbound(self, spec: dict[str, Any], kind: InboundKind, **more: Any) -> Inbound:
        self.keys += 1
        return Inbound(
            kind=kind,
            key=f"in-{self.keys}",
            address=ENTRIES[spec["entry"]].address,
            sender=Sender(addresses=spec["addresses"], name=spec["addresses"][0]),
            thread=spec["thread"],
            **more,
        )

    @rule(spec=inbounds, kind=st.sampled_from(CONTENT))
    def writes(self, spec: dict[str, Any], kind: InboundKind) -> None:
        self.arrives(spec["entry"], self.inbound(spec, kind, text=spec["text"]))

    @rule(spec=inbounds, title=st.sampled_from(["Deutsch", "English", "Technik", "Gone"]))
    def presses(self, spec: dict[str, Any], title: str) -> None:
        choice = Choice(id="x", title=title)
        item = self.inbound(spec, InboundKind.CHOICE, choice=choice)
        self.arrives(spec["entry"], evolve(item, text=spec["text"]))

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, text=st.sampled_from(WORDS))
    def writes_again(self, pick: int, text: str | None) -> None:
        """Where they wrote before: into an open conversation, or after the end of one."""
        self.follows_up(self.chat(pick), text)

    @precondition(lambda self: self.any_in("ended"))
    @rule(pick=picks)
    def writes_after_the_end(self, pick: int) -> None:
        self.follows_up(self.chat(pick, "ended"), "Hello again")

    @precondition(lambda self: self.any_in("selecting"))
    @rule(pick=picks, text=st.sampled_from(["1", "2", " deutsch ", "TECHNIK"]))
    def chooses(self, pick: int, text: str) -> None:
        self.follows_up(self.chat(pick, "selecting"), text)

    def follows_up(self, chat: Chat, text: str | None) -> None:
        spec = {"entry": chat.entry, "addresses": self.address[chat.id], "thread": chat.thread}
        self.arrives(chat.entry, self.inbound(spec, InboundKind.MESSAGE, text=text))

    def arrives(self, entry: str, item: Inbound) -> None:
        """A contact's own content comes in: foresee where it goes, then see that it went there."""
        assert item.sender is not None
        number = self.person(ENTRIES[entry].channel, item.sender.addresses)
        contact = self.known.get(number, "?")
        verdict, home = self.oracle.home(entry, contact, item.thread, self.now)
        before = None if home is None else evolve(home)
        queue, path = self.foreseen(verdict, home, entry, item)
        received = self.do(lambda world: world.desk.receive(entry, item))
        (what,) = received.items
        if verdict == "refused":
            assert what.result == "rejected"
            return
        assert what.result == "accepted"
        self.received[entry, item.kind.value, item.key] = (what.conversation, item)
        chat = self.oracle.chats[what.conversation]
        assert chat.messages.count(what.message) == 1
        self.known.setdefault(number, chat.contact)
        self.address[chat.id] = item.sender.addresses
        assert chat.contact == self.known[number]
        assert (home is None) == (chat.id not in self.received_before(chat.id, item))
        assert home is None or home.id == chat.id
        assert (chat.queue, chat.path) == (queue, path)
        if verdict == "joins" and before is not None and before.state != "selecting":
            assert (chat.state, chat.agent) == (before.state, before.agent), "C9"

    def received_before(self, conversation: str, item: Inbound) -> set[str]:
        return {c for c, each in self.received.values() if c == conversation and each is not item}

    def foreseen(
        self, verdict: str, home: Chat | None, entry: str, item: Inbound
    ) -> tuple[str | None, tuple[str, ...]]:
        if home is None:
            return self.oracle.first_queue(entry), ()
        if verdict == "joins" and home.state == "selecting":
            return self.oracle.answer(home, item.choice.title if item.choice else item.text)
        return home.queue, home.path

    @precondition(lambda self: self.received)
    @rule(pick=picks)
    def comes_again(self, pick: int) -> None:
        """A provider delivers again what it delivered before (X3)."""
        every = list(self.received.items())
        (entry, _, _), (conversation, item) = every[-1 - pick % len(every)]
        received = self.do(lambda world: world.desk.receive(entry, item))
        assert [each.result for each in received.items] == ["duplicate"]
        assert received.items[0].conversation == conversation
        assert self.told_only()

    @rule(spec=inbounds, other=inbounds)
    def comes_in_one_batch(self, spec: dict[str, Any], other: dict[str, Any]) -> None:
        """Two items and a copy of the first in one webhook, the second perhaps for another address."""
        first = self.inbound(spec, InboundKind.MESSAGE, text=spec["text"])
        second = self.inbound(other, InboundKind.MESSAGE, text=other["text"])
        self.arrives(spec["entry"], first)
        same = ENTRIES[spec["entry"]].channel == ENTRIES[other["entry"]].channel
        known = (spec["entry"], "message", first.key) in self.received
        verdict, _ = self.oracle.home(
            other["entry"],
            self.known.get(self.person(ENTRIES[other["entry"]].channel, other["addresses"]), "?")
            if same
            else "?",
            other["thread"],
            self.now,
        )
        received = self.do(lambda world: world.desk.receive(spec["entry"], [first, second, first]))
        results = [each.result for each in received.items]
        expected = "rejected" if verdict == "refused" or not same else "accepted"
        assert results == ["duplicate" if known else "rejected", expected, results[0]]
        if expected == "accepted":
            what = received.items[1]
            self.address[what.conversation] = other["addresses"]
            key = (other["entry"], "message", second.key)
            self.received[key] = (what.conversation, second)
            number = self.person(ENTRIES[other["entry"]].channel, other["addresses"])
            self.known.setdefault(number, self.oracle.chats[what.conversation].contact)

    @rule(spec=inbounds)
    def is_accepted(self, spec: dict[str, Any]) -> None:
        """Recorded now and routed by the next tick, as of now (S1)."""
        item = self.inbound(spec, InboundKind.MESSAGE, text=spec["text"])
        accepted = self.do(lambda world: world.desk.accept(spec["entry"], [item, item]))
        assert (accepted.new, accepted.known) == ((item.key,), (item.key,))
        assert not self.told
        self.intake.append((spec["entry"], item))

    def are_routed(self) -> None:
        """What was accepted before a tick has been received in it, and is not received again."""
        for entry, item in self.intake:
            assert item.sender is not None
            number = self.person(ENTRIES[entry].channel, item.sender.addresses)
            (what,) = self.do(lambda world, e=entry, i=item: world.desk.receive(e, i)).items
            if what.conversation is not None:
                self.received[entry, item.kind.value, item.key] = (what.conversation, item)
                self.address[what.conversation] = item.sender.addresses
                self.known.setdefault(number, self.oracle.chats[what.conversation].contact)
                assert self.oracle.chats[what.conversation].contact == self.known[number]
            # One that was refused at the time may be taken now: nothing of it was kept.
            assert what.result in ("duplicate", "rejected", "accepted")
        self.intake.clear()

    @rule(spec=inbounds, kind=st.sampled_from(REMARKS))
    def remarks(self, spec: dict[str, Any], kind: InboundKind) -> None:
        """A reaction, an edit, an echo, a notice: kept beside the conversation, moving nothing (P16)."""
        item = self.inbound(spec, kind, emoji="+", target="in-1", text=spec["text"])
        received = self.do(lambda world: world.desk.receive(spec["entry"], item))
        assert received.items[0].result in ("accepted", "ignored")
        assert self.told_only("Remarked")

    @precondition(lambda self: self.letters)
    @rule(pick=picks, status=st.sampled_from(DeliveryStatus), again=st.booleans())
    def reports(self, pick: int, status: DeliveryStatus, again: bool) -> None:
        """A status, of a message that went out or did not yet, on its entry point."""
        message = list(self.letters)[-1 - pick % len(self.letters)]
        chat = self.oracle.chats[self.letters[message][0]]
        for _ in range(2 if again else 1):
            self.do(lambda world: world.desk.receive(chat.entry, _status(chat, message, status)))
            assert self.told_only("DeliveryChanged")

    # --- what agents do
    # -----------------------------------------------------------------------------

    @rule(agent=agents, on=st.booleans())
    def turns(self, agent: str, on: bool) -> None:
        known = agent in self.oracle.staff
        self.do(
            lambda world: world.desk.set_available(agent, on), None if known else "UnknownAgent"
        )
        assert not known or self.oracle.staff[agent].available is on

    @rule(
        agent=agents,
        serves=st.none() | st.lists(st.sampled_from(PATTERNS), max_size=2),
        groups=st.none() | st.lists(st.sampled_from(tuple(GROUPS)), max_size=1),
        limits=st.none() | st.sampled_from(LIMITS),
    )
    def saves(
        self,
        agent: str,
        serves: list[str] | None,
        groups: list[str] | None,
        limits: tuple[int, int, int] | None,
    ) -> None:
        capacity = None if limits is None else {"messaging": om.Capacity(*limits)}
        refusal = None
        if not all(self.book.served([pattern], []) for pattern in serves or ()):
            refusal = "UsageError"
        saved = self.do(
            lambda world: world.desk.staff.put(
                agent, serves=serves, groups=groups, capacity=capacity
            ),
            refusal,
        )
        if refusal is not None:
            return
        assert serves is None or saved.serves == tuple(serves)
        assert groups is None or saved.groups == tuple(groups)
        assert limits is None or saved.capacity == om.Capacity(*limits)
        assert saved.load == self.oracle.staff[agent].load

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, confirm=st.booleans())
    def takes(self, pick: int, agent: str, confirm: bool) -> None:
        chat, refusal = self.chat(pick), "UnknownAgent"
        if agent in self.oracle.staff:
            refusal = self.oracle.taking(chat, agent, confirm=confirm)
        idle = refusal is not None or chat.holder == agent
        self.do(lambda world: world.desk.take(chat.id, by=agent, confirm=confirm), refusal)
        assert refusal or chat.holder == agent
        assert self.told_only() is idle, "what changes nothing emits nothing (R11)"

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, confirm=st.booleans())
    def replies(self, pick: int, agent: str, confirm: bool) -> None:
        chat, refusal = self.chat(pick), "UnknownAgent"
        if agent in self.oracle.staff:
            refusal = self.oracle.taking(chat, agent, confirm=confirm)
        self.do(lambda world: world.desk.reply(chat.id, "Hi", by=agent, confirm=confirm), refusal)
        assert refusal or (chat.holder, chat.due) == (agent, None)

    @precondition(lambda self: self.any_in("active"))
    @rule(pick=picks, then_ends=st.booleans())
    def holder_replies(self, pick: int, then_ends: bool) -> None:
        chat = self.chat(pick, "active")
        agent = chat.holder or ""
        self.do(lambda world: world.desk.reply(chat.id, "Hi", by=agent))
        if then_ends:
            self.ends(pick=self.where(chat), agent=agent, disposition=None)

    @precondition(lambda self: self.any_in("queued") or self.any_in("active"))
    @rule(pick=picks)
    def anybody_ends(self, pick: int) -> None:
        chat = self.chat(pick, "active" if self.any_in("active") else "queued")
        self.ends(pick=self.where(chat), agent=STAFF[pick % 3], disposition="solved")

    @precondition(lambda self: self.any_in("active"))
    @rule(pick=picks, agent=agents)
    def takes_over(self, pick: int, agent: str) -> None:
        self.takes(pick=self.where(self.chat(pick, "active")), agent=agent, confirm=True)

    @precondition(lambda self: self.any_in("queued"))
    @rule(pick=picks, agent=agents)
    def claims(self, pick: int, agent: str) -> None:
        self.takes(pick=self.where(self.chat(pick, "queued")), agent=agent, confirm=False)

    def where(self, chat: Chat) -> int:
        return list(reversed(self.oracle.chats)).index(chat.id)

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, disposition=st.sampled_from([None, "solved"]))
    def ends(self, pick: int, agent: str, disposition: str | None) -> None:
        chat, refusal = self.chat(pick), None
        if agent not in self.oracle.staff:
            refusal = "UnknownAgent"
        elif chat.state == "ended":
            refusal = "ConversationClosed"
        ended = self.do(
            lambda world: world.desk.end(chat.id, by=agent, disposition=disposition), refusal
        )
        if refusal is None:
            assert (ended.ending.by, ended.ending.disposition) == (f"agent:{agent}", disposition)

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, what=st.sampled_from(["note", "tag", "untag", "read"]))
    def jots(self, pick: int, agent: str, what: str) -> None:
        chat = self.chat(pick)
        acts: dict[str, Callable[[World], Any]] = {
            "note": lambda world: world.desk.note(chat.id, "asked twice", by=agent),
            "tag": lambda world: world.desk.tag(chat.id, "refund", "vip", by=agent),
            "untag": lambda world: world.desk.tag(chat.id, by=agent, remove=["refund"]),
            "read": lambda world: world.desk.mark_read(chat.id, by=agent),
        }
        known = agent in self.oracle.staff
        self.do(acts[what], None if known else "UnknownAgent")
        if what == "read" and known:
            self.read_by[agent, chat.id] = chat.newest

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, key=st.sampled_from(["k1", "k2"]), text=st.sampled_from("ab"))
    def notes_with_a_key(self, pick: int, agent: str, key: str, text: str) -> None:
        """The same key does the same once, and another thing never (R4)."""
        chat = self.chat(pick)
        asked, known = (chat.id, agent, text), self.keyed.get(key)
        if agent not in self.oracle.staff:
            return
        refusal = None if known in (None, asked) else "IdempotencyConflict"
        written = self.do(lambda world: world.desk.note(chat.id, text, by=agent, key=key), refusal)
        if refusal is None:
            assert (written.text, written.conversation) == (text, chat.id)
            assert self.told_only() is (known is not None)
            self.keyed[key] = asked

    # --- configuration

    @rule(book=books(), tree=st.sampled_from(sorted(OTHER_TREES)), sla=st.sampled_from([1, 2, 60]))
    def configures(self, book: Book, tree: str, sla: int) -> None:
        """Another version: other settings, SLAs, queues. It is saved whole, or refused and nothing is."""
        changed = changed_book(book, OTHER_TREES[tree], sla)
        before, leaves = self.oracle.book, changed.leaves()
        stands = any(
            chat.queue is not None and chat.queue not in leaves
            for chat in self.oracle.chats.values()
            if chat.state != "ended"
        )
        self.oracle.book = before if stands else changed
        config = desk_config(changed)
        self.do(
            lambda world: world.desk.apply(config, by="admin"), "ConfigError" if stands else None
        )
        if stands:
            return
        self.book, self.oracle.all_freed = changed, True
        self.do(lambda world: world.desk.tick())
        self.oracle.all_freed = False
        self.are_routed()
        for chat in self.oracle.chats.values():
            if chat.due is not None and chat.asked_at is not None:
                assert chat.due == chat.asked_at + self.book.entries[chat.entry].sla, "S4"

    # --- time, delivery, restarts
    # -------------------------------------------------------------------

    @rule(
        micros=st.sampled_from([0, 1, SECOND, 39 * SECOND, MINUTE, 10 * MINUTE, HOUR])
        | st.integers(1, HOUR)
    )
    def time_passes(self, micros: int) -> None:
        self.set_clock(self.now + micros)

    @rule(micros=st.integers(-HOUR, -1))
    def clock_jumps_back(self, micros: int) -> None:
        self.set_clock(self.now + micros)

    @precondition(lambda self: self.oracle.next_due() is not None)
    @rule(off=st.integers(-2, 2))
    def time_comes(self, off: int) -> None:
        """To the microsecond around the next deadline."""
        self.set_clock((self.oracle.next_due() or 0) + off)

    def set_clock(self, instant: int) -> None:
        self.now = instant
        for world in self.worlds:
            world.clock.set(instant)

    @rule(behind=st.sampled_from([0, 0, 0, 1, MINUTE, HOUR]))
    def ticks(self, behind: int) -> None:
        """A tick, perhaps of a process whose clock is behind; and another, for which nothing is left."""
        at = self.now - behind
        expected = sum(1 for c in self.oracle.chats.values() if c.armed and c.armed <= at)
        fired = self.do(lambda world: world.desk.tick(now=from_micros(at)))
        assert fired == expected or self.intake
        self.are_routed()
        self.oracle.check_ticked(at)
        assert self.do(lambda world: world.desk.tick(now=from_micros(at))) == 0

    @rule(
        script=st.lists(
            st.sampled_from(["accepted", "overtaken", "retryable", "permanent", "unknown"]),
            max_size=3,
        )
    )
    def delivers(self, script: list[str]) -> None:
        for world in self.worlds:
            world.provider.script = list(script)
            world.provider.early = self.status_hook(world)
        self.do(lambda world: world.desk.deliver())
        attempts = self.worlds[0].provider.attempts
        assert all(world.provider.attempts == attempts for world in self.worlds)
        for attempt in attempts[self.attempts :]:
            self.judge(attempt.message, attempt.outcome)
        self.attempts = len(attempts)

    def status_hook(self, world: World) -> Callable[[str], None]:
        def early(provider_id: str) -> None:
            message = provider_id.removeprefix("sent-")
            chat = self.oracle.chats[self.letters[message][0]]
            world.desk.receive(chat.entry, _status(chat, message, DeliveryStatus.DELIVERED))

        return early

    def judge(self, message: str, outcome: str) -> None:
        """A try to send was due to this message, and counts for it (R10, S12)."""
        conversation, position, state = self.letters[message]
        assert state == "waiting", "sent again, after it was taken or given up"
        before = [
            other
            for other, (c, p, s) in self.letters.items()
            if c == conversation and p < position and s == "waiting"
        ]
        assert not before, "out of order"
        tries = sum(a.message == message for a in self.worlds[0].provider.attempts)
        after = {"accepted": "sent", "overtaken": "sent", "retryable": "waiting"}.get(
            outcome, "dead"
        )
        assert tries <= 10 or after != "waiting"
        self.letters[message] = (conversation, position, after)

    @precondition(lambda self: self.count_letters("dead"))
    @rule(pick=picks)
    def drives_again(self, pick: int) -> None:
        dead = [message for message, each in self.letters.items() if each[2] == "dead"]
        message = dead[pick % len(dead)]
        self.do(lambda world: world.desk.redrive(message))
        self.letters[message] = (*self.letters[message][:2], "waiting")

    @rule()
    def restarts(self) -> None:
        for world in self.worlds:
            world.restart()

    # --- reading
    # ------------------------------------------------------------------------------------

    @precondition(lambda self: self.has_chats)
    @rule(
        pick=picks,
        filters=st.sets(
            st.sampled_from(["agent", "contact", "tag", "queue", "inbox", "unread_by"]), max_size=2
        ),
        states=st.sampled_from(
            [om.OPEN, tuple(om.State), (om.State.ENDED,), (om.State.ACTIVE,) * 2]
        ),
        order=st.sampled_from(["due", "latest"]),
        limit=st.integers(1, 4),
        by=st.sampled_from(["state", "inbox", "queue", "agent"]),
    )
    def lists(
        self,
        pick: int,
        filters: set[str],
        states: tuple[om.State, ...],
        order: str,
        limit: int,
        by: str,
    ) -> None:
        """Lists, their pages and their counts are what filtering everything by hand gives (P18)."""
        chat = self.chat(pick)
        values = {
            "agent": chat.agent or "ana",
            "contact": chat.contact,
            "tag": "refund",
            "queue": chat.queue or "vip",
            "inbox": chat.inbox,
            "unread_by": "ana",
        }
        asked = {name: values[name] for name in filters}
        wanted = [
            each.id
            for each in sorted(self.oracle.chats.values(), key=_order(order))
            if each.state in states and self.passes(each, asked)
        ]
        for world in self.worlds:
            found, cursor = [], None
            while True:
                page = world.desk.conversations(
                    **asked, states=states, order=order, limit=limit, after=cursor
                )
                found += [each.id for each in page]
                cursor = page.next
                if cursor is None:
                    break
            assert found == wanted
            counts = world.desk.counts(by, **asked, states=states)
            counted = self.counted(wanted, by)
            if by == "queue" and not asked:  # those that are gone by now are not asked for
                counted = {n: count for n, count in counted.items() if n in self.book.leaves()}
            assert counts == counted

    def passes(self, chat: Chat, asked: dict[str, str]) -> bool:
        checks = {
            "agent": lambda value: chat.agent == value,
            "contact": lambda value: chat.contact == value,
            "tag": lambda value: value in chat.tags,
            "queue": lambda value: chat.queue == value,
            "inbox": lambda value: chat.inbox == value,
            "unread_by": lambda value: self.read_by.get((value, chat.id), 0) < chat.newest,
        }
        return all(checks[name](value) for name, value in asked.items())

    def counted(self, conversations: list[str], by: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for conversation in conversations:
            value = getattr(self.oracle.chats[conversation], by)
            if value is not None:
                counts[value] = counts.get(value, 0) + 1
        return counts

    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, limit=st.integers(1, 5), after=st.integers(0, 20))
    def reads(self, pick: int, limit: int, after: int) -> None:
        """One conversation whole: its messages in order, its story, and the log from anywhere (P19)."""
        chat = self.chat(pick)
        for world in self.worlds:
            found, position = [], None
            while page := world.desk.messages(chat.id, limit=limit, after=position):
                found += page
                position = page[-1].position
            assert [each.id for each in found] == chat.messages
            positions = [each.position for each in found]
            assert positions == sorted(set(positions))
            story = world.desk.explain(chat.id)
            assert story.as_text()
            sizes = [len(encode(EXPLANATIONS, decision)) for decision in story.decisions]
            assert max(sizes, default=0) <= 1024 + 512
            changes = [each.position for each in world.desk.changes(after, limit=limit)]
            end = self.oracle.position
            assert changes == list(range(after + 1, min(after + limit, end) + 1))
            view = world.desk.conversation(chat.id)
            assert view.overdue == (chat.due is not None and self.now > chat.due)


def _outcome(act: Callable[[World], Any], world: World) -> Any:
    try:
        return act(world)
    except OmnirouteError as error:
        return error


def _seen(result: Any) -> Any:
    return (type(result), str(result)) if isinstance(result, OmnirouteError) else result


def _status(chat: Chat, message: str, status: DeliveryStatus) -> Inbound:
    provider_id = f"sent-{message}"
    return Inbound(
        kind=InboundKind.STATUS,
        key=f"{provider_id}:{status.value}",
        address=ENTRIES[chat.entry].address,
        target=provider_id,
        status=status,
    )


def _order(order: str) -> Callable[[Chat], tuple[int, str]]:
    if order == "latest":
        return lambda chat: (-chat.at, chat.id)
    return lambda chat: (2**62 if chat.due is None else chat.due, chat.id)


class OnMemory(DeskMachine):
    stores = ("memory",)


class OnSqlite(DeskMachine):
    stores = ("sqlite",)


class OnBoth(DeskMachine):
    stores = ("memory", "sqlite")


def _run(machine: type[DeskMachine], examples: int) -> None:
    bounded = settings(
        max_examples=examples,
        stateful_step_count=FUZZ_STEPS,
        suppress_health_check=list(HealthCheck),
    )
    if not FUZZ_SECONDS:
        run_state_machine_as_test(machine, settings=bounded)
        return
    longer = settings(bounded, derandomize=False, max_examples=100, print_blob=True)
    until = time.monotonic() + FUZZ_SECONDS / 3
    while time.monotonic() < until:
        run_state_machine_as_test(machine, settings=longer)


@pytest.mark.req("X4", "A10", "R16")
def test_a_desk_in_memory_keeps_its_word() -> None:
    _run(OnMemory, 80)


@pytest.mark.req("X1", "X3", "P18")
def test_a_desk_on_sqlite_keeps_its_word() -> None:
    _run(OnSqlite, 20)


@pytest.mark.req("X2", "P19", "S9")
def test_the_same_story_gives_the_same_log_on_every_store() -> None:
    _run(OnBoth, 20)
