"""Apply deliberate faults one at a time and prove that each turns its test red.

Owns the format of ``tests/mutants.toml`` and the judgement. Each ``[[mutant]]`` has an ``id``, a
``file``, an ``old`` text that occurs in it exactly once, the ``new`` text that replaces it, the
``test`` (a pytest node id) that must notice, and if it helps a ``why``.

First all the named tests run on an unchanged copy, where they must pass, skipping nothing. Then
every mutant gets a copy of its own, and its test runs there alone. Red means that pytest itself
reports the test as failed and that the code which ran was the copy's; a crash, a collection error,
a usage error, an empty selection or a timeout is a mistake in the entry, not a kill. The project's
own tree is only read.

    python tools/mutants.py [-k ID] [--jobs N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

TIMEOUT_SECONDS = 300  # a test may wait a minute for what a fault keeps from coming, twice
BASELINE_TIMEOUT_SECONDS = 900
LEFT_OUT = (".git", ".venv", ".venv-*", ".*_cache", ".hypothesis", "_build", "build", "dist")
# What would change pytest's report, and what would have every run compile every module anew.
NOT_PASSED_ON = ("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
FIELDS = ("id", "file", "old", "new", "test")

PROBE = '''"""Reports what pytest saw, and whose code it ran. Written by tools/mutants.py."""
import json, os, sys
from pathlib import Path

outcomes = {}
wanted = json.loads(os.environ.get("MUTANTS_WANTED", "null"))

def pytest_collection_modifyitems(config, items):
    if wanted is not None:
        chosen = lambda node: any(node == w or node.startswith((w + "[", w + "::")) for w in wanted)
        config.hook.pytest_deselected(items=[i for i in items if not chosen(i.nodeid)])
        items[:] = [item for item in items if chosen(item.nodeid)]

def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        seen = outcomes.setdefault(report.nodeid, [])
        seen.append("xfailed" if hasattr(report, "wasxfail") else report.outcome)

def pytest_sessionfinish(session, exitstatus):
    package = sys.modules.get("omniroute")
    origin = getattr(package, "__file__", None)
    report = {"exit": int(exitstatus), "outcomes": outcomes, "origin": origin}
    Path(os.environ["MUTANTS_REPORT"]).write_text(json.dumps(report), encoding="utf-8")
'''


class Verdict(Enum):
    """How one mutant ended."""

    RED = "red"
    SURVIVED = "SURVIVED"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault."""

    id: str
    file: str
    old: str
    new: str
    test: str
    why: str = ""


@dataclass(frozen=True)
class Result:
    """One mutant's verdict, and for anything but red the reason."""

    mutant: Mutant
    verdict: Verdict
    reason: str = ""


class EntryError(Exception):
    """``mutants.toml`` itself is wrong."""


@dataclass(frozen=True)
class Run:
    """What one pytest process said."""

    exit: int | None
    outcomes: Mapping[str, Sequence[str]]
    origin: str | None
    output: str


def read_mutants(path: Path) -> list[Mutant]:
    """Read the entries; `EntryError` names every mistake at once."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    mistakes: list[str] = []
    mutants: list[Mutant] = []
    for number, entry in enumerate(entries, start=1):
        label = f"mutant {entry.get('id', number)}"
        unknown = sorted(set(entry) - {*FIELDS, "why"})
        missing = [field for field in FIELDS if not isinstance(entry.get(field), str)]
        mistakes += [f"{label}: unknown field {field!r}" for field in unknown]
        mistakes += [f"{label}: needs {field!r} as a text" for field in missing]
        if not unknown and not missing:
            mutants.append(Mutant(**entry))
    mistakes += _wrong_values(mutants)
    if mistakes:
        raise EntryError("\n".join(mistakes))
    return mutants


def _wrong_values(mutants: Iterable[Mutant]) -> Iterator[str]:
    ids: set[str] = set()
    for mutant in mutants:
        if mutant.id in ids:
            yield f"mutant {mutant.id}: the id is used twice"
        ids.add(mutant.id)
        if mutant.old == mutant.new:
            yield f"mutant {mutant.id}: 'new' equals 'old'"
        if "::" not in mutant.test:
            yield f"mutant {mutant.id}: 'test' names no single test: {mutant.test}"


def mutate(root: Path, mutant: Mutant) -> None:
    """Write the fault into the copy at `root`; `EntryError` unless `old` occurs exactly once."""
    path = root / mutant.file
    if not path.is_file():
        raise EntryError(f"there is no file {mutant.file}")
    text = path.read_text(encoding="utf-8")
    count = text.count(mutant.old)
    if count != 1:
        raise EntryError(f"'old' occurs {count} times in {mutant.file}, expected once")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        stale.unlink()


def run_all(root: Path, mutants: Sequence[Mutant], jobs: int) -> list[Result]:
    """Judge every mutant of the project at `root`, `jobs` at a time, in the order given."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        clean = Path(scratch) / "clean" / "tree"
        _copy(root, clean)
        refused = _baseline(clean, mutants)

        def judge(numbered: tuple[int, Mutant]) -> Result:
            number, mutant = numbered
            if mutant.id in refused:
                return Result(mutant, Verdict.ERROR, refused[mutant.id])
            return _judge(clean, Path(scratch) / str(number), mutant)

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(judge, enumerate(mutants)))


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)


