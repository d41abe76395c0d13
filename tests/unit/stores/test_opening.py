"""SQLite as it is deployed: how files are named and opened, what is told, and forks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from omniroute.errors import CommitUnknown, StoreBusy, StoreError, UsageError
from omniroute.model.records import DeskRecord
from omniroute.schema import DESKS
from omniroute.stores.sql import SqlStore
from omniroute.testing.store_conformance.values import ONE, alone


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    store = SqlStore(f"sqlite:///{path}")
    alone(store).add(DESKS, ONE, [DeskRecord(ONE)])
    yield store
    store.close()


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, made",
    [
        ("two words.db", "two words.db"),
        ("Zürich 客服.db", "Zürich 客服.db"),
        ("one#two.db", "one#two.db"),
        ("what%3F.db", "what?.db"),
        ("100%25.db", "100%.db"),
    ],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: str, made: str) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/{name}")
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    store.close()
    assert [each.name for each in tmp_path.iterdir()] == [made], "and nothing is left beside it"


def test_a_relative_file_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///desk.db")
    alone(store).put(DESKS, ONE, DeskRecord(ONE, position=3))
    monkeypatch.chdir("elsewhere")
    store.engine.dispose()
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=3)
    store.close()


def test_a_relative_file_is_watched_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a store that is made before its process goes elsewhere, and used after."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SqlStore("sqlite:///desk.db")
    monkeypatch.chdir("elsewhere")
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    (tmp_path / "elsewhere" / "desk.db").touch()
    alone(store).put(DESKS, ONE, DeskRecord(ONE, position=1))
    (tmp_path / "desk.db").rename(tmp_path / "moved.db")
    with pytest.raises(StoreError, match="moved or replaced"):
        alone(store).put(DESKS, ONE, DeskRecord(ONE, position=2))
    store.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///file:desks?mode=memory&cache=shared&uri=true"]
)
def test_threads_share_a_database_in_memory(url: str) -> None:
    store = SqlStore(url, connect_args={"timeout": 1})
    with ThreadPoolExecutor(4) as pool:
        for position in range(4):
            record = DeskRecord(ONE, position=position)
            pool.submit(alone(store).put, DESKS, ONE, record).result()
            assert alone(store).get(DESKS, ONE, ()) == record
    store.close()


def test_an_option_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match=r"not the URL of a database; .*'soon'"):
        SqlStore("sqlite:///desk.db?timeout=soon")


# --- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, got, hint",
    [
        ("no/desk.db", "unable to open database file", "see that the folder exists"),
        ("text.db", "file is not a database", "see whether the path is right"),
        ("torn.db", "malformed", "restore a backup"),
    ],
)
def test_a_file_that_cannot_be_opened_says_which_and_what_to_do(
    tmp_path: Path, name: str, got: str, hint: str
) -> None:
    (tmp_path / "text.db").write_text("a letter, and no database at all" * 50)
    whole = SqlStore(f"sqlite:///{tmp_path / 'torn.db'}")
    whole.create_tables()
    whole.close()
    torn = bytearray((tmp_path / "torn.db").read_bytes())
    torn[4096:] = bytes(len(torn) - 4096)
    (tmp_path / "torn.db").write_bytes(torn)
    store = SqlStore(f"sqlite:///{tmp_path / name}")
    with pytest.raises(StoreError, match=f"{name}: the database cannot be opened.*{got}.*{hint}"):
        alone(store).put(DESKS, ONE, DeskRecord(ONE))
    store.close()


def test_a_file_that_cannot_be_written_is_read_and_says_what_to_do(
    store: SqlStore, path: Path
) -> None:
    reader = SqlStore(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert alone(reader).get(DESKS, ONE, ()) == DeskRecord(ONE)
    with pytest.raises(StoreError, match=r"readonly database.*let this user write to the file"):
        alone(reader).put(DESKS, ONE, DeskRecord(ONE, position=1))
    reader.close()


class Full(sqlite3.Connection):
    """A connection whose commit finds no room on the disk, as often as it is told to."""

    times = 0

    def commit(self) -> None:
        if Full.times:
            Full.times -= 1
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        super().commit()


def test_a_commit_that_found_no_room_has_stored_nothing(path: Path) -> None:
    """Nobody has to find out whether it did, and with room it goes on."""
    store = SqlStore(f"sqlite:///{path}", connect_args={"factory": Full})
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    Full.times = 1
    with pytest.raises(StoreError, match=r"disk is full.*make room on the disk") as caught:
        alone(store).put(DESKS, ONE, DeskRecord(ONE, position=1))
    assert not isinstance(caught.value, CommitUnknown | StoreBusy)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE)
    alone(store).put(DESKS, ONE, DeskRecord(ONE, position=2))
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=2)
    store.close()


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ana:secret@127.0.0.1/desk",
        "postgresql+psycopg://ana@127.0.0.1/desk?password=secret",
        "postgresql+psycopg://ana@127.0.0.1/desk?sslpassword=secret&sslkey=me.key",
    ],
)
def test_a_password_never_shows_wherever_it_stands(url: str) -> None:
    store = SqlStore(url)
    assert "secret" not in repr(store)
    assert "127.0.0.1/desk" in repr(store)
    store.close()


# --- after a fork ---------------------------------------------------------------------------------

ANOTHER = 0
"""The id of no process: a store that was opened by it was opened by another one."""


def test_a_forked_process_closes_nothing_of_its_parents(store: SqlStore) -> None:
    with store.engine.connect() as connection:
        parents = connection.connection.driver_connection
    closed: list[str] = []
    store._listener = SimpleNamespace(close=lambda: closed.append("listener"))  # type: ignore[assignment]
    store._process = ANOTHER
    store.close()
    assert closed == []
    assert parents is not None
    assert parents.execute("SELECT 1").fetchone() == (1,)


def test_a_forked_process_watches_for_itself(store: SqlStore) -> None:
    """Its parent's thread is not there, and a lock of its parent's may be held for ever."""
    parents = store._preparing
    store._process = ANOTHER
    store.subscribe(ONE, lambda: None)()
    assert store._preparing is not parents


def test_no_thread_goes_on_in_a_forked_process_before_all_is_its_own(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(store.engine, "dispose", lambda **_: seen.append(store._process))
    store._process = ANOTHER
    alone(store).get(DESKS, ONE, ())
    assert seen == [ANOTHER]
    monkeypatch.undo()


# --- a file that is taken away --------------------------------------------------------------------


TAKEN_AWAY = r"moved or replaced while it was open \(stop every process, put the file back"


def test_a_file_that_is_deleted_takes_no_more_commands(store: SqlStore, path: Path) -> None:
    """What was stored there would be gone with the process; and no empty file is made in its place."""
    aside = path.rename(path.with_name("aside.db"))
    with pytest.raises(StoreError, match=TAKEN_AWAY):
        alone(store).put(DESKS, ONE, DeskRecord(ONE, position=1))
    assert not path.exists()
    aside.rename(path)
    alone(store).put(DESKS, ONE, DeskRecord(ONE, position=2))
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=2)


def test_a_file_that_is_replaced_is_not_written_to(
    store: SqlStore, path: Path, tmp_path: Path
) -> None:
    """By no connection: the old one's -wal lies beside it, and would be mixed in."""
    backup = SqlStore(f"sqlite:///{tmp_path / 'backup.db'}")
    alone(backup).add(DESKS, ONE, [DeskRecord(ONE, position=7)])
    backup.close()
    (tmp_path / "backup.db").replace(path)
    with pytest.raises(StoreError, match=TAKEN_AWAY):
        alone(store).put(DESKS, ONE, DeskRecord(ONE, position=1))
    with store.engine.connect(), pytest.raises(StoreError, match=TAKEN_AWAY):
        alone(store).put(DESKS, ONE, DeskRecord(ONE, position=1))


def test_who_waited_in_vain_is_told_what_for(store: SqlStore, path: Path) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    waiting = SqlStore(f"sqlite:///{path}?timeout=0", sleep=lambda _: None)
    with pytest.raises(StoreBusy, match=r"database is locked \(one process at a time writes"):
        alone(waiting).put(DESKS, ONE, DeskRecord(ONE, position=1))
    waiting.close()
    writer.close()
