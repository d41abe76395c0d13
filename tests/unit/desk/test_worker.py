"""The worker: every desk is visited when something is due, and by one worker at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import omniroute as om
from omniroute.model.events import SlaBreached
from omniroute.testing import MONDAY
from omniroute.testing import play as open_play
from omniroute.testing.scripted import ScriptedPlugin

Play = Callable[..., Any]


def config(desk: str = "acme") -> om.DeskConfig:
    return om.load_config(
        {
            "desk": desk,
            "preset": "push",
            "inboxes": {"general": {"primary_for": ["chat"], "sla": "15m"}},
            "entry_points": {"web": {"channel": "chat", "address": f"widget-{desk}"}},
            "agents": {"ana": {"serves": ["general"]}},
        }
    )


def worker(p: Any) -> Any:
    return p.desks.worker(wait=lambda _: None)


def test_deadlines_fire_and_messages_go_out_without_anybody_else(play: Play) -> None:
    p = play(config())
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana")
    late = p.contact("Doris").writes("Hello?")
    p.clock.advance("16m")
    done = worker(p).round()
    assert (done.desks, done.tried) == (1, 1)
    assert p.contact("Maria").got == ["Hi"]
    missed = [each.event for each in p.desk.changes() if isinstance(each.event, SlaBreached)]
    assert [each.conversation for each in missed] == [late.id]


def test_a_desk_at_rest_is_left_alone_until_its_next_deadline(play: Play) -> None:
    p = play(config())
    assert worker(p).round().desks == 1
    assert worker(p).round().desks == 0
    p.contact("Maria").writes("Hello")
    p.clock.advance("20s")
    assert worker(p).round().desks == 0, "the deadline is 15 minutes away"


def test_a_new_message_calls_the_worker_at_once(play: Play) -> None:
    p = play(config())
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    worker(p).round()
    assert worker(p).round().desks == 0
    p.desk.reply(chat.id, "Hi", by="ana")
    assert worker(p).round().tried == 1


def test_what_was_accepted_is_routed_by_a_sweep(play: Play) -> None:
    p = play(config())
    worker(p).round()
    item = om.Inbound(
        kind=om.InboundKind.MESSAGE,
        key="k1",
        address="widget-acme",
        sender=om.Sender(addresses=("x",)),
        text="Hello",
    )
    p.desk.accept("web", item)
    p.clock.advance("30s")
    worker(p).round()
    assert p.desk.counts() == {"queued": 1}


def test_two_workers_share_the_desks_and_a_dead_ones_lease_runs_out() -> None:
    with open_play(config("one")) as p:
        for name in ("two", "three"):
            p.desks.create(config(name))
        first, second = worker(p), worker(p)
        leased = p.desks.store.transact(first._leased)
        assert sorted(leased) == ["one", "three", "two"]
        assert second.round().desks == 0
        p.clock.advance("61s")
        assert second.round().desks == 3


def test_it_runs_until_it_is_told_to_stop_and_pauses_where_nothing_is_due(play: Play) -> None:
    p = play(config())
    pauses: list[float] = []
    looping = p.desks.worker(wait=pauses.append, every="2s")
    looping.run(lambda: len(pauses) == 3)
    assert pauses == [2.0, 2.0, 2.0]


class Shaky(om.MemoryStore):
    """Fails as it is told: when it is asked, or for one desk."""

    def __init__(self) -> None:
        super().__init__()
        self.down = 0
        self.broken: str | None = None
        self.locked: list[str] = []

    def transact(self, work: Callable[[om.Transaction], Any]) -> Any:
        if self.down:
            self.down -= 1
            raise om.StoreError("no answer")
        return super().transact(lambda tx: work(Refusing(tx, self)))


class Refusing:
    """A transaction that refuses one desk's lock."""

    def __init__(self, tx: Any, store: Shaky) -> None:
        self._tx, self._store = tx, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def lock(self, desk: str) -> None:
        self._store.locked.append(desk)
        if desk == self._store.broken:
            raise om.StoredValueError("damaged")
        self._tx.lock(desk)


@pytest.fixture
def shaky() -> Any:
    store, clock = Shaky(), om.ManualClock(MONDAY)
    desks = om.Desks(
        store, clock=clock, plugins=[ScriptedPlugin(("chat",))], builtin=False, discover=False
    )
    for desk in ("a", "b"):
        desks.create(config(desk))
    yield store, desks
    desks.close()


def stops_after(rounds: int) -> Callable[[], bool]:
    asked = iter([False] * rounds)
    return lambda: next(asked, True)


def test_a_desk_that_fails_keeps_no_other_waiting(shaky, caplog) -> None:
    store, desks = shaky
    caplog.set_level("ERROR", logger="omniroute.desk")
    store.broken, store.locked = "a", []
    visited = desks.worker(wait=lambda _: None)
    with pytest.raises(om.StoredValueError, match="damaged"):
        visited.round()
    assert set(store.locked) == {"a", "b"}
    assert store.locked[0] == "a"
    assert "could not do what is due at desk 'a'" in caplog.text
    assert visited.round().desks == 0, "a is left until its lease runs out"


def test_a_worker_outlives_a_store_that_does_not_answer(shaky, caplog) -> None:
    store, desks = shaky
    pauses: list[float] = []
    store.down = 2
    desks.worker(wait=pauses.append, every="2s").run(stops_after(7))
    assert pauses == [2.0, 2.0, 2.0], "twice no answer, then both desks, then nothing to do"
    assert caplog.text.count("a worker's store failed: no answer") == 2


def test_a_worker_has_to_be_able_to_wait(shaky) -> None:
    wrong: Any = 5
    with pytest.raises(om.UsageError, match="wait: cannot be used; expected a function"):
        shaky[1].worker(wait=wrong)
