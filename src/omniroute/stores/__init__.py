"""Where desks are kept: in memory, in an SQL database, or in what a plugin brings.

Owns the choice by URL. Each store is imported when it is chosen, so only those who use SQLAlchemy
need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeGuard

from omniroute.errors import PluginError, UsageError
from omniroute.ports import Store

__all__ = ["StoreFactory", "open_store"]

StoreFactory = Callable[[str], Store]
"""Opens the store that a URL names."""

_NO_FACTORIES: Final[Mapping[str, StoreFactory]] = MappingProxyType({})


def open_store(
    target: str | Store, *, factories: Mapping[str, StoreFactory] = _NO_FACTORIES
) -> Store:
    """Return the store a URL names, or the store itself when one is given.

    `memory://` is a new `MemoryStore`; `sqlite:///desk.db` and `postgresql+psycopg://…` are
    databases, through SQLAlchemy; `factories` adds further schemes and wins over these. Raises
    `UsageError` for an unknown scheme and `PluginError` where the library it needs is missing.
    """
    if not isinstance(target, str):
        return _checked(target)
    scheme = target.partition("://")[0].partition("+")[0] if "://" in target else ""
    known = {**_SHIPPED, **factories}
    if scheme not in known:
        raise UsageError(
            "not the URL of a store",
            expected=" or ".join(f"{name}://…" for name in sorted(known)),
            got=repr(f"{scheme}://…" if scheme else target),
            hint="a URL's password never shows here; check what stands before ://",
        )
    opened: object = known[scheme](target)
    if not _is_store(opened):
        raise PluginError(
            f"what opens {scheme}://… gave no store",
            expected="an object with transact() and close()",
            got=type(opened).__name__,
        )
    return opened


def _is_store(value: object) -> TypeGuard[Store]:
    made = not isinstance(value, type)
    return made and all(callable(getattr(value, name, None)) for name in ("transact", "close"))


def _checked(store: object) -> Store:
    if not _is_store(store):
        given = f"the class {store.__name__}" if isinstance(store, type) else type(store).__name__
        raise UsageError(
            "not a store",
            expected="a URL or a Store: an object with transact() and close()",
            got=given,
        )
    return store


def _memory(url: str) -> Store:
    from omniroute.stores.memory import MemoryStore

    if url != "memory://":
        raise UsageError(
            "a memory store has no name or options", expected="memory://", got=repr(url)
        )
    return MemoryStore()


def _sql(url: str) -> Store:
    try:
        from omniroute.stores.sql import SqlStore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sqlalchemy":
            raise
        raise PluginError(
            "this store needs SQLAlchemy, which is not installed",
            hint='pip install "omniroute[sql]", for PostgreSQL "omniroute[postgres]"',
        ) from error
    return SqlStore(url)


_SHIPPED: Final[Mapping[str, StoreFactory]] = MappingProxyType(
    {"memory": _memory, "sqlite": _sql, "postgresql": _sql, "postgres": _sql}
)
