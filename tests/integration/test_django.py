"""A Django project: migrations, desks on its connections, its transactions, views and tests."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
import types
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve
from django.db import DEFAULT_DB_ALIAS, connections, transaction

import omniroute as om
from omniroute.contrib.django import DjangoStore, webhook_view
from omniroute.contrib.django.testing import desk_play, forget_desks
from omniroute.errors import (
    CommitUnknown,
    HostTransactionLost,
    StoreBusy,
    StoreError,
    UnknownConversation,
    UsageError,
)
from omniroute.model.contact import Contact
from omniroute.model.records import DeskRecord
from omniroute.ports import Store, Transaction
from omniroute.schema import CONTACTS, CONVERSATIONS, DESKS
from omniroute.stores.sql import SqlStore
from omniroute.stores.sql.versions import REVISIONS
from omniroute.testing import Play, a_config, an_inbound, play
from omniroute.testing.scripted import ScriptedPlugin
from omniroute.testing.standin import WebhookBuilder
from omniroute.testing.store_conformance import DurableStoreConformance
from omniroute.testing.store_conformance.reading import Reading
from omniroute.testing.store_conformance.values import alone, put_all
from tests.integration.django_project import ALIASES, URLS, configure, run
from tests.integration.hosts import plain

CONFIG = a_config(preset="push", agents=("ana", "bob"))


@pytest.fixture(scope="session", autouse=True)
def project(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    configure(tmp_path_factory.mktemp("django"), postgres.database("project"))


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leave the databases empty, and nothing open."""
    yield
    for alias in ALIASES:
        if connections[alias].in_atomic_block or not connections[alias].get_autocommit():
            connections[alias].close()
            pytest.fail("a transaction was left open")
        forget_desks(alias)
        run(alias, "DELETE FROM host_rows")
        for each in (alias, f"{alias}_again"):
            connections[each].close()


@pytest.fixture(params=ALIASES)
def alias(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def p(alias: str) -> Iterator[Play]:
    with play(CONFIG, store=DjangoStore(alias)) as p:
        p.agent("ana").on()
        yield p


def writes(alias: str, what: str) -> None:
    run(alias, f"INSERT INTO host_rows VALUES ('{what}')")


def rows(alias: str) -> list[str]:
    return sorted(row[0] for row in run(alias, "SELECT what FROM host_rows"))


def texts(p: Play) -> list[str]:
    chats = p.desk.conversations(states=list(om.State))
    return [each.text or "" for chat in chats for each in p.desk.messages(chat.id)]


@contextlib.contextmanager
def taken_back(alias: str) -> Iterator[None]:
    """A block of the host's that fails in the end."""
    with contextlib.suppress(LookupError), transaction.atomic(using=alias):
        yield
        raise LookupError


def desks_of_another_process(alias: str) -> om.Desks:
    store = DjangoStore(alias)
    return om.Desks(store, plugins=[ScriptedPlugin(("chat",))], discover=False, builtin=False)


def seen_by_others(alias: str) -> list[str]:
    """The ids of conversations that another connection sees."""
    index = CONVERSATIONS.index("open_thread")
    found = alone(DjangoStore(f"{alias}_again")).entries(index, "acme", limit=99)
    return [entry[-1] for entry in found]


# --- migrations -----------------------------------------------------------------------------------


def shape(url: str) -> dict[str, Any]:
    """Tables, columns, keys and indexes of ours, as the database tells them."""
    engine = sa.create_engine(url)
    look = sa.inspect(engine)
    names = [each for each in look.get_table_names() if each.startswith("omniroute_")]
    found = {
        name: (
            [
                (each["name"], str(each["type"]), each["nullable"])
                for each in look.get_columns(name)
            ],
            look.get_pk_constraint(name)["constrained_columns"],
            sorted(
                (each["name"], each["column_names"], each["unique"])
                for each in look.get_indexes(name)
            ),
        )
        for name in names
        if name != "omniroute_version"
    }
    engine.dispose()
    return found


def manage(*args: Any, **options: Any) -> str:
    from django.core.management import call_command

    out = io.StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def test_migrations_make_the_tables_that_the_store_makes(
    alias: str, postgres: Any, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}" if alias == "default" else postgres.database("own")
    store = SqlStore(url)
    store.create_tables()
    store.close()
    assert shape(URLS[alias]) == shape(url)


def test_migrations_can_be_taken_back_and_run_again(alias: str) -> None:
    before = shape(URLS[alias])
    manage("migrate", "omniroute", "zero", database=alias, verbosity=0)
    assert shape(URLS[alias]) == {}
    with pytest.raises(StoreError, match=r"manage\.py migrate"):
        om.Desks(DjangoStore(alias)).ids()
    manage("migrate", "omniroute", database=alias, verbosity=0)
    assert shape(URLS[alias]) == before


def test_there_is_a_migration_for_each_revision_and_no_model_to_make_one_for(alias: str) -> None:
    shown = manage("showmigrations", "omniroute", database=alias)
    assert shown.count("[X]") == len(REVISIONS)
    assert "No changes" in manage("makemigrations", "--check", "--dry-run")
    statements = manage("sqlmigrate", "omniroute", "0001", database=alias)
    assert statements.count("CREATE TABLE omniroute_") == len(shape(URLS[alias]))
    assert "Tables of omniroute, revision 0001" in statements
    backwards = manage("sqlmigrate", "omniroute", "0001", database=alias, backwards=True)
    assert backwards.count("DROP TABLE omniroute_") == len(shape(URLS[alias]))


def test_a_store_of_its_own_works_on_what_was_migrated(alias: str) -> None:
    """As `omniroute worker URL` does, beside the project."""
    with play(CONFIG, store=DjangoStore(alias)) as p:
        p.contact("Maria").writes("Hello")
        with om.Desks(URLS[alias]) as desks:
            assert [each.id for each in desks["acme"].conversations()] == ["c_1"]


def test_a_database_that_omniroute_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match="expected postgresql or sqlite, got unknown"):
        om.Desks(DjangoStore("other")).ids()


