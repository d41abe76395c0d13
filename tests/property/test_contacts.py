"""Searching contacts finds whom looking at everybody finds, in order and in pages of any size (P17)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniroute.model.contact import Contact
from omniroute.ports import Store, Transaction
from omniroute.schema import CONTACTS
from omniroute.testing import Play, a_config, play

Addresses = list[tuple[str, str]]


@frozen
class Somebody:
    """Who is put into the desk, in the letters that a search knows; shown with others."""

    words: tuple[str, ...]
    addresses: tuple[str, ...]
    ref: str | None

    def stored(self, number: int) -> Contact:
        shown = " ".join(f"{word.upper().replace('A', 'Á')}," for word in self.words)
        addresses = tuple((f"kind{number}", each) for each in self.addresses)
        return Contact(f"k{number}", addresses, shown or None, self.ref)


texts = st.text("amz", min_size=1, max_size=3)
numbers = st.text("12", min_size=1, max_size=3)
somebody = st.builds(
    Somebody,
    words=st.lists(texts, max_size=3).map(tuple),
    addresses=st.lists(st.one_of(texts, numbers), max_size=2, unique=True).map(tuple),
    ref=st.one_of(st.none(), texts),
)
merges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=4)
queries = st.lists(
    st.one_of(
        texts.map(lambda text: (text,)), st.tuples(texts, texts), numbers.map(lambda n: (n,))
    ),
    min_size=1,
    max_size=4,
)


def expected(words: tuple[str, ...], people: list[list[tuple[str, Somebody]]]) -> list[str]:
    """Look at everybody: `people` are the parts of each person, the kept one first, with their ids."""
    lead, whole, found = max(words, key=len), " ".join(words), []
    for parts in people:
        kept, head = parts[0]
        ways: list[Any] = [
            (1, address, "", name)
            for name, part in parts
            for address in part.addresses
            if address.startswith(whole)
        ]
        if head.ref is not None and head.ref.startswith(whole):
            ways.append((2, head.ref, "", kept))
        if all(any(own.startswith(word) for own in head.words) for word in words):
            told = " ".join(head.words)
            ways += [(0, own, told, kept) for own in head.words if own.startswith(lead)]
        if ways:
            found.append((min(ways), kept))
    return [kept for _, kept in sorted(found)]


class Book:
    """Who is who, kept by hand."""

    def __init__(self, everybody: list[Somebody]) -> None:
        self.people = [[(f"k{n}", each)] for n, each in enumerate(everybody)]

    def merge(self, keep: str, other: str) -> bool:
        kept, gone = self._of(keep), self._of(other)
        if kept is gone or (kept[0][1].ref or gone[0][1].ref) != (gone[0][1].ref or kept[0][1].ref):
            return False
        (name, head), (_, lost) = kept[0], gone[0]
        kept[0] = (name, Somebody(head.words or lost.words, head.addresses, head.ref or lost.ref))
        kept += gone
        self.people.remove(gone)
        return True

    def _of(self, name: str) -> list[tuple[str, Somebody]]:
        return next(parts for parts in self.people if name in [each for each, _ in parts])


def found_in_pages(p: Play, text: str, limit: int) -> list[str]:
    found, after = [], None
    while True:
        page = p.desk.contacts.search(text, limit=limit, after=after)
        found += [each.id for each in page]
        after = page.next
        if after is None:
            return found


def put(tx: Transaction, contact: Contact) -> None:
    tx.put(CONTACTS, "acme", contact)


def search_is_looking_at_everybody(store: Callable[[], str | Store], examples: int) -> None:
    """Hold the search of desks on a store to what is found by hand."""

    @given(st.lists(somebody, min_size=1, max_size=8), merges, queries, st.integers(1, 3))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def hold(everybody: Any, pairs: Any, asked: Any, limit: int) -> None:
        with play(a_config(), store=store()) as p:
            book = Book(everybody)
            for number, each in enumerate(everybody):
                contact = each.stored(number)
                p.desks.store.transact(partial(put, contact=contact))
            for pair in pairs:
                keep, other = (f"k{number % len(everybody)}" for number in pair)
                if book.merge(keep, other):
                    p.desk.contacts.merge(keep, other)
            for words in asked:
                assert found_in_pages(p, " ".join(words), limit) == expected(words, book.people)

    hold()


@pytest.mark.req("P17")
def test_who_is_found_is_whom_looking_at_everybody_finds() -> None:
    search_is_looking_at_everybody(lambda: "memory://", 40)


@pytest.mark.req("P17")
def test_the_same_is_found_on_sqlite() -> None:
    search_is_looking_at_everybody(lambda: "sqlite://", 8)
