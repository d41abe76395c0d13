"""The checker of the fault tests finds what it is for: each kind of damage, made by hand."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import books, check_log
from tests.faults.check_log import check
from tests.faults.office import entry_point, office, open_desks, perform

DESK = "desk"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Two agents with room for one each: two conversations are held, one was, two wait."""
    path = tmp_path_factory.mktemp("good") / "desk.db"
    with open_desks(f"sqlite:///{path}") as desks:
        desks.create(office(DESK, agents=2, queues=1, soft_max=1))
        for agent in ("a00", "a01"):
            perform(desks, {"desk": DESK, "do": "available", "by": agent, "available": True})
        talks = [perform(desks, message(f"m{number}")) for number in range(5)]
        held = {"conversation": talks[0]["conversation"], "by": "a00"}
        perform(desks, {"desk": DESK, "do": "reply", "mark": "r0", "key": "r0", **held})
        perform(desks, {"desk": DESK, "do": "end", "mark": "e0", "key": "e0", **held})
    return path


@pytest.fixture
def database(good, tmp_path):
    return Path(shutil.copy(good, tmp_path))


def message(mark):
    door = entry_point(0)
    given = {"desk": DESK, "do": "receive", "door": door, "contact": f"{mark}'s"}
    return given | {"mark": mark, "key": mark}


def judge(path, *ledgers):
    return check(f"sqlite:///{path}", ledgers)


def sql(path, statement, *parameters):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, parameters).fetchall()


def edit(path, table, change, where="1 = 1"):
    """Change the body of the first row that fits."""
    text = sql(path, f"SELECT body FROM omniroute_{table} WHERE {where} LIMIT 1")[0][0]
    body = json.loads(text)
    change(body)
    sql(path, f"UPDATE omniroute_{table} SET body = ? WHERE body = ?", json.dumps(body), text)


def an_event(kind):
    return f'body LIKE \'%"kind":"{kind}"%\''


def event(path, kind, **changed):
    edit(path, "log", lambda body: body["event"].update(changed), an_event(kind))


def assign_what_is_held(path):
    again = {"kind": "assigned", "agent": "a01", "actor": "system", "reason": "push"}
    edit(path, "log", lambda body: body["event"].update(again), an_event("ended"))


def test_nothing_is_found_where_nothing_is_wrong(database):
    report = judge(database)
    assert not report.found, str(report)
    assert report.figures["assignments"] == 3
    assert report.figures["conversations"] == 5


def no_room(capacity):
    return {**capacity, "soft_max": 0, "hard_max": 0}


DAMAGE = {
    "over capacity": lambda db: edit(
        db,
        "log",
        lambda body: body["event"].update(capacity=no_room(body["event"]["capacity"])),
        an_event("agent_saved"),
    ),
    "assigned twice": assign_what_is_held,
    "not entitled": lambda db: event(db, "agent_availability", available=False),
    "out of order": lambda db: event(db, "assigned", conversation=newest(db)),
    "left waiting": lambda db: event(db, "agent_saved", capacity={"soft_max": 9, "hard_max": 9}),
    "wrong step": lambda db: event(db, "assigned", source="active"),
    "gap": lambda db: sql(db, "DELETE FROM omniroute_log WHERE position = 5"),
    "twice": lambda db: edit(
        db, "messages", lambda body: body.update(provider_ids=["m2"]), 'body LIKE \'%"text":"m1"%\''
    ),
}


def newest(path):
    return sql(path, "SELECT conversation FROM omniroute_log ORDER BY position DESC")[0][0]


@pytest.mark.parametrize("kind", sorted(DAMAGE))
def test_damage_to_the_log_is_found(database, kind):
    DAMAGE[kind](database)
    assert judge(database).found[kind] > 0


HALVES = {
    "a message without its event": "UPDATE omniroute_log SET body = replace(body, 'received', 'x')",
    "an event without its message": "DELETE FROM omniroute_messages WHERE position > 10",
    "no conversation": "DELETE FROM omniroute_conversations",
    "no contact": "DELETE FROM omniroute_contacts",
    "no agent": "DELETE FROM omniroute_agents",
    "no outbox": "DELETE FROM omniroute_outbox",
    "no record of receipt": "DELETE FROM omniroute_dedupe",
    "no explanation": "DELETE FROM omniroute_explanations",
    "another state": "UPDATE omniroute_conversations SET body = replace(body, 'queued', 'ended')",
    "another holder": "UPDATE omniroute_conversations SET body = replace(body, 'a01', 'a00')",
    "another load": "UPDATE omniroute_agents SET body = replace(body, '\"load\":1', '\"load\":0')",
}


@pytest.mark.parametrize("name", HALVES)
def test_what_is_there_by_half_is_found(database, name):
    sql(database, HALVES[name])
    assert judge(database).found["half"] > 0


def ledger(path, **marks):
    lines = [
        json.dumps({"desk": DESK, "mark": mark, "acknowledged": acknowledged})
        for mark, acknowledged in marks.items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_claims_are_held_against_the_store(database, tmp_path):
    good = ledger(tmp_path / "good", m0=True, r0=True, e0=True, m9=False)
    assert not judge(database, good).found
    bad = ledger(tmp_path / "bad", m9=True)
    assert judge(database, good, bad).found == {"lost": 1}


def test_it_shares_no_code_with_what_it_judges():
    for module in (books, check_log):
        assert module.__file__ is not None
        imports = [
            line
            for line in Path(module.__file__).read_text(encoding="utf-8").splitlines()
            if line.lstrip().startswith(("import ", "from "))
        ]
        assert not [line for line in imports if "omniroute" in line]
