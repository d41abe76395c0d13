"""`frozen`: attrs' frozen classes, cheaper to make and cheaper to declare.

Every step makes values, and there are a hundred kinds of them. attrs fills a frozen instance
through `object.__setattr__`, a call for each field: most of what a step cost. Here an instance is
open while its constructor runs, so that fields are stored as in any class, and frozen when it
returns. attrs also compiles methods for every class, a good part of the import: here all share
theirs. What a caller sees is what `attrs.frozen` gives, and type checkers are told that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

__all__ = ["frozen"]

_set_class: Final = object.__dict__["__class__"].__set__  # works on frozen instances too
_OPEN: Final = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}


def _frozen(cls: Any = None, *, kw_only: bool = False) -> Any:
    """Make a class a frozen value; subclasses of it are declared so as well.

    Fields may have defaults, factories and converters; validators and hooks are refused. A method
    that the class defines itself stays.
    """
    if cls is None:
        return partial(_frozen, kw_only=kw_only)
    own = set(vars(cls))
    cls.__setattr__ = cls.__delattr__ = _refuse
    made: Any = attrs.define(
        cls,
        kw_only=kw_only,
        eq=False,
        repr=False,
        weakref_slot=False,
        on_setattr=attrs.setters.NO_OP,
    )
    made.__init__ = _first_constructor(made)
    equal, hashed = _comparison(made)
    for name, method in {"__repr__": _shown, "__eq__": equal, "__hash__": hashed}.items():
        if name not in own:
            setattr(made, name, method)
    return made


def _refuse(*_: object) -> NoReturn:
    raise attrs.exceptions.FrozenInstanceError


def _shown(self: Any) -> str:
    shown = (
        f"{each.name}={(each.repr if callable(each.repr) else repr)(getattr(self, each.name))}"
        for each in attrs.fields(type(self))
        if each.repr
    )
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _comparison(cls: Any) -> tuple[Callable[..., Any], Callable[..., int]]:
    """Two values are equal when they are of one class and all of their fields are."""
    names = [each.name for each in attrs.fields(cls)]
    fields_of = attrgetter(*names) if names else type

    def equal(self: Any, other: Any) -> Any:
        return fields_of(self) == fields_of(other) if other.__class__ is cls else NotImplemented

    def hashed(self: Any) -> int:
        return hash((cls, fields_of(self)))

    return equal, hashed


def _first_constructor(cls: Any) -> Callable[..., None]:
    """Many classes are never used: the constructor is compiled when the first instance is made."""
    if hasattr(cls, "__attrs_post_init__") or any(each.validator for each in attrs.fields(cls)):
        raise TypeError(f"{cls.__name__} needs attrs.frozen: it has validators or a hook")

    @wraps(cls.__init__)
    def construct(self: Any, *given: Any, **named: Any) -> None:
        cls.__init__ = wraps(construct)(_constructor(cls))
        cls.__init__(self, *given, **named)

    return construct


def _constructor(cls: Any) -> Callable[..., None]:
    fields = attrs.fields(cls)
    names: dict[str, Any] = {
        "_set_class": _set_class,  # no field's name begins so
        "_opened": type(cls)(cls.__name__, (cls,), {"__slots__": (), **_OPEN}),
        "_closed": cls,
        "NOTHING": attrs.NOTHING,
    }
    for number, each in enumerate(fields):
        names[f"default_{number}"] = getattr(each.default, "factory", each.default)
        names[f"convert_{number}"] = each.converter
    source = "\n    ".join(
        [
            f"def __init__(self, {', '.join(_parameters(fields))}):",
            "_set_class(self, _opened)",
            *(f"self.{each.name} = {_value(n, each)}" for n, each in enumerate(fields)),
            "self.__class__ = _closed",
        ]
    )
    exec(compile(source, f"<constructor of {cls.__qualname__}>", "exec"), names)  # noqa: S102
    constructor: Callable[..., None] = names["__init__"]
    return constructor


def _parameters(fields: Sequence[attrs.Attribute[Any]]) -> Iterator[str]:
    for kw_only in (False, True):
        chosen = [(n, each) for n, each in enumerate(fields) if each.kw_only is kw_only]
        if kw_only and chosen:
            yield "*"
        for number, each in chosen:
            default = "NOTHING" if _is_made(each) else f"default_{number}"
            yield f"{each.alias}" + ("" if each.default is attrs.NOTHING else f"={default}")


def _value(number: int, each: attrs.Attribute[Any]) -> str:
    value = f"{each.alias}"
    if _is_made(each):
        value = f"default_{number}() if {value} is NOTHING else {value}"
    return f"convert_{number}({value})" if each.converter else value


def _is_made(each: attrs.Attribute[Any]) -> bool:
    return hasattr(each.default, "factory")


if TYPE_CHECKING:
    from attrs import frozen
else:
    frozen = _frozen
