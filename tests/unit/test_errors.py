"""Errors: one root, three kinds of blame, and a text that says what to do."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from omniroute import errors
from omniroute.errors import (
    AlreadyTaken,
    ConfigDiffers,
    ConfigError,
    DeliveryError,
    OmnirouteError,
    PayloadError,
    Problem,
    StoreError,
    TransitionNotAllowed,
    UsageError,
)

CLASSES = [
    each
    for each in (getattr(errors, name) for name in errors.__all__)
    if inspect.isclass(each) and issubclass(each, Exception) and not issubclass(each, Warning)
]
BLAMED = (PayloadError, UsageError, StoreError, DeliveryError)
FULL = UsageError(
    "not a page size", where="limit", expected="1 to 1000", got="0", hint="ask for fewer"
)


def test_every_error_is_exported_and_documented() -> None:
    defined = {
        name
        for name, each in vars(errors).items()
        if inspect.isclass(each) and each.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)
    assert all((inspect.getdoc(each) or "").endswith((".", "`.")) for each in CLASSES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_every_error_has_exactly_one_to_blame(kind: type[Exception]) -> None:
    assert issubclass(kind, OmnirouteError)
    assert kind is OmnirouteError or sum(issubclass(kind, each) for each in BLAMED) == 1


def test_the_text_says_where_what_was_expected_what_came_and_what_to_do() -> None:
    assert str(FULL) == "limit: not a page size; expected 1 to 1000, got 0 (ask for fewer)"
    assert str(UsageError("no")) == "no"
    assert str(UsageError("no", got="5")) == "no; got 5"


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        AlreadyTaken("c_1", "ana", confirmable=True),
        ConfigError([Problem("inboxes.general.sla", "is missing")], source="desk.toml"),
        ConfigDiffers("acme", ["zone: UTC, given Europe/Berlin"]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_survives_a_copy_and_another_process(error: OmnirouteError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize("confirmable,advice", [(True, "confirm=True"), (False, "does not allow")])
def test_already_taken_names_the_owner_and_the_way_on(confirmable: bool, advice: str) -> None:
    error = AlreadyTaken("c_1", "ana", confirmable=confirmable)
    assert isinstance(error, TransitionNotAllowed)
    assert "'ana'" in str(error)
    assert advice in str(error)


def test_a_configuration_error_lists_every_problem_with_its_path() -> None:
    one, other = Problem("zone", "is unknown"), Problem("", "is empty")
    error = ConfigError([one, other], source="desk.toml")
    assert str(error) == "desk.toml has 2 problems:\n  zone: is unknown\n  is empty"
    assert error.problems == (one, other)


def test_problems_are_values() -> None:
    assert Problem("zone", "is unknown") == Problem("zone", "is unknown")
    assert len({Problem("zone", "x"), Problem("zone", "x"), Problem("zone", "y")}) == 2
    assert Problem("zone", "x") != "zone: x"
    assert repr(Problem("zone", "x")) == "Problem('zone', 'x')"


def test_differences_are_listed_line_by_line() -> None:
    error = ConfigDiffers("acme", ["zone", "preset"])
    assert error.differences == ("zone", "preset")
    assert "\n  zone\n  preset" in str(error)
