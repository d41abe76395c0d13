"""The pytest plugin: a `play` fixture, and the story of a conversation when a test about it fails.

Loaded by pytest wherever omniroute is installed; imports nothing heavy until a test uses it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from omniroute.testing.playing import Play

__all__ = ["play", "pytest_configure", "pytest_runtest_makereport"]

_PLAYS: pytest.StashKey[list[Any]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that names requirement ids."""
    config.addinivalue_line("markers", "req(*ids): the requirement ids that this test holds to")


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Iterator[Callable[..., Play]]:
    """Return `omniroute.testing.play`; plays are closed after the test, and told of when it fails."""
    from omniroute.testing.playing import play as open_play

    plays: list[Play] = request.node.stash.setdefault(_PLAYS, [])

    def opened(*args: Any, **options: Any) -> Play:
        plays.append(open_play(*args, **options))
        return plays[-1]

    yield opened
    for each in plays:
        each.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the story of the conversations that a failing test speaks of."""
    report = yield
    plays = item.stash.get(_PLAYS, [])
    if report.when == "call" and report.failed and plays and call.excinfo is not None:
        for each in plays:
            report.sections.append(("omniroute", _told(each, call.excinfo)))
    return report


def _told(play: Play, failure: pytest.ExceptionInfo[BaseException]) -> str:
    try:
        mentioned = [each for each in _conversations_in(failure) if each in play.conversations]
        return play.report(*mentioned)
    except Exception as error:  # noqa: BLE001  (a report must not hide the failure it is about)
        return f"no story: {type(error).__name__}: {error}"


def _conversations_in(failure: pytest.ExceptionInfo[BaseException]) -> list[str]:
    """Return the ids of the conversations that the failing frames' variables hold."""
    from omniroute.model.conversation import Conversation

    found: dict[str, None] = {}
    for entry in failure.traceback:
        for value in entry.frame.f_locals.values():
            with contextlib.suppress(Exception):  # what a stranger's attributes do is not known
                spoken_of = value if isinstance(value, Conversation) else value.conversation
                if isinstance(spoken_of, Conversation):
                    found[spoken_of.id] = None
    return list(found)
