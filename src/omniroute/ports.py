"""What omniroute asks of the outside: stores, channel adapters, transports.

The Transaction is small on purpose: `omniroute.schema` declares what is stored and by what it is
found, and these few verbs serve every declaration. No domain rule lives behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from omniroute.model.wire import (
    Attachment,
    Capabilities,
    Outgoing,
    OutRequest,
    OutResponse,
    ParseResult,
    RawRequest,
    RawResponse,
    SendContext,
    SendResult,
)
from omniroute.schema import Collection, Index, Key

__all__ = [
    "ADAPTER_API",
    "AdapterRegistry",
    "ChannelAdapter",
    "FetchSteps",
    "ForeseeingTransaction",
    "HintingStore",
    "JoiningStore",
    "SendSteps",
    "Store",
    "Transaction",
    "Transport",
]

T = TypeVar("T")
V = TypeVar("V")

ADAPTER_API = 1
"""The version of the `ChannelAdapter` interface that this omniroute speaks."""

SendSteps = Generator[OutRequest, OutResponse, SendResult]
FetchSteps = Generator[OutRequest, OutResponse, bytes]


class Transaction(Protocol):
    """One transaction on the store. Every verb is led by the desk's id (R12).

    Values are the frozen attrs objects that the collection declares; keys are tuples as its `key`
    function returns them. A transaction reads its own writes. Nothing is visible to others before
    the commit, and nothing remains when `work` raises.
    """

    def lock(self, desk: str) -> None:
        """Lock the desk's row until the end of the transaction; `UnknownDesk` when there is none.

        Every command locks first, so that the desk's transactions happen one after another.
        """
        ...

    def get(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        """Return the value under `key`, or None."""
        ...

    def put(self, collection: Collection[V], desk: str, value: V) -> None:
        """Write a value, new or not, and every index entry that follows from it.

        Raises `UniqueViolation` where a unique index already has its entry under another key: now,
        or as late as at the commit. The transaction cannot go on after it.
        """
        ...

    def add(self, collection: Collection[V], desk: str, values: Iterable[V]) -> None:
        """Write values known to be new (log entries, messages), without looking for older ones.

        Raises `UniqueViolation`, as `put` does, where there is one under the same key.
        """
        ...

    def delete(self, collection: Collection[V], desk: str, key: Key) -> bool:
        """Remove the value under `key`; return whether there was one."""
        ...

    def scan(
        self,
        index: Index[V],
        desk: str,
        prefix: Key = (),
        *,
        after: Key | None = None,
        until: Key | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[V]:
        """Return values in the index's order, at most `limit`.

        `prefix` fixes leading fields of the entries. `after` and `until` are bounds on the fields
        that follow it, compared with as many fields as they have: entries strictly beyond those
        that start with `after`, in the scan's direction, up to and including those that start with
        `until`. An index that crosses desks is scanned whole, whatever `desk` says.
        """
        ...

    def entries(
        self,
        index: Index[V],
        desk: str,
        prefix: Key = (),
        *,
        after: Key | None = None,
        until: Key | None = None,
        limit: int,
        reverse: bool = False,
    ) -> list[Key]:
        """Return index entries (all fields, then the key) as `scan` does, without loading values.

        In an index that crosses desks the desk's id stands between the fields and the key.
        """
        ...

    def heads(self, index: Index[V], desk: str, prefixes: Sequence[Key]) -> list[Key]:
        """Return the first entry under each prefix that has one, in the order of `prefixes`."""
        ...

    def count(self, index: Index[V], desk: str, prefix: Key = ()) -> int:
        """Return how many entries the index has under `prefix`."""
        ...

    def lease(self, index: Index[V], desk: str, *, now: int, until: int, limit: int) -> list[V]:
        """Take up to `limit` values whose first index field is at or before `now`, in order.

        Only the first entry of each of the index's lanes can be taken. The index declares how a
        value becomes a leased one (`Index.lease`); it is written back so, and becomes free again by
        itself at `until`. Two transactions never take the same value.
        """
        ...


class ForeseeingTransaction(Transaction, Protocol):
    """One that can be told ahead what will be read, for where reading together costs less.

    A hint: a store that has no such methods reads when it is asked, and so does one that has them
    where it was told nothing. What is told comes along when the store is asked for something next,
    and counts as read then; told before `lock`, after the lock is had.
    """

    @property
    def foresees(self) -> bool:
        """Whether telling is of use."""
        ...

    def expect(self, collection: Collection[V], desk: str, key: Key) -> None:
        """Let the value under `key` come along."""
        ...

    def expect_heads(self, index: Index[V], desk: str, prefixes: Sequence[Key]) -> None:
        """Let the answer to `heads` come along, where nothing is written before it is asked for."""
        ...

    def expect_list(
        self, index: Index[V], desk: str, prefix: Key, *, limit: int, whole: bool
    ) -> None:
        """Let the answer to `scan`, with `whole` values, or to `entries` come along in the same way."""
        ...

    def last_known(self, collection: Collection[V], desk: str, key: Key) -> V | None:
        """Return what was last seen under a key, by whatever transaction, or None.

        To guess by, and for nothing else: it may have changed since, or never have been committed.
        """
        ...


class Store(Protocol):
    """Where desks live. One store serves many desks."""

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction, commit, and return its result.

        When a race is lost (a serialization failure, a deadlock) `work` runs again from the start;
        it must not keep anything from a failed try. Raises `StoreError` for the store's own
        failures and lets everything that `work` raises through, rolled back.
        """
        ...

    def close(self) -> None:
        """Release connections and files. A closed store raises `StoreError`."""
        ...


