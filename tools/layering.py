"""Hold ``src/omniroute`` to its layers: who may import whom, and who may touch the outside.

Owns the layer table and the list of rooms for dependencies; ``docs/architecture.md`` explains them.
Reads source by AST only, nothing is imported, so function-level and ``TYPE_CHECKING`` imports count
and a broken tree can still be judged. `violations` takes the package folder as an argument; its
test feeds it deliberately bad trees.

    python tools/layering.py
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

PACKAGE = "omniroute"
FACE = "__init__"

LAYERS: Mapping[str, int] = {
    **dict.fromkeys(("errors", "clock", "closing", "ids", "instants", "lazy"), 0),
    "model": 1,
    **dict.fromkeys(("rules", "collection", "schema", "ports", "codec"), 2),
    "config": 3,
    **dict.fromkeys(("plugins", "business_hours"), 4),
    **dict.fromkeys(("stores", "channels", "reports"), 5),
    "desk": 6,
    **dict.fromkeys(("web", "testing", "contrib", "sql"), 7),
    **dict.fromkeys(("cli", "__main__", FACE), 8),
}
"""The rooms, and the layer that each is in. A module with no room here is a violation."""

SAME_LAYER: Mapping[tuple[str, str], str] = {
    ("clock", "errors"): "a clock that is set wrongly raises an error of the one root",
    ("clock", "instants"): "a clock gives instants",
    ("ids", "errors"): "a bad seed raises an error of the one root",
    ("instants", "errors"): "a naive datetime raises an error of the one root",
    ("schema", "rules"): "an index may be ordered by a value that a rule computes",
    ("schema", "collection"): "what is stored is declared in its terms",
    ("ports", "schema"): "the Transaction's verbs are typed by the declared collections",
    ("codec", "schema"): "stored values are encoded as their collection declares",
    ("contrib", "web"): "a framework's view answers webhooks as every host does",
    ("contrib", "testing"): "a framework's test helper opens the play that every test has",
    ("__main__", "cli"): "python -m omniroute is the command line",
}
"""Imports within one layer that are allowed, and why."""

ANYWHERE = "*"
DEPENDENCIES: Mapping[str, tuple[str, ...]] = {
    "attr": (ANYWHERE,),
    "attrs": (ANYWHERE,),
    "pendulum": (ANYWHERE,),
    "cattrs": ("codec", "config"),
    "pluggy": ("plugins",),
    "sqlalchemy": ("stores.sql",),
    "alembic": ("stores.sql",),
    "psycopg": ("stores.sql",),
    "sqlite3": ("stores.sql",),
    "httpx": ("channels.transports*",),
    "click": ("cli",),
    "rich": ("cli",),
    "pytest": ("testing",),
    "_pytest": ("testing",),
    "hypothesis": ("testing",),
    "django": ("contrib.django",),
    "asgiref": ("contrib.django",),
    "yaml": ("config",),
    "holidays": ("config",),
    "phonenumbers": ("config", "channels"),
    "nh3": ("channels",),
    "puremagic": ("channels",),
    "opentelemetry": ("desk",),
}
"""Every dependency and the rooms it may be used in; ``*`` in a room's name matches any ending."""

PURE = ("model", "rules")
OUTSIDE_WORLD = frozenset(
    """
    asyncio concurrent ftplib glob http io logging multiprocessing os pathlib queue select selectors
    shutil signal smtplib socket socketserver sqlite3 ssl subprocess tempfile threading
    """.split(),
)
PURE_BUILTINS = frozenset({"open", "print", "input"})

