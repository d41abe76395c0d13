from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.channels.json_body import MAX_DEPTH, JsonNode, check_size, read_json
from omniroute.errors import MalformedPayload, PayloadError, PayloadTooLarge

MB = 1_000_000


def read(body: bytes, **limits: int) -> Any:
    return read_json(body, max_bytes=limits.pop("max_bytes", 3 * MB), **limits)


def test_what_json_holds_is_read() -> None:
    assert read('{"a": [1, 2.5, "ü", true, null]}'.encode()) == {"a": [1, 2.5, "ü", True, None]}


def test_of_duplicate_keys_the_last_counts() -> None:
    assert read(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{]",
        b"}{",
        b"]]]]",
        b"{'a': 1}",
        b'{"a": 1} x',
        b'"\n"',
        b'"\x00"',
        b'"\\x"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"NaN",
        b'{"a": -Infinity}',
        b"[Infinity]",
        b"1e999",
        b"[-1e999]",
    ],
)
def test_what_is_not_json_in_utf8_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        read(body)


def test_an_error_says_where_and_quotes_nothing() -> None:
    with pytest.raises(MalformedPayload) as error:
        read(b'{"name": "Mira Lund", oops}')
    assert error.value.expected == "JSON"
    assert "character 22" in str(error.value)
    assert "Mira" not in str(error.value)


def test_size_is_looked_at_first() -> None:
    check_size(b"12", 2)
    with pytest.raises(PayloadTooLarge, match="at most 1 bytes, got 2 bytes"):
        check_size(b"12", 1)
    with pytest.raises(PayloadTooLarge):
        read(b"{not json at all", max_bytes=3)


@pytest.mark.req("R13")
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"[":', b"}]")])
def test_depth_has_a_limit(pair: tuple[bytes, bytes]) -> None:
    levels = pair[0].count(b"[") - pair[0].count(b'"[') + pair[0].count(b"{")
    fits = MAX_DEPTH // levels
    read(pair[0] * fits + b"1" + pair[1] * fits)
    with pytest.raises(PayloadTooLarge, match=f"at most {MAX_DEPTH} levels"):
        read(pair[0] * (fits + 1) + b"1" + pair[1] * (fits + 1))


@pytest.mark.parametrize("body", [b"[" * 3 * MB, b'{"a":' * 500_000, b"[[[[[[[[[[" * 10 + b"]" * 9])
def test_what_would_break_a_recursive_parser_does_not_reach_it(body: bytes) -> None:
    with pytest.raises(PayloadError):
        read(body)


def test_a_parser_that_gives_up_is_too_much_depth_too() -> None:
    with pytest.raises(PayloadTooLarge):
        read(b"[" * 200_000 + b"]" * 200_000, max_depth=200_000)


def test_brackets_in_text_are_no_depth() -> None:
    text = '[{"' * 500 + "\\"
    assert read(json.dumps([text, text]).encode()) == [text, text]


@pytest.mark.parametrize(
    "body",
    [
        b"[]," * MB,
        b'"' + b'\\"' * 1_499_999,
        b'["' + b"\\" * 2_999_990,
        b'"' * 3 * MB,
        b"[" + b"a" * 2_999_000 + b"[" * 999,
        (b"[" * 60 + b"]" * 60 + b",") * 24_000,
    ],
)
def test_hostile_bodies_cost_no_more_than_a_few_passes(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(PayloadError):
        read(body)
    assert time.process_time() - started < 5


@pytest.mark.req("R13")
@pytest.mark.parametrize(
    "escaped, clean",
    [
        (r"a\u0000b", "a\ufffdb"),
        (r"\ud800", "\ufffd"),
        (r"\udc00\ud800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "😀"),
        (r"\\u0000", "\\u0000"),
        (r"\u0001", "\x01"),
    ],
)
def test_nul_and_lone_surrogates_are_cleaned_everywhere(escaped: str, clean: str) -> None:
    body = f'{{"{escaped}": ["{escaped}", {{"a": "{escaped}"}}]}}'.encode()
    assert read(body) == {clean: [clean, {"a": clean}]}


def test_large_integers_are_read_and_absurd_ones_kept_as_digits() -> None:
    assert read(b"1" + b"0" * 600) == 10**600
    digits = "9" * 50_000
    assert read(digits.encode()) == digits
    json.dumps(read(b"[-" + b"9" * 5_000 + b"]"))


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(value=_ANYTHING, ascii_only=st.booleans())
def test_whatever_json_can_hold_comes_back(value: Any, ascii_only: bool) -> None:
    def clean(item: Any) -> Any:
        if isinstance(item, dict):
            return {key.replace("\x00", "\ufffd"): clean(each) for key, each in item.items()}
        return [clean(each) for each in item] if isinstance(item, list) else item

    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == clean(value)


@pytest.mark.req("R13")
@given(body=st.binary() | st.text(alphabet='[]{}",:\\u0dnt1e. ').map(str.encode))
def test_anything_is_read_or_refused(body: bytes) -> None:
    try:
        value: Any = read(body)
    except PayloadError:
        return
    assert b"\\u0000" not in json.dumps(value, allow_nan=False).encode()
    json.dumps(value, ensure_ascii=False).encode()


# --- nodes ----------------------------------------------------------------------------------------


def test_a_node_knows_its_path() -> None:
    root = JsonNode({"a": [{"b": "x"}]})
    (item,) = root["a"]
    assert item["b"].path == "a[0].b"
    assert item["b"].text() == "x"
    assert item["c"]["d"].path == "a[0].c.d"
    assert "b" in item
    assert "c" not in item


def test_a_missing_array_is_empty_and_a_wrong_one_is_refused() -> None:
    assert list(JsonNode({})["a"]) == []
    with pytest.raises(MalformedPayload, match="a: cannot be used; expected an array, got text"):
        list(JsonNode({"a": "x"})["a"])


@pytest.mark.parametrize(
    "value, kind",
    [
        (None, "nothing"),
        ("", "empty text"),
        (1, "a number"),
        (1.5, "a number"),
        (True, "a boolean"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_text_is_text_that_is_not_empty(value: object, kind: str) -> None:
    assert JsonNode(value).text_or_none() is None
    with pytest.raises(MalformedPayload, match=f"body: cannot be used; expected text, got {kind}"):
        JsonNode(value).text()


def test_ids_may_be_numbers_but_not_endless() -> None:
    assert JsonNode(42).identifier() == "42"
    assert JsonNode("42").identifier() == "42"
    no_ids: list[Any] = [None, "", True, 1.5, [], "x" * 513, 10**600]
    for value in no_ids:
        assert JsonNode(value).identifier_or_none() is None
        with pytest.raises(MalformedPayload):
            JsonNode(value).identifier()


def test_an_object_is_an_object() -> None:
    assert JsonNode({"a": 1}).object() == {"a": 1}
    with pytest.raises(MalformedPayload):
        JsonNode([]).object()
    assert math.isfinite(read(b"1.5"))
