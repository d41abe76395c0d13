"""Who is who by now: the contacts that make up one person, found from any of them (P17).

What was merged stays stored under its own id, with its addresses: conversations go on where they
are. Costs a look for each contact that was merged, and nothing beside the one for all others.
"""

from __future__ import annotations

from omniroute.errors import UnknownContact
from omniroute.model.contact import Contact
from omniroute.ports import Transaction
from omniroute.schema import CONTACTS

__all__ = ["find_person", "ids_of", "kept_for", "parts_of"]


def kept_for(tx: Transaction, desk: str, contact: Contact) -> Contact:
    """Return the contact that one was merged into, as it is stored; itself where it was not."""
    if contact.merged_into is None:
        return contact
    kept = tx.get(CONTACTS, desk, (contact.merged_into,))
    assert kept is not None  # noqa: S101  (what was kept is not deleted)
    return kept


def find_person(tx: Transaction, desk: str, contact: str) -> Contact:
    """Return the kept contact of an id, as it is stored; `UnknownContact` when there is none."""
    found = tx.get(CONTACTS, desk, (contact,))
    if found is None:
        raise UnknownContact(f"no contact {contact!r}")
    return kept_for(tx, desk, found)


def parts_of(tx: Transaction, desk: str, kept: Contact) -> tuple[Contact, ...]:
    """Return a kept contact and all that were merged into it, in that order, as they are stored."""
    if not kept.merged:
        return (kept,)
    found = (tx.get(CONTACTS, desk, (each,)) for each in kept.merged)
    return (kept, *(each for each in found if each is not None))


def ids_of(tx: Transaction, desk: str, contact: str) -> tuple[str, ...]:
    """Return every id under which a person's conversations are found; an unknown one is alone."""
    found = tx.get(CONTACTS, desk, (contact,))
    if found is None:
        return (contact,)
    kept = kept_for(tx, desk, found)
    return (kept.id, *kept.merged)
