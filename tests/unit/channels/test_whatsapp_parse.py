from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.channels.json_body import MAX_IDENTIFIER
from omniroute.errors import MalformedPayload, PayloadError
from omniroute.instants import SECOND
from omniroute.model.wire import (
    Attachment,
    Choice,
    DeliveryStatus,
    Inbound,
    InboundKind,
    RawRequest,
    Sender,
)
from omniroute.rules.handed_over import item_problem
from tests.unit.channels.helpers import (
    ADAPTER,
    FIXTURES,
    NUMBER,
    PHONE,
    SETTINGS,
    USER_ID,
    WEBHOOKS,
    only,
    parse,
    payload,
    webhook,
)

K = InboundKind
S = DeliveryStatus


def message(content: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return WEBHOOKS.message(PHONE, content, **rest)


def parse_messages(*messages: Any, contacts: Any = ()) -> tuple[Inbound, ...]:
    value = {"metadata": {"phone_number_id": NUMBER}, "contacts": contacts, "messages": messages}
    result = parse(json.loads(WEBHOOKS.signed(value).body))
    assert result.rejected == ()
    return result.items


# --- who, when, where -----------------------------------------------------------------------------


def test_a_message_tells_who_when_and_where() -> None:
    assert only("text") == Inbound(
        kind=K.MESSAGE,
        key="wamid.FIX0001",
        address=NUMBER,
        sender=Sender(addresses=(PHONE,), name="Mira Lund"),
        at=1_760_000_001 * SECOND,
        type="text",
        text="Wo ist mein Paket? 📦",
        extra={"display_phone_number": "4930901820"},
    )


def test_the_business_scoped_id_comes_before_the_number() -> None:
    item = only("text-both-identities")
    assert item.sender == Sender(addresses=(USER_ID, PHONE), name="Mira Lund")
    assert item.extra["username"] == "@mira"


def test_a_contact_may_hide_the_number_and_write_in_a_group() -> None:
    item = only("text-group-hidden-number")
    assert item.sender == Sender(addresses=(USER_ID,), name="Mira Lund")
    assert item.thread == "120363000000000001@g.us"
    assert item.carry == {"group_id": "120363000000000001@g.us"}
    assert item.extra["group_id"] == "120363000000000001@g.us"
    assert item.extra["parent_user_id"] == "DE.ENT.4455"


def test_several_contacts_are_told_apart() -> None:
    text = {"id": "m", "type": "text", "text": {"body": "x"}}
    items = parse_messages(
        {**text, "from": "4911111"},
        {**text, "from_user_id": "DE.2"},
        {**text, "from": "4933333"},
        contacts=[
            {"profile": {"name": "Two"}, "user_id": "DE.2", "wa_id": "4922222"},
            {"profile": {"name": "One"}, "user_id": "DE.1", "wa_id": "4911111"},
        ],
    )
    assert [item.sender for item in items] == [
        Sender(addresses=("DE.1", "4911111"), name="One"),
        Sender(addresses=("DE.2", "4922222"), name="Two"),
        Sender(addresses=("4933333",)),
    ]


def test_a_lone_contact_is_the_sender_even_under_another_number() -> None:
    contact = {"profile": {"name": "Ana"}, "wa_id": "5491112345678", "user_id": "AR.1"}
    text = {"id": "m", "type": "text", "text": {"body": "x"}}
    (item,) = parse_messages({**text, "from": "541112345678"}, contacts=[contact])
    assert item.sender == Sender(addresses=("AR.1", "541112345678", "5491112345678"), name="Ana")
    (other,) = parse_messages({**text, "from_user_id": "AR.2"}, contacts=[contact])
    assert other.sender == Sender(addresses=("AR.2",))


def test_one_contact_is_not_given_the_items_of_others() -> None:
    contact = {"profile": {"name": "Ana"}, "wa_id": "4911111", "user_id": "DE.1"}
    text = {"id": "m", "type": "text", "text": {"body": "x"}}
    items = parse_messages(
        {**text, "from": "4911111"}, {**text, "from": "4922222"}, contacts=[contact]
    )
    assert items[1].sender == Sender(addresses=("4922222",))


def test_what_a_message_answers_or_came_by_is_kept() -> None:
    assert only("text-in-reply").reply_to == "wamid.OUT0001"
    forwarded = only("text-forwarded")
    assert forwarded.reply_to is None
    assert forwarded.extra["forwarded"] is True
    assert forwarded.extra["frequently_forwarded"] is True
    assert only("text-from-advertisement").extra["referral"]["source_id"] == "120212"
    product = only("text-about-product").extra["referred_product"]
    assert product["product_retailer_id"] == "sku-9"


@pytest.mark.parametrize(
    "timestamp",
    [None, "", "yesterday", "-1", "1.5", "٣", True, 1.5, "9" * 12, "9" * 400, {}, "1760000001 "],
)
def test_a_message_is_not_lost_over_its_timestamp(timestamp: object) -> None:
    text = {"from": PHONE, "id": "m", "type": "text", "text": {"body": "x"}}
    (item,) = parse_messages({**text, "timestamp": timestamp})
    assert item.at is None


def test_timestamps_are_seconds_as_text_or_numbers() -> None:
    text = {"from": PHONE, "id": "m", "type": "text", "text": {"body": "x"}}
    items = parse_messages({**text, "timestamp": 1}, {**text, "timestamp": "253402300799"})
    assert [item.at for item in items] == [SECOND, 253_402_300_799 * SECOND]


def test_messages_that_another_handler_answers_are_marked() -> None:
    item = only("standby")
    assert item.kind is K.MESSAGE
    assert item.extra["standby"] is True


# --- what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, expected",
    [
        (
            "image-caption",
            Attachment(
                kind="image",
                ref="9001",
                url="https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=9001",
                mime_type="image/jpeg",
                caption="The broken lid",
                sha256="aGFuZG1hZGUtaW1hZ2U=",
            ),
        ),
        (
            "video",
            Attachment(
                kind="video", ref="9002", mime_type="video/mp4", sha256="aGFuZG1hZGUtdmlkZW8="
            ),
        ),
        (
            "voice",
            Attachment(
                kind="audio",
                ref="9003",
                mime_type="audio/ogg; codecs=opus",
                sha256="aGFuZG1hZGUtdm9pY2U=",
                voice=True,
            ),
        ),
        (
            "audio",
            Attachment(
                kind="audio", ref="9004", mime_type="audio/mpeg", sha256="aGFuZG1hZGUtYXVkaW8="
            ),
        ),
        (
            "document",
            Attachment(
                kind="document",
                ref="9005",
                mime_type="application/pdf",
                filename="contract.pdf",
                caption="Signed",
                sha256="aGFuZG1hZGUtcGRm",
            ),
        ),
        (
            "sticker",
            Attachment(
                kind="sticker", ref="9006", mime_type="image/webp", sha256="aGFuZG1hZGUtd2VicA=="
            ),
        ),
    ],
)
def test_media(name: str, expected: Attachment) -> None:
    item = only(name)
    assert item.kind is K.MESSAGE
    assert item.type == expected.kind
    assert item.attachments == (expected,)
    assert item.text == expected.caption


