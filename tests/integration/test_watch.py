"""Watching a desk: in order, without gaps, from another thread or process, with hints and without."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import omniroute as om
from omniroute.errors import UsageError
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore, listening
from omniroute.testing import a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from tests.rigs.postgres import Server, wait_for

LONG = timedelta(seconds=600)  # a hint comes sooner, or the test is too slow to pass
SHORT = timedelta(milliseconds=20)
PATIENCE = 60.0


OPTIONS: dict[str, Any] = {"discover": False, "plugins": [ScriptedPlugin(("chat",))]}

Open = Callable[..., om.Store]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which store."""
    kind: str = request.param
    return kind


@pytest.fixture
def opened(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open a store on the same data again and again, as other processes would."""
    made: list[om.Store] = []
    memory = MemoryStore()
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("empty_database")

    def open_(**options: Any) -> om.Store:
        store: om.Store = memory if kind == "memory" else SqlStore(url, **options)
        made.append(store)
        return store

    yield open_
    for each in made:
        each.close()


def desk_on(store: om.Store) -> om.Desk:
    """The desk on a store, made by the first."""
    return om.open_desk(store, a_config(), **OPTIONS)


def message(desk: om.Desk, number: int) -> None:
    """One message of one contact: some events."""
    sender = om.Sender(addresses=(f"addr-{number % 5}",))
    desk.receive("main", an_inbound(key=f"m{number}", sender=sender))


class Watching:
    """A watcher in a thread."""

    def __init__(self, desk: om.Desk, **options: Any) -> None:
        self.seen: list[om.Change] = []
        self.error: BaseException | None = None
        self._enough = threading.Event()
        self._options = options
        self._desk = desk
        self._thread = threading.Thread(target=self._watch, daemon=True)  # a deaf one never ends
        self._thread.start()

    def _watch(self) -> None:
        try:
            for change in self._desk.watch(stop=self._enough.is_set, **self._options):
                self.seen.append(change)
        except BaseException as error:  # noqa: BLE001  (shown by the test)
            self.error = error

    def wait_for(self, position: int) -> None:
        """Wait until a change was seen."""
        wait_for(lambda: self.seen and self.seen[-1].position >= position, "seen", PATIENCE)

    def end(self) -> None:
        """Stop the watcher and wait for its end."""
        self._enough.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self.error is None


def last(desk: om.Desk) -> int:
    return max((change.position for change in desk.changes()), default=0)


def assert_whole(watching: Watching, desk: om.Desk) -> None:
    """In order, without gaps, nothing twice: exactly the log."""
    assert watching.seen == list(desk.changes())
    positions = [each.position for each in watching.seen]
    assert positions == list(range(1, len(positions) + 1))


@pytest.mark.req("P19")
def test_a_watcher_sees_what_another_thread_commits_in_order(opened: Open) -> None:
    """By polling alone: another store commits, of which this one hears nothing."""
    desk = desk_on(opened())
    message(desk, 0)
    watching = Watching(desk, poll=SHORT)
    other = desk_on(opened())

    def write(start: int) -> None:
        for number in range(5):
            message(other, start + number)

    threads = [threading.Thread(target=write, args=(start,)) for start in (100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watching.wait_for(last(other))
    watching.end()
    assert_whole(watching, other)


def test_a_commit_in_this_process_wakes_the_watcher_at_once(opened: Open) -> None:
    desk = desk_on(opened())
    message(desk, 0)
    watching = Watching(desk, poll=LONG)
    watching.wait_for(last(desk))
    for number in (1, 2, 3):
        message(desk, number)
        watching.wait_for(last(desk))
    watching._enough.set()
    message(desk, 4)  # wakes it to its end
    watching.end()


def test_nothing_is_left_of_a_watcher_that_ends(opened: Open) -> None:
    store: Any = opened()
    desk = desk_on(store)
    message(desk, 0)
    changes = desk.watch(poll=LONG)
    assert next(changes).position == 1
    assert store._hints
    changes.close()  # type: ignore[attr-defined]
    assert not store._hints


def test_a_watch_goes_on_from_a_position_and_stops_between_changes(opened: Open) -> None:
    desk = desk_on(opened())
    for number in range(3):
        message(desk, number)
    stopping = iter([False, False, False, True])
    found = [each.position for each in desk.watch(2, stop=lambda: next(stopping))]
    assert found == [3, 4]


@pytest.mark.parametrize("poll", [timedelta(0), "soon"])
def test_what_is_no_duration_is_refused(poll: Any) -> None:
    with om.Desks(MemoryStore(), **OPTIONS) as desks, pytest.raises(UsageError, match="poll"):
        next(desks.create(a_config()).watch(poll=poll))


# --- NOTIFY ---------------------------------------------------------------------------------------


@pytest.fixture
def url(empty_database: str) -> str:
    return empty_database


def stores(url: str, count: int, **options: Any) -> list[SqlStore]:
    return [SqlStore(url, **options) for _ in range(count)]


def test_another_process_is_heard_through_the_database(url: str) -> None:
    here, there = stores(url, 2, notify=True)
    watched, other = desk_on(here), desk_on(there)
    watching = Watching(watched, poll=LONG)
    for number in range(5):
        message(other, number)
        watching.wait_for(last(other))
    watching._enough.set()
    message(other, 9)
    watching.end()
    for each in (here, there):
        each.close()


def database_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def listeners(server: Server, url: str) -> list[int]:
    name = database_of(url)
    asked = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'LISTEN%'"
    return [pid for (pid,) in server.execute(asked)]


def test_a_watcher_whose_connection_is_killed_goes_on(postgres: Server, url: str) -> None:
    """By polling at once, and by hints again when there is another connection."""
    here, there = stores(url, 2, notify=True)
    watched, other = desk_on(here), desk_on(there)
    watching = Watching(watched, poll=SHORT)
    wait_for(lambda: listeners(postgres, url), "it listens")
    (before,) = listeners(postgres, url)
    for number in range(6):
        if number == 2:
            postgres.execute(f"SELECT pg_terminate_backend({before})")
        message(other, number)
        watching.wait_for(last(other))
    wait_for(lambda: set(listeners(postgres, url)) - {before}, "it listens again")
    watching.end()
    assert_whole(watching, other)
    for each in (here, there):
        each.close()
    wait_for(lambda: not listeners(postgres, url), "nobody listens any more")


def test_a_watcher_that_cannot_listen_polls(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler, where LISTEN is heard by nobody."""
    monkeypatch.setattr(listening.Listener, "_listen", lambda self: self._closing.wait())
    here, there = stores(url, 2, notify=True)
    watched, other = desk_on(here), desk_on(there)
    watching = Watching(watched, poll=SHORT)
    for number in range(3):
        message(other, number)
    watching.wait_for(last(other))
    watching.end()
    assert_whole(watching, other)
    for each in (here, there):
        each.close()


def test_without_notify_nothing_is_announced_and_nobody_listens(postgres: Server, url: str) -> None:
    (store,) = stores(url, 1)
    desk = desk_on(store)
    name = database_of(url)
    dsn = postgres.dsn.replace("dbname=postgres", f"dbname={name}")
    with psycopg.connect(dsn, autocommit=True) as ear:
        ear.execute(f"LISTEN {listening.CHANNEL}")
        watching = Watching(desk, poll=SHORT)
        message(desk, 1)
        watching.wait_for(last(desk))
        watching.end()
        assert store._listener is None
        ear.execute("SELECT 1")
        assert ear.pgconn.notifies() is None
        loud = SqlStore(url, notify=True)
        message(desk_on(loud), 2)
        (heard,) = list(ear.notifies(timeout=PATIENCE, stop_after=1))
        assert (heard.channel, heard.payload) == (listening.CHANNEL, desk.id)
        desk_on(loud).conversations()
        assert list(ear.notifies(timeout=0.05)) == [], "reading is no news"
        loud.close()
    store.close()


# --- async ----------------------------------------------------------------------------------------


@pytest.mark.req("P19")
def test_the_async_watch_is_the_same(opened: Open) -> None:
    """It is woken by its own process's commits, polls for others', and does not block the loop."""
    store = opened()
    desks = om.Desks(store, **OPTIONS)
    desk = desks.create(a_config())
    other = desk_on(opened())

    async def watch(poll: timedelta, act: Callable[[int], None]) -> list[int]:
        seen: list[int] = []
        start = last(desk)
        stopped = False

        async def look() -> None:
            async for change in desks.aio[desk.id].watch(start, poll=poll, stop=lambda: stopped):
                seen.append(change.position)  # noqa: PERF401  (looked at meanwhile)

        watcher = asyncio.ensure_future(look())
        await asyncio.sleep(0.05)
        for number in range(3):
            await asyncio.to_thread(act, start + number)
            wanted = await asyncio.to_thread(last, desk)
            async with asyncio.timeout(PATIENCE):
                while not seen or seen[-1] < wanted:  # noqa: ASYNC110  (as a host would look)
                    await asyncio.sleep(0.005)
        stopped = True
        watcher.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watcher
        assert seen == list(range(start + 1, wanted + 1))
        return seen

    async def everything() -> None:
        await watch(LONG, lambda number: message(desk, 1000 + number))
        await watch(SHORT, lambda number: message(other, 2000 + number))
        await desks.aio.close()

    asyncio.run(everything())
