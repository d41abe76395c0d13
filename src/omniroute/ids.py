"""The only source of ids.

Ids are drawn once per call, before the transaction: a transaction that runs again after a lost race
draws the same ones (`Draw.rewind`), so a retry writes what the first try would have written.
"""

from __future__ import annotations

import os
from typing import Protocol

__all__ = ["Draw", "IdSource", "RandomIds", "SeededIds"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_LETTERS = (8 * _ALPHABET).encode()  # for each byte a letter, every letter as often
_LENGTH = 20  # 100 bits
_AT_ONCE = 64  # the machine is asked for so many at a time: asking costs more than the bytes

_SLICES = [slice(at * _LENGTH, (at + 1) * _LENGTH) for at in range(_AT_ONCE)]

_ready: list[str] = []
if hasattr(os, "register_at_fork"):  # else a process and its child would go on with the same ids
    os.register_at_fork(after_in_child=_ready.clear)


class IdSource(Protocol):
    """Gives ids that were never given before."""

    def next(self, kind: str) -> str:
        """Return a new id for a thing of this kind (`"c"` for a conversation)."""
        ...


class RandomIds:
    """Ids from the machine's random source: 100 bits, safe in URLs, kind in front."""

    def next(self, kind: str) -> str:
        """Return a new random id, as `c_4k2…`."""
        try:
            return f"{kind}_{_ready.pop()}"
        except IndexError:
            return f"{kind}_{_drawn()}"


def _drawn() -> str:
    """Return the letters of one new id, and keep those of the next ones ready."""
    letters = os.urandom(_LENGTH * _AT_ONCE).translate(_LETTERS).decode()
    new = list(map(letters.__getitem__, _SLICES))
    last = new.pop()
    _ready.extend(new)
    return last


class SeededIds:
    """Counted ids for tests: `c_1`, `m_1`, `c_2`…; two sources with one seed agree."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._counts: dict[str, int] = {}

    def next(self, kind: str) -> str:
        """Return the next id of its kind."""
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}_{self._seed}{count}"


class Draw:
    """The ids of one call: drawn as needed, and the same again after `rewind`."""

    __slots__ = ("_again", "_source", "drawn")

    def __init__(self, source: IdSource) -> None:
        self._source = source
        self.drawn: list[tuple[str, str]] = []
        """What this try has drawn: kinds and ids."""
        self._again: list[tuple[str, str]] | None = None  # what a retry gets, the next one last

    def rewind(self) -> None:
        """Start over: the next ids are those that were drawn before."""
        if self.drawn:
            self._again = [*(self._again or ()), *reversed(self.drawn)]
            self.drawn = []

    def next(self, kind: str) -> str:
        """Return the next id; where a retry asks for another kind, it gets a fresh one."""
        drawn = self._known(kind) if self._again else None
        if drawn is None:
            drawn = self._source.next(kind)
        self.drawn.append((kind, drawn))
        return drawn

    def _known(self, kind: str) -> str | None:
        again = self._again
        if not again or again[-1][0] != kind:
            self._again = None
            return None
        return again.pop()[1]