# --- transactions ---------------------------------------------------------------------------------


def test_each_command_is_a_transaction_of_its_own(p: Play, alias: str) -> None:
    chat = p.contact("Maria").writes("Hello")
    assert seen_by_others(alias) == [chat.id]
    with pytest.raises(UnknownConversation):
        p.desk.end("c_99", by="ana")
    assert not connections[alias].in_atomic_block


@pytest.mark.parametrize("within", [False, True])
def test_an_atomic_block_is_joined_and_both_are_stored(p: Play, alias: str, within: bool) -> None:
    """By itself, and where the host says so."""
    options = {"within": connections[alias]} if within else {}
    with transaction.atomic(using=alias):
        writes(alias, "before")
        chat = p.desk.receive("main", an_inbound(), **options).conversations[0]
        p.desk.reply(chat.id, "Hi", by="ana", **options)
        writes(alias, chat.id)
        assert seen_by_others(alias) == []
    assert (rows(alias), texts(p)) == (["before", chat.id], ["Hello", "Hi"])


def test_what_the_block_takes_back_is_taken_back_on_both_sides(p: Play, alias: str) -> None:
    before = [change.position for change in p.desk.changes()]
    with taken_back(alias):
        writes(alias, "before")
        p.desk.receive("main", an_inbound())
        writes(alias, "after")
    assert (rows(alias), texts(p)) == ([], [])
    assert [change.position for change in p.desk.changes()] == before


def test_blocks_in_blocks(p: Play, alias: str) -> None:
    with transaction.atomic(using=alias):
        p.desk.receive("main", an_inbound("kept", key="k1"))
        with taken_back(alias):
            writes(alias, "lost")
            p.desk.receive("main", an_inbound("lost", key="k2"))
        with transaction.atomic(using=alias):
            writes(alias, "kept")
            p.desk.receive("main", an_inbound("kept too", key="k3"))
    assert (rows(alias), texts(p)) == (["kept"], ["kept", "kept too"])


