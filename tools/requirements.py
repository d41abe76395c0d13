"""Compare the rules in ``docs/rules.md`` with the tests that name them.

Owns the two formats: a rule is a bullet ``- **G1** text``, marked ``*(to come)*`` while it is not
built; a test names the rules it holds omniroute to with ``@pytest.mark.req("G1")``, at most three.
Tests are read by AST, so a mark counts wherever pytest would see it: on a function, on its class,
in a ``pytestmark``, in a ``pytest.param``.

    python tools/requirements.py            list the rules that no test names
    python tools/requirements.py --quiet    print what is wrong, and the totals
"""

from __future__ import annotations

import argparse
import ast
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_IDS = 3
TO_COME = "*(to come)*"
_BULLET = re.compile(r"^- \*\*([A-Z]+[0-9]+)\*\*(?= |$)")
_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_MARK = re.compile(r"(?:\w+\.)?mark\.req")
_ID = re.compile(r"^([A-Z]+)([0-9]+)$")


@dataclass(frozen=True)
class Rule:
    """One rule of the project, by its id."""

    id: str
    line: int
    to_come: bool


@dataclass(frozen=True)
class Named:
    """The ids that one test, or everything in one class or module, names."""

    where: str
    ids: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What the comparison found; `problems` make the target fail."""

    rules: tuple[Rule, ...]
    untested: tuple[str, ...]
    to_come: tuple[str, ...]
    problems: tuple[str, ...]


def compare(root: Path, required: Path | None = None) -> Report:
    """Compare the project in `root`, and with the list of ids in `required` when it is there."""
    page = root / "docs" / "rules.md"
    rules = list(read_rules(page))
    named = [each for path in sorted((root / "tests").rglob("*.py")) for each in _named(path, root)]
    tested = {rule_id for each in named for rule_id in each.ids}
    problems = [
        *_repeated(rules),
        *(problem for each in named for problem in each.problems),
        *_wrongly_named(named, {rule.id: rule for rule in rules}),
        *_missing(rules, required),
    ]
    return Report(
        rules=tuple(rules),
        untested=tuple(r.id for r in rules if not r.to_come and r.id not in tested),
        to_come=tuple(r.id for r in rules if r.to_come),
        problems=tuple(problems),
    )


def read_rules(page: Path) -> Iterator[Rule]:
    """Every rule of a page; a rule reaches to the next bullet, heading or blank line."""
    current: tuple[str, int] | None = None
    text = ""
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], start=1):
        ends = not line.strip() or line.startswith(("-", "#"))
        if current and ends:
            yield Rule(*current, to_come=TO_COME in text)
            current = None
        if bullet := _BULLET.match(line):
            current, text = (bullet[1], number), ""
        text += f" {line.strip()}"


def _repeated(rules: Iterable[Rule]) -> Iterator[str]:
    first: dict[str, int] = {}
    for rule in rules:
        if rule.id in first:
            yield f"docs/rules.md:{rule.line}: {rule.id} stands at line {first[rule.id]} already"
        first.setdefault(rule.id, rule.line)


def _wrongly_named(named: Iterable[Named], rules: Mapping[str, Rule]) -> Iterator[str]:
    for each in named:
        for rule_id in each.ids:
            if rule_id not in rules:
                yield f"{each.where}: names {rule_id}, which docs/rules.md does not have"
            elif rules[rule_id].to_come:
                yield f"{each.where}: names {rule_id}, which docs/rules.md marks {TO_COME}"


def _missing(rules: Iterable[Rule], required: Path | None) -> Iterator[str]:
    if required is None or not required.is_file():
        return
    known = {rule.id for rule in rules}
    for rule in read_rules(required):
        if rule.id not in known:
            yield f"docs/rules.md: {rule.id} of {required.name} is missing"


def _named(path: Path, root: Path) -> Iterator[Named]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    yield from _walk(tree, path.relative_to(root).as_posix(), inherited=())


def _walk(
    scope: ast.Module | _Definition,
    where: str,
    inherited: tuple[str, ...],
) -> Iterator[Named]:
    """Tests with their own marks and those above them; other marks by the line they stand on."""
    shared = _ids([node for node in scope.body if _is_pytestmark(node)], where)[0]
    inherited = (*inherited, *shared)
    for node in scope.body:
        if not isinstance(node, _Definition):
            ids, problems = _ids([node], f"{where}:{node.lineno}")
            if ids or problems:
                yield Named(f"{where}:{node.lineno}", ids, problems)
            continue
        here = f"{where}::{node.name}"
        own, problems = _ids(node.decorator_list, here)
        every = tuple(dict.fromkeys((*inherited, *own)))
        if len(every) > MOST_IDS:
            problems = (*problems, f"{here}: names {len(every)} rules, at most {MOST_IDS}")
        if own or problems:
            yield Named(here, own, problems)
        yield from _walk(node, here, every if isinstance(node, ast.ClassDef) else ())


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _ids(nodes: Iterable[ast.AST], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ids: list[str] = []
    problems: list[str] = []
    for call in (each for node in nodes for each in _marks(node)):
        for argument in call.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                ids.append(argument.value)
            else:
                problems.append(f"{where}: req() takes rule ids as plain strings")
        if call.keywords or not call.args:
            problems.append(f"{where}: req() takes rule ids as plain strings")
    return tuple(ids), tuple(problems)


def _marks(node: ast.AST) -> Iterator[ast.Call]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and _MARK.fullmatch(ast.unparse(each.func)):
            yield each


def _sorted(ids: Iterable[str]) -> list[str]:
    def key(rule_id: str) -> tuple[str, int]:
        found = _ID.match(rule_id)
        return (found[1], int(found[2])) if found else (rule_id, 0)

    return sorted(ids, key=key)


def _listed(title: str, ids: Iterable[str]) -> str:
    ordered = _sorted(ids)
    text = textwrap.fill(
        " ".join(ordered) or "none", 98, initial_indent="  ", subsequent_indent="  "
    )
    return f"{title} ({len(ordered)}):\n{text}"


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison for this project; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description="List the rules that no test names.")
    parser.add_argument("--quiet", action="store_true", help="print problems and totals only")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(arguments)
    report = compare(options.root, options.root.parent / "shared" / "REQUIREMENTS.md")
    if not options.quiet:
        print(_listed("built, but no test names them", report.untested))
        print(_listed("to come", report.to_come))
    for problem in report.problems:
        print(f"error: {problem}")
    untested, to_come = len(report.untested), len(report.to_come)
    tested = len(report.rules) - untested - to_come
    print(
        f"requirements: {len(report.rules)} rules, {tested} tested, {untested} untested,"
        f" {to_come} to come, {len(report.problems)} errors",
    )
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