_CLOCK_READS = {
    "time": "time monotonic perf_counter process_time clock_gettime localtime gmtime ctime asctime"
    " strftime time_ns monotonic_ns perf_counter_ns process_time_ns clock_gettime_ns",
    "datetime.datetime": "now utcnow today",
    "datetime.date": "today",
    "pendulum": "now today tomorrow yesterday",
    "pendulum.DateTime": "now utcnow today",
    "pendulum.Date": "today",
    "email.utils": "localtime formatdate make_msgid",
}
CLOCK_READS = frozenset(
    f"{owner}.{name}" for owner, names in _CLOCK_READS.items() for name in names.split()
)
CLOCK_MODULES = frozenset({"time", "datetime", "pendulum"})
RANDOM_MODULES = frozenset({"random", "uuid", "secrets"})
RANDOM_READS = frozenset({"os.urandom", "os.getrandom"})
SQL_TIME = re.compile(
    r"\b(?:CURRENT_(?:TIMESTAMP|DATE|TIME)|LOCALTIME(?:STAMP)?)\b"
    r"|\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|unixepoch)\s*\(\s*\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Violation:
    """One line that breaks the architecture; `kind` is a short stable name for it."""

    path: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        """As an editor can follow it: path, line, what is wrong."""
        return f"{self.path}:{self.line}: {self.text} [{self.kind}]"


def violations(package: Path) -> list[Violation]:
    """Every violation in the package folder (``src/omniroute``), in order of path and line."""
    found: set[Violation] = set()
    for path in sorted(package.rglob("*.py")):
        module = _Module(package, path)
        for check in _CHECKS:
            found.update(check(module))
    return sorted(found)


@dataclass(frozen=True)
class _Import:
    """One imported module or name, spelled in full: ``omniroute.model.agent.Agent``."""

    line: int
    target: str
    star: bool = False

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]


