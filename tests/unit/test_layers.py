"""The architecture holds, and the analyzer that says so sees every kind of violation."""

from __future__ import annotations

import pytest

from tools.layering import DEPENDENCIES, LAYERS, SAME_LAYER, violations


def tree(folder, files):
    """Write a package `omniroute` of these modules and return its folder."""
    package = folder / "omniroute"
    package.mkdir()
    for room in ("errors", "clock", "ids", "model", "rules", "stores", "desk"):
        (package / room).mkdir()
    for name, text in files.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


def kinds(package):
    return [found.kind for found in violations(package)]


def test_omniroute_keeps_its_layers(project):
    found = violations(project / "src" / "omniroute")
    assert not found, "\n" + "\n".join(str(each) for each in found)


@pytest.mark.parametrize(
    "module,text",
    [
        ("model/agent", "from omniroute.rules.hours import is_open"),
        ("model/agent", "from ..rules import hours"),
        ("model/agent", "import omniroute.rules"),
        ("model/agent", "def f():\n    from omniroute.rules import hours"),
        (
            "model/agent",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from omniroute import rules",
        ),
        ("model/agent", "import importlib\nimportlib.import_module('omniroute.rules')"),
        ("model/agent", "(x,) = later(globals(), 'omniroute.rules', 'x')"),
        ("rules/hours", "from omniroute.desk.receive import receive"),
        ("stores/memory", "import omniroute.channels.whatsapp"),
        ("rules/hours", "from omniroute.codec import encode"),
        ("web/asgi", "from omniroute.testing import play"),
        ("testing/playing", "from omniroute.cli import main"),
        ("errors", "from omniroute.clock import Clock"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_found(tmp_path, module, text):
    rooms = dict.fromkeys(("channels/x", "codec", "testing/playing", "cli/x", "web/x"), "")
    assert kinds(tree(tmp_path, rooms | {module: text})) == ["layer"]


@pytest.mark.parametrize(
    "module,text",
    [
        ("rules/hours", "from omniroute.model.agent import Agent\nfrom omniroute import errors"),
        (
            "rules/hours",
            "from . import words\nfrom .words import reserved\nfrom ..model import agent",
        ),
        ("rules/words/__init__", "from ...model.agent import Agent\nfrom . import lists"),
        ("stores/sql/store", "import sqlalchemy as sa\nfrom omniroute.stores.memory import X"),
        ("stores/sql/store", "from sqlalchemy.engine import Engine\nimport sqlite3"),
        ("channels/transports", "import httpx"),
        ("channels/transports/http", "import httpx"),
        ("channels/transports_async", "import httpx"),
        ("codec", "import attrs, cattrs, pendulum\nfrom omniroute import schema"),
        ("__init__", "import importlib\nimportlib.import_module('omniroute.desk')"),
        ("cli/demo", "import click, rich.table\nfrom omniroute.testing.playing import play"),
        ("clock", "import time\nnow = time.time\nfrom datetime import datetime\ndatetime.now()"),
        ("ids", "import os, random, uuid\nos.urandom(8)"),
        ("model/agent", "from datetime import datetime\ndatetime.fromisoformat('2025-01-01')"),
        ("model/agent", "now = 1\nclass C:\n    now = 2\nC.now"),
        ("desk/worker", "import time, asyncio\ntime.sleep(1)"),
        ("stores/memory", '"""Nothing here calls CURRENT_TIMESTAMP or now()."""'),
        ("stores/memory", "def f(now):\n    return now"),
    ],
)
def test_what_the_layers_allow_passes(tmp_path, module, text):
    rooms = {"schema": "", "testing/playing": "", "stores/memory": ""}
    assert violations(tree(tmp_path, rooms | {module: text})) == []


@pytest.mark.parametrize(
    "text",
    [
        "from omniroute import Desk",
        "import omniroute",
        "import omniroute as om",
        "from omniroute import *",
        "from .. import Desk",
        "def f():\n    from omniroute import Desk",
    ],
)
def test_names_of_the_public_face_are_not_imported_inside(tmp_path, text):
    assert set(kinds(tree(tmp_path, {"desk/receive": text}))) == {"public-face"}


@pytest.mark.parametrize(
    "text, found",
    [
        ("from omniroute.desk import Desk", {"waiting-name"}),
        ("from omniroute.desk import desk\nfrom omniroute.desk.desk import Desk", set()),
    ],
)
def test_names_that_wait_are_imported_from_the_modules_that_own_them(tmp_path, text, found):
    rooms = {"desk/__init__": "__getattr__ = exports(__name__, {})", "desk/desk": "", "errors": ""}
    assert set(kinds(tree(tmp_path, rooms | {"web/webhook": text}))) == found


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "import time as clock\nclock.monotonic()",
        "from time import perf_counter",
        "from time import time_ns as now",
        "from time import *",
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from datetime import datetime as D\nD.now(tz=None)",
        "from datetime import date\ndate.today()",
        "import pendulum\npendulum.now('UTC')",
        "from pendulum import DateTime\nDateTime.now()",
        "import attrs\nimport datetime\nx = attrs.field(factory=datetime.datetime.now)",
        "def f():\n    import time\n    return time.time()",
        "from email.utils import formatdate",
    ],
)
def test_a_clock_read_outside_the_clock_is_found(tmp_path, text):
    assert set(kinds(tree(tmp_path, {"desk/tick": text}))) == {"clock"}


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "from random import choice",
        "import uuid",
        "from secrets import token_hex",
        "import os\nos.urandom(16)",
        "from os import urandom as noise",
        "def f():\n    import uuid",
    ],
)
def test_randomness_outside_ids_is_found(tmp_path, text):
    assert set(kinds(tree(tmp_path, {"desk/receive": text}))) == {"random"}


