"""`Desks`: many desks on one store, and the shared parts that they work by (P20)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any

from omniroute.channels.builtin import BuiltinAdapters
from omniroute.channels.transports import HttpxTransport
from omniroute.clock import Clock, SystemClock
from omniroute.closing import Closes
from omniroute.desk.desk import Desk
from omniroute.desk.runtime import Runtime, environment_secret
from omniroute.desk.stumbles import tell_stumble
from omniroute.errors import (
    ConfigDiffers,
    DeskExists,
    PluginError,
    UniqueViolation,
    UnknownDesk,
    UsageError,
)
from omniroute.ids import Draw, IdSource, RandomIds
from omniroute.lazy import later
from omniroute.model.desk_config import DeskConfig
from omniroute.model.records import AddressEntry
from omniroute.model.secret import Secret, SecretRef
from omniroute.model.wire import OutRequest, OutResponse, RawRequest, RawResponse
from omniroute.plugins import Registry
from omniroute.ports import ChannelAdapter, Store, Transport
from omniroute.rules.arguments import blaming
from omniroute.rules.names import shown
from omniroute.rules.storable import key_problem
from omniroute.schema import ADDRESSES, DESKS
from omniroute.stores import open_store

if TYPE_CHECKING:
    from omniroute.config import diff
    from omniroute.desk import aio, checking, configure, inbound, worker
    from omniroute.desk.aio import AsyncDesks
    from omniroute.desk.worker import Worker
else:
    (diff,) = later(globals(), "omniroute.config", "diff")
    aio, checking, configure, inbound, worker = later(
        globals(), "omniroute.desk", "aio", "checking", "configure", "inbound", "worker"
    )

__all__ = ["Desks", "open_desk"]

_DUE = DESKS.index("due_desks")


@blaming
class Desks(Closes):
    """Every desk of one store.

    `store` is a URL or a store; `plugins` are objects with hook implementations, beside those of
    installed packages (`discover=False` leaves these out). `reveal` finds secrets by reference: the
    environment, unless given. Clock, ids and transport are there to be replaced in tests.
    """

    def __init__(
        self,
        store: str | Store,
        *,
        plugins: Iterable[object] = (),
        discover: bool = True,
        builtin: bool = True,
        clock: Clock | None = None,
        ids: IdSource | None = None,
        transport: Transport | None = None,
        reveal: Callable[[SecretRef], Secret] = environment_secret,
    ) -> None:
        _check_part(clock, "clock", "a Clock", "now")
        _check_part(ids, "ids", "an IdSource", "next")
        _check_part(transport, "transport", "a Transport", "perform")
        _check_part(reveal, "reveal", "a function of a reference", "__call__")
        bring: tuple[object, ...] = (BuiltinAdapters(),) if builtin else ()
        self.registry = Registry((*bring, *plugins), discover=discover)
        self._runtime = Runtime(
            store=open_store(store, factories=self.registry.stores()),
            clock=clock or SystemClock(),
            ids=ids or RandomIds(),
            registry=self.registry,
            transport=transport or _LazyTransport(),
            reveal=reveal,
        )

    def create(self, config: DeskConfig | str | PathLike[str] | Mapping[str, Any]) -> Desk:
        """Seed a new desk from a configuration or its file. `DeskExists` when it is there already."""
        config = checking.checked(config, self.registry)
        runtime = self._runtime
        work = configure.create(config, runtime.clock.now(), Draw(runtime.ids))
        self._once_seen(work, (config.desk, *config.entry_points))
        runtime.created(config.desk)
        return Desk(config.desk, runtime)

    def _once_seen(self, work: Callable[[Any], None], wanted: Iterable[str]) -> None:
        """Another process may take the desk's id or an address at this moment: then `work` sees it."""
        for _ in wanted:
            try:
                return self._runtime.store.transact(work)
            except UniqueViolation:
                continue
        return self._runtime.store.transact(work)

    def __getitem__(self, desk: str) -> Desk:
        """Return a stored desk; `UnknownDesk` when there is none of that id."""
        if desk not in self:
            raise UnknownDesk(
                f"no desk {desk!r} in this store", hint="create one with desks.create(config)"
            )
        return Desk(desk, self._runtime)

    def __contains__(self, desk: object) -> bool:
        if not isinstance(desk, str):
            return False
        return self._runtime.read(lambda tx: tx.get(DESKS, desk, ())) is not None

    def find(self, channel: str, address: str) -> tuple[Desk, str] | None:
        """Return whose an address is, as desk and entry point, or None: the address directory."""

        def work(tx: Any) -> AddressEntry | None:
            found: AddressEntry | None = tx.get(ADDRESSES, "", (channel, address))
            return found

        if key_problem(address) is not None:
            return None  # no store could hold it: a stranger may name anything
        entry = self._runtime.read(work)
        return None if entry is None else (Desk(entry.desk, self._runtime), entry.entry_point)

    def desk(self, desk: str) -> Desk:
        """Return a desk by id without asking whether the store has it: its first call tells."""
        return Desk(desk, self._runtime)

    def alone(self, desk: str) -> Desk:
        """Return a desk that closes these desks when it is closed: for whoever wants only the one."""
        return Desk(desk, self._runtime, close=self.close)

    @functools.cached_property
    def aio(self) -> AsyncDesks:
        """The async face of these desks: the same names over the same rules."""
        return aio.AsyncDesks(self)

    @property
    def store(self) -> Store:
        """The store that the desks live on."""
        return self._runtime.store

    def ids(self) -> list[str]:
        """Return the ids of every desk of the store."""
        return self._runtime.read(lambda tx: [desk.id for desk in tx.scan(_DUE, "", limit=100_000)])

    def worker(self, *, wait: Callable[[float], object], every: str | timedelta = "1s") -> Worker:
        """Return a worker for all desks of the store: any number of processes may run one."""
        return worker.Worker(self._runtime, wait=wait, every=every)

    def targets(
        self, request: RawRequest, failures: list[Exception] | None = None
    ) -> list[tuple[Desk, str]]:
        """Return the desks and entry points that a webhook is for: one for each account it concerns.

        Within a desk the entry points of one account share a signature, and `receive` sorts the
        items. What an adapter raises for a webhook that is another's is told in the log
        `omniroute.desk`; where nobody's it is, it is raised: the webhook may be that adapter's own.
        With `failures` it is put there in place of raised: for whoever first looks further.
        """
        found: dict[tuple[str, str | None], tuple[Desk, str]] = {}
        named, failed = self._look(request)
        for kind, error in failed.items():
            tell_stumble(error, "the adapter for %r could not look at a webhook", kind)
        for kind, address in named:
            owner = self.find(kind, address)
            if owner is not None:
                desk, name = owner
                account = desk.config.entry_points[name].account
                found.setdefault((desk.id, account), owner)
        if failures is not None:
            failures.extend(failed.values())
        elif failed and not found:
            raise next(iter(failed.values()))
        return list(found.values())

    def _look(self, request: RawRequest) -> tuple[list[tuple[str, str]], dict[str, Exception]]:
        """Return whom a webhook is for, as kinds and addresses, and why which adapters cannot say."""
        named: list[tuple[str, str]] = []
        failed: dict[str, Exception] = {}
        for kind, adapter in self.registry.kinds().items():
            try:
                named += [(kind, each) for each in _addresses(kind, adapter, request)]
            except Exception as error:  # noqa: BLE001  (its own webhooks alone are lost to it)
                failed[kind] = error
        return named, failed

    def handshake(self, request: RawRequest) -> RawResponse | None:
        """Return the answer of the first entry point that knows a provider's set-up call, or None."""
        for name in self.ids():
            greeting = Desk(name, self._runtime).handshake(None, request)
            if greeting is not None:
                return greeting
        return None

    def vouching(self, request: RawRequest) -> tuple[Desk, str] | None:
        """Return the first desk and entry point for whose account a webhook is signed, or None.

        For a webhook that names no address at all: news of the account itself.
        """
        named, _ = self._look(request)
        if named:
            return None
        for name in self.ids():
            entry_point = inbound.signed_for(self._runtime, name, request)
            if entry_point is not None:
                return Desk(name, self._runtime), entry_point
        return None

    def close(self) -> None:
        """Close the store and the transport."""
        self._runtime.store.close()
        close = getattr(self._runtime.transport, "close", None)
        if close is not None:
            close()