@runtime_checkable
class JoiningStore(Protocol):
    """A store that can work inside a transaction of the host's own, where it keeps its tables."""

    def transact_within(self, connection: object, work: Callable[[Transaction], T]) -> T:
        """Run `work` once on a host's connection, in one savepoint; the host commits or rolls back.

        Never begins, commits, rolls back or retries what is the host's. A lost race raises
        `HostTransactionLost`: the host runs its block again.
        """
        ...


@runtime_checkable
class HintingStore(Protocol):
    """A store that can tell when a desk's log may have grown. Watchers of any other store poll."""

    def subscribe(self, desk: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake`, from any thread, when the desk's log may have grown; return what ends it.

        A hint and no more: it may come twice, late, for nothing or not at all. Nothing is decided
        by it.
        """
        ...


class ChannelAdapter(Protocol):
    """Turns a provider's bytes into messages and messages into requests. Does no I/O.

    `Settings` is an attrs class whose fields are filled by name from the account's and the entry
    point's configuration: `address` is the entry point's own; a field annotated `Secret` takes a
    secret. `kind`, `api` and `Settings` are read alone: plain attributes of the class do.
    """

    @property
    def kind(self) -> str:
        """The channel kind that configurations name."""
        ...

    @property
    def api(self) -> int:
        """The version of this interface that it was written for: `ADAPTER_API`."""
        ...

    @property
    def Settings(self) -> type:  # noqa: N802  (it stands for a class)
        """The class of its settings."""
        ...

    def capabilities(self, settings: Any) -> Capabilities:
        """Return what the channel can carry."""
        ...

    def addresses(self, request: RawRequest) -> list[str]:
        """Return whom a webhook is for: addresses of entry points, unverified. [] = not for us."""
        ...

    def handshake(self, request: RawRequest, settings: Any) -> RawResponse | None:
        """Answer the provider's set-up call; None when the request is none or its token is wrong."""
        ...

    def verify(self, request: RawRequest, settings: Any, now: int) -> None:
        """Raise `SignatureInvalid` unless the raw bytes are the provider's."""
        ...

    def parse(self, request: RawRequest, settings: Any) -> ParseResult:
        """Return every item of the webhook; `PayloadError` only when nothing of it can be read."""
        ...

    def send(self, message: Outgoing, context: SendContext, settings: Any) -> SendSteps:
        """Yield requests, receive responses, return how it went.

        Raises `UnsupportedContent` before the first request for what the channel cannot carry.
        """
        ...

    def fetch(self, media: Attachment, settings: Any) -> FetchSteps:
        """Yield requests, receive responses, return the attachment's bytes."""
        ...


class Transport(Protocol):
    """Carries requests to providers. Never raises for the network: says so in the response."""

    def perform(self, request: OutRequest) -> OutResponse:
        """Carry one request out and return the answer, or why there is none."""
        ...


class AdapterRegistry(Protocol):
    """The adapters that a process has, by channel kind."""

    def adapter(self, kind: str) -> ChannelAdapter | None:
        """Return the adapter of a channel kind, or None."""
        ...

    def kinds(self) -> Mapping[str, ChannelAdapter]:
        """Return every adapter by its kind."""
        ...
