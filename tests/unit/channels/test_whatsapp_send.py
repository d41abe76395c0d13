from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from omniroute.channels.transports import drive
from omniroute.channels.whatsapp import WhatsAppAdapter
from omniroute.errors import DeliveryError, UnsupportedContent
from omniroute.instants import DAY, SECOND
from omniroute.model.wire import (
    Accepted,
    Attachment,
    Outgoing,
    OutRequest,
    OutResponse,
    Permanent,
    Retryable,
    SendContext,
    SendResult,
    Template,
    Unknown,
)
from omniroute.testing.standin import read_outbound
from tests.unit.channels.helpers import ADAPTER, NUMBER, PHONE, SETTINGS, USER_ID

HELLO = Outgoing(id="01JMESSAGE", to=PHONE, text="Hello")
IMAGE = Attachment(kind="image", ref="9001", mime_type="image/jpeg")


@frozen
class Provider:
    """A transport that takes everything, or answers as told, and remembers what it was asked."""

    answers: dict[int, OutResponse] = field(factory=dict)
    requests: list[OutRequest] = field(factory=list)

    def perform(self, request: OutRequest) -> OutResponse:
        number = len(self.requests)
        self.requests.append(request)
        taken = {"messages": [{"id": f"wamid.{number}"}]}
        return self.answers.get(number, OutResponse(status=200, body=json.dumps(taken).encode()))

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]


def send(
    message: Outgoing, context: SendContext | None = None, provider: Provider | None = None
) -> tuple[SendResult, list[dict[str, Any]]]:
    provider = provider or Provider()
    result = drive(ADAPTER.send(message, context or SendContext(), SETTINGS), provider)
    for request in provider.requests:
        read_outbound(request.body)
    return result, provider.bodies


def answered(response: OutResponse) -> SendResult:
    return drive(ADAPTER.send(HELLO, SendContext(), SETTINGS), Provider({0: response}))


def refusal(
    code: object, status: int = 400, message: str = "(#1) No", **headers: str
) -> OutResponse:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return OutResponse(status=status, headers=headers, body=json.dumps({"error": error}).encode())


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.req("S11")
def test_a_template_is_one_request_and_its_text_stays_here() -> None:
    template = Template("order_arrived", "pt_BR", ("4711", "hoje"))
    result, bodies = send(evolve(HELLO, text="O pedido 4711 chegou hoje", template=template))
    assert result == Accepted(("wamid.0",))
    assert bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": PHONE,
            "type": "template",
            "template": {
                "name": "order_arrived",
                "language": {"code": "pt_BR"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [
                            {"type": "text", "text": "4711"},
                            {"type": "text", "text": "hoje"},
                        ],
                    }
                ],
            },
            "biz_opaque_callback_data": "01JMESSAGE",
        }
    ]


def test_a_template_without_places_has_no_components() -> None:
    _, bodies = send(evolve(HELLO, text=None, template=Template("hello", "de")))
    assert bodies[0]["template"] == {"name": "hello", "language": {"code": "de"}}


def test_a_text_is_one_request() -> None:
    provider = Provider()
    result, bodies = send(evolve(HELLO, reply_to="wamid.IN1"), provider=provider)
    assert result == Accepted(("wamid.0",))
    assert bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": PHONE,
            "type": "text",
            "text": {"preview_url": False, "body": "Hello"},
            "context": {"message_id": "wamid.IN1"},
            "biz_opaque_callback_data": "01JMESSAGE",
        }
    ]
    (request,) = provider.requests
    assert request.method == "POST"
    assert request.url == f"https://graph.facebook.com/v25.0/{NUMBER}/messages"
    assert request.headers["authorization"] == "Bearer access-token-for-tests"
    assert request.headers["content-type"] == "application/json"


def test_a_retry_of_the_same_message_carries_the_same_id() -> None:
    first, second = send(HELLO)[1], send(HELLO)[1]
    assert first == second


def test_an_id_too_long_for_the_provider_is_not_sent_along() -> None:
    assert "biz_opaque_callback_data" in send(evolve(HELLO, id="m" * 512))[1][0]
    assert "biz_opaque_callback_data" not in send(evolve(HELLO, id="m" * 513))[1][0]