@pytest.mark.parametrize(
    "module,text",
    [
        ("model/agent", "import cattrs"),
        ("rules/hours", "import sqlalchemy"),
        ("plugins/registry", "import cattrs"),
        ("desk/receive", "import pluggy"),
        ("stores/memory", "import sqlalchemy"),
        ("stores/sqlish", "import sqlite3"),
        ("stores/memory", "import psycopg"),
        ("channels/whatsapp", "import httpx"),
        ("web/asgi", "import click"),
        ("desk/explain", "from rich.table import Table"),
        ("contrib/flask", "import django"),
        ("web/asgi", "def f():\n    import pytest"),
    ],
)
def test_a_dependency_outside_its_room_is_found(tmp_path, module, text):
    assert kinds(tree(tmp_path, {module: text})) == ["dependency-room"]


def test_a_dependency_that_nobody_declared_is_found(tmp_path):
    assert kinds(tree(tmp_path, {"desk/receive": "import requests"})) == ["undeclared-dependency"]


@pytest.mark.parametrize(
    "text",
    ["import socket", "import logging", "from pathlib import Path", "open('x')", "print(1)"],
)
def test_the_pure_core_does_no_io(tmp_path, text):
    assert kinds(tree(tmp_path, {"rules/hours": text})) == ["io"]


@pytest.mark.parametrize(
    "text",
    [
        "SQL = 'UPDATE desk SET touched = CURRENT_TIMESTAMP'",
        "SQL = 'select now()'",
        "import sqlalchemy as sa\nsa.func.now()",
        "from sqlalchemy import func\nfunc.current_timestamp()",
    ],
)
def test_no_sql_function_reads_the_time(tmp_path, text):
    assert set(kinds(tree(tmp_path, {"stores/sql/store": text}))) == {"sql-time"}


def test_a_module_without_a_room_is_found(tmp_path):
    assert kinds(tree(tmp_path, {"utils": ""})) == ["no-room"]


def test_a_violation_says_where_and_what(tmp_path):
    (found,) = violations(
        tree(tmp_path, {"model/agent": "x = 1\nfrom omniroute.desk import receive"})
    )
    assert str(found) == "omniroute/model/agent.py:2: model (L1) imports desk (L6) [layer]"


def test_the_tables_agree_with_each_other():
    assert all(LAYERS[one] == LAYERS[other] for one, other in SAME_LAYER)
    assert all(reason for reason in SAME_LAYER.values())
    rooms = {room.partition(".")[0] for each in DEPENDENCIES.values() for room in each} - {"*"}
    assert rooms <= set(LAYERS)
