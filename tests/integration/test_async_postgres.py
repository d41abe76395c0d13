"""The async face on PostgreSQL: the loop awaits the server, and what is cut short is whole or not there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

import omniroute as om
from omniroute.desk.aio import AsyncDesk
from omniroute.errors import CommitUnknown, StoreBusy
from omniroute.model.wire import Sender
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.loops import LoopEngines
from omniroute.testing import Play, a_config, an_inbound, play
from tests.integration.hosts import plain
from tests.unit.desk.faces import (
    CONFIG,
    Step,
    asynchronously,
    cancelled_after,
    steps,
    synchronously,
)
from tests.unit.desk.helpers import assert_folds

ONE = a_config(preset="push", agents=("ana",))


@pytest.fixture(scope="module")
def server_url(postgres: Any) -> str:
    url: str = postgres.database("async")
    return url


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    """Return the URL of a database without a desk; nothing may be left open there."""
    store = SqlStore(server_url)
    store.create_tables()
    with store.engine.begin() as connection:
        for table in store.tables.metadata.sorted_tables:
            connection.execute(sa.delete(table))
    store.close()
    yield server_url
    with psycopg.connect(plain(server_url)) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'async'"
        for _ in range(3000):
            [left] = connection.execute(query).fetchone() or [0]
            connection.rollback()
            if left == 1:
                return
            threading.Event().wait(0.02)
    pytest.fail(f"{left - 1} connections were left open")


@pytest.fixture
def p(url: str) -> Iterator[Play]:
    with play(ONE, store=url) as p:
        p.agent("ana").on()
        yield p


def gapless(p: Play) -> bool:
    positions = [change.position for change in p.desk.changes()]
    return positions == list(range(1, len(positions) + 1))


def engines(p: Play) -> LoopEngines:
    store = p.desks.store
    assert isinstance(store, SqlStore)
    return store._loops


@pytest.mark.req("X2", "P19")
@pytest.mark.parametrize("seed", range(2))
def test_both_faces_give_the_same_event_for_event(url: str, seed: int) -> None:
    every = steps(seed, 80)

    async def story(p: Play) -> tuple[list[Any], list[Any]]:
        given = await asynchronously(p, every)
        return given, [change async for change in p.desks.aio["acme"].changes()]

    with play(CONFIG) as one, play(CONFIG, store=url) as other:
        given, told = asyncio.run(story(other))
        assert given == synchronously(one, every)
        assert told == list(one.desk.changes())
        assert_folds(other)


def test_the_loop_goes_on_while_a_command_waits_for_a_lock(p: Play, url: str) -> None:
    async def story(holder: Any) -> None:
        holder.execute("SELECT * FROM omniroute_desks FOR UPDATE")
        call = asyncio.create_task(p.desks.aio["acme"].receive("main", an_inbound()))
        for _ in range(30):
            await asyncio.sleep(0.005)
            assert not call.done()
        holder.rollback()
        assert (await call).accepted == 1

    with psycopg.connect(plain(url)) as holder:
        asyncio.run(story(holder))


def test_a_new_store_is_looked_at_without_holding_up_the_loop(url: str) -> None:
    """The tables are looked for, and made, by a thread."""
    busy, seen = threading.Event(), threading.Event()

    def slow(*_: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            busy.set()
            assert seen.wait(60)

    async def story(desks: om.Desks) -> list[str]:
        call = asyncio.create_task(desks.aio.ids())
        assert await asyncio.to_thread(busy.wait, 60), "no thread of its own looked at the store"
        seen.set()
        return await call

    store = SqlStore(url)
    sa.event.listen(store.engine, "do_connect", slow)
    with om.Desks(store) as desks:
        assert asyncio.run(story(desks)) == []


# --- cut short ------------------------------------------------------------------------------------


@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_cancelled_command_is_done_whole_or_not_at_all(p: Play, all_of_it: bool) -> None:
    async def story() -> dict[str, bool]:
        given = {}
        for number in range(31):
            item = an_inbound(key=f"in-{number}")
            call = Step("", "receive", ("main", item)).of
            given[item.key] = await cancelled_after(number, p.desks, call, all_of_it=all_of_it)
        return given

    stored, _ = _whole(p, asyncio.run(story()))
    assert "in-0" not in stored  # it had not begun


@pytest.mark.parametrize("all_of_it", [False, True])
def test_whichever_await_it_is_cancelled_at(
    p: Play, monkeypatch: pytest.MonkeyPatch, all_of_it: bool
) -> None:
    """At every wait for the server there is: the lock, the reads, the writes, the commit.

    A cancelled caller has its command waited for; a loop that is shut down cuts that short as well.
    """
    waits: list[int] = []
    cancel: list[Any] = []
    wait = psycopg.AsyncConnection.wait

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        waits.append(len(waits))
        if cancel and len(waits) == cancel[0]:
            for each in cancel[1]():
                each.cancel()
        return await wait(self, *args, **options)

    async def story() -> dict[str, bool]:
        desk, given, here = p.desks.aio["acme"], {}, asyncio.current_task()
        await desk.receive("main", an_inbound(key="first"))
        monkeypatch.setattr(psycopg.AsyncConnection, "wait", counted)
        number, reached = 0, True
        while reached:
            number += 1
            waits.clear()
            key = f"in-{number}"
            task = asyncio.create_task(desk.receive("main", an_inbound(key=key)))
            cancel[:] = [
                number,
                lambda task=task: (asyncio.all_tasks() - {here}) if all_of_it else {task},
            ]
            given[key] = await _gave(task)
            cancel.clear()
            reached = not given[key]
        monkeypatch.undo()
        assert number > 5
        return given

    stored, given = _whole(p, asyncio.run(story()))
    assert (stored == given) is not all_of_it
    assert stored


async def _gave(task: asyncio.Task[Any]) -> bool:
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True


def _whole(p: Play, given: dict[str, bool]) -> tuple[set[str], set[str]]:
    """Return the keys of what is stored and of what was asked, once sure that nothing is half done."""
    assert_folds(p)
    assert gapless(p)
    chats = p.desk.conversations()
    there = sum(len(p.desk.messages(chat.id, limit=200)) for chat in chats)
    stored = {key for key in given if p.desk.receive("main", an_inbound(key=key)).duplicates}
    assert {key for key, gave in given.items() if gave} <= stored
    assert there - len(stored) in (0, 1)  # the first of all, where there was one
    return stored, set(given)


def test_a_result_that_came_is_not_lost_to_a_late_cancellation(p: Play) -> None:
    """Under a timeout, say: what is told as done is done, and what is not told may be asked again."""

    async def story() -> list[bool]:
        desk, told = p.desks.aio["acme"], []
        for number in range(20):
            try:
                async with asyncio.timeout(number / 2000):
                    await desk.note("c_1", "once", by="ana", key=f"k{number}")
                told.append(True)
            except TimeoutError:
                told.append(False)
        for number in range(20):
            await desk.note("c_1", "once", by="ana", key=f"k{number}")
        return told

    p.contact("Maria").writes("Hello")
    told = asyncio.run(story())
    assert len([each for each in p.desk.messages("c_1", limit=99) if each.text == "once"]) == 20
    assert not told[0]


def test_a_commit_whose_answer_never_came_is_not_told_as_done(
    p: Play, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = psycopg.AsyncConnection.commit

    async def cut(self: Any) -> None:
        await commit(self)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    async def story() -> Any:
        await p.desks.aio["acme"].counts()
        monkeypatch.setattr(psycopg.AsyncConnection, "commit", cut)
        with pytest.raises(CommitUnknown):
            await p.desks.aio["acme"].receive("main", an_inbound())
        monkeypatch.undo()
        return await p.desks.aio["acme"].receive("main", an_inbound())

    assert asyncio.run(story()).duplicates == 1


def test_a_connection_that_broke_is_replaced(p: Play, url: str) -> None:
    async def story() -> Any:
        desk = p.desks.aio["acme"]
        await asyncio.gather(*(desk.counts() for _ in range(4)))
        with psycopg.connect(plain(url), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'async' AND pid <> pg_backend_pid()"
            )
        return await desk.receive("main", an_inbound())

    assert asyncio.run(story()).accepted == 1


# --- many, and several loops ----------------------------------------------------------------------


@pytest.mark.req("R1")
def test_many_commands_at_once_are_done_one_after_another(url: str) -> None:
    config = a_config(preset="claim", agents=("ana", "bob"), capacity=20)

    async def takes(desk: AsyncDesk, chat: str, by: str) -> int:
        try:
            await desk.take(chat, by=by)
        except om.UsageError:
            return 0
        return 1

    async def story(p: Play) -> int:
        desk = p.desks.aio["acme"]
        senders = [Sender(addresses=(f"u{n}",)) for n in range(30)]
        calls = [
            desk.receive("main", an_inbound(key=f"in-{n}", sender=sender))
            for n, sender in enumerate(senders)
        ]
        chats = [each.conversations[0].id for each in await asyncio.gather(*calls)]
        assert len(set(chats)) == 30
        races = [takes(desk, chat, by) for chat in chats for by in ("ana", "bob")]
        return sum(await asyncio.gather(*races))

    with play(config, store=SqlStore(url, pool_size=4, max_overflow=0)) as p:
        for agent in ("ana", "bob"):
            p.agent(agent).on()
        assert asyncio.run(story(p)) == 30
        assert gapless(p)
        assert_folds(p)


def test_a_pool_that_stays_empty_is_a_busy_store(url: str) -> None:
    async def story(p: Play, holder: Any) -> None:
        holder.execute("SELECT * FROM omniroute_desks FOR UPDATE")
        desk = p.desks.aio["acme"]
        first = asyncio.create_task(desk.receive("main", an_inbound()))
        waits = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        async with asyncio.timeout(60):
            while holder.execute(waits).fetchone() is None:  # noqa: ASYNC110  (it is the server's)
                await asyncio.sleep(0.005)
        with pytest.raises(StoreBusy, match="pool"):
            await desk.counts()
        holder.rollback()
        assert (await first).accepted == 1

    store = SqlStore(url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with play(ONE, store=store) as p, psycopg.connect(plain(url)) as holder:
        asyncio.run(story(p, holder))


def test_one_loop_after_another_and_two_at_once(p: Play) -> None:
    """What the first loop opened is closed when another one comes, or with the store."""

    async def told(key: str) -> Any:
        return (await p.desks.aio["acme"].receive("main", an_inbound(key=key))).accepted

    assert [asyncio.run(told(key)) for key in ("k1", "k2", "k1")] == [1, 1, 0]
    assert len(engines(p)._engines) == 1
    threads = [threading.Thread(target=lambda n=n: asyncio.run(told(f"t{n}"))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(p.desk.messages("c_1", limit=99)) == 5


def test_closing_on_the_loop_closes_its_connections(url: str) -> None:
    async def story(desks: om.Desks) -> None:
        async with desks.aio as opened:
            await asyncio.gather(*(opened.ids() for _ in range(3)))

    with contextlib.closing(om.Desks(url)) as desks:
        asyncio.run(story(desks))


def test_a_store_that_was_never_reached_can_be_closed_on_the_loop() -> None:
    async def story() -> None:
        async with om.Desks("postgresql+psycopg://127.0.0.1:1/x").aio as desks:
            assert desks["acme"].id == "acme"

    asyncio.run(story())


def test_a_provider_that_is_slow_does_not_hold_up_the_loop(p: Play) -> None:
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana")
    sending, seen = threading.Event(), threading.Event()

    class Slow:
        def perform(self, request: Any) -> Any:
            sending.set()
            assert seen.wait(60), "nothing else ran meanwhile"
            return p.provider.perform(request)

    async def meanwhile() -> None:
        await asyncio.to_thread(sending.wait, 60)
        await p.desks.aio["acme"].counts()
        seen.set()

    async def both() -> Any:
        sent, _ = await asyncio.gather(p.desks.aio["acme"].deliver(), meanwhile())
        return sent

    p.desks._runtime.transport = Slow()
    assert asyncio.run(both()) == 1
    assert p.contact("Maria").got == ["Hi"]
