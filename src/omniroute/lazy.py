"""Imports that wait until what they bring is asked for: the one way in which omniroute puts one off.

`import omniroute` names everything public and `omniroute.Desk` every command, and a program uses few
of them. A package says with `exports` in which module each of its names is at home. A module of the
desk's face names the modules that it calls, once for people and type checkers, once for `later`:

    if TYPE_CHECKING:
        from omniroute.desk import handle, read
    else:
        handle, read = later(globals(), "omniroute.desk", "handle", "read")

What is brought takes the place of what stood for it: only the first call comes through here. What
waits may not be asked for while a module of ours is being imported, neither what `later` stands for nor
a name that a package has by `exports`: a thread that imports would wait here for one that waits for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from threading import RLock
from typing import Any, Final

__all__ = ["exports", "later"]

# Threads that import parts of one package from different ends can meet in it, and Python then raises
# in one of them. Here they come one by one.
_one_by_one: Final = RLock()


def exports(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`: a name comes from the module that has it, when first asked for.

    `homes` gives the names of each module; one that is called as the module itself is the module.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def found(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = _bring(home)
        value = module if home == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return found


def later(names: dict[str, Any], package: str | None, *modules: str) -> tuple[Any, ...]:
    """Return what stands for modules of a package, or of none, until something of one is used.

    `names` are the globals that they are kept in, each by the module's own name.
    """
    home = f"{package}." if package else ""
    return tuple(_Later(names, module, f"{home}{module}") for module in modules)


class _Later:
    """Stands for a module until something of it is asked for."""

    __slots__ = ("_home", "_name", "_names")

    def __init__(self, names: dict[str, Any], name: str, home: str) -> None:
        self._names = names
        self._name = name
        self._home = home

    def __repr__(self) -> str:
        return f"<module {self._home!r}, not used so far>"

    def __getattr__(self, attribute: str) -> Any:
        module = _bring(self._home)
        self._names[self._name] = module
        return getattr(module, attribute)


def _bring(module: str) -> Any:
    with _one_by_one:
        return import_module(module)