@pytest.mark.parametrize("user_id", [USER_ID, "US.ENT.11815799212886844830"])
def test_a_business_scoped_id_has_a_field_of_its_own(user_id: str) -> None:
    (body,) = send(evolve(HELLO, to=user_id))[1]
    assert body["recipient"] == user_id
    assert "to" not in body


def test_an_answer_to_a_group_goes_to_the_group() -> None:
    (body,) = send(HELLO, SendContext(carry={"group_id": "1203@g.us"}))[1]
    assert (body["recipient_type"], body["to"]) == ("group", "1203@g.us")


def test_text_that_cannot_be_encoded_is_sent_with_a_mark_for_it() -> None:
    (body,) = send(evolve(HELLO, text="a\ud800b"))[1]
    assert body["text"]["body"] == "a?b"


@pytest.mark.parametrize(
    "attachment, content",
    [
        (IMAGE, {"id": "9001"}),
        (evolve(IMAGE, caption="Look"), {"id": "9001", "caption": "Look"}),
        (
            Attachment(kind="video", url="https://x.example/v.mp4"),
            {"link": "https://x.example/v.mp4"},
        ),
        (
            Attachment(kind="document", ref="7", filename="a.pdf", caption="Signed"),
            {"id": "7", "filename": "a.pdf", "caption": "Signed"},
        ),
        (Attachment(kind="audio", ref="8", mime_type="audio/ogg; codecs=opus"), {"id": "8"}),
        (Attachment(kind="audio", ref="8", voice=True), {"id": "8", "voice": True}),
        (Attachment(kind="sticker", ref="9", filename="x.webp"), {"id": "9"}),
    ],
)
def test_an_attachment_is_sent_by_its_id_or_link(
    attachment: Attachment, content: dict[str, str]
) -> None:
    (body,) = send(Outgoing(id="m", to=PHONE, attachments=(attachment,)))[1]
    assert body["type"] == attachment.kind
    assert body[attachment.kind] == content


def test_a_text_beside_one_attachment_is_its_caption() -> None:
    (body,) = send(evolve(HELLO, attachments=(IMAGE,)))[1]
    assert body["image"] == {"id": "9001", "caption": "Hello"}


@pytest.mark.parametrize(
    "attachments",
    [
        (IMAGE, IMAGE),
        (evolve(IMAGE, caption="Mine"),),
        (Attachment(kind="audio", ref="1"),),
        (Attachment(kind="sticker", ref="1"),),
    ],
)
def test_otherwise_a_text_goes_first(attachments: tuple[Attachment, ...]) -> None:
    bodies = send(evolve(HELLO, attachments=attachments))[1]
    assert [body["type"] for body in bodies] == ["text", *(each.kind for each in attachments)]
    assert bodies[0]["text"]["body"] == "Hello"


@pytest.mark.parametrize("kind", ["image", "audio", "sticker"])
def test_a_caption_that_does_not_fit_follows_as_text(kind: str) -> None:
    caption = "c" * 1025 if kind == "image" else "short"
    attachment = Attachment(kind=kind, ref="1", caption=caption)
    media, text = send(Outgoing(id="m", to=PHONE, attachments=(attachment,)))[1]
    assert media[kind] == {"id": "1"}
    assert text["text"]["body"] == caption


def test_a_caption_of_just_the_limit_fits() -> None:
    (body,) = send(evolve(HELLO, text="c" * 1024, attachments=(IMAGE,)))[1]
    assert body["image"]["caption"] == "c" * 1024
    assert len(send(evolve(HELLO, text="c" * 1025, attachments=(IMAGE,)))[1]) == 2


# --- parts ----------------------------------------------------------------------------------------


def test_a_long_text_goes_out_in_parts() -> None:
    text = "\n\n".join(["word " * 500] * 5)
    result, bodies = send(evolve(HELLO, text=text, reply_to="wamid.IN1"))
    assert result == Accepted(tuple(f"wamid.{number}" for number in range(len(bodies))))
    parts = [body["text"]["body"] for body in bodies]
    assert len(parts) == 5
    assert max(map(len, parts)) <= 4096
    assert " ".join(parts).split() == text.split()
    assert ["context" in body for body in bodies] == [True, False, False, False, False]


