"""`omniroute db upgrade URL` and `omniroute db status URL`: the tables' version, and bringing it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from omniroute.cli.console import console
from omniroute.errors import PluginError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["db"]

_NEEDED: Final = ("sqlalchemy", "alembic", "psycopg")

_url = click.argument("url")
_schema = click.option("--schema", help="The database schema that the tables are in.")


@click.group(short_help="Look after the tables in a database.")
def db() -> None:
    """Look after the tables in an SQL database.

    URL is that of the database: sqlite:///desk.db, postgresql+psycopg://user@host/name.
    """


@db.command(short_help="Bring the tables up to date.")
@_url
@_schema
def upgrade(url: str, schema: str | None) -> None:
    """Bring the tables up to date, all of it or nothing; creates them in an empty database.

    Safe to run twice, and from two machines at once.
    """
    sql = _sql()
    applied = sql.upgrade(url, schema=schema)
    for revision in applied:
        console().print(f"applied {revision}")
    if not applied:
        console().print("nothing to do: the tables are up to date")


@db.command(short_help="Say which version the tables have.")
@_url
@_schema
def status(url: str, schema: str | None) -> int:
    """Say which version the tables have and which revisions are missing; changes nothing.

    Exits with 1 where `omniroute db upgrade` is needed, or the tables are not this version's.
    """
    sql = _sql()
    found = sql.status(url, schema=schema)
    console().print(f"{found.current or 'no version'}: {found.standing.value}", soft_wrap=True)
    for revision in found.missing:
        if found.standing is not sql.Standing.UNVERSIONED:
            console().print(f"missing {revision}")
    return int(found.standing not in (sql.Standing.CURRENT, sql.Standing.UNVERSIONED))


def _sql() -> ModuleType:
    try:
        from omniroute import sql
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise PluginError(
            f"this needs the package {error.name!r}, which is not installed",
            hint='pip install "omniroute[sql]", for PostgreSQL "omniroute[postgres]"',
        ) from error
    return sql
