"""What every test shares: how hypothesis searches, and where the project lies."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from omniroute.desk.unit import Unit

ROOT = Path(__file__).resolve().parent.parent

# "ci" finds the same examples every time and stores nothing; "explore" looks further, at random.
_SLOW_MACHINES = [HealthCheck.too_slow]
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=_SLOW_MACHINES
)
settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def example(name: str) -> ModuleType:
    """Return one of the examples as a module, the same each time."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the optional folder of shared data beside the project, or skip without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the optional folder ../shared")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _decided_from_what_stands() -> Iterator[None]:
    """Let no desk of any test decide from a copy of a conversation that changed since (R16)."""
    write = Unit._write

    def checked(unit: Unit, conversation: Any, *decided: Any) -> None:
        if conversation is not None:
            stands = unit._conversations.get(conversation.id, conversation)
            assert stands is conversation or stands == conversation, "it has changed since"
        write(unit, conversation, *decided)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Unit, "_write", checked)
        yield