@given(text=st.text(min_size=1, max_size=50).map(lambda text: text * 200))
def test_nothing_is_cut_silently(text: str) -> None:
    parts = WhatsAppAdapter().send(evolve(HELLO, text=text), SendContext(), SETTINGS)
    provider = Provider()
    try:
        drive(parts, provider)
    except UnsupportedContent:
        assert not text.strip()
    sent = "".join(body["text"]["body"] for body in provider.bodies)
    assert "".join(sent.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "failure, expected",
    [
        (OutResponse(error="ConnectError", sent=False), Retryable),
        (OutResponse(status=503), Retryable),
        (OutResponse(error="ReadTimeout"), Unknown),
        (refusal(131047), Permanent),
    ],
)
def test_a_message_resumes_at_the_part_that_failed(
    failure: OutResponse, expected: type[SendResult]
) -> None:
    message = evolve(HELLO, text="x" * 10_000)
    whole = send(message)[1]
    result, first = send(message, provider=Provider({1: failure}))
    assert isinstance(result, expected)
    assert not isinstance(result, Accepted)
    assert (result.step, result.sent_ids) == (1, ("wamid.0",))
    context = SendContext(step=result.step, sent_ids=("earlier",))
    end, rest = send(message, context)
    assert end == Accepted(("earlier", "wamid.0", "wamid.1"))
    assert [*first[:1], *rest] == whole


def test_when_every_part_is_out_nothing_is_sent() -> None:
    result, bodies = send(HELLO, SendContext(step=1, sent_ids=("wamid.9",)))
    assert (result, bodies) == (Accepted(("wamid.9",)), [])


# --- what the channel does not carry --------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        Outgoing(id="m", to=PHONE),
        Outgoing(id="m", to=PHONE, text=" \n"),
        Outgoing(id="m", to=PHONE, attachments=(Attachment(kind="hologram", ref="1"),)),
        Outgoing(id="m", to=PHONE, attachments=(Attachment(kind="image"),)),
        Outgoing(id="m", to=PHONE, attachments=(evolve(IMAGE, size=5 * 1024 * 1024 + 1),)),
        Outgoing(id="m", to=PHONE, attachments=(evolve(IMAGE, mime_type="image/gif"),)),
        Outgoing(id="m", to=PHONE, text="x", attachments=(IMAGE, Attachment(kind="x", ref="1"))),
    ],
)
def test_what_cannot_be_carried_is_refused_before_anything_is_sent(message: Outgoing) -> None:
    provider = Provider()
    with pytest.raises(UnsupportedContent):
        drive(ADAPTER.send(message, SendContext(), SETTINGS), provider)
    assert provider.requests == []


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        refusal(130429),
        refusal(130429, status=429),
        refusal(131056),
        refusal(4),
        refusal(80007),
        refusal("130429"),
        refusal(131000, status=500),
        OutResponse(status=500),
        OutResponse(status=502, body=b"<html>Bad gateway</html>"),
        OutResponse(status=503),
        OutResponse(status=429),
        OutResponse(error="ConnectError", sent=False),
    ],
)
def test_what_may_go_out_later(response: OutResponse) -> None:
    result = answered(response)
    assert isinstance(result, Retryable)
    assert result.after is None


@pytest.mark.parametrize(
    "response",
    [
        refusal(131047),
        refusal(131026),
        refusal(131051),
        refusal(131053),
        refusal(131053, status=500),
        refusal(132000),
        refusal(132999, status=503),
        refusal(190, status=401),
        refusal(368, status=403),
        refusal(100),
        OutResponse(status=404),
        OutResponse(status=302, headers={"location": "https://elsewhere.example"}),
    ],
)
def test_what_will_never_go_out(response: OutResponse) -> None:
    assert isinstance(answered(response), Permanent)


@pytest.mark.parametrize(
    "response",
    [
        OutResponse(error="ReadTimeout"),
        OutResponse(error="RemoteProtocolError", sent=True),
        OutResponse(status=200),
        OutResponse(status=200, body=b"<html>"),
        OutResponse(status=200, body=b"[]"),
        OutResponse(status=200, body=b'{"messages": []}'),
        OutResponse(status=200, body=b'{"messages": {"id": "x"}}'),
        OutResponse(status=200, body=b'{"messages": [{"id": null}]}'),
        OutResponse(status=200, body=b"[" * 100_000),
    ],
)
def test_what_nobody_knows(response: OutResponse) -> None:
    assert isinstance(answered(response), Unknown)


