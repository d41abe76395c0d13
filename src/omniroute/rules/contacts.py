"""Contacts that are one person, and by what they are searched (P17).

A search is for words of a name, each by its beginning, or for the beginning of an address or of a
reference; what stands in the index and what is looked for is folded here, by one rule. Knows
nothing of stores.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve

from omniroute.errors import UsageError
from omniroute.model.contact import Contact
from omniroute.model.values import frozen
from omniroute.rules.names import quoted
from omniroute.rules.words import normalized, words_of

__all__ = ["Entry", "Wanted", "combined", "folded", "search_entries", "united"]

Entry = tuple[int, str, str]
"""What a contact is found by: in what, the folded term, and for a word all the words of its name."""

_NAME: Final = 0
_ADDRESS: Final = 1
_REF: Final = 2

# What is kept of a term is bounded: an entry must fit into a page of any database's index.
_WORDS: Final = 10
_WORD: Final = 32
_TERM: Final = 128
_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"
_PHONE: Final = frozenset("+0123456789 ()-./")


# --- searching ------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """Return an address or a reference as it is searched: a telephone number by its digits alone."""
    plain = _without_marks(normalized(text))
    if _PHONE.issuperset(plain):
        plain = "".join(filter(str.isdigit, plain)) or plain
    return plain[:_TERM]


def _words(text: str) -> tuple[str, ...]:
    return tuple(_without_marks(word)[:_WORD] for word in words_of(text))


def _without_marks(text: str) -> str:
    """Return a text whose letters stand without accents: who looks for Jose finds José."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(each for each in apart if not _FIRST_MARK <= each <= _LAST_MARK)
    return unicodedata.normalize("NFC", bare)


def search_entries(contact: Contact) -> list[Entry]:
    """Return what a stored contact is found by; of one that was merged, its addresses alone."""
    found = [(_ADDRESS, folded(address), "") for _, address in contact.addresses]
    if contact.merged_into is not None:
        return found
    if contact.ref is not None:
        found.append((_REF, folded(contact.ref), ""))
    if contact.name:
        words = _words(contact.name)[:_WORDS]
        told = " ".join(words)
        found += [(_NAME, word, told) for word in words]
    return found


@frozen
class Wanted:
    """What is searched: words that a name has, or the beginning of an address or a reference."""

    words: tuple[str, ...]
    whole: str

    @classmethod
    def of(cls, text: str) -> Wanted:
        """Return what a text asks for; `UsageError` where that is nothing."""
        wanted = cls(_words(text), folded(text))
        if not (wanted.words or wanted.whole):
            raise UsageError(
                "nothing to search for",
                where="text",
                expected="some of a name, an address or a reference",
                got=quoted(text),
            )
        return wanted

    @property
    def ranges(self) -> Iterator[tuple[int, str]]:
        """Where to look: in what, and how its terms begin. Of several words the longest leads."""
        if self.words:
            yield _NAME, self._leading
        if self.whole:
            yield _ADDRESS, self.whole
            yield _REF, self.whole

    @property
    def is_one_word(self) -> bool:
        """Whether whatever begins as it does fits."""
        return len(self.words) <= 1

    @property
    def _leading(self) -> str:
        return max(self.words, key=len)

    def fits(self, entry: Sequence[object]) -> bool:
        """Whether a contact is found by an entry of theirs (its own fields may follow)."""
        kind, term, told = entry[:3]
        assert isinstance(term, str) and isinstance(told, str)  # noqa: S101, PT018  (as declared)
        if kind != _NAME:
            return bool(self.whole) and term.startswith(self.whole)
        if not (self.words and term.startswith(self._leading)):
            return False
        name = told.split(" ")
        return all(any(each.startswith(word) for each in name) for word in self.words)

    def first(self, contacts: Iterable[Contact]) -> tuple[object, ...] | None:
        """Return by which entry, with its key, the contacts of one person are found first."""
        entries = ((*entry, each.id) for each in contacts for entry in search_entries(each))
        return min(filter(self.fits, entries), default=None)


# --- merging --------------------------------------------------------------------------------------


def united(kept: Contact, other: Contact) -> Contact:
    """Return a contact that another one was merged into: what both have is the kept one's."""
    return evolve(
        kept,
        name=kept.name or other.name,
        ref=kept.ref or other.ref,
        attributes={**other.attributes, **kept.attributes},
        merged=(*kept.merged, other.id, *other.merged),
    )


def combined(contacts: Sequence[Contact]) -> Contact:
    """Return one person, the kept contact first, with the addresses of all that were merged."""
    kept, *others = contacts
    if not others:
        return kept
    return evolve(kept, addresses=tuple(pair for each in contacts for pair in each.addresses))
