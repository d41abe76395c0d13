"""Migrations: they make the tables that the code declares, keep what is stored, and know their place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    create_engine,
    text,
)

import omniroute as om
from omniroute.errors import StoreError, UsageError
from omniroute.model.records import DeskRecord
from omniroute.schema import CONVERSATIONS, DESKS
from omniroute.stores.sql import SqlStore, upgrading, versions
from omniroute.stores.sql.tables import TableSet
from omniroute.testing.store_conformance.values import ONE, alone, conversation, in_threads


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}"
    url: str = request.getfixturevalue("empty_database")
    return url


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(empty_url: str) -> Iterator[SqlStore]:
    store = SqlStore(empty_url)
    yield store
    store.close()


# --- migrations and declarations are the same -----------------------------------------------------

_COLUMNS = """
    SELECT table_name, ordinal_position, column_name, data_type, is_nullable, collation_name,
           character_maximum_length, column_default
    FROM information_schema.columns WHERE table_schema = :schema
"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace)
"""
_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = :schema"


def catalogue(connection: Connection, schema: str = "main") -> set[tuple[str, ...]]:
    """Everything that a database says of its tables, in its own words, without the schema's name."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
        found = {tuple(" ".join(str(each).split()) for each in row) for row in rows}
        return {row for row in found if not row[1].startswith("sqlite_autoindex")}
    found = set()
    for query in (_COLUMNS, _CONSTRAINTS, _INDEXES):
        for row in connection.execute(text(query), {"schema": schema}):
            found.add(tuple(re.sub(rf"\b{schema}\.", "", str(each)) for each in row))
    return found


def both_ways(engine: Engine, tmp_path: Path, tables: TableSet) -> list[set[tuple[str, ...]]]:
    """The catalogue after migrations, and after the tables were created as they are declared."""
    found = []
    for name in ("migrated", "declared"):
        one, schema = engine, name
        if engine.dialect.name == "sqlite":
            one, schema = create_engine(f"sqlite:///{tmp_path / name}.db"), "main"
        if name == "migrated":
            assert om.sql.upgrade(one, schema=None if schema == "main" else schema) == ("0001",)
        else:
            _declare(one, tables, schema)
        with one.connect() as connection:
            found.append(catalogue(connection, schema))
        if one is not engine:
            one.dispose()
    return found


def _declare(engine: Engine, tables: TableSet, schema: str) -> None:
    if schema != "main":
        tables.metadata.schema = schema
        for table in [*tables.metadata.tables.values()]:
            table.schema = schema
    with versions.writing(engine, None if schema == "main" else schema) as connection:
        versions.create(connection, tables, None if schema == "main" else schema)


def test_migrations_make_the_tables_that_are_declared(engine: Engine, tmp_path: Path) -> None:
    """Columns, types, collations, keys, indexes and their conditions. A difference needs a revision."""
    migrated, declared = both_ways(engine, tmp_path, TableSet())
    assert len(migrated) > 40
    assert migrated == declared


@pytest.mark.parametrize("change", ["column", "index", "order", "type"])
def test_a_difference_would_be_seen(engine: Engine, tmp_path: Path, change: str) -> None:
    tables = TableSet()
    log = tables.metadata.tables["omniroute_log"]
    if change == "column":
        log.append_column(Column("more", Integer))
    elif change == "type":
        log.append_column(Column("conversation", BigInteger), replace_existing=True)
    else:
        index = next(each for each in log.indexes if each.name == "omniroute_timeline")
        log.indexes.discard(index)
        if change == "order":
            Index(index.name, log.c.conversation, log.c.desk_id)
    migrated, declared = both_ways(engine, tmp_path, tables)
    assert migrated != declared


def test_alembic_sees_no_difference_either(engine: Engine) -> None:
    om.sql.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: name != versions.VERSION_TABLE},
        )
        assert compare_metadata(context, TableSet().metadata) == []