def test_a_location() -> None:
    item = only("location")
    assert (item.kind, item.type, item.text) == (K.MESSAGE, "location", None)
    assert item.extra["location"]["latitude"] == 52.520008
    assert item.extra["location"]["name"] == "Alexanderplatz"


def test_contact_cards() -> None:
    item = only("contacts")
    assert (item.kind, item.type) == (K.MESSAGE, "contacts")
    assert [card["name"]["formatted_name"] for card in item.extra["contacts"]] == ["Jo Berg"]
    assert item.extra["origin"] == "other"


def test_an_order() -> None:
    item = only("order")
    assert (item.kind, item.type, item.text) == (K.MESSAGE, "order", "Gift-wrapped please")
    assert item.extra["order"]["product_items"][0]["quantity"] == 2


@pytest.mark.parametrize(
    "name, type_, choice",
    [
        ("button-reply", "interactive", Choice(id="queue-tech", title="Technik")),
        ("list-reply", "interactive", Choice(id="queue-router", title="Router")),
        ("template-button", "button", Choice(id="confirm-42", title="Confirm")),
    ],
)
def test_choices(name: str, type_: str, choice: Choice) -> None:
    item = only(name)
    assert (item.kind, item.type, item.text, item.choice) == (K.CHOICE, type_, choice.title, choice)


def test_a_list_choice_keeps_its_description() -> None:
    assert only("list-reply").extra["choice_description"] == "No connection"


def test_a_button_without_a_payload_is_chosen_by_its_text() -> None:
    text_only = parse_messages(
        {"from": PHONE, "id": "m", "type": "button", "button": {"text": "Yes"}}
    )
    assert text_only[0].choice == Choice(id="Yes", title="Yes")
    id_only = parse_messages({"from": PHONE, "id": "m", "type": "button", "button": {"payload": 7}})
    assert id_only[0].choice == Choice(id="7", title="7")


