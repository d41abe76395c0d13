from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Generator, Iterator

import httpx
import pytest
from attrs import evolve

from omniroute.channels.builtin import BuiltinAdapters
from omniroute.channels.transports import HttpxTransport, drive
from omniroute.channels.whatsapp import WhatsAppAdapter
from omniroute.errors import SignatureInvalid, UsageError
from omniroute.instants import SECOND
from omniroute.model.secret import Secret
from omniroute.model.wire import (
    Accepted,
    Attachment,
    Choice,
    DeliveryStatus,
    Inbound,
    InboundKind,
    Outgoing,
    OutRequest,
    OutResponse,
    Permanent,
    Retryable,
    SendContext,
    SendResult,
    Unknown,
)
from omniroute.testing.standin import StandInProvider

ADAPTER = WhatsAppAdapter()
PHONE = "4915112345678"
HELLO = Outgoing(id="01JMESSAGE", to=PHONE, text="Hello 👋")


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with StandInProvider() as provider:
        yield provider


@pytest.fixture
def transport() -> Iterator[HttpxTransport]:
    transport = HttpxTransport()
    yield transport
    transport.close()


def send(
    provider: StandInProvider,
    transport: HttpxTransport,
    message: Outgoing = HELLO,
    context: SendContext | None = None,
) -> SendResult:
    context = context or SendContext()
    return drive(ADAPTER.send(message, context, provider.settings), transport)


# --- over HTTP, against the stand-in --------------------------------------------------------------


