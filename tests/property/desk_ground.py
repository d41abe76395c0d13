"""The desk machine's ground: worlds in which the same is done, and what holds after every step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition

import omniroute as om
from omniroute.codec import encode
from omniroute.errors import OmnirouteError
from omniroute.instants import to_micros
from omniroute.model.events import ConversationEvent
from omniroute.model.wire import Inbound
from omniroute.rules.agent_folding import apply_agent
from omniroute.rules.folding import apply
from omniroute.schema import AGENTS, CONVERSATIONS
from tests.property.book import Book
from tests.property.oracle import Chat, Oracle
from tests.property.stories import STAFF
from tests.property.world import DESK, Kept, World, memory_store

ALL_AGENTS = AGENTS.index("all_agents")


def now_and_then(every: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a rule be chosen only at every so many steps: others matter more."""
    due: Callable[..., Any] = precondition(lambda machine: machine.steps % every == 0)
    return due


class Ground(RuleBasedStateMachine):
    """One desk, or the same desk on several stores, with an oracle beside it."""

    stores: ClassVar[Mapping[str, Callable[[Path], Kept]]] = {"memory": memory_store}

    def begin(self, book: Book) -> None:
        """Open the desk on every store; nothing has happened yet."""
        self.folder = tempfile.TemporaryDirectory(prefix="desk-")
        self.book, self.oracle = book, Oracle(book)
        self.worlds: list[World] = []
        for name, make in self.stores.items():
            place = Path(self.folder.name) / name
            place.mkdir()
            self.worlds.append(World(book, make(place)))
        self.now = self.latest = self.worlds[0].clock.now()
        self.people: dict[tuple[str, str], int] = {}
        self.known: dict[int, str] = {}
        self.address: dict[str, tuple[str, ...]] = {}
        self.received: dict[tuple[str, str, str], tuple[str, Inbound]] = {}
        self.letters: dict[str, tuple[str, int, str]] = {}
        self.attempts = 0
        self.tries: dict[str, int] = {}
        self.folded: dict[str, om.Conversation] = {}
        self.folded_staff: dict[str, om.Agent | None] = {}
        self.read_by: dict[tuple[str, str], int] = {}
        self.keys = 0
        self.used: set[tuple[str, str, str]] = set()
        self.steps = 0
        self.told: list[str] = []
        self.intake: list[tuple[str, Inbound]] = []
        self.keyed: dict[str, tuple[Callable[[World], Any], Any, int]] = {}

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
            if isinstance(event, ConversationEvent):
                state = self.folded.get(event.conversation)
                self.folded[event.conversation] = apply(state, event)
            for agent in STAFF:
                after = apply_agent(self.folded_staff.get(agent), event, agent)
                self.folded_staff[agent] = after
        for conversation in touched:
            self.compare(conversation)

    def told_only(self, *names: str) -> bool:
        """Whether the last command told nothing else; deadlines that had come aside (R6)."""
        return set(self.told) <= {*names, "SlaBreached"}

    def compare(self, conversation: str) -> None:
        """The stored state is the folded log (R16), and what the oracle thinks."""
        chat, folded = self.oracle.chats[conversation], self.folded[conversation]
        for world in self.worlds:
            stored = world.get(CONVERSATIONS, conversation)
            assert encode(CONVERSATIONS, stored) == encode(CONVERSATIONS, folded)
        assert folded.state.value == chat.state
        assert folded.queue == chat.queue
        assert (folded.agent if chat.state == "active" else None) == chat.holder
        assert (folded.extras.tags, folded.extras.previous_agent) == (chat.tags, chat.previous)
        assert (folded.clocks.due, folded.clocks.queued_at) == (chat.due, chat.queued_at)
        assert folded.timers == (() if chat.armed is None else ((chat.armed, "first_response"),))
        assert folded.extras.menu == chat.path

    @invariant()
    def all_is_well(self) -> None:
        self.steps += 1
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

    @precondition(lambda self: self.steps % 8 == 0)
    @invariant()
    def the_stores_agree(self) -> None:
        """Every stored value, as its canonical text, is the same in every store (X2, R16)."""
        values = [world.kept.values() for world in self.worlds]
        for each in values[1:]:
            assert each == values[0], "the stores hold different values (X2)"

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


def _outcome(act: Callable[[World], Any], world: World) -> Any:
    try:
        return act(world)
    except OmnirouteError as error:
        return error


def _seen(result: Any) -> Any:
    return (type(result), str(result)) if isinstance(result, OmnirouteError) else result
