"""The first tables: everything as omniroute 0.1 has it.

A snapshot. It is never changed after a release: what changes later is a revision of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    text,
)

revision: Final = "0001"
down_revision: Final = None

_PREFIX: Final = "omniroute_"

Columns = tuple[Column[Any], ...]


def upgrade(op: Operations, schema: str | None) -> None:
    """Create every table and every index, in the database schema where one is named."""
    _create_tables(op, schema)
    _create_indexes(op, schema)


def _create_tables(op: Operations, schema: str | None) -> None:
    table = partial(_create_table, op, schema)
    table("desks", _text("desk_id"), _number("next_work", nullable=True) + _body())
    table("configs", _text("desk_id") + _number("version"), _body())
    table("config_changes", _text("desk_id") + _number("version"), _body())
    table("addresses", _text("kind address"), _text("owner", nullable=True) + _body())
    table(
        "agents",
        _text("desk_id id"),
        _number("load", nullable=True) + _body(),
        CheckConstraint("load >= 0", name="omniroute_load_bound"),
    )
    table(
        "agent_timers",
        _text("desk_id agent timer conversation"),
        _number("due", nullable=True) + _body(),
    )
    table("staff_changes", _text("desk_id agent") + _number("position"), _body())
    table(
        "serving",
        _text("desk_id queue")
        + _number("colour rank_first rank_second")
        + _text("agent")
        + _number("load maximum idle_since")
        + _text("channels id"),
    )
    table("contacts", _text("desk_id id"), _text("ref", nullable=True) + _body())
    table("contact_addresses", _text("desk_id kind address id"))
    table("contact_terms", _text("desk_id") + _number("field") + _text("term told id"))
    table(
        "conversations",
        _text("desk_id id"),
        _text("entry_point contact")
        + _text("open_in ended_in", nullable=True)
        + _number("ended_order", nullable=True)
        + _number("recency")
        + _text("lane", nullable=True)
        + _number("segment wait_class waiting_since deadline", nullable=True)
        + _text("agent", nullable=True)
        + _text("state inbox")
        + _text("queue", nullable=True)
        + _number("due", nullable=True)
        + _body(),
    )
    table("queue_lines", _text("desk_id queue"), _body())
    for name in ("tag_by_due", "tag_by_latest"):
        table(name, _text("desk_id tag tagged_state") + _number("tagged_order") + _text("id"))
    table(
        "messages",
        _text("desk_id id"),
        _text("conversation", nullable=True)
        + _number("position carrying", nullable=True)
        + _body(),
    )
    table("provider_ids", _text("desk_id entry_point provider_id id"))
    table(
        "log",
        _text("desk_id") + _number("position"),
        _text("conversation", nullable=True) + _body(),
    )
    table("engagements", _text("desk_id contact") + _number("position"), _body())
    table("explanations", _text("desk_id conversation") + _number("position"), _body())
    table("dedupe", _text("desk_id entry_point kind provider_key"), _body())
    table("early_statuses", _text("desk_id entry_point provider_id"), _body())
    table("idempotency", _text("desk_id key"), _number("expires_at", nullable=True) + _body())
    table(
        "intake",
        _text("desk_id entry_point kind provider_key"),
        _number("accepted_at number refused_at", nullable=True) + _body(),
    )
    table("jobs", _text("desk_id name"), _body())
    table("number_verifications", _text("desk_id number"), _body())
    table("read_markers", _text("desk_id agent conversation"), _body())
    table(
        "outbox",
        _text("desk_id conversation") + _number("position"),
        _number("ready_at", nullable=True)
        + _text("lane", nullable=True)
        + _number("dead_at", nullable=True)
        + _body(),
    )


def _create_indexes(op: Operations, schema: str | None) -> None:
    index = partial(_create_index, op, schema)
    index("due_desks", "desks", "next_work desk_id", present="next_work")
    index("addresses_of_desk", "addresses", "owner kind address", present="owner")
    index(
        "agent_deadlines",
        "agent_timers",
        "desk_id due agent timer conversation",
        present="due",
    )
    index("contacts_by_ref", "contacts", "desk_id ref id", present="ref")
    index("contact_addresses_unique", "contact_addresses", "desk_id kind address", unique=True)
    index("all_by_due", "conversations", "desk_id state due id", present="due")
    index("all_by_latest", "conversations", "desk_id state recency id")
    for name, sometimes in (("agent", "agent"), ("contact", ""), ("inbox", ""), ("queue", "queue")):
        index(
            f"{name}_by_due",
            "conversations",
            f"desk_id {name} state due id",
            present=f"{sometimes} due",
        )
        index(
            f"{name}_by_latest",
            "conversations",
            f"desk_id {name} state recency id",
            present=sometimes,
        )
    index("deadlines", "conversations", "desk_id deadline id", present="deadline")
    index(
        "open_thread",
        "conversations",
        "desk_id entry_point contact open_in",
        present="open_in",
        unique=True,
    )
    index(
        "thread",
        "conversations",
        "desk_id entry_point contact ended_in ended_order id",
        present="ended_in ended_order",
    )
    index(
        "waiting",
        "conversations",
        "desk_id queue lane segment wait_class waiting_since id",
        present="queue lane segment wait_class waiting_since",
    )
    index(
        "messages_of",
        "messages",
        "desk_id conversation position id",
        present="conversation position",
    )
    index(
        "messages_carrying",
        "messages",
        "desk_id conversation carrying id",
        present="conversation carrying",
    )
    index("timeline", "log", "desk_id conversation position", present="conversation")
    index("idempotency_expiry", "idempotency", "desk_id expires_at key", present="expires_at")
    index(
        "intake_order",
        "intake",
        "desk_id accepted_at number entry_point kind provider_key",
        present="accepted_at number",
    )
    index(
        "intake_refused",
        "intake",
        "desk_id refused_at entry_point kind provider_key",
        present="refused_at",
    )
    index("dead", "outbox", "desk_id dead_at conversation position", present="dead_at")
    index("ready", "outbox", "desk_id ready_at lane conversation position", present="ready_at lane")
    index("ready_lanes", "outbox", "desk_id lane position conversation", present="ready_at lane")


def _create_table(
    op: Operations,
    schema: str | None,
    name: str,
    keys: Columns,
    others: Columns = (),
    *bounds: CheckConstraint,
) -> None:
    op.create_table(
        _PREFIX + name,
        *keys,
        *others,
        PrimaryKeyConstraint(*(column.name for column in keys)),
        *bounds,
        schema=schema,
        sqlite_with_rowid=False,
    )


def _create_index(
    op: Operations,
    schema: str | None,
    name: str,
    table: str,
    columns: str,
    *,
    present: str = "",
    unique: bool = False,
) -> None:
    where = text(" AND ".join(f"{column} IS NOT NULL" for column in present.split()))
    op.create_index(
        _PREFIX + name,
        _PREFIX + table,
        columns.split(),
        unique=unique,
        schema=schema,
        sqlite_where=where if present else None,
        postgresql_where=where if present else None,
    )


def _text(names: str, *, nullable: bool = False) -> Columns:
    kind = Text().with_variant(Text(collation="C"), "postgresql")
    return tuple(Column(name, kind, nullable=nullable) for name in names.split())


def _number(names: str, *, nullable: bool = False) -> Columns:
    return tuple(
        Column(name, BigInteger(), nullable=nullable, autoincrement=False) for name in names.split()
    )


def _body() -> Columns:
    return (
        Column("body", Text(), nullable=False),
        Column("body_version", SmallInteger(), nullable=False),
    )
