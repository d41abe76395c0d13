"""What comes in: dedupe, contacts, conversations, menus, and what moves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from omniroute.errors import NaiveDatetime, PluginError, StoreError, UnknownEntryPoint
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import events as tell
from omniroute.model.desk_config import (
    AccountConfig,
    EntryPointConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.message import Direction
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, PolicySettings
from omniroute.model.state import State
from omniroute.model.wire import (
    Attachment,
    DeliveryStatus,
    InboundKind,
    ParseResult,
    RawRequest,
    Sender,
)
from omniroute.testing import MONDAY, NOW, ScriptedAdapter, a_config, an_inbound
from tests.unit.desk.helpers import BreakingStore, assert_folds, log, names, position, told

K = InboundKind
TREE = (QueueNode("Deutsch", (QueueNode("Bestellung"), QueueNode("Technik"))), QueueNode("English"))
REOPENING = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE))
REFUSING = PolicySettings(after_end=AfterEnd(AfterEndTo.REJECT))
CONTENT = [kind for kind in K if kind.is_content]
REMARKS = [kind for kind in K if not kind.is_content and kind is not K.STATUS]


def two_entry_points(**second):
    """`a_config` with another entry point, "gold"."""
    config = a_config(agents=("ana",))
    gold = EntryPointConfig(channel="chat", address="gold", **second)
    vip = InboxConfig(sla=HOUR)
    return evolve(
        config,
        inboxes={**config.inboxes, "vip": vip},
        accounts={"one": AccountConfig(), "other": AccountConfig()},
        entry_points={**config.entry_points, "gold": gold},
    )


def ended(p, contact="Maria"):
    """A conversation that ana has ended."""
    chat = p.contact(contact).writes("Hello")
    return p.agent("ana").ends(chat)


# --- entry points and conversations ---------------------------------------------------------------


@pytest.mark.req("G3", "G4")
def test_the_first_message_on_a_new_entry_point_waits_in_the_primary_inbox(play) -> None:
    p = play(a_config())
    chat = p.contact("Maria").writes("Hello")
    assert (chat.state, chat.inbox, chat.queue) == (State.QUEUED, "general", "general")
    assert (chat.channel, chat.entry_point, chat.address) == ("chat", "main", "addr-maria")


@pytest.mark.req("G8", "A4")
@pytest.mark.parametrize("channel", ["twitter", "instagram", "whatsapp"])
def test_a_social_entry_point_is_live_at_once_and_its_channel_is_told(play, channel: str) -> None:
    config = a_config(
        inboxes={"general": InboxConfig(sla=HOUR, primary_for=(channel,))},
        entry_points={"main": EntryPointConfig(channel=channel, address="main")},
    )
    chat = play(config).contact("Maria").writes("Hello")
    assert (chat.state, chat.channel) == (State.QUEUED, channel)


@pytest.mark.req("G4", "G20")
def test_an_override_decides_where_it_is_queued_and_by_when_it_is_due(play) -> None:
    p = play(two_entry_points(override=Override(inbox="vip", sla=40 * SECOND)))
    chat = p.contact("Maria", on="gold").writes("Hello")
    assert (chat.queue, chat.due) == ("vip", MONDAY + timedelta(seconds=40))
    assert p.contact("Otto").writes("Hello").queue == "general"


@pytest.mark.req("G20")
def test_it_is_overdue_strictly_after_its_due_instant(play) -> None:
    p = play(a_config())
    chat = p.contact("Maria").writes("Hello")
    assert chat.due == MONDAY + timedelta(minutes=15)
    p.clock.set(chat.due)
    assert not p.desk.conversation(chat.id).overdue
    p.clock.set(chat.due + timedelta(microseconds=1))
    assert p.desk.conversation(chat.id).overdue


def test_the_next_message_joins_the_open_conversation(play) -> None:
    p = play(a_config())
    first = p.contact("Maria").writes("Hello")
    assert p.contact("Maria").writes("Anybody there?").id == first.id
    assert p.contact("Otto").writes("Hello").id != first.id


def test_threads_are_conversations_of_their_own(play) -> None:
    p = play(a_config())
    ids = [
        p.contact("Maria").sends(K.MESSAGE, text="Hi", thread=each).conversations[0].id
        for each in ("", "order-7", "order-7")
    ]
    assert ids[0] != ids[1] == ids[2]


def test_what_the_contact_sent_is_kept_whole(play) -> None:
    p = play(a_config())
    picture = Attachment(kind="image", ref="media-1", caption="look")
    p.contact("Maria").sends(
        K.MESSAGE,
        text="Hi",
        attachments=(picture,),
        reply_to="sent-1",
        extra={"location": {"latitude": 1.5}},
    )
    (message,) = p.desk.messages("c_1")
    assert (message.text, message.attachments, message.reply_to) == ("Hi", (picture,), "sent-1")
    assert (message.direction, message.author) == (Direction.IN, "contact")
    assert message.extra == {"location": {"latitude": 1.5}}
    assert message.provider_ids == ("in-1",)


def test_the_received_say_what_became_of_each_item(play) -> None:
    p = play(a_config())
    received = p.desk.receive(
        "main",
        [
            an_inbound("one", key="k1"),
            an_inbound("two", key="k2", address="elsewhere"),
            an_inbound("three", key="k3"),
            an_inbound("three", key="k3"),
        ],
    )
    assert [each.result for each in received.items] == [
        *("accepted", "rejected", "accepted", "duplicate")
    ]
    assert [each.id for each in received.conversations] == ["c_1"]
    assert (received.accepted, received.duplicates) == (2, 1)
    assert received.rejected == ("k2: no entry point has the address 'elsewhere'",)


# --- dedupe ---------------------------------------------------------------------------------------


@pytest.mark.req("X3")
def test_a_message_that_was_received_is_not_taken_twice(play) -> None:
    p = play(a_config())
    first = p.desk.receive("main", an_inbound())
    before = position(p)
    again = p.desk.receive("main", an_inbound("Hello, sent again"))
    assert [each.result for each in again.items] == ["duplicate"]
    assert again.items[0].message == first.items[0].message
    assert again.conversations[0].id == first.conversations[0].id
    assert position(p) == before
    assert len(p.desk.messages("c_1")) == 1


@pytest.mark.req("X3")
def test_a_duplicate_does_not_reopen_what_has_ended(play) -> None:
    p = play(a_config(agents=("ana",), policy=REOPENING))
    chat = p.contact("Maria").writes("Hello", key="k1")
    p.agent("ana").ends(chat)
    assert p.contact("Maria").writes("Hello", key="k1").state is State.ENDED


@pytest.mark.req("X3")
def test_ids_are_told_apart_by_entry_point_and_kind(play) -> None:
    p = play(two_entry_points())
    items = [
        ("main", an_inbound(key="k")),
        ("gold", an_inbound(key="k", address="gold")),
        ("main", an_inbound(key="k", kind=K.REACTION, emoji="+1", target="in-1")),
    ]
    assert [p.desk.receive(*each).items[0].result for each in items] == ["accepted"] * 3


@pytest.mark.req("X3")
def test_a_webhook_that_broke_off_is_sent_again_and_skips_what_is_stored(play) -> None:
    store = BreakingStore()
    p = play(a_config(), store=store)
    batch = [an_inbound(str(n), key=f"k{n}") for n in range(3)]
    store.breaks_at = "k2"
    with pytest.raises(StoreError):
        p.desk.receive("main", batch)
    store.breaks_at = None
    again = p.desk.receive("main", batch)
    assert [each.result for each in again.items] == ["duplicate", "duplicate", "accepted"]
    assert [each.text for each in p.desk.messages("c_1")] == ["0", "1", "2"]


# --- contacts -------------------------------------------------------------------------------------


def from_addresses(*addresses, key):
    return an_inbound(key=key, sender=Sender(addresses=addresses, name="Maria"))


def test_a_contact_is_known_by_every_address_they_had(play) -> None:
    p = play(a_config())
    for key, addresses in {
        "k1": ("user-7", "+49151"),
        "k2": ("+49151",),
        "k3": ("user-7",),
    }.items():
        received = p.desk.receive("main", from_addresses(*addresses, key=key))
        assert received.conversations[0].contact == "p_1"
    assert p.desk.contacts.get("p_1").addresses == (("chat", "user-7"), ("chat", "+49151"))


def test_a_contact_first_known_by_one_address_gains_the_other(play) -> None:
    p = play(a_config())
    p.desk.receive("main", from_addresses("+49151", key="k1"))
    p.desk.receive("main", from_addresses("user-7", "+49151", key="k2"))
    received = p.desk.receive("main", from_addresses("user-7", key="k3"))
    assert received.conversations[0].id == "c_1"


@pytest.mark.req("P17")
def test_an_address_that_is_somebody_elses_stays_theirs(play) -> None:
    p = play(a_config())
    p.desk.receive("main", from_addresses("user-7", key="k1"))
    p.desk.receive("main", from_addresses("+49151", key="k2"))
    p.desk.receive("main", from_addresses("user-7", "+49151", key="k3"))
    assert p.desk.contacts.find("chat", "+49151").id == "p_2"
    assert p.desk.contacts.get("p_1").addresses == (("chat", "user-7"),)


def test_a_contact_who_changed_their_number_stays_the_same(play) -> None:
    p = play(a_config())
    p.desk.receive("main", from_addresses("+49151", key="k1"))
    notice = from_addresses("+49151", key="k2")
    p.desk.receive("main", evolve(notice, kind=K.SYSTEM, new_addresses=("+49160",)))
    assert p.desk.receive("main", from_addresses("+49160", key="k3")).conversations[0].id == "c_1"


# --- what moves nothing ---------------------------------------------------------------------------


@pytest.mark.req("P16")
@pytest.mark.parametrize("kind", REMARKS)
def test_only_content_reopens_a_conversation(play, kind: InboundKind) -> None:
    p = play(a_config(agents=("ana",), policy=REOPENING))
    chat = ended(p)
    p.advance("1m")
    received = p.contact("Maria").sends(kind, target="in-1", emoji="+1")
    assert [each.result for each in received.items] == ["accepted"]
    after = p.desk.conversation(chat.id)
    assert (after.state, after.last_event_at) == (State.ENDED, MONDAY)
    assert [type(each) for each in log(p)][-1] is tell.Remarked


@pytest.mark.req("P16")
@pytest.mark.parametrize("kind", CONTENT)
def test_everything_that_a_contact_says_reopens_it(play, kind: InboundKind) -> None:
    p = play(a_config(agents=("ana",), policy=REOPENING))
    chat = ended(p)
    assert p.contact("Maria").sends(kind, text="again").conversations[0].state is State.QUEUED
    assert p.desk.conversation(chat.id).state is State.QUEUED


@pytest.mark.req("P16")
@pytest.mark.parametrize("kind", REMARKS)
def test_a_remark_of_a_stranger_opens_nothing(play, kind: InboundKind) -> None:
    p = play(a_config())
    received = p.contact("Maria").sends(kind, target="in-1")
    assert [(each.result, each.reason) for each in received.items] == [
        ("ignored", "it belongs to no conversation")
    ]
    assert names(p) == ["Configured"]


@pytest.mark.req("P16")
def test_a_receipt_neither_opens_nor_reopens(play) -> None:
    p = play(a_config(agents=("ana",), policy=REOPENING))
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").ends(chat)
    received = p.desk.receive(
        "main", an_inbound(None, kind=K.STATUS, status=DeliveryStatus.READ, target="sent-1")
    )
    assert received.items[0].result == "ignored"
    assert p.desk.conversation(chat.id).state is State.ENDED


@pytest.mark.parametrize("kind", [K.ECHO, K.SYSTEM])
def test_what_the_business_did_elsewhere_is_not_the_contacts(play, kind: InboundKind) -> None:
    p = play(a_config())
    p.contact("Maria").writes("Hello")
    p.contact("Maria").sends(kind, text="from the phone app")
    message = p.desk.messages("c_1")[-1]
    assert (message.author, message.direction, message.kind) == ("system", Direction.OUT, kind)
    assert p.desk.waiting_to_send() == 0


def test_an_item_without_a_sender_is_ignored_and_remembered(play) -> None:
    p = play(a_config())
    nobody = an_inbound(sender=None)
    assert p.desk.receive("main", nobody).rejected == ("in-1: it names no contact",)
    assert p.desk.receive("main", nobody).items[0].result == "duplicate"


def test_a_status_that_says_nothing_is_ignored(play) -> None:
    p = play(a_config())
    received = p.desk.receive("main", an_inbound(kind=K.STATUS, status=None))
    assert received.items[0].reason == "it says nothing of a message"


# --- after the end --------------------------------------------------------------------------------


def test_by_default_a_message_after_the_end_begins_a_new_conversation(play) -> None:
    p = play(a_config(agents=("ana",)))
    chat = ended(p)
    assert p.contact("Maria").writes("again").id != chat.id
    assert p.desk.conversation(chat.id).state is State.ENDED


@pytest.mark.req("S9")
def test_a_message_joins_the_open_conversation_though_others_have_ended(play) -> None:
    p = play(a_config(agents=("ana",)))
    ended(p)
    p.advance("1m")
    second = p.contact("Maria").writes("again")
    p.desk.note("c_1", "about the first one", by="ana", now=MONDAY + timedelta(hours=1))
    assert p.contact("Maria").writes("and again").id == second.id


@pytest.mark.req("S9")
def test_a_message_after_the_end_concerns_the_one_that_ended_last(play) -> None:
    policy = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE, within=HOUR))
    p = play(a_config(agents=("ana",), policy=policy))
    ended(p)
    p.advance("2h")
    second = ended(p)
    assert second.id == "c_2"
    p.advance("1m")
    p.desk.note("c_1", "a late remark does not bring it forward", by="ana")
    p.advance("1m")
    assert p.contact("Maria").writes("again").id == "c_2"


@pytest.mark.req("S9")
def test_a_refused_message_after_the_end_leaves_nothing_behind(play) -> None:
    p = play(a_config(agents=("ana",), policy=REFUSING))
    ended(p)
    before = position(p)
    for _ in range(2):  # not kept, so not a duplicate either
        received = p.desk.receive("main", an_inbound("again", key="k9"))
        assert [each.result for each in received.items] == ["rejected"]
        assert "c_1 has ended" in received.rejected[0]
    assert position(p) == before
    assert len(p.desk.messages("c_1")) == 1


@pytest.mark.req("C8")
def test_a_reopened_conversation_stays_until_somebody_takes_it(play) -> None:
    p = play(a_config(agents=("ana",), preset="claim"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.agent("ana").ends(chat)
    again = p.contact("Maria").writes("again")
    assert (again.id, again.label, again.agent) == (chat.id, "Unanswered", None)
    p.advance("30d")
    assert p.desk.conversation(chat.id).label == "Unanswered"
    assert_folds(p)


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.req("S1")
@pytest.mark.parametrize("hours", [-1000, 1000])
def test_the_providers_time_is_data_and_moves_nothing(play, hours: int) -> None:
    p = play(a_config())
    received = p.desk.receive("main", an_inbound(at=NOW + hours * HOUR))
    (chat,) = received.conversations
    assert chat.due == MONDAY + timedelta(minutes=15)
    (message,) = p.desk.messages(chat.id)
    assert message.at == MONDAY
    assert [each.at for each in told(p, tell.MessageReceived)] == [NOW]


@pytest.mark.req("S1")
def test_a_desk_whose_clock_runs_behind_reorders_nothing(play) -> None:
    p = play(a_config(agents=("ana",), queues=("Deutsch", "English")))
    p.contact("Maria").writes("Hello")
    p.clock.set(MONDAY - timedelta(minutes=5))
    p.contact("Maria").writes("not a choice")
    chat = p.desk.note("c_1", "early", by="ana")
    assert chat.at == MONDAY
    assert [each.at for each in p.desk.messages("c_1")] == [MONDAY] * 5
    assert {event.at for event in log(p)} == {NOW}
    assert_folds(p)


# --- the menu -------------------------------------------------------------------------------------


def menu_play(play, *serves):
    p = play(a_config(queues=TREE, agents={"ana": serves}))
    return p, p.contact("Maria")


@pytest.mark.req("U53")
def test_a_contact_finds_their_queue_through_the_menu(play) -> None:
    p, maria = menu_play(play, "general/**")
    assert maria.writes("Hello").state is State.SELECTING
    p.deliver()
    assert maria.got[-1].endswith("title.\n1. Deutsch\n2. English")
    assert maria.writes("1").state is State.SELECTING
    p.deliver()
    assert maria.got[-1].endswith("title.\n1. Bestellung\n2. Technik")
    chat = maria.writes(" technik ")
    assert (chat.state, chat.queue) == (State.QUEUED, "general/Deutsch/Technik")
    assert_folds(p)


@pytest.mark.req("U18")
def test_each_branch_may_introduce_its_menu_and_the_nearest_text_wins(play) -> None:
    inbox = InboxConfig(
        sla=MINUTE,
        primary_for=("chat",),
        queues=(
            QueueNode("Deutsch", (QueueNode("Technik", (QueueNode("A"), QueueNode("B"))),)),
            QueueNode("English", (QueueNode("Orders"), QueueNode("Service"))),
        ),
        policy=PolicySettings(menu_text="Please choose."),
        at={
            "Deutsch": PolicySettings(menu_text="Bitte wählen."),
            "English": PolicySettings(assignment=Assignment.CLAIM),
        },
    )
    p = play(evolve(a_config(preset="push"), inboxes={"general": inbox}))
    for name, answer in (("Maria", "1"), ("Otto", "2"), ("Eve", "1")):
        p.contact(name).writes("Hello")
        p.contact(name).writes(answer)
    p.contact("Eve").writes("1")
    p.desk.deliver()
    first = [text.splitlines()[0] for text in p.contact("Eve").got]
    assert first == ["Please choose.", "Bitte wählen.", "Bitte wählen."]
    assert p.contact("Otto").got[1].splitlines()[0] == "Please choose."


def test_the_menu_lists_what_somebody_serves_and_nothing_else(play) -> None:
    p, maria = menu_play(play, "general/Deutsch/Technik", "general/English")
    maria.writes("Hello")
    maria.writes("Deutsch")
    p.deliver()
    assert maria.got[0].endswith("\n1. Deutsch\n2. English")
    assert maria.got[1].endswith("title.\n1. Technik")


def test_an_answer_that_fits_nothing_brings_the_menu_again(play) -> None:
    p, maria = menu_play(play, "general/**")
    maria.writes("Hello")
    assert maria.writes("what?").state is State.SELECTING
    p.deliver()
    assert len(maria.got) == 2
    assert maria.got[0] == maria.got[1]


@pytest.mark.req("U53")
def test_a_pressed_button_is_an_answer_by_its_title(play) -> None:
    _, maria = menu_play(play, "general/**")
    maria.writes("Hello")
    assert maria.presses("English").queue == "general/English"


@pytest.mark.req("U58")
def test_with_one_queue_that_somebody_serves_there_is_no_menu(play) -> None:
    p, maria = menu_play(play, "general/Deutsch/Technik")
    chat = maria.writes("Hello")
    assert (chat.state, chat.queue) == (State.QUEUED, "general/Deutsch/Technik")
    assert p.desk.waiting_to_send() == 0


def test_an_entry_points_own_queue_goes_past_the_menu(play) -> None:
    config = a_config(queues=TREE, agents=("ana",))
    main = EntryPointConfig(channel="chat", address="main", queue="general/Deutsch/Technik")
    p = play(evolve(config, entry_points={"main": main}))
    assert p.contact("Maria").writes("Hello").queue == "general/Deutsch/Technik"


def test_where_nobody_serves_anything_nobody_is_turned_away(play) -> None:
    p, maria = menu_play(play)
    maria.writes("Hello")
    p.deliver()
    assert maria.got[0].endswith("\n1. Deutsch\n2. English")


def test_in_a_queue_a_number_is_only_a_message(play) -> None:
    _, maria = menu_play(play, "general/**")
    for text in ("Hello", "2"):
        maria.writes(text)
    chat = maria.writes("1")
    assert (chat.state, chat.queue) == (State.QUEUED, "general/English")


# --- what cannot be received ----------------------------------------------------------------------


def test_an_unknown_entry_point_is_refused_with_a_suggestion(play) -> None:
    p = play(a_config())
    with pytest.raises(UnknownEntryPoint, match="main"):
        p.desk.receive("mian", an_inbound())
    assert names(p) == ["Configured"]


def test_a_naive_now_is_refused_and_nothing_is_stored(play) -> None:
    p = play(a_config())
    with pytest.raises(NaiveDatetime):
        p.desk.receive("main", an_inbound(), now=datetime(2026, 3, 2, 9))  # noqa: DTZ001
    assert names(p) == ["Configured"]


def test_an_item_of_another_account_is_refused(play) -> None:
    p = play(two_entry_points(account="other"))
    received = p.desk.receive("main", an_inbound(address="gold"))
    assert [each.result for each in received.items] == ["rejected"]
    assert "'gold' belongs to another account than 'main'" in received.rejected[0]
    assert names(p) == ["Configured", "AgentSaved"]


def test_an_item_of_the_same_account_finds_its_own_entry_point(play) -> None:
    p = play(two_entry_points(override=Override(inbox="vip")))
    (chat,) = p.desk.receive("main", an_inbound(address="gold")).conversations
    assert (chat.entry_point, chat.inbox) == ("gold", "vip")


def test_a_request_on_a_channel_without_an_adapter_is_refused(play) -> None:
    config = a_config()
    p = play(config)
    p.desk._runtime.registry._adapters.clear()
    with pytest.raises(PluginError, match="no adapter for channel kind 'chat'"):
        p.desk.receive("main", RawRequest())


class Reads(ScriptedAdapter):
    """Reads whatever the test says."""

    result: object = None

    def verify(self, request, settings, now):
        """Take it as signed."""

    def parse(self, request, settings):
        return self.result


@pytest.mark.parametrize(
    "result,got",
    [
        (None, "nothing"),
        ([an_inbound("Hello")], "a list"),
        (ParseResult(items=["Hello"]), "a list"),  # type: ignore[arg-type]
    ],
)
def test_an_adapter_that_reads_wrongly_is_named(play, result, got) -> None:
    p = play(a_config(agents=["ana"]))
    p.desks.registry._adapters["chat"] = type("Wrongly", (Reads,), {"result": result})("chat")
    with pytest.raises(
        PluginError, match="the adapter for 'chat' read a webhook wrongly"
    ) as raised:
        p.desk.receive("main", RawRequest(body=b"{}"))
    assert raised.value.got == got


@pytest.mark.req("R13")
def test_an_item_of_other_types_is_refused_and_its_neighbours_are_kept(play) -> None:
    p = play(a_config(agents=["ana"]))
    wrong = evolve(an_inbound("Hello", key="k1"), kind="message")  # type: ignore[arg-type]
    got = p.desk.receive("main", [wrong, an_inbound("Hello", key="k2")])
    assert [(each.result, each.kind) for each in got.items] == [
        ("rejected", "message"),
        ("accepted", "message"),
    ]
    assert got.items[0].reason == 'kind is "message", not an InboundKind'
