"""Whether a database keeps what the store was told to promise: read from it, never assumed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

__all__ = ["weaknesses"]

_POSTGRES: Final = {
    ("fsync", "off"): "a loss of power can destroy the whole database",
    ("full_page_writes", "off"): "a loss of power can damage pages of the database",
    ("synchronous_commit", "off"): "a crash of the server loses the last commits",
}
_LOCAL: Final = "a commit does not wait for the standbys that are configured: a fail-over loses it"

_SQLITE: Final = {
    ("synchronous", "0"): "a loss of power can destroy the whole database",
    ("synchronous", "1"): "a loss of power loses the last commits",
    ("journal_mode", "memory"): "a process that ends while it writes can destroy the database",
    ("journal_mode", "off"): "a process that ends while it writes can destroy the database",
}

_PG_SETTINGS: Final = text(
    "SELECT name, setting FROM pg_settings WHERE name IN"
    " ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')"
)


def weaknesses(connection: Connection) -> list[str]:
    """Return every setting by which a commit may not survive a loss of power, and what it means."""
    if connection.dialect.name == "postgresql":
        return _postgres(connection)
    return _sqlite(connection)


def _postgres(connection: Connection) -> list[str]:
    settings = {row[0]: row[1] for row in connection.execute(_PG_SETTINGS)}
    found = [
        f"{name} is {value!r}: {meaning}"
        for (name, value), meaning in _POSTGRES.items()
        if settings.get(name) == value
    ]
    if settings.get("synchronous_commit") == "local" and settings.get("synchronous_standby_names"):
        found.append(f"synchronous_commit is 'local': {_LOCAL}")
    return found


def _sqlite(connection: Connection) -> list[str]:
    files = connection.exec_driver_sql("PRAGMA database_list").all()
    if not any(row[1] == "main" and row[2] for row in files):
        return []  # a database in memory promises nothing
    settings = {
        name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar())
        for name in ("synchronous", "journal_mode")
    }
    return [
        f"{name} is {value!r}: {meaning}"
        for (name, value), meaning in _SQLITE.items()
        if settings[name] == value
    ]
