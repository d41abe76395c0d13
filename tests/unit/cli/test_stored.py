"""The commands on a stored desk: apply, tree, history, rollback, walk."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import omniroute as om
from omniroute.cli import main
from omniroute.model.events import Configured
from omniroute.testing import an_inbound

FILE = """
desk = "acme"
preset = "push"

[inboxes.general]
primary_for = ["whatsapp"]
sla = "15m"
queues = ["Orders", "Support"]

[accounts.meta]
app_secret = { env = "META_APP_SECRET" }
access_token = { env = "META_TOKEN" }
verify_token = { env = "META_VERIFY_TOKEN" }

[entry_points]
web = { channel = "whatsapp", account = "meta", address = "w1" }

[agents]
ana = { serves = ["general/**"] }
boss = { role = "administrator" }
"""


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'desk.db'}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], store: str) -> Any:
    def run(*arguments: object, code: int = 0) -> str:
        words = [str(each) for each in arguments]
        assert main([*words, "--store", store]) == code
        found = capsys.readouterr()
        return found.out + found.err

    return run


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def test_a_file_is_planned_created_and_applied_and_never_written(run: Any, file: Path) -> None:
    assert run("apply", file, "--plan", code=3) == "would create desk acme, with 2 agents\n"
    assert run("apply", file) == "created desk acme, with 2 agents\n"
    assert run("apply", file, "--plan") == "nothing to do: the desk is as the file says\n"
    edit(file, ('"15m"', '"5m"'), ("general/**", "general/Orders"))
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    lines = (
        'inboxes.general.sla: 15m -> 5m\nagents.ana.serves: ["general/**"] -> ["general/Orders"]\n'
    )
    assert run("apply", file, "--plan", code=3) == lines
    assert run("apply", file, "--plan", code=3) == lines, "a plan changes nothing"
    assert run("apply", file, "--by", "boss") == f"{lines}version 2 is in force\n"
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_agents_edited_by_hand_are_told_of_and_stay(run: Any, file: Path, store: str) -> None:
    run("apply", file)
    with om.Desks(store) as desks:
        desks["acme"].staff.put("ana", name="Ana")
        desks["acme"].staff.put("new", serves=["general/Orders"])
    assert run("apply", file, "--plan") == (
        "agents.ana was edited by hand, and stays so (--staff file overrules)\n"
        "agents.new is not in the file, and stays\n"
        "nothing to do: the desk is as the file says\n"
    )
    assert run("apply", file, "--staff", "leave") == "nothing to do: the desk is as the file says\n"
    told = json.loads(run("apply", file, "--staff", "file", "--json"))
    assert told["agents"][0] == {
        "agent": "ana",
        "how": "changed",
        "changes": ["agents.ana.name: Ana -> not set"],
    }


def test_what_stands_in_the_way_is_told_and_can_be_moved(run: Any, file: Path, store: str) -> None:
    edit(file, ('address = "w1"', 'address = "w1", queue = "general/Orders"'))
    run("apply", file)
    with om.Desks(store) as desks:
        chat = desks["acme"].receive("web", an_inbound(address="w1")).conversations[0]
    edit(file, ('["Orders", ', "["), ("/Orders", "/Support"))
    told = "inboxes.general.Orders: has 1 open conversation"
    assert told in run("apply", file, "--plan", code=1)
    assert told in run("apply", file, code=1)
    move = ("--move", "general/Orders=general/Support")
    run("apply", file, "--plan", *move, code=3)
    run("apply", file, *move)
    with om.Desks(store) as desks:
        assert desks["acme"].conversation(chat.id).queue == "general/Support"


def test_a_plan_of_going_back_says_what_the_way_back_would_refuse(
    run: Any, file: Path, store: str
) -> None:
    run("apply", file)
    edit(file, ('"Support"]', '"Support", "New"]'))
    edit(file, ('address = "w1"', 'address = "w1", queue = "general/New"'))
    run("apply", file)
    with om.Desks(store) as desks:
        desks["acme"].receive("web", an_inbound(address="w1"))
    told = "inboxes.general.New: has 1 open conversation"
    assert told in run("rollback", 1, "--plan", code=1)
    assert run("rollback", 1, "--plan", code=1) == run("rollback", 1, code=1)
    move = ("--move", "general/New=general/Support")
    planned = run("rollback", 1, "--plan", *move, code=3)
    assert run("rollback", 1, *move) == f"{planned}saved as version 3\n"


def test_a_broken_file_saves_nothing(run: Any, file: Path, store: str) -> None:
    run("apply", file)
    edit(file, ('"15m"', '"-1"'))
    assert "inboxes.general.sla" in run("apply", file, code=1)
    with om.Desks(store) as desks:
        saved = [e for e in desks["acme"].changes() if isinstance(e.event, Configured)]
    assert len(saved) == 1


def test_whoever_may_not_is_refused(run: Any, file: Path) -> None:
    run("apply", file)
    edit(file, ('"15m"', '"5m"'))
    assert "may not change the configuration" in run("apply", file, "--by", "ana", code=1)
    assert "may not roll" in run("rollback", 1, "--by", "ana", code=1)
    assert "may not roll" in run("rollback", 1, "--by", "ana", "--plan", code=1)
    assert "may not change" in run("apply", file, "--by", "ana", "--plan", code=1)


def test_history_and_rolling_back(run: Any, file: Path) -> None:
    run("apply", file)
    edit(file, ('"15m"', '"5m"'))
    run("apply", file, "--by", "boss")
    assert run("rollback", 1, "--plan", code=3) == "inboxes.general.sla: 5m -> 15m\n"
    assert run("rollback", 1).endswith("saved as version 3\n")
    assert run("rollback", 1) == "nothing to do: version 3 says the same\n"
    told = run("history")
    heads = [line.split("  ") for line in told.splitlines() if line.startswith("version")]
    assert [(head[0], head[2]) for head in heads] == [
        ("version 3", "system, rolled back to version 1"),
        ("version 2", "agent:boss"),
        ("version 1", "system"),
    ]
    assert "  inboxes.general.sla: 15m -> 5m\n" in told
    assert run("history", "--limit", 1).endswith("… and more: --limit\n")
    assert [each["number"] for each in json.loads(run("history", "--json"))] == [3, 2, 1]
    assert "agents.ana: added" in run("history", "--agent", "ana")
    assert "has no version 9" in run("rollback", 9, code=1)
    assert json.loads(run("rollback", 2, "--json"))["version"] == 4


def test_a_desk_is_drawn_with_who_serves_what_and_what_comes_from_where(
    run: Any, file: Path
) -> None:
    edit(file, ("general/**", "general/Orders"), ('sla = "15m"', 'sla = "15m"\nhours = "always"'))
    run("apply", file)
    drawn = run("tree")
    assert "Orders  ready  ana" in drawn
    assert "Support  not ready" in drawn
    assert "web  whatsapp w1  SLA 15m (inbox general)" in drawn
    assert 'hours = "always"  (inbox general)' in drawn
    data = json.loads(run("tree", "--json"))
    general = data["inboxes"][0]
    assert [(each["path"], each["ready"]) for each in general["queues"]] == [
        ("general/Orders", True),
        ("general/Support", False),
    ]
    assert general["settings"]["assignment"] == {"value": "push", "source": "preset push"}
    assert general["settings"]["idempotency_window"]["value"] == "30d"


def test_a_walk_tells_what_is_odd(run: Any, file: Path, capsys: Any) -> None:
    assert main(["walk", str(file)]) == 0
    assert capsys.readouterr().out == "desk acme: nothing odd\n"
    edit(file, ("general/**", "general/Orders"))
    run("apply", file)
    told = "unstaffed_queue: inboxes.general.Support: nobody serves it\n"
    assert run("walk", code=1) == told
    assert json.loads(run("walk", "--json", code=1)) == [
        {
            "kind": "unstaffed_queue",
            "where": "inboxes.general.Support",
            "text": "nobody serves it",
        }
    ]


@pytest.mark.parametrize(
    "arguments,text",
    [
        (["tree"], "give a FILE, or the store"),
        (["walk"], "give a FILE, or the store"),
        (["history"], "--store URL"),
        (["rollback", "1"], "--store URL"),
        (["apply", "x.toml"], "--store URL"),
        (["rollback", "1", "--store", "memory://", "--move", "x"], "QUEUE=QUEUE"),
        (
            ["preview", "web", "Hi", "--store", "memory://", "--at", "noon"],
            "2026-03-02T09:00+01:00",
        ),
    ],
)
def test_a_senseless_call_says_what_is_missing(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert text in capsys.readouterr().err


def test_of_many_desks_one_has_to_be_named(run: Any, file: Path) -> None:
    assert "there is no database" in run("history", code=1)
    run("apply", file)
    edit(file, ('desk = "acme"', 'desk = "other"'), ("w1", "w2"))
    run("apply", file)
    assert '"acme" and "other"' in run("history", code=2)
    assert "version 1" in run("history", "--desk", "other")


# --- stores that are not there --------------------------------------------------------------------


@pytest.mark.parametrize("command", [("history",), ("tree",), ("walk",), ("rollback", "1")])
def test_looking_at_a_database_that_is_not_there_makes_none(
    run: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "desk.db"
    assert run(*command, code=1) == (
        f'error: there is no database "{file}" (check the URL; '
        "omniroute apply FILE --store URL makes a desk there, and what it needs)\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_plan_for_a_database_that_is_not_there_makes_none(
    run: Any, file: Path, tmp_path: Path
) -> None:
    assert run("apply", file, "--plan", code=3) == "would create desk acme, with 2 agents\n"
    assert list(tmp_path.iterdir()) == [file]


def test_the_database_of_something_else_gets_no_tables_by_being_looked_at(
    run: Any, tmp_path: Path
) -> None:
    database = tmp_path / "desk.db"
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE customers (name TEXT)")
        other.commit()
        for command in ("history", "walk"):
            told = run(command, code=1)
            assert told.startswith(f'error: the database "{database}" has none of omniroute')
        tables = other.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("customers",)]


def test_a_desk_that_is_not_there_is_named_with_those_that_are(run: Any, file: Path) -> None:
    run("apply", file)
    told = run("history", "--desk", "acne", code=1)
    assert told == 'error: the store has no desk "acne"; did you mean "acme"?\n'
    told = run("history", "--agent", "anna", code=1)
    assert told == "error: nobody called 'anna' was ever on the staff\n"


def test_an_error_stays_on_its_line_where_no_terminal_is(run: Any, file: Path) -> None:
    run("apply", file)
    edit(file, ('"15m"', '"5m"'))
    told = run("apply", file, "--by", "ana", code=1)
    assert told.count("\n") == 1
    assert len(told) > 110
