"""What every test shares: how hypothesis searches, and where the project lies."""

from __future__ import annotations

import contextlib
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
# How quick a machine is, or how large an example happens to be, is no fault.
_CHANCE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_CHANCE)
settings.register_profile(
    "explore",
    max_examples=2_000,
    deadline=None,
    suppress_health_check=_CHANCE,
    print_blob=True,
)
_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
settings.load_profile(_PROFILE)


def _same_examples_in_any_order() -> None:
    """Keep Hypothesis from drawing on the constants of our modules: those that are loaded by then."""
    with contextlib.suppress(ImportError):  # older ones do not
        from hypothesis.internal.conjecture import providers
        from hypothesis.internal.constants_ast import Constants

        providers._get_local_constants = Constants


if _PROFILE == "ci":
    _same_examples_in_any_order()


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
