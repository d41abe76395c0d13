"""Who is on the other side, and what is open with them: contacts by address, conversations by thread."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from omniroute.desk.foresight import ADDRESSES
from omniroute.desk.merged import kept_for
from omniroute.desk.unit import Unit
from omniroute.model.contact import Contact
from omniroute.model.conversation import Conversation
from omniroute.model.wire import Sender
from omniroute.schema import CONTACTS, CONVERSATIONS

__all__ = ["contact_of", "find_contact", "known_by", "last_served", "latest"]

_OPEN = CONVERSATIONS.index("open_thread")
_ENDED = CONVERSATIONS.index("thread")


def contact_of(unit: Unit, kind: str, sender: Sender) -> tuple[Contact, bool]:
    """Return the contact of a sender, with every address the sender has, and whether it is new."""
    found = find_contact(unit, kind, sender)
    if found is not None:
        return known_by(unit, found, kind, sender.addresses, sender.name), False
    addresses = tuple((kind, address) for address in dict.fromkeys(sender.addresses))
    contact = Contact(unit.draw.next("p"), addresses, sender.name)
    unit.tx.add(CONTACTS, unit.desk, (contact,))
    return contact, True


def known_by(
    unit: Unit, known: Contact, kind: str, addresses: Iterable[str], name: str | None = None
) -> Contact:
    """Add addresses, and a name where there is none yet, to a contact."""
    contact = known
    for address in ((kind, each) for each in addresses):
        # An address that is somebody else's stays theirs: contacts are merged by hand only (P17).
        if address not in contact.addresses and not _taken(unit, address):
            contact = evolve(contact, addresses=(*contact.addresses, address))
    if name and contact.name is None:
        contact = evolve(contact, name=name)
        if contact.merged_into is not None:
            _name_kept(unit, contact, name)
    if contact is not known:
        unit.tx.put(CONTACTS, unit.desk, contact)
    return contact


def _name_kept(unit: Unit, merged: Contact, name: str) -> None:
    """Name the contact that one was merged into, where that has no name yet either (P17)."""
    kept = kept_for(unit.tx, unit.desk, merged)
    if kept.name is None:
        unit.tx.put(CONTACTS, unit.desk, evolve(kept, name=name))


def find_contact(unit: Unit, kind: str, sender: Sender) -> Contact | None:
    """Return whom any of a sender's addresses is known to belong to, or None."""
    for address in sender.addresses:
        found = unit.tx.scan(ADDRESSES, unit.desk, (kind, address), limit=1)
        if found:
            return found[0]
    return None


def _taken(unit: Unit, address: tuple[str, str]) -> bool:
    return bool(unit.tx.entries(ADDRESSES, unit.desk, address, limit=1))


def last_served(unit: Unit, entry_point: str, person: Contact, thread: str) -> Conversation | None:
    """Return the latest conversation of a person here that an agent has or had.

    `person` is the kept contact: those that were merged into it have threads of their own (P17).
    """
    ids = (person.id, *person.merged)
    found = (latest(unit, entry_point, each, thread) for each in ids)
    served = [each for each in found if each is not None and each.agent is not None]
    return max(served, key=lambda each: (not each.ended, each.since), default=None)


def latest(unit: Unit, entry_point: str, contact: str, thread: str) -> Conversation | None:
    """Return the open conversation of this contact, entry point and thread, else the latest ended."""
    prefix = (entry_point, contact, thread)
    for index in (_OPEN, _ENDED):
        if found := unit.tx.scan(index, unit.desk, prefix, limit=1):
            return found[0]
    return None
