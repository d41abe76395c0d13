"""How many statements each operation takes, on both databases, however much else is stored.

`make counts` runs it beside 100,000 other conversations; the suite beside 2,000.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from omniroute.desk import ConversationView
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import DeskConfig, EntryPointConfig
from omniroute.model.message import Message
from omniroute.model.policy import Assignment, PolicySettings
from omniroute.model.state import State
from omniroute.ports import Transaction
from omniroute.schema import CONVERSATIONS, DESKS, LOG, MESSAGES
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.wire import Answer, Statement, Wire
from omniroute.testing import Play, PlayContact, a_config, a_conversation, a_message, play
from omniroute.testing.store_conformance import sample
from omniroute.testing.store_conformance.values import alone

OTHERS = int(os.environ.get("OMNIROUTE_OTHERS", "2000"))
_BATCH = 5_000

_RAN: list[str] = []
"""Every statement that went to a database, in order."""
_WAYS: list[int] = []
"""How many statements went in each way to a server and back."""


class _SqliteCursor(sqlite3.Cursor):
    """A cursor that writes down what runs on it; many rows of one statement are one."""

    def execute(self, query: str, *args: Any) -> Any:
        _RAN.append(query)
        return super().execute(query, *args)

    def executemany(self, query: str, rows: Any) -> Any:
        _RAN.append(query)
        return super().executemany(query, rows)


class _Sqlite(sqlite3.Connection):
    def cursor(self, factory: Any = _SqliteCursor) -> Any:
        return super().cursor(factory)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqlStore]:
    options: dict[str, Any] = {"factory": _Sqlite, "check_same_thread": False}
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if request.param == "postgresql":
        options, ask = {}, Wire.ask

        def heard(self: Wire, statements: Sequence[Statement]) -> list[Answer]:
            _RAN.extend(text for text, _ in statements)
            _WAYS.append(len(statements))
            return ask(self, statements)

        monkeypatch.setattr(Wire, "ask", heard)
        url = request.getfixturevalue("empty_database")
    store = SqlStore(url, connect_args=options)
    yield store
    store.close()


# --- what else is there ---------------------------------------------------------------------------


def fill(p: Play, count: int) -> None:
    """Put other conversations beside those of the test: half of them open, with messages and log."""
    store = p.desks.store
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        alone(store).add(CONVERSATIONS, p.desk.id, [_other(i, p.clock.now()) for i in numbers])
        alone(store).add(MESSAGES, p.desk.id, [_message(i) for i in numbers])
    if count:
        store.transact(lambda tx: _fill_log(tx, p.desk.id, count))


def _other(number: int, now: int) -> Conversation:
    """In queue "elsewhere", held or ended, due long after the test is over."""
    state = State.ACTIVE if number % 2 else State.ENDED
    made = a_conversation(state, id=f"other-{number}", queue="general/elsewhere")
    place = evolve(made.place, contact=f"p-{number}")
    far = now + 10**12 + number
    return evolve(made, place=place, agent="zoe", clocks=evolve(made.clocks, due=far))


def _message(number: int) -> Message:
    return a_message(id=f"other-m-{number}", conversation=f"other-{number}", provider_ids=())


def _fill_log(tx: Transaction, desk: str, count: int) -> None:
    tx.lock(desk)
    record = tx.get(DESKS, desk, ())
    assert record is not None
    entry = sample(LOG.type, 1)
    entries = [evolve(entry, position=record.position + i + 1) for i in range(count)]
    tx.add(LOG, desk, entries)
    tx.put(DESKS, desk, evolve(record, position=record.position + count))


# --- the operations -------------------------------------------------------------------------------


class Scene:
    """One story's own entry point, queue and agent, in a desk that others share."""

    def __init__(self, p: Play, name: str) -> None:
        self.p = p
        self.name = name
        self.ways = 0
        """How often the last call that was counted went to a server."""

    def contact(self, name: str) -> PlayContact:
        """Return a contact of this scene's entry point, which the play looks up: nothing to count."""
        return self.p.contact(f"{name}-{self.name}", on=self.name)

    def writes(self, contact: str) -> ConversationView:
        """Let a contact write to this scene's entry point."""
        return self.contact(contact).writes("Hello")

    def on(self) -> None:
        """Let the agent be there."""
        self.p.agent(self.name).on()

    def count(self, act: Callable[[], object]) -> list[str]:
        """Return the first word of each statement of a call, without how transactions begin and end."""
        _RAN.clear()
        _WAYS.clear()
        act()
        self.ways = len(_WAYS)
        words = [each.split()[0] for each in _RAN]
        return [word for word in words if word not in ("BEGIN", "PRAGMA", "COMMIT")]


Story = Callable[[Scene], list[str]]


def new_message_to_a_free_agent(s: Scene) -> list[str]:
    s.on()
    maria = s.contact("Maria")
    return s.count(lambda: maria.writes("Hello"))


def new_message_with_nobody_free(s: Scene) -> list[str]:
    s.on()
    s.writes("Maria")
    bruno = s.contact("Bruno")
    return s.count(lambda: bruno.writes("Hello"))


def second_message(s: Scene) -> list[str]:
    s.on()
    s.writes("Maria")
    maria = s.contact("Maria")
    return s.count(lambda: maria.writes("Hello"))


