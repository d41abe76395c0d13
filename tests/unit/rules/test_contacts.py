"""What a contact is searched by, and what two that are merged come to."""

from __future__ import annotations

import pytest

from omniroute.errors import UsageError
from omniroute.model.contact import Contact
from omniroute.rules.contacts import Wanted, combined, folded, search_entries, united

MARIA = Contact(
    "p_1", (("sms", "+49 151"), ("email", "Maria@Example.com")), "Maria da Silva", "C-42"
)


def finds(text: str, *contacts: Contact) -> bool:
    return Wanted.of(text).first(contacts or (MARIA,)) is not None


@pytest.mark.req("P17")
@pytest.mark.parametrize(
    "text",
    [
        *("maria", "MAR", "sil mar", "Silva, Maria", "d s m", "ｍａｒｉａ", "María"),
        *("49151", "+49 (151)", "+4", "maria@ex", "MARIA@EXAMPLE.COM", "c-4", " C-42 "),
    ],
)
def test_a_contact_is_found_by_beginnings_of_words_of_an_address_or_of_a_reference(text) -> None:
    assert finds(text)


@pytest.mark.req("P17")
@pytest.mark.parametrize(
    "text",
    ["aria", "maria x", "mariana", "151", "example.com", "42", "maria 49151", "maria c-42", "+50"],
)
def test_what_only_stands_within_them_finds_nobody(text) -> None:
    assert not finds(text)


@pytest.mark.parametrize(
    "name,text",
    [
        ("José Müller", "jose muller"),
        ("Jose Muller", "JOSÉ MÜLLER"),
        ("Ёлка", "елка"),
        ("O'Brien-Smith", "brien smith"),
        ("Straße", "STRASSE"),
        ("김철수", "김철"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_letter_case_and_accents_do_not_matter(name: str, text: str) -> None:
    assert finds(text, Contact("p_1", (), name))


@pytest.mark.parametrize(
    "text,told",
    [
        ("+49 (151) 1-2.3/4", "491511234"),
        ("A.B@Example.com", "a.b@example.com"),
        ("customer:42", "customer:42"),
        ("+", "+"),
        ("x" * 500, "x" * 128),
    ],
)
def test_telephone_numbers_are_their_digits_and_everything_is_bounded(text, told) -> None:
    assert folded(text) == told


def test_what_stands_in_the_index_is_bounded_however_long_a_name_is() -> None:
    entries = search_entries(Contact("p_1", (), " ".join(f"{n}{'é' * 99}" for n in range(99))))
    assert len(entries) == 10
    assert {len(term) for _, term, _ in entries} == {32}
    assert finds("0" + "É" * 99, Contact("p_1", (), "0" + "é" * 99))


@pytest.mark.parametrize("text", ["", " ", "\u200b"])
def test_a_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="text: nothing to search for"):
        Wanted.of(text)


def test_a_text_of_signs_alone_finds_addresses_and_no_names() -> None:
    assert finds("@", Contact("p_1", (("social", "@maria"),)))
    assert not finds("@")


@pytest.mark.req("P17")
def test_a_merged_contact_is_found_by_its_addresses_alone() -> None:
    gone = Contact("p_2", (("chat", "mia"),), "Mia", "C-43", merged_into="p_1")
    assert [term for _, term, _ in search_entries(gone)] == ["mia"]
    found = Wanted.of("mi").first((MARIA, gone))
    assert found is not None
    assert found[-1] == "p_2"


@pytest.mark.req("P17")
def test_what_both_have_is_the_kept_ones() -> None:
    kept = Contact("p_1", (), "Maria", "C-42", {"tier": "gold"}, ("p_3",))
    other = Contact("p_2", (), "Mia", "C-43", {"tier": "new", "town": "Porto"}, ("p_4",))
    whole = united(kept, other)
    assert (whole.id, whole.name, whole.ref) == ("p_1", "Maria", "C-42")
    assert whole.attributes == {"tier": "gold", "town": "Porto"}
    assert whole.merged == ("p_3", "p_2", "p_4")


@pytest.mark.req("P17")
def test_what_only_one_has_is_kept() -> None:
    whole = united(Contact("p_1", ()), Contact("p_2", (), "Mia", "C-43"))
    assert (whole.name, whole.ref) == ("Mia", "C-43")


def test_one_person_has_the_addresses_of_all_the_kept_ones_first() -> None:
    other = Contact("p_2", (("chat", "mia"),), merged_into="p_1")
    assert combined((MARIA, other)).addresses == (*MARIA.addresses, ("chat", "mia"))
    assert combined((MARIA,)) is MARIA