def test_a_message_really_goes_over_http(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    assert send(provider, transport) == Accepted(("wamid.OUT00000001",))
    (accepted,) = provider.accepted
    assert (accepted.id, accepted.to, accepted.kind) == ("wamid.OUT00000001", PHONE, "text")
    assert accepted.text == "Hello 👋"
    assert accepted.body["biz_opaque_callback_data"] == "01JMESSAGE"


def test_text_attachments_and_hidden_numbers_are_taken(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    pictures = tuple(Attachment(kind="image", ref=str(number)) for number in range(2))
    message = Outgoing(id="m", to="US.13491208655302741918", text="Two", attachments=pictures)
    result = send(provider, transport, message)
    assert isinstance(result, Accepted)
    assert len(result.provider_ids) == 3
    assert [taken.kind for taken in provider.accepted] == ["text", "image", "image"]
    assert {taken.to for taken in provider.accepted} == {"US.13491208655302741918"}


def test_a_wrong_token_is_a_permanent_refusal(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    settings = evolve(provider.settings, access_token=Secret("stolen"))
    result = drive(ADAPTER.send(HELLO, SendContext(), settings), transport)
    assert isinstance(result, Permanent)
    assert result.code == "190"
    assert "stolen" not in repr(result)
    assert (provider.accepted, provider.refused[0][0]) == ([], 401)


def test_another_number_is_not_served(provider: StandInProvider, transport: HttpxTransport) -> None:
    settings = evolve(provider.settings, address="1")
    result = drive(ADAPTER.send(HELLO, SendContext(), settings), transport)
    assert isinstance(result, Permanent)
    assert result.code == "100"


def test_a_busy_provider_says_when_to_come_back(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    provider.fail_next(status=429, code=130429, retry_after=7)
    result = send(provider, transport)
    assert isinstance(result, Retryable)
    assert result.after == 7 * SECOND
    assert isinstance(send(provider, transport), Accepted)


def test_a_message_in_parts_resumes_behind_what_went_out(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    message = evolve(HELLO, text="one " * 1000 + "\n\n" + "two " * 1000 + "\n\n" + "x " * 99)
    steps = ADAPTER.send(message, SendContext(), provider.settings)
    first = transport.perform(next(steps))
    provider.fail_next(status=503)
    with pytest.raises(StopIteration) as stopped:
        steps.send(transport.perform(steps.send(first)))
    result = stopped.value.value
    assert isinstance(result, Retryable)
    assert (result.step, result.sent_ids) == (1, ("wamid.OUT00000001",))
    context = SendContext(step=result.step, sent_ids=result.sent_ids)
    end = send(provider, transport, message, context)
    assert isinstance(end, Accepted)
    assert end.provider_ids == tuple(taken.id for taken in provider.accepted)
    assert len(provider.accepted) == 3


def test_a_lost_answer_is_unknown_although_it_went_out(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    provider.fail_next(lose_answer=True)
    assert isinstance(send(provider, transport), Unknown)
    assert len(provider.accepted) == 1


def test_a_dropped_connection_is_unknown(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    provider.fail_next(drop=True)
    assert isinstance(send(provider, transport), Unknown)
    assert provider.accepted == []


def test_a_timeout_is_unknown(provider: StandInProvider, transport: HttpxTransport) -> None:
    provider.fail_next(delay=60.0)
    request = next(ADAPTER.send(HELLO, SendContext(), provider.settings))
    answer = transport.perform(evolve(request, timeout=0.05))
    assert (answer.error, answer.sent) == ("ReadTimeout", True)


def test_where_nobody_listens_nothing_was_sent(transport: HttpxTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = transport.perform(
            OutRequest(method="POST", url=f"http://127.0.0.1:{unused.getsockname()[1]}/x")
        )
    assert (answer.error, answer.sent) == ("ConnectError", False)


def test_an_attachment_is_fetched(provider: StandInProvider, transport: HttpxTransport) -> None:
    provider.media["9001"] = (b"\xff\xd8picture", "image/jpeg")
    media = Attachment(kind="image", ref="9001")
    assert drive(ADAPTER.fetch(media, provider.settings), transport) == b"\xff\xd8picture"


def test_many_threads_share_a_transport(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    threads = [threading.Thread(target=send, args=(provider, transport)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({taken.id for taken in provider.accepted}) == 8


# --- the transport --------------------------------------------------------------------------------


def mocked(handler: httpx.MockTransport) -> HttpxTransport:
    return HttpxTransport(client=httpx.Client(transport=handler))


@pytest.mark.parametrize(
    "error, sent",
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.LocalProtocolError, False),
        (httpx.WriteError, True),
        (httpx.WriteTimeout, True),
        (httpx.ReadError, True),
        (httpx.ReadTimeout, True),
        (httpx.RemoteProtocolError, True),
        (httpx.DecodingError, True),
    ],
)
@pytest.mark.req("R15")
def test_failures_tell_whether_it_may_have_arrived_and_no_secret(
    error: type[httpx.RequestError], sent: bool
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("Bearer secret-token", request=request)

    with_secret = OutRequest(method="GET", url="http://x.example/secret-token")
    answer = mocked(httpx.MockTransport(fail)).perform(with_secret)
    assert (answer.error, answer.sent) == (error.__name__, sent)


@pytest.mark.parametrize(
    "request_",
    [
        OutRequest(method="GET", url="not a url"),
        OutRequest(method="GET", url="http://[::1"),
        OutRequest(method="GET", url="gopher://x.example"),
        OutRequest(method="GET", url="http://x.example:99999"),
        OutRequest(method="GET", url="http://127.0.0.1:9/", headers={"a": "secret\r\nb: c"}),
        OutRequest(method="GET", url="http://127.0.0.1:9/", headers={"a": "\ud800"}),
    ],
)
def test_what_is_no_request_is_not_sent(transport: HttpxTransport, request_: OutRequest) -> None:
    answer = transport.perform(request_)
    assert answer.error
    assert "secret" not in answer.error
    assert not answer.sent


def test_redirects_are_not_followed() -> None:
    def move(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "x.example"
        return httpx.Response(302, headers={"location": "http://evil.example/"})

    answer = mocked(httpx.MockTransport(move)).perform(
        OutRequest(method="GET", url="http://x.example/")
    )
    assert (answer.status, answer.headers["location"]) == (302, "http://evil.example/")


def test_an_answer_has_a_largest_size() -> None:
    transport = mocked(httpx.MockTransport(lambda _: httpx.Response(200, content=b"12345")))
    request = OutRequest(method="GET", url="http://x.example/", max_answer=5)
    assert transport.perform(request).body == b"12345"
    answer = transport.perform(evolve(request, max_answer=4))
    assert (answer.error, answer.sent) == ("the answer is larger than 4 bytes", True)


def test_without_httpx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(UsageError, match=r"omniroute\[http\]"):
        HttpxTransport()


def test_driving_returns_what_the_steps_return(transport: HttpxTransport) -> None:
    def steps() -> Generator[OutRequest, OutResponse, int]:
        answer = yield OutRequest(method="GET", url="gopher://x.example")
        return len(answer.error or "")

    assert drive(steps(), transport) == len("UnsupportedProtocol")


def test_the_shipped_adapters_are_whatsapp() -> None:
    assert [adapter.kind for adapter in BuiltinAdapters().omniroute_adapters()] == ["whatsapp"]


# --- the stand-in ---------------------------------------------------------------------------------


def outbound(**change: object) -> bytes:
    body = {
        "messaging_product": "whatsapp",
        "to": PHONE,
        "type": "text",
        "text": {"body": "x"},
        **change,
    }
    return json.dumps({key: value for key, value in body.items() if value is not None}).encode()


def post(provider: StandInProvider, transport: HttpxTransport, body: bytes) -> tuple[int, int]:
    settings = provider.settings
    request = next(ADAPTER.send(HELLO, SendContext(), settings))
    answer = transport.perform(evolve(request, body=body))
    error = json.loads(answer.body).get("error", {})
    return answer.status, error.get("code", 0)


@pytest.mark.parametrize(
    "body, code",
    [
        (outbound(), 0),
        (outbound(to="+4915112345678"), 0),
        (outbound(to=None, recipient="US.13491208655302741918"), 0),
        (outbound(to="1203@g.us", recipient_type="group"), 0),
        (outbound(text={"body": "x" * 4096}), 0),
        (outbound(type="image", image={"link": "https://x.example/i", "caption": "c"}), 0),
        (b"{", 131009),
        (outbound(messaging_product=None), 131008),
        (outbound(messaging_product="sms"), 131009),
        (outbound(to=None), 131008),
        (outbound(to="US.13491208655302741918"), 131009),
        (outbound(to=None, recipient="4915112345678"), 131009),
        (outbound(recipient_type="business_scoped_user_id"), 131009),
        (outbound(text=None), 131008),
        (outbound(text={"body": "x" * 4097}), 131009),
        (outbound(text={"body": " "}), 131009),
        (outbound(context={"id": "wamid.1"}), 131008),
        (outbound(biz_opaque_callback_data="x" * 513), 131009),
        (outbound(type="hologram"), 131009),
        (outbound(type="image", image={"caption": "c"}), 131008),
        (outbound(type="image", image={"id": "1", "link": "https://x.example"}), 131009),
        (outbound(type="image", image={"link": "ftp://x.example"}), 131009),
        (outbound(type="image", image={"id": "1", "caption": "c" * 1025}), 131009),
        (outbound(type="audio", audio={"id": "1", "caption": "c"}), 131009),
    ],
)
def test_the_stand_in_judges_as_the_provider_documents(
    provider: StandInProvider, transport: HttpxTransport, body: bytes, code: int
) -> None:
    assert post(provider, transport, body) == ((400, code) if code else (200, 0))
    assert len(provider.accepted) == (0 if code else 1)


def menu(count: int = 2, **change: object) -> bytes:
    buttons = [
        {"type": "reply", "reply": {"id": f"b{number}", "title": "Yes"}} for number in range(count)
    ]
    interactive = {"type": "button", "body": {"text": "?"}, "action": {"buttons": buttons}}
    return outbound(type="interactive", text=None, interactive={**interactive, **change})


def rows(count: int, **more: str) -> dict[str, object]:
    listed = [{"id": f"r{number}", "title": "Row", **more} for number in range(count)]
    return {"button": "Choose", "sections": [{"title": "A", "rows": listed}]}


@pytest.mark.parametrize(
    "body, accepted",
    [
        (menu(1), True),
        (menu(3), True),
        (menu(type="list", action=rows(10)), True),
        (menu(header={"type": "text", "text": "x" * 60}), True),
        (menu(0), False),
        (menu(4), False),
        (menu(type="list", action=rows(2, description="x" * 72)), True),
        (menu(type="list", action=rows(2, description="x" * 73)), False),
        (menu(type="list", action=rows(11)), False),
        (menu(type="carousel"), False),
        (menu(body={"text": "x" * 1025}), False),
        (menu(header={"type": "text", "text": "x" * 61}), False),
        (menu(footer={"text": "x" * 61}), False),
        (
            menu(action={"buttons": [{"type": "reply", "reply": {"id": "1", "title": "x" * 21}}]}),
            False,
        ),
        (
            menu(action={"buttons": [{"type": "reply", "reply": {"id": "1", "title": "x"}}] * 2}),
            False,
        ),
    ],
)
def test_the_stand_in_knows_menus(
    provider: StandInProvider, transport: HttpxTransport, body: bytes, accepted: bool
) -> None:
    status, _ = post(provider, transport, body)
    assert status == (200 if accepted else 400)
    assert [taken.kind for taken in provider.accepted] == (["menu"] if accepted else [])


def test_the_stand_in_wants_json(provider: StandInProvider, transport: HttpxTransport) -> None:
    request = next(ADAPTER.send(HELLO, SendContext(), provider.settings))
    headers = {**request.headers, "content-type": "text/plain"}
    assert transport.perform(evolve(request, headers=headers)).status == 400


def test_the_stand_in_gives_attachments_to_those_with_the_token_only(
    provider: StandInProvider, transport: HttpxTransport
) -> None:
    provider.media["9001"] = (b"x", "image/jpeg")
    url = f"{provider.base_url}/media/9001"
    assert transport.perform(OutRequest(method="GET", url=url)).status == 401


def test_the_stand_ins_webhooks_are_signed_and_read(provider: StandInProvider) -> None:
    make, settings = provider.webhooks, provider.settings
    requests = [
        make.text(PHONE, "Hi", reply_to="wamid.OUT1"),
        make.text("US.13491208655302741918", "Hi", at=1_700_000_000 * SECOND),
        make.image(PHONE, "9001", caption="Look"),
        make.button_reply(PHONE, ("a", "Alpha")),
        make.list_reply(PHONE, ("b", "Beta")),
        make.status("wamid.OUT1", "failed", to=PHONE, code=131026, outgoing_id="m1"),
    ]
    items: list[Inbound] = []
    for request in requests:
        ADAPTER.verify(request, settings, 0)
        assert ADAPTER.addresses(request) == [settings.address]
        items += ADAPTER.parse(request, settings).items
    assert [item.kind for item in items] == [
        *[InboundKind.MESSAGE] * 3,
        *[InboundKind.CHOICE] * 2,
        InboundKind.STATUS,
    ]
    assert len({item.key for item in items}) == len(items)
    assert items[0].reply_to == "wamid.OUT1"
    assert items[1].at == 1_700_000_000 * SECOND
    assert items[3].choice == Choice(id="a", title="Alpha")
    assert (items[5].status, items[5].error_code) == (DeliveryStatus.FAILED, "131026")
    with pytest.raises(SignatureInvalid):
        ADAPTER.verify(evolve(requests[0], body=requests[1].body), settings, 0)
    assert ADAPTER.handshake(make.handshake("42"), settings) is not None


def test_the_same_calls_make_the_same_webhooks() -> None:
    first, second = (StandInProvider().webhooks.text(PHONE, "Hi") for _ in range(2))
    assert first == second


def test_outside_its_with_block_the_stand_in_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="inside its with block"):
        _ = StandInProvider().base_url
