"""What comes in on an entry point or channel that does not accept it: seen, and nothing created."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.desk.receive import REJECTED
from omniroute.model.wire import Attachment, DeliveryStatus, Inbound, InboundKind, Sender
from omniroute.testing import ScriptedAdapter
from tests.unit.desk.helpers import assert_folds, every_conversation, log

GATES = {"sms": "connected", "voice": "connected", "chat": "embedded", "email": "forwarding_active"}


def a_desk(kind: str = "chat", *, channel: Any = None, **entry_point: Any) -> dict[str, Any]:
    """Return a desk with one entry point, `main`, on a channel of a kind."""
    return {
        "desk": "acme",
        "channels": {kind: channel or {}},
        "inboxes": {"general": {"sla": 15, "primary_for": [kind]}},
        "entry_points": {"main": {"channel": kind, "address": "main-address", **entry_point}},
        "agents": {"ana": {"serves": ["general"]}},
    }


def inbound(key: str = "k1", **fields: Any) -> Inbound:
    values = {"kind": InboundKind.MESSAGE, "text": "Hello", "sender": Sender(addresses=("maria",))}
    return Inbound(key=key, address="main-address", **{**values, **fields})


def edited(p, **changes: Any) -> None:
    """Apply the desk's configuration with its entry point changed."""
    document = om.dump(p.desk.config)
    document["entry_points"]["main"].update(changes)
    p.desk.apply(om.load_config(document))


@pytest.mark.req("G5", "G6", "G7")
@pytest.mark.parametrize("kind,gate", GATES.items())
def test_nothing_is_created_behind_a_closed_gate_and_opening_it_is_a_change_of_one_key(
    play, kind, gate
):
    p = play(a_desk(kind, **{gate: False}))
    before = len(log(p))
    with pytest.raises(om.EntryPointClosed, match="accepts no messages") as caught:
        p.desk.receive("main", inbound())
    assert caught.value.entry_point == "main"
    assert isinstance(caught.value, om.ContentRejected)
    assert every_conversation(p) == []
    assert len(log(p)) == before
    assert p.desk.entry_points()[0].held == gate
    edited(p, **{gate: True})
    assert p.desk.entry_points()[0].held is None
    (chat,) = p.desk.receive("main", inbound()).conversations
    assert chat.queue == "general"
    assert_folds(p)


@pytest.mark.req("G3", "G8")
@pytest.mark.parametrize("kind", ["instagram", "whatsapp", "twitter", "messenger"])
def test_a_social_entry_point_is_live_once_it_is_added(play, kind):
    p = play(a_desk(kind))
    assert p.contact("Maria").writes("Hello").queue == "general"


def test_a_gate_that_closes_again_holds_what_comes_in_and_leaves_what_is_open(play):
    p = play(a_desk("sms"))
    chat = p.contact("Maria").writes("Hello")
    edited(p, connected=False)
    with pytest.raises(om.EntryPointClosed):
        p.desk.receive("main", inbound("k2"))
    assert p.desk.conversation(chat.id).state is om.State.QUEUED


def webhook_desk(document: dict[str, Any]) -> om.Desk:
    """Return a desk whose adapter finds three items in every webhook."""

    class Reading(ScriptedAdapter):
        def addresses(self, request: om.RawRequest) -> list[str]:
            return ["main-address"]

        def verify(self, request: om.RawRequest, settings: Any, now: int) -> None:
            """Trust everybody."""

        def parse(self, request: om.RawRequest, settings: Any) -> om.ParseResult:
            sent = {"sender": None, "kind": InboundKind.STATUS, "target": "x"}
            status = inbound("s1", **sent, status=DeliveryStatus.READ)
            return om.ParseResult(items=(inbound("k1"), status, inbound("k2")))

    class Plugin:
        @om.hookimpl
        def omniroute_adapters(self) -> list[Any]:
            return [Reading("sms")]

    desks = om.Desks("memory://", plugins=[Plugin()], discover=False, builtin=False)
    return desks.create(om.load_config(document))


@pytest.mark.req("G5")
def test_a_webhook_on_a_held_number_is_answered_with_its_items_as_rejected():
    desk = webhook_desk(a_desk("sms", connected=False))
    received = desk.receive("main", om.RawRequest(body=b"{}"))
    assert [item.result for item in received.items] == [REJECTED, "ignored", REJECTED]
    assert "its number is held" in (received.items[0].reason or "")
    assert received.conversations == ()
    answer = om.handle_webhook(desk, om.RawRequest(body=b"{}"), entry_point="main")
    assert answer.status == 200
    assert b"its number is held" in answer.body
    document = om.dump(desk.config)
    del document["entry_points"]["main"]["connected"]
    desk.apply(om.load_config(document))
    again = desk.receive("main", om.RawRequest(body=b"{}"))
    assert [item.result for item in again.items] == ["accepted", "duplicate", "accepted"]


