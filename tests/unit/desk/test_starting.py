"""Conversations that agents start: whether they may, what they hold, and how such a one ends."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

import omniroute as om
from omniroute.instants import DAY, MINUTE, from_micros
from omniroute.model import events as tell
from omniroute.model.desk_config import EntryPointConfig, InboxConfig
from omniroute.model.policy import AfterEnd, AfterEndTo, Inactivity, KeepAlive, PolicySettings
from omniroute.model.sla import SlaTargets
from omniroute.rules.resolution import Setup
from omniroute.testing import NOW, a_config, an_inbound
from tests.unit.desk.helpers import assert_folds, log, names, position, told

HELLO = om.Template("hello", "de", ("Maria",))


def a_desk(kind: str = "chat", *, channel: Any = None, **changes: Any) -> Any:
    """Return a desk on one channel, where Ana and Bob serve the inbox."""
    return om.load_config(
        {
            "desk": "acme",
            "channels": {kind: channel or {}},
            "inboxes": {"general": {"sla": "15m", "primary_for": [kind]}},
            "entry_points": {"main": {"channel": kind, "address": "main"}},
            "agents": {"ana": {"serves": ["general"]}, "bob": {"serves": ["general"]}},
            **changes,
        }
    )


@pytest.fixture
def p(play: Any) -> Any:
    return play(a_desk())


def begun(p: Any, text: str | None = "Your order is here", **how: Any) -> Any:
    how.setdefault("address", "addr-maria")
    return p.desk.start("main", text, **{"by": "ana", **how})


# --- what it is -----------------------------------------------------------------------------------


@pytest.mark.req("S11", "T7")
def test_it_begins_active_holds_a_slot_and_has_no_first_response_clock(p: Any) -> None:
    before = len(log(p))
    chat = begun(p)
    assert (chat.state, chat.agent, chat.queue) == (om.State.ACTIVE, "ana", "general")
    assert (chat.started_by, chat.channel, chat.address) == ("ana", "chat", "addr-maria")
    assert (chat.due, chat.clocks, chat.waiting_since) == (None, (), None)
    assert p.desk.staff.get("ana").load == 1
    assert [type(each).__name__ for each in log(p)[before:]] == ["Started", "MessageSent"]
    assert [each.text for each in p.deliver()] == ["Your order is here"]
    assert p.advance("30d") == []
    assert_folds(p)


@pytest.mark.req("S11", "P11")
def test_the_answer_to_it_is_a_first_message_to_nobody_new(play: Any) -> None:
    inbox = InboxConfig(sla=15 * MINUTE, primary_for=("chat",), targets=SlaTargets(next=5 * MINUTE))
    p = play(a_config(agents=("ana",), inboxes={"general": inbox}))
    chat = begun(p)
    p.advance("1h")
    p.receive("main", an_inbound("Thanks, and when?"))
    answered = p.desk.conversation(chat.id)
    assert (answered.state, answered.agent) == (om.State.ACTIVE, "ana")
    (clock,) = answered.clocks
    assert clock.kind is om.DeadlineKind.NEXT_RESPONSE, "it is the next one that is awaited"
    assert_folds(p)


@pytest.mark.req("S11")
def test_without_a_target_for_later_answers_nothing_is_due_either(p: Any) -> None:
    chat = begun(p)
    p.receive("main", an_inbound("Thanks"))
    assert p.desk.conversation(chat.id).due is None
    p.desk.apply(a_desk(zone="Europe/Berlin"))
    p.desk.tick()
    assert p.desk.conversation(chat.id).due is None, "nor under another version"
    assert_folds(p)


@pytest.mark.req("S11", "P11")
def test_a_resolution_is_wanted_of_it_too(play: Any) -> None:
    inbox = InboxConfig(sla=15 * MINUTE, primary_for=("chat",), targets=SlaTargets(resolution=DAY))
    p = play(a_config(agents=("ana",), inboxes={"general": inbox}))
    assert begun(p).due == from_micros(NOW + DAY)
    p.advance("2d")
    assert [each.clock.value for each in told(p, tell.SlaBreached)] == ["resolution"]
    assert_folds(p)


@pytest.mark.req("M6")
def test_what_an_agent_started_is_not_dismissed_until_the_contact_begins_again(play: Any) -> None:
    policy = PolicySettings(
        inactivity=Inactivity(after=10 * MINUTE),
        chat_timeout=DAY,
        after_end=AfterEnd(AfterEndTo.QUEUE),
    )
    p = play(a_config(agents=("ana",), policy=policy))
    chat = begun(p)
    p.receive("main", an_inbound("Yes?"))
    p.desk.reply(chat.id, "Hello", by="ana")
    p.advance("1h")
    assert p.desk.conversation(chat.id).state is om.State.ACTIVE
    p.desk.end(chat.id, by="ana")
    p.agent("ana").on()
    p.receive("main", an_inbound("One more thing", key="in-2"))
    p.desk.reply(chat.id, "Yes?", by="ana")
    p.advance("1h")
    again = p.desk.conversation(chat.id)
    assert (again.state, again.started_by) == (om.State.DISMISSED, None)
    assert_folds(p)


@pytest.mark.req("T10", "S11")
def test_keep_alive_counts_from_the_start_where_the_contact_said_nothing(play: Any) -> None:
    alive = KeepAlive(after=10 * MINUTE, text="There?", end_after=5 * MINUTE, end_text="Bye")
    p = play(a_config(agents=("ana",), policy=PolicySettings(keep_alive=alive)))
    chat = begun(p)
    p.advance("10m")
    assert [each.text for each in p.provider.sent] == ["Your order is here", "There?"]
    p.advance("5m")
    assert p.desk.conversation(chat.id).ending.reason is om.EndReason.KEEP_ALIVE


@pytest.mark.req("T2", "U47")
def test_the_entry_flow_and_the_greeting_are_for_those_who_come(play: Any) -> None:
    p = play(
        a_desk(
            channel={"entry_flow": "welcome", "exit_flow": "survey"},
            policy={"greeting": "Welcome!"},
        )
    )
    chat = begun(p)
    assert told(p, tell.FlowStarted) == []
    assert [each.text for each in p.deliver()] == ["Your order is here"]
    p.desk.end(chat.id, by="ana")
    assert [each.flow for each in told(p, tell.FlowStarted)] == ["survey"]


def test_it_is_explained_and_stands_in_the_timeline(p: Any) -> None:
    chat = begun(p)
    story = p.desk.explain(chat.id)
    assert story.route.queue_source == "single queue"
    assert [each.agent for each in story.handlers] == ["ana"]
    assert "ana started it on main, in general" in p.desk.timeline(chat.id).as_text()
    counted = p.desk.service_level()
    assert (counted.answered, counted.counted) == (0, 0), "nobody waited"


@pytest.mark.req("C14")
def test_it_keeps_from_where_the_agent_came(p: Any) -> None:
    begun(p, access=om.Access.CHANNEL_PAGE)
    begun(p, address="addr-otto")
    assert [each.access for each in told(p, om.Started)] == [om.Access.CHANNEL_PAGE, None]


# --- whether --------------------------------------------------------------------------------------


def refused(p: Any, error: Any, **how: Any) -> Any:
    before = position(p)
    with pytest.raises(error) as raised:
        begun(p, **how)
    assert position(p) == before, "nothing changed"
    return raised.value


@pytest.mark.req("T6", "T7", "C12")
@pytest.mark.parametrize(
    "channel,policy,said",
    [
        ({"active": False}, {}, "is off"),
        ({"active": False, "agent_initiated": True}, {}, "is off"),
        ({"direction": "off"}, {}, "is off"),
        ({"agent_initiated": False}, {}, "agent_initiated = false"),
        ({"agent_initiated": False}, {"agent_initiated": True}, "agent_initiated = false"),
        ({}, {"agent_initiated": False}, "agent_initiated = false"),
        ({"direction": "out_only", "agent_initiated": False}, {}, "agent_initiated = false"),
    ],
)
def test_channels_and_policy_say_whether_agents_may(
    play: Any, channel: Any, policy: Any, said: str
) -> None:
    p = play(a_desk(channel=channel, policy=policy))
    error = refused(p, om.AgentInitiatedNotAllowed)
    assert error.entry_point == "main"
    assert said in str(error)
    assert p.desk.contacts.find("chat", "addr-maria") is None


@pytest.mark.req("T6", "T7")
@pytest.mark.parametrize("flag", [True, False, None])
def test_a_channel_that_is_off_allows_no_start_whatever_the_flag_says(flag: bool | None) -> None:
    values = {"active": False} if flag is None else {"active": False, "agent_initiated": flag}
    config = a_desk(channel=values)
    assert config.channels["chat"].agent_initiated is flag, "both are saved"
    assert not Setup(config, 1).agent_initiated("chat")


@pytest.mark.req("T7", "C12")
@pytest.mark.parametrize(
    "channel,policy",
    [
        ({}, {}),
        ({"agent_initiated": True}, {"agent_initiated": False}),
        ({"direction": "out_only"}, {}),
    ],
)
def test_and_where_they_may_they_do(play: Any, channel: Any, policy: Any) -> None:
    p = play(a_desk(channel=channel, policy=policy))
    assert begun(p).state is om.State.ACTIVE


@pytest.mark.req("C10", "T7")
@pytest.mark.parametrize(
    "preset,may",
    [
        ("claim", False),
        ("push", False),
        ("social_queue", False),
        ("sla_inbox", True),
        ("keep_alive", True),
    ],
)
def test_presets_differ_in_it(play: Any, preset: str, may: bool) -> None:
    p = play(a_desk(preset=preset))
    if may:
        begun(p)
    else:
        refused(p, om.AgentInitiatedNotAllowed)
    p.receive("main", an_inbound(sender=om.Sender(addresses=("addr-otto",))))
    assert len(p.conversations) == 1, "contacts write in any case"


@pytest.mark.req("G5")
def test_nothing_is_started_on_an_entry_point_that_is_held(play: Any) -> None:
    p = play(a_desk("sms", entry_points={"main": _held("sms")}))
    assert "held" in str(refused(p, om.AgentInitiatedNotAllowed))


def _held(kind: str) -> dict[str, Any]:
    return {"channel": kind, "address": "main", "connected": False}


@pytest.mark.req("A1")
def test_an_agent_without_the_channel_starts_nothing_there(play: Any) -> None:
    agents = {"ana": {"serves": ["general"], "channels": []}}
    p = play(a_desk(agents=agents))
    refused(p, om.AgentUnavailable)


@pytest.mark.req("S11", "M9", "R11")
def test_what_people_do_by_hand_passes_soft_max_and_stops_at_hard_max(play: Any) -> None:
    p = play(a_config(agents=("ana",), capacity=1))
    p.agent("ana").on()
    held = p.contact("Otto").writes("Hello")
    assert held.agent == "ana"
    begun(p)
    assert p.desk.staff.get("ana").load == 2
    refused(p, om.CapacityExceeded, address="addr-eve")
    p.agent("ana").off()
    p.desk.end(held.id, by="ana")
    begun(p, address="addr-eve")


@pytest.mark.req("S11")
def test_an_open_conversation_with_that_contact_is_named(p: Any) -> None:
    waiting = p.contact("Maria").writes("Hello")
    error = refused(p, om.ConversationOpen, address=waiting.address)
    assert (error.open, error.conversation) == (waiting.id, None)
    p.agent("ana").on()
    p.desk.end(waiting.id, by="ana")
    first = begun(p, address=waiting.address)
    assert refused(p, om.ConversationOpen, contact=first.contact, address=None).open == first.id
    assert first.contact == waiting.contact
    assert_folds(p)


def test_on_another_entry_point_another_one_may_be_open(play: Any) -> None:
    two = {name: EntryPointConfig(channel="chat", address=name) for name in ("main", "other")}
    p = play(a_config(agents=("ana",), entry_points=two))
    open_one = p.desk.start("other", "Hello", by="ana", address="addr-maria")
    assert begun(p).contact == open_one.contact


# --- to whom, and where ---------------------------------------------------------------------------


def test_a_contact_is_named_by_id_or_by_an_address_of_theirs(p: Any) -> None:
    first = begun(p)
    p.desk.end(first.id, by="ana")
    again = begun(p, contact=first.contact, address=None)
    assert (again.contact, again.address) == (first.contact, "addr-maria")
    assert refused(p, om.UnknownContact, contact="p_nobody", address=None)
    assert refused(p, om.UsageError, contact=first.contact, address="addr-eve").where == "address"
    assert refused(p, om.UsageError, contact=None, address=None).where == "contact"
    assert refused(p, om.UsageError, address=" ").where == "address"


@pytest.mark.req("S11", "U18")
def test_it_stands_in_a_queue_whose_policy_counts(play: Any) -> None:
    agents = {"ana": ("general/Support",), "bob": ()}
    p = play(a_config(agents=agents, queues=("Orders", "Support")))
    assert begun(p).queue == "general/Support", "the first that she serves"
    assert begun(p, address="a", queue="general/Orders").queue == "general/Orders"
    assert refused(p, om.UsageError, address="b", by="bob").where == "queue"
    assert refused(p, om.UsageError, address="b", queue="general/Nowhere").where == "queue"
    assert refused(p, om.UsageError, address="b", queue="general").where == "queue"
    assert begun(p, address="b", by="bob", queue="general/Orders").agent == "bob"


def test_what_is_put_aside_comes_back_to_its_queue(p: Any) -> None:
    chat = begun(p)
    p.desk.snooze(chat.id, by="ana", for_="3h")
    p.agent("bob").on()
    p.advance("3h")
    assert p.desk.conversation(chat.id).agent == "bob"
    assert_folds(p)


# --- the messaging window -------------------------------------------------------------------------


@pytest.mark.req("S11")
def test_where_no_window_is_open_a_template_goes_out_and_nothing_else(play: Any) -> None:
    p = play(a_desk("whatsapp"))
    error = refused(p, om.MessagingWindowClosed)
    assert (error.entry_point, error.closed_at) == ("main", None)
    chat = begun(p, "Hello Maria", template=HELLO)
    (message,) = p.desk.messages(chat.id)
    assert (message.text, message.template, message.type) == ("Hello Maria", HELLO, "template")
    (sent,) = p.deliver()
    assert (sent.template, sent.text) == ("hello", "Hello Maria")
    p.desk.end(chat.id, by="ana")
    refused(p, om.MessagingWindowClosed), "what we wrote opens none"


@pytest.mark.req("S11", "U43")
@pytest.mark.parametrize("before,closed", [("24h", True), ("23h59m59s999ms", False)])
def test_a_window_is_open_for_its_time_after_the_contacts_last_message(
    play: Any, before: str, closed: bool
) -> None:
    p = play(a_desk("whatsapp"))
    p.advance("1h")
    wrote = p.contact("Maria").writes("Hello")
    p.desk.end(wrote.id, by="ana")
    between = begun(p, address=wrote.address, template=HELLO, text=None)
    p.desk.end(between.id, by="ana")
    p.advance(before)
    if not closed:
        begun(p, address=wrote.address)
        return
    error = refused(p, om.MessagingWindowClosed, address=wrote.address)
    assert isinstance(error.closed_at, datetime)
    assert error.closed_at == from_micros(p.clock.now())


@pytest.mark.req("S11")
def test_many_starts_without_an_answer_leave_the_window_where_it_is(play: Any) -> None:
    p = play(a_desk("whatsapp"))
    wrote = p.contact("Maria").writes("Hello")
    p.desk.end(wrote.id, by="ana")
    for _ in range(60):
        chat = begun(p, address=wrote.address)
        p.desk.end(chat.id, by="ana")
    p.advance("24h")
    refused(p, om.MessagingWindowClosed, address=wrote.address)


def test_what_a_channel_does_not_carry_starts_nothing(play: Any) -> None:
    p = play(a_desk(channel={"contents": ["image"]}))
    refused(p, om.UnsupportedContent)
    refused(p, om.UnsupportedContent, text=" ")
    assert refused(p, om.UnsupportedContent, template=HELLO).where == "template"
    image = om.Attachment(kind="image", ref="i-1")
    assert refused(p, om.UsageError, template=HELLO, attachments=[image]).where == "attachments"
    assert refused(p, om.UsageError, template="hello").where == "template"
    assert refused(p, om.UsageError, text=5).where == "text"
    assert refused(p, om.UsageError, attachments=["i-1"]).where == "attachments[0]"
    assert begun(p, text=None, attachments=[image]).state is om.State.ACTIVE


# --- a first message that does not come through ---------------------------------------------------


@pytest.mark.req("S11", "R5", "U74")
def test_a_first_send_that_fails_for_good_ends_it_and_frees_the_slot(play: Any) -> None:
    p = play(a_desk(policy={"ended_text": "Goodbye"}))
    p.agent("ana").on()
    chat = begun(p)
    waiting = [p.contact(name).writes("Hello") for name in ("A", "B", "C")]
    assert [p.desk.conversation(each.id).agent for each in waiting] == ["ana", "ana", None]
    p.provider.answer_next(om.Permanent("no such number"))
    p.desk.deliver()
    ended = p.desk.conversation(chat.id)
    assert (ended.state, ended.ending.reason) == (om.State.ENDED, om.EndReason.FAILURE)
    assert ended.ending.comment == "Chat session ended due to failure"
    assert p.desk.conversation(waiting[2].id).agent == "ana", "her slot went to who waited"
    assert [each.text for each in p.desk.messages(chat.id)] == ["Your order is here"]
    assert p.desk.dead_letters()[0].reason == "no such number"
    assert_folds(p)


@pytest.mark.req("S11")
def test_a_provider_that_reports_the_failure_later_ends_it_too(p: Any) -> None:
    chat = begun(p)
    p.desk.deliver()
    failed = om.Inbound(
        kind=om.InboundKind.STATUS,
        key="s-1",
        address="main",
        target="sent-1",
        status=om.DeliveryStatus.FAILED,
        error_text="not on this channel",
    )
    p.desk.receive("main", failed)
    assert p.desk.conversation(chat.id).ending.reason is om.EndReason.FAILURE
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("S11", "S12")
@pytest.mark.parametrize(
    "answers",
    [
        (om.Retryable("busy"),),
        (om.Unknown("timeout"),),
        (om.Accepted(("x",)), om.Permanent("too late")),
    ],
)
def test_what_may_still_come_through_or_came_after_the_first_ends_nothing(
    p: Any, answers: Any
) -> None:
    chat = begun(p)
    p.provider.answer_next(*answers)
    p.desk.deliver()
    if len(answers) > 1:
        p.desk.reply(chat.id, "Are you there?", by="ana")
        p.desk.deliver()
        assert len(p.desk.dead_letters()) == 1
    assert p.desk.conversation(chat.id).state is om.State.ACTIVE


@pytest.mark.req("S11")
def test_a_failed_message_of_one_that_the_contact_knows_of_ends_nothing(p: Any) -> None:
    chat = begun(p)
    p.receive("main", an_inbound("I saw it elsewhere", key="x-1"))
    p.provider.answer_next(om.Permanent("no"))
    came = p.contact("Otto").writes("Hello")
    p.agent("bob").on()
    p.desk.deliver()
    assert p.desk.conversation(chat.id).state is om.State.ACTIVE
    p.desk.reply(came.id, "Hi", by="bob")
    p.provider.answer_next(om.Permanent("no"))
    p.desk.deliver()
    assert p.desk.conversation(came.id).state is om.State.ACTIVE


# --- as every command -----------------------------------------------------------------------------


@pytest.mark.req("R4")
def test_under_a_key_it_starts_once(p: Any) -> None:
    first = begun(p, key="k-1")
    assert begun(p, key="k-1").id == first.id
    refused(p, om.IdempotencyConflict, key="k-1", text="Another")
    refused(p, om.IdempotencyConflict, key="k-1", by="bob")
    assert len(told(p, om.Started)) == 1


def test_acting_and_awaited_it_is_the_same(p: Any) -> None:
    assert p.desk.acting_as("ana").start("main", "Hi", address="a").agent == "ana"

    async def story() -> Any:
        desk = p.desks.aio["acme"]
        await desk.start("main", "Hi", by="bob", address="b")
        return await desk.acting_as("ana").start("main", "Hi", address="c")

    assert asyncio.run(story()).agent == "ana"
    assert names(p).count("Started") == 3


# --- engagements ----------------------------------------------------------------------------------


def engaged(p: Any, text: str | None = "10 % off", **how: Any) -> Any:
    how.setdefault("address", "addr-maria")
    return p.desk.engage("main", text, **how)


@pytest.mark.req("C10", "P19")
def test_an_engagement_reaches_the_contact_and_opens_no_conversation(play: Any) -> None:
    p = play(a_desk(preset="claim"))
    refused(p, om.AgentInitiatedNotAllowed)
    before = len(log(p))
    sent = engaged(p, by="ana", kind=om.EngagementKind.COUPON)
    assert (sent.conversation, sent.author, sent.kind) == ("", "agent:ana", "coupon")
    (told_of,) = log(p)[before:]
    contact = p.desk.contacts.find("chat", "addr-maria")
    assert told_of == om.EngagementSent(
        sent.id, NOW, "agent:ana", contact.id, "main", om.EngagementKind.COUPON
    )
    (delivery,) = p.deliver()
    assert (delivery.to, delivery.text) == ("addr-maria", "10 % off")
    assert [each.status for each in p.desk.engagements(contact.id)] == [om.DeliveryStatus.SENT]
    states = tuple(om.State)
    assert len(p.desk.conversations(contact=contact.id, states=states)) == 0
    assert p.desk.staff.get("ana").load == 0
    p.receive("main", an_inbound("Thanks"))
    assert len(p.desk.conversations(contact=contact.id)) == 1, "the contact opens it"


@pytest.mark.req("C10")
def test_an_open_conversation_knows_nothing_of_it(p: Any) -> None:
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    before = p.desk.conversation(chat.id)
    engaged(p, contact=chat.contact, address=None)
    p.desk.deliver()
    assert p.desk.conversation(chat.id) == before
    assert [each.text for each in p.desk.messages(chat.id)] == ["Hello"]
    assert_folds(p)


@pytest.mark.req("C10", "S12")
def test_one_that_has_to_wait_holds_up_no_other(p: Any) -> None:
    p.provider.answer_next(om.Retryable("busy"), om.Permanent("no such number"))
    first, second, third = (engaged(p, address=each) for each in ("a", "b", "c"))
    p.desk.deliver()
    assert [each.text for each in p.provider.sent] == ["10 % off"]
    (dead,) = p.desk.dead_letters()
    assert (dead.message, dead.conversation, dead.reason) == (second.id, "", "no such number")
    p.desk.redrive(second.id)
    p.advance("10s")
    assert {each.message for each in p.provider.sent} == {first.id, second.id, third.id}
    assert [each.status.value for each in told(p, om.EngagementDelivery)] == [
        "failed",
        "sent",
        "sent",
        "sent",
    ]


@pytest.mark.req("C10")
def test_its_delivery_is_followed_as_any_messages(p: Any) -> None:
    sent = engaged(p)
    p.desk.deliver()
    read = om.Inbound(
        kind=om.InboundKind.STATUS,
        key="s-1",
        address="main",
        target="sent-1",
        status=om.DeliveryStatus.READ,
    )
    (item,) = p.desk.receive("main", read).items
    assert (item.result, item.message, item.conversation) == ("accepted", sent.id, None)
    contact = p.desk.contacts.find("chat", "addr-maria").id
    assert p.desk.engagements(contact)[0].status is om.DeliveryStatus.READ
    assert p.desk.receive("main", read).duplicates == 1


@pytest.mark.req("T6", "C12", "G5")
def test_an_engagement_goes_out_on_one_way_channels_and_on_none_that_is_off(play: Any) -> None:
    p = play(a_desk(channel={"direction": "out_only", "agent_initiated": False}))
    assert engaged(p, by="bob").id
    for config in (
        a_desk(channel={"active": False}),
        a_desk("sms", entry_points={"main": _held("sms")}),
    ):
        off = play(config)
        with pytest.raises(om.OutboundClosed) as raised:
            engaged(off)
        assert raised.value.entry_point == "main"
        assert off.desk.waiting_to_send() == 0


@pytest.mark.req("C10")
def test_what_cannot_be_sent_to_a_contact_is_no_engagement(play: Any) -> None:
    p = play(a_desk("whatsapp", agents={"ana": {"serves": ["general"], "channels": []}}))
    for how, error in (
        ({}, om.MessagingWindowClosed),
        ({"by": "nobody"}, om.UnknownAgent),
        ({"by": "ana"}, om.AgentUnavailable),
        ({"contact": "p_x"}, om.UnknownContact),
        ({"template": HELLO, "attachments": [om.Attachment(kind="image")]}, om.UsageError),
    ):
        with pytest.raises(error):
            engaged(p, **how)
    with pytest.raises(om.UsageError, match="not an EngagementKind"):
        engaged(p, kind="cupon", template=HELLO)
    assert engaged(p, template=HELLO).template == HELLO
    with pytest.raises(om.UsageError):
        p.desk.engagements("p_1", limit=0)


@pytest.mark.req("R4", "C10")
def test_under_a_key_it_is_sent_once_and_pages_go_on(p: Any) -> None:
    first = engaged(p, key="k-1")
    assert engaged(p, key="k-1") == first
    with pytest.raises(om.IdempotencyConflict):
        engaged(p, key="k-1", kind=om.EngagementKind.PROMO)
    second = p.desk.acting_as("bob").engage("main", "More", address="addr-maria")
    contact = p.desk.contacts.find("chat", "addr-maria").id
    assert p.desk.engagements(contact, limit=1) == [first]
    assert p.desk.engagements(contact, after=first.position) == [second]
    assert p.desk.waiting_to_send() == 2


# --- from where an agent came ---------------------------------------------------------------------


@pytest.mark.req("C14", "P18")
def test_reading_keeps_from_where_the_agent_came(p: Any) -> None:
    chat = p.contact("Maria").writes("Hello")
    assert p.desk.read_marker(chat.id, by="ana") is None
    p.desk.mark_read(chat.id, by="ana", access=om.Access.CONVERSATION_LIST)
    p.desk.acting_as("bob").mark_read(chat.id, access=om.Access.CHANNEL_PAGE)
    marks = [p.desk.read_marker(chat.id, by=each) for each in ("ana", "bob")]
    assert [each.access for each in marks] == list(reversed(om.Access))
    assert {each.position for each in marks} == {p.desk.messages(chat.id)[0].position}
