"""Judges a database by what is stored in it: what was lost, done twice, by half, or out of turn?

    python -m tests.faults.check_log URL [--ledger FILE ...] [--json]

Shares no code with omniroute: it reads the tables by plain SQL and keeps books of its own on who
waits and who holds what. It expects desks that push every queue's conversations, in the order of
their wait.

A ledger is what clients claim: a line of JSON for each command, with its `desk`, its `mark` (the
text of the message, or the disposition of the end) and whether it was `acknowledged`. What was
acknowledged is in the store exactly once; what was not, at most once.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.books import KINDS, Books, Report

__all__ = ["KINDS", "Report", "check"]

_PREFIX = "omniroute_"


# --- the database ---------------------------------------------------------------------------------


class _Database:
    """Reads tables, all as of one instant."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        self._connection: Any
        self._numbers = itertools.count()
        if scheme.startswith("sqlite"):
            self._connection = sqlite3.connect(rest.removeprefix("/"))
            self._connection.execute("BEGIN")
        else:
            self._connection = _connect_postgres(rest)

    def rows(self, table: str, *columns: str, order: str = "") -> Iterator[tuple[Any, ...]]:
        """Yield rows of a table: its desk, the columns that are asked for, and the decoded body."""
        names = ", ".join(("desk_id", *columns, "body"))
        by = f" ORDER BY desk_id, {order}" if order else ""
        with contextlib.closing(self._cursor()) as cursor:
            cursor.execute(f"SELECT {names} FROM {_PREFIX}{table}{by}")
            for *cells, body in cursor:
                yield *cells, json.loads(body)

    def _cursor(self) -> Any:
        if isinstance(self._connection, sqlite3.Connection):
            return self._connection.cursor()
        # Kept on the server, since the log may be long; two may be open at a time.
        cursor = self._connection.cursor(name=f"rows_{next(self._numbers)}")
        cursor.itersize = 5_000
        return cursor

    def close(self) -> None:
        self._connection.close()


def _connect_postgres(rest: str) -> Any:
    import psycopg

    parts = urlsplit(f"//{rest}")
    options = parse_qs(parts.query)
    hosts = options.pop("host", [f"{parts.hostname}:{parts.port or 5432}"])
    pairs = [host.rpartition(":") for host in hosts]
    connection = psycopg.connect(
        host=",".join(host for host, _, _ in pairs),
        port=",".join(port for _, _, port in pairs),
        user=parts.username,
        password=parts.password,
        dbname=parts.path.lstrip("/"),
        **{name: values[-1] for name, values in options.items()},  # type: ignore[arg-type]
    )
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


# --- what is stored beside the log ----------------------------------------------------------------