def test_a_refusal_says_why() -> None:
    details = {"details": "More than 24 hours have passed"}
    error = {"message": "(#131047) Re-engagement", "code": 131047, "error_data": details}
    body = {"error": error}
    result = answered(OutResponse(status=400, body=json.dumps(body).encode()))
    assert result == Permanent("HTTP 400, code 131047: More than 24 hours have passed", "131047")
    assert answered(OutResponse(status=404)) == Permanent("HTTP 404: no reason given")
    endless = answered(refusal(100, message="x" * 5_000))
    assert isinstance(endless, Permanent)
    assert len(endless.reason) == 300


@pytest.mark.parametrize(
    "header, after",
    [
        ("7", 7 * SECOND),
        ("0", 0),
        ("999999999", DAY),
        ("9999999999", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ],
)
def test_how_long_to_wait_is_taken_from_the_provider(header: str, after: int | None) -> None:
    result = answered(OutResponse(status=429, headers={"Retry-After": header}))
    assert isinstance(result, Retryable)
    assert result.after == after


@pytest.mark.req("R15")
def test_no_request_or_result_shows_the_token() -> None:
    provider = Provider({0: refusal(190, status=401)})
    result = drive(ADAPTER.send(HELLO, SendContext(), SETTINGS), provider)
    assert "access-token-for-tests" not in repr(provider.requests) + repr(result)


# --- fetching -------------------------------------------------------------------------------------


def fetch(media: Attachment, *answers: OutResponse) -> tuple[bytes, list[OutRequest]]:
    provider = Provider(dict(enumerate(answers)))
    body = drive(ADAPTER.fetch(media, SETTINGS), provider)
    return body, provider.requests


def located(url: object) -> OutResponse:
    return OutResponse(status=200, body=json.dumps({"url": url, "id": "9001"}).encode())


FILE = OutResponse(status=200, body=b"bytes")


def test_an_attachment_is_looked_up_and_downloaded() -> None:
    url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=9001"
    body, (lookup, download) = fetch(IMAGE, located(url), FILE)
    assert body == b"bytes"
    assert lookup.url == "https://graph.facebook.com/v25.0/9001"
    assert download.url == url
    assert lookup.headers == download.headers == {"authorization": "Bearer access-token-for-tests"}
    assert download.max_answer == 5 * 1024 * 1024


def test_a_link_is_used_where_there_is_no_id() -> None:
    url = "https://lookaside.fbsbx.com/x"
    assert fetch(Attachment(kind="image", url=url), FILE)[1][0].url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://lookaside.fbsbx.com:8443/x",
        "http://graph.facebook.com/x",
        "https://graph.facebook.com@evil.example/x",
    ],
)
def test_the_token_is_shown_to_the_provider_only(url: str) -> None:
    _, (_, download) = fetch(IMAGE, located(url), FILE)
    assert download.headers == {}


@pytest.mark.parametrize(
    "url", [None, "", 7, "file:///etc/passwd", "lookaside.fbsbx.com/x", "https://", "http://[x"]
)
def test_what_is_no_link_is_not_followed(url: object) -> None:
    with pytest.raises(DeliveryError, match="has no link"):
        fetch(IMAGE, located(url), FILE)


@pytest.mark.parametrize(
    "answers",
    [
        (refusal(100),),
        (OutResponse(error="ReadTimeout"),),
        (located("https://x.example/"), OutResponse(status=404)),
        (located("https://x.example/"), OutResponse(error="the answer is larger")),
    ],
)
def test_what_the_provider_does_not_give_is_an_error(answers: tuple[OutResponse, ...]) -> None:
    with pytest.raises(DeliveryError, match="could not be fetched"):
        fetch(IMAGE, *answers)


def test_more_than_the_kind_may_have_is_refused() -> None:
    large = OutResponse(status=200, body=b"x" * (500 * 1024 + 1))
    with pytest.raises(DeliveryError, match="at most 512000 bytes"):
        fetch(Attachment(kind="sticker", ref="1"), located("https://x.example/"), large)
