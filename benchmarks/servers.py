"""PostgreSQL servers for benchmarks: the same that the tests start, each with databases of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from benchmarks.harness import PeerMissing
from tests.rigs.postgres import HOST, SUPERUSER, RigError, Server, run, url_of

__all__ = ["HOST", "SUPERUSER", "Server", "copied", "pgbench", "postgres", "raw", "url"]


@contextmanager
def postgres(*, synchronous_commit: bool, **settings: object) -> Iterator[Server]:
    """Start a server that flushes to the disk as it does in production, and at each commit or not."""
    how = {"synchronous_commit": "on" if synchronous_commit else "off", **settings}
    try:
        server = Server(fsync=True, settings={"shared_buffers": "256MB", **how})
    except RigError as error:
        raise PeerMissing(str(error)) from error
    with server:
        yield server


def copied(server: Server, name: str, copy: str) -> str:
    """Copy a database, to which nobody is connected, and return the copy's URL."""
    server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    return url(server, copy)


def url(server: Server, database: str) -> str:
    """Return the URL of a database that is there."""
    return url_of(server.port, database=database)


@contextmanager
def raw(
    server: Server, database: str, *, autocommit: bool = False
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Open a connection of the driver's own."""
    dsn = server.dsn.replace("dbname=postgres", f"dbname={database}")
    with closing(psycopg.connect(dsn, autocommit=autocommit)) as connection:
        yield connection


def pgbench(server: Server, *options: object) -> str:
    """Run PostgreSQL's own benchmark on the server's first database, and return what it says."""
    where = ("-h", HOST, "-p", server.port, "-U", SUPERUSER, SUPERUSER)
    return run("pgbench", *options, *where, folder=server.data.parent)