def _baseline(clean: Path, mutants: Sequence[Mutant]) -> dict[str, str]:
    """Run all the named tests on the unchanged copy; the ids that may not be judged, and why."""
    tests = list(dict.fromkeys(mutant.test for mutant in mutants))
    run = _run_unchanged(clean, tests)
    refused: dict[str, str] = {}
    for mutant in mutants:
        seen = [each for node, each in run.outcomes.items() if _selected(node, mutant.test)]
        states = {state for outcomes in seen for state in outcomes}
        if not states:
            refused[mutant.id] = f"{mutant.test} did not run unchanged: {_tail(run)}"
        elif states != {"passed"}:
            refused[mutant.id] = f"{mutant.test} is {', '.join(sorted(states))} unchanged"
    return refused


def _run_unchanged(clean: Path, tests: Sequence[str]) -> Run:
    """Run the tests in one go, by file: one wrong name must not keep the others from running."""
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    present = [file for file in files if (clean / file).is_file()]
    if not present:
        return Run(4, {}, None, "none of the named files exists")
    options = ["--continue-on-collection-errors", *present]
    wanted = {"MUTANTS_WANTED": json.dumps(tests)}
    return _pytest(clean, options, BASELINE_TIMEOUT_SECONDS, wanted)


def _selected(node: str, test: str) -> bool:
    return node == test or node.startswith((f"{test}[", f"{test}::"))


def _judge(clean: Path, folder: Path, mutant: Mutant) -> Result:
    tree = folder / "tree"
    try:
        _copy(clean, tree)
        mutate(tree, mutant)
        run = _pytest(tree, ["-x", mutant.test], TIMEOUT_SECONDS)
        return _verdict(tree, mutant, run)
    except EntryError as error:
        return Result(mutant, Verdict.ERROR, str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _verdict(tree: Path, mutant: Mutant, run: Run) -> Result:
    states = {state for outcomes in run.outcomes.values() for state in outcomes}
    if run.exit is None:
        return Result(mutant, Verdict.ERROR, f"no end within {TIMEOUT_SECONDS} s")
    if run.exit not in {0, 1} or (run.exit == 1 and "failed" not in states):
        return Result(mutant, Verdict.ERROR, f"pytest broke (exit {run.exit}): {_tail(run)}")
    if not _is_copy(tree, mutant, run):
        return Result(mutant, Verdict.ERROR, f"ran {run.origin}, not the mutated copy")
    if run.exit == 1:
        return Result(mutant, Verdict.RED)
    return Result(
        mutant, Verdict.SURVIVED, f"{mutant.test} passes; {mutant.why or 'no reason given'}"
    )


def _is_copy(tree: Path, mutant: Mutant, run: Run) -> bool:
    if run.origin is None:
        return not mutant.file.startswith("src/")
    return Path(run.origin).resolve().is_relative_to(tree.resolve())


def _pytest(
    tree: Path,
    arguments: Sequence[str],
    timeout: float,
    extra: Mapping[str, str] | None = None,
) -> Run:
    """Run pytest on the code in `tree` alone, with nothing written outside the tree's folder."""
    beside = tree.parent
    (beside / "probe").mkdir(exist_ok=True)
    (beside / "probe" / "mutants_probe.py").write_text(PROBE, encoding="utf-8")
    report = beside / "report.json"
    environment = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    environment |= {
        "PYTHONPATH": os.pathsep.join(str(path) for path in (tree / "src", beside / "probe")),
        "MUTANTS_REPORT": str(report),
        "HYPOTHESIS_PROFILE": "ci",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(beside / "hypothesis"),
        **(extra or {}),
    }
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mutants_probe"),
        *(f"--basetemp={beside / 'tmp'}", f"--rootdir={tree}", *arguments),
    ]
    with (beside / "output.txt").open("w+", encoding="utf-8", errors="replace") as output:
        exit_code = _wait(command, tree, environment, output.fileno(), timeout)
        output.seek(0)
        text = output.read()
    seen = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    return Run(exit_code, seen.get("outcomes", {}), seen.get("origin"), text)


def _wait(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: int,
    timeout: float,
) -> int | None:
    """Return the exit code, or None after killing everything that was started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(run: Run) -> str:
    lines = [line for line in run.output.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it printed nothing"


def _print_table(results: Sequence[Result]) -> None:
    ids = max(len(result.mutant.id) for result in results)
    for result in results:
        mutant = result.mutant
        print(f"{result.verdict.value:<9} {mutant.id:<{ids}}  {mutant.test}")
        if result.reason:
            print(f"{'':<9} {'':<{ids}}  {result.reason}")


def main(arguments: list[str] | None = None) -> int:
    """Judge the mutants of this project; 0 when all turned red."""
    parser = argparse.ArgumentParser(description="Prove that each fault turns its test red.")
    parser.add_argument("-k", dest="wanted", metavar="ID", help="only ids that contain this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(arguments)
    try:
        mutants = read_mutants(options.root / "tests" / "mutants.toml")
    except EntryError as error:
        print(f"tests/mutants.toml:\n{error}", file=sys.stderr)
        return 2
    chosen = [mutant for mutant in mutants if not options.wanted or options.wanted in mutant.id]
    if not chosen:
        print(f"no mutant matches {options.wanted!r}", file=sys.stderr)
        return 2
    results = run_all(options.root, chosen, max(options.jobs, 1))
    _print_table(results)
    red = sum(result.verdict is Verdict.RED for result in results)
    print(f"{red} passed, {len(results) - red} failed")
    return 0 if red == len(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
