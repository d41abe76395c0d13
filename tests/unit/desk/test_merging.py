"""Merging contacts by hand: one person from then on, whose conversations stay as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import omniroute as om
from omniroute.instants import HOUR
from omniroute.model.assign import AssignSettings
from omniroute.model.contact import Contact
from omniroute.model.desk_config import EntryPointConfig
from omniroute.model.policy import AfterEnd, AfterEndTo, PolicySettings
from omniroute.model.state import State
from omniroute.model.wire import Sender
from omniroute.schema import CONTACTS
from omniroute.testing import a_config, an_inbound
from tests.unit.desk.helpers import CountingStore, assert_folds, position, stored, told

EVERY = tuple(State)
REOPENING = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE))


@pytest.fixture(params=["memory://", "sqlite://"])
def p(play, request):
    """Maria (p_1) and Mia (p_2), who are one person, and Otto (p_3): each has one open conversation."""
    p = play(a_config(preset="push", agents=("ana", "bob")), store=request.param)
    for name in ("Maria", "Mia", "Otto"):
        p.contact(name).writes("Hello")
        p.advance("1m")
    return p


def ids(page) -> list[str]:
    return [each.id for each in page]


def everything_of(p, contact: str, **asked: Any) -> list[str]:
    return ids(p.desk.conversations(contact=contact, states=EVERY, order="latest", **asked))


# --- who they are ---------------------------------------------------------------------------------


@pytest.mark.req("P17")
def test_both_are_one_person_whichever_of_them_is_asked_for(p) -> None:
    merged = p.desk.contacts.merge("p_1", "p_2")
    assert (merged.id, merged.name, merged.merged) == ("p_1", "Maria", ("p_2",))
    assert merged.addresses == (("chat", "addr-maria"), ("chat", "addr-mia"))
    assert p.desk.contacts.get("p_1") == p.desk.contacts.get("p_2") == merged
    assert p.desk.contacts.find("chat", "addr-mia") == merged
    assert p.desk.contacts.find("chat", "addr-maria") == merged
    assert p.desk.contacts.get("p_3").id == "p_3"


@pytest.mark.req("P17")
def test_what_both_have_is_the_kept_ones_and_what_one_has_is_theirs(p) -> None:
    p.desk.contacts.link("p_1", attributes={"tier": "gold"})
    p.desk.contacts.link("p_2", ref="customer:42", attributes={"tier": "new", "town": "Porto"})
    p.desk.contacts.merge("p_1", "p_2")
    merged = p.desk.contacts.get("p_1")
    assert (merged.ref, merged.attributes) == ("customer:42", {"tier": "gold", "town": "Porto"})
    assert p.desk.contacts.linked("customer:42") == [merged]
    linked = p.desk.contacts.link("p_2", ref="customer:43", attributes={"vip": True})
    assert p.desk.contacts.get("p_1") == linked
    assert (linked.id, linked.ref, len(linked.attributes)) == ("p_1", "customer:43", 3)
    assert p.desk.contacts.linked("customer:42") == []


@pytest.mark.req("P17")
def test_one_person_is_found_once_by_what_either_of_them_had(p) -> None:
    p.desk.contacts.link("p_2", ref="customer:42")
    p.desk.contacts.merge("p_1", "p_2")
    for text in ("maria", "addr-mia", "addr-m", "customer", "addr-maria"):
        assert ids(p.desk.contacts.search(text)) == ["p_1"], text
    assert ids(p.desk.contacts.search("mia")) == [], "the kept one's name is theirs"


@pytest.mark.req("P17")
def test_contacts_of_two_customers_are_not_merged(p) -> None:
    p.desk.contacts.link("p_1", ref="customer:42")
    p.desk.contacts.link("p_2", ref="customer:43")
    before = position(p)
    with pytest.raises(om.ReferencesDiffer, match=r"link\('p_2', ref='customer:42'\)") as raised:
        p.desk.contacts.merge("p_1", "p_2")
    assert (raised.value.kept, raised.value.other) == ("customer:42", "customer:43")
    assert (position(p), p.desk.contacts.get("p_2").id) == (before, "p_2")
    p.desk.contacts.link("p_2", ref="customer:42")
    p.desk.contacts.merge("p_1", "p_2")
    assert ids(p.desk.contacts.linked("customer:42")) == ["p_1"]


@pytest.mark.req("P17")
def test_nothing_merges_by_itself(p) -> None:
    for contact in ("p_1", "p_2"):
        p.desk.contacts.link(contact, ref="customer:42", name="Maria Silva")
    both = Sender(addresses=("addr-maria", "addr-mia"), name="Maria Silva")
    p.desk.receive("main", an_inbound(key="k1", sender=both))
    assert ids(p.desk.contacts.linked("customer:42")) == ["p_1", "p_2"]
    assert told(p, om.ContactsMerged) == []


# --- whom can be merged ---------------------------------------------------------------------------


@pytest.mark.req("P17")
def test_whoever_merged_others_brings_them_along(p) -> None:
    p.desk.contacts.merge("p_2", "p_3")
    merged = p.desk.contacts.merge("p_1", "p_2")
    assert merged.merged == ("p_2", "p_3")
    assert {p.desk.contacts.get(each).id for each in ("p_1", "p_2", "p_3")} == {"p_1"}
    assert everything_of(p, "p_3") == ["c_3", "c_2", "c_1"]
    assert stored(p, CONTACTS, "p_3").merged_into == "p_1", "one step leads to the kept one"


@pytest.mark.req("P17")
def test_into_a_merged_one_means_into_the_one_that_was_kept(p) -> None:
    p.desk.contacts.merge("p_1", "p_2")
    assert p.desk.contacts.merge("p_2", "p_3").id == "p_1"
    assert p.desk.contacts.get("p_3").merged == ("p_2", "p_3")
    assert [(each.contact, each.other) for each in told(p, om.ContactsMerged)] == [
        ("p_1", "p_2"),
        ("p_1", "p_3"),
    ]


@pytest.mark.req("P17", "R11")
def test_merging_who_is_one_already_changes_nothing(p) -> None:
    merged = p.desk.contacts.merge("p_1", "p_2")
    before = position(p)
    for keep, other in (("p_1", "p_2"), ("p_2", "p_1")):
        assert p.desk.contacts.merge(keep, other) == merged
    assert position(p) == before


@pytest.mark.req("P17")
def test_nobody_is_merged_with_themselves_or_with_somebody_unknown(p) -> None:
    before = position(p)
    with pytest.raises(om.UsageError, match="other: a contact cannot be merged with itself"):
        p.desk.contacts.merge("p_1", "p_1")
    for keep, other in (("p_1", "p_9"), ("p_9", "p_1")):
        with pytest.raises(om.UnknownContact, match="p_9"):
            p.desk.contacts.merge(keep, other)
    assert position(p) == before


@pytest.mark.req("P17")
def test_it_takes_a_supervisor_an_administrator_or_the_host(p) -> None:
    p.desk.staff.put("sue", role="supervisor")
    for by in ("ana", "nobody"):
        with pytest.raises(om.PermissionDenied, match="may not merge contacts"):
            p.desk.contacts.merge("p_1", "p_2", by=by)
    assert p.desk.contacts.get("p_2").id == "p_2"
    p.desk.contacts.merge("p_1", "p_2", by="sue")
    p.desk.contacts.merge("p_1", "p_3")
    assert [each.actor for each in told(p, om.ContactsMerged)] == ["agent:sue", "system"]


@pytest.mark.req("P17", "R16")
def test_the_log_tells_who_is_who(p) -> None:
    p.desk.contacts.merge("p_2", "p_3")
    p.desk.contacts.merge("p_1", "p_2")
    (first, second) = told(p, om.ContactsMerged)
    assert om.as_json(second) | {"at": None} == {
        "kind": "contacts_merged",
        "contact": "p_1",
        "at": None,
        "actor": "system",
        "other": "p_2",
    }
    merged: dict[str, tuple[str, ...]] = {}
    for event in (first, second):
        rest = (event.other, *merged.pop(event.other, ()))
        merged[event.contact] = (*merged.get(event.contact, ()), *rest)
    assert merged == {"p_1": stored(p, CONTACTS, "p_1").merged}
    assert_folds(p)


def test_it_can_be_awaited(p) -> None:
    desk = p.desks.aio["acme"]
    merged = asyncio.run(desk.contacts.merge("p_1", "p_2"))
    assert ids(asyncio.run(desk.contacts.search("addr-mia"))) == [merged.id] == ["p_1"]


# --- what was and is said -------------------------------------------------------------------------


@pytest.mark.req("P17", "P18")
def test_both_histories_are_found_under_either_in_order_and_in_pages(p) -> None:
    p.agent("ana").on().ends(p.desk.conversation("c_1"))
    p.advance("1m")
    p.contact("Mia").writes("and?")
    p.desk.contacts.merge("p_1", "p_2")
    p.advance("1m")
    p.contact("Maria").writes("me again")
    assert everything_of(p, "p_1") == everything_of(p, "p_2") == ["c_4", "c_2", "c_1"]
    due = ids(p.desk.conversations(contact="p_1"))
    assert due == ["c_2", "c_4"]
    first = p.desk.conversations(contact="p_1", states=EVERY, order="latest", limit=2)
    assert (ids(first), everything_of(p, "p_1", after=first.next)) == (["c_4", "c_2"], ["c_1"])
    assert p.desk.counts("state", contact="p_2", states=EVERY) == {"active": 2, "ended": 1}
    assert ids(p.desk.conversations(agent="ana", contact="p_2")) == ["c_2", "c_4"]


@pytest.mark.req("P17", "P18")
def test_a_list_costs_more_by_what_was_merged_and_by_nothing_else(play) -> None:
    store = CountingStore()
    p = play(a_config(preset="push", agents=("ana",)), store=store)

    def cost() -> int:
        before = store.touched
        assert everything_of(p, "p_1") == ["c_2", "c_1"]
        return store.touched - before

    for name in ("Maria", "Mia"):
        p.contact(name).writes("Hello")
        p.advance("1m")
    p.desk.contacts.merge("p_1", "p_2")
    few = cost()
    for number in range(50):
        p.contact(f"N{number}").writes("Hello")
        p.desk.contacts.merge("p_3", f"p_{number + 3}") if number else None
    assert cost() == few


@pytest.mark.req("P17", "S9")
def test_open_conversations_go_on_each_from_its_own_address(p) -> None:
    p.desk.contacts.merge("p_1", "p_2")
    assert p.contact("Mia").writes("and?").id == "c_2"
    assert p.contact("Maria").writes("and?").id == "c_1"
    ana = p.agent("ana").on()
    ana.replies(p.desk.conversation("c_2"), "Here I am")
    assert (p.contact("Mia").got, p.contact("Maria").got) == (["Here I am"], [])
    assert_folds(p)


@pytest.mark.req("P17", "S9")
def test_a_new_conversation_answers_where_they_wrote_from(p) -> None:
    """Also while another one is open with the same person, on the same entry point and thread."""
    ana = p.agent("ana").on()
    ana.ends(p.desk.conversation("c_2"))
    p.desk.contacts.merge("p_1", "p_2")
    p.advance("1m")
    again = p.contact("Mia").writes("me again")
    assert (again.id, again.contact, again.address) == ("c_4", "p_2", "addr-mia")
    assert p.contact("Mia").writes("and?").id == "c_4"
    ana.replies(again, "Welcome back")
    assert p.contact("Mia").got == ["Welcome back"]
    assert sorted(everything_of(p, "p_1")) == ["c_1", "c_2", "c_4"]


@pytest.mark.req("P17", "S9")
def test_what_has_ended_is_reopened_from_its_own_address(play) -> None:
    p = play(a_config(preset="push", agents=("ana",), policy=REOPENING))
    ana = p.agent("ana").on()
    for name in ("Maria", "Mia"):
        ana.ends(p.contact(name).writes("Hello"))
        p.advance("1m")
    p.desk.contacts.merge("p_1", "p_2")
    assert p.contact("Maria").writes("once more").id == "c_1"
    assert p.contact("Mia").writes("once more").id == "c_2"
    ana.ends(p.desk.conversation("c_2"))
    assert p.desk.reopen("c_2", by="ana").id == "c_2", "another open one of theirs is no hindrance"
    assert_folds(p)


def test_what_was_received_before_is_so_after(p) -> None:
    p.contact("Mia").writes("once", key="k1")
    p.desk.contacts.merge("p_1", "p_2")
    before = position(p)
    repeated = p.contact("Mia").sends(om.InboundKind.MESSAGE, text="once", key="k1")
    assert [each.result for each in repeated.items] == ["duplicate"]
    assert (repeated.conversations[0].id, position(p)) == ("c_2", before)


def test_a_message_of_somebody_merged_takes_no_more_looks_than_before(play) -> None:
    store = CountingStore()
    p = play(a_config(preset="push", agents=("ana",)), store=store)

    def cost(name: str) -> int:
        before = store.touched
        p.contact(name).writes("and?")
        return store.touched - before

    for name in ("Maria", "Mia"):
        p.contact(name).writes("Hello")
    before = cost("Mia")
    p.desk.contacts.merge("p_1", "p_2")
    assert cost("Mia") == before


@pytest.mark.req("P17")
def test_an_address_that_is_new_joins_whoever_it_came_with(p) -> None:
    p.desk.contacts.merge("p_1", "p_2")
    both = Sender(addresses=("addr-mia", "user-7"), name="Mia")
    p.desk.receive("main", an_inbound(key="k1", sender=both))
    assert ("chat", "user-7") in p.desk.contacts.get("p_1").addresses
    assert p.desk.receive(
        "main", an_inbound(key="k2", sender=Sender(addresses=("user-7",)))
    ).conversations[0].id == ("c_2")
    assert ids(p.desk.contacts.search("user-7")) == ["p_1"]


@pytest.mark.req("P17")
def test_a_name_that_comes_later_is_the_persons(play) -> None:
    p = play(a_config())
    for number, address in enumerate(("one", "two")):
        sender = Sender(addresses=(address,))
        p.desk.receive("main", an_inbound(key=f"k{number}", sender=sender))
    p.desk.contacts.merge("p_1", "p_2")
    for number, name in enumerate(("Mia", "Maria")):
        sender = Sender(addresses=(("two", "one")[number],), name=name)
        p.desk.receive("main", an_inbound(key=f"n{number}", sender=sender))
    assert p.desk.contacts.get("p_2").name == "Mia"
    assert ids(p.desk.contacts.search("mia")) == ["p_1"]


# --- who serves them ------------------------------------------------------------------------------


@pytest.mark.req("P17", "P12")
def test_the_persons_attributes_say_in_which_segment_they_wait(play) -> None:
    assign = {"segments": [{"attribute": "tier", "value": "gold"}]}
    p = play(
        om.load_config(
            {
                "desk": "acme",
                "policy": {"assignment": "push", "assign": assign},
                "inboxes": {"general": {"sla": "15m", "primary_for": ["chat"]}},
                "entry_points": {"main": {"channel": "chat", "address": "main"}},
                "agents": {"ana": {"serves": ["general"]}},
            }
        )
    )
    ana = p.agent("ana").on()
    for name in ("Maria", "Mia"):
        ana.ends(p.contact(name).writes("Hello"))
        p.advance("1m")
    ana.off()
    p.desk.contacts.link("p_1", attributes={"tier": "gold"})
    p.desk.contacts.merge("p_1", "p_2")
    (first, gold) = (p.contact(name).writes("Hello") for name in ("Otto", "Mia"))
    assert p.desk.place_in_line(gold.id).position == 1
    assert p.desk.place_in_line(first.id).position == 2


@pytest.mark.req("P17", "P4")
@pytest.mark.parametrize("still_open", [False, True])
def test_the_last_agent_of_either_is_that_of_both(play, still_open: bool) -> None:
    sticky = AssignSettings(sticky_within=HOUR, sticky_wait=HOUR)
    policy = PolicySettings(assign=sticky)
    p = play(a_config(preset="push", agents=("ana", "bob"), policy=policy))
    bob = p.agent("bob").on()
    bob.ends(p.contact("Mia").writes("Hello"))
    bob.off()
    ana = p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.advance("3h" if still_open else "1m")
    if not still_open:
        ana.ends(p.desk.conversation(chat.id))
    ana.off()
    bob.on()
    p.desk.contacts.merge("p_2", "p_1")
    again = p.contact("Mia").writes("me again")
    assert again.agent is None, "bob has room, and they wait for ana"
    ana.on()
    assert p.desk.conversation(again.id).agent == "ana"
    assert_folds(p)


# --- writing to them ------------------------------------------------------------------------------


@pytest.mark.req("P17", "S11")
def test_an_agent_writes_to_the_address_of_whom_they_name(play) -> None:
    two = {each: EntryPointConfig(channel="chat", address=each) for each in ("main", "second")}
    p = play(a_config(agents=("ana",), entry_points=two))
    for name in ("Maria", "Mia"):
        p.contact(name).writes("Hello")
    p.desk.contacts.merge("p_1", "p_2")
    ana = p.desk.acting_as("ana")
    with pytest.raises(om.ConversationOpen) as raised:
        ana.start("main", "Hi", contact="p_1", address="addr-mia")
    assert raised.value.open == "c_2"
    assert ana.start("second", "Hi", contact="p_1").address == "addr-maria"
    started = ana.start("second", "Hi", contact="p_2")
    assert (started.address, started.contact) == ("addr-mia", "p_2")
    assert len(everything_of(p, "p_1")) == 4
    assert p.contact("Mia").sends(om.InboundKind.MESSAGE, text="?").conversations[0].id == "c_2"
    with pytest.raises(om.UsageError, match="not known by that address"):
        ana.start("second", "Hi", contact="p_1", address="addr-otto")


@pytest.mark.req("P17", "S11")
def test_who_has_no_address_there_is_written_to_at_one_that_was_merged(play) -> None:
    p = play(a_config(agents=("ana",)))
    p.contact("Mia").writes("Hello")
    put = Contact("k1", (("sms", "+49151"),), "Maria")
    p.desks.store.transact(lambda tx: tx.put(CONTACTS, p.desk.id, put))
    p.agent("ana").ends(p.desk.conversation("c_1"))
    p.desk.contacts.merge("k1", "p_1")
    started = p.desk.start("main", "Hi", contact="k1", by="ana")
    assert (started.address, started.contact) == ("addr-mia", "p_1")


@pytest.mark.req("P17", "S11")
def test_a_messaging_window_is_open_where_they_wrote_and_nowhere_else(play) -> None:
    """A provider counts it from what came from that number."""
    p = play(
        om.load_config(
            {
                "desk": "acme",
                "inboxes": {"general": {"sla": "15m", "primary_for": ["whatsapp"]}},
                "entry_points": {"main": {"channel": "whatsapp", "address": "main"}},
                "agents": {"ana": {"serves": ["general"]}},
            }
        )
    )
    ana = p.agent("ana").on()
    ana.ends(p.contact("Maria").writes("Hello"))
    p.advance("20h")
    ana.ends(p.contact("Mia").writes("Hello"))
    p.advance("5h")
    p.desk.contacts.merge("p_1", "p_2")
    with pytest.raises(om.MessagingWindowClosed):
        p.desk.start("main", "Hi", contact="p_1", address="addr-maria", by="ana")
    started = p.desk.start("main", "Hi", contact="p_1", address="addr-mia", by="ana")
    assert started.agent == "ana"


@pytest.mark.req("P17", "C10")
def test_engagements_of_both_are_listed_in_order_and_in_pages(p) -> None:
    for number, contact in enumerate(("p_1", "p_2", "p_1", "p_2")):
        p.desk.engage("main", f"{number}", contact=contact)
    p.desk.contacts.merge("p_1", "p_2")
    p.desk.engage("main", "4", contact="p_2")
    listed = p.desk.engagements("p_1")
    assert [each.text for each in listed] == ["0", "1", "2", "3", "4"]
    assert p.desk.engagements("p_2") == listed
    first = p.desk.engagements("p_1", limit=2)
    rest = p.desk.engagements("p_1", after=first[-1].position)
    assert first + rest == listed
    p.deliver()
    assert p.contact("Mia").got == ["1", "3", "4"]
