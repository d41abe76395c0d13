"""Database URLs: which of them name a database that desks can be kept in. Owns what is told of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from omniroute.errors import PluginError, UsageError

__all__ = ["database_file", "database_url", "engine_made", "is_memory", "shown_url"]

_EXPECTED: Final = "sqlite:///… or postgresql+psycopg://…"
_BACKENDS: Final = ("sqlite", "postgresql")


def database_url(target: str | URL) -> URL:
    """Return a URL with its driver; `UsageError` for what names no database that desks are kept in."""
    try:
        url = make_url(target)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise UsageError("not the URL of a database", expected=_EXPECTED, got=f"{error}") from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in _BACKENDS:
        raise UsageError(
            "not the URL of a database that desks are kept in",
            expected=_EXPECTED,
            got=repr(f"{url.drivername}://…"),
        )
    if isinstance(target, str) and url.get_backend_name() == "sqlite":
        _check_options(target)
    with engine_made():
        dialect = url.get_dialect()
    if dialect.is_async:
        raise UsageError(
            "an async driver cannot be used here",
            expected=_EXPECTED,
            got=repr(f"{url.drivername}://…"),
            hint="desks.aio works on the same URL: it brings its own async engine",
        )
    return url


def _check_options(target: str) -> None:
    """SQLAlchemy drops what is no option; of a file's name with a ? in it only the start would be left."""
    options = target.partition("?")[2]
    for each in options.split("&") if options else ():
        if "=" not in each:
            raise UsageError(
                "not an option of a database's URL",
                expected="name=value after ?",
                got=repr(each),
                hint="in the name of a file ? is written %3F, and % is written %25",
            )


def database_file(url: URL) -> Path | None:
    """Return the file that a URL of SQLite names; None for memory, and for other databases."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or "uri" in url.query:
        return None
    return Path(name)


def shown_url(url: URL) -> str:
    """Return a URL for people to read, without its passwords, wherever they stand in it (R15)."""
    query = {name: value for name, value in url.query.items() if "password" not in name}
    return url.set(query=query).render_as_string(hide_password=True)


def is_memory(url: URL) -> bool:
    """Whether a URL of SQLite names a database in memory, by itself or by SQLite's own `file:` URI."""
    name = url.database or ":memory:"
    return name.startswith((":memory:", "file::memory:")) or url.query.get("mode") == "memory"


@contextmanager
def engine_made() -> Iterator[None]:
    """Say it in omniroute's words where SQLAlchemy cannot make an engine for a URL."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # ValueError: an option's value
        raise UsageError("not the URL of a database", expected=_EXPECTED, got=f"{error}") from error
    except ModuleNotFoundError as error:
        raise PluginError(
            f"this database needs the package {error.name!r}, which is not installed",
            hint='for PostgreSQL: pip install "omniroute[postgres]"',
        ) from error
