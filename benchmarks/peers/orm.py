"""An agent's reply through the SQLAlchemy ORM: the same rows, as mapped objects in a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Table, create_engine, event, inspect
from sqlalchemy.orm import Session, registry

from benchmarks.peers.rows import Key, Step

__all__ = ["Mapped", "engine"]


class Mapped:
    """A class for each of some tables."""

    def __init__(self, tables: Sequence[Table]) -> None:
        mapping = registry()
        self._classes: dict[str, type[Any]] = {}
        for table in tables:
            self._classes[table.name] = type(table.name.title(), (), {})
            mapping.map_imperatively(self._classes[table.name], table)

    def run(self, engine: Engine, step: Step) -> None:
        """Do a step in a session of its own: load, set what changes, add what is new, commit."""
        with Session(engine) as session, session.begin():
            found: dict[str, Any] = {}
            for number, (key, _) in enumerate(step.reads):
                found[key.table] = self._load(session, key, lock=number == 0)
            for change in step.changes:
                for name, value in change.fields.items():
                    setattr(found[change.key.table], name, value)
            for new in step.new:
                made = self._classes[new.table]()
                for name, value in new.fields.items():
                    setattr(made, name, value)
                session.add(made)

    def _load(self, session: Session, key: Key, *, lock: bool) -> Any:
        mapped = self._classes[key.table]
        names = [column.name for column in inspect(mapped).primary_key]
        identity = tuple(key.key[name] for name in names)
        return session.get_one(mapped, identity, with_for_update=lock or None)


def engine(url: str) -> Engine:
    """Return an engine as its documentation has it; on SQLite WAL and NORMAL, as ours."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _prepare)
    return made


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
