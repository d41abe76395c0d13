"""A second opinion on what a desk does: slow, simple, and without one line of the rules in `src`.

`Oracle` reads the log entry by entry, keeps its own picture of conversations and agents, and asserts at
each entry that it was allowed; `check_*` assert what must hold when a command is over. Only the log's
own classes are shared, as data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from attrs import define, field

from tests.property.book import Book, Path
from tests.property.silence_oracle import is_open, turns

_WINDOW = 24 * 3_600_000_000


@define(kw_only=True)
class Chat:
    """A conversation as the oracle understands the log. `armed` is when it becomes overdue."""

    id: str
    entry: str
    inbox: str
    contact: str
    thread: str
    number: int
    state: str
    queue: str | None
    at: int
    opened_at: int
    queued_at: int
    wait_class: int = 2
    agent: str | None = None
    previous: str | None = None
    due: int | None = None
    armed: int | None = None
    missed: int = 0
    asked_at: int | None = None
    rescheduled: bool = False
    ended_at: int | None = None
    ended_number: int = 0
    path: Path = ()
    tags: tuple[str, ...] = ()
    newest: int = 0
    newest_by: str = ""
    by_hand: bool = False
    started_by: str | None = None
    wrote_at: int | None = None
    undone: bool = False
    awaits: str | None = None
    messages: list[str] = field(factory=list)
    texts: list[str] = field(factory=list)
    ended_text: int = 0
    told_closed: int | None = None

    @property
    def place(self) -> str:
        return self.queue or self.inbox

    @property
    def holder(self) -> str | None:
        return self.agent if self.state in ("active", "inactive") else None


@define(kw_only=True)
class Person:
    """An agent as the oracle understands the log."""

    id: str
    leaves: list[str]
    soft: int
    hard: int
    idle_since: int
    available: bool = False
    load: int = 0
    profile: tuple[Any, ...] = ()

    def rank(self, distribution: str) -> tuple[Any, ...]:
        if distribution == "by id":
            return (self.id,)
        if distribution == "least_loaded":
            return (Fraction(self.load, self.soft), self.idle_since, self.id)
        return (self.load > 0, self.idle_since, self.id)


@define
class Oracle:
    """Reads the log and objects."""

    book: Book
    position: int = 0
    chats: dict[str, Chat] = field(factory=dict)
    staff: dict[str, Person] = field(factory=dict)
    pushed: int = 0
    all_freed: bool = False
    said_at: dict[str, int] = field(factory=dict)
    merged: dict[str, str] = field(factory=dict)

    # --- the log ----------------------------------------------------------------------------------

    def read(self, entries: Iterable[Any]) -> list[str]:
        """Take in log entries and return the conversations they are about."""
        touched: dict[str, None] = {}
        for entry in entries:
            assert entry.position == self.position + 1, "the log has a gap"
            self.position = entry.position
            event = entry.event
            name = getattr(event, "conversation", None)
            if name is not None:
                touched[name] = None
                if name in self.chats:
                    assert event.at >= self.chats[name].at, "told before what came before (S1)"
            getattr(self, f"_on_{type(event).__name__}")(event)
            if name is not None and type(event).__name__ not in ("DeliveryChanged", "Remarked"):
                self.chats[name].at = event.at
        for name in touched:
            assert not self.chats[name].texts, "an automatic text was not sent (U46, U48, U49)"
        return list(touched)

    def _on_Configured(self, event: Any) -> None:
        assert event.version >= 1

    def _on_ContactsMerged(self, e: Any) -> None:
        assert e.contact not in self.merged, "the kept one was kept until now"
        assert e.other not in self.merged
        self.merged[e.other] = e.contact

    def kept(self, contact: str) -> str:
        """Who somebody is by now (P17)."""
        while contact in self.merged:
            contact = self.merged[contact]
        return contact

    def _on_AgentSaved(self, e: Any) -> None:
        leaves = self.book.served(e.serves, e.groups)
        assert list(e.leaves) == leaves
        soft, hard = e.capacity.soft_max, e.capacity.hard_max
        known = self.staff.setdefault(
            e.agent, Person(id=e.agent, leaves=leaves, soft=soft, hard=hard, idle_since=e.at)
        )
        own = e.own_capacity
        limits = self.book.limits if own is None else (own.goal, own.soft_max, own.hard_max)
        assert (e.capacity.goal, soft, hard) == limits
        profile = (e.name, e.groups, e.serves, leaves, limits, own, e.distribution)
        assert e.distribution.value == self.book.setting("distribution")
        assert known.profile != profile, "saved what was so already (R11)"
        known.leaves, known.soft, known.hard, known.profile = leaves, soft, hard, profile

    def _on_AgentAvailability(self, e: Any) -> None:
        person = self.staff[e.agent]
        assert person.available is not e.available, "told what was so already (R11)"
        if e.available:
            person.idle_since = e.at
        person.available = e.available

    def _on_Opened(self, e: Any) -> None:
        entry = self.book.entries[e.place.entry_point]
        assert e.conversation not in self.chats
        assert (e.source, e.place.inbox, e.place.channel) == (None, entry.inbox, entry.channel)
        assert (e.route.sla, e.due) == (entry.sla, e.at + entry.sla)
        self._move(None, "selecting" if e.queue is None else "queued")
        chat = self.chats[e.conversation] = Chat(
            id=e.conversation,
            entry=e.place.entry_point,
            inbox=e.place.inbox,
            contact=e.place.contact,
            thread=e.place.thread,
            number=len(self.chats),
            state="selecting" if e.queue is None else "queued",
            queue=e.queue,
            at=e.at,
            opened_at=e.at,
            queued_at=e.at,
            due=e.due,
        )
        self._arm(chat, e.due, e.timers)
        if "greeting" in self.book.texts:
            chat.texts.append("greeting")

    def _on_Started(self, e: Any) -> None:
        """An agent began it, who holds it; nobody waits for an answer (S11)."""
        entry, person = self.book.entries[e.place.entry_point], self.staff[e.agent]
        assert e.conversation not in self.chats
        assert e.actor == f"agent:{e.agent}"
        assert (e.source, e.place.inbox, e.place.channel) == (None, entry.inbox, entry.channel)
        assert (e.place.started_by, e.route.sla, e.resolution_due) == (e.agent, entry.sla, None)
        assert e.timers == ()
        assert e.queue == self.start_queue(e.place.entry_point, person)
        self._move(None, "active")
        self._load(e.agent, e.at, person.hard)
        self.chats[e.conversation] = Chat(
            id=e.conversation,
            entry=e.place.entry_point,
            inbox=e.place.inbox,
            contact=e.place.contact,
            thread=e.place.thread,
            number=len(self.chats),
            state="active",
            queue=e.queue,
            at=e.at,
            opened_at=e.at,
            queued_at=e.at,
            agent=e.agent,
            started_by=e.agent,
        )

    def splits(self, changed: Book) -> bool:
        """Whether agents serve by name what another book makes a branch of (U14)."""
        leaves = changed.leaves()
        served = {pattern for each in self.staff.values() for pattern in each.profile[2]}
        return any(
            path in served and any(leaf.startswith(f"{path}/") for leaf in leaves)
            for path in self.book.leaves()
        )

    def start_queue(self, entry: str, person: Person) -> str | None:
        at = self.book.entries[entry]
        leaves = self.book.leaves(at.inbox)
        if at.queue is not None or len(leaves) == 1:
            return at.queue or leaves[0]
        return next((leaf for leaf in person.leaves if leaf in leaves), None)

    def _move(self, source: str | None, target: str) -> None:
        assert (source, target) in {
            (None, "selecting"),
            (None, "queued"),
            (None, "active"),
            ("selecting", "queued"),
            ("queued", "active"),
            ("active", "active"),
            ("selecting", "ended"),
            ("queued", "ended"),
            ("active", "ended"),
            ("ended", "queued"),
        }, "a transition that does not exist"

    def _step(self, e: Any, target: str) -> Chat:
        """A transition's own account of itself must fit what came before (X1)."""
        chat = self.chats[e.conversation]
        assert e.source.value == chat.state, "the chain of states is broken"
        assert e.reason
        assert re.fullmatch("contact|system|agent:.+", e.actor)
        self._move(chat.state, target)
        chat.state = target
        return chat

    def _arm(self, chat: Chat, due: int, timers: Any) -> None:
        chat.due, chat.armed, chat.missed, chat.rescheduled = due, due + 1, 0, False
        assert [(at, kind.value) for at, kind in timers] == [(due + 1, "first_response")]

    def _on_Queued(self, e: Any) -> None:
        chat = self._step(e, "queued")
        assert e.queue in self.book.leaves(chat.inbox)
        assert e.released is None, "nothing gives a conversation back yet"
        if e.source.value == "ended":
            assert e.queue == chat.queue
            if e.actor == "contact":
                assert e.due == e.at + self.book.entries[chat.entry].sla
                self._arm(chat, e.due, e.timers)
            else:
                assert (e.due, e.timers) == (None, None), "nobody waits for an answer"
                chat.by_hand = True
        if chat.agent is not None:
            chat.previous = chat.agent
        chat.awaits = self._awaited(chat, e)
        chat.wait_class = 2 if e.source.value == "selecting" else 0
        chat.agent, chat.queue, chat.queued_at, chat.ended_at = None, e.queue, e.at, None
        chat.path = ()

    def _awaited(self, chat: Chat, e: Any) -> str | None:
        """The agent to whom a conversation goes back, where it came back in time (P4)."""
        if chat.ended_at is None or not self.book.pushes(chat.place):
            return None
        if self.book.setting("after_end", chat.place)[0] == "last_agent":
            return chat.previous
        to, within = self.book.setting("resume_to", chat.place)
        in_time = within is None or e.at - chat.ended_at <= within
        return chat.previous if to == "last_agent" and in_time else None

    def _on_Lined(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert chat.awaits is not None, "nothing else changes a place in line here"
        assert self.staff.get(chat.awaits) not in self.able(chat), "their agent has room"
        chat.awaits = None

    def _on_MenuMoved(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert chat.state == "selecting"
        chat.path = tuple(e.path)

    def _on_MessageReceived(self, e: Any) -> None:
        assert e.actor == "contact"
        chat = self._said(e)
        chat.asked_at = e.at if chat.asked_at is None else chat.asked_at
        chat.wrote_at = e.at
        told = chat.told_closed
        if (
            "after_hours_message" in self.book.texts
            and self.book.closes
            and not is_open(e.at)
            and (told is None or turns(told, to_open=True) <= e.at)
        ):
            chat.texts.append("after_hours_message")

    def _on_Remarked(self, e: Any) -> None:
        self._said(e)

    def _on_NoteAdded(self, e: Any) -> None:
        self._said(e)

    def _said(self, e: Any) -> Chat:
        chat = self.chats[e.conversation]
        assert e.message not in self.said_at
        self.said_at[e.message] = self.position
        chat.messages.append(e.message)
        chat.newest, chat.newest_by = self.position, e.actor
        return chat

    def _on_MessageSent(self, e: Any) -> None:
        chat = self._said(e)
        assert chat.state != "ended"
        if e.automatic:
            assert e.actor == "system"
            self._sent(chat, e)
            return
        assert e.actor == f"agent:{chat.holder}", "somebody else answered"
        chat.due = chat.armed = chat.asked_at = None
        assert e.timers in (None, ())

    def _sent(self, chat: Chat, e: Any) -> None:
        """A text of the policy goes out once, where there is an occasion."""
        if e.occasion == "ended_text":
            chat.ended_text += 1
        elif e.occasion is not None:
            assert e.occasion in chat.texts, f"{e.occasion} without an occasion, or twice"
            chat.texts.remove(e.occasion)
            if e.occasion == "after_hours_message":
                chat.told_closed = e.at

    def _on_Tagged(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert e.tags != chat.tags
        chat.tags = e.tags

    def _on_DeliveryChanged(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert e.message in chat.messages
        first = chat.messages[0] == e.message and e.status.value == "failed"
        if first and chat.started_by and chat.wrote_at is None and chat.state != "ended":
            chat.undone = True

    def _on_SlaBreached(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert chat.armed is not None, "answered, ended or told before"
        assert e.due == chat.due
        own = max(chat.armed, chat.at) if chat.rescheduled else chat.armed
        assert e.at == own, "a deadline fires for its instant, not the poll's"
        assert e.timers == ()
        chat.armed, chat.missed = None, chat.missed + 1

    def _on_SlaRescheduled(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        assert chat.asked_at is not None
        assert chat.due != e.due == chat.asked_at + self.book.entries[chat.entry].sla
        if chat.due is None:  # reopened by hand, and now the contact waits for an answer
            assert chat.by_hand
            assert e.at == chat.asked_at
            chat.armed = e.due + 1
        chat.due, chat.rescheduled, chat.by_hand = e.due, True, False
        if chat.armed is not None or e.due >= e.at:
            chat.armed = e.due + 1  # else it was told of, and still is past

    def _on_Ended(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        says_so = "ended_text" in self.book.texts and e.ending.value != "failure"
        assert chat.ended_text == says_so, "U46"
        chat.ended_text = 0
        assert e.released == chat.holder
        assert chat.undone is (e.ending.value == "failure"), "ended for another reason (S11)"
        chat.undone = False
        if e.released is not None:
            self._free(e.released, e.at)
        self._step(e, "ended")
        assert e.timers == (), "an end stops every clock (R5)"
        chat.due = chat.armed = chat.asked_at = None
        chat.ended_at, chat.ended_number, chat.path = e.at, self.position, ()

    def _on_TookOver(self, e: Any) -> None:
        chat = self._step(e, "active")
        assert e.released == chat.agent != e.agent
        assert self.book.setting("overtake", chat.place) == "confirm"
        assert e.actor == f"agent:{e.agent}"
        self._free(e.released, e.at)
        self._load(e.agent, e.at, self.staff[e.agent].hard)
        chat.agent = e.agent

    def _on_Assigned(self, e: Any) -> None:
        chat = self.chats[e.conversation]
        person = self.staff[e.agent]
        if self.book.pushes(chat.place):
            assert (e.reason, e.actor) == ("push", "system")
            self._judge(chat, person)
            self.pushed += 1
        else:
            assert (e.reason, e.actor) == ("claim", f"agent:{e.agent}")
        self._step(e, "active")
        self._load(e.agent, e.at, person.soft if e.reason == "push" else person.hard)
        chat.agent = e.agent

    def _judge(self, chat: Chat, person: Person) -> None:
        """Was this the agent for this conversation, and this the conversation for this agent?"""
        able = self.able(chat)
        assert person in able, "pushed to an agent who is off, full, or serves another queue (A3)"
        due_to = self.staff.get(chat.awaits or "")
        assert due_to is None or due_to in able, "who cannot have it is waited for"
        # When all look for work at once, as after a new configuration, they go by id.
        distribution = "by id" if self.all_freed else self.book.setting("distribution")
        first = min(able, key=lambda each: each.rank(distribution))
        if due_to is not None:
            first = due_to
        assert person is first, f"{first.id} comes before {person.id} (A18)"
        waiting = [each for each in self.waiting() if each.queue in person.leaves]
        first_in_line = min((each.wait_class, each.queued_at) for each in waiting)
        mine = (chat.wait_class, chat.queued_at)
        assert mine == first_in_line, "another one waited longer (R2)"

    def _free(self, agent: str, at: int) -> None:
        person = self.staff[agent]
        person.load, person.idle_since = person.load - 1, at
        assert person.load >= 0

    def _load(self, agent: str, at: int, limit: int) -> None:
        person = self.staff[agent]
        person.load, person.idle_since = person.load + 1, at
        assert person.load <= limit, "above capacity (A10, M9)"

    # --- what must hold between commands ----------------------------------------------------------

    def waiting(self) -> list[Chat]:
        """Conversations that wait where the desk assigns them."""
        return [
            chat
            for chat in self.chats.values()
            if chat.state == "queued" and self.book.pushes(chat.place)
        ]

    def able(self, chat: Chat) -> list[Person]:
        """Every agent who may be given this conversation."""
        return [
            each
            for each in self.staff.values()
            if each.available and each.load < each.soft and chat.queue in each.leaves
        ]

    def check_nobody_waits(self) -> None:
        for chat in self.waiting():
            assert not self.able(chat), f"{chat.id} waits while {self.able(chat)} have room (R2)"

    def check_loads(self) -> None:
        held: dict[str, int] = {}
        for chat in self.chats.values():
            if chat.holder is not None:
                held[chat.holder] = held.get(chat.holder, 0) + 1
        for person in self.staff.values():
            assert person.load == held.get(person.id, 0)

    def check_threads(self) -> None:
        undone = [chat.id for chat in self.chats.values() if chat.undone]
        assert not undone, f"the first message of {undone} failed, and they go on (S11)"
        threads = [
            (chat.entry, chat.contact, chat.thread)
            for chat in self.chats.values()
            if chat.state != "ended"
        ]
        assert len(threads) == len(set(threads)), "two open conversations in one thread"

    def check_ticked(self, now: int) -> None:
        late = [each.id for each in self.chats.values() if each.armed and each.armed <= now]
        assert not late, f"{late} are overdue and nobody was told"

    def next_due(self) -> int | None:
        return min((each.armed for each in self.chats.values() if each.armed), default=None)

    # --- what a command will come to --------------------------------------------------------------

    def starting(
        self, by: str, entry: str, contact: str | None, thread: str, now: int, *, template: bool
    ) -> str | None:
        """The error that an agent gets who starts a conversation, or None where one begins (S11)."""
        person, at = self.staff.get(by), self.book.entries[entry]
        own = [
            chat
            for chat in self.chats.values()
            if (chat.entry, chat.contact, chat.thread) == (entry, contact, thread)
        ]
        wrote = [chat.wrote_at for chat in own if chat.wrote_at is not None]
        windowed = at.channel == "whatsapp"
        reasons = {
            "UnknownAgent": person is None,
            "ConversationOpen": any(chat.state != "ended" for chat in own),
            "UnsupportedContent": template and not windowed,
            "MessagingWindowClosed": windowed
            and not template
            and now >= max(wrote, default=-_WINDOW) + _WINDOW,
            "UsageError": person is not None and self.start_queue(entry, person) is None,
            "CapacityExceeded": person is not None and person.load >= person.hard,
        }
        return next((name for name, holds in reasons.items() if holds), None)

    def home(self, entry: str, contact: str, thread: str, now: int) -> tuple[str, Chat | None]:
        """Where a contact's message goes (S9): `joins`, `reopens`, `refused` or `opens`."""
        own = [
            chat
            for chat in self.chats.values()
            if (chat.entry, chat.contact, chat.thread) == (entry, contact, thread)
        ]
        for chat in own:
            if chat.state != "ended":
                return "joins", chat
        if not own:
            return "opens", None
        last = max(own, key=lambda chat: chat.ended_number)
        to, within = self.book.setting("after_end", last.place)
        assert last.ended_at is not None
        if within is not None and max(now, last.at) - last.ended_at > within:
            return "opens", None
        if last.queue is None or to == "new":
            return "opens", None
        if to == "reject":
            return "refused", None
        gone = last.queue not in self.book.leaves()
        return ("opens", None) if gone else ("reopens", last)

    def first_queue(self, entry: str) -> str | None:
        """The queue a new conversation starts in; None where a menu comes first (U52, U58)."""
        at = self.book.entries[entry]
        if at.queue is not None:
            return at.queue
        enabled = self.enabled(at.inbox)
        return enabled[0] if len(enabled) == 1 else None

    def enabled(self, inbox: str) -> list[str]:
        """Leaves with agents (U15), or all where there are none."""
        leaves = self.book.leaves(inbox)
        found = [
            leaf for leaf in leaves if any(leaf in each.leaves for each in self.staff.values())
        ]
        return found or leaves

    def listed(self, inbox: str, path: Path) -> list[str]:
        """What the menu offers at a branch."""
        prefix = "/".join((inbox, *path))
        enabled = self.enabled(inbox)
        return [
            name
            for name in self.book.node(inbox, path)
            if any(f"{leaf}/".startswith(f"{prefix}/{name}/") for leaf in enabled)
        ]

    def answer(self, chat: Chat, words: str | None) -> tuple[str | None, Path]:
        """What an answer to the menu leads to: a queue, or a branch to choose from (U53, U54)."""
        listed = self.listed(chat.inbox, chat.path)
        if not listed:  # everybody below this branch has gone: choose anew
            return None, ()
        said = (words or "").strip()
        numbers = {str(n): name for n, name in enumerate(listed, start=1)}
        titles = {name.casefold(): name for name in listed}
        name = numbers.get(said.lstrip("0")) if said.isascii() and said.isdigit() else None
        name = name or titles.get(said.casefold())
        if name is None:
            return None, chat.path
        path = (*chat.path, name)
        if self.book.node(chat.inbox, path):
            return None, path
        return "/".join((chat.inbox, *path)), ()

    def taking(self, chat: Chat, by: str, *, confirm: bool) -> str | None:
        """The error that an agent gets who takes a conversation, or None where they may."""
        person, holder = self.staff.get(by), chat.holder
        overtake = confirm and self.book.setting("overtake", chat.place) == "confirm"
        reasons = {
            "UnknownAgent": person is None,
            "ConversationClosed": chat.state == "ended",
            "TransitionNotAllowed": chat.state == "selecting"
            or (holder is None and self.book.pushes(chat.place)),
            "AlreadyTaken": holder not in (None, by) and not overtake,
            "CapacityExceeded": person is not None and holder != by and person.load >= person.hard,
        }
        return next((name for name, holds in reasons.items() if holds), None)

    def refusal(self, what: str, chat: Chat, by: str) -> str | None:
        """The error that an agent gets for a command, or None where it is carried out."""
        if what in ("take", "reply"):
            return self.taking(chat, by, confirm=False)
        if by not in self.staff:
            return "UnknownAgent"
        if what == "reopen":
            return self.reopening(chat)
        return "ConversationClosed" if what == "end" and chat.state == "ended" else None

    def reopening(self, chat: Chat) -> str | None:
        """Why a conversation cannot be reopened by hand, or None where it can (S9)."""
        thread = (chat.entry, chat.contact, chat.thread)
        others = [
            other
            for other in self.chats.values()
            if (other.entry, other.contact, other.thread) == thread and other.state != "ended"
        ]
        if any(other is not chat for other in others):
            return "ConversationOpen"
        gone = chat.queue not in self.book.leaves()
        return "TransitionNotAllowed" if others or gone else None