def reply(s: Scene) -> list[str]:
    s.on()
    chat = s.writes("Maria")
    return s.count(lambda: s.p.desk.reply(chat.id, "Hello", by=s.name))


def freed_slot_with_one_waiting(s: Scene) -> list[str]:
    s.on()
    chat, waiting = s.writes("Maria"), s.writes("Bruno")
    ran = s.count(lambda: s.p.desk.end(chat.id, by=s.name))
    assert s.p.desk.conversation(waiting.id).agent == s.name
    return ran


def freed_slot_with_nobody_waiting(s: Scene) -> list[str]:
    s.on()
    chat = s.writes("Maria")
    return s.count(lambda: s.p.desk.end(chat.id, by=s.name))


def take(s: Scene) -> list[str]:
    s.on()
    chat = s.writes("Maria")
    return s.count(lambda: s.p.desk.take(chat.id, by=s.name))


def take_next(s: Scene) -> list[str]:
    s.on()
    chat = s.writes("Maria")
    ran = s.count(lambda: s.p.desk.take_next(by=s.name))
    assert s.p.desk.conversation(chat.id).agent == s.name
    return ran


def tick_with_nothing_due(s: Scene) -> list[str]:
    s.writes("Maria")
    s.p.desk.tick()
    return s.count(s.p.desk.tick)


def deliver_with_nothing_ready(s: Scene) -> list[str]:
    s.writes("Maria")
    s.p.desk.deliver()
    return s.count(s.p.desk.deliver)


PUSH: dict[Story, int] = {
    # Their contact is new: no conversation is looked for, and what it is searched by is written.
    new_message_to_a_free_agent: 19,
    new_message_with_nobody_free: 15,
    second_message: 10,
    reply: 8,
    freed_slot_with_one_waiting: 10,
    freed_slot_with_nobody_waiting: 10,
    tick_with_nothing_due: 4,
    deliver_with_nothing_ready: 1,
}
CLAIM: dict[Story, int] = {
    new_message_to_a_free_agent: 13,
    take: 9,
    take_next: 9,
    reply: 11,
}
"""How many statements each takes, without BEGIN and COMMIT. A number that grows needs a reason."""
POSTGRES: dict[Assignment, dict[Story, int]] = {
    Assignment.PUSH: {
        new_message_to_a_free_agent: 8,
        new_message_with_nobody_free: 7,
        second_message: 7,
        reply: 5,
        freed_slot_with_one_waiting: 7,
        freed_slot_with_nobody_waiting: 7,  # who else serves came along, in case somebody waited
        tick_with_nothing_due: 5,
        deliver_with_nothing_ready: 1,
    },
    Assignment.CLAIM: {new_message_to_a_free_agent: 6, take: 5, take_next: 5, reply: 5},
}
"""The same on a server: what a command changes is written in one, and it waits for its turn."""
WAYS: dict[Assignment, dict[Story, int]] = {
    Assignment.PUSH: {
        new_message_to_a_free_agent: 6,
        new_message_with_nobody_free: 5,
        second_message: 5,
        reply: 2,
        freed_slot_with_one_waiting: 2,
        freed_slot_with_nobody_waiting: 2,
        tick_with_nothing_due: 5,
        deliver_with_nothing_ready: 2,
    },
    Assignment.CLAIM: {new_message_to_a_free_agent: 4, take: 2, take_next: 2, reply: 2},
}
"""How often each goes to the server and back, with BEGIN and COMMIT: what a command costs there."""


def configured(desk: str, assignment: Assignment, scenes: list[str]) -> DeskConfig:
    config = a_config(
        agents={name: (f"general/{name}",) for name in scenes},
        capacity=1,
        queues=(*scenes, "elsewhere"),
        policy=PolicySettings(assignment=assignment),
    )
    points = {
        name: EntryPointConfig(channel="chat", address=f"{desk}-{name}", queue=f"general/{name}")
        for name in scenes
    }
    return evolve(config, desk=desk, entry_points=points)


@pytest.mark.req("R3")
@pytest.mark.parametrize("assignment", [Assignment.PUSH, Assignment.CLAIM])
def test_each_operation_takes_its_statements_and_no_more(
    store: SqlStore, assignment: Assignment
) -> None:
    """As many with nothing else in the store as beside many others."""
    stories, ways = PUSH if assignment is Assignment.PUSH else CLAIM, None
    if store.engine.dialect.name == "postgresql":
        stories, ways = POSTGRES[assignment], WAYS[assignment]
    found, shown = {}, []
    for others in (0, OTHERS):
        names = {each: each.__name__.replace("_", "-") for each in stories}
        p = play(configured(f"desk-{others}", assignment, [*names.values()]), store=store)
        fill(p, others)
        for story, name in names.items():
            scene = Scene(p, name)
            ran = story(scene)
            found[name, others] = (len(ran), scene.ways)
            shown.append(f"{name} ({others}): {len(ran)} {' '.join(ran)}, {scene.ways} ways")
    expected = {
        (names[story], others): (number, ways[story] if ways else 0)
        for story, number in stories.items()
        for others in (0, OTHERS)
    }
    assert found == expected, "\n".join(shown)
