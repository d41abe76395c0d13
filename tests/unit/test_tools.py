"""The project's own tools judge rightly: on small projects made up for the purpose."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import make_venv, mutants, requirements, test_all

RULES = """# Rules

A rule marked *(to come)* is not built.

- **G1** An entry point
  leads to an inbox.
- **G2** Exactly one primary inbox.
- **U3** One account. Built
  later. *(to come)*

- not a rule, *(to come)*
"""


def write(root, files):
    """Write files, ``{"tests/test_it.py": text}``, and return the folder they are in."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


class TestRequirements:
    def report(self, root, test, rules=RULES, required=None):
        write(root, {"docs/rules.md": rules, "tests/test_it.py": f"import pytest\n{test}"})
        return requirements.compare(root, required)

    def test_rules_are_read_with_their_marker(self, tmp_path):
        report = self.report(tmp_path, "")
        assert [(rule.id, rule.line, rule.to_come) for rule in report.rules] == [
            ("G1", 5, False),
            ("G2", 7, False),
            ("U3", 8, True),
        ]
        assert (report.untested, report.to_come, report.problems) == (("G1", "G2"), ("U3",), ())

    @pytest.mark.parametrize(
        "test",
        [
            "@pytest.mark.req('G1')\ndef test_a(): ...",
            "@pytest.mark.req('G1')\nasync def test_a(): ...",
            "@pytest.mark.req('G1')\nclass TestA:\n    def test_a(self): ...",
            "class TestA:\n    @pytest.mark.req('G1')\n    def test_a(self): ...",
            "class TestA:\n    pytestmark = pytest.mark.req('G1')",
            "pytestmark = pytest.mark.req('G1')",
            "pytestmark = [pytest.mark.slow, pytest.mark.req('G1')]",
            "from pytest import mark\n@mark.req('G1')\ndef test_a(): ...",
            (
                "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.req('G1'))])\n"
                "def test_a(a): ..."
            ),
        ],
    )
    def test_a_mark_counts_wherever_pytest_sees_it(self, tmp_path, test):
        assert self.report(tmp_path, test).untested == ("G2",)

    def test_a_mark_in_a_comment_or_text_does_not_count(self, tmp_path):
        text = "# @pytest.mark.req('G1')\nx = \"@pytest.mark.req('G2')\""
        assert self.report(tmp_path, text).untested == ("G1", "G2")

    @pytest.mark.parametrize(
        "test,problem",
        [
            ("@pytest.mark.req('G9')\ndef test_a(): ...", "names G9, which docs/rules.md does not"),
            ("@pytest.mark.req('U3')\ndef test_a(): ...", "which docs/rules.md marks"),
            ("@pytest.mark.req(ID)\ndef test_a(): ...", "plain strings"),
            ("@pytest.mark.req()\ndef test_a(): ...", "plain strings"),
        ],
    )
    def test_a_wrong_mark_is_a_problem(self, tmp_path, test, problem):
        (found,) = self.report(tmp_path, test).problems
        assert found.startswith("tests/test_it.py::test_a: ")
        assert problem in found

    @pytest.mark.parametrize(
        "test",
        [
            "@pytest.mark.req('G1', 'G2', 'G4', 'G5')\ndef test_a(): ...",
            "@pytest.mark.req('G1', 'G2')\n@pytest.mark.req('G4', 'G5')\ndef test_a(): ...",
            (
                "@pytest.mark.req('G1', 'G2', 'G4')\nclass TestA:\n"
                "    @pytest.mark.req('G5')\n    def test_a(self): ..."
            ),
            (
                "pytestmark = pytest.mark.req('G1', 'G2')\n"
                "@pytest.mark.req('G4', 'G5')\ndef test_a(): ..."
            ),
        ],
    )
    def test_a_test_names_at_most_three_rules(self, tmp_path, test):
        rules = "".join(f"- **G{n}** rule\n" for n in (1, 2, 4, 5))
        (found,) = self.report(tmp_path, test, rules).problems
        assert "names 4 rules, at most 3" in found

    def test_three_rules_are_fine(self, tmp_path):
        rules = "- **G1** a\n- **G2** b\n- **G3** c\n"
        test = "@pytest.mark.req('G1', 'G2', 'G3')\ndef test_a(): ..."
        assert self.report(tmp_path, test, rules).problems == ()

    def test_a_rule_stands_once(self, tmp_path):
        (found,) = self.report(tmp_path, "", "- **G1** a\n- **G1** b\n").problems
        assert found == "docs/rules.md:2: G1 stands at line 1 already"

    def test_a_required_rule_that_is_missing_is_a_problem(self, tmp_path):
        required = (
            write(tmp_path, {"REQUIREMENTS.md": "- **G1** a\n- **X7** b\n"}) / "REQUIREMENTS.md"
        )
        (found,) = self.report(tmp_path, "", required=required).problems
        assert found == "docs/rules.md: X7 of REQUIREMENTS.md is missing"

    def test_without_the_optional_file_nothing_is_required(self, tmp_path):
        assert self.report(tmp_path, "", required=tmp_path / "none.md").problems == ()

    def test_the_command_lists_and_fails(self, tmp_path, capsys):
        self.report(tmp_path, "@pytest.mark.req('G1')\ndef test_a(): ...")
        assert requirements.main(["--root", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert "built, but no test names them (1):\n  G2\n" in out
        assert "to come (1):\n  U3\n" in out
        assert out.endswith("3 rules, 1 tested, 1 untested, 1 to come, 0 errors\n")
        self.report(tmp_path, "@pytest.mark.req('G9')\ndef test_a(): ...")
        assert requirements.main(["--root", str(tmp_path), "--quiet"]) == 1
        assert capsys.readouterr().out.startswith("error: tests/test_it.py::test_a: names G9")

    def test_ids_are_listed_as_people_count(self):
        assert requirements._listed("t", ["G10", "U1", "G2"]).endswith("G2 G10 U1")

    def test_the_marks_of_this_project_are_right(self, project):
        required = project.parent / "shared" / "REQUIREMENTS.md"
        assert requirements.compare(project, required).problems == ()


CODE = "def add(a, b):\n    return a + b\n\n\nLIMIT = 10\n"
TESTS = """
import time
import pytest
from omniroute import sums

def test_add(): assert sums.add(1, 2) == 3
def test_limit(): assert sums.LIMIT == 10
def test_add_nothing(): assert sums.add(0, 0) == 0
@pytest.mark.parametrize("n", [1, 2])
def test_many(n): assert sums.add(n, n) == 2 * n
@pytest.mark.skip(reason="never")
def test_skipped(): ...
def test_broken(): assert sums.add(1, 1) == 3
def test_slow():
    if sums.LIMIT == 11: time.sleep(60)
@pytest.fixture
def total(): return sums.add(1, 2)
def test_crash():
    if sums.LIMIT == 12: import os; os._exit(1)
"""


def entry(number, test, old="a + b", new="a - b", file="src/omniroute/sums.py"):
    return (
        f'[[mutant]]\nid = "M{number}"\nfile = "{file}"\nold = "{old}"\nnew = "{new}"\n'
        f'test = "tests/test_sums.py::{test}"\nwhy = "sums must add"\n'
    )


@pytest.fixture
def sums(tmp_path):
    """Return a project whose package is called omniroute and shadows the installed one."""
    root = tmp_path / "project"
    return write(
        root,
        {
            "pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['-p', 'no:omniroute']\n",
            "src/omniroute/__init__.py": "",
            "src/omniroute/sums.py": CODE,
            "tests/test_sums.py": TESTS,
        },
    )


class TestMutants:
    def judge(self, root, *entries, arguments=()):
        write(root, {"tests/mutants.toml": "\n".join(entries)})
        found = mutants.read_mutants(root / "tests" / "mutants.toml")
        return mutants.run_all(root, found, jobs=2)

    def verdicts(self, results):
        return [(result.mutant.id, result.verdict.value) for result in results]

    def test_red_survived_and_error_are_told_apart(self, sums):
        results = self.judge(
            sums,
            entry(1, "test_add"),
            entry(2, "test_add_nothing"),
            entry(3, "test_many"),
            entry(4, "test_many[2]"),
            entry(5, "test_add", old="nowhere"),
            entry(6, "test_add", old="a"),
            entry(7, "test_add", file="src/omniroute/none.py"),
            entry(8, "test_absent"),
            entry(9, "test_skipped"),
            entry(10, "test_broken"),
            entry(11, "test_crash", old="10", new="12"),
            entry(12, "test_add", old="return", new="return )"),
        )
        assert self.verdicts(results) == [
            ("M1", "red"),
            ("M2", "SURVIVED"),
            ("M3", "red"),
            ("M4", "red"),
            *((f"M{number}", "ERROR") for number in range(5, 13)),
        ]
        reasons = {result.mutant.id: result.reason for result in results}
        assert "sums must add" in reasons["M2"]
        assert reasons["M5"] == "'old' occurs 0 times in src/omniroute/sums.py, expected once"
        assert "'old' occurs 3 times" in reasons["M6"]
        assert reasons["M7"] == "there is no file src/omniroute/none.py"
        assert "did not run unchanged" in reasons["M8"]
        assert "skipped unchanged" in reasons["M9"]
        assert "failed unchanged" in reasons["M10"]
        assert "pytest broke (exit 1)" in reasons["M11"]
        assert "pytest broke (exit 4)" in reasons["M12"]
        assert (sums / "src" / "omniroute" / "sums.py").read_text() == CODE

    def test_a_test_that_does_not_end_is_an_error(self, sums, monkeypatch):
        monkeypatch.setattr(mutants, "TIMEOUT_SECONDS", 3)
        (result,) = self.judge(sums, entry(1, "test_slow", old="10", new="11"))
        assert result.verdict is mutants.Verdict.ERROR
        assert result.reason == "no end within 3 s"

    def test_the_projects_own_tree_stays_as_it_is(self, sums):
        self.judge(sums, entry(1, "test_add"))
        left = sorted(path.name for path in sums.rglob("*") if path.is_file())
        assert left == ["__init__.py", "mutants.toml", "pyproject.toml", "sums.py", "test_sums.py"]

    def test_code_from_elsewhere_is_an_error_not_a_kill(self, sums):
        # The test loads the real package, so the mutated copy of this one never runs.
        away = Path(__file__).resolve().parents[2] / "src"
        test = (
            f"import sys\nsys.path.insert(0, {str(away)!r})\nimport omniroute\ndef test_it(): ..."
        )
        write(sums, {"tests/test_sums.py": test})
        (result,) = self.judge(sums, entry(1, "test_it"))
        assert result.verdict is mutants.Verdict.ERROR
        assert "not the mutated copy" in result.reason

    def test_the_command_prints_a_table_and_a_summary(self, sums, capsys):
        write(sums, {"tests/mutants.toml": entry(1, "test_add") + entry(2, "test_add_nothing")})
        assert mutants.main(["--root", str(sums)]) == 1
        out = capsys.readouterr().out.splitlines()
        assert out[0] == "red       M1  tests/test_sums.py::test_add"
        assert out[1] == "SURVIVED  M2  tests/test_sums.py::test_add_nothing"
        assert out[-1] == "1 passed, 1 failed"
        assert mutants.main(["--root", str(sums), "-k", "M1"]) == 0
        assert capsys.readouterr().out.endswith("\n1 passed, 0 failed\n")
        assert mutants.main(["--root", str(sums), "-k", "M7"]) == 2

    @pytest.mark.parametrize(
        "text,mistake",
        [
            ('[[mutant]]\nid = "A"\n', "mutant A: needs 'file' as a text"),
            (entry(1, "t") + entry(1, "t"), "mutant M1: the id is used twice"),
            (entry(1, "t", new="a + b"), "mutant M1: 'new' equals 'old'"),
            (entry(1, "t").replace("::", ":"), "mutant M1: 'test' names no single test"),
            (entry(1, "t") + "color = 1\n", "mutant M1: unknown field 'color'"),
        ],
    )
    def test_a_wrong_entry_is_refused(self, tmp_path, text, mistake):
        write(tmp_path, {"mutants.toml": text})
        with pytest.raises(mutants.EntryError, match=mistake):
            mutants.read_mutants(tmp_path / "mutants.toml")

    def test_every_mutant_of_this_project_still_fits(self, project):
        for mutant in mutants.read_mutants(project / "tests" / "mutants.toml"):
            text = (project / mutant.file).read_text(encoding="utf-8")
            assert text.count(mutant.old) == 1, mutant.id


class TestEnvironment:
    def test_a_failed_install_leaves_no_stamp(self, tmp_path, monkeypatch):
        write(tmp_path, {"pyproject.toml": "[project]\n"})
        venv = tmp_path / ".venv"
        venv.mkdir()
        (venv / make_venv.STAMP).write_text("of an older pyproject.toml")
        monkeypatch.setattr(make_venv, "_runs", lambda _venv: True)
        monkeypatch.setattr(make_venv, "_install", lambda *_: make_venv._call("false"))
        assert make_venv.build(venv, tmp_path) == 1
        assert list(venv.iterdir()) == []

    def test_it_installs_again_only_when_the_project_file_changes(self, tmp_path, monkeypatch):
        installs = []
        write(tmp_path, {"pyproject.toml": "[project]\n"})
        venv = tmp_path / ".venv"
        venv.mkdir()
        monkeypatch.setattr(make_venv, "_runs", lambda _venv: True)
        monkeypatch.setattr(make_venv, "_install", lambda *_: installs.append(1))
        assert [make_venv.build(venv, tmp_path) for _ in range(2)] == [0, 0]
        assert len(installs) == 1
        write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n"})
        make_venv.build(venv, tmp_path)
        assert len(installs) == 2

    def test_an_extra_is_installed_once_beside_what_tests_need(self, tmp_path, monkeypatch):
        installs: list[str] = []
        write(tmp_path, {"pyproject.toml": "[project]\n"})
        venv = tmp_path / ".venv"
        venv.mkdir()
        monkeypatch.setattr(make_venv, "_pip", lambda _, what: installs.append(what))
        for _ in range(2):
            make_venv.add(venv, "bench", tmp_path)
        assert installs == [f"{tmp_path}[bench]"]
        assert not (venv / make_venv.STAMP).exists()  # says nothing of the rest
        write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n"})
        make_venv.add(venv, "bench", tmp_path)
        assert len(installs) == 2

    def test_an_extra_that_cannot_be_had_is_a_warning(self, tmp_path, monkeypatch, capsys):
        write(tmp_path, {"pyproject.toml": "[project]\n"})
        monkeypatch.setattr(make_venv, "_pip", lambda *_: make_venv._call("false"))
        make_venv.add(tmp_path, "bench", tmp_path)
        assert "warning: [bench] could not be installed" in capsys.readouterr().err
        assert not (tmp_path / f"{make_venv.STAMP}-bench").exists()

    def test_an_environment_that_does_not_start_is_made_anew(self, tmp_path, monkeypatch):
        made: list[Path] = []
        write(tmp_path, {"pyproject.toml": "[project]\n"})
        venv = tmp_path / ".venv"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(tmp_path / "gone")
        (venv / make_venv.STAMP).write_text(make_venv.fingerprint(venv, tmp_path))
        monkeypatch.setattr(make_venv, "_create", made.append)
        monkeypatch.setattr(make_venv, "_install", lambda *_: None)
        make_venv.build(venv, tmp_path)
        assert made == [venv]


def fake_python(folder, name, version, extra="", code=0):
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"version": version, "cpython": True, "final": True, "venv": True}
    answer = str(fields | dict([extra] if extra else [])).replace("True", "true")
    answer = answer.replace("False", "false").replace("'", '"').replace("(", "[").replace(")", "]")
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
    script.chmod(0o755)
    return script


def test_every_working_python_is_found_once(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    fake_python(first, "python3.13", (3, 13), code=127)  # a shim with nothing behind it
    fake_python(first, "python3.10", (3, 10))
    fake_python(first, "python3.12-config", (3, 12))
    fake_python(first, "python3.14", (3, 14), extra=("final", False))
    fake_python(first, "python3.15", (3, 15), extra=("venv", False))
    fake_python(first, "python3.16", (3, 16), extra=("cpython", False))
    eleven = fake_python(first, "python3", (3, 11))
    fake_python(second, "python3.11", (3, 11))
    thirteen = fake_python(second, "python3", (3, 13))
    folders = [tmp_path / "none", first, second]
    assert test_all.find_pythons(folders) == {"3.11": eleven, "3.13": thirteen}


def test_this_python_is_found():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert version in test_all.find_pythons([Path(sys.base_prefix) / "bin"])


def make(project, *arguments):
    inherited = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "ARGS", "NAMES")
    return subprocess.run(
        ["make", *arguments],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in inherited},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(os.name != "posix", reason="make is for POSIX systems")
def test_make_says_when_python_is_too_old(project, tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    done = make(project, f"PYTHON={old}", "test-all")
    assert done.returncode == 2
    assert "error: omniroute needs Python 3.11 or newer." in done.stderr
    assert "Python 3.9.2" in done.stderr


def test_make_help_names_every_target(project):
    done = make(project, "help")
    named = [line.split()[1] for line in done.stdout.splitlines()]
    text = (project / "Makefile").read_text(encoding="utf-8")
    assert named == re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE)
    wanted = "demo test test-all docs check bench requirements mutants clean help"
    assert set(wanted.split()) <= set(named)
