"""One step as raw driver code: its statements, each with its parameters, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.rows import Key, Row, Step

__all__ = ["RawStep", "raw_step"]

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class RawStep:
    """What one step reads and writes, in order."""

    reads: Sequence[Statement]
    writes: Sequence[Statement]


def raw_step(step: Step, mark: str, lock: str = "") -> RawStep:
    """Write a step as statements with `mark` for parameters; `lock` ends the first, of the desk."""
    reads = [_select(*read, mark) for read in step.reads]
    first, key = reads[0]
    reads[0] = (first + lock, key)
    writes = [_update(each.key, each.fields, mark) for each in step.changes]
    writes += [_insert(each.table, each.fields, mark) for each in step.new]
    return RawStep(reads, writes)


def _where(key: Key, mark: str) -> str:
    return " AND ".join(f"{name} = {mark}" for name in key.key)


def _select(key: Key, columns: Sequence[str], mark: str) -> Statement:
    text = f"SELECT {', '.join(columns)} FROM {key.table} WHERE {_where(key, mark)}"
    return text, tuple(key.key.values())


def _insert(table: str, fields: Row, mark: str) -> Statement:
    marks = ", ".join([mark] * len(fields))
    return f"INSERT INTO {table} VALUES ({marks})", tuple(fields.values())


def _update(key: Key, fields: Row, mark: str) -> Statement:
    assignments = ", ".join(f"{name} = {mark}" for name in fields)
    text = f"UPDATE {key.table} SET {assignments} WHERE {_where(key, mark)}"
    return text, (*fields.values(), *key.key.values())