def test_a_version_taken_back_is_not_worked_by_when_its_number_comes_again(
    p: Play, alias: str
) -> None:
    one, two = (evolve(p.desk.config, zone=zone) for zone in ("Europe/Berlin", "Asia/Tokyo"))
    with taken_back(alias):
        p.desk.apply(one)
        p.contact("maria").writes("here, by the version that is not to last")
        assert p.desk.config.zone == "Europe/Berlin"
    assert p.desk.config.zone not in (one.zone, two.zone)
    with transaction.atomic(using=alias):
        p.desk.apply(two)
        assert p.desk.config.zone == "Asia/Tokyo"
    assert p.desk.config.zone == "Asia/Tokyo"


def test_a_desk_taken_back_is_not_remembered_when_its_name_comes_again(p: Play, alias: str) -> None:
    one, two = (evolve(p.desk.config, zone=zone) for zone in ("Europe/Berlin", "Asia/Tokyo"))
    forget_desks(alias)
    with taken_back(alias):
        assert p.desks.create(one).config.zone == "Europe/Berlin"
    with desks_of_another_process(alias) as another:
        another.create(two)
    assert p.desk.config.zone == "Asia/Tokyo"


def test_an_error_of_ours_does_not_spoil_the_hosts_block(p: Play, alias: str) -> None:
    def doubled(tx: Transaction) -> None:
        for key in ("k1", "k2"):
            tx.put(CONTACTS, "acme", Contact(key, (("chat", "one"),)))

    with transaction.atomic(using=alias):
        writes(alias, "before")
        with pytest.raises(UnknownConversation):
            p.desk.end("c_99", by="ana")
        with pytest.raises(om.UniqueViolation):
            p.desks.store.transact(doubled)
        writes(alias, "after")
        p.desk.receive("main", an_inbound())
    assert (rows(alias), texts(p)) == (["after", "before"], ["Hello"])


def test_messages_go_out_after_the_commit(p: Play, alias: str) -> None:
    chat = p.contact("Maria").writes("Hello")
    with transaction.atomic(using=alias):
        p.desk.reply(chat.id, "Hi", by="ana")
        transaction.on_commit(lambda: [p.desk.deliver()], using=alias)
        assert p.contact("Maria").got == []
    assert p.contact("Maria").got == ["Hi"]


def test_a_block_that_is_broken_is_not_worked_in(p: Play, alias: str) -> None:
    with transaction.atomic(using=alias):
        transaction.set_rollback(True, using=alias)
        with pytest.raises(UsageError, match="atomic block is broken"):
            p.desk.receive("main", an_inbound())
    assert texts(p) == []


def test_without_autocommit_the_host_commits(p: Play, alias: str) -> None:
    transaction.set_autocommit(False, using=alias)
    try:
        p.desk.receive("main", an_inbound("lost", key="k1"))
        transaction.rollback(using=alias)
        writes(alias, "kept")
        p.desk.receive("main", an_inbound("kept", key="k2"))
        transaction.commit(using=alias)
    finally:
        transaction.set_autocommit(True, using=alias)
    assert (rows(alias), texts(p)) == (["kept"], ["kept"])


def test_a_desk_elsewhere_can_join_a_block_of_django(alias: str) -> None:
    """A `SqlStore` on the same database, beside Django's connection."""
    connection = connections[alias]
    with play(CONFIG, store=URLS[alias]) as p:
        with pytest.raises(UsageError, match="no transaction to join"):
            p.desk.receive("main", an_inbound(), within=connection)
        with transaction.atomic(using=alias):
            p.desk.receive("main", an_inbound(), within=connection)
            transaction.set_rollback(True, using=alias)
        assert texts(p) == []
        wrong = connections["default" if alias == "postgres" else "postgres"]
        with (
            transaction.atomic(using=wrong.alias),
            pytest.raises(UsageError, match="another kind of database"),
        ):
            p.desk.receive("main", an_inbound(), within=wrong)


# --- races, and connections that break ------------------------------------------------------------


def _overtaken(store: Store, other: Store, runs: list[Any]) -> Any:
    """Work that finds, the first time, that a row which it read is not there any more."""

    def work(tx: Transaction) -> None:
        runs.append(tx.get(CONTACTS, "acme", ("k1",)))
        if len(runs) == 1:
            alone(other).delete(CONTACTS, "acme", ("k1",))
        tx.put(CONTACTS, "acme", Contact("k1", (), name="again"))

    return work


