"""Contacts: the person on the other side, known by channel addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field

from omniroute.model.values import frozen

__all__ = ["Contact"]


@frozen
class Contact:
    """One person. `addresses` are (channel kind, address) pairs; `ref` is the host's own customer."""

    id: str
    addresses: tuple[tuple[str, str], ...]
    name: str | None = None
    ref: str | None = None
    attributes: Mapping[str, Any] = field(factory=dict)
