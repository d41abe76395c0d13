"""Run the tests on every CPython from 3.11 on that is installed here, each in its own environment.

Owns the search. A Python counts when it really starts (a pyenv shim without a version behind it
does not), is a final release, and can create environments; one is taken for each minor version.
Uses the standard library only.

    python3 tools/test_all.py [pytest arguments]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
_NAME = re.compile(r"python3(\.[0-9]+)?$")
_QUESTION = """
import json, sys, importlib.util
print(json.dumps({
    "version": sys.version_info[:2],
    "cpython": sys.implementation.name == "cpython",
    "final": sys.version_info.releaselevel == "final",
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))
"""


def find_pythons(folders: Iterable[Path]) -> dict[str, Path]:
    """The first usable Python of each minor version, ``{"3.11": path}``, oldest first."""
    found: dict[tuple[int, int], Path] = {}
    for candidate in _candidates(folders):
        version = _version(candidate)
        if version and version >= OLDEST:
            found.setdefault(version, candidate)
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}


def _candidates(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _NAME.match(path.name))


def _version(python: Path) -> tuple[int, int] | None:
    """The version of a Python that starts and can serve, else None."""
    try:
        done = subprocess.run(
            [str(python), "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not (answer["cpython"] and answer["final"] and answer["venv"]):
        return None
    major, minor = answer["version"]
    return major, minor


def _folders() -> Iterator[Path]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder:
            yield Path(folder)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob("versions/*/bin"))


def main(arguments: list[str]) -> int:
    """Test on each Python in turn; 0 when all are green."""
    pythons = find_pythons(_folders())
    if not pythons:
        print("error: no usable CPython 3.11 or newer was found", file=sys.stderr)
        return 1
    results: dict[str, str] = {}
    for version, python in pythons.items():
        print(f"== CPython {version}: {python}", flush=True)
        results[version] = _test(version, python, arguments)
    for version, result in results.items():
        print(f"CPython {version}: {result}")
    return 0 if set(results.values()) == {"passed"} else 1


def _test(version: str, python: Path, arguments: list[str]) -> str:
    venv = f".venv-{version}"
    if subprocess.run([python, ROOT / "tools" / "make_venv.py", venv], check=False).returncode:
        return "could not be set up"
    pytest = [str(ROOT / venv / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run([*pytest, *arguments], cwd=ROOT, check=False)
    return "passed" if done.returncode == 0 else "FAILED"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
