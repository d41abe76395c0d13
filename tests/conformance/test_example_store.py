"""The example backend: a journal in a file, held to the kit; and to what a crash leaves of a file."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import omniroute as om
from omniroute.model.contact import Contact
from omniroute.ports import Store, Transaction
from omniroute.schema import CONTACTS
from omniroute.testing import a_config, play
from omniroute.testing.store_conformance import DurableStoreConformance
from omniroute.testing.store_conformance.values import alone, put_all
from tests.conftest import ROOT, example
from tests.unit.desk.helpers import assert_folds

EXAMPLE = ROOT / "examples" / "journal_store.py"
ONE = "desk-one"


def opened(path: Path) -> Any:
    return example("journal_store").JournalStore(path)


class TestJournal(DurableStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        self.path = tmp_path / "desk.journal"
        store = opened(self.path)
        yield store
        store.close()

    def reopen(self) -> Store:
        return opened(self.path)  # type: ignore[no-any-return]


def test_it_stays_an_example() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 250


def test_a_url_of_its_scheme_opens_it_and_a_desk_lives_on(tmp_path: Path) -> None:
    url, plugins = f"journal://{tmp_path}/desk.journal", [example("journal_store").JournalPlugin()]
    config = a_config(preset="push", agents=("ana",))
    with play(config, store=opened(tmp_path / "desk.journal")) as p:
        p.agent("ana").on()
        chat = p.contact("Maria").writes("Hello")
        p.agent("ana").replies(chat, "Hi")
        assert_folds(p)
        before = list(p.desk.changes())
    with om.Desks(url, plugins=plugins) as desks:
        assert type(desks.store).__name__ == "JournalStore"
        assert list(desks["acme"].changes()) == before
        assert desks["acme"].conversation(chat.id).agent == "ana"


# --- crashes --------------------------------------------------------------------------------------


def names(path: Path) -> list[str]:
    store = opened(path)
    found = alone(store).scan(CONTACTS.index("contact_addresses"), ONE, limit=99)
    store.close()
    return [each.id for each in found]


def written(path: Path, *keys: str) -> list[int]:
    """Write a contact in a transaction each; return the file's sizes after each."""
    store, sizes = opened(path), [path.stat().st_size]
    for key in keys:
        put_all(store, ONE, CONTACTS, [Contact(key, (("chat", key),), name="x" * 20)])
        sizes.append(path.stat().st_size)
    store.close()
    return sizes


def test_wherever_a_crash_cuts_the_last_frame_the_others_are_whole(tmp_path: Path) -> None:
    path, cut = tmp_path / "whole", tmp_path / "cut"
    sizes = written(path, "k1", "k2", "k3")
    data = path.read_bytes()
    for end in range(sizes[2], sizes[3]):
        cut.write_bytes(data[:end])
        assert names(cut) == ["k1", "k2"], end
        cut.write_bytes(data[:end] + b"\0" * (sizes[3] - end))
        assert names(cut) == ["k1", "k2"], end
    written(cut, "k4")
    assert names(cut) == ["k1", "k2", "k4"]
    for end in range(sizes[0]):
        cut.write_bytes(data[:end])
        assert names(cut) == []


def test_a_damaged_file_is_not_read_as_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / "desk.journal"
    sizes = written(path, "k1", "k2", "k3")
    data = bytearray(path.read_bytes())
    data[sizes[1] + 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(om.StoreError, match="damaged"):
        names(path)
    path.write_bytes(b"something else entirely")
    with pytest.raises(om.StoreError, match="not a journal"):
        names(path)


def test_a_disk_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "desk.journal"
    store = opened(path)
    put_all(store, ONE, CONTACTS, [Contact("k1", (("chat", "k1"),))])
    write = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        return write(file, data[:10], at)

    def broken(file: int, data: bytes, at: int) -> int:
        raise OSError(5, "Input/output error")

    for failing, match in ((full, "disk is full"), (broken, "Input/output error")):
        monkeypatch.setattr(os, "pwrite", failing)
        with pytest.raises(om.StoreError, match=match):
            put_all(store, ONE, CONTACTS, [Contact("k2", (("chat", "k2"),))])
        monkeypatch.undo()
        assert alone(store).get(CONTACTS, ONE, ("k2",)) is None
        assert names(path) == ["k1"]
    monkeypatch.setattr(os, "fsync", lambda _: broken(0, b"", 0))
    with pytest.raises(om.CommitUnknown):
        put_all(store, ONE, CONTACTS, [Contact("k3", (("chat", "k3"),))])
    monkeypatch.undo()
    put_all(store, ONE, CONTACTS, [Contact("k4", (("chat", "k4"),))])
    assert names(path)[-1] == "k4"
    store.close()


# --- several processes ----------------------------------------------------------------------------


def _count(path: Path, key: str, times: int) -> None:
    """Add one to a counter, in a transaction each."""
    store = opened(path)

    def more(tx: Transaction) -> None:
        found = tx.get(CONTACTS, ONE, (key,))
        number = 0 if found is None else int(found.name or 0)
        tx.put(CONTACTS, ONE, Contact(key, (), name=str(number + 1)))

    for _ in range(times):
        store.transact(more)
    store.close()


def test_processes_share_a_file_and_lose_no_update(tmp_path: Path) -> None:
    path = tmp_path / "desk.journal"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(path, "k", 20)) for _ in range(2)]
    for worker in workers:
        worker.start()
    _count(path, "k", 20)
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    store = opened(path)
    assert alone(store).get(CONTACTS, ONE, ("k",)) == Contact("k", (), name="60")
    store.close()
