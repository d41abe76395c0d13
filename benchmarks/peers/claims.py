"""Taking the next waiting one elsewhere: a bare table with one statement, procrastinate, equal work.

The bare table is what a claim costs at least: an id, a state, since when. Equal work is what our
claim reads and writes, replayed by raw code from a rehearsal: every row and byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import psycopg

from benchmarks.peers.raw_step import RawStep, Statement

__all__ = ["BARE_TABLE", "Procrastinate", "bare_claim", "replayed"]

Connection = psycopg.Connection[tuple[Any, ...]]
_Tables = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]

BARE_TABLE: Final = """
CREATE TABLE waiting (id text PRIMARY KEY, state text NOT NULL, since bigint NOT NULL, agent text,
 body text NOT NULL);
CREATE INDEX ON waiting (since, id) WHERE state = 'queued';
"""
_BARE_CLAIM: Final = """
WITH next AS (
  SELECT id FROM waiting WHERE state = 'queued' ORDER BY since, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE waiting SET state = 'active', agent = %s FROM next WHERE waiting.id = next.id
RETURNING waiting.id, waiting.body
"""


def bare_claim(connection: Connection) -> Callable[[], None]:
    """Return what claims the next one with one statement, and commits."""
    cursor = connection.cursor()

    def claim() -> None:
        if cursor.execute(_BARE_CLAIM, ("ana",)).fetchone() is None:
            raise AssertionError("nobody waits")
        connection.commit()

    return claim


class Procrastinate:
    """Its queue of jobs, and its own way to take the next one: its worker's."""

    def __init__(self, dsn: str, jobs: int) -> None:
        import procrastinate

        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=1)
        )
        self._runner = asyncio.Runner()
        self._worker: int = self._runner.run(self._open(jobs))

    async def _open(self, jobs: int) -> int:
        await self._app.open_async()
        await self._app.schema_manager.apply_schema_async()
        task = self._app.configure_task("answer", queue="general")
        await task.batch_defer_async(
            *[cast("Any", {"conversation": f"c_{n}"}) for n in range(jobs)]
        )
        return int(await self._app.job_manager.register_worker())

    def claim(self, number: int) -> float:
        """Take so many jobs, one after the other; return the seconds for one."""
        return self._runner.run(self._claim(number)) / number

    async def _claim(self, number: int) -> float:
        began = time.perf_counter()
        for _ in range(number):
            if await self._app.job_manager.fetch_job(None, self._worker) is None:
                raise AssertionError("nobody waits")
        return time.perf_counter() - began

    def close(self) -> None:
        """Close its connections."""
        self._runner.run(self._app.close_async())
        self._runner.close()


# --- equal work -----------------------------------------------------------------------------------


def replayed(
    connection: Connection, acts: Sequence[Callable[[], str]], desk: str, agent: str
) -> list[RawStep]:
    """Let the library act in a database; return each act as raw statements, reads and writes.

    An act returns the conversation that it took.
    """
    keys = _keys(connection)
    steps, before = [], _look(connection, keys)
    for act in acts:
        conversation = act()
        after = _look(connection, keys)
        writes = [
            statement
            for table in keys
            for statement in _differences(table, keys[table], before[table], after[table])
        ]
        steps.append(RawStep(_reads(desk, agent, conversation), writes))
        before = after
    return steps


def _reads(desk: str, agent: str, conversation: str) -> list[Statement]:
    """Return the look at who is next, and what a command on a conversation reads."""
    head = (
        "SELECT id FROM omniroute_conversations WHERE desk_id = %s AND queue = 'general'"
        " AND lane = 'chat' ORDER BY segment, wait_class, waiting_since, id LIMIT 1"
    )
    return [
        ("SELECT body FROM omniroute_desks WHERE desk_id = %s FOR UPDATE", (desk,)),
        ("SELECT body FROM omniroute_agents WHERE desk_id = %s AND id = %s", (desk, agent)),
        (head, (desk,)),
        (
            "SELECT * FROM omniroute_conversations WHERE desk_id = %s AND id = %s",
            (desk, conversation),
        ),
    ]


def _keys(connection: Connection) -> dict[str, tuple[list[str], list[str]]]:
    """Return the columns of every table, and those of its key."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    for (table,) in tables.fetchall():
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " ORDER BY attnum",
            (table,),
        )
        key = connection.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = ANY (i.indkey) WHERE i.indrelid = %s::regclass AND i.indisprimary",
            (table,),
        )
        found[table] = [each for (each,) in columns], [each for (each,) in key]
    return found


def _look(connection: Connection, keys: dict[str, tuple[list[str], list[str]]]) -> _Tables:
    """Return the rows of every table by their keys."""
    found: _Tables = {}
    for table, (columns, key) in keys.items():
        places = [columns.index(name) for name in key]
        rows = connection.execute(cast("Any", f"SELECT * FROM {table}")).fetchall()
        found[table] = {tuple(row[place] for place in places): row for row in rows}
    return found


def _differences(
    table: str,
    shape: tuple[list[str], list[str]],
    before: dict[tuple[Any, ...], tuple[Any, ...]],
    after: dict[tuple[Any, ...], tuple[Any, ...]],
) -> list[Statement]:
    columns, key = shape
    where = " AND ".join(f"{name} = %s" for name in key)
    found: list[Statement] = [
        (f"DELETE FROM {table} WHERE {where}", gone) for gone in before.keys() - after.keys()
    ]
    for place, row in after.items():
        old = before.get(place)
        if old is None:
            marks = ", ".join(["%s"] * len(row))
            found.append((f"INSERT INTO {table} VALUES ({marks})", row))
        elif old != row:
            fields = [
                (name, new) for name, was, new in zip(columns, old, row, strict=True) if new != was
            ]
            setting = ", ".join(f"{name} = %s" for name, _ in fields)
            values = (*(new for _, new in fields), *place)
            found.append((f"UPDATE {table} SET {setting} WHERE {where}", values))
    return found
