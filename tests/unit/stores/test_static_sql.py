"""Every statement the SQL store can run, read as text: led by the desk, blind to time, no locks by number.

The checking function is itself held against texts that are wrong on purpose.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite

from omniroute.schema import ADDRESSES, DESKS
from omniroute.stores.sql import joined, listening
from omniroute.stores.sql.statements import plans_for
from tests.unit.stores.test_sql import every_text

DIALECTS: dict[str, Any] = {
    "sqlite": pysqlite.SQLiteDialect_pysqlite,
    "postgresql": psycopg.PGDialect_psycopg,
}

NAME = r"(?:\w+\.)?"  # a database schema of our own may stand in front
TABLE = rf"{NAME}\w+"
LED_INSERT = re.compile(rf"INSERT INTO {TABLE} \(desk_id,")
LED_WHERE = re.compile(rf"(?:{TABLE}\.|t\.)?desk_id = ")

BY_TIME = re.compile(
    r"""\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|date|time
          |datetime|julianday|strftime|unixepoch|timediff)\s*\(
      |\b(?:current_(?:date|time|timestamp)|localtime|localtimestamp)\b
      |'(?:now|today|tomorrow|yesterday)'""",
    re.IGNORECASE | re.VERBOSE,
)
BY_NUMBER = re.compile(r"\bpg_(?:try_)?advisory", re.IGNORECASE)


def flat(statement: str) -> str:
    return " ".join(statement.split())


def is_led(statement: str) -> bool:
    """Whether a statement names its desk first: in every WHERE, or as the first column written."""
    if statement.startswith("INSERT"):
        return LED_INSERT.match(statement) is not None
    conditions = statement.split(" WHERE ")[1:]
    # What looks for something before a row is tied to that row's own desk.
    return bool(conditions) and all(LED_WHERE.match(each) for each in conditions)


def faults(statement: str, *, led: bool = True) -> list[str]:
    """What is wrong with a statement."""
    found = []
    if led and not is_led(statement):
        found.append("not led by the desk")
    if BY_TIME.search(statement):
        found.append("reads the time")
    if BY_NUMBER.search(statement):
        found.append("takes a lock by number")
    return found


def statements(dialect: str, schema: str | None = None) -> Iterator[tuple[Any, str]]:
    plans = plans_for(DIALECTS[dialect], schema)
    for subject, statement in every_text(plans):
        yield subject, flat(statement)
        if statement in plans.of_many:
            yield subject, flat(plans.of_many[statement])


@pytest.mark.parametrize(
    "statement,fault",
    [
        ("SELECT body FROM omniroute_jobs WHERE omniroute_jobs.name = ?", "desk"),
        ("SELECT body FROM omniroute_jobs", "desk"),
        ("SELECT body FROM t WHERE t.name = ? AND t.desk_id = ?", "desk"),
        ("SELECT body FROM t WHERE t.desk_id > ?", "desk"),
        ("SELECT 1 FROM t WHERE t.desk_id = ? UNION ALL SELECT 1 FROM t WHERE t.id = ?", "desk"),
        ("UPDATE omniroute_jobs SET body = ? WHERE omniroute_jobs.name = ?", "desk"),
        ("UPDATE omniroute_jobs SET desk_id = ?", "desk"),
        ("DELETE FROM omniroute_jobs", "desk"),
        ("DELETE FROM omniroute_jobs WHERE omniroute_jobs.name = ? OR desk_id = ?", "desk"),
        ("INSERT INTO omniroute_jobs (name, desk_id) VALUES (?, ?)", "desk"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= now()", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= CURRENT_TIMESTAMP", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= datetime('now')", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= clock_timestamp ()", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= strftime('%s', x)", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= julianday(x)", "time"),
        ("SELECT body FROM t WHERE t.desk_id = ? AND t.due <= 'now'", "time"),
        ("SELECT pg_advisory_xact_lock(7) FROM t WHERE t.desk_id = ?", "number"),
        ("SELECT pg_try_advisory_lock(7) FROM t WHERE t.desk_id = ?", "number"),
    ],
)
def test_a_bad_statement_is_caught(statement: str, fault: str) -> None:
    (found,) = faults(statement)
    assert fault in found


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT body FROM omniroute_jobs WHERE omniroute_jobs.desk_id = ? AND name = ?",
        "SELECT body FROM s.omniroute_jobs WHERE s.omniroute_jobs.desk_id = ?",
        "INSERT INTO s.omniroute_jobs (desk_id, name) VALUES (?, ?)",
        "UPDATE t SET due_time = ? WHERE t.desk_id = ? AND t.date = ?",
    ],
)
def test_a_good_statement_passes(statement: str) -> None:
    assert faults(statement) == []


@pytest.mark.req("R12")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_is_led_by_the_desk(dialect: str) -> None:
    """All but those that find desks: the address directory, and the choice of due ones."""
    unled = {subject.name for subject, each in statements(dialect) if not is_led(each)}
    assert unled == {ADDRESSES.name, *(each.name for each in ADDRESSES.indexes), "due_desks"}
    assert {each.name for each in DESKS.indexes if not each.desk_led} == {"due_desks"}


def test_a_database_schema_of_our_own_changes_nothing() -> None:
    plans = plans_for(DIALECTS["postgresql"], "helpdesk")
    for collection, plan in plans.collections.items():
        every = [plan.get, plan.get_locked, plan.insert, plan.upsert, plan.delete]
        led = [is_led(flat(each)) for each in every]
        assert set(led) == {collection.desk_led}, collection.name
        assert all(f"helpdesk.omniroute_{collection.name}" in each for each in every)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_statement_reads_the_time_or_locks_by_number(dialect: str) -> None:
    found = [each for _, each in statements(dialect) if faults(each, led=False)]
    assert found == []
    assert sum(1 for _ in statements(dialect)) > 1_000


def sources(project: Path) -> list[Path]:
    return sorted((project / "src" / "omniroute" / "stores" / "sql").rglob("*.py"))


def strings(source: str) -> Iterator[str]:
    """Every string of a source, except those that stand alone: documentation."""
    tree = ast.parse(source)
    alone = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in alone:
            yield each.value


def test_no_source_has_such_a_function_in_a_string_or_a_call(project: Path) -> None:
    """Statements that are written by hand, and functions that SQLAlchemy would render."""
    assert len(sources(project)) > 10
    for path in sources(project):
        source = path.read_text(encoding="utf-8")
        wrong = [each for each in strings(source) if faults(each, led=False)]
        wrong += re.findall(r"\bfunc\.(?!count\b)\w+", source)
        assert wrong == [], path.name


@pytest.mark.parametrize(
    "source",
    [
        'x = "SELECT now()"',
        "run(\"UPDATE t SET at = datetime('now')\")",
        'def f():\n    """Doc."""\n    return "SELECT pg_advisory_lock(1)"',
        'x = text(\n    "SELECT pg_advisory_xact_lock(1)"\n    " FROM t"\n)',
        'x = (\n    f"SELECT {y}"\n    " WHERE at <= now()"\n)',
    ],
)
def test_a_bad_string_is_caught(source: str) -> None:
    assert any(faults(each, led=False) for each in strings(source))


def test_documentation_may_name_them() -> None:
    assert not list(strings('"""Never now()."""\n\ndef f():\n    """Never now()."""\n'))


def test_what_is_written_by_hand_touches_no_table() -> None:
    """Savepoints and hints: nothing that could be led by a desk."""
    assert "omniroute_" in listening.NOTIFY
    assert " FROM " not in listening.NOTIFY
    assert joined._SAVEPOINT.isidentifier()
