"""What rigs share: they are closed where the block ends that they were made for."""

from __future__ import annotations

from types import TracebackType
from typing import Self

__all__ = ["Closes"]


class Closes:
    """Something with a `close`, to be used in a `with` block."""

    def close(self) -> None:
        """End what was started, and remove what it left."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
