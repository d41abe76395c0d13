"""What the library does to the database in an agent's reply, as rows: what other code is to do too.

The library rehearses replies on a copy of the database; the rows that each leaves are what raw
drivers and an ORM are given to read and write. They decide nothing and make no bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omniroute import MessageView

__all__ = ["Change", "Key", "New", "Reply", "Step", "rehearsed"]

Row = Mapping[str, Any]
Query = Callable[[str, Sequence[Any]], Row]
"""Runs a query with `?` for its parameters, and returns its one row by the names of its columns."""
Reply = tuple[str, Callable[[], MessageView]]
"""A conversation's id, and the call that replies in it."""


@dataclass(frozen=True)
class Key:
    """One row of a table."""

    table: str
    key: Row

    def row(self, query: Query) -> Row:
        """Return the row as it is now."""
        where = " AND ".join(f"{name} = ?" for name in self.key)
        return query(f"SELECT * FROM {self.table} WHERE {where}", tuple(self.key.values()))


@dataclass(frozen=True)
class Change:
    """A row, and the fields that it gets."""

    key: Key
    fields: Row


@dataclass(frozen=True)
class New:
    """A new row."""

    table: str
    fields: Row


@dataclass(frozen=True)
class Step:
    """What one reply reads (the first row under a lock, with these columns), changes and adds."""

    reads: Sequence[tuple[Key, Sequence[str]]]
    changes: Sequence[Change]
    new: Sequence[New]


def rehearsed(query: Query, desk: str, agent: str, replies: Iterable[Reply]) -> list[Step]:
    """Let the library reply, and return what it read, changed and added each time."""
    return [_step(query, desk, agent, *reply) for reply in replies]


def _step(
    query: Query, desk: str, agent: str, conversation: str, reply: Callable[[], MessageView]
) -> Step:
    read = (
        Key("omniroute_desks", {"desk_id": desk}),
        Key("omniroute_agents", {"desk_id": desk, "id": agent}),
        Key("omniroute_conversations", {"desk_id": desk, "id": conversation}),
    )
    before = [key.row(query) for key in read]
    message = reply()
    at = {"desk_id": desk, "position": message.position}
    new = (
        Key("omniroute_log", at),
        Key("omniroute_messages", {"desk_id": desk, "id": message.id}),
        Key("omniroute_outbox", {**at, "conversation": conversation}),
    )
    changes = []
    for key, old in zip(read, before, strict=True):
        fields = {name: value for name, value in key.row(query).items() if value != old[name]}
        if fields:
            changes.append(Change(key, fields))
    reads = [
        (key, [name for name in old if name not in key.key])
        for key, old in zip(read, before, strict=True)
    ]
    return Step(reads, changes, [New(key.table, key.row(query)) for key in new])
