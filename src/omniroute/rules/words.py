"""Words that mean something: protected names, BACK and EXIT, keywords; and when two texts are one word.

`normalized` is the one place that says so, for words, keywords, protected names and menu titles
alike: full width, letter case, punctuation around, invisible characters and combining marks do not
slip past. Words are literals, compared whole; no pattern is built from them (R14).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from omniroute.errors import ReservedNameError
from omniroute.model.policy import ProtectedNames
from omniroute.model.values import frozen
from omniroute.rules.names import quoted

__all__ = [
    "PROTECTED",
    "ReservedWords",
    "is_word",
    "normalized",
    "words_of",
]

PROTECTED: Final = (
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "START",
    "YES",
    "UNSTOP",
    "HELP",
    "INFO",
)
"""The words that carriers and providers act on (U8)."""

# Invisible, and no format characters by Unicode's own classes: joiners, fillers, selectors.
_INVISIBLE: Final = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, *range(0x180B, 0x1810)))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_AROUND: Final = frozenset(".,!?;:'\"`\N{ACUTE ACCENT}…·*~|/\\¡¿。、।^<>=")
_APART: Final = {number: " " for number in range(128) if not chr(number).isalnum()}
_LONGEST_WORD: Final = 1_000  # invisible characters around it included
_AROUND_CLASSES: Final = frozenset({"Pd", "Ps", "Pe", "Pi", "Pf", "Pc"})


def normalized(text: str) -> str:
    """Return a text as it is compared: two that normalize alike are one word.

    Compatibility forms (full width, ligatures) are resolved, letter case is folded, invisible
    characters and marks that combine with a plain letter into nothing known are dropped, space is
    narrowed, and punctuation around is taken off, where something is left without it.
    """
    if text.isascii() and text.isprintable():
        plain = text.casefold()
    else:
        composed = unicodedata.normalize("NFKC", text).casefold()
        plain = "".join(_visible(unicodedata.normalize("NFKC", composed)))
    narrowed = " ".join(plain.split())
    first, last = 0, len(narrowed)
    while first < last and _is_around(narrowed[first]):
        first += 1
    while last > first and _is_around(narrowed[last - 1]):
        last -= 1
    return narrowed[first:last] or narrowed


def _visible(text: str) -> Iterator[str]:
    after_plain_letter = False
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cf", "Cc") and not character.isspace():
            continue
        if character in _INVISIBLE or (after_plain_letter and kind in ("Mn", "Me")):
            continue
        yield character
        after_plain_letter = character.isascii() and character.isalnum()


def _is_around(character: str) -> bool:
    return (
        character == " "
        or character in _AROUND
        or unicodedata.category(character) in _AROUND_CLASSES
    )


def is_word(text: str | None, words: Sequence[str]) -> bool:
    """Whether a whole message is one of `words` (U57)."""
    if not text or not words or len(text) > _LONGEST_WORD:
        return False
    said = normalized(text)
    return any(normalized(word) == said for word in words)


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, normalized: runs of letters, digits and their marks."""
    if name.isascii() and name.isprintable():
        return tuple(name.casefold().translate(_APART).split())
    letters = (
        character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "
        for character in normalized(name)
    )
    return tuple("".join(letters).split())


@frozen
class ReservedWords:
    """The words that no queue and no keyword may be called, as they are written (U8, U61)."""

    words: Mapping[str, str]
    where: ProtectedNames = ProtectedNames.ANY_WORD

    @classmethod
    def of(
        cls, navigation: Iterable[str] = (), where: ProtectedNames = ProtectedNames.ANY_WORD
    ) -> ReservedWords:
        """Return the protected words and `navigation`: every current BACK and EXIT word."""
        words = {normalized(word): word for word in PROTECTED}
        for word in navigation:
            if word.strip():
                words.setdefault(normalized(word), word)
        return cls(words, where)

    def in_name(self, name: str) -> str | None:
        """Return the protected word that a name is, or holds as a whole word (U8, U9), or None."""
        whole = self.in_keyword(name)
        if whole is not None or self.where is ProtectedNames.WHOLE_NAME:
            return whole
        said = words_of(name)
        for normal, word in self.words.items():
            if _holds(said, words_of(normal)):
                return word
        return None

    def in_keyword(self, keyword: str) -> str | None:
        """Return the protected word that a whole text is, or None."""
        return self.words.get(normalized(keyword))

    def problem(self, name: str) -> str | None:
        """Return what is wrong with a queue's name, or None."""
        word = self.in_name(name)
        return None if word is None else f"{quoted(name)} uses {quoted(word)}, {self.kind(word)}"

    @staticmethod
    def kind(word: str) -> str:
        """Return what a reserved word is, in words."""
        return "a protected word" if word in PROTECTED else "a word for BACK or EXIT"

    def require(self, name: str) -> None:
        """Raise `ReservedNameError`, naming the word, where a name uses one (U8)."""
        if word := self.in_name(name):
            raise ReservedNameError(name, word)


def _holds(said: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words stand side by side among those that were said."""
    length = len(words)
    if not length:
        return False
    return any(said[n : n + length] == words for n in range(len(said) - length + 1))
