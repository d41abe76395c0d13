"""Which queues are enabled: leaves with agents, and the branches above them."""

from __future__ import annotations

import pytest

from omniroute.model.state import Readiness
from omniroute.rules.readiness import enabled_paths, readiness


@pytest.mark.req("U15", "U16")
def test_a_branch_is_ready_while_some_leaf_beneath_it_is() -> None:
    enabled = enabled_paths(["general/Deutsch/Technik/Netz"])
    assert enabled == {
        *("general", "general/Deutsch", "general/Deutsch/Technik"),
        "general/Deutsch/Technik/Netz",
    }
    assert readiness("general/Deutsch", enabled) is Readiness.READY
    assert readiness("general/English", enabled) is Readiness.NOT_READY
    assert enabled_paths([]) == frozenset()
