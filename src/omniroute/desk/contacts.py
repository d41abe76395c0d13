"""`desk.contacts`: the people on the other side, and their link to the host's own customers (P17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from omniroute.clock import resolve_now
from omniroute.desk.merged import find_person, kept_for, parts_of
from omniroute.desk.merging import merge
from omniroute.desk.runtime import Runtime
from omniroute.desk.searching import search
from omniroute.desk.unit import Unit
from omniroute.desk.views import Page
from omniroute.model.contact import Contact
from omniroute.ports import Transaction
from omniroute.rules.arguments import blaming
from omniroute.rules.contacts import combined
from omniroute.rules.storable import check_key, check_storable, check_text
from omniroute.schema import CONTACTS

__all__ = ["Contacts"]

_ADDRESSES = CONTACTS.index("contact_addresses")
_REFS = CONTACTS.index("contacts_by_ref")


@blaming
class Contacts:
    """Contacts, known by channel addresses. Linking and merging are the host's acts alone.

    Wherever a contact is named that was merged into another, the one that was kept answers.
    """

    def __init__(self, desk: str, runtime: Runtime) -> None:
        self._desk = desk
        self._runtime = runtime

    def get(self, contact: str) -> Contact:
        """Return a contact; `UnknownContact` when there is none of that id."""
        return self._runtime.read(lambda tx: self._whole(tx, find_person(tx, self._desk, contact)))

    def find(self, channel: str, address: str) -> Contact | None:
        """Return who has an address on a channel kind, or None."""

        def work(tx: Transaction) -> Contact | None:
            found = tx.scan(_ADDRESSES, self._desk, (channel, address), limit=1)
            return self._whole(tx, kept_for(tx, self._desk, found[0])) if found else None

        return self._runtime.read(work)

    def linked(self, ref: str, *, limit: int = 50) -> list[Contact]:
        """Return the contacts linked to one of the host's customers."""

        def work(tx: Transaction) -> list[Contact]:
            found = tx.scan(_REFS, self._desk, (ref,), limit=limit)
            return [self._whole(tx, each) for each in found]

        return self._runtime.read(work)

    def search(self, text: str, *, limit: int = 50, after: str | None = None) -> Page[Contact]:
        """Return a page of the contacts that a text stands for: by name, by address, by reference.

        Of a name every word that is given has to be there, in any order, each by its beginning
        ("mar sil" finds Maria da Silva); an address or a reference is given from its beginning.
        Letter case and accents do not matter, nor how a telephone number is spaced. The order is
        that of the words found; addresses and references follow names. Pass a page's `next` as
        `after` for the one behind it. `UsageError` for a text that says nothing.
        """
        return self._runtime.read(search(self._desk, text, limit, after))

    def link(
        self,
        contact: str,
        *,
        ref: str | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> Contact:
        """Link a contact to the host's customer, name it, add attributes (None leaves what is there)."""
        if ref is not None:
            check_key(ref, "ref")
        if name is not None:
            check_text(name, "name")
        given = attributes or {}
        check_storable(given, "attributes")
        flow = _link(contact, ref, name, dict(given))
        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, flow, within=within)

    def merge(
        self,
        keep: str,
        other: str,
        *,
        by: str | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> Contact:
        """Merge contact `other` into contact `keep`, and return that: both are one person (P17).

        What both have is the kept one's: its name, its reference, its value of an attribute. Both
        histories are found under either id. Conversations are never merged: each stays with the
        address it is with, and goes on when they write from there. Merging who is one already
        changes nothing. It cannot be undone, and needs the role supervisor or administrator in the
        agent that `by` names; without `by` the host itself acts.

        Raises `ReferencesDiffer` where they are linked to different customers, `UnknownContact`,
        `PermissionDenied`, and `UsageError` for a contact with itself.
        """
        flow = merge(keep, other, by)
        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, flow, within=within)

    def _whole(self, tx: Transaction, kept: Contact) -> Contact:
        return combined(parts_of(tx, self._desk, kept))


def _link(
    contact: str, ref: str | None, name: str | None, attributes: dict[str, Any]
) -> Callable[[Unit], Contact]:
    def flow(unit: Unit) -> Contact:
        found = find_person(unit.tx, unit.desk, contact)
        merged = {**found.attributes, **attributes}
        linked = evolve(found, ref=ref or found.ref, name=name or found.name, attributes=merged)
        if linked != found:
            unit.tx.put(CONTACTS, unit.desk, linked)
        return combined(parts_of(unit.tx, unit.desk, linked))

    return flow
