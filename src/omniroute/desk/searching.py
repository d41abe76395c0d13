"""Searching contacts: a walk through the entries that begin as what is wanted, and no others (P17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from omniroute.desk import read
from omniroute.desk.merged import find_person, parts_of
from omniroute.desk.views import Page
from omniroute.model.contact import Contact
from omniroute.ports import Transaction
from omniroute.rules.contacts import Wanted, combined
from omniroute.rules.storable import check_text
from omniroute.schema import CONTACTS, Key

__all__ = ["search"]

_TERMS = CONTACTS.index("contact_terms")
_MOST: Final = 1000
_LAST: Final = "\U0010ffff"
"""Follows every other character."""


def search(
    desk: str, text: str, limit: int, after: str | None
) -> Callable[[Transaction], Page[Contact]]:
    """Return the work that reads one page of who is found: by name, then address, then reference."""
    check_text(text, "text")
    read.check_limit(limit)
    wanted = Wanted.of(text)
    start = None if after is None else read.unpack(after, int, str, str, str)

    def work(tx: Transaction) -> Page[Contact]:
        found: list[Contact] = []
        last: Key = ()
        for entry in _entries(tx, desk, wanted, start, limit):
            if not wanted.fits(entry):
                continue
            parts = parts_of(tx, desk, find_person(tx, desk, entry[-1]))
            if wanted.first(parts) != entry:
                continue  # found already, by an entry before this one
            if len(found) == limit:
                return Page(tuple(found), read.pack(last))
            found.append(combined(parts))
            last = entry
        return Page(tuple(found), None)

    return work


def _entries(
    tx: Transaction, desk: str, wanted: Wanted, start: Key | None, limit: int
) -> Iterator[Key]:
    for field, prefix in wanted.ranges:
        if start is not None and field < start[0]:
            continue
        after: Key = (prefix, "", "")
        if start is not None and field == start[0]:
            after = max(after, start[1:])
        until, size = (prefix + _LAST,), limit + 1
        while True:
            page = tx.entries(_TERMS, desk, (field,), after=after, until=until, limit=size)
            if wanted.is_one_word and len(page) > 1:
                # All of them are wanted: they come in one look, and are at hand when asked for.
                tx.scan(_TERMS, desk, (field,), after=after, until=until, limit=size)
            yield from page
            if len(page) < size:
                break
            after = page[-1][1:]
            if not wanted.is_one_word:
                size = min(2 * size, _MOST)
