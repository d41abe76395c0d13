"""Real servers for the tests in this folder."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.rigs.postgres import RigError, Server, binaries, url_of


@pytest.fixture(scope="session")
def postgres():
    """Return a running server; ask it for a `database` of your own, and leave it running."""
    try:
        binaries()
    except RigError as error:
        pytest.skip(str(error))
    with Server(settings={"autovacuum": "off"}) as server:  # it comes by when it likes
        yield server


@pytest.fixture
def empty_database(postgres):
    """Return the URL of an empty database, the same for each test: that is faster than a new one."""
    name = "emptied"
    if not postgres.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        return postgres.database(name)
    dsn = postgres.dsn.replace("dbname=postgres", f"dbname={name}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        ours = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'"
        for (schema,) in connection.execute(ours).fetchall():
            connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(schema)))
        connection.execute("CREATE SCHEMA public")
    return url_of(postgres.port, database=name)
