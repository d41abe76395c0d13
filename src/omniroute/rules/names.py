"""How configuration is spoken of: paths, suggestions, and values as a person would write them.

Everything that reports a problem (`rules`, `config`) words it through here, so that one mistake
reads the same wherever it is found. Knows nothing of desks.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

__all__ = [
    "MAX_KEY",
    "did_you_mean",
    "join",
    "listing",
    "name_problem",
    "quoted",
    "shown",
    "text_problem",
    "unknown",
]

MAX_KEY: Final = 512
"""The longest id, address, tag or path of a queue in characters: they become entries of indexes."""

# Controls, line separators, and what turns the direction of the text around it.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN: Final = frozenset({"Cf", "Zs", "Mn", "Me"})
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SHOWN: Final = 60
_SHORT_LIST: Final = 10
_SIMILAR: Final = 0.6
_HUGE: Final = 10**_SHOWN
_KINDS: Final = (
    (Mapping, "a table"),
    ((list, tuple), "a list"),
    ((date, datetime, time), "a date or time"),
)


def join(path: str, *steps: str | int) -> str:
    """Return `path` with keys and list indexes added: `inboxes."my inbox".queues[2][0]`."""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            key = step if _BARE.fullmatch(step) else quoted(step)
            path = f"{path}.{key}" if path else key
    return path


def text_problem(text: str) -> str | None:
    """Return what is wrong with a text, or None: NUL and lone surrogates are not stored (R13)."""
    if text.isascii() and "\0" not in text:
        return None
    if found := _UNSTORABLE.search(text):
        return f"holds the character U+{ord(found[0]):04X}, which cannot be stored"
    return None


def storable_text(text: str) -> str:
    """Return a text with a mark in place of what is not stored: for others' words, such as an error's."""
    return _UNSTORABLE.sub("\ufffd", text)


def name_problem(name: str, what: str = "a name") -> str | None:
    """Return what is wrong with the name of anything, or None."""
    if not name.strip():
        return f"{what} is not empty"
    if name != name.strip():
        return f"{quoted(name)} begins or ends with a space"
    if found := _CONTROL.search(name):
        return f"{what} has no control characters, such as U+{ord(found[0]):04X}"
    if len(name) > MAX_KEY:
        return f"{what} has at most {MAX_KEY} characters; this one has {len(name)}"
    if not name.isascii() and all(unicodedata.category(each) in _UNSEEN for each in name):
        return f"{what} has characters that can be seen"
    return None


def quoted(text: object) -> str:
    """Return text in double quotes, cut where it is long, on one line; else as `shown`."""
    if not isinstance(text, str):
        return shown(text)
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return json.dumps(short, ensure_ascii=False).encode(errors="backslashreplace").decode()


def listing(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: `"a", "b" and "c"`."""
    each = [quoted(name) for name in names]
    return " and ".join([", ".join(each[:-1]), each[-1]]) if len(each) > 1 else "".join(each)


def did_you_mean(name: object, known: Iterable[str], *, similarity: float = _SIMILAR) -> str | None:
    """Return the known name most like `name`, letter case aside, or None when none is alike."""
    if not isinstance(name, str) or len(name) > _SHOWN:
        return None
    import difflib  # only needed where something is wrong

    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=similarity)
    return folded[close[0]] if close else None


def unknown(what: str, known: Iterable[str], name: object) -> str:
    """Return a sentence about a name that does not exist: what was meant, and what there is."""
    names = list(known)
    suggestion = did_you_mean(name, names)
    if suggestion:
        what += f"; did you mean {quoted(suggestion)}?"
    if len(names) < 2 and not suggestion:
        return f"{what}; the only one is {listing(names)}" if names else f"{what}; there are none"
    if len(names) > _SHORT_LIST or names == [suggestion]:
        return what
    return f"{what}{' Known' if suggestion else '; known'} are {listing(names)}"


def shown(value: object) -> str:
    """Return a value as a message shows it: scalars as written, everything else by what it is."""
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value) if abs(value) < _HUGE else "a number that is far too large"
    if isinstance(value, float | Decimal):
        text = str(value)
        return text if len(text) <= _SHOWN else "a number that is far too large"
    kind = type(value).__name__
    known = next((word for kinds, word in _KINDS if isinstance(value, kinds)), None)
    return known or f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
