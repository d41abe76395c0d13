from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.model.policy import ProtectedNames
from omniroute.rules.words import (
    PROTECTED,
    ReservedWords,
    _is_around,
    is_word,
    normalized,
    words_of,
)

DISGUISES = [
    "STOP",
    "stop",
    "  Stop\t",
    "ＳＴＯＰ",
    "ｓｔｏｐ",
    "stop!",
    "*STOP*",
    "»Stop.«",
    "S\u200bTO\u200dP",
    "\u2066STOP\u2069",
    "ST\u00adOP",
    "S\u0336T\u0336O\u0336P\u0336",
    "𝐒𝐓𝐎𝐏",
    "Ⓢⓣⓞⓟ",
    "S\ufe0fTOP",
    "\u3164STOP\u2800",
    "stop\u034f",
]


@pytest.mark.req("U8")
@pytest.mark.parametrize("text", DISGUISES)
def test_no_form_of_a_word_slips_past(text):
    assert normalized(text) == "stop"
    assert is_word(text, ["STOP"])
    assert ReservedWords.of().in_name(text) == "STOP"
    assert ReservedWords.of().in_keyword(text) == "STOP"


@pytest.mark.parametrize(
    "one,other",
    [
        ("Straße", "STRASSE"),
        ("Zurück", "zuru\u0308ck"),
        ("İnfo", "info"),
        ("ﬁn", "FIN"),
        ("go   back", "Go\u00a0back"),
        ("はい。", "はい"),
    ],
)
def test_forms_of_one_word_are_one(one, other):
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    "one,other",
    [
        ("résumé", "resume"),
        ("C#", "C"),
        ("C++", "C"),
        ("हाँ", "ह"),
        ("ไม่", "ไม"),
        ("?", "!"),
        ("", "?"),
    ],
)
def test_other_words_stay_other_words(one, other):
    assert normalized(one) != normalized(other)


@given(st.text())
def test_normalizing_twice_changes_nothing_and_case_and_invisible_characters_never_matter(text):
    once = normalized(text)
    assert normalized(once) == once
    assert normalized("\u200b".join(text)) == once
    if not all(map(_is_around, once)):  # else nothing would be left without its punctuation
        assert normalized(f"«{text}»") == once


@pytest.mark.req("U8")
@pytest.mark.parametrize("word", PROTECTED)
def test_every_protected_word_is_refused_whatever_its_case(word):
    reserved = ReservedWords.of()
    for name in (word, word.lower(), f" {word.title()} ", f"Press {word} now", f"{word}-Team"):
        assert reserved.in_name(name) == word


@pytest.mark.req("U9")
def test_any_whole_word_is_refused_unless_only_whole_names_are():
    any_word = ReservedWords.of()
    whole_name = ReservedWords.of(where=ProtectedNames.WHOLE_NAME)
    for name in ("Help desk", "The end", "Stop-Smoking", "(Info) Orders"):
        assert any_word.in_name(name)
        assert whole_name.in_name(name) is None
    for name in ("Helpful", "Informed", "Weekend", "Quitting", "Startup"):
        assert any_word.in_name(name) is None
    assert whole_name.in_name("help!") == "HELP"


@pytest.mark.req("U8", "U10")
def test_words_for_back_and_exit_are_protected_too_also_those_of_several_words():
    reserved = ReservedWords.of(["go back", "tschüss"])
    assert reserved.in_name("Please go  BACK home") == "go back"
    assert reserved.in_name("Tschüss") == "tschüss"
    assert reserved.in_name("Going back") is None


def test_words_are_runs_of_letters_digits_and_marks():
    assert words_of("Ruf-an: 24/7 für हाँ!") == ("ruf", "an", "24", "7", "für", "हाँ")


def test_plain_text_has_the_words_that_it_has_beside_other_text() -> None:
    for character in map(chr, range(32, 127)):
        plain = f"{character}A{character}b {character}"
        assert (*words_of(plain), "é") == words_of(f"{plain} é"), character


@pytest.mark.req("U57", "R14")
def test_a_word_is_the_whole_message_and_a_literal():
    assert not is_word("exit now", ["exit"])
    assert not is_word("exit", [".*", "e.it"])
    assert not is_word(None, ["exit"])
    assert not is_word("exit" + "!" * 5_000, ["exit"])
    assert not is_word("exit", [])
