"""Build the wheel and import it where nothing else of this project is installed.

Owns the judgement whether what we would publish is complete: it goes through the sdist, so a file
that the sdist leaves out is missed here and not by a user. The clean environment gets the core
dependencies only, which proves that no extra is needed to import the package.

    python tools/check_wheel.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("sqlalchemy", "alembic", "psycopg", "httpx", "click", "rich", "yaml", "django", "pytest")

PROGRAM = f"""
import importlib.util, sys
import omniroute
omniroute.Desk
assert "site-packages" in omniroute.__file__, omniroute.__file__
installed = [name for name in {EXTRAS!r} if importlib.util.find_spec(name)]
assert not installed, f"the clean environment has {{installed}}: this proves nothing"
missing = [name for name in omniroute.__all__ if not hasattr(omniroute, name)]
assert not missing, f"__all__ promises {{missing}}"
"""


def main() -> int:
    """Build, look inside, install, import; 0 when all of it holds."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as scratch:
        folder = Path(scratch)
        try:
            wheel = _build(folder)
            problems = list(_missing(wheel))
            _import_clean(folder, wheel)
        except subprocess.CalledProcessError as error:
            print(error.output or "")
            print(f"wheel: failed at: {' '.join(map(str, error.cmd))[:200]}")
            return 1
    for problem in problems:
        print(f"wheel: {problem}")
    if not problems:
        print(f"wheel: {wheel.name} builds, installs and imports with the core dependencies alone")
    return 1 if problems else 0


def _build(folder: Path) -> Path:
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _missing(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_file() and "__pycache__" not in name and name not in names:
            yield f"{name} is not in the wheel"
    if "omniroute/py.typed" not in names:
        yield "omniroute/py.typed is not in the wheel: type checkers would ignore our types"
    if not any(name.endswith("/licenses/LICENSE") for name in names):
        yield "the licence is not in the wheel"
    for stranger in sorted({name.split("/")[0] for name in names}):
        if stranger != "omniroute" and not stranger.endswith(".dist-info"):
            yield f"{stranger} is in the wheel and would be installed beside omniroute"


def _import_clean(folder: Path, wheel: Path) -> None:
    python = folder / "clean" / "bin" / "python"
    _run(sys.executable, "-m", "venv", folder / "clean")
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    _run(python, "-I", "-c", PROGRAM)


def _run(*command: str | Path) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