class _Module:
    """A parsed file: its dotted name inside the package, its imports, its aliases."""

    def __init__(self, package: Path, path: Path) -> None:
        self.package = package
        self.path = path.relative_to(package.parent).as_posix()
        parts = list(path.relative_to(package).with_suffix("").parts)
        self.is_package = parts[-1] == FACE
        if self.is_package:
            parts.pop()
        self.name = ".".join(parts)
        self.room = parts[0] if parts else FACE
        self.tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        self.aliases: dict[str, str] = {}
        self.imports = list(self._imports())

    def violation(self, line: int, kind: str, text: str) -> Violation:
        return Violation(self.path, line, kind, text)

    def _imports(self) -> Iterator[_Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.aliases[alias.asname or bound] = bound
                    yield _Import(node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                for alias in node.names:
                    target = f"{origin}.{alias.name}" if alias.name != "*" else origin
                    self.aliases[alias.asname or alias.name] = target
                    yield _Import(node.lineno, target, star=alias.name == "*")
            elif isinstance(node, ast.Call):
                yield from (_Import(node.lineno, named) for named in _imported_by_call(node))

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = [PACKAGE, *self.name.split(".")] if self.name else [PACKAGE]
        climb = node.level - self.is_package
        base = here[: len(here) - climb] if climb else here
        return ".".join([*base, *([node.module] if node.module else [])])

    def uses(self) -> Iterator[tuple[int, str]]:
        """Every name or attribute chain that is read, with import aliases spelled out."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and (dotted := _dotted(node)):
                head, _, rest = dotted.partition(".")
                origin = self.aliases.get(head, head)
                yield node.lineno, f"{origin}.{rest}" if rest else origin


def _imported_by_call(node: ast.Call) -> Iterator[str]:
    """The modules that a call names, if literal.

    ``import_module("a.b")`` and ``__import__("a.b")``; ``later(globals(), "a", "b", "c")``.
    """
    function = (_dotted(node.func) or "").rpartition(".")[2]
    texts = [str(each.value or "") for each in node.args if isinstance(each, ast.Constant)]
    if function == "later" and texts:
        yield from (f"{texts[0]}.{module}".lstrip(".") for module in texts[1:])
    elif function in {"import_module", "__import__"} and texts and not texts[0].startswith("."):
        yield texts[0]


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)):
        return f"{base}.{node.attr}"
    return None


def _rooms(module: _Module) -> Iterator[Violation]:
    if module.room not in LAYERS:
        text = f"{module.room!r} has no layer: add it to LAYERS, or move it into a room"
        yield module.violation(1, "no-room", text)


def _inner_imports(module: _Module) -> Iterator[Violation]:
    for found in module.imports:
        if found.top != PACKAGE:
            continue
        parts = found.target.split(".")
        room = parts[1] if len(parts) > 1 else ""
        if not room or not _is_submodule(module.package, room):
            text = f"imports {room or PACKAGE!r} from the public face; name the module that owns it"
            yield module.violation(found.line, "public-face", text)
        elif not _may_import(module.room, room):
            text = (
                f"{module.room} (L{LAYERS.get(module.room, '?')}) imports"
                f" {room} (L{LAYERS.get(room, '?')})"
            )
            yield module.violation(found.line, "layer", text)
        elif module.room != FACE and len(parts) > 2 and _waits(module.package, room, parts[2]):
            text = f"imports {parts[2]!r} from omniroute.{room}; name the module that owns it"
            yield module.violation(found.line, "waiting-name", text)


def _waits(package: Path, room: str, name: str) -> bool:
    """Whether a room brings a name when it is asked for: two threads that import could meet there."""
    face = package / room / "__init__.py"
    waiting = face.is_file() and "exports(__name__" in face.read_text(encoding="utf-8")
    inside = (package / room / name).is_dir() or (package / room / f"{name}.py").is_file()
    return waiting and not inside


def _is_submodule(package: Path, name: str) -> bool:
    return name in LAYERS or (package / name).is_dir() or (package / f"{name}.py").is_file()


def _may_import(importer: str, imported: str) -> bool:
    if importer == imported or (importer, imported) in SAME_LAYER:
        return True
    return LAYERS.get(importer, -1) > LAYERS.get(imported, 99)


def _dependencies(module: _Module) -> Iterator[Violation]:
    for found in module.imports:
        top = found.top
        if top == PACKAGE or (top in sys.stdlib_module_names and top not in DEPENDENCIES):
            continue
        rooms = DEPENDENCIES.get(top)
        if rooms is None:
            text = f"{top} is not a declared dependency: give it a room in DEPENDENCIES"
            yield module.violation(found.line, "undeclared-dependency", text)
        elif not any(_inside(module.name, room) for room in rooms):
            text = f"{top} outside its room ({', '.join(rooms)})"
            yield module.violation(found.line, "dependency-room", text)


def _inside(name: str, room: str) -> bool:
    return room == ANYWHERE or fnmatchcase(name, room) or fnmatchcase(name, f"{room}.*")


def _clock(module: _Module) -> Iterator[Violation]:
    if module.name == "clock":
        return
    for line, name in module.uses():
        if name in CLOCK_READS:
            yield module.violation(line, "clock", f"{name} reads a clock; only clock.py does")
    for found in module.imports:
        if found.target in CLOCK_READS or (found.star and found.target in CLOCK_MODULES):
            yield module.violation(found.line, "clock", f"imports {found.target}; use clock.py")


def _randomness(module: _Module) -> Iterator[Violation]:
    if module.name == "ids":
        return
    for found in module.imports:
        if found.top in RANDOM_MODULES or found.target in RANDOM_READS:
            yield module.violation(found.line, "random", f"imports {found.target}; use ids.py")
    for line, name in module.uses():
        if name in RANDOM_READS:
            yield module.violation(line, "random", f"{name} is random; only ids.py is")


def _purity(module: _Module) -> Iterator[Violation]:
    if module.room not in PURE:
        return
    for found in module.imports:
        if found.top in OUTSIDE_WORLD or found.target.startswith("urllib.request"):
            yield module.violation(
                found.line, "io", f"{module.room} is pure, {found.target} is not"
            )
    for line, name in module.uses():
        if name in PURE_BUILTINS:
            yield module.violation(line, "io", f"{module.room} is pure, {name}() is not")


def _sql_time(module: _Module) -> Iterator[Violation]:
    """No SQL function reads the time: the desk's instant is a parameter."""
    if module.room != "stores":
        return
    prose = set(_docstrings(module.tree))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            for found in SQL_TIME.finditer(node.value):
                yield module.violation(node.lineno, "sql-time", f"{found[0]} reads a clock in SQL")
    for line, name in module.uses():
        if re.search(r"\bfunc\.(now|current_\w+|localtime\w*)$", name):
            yield module.violation(line, "sql-time", f"{name} reads a clock in SQL")


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """Every string that stands as a statement of its own: documentation, not data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


_CHECKS: tuple[Callable[[_Module], Iterator[Violation]], ...] = (
    _rooms,
    _inner_imports,
    _dependencies,
    _clock,
    _randomness,
    _purity,
    _sql_time,
)


def main() -> int:
    """Print the violations of this project; 1 when there are any."""
    package = Path(__file__).resolve().parent.parent / "src" / PACKAGE
    found = violations(package)
    for violation in found:
        print(f"src/{violation}")
    modules = sum(1 for _ in package.rglob("*.py"))
    print(f"layering: {modules} modules, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