def test_a_race_that_is_lost_is_run_again(p: Play, alias: str) -> None:
    store, other = DjangoStore(alias), DjangoStore(f"{alias}_again")
    runs: list[Any] = []
    put_all(store, "acme", CONTACTS, [Contact("k1", ())])
    store.transact(_overtaken(store, other, runs))
    assert runs == [Contact("k1", ()), None]
    assert alone(store).get(CONTACTS, "acme", ("k1",)) == Contact("k1", (), name="again")


def test_a_race_that_is_lost_in_a_block_is_the_hosts_to_run_again(p: Play, alias: str) -> None:
    """And even who swallows the error commits nothing of it."""
    store, other = DjangoStore(alias), DjangoStore(f"{alias}_again")
    put_all(store, "acme", CONTACTS, [Contact("k1", ())])
    with transaction.atomic(using=alias):
        rows(alias)  # the block begins by reading
        with pytest.raises(HostTransactionLost):
            store.transact(_overtaken(store, other, []))
        assert transaction.get_rollback(using=alias)
    assert alone(store).get(CONTACTS, "acme", ("k1",)) is None


def test_a_writer_that_never_ends_makes_the_store_busy(alias: str) -> None:
    """In the end: each try waits, and there are so many of them."""
    pauses: list[float] = []
    connection = connections["default"]
    store = DjangoStore("default", retries=2, sleep=pauses.append)
    put_all(store, "acme", DESKS, [DeskRecord("acme")])
    run("default", "PRAGMA busy_timeout = 1")
    with transaction.atomic(using="default_again"):
        run("default_again", "INSERT INTO host_rows VALUES ('held')")
        with pytest.raises(StoreBusy, match="gave up after 3 tries"):
            alone(store).lock("acme")
        transaction.set_rollback(True, using="default_again")
    assert len(pauses) == 2
    connection.close()


def test_a_connection_that_broke_is_replaced_between_blocks_and_lost_inside_one() -> None:
    store = DjangoStore("postgres")
    put_all(store, "acme", DESKS, [DeskRecord("acme")])

    def broken(runs: list[None]) -> Any:
        def work(tx: Transaction) -> None:
            tx.lock("acme")
            runs.append(None)
            if len(runs) == 1:
                with psycopg.connect(plain(URLS["postgres"]), autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            tx.put(DESKS, "acme", DeskRecord("acme", position=len(runs)))

        return work

    store.transact(broken([]))
    assert alone(store).get(DESKS, "acme", ()) == DeskRecord("acme", position=2)
    with pytest.raises(HostTransactionLost), transaction.atomic(using="postgres"):
        store.transact(broken([]))
    assert alone(store).get(DESKS, "acme", ()) == DeskRecord("acme", position=2)


def test_a_commit_whose_answer_never_came_is_not_told_as_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, commit = DjangoStore("postgres"), psycopg.Connection.commit
    put_all(store, "acme", DESKS, [DeskRecord("acme")])

    def cut(self: Any) -> None:
        commit(self)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(psycopg.Connection, "commit", cut)
    with pytest.raises(CommitUnknown, match="idempotency key"):
        put_all(store, "acme", DESKS, [DeskRecord("acme", position=1)])
    monkeypatch.undo()
    assert alone(store).get(DESKS, "acme", ()) == DeskRecord("acme", position=1)


def test_a_server_that_is_not_there() -> None:
    config = {**connections["postgres"].settings_dict, "PORT": "1"}
    connections.databases["nowhere"] = config
    try:
        with pytest.raises(StoreError, match="cannot be opened"):
            om.Desks(DjangoStore("nowhere", sleep=lambda _: None)).ids()
    finally:
        del connections.databases["nowhere"], connections["nowhere"]


# --- connections are Django's ---------------------------------------------------------------------


def test_each_thread_works_on_its_own_connection(p: Play, alias: str) -> None:
    used: dict[int, object] = {}
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for each in range(5):
                item = an_inbound("Hello", key=f"k{number}-{each}")
                p.desk.receive("main", item)
            used[number] = connections[alias].connection
        except BaseException as error:  # noqa: BLE001  (told below)
            failed.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(map(id, used.values()))) == 4
    positions = [change.position for change in p.desk.changes()]
    assert positions == list(range(1, len(positions) + 1))
    assert len(texts(p)) == 20


