"""A real pgbouncer before a server, pooling transactions: each may be on another connection.

    with Pooler(server) as pooler:
        omniroute.Desks(SqlStore(pooler.url("desk"), connect_args={"prepare_threshold": None}))

The least recently used of the server's connections comes next, so that whatever a client leaves on
one is there for somebody else, and never for itself.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from omniroute.closing import Closes
from tests.rigs.postgres import (
    HOST,
    SUPERUSER,
    Folder,
    Port,
    RigError,
    Server,
    account,
    url_of,
    wait_for,
)

__all__ = ["CONNECTIONS", "Pooler", "program"]

CONNECTIONS = 5
"""How many of the server's connections all clients share."""

_SETTINGS = """
[databases]
* = host={host} port={server} user={user}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
server_round_robin = 1
max_client_conn = 200
logfile = {folder}/pgbouncer.log
"""


def program() -> str:
    """Return where pgbouncer is; `RigError` where there is none."""
    found = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    found = found or shutil.which("pgbouncer")
    if found is None:
        raise RigError("needs pgbouncer, which is not installed")
    return found


class Pooler(Closes):
    """One pgbouncer for every database of a server."""

    def __init__(self, server: Server) -> None:
        self._port = Port()
        self.port = self._port.number
        self._folder = Folder()
        settings = self._folder.path / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                host=HOST,
                server=server.port,
                user=SUPERUSER,
                port=self.port,
                connections=CONNECTIONS,
                folder=self._folder.path,
            )
        )
        settings.chmod(0o644)
        self._process = subprocess.Popen(
            [program(), "-q", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.path,
            start_new_session=True,
            **account(),
        )
        try:
            wait_for(self._takes_connections, "pgbouncer takes connections")
        except BaseException:
            self.close()
            raise

    def _takes_connections(self) -> bool:
        if self._process.poll() is not None:
            raise RigError(f"pgbouncer does not start:\n{self.log}")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def log(self) -> str:
        """What pgbouncer wrote to its log."""
        path = Path(self._folder.path) / "pgbouncer.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection to the pooler."""
        dsn = f"host={HOST} port={self.port} user={SUPERUSER} dbname={database}"
        return psycopg.connect(dsn, prepare_threshold=None)

    def url(self, database: str) -> str:
        """Return the URL of a database, through the pooler, which has all its connections open."""
        with contextlib.ExitStack() as held:
            for _ in range(CONNECTIONS):
                held.enter_context(self.connect(database)).execute("SELECT 1")
        return url_of(self.port, database=database)

    def close(self) -> None:
        """End pgbouncer and remove its folder."""
        self._process.kill()
        self._process.wait()
        self._folder.remove()
        self._port.close()
