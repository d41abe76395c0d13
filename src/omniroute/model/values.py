"""`frozen`: attrs' frozen classes, cheaper to make and cheaper to declare.

Every step makes values, and there are two hundred kinds of them. attrs fills a frozen instance
through `object.__setattr__`, a call for each field: most of what a step cost. Here an instance is
open while its constructor runs, so that fields are stored as in any class, and frozen when it
returns. attrs also works out fields and compiles methods when a class is declared, which was half
of the import; here a class gets its slots then, and the rest when it is first asked for
(`_Lazily`). What a caller sees is what `attrs.frozen` gives, and type checkers are told that it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeVar, cast

import attrs

__all__ = ["copying", "frozen", "making"]

_set: Final = object.__setattr__
P = ParamSpec("P")
T = TypeVar("T")

_set_class: Final = object.__dict__["__class__"].__set__  # works on frozen instances too
_OPEN: Final = {
    "__init__": object.__init__,
    "__setattr__": _set,
    "__delattr__": object.__delattr__,
}
_CONSTANTS: Final = ("ClassVar", "typing.ClassVar")
_SAID: Final = ("__module__", "__qualname__", "__orig_bases__")
_NOT_KEPT: Final = ("__dict__", "__weakref__")


def _frozen(cls: Any = None, *, kw_only: bool = False) -> Any:
    """Make a class a frozen value; subclasses of it are declared so as well.

    Fields may have defaults, factories and converters; validators, hooks and `super()` are refused,
    validators when the class is first used. A method that the class defines itself stays.
    """
    if cls is None:
        return partial(_frozen, kw_only=kw_only)
    own = dict(vars(cls))
    if hasattr(cls, "__attrs_post_init__") or any(map(_knows_its_class, own.values())):
        raise TypeError(f"{cls.__name__} needs attrs.frozen: it has a hook or calls super()")
    declared = tuple(
        name
        for name, kind in inspect.get_annotations(cls).items()
        if not str(kind).startswith(_CONSTANTS)
    )
    given = {name: own.pop(name) for name in declared if name in own}
    body = {name: value for name, value in own.items() if name not in _NOT_KEPT}
    body["__slots__"] = declared
    body["__attrs_attrs__"] = _Lazily(partial(_fields, given=given, kw_only=kw_only))
    for name, make in _MADE.items():
        body.setdefault(name, _Lazily(make))
    for name, method in _SHARED.items():
        body.setdefault(name, method)
    return type(cls)(cls.__name__, cls.__bases__, body)


class _Lazily:
    """What a class has once somebody asks for it: made then, and kept in this one's place."""

    __slots__ = ("make", "name", "owner")

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, _: type | None = None) -> Any:
        # Threads that meet here make equal things, and keep one of them.
        setattr(self.owner, self.name, self.make(self.owner))
        return getattr(self.owner if instance is None else instance, self.name)


def _knows_its_class(member: Any) -> bool:
    """Whether a method refers to the class that it was written in, of which a copy is kept."""
    code = member.__code__ if isinstance(member, FunctionType) else None
    return code is not None and "__class__" in code.co_freevars


def _fields(cls: Any, given: Mapping[str, Any], *, kw_only: bool) -> tuple[Any, ...]:
    """Let attrs work out the fields, on a class with the same ones and nothing else.

    It is stopped where it would go on to methods that nobody needs: two thirds of its work.
    """
    said = {name: vars(cls)[name] for name in _SAID if name in vars(cls)}
    body = {**said, **given, "__annotations__": inspect.get_annotations(cls)}
    twin = type(cls)(cls.__name__, cls.__bases__, body)
    try:
        attrs.define(twin, kw_only=kw_only, slots=False, eq=False, field_transformer=_found)
    except _Found as caught:
        found = caught.fields
    if any(each.validator for each in found):
        raise TypeError(f"{cls.__name__} needs attrs.frozen: it has validators")
    by_name = {each.name: property(itemgetter(n)) for n, each in enumerate(found)}
    named = type(f"{cls.__name__}Attributes", (tuple,), {"__slots__": (), **by_name})
    return cast("tuple[Any, ...]", named(found))


class _Found(Exception):
    """Carries the fields that attrs worked out."""

    def __init__(self, fields: Sequence[attrs.Attribute[Any]]) -> None:
        self.fields = fields


def _found(_: type, fields: list[attrs.Attribute[Any]]) -> NoReturn:
    # Before its release 26 attrs names parameters later than here.
    raise _Found(
        [each if each.alias else each.evolve(alias=each.name.lstrip("_")) for each in fields]
    )


def _refuse(*_: object) -> NoReturn:
    raise attrs.exceptions.FrozenInstanceError


def _shown(self: Any) -> str:
    shown = (
        f"{each.name}={(each.repr if callable(each.repr) else repr)(getattr(self, each.name))}"
        for each in attrs.fields(type(self))
        if each.repr
    )
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _state(self: Any) -> dict[str, Any]:
    return {each.name: getattr(self, each.name) for each in attrs.fields(type(self))}


def _restored(self: Any, state: Mapping[str, Any]) -> None:
    for name, value in state.items():
        _set(self, name, value)


def _values_of(cls: Any) -> Callable[[Any], Any]:
    names = [each.name for each in attrs.fields(cls)]
    return attrgetter(*names) if names else type


def _equality(cls: Any) -> Callable[[Any, Any], Any]:
    """Two values are equal when they are of one class and all of their fields are."""
    values_of = _values_of(cls)

    def equal(self: Any, other: Any) -> Any:
        return values_of(self) == values_of(other) if other.__class__ is cls else NotImplemented

    return equal