def test_closing_the_store_leaves_the_connection_alone(alias: str) -> None:
    store = DjangoStore(alias)
    put_all(store, "acme", DESKS, [DeskRecord("acme")])
    connection = connections[alias].connection
    store.close()
    with pytest.raises(StoreError, match="closed"):
        alone(store).get(DESKS, "acme", ())
    assert connections[alias].connection is connection
    assert rows(alias) == []


def test_the_async_face_works_where_django_keeps_its_connections(p: Play, alias: str) -> None:
    """Also inside a block, and also what sends: nothing of it is seen before the commit."""
    from asgiref.sync import async_to_sync

    chat = p.contact("Maria").writes("Hello")

    async def story() -> None:
        desk = p.desks.aio["acme"]
        await asyncio.gather(
            *(desk.note(chat.id, f"note {number}", by="ana") for number in range(5))
        )
        await desk.reply(chat.id, "Hi", by="ana")
        assert await desk.deliver() == 1
        await desk.end(chat.id, by="ana")

    with transaction.atomic(using=alias):
        async_to_sync(story)()
        assert len(texts(p)) == 7
        transaction.set_rollback(True, using=alias)
    assert texts(p) == ["Hello"]


class Tidy(DjangoStore):
    """A store whose threads close their connections behind them, as a thread's owner does."""

    def transact(self, work: Any) -> Any:
        try:
            return super().transact(work)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections[self.alias].close()


class _Conformance(DurableStoreConformance):
    """The kit, but for its reading half: statements are those of `SqlStore`, which it reads with."""

    alias: str
    locals().update({name: None for name in vars(Reading) if name.startswith("test_")})

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = Tidy(self.alias)
        yield store
        store.close()

    def reopen(self) -> Store:
        return DjangoStore(f"{self.alias}_again")


class TestOnSqlite(_Conformance):
    alias = DEFAULT_DB_ALIAS


class TestOnPostgres(_Conformance):
    alias = "postgres"


# --- webhooks -------------------------------------------------------------------------------------

SECRETS = ("app_secret", "access_token", "verify_token")
WHATSAPP = om.load_config(
    {
        "desk": "acme",
        "inboxes": {"general": {"primary_for": ["whatsapp"], "sla": "15m"}},
        "accounts": {"meta": {name: {"env": name} for name in SECRETS}},
        "entry_points": {"wa": {"channel": "whatsapp", "account": "meta", "address": "7"}},
    }
)


@pytest.fixture
def desks() -> Iterator[om.Desks]:
    with om.Desks(DjangoStore(), reveal=lambda ref: om.Secret(ref.env)) as desks:
        desks.create(WHATSAPP)
        yield desks


@pytest.fixture
def client(desks: om.Desks) -> Any:
    """A provider that calls the project over its URLs and middleware."""
    from django.test import Client, override_settings
    from django.urls import path

    urls = types.ModuleType("project_urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("hooks/", webhook_view(desks)),
        path("late/", webhook_view(lambda: desks["acme"], entry_point="wa")),
    ]
    with override_settings(ROOT_URLCONF=urls):
        yield Client(enforce_csrf_checks=True)


def posted(client: Any, request: om.RawRequest, url: str = "/hooks/") -> Any:
    headers = {name: value for name, value in request.headers.items() if name != "content-type"}
    return client.post(url, request.body, content_type="application/json", headers=headers)


def test_a_view_takes_webhooks(client: Any, desks: om.Desks) -> None:
    whatsapp = WebhookBuilder(phone_number_id="7", app_secret="app_secret")
    webhook = whatsapp.text("491511", "Hello")
    first, again = posted(client, webhook), posted(client, webhook, "/late/")
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert (first.json()["accepted"], again.json()["duplicates"]) == (1, 1)
    assert [each.text for each in desks["acme"].messages(_only(desks))] == ["Hello"]