class _Audit:
    """Compares every table with what the logs say should be in it."""

    def __init__(self, database: _Database, report: Report, books: type[Books]) -> None:
        self._database = database
        self._report = report
        self._keep = books
        self._desks: dict[str, Books] = {}
        self._messages: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self) -> None:
        """Read everything, the log first."""
        self._read_logs()
        self._check_desks()
        self._check_conversations()
        self._check_agents()
        self._check_messages()
        self._check_received()
        self._check_outbox()
        self._check_keys()
        self._check_explanations()

    def marks(self, desk: str) -> Counter[str]:
        """How often each mark is there."""
        return self._desks[desk].marks if desk in self._desks else Counter()

    def _half(self, desk: str, text: str) -> None:
        self._report.add("half", f"desk {desk}: {text}")

    def _books(self, desk: str) -> Books:
        if desk not in self._desks:
            self._desks[desk] = self._keep(desk, self._report)
        return self._desks[desk]

    def _read_logs(self) -> None:
        for desk, position, body in self._database.rows("log", "position", order="position"):
            self._books(desk).read(position, body["event"])
        for books in self._desks.values():
            books.settle()

    def _check_desks(self) -> None:
        for desk, body in self._database.rows("desks"):
            self._report.figures["desks"] += 1
            told, read = body.get("position", 0), self._books(desk).position
            if told != read:
                self._report.add("gap", f"desk {desk}: its row says {told}, its log ends at {read}")

    def _check_conversations(self) -> None:
        contacts = {(desk, body["id"]) for desk, body in self._database.rows("contacts")}
        stored = {(desk, body["id"]): body for desk, body in self._database.rows("conversations")}
        for (desk, name), body in stored.items():
            talk = self._books(desk).talks.get(name)
            if talk is None or talk.state != body["state"]:
                told = None if talk is None else talk.state
                self._half(desk, f"conversation {name} is {body['state']}, its events say {told}")
            elif talk.agent is not None and talk.agent != body.get("agent"):
                self._half(desk, f"conversation {name}: {body.get('agent')} is not {talk.agent}")
            if (desk, body["place"]["contact"]) not in contacts:
                self._half(desk, f"conversation {name} has no contact")
        self._all_there("conversation", stored, lambda books: books.talks)

    def _all_there(self, what: str, stored: Iterable[tuple[str, Any]], told: Any) -> None:
        known = set(stored)
        for desk, books in self._desks.items():
            for key in told(books):
                if (desk, key) not in known:
                    self._half(desk, f"{what} {key} has events, and is not stored")

    def _check_agents(self) -> None:
        stored = {(desk, body["id"]): body for desk, body in self._database.rows("agents")}
        for (desk, name), body in stored.items():
            agent = self._books(desk).agents.get(name)
            if agent is None:
                self._half(desk, f"agent {name} is stored, and has no events")
            elif (len(agent.holds), agent.available) != (body["load"], body["available"]):
                held = f"load {body['load']}, holds {len(agent.holds)}"
                self._half(desk, f"agent {name}: {held}, available {agent.available}")
        self._all_there("agent", stored, lambda books: books.agents)

    def _check_messages(self) -> None:
        for desk, body in self._database.rows("messages"):
            name, books = body["id"], self._books(desk)
            self._messages[desk, name] = body
            self._report.figures["messages"] += 1
            told = books.messages.get(name)
            if told is None or told[:2] != (body["conversation"], body["position"]):
                self._half(desk, f"message {name} has no event at position {body['position']}")
            if body.get("text"):
                books.marks[body["text"]] += 1
        self._all_there("message", self._messages, lambda books: books.messages)

    def _check_received(self) -> None:
        """Each received message has its record, without which it would be taken again."""
        records = self._records_of_receipt()
        provider_ids: Counter[tuple[str, ...]] = Counter()
        for (desk, name), body in self._messages.items():
            if self._books(desk).messages.get(name, ("", 0, ""))[2] != "message_received":
                continue
            if records[desk, name] != 1:
                self._half(desk, f"message {name} has {records[desk, name]} records of receipt")
            provider_ids.update(
                (desk, body["entry_point"], each) for each in body.get("provider_ids", ())
            )
        for key, count in provider_ids.items():
            if count > 1:
                self._report.add("twice", f"provider id {'/'.join(key)} is there {count} times")

    def _records_of_receipt(self) -> Counter[tuple[str, str]]:
        records: Counter[tuple[str, str]] = Counter()
        for desk, body in self._database.rows("dedupe"):
            message = body.get("message")
            if message is not None:
                records[desk, message] += 1
                if (desk, message) not in self._messages:
                    self._half(desk, f"item {body['key']} was received, and its message is lost")
        return records

    def _check_outbox(self) -> None:
        waiting = {
            (desk, body["effect"]["message"]): body for desk, body in self._database.rows("outbox")
        }
        for desk, name in waiting.keys() - self._messages.keys():
            self._half(desk, f"message {name} is to be sent, and is not there")
        for desk, books in self._desks.items():
            for name, (_, _, kind) in books.messages.items():
                status = self._messages.get((desk, name), {}).get("status")
                if kind == "message_sent" and status == "pending" and (desk, name) not in waiting:
                    self._half(desk, f"message {name} was never put into the outbox")

    def _check_keys(self) -> None:
        for desk, body in self._database.rows("idempotency"):
            message = (body.get("message") or {}).get("id")
            if body["conversation"]["id"] not in self._books(desk).talks:
                self._half(desk, f"key {body['key']} stands for no conversation")
            if message is not None and (desk, message) not in self._messages:
                self._half(desk, f"key {body['key']} stands for no message")

    def _check_explanations(self) -> None:
        rows = self._database.rows("explanations")
        stored = {(desk, (body["conversation"], body["position"])) for desk, body in rows}
        self._all_there("explanation", stored, lambda books: books.pushed)


# --- what clients claim ---------------------------------------------------------------------------


def _check_ledgers(paths: Iterable[Path], audit: _Audit, report: Report) -> None:
    claims: dict[tuple[str, str], bool] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            claim = json.loads(line)
            key = (claim["desk"], claim["mark"])
            claims[key] = claims.get(key, False) or claim["acknowledged"]
    for (desk, mark), acknowledged in claims.items():
        count = audit.marks(desk)[mark]
        report.figures["acknowledged"] += acknowledged
        if acknowledged and count == 0:
            report.add("lost", f"desk {desk}: {mark} was acknowledged")
        if count > 1:
            report.add("twice", f"desk {desk}: {mark} is there {count} times")


def check(url: str, ledgers: Iterable[Path] = (), *, books: type[Books] = Books) -> Report:
    """Judge the database that a URL names, and what ledgers claim of it; `books` know its order."""
    report = Report()
    database = _Database(url)
    try:
        audit = _Audit(database, report, books)
        audit.run()
        _check_ledgers(ledgers, audit, report)
    finally:
        database.close()
    return report


def main(arguments: list[str] | None = None) -> int:
    """Print the report; 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="check_log", description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--ledger", type=Path, nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    report = check(given.url, given.ledger)
    counted = {"figures": report.figures, "found": report.found, "examples": report.examples}
    sys.stdout.write(f"{json.dumps(counted) if given.json else report}\n")
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())