def test_a_form_is_kept_as_it_came() -> None:
    item = only("form-reply")
    assert (item.kind, item.type, item.text) == (K.FORM, "interactive", "Sent")
    assert item.extra["form_response_json"] == '{"flow_token":"t-1","rating":"5"}'
    assert item.extra["form_name"] == "flow"


def test_a_reaction_and_its_removal() -> None:
    given, removed = only("reaction"), only("reaction-removed")
    assert (given.kind, given.target, given.emoji) == (K.REACTION, "wamid.OUT0005", "👍🏽")
    assert (removed.kind, removed.target, removed.emoji) == (K.REACTION, "wamid.OUT0005", None)
    assert given.key != removed.key != given.target
    blank = {"type": "reaction", "reaction": {"message_id": "x", "emoji": ""}}
    assert parse(WEBHOOKS.signed(message(blank)).body).items[0].emoji is None


def test_edits_carry_the_new_content() -> None:
    text, caption = only("edit-text"), only("edit-caption")
    assert (text.kind, text.type, text.target) == (K.EDIT, "edit", "wamid.FIX0001")
    assert text.text == "Wo ist mein Päckchen?"
    assert text.key not in {text.target, ""}
    assert (caption.kind, caption.target) == (K.EDIT, "wamid.FIX0008")
    assert (caption.text, caption.attachments[0].ref) == ("The broken handle", "9001")


def test_a_revoked_message() -> None:
    item = only("revoke")
    assert (item.kind, item.type, item.target) == (K.DELETE, "revoke", "wamid.FIX0001")
    assert item.key != item.target


def test_changes_of_identity() -> None:
    number, user_id = only("system-number-changed"), only("system-user-id-changed")
    assert (number.kind, number.type) == (K.SYSTEM, "system")
    assert number.sender == Sender(addresses=(USER_ID, PHONE))
    assert number.new_addresses == ("DE.11112222333344445555", "4915187654321")
    assert number.extra["system"]["type"] == "user_changed_number"
    assert user_id.sender == Sender(addresses=(USER_ID,))
    assert user_id.new_addresses == ("DE.11112222333344445555",)


def test_a_change_of_identity_in_its_older_form() -> None:
    item = only("user-id-update")
    assert (item.kind, item.type) == (K.SYSTEM, "user_id_update")
    assert item.sender == Sender(addresses=(USER_ID, PHONE), name="Mira Lund")
    assert item.new_addresses == ("DE.11112222333344445555",)
    assert item.key.startswith("user_id_update:")


def test_what_the_provider_cannot_pass_on() -> None:
    item = only("unsupported")
    assert (item.kind, item.type, item.text) == (K.UNSUPPORTED, "unsupported", None)
    assert item.error_code == "131051"
    assert item.error_text == "Message type is currently not supported."
    assert item.extra["errors"][0]["code"] == 131051
    assert item.extra["content"] == {"type": "poll_creation"}


@pytest.mark.parametrize(
    "name, type_", [("type-unheard-of", "hologram"), ("interactive-unknown", "interactive")]
)
def test_what_nobody_has_heard_of_is_unsupported_and_kept(name: str, type_: str) -> None:
    item = only(name)
    assert (item.kind, item.type) == (K.UNSUPPORTED, type_)
    assert item.extra["content"]


def test_opening_a_chat_is_no_message() -> None:
    item = only("request-welcome")
    assert (item.kind, item.type, item.text) == (K.SYSTEM, "request_welcome", None)


@pytest.mark.req("P16")
@pytest.mark.parametrize(
    "name",
    [
        "reaction",
        "reaction-removed",
        "edit-text",
        "revoke",
        "system-number-changed",
        "system-user-id-changed",
        "user-id-update",
        "request-welcome",
        "status-read",
        "status-failed",
        "status-of-tomorrow",
        "errors",
        "echo",
        "echo-revoked",
    ],
)
def test_what_is_not_the_contacts_own_content_is_not_taken_for_it(name: str) -> None:
    assert not only(name).kind.is_content


@pytest.mark.req("P16")
@pytest.mark.parametrize(
    "name",
    [
        "text",
        "sticker",
        "location",
        "contacts",
        "order",
        "list-reply",
        "template-button",
        "form-reply",
        "unsupported",
        "type-unheard-of",
    ],
)
def test_the_contacts_own_content_is_taken_for_it(name: str) -> None:
    assert only(name).kind.is_content


