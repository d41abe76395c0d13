"""The revisions of the tables as plain SQL: for who runs them on a connection of his own (Django)."""

from __future__ import annotations

from typing import Any, Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from omniroute.errors import UsageError
from omniroute.stores.sql.upgrading import FOLDER

__all__ = ["tables_of", "upgrade_statements"]

_DATABASES: Final = ("postgresql", "sqlite")


def upgrade_statements(revision: str, database: str) -> list[str]:
    """Return what a revision runs on a kind of database, statement by statement."""
    if database not in _DATABASES:
        raise UsageError(
            "this database is not supported", expected=" or ".join(_DATABASES), got=database
        )
    said = _Said()
    context = MigrationContext.configure(
        dialect_name=database, opts={"as_sql": True, "output_buffer": said}
    )
    _module(revision).upgrade(Operations(context), None)
    return said.statements


def tables_of(revision: str) -> list[str] | None:
    """Return the tables that a revision creates, in order; None where it changes something else."""
    made = _Made()
    try:
        _module(revision).upgrade(made, None)
    except AttributeError:
        return None
    return made.tables


def _module(revision: str) -> Any:
    scripts = ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])
    found = scripts.get_revision(revision)
    return found.module


class _Said:
    """Collects the statements of an Alembic run that talks to no database."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def write(self, text: str) -> None:
        self.statements.append(text.strip().removesuffix(";"))

    def flush(self) -> None:
        pass


class _Made:
    """Stands for Alembic's operations, and knows only those that create."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    def create_table(self, name: str, *_: Any, **__: Any) -> None:
        self.tables.append(name)

    def create_index(self, *_: Any, **__: Any) -> None:
        pass
