"""Choosing a store by URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omniroute import sql
from omniroute.errors import PluginError, UsageError
from omniroute.stores import open_store
from omniroute.stores.memory import MemoryStore
from omniroute.stores.sql import SqlStore


def test_a_url_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    sqlite = open_store(f"sqlite:///{tmp_path / 'desk.db'}")
    postgres = open_store("postgresql://ana@127.0.0.1/desk")
    assert isinstance(sqlite, SqlStore)
    assert isinstance(postgres, SqlStore)
    assert postgres.engine.url.drivername == "postgresql+psycopg"
    sqlite.close()
    postgres.close()


def test_a_store_is_taken_as_it_is() -> None:
    store = MemoryStore()
    assert open_store(store) is store
    with pytest.raises(UsageError, match="not a store"):
        open_store(object())  # type: ignore[arg-type]


def test_a_plugins_scheme_and_one_that_it_takes_over() -> None:
    opened: list[str] = []

    def factory(url: str) -> MemoryStore:
        opened.append(url)
        return MemoryStore()

    open_store("cards+fast://box/1", factories={"cards": factory})
    open_store("sqlite:///x.db", factories={"sqlite": factory})
    assert opened == ["cards+fast://box/1", "sqlite:///x.db"]


@pytest.mark.parametrize(
    "url", ["desk.db", "mysql://x", "", "://", "mysql://ana:hunter2@host/desk"]
)
def test_an_unknown_scheme_names_the_known_ones(url: str) -> None:
    with pytest.raises(UsageError, match=r"memory://… or postgres://… or postgresql://…") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_a_memory_store_has_no_name() -> None:
    with pytest.raises(UsageError, match="has no name or options"):
        open_store("memory://desk")


def test_a_missing_driver_says_what_to_install() -> None:
    with pytest.raises(PluginError, match=r'pip install "omniroute\[postgres\]"'):
        open_store("postgresql+psycopg2://ana@127.0.0.1/desk")


WITHOUT_SQLALCHEMY = """
import sys
sys.modules["sqlalchemy"] = None
from omniroute.stores import open_store
open_store("memory://").close()
try:
    open_store("sqlite:///x.db")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_sqlalchemy_the_memory_store_works_and_sql_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SQLALCHEMY], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("PluginError this store needs SQLAlchemy")
    assert 'pip install "omniroute[sql]"' in done.stdout


@pytest.mark.parametrize(
    "url, told",
    [
        ("nothing", "not the URL of a database; expected sqlite"),
        ("postgresql://ana@127.0.0.1:abc/desk", "not the URL of a database; expected sqlite"),
        ("mysql://127.0.0.1/desk", "that desks are kept in; .* got 'mysql://…'"),
        ("sqlite:///what?.db", r"not an option .* got '.db' \(in the name of a file \? is"),
        ("sqlite:///desk.db?timeout=1&fast", "expected name=value after .* got 'fast'"),
        ("sqlite+aiosqlite:///desk.db", "an async driver cannot be used"),
        ("postgresql+psycopg_async://127.0.0.1/desk", "an async driver cannot be used"),
    ],
)
def test_a_url_that_no_desk_can_be_kept_at_is_refused_before_anything_is_opened(
    url: str, told: str
) -> None:
    for open_it in (SqlStore, sql.status, sql.upgrade):
        with pytest.raises(UsageError, match=told):
            open_it(url)


@pytest.mark.req("R15")
def test_a_password_may_have_any_letter() -> None:
    store = SqlStore("postgresql+psycopg://app:s3c?re=t&x@db.example/desk")
    assert store.engine.url.password == "s3c?re=t&x"
    assert repr(store) == "SqlStore('postgresql+psycopg://app:***@db.example/desk')"
    store.close()


@pytest.mark.parametrize(
    "given,got", [(MemoryStore, "the class MemoryStore"), (object(), "object"), (5, "int")]
)
def test_what_is_no_store_is_told(given: Any, got: str) -> None:
    with pytest.raises(UsageError, match="an object with transact") as raised:
        open_store(given)
    assert raised.value.got == got


def test_a_plugin_that_opens_no_store_is_told() -> None:
    nothing: Any = {"paper": lambda _: None}
    with pytest.raises(PluginError, match=r"what opens paper://… gave no store; .*got NoneType"):
        open_store("paper://a4", factories=nothing)