# --- statuses, errors, echoes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, status, key",
    [
        ("status-sent", S.SENT, "wamid.OUT0006:sent"),
        ("status-delivered", S.DELIVERED, "wamid.OUT0006:delivered"),
        ("status-read", S.READ, "wamid.OUT0006:read"),
        ("status-played", S.READ, "wamid.OUT0006:played"),
        ("status-failed", S.FAILED, "wamid.OUT0006:failed:131047"),
    ],
)
def test_statuses(name: str, status: DeliveryStatus, key: str) -> None:
    item = only(name)
    assert (item.kind, item.type, item.status) == (K.STATUS, "status", status)
    assert (item.key, item.target) == (key, "wamid.OUT0006")
    assert item.at == 1_760_001_000 * SECOND
    assert item.sender is not None
    assert PHONE in item.sender.addresses


def test_a_status_finds_its_message_by_our_own_id_too() -> None:
    assert only("status-sent").outgoing == "01J0MESSAGE"


def test_a_status_knows_the_recipients_business_scoped_id() -> None:
    assert only("status-delivered").sender == Sender(addresses=(USER_ID, PHONE), name="Mira Lund")


def test_a_failure_tells_why() -> None:
    item = only("status-failed")
    assert item.error_code == "131047"
    assert item.error_text is not None
    assert item.error_text.startswith("More than 24 hours")


def test_a_status_nobody_has_heard_of_moves_nothing() -> None:
    item = only("status-of-tomorrow")
    assert (item.kind, item.status, item.target) == (K.SYSTEM, None, "wamid.OUT0006")
    assert item.extra["provider_status"] == "teleported"


def test_in_a_group_every_member_has_a_status() -> None:
    items = ADAPTER.parse(webhook("status-group"), SETTINGS).items
    assert [item.key for item in items] == [
        "wamid.OUT0007:read:4915112345678",
        "wamid.OUT0007:read:4915199999999",
    ]
    assert {item.thread for item in items} == {"120363000000000001@g.us"}
    assert items[1].sender == Sender(addresses=("4915199999999",))


def test_a_problem_of_the_account() -> None:
    item = only("errors")
    assert (item.kind, item.type, item.error_code) == (K.SYSTEM, "error", "130429")
    assert item.error_text is not None
    assert item.error_text.startswith("Message failed to send")
    other = payload("errors")
    other["entry"][0]["changes"][0]["value"]["errors"][0]["code"] = 4
    assert item.key == only("errors").key != parse(other).items[0].key


def test_echoes_are_of_whom_they_were_written_to() -> None:
    echo, revoked = only("echo"), only("echo-revoked")
    assert (echo.kind, echo.type, echo.text) == (K.ECHO, "text", "We called you back")
    assert echo.sender == Sender(addresses=(PHONE,))
    assert (revoked.kind, revoked.type, revoked.target) == (K.ECHO, "revoke", "wamid.ECHO1")


def test_an_echo_to_nobody_is_rejected() -> None:
    body = payload("echo")
    del body["entry"][0]["changes"][0]["value"]["message_echoes"][0]["to"]
    (rejected,) = parse(body).rejected
    assert rejected.where == "entry[0].changes[0].value.message_echoes[0]"


# --- what cannot be used --------------------------------------------------------------------------


@pytest.mark.req("R13")
def test_bad_items_are_rejected_with_their_path_and_lose_no_neighbour() -> None:
    result = ADAPTER.parse(webhook("batch-with-bad-items"), SETTINGS)
    assert [(item.kind, item.text) for item in result.items] == [
        (K.MESSAGE, "first"),
        (K.MESSAGE, "last"),
        (K.STATUS, None),
        (K.MESSAGE, "other entry"),
    ]
    value = "entry[0].changes[{}].value"
    assert [rejected.where for rejected in result.rejected] == [
        value.format(0) + ".messages[1]",
        value.format(0) + ".messages[2]",
        value.format(0) + ".messages[3]",
        value.format(1) + ".messages[0]",
        value.format(2) + ".statuses[1]",
        value.format(3) + ".messages[0]",
        "entry[1].changes",
    ]
    assert result.rejected[0].reason == (
        f"{value.format(0)}.messages[1].text.body: cannot be used; expected text, got nothing"
    )
    assert result.rejected[0].key == "wamid.FIX0034"


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": "x" * (MAX_IDENTIFIER + 1)},
        {"id": True},
        {"type": None},
        {"type": "text", "text": {"body": ""}},
        {"type": "text", "text": "body"},
        {"type": "image", "image": None},
        {"type": "location", "location": {"latitude": "north", "longitude": 1}},
        {"type": "location", "location": {"latitude": 1, "longitude": True}},
        {"type": "contacts", "contacts": []},
        {"type": "contacts", "contacts": ["Jo"]},
        {"type": "contacts", "contacts": {"name": "Jo"}},
        {"type": "interactive", "interactive": {}},
        {"type": "interactive", "interactive": {"type": "button_reply"}},
        {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}},
        {"type": "button", "button": {}},
        {"type": "reaction", "reaction": {"emoji": "x"}},
        {"type": "order", "order": []},
        {"type": "edit", "edit": {"original_message_id": "a"}},
        {"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "x"}}}},
        {"type": "revoke", "revoke": {}},
        {"type": "system", "system": "changed"},
    ],
)
def test_a_message_that_lacks_what_its_type_promises_is_rejected(change: dict[str, Any]) -> None:
    value = message({"type": "text", "text": {"body": "x"}})
    value["messages"][0].update(change)
    result = parse(WEBHOOKS.signed(value).body)
    assert result.items == ()
    assert len(result.rejected) == 1