def _hashing(cls: Any) -> Callable[[Any], int]:
    values_of = _values_of(cls)

    def hashed(self: Any) -> int:
        return hash((cls, values_of(self)))

    return hashed


def _positional(cls: Any) -> tuple[str, ...]:
    return tuple(each.name for each in attrs.fields(cls) if not each.kw_only)


def _constructor(cls: Any) -> Callable[..., None]:
    parameters = _parameters(attrs.fields(cls))
    return _compiled(cls, "__init__", ["self", *parameters], "_set_class(self, _opened)", "pass")


def making(cls: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes values of a frozen class, for steps that make many.

    It takes what the class takes, and saves the way through the class: a quarter of what one costs.
    """
    make: Callable[P, T] = _once_called(partial(_maker, cls))
    return make


def _maker(cls: Any) -> FunctionType:
    fields = attrs.fields(cls)
    parameters = _parameters(fields, anyhow=_may_come_by_position(fields))
    return _compiled(cls, "make", list(parameters), "self = _opened()", "return self")


def copying(cls: Callable[..., T], *changed: str) -> Callable[..., T]:
    """Return a function that copies values of a frozen class, for steps that change some fields.

    It takes the value, and what the `changed` fields hold from here on, as it is, in their order. The
    value may be of another class that has the rest of the fields: a view is a copy of what it shows.
    """
    copy: Callable[..., T] = _once_called(partial(_copier, cls, changed))
    return copy


def _once_called(compile_it: Callable[[], FunctionType]) -> Any:
    """Return a function that is compiled when it is first called: most programs never call most."""

    def first(given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        compiled = compile_it()
        make.__globals__.update(compiled.__globals__)
        make.__defaults__, make.__kwdefaults__ = compiled.__defaults__, compiled.__kwdefaults__
        make.__code__ = compiled.__code__
        return make(*given, **named)

    make = FunctionType(_uncompiled.__code__, {"first": first}, "make")
    return make


def _uncompiled(*given: Any, **named: Any) -> Any:
    """Stand for a function until it is called."""
    return first(given, named)  # type: ignore[name-defined]  # noqa: F821  (see `_once_called`)


def _compiled(
    cls: Any, name: str, parameters: Iterable[str], opening: str, ending: str
) -> FunctionType:
    """A function that fills an instance while it is open, and closes it."""
    fields = attrs.fields(cls)
    names: dict[str, Any] = {"_set_class": _set_class, "NOTHING": attrs.NOTHING}
    for number, each in enumerate(fields):
        names[f"default_{number}"] = getattr(each.default, "factory", each.default)
        names[f"convert_{number}"] = each.converter
    filled = [f"self.{each.name} = {_value(n, each)}" for n, each in enumerate(fields)]
    head = f"def {name}({', '.join(parameters)}):"
    return _function(cls, [head, opening, *filled, "self.__class__ = _closed", ending], names)


def _copier(cls: Any, changed: Sequence[str]) -> FunctionType:
    """A function that fills an instance with another's fields, and with new ones."""
    names = [each.name for each in attrs.fields(cls)]
    if unknown := set(changed).difference(names):
        raise TypeError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    filled = [f"self.{each} = {each if each in changed else f'_old.{each}'}" for each in names]
    head = f"def copy({', '.join(('_old', *changed))}):"
    ending = ["self.__class__ = _closed", "return self"]
    return _function(cls, [head, "self = _opened()", *filled, *ending], {})


def _function(cls: Any, lines: Sequence[str], names: dict[str, Any]) -> FunctionType:
    names |= {"_opened": _opened(cls), "_closed": cls}  # no field's name begins so
    source = "\n    ".join(lines)
    exec(compile(source, f"<constructor of {cls.__qualname__}>", "exec"), names)  # noqa: S102
    name = lines[0].removeprefix("def ").partition("(")[0]
    compiled: FunctionType = names[name]
    return compiled


def _opened(cls: Any) -> Any:
    """The class as it is while its instances are filled: their fields can be set."""
    return type(cls)(cls.__name__, (cls,), {"__slots__": (), **_OPEN})


def _parameters(fields: Sequence[attrs.Attribute[Any]], *, anyhow: bool = False) -> Iterator[str]:
    """Yield what a constructor takes. `anyhow` lets all come by position: Python binds them sooner."""
    for kw_only in (False, True):
        chosen = [(n, each) for n, each in enumerate(fields) if each.kw_only is kw_only]
        if kw_only and chosen and not anyhow:
            yield "*"
        for number, each in chosen:
            default = "NOTHING" if _is_made(each) else f"default_{number}"
            yield f"{each.alias}" + ("" if each.default is attrs.NOTHING else f"={default}")


def _may_come_by_position(fields: Sequence[attrs.Attribute[Any]]) -> bool:
    """Whether no field without a default comes behind one that has one."""
    ordered = sorted(fields, key=lambda each: each.kw_only)
    optional = [each.default is not attrs.NOTHING for each in ordered]
    return optional == sorted(optional)


def _value(number: int, each: attrs.Attribute[Any]) -> str:
    value = f"{each.alias}"
    if _is_made(each):
        made = "{}" if getattr(each.default, "factory", None) is dict else f"default_{number}()"
        value = f"{made} if {value} is NOTHING else {value}"
    return f"convert_{number}({value})" if each.converter else value


def _is_made(each: attrs.Attribute[Any]) -> bool:
    return hasattr(each.default, "factory")


_MADE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "__init__": _constructor,
    "__eq__": _equality,
    "__hash__": _hashing,
    "__match_args__": _positional,
}
_SHARED: Final[Mapping[str, Any]] = {
    "__repr__": _shown,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _state,
    "__setstate__": _restored,
}

if TYPE_CHECKING:
    from attrs import frozen
else:
    frozen = _frozen
