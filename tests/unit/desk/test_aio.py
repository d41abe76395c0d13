"""The async face: the same names over the same rules."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from omniroute.desk.acting import Acting
from omniroute.desk.aio import AsyncActing, AsyncContacts, AsyncDesk, AsyncStaff
from omniroute.desk.contacts import Contacts
from omniroute.desk.desk import Desk
from omniroute.desk.team import Staff
from omniroute.errors import UnknownDesk
from omniroute.model.state import State
from omniroute.testing import a_config, an_inbound
from tests.unit.desk.helpers import names

PUSH = a_config(preset="push", agents=("ana",))


def public(cls: type) -> set[str]:
    return {name for name, each in vars(cls).items() if not name.startswith("_") and callable(each)}


@pytest.mark.parametrize(
    "sync,lifted",
    [(Desk, AsyncDesk), (Staff, AsyncStaff), (Contacts, AsyncContacts), (Acting, AsyncActing)],
)
def test_every_method_has_a_twin_with_the_same_arguments(sync: type, lifted: type) -> None:
    for name in public(sync):
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
        assert seen.wait(10), "nothing else ran meanwhile"
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
        assert cancelled_now.wait(10)
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
