"""Strict reading of JSON that a stranger sent: size, depth and text, once for all adapters.

What providers document is RFC 8259. Anything beyond it that parsers commonly let through (NaN,
other encodings) is refused, and text that a database cannot hold is cleaned (R13). Errors name the
place and the type that came, never the content: it belongs to a contact.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from attrs import field, frozen

from omniroute.errors import MalformedPayload, PayloadTooLarge

__all__ = ["MAX_DEPTH", "MAX_IDENTIFIER", "JsonNode", "check_size", "read_json"]

MAX_DEPTH: Final = 32
"""How deep arrays and objects may be nested; payloads of providers stay below twenty."""

MAX_IDENTIFIER: Final = 512
"""The longest id or address in characters that is taken: both become keys of indexes."""

_REPLACEMENT: Final = "\ufffd"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
# Both patterns consume what they match without going back (possessive), so hostile input costs one
# pass.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_INNERMOST: Final = re.compile(rb"[\[{][^\[\]{}]*+[\]}]")
# Python refuses to convert longer ones back to text, and no field that anybody reads is one.
_LONGEST_INT: Final = 640


def check_size(body: bytes, max_bytes: int) -> None:
    """Raise `PayloadTooLarge` when `body` is larger than `max_bytes`."""
    if len(body) > max_bytes:
        raise PayloadTooLarge(
            "the body is too large",
            expected=f"at most {max_bytes} bytes",
            got=f"{len(body)} bytes",
        )


def read_json(body: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """Return the JSON value in `body`; of duplicate keys the last one counts.

    NUL characters and lone surrogates become U+FFFD, an integer of more than 640 digits its digits
    as text. Raises `PayloadTooLarge` for size and depth, `MalformedPayload` for everything that is
    not JSON in UTF-8, NaN and infinite numbers included.
    """
    check_size(body, max_bytes)
    _check_depth(body, max_depth)
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise _malformed("UTF-8", f"byte 0x{body[error.start]:02x} at {error.start}") from None
    except json.JSONDecodeError as error:
        raise _malformed("JSON", f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    # Unescaped, JSON cannot hold a NUL and UTF-8 no surrogate: only escapes need the walk.
    return _cleaned(value) if b"\\u" in body else value


def _malformed(expected: str, got: str) -> MalformedPayload:
    return MalformedPayload("the body cannot be read", where="body", expected=expected, got=got)


def _too_deep(max_depth: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        "the body is nested too deeply", where="body", expected=f"at most {max_depth} levels"
    )


def _check_depth(body: bytes, max_depth: int) -> None:
    """Peel the nesting off from the inside before a recursive parser sees it."""
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return
    rest = _STRING.sub(b"", body)
    for _ in range(max_depth):
        rest, peeled = _INNERMOST.subn(b"", rest)
        if not peeled:
            break
    # What is left is deeper, or its brackets do not match: few of those are the parser's to name.
    if rest.count(b"[") + rest.count(b"{") > max_depth or _INNERMOST.search(rest):
        raise _too_deep(max_depth)


def _refuse_constant(name: str) -> NoReturn:
    raise _malformed("finite numbers", name)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _malformed("finite numbers", "a number beyond a double's range")
    return number


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INT else digits


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


@frozen
class JsonNode:
    """A JSON value and the path to it, so that an error can say where it is.

    `node["messages"]` goes one step down, present or not; the other methods read what is there.
    """

    value: Any = field(repr=False)
    path: str = ""

    def __getitem__(self, key: str) -> JsonNode:
        """Return the member `key`; a node holding None when there is none, or this is no object."""
        member = self.value.get(key) if isinstance(self.value, dict) else None
        return JsonNode(member, f"{self.path}.{key}" if self.path else key)

    def __contains__(self, key: str) -> bool:
        """Whether this is an object with a member `key` other than null."""
        return self[key].value is not None

    def __iter__(self) -> Iterator[JsonNode]:
        """Yield the items of an array; an absent or null one has none. `MalformedPayload` else."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.refused("an array")
        for index, item in enumerate(self.value):
            yield JsonNode(item, f"{self.path}[{index}]")

    def object(self) -> dict[str, Any]:
        """Return the value as an object, or raise `MalformedPayload`."""
        if not isinstance(self.value, dict):
            raise self.refused("an object")
        return self.value

    def text(self) -> str:
        """Return the value as text that is not empty, or raise `MalformedPayload`."""
        if not isinstance(self.value, str) or not self.value:
            raise self.refused("text")
        return self.value

    def text_or_none(self) -> str | None:
        """Return the value as text; None when it is absent, empty or something else."""
        return self.value if isinstance(self.value, str) and self.value else None

    def identifier(self) -> str:
        """Return an id as text: providers write some as numbers. `MalformedPayload` for no id."""
        found = self.identifier_or_none()
        if found is None:
            raise self.refused(f"an id of at most {MAX_IDENTIFIER} characters")
        return found

    def identifier_or_none(self) -> str | None:
        """Return an id as text; None when it is absent, empty, too long or something else."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int):
            return None
        found = str(self.value)
        return found if 0 < len(found) <= MAX_IDENTIFIER else None

    def refused(self, expected: str) -> MalformedPayload:
        """Return the error that says what was expected here, and what kind of value came."""
        return MalformedPayload(
            "cannot be used", where=self.path or "body", expected=expected, got=_kind(self.value)
        )


def _kind(value: Any) -> str:
    """Name a value's type and, for empty text, that it is empty; never the content."""
    if value is None:
        return "nothing"
    if value == "":
        return "empty text"
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return {**names, list: "an array", dict: "an object"}[type(value)]
