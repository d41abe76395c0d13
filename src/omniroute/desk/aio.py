"""The async face: the same names over the same methods, without blocking the event loop.

Nothing is written twice: every method here is the sync one, carried by a `Carrier`. Stores that can
speak asynchronously bring their own carrier (`AsyncCapable`); for any other, `in_threads` runs the
method in a worker thread.

What blocks on something else than the store runs in a thread: a provider's HTTP, and a host's
synchronous connection (`within`). A host's async connection or session carries the call itself.

Cancellation never leaves half-done work and never hides a result: a call that has begun is always
waited for; it commits whole or not at all, and only then is the cancellation let through.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping
from datetime import datetime, timedelta
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, runtime_checkable

from omniroute.config.edits import Edits
from omniroute.desk.acting import Acting
from omniroute.desk.contacts import Contacts
from omniroute.desk.desk import POLL, Desk
from omniroute.desk.desks import Desks
from omniroute.desk.drafts import Draft
from omniroute.desk.numbers import Numbers
from omniroute.desk.pausing import EVERY, bounds, sleeper
from omniroute.desk.team import Staff
from omniroute.desk.views import Change
from omniroute.desk.watch import Stop, watch_async
from omniroute.errors import Problem
from omniroute.model.desk_config import DeskConfig
from omniroute.model.values import frozen
from omniroute.ports import Store

__all__ = [
    "AsyncActing",
    "AsyncCapable",
    "AsyncContacts",
    "AsyncDesk",
    "AsyncDesks",
    "AsyncDraft",
    "AsyncNumbers",
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
    """A store whose synchronous `transact` can be driven by the event loop itself.

    One that is bound to a thread brings `carry_blocking` beside it, for calls that also wait for
    something else; for any other store these run in a thread of their own.
    """

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


@frozen
class _Carriers:
    """How calls are carried: those that wait for the store alone, and those that block otherwise."""

    store: Carrier
    threads: Carrier

    def within(self, connection: Any) -> Carrier:
        """Return the carrier for calls on a host's connection: its own, where it brings one."""
        if connection is None:
            return self.store
        run_sync = getattr(connection, "run_sync", None)
        if run_sync is None:
            return self.threads
        return lambda call: run_sync(lambda _: call())


def _carriers(store: Store) -> _Carriers:
    carrier = store.carry if isinstance(store, AsyncCapable) else in_threads
    return _Carriers(carrier, getattr(store, "carry_blocking", in_threads))


def _session_here(connection: Any) -> Any:
    """Return what a scoped session of SQLAlchemy's stands for in this task: elsewhere it is another."""
    registry = getattr(connection, "registry", None)
    return registry() if callable(registry) and hasattr(connection, "remove") else connection


class _Lifted:
    """What every async object has: the sync one behind it, and how its calls are carried."""

    def __init__(self, sync: Any, carriers: _Carriers) -> None:
        self.sync = sync
        self._carriers = carriers

    async def _carry(self, call: Callable[[], T]) -> T:
        return await _to_its_end(self._carriers.store, call)

    def __repr__(self) -> str:
        return f"Async{self.sync!r}"


