"""What the conformance tests share: a PostgreSQL server of their own, and readable assertions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rigs.postgres import SUPERUSER, Folder, Server

pytest.register_assert_rewrite("omniroute.testing.store_conformance")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a PostgreSQL server for the session, and return the URL of its database, by a socket."""
    sockets = Folder()
    try:
        settings = {"autovacuum": "off", "unix_socket_directories": sockets.path}
        with Server(settings=settings) as server:
            where = f"host={sockets.path}&port={server.port}"
            yield f"postgresql+psycopg://{SUPERUSER}@/{SUPERUSER}?{where}"
    finally:
        sockets.remove()
