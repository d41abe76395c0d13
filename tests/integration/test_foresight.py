"""What is guessed to be read comes in one way with the lock, and a wrong guess changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.model.contact import Contact
from omniroute.model.desk_config import EntryPointConfig
from omniroute.model.records import DeskRecord, IdempotencyRecord
from omniroute.schema import AGENTS, CONTACTS, DESKS, IDEMPOTENCY
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.wire import Answer, Statement, Wire
from omniroute.testing import Play, a_config, an_inbound, play
from omniroute.testing.store_conformance import sample
from omniroute.testing.store_conformance.values import alone

DESK = "d"
BY_REF = CONTACTS.index("contacts_by_ref")
EXPIRY = IDEMPOTENCY.index("idempotency_expiry")


@pytest.fixture
def store(empty_database: str) -> Iterator[SqlStore]:
    store = SqlStore(empty_database, sleep=lambda _: None)
    store.transact(lambda tx: tx.put(DESKS, DESK, DeskRecord(DESK)))
    yield store
    store.close()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements went in each way to the server."""
    counted: list[int] = []
    ask = Wire.ask

    def heard(self: Wire, statements: Sequence[Statement]) -> list[Answer]:
        counted.append(len(statements))
        return ask(self, statements)

    monkeypatch.setattr(Wire, "ask", heard)
    return counted


# --- the store ------------------------------------------------------------------------------------


def test_lists_that_were_foreseen_come_with_the_lock(store: SqlStore, ways: list[int]) -> None:
    alone(store).put(CONTACTS, DESK, Contact("k1", (), ref="r1"))
    ways.clear()

    def work(tx: Any) -> None:
        tx.expect_heads(BY_REF, DESK, [("r1",), ("r2",)])
        for whole in (True, False):
            tx.expect_list(BY_REF, DESK, ("r1",), limit=5, whole=whole)
        tx.lock(DESK)
        assert tx.heads(BY_REF, DESK, [("r1",), ("r2",)]) == [("r1", "k1")]
        assert tx.scan(BY_REF, DESK, ("r1",), limit=5) == [Contact("k1", (), ref="r1")]
        assert tx.entries(BY_REF, DESK, ("r1",), limit=5) == [("r1", "k1")]
        assert tx.scan(BY_REF, DESK, ("r1",), limit=4) == [Contact("k1", (), ref="r1")]

    store.transact(work)
    assert ways == [5, 1, 1]  # turn, lock and the three; what was not foreseen; the commit