def _lift(
    method: Callable[Concatenate[S, P], T], *, blocking: bool = False
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return the async twin of a sync method: same name, same arguments, same documentation."""

    async def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if "within" in kwargs:
            kwargs["within"] = _session_here(kwargs["within"])
        call = functools.partial(method, self.sync, *args, **kwargs)
        carriers: _Carriers = self._carriers
        carrier = carriers.threads if blocking else carriers.within(kwargs.get("within"))
        return await _to_its_end(carrier, call)

    functools.update_wrapper(twin, method)
    return twin


class AsyncStaff(_Lifted):
    """`Staff`, awaited."""

    put = _lift(Staff.put)
    change = _lift(Staff.change)
    remove = _lift(Staff.remove)
    follow = _lift(Staff.follow)
    history = _lift(Staff.history)
    set_available = _lift(Staff.set_available)
    get = _lift(Staff.get)
    list = _lift(Staff.list)


class AsyncContacts(_Lifted):
    """`Contacts`, awaited."""

    get = _lift(Contacts.get)
    find = _lift(Contacts.find)
    linked = _lift(Contacts.linked)
    search = _lift(Contacts.search)
    link = _lift(Contacts.link)
    merge = _lift(Contacts.merge)


class AsyncNumbers(_Lifted):
    """`Numbers`, awaited."""

    list = _lift(Numbers.list)
    request_code = _lift(Numbers.request_code, blocking=True)
    confirm = _lift(Numbers.confirm)


class AsyncActing(_Lifted):
    """`Acting`, awaited."""

    start = _lift(Acting.start)
    engage = _lift(Acting.engage)
    take = _lift(Acting.take)
    offers = _lift(Acting.offers)
    accept_offer = _lift(Acting.accept_offer)
    decline_offer = _lift(Acting.decline_offer)
    take_next = _lift(Acting.take_next)
    reply = _lift(Acting.reply)
    snooze = _lift(Acting.snooze)
    wake = _lift(Acting.wake)
    reopen = _lift(Acting.reopen)
    dismiss = _lift(Acting.dismiss)
    wrapped_up = _lift(Acting.wrapped_up)
    heartbeat = _lift(Acting.heartbeat)
    transfer = _lift(Acting.transfer)
    end = _lift(Acting.end)
    note = _lift(Acting.note)
    tag = _lift(Acting.tag)
    describe = _lift(Acting.describe)
    mark_read = _lift(Acting.mark_read)
    set_available = _lift(Acting.set_available)


class AsyncDraft(Edits):
    """`Draft`, awaited: edits are plain calls, what asks the store is awaited.

    `await desk.configure(by=…)` begins one, `async with desk.configure(by=…) as draft` saves it too.
    """

    def __init__(self, draft: Draft, carriers: _Carriers) -> None:
        super().__init__(draft.staged, draft.registry)
        self.sync = draft
        self._carriers = carriers

    @property
    def base(self) -> int:
        """The version that the draft goes out from."""
        return self.sync.base

    async def problems(self) -> tuple[Problem, ...]:
        """Return everything that keeps the draft from being saved now (`Draft.problems`)."""
        return await self._carry(self.sync.problems)

    async def save(self, *, now: datetime | None = None) -> int:
        """Save the draft as a new version, whole or not at all (`Draft.save`)."""
        return await self._carry(lambda: self.sync.save(now=now))

    async def rebase(self) -> tuple[str, ...]:
        """Join the draft with what was saved since it began (`Draft.rebase`)."""
        return await self._carry(self.sync.rebase)

    async def discard(self) -> None:
        """Forget every edit, and begin at the version in force now."""
        await self._carry(self.sync.discard)

    async def _carry(self, call: Callable[[], T]) -> T:
        try:
            return await _to_its_end(self._carriers.store, call)
        finally:
            self._staged = self.sync.staged


class _Configuring:
    """A draft on its way: awaited, or the context manager that saves it at the end of the block."""

    def __init__(self, begin: Callable[[], Awaitable[AsyncDraft]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, None, AsyncDraft]:
        return self._begin().__await__()

    async def __aenter__(self) -> AsyncDraft:
        self._draft = await self._begin()
        return self._draft

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self._draft.save()


class AsyncDesk(_Lifted):
    """`Desk`, awaited: the same methods with the same arguments and rules."""

    sync: Desk

    def __init__(self, desk: Desk, carriers: _Carriers) -> None:
        super().__init__(desk, carriers)
        self.id = desk.id
        self.staff = AsyncStaff(desk.staff, carriers)
        self.contacts = AsyncContacts(desk.contacts, carriers)
        self.numbers = AsyncNumbers(desk.numbers, carriers)

    def acting_as(self, agent: str) -> AsyncActing:
        """Return this desk with `by=agent` filled in for every command."""
        return AsyncActing(self.sync.acting_as(agent), self._carriers)

    entry_points = _lift(Desk.entry_points)
    queues = _lift(Desk.queues)
    place_in_line = _lift(Desk.place_in_line)
    apply = _lift(Desk.apply)
    rollback = _lift(Desk.rollback)
    rollback_problems = _lift(Desk.rollback_problems)
    history = _lift(Desk.history)
    version = _lift(Desk.version)
    compare = _lift(Desk.compare)
    receive = _lift(Desk.receive)
    accept = _lift(Desk.accept)
    refused_items = _lift(Desk.refused_items)
    reroute = _lift(Desk.reroute)
    handshake = _lift(Desk.handshake)
    close = _lift(Desk.close)
    change_page = _lift(Desk.change_page)
    start = _lift(Desk.start)
    engage = _lift(Desk.engage)
    engagements = _lift(Desk.engagements)
    read_marker = _lift(Desk.read_marker)
    take = _lift(Desk.take)
    offers = _lift(Desk.offers)
    accept_offer = _lift(Desk.accept_offer)
    decline_offer = _lift(Desk.decline_offer)
    take_next = _lift(Desk.take_next)
    reply = _lift(Desk.reply)
    snooze = _lift(Desk.snooze)
    wake = _lift(Desk.wake)
    reopen = _lift(Desk.reopen)
    dismiss = _lift(Desk.dismiss)
    wrapped_up = _lift(Desk.wrapped_up)
    heartbeat = _lift(Desk.heartbeat)
    transfer = _lift(Desk.transfer)
    end = _lift(Desk.end)
    note = _lift(Desk.note)
    tag = _lift(Desk.tag)
    describe = _lift(Desk.describe)
    mark_read = _lift(Desk.mark_read)
    set_available = _lift(Desk.set_available)
    tick = _lift(Desk.tick)
    hours = _lift(Desk.hours)
    next_due = _lift(Desk.next_due)
    next_delivery = _lift(Desk.next_delivery)
    deliver = _lift(Desk.deliver, blocking=True)
    waiting_to_send = _lift(Desk.waiting_to_send)
    dead_letters = _lift(Desk.dead_letters)
    redrive = _lift(Desk.redrive)
    conversation = _lift(Desk.conversation)
    conversations = _lift(Desk.conversations)
    overdue = _lift(Desk.overdue)
    at_risk = _lift(Desk.at_risk)
    service_level = _lift(Desk.service_level)
    response_breaches = _lift(Desk.response_breaches)
    messages = _lift(Desk.messages)
    counts = _lift(Desk.counts)
    preview = _lift(Desk.preview)
    explain = _lift(Desk.explain)
    candidates = _lift(Desk.candidates)
    timeline = _lift(Desk.timeline)

    def configure(self, *, by: str | None = None) -> _Configuring:
        """Return a draft, to be awaited or entered with `async with` (`Desk.configure`)."""

        async def begin() -> AsyncDraft:
            draft = await self._carry(lambda: self.sync.configure(by=by))
            return AsyncDraft(draft, self._carriers)

        return _Configuring(begin)

    async def config(self) -> DeskConfig:
        """Return the configuration in force."""
        return await self._carry(lambda: self.sync.config)

    async def changes(self, after: int = 0, *, limit: int | None = None) -> AsyncIterator[Change]:
        """Yield committed events beyond a position, in order and without gaps (P19)."""
        position, left = after, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = await self._carry(functools.partial(self.sync.change_page, position, size))
            for change in page:
                position = change.position
                yield change
            if len(page) < size:
                return
            left = None if left is None else left - len(page)

    async def run(
        self,
        *,
        stop: Callable[[], bool] | None = None,
        until: datetime | None = None,
        every: str | timedelta = EVERY,
    ) -> int:
        """Tick and deliver as things come due, sleeping on the desk's clock (`Desk.run`).

        Cancelling it ends it between two rounds.
        """
        clock, fired = sleeper(self.sync._runtime.clock), 0  # noqa: SLF001  (one object)
        longest, end = bounds(every, until)
        while stop is None or not stop():
            fired += await self.tick()
            await self.deliver()
            pause = await self._carry(lambda: self.sync._pause(longest, end))  # noqa: SLF001
            if pause is None:
                break
            await asyncio.to_thread(clock.sleep, pause)
        return fired

    def watch(
        self, after: int = 0, *, poll: str | timedelta = POLL, stop: Stop | None = None
    ) -> AsyncIterator[Change]:
        """Yield committed events beyond a position as they come (`Desk.watch`)."""
        return watch_async(self._store, self.id, self.change_page, after, poll, stop)

    @property
    def _store(self) -> Store:
        return self.sync._runtime.store  # noqa: SLF001  (one object with two faces)


class AsyncDesks(_Lifted):
    """`Desks`, awaited. `desks.aio["acme"]` needs no await: it opens nothing."""

    sync: Desks

    def __init__(self, desks: Desks) -> None:
        super().__init__(desks, _carriers(desks.store))

    def __getitem__(self, desk: str) -> AsyncDesk:
        """Return a desk by id. Whether the store has it, the first call tells (`UnknownDesk`)."""
        return AsyncDesk(self.sync.desk(desk), self._carriers)

    async def create(
        self, config: DeskConfig | str | PathLike[str] | Mapping[str, Any]
    ) -> AsyncDesk:
        """Seed a new desk (`Desks.create`)."""
        desk = await self._carry(lambda: self.sync.create(config))
        return AsyncDesk(desk, self._carriers)

    ids = _lift(Desks.ids)
    find = _lift(Desks.find)
    targets = _lift(Desks.targets)
    handshake = _lift(Desks.handshake)
    vouching = _lift(Desks.vouching)
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
