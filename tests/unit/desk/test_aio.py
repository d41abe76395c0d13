"""The async face: the same names over the same rules."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from omniroute.desk import Desks
from omniroute.desk.acting import Acting
from omniroute.desk.aio import (
    AsyncActing,
    AsyncContacts,
    AsyncDesk,
    AsyncDesks,
    AsyncDraft,
    AsyncNumbers,
    AsyncStaff,
)
from omniroute.desk.contacts import Contacts
from omniroute.desk.desk import Desk
from omniroute.desk.drafts import Draft
from omniroute.desk.numbers import Numbers
from omniroute.desk.team import Staff
from omniroute.errors import UnknownConversation, UnknownDesk, UsageError
from omniroute.model.state import State
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore
from omniroute.testing import a_config, an_inbound
from tests.unit.desk.faces import (
    CONFIG,
    Step,
    asynchronously,
    cancelled_after,
    steps,
    synchronously,
)
from tests.unit.desk.helpers import assert_folds, names

PUSH = a_config(preset="push", agents=("ana",))


def public(cls: type) -> set[str]:
    """The methods of a class and of those it is made of."""
    names = (name for name in dir(cls) if not name.startswith("_"))
    return {name for name in names if callable(getattr(cls, name))}


@pytest.mark.parametrize(
    "sync,lifted",
    [
        (Desks, AsyncDesks),
        (Desk, AsyncDesk),
        (Staff, AsyncStaff),
        (Contacts, AsyncContacts),
        (Numbers, AsyncNumbers),
        (Acting, AsyncActing),
        (Draft, AsyncDraft),
    ],
    ids=lambda each: each.__name__,
)
def test_every_method_has_a_twin_with_the_same_arguments(sync: type, lifted: type) -> None:
    for name in public(sync) & public(lifted) if sync is Desks else public(sync):
        twin, method = getattr(lifted, name), getattr(sync, name)
        asked = list(inspect.signature(method).parameters)
        assert list(inspect.signature(twin).parameters) == asked, name
        assert inspect.getdoc(twin), name


def test_a_conversation_is_led_from_beginning_to_end(play) -> None:
    p = play(PUSH)

    async def story() -> object:
        desk = p.desks.aio["acme"]
        await desk.set_available("ana")
        received = await desk.receive("main", an_inbound())
        chat = received.conversations[0].id
        ana = desk.acting_as("ana")
        await ana.reply(chat, "Hi")
        await desk.deliver()
        return (await ana.end(chat)).state

    assert asyncio.run(story()) is State.ENDED
    assert p.contact("Maria").got == ["Hi"]


def test_the_event_loop_runs_on_while_a_store_works(play) -> None:
    p = play(PUSH)
    seen = threading.Event()
    transact = p.desks.store.transact

    def slow(work):
        assert seen.wait(60), "nothing else ran meanwhile"
        return transact(work)

    p.desks.store.transact = slow

    async def meanwhile() -> None:
        seen.set()

    async def both() -> None:
        await asyncio.gather(p.desks.aio["acme"].conversations(), meanwhile())

    asyncio.run(both())


def test_a_call_that_is_cancelled_is_done_whole_before_it_is_let_go(play) -> None:
    p = play(PUSH)
    before, cancelled_now = names(p), threading.Event()
    transact = p.desks.store.transact

    def slow(work):
        assert cancelled_now.wait(60)
        return transact(work)

    async def cancelled() -> list[str]:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def watched(work):
            loop.call_soon_threadsafe(begun.set)
            return slow(work)

        p.desks.store.transact = watched
        call = asyncio.create_task(p.desks.aio["acme"].set_available("ana"))
        await begun.wait()
        call.cancel()
        cancelled_now.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        return names(p)

    assert asyncio.run(cancelled()) == [*before, "AgentAvailability"]


def test_an_unknown_desk_is_told_by_the_first_call(play) -> None:
    with pytest.raises(UnknownDesk):
        asyncio.run(play(PUSH).desks.aio["other"].conversations())


# --- on each store --------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def url(request, tmp_path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'desk.db'}"


def test_what_desks_offer_is_offered_awaited() -> None:
    """Except what needs no store, and what is a loop of its own."""
    missing = public(Desks) - public(AsyncDesks)
    assert missing == {"alone", "desk", "worker"}


@pytest.mark.req("X2", "P19")
@pytest.mark.parametrize("seed", range(3))
def test_both_faces_give_the_same_event_for_event(play, url, seed: int) -> None:
    one, other = play(CONFIG), play(CONFIG, store=url)
    every = steps(seed, 120)

    async def story() -> tuple[list[Any], list[Any]]:
        given = await asynchronously(other, every)
        told = [change async for change in other.desks.aio["acme"].changes()]
        assert [change async for change in other.desks.aio["acme"].changes(limit=5)] == told[:5]
        return given, told

    given, told = asyncio.run(story())
    assert given == synchronously(one, every)
    assert told == list(one.desk.changes())
    assert len(told) > 20
    assert_folds(other)


@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_cancelled_command_is_done_whole_or_not_at_all(play, url, all_of_it: bool) -> None:
    p = play(CONFIG, store=url)
    p.agent("ana").on()

    async def story() -> dict[str, bool]:
        given = {}
        for number in range(31):
            item = an_inbound(key=f"in-{number}", text="1")
            call = Step("", "receive", ("main", item)).of
            given[item.key] = await cancelled_after(number, p.desks, call, all_of_it=all_of_it)
        return given

    given = asyncio.run(story())
    assert_folds(p)
    positions = [change.position for change in p.desk.changes()]
    assert positions == list(range(1, len(positions) + 1))
    stored = {
        key for key in given if p.desk.receive("main", an_inbound(key=key, text="1")).duplicates
    }
    assert {key for key, gave in given.items() if gave} <= stored
    assert "in-0" not in stored  # it had not begun


def test_many_commands_at_once_are_done_one_after_another(play, url) -> None:
    p = play(CONFIG, store=url)

    async def story() -> None:
        desk = p.desks.aio["acme"]
        calls = [desk.receive("main", an_inbound("1", key=f"in-{n}")) for n in range(40)]
        received = await asyncio.gather(*calls, desk.set_available("ana"))
        assert len({each.items[0].message for each in received[:-1]}) == 40

    asyncio.run(story())
    positions = [change.position for change in p.desk.changes()]
    assert positions == list(range(1, len(positions) + 1))
    assert_folds(p)


def test_one_loop_after_another_and_two_at_once(play, url) -> None:
    p = play(CONFIG, store=url)

    async def told(key: str) -> Any:
        return (await p.desks.aio["acme"].receive("main", an_inbound("1", key=key))).accepted

    assert [asyncio.run(told(key)) for key in ("k1", "k2", "k1")] == [1, 1, 0]
    threads = [threading.Thread(target=lambda n=n: asyncio.run(told(f"t{n}"))) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(p.desk.messages("c_1", limit=99)) >= 5


def test_a_provider_that_is_slow_does_not_hold_up_the_loop(play, url) -> None:
    p = play(PUSH, store=url)
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana")
    seen = threading.Event()

    class Slow:
        def perform(self, request):
            assert seen.wait(60), "nothing else ran meanwhile"
            return p.provider.perform(request)

    p.desks._runtime.transport = Slow()

    async def meanwhile() -> None:
        await asyncio.sleep(0.01)
        seen.set()

    async def both() -> Any:
        sent, _ = await asyncio.gather(p.desks.aio["acme"].deliver(), meanwhile())
        return sent

    assert asyncio.run(both()) == 1
    assert p.contact("Maria").got == ["Hi"]


def test_what_a_command_raises_is_raised(play, url) -> None:
    p = play(PUSH, store=url)

    async def story() -> None:
        desk = p.desks.aio["acme"]
        with pytest.raises(UnknownConversation):
            await desk.end("c_9", by="ana")
        with pytest.raises(UsageError, match="within"):
            await desk.receive("main", an_inbound(), within=object())

    asyncio.run(story())


def test_a_store_may_say_how_its_calls_are_carried() -> None:
    """And how those are that block on something else: a store on thread-bound connections has to."""
    carried: list[str] = []

    class Bound(MemoryStore):
        async def carry(self, call):
            carried.append("store")
            return call()

        async def carry_blocking(self, call):
            carried.append("blocking")
            return call()

    async def story() -> None:
        async with Desks(Bound(), plugins=[], discover=False).aio as desks:
            desk = await desks.create(a_config(entry_points={}, inboxes={}))
            await desk.counts()
            await desk.deliver()
            await desk.tick()

    asyncio.run(story())
    assert carried == ["store", "store", "blocking", "store", "store"]


def test_a_hosts_engine_is_used_from_threads(play, tmp_path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'desk.db'}")
    p = play(PUSH, store=SqlStore(engine))
    assert asyncio.run(p.desks.aio["acme"].receive("main", an_inbound())).accepted == 1
    engine.dispose()
