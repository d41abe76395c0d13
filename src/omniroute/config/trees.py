"""Queue trees in the list notation, edited: the steps that an administrator takes in a tree (U6, U11).

A tree is a list of branches, each `[name, children]`; `branches` and `notation` go from and to what
a document holds. Paths are inside the inbox. Changes are made in place: the caller has a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from attrs import define, field

from omniroute.errors import UsageError
from omniroute.rules.names import quoted, unknown
from omniroute.rules.queue_tree import SEPARATOR

__all__ = ["Branch", "Tree", "notation"]

_TOP: Final = ""


@define
class Branch:
    """A queue and those below it."""

    name: str
    children: list[Branch] = field(factory=list)


class Tree:
    """An inbox's tree while it is edited."""

    def __init__(self, inbox: str, notation: Iterable[Any] = ()) -> None:
        self.inbox = inbox
        self.top = _branches(notation)

    def notation(self) -> list[Any]:
        """Return the tree as a document holds it."""
        return notation(self.top)

    def paths(self) -> list[str]:
        """Return the paths of all queues, parents before children."""
        return _paths(self.top)

    def level(self, path: str) -> list[Branch]:
        """Return the queues below a path, the top ones for ""; `UsageError` where there is none."""
        return self.top if path == _TOP else self.find(path).children

    def find(self, path: str) -> Branch:
        """Return the queue at a path; `UsageError`, with what was probably meant."""
        level, found = self.top, None
        for name in path.split(SEPARATOR):
            found = next((each for each in level if each.name == name), None)
            if found is None:
                what = f"inbox {quoted(self.inbox)} has no queue {quoted(path)}"
                raise UsageError(unknown(what, _paths(self.top), path), where="queue")
            level = found.children
        assert found is not None  # noqa: S101  (a path has at least one step)
        return found

    def add(self, parent: str, name: str, *, at: int | None = None) -> str:
        """Add a queue below `parent`, at a place among its siblings or last; return its path."""
        level = self.level(parent)
        _refuse(level, name, parent)
        level.insert(len(level) if at is None else at, Branch(name))
        return _join(parent, name)

    def add_beside(self, path: str, name: str) -> str:
        """Add a queue right after the one at `path`; return its path."""
        return self.add(_parent(path), name, at=self.number(path) + 1)

    def number(self, path: str) -> int:
        """Return how many siblings come before the queue at `path`."""
        return self.level(_parent(path)).index(self.find(path))

    def take(self, path: str) -> Branch:
        """Take a queue out of the tree, with everything below it."""
        branch = self.find(path)
        self.level(_parent(path)).remove(branch)
        return branch

    def place(self, parent: str, branch: Branch, *, at: int | None = None) -> str:
        """Put a queue in below `parent`; return its path."""
        level = self.level(parent)
        _refuse(level, branch.name, parent)
        level.insert(len(level) if at is None else at, branch)
        return _join(parent, branch.name)

    def shift(self, path: str, by: int) -> None:
        """Move a queue among its siblings, down by `by` places, up where that is negative."""
        level, number = self.level(_parent(path)), self.number(path)
        branch = level.pop(number)
        level.insert(min(max(number + by, 0), len(level)), branch)

    def outdent(self, path: str) -> str:
        """Make a queue the next sibling of the one it lies below; return its path."""
        parent = _parent(path)
        if parent == _TOP:
            raise UsageError(f"{quoted(path)} is at the top of its inbox already", where="queue")
        above = _parent(parent)
        _refuse(self.level(above), self.find(path).name, above)
        return self.place(above, self.take(path), at=self.number(parent) + 1)

    def rename(self, path: str, name: str) -> str:
        """Give a queue another name; return its path."""
        branch, parent = self.find(path), _parent(path)
        _refuse([each for each in self.level(parent) if each is not branch], name, parent)
        branch.name = name
        return _join(parent, name)


def _refuse(level: Iterable[Branch], name: str, parent: str) -> None:
    """Refuse a name that no path could lead to: none at all, one with a separator, one twice."""
    if not name or SEPARATOR in name:
        expected = f"a name without {quoted(SEPARATOR)}"
        raise UsageError("not a queue's name", where="name", expected=expected, got=quoted(name))
    if any(each.name == name for each in level):
        where = quoted(parent) if parent else "the top"
        raise UsageError(f"{where} has a queue {quoted(name)} already", where="queue")


def _parent(path: str) -> str:
    return path.rpartition(SEPARATOR)[0]


def _join(parent: str, name: str) -> str:
    return f"{parent}{SEPARATOR}{name}" if parent else name


def _paths(branches: Iterable[Branch], prefix: str = _TOP) -> list[str]:
    found = []
    for each in branches:
        path = _join(prefix, each.name)
        found += [path, *_paths(each.children, path)]
    return found


def _branches(notation: Iterable[Any]) -> list[Branch]:
    made: list[Branch] = []
    for item in notation:
        if isinstance(item, list) and made:
            made[-1].children = _branches(item)
        else:
            made.append(Branch(item))
    return made


class _Named(Protocol):
    """A queue with those below it, as a tree of either kind has them."""

    @property
    def name(self) -> str: ...

    @property
    def children(self) -> Sequence[_Named]: ...


def notation(queues: Iterable[_Named]) -> list[Any]:
    """Return the list notation: each name, and after it the list of its children, if it has any."""
    written: list[Any] = []
    for each in queues:
        written.append(each.name)
        if each.children:
            written.append(notation(each.children))
    return written
