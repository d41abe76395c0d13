"""The stored-step benchmark compares like with like: raw code leaves the same tables and bytes."""

from __future__ import annotations

import itertools
from contextlib import closing

import pytest

import omniroute as om
from benchmarks.bench_stored_step import (
    desks_on,
    mapped,
    messages,
    rehearsed,
    replies,
    seeded,
    sourced_replies,
    sqlite_store,
)
from benchmarks.peers import orm, raw_sqlite

REPLIES = 150  # more than there are conversations: some get two


class Ticking:
    """A clock on which every look is a second after the last one."""

    def __init__(self, start):
        self._next = itertools.count(start, 1_000_000)

    def now(self):
        return next(self._next)


def test_raw_code_leaves_the_same_tables_and_bytes_as_the_library(tmp_path):
    ours = tmp_path / "ours.db"
    with desks_on(sqlite_store(ours)) as desks:
        held = seeded(desks["acme"])
    raw = raw_sqlite.copied(ours, "raw.db")
    before = raw_sqlite.tables(raw)
    steps = rehearsed(ours, held, REPLIES, clock=Ticking(om.SystemClock().now()))
    with closing(raw_sqlite.connect(raw)) as connection:
        for step in steps:
            raw_sqlite.run(connection.cursor(), raw_sqlite.prepared(step))
    after = raw_sqlite.tables(raw)
    assert after == raw_sqlite.tables(ours)
    changed = {name.removeprefix("omniroute_") for name in after if after[name] != before[name]}
    assert changed == {"conversations", "desks", "log", "messages", "outbox"}
    assert len(after["omniroute_outbox"]) - len(before["omniroute_outbox"]) == REPLIES


def test_raw_code_reads_what_the_library_has_to_know(tmp_path):
    path = tmp_path / "ours.db"
    with desks_on(sqlite_store(path)) as desks:
        held = seeded(desks["acme"])
    (step,) = map(raw_sqlite.prepared, rehearsed(path, held, 1))
    read = [text.partition(" FROM ")[2].partition(" WHERE")[0] for text, _ in step.reads]
    assert read == ["omniroute_desks", "omniroute_agents", "omniroute_conversations"]
    assert all("body" in text for text, _ in step.reads)
    assert len(step.writes) == 5


def test_the_orm_leaves_the_same_tables_and_bytes_too(tmp_path):
    path = tmp_path / "ours.db"
    with desks_on(sqlite_store(path)) as desks:
        held = seeded(desks["acme"])
    copy = raw_sqlite.copied(path, "orm.db")
    steps = rehearsed(path, held, 3)
    engine = orm.engine(f"sqlite:///{copy}")
    for act in mapped(engine, steps):
        act()
    engine.dispose()
    assert raw_sqlite.tables(copy) == raw_sqlite.tables(path)


def test_an_aggregate_of_eventsourcing_keeps_every_reply(tmp_path):
    pytest.importorskip("eventsourcing", reason="a peer: pip install eventsourcing")
    from benchmarks.peers.sourced import Helpdesk

    with Helpdesk.in_sqlite(str(tmp_path / "sourced.db")) as helpdesk:
        for act in itertools.islice(sourced_replies(helpdesk), 3):
            act()
        assert helpdesk.recorder.max_notification_id() == 100 * 3 + 3  # opened, assigned, replied


def test_a_step_replies_in_a_conversation_that_the_agent_holds():
    with desks_on(om.MemoryStore()) as desks:
        desk = desks["acme"]
        held = seeded(desk)
        assert len(set(held)) == len(held) == 100
        sent = [reply() for reply in itertools.islice(replies(desk, held), 3)]
        assert [each.conversation for each in sent] == held[:3]
        assert {each.author for each in sent} == {"agent:ana"}
        assert {desk.conversation(each).state for each in held} == {om.State.ACTIVE}


def test_a_received_message_continues_a_conversation():
    with desks_on(om.MemoryStore()) as desks:
        desk = desks["acme"]
        held = seeded(desk)
        received = [each() for each in itertools.islice(messages(desk), 3)]
        assert [each.accepted for each in received] == [1, 1, 1]
        assert {each.conversations[0].id for each in received} <= set(held)
