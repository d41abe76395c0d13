"""The desk machine's inside: what agents, administrators and workers do, and what reading shows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import omniroute as om
from omniroute.codec import encode
from omniroute.errors import OmnirouteError
from omniroute.instants import HOUR, MINUTE, SECOND, from_micros, to_micros
from omniroute.model.wire import DeliveryStatus, InboundKind
from omniroute.schema import EXPLANATIONS
from tests.property.book import Book
from tests.property.desk_ground import now_and_then
from tests.property.desk_outside import Outside, status_of
from tests.property.oracle import Chat
from tests.property.stories import (
    ENTRIES,
    GROUPS,
    LIMITS,
    OTHER_TREES,
    STAFF,
    agents,
    books,
    changed_book,
    inbounds,
    picks,
    serving,
)
from tests.property.world import World, desk_config

FUZZ_SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
FUZZ_STEPS = int(os.environ.get("FUZZ_STEPS", "60"))
FUZZ_SHRINK = os.environ.get("FUZZ_SHRINK", "") == "1"
_ROUND = 5  # stories between two looks at the clock: on several stores each takes seconds


class DeskMachine(Outside):
    """A whole desk: commands, configuration, time, delivery, reading, in any order."""

    @initialize(book=books(), on=st.sets(st.sampled_from(STAFF[:3])))
    def open_desk(self, book: Book, on: set[str]) -> None:
        self.begin(book)
        for agent in STAFF[:3]:
            self.saves(agent, ("general/**", "vip") if agent != "cho" else (), None, None)
            if agent in on:
                self.turns(agent, on=True)

    # --- what agents do

    @rule(agent=agents, on=st.sampled_from([True, True, False]))
    def turns(self, agent: str, on: bool) -> None:
        known = agent in self.oracle.staff
        self.do(
            lambda world: world.desk.set_available(agent, on), None if known else "UnknownAgent"
        )
        assert not known or self.oracle.staff[agent].available is on

    @rule(
        agent=agents,
        serves=st.none() | serving,
        groups=st.none() | st.lists(st.sampled_from(tuple(GROUPS)), max_size=1),
        limits=st.none() | st.sampled_from(LIMITS),
    )
    def saves(
        self,
        agent: str,
        serves: Sequence[str] | None,
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

    @now_and_then(2)
    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, confirm=st.booleans())
    def takes(self, pick: int, agent: str, confirm: bool) -> None:
        chat = self.chat(pick)
        refusal = self.oracle.taking(chat, agent, confirm=confirm)
        idle = refusal is not None or chat.holder == agent
        self.do(lambda world: world.desk.take(chat.id, by=agent, confirm=confirm), refusal)
        assert refusal or chat.holder == agent
        assert self.told_only() is idle, "what changes nothing emits nothing (R11)"

    @now_and_then(2)
    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, confirm=st.booleans())
    def replies(self, pick: int, agent: str, confirm: bool) -> None:
        chat = self.chat(pick)
        refusal = self.oracle.taking(chat, agent, confirm=confirm)
        self.do(lambda world: world.desk.reply(chat.id, "Hi", by=agent, confirm=confirm), refusal)
        assert refusal or (chat.holder, chat.due) == (agent, None)

    @now_and_then(2)
    @rule(spec=inbounds, agent=agents, template=st.booleans())
    def starts(self, spec: dict[str, Any], agent: str, template: bool) -> None:
        """An agent writes first, to somebody known or new (S11)."""
        entry, address, thread = spec["entry"], spec["addresses"][-1], spec["thread"]
        channel = ENTRIES[entry].channel
        contact = self.known.get(self.people.get((channel, address), -1))
        refusal = self.oracle.starting(agent, entry, contact, thread, self.now, template=template)
        words = om.Template("hello", "de") if template else None
        begun = self.do(
            lambda world: world.desk.start(
                entry, "Hi", by=agent, address=address, thread=thread, template=words
            ),
            refusal,
        )
        if refusal is not None:
            return
        chat = self.oracle.chats[begun.id]
        assert (chat.state, chat.holder, chat.due) == ("active", agent, None)
        assert contact in (None, chat.contact)
        self.known[self.person(channel, (address,))] = chat.contact
        self.address[chat.id] = (address,)

    @rule(spec=inbounds, agent=agents, ends=st.booleans())
    def has_a_conversation(self, spec: dict[str, Any], agent: str, ends: bool) -> None:
        """From a first message, as far as it goes: through the menu, to an agent, to its end."""
        self.writes(spec, InboundKind.MESSAGE, old_key=False)
        if not self.has_chats:
            return
        chat = self.chat(0)
        for words in ("1", "2"):
            if chat.state == "selecting":
                self.follows_up(chat, words)
        if chat.state == "queued":
            self.takes(pick=0, agent=agent, confirm=False)
        if chat.holder is not None:
            self.replies(pick=0, agent=chat.holder, confirm=False)
        if ends:
            self.ends(pick=0, agent=agent, disposition=None)

    @now_and_then(3)
    @rule(
        entry=st.sampled_from(["plat", "web"]), apart=st.sampled_from([0, 1, MINUTE]), agent=agents
    )
    def comes_on_to_a_line(self, entry: str, apart: int, agent: str) -> None:
        """Nobody is there while contacts write, one after another; then somebody is (R2)."""
        for each in tuple(self.oracle.staff):
            self.turns(each, on=False)
        for who in ("maria", "doris", "eve"):
            spec = {"entry": entry, "addresses": (who,), "thread": "", "text": "Hello"}
            self.writes(spec, InboundKind.MESSAGE, old_key=False)
            self.set_clock(self.now + apart)
        self.turns(agent, on=True)

    @precondition(lambda self: self.any_in("active"))
    @rule(pick=picks, then_ends=st.booleans())
    def holder_replies(self, pick: int, then_ends: bool) -> None:
        chat = self.chat(pick, "active")
        agent = chat.holder or ""
        self.do(lambda world: world.desk.reply(chat.id, "Hi", by=agent))
        if then_ends:
            self.ends(pick=self.where(chat), agent=agent, disposition=None)

    @precondition(lambda self: self.any_in("ended"))
    @rule(pick=picks, agent=agents)
    def reopens(self, pick: int, agent: str) -> None:
        """By hand, where nothing is open in its thread (S9)."""
        chat = self.chat(pick, "ended")
        refusal = self.oracle.refusal("reopen", chat, agent)
        self.do(lambda world: world.desk.reopen(chat.id, by=agent), refusal)
        assert refusal or chat.state != "ended"

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

    @now_and_then(2)
    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, agent=agents, disposition=st.sampled_from([None, "solved"]))
    def ends(self, pick: int, agent: str, disposition: str | None) -> None:
        chat = self.chat(pick)
        refusal = self.oracle.refusal("end", chat, agent)
        ended = self.do(
            lambda world: world.desk.end(chat.id, by=agent, disposition=disposition), refusal
        )
        if refusal is None:
            assert (ended.ending.by, ended.ending.disposition) == (f"agent:{agent}", disposition)

    @now_and_then(4)
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

    @now_and_then(2)
    @precondition(lambda self: self.has_chats)
    @rule(
        pick=picks, agent=agents, what=st.sampled_from(["note", "take", "reply", "end", "reopen"])
    )
    def does_it_under_a_key(self, pick: int, agent: str, what: str) -> None:
        """What is asked again under its key is done once, and another thing never (R4)."""
        chat, key = self.chat(pick), f"key-{len(self.keyed)}"
        acts: dict[str, Callable[[World], Any]] = {
            "note": lambda world: world.desk.note(chat.id, "asked", by=agent, key=key),
            "take": lambda world: world.desk.take(chat.id, by=agent, key=key),
            "reply": lambda world: world.desk.reply(chat.id, "Hi", by=agent, key=key),
            "end": lambda world: world.desk.end(chat.id, by=agent, key=key),
            "reopen": lambda world: world.desk.reopen(chat.id, by=agent, key=key),
        }
        done = self.do(acts[what], self.oracle.refusal(what, chat, agent))
        if isinstance(done, OmnirouteError):
            return  # what was refused is not kept: the key is free
        self.keyed[key] = (acts[what], done, self.latest)
        self.asks_again(pick=0)
        self.do(lambda world: world.desk.note(chat.id, "b", by=agent, key=key), _CONFLICT)

    @now_and_then(2)
    @precondition(lambda self: self.keyed)
    @rule(pick=picks)
    def asks_again(self, pick: int) -> None:
        act, done, at = list(self.keyed.values())[-1 - pick % len(self.keyed)]
        if self.latest - at > _KEPT:
            return  # it may be forgotten by now
        again = self.do(act)
        assert self.told_only(), "done twice (R4)"
        assert _lasting(again) == _lasting(done)

    # --- configuration

    @now_and_then(4)
    @rule(book=books(), tree=st.sampled_from(sorted(OTHER_TREES)), sla=st.sampled_from([1, 2, 60]))
    def configures(self, book: Book, tree: str, sla: int) -> None:
        """Another version: other settings, SLAs, queues. It is saved whole, or refused and nothing is."""
        changed = changed_book(book, OTHER_TREES[tree], sla)
        self.ticks(behind=0)
        before, leaves = self.oracle.book, changed.leaves()
        stands = any(
            chat.queue is not None and chat.queue not in leaves
            for chat in self.oracle.chats.values()
            if chat.state != "ended"
        )
        stands = stands or self.oracle.splits(changed)
        self.oracle.book = before if stands else changed
        config = desk_config(changed)
        self.do(lambda world: world.desk.apply(config), "ConfigError" if stands else None)
        if stands:
            return
        self.book, self.oracle.all_freed = changed, True
        self.do(lambda world: world.desk.tick())
        self.oracle.all_freed = False
        for chat in self.oracle.chats.values():
            if chat.due is not None and chat.asked_at is not None:
                assert chat.due == chat.asked_at + self.book.entries[chat.entry].sla, "S4"

    # --- time, delivery, restarts

    @rule(
        micros=st.sampled_from([0, 1, SECOND, 39 * SECOND, MINUTE, 10 * MINUTE, HOUR])
        | st.integers(1, HOUR)
    )
    def time_passes(self, micros: int) -> None:
        self.set_clock(self.now + micros)

    @now_and_then(2)
    @rule(micros=st.integers(-HOUR, -1))
    def clock_jumps_back(self, micros: int) -> None:
        self.set_clock(self.now + micros)

    @precondition(lambda self: self.oracle.next_due() is not None)
    @rule(off=st.integers(-2, 2))
    def time_comes(self, off: int) -> None:
        """To the microsecond around the next deadline."""
        self.set_clock((self.oracle.next_due() or 0) + off)

    def set_clock(self, instant: int) -> None:
        self.now, self.latest = instant, max(instant, self.latest)
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
            world.desk.receive(chat.entry, status_of(chat, message, DeliveryStatus.DELIVERED))

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
        self.tries[message] = self.tries.get(message, 0) + 1
        after = {"accepted": "sent", "overtaken": "sent", "retryable": "waiting"}.get(
            outcome, "dead"
        )
        if after == "waiting" and self.tries[message] == 10:
            after = "dead"
        self.letters[message] = (conversation, position, after)

    @now_and_then(4)
    @precondition(lambda self: self.count_letters("waiting"))
    @rule()
    def provider_is_down(self) -> None:
        """Every try fails, each later than the one before, until they are given up (R10)."""
        for _ in range(10 * self.count_letters("waiting") + 10):
            ready = self.worlds[0].desk.next_delivery()
            if ready is not None:
                assert to_micros(ready) > self.now, "tried again at once"
                self.set_clock(to_micros(ready))
            self.delivers(["retryable"] * 100)
        assert not self.count_letters("waiting"), "tried for ever"

    @now_and_then(4)
    @precondition(lambda self: self.count_letters("dead"))
    @rule(pick=picks)
    def drives_again(self, pick: int) -> None:
        dead = [message for message, each in self.letters.items() if each[2] == "dead"]
        message = dead[pick % len(dead)]
        self.do(lambda world: world.desk.redrive(message))
        self.letters[message] = (*self.letters[message][:2], "waiting")
        self.tries[message] = 0

    @now_and_then(4)
    @rule(gap=st.sampled_from([0, 0, MINUTE, 12 * HOUR]))
    def restarts(self, gap: int) -> None:
        """Everything ends and is opened again, perhaps much later; what came due fires then (X5)."""
        for world in self.worlds:
            world.restart()
        self.set_clock(self.now + gap)
        self.the_stores_agree()
        self.ticks(behind=0)

    @now_and_then(3)
    @precondition(lambda self: self.has_chats)
    @rule(pick=picks, other=picks)
    def merges(self, pick: int, other: int) -> None:
        """Two contacts are one person from here on; what is open with them stays as it is (P17)."""
        keep, gone = self.chat(pick).contact, self.chat(other).contact
        kept, one = self.oracle.kept(keep), self.oracle.kept(keep) == self.oracle.kept(gone)
        chats = self.homes()
        self.do(
            lambda world: world.desk.contacts.merge(keep, gone),
            "UsageError" if keep == gone else None,
        )
        assert self.told_only("ContactsMerged")
        assert self.told.count("ContactsMerged") == (not one)
        assert self.homes() == chats
        for world in self.worlds:
            assert {world.desk.contacts.get(each).id for each in (keep, gone)} == {kept}

    def homes(self) -> dict[str, tuple[Any, ...]]:
        """Where every conversation is, and with whom."""
        chats = self.oracle.chats.values()
        return {each.id: (each.contact, each.state, each.queue, each.agent) for each in chats}

    # --- reading

    @now_and_then(4)
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
            "unread_by": chat.agent or "ana",
        }
        asked: dict[str, Any] = {name: values[name] for name in filters}
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
            "contact": lambda value: self.oracle.kept(chat.contact) == self.oracle.kept(value),
            "tag": lambda value: value in chat.tags,
            "queue": lambda value: chat.queue == value,
            "inbox": lambda value: chat.inbox == value,
            "unread_by": lambda value: (
                chat.newest_by != f"agent:{value}"
                and self.read_by.get((value, chat.id), 0) < chat.newest
            ),
        }
        return all(checks[name](value) for name, value in asked.items())

    def counted(self, conversations: list[str], by: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for conversation in conversations:
            value = getattr(self.oracle.chats[conversation], by)
            if value is not None:
                counts[value] = counts.get(value, 0) + 1
        return counts

    @now_and_then(4)
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
            assert max(sizes, default=0) <= 1024
            changes = [each.position for each in world.desk.changes(after, limit=limit)]
            end = self.oracle.position
            assert changes == list(range(after + 1, min(after + limit, end) + 1))
            view = world.desk.conversation(chat.id)
            assert view.overdue == (chat.due is not None and self.now > chat.due)


_CONFLICT = "IdempotencyConflict"
_KEPT = 29 * 24 * HOUR


def _lasting(view: Any) -> Any:
    """What is shown, without what it owes to the instant and the configuration it is shown under."""
    return view.conversation if isinstance(view, om.ConversationView) else view


def _order(order: str) -> Callable[[Chat], tuple[bool, int, str]]:
    if order == "latest":
        return lambda chat: (False, -chat.at, chat.id)
    return _by_due


def _by_due(chat: Chat) -> tuple[bool, int, str]:
    """Who has ended is never due: they come last, the latest first."""
    if chat.state == "ended":
        return True, -chat.at, chat.id
    return False, 2**62 if chat.due is None else chat.due, chat.id


# --- running it


def drive(machine: type[RuleBasedStateMachine], stories: int, *, fuzz: bool = True) -> None:
    """Run a machine through so many stories, or, where `make fuzz` asks for it, for so long.

    A story that fails is told as it was found. The shortest one like it takes minutes to look for,
    and is looked for with FUZZ_SHRINK=1 alone.
    """
    bounded = settings(
        max_examples=stories,
        stateful_step_count=FUZZ_STEPS,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    if not (FUZZ_SECONDS and fuzz):
        run_state_machine_as_test(machine, settings=bounded)
        return
    longer = settings(
        bounded,
        derandomize=False,
        database=None,
        max_examples=_ROUND,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink) if FUZZ_SHRINK else (Phase.generate,),
    )
    until = time.monotonic() + FUZZ_SECONDS
    while time.monotonic() < until:
        run_state_machine_as_test(machine, settings=longer)
