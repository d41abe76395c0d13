"""Build a virtual environment for this project, once per content of ``pyproject.toml``.

Owns the stamp file inside the environment. The stamp is written last, so an install that fails or
is interrupted leaves none, and the next ``make`` installs again. Uses the standard library only: it
runs before anything is installed.

    python3 tools/make_venv.py .venv
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".omniroute-installed"
LOCK_SECONDS = 1800


def main(arguments: list[str] | None = None) -> int:
    """Bring the named environment up to date; 0 when it is."""
    parser = argparse.ArgumentParser(description="Build a virtual environment for omniroute.")
    parser.add_argument("venv", type=Path, help="folder of the environment")
    parser.add_argument("--extra", help="install this extra too, where it is missing")
    options = parser.parse_args(arguments)
    venv = (ROOT / options.venv).absolute()
    with _one_at_a_time(venv):
        failed = build(venv)
        if options.extra and not failed:
            add(venv, options.extra)
        return failed


def build(venv: Path, project: Path = ROOT) -> int:
    """Create and fill the environment unless its stamp says that it is right already."""
    stamp = venv / STAMP
    wanted = fingerprint(venv, project)
    usable = _runs(venv)
    if usable and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    stamp.unlink(missing_ok=True)
    try:
        if not usable:
            _create(venv)
        _install(venv, project)
    except subprocess.CalledProcessError as error:
        print(f"error: {venv.name} could not be built: {_advice(error)}", file=sys.stderr)
        return 1
    unfinished = stamp.with_suffix(".new")
    unfinished.write_text(wanted, encoding="utf-8")
    unfinished.replace(stamp)
    return 0


def add(venv: Path, extra: str, project: Path = ROOT) -> None:
    """Install an extra into an environment that is right, once, with a stamp of its own.

    Where that fails it says so and no more: what needs the extra says what is missing.
    """
    stamp = venv / f"{STAMP}-{extra}"
    wanted = fingerprint(venv, project)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing what [{extra}] needs into {venv.name}", flush=True)
    try:
        _pip(venv, f"{project}[{extra}]")
    except subprocess.CalledProcessError as error:
        print(f"warning: [{extra}] could not be installed: {_advice(error)}", file=sys.stderr)
        return
    stamp.write_text(wanted, encoding="utf-8")


def fingerprint(venv: Path, project: Path = ROOT) -> str:
    """Everything that the installation depends on: the project file, and where it all lies."""
    digest = hashlib.sha256((project / "pyproject.toml").read_bytes()).hexdigest()
    return f"{digest}\n{venv}\n"


def _create(venv: Path) -> None:
    print(f"creating {venv.name} with Python {_version()}", flush=True)
    # Started from inside an environment, build on the Python that it was made from.
    base = getattr(sys, "_base_executable", None) or sys.executable
    _call(base, "-m", "venv", "--clear", str(venv))


def _install(venv: Path, project: Path) -> None:
    print(f"installing omniroute and what it needs into {venv.name}", flush=True)
    _pip(venv, f"{project}[dev]")


def _pip(venv: Path, what: str) -> None:
    pip = (str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    _call(*pip, "install", "--quiet", "--no-input", "--editable", what)


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _runs(venv: Path) -> bool:
    """Whether the environment's Python starts, is of this version, and has pip."""
    program = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    command = [str(venv / "bin" / "python"), "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == _version()


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _advice(error: subprocess.CalledProcessError) -> str:
    if "venv" in error.cmd:
        return "this Python cannot create environments (Debian, Ubuntu: install python3-venv)"
    return "pip failed, see above; run the same target again once the cause is gone"


@contextlib.contextmanager
def _one_at_a_time(venv: Path) -> Iterator[None]:
    """Hold a lock beside the environment: two ``make`` runs must not install at once."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: one make at a time then
        yield
        return
    give_up = time.monotonic() + LOCK_SECONDS
    with venv.with_name(venv.name + ".lock").open("w", encoding="utf-8") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise SystemExit(f"error: another make is still building {venv.name}") from None
                time.sleep(0.2)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
