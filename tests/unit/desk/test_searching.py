"""Searching contacts: who is found, in pages, on every store, and at what cost."""

from __future__ import annotations

import pytest
from attrs import evolve

from omniroute.errors import UsageError
from omniroute.model.contact import Contact
from omniroute.schema import CONTACTS
from omniroute.testing import a_config
from tests.unit.desk.helpers import CountingStore

NAMES = ("Maria Silva", "Mario Silvestre", "Ana Maria Marques", "Otto", "José Maria")


@pytest.fixture(params=["memory://", "sqlite://"])
def p(play, request):
    p = play(a_config(), store=request.param)
    for name in NAMES:
        p.contact(name).writes("Hello")
    return p


def ids(page) -> list[str]:
    return [each.id for each in page]


def stored_by(p, *contacts: Contact) -> None:
    put = [lambda tx, each=each: tx.put(CONTACTS, p.desk.id, each) for each in contacts]
    p.desks.store.transact(lambda tx: [each(tx) for each in put])


@pytest.mark.req("P17")
def test_contacts_are_found_by_the_words_of_their_names_in_the_order_of_those(p) -> None:
    assert ids(p.desk.contacts.search("mar")) == ["p_3", "p_5", "p_1", "p_2"]
    assert ids(p.desk.contacts.search("sil MAR")) == ["p_1", "p_2"]
    assert ids(p.desk.contacts.search("jose m")) == ["p_5"]
    assert ids(p.desk.contacts.search("nobody")) == []


@pytest.mark.req("P17")
def test_contacts_are_found_by_address_and_by_reference(p) -> None:
    p.desk.contacts.link("p_4", ref="Customer:42")
    assert ids(p.desk.contacts.search("addr-ot")) == ["p_4"]
    assert ids(p.desk.contacts.search("customer:4")) == ["p_4"]
    assert ids(p.desk.contacts.search("addr-")) == ["p_3", "p_5", "p_1", "p_2", "p_4"]


@pytest.mark.req("P17")
def test_somebody_who_fits_in_several_ways_is_found_once_on_whatever_page(p) -> None:
    stored_by(p, Contact("k1", (("sms", "mar1"), ("chat", "mar2")), "Mara Marr", "mar3"))
    everybody = ids(p.desk.contacts.search("mar"))
    assert everybody == ["k1", "p_3", "p_5", "p_1", "p_2"]
    paged, after = [], None
    while True:
        page = p.desk.contacts.search("mar", limit=1, after=after)
        paged += ids(page)
        after = page.next
        if after is None:
            break
    assert paged == everybody


@pytest.mark.req("P17")
def test_pages_go_on_from_names_to_addresses_to_references(p) -> None:
    stored_by(p, *(Contact(f"k{n}", (("sms", f"otto{n}"),), ref=f"otto-{n}") for n in range(3)))
    stored_by(p, *(Contact(f"r{n}", (), ref=f"otto-{n}") for n in range(3)))
    first = p.desk.contacts.search("otto", limit=2)
    second = p.desk.contacts.search("otto", limit=3, after=first.next)
    third = p.desk.contacts.search("otto", limit=3, after=second.next)
    assert [ids(first), ids(second), ids(third)] == [
        ["p_4", "k0"],
        ["k1", "k2", "r0"],
        ["r1", "r2"],
    ]
    assert third.next is None


@pytest.mark.req("P17")
def test_what_changes_moves_with_the_contact(p) -> None:
    p.desk.contacts.link("p_4", name="Zoe Zander", ref="one")
    p.desk.contacts.link("p_4", ref="two")
    assert ids(p.desk.contacts.search("zan")) == ids(p.desk.contacts.search("two")) == ["p_4"]
    assert ids(p.desk.contacts.search("otto")) == ids(p.desk.contacts.search("one")) == []
    kept = p.desk.contacts.get("p_4")
    stored_by(p, evolve(kept, addresses=(("chat", "elsewhere"),)))
    assert ids(p.desk.contacts.search("elsewhere")) == ["p_4"]
    assert ids(p.desk.contacts.search("addr-o")) == []


@pytest.mark.req("P17")
def test_contacts_that_do_not_fit_add_nothing_to_the_cost(play) -> None:
    store = CountingStore()
    p = play(a_config(), store=store)
    for name in NAMES:
        p.contact(name).writes("Hello")

    def cost() -> int:
        before = store.touched
        assert ids(p.desk.contacts.search("silva")) == ["p_1"]
        assert len(p.desk.contacts.search("mar", limit=2)) == 2
        return store.touched - before

    few = cost()
    stored_by(p, *(Contact(f"a{n}", (("sms", f"{n}"),), f"Anton Silt {n}") for n in range(300)))
    stored_by(p, *(Contact(f"z{n}", (), f"Mars {n}") for n in range(300)))
    assert cost() == few, "nor those who fit, beyond a page"


def test_of_many_who_have_one_word_those_are_found_who_have_the_other(p) -> None:
    stored_by(p, *(Contact(f"k{n:04}", (), f"Alexandra {n:04}") for n in range(1500)))
    assert ids(p.desk.contacts.search("Alexandra 1499", limit=1)) == ["k1499"]
    assert len(p.desk.contacts.search("14 alex", limit=100)) == 100


@pytest.mark.parametrize(
    "asked",
    [
        {"text": ""},
        {"text": 5},
        {"text": "a", "limit": 0},
        {"text": "a", "after": "x"},
        {"text": "a", "after": "WzEsMl0"},
        {"text": "a", "after": "WzAsICJhIiwgIiIsIDVd"},
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_refused(p, asked) -> None:
    with pytest.raises(UsageError, match=r"text|limit|after"):
        p.desk.contacts.search(**asked)
