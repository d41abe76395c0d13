"""Bringing a database's tables up to date with Alembic, and keeping a host's Alembic off them.

Works on one connection and in one transaction. Nothing here touches `alembic.op` or a host's
`env.py`, so it can run inside a host's own migration, and in several threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from omniroute.errors import StoreError
from omniroute.stores.sql import versions
from omniroute.stores.sql.drivers import driver_for, hint_for
from omniroute.stores.sql.loops import pause
from omniroute.stores.sql.opening import cause_of
from omniroute.stores.sql.retrying import TRY_AGAIN, Again, until_done
from omniroute.stores.sql.tables import PREFIX
from omniroute.stores.sql.urls import database_file, database_url, engine_made
from omniroute.stores.sql.versions import Standing, Version

__all__ = ["include_object", "status", "upgrade", "upgrade_once"]

FOLDER: Final = Path(__file__).parent / "migrations"

_RETRIES: Final = 8


def include_object(
    obj: Any,  # noqa: ARG001  (Alembic calls it by position with five)
    name: str | None,
    type_: str,
    reflected: bool,  # noqa: ARG001, FBT001  (the same)
    compare_to: Any,  # noqa: ARG001  (the same)
) -> bool:
    """Return False for the tables that are omniroute's, for `include_object` in a host's `env.py`.

    Every table whose name begins with `omniroute_` is ours. Without this a host's autogenerate
    would drop them, since its own metadata does not know them.
    """
    return not (type_ == "table" and name is not None and name.startswith(PREFIX))


def status(target: str | URL | Engine, *, schema: str | None = None) -> Version:
    """Return which version a database's tables have, and which revisions are missing.

    Changes nothing, and makes no file where there is none. Raises `StoreError` where the database
    cannot be read.
    """
    if _is_missing_file(target):
        return Version(Standing.EMPTY, None, versions.REVISIONS)
    with _opened(target) as engine, _told(), engine.connect() as connection:
        return versions.look(connection, schema)


def upgrade(target: str | URL | Engine, *, schema: str | None = None) -> tuple[str, ...]:
    """Apply every revision that a database misses, all or none; return which they were.

    Creates the tables where there are none. Raises `StoreError` where the tables are newer than
    this omniroute, or were created by something else (Django's migrations, say), which then has to
    change them. Two that upgrade at the same time wait for each other, and for whoever is working on
    the tables: tried again after a deadlock and after a broken connection, else `StoreError`.
    """
    with _opened(target) as engine, _told():
        driver = driver_for(engine.dialect.name, engine.dialect.loaded_dbapi)

        def once(_will_write: bool) -> tuple[str, ...]:  # noqa: FBT001  (by position)
            try:
                return upgrade_once(engine, schema)
            except SQLAlchemyError as error:
                cause = cause_of(error)
                fault = driver.judge_opening(cause)
                if fault in TRY_AGAIN:
                    raise Again(fault, will_write=True) from cause
                raise

        return until_done(once, retries=_RETRIES, sleep=pause, gone=lambda: None)


def upgrade_once(engine: Engine, schema: str | None) -> tuple[str, ...]:
    """Apply what is missing, in one transaction; errors of SQLAlchemy's come as they are."""
    with versions.writing(engine, schema) as connection:
        versions.create_schema(connection, schema)
        found = versions.look(connection, schema)
        if found.standing is Standing.UNVERSIONED:
            raise StoreError(
                "the tables are there without a version: something else created them",
                hint="upgrade them with what created them, such as Django's migrations",
            )
        if found.standing is not Standing.OLDER:
            versions.check(found)
        if found.missing:
            _run(connection, schema)
        return found.missing


def _run(connection: Connection, schema: str | None) -> None:
    scripts = ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])

    def steps(heads: tuple[str, ...], _: MigrationContext) -> list[MigrationStep]:
        ahead = scripts.iterate_revisions("head", heads[0] if heads else "base")
        return [
            MigrationStep.upgrade_from_script(scripts.revision_map, each)
            for each in reversed(list(ahead))
        ]

    context = MigrationContext.configure(
        connection,
        opts={
            "fn": steps,
            "version_table": versions.VERSION_TABLE,
            "version_table_schema": schema,
        },
    )
    context.run_migrations(op=Operations(context), schema=schema)


def _is_missing_file(target: str | URL | Engine) -> bool:
    """Whether this is a SQLite database that nobody has made yet: to connect would make it."""
    file = database_file(target.url if isinstance(target, Engine) else database_url(target))
    return file is not None and not file.exists()


@contextmanager
def _opened(target: str | URL | Engine) -> Iterator[Engine]:
    """Give an engine: a host's own, or one for this call."""
    if isinstance(target, Engine):
        yield target
        return
    url = database_url(target)
    with engine_made():
        engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """Raise errors of SQLAlchemy's as `StoreError`."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = cause_of(error)
        raise StoreError(
            "the database's tables could not be read or changed",
            got=f"{type(cause).__name__}: {str(cause).strip()}",
            hint=hint_for(cause),
        ) from error