@blaming
def open_desk(
    store: str | Store,
    config: DeskConfig | str | PathLike[str] | Mapping[str, Any],
    **options: Any,
) -> Desk:
    """Open one desk: seed it when the store has none of its id, open it when its configuration is equal.

    The desk is a context manager, and `close` releases what it works with. The staff is not
    compared: it is the store's, one agent at a time (P20).

    Raises `ConfigDiffers` with the differences when the stored configuration is another one:
    applying a change is a decision, not a side effect. `options` are those of `Desks`.
    """
    desks = Desks(store, **options)
    try:
        config = checking.checked(config, desks.registry)
        try:
            desks.create(config)
        except DeskExists:
            _same(desks[config.desk], config)
    except BaseException:
        if isinstance(store, str):
            desks.close()
        raise
    return desks.alone(config.desk)


def _same(desk: Desk, config: DeskConfig) -> None:
    if changed := diff.differences(desk.config, configure.without_staff(config)):
        raise ConfigDiffers(desk.id, changed)


def _addresses(kind: str, adapter: ChannelAdapter, request: RawRequest) -> list[str]:
    """Return whom an adapter says that a webhook is for; `PluginError` for what is no list of texts."""
    said: Any = adapter.addresses(request)
    listed = isinstance(said, Iterable) and not isinstance(said, str | bytes | Mapping)
    named = list(said) if listed else []
    wrong = [each for each in named if not isinstance(each, str)] if listed else [said]
    if wrong:
        raise PluginError(
            f"the adapter for {kind!r} looked at a webhook wrongly",
            expected="a list of addresses, which are texts, from its addresses; [] = not for us",
            got=f"{shown(wrong[0])} {'in it' if listed else 'in its place'}",
            hint="the adapter conformance kit finds such mistakes",
        )
    return named


def _check_part(part: object, where: str, expected: str, method: str) -> None:
    """Raise `UsageError` for what cannot stand in for a part of a desk: told now, not in its first use."""
    made = not isinstance(part, type) or method == "__call__"
    if part is not None and not (made and callable(getattr(part, method, None))):
        raise UsageError(
            "cannot be used",
            where=where,
            expected=expected if method == "__call__" else f"{expected}: an object with {method}()",
            got=shown(part),
        )


class _LazyTransport:
    """The httpx transport, imported with the first request: a desk that sends nothing needs no httpx."""

    def __init__(self) -> None:
        self._transport: HttpxTransport | None = None

    def perform(self, request: OutRequest) -> OutResponse:
        if self._transport is None:
            self._transport = HttpxTransport()
        return self._transport.perform(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
