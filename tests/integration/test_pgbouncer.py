"""Desks behind a real pgbouncer that pools transactions, where no connection keeps anything of ours."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import omniroute as om
from omniroute.model.wire import Sender
from omniroute.stores.sql import SqlStore
from omniroute.testing import a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from tests.faults.check_log import check
from tests.rigs.pooler import CONNECTIONS, Pooler, program
from tests.rigs.postgres import RigError, Server

CONFIG = a_config(preset="push", agents=("ana", "bob"), capacity=2)
UNPREPARED: dict[str, Any] = {"connect_args": {"prepare_threshold": None}}


@pytest.fixture(scope="module")
def pooler(postgres: Server) -> Iterator[Pooler]:
    try:
        program()
    except RigError as error:
        pytest.skip(str(error))
    with Pooler(postgres) as running:
        yield running


@pytest.fixture
def url(postgres: Server, pooler: Pooler, request: pytest.FixtureRequest) -> str:
    name = request.node.name[:40]
    postgres.database(name)
    return pooler.url(name)


def desks_on(url: str, **options: Any) -> om.Desks:
    store = SqlStore(url, **{**UNPREPARED, **options})
    return om.Desks(store, plugins=[ScriptedPlugin(("chat",))], discover=False, builtin=False)


def test_a_client_gets_another_connection_with_each_transaction(pooler: Pooler) -> None:
    """What the other tests rest on."""
    pooler.url("postgres")
    seen = []
    with pooler.connect() as connection:
        for _ in range(3 * CONNECTIONS):
            (row,) = connection.execute("SELECT pg_backend_pid()").fetchall()
            connection.commit()
            seen.append(row[0])
    assert len(set(seen)) == CONNECTIONS
    assert all(one != next_ for one, next_ in itertools.pairwise(seen))


@pytest.mark.req("R1", "R16")
def test_many_threads_share_a_few_connections_and_lose_nothing(url: str) -> None:
    with desks_on(url) as desks, desks_on(url) as others:
        desks.create(CONFIG)
        for agent in ("ana", "bob"):
            desks["acme"].set_available(agent)

        def visit(number: int) -> None:
            desk = (desks, others)[number % 2]["acme"]
            item = an_inbound(key=f"k{number}", sender=Sender(addresses=(f"addr-{number}",)))
            chat = desk.receive("main", item).conversations[0]
            holder = desk.conversation(chat.id).agent
            if holder is not None:
                desk.reply(chat.id, "Hi", by=holder, key=f"hi-{number}")
                desk.end(chat.id, by=holder)
            desk.tick()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(visit, range(60)))
        desk = desks["acme"]
        while open_ones := list(desk.conversations(states=(om.State.ACTIVE,))):
            for chat in open_ones:
                desk.end(chat.id, by=str(chat.agent))
        changes = list(desk.changes())
        assert [each.position for each in changes] == list(range(1, len(changes) + 1))
        assert desk.counts(states=tuple(om.State)) == {"ended": 60}
        assert [each.load for each in desk.staff.list()] == [0, 0]
    report = check(url)
    assert not report.found, report


def test_the_async_face_works_there_as_well(url: str) -> None:
    async def story() -> list[str]:
        async with desks_on(url).aio as desks:
            desk = await desks.create(CONFIG)
            await desk.set_available("ana")
            items = [
                an_inbound(key=f"k{n}", sender=Sender(addresses=(f"addr-{n}",))) for n in range(12)
            ]
            await asyncio.gather(*(desk.receive("main", each) for each in items))
            page = await desk.conversations()
            return [each.agent or "nobody" for each in page]

    held = asyncio.run(story())
    assert sorted(held) == ["ana", "ana", *["nobody"] * 10]


@pytest.mark.req("P19")
def test_a_watcher_that_hears_nothing_looks_by_itself(url: str) -> None:
    """LISTEN is a connection's own, and nobody keeps one here: watching polls, and loses nothing."""
    with desks_on(url, notify=True) as desks, desks_on(url, notify=True) as others:
        desks.create(CONFIG)
        watched = others["acme"].watch(after=1, poll="50ms")
        desks["acme"].receive("main", an_inbound())
        names = [type(next(watched).event).__name__ for _ in range(4)]
        assert names == ["AgentSaved", "AgentSaved", "Opened", "MessageReceived"]


PREPARED: dict[str, Any] = {"connect_args": {"prepare_threshold": 0}}


def test_what_was_prepared_on_another_connection_is_prepared_anew(url: str) -> None:
    """It costs tries, and no statement is ever taken for another's."""
    with desks_on(url) as desks:
        desks.create(CONFIG)
    with desks_on(url, **PREPARED) as desks, desks_on(url, **PREPARED) as others:
        for number in range(50):
            desk = (desks, others)[number % 2]["acme"]
            desk.receive("main", an_inbound(key=f"k{number}"))
        (chat,) = desks["acme"].conversations()
        assert len(desks["acme"].messages(chat.id, limit=100)) == 50
    report = check(url)
    assert not report.found, report


def test_what_an_event_loop_prepared_is_an_error_that_says_what_to_do(url: str) -> None:
    with desks_on(url) as desks:
        desks.create(CONFIG)

    async def visits() -> None:
        async with desks_on(url, **PREPARED).aio as desks:
            for number in range(50):
                await desks["acme"].receive("main", an_inbound(key=f"k{number}"))

    with pytest.raises(om.StoreError, match="prepare_threshold"):
        asyncio.run(visits())