@pytest.mark.parametrize(
    "change, where",
    [
        ("x", "entry[0].changes[0]"),
        ({"field": "messages"}, "entry[0].changes[0].value"),
        ({"field": "messages", "value": []}, "entry[0].changes[0].value"),
        ({"field": "messages", "value": {}}, "entry[0].changes[0].value"),
        ({"value": {"messages": {}}}, "entry[0].changes[0].value.messages"),
    ],
)
def test_a_change_without_items_is_rejected(change: object, where: str) -> None:
    result = parse({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    assert [rejected.where for rejected in result.rejected] == [where]


def test_subscriptions_that_carry_no_messages_are_passed_over() -> None:
    change = {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT", "errors": [{}]}}
    result = parse({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    assert (result.items, result.rejected) == ((), ())


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        "text",
        {"object": "page", "entry": []},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": {}},
    ],
)
def test_what_is_not_a_webhook_of_whatsapp_is_malformed(body: object) -> None:
    with pytest.raises(MalformedPayload):
        parse(body)


@pytest.mark.req("R13")
def test_text_that_no_database_holds_is_cleaned() -> None:
    body = WEBHOOKS.text(PHONE, "MARK").body.replace(b"MARK", b"a\\u0000b\\ud800c\\ud83d\\ude00")
    assert parse(body).items[0].text == "a\ufffdb\ufffdc😀"


def test_rejections_quote_nothing_that_a_contact_wrote() -> None:
    value = message({"type": "text", "text": "my card number is 4111"})
    (rejected,) = parse(WEBHOOKS.signed(value).body).rejected
    assert "4111" not in rejected.reason


# --- addresses ------------------------------------------------------------------------------------


def test_addresses_are_those_of_the_numbers_in_order_and_once() -> None:
    values = [{"metadata": {"phone_number_id": each}} for each in ("2", "1", "2", 3)]
    assert ADAPTER.addresses(WEBHOOKS.signed(*values)) == ["2", "1", "3"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"object": "page", "entry": [{"changes": []}]}',
        b'{"object": "whatsapp_business_account"}',
        b'{"object": "whatsapp_business_account", "entry": 1}',
        b'{"object": "whatsapp_business_account", "entry": [1, {"changes": {}}, {"changes": [2]}]}',
        b"[" * 100_000,
    ],
)
def test_garbage_is_for_nobody(body: bytes) -> None:
    assert ADAPTER.addresses(RawRequest(body=body)) == []


# --- anything -------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", _NAMES)
def test_whatever_is_read_can_be_kept(name: str) -> None:
    items = parse(payload(name)).items
    assert items
    assert [item_problem(each) for each in items] == [None] * len(items)


def _replace(value: Any, steps: list[int], new: Any) -> Any:
    """Return `value` with what is found by following `steps` replaced."""
    if not steps or not isinstance(value, dict | list) or not value:
        return new
    if isinstance(value, dict):
        key = sorted(value)[steps[0] % len(value)]
        return {**value, key: _replace(value[key], steps[1:], new)}
    index = steps[0] % len(value)
    return [*value[:index], _replace(value[index], steps[1:], new), *value[index + 1 :]]


@pytest.mark.req("R13")
@given(
    name=st.sampled_from(_NAMES),
    steps=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    new=_JSON,
)
def test_whatever_stands_anywhere_parsing_raises_nothing_but_payload_errors(
    name: str, steps: list[int], new: Any
) -> None:
    body = json.dumps(_replace(payload(name), steps, new)).encode()
    ADAPTER.addresses(RawRequest(body=body))
    try:
        result = parse(body)
    except PayloadError:
        return
    for item in result.items:
        assert item_problem(item) is None
        json.dumps([item.extra, item.carry], allow_nan=False)
        assert item.key
        assert item.address
