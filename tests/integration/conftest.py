"""Real servers for the tests in this folder."""

from __future__ import annotations

import pytest

from tests.rigs.postgres import RigError, Server, binaries


@pytest.fixture(scope="session")
def postgres():
    """Return a running server; ask it for a `database` of your own, and leave it running."""
    try:
        binaries()
    except RigError as error:
        pytest.skip(str(error))
    with Server() as server:
        yield server