def _only(desks: om.Desks) -> str:
    (chat,) = desks["acme"].conversations()
    return str(chat.id)


def test_a_view_refuses_what_the_provider_did_not_sign(client: Any) -> None:
    webhook = WebhookBuilder(phone_number_id="7", app_secret="wrong").text("491511", "Hello")
    assert posted(client, webhook).status_code == 401


def test_a_view_answers_the_providers_handshake(client: Any) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify_token", "hub.challenge": "42"}
    answer = client.get("/hooks/", query)
    assert (answer.status_code, answer.content) == (200, b"42")
    assert client.get("/late/", query).content == b"42"
    wrong = {**query, "hub.verify_token": "x"}
    assert [client.get(url, wrong).status_code for url in ("/hooks/", "/late/")] == [404, 403]


def test_a_body_that_django_refuses_is_answered_as_too_large(client: Any) -> None:
    from django.test import override_settings

    webhook = WebhookBuilder(phone_number_id="7", app_secret="app_secret").text("491511", "Hello")
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10):
        answer = posted(client, webhook)
    assert answer.status_code == 413
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in json.loads(answer.content)["error"]


def test_a_view_runs_in_no_transaction_even_with_atomic_requests(
    client: Any, desks: om.Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that each item has its own, and a store that fails on one keeps those before it."""
    seen: list[bool] = []
    receive = om.Desk.receive

    def watched(self: om.Desk, *args: Any, **options: Any) -> Any:
        seen.append(connections["default"].in_atomic_block)
        return receive(self, *args, **options)

    monkeypatch.setattr(om.Desk, "receive", watched)
    whatsapp = WebhookBuilder(phone_number_id="7", app_secret="app_secret")
    assert posted(client, whatsapp.text("491511", "Hello")).status_code == 200
    assert seen == [False]


# --- the project's own tests ----------------------------------------------------------------------


def outcome_of(case: unittest.TestCase) -> list[str]:
    """Run a test as the project's runner would; return what went wrong."""
    type(case).setUpClass()
    try:
        result = unittest.TestResult()
        case.run(result)
    finally:
        type(case).tearDownClass()
        type(case).doClassCleanups()
    return [text for _, text in (*result.failures, *result.errors)]


def test_in_a_test_case_everything_is_gone_with_the_test(alias: str) -> None:
    from django.test import TestCase

    class Wrapped(TestCase):  # type: ignore[misc]
        databases = frozenset({alias})

        def runTest(self) -> None:
            with desk_play(CONFIG, alias=alias) as p:
                p.agent("ana").on()
                chat = p.contact("Maria").writes("Hello")
                p.agent("ana").replies(chat, "Hi")
                writes(alias, "beside")
                with pytest.raises(UnknownConversation):
                    p.desk.end("c_99", by="ana")
                with taken_back(alias):
                    p.desk.end(chat.id, by="ana")
                p.advance("20m")
                assert p.contact("Maria").got == ["Hi"]
                assert p.desk.conversation(chat.id).state is om.State.ACTIVE
            assert om.Desks(DjangoStore(alias)).ids() == ["acme"]

    assert outcome_of(Wrapped()) == []
    assert outcome_of(Wrapped()) == []
    assert (om.Desks(DjangoStore(alias)).ids(), rows(alias)) == ([], [])


def test_without_a_wrapped_transaction_a_play_cleans_up_behind_itself(alias: str) -> None:
    with contextlib.suppress(LookupError), desk_play(CONFIG, alias=alias) as p:
        p.contact("Maria").writes("Hello")
        raise LookupError
    with desk_play(evolve(CONFIG, zone="Europe/Berlin"), alias=alias) as p:
        assert p.desk.config.zone == "Europe/Berlin"
    assert om.Desks(DjangoStore(alias)).ids() == []


def test_the_shipped_fixture_does_the_same(play: Any, alias: str) -> None:
    p = play(CONFIG, store=DjangoStore(alias))
    assert p.contact("Maria").writes("Hello").state is om.State.QUEUED
