"""Secrets: references in configuration, hidden values in memory, nothing in a log (R15)."""

from __future__ import annotations

from typing import NoReturn

from attrs import frozen

__all__ = ["Secret", "SecretRef"]


@frozen(kw_only=True)
class SecretRef:
    """Where a secret is to be found: the name of an environment variable. Never the secret itself."""

    env: str


class Secret:
    """A secret's value. Shows itself to nobody but who asks with `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for use and not for keeping."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied: it would leave the process")