def test_what_was_accepted_before_the_gate_closed_is_refused_when_it_is_routed(play):
    p = play(a_desk("sms"))
    p.desk.accept("main", inbound())
    edited(p, connected=False)
    p.desk.tick()
    assert every_conversation(p) == []


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.req("C11", "C12")
def test_a_channel_is_two_way_unless_it_is_set_and_one_way_refuses_contacts_only(play):
    p = play(a_desk("chat"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    assert p.desk.entry_points()[0].direction is om.ChannelDirection.TWO_WAY
    document = om.dump(p.desk.config)
    document["channels"] = {"chat": {"direction": "out_only"}}
    p.desk.apply(om.load_config(document))
    with pytest.raises(om.EntryPointClosed, match="one-way"):
        p.desk.receive("main", inbound("k9"))
    p.desk.reply(chat.id, "We will be back.", by="ana")
    p.deliver()
    assert p.contact("Maria").got[-1] == "We will be back."


@pytest.mark.req("C13")
def test_a_channel_that_is_disabled_leaves_open_conversations_as_they_are(play):
    p = play(a_desk("chat"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    held = p.desk.conversation(chat.id)
    document = om.dump(p.desk.config)
    document["channels"] = {"chat": {"direction": "out_only"}}
    with pytest.raises(om.PermissionDenied):
        p.desk.apply(om.load_config(document), by="ana")
    p.desk.apply(om.load_config(document))
    p.desk.tick()
    now = p.desk.conversation(chat.id)
    assert (now.state, now.agent, now.queue) == (held.state, "ana", "general")


@pytest.mark.req("T6")
@pytest.mark.parametrize("initiated", [True, False])
def test_a_channel_that_is_off_receives_nothing_and_nobody_can_start_whatever_else_is_set(
    play, initiated
):
    p = play(a_desk("chat", channel={"active": False, "agent_initiated": initiated}))
    for kind in (InboundKind.MESSAGE, InboundKind.REACTION):
        with pytest.raises(om.EntryPointClosed, match="is off"):
            p.desk.receive("main", inbound(kind=kind))
    assert every_conversation(p) == []
    setup = om.Setup(p.desk.config, 1)
    assert setup.direction("chat") is om.ChannelDirection.OFF
    assert not setup.agent_initiated("chat")
    assert om.dump(p.desk.config)["channels"]["chat"].get("agent_initiated", True) is initiated


@pytest.mark.req("U1")
@pytest.mark.parametrize(
    "content,taken",
    [
        ({"text": "Hello"}, True),
        (
            {"type": "image", "text": None, "attachments": (Attachment(kind="image", ref="r"),)},
            True,
        ),
        (
            {"type": "video", "text": None, "attachments": (Attachment(kind="video", ref="r"),)},
            True,
        ),
        (
            {"type": "audio", "text": None, "attachments": (Attachment(kind="audio", ref="r"),)},
            False,
        ),
        ({"type": "location", "text": None}, False),
        ({"kind": InboundKind.UNSUPPORTED, "text": None}, False),
        ({"kind": InboundKind.CHOICE, "text": "Yes, please"}, True),
    ],
)
def test_a_channel_takes_the_contents_it_is_set_to(play, content, taken):
    p = play(a_desk("whatsapp", channel={"contents": ["text", "image", "video"]}))
    if taken:
        assert p.desk.receive("main", inbound(**content)).conversations
        return
    with pytest.raises(om.UnsupportedContent):
        p.desk.receive("main", inbound(**content))
    assert every_conversation(p) == []


@pytest.mark.req("U1")
def test_a_channel_sends_the_contents_it_is_set_to(play):
    p = play(a_desk("whatsapp", channel={"contents": ["text", "image", "video"]}))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    files = [Attachment(kind="document", url="https://example.org/a.pdf")]
    with pytest.raises(om.UnsupportedContent):
        p.desk.reply(chat.id, "Here", by="ana", attachments=files)
    p.desk.reply(
        chat.id,
        "Here",
        by="ana",
        attachments=[Attachment(kind="image", url="https://example.org/a.png")],
    )


@pytest.mark.req("T1")
def test_two_channels_of_one_kind_have_policies_of_their_own_and_share_their_contacts(play):
    document = a_desk("whatsapp")
    document["channels"]["sales"] = {"type": "whatsapp", "policy": {"menu_text": "Sales!"}}
    document["inboxes"]["vip"] = {
        "sla": 1,
        "primary_for": ["sales"],
        "queues": ["Rings", "Watches"],
    }
    document["entry_points"]["shop"] = {"channel": "sales", "address": "shop-address"}
    p = play(document)
    first = p.contact("Maria", on="main").writes("Hello")
    item = Inbound(
        kind=InboundKind.MESSAGE,
        key="other",
        address="shop-address",
        text="Hello",
        sender=Sender(addresses=(first.address,)),
    )
    (second,) = p.desk.receive("shop", item).conversations
    assert (second.channel, second.inbox, second.contact) == ("sales", "vip", first.contact)
    p.deliver()
    assert p.contact("Maria").got[-1].startswith("Sales!")
