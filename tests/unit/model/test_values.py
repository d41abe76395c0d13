"""`frozen` classes are what `attrs.frozen` makes, as far as anybody can tell."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pytest

from omniroute.model import events
from omniroute.model.values import copying, frozen, making

T = TypeVar("T")


@frozen
class Point:
    x: int
    y: int = 0
    tags: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    _hidden: str = "h"


@frozen
class Pixel(Point):
    colour: str = attrs.field(default="red", kw_only=True)


def stripped(text: str) -> str:
    return text.strip()


@frozen(kw_only=True)
class Named:
    name: str = attrs.field(converter=stripped)
    size: int = attrs.field(default=1, repr=lambda size: f"<{size}>")


@frozen
class Box(Generic[T]):
    inside: T
    label: str | None = None


@frozen
class Nothing:
    """Has no fields."""


@frozen
class Shop:
    opened: int
    closed: int


def attrs_twin(cls):
    """Return the same declaration by attrs itself."""
    fields = {
        each.name: attrs.field(
            default=each.default, repr=each.repr, kw_only=each.kw_only, converter=each.converter
        )
        for each in attrs.fields(cls)
    }
    return attrs.make_class(cls.__name__, fields, frozen=True)


def parameters(cls):
    """Return what the constructor takes, without the types."""
    return [
        (each.name, each.kind, each.default) for each in inspect.signature(cls).parameters.values()
    ]


MADE: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (Point, (1,), {}),
    (Point, (1, 2, {"a": 1}), {"hidden": "x"}),
    (Pixel, (1, 2), {"colour": "blue"}),
    (Named, (), {"name": " Ana ", "size": 3}),
    (Nothing, (), {}),
    (Box, ("x",), {"label": "a"}),
    (Shop, (9, 17), {}),
]


@pytest.mark.parametrize("cls,given,named", MADE)
def test_it_is_made_and_shown_as_attrs_would(cls, given, named):
    value, twin = cls(*given, **named), attrs_twin(cls)(*given, **named)
    assert type(value) is cls
    assert attrs.asdict(value) == attrs.asdict(twin)
    assert repr(value) == repr(twin)
    assert parameters(cls) == parameters(attrs_twin(cls))


@pytest.mark.parametrize("cls,given,named", MADE)
def test_equal_values_are_equal_and_nothing_else(cls, given, named):
    value = cls(*given, **named)
    assert value == cls(*given, **named)
    assert value != attrs_twin(cls)(*given, **named)
    for each in attrs.fields(cls):
        assert attrs.evolve(value, **{each.alias: "other"}) != value


def test_a_subclass_with_equal_fields_is_not_equal():
    @frozen
    class Other(Point):
        pass

    assert Other(1) != Point(1)
    assert Point(1) != Other(1)
    assert isinstance(Other(1), Point)


def test_equal_values_have_one_hash():
    assert hash(Named(name="a")) == hash(Named(name=" a "))
    assert len({Named(name="a"), Named(name="a"), Named(name="b")}) == 2
    assert hash(Nothing()) == hash(Nothing())


@pytest.mark.parametrize("cls,given,named", MADE)
def test_nothing_can_be_changed(cls, given, named):
    value = cls(*given, **named)
    for name in ("anything", "__class__", *(each.name for each in attrs.fields(cls))):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, 1)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(value, name)
    assert value == cls(*given, **named)
    assert not hasattr(value, "__dict__")


def test_a_factory_makes_a_value_for_each():
    assert Point(1).tags == {}
    assert Point(1).tags is not Point(1).tags


@pytest.mark.parametrize(
    "cls,given,named",
    [
        (Point, (), {}),
        (Point, (1, 2, {}, "h", 5), {}),
        (Point, (1,), {"z": 1}),
        (Named, ("a",), {}),
    ],
)
def test_wrong_arguments_are_type_errors(cls: Any, given: Any, named: Any):
    with pytest.raises(TypeError):
        cls(*given, **named)


@pytest.mark.parametrize("cls,given,named", MADE)
def test_copies_are_equal(cls, given, named):
    value = cls(*given, **named)
    assert copy.copy(value) == copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert attrs.evolve(value) == value


def test_validators_are_refused_when_the_class_is_first_used():
    @frozen
    class Checked:
        x: int = attrs.field(validator=attrs.validators.instance_of(int))

    with pytest.raises(TypeError, match=r"Checked needs attrs\.frozen: it has validators"):
        Checked(1)


def test_hooks_and_super_are_refused():
    with pytest.raises(TypeError, match=r"Hooked needs attrs\.frozen"):

        @frozen
        class Hooked:
            x: int

            def __attrs_post_init__(self):
                pass

    with pytest.raises(TypeError, match=r"Asking needs attrs\.frozen"):

        @frozen
        class Asking:
            x: int

            def asked(self):
                return super()


@pytest.mark.parametrize("cls,given,named", MADE)
def test_a_class_is_worked_out_when_it_is_first_asked_for(cls, given, named):
    again: Any = frozen(kw_only=cls is Named)(type(cls.__name__, cls.__bases__, declaration(cls)))
    assert again(*given, **named) == again(*given, **named)
    assert again.__match_args__ == attrs_twin(cls).__match_args__
    assert [each.name for each in attrs.fields(again)] == [each.name for each in attrs.fields(cls)]


def declaration(cls):
    """Return what the body of a class said, as far as fields are concerned."""
    own = [each for each in attrs.fields(cls) if not each.inherited]
    fields = {
        each.name: attrs.field(default=each.default, converter=each.converter, kw_only=each.kw_only)
        for each in own
    }
    said = {name: vars(cls)[name] for name in ("__orig_bases__",) if name in vars(cls)}
    return {**said, "__annotations__": {each.name: each.type for each in own}, **fields}


def test_constants_of_a_class_are_no_fields():
    @frozen
    class Priced:
        price: int
        currency: ClassVar[str] = "EUR"

    assert [each.name for each in attrs.fields(Priced)] == ["price"]
    assert Priced(1).currency == "EUR"


def test_its_own_methods_stay():
    @frozen
    class Loud:
        x: int

        def __repr__(self):
            return "LOUD"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Loud)

        def __hash__(self):
            return 7

    assert (repr(Loud(1)), Loud(1) == Loud(2), hash(Loud(3))) == ("LOUD", True, 7)


def test_every_event_is_of_its_own_class():
    kinds = [each for each in vars(events).values() if isinstance(each, type) and attrs.has(each)]
    assert len(kinds) > 15
    for kind in kinds:
        values = range(len(attrs.fields(kind)))
        assert type(kind(*values)) is kind


def test_what_copies_values_for_steps_changes_what_it_names_and_nothing_else() -> None:
    copy = copying(Pixel, "colour", "x")
    first = Pixel(1, 2, hidden="y")
    for _ in range(2):  # compiled by the first call
        made = copy(first, "blue", 3)
        assert made == attrs.evolve(first, colour="blue", x=3)
        assert type(made) is Pixel
        assert made.tags is first.tags
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            made.x = 4  # type: ignore[misc]
    assert first == Pixel(1, 2, hidden="y")
    with pytest.raises(TypeError, match="Pixel has no depth"):
        copying(Pixel, "depth")(first, 1)


def test_what_makes_values_for_steps_makes_what_the_class_makes() -> None:
    make: Any = making(Pixel)
    ways: list[tuple[Any, Any]] = [
        ((1,), {}),
        ((1, 2), {"colour": "blue"}),
        ((), {"x": 3, "hidden": "x"}),
    ]
    for given, named in ways:
        made: Any = make(*given, **named)
        assert made == Pixel(*given, **named)
        assert type(made) is Pixel
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            made.x = 4  # type: ignore[misc]
    assert make(1).tags == {}
    assert make(1).tags is not make(1).tags
    assert making(Named)(name=" Ana ").name == "Ana"
    with pytest.raises(TypeError):
        make()
