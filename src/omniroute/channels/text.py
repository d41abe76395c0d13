"""Text for channels with a limit: taken apart at the gentlest place, nothing cut silently.

Only white space at a seam is dropped; every other character is in exactly one part, in order.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["split_text"]

_SEAMS: Final = tuple(
    re.compile(pattern) for pattern in (r"\n[ \t]*\n", r"\n", r"(?<=[.!?\u2026\u3002])\s", r"\s")
)
"""Where to part, the gentlest first: paragraph, line, sentence, word."""

_JOINER: Final = "\u200d"
_LONGEST_CLUSTER: Final = 32


def split_text(text: str, limit: int) -> list[str]:
    """Return `text` in parts of at most `limit` characters (above zero); none when it is blank.

    A text within the limit stays exactly as it is.
    """
    parts = []
    rest = text
    while len(rest) > limit:
        end = _seam(rest, limit)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [part for part in (*parts, rest) if part.strip()]


def _seam(text: str, limit: int) -> int:
    """Return where the first part ends."""
    # A seam in the first quarter would leave a crumb: better a less gentle one further on.
    first = max(limit // 4, 1)
    for pattern in _SEAMS:
        seams = [match.start() for match in pattern.finditer(text, first, limit + 1)]
        if seams:
            return seams[-1]
    return _between_characters(text, limit)


def _between_characters(text: str, limit: int) -> int:
    """Step back from `limit` to a place that leaves an accent or an emoji's parts together."""
    for end in range(limit, max(limit - _LONGEST_CLUSTER, 0), -1):
        if not _continues(text[end]) and text[end - 1] != _JOINER:
            return end
    return limit


def _continues(character: str) -> bool:
    return (
        character == _JOINER
        or unicodedata.category(character).startswith("M")  # accents, emoji variation selectors
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )
