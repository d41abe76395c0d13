"""Which argument is at fault where Python stumbles: told by its name, and nobody else blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pytest

from omniroute.errors import StoreError, UsageError
from omniroute.model.state import State
from omniroute.rules.arguments import blaming

DEEP: list[Any] = []
for _ in range(100):
    DEEP = [DEEP]


class Walls(Protocol):
    """Cannot be asked whether something is one."""

    def fall(self) -> None:
        """Fall."""
        ...


@blaming
def stumbles(
    *,
    text: str = "x",
    number: int | None = 1,
    switch: bool = True,
    many: Sequence[str] = (),
    table: Mapping[str, int] | None = None,
    call: Callable[[], int] | None = None,
    state: State = State.QUEUED,
    walls: str | Walls = "x",
    several: Iterable[object] = (),
    anything: object = None,
    **more: int,
) -> None:
    """Stumble, whatever it is given."""
    del text, number, switch, many, table, call, state, walls, several, anything, more
    raise TypeError("stumbled")


@pytest.mark.parametrize(
    "given,told",
    [
        ({"text": 7}, "text: cannot be used; expected text, got 7"),
        ({"text": "a\0b"}, "text: cannot be used; expected text that can be stored"),
        ({"number": "1"}, 'number: cannot be used; expected a whole number or None, got "1"'),
        ({"number": True}, "number: cannot be used; expected a whole number or None, got true"),
        ({"number": 2**70}, "number: cannot be used; expected a number of 64 bits or None"),
        ({"switch": 1}, "switch: cannot be used; expected True or False, got 1"),
        ({"many": "abc"}, "many: cannot be used; expected a list of text, got"),
        ({"many": ["a", 7]}, "many: cannot be used; expected a list of text, got a list"),
        (
            {"table": []},
            "table: cannot be used; expected a mapping of text to a whole number or None",
        ),
        ({"table": {7: 7}}, "table: cannot be used; expected a mapping of text to a whole number"),
        (
            {"table": {"a": "b"}},
            "table: cannot be used; expected a mapping of text to a whole number",
        ),
        ({"call": 7}, "call: cannot be used; expected something to call or None, got 7"),
        ({"state": "queued"}, "state: cannot be used; expected one of State: SELECTING, QUEUED, "),
        ({"several": 7}, "several: cannot be used; expected a list of values, got 7"),
        ({"walls": "x", "text": 7}, "text: cannot be used; expected text, got 7"),
        ({"anything": DEEP}, "anything: cannot be used; expected at most 64 levels, got a list"),
        ({"other": "x"}, 'other: cannot be used; expected a whole number, got "x"'),
    ],
)
def test_the_argument_that_is_not_what_it_says_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        stumbles(**given)
    assert str(raised.value).startswith(told)
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.parametrize(
    "given",
    [{}, {"number": None}, {"many": ["a"], "table": {"a": 1}, "call": int, "anything": object()}],
)
def test_where_every_argument_fits_what_was_raised_stands(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="stumbled"):
        stumbles(**given)


def test_too_many_arguments_are_told_by_python() -> None:
    @blaming
    def nothing() -> None:
        """Take nothing."""

    with pytest.raises(TypeError, match="positional argument"):
        nothing(7)  # type: ignore[call-arg]


def test_a_list_that_holds_itself_is_looked_at_once() -> None:
    endless: list[Any] = []
    endless += [endless, endless]
    with pytest.raises(UsageError, match="at most 64 levels"):
        stumbles(anything=endless)


@blaming
class Face:
    """What a caller meets."""

    def looked_up(self, name: str) -> str:
        """Raise as a database does."""
        raise StoreError("refused", got=name)

    def several(self, numbers: Iterable[int]) -> Iterator[int]:
        """Yield one more than each."""
        for each in numbers:
            yield each + 1

    def _inside(self, name: str) -> str:
        return name + ""


def test_a_database_is_blamed_for_what_is_its_own_alone() -> None:
    with pytest.raises(UsageError, match="name: cannot be used; expected text"):
        Face().looked_up("a\ud800")
    with pytest.raises(StoreError, match="refused"):
        Face().looked_up("a")


def test_what_yields_is_followed_to_its_end() -> None:
    assert list(Face().several([1, 2])) == [2, 3]
    wrong: Any = [1, "x"]
    found = Face().several(wrong)
    assert next(found) == 2
    with pytest.raises(UsageError, match="numbers: cannot be used"):
        next(found)


def test_what_is_not_public_is_left_alone() -> None:
    wrong: Any = 7
    with pytest.raises(TypeError):
        Face()._inside(wrong)