def test_asking_for_the_version_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    for target in (f"sqlite:///{path}", create_engine(f"sqlite:///{path}")):
        found = om.sql.status(target)
        assert found.standing is versions.Standing.EMPTY
        assert found.missing == versions.REVISIONS
        assert not path.exists()
    assert om.sql.status("sqlite://").standing is versions.Standing.EMPTY


def test_the_revisions_are_the_files(tmp_path: Path) -> None:
    scripts = ScriptDirectory(str(upgrading.FOLDER), version_locations=[str(upgrading.FOLDER)])
    found = [each.revision for each in scripts.walk_revisions()]
    assert tuple(reversed(found)) == versions.REVISIONS


def test_an_empty_store_and_a_migrated_one_are_the_same_version(
    engine: Engine, store: SqlStore
) -> None:
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    found = om.sql.status(engine)
    assert (found.standing, found.current, found.missing) == (
        versions.Standing.CURRENT,
        "0001",
        (),
    )
    assert om.sql.upgrade(engine) == ()
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE)


def test_a_store_works_on_migrated_tables(empty_url: str, store: SqlStore) -> None:
    assert om.sql.status(empty_url).standing is versions.Standing.EMPTY
    assert om.sql.upgrade(empty_url) == ("0001",)
    alone(store).add(CONVERSATIONS, ONE, [conversation(1)])
    assert alone(store).get(CONVERSATIONS, ONE, ("c1",)) == conversation(1)


def test_many_that_upgrade_at_once_do_it_once(empty_url: str) -> None:
    applied: list[tuple[str, ...]] = []
    in_threads(4, lambda: applied.append(om.sql.upgrade(empty_url)))
    assert sorted(applied) == [(), (), (), ("0001",)]


# --- older and newer ------------------------------------------------------------------------------

_NEXT = """
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"

def upgrade(op, schema):
    op.add_column("omniroute_jobs", sa.Column("note", sa.Text()), schema=schema)
    {then}
"""


@pytest.fixture
def tomorrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An omniroute that has one more revision; returns its file."""
    folder = tmp_path / "revisions"
    shutil.copytree(upgrading.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "v0002_note.py"
    file.write_text(_NEXT.format(then=""), encoding="utf-8")
    monkeypatch.setattr(upgrading, "FOLDER", folder)
    monkeypatch.setattr(versions, "REVISIONS", ("0001", "0002"))
    return file


@pytest.fixture
def filled(empty_url: str) -> str:
    """The URL of a database of version 0001 in which something is stored."""
    store = SqlStore(empty_url)
    alone(store).put(DESKS, ONE, DeskRecord(ONE, position=7))
    alone(store).add(CONVERSATIONS, ONE, [conversation(i) for i in range(50)])
    store.close()
    return empty_url


def test_an_upgrade_keeps_what_is_stored(filled: str, tomorrow: Path) -> None:
    assert om.sql.status(filled).missing == ("0002",)
    assert om.sql.upgrade(filled) == ("0002",)
    store = SqlStore(filled)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=7)
    index = CONVERSATIONS.index("open_thread")
    assert alone(store).count(index, ONE, ()) == 50
    assert alone(store).get(CONVERSATIONS, ONE, ("c49",)) == conversation(49)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(note) FROM omniroute_jobs")).scalar() == 0
    store.close()


def test_an_upgrade_that_fails_changes_nothing(filled: str, tomorrow: Path) -> None:
    tomorrow.write_text(_NEXT.format(then='op.execute("no such thing")'), encoding="utf-8")
    engine = create_engine(filled)
    with engine.connect() as connection:
        before = catalogue(connection, "public")
    with pytest.raises(StoreError, match="could not be read or changed"):
        om.sql.upgrade(filled)
    with engine.connect() as connection:
        assert catalogue(connection, "public") == before
    assert om.sql.status(filled).current == "0001"
    engine.dispose()


def test_older_tables_are_an_error_that_says_what_to_do(filled: str, tomorrow: Path) -> None:
    store = SqlStore(filled)
    with pytest.raises(StoreError, match=r"older than this omniroute.*omniroute db upgrade"):
        alone(store).get(DESKS, ONE, ())
    om.sql.upgrade(filled)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=7)
    store.close()


def test_older_tables_are_upgraded_when_asked(filled: str, tomorrow: Path) -> None:
    store = SqlStore(filled, migrate=True)
    assert alone(store).get(DESKS, ONE, ()) == DeskRecord(ONE, position=7)
    assert om.sql.status(filled).current == "0002"
    store.close()


def test_newer_tables_are_refused(
    filled: str, tomorrow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    om.sql.upgrade(filled)
    monkeypatch.setattr(versions, "REVISIONS", ("0001",))
    store = SqlStore(filled, migrate=True)
    with pytest.raises(StoreError, match="newer than this omniroute"):
        alone(store).get(DESKS, ONE, ())
    with pytest.raises(StoreError, match="newer than this omniroute"):
        om.sql.upgrade(filled)
    store.close()


def test_tables_of_another_tool_are_its_own(engine: Engine, store: SqlStore) -> None:
    """As Django's migrations make them: used as they are, and upgraded by who made them."""
    TableSet().metadata.create_all(engine)
    alone(store).put(DESKS, ONE, DeskRecord(ONE))
    assert om.sql.status(engine).standing is versions.Standing.UNVERSIONED
    with pytest.raises(StoreError, match="something else created them"):
        om.sql.upgrade(engine)


