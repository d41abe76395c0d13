"""Contacts: the person on the other side, known by channel addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field

from omniroute.model.values import frozen

__all__ = ["Contact"]


@frozen
class Contact:
    """One person. `addresses` are (channel kind, address) pairs; `ref` is the host's own customer.

    `merged` are the contacts that were merged into this one (P17). What is stored of those keeps the
    addresses that it had, and names the one that it was merged into; `desk.contacts` answers with
    the one that was kept, and with the addresses of all.
    """

    id: str
    addresses: tuple[tuple[str, str], ...]
    name: str | None = None
    ref: str | None = None
    attributes: Mapping[str, Any] = field(factory=dict)
    merged: tuple[str, ...] = ()
    merged_into: str | None = None
