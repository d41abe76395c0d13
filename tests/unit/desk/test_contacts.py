"""Contacts: found by address, linked to the host's own customers."""

from __future__ import annotations

import pytest

from omniroute.errors import UnknownContact
from omniroute.testing import a_config
from tests.unit.desk.helpers import position


@pytest.fixture
def p(play):
    p = play(a_config(preset="push", agents=("ana",)))
    p.contact("Maria").writes("Hello")
    return p


def test_who_writes_becomes_a_contact_with_name_and_address(p) -> None:
    contact = p.desk.contacts.get("p_1")
    assert (contact.name, contact.addresses) == ("Maria", (("chat", "addr-maria"),))
    assert p.desk.contacts.find("chat", "addr-maria") == contact
    assert p.desk.contacts.find("sms", "addr-maria") is None
    assert p.desk.contacts.find("chat", "addr-otto") is None


@pytest.mark.req("P17")
def test_a_contact_is_linked_to_the_hosts_customer_and_found_by_it(p) -> None:
    linked = p.desk.contacts.link("p_1", ref="customer:42", attributes={"tier": "gold"})
    assert (linked.ref, linked.attributes) == ("customer:42", {"tier": "gold"})
    assert p.desk.contacts.linked("customer:42") == [linked]
    assert p.desk.contacts.linked("customer:43") == []


@pytest.mark.req("P17")
def test_linking_adds_and_leaves_what_is_not_given(p) -> None:
    p.desk.contacts.link("p_1", ref="customer:42", attributes={"tier": "gold"})
    after = p.desk.contacts.link("p_1", attributes={"vip": True})
    assert (after.ref, after.attributes) == ("customer:42", {"tier": "gold", "vip": True})
    moved = p.desk.contacts.link("p_1", ref="customer:43")
    assert moved.attributes == after.attributes
    assert p.desk.contacts.linked("customer:42") == []


@pytest.mark.req("P17")
def test_contacts_of_one_customer_stay_contacts_of_their_own(p) -> None:
    p.contact("Otto").writes("Hello")
    for contact in ("p_1", "p_2"):
        p.desk.contacts.link(contact, ref="customer:42")
    assert [each.id for each in p.desk.contacts.linked("customer:42")] == ["p_1", "p_2"]
    assert [each.contact for each in p.desk.conversations()] == ["p_1", "p_2"]


def test_linking_survives_the_next_message(p) -> None:
    p.desk.contacts.link("p_1", ref="customer:42")
    p.contact("Maria").writes("again")
    assert p.desk.contacts.get("p_1").ref == "customer:42"


def test_linking_is_no_event_of_a_conversation(p) -> None:
    before = position(p)
    p.desk.contacts.link("p_1", ref="customer:42")
    assert position(p) == before


def test_an_unknown_contact_is_said_to_be_unknown(p) -> None:
    for ask in (p.desk.contacts.get, lambda each: p.desk.contacts.link(each, ref="x")):
        with pytest.raises(UnknownContact, match="p_9"):
            ask("p_9")