def test_what_is_no_url_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not the URL of a database"):
        om.sql.upgrade("no url at all")


# --- beside a host's Alembic ----------------------------------------------------------------------


def host_metadata() -> MetaData:
    metadata = MetaData()
    Table("host_orders", metadata, Column("id", Integer, primary_key=True))
    return metadata


def proposed(engine: Engine, metadata: MetaData, **options: Any) -> list[Any]:
    """What a host's `alembic revision --autogenerate` would write."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        upgrade = produce_migrations(context, metadata).upgrade_ops
        assert upgrade is not None
        found: list[Any] = upgrade.as_diffs()
        return found


@pytest.mark.parametrize("schema", [None, "helpdesk"])
def test_a_hosts_autogenerate_stays_off_our_tables(engine: Engine, schema: str | None) -> None:
    if engine.dialect.name == "sqlite":
        schema = None  # it has no such thing
    host = host_metadata()
    host.create_all(engine)
    om.sql.upgrade(engine, schema=schema)
    options: dict[str, Any] = {"include_schemas": True}
    if schema is None:
        assert len(proposed(engine, host, **options)) > 20, "it would drop all of ours"
    options["include_object"] = om.sql.include_object
    assert proposed(engine, host, **options) == []
    Table("host_items", host, Column("id", Integer, primary_key=True))
    (change,) = proposed(engine, host, **options)
    assert change[0] == "add_table"


def test_a_hosts_migration_may_run_ours(engine: Engine) -> None:
    """Nothing of Alembic's one global context is touched."""
    from alembic import op
    from alembic.operations import Operations

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            before = op._proxy  # type: ignore[attr-defined]
            om.sql.upgrade(engine)
            assert op._proxy is before  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["status", "upgrade"])
def test_the_command_line(command: str, empty_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from omniroute.cli import main

    code = main(["db", command, empty_url])
    first = capsys.readouterr().out
    if command == "status":
        assert (code, first) == (1, "no version: no tables yet\nmissing 0001\n")
        om.sql.upgrade(empty_url)
        assert main(["db", "status", empty_url]) == 0
        assert capsys.readouterr().out == "0001: up to date\n"
    else:
        assert (code, first) == (0, "applied 0001\n")
        assert main(["db", "upgrade", empty_url]) == 0
        assert capsys.readouterr().out == "nothing to do: the tables are up to date\n"
