from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from omniroute.cli import main
from omniroute.cli.app import app
from omniroute.cli.console import console

BROKEN = """
[inboxes.general]
primary_for = ["whatsapp"]
sla = "-1"

[entry_points]
main = { channel = "whatsap", address = "1" }
"""


WITHOUT = """
import sys
sys.modules[{!r}] = None
from omniroute.cli import main
raise SystemExit(main({!r}))
"""


def without(library, *arguments):
    program = WITHOUT.format(library, list(arguments))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def test_version_names_what_is_installed(capsys):
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"omniroute {version('omniroute')} (Python 3.")


def test_check_counts_what_a_good_file_holds(capsys, project):
    file = project / "examples" / "helpdesk.toml"
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == (
        f"{file}: ok: desk helpdesk: 2 inboxes, 3 queues, 3 entry points, 1 account, 1 group,"
        " 4 agents\n"
    )


def test_check_prints_every_problem_with_its_path(capsys, tmp_path):
    file = tmp_path / "desk.toml"
    file.write_text(BROKEN)
    assert main(["check", str(file)]) == 1
    head, *problems = capsys.readouterr().out.splitlines()
    assert head == f"{file}: 2 problems"
    assert problems[0].startswith("  inboxes.general.sla: ")
    assert problems[1].startswith("  entry_points.main.channel: ")
    assert "did you mean 'whatsapp'?" in problems[1].replace('"', "'")


@pytest.mark.parametrize("name,said", [("gone.toml", "no such file"), ("desk.ini", ".toml")])
def test_check_of_a_file_that_cannot_be_read_is_a_problem(capsys, tmp_path, name, said):
    assert main(["check", str(tmp_path / name)]) == 1
    assert said in capsys.readouterr().out


def test_one_problem_is_not_called_problems(capsys, tmp_path):
    main(["check", str(tmp_path / "gone.toml")])
    assert ": 1 problem\n" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["check"], ["version", "--loud"]])
def test_a_call_that_makes_no_sense_is_explained(capsys, arguments):
    assert main(arguments) == 2
    assert "Usage: omniroute" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    listed = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out, re.MULTILINE)
    assert listed == sorted(app.commands)


@pytest.mark.parametrize("library,extra", [("sqlalchemy", "sql"), ("httpx", "http")])
def test_an_error_of_the_library_is_told_without_a_trace(library, extra):
    done = without(library, "demo")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert f"omniroute[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


# --- without the extra ----------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(library):
    done = without(library, "version")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f'omniroute: the command line needs {library}: pip install "omniroute[cli]"\n'
    )


def test_another_missing_module_is_not_blamed_on_the_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "omniroute.cli.app")
    monkeypatch.setitem(sys.modules, "omniroute.cli.check", None)
    with pytest.raises(ModuleNotFoundError, match=r"omniroute\.cli\.check"):
        main(["version"])


# --- colour ---------------------------------------------------------------------------------------


def printed(capsys):
    console().print("word", style="bold red")
    return capsys.readouterr().out


def test_what_is_no_terminal_gets_plain_text(capsys):
    assert printed(capsys) == "word\n"


def test_a_terminal_gets_colour(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert printed(capsys) == "\x1b[1;31mword\x1b[0m\n"


@pytest.mark.parametrize("name,value", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_none_gets_plain_text(capsys, monkeypatch, name, value):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, value)
    assert printed(capsys) == "word\n"


def test_a_terminal_without_an_arrow_gets_a_question_mark():
    program = "from omniroute.cli.console import console; console().print('a → b')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "a ? b\n"
