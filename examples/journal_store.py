"""A storage backend that is not SQL: one file, to which each transaction is appended.

    om.Desks("journal:///var/lib/desk.journal", plugins=[JournalPlugin()])

A transaction is one frame: its length, a checksum, and what it wrote. It is committed when the frame
is on the disk. Whoever opens the file replays it into memory, where everything is read; a frame that
a crash cut short was never committed, and the next writer cuts it off. Processes may share a file:
each reads what others have appended, and one writes at a time, under a lock that ends with its
process (`flock`, so POSIX only). The file only grows: for thousands of conversations, not millions.
It holds to `omniroute.testing.store_conformance`, as every store does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import omniroute as om
from omniroute.codec import decode, encode
from omniroute.ports import Transaction
from omniroute.schema import COLLECTIONS, Collection, Index, Key

T = TypeVar("T")

_MAGIC = b"omniroute journal 1\n"
_HEAD = struct.Struct(">II")  # a frame's length and checksum; its text follows
_BY_NAME = {collection.name: collection for collection in COLLECTIONS}

Change = tuple[str, str, int | None, Any]
"""Collection, desk, and a value's version and text; for a removal None and the key."""


class JournalStore:
    """Desks in one append-only file. Safe to use from many threads and processes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._tables = om.MemoryStore()
        self._mutex = threading.RLock()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._closed = False
        self._end = len(_MAGIC)  # of what has been replayed
        try:
            self._begin_file()
            self._catch_up()
        except BaseException:
            self.close()
            raise

    # --- transactions ---

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, append what it wrote, and return its result."""
        with self._mutex:
            try:
                return self._once(work, writing=False)
            except _Overtaken:
                return self._once(work, writing=True)  # with the lock from the beginning

    def _once(self, work: Callable[[Transaction], T], *, writing: bool) -> T:
        with contextlib.ExitStack() as held:
            if self._closed:
                raise om.StoreError("the journal is closed", hint="make a new JournalStore")
            if writing:
                held.enter_context(self._locked())
            self._catch_up()

            def recorded(tables: Transaction) -> T:
                tx: Any = _Recording(tables, None if writing else lambda: self._lock_out(held))
                result = work(tx)
                if changes := tx.settle():
                    self._append(changes)
                return result

            return self._tables.transact(recorded)

    def _lock_out(self, held: contextlib.ExitStack) -> None:
        """Take the lock, at the first write; start over where somebody else wrote in between."""
        held.enter_context(self._locked())
        if os.fstat(self._file).st_size != self._end:
            raise _Overtaken

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    # --- the file ---

    def _begin_file(self) -> None:
        with self._locked():
            found = os.pread(self._file, len(_MAGIC), 0)
            if not _MAGIC.startswith(found):
                raise om.StoreError("not a journal", where=str(self._path))
            if found != _MAGIC:  # new, or its maker crashed
                os.pwrite(self._file, _MAGIC, 0)
                os.fsync(self._file)
                folder = os.open(self._path.parent, os.O_RDONLY)
                os.fsync(folder)  # or the file itself could be gone
                os.close(folder)

    def _catch_up(self) -> None:
        """Replay what was appended since; stop before a frame that is not whole (yet)."""
        if os.fstat(self._file).st_size > self._end:
            self._tables.transact(self._replay)

    def _replay(self, tables: Transaction) -> None:
        data = _read(self._file, self._end)
        at = 0
        while (frame := _frame(data, at, self._path)) is not None:
            for name, desk, version, body in json.loads(frame):
                collection = _BY_NAME[name]
                if version is None:
                    tables.delete(collection, desk, tuple(body))
                else:
                    tables.put(collection, desk, decode(collection, version, body))
            at += _HEAD.size + len(frame)
        self._end += at

    def _append(self, changes: Iterable[Change]) -> None:
        text = json.dumps(list(changes), separators=(",", ":")).encode()
        frame = _HEAD.pack(len(text), zlib.crc32(text)) + text
        try:
            os.ftruncate(self._file, self._end)  # what a crash left behind it
            if os.pwrite(self._file, frame, self._end) != len(frame):
                raise om.StoreError("the disk is full", where=str(self._path))
        except OSError as error:
            raise om.StoreError("the journal cannot be written", got=str(error)) from error
        try:
            os.fsync(self._file)
        except OSError as error:
            raise om.CommitUnknown("the disk did not say that it has it", got=str(error)) from error
        self._end += len(frame)

    def close(self) -> None:
        """Close the file; later calls raise `StoreError`."""
        with self._mutex:
            if not self._closed:
                self._closed = True
                os.close(self._file)
                self._tables.close()


class _Overtaken(BaseException):
    """Somebody else wrote since this transaction began. No `Exception`: no `work` may swallow it."""


def _read(file: int, start: int) -> bytes:
    parts = []
    while part := os.pread(file, 1 << 20, start):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _frame(data: bytes, at: int, path: Path) -> bytes | None:
    """Return the text of the frame at a place, or None where none is whole."""
    if len(data) < at + _HEAD.size:
        return None
    length, checksum = _HEAD.unpack_from(data, at)
    text = data[at + _HEAD.size :][:length]
    if length and len(text) == length and zlib.crc32(text) == checksum:
        return text
    if length and len(data) > at + _HEAD.size + length:
        raise om.StoreError("the journal is damaged", where=str(path))
    return None  # the last one, and a crash cut it short: zeros, or less than its length


class _Recording:
    """A transaction on the tables in memory that keeps what is written."""

    def __init__(self, tables: Transaction, before_writing: Callable[[], None] | None) -> None:
        self._tables = tables
        self._before_writing = before_writing
        self._changes: list[Change] = []
        self._violation: om.UniqueViolation | None = None

    def __getattr__(self, verb: str) -> Any:  # get, scan, entries, heads, count
        return getattr(self._tables, verb)

    def settle(self) -> list[Change]:
        """Return what was written; raise what went wrong, even where `work` swallowed it."""
        if self._violation is not None:
            raise self._violation
        return self._changes

    def _note(self, collection: Collection[Any], desk: str, value: Any) -> None:
        text = encode(collection, value)
        self._changes.append((collection.name, desk, collection.version, text))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        if self._before_writing is not None:
            self._before_writing()
            self._before_writing = None
        try:
            yield
        except om.UniqueViolation as error:
            self._violation = error
            raise

    def lock(self, desk: str) -> None:
        with self._writing():
            self._tables.lock(desk)

    def put(self, collection: Collection[Any], desk: str, value: Any) -> None:
        with self._writing():
            self._tables.put(collection, desk, value)
            self._note(collection, desk, value)

    def add(self, collection: Collection[Any], desk: str, values: Iterable[Any]) -> None:
        for value in values:
            with self._writing():
                self._tables.add(collection, desk, (value,))
                self._note(collection, desk, value)

    def delete(self, collection: Collection[Any], desk: str, key: Key) -> bool:
        with self._writing():
            self._changes.append((collection.name, desk, None, key))
            return self._tables.delete(collection, desk, key)

    def lease(self, index: Index[Any], desk: str, **bounds: int) -> list[Any]:
        with self._writing():
            taken = self._tables.lease(index, desk, **bounds)
            for value in taken:  # across desks it is desks that are leased
                self._note(index.collection, desk if index.desk_led else value.id, value)
            return taken


class JournalPlugin:
    """Brings the scheme `journal`. A package names its plugin under the entry point `omniroute`."""

    @om.hookimpl
    def omniroute_stores(self) -> dict[str, Callable[[str], JournalStore]]:
        """Return what opens a URL of each scheme."""
        return {"journal": lambda url: JournalStore(url.removeprefix("journal://"))}