def test_a_list_that_came_before_the_lock_is_read_again(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect_list(BY_REF, DESK, ("r1",), limit=5, whole=False)
        tx.get(DESKS, DESK, ())
        alone(store).put(CONTACTS, DESK, Contact("k1", (), ref="r1"))
        tx.lock(DESK)
        assert tx.entries(BY_REF, DESK, ("r1",), limit=5) == [("r1", "k1")]

    store.transact(work)


def test_a_list_gives_way_to_what_is_written(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect_list(BY_REF, DESK, ("r1",), limit=5, whole=False)
        tx.lock(DESK)
        tx.put(CONTACTS, DESK, Contact("k1", (), ref="r1"))
        assert tx.entries(BY_REF, DESK, ("r1",), limit=5) == [("r1", "k1")]

    store.transact(work)


def test_a_list_gives_way_to_what_is_deleted_unseen(store: SqlStore) -> None:
    record = sample(IdempotencyRecord, 1)
    alone(store).put(IDEMPOTENCY, DESK, record)

    def work(tx: Any) -> None:
        tx.expect_list(EXPIRY, DESK, (), limit=5, whole=False)
        tx.lock(DESK)
        assert tx.delete(IDEMPOTENCY, DESK, (record.key,))
        assert tx.entries(EXPIRY, DESK, limit=5) == []

    store.transact(work)


def test_a_list_that_cannot_be_asked_for_does_not_spoil_the_lock(store: SqlStore) -> None:
    def work(tx: Any) -> None:
        tx.expect_list(BY_REF, DESK, ("a\0b",), limit=5, whole=False)
        tx.lock(DESK)

    store.transact(work)


def test_what_was_last_seen_is_known_whoever_saw_it(store: SqlStore, empty_database: str) -> None:
    alone(store).put(DESKS, DESK, DeskRecord(DESK, position=7))
    other = SqlStore(empty_database)
    assert other.transact(lambda tx: tx.last_known(DESKS, DESK, ())).position == 7  # type: ignore[attr-defined]
    assert other.transact(lambda tx: tx.last_known(DESKS, "nowhere", ())) is None  # type: ignore[attr-defined]
    other.close()


# --- the desk -------------------------------------------------------------------------------------


def with_two_queues(store: om.Store) -> Play:
    """A desk where ana serves one of two queues, with room for one."""
    queues = ("one", "two")
    config = a_config(agents={"ana": ("general/one",), "sue": ()}, capacity=1, queues=queues)
    points = {
        name: EntryPointConfig(channel="chat", address=name, queue=f"general/{name}")
        for name in queues
    }
    return play(evolve(config, entry_points=points), store=store)


def a_wait(p: Play, who: str, queue: str) -> str:
    """Let somebody write to a queue; return the conversation."""
    return p.contact(who, on=queue).writes("Hello").id


@pytest.mark.req("R13")
def test_items_of_wrong_types_are_refused_alone_as_on_every_store(store: SqlStore) -> None:
    wrong: list[dict[str, Any]] = [
        {"kind": "message"},
        {"key": 5},
        {"key": ["a"]},
        {"sender": "maria"},
        *({"sender": om.Sender(addresses=each)} for each in (5, {"m"}, (["m"],), (5,))),  # type: ignore[arg-type]
    ]
    items = []
    for number, each in enumerate(wrong):
        sound = an_inbound("Hello", key=f"k{number}", address="one")
        items += [evolve(sound, **{"key": "wrong", **each}), sound]
    told = [
        [
            (each.result, each.reason)
            for each in with_two_queues(one).desk.receive("one", items).items
        ]
        for one in (store, om.MemoryStore())
    ]
    assert [result for result, _ in told[0]] == ["rejected", "accepted"] * len(wrong)
    assert told[0] == told[1]


@pytest.mark.req("R2")
def test_whoever_serves_otherwise_by_now_gets_what_they_serve_now(
    store: SqlStore, empty_database: str
) -> None:
    """What this process last saw of them is old, and what it foresaw is of no use."""
    p = with_two_queues(store)
    first = a_wait(p, "Maria", "one")
    p.agent("ana").on()
    for who, queue in (("Bruno", "one"), ("Vera", "two")):
        a_wait(p, who, queue)
    elsewhere = om.Desks(SqlStore(empty_database, schema="public"), clock=p.clock)
    elsewhere[p.desk.id].staff.change("ana", serves=["general/two"])
    seen = store.transact(lambda tx: tx.last_known(AGENTS, p.desk.id, ("ana",)))  # type: ignore[attr-defined]
    assert seen.leaves == ("general/one",)
    p.desk.end(first, by="ana")
    (given,) = p.desk.conversations(agent="ana", states=[om.State.ACTIVE])
    assert given.queue == "general/two"
    elsewhere.close()


def test_ending_what_somebody_else_holds_foresees_who_is_freed(
    store: SqlStore, ways: list[int]
) -> None:
    p = with_two_queues(store)
    p.agent("ana").on()
    first, second = a_wait(p, "Maria", "one"), a_wait(p, "Bruno", "one")
    ways.clear()
    p.desk.end(first, by="sue")
    assert len(ways) == 2
    assert p.desk.conversation(second).agent == "ana"


def test_coming_on_takes_what_waits_in_two_ways_and_going_looks_for_nobody(
    store: SqlStore, ways: list[int]
) -> None:
    p = with_two_queues(store)
    p.agent("ana").on()
    p.agent("ana").off()
    waiting = a_wait(p, "Maria", "one")
    ways.clear()
    p.agent("ana").on()
    assert len(ways) == 2
    assert p.desk.conversation(waiting).agent == "ana"
    ways.clear()
    p.agent("ana").off()
    assert ways[0] == 4  # turn, lock, the agent and their presence: nobody's lines
