"""The async face: the same names over the same methods, without blocking the event loop.

Nothing is written twice: every method here is the sync one, carried by a `Carrier`. Stores that can
speak asynchronously bring their own carrier (`AsyncCapable`); for any other, `in_threads` runs the
method in a worker thread.

Cancellation never leaves half-done work and never hides a result: a call that has begun is always
waited for; it commits whole or not at all, and only then is the cancellation let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, runtime_checkable

from omniroute.desk.acting import Acting
from omniroute.desk.contacts import Contacts
from omniroute.desk.desk import Desk
from omniroute.desk.desks import Desks
from omniroute.desk.team import Staff
from omniroute.desk.views import Change
from omniroute.model.desk_config import DeskConfig

__all__ = [
    "AsyncActing",
    "AsyncCapable",
    "AsyncContacts",
    "AsyncDesk",
    "AsyncDesks",
    "AsyncStaff",
    "Carrier",
    "in_threads",
]

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")

_PAGE = 500


class Carrier(Protocol):
    """Runs a synchronous call without blocking the event loop, and gives its result."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]:
        """Run `call` to its end."""
        ...


@runtime_checkable
class AsyncCapable(Protocol):
    """A store whose synchronous `transact` can be driven by the event loop itself."""

    def carry(self, call: Callable[[], T], /) -> Awaitable[T]:
        """Run `call`, in which this store's transactions await the database instead of blocking."""
        ...


async def in_threads(call: Callable[[], T], /) -> T:
    """Run a call in a worker thread: the carrier for stores that know nothing of event loops."""
    return await asyncio.to_thread(call)


async def _to_its_end(carrier: Carrier, call: Callable[[], T]) -> T:
    """Carry a call; when the caller is cancelled, wait for its end before passing that on."""
    running = asyncio.ensure_future(_carried(carrier, call))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((running,))
        if not running.cancelled():
            running.exception()  # looked at, so that it is not reported as forgotten
        raise


async def _carried(carrier: Carrier, call: Callable[[], T]) -> T:
    return await carrier(call)


class _Lifted:
    """What every async object has: the sync one behind it, and how its calls are carried."""

    def __init__(self, sync: Any, carrier: Carrier) -> None:
        self.sync = sync
        self._carrier = carrier

    def __repr__(self) -> str:
        return f"Async{self.sync!r}"


def _lift(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return the async twin of a sync method: same name, same arguments, same documentation."""

    async def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        call = functools.partial(method, self.sync, *args, **kwargs)
        return await _to_its_end(self._carrier, call)

    functools.update_wrapper(twin, method)
    return twin


class AsyncStaff(_Lifted):
    """`Staff`, awaited."""

    put = _lift(Staff.put)
    set_available = _lift(Staff.set_available)
    get = _lift(Staff.get)
    list = _lift(Staff.list)


class AsyncContacts(_Lifted):
    """`Contacts`, awaited."""

    get = _lift(Contacts.get)
    find = _lift(Contacts.find)
    linked = _lift(Contacts.linked)
    link = _lift(Contacts.link)


class AsyncActing(_Lifted):
    """`Acting`, awaited."""

    take = _lift(Acting.take)
    reply = _lift(Acting.reply)
    end = _lift(Acting.end)
    note = _lift(Acting.note)
    tag = _lift(Acting.tag)
    mark_read = _lift(Acting.mark_read)
    set_available = _lift(Acting.set_available)


class AsyncDesk(_Lifted):
    """`Desk`, awaited: the same methods with the same arguments and rules."""

    sync: Desk

    def __init__(self, desk: Desk, carrier: Carrier) -> None:
        super().__init__(desk, carrier)
        self.id = desk.id
        self.staff = AsyncStaff(desk.staff, carrier)
        self.contacts = AsyncContacts(desk.contacts, carrier)

    def acting_as(self, agent: str) -> AsyncActing:
        """Return this desk with `by=agent` filled in for every command."""
        return AsyncActing(self.sync.acting_as(agent), self._carrier)

    entry_points = _lift(Desk.entry_points)
    apply = _lift(Desk.apply)
    receive = _lift(Desk.receive)
    accept = _lift(Desk.accept)
    handshake = _lift(Desk.handshake)
    change_page = _lift(Desk.change_page)
    take = _lift(Desk.take)
    reply = _lift(Desk.reply)
    end = _lift(Desk.end)
    note = _lift(Desk.note)
    tag = _lift(Desk.tag)
    mark_read = _lift(Desk.mark_read)
    set_available = _lift(Desk.set_available)
    tick = _lift(Desk.tick)
    next_due = _lift(Desk.next_due)
    next_delivery = _lift(Desk.next_delivery)
    deliver = _lift(Desk.deliver)
    waiting_to_send = _lift(Desk.waiting_to_send)
    dead_letters = _lift(Desk.dead_letters)
    redrive = _lift(Desk.redrive)
    conversation = _lift(Desk.conversation)
    conversations = _lift(Desk.conversations)
    messages = _lift(Desk.messages)
    counts = _lift(Desk.counts)
    explain = _lift(Desk.explain)

    async def config(self) -> DeskConfig:
        """Return the configuration in force."""
        return await _to_its_end(self._carrier, lambda: self.sync.config)

    async def changes(self, after: int = 0, *, limit: int | None = None) -> AsyncIterator[Change]:
        """Yield committed events beyond a position, in order and without gaps (P19)."""
        position, left = after, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = await _to_its_end(
                self._carrier, functools.partial(_page, self.sync, position, size)
            )
            for change in page:
                position = change.position
                yield change
            if len(page) < size:
                return
            left = None if left is None else left - len(page)


def _page(desk: Desk, after: int, limit: int) -> list[Change]:
    return list(desk.changes(after, limit=limit))


class AsyncDesks(_Lifted):
    """`Desks`, awaited. `desks.aio["acme"]` needs no await: it opens nothing."""

    sync: Desks

    def __init__(self, desks: Desks) -> None:
        store = desks.store
        super().__init__(desks, store.carry if isinstance(store, AsyncCapable) else in_threads)

    def __getitem__(self, desk: str) -> AsyncDesk:
        """Return a desk by id. Whether the store has it, the first call tells (`UnknownDesk`)."""
        return AsyncDesk(self.sync.desk(desk), self._carrier)

    async def create(self, config: DeskConfig | str | PathLike[str]) -> AsyncDesk:
        """Seed a new desk (`Desks.create`)."""
        desk = await _to_its_end(self._carrier, lambda: self.sync.create(config))
        return AsyncDesk(desk, self._carrier)

    ids = _lift(Desks.ids)
    find = _lift(Desks.find)
    targets = _lift(Desks.targets)
    close = _lift(Desks.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
