"""Every example runs as it is, and every example configuration is good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from omniroute.cli import main
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"
SAYS = {
    "quickstart.py": (
        "ana has it until",
        "first response within 15m: inbox general",
        "queue: entry point",
        "ana was chosen in general/Orders: holds 0 of 2",
        "not ben: comes later",
        "not chloe: not available",
    ),
    "virtual_time.py": (
        "10:01:40.000001 SlaBreached",
        "['Sorry for the wait']",
        "first response is overdue",
        "next deadline: none",
    ),
}


IN_HOSTS = ("django_atomic.py", "fastapi_endpoint.py", "journal_store.py", "sqlalchemy_session.py")
"""Longer ones, with tests of their own: `test_host_examples`, `test_example_store`."""


def test_every_script_is_tested():
    assert sorted([*SAYS, *IN_HOSTS]) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", SAYS)
def test_a_script_runs_from_anywhere_and_says_what_it_should(name, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in SAYS[name]:
        assert words in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", SAYS)
def test_a_script_stays_short(name):
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_a_configuration_passes_the_check(path, capsys):
    assert main(["check", str(path)]) == 0, capsys.readouterr().out
