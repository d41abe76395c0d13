"""Merging contacts: two that are one person, by hand only (P17).

Conversations are left as they are, each with the contact that it is with: an open one goes on from
its own address, also beside another of the kept contact's.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from omniroute.desk.merged import find_person, parts_of
from omniroute.desk.permission import permit
from omniroute.desk.unit import Unit
from omniroute.errors import ReferencesDiffer, UsageError
from omniroute.model.contact import Contact
from omniroute.model.events import ContactsMerged
from omniroute.rules.contacts import combined, united
from omniroute.rules.names import quoted
from omniroute.rules.roles import Right
from omniroute.schema import CONTACTS

__all__ = ["merge"]


def merge(keep: str, other: str, by: str | None) -> Callable[[Unit], Contact]:
    """Return the flow of merging one contact into another that is kept; None is the host."""
    if keep == other:
        raise UsageError(
            "a contact cannot be merged with itself",
            where="other",
            expected="another contact",
            got=quoted(other),
        )

    def flow(unit: Unit) -> Contact:
        actor = permit(unit, by, Right.MERGE_CONTACTS)
        kept = find_person(unit.tx, unit.desk, keep)
        gone = find_person(unit.tx, unit.desk, other)
        if kept.id != gone.id:  # merged before: nothing is left to do (R11)
            kept = _merged(unit, kept, gone)
            unit.write_event(ContactsMerged(kept.id, unit.now, actor, gone.id))
        return combined(parts_of(unit.tx, unit.desk, kept))

    return flow


def _merged(unit: Unit, kept: Contact, gone: Contact) -> Contact:
    if kept.ref and gone.ref and kept.ref != gone.ref:
        raise ReferencesDiffer(kept.id, kept.ref, gone.id, gone.ref)
    for each in parts_of(unit.tx, unit.desk, gone):
        # Those that were merged into it stand below the kept one now: one step leads there.
        below = evolve(each, ref=None, attributes={}, merged=(), merged_into=kept.id)
        unit.tx.put(CONTACTS, unit.desk, below)
    whole = united(kept, gone)
    unit.tx.put(CONTACTS, unit.desk, whole)
    return whole
