"""`desk.contacts`: the people on the other side, and their link to the host's own customers (P17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from omniroute.clock import resolve_now
from omniroute.desk.runtime import Runtime
from omniroute.desk.unit import Unit
from omniroute.errors import UnknownContact
from omniroute.model.contact import Contact
from omniroute.rules.storable import check_key, check_storable
from omniroute.schema import CONTACTS

__all__ = ["Contacts"]

_ADDRESSES = CONTACTS.index("contact_addresses")
_REFS = CONTACTS.index("contacts_by_ref")


class Contacts:
    """Contacts, known by channel addresses. Linking one is the host's act; nothing merges by itself."""

    def __init__(self, desk: str, runtime: Runtime) -> None:
        self._desk = desk
        self._runtime = runtime

    def get(self, contact: str) -> Contact:
        """Return a contact; `UnknownContact` when there is none of that id."""
        found = self._runtime.read(lambda tx: tx.get(CONTACTS, self._desk, (contact,)))
        if found is None:
            raise UnknownContact(f"no contact {contact!r}")
        return found

    def find(self, channel: str, address: str) -> Contact | None:
        """Return who has an address on a channel kind, or None."""
        prefix = (channel, address)
        found = self._runtime.read(lambda tx: tx.scan(_ADDRESSES, self._desk, prefix, limit=1))
        return found[0] if found else None

    def linked(self, ref: str, *, limit: int = 50) -> list[Contact]:
        """Return the contacts linked to one of the host's customers."""
        return self._runtime.read(lambda tx: tx.scan(_REFS, self._desk, (ref,), limit=limit))

    def link(
        self,
        contact: str,
        *,
        ref: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        within: object | None = None,
    ) -> Contact:
        """Link a contact to the host's customer, or add attributes (None leaves what is there)."""
        if ref is not None:
            check_key(ref, "ref")
        given = attributes or {}
        check_storable(given, "attributes")
        flow = _link(contact, ref, dict(given))
        instant = resolve_now(now, self._runtime.clock)
        return self._runtime.run(self._desk, instant, flow, within=within)


def _link(contact: str, ref: str | None, attributes: dict[str, Any]) -> Callable[[Unit], Contact]:
    def flow(unit: Unit) -> Contact:
        found = unit.tx.get(CONTACTS, unit.desk, (contact,))
        if found is None:
            raise UnknownContact(f"no contact {contact!r}")
        merged = {**found.attributes, **attributes}
        linked = evolve(found, ref=ref or found.ref, attributes=merged)
        if linked != found:
            unit.tx.put(CONTACTS, unit.desk, linked)
        return linked

    return flow
