"""The `with` block of whatever is closed, or saved, where the block ends: one mechanism for all."""

from __future__ import annotations

from types import TracebackType
from typing import Self

__all__ = ["Block", "Closes"]


class Block:
    """Something that a `with` block gives as itself, and that has something to do where it ends."""

    __slots__ = ()

    def _leave(self, *, raised: bool) -> None:
        """Do what belongs to the end of the block; `raised` says whether an error ended it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(raised=kind is not None)


class Closes(Block):
    """Something with a `close`, which the end of a `with` block calls, however it ended."""

    __slots__ = ()

    def close(self) -> None:
        """End what was started, and let go of what is held."""
        raise NotImplementedError

    def _leave(self, *, raised: bool) -> None:  # noqa: ARG002
        self.close()
