"""Bad input of every kind, at every door: a typed error or the documented status, and nothing stored.

What is compared is the whole content of the store, before and after, not what the desk tells of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

import omniroute as om
from omniroute.clock import ManualClock
from omniroute.ids import SeededIds
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    DeskConfig,
    EntryPointConfig,
    InboxConfig,
    QueueNode,
)
from omniroute.model.wire import DeliveryStatus, RawResponse
from omniroute.testing import MONDAY
from omniroute.testing.standin import WebhookBuilder
from tests.property.world import STORES, Kept

NUMBER = "106540352242922"
NUL, LONE = "a\x00b", "\ud800"
NUMBERS: Any = [1, 2]
NAIVE = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001  (naive on purpose)
TOO_LARGE = 2**70

CONFIG = DeskConfig(
    desk="acme",
    preset="claim",
    inboxes={
        "general": InboxConfig(sla=900_000_000, primary_for=("whatsapp",)),
        "vip": InboxConfig(sla=60_000_000, queues=(QueueNode("Deutsch"), QueueNode("English"))),
    },
    accounts={
        "meta": AccountConfig(
            settings={
                "app_secret": om.SecretRef(env="APP_SECRET"),
                "access_token": om.SecretRef(env="ACCESS_TOKEN"),
                "verify_token": om.SecretRef(env="VERIFY_TOKEN"),
            }
        )
    },
    entry_points={"wa": EntryPointConfig(channel="whatsapp", account="meta", address=NUMBER)},
    agents={"ana": AgentConfig(serves=("general",))},
)


@frozen
class Office:
    """A desk with one conversation, and a way to see everything that is stored."""

    desks: om.Desks
    desk: om.Desk
    kept: Kept
    hook: WebhookBuilder
    chat: str

    def unchanged(self, before: Any) -> bool:
        return bool(self.kept.contents() == before)


@pytest.fixture(params=sorted(STORES))
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """A desk of the test's own."""
    with opened(STORES[request.param](tmp_path)) as found:
        yield found


@pytest.fixture(scope="module", params=sorted(STORES))
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """A desk for all tests after which it must stand as before."""
    with opened(STORES[request.param](tmp_path_factory.mktemp("desk"))) as found:
        yield found


@contextmanager
def opened(kept: Kept) -> Iterator[Office]:
    desks = om.Desks(
        kept.store,
        discover=False,
        clock=ManualClock(MONDAY),
        ids=SeededIds(),
        reveal=lambda ref: om.Secret(f"the {ref.env}"),
    )
    with desks:
        desk = desks.create(CONFIG)
        hook = WebhookBuilder(
            phone_number_id=NUMBER, app_secret="the APP_SECRET", verify_token="the VERIFY_TOKEN"
        )
        received = desk.receive("wa", hook.text("4915112345678", "Hello", id="wamid.1"))
        yield Office(desks, desk, kept, hook, received.conversations[0].id)


# --- what comes over HTTP -------------------------------------------------------------------------


def answered(office: Office, request: om.RawRequest, *, known: bool) -> RawResponse:
    """Answer a webhook, by the URL of an entry point or through the address directory."""
    if known:
        return om.handle_webhook(office.desk, request, entry_point="wa")
    return om.handle_webhook(office.desks, request)


def tampered(hook: WebhookBuilder) -> om.RawRequest:
    request = hook.text("49151", "Hello")
    return evolve(request, body=request.body.replace(b"Hello", b"Hallo"))


def unsigned(hook: WebhookBuilder) -> om.RawRequest:
    return evolve(hook.text("49151", "Hello"), headers={})


def signed_as(header: str) -> Callable[[WebhookBuilder], om.RawRequest]:
    def request(hook: WebhookBuilder) -> om.RawRequest:
        return evolve(hook.text("49151", "Hello"), headers={"X-Hub-Signature-256": header})

    return request


def by_another(hook: WebhookBuilder) -> om.RawRequest:
    other = WebhookBuilder(phone_number_id=NUMBER, app_secret="a guess")
    return other.text("49151", "Hello")


def body_of(body: bytes) -> Callable[[WebhookBuilder], om.RawRequest]:
    return lambda hook: hook.webhook(body)


def entry_of(entry: str) -> Callable[[WebhookBuilder], om.RawRequest]:
    return body_of(b'{"object":"whatsapp_business_account","entry":%s}' % entry.encode())


# What comes, the answer where the entry point is known, and the answer through the directory. A body
# that is too large is not read for an address, and one without an address is tried on the accounts.
REQUESTS: dict[str, tuple[Callable[[WebhookBuilder], om.RawRequest], int, int]] = {
    "unsigned": (unsigned, 401, 401),
    "body changed": (tampered, 401, 401),
    "another's secret": (by_another, 401, 401),
    "signature empty": (signed_as(""), 401, 401),
    "signature of another kind": (signed_as("sha1=" + "0" * 40), 401, 401),
    "signature not hexadecimal": (signed_as("sha256=" + "z" * 64), 401, 401),
    "signature of zeros": (signed_as("sha256=" + "0" * 64), 401, 401),
    "signature with more": (signed_as("sha256=" + "0" * 64 + "\n"), 401, 401),
    "signature in other letters": (signed_as("sha256=" + "０" * 64), 401, 401),
    "empty": (body_of(b""), 400, 400),
    "no JSON": (body_of(b"message=hello"), 400, 400),
    "cut off": (body_of(b'{"object":"whatsapp_business_account","entry":[{'), 400, 400),
    "no UTF-8": (body_of(b'{"object":"\xff\xfe"}'), 400, 400),
    "UTF-16": (body_of('{"object":"whatsapp_business_account"}'.encode("utf-16")), 400, 400),
    "a number": (body_of(b"7"), 400, 400),
    "null": (body_of(b"null"), 400, 400),
    "another object": (body_of(b'{"object":"page","entry":[]}'), 400, 400),
    "no entries": (body_of(b'{"object":"whatsapp_business_account"}'), 400, 400),
    "entries no array": (entry_of('{"id":"1"}'), 400, 400),
    "NaN": (entry_of("[NaN]"), 400, 400),
    "infinite": (entry_of("[1e999]"), 400, 400),
    "too large": (entry_of(f'["{"x" * (3 << 20)}"]'), 413, 404),
    "too deep": (entry_of("[" * 40 + "]" * 40), 413, 413),
    "far too deep": (entry_of("[" * 500_000), 413, 413),
    "deep and mixed": (entry_of('[{"a":' * 50_000 + "1" + "}]" * 50_000), 413, 413),
}


@pytest.mark.req("R13")
@pytest.mark.parametrize("known", [True, False], ids=["by entry point", "by address"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_cannot_be_used_is_refused_and_leaves_nothing(
    standing: Office, name: str, known: bool
) -> None:
    make, by_entry_point, by_address = REQUESTS[name]
    before = standing.kept.contents()
    answer = answered(standing, make(standing.hook), known=known)
    assert answer.status == (by_entry_point if known else by_address)
    assert json.loads(answer.body)["error"]
    assert b"the APP_SECRET" not in answer.body
    assert standing.unchanged(before)


# Signed as it should be, and with nothing in it that the desk can keep: 200, or it comes for ever.
UNUSABLE: dict[str, str] = {
    "nothing": "[]",
    "entries of other types": '[null, 7, "x", []]',
    "changes no array": '[{"changes": 5}]',
    "an unknown field": '[{"changes": [{"field": "account_alerts", "value": {}}]}]',
    "a value without lists": f'[{{"changes": [{{"field": "messages", "value": {{"metadata": '
    f'{{"phone_number_id": "{NUMBER}"}}}}}}]}}]',
    "messages of other types": f'[{{"changes": [{{"field": "messages", "value": {{"metadata": '
    f'{{"phone_number_id": "{NUMBER}"}}, "messages": [1, null, "x"]}}}}]}}]',
    "a message without an id": f'[{{"changes": [{{"field": "messages", "value": {{"metadata": '
    f'{{"phone_number_id": "{NUMBER}"}}, "messages": [{{"from": "49", "type": "text"}}]}}}}]}}]',
    "a message from nobody": f'[{{"changes": [{{"field": "messages", "value": {{"metadata": '
    f'{{"phone_number_id": "{NUMBER}"}}, "messages": [{{"id": "x", "type": "text"}}]}}}}]}}]',
    "an endless id": f'[{{"changes": [{{"field": "messages", "value": {{"metadata": '
    f'{{"phone_number_id": "{NUMBER}"}}, "messages": [{{"id": "{"x" * 9000}", "from": "49", '
    f'"type": "text"}}]}}}}]}}]',
    "another's number": '[{"changes": [{"field": "messages", "value": {"metadata": '
    '{"phone_number_id": "1"}, "messages": [{"id": "x", "from": "49", "type": "text"}]}}]}]',
}


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", UNUSABLE)
def test_a_signed_request_without_anything_usable_is_answered_and_leaves_nothing(
    standing: Office, name: str
) -> None:
    before = standing.kept.contents()
    answer = answered(standing, entry_of(UNUSABLE[name])(standing.hook), known=True)
    assert answer.status == 200
    assert json.loads(answer.body)["accepted"] == 0
    assert standing.unchanged(before)


@pytest.mark.req("R13")
def test_a_bad_item_does_not_lose_its_batch(office: Office) -> None:
    good = office.hook.message("49151", {"type": "text", "text": {"body": "one"}})
    bad = office.hook.message("49152", {"type": "text", "text": {"body": "two"}})
    bad["messages"] = [{"type": "text"}]
    more = office.hook.message("49153", {"type": "text", "text": {"body": "three"}})
    answer = answered(office, office.hook.signed(good, bad, more), known=False)
    summary = json.loads(answer.body)
    assert (answer.status, summary["accepted"], len(summary["rejected"])) == (200, 2, 1)
    assert len(office.desk.conversations().items) == 3


@pytest.mark.req("R13")
@pytest.mark.parametrize("dirt", ["\\u0000", "\\ud800", "\\udc00\\ud800"])
def test_text_that_no_database_holds_is_cleaned_wherever_it_stands(
    office: Office, dirt: str
) -> None:
    body = office.hook.text("49151", "DIRT", id="wamid.DIRT", name="DIRT").body
    request = office.hook.webhook(body.replace(b"DIRT", dirt.encode()))
    answer = answered(office, request, known=False)
    assert json.loads(answer.body)["accepted"] == 1
    (chat,) = (each.id for each in office.desk.conversations() if each.id != office.chat)
    (message,) = office.desk.messages(chat)
    clean = "\ufffd" * (dirt.count("\\u"))
    assert message.text == clean
    assert message.provider_ids == (f"wamid.{clean}",)
    assert office.desk.contacts.get(office.desk.conversation(chat).contact).name == clean
    assert json.loads(answered(office, request, known=False).body)["duplicates"] == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_set_up_call_needs_the_token(standing: Office, method: str) -> None:
    before = standing.kept.contents()
    asked = evolve(standing.hook.handshake(token="a guess"), method=method)
    assert answered(standing, asked, known=True).status in (401, 403)
    assert answered(standing, asked, known=False).status == 404
    assert standing.unchanged(before)
    assert answered(standing, standing.hook.handshake(), known=True).status == 200
    assert standing.unchanged(before)


def test_a_url_of_an_unknown_entry_point_is_the_hosts_mistake(standing: Office) -> None:
    request, before = standing.hook.text("49151", "Hello"), standing.kept.contents()
    with pytest.raises(om.UnknownEntryPoint):
        om.handle_webhook(standing.desk, request, entry_point="nope")
    with pytest.raises(om.UsageError, match="needs its entry point"):
        om.handle_webhook(standing.desk, request)
    assert standing.unchanged(before)


# --- what hosts hand over -------------------------------------------------------------------------


def item(**changes: Any) -> om.Inbound:
    given = {
        "kind": om.InboundKind.MESSAGE,
        "key": "in-1",
        "address": NUMBER,
        "sender": om.Sender(addresses=("49151",)),
        "text": "Hello",
    }
    return om.Inbound(**{**given, **changes})


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ITEMS: dict[str, om.Inbound] = {
    "key empty": item(key=""),
    "key with NUL": item(key=NUL),
    "key with a lone surrogate": item(key=LONE),
    "key far too long": item(key="x" * 10_000),
    "sender without address": item(sender=om.Sender(addresses=())),
    "address empty": item(sender=om.Sender(addresses=("49", ""))),
    "address with NUL": item(sender=om.Sender(addresses=(NUL,))),
    "address far too long": item(sender=om.Sender(addresses=("4" * 10_000,))),
    "name with a lone surrogate": item(sender=om.Sender(addresses=("49",), name=LONE)),
    "to another number": item(address="1"),
    "thread with NUL": item(thread=NUL),
    "text with NUL": item(text=NUL),
    "text with a lone surrogate": item(text=LONE),
    "text that is none": item(text=7),
    "kind that is none": item(kind="message"),
    "sender that is none": item(sender="maria"),
    "addresses that are none": item(sender=om.Sender(addresses={"49"})),
    "choice with NUL": item(choice=om.Choice(id="x", title=NUL)),
    "file with a lone surrogate": item(attachments=(om.Attachment(kind="image", ref=LONE),)),
    "extra of no JSON": item(extra={"a": object()}),
    "extra with NaN": item(extra={"a": [float("nan")]}),
    "extra with a key of no text": item(extra={"a": {1: 2}}),
    "extra far too deep": item(extra={"a": nested(5000)}),
    "carry with NUL": item(carry={NUL: "x"}),
    "time beyond 64 bits": item(at=TOO_LARGE),
    "status of a lone surrogate": item(
        kind=om.InboundKind.STATUS, target=LONE, status=DeliveryStatus.READ
    ),
}


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", ITEMS)
def test_an_item_that_cannot_be_stored_is_rejected_with_a_reason(
    standing: Office, name: str
) -> None:
    before = standing.kept.contents()
    received = standing.desk.receive("wa", ITEMS[name])
    assert [each.result for each in received.items] == ["rejected"]
    assert received.items[0].reason
    assert standing.unchanged(before)
    if name != "to another number":
        accepted = standing.desk.accept("wa", [ITEMS[name]])
        assert (accepted.new, len(accepted.unreadable)) == ((), 1)
        assert standing.unchanged(before)


@pytest.mark.req("R13")
def test_items_that_cannot_be_stored_do_not_harm_their_neighbours(office: Office) -> None:
    batch = [each for bad in ITEMS.values() for each in (bad, item(key=f"in-{id(bad)}"))]
    results = [each.result for each in office.desk.receive("wa", batch).items]
    assert results == ["rejected", "accepted"] * len(ITEMS)
    accepted = office.desk.accept("wa", [evolve(each, thread="t") for each in batch[1::2]])
    assert len(accepted.known) == len(ITEMS)


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


A = {"by": "ana"}
Call = Callable[[Office], Any]
WRONG: Sequence[tuple[str, type[Exception], Call]] = [
    # who and what
    ("take: agent", om.UnknownAgent, lambda o: o.desk.take(o.chat, by="nobody")),
    ("reply: agent", om.UnknownAgent, lambda o: o.desk.reply(o.chat, "Hi", by="nobody")),
    ("end: agent", om.UnknownAgent, lambda o: o.desk.end(o.chat, by="")),
    ("note: agent", om.UnknownAgent, lambda o: o.desk.note(o.chat, "x", by="nobody")),
    ("tag: agent", om.UnknownAgent, lambda o: o.desk.tag(o.chat, "x", by="nobody")),
    ("read: agent", om.UnknownAgent, lambda o: o.desk.mark_read(o.chat, by="nobody")),
    ("switch: agent", om.UnknownAgent, lambda o: o.desk.set_available("nobody")),
    ("agent", om.UnknownAgent, lambda o: o.desk.staff.get("nobody")),
    ("take: chat", om.UnknownConversation, lambda o: o.desk.take("c_99", **A)),
    ("reply: chat", om.UnknownConversation, lambda o: o.desk.reply("c_99", "Hi", **A)),
    ("end: chat", om.UnknownConversation, lambda o: o.desk.end("c_99", **A)),
    ("note: chat", om.UnknownConversation, lambda o: o.desk.note("c_99", "x", **A)),
    ("tag: chat", om.UnknownConversation, lambda o: o.desk.tag("c_99", "x", **A)),
    ("read: chat", om.UnknownConversation, lambda o: o.desk.mark_read("c_99", **A)),
    ("chat", om.UnknownConversation, lambda o: o.desk.conversation("c_99")),
    ("messages: chat", om.UnknownConversation, lambda o: o.desk.messages("c_99")),
    ("explain: chat", om.UnknownConversation, lambda o: o.desk.explain("c_99")),
    ("contact", om.UnknownContact, lambda o: o.desk.contacts.get("p_99")),
    ("link: contact", om.UnknownContact, lambda o: o.desk.contacts.link("p_99", ref="x")),
    ("receive: where", om.UnknownEntryPoint, lambda o: o.desk.receive("nope", item())),
    ("accept: where", om.UnknownEntryPoint, lambda o: o.desk.accept("nope", item())),
    ("desk", om.UnknownDesk, lambda o: o.desks["nope"]),
    ("redrive", om.UsageError, lambda o: o.desk.redrive("m_99")),
    # ids that no store takes
    ("agent lone", om.OmnirouteError, lambda o: o.desk.take(o.chat, by=LONE)),
    ("agent NUL", om.OmnirouteError, lambda o: o.desk.take(o.chat, by=NUL)),
    ("chat lone", om.OmnirouteError, lambda o: o.desk.take(LONE, **A)),
    ("chat NUL", om.OmnirouteError, lambda o: o.desk.conversation(NUL)),
    ("desk lone", om.OmnirouteError, lambda o: o.desks[LONE]),
    # instants
    ("tick naive", om.NaiveDatetime, lambda o: o.desk.tick(now=NAIVE)),
    ("receive naive", om.NaiveDatetime, lambda o: o.desk.receive("wa", item(), now=NAIVE)),
    ("accept naive", om.NaiveDatetime, lambda o: o.desk.accept("wa", item(), now=NAIVE)),
    ("take naive", om.NaiveDatetime, lambda o: o.desk.take(o.chat, now=NAIVE, **A)),
    ("reply naive", om.NaiveDatetime, lambda o: o.desk.reply(o.chat, "Hi", now=NAIVE, **A)),
    ("end naive", om.NaiveDatetime, lambda o: o.desk.end(o.chat, now=NAIVE, **A)),
    ("note naive", om.NaiveDatetime, lambda o: o.desk.note(o.chat, "x", now=NAIVE, **A)),
    ("tag naive", om.NaiveDatetime, lambda o: o.desk.tag(o.chat, "x", now=NAIVE, **A)),
    ("read naive", om.NaiveDatetime, lambda o: o.desk.mark_read(o.chat, now=NAIVE, **A)),
    ("switch naive", om.NaiveDatetime, lambda o: o.desk.set_available("ana", now=NAIVE)),
    ("staff naive", om.NaiveDatetime, lambda o: o.desk.staff.put("bob", now=NAIVE)),
    ("deliver naive", om.NaiveDatetime, lambda o: o.desk.deliver(now=NAIVE)),
    ("link naive", om.NaiveDatetime, lambda o: o.desk.contacts.link("p_1", ref="x", now=NAIVE)),
    ("look naive", om.NaiveDatetime, lambda o: o.desk.conversation(o.chat, now=NAIVE)),
    ("tick date", om.UsageError, lambda o: o.desk.tick(now=date(2026, 3, 2))),
    ("tick text", om.UsageError, lambda o: o.desk.tick(now="2026-03-02")),
    ("tick bool", om.UsageError, lambda o: o.desk.tick(now=True)),
    # content
    ("receive text", om.UsageError, lambda o: o.desk.receive("wa", "Hello")),
    ("receive nothing", om.UsageError, lambda o: o.desk.receive("wa", None)),
    ("receive numbers", om.UsageError, lambda o: o.desk.receive("wa", NUMBERS)),
    ("reply nothing", om.UnsupportedContent, lambda o: o.desk.reply(o.chat, **A)),
    ("reply blank", om.UnsupportedContent, lambda o: o.desk.reply(o.chat, " \n", **A)),
    ("reply NUL", om.UsageError, lambda o: o.desk.reply(o.chat, NUL, **A)),
    ("reply lone", om.UsageError, lambda o: o.desk.reply(o.chat, LONE, **A)),
    ("reply number", om.UsageError, lambda o: o.desk.reply(o.chat, 7, **A)),
    ("reply file name", om.UsageError, lambda o: o.desk.reply(o.chat, attachments=NUMBERS, **A)),
    (
        "reply with an unknown kind of file",
        om.UnsupportedContent,
        lambda o: o.desk.reply(o.chat, attachments=[om.Attachment(kind="sheet", ref="1")], **A),
    ),
    (
        "reply with too large a file",
        om.UnsupportedContent,
        lambda o: o.desk.reply(
            o.chat, attachments=[om.Attachment(kind="image", ref="1", size=10**9)], **A
        ),
    ),
    (
        "reply with a lone surrogate in a file",
        om.UsageError,
        lambda o: o.desk.reply(o.chat, attachments=[om.Attachment(kind="image", ref=LONE)], **A),
    ),
    ("note blank", om.UsageError, lambda o: o.desk.note(o.chat, " ", **A)),
    ("note NUL", om.UsageError, lambda o: o.desk.note(o.chat, NUL, **A)),
    ("note lone", om.UsageError, lambda o: o.desk.note(o.chat, LONE, **A)),
    ("note nothing", om.UsageError, lambda o: o.desk.note(o.chat, None, **A)),
    ("tag blank", om.UsageError, lambda o: o.desk.tag(o.chat, "vip", " ", **A)),
    ("tag NUL", om.UsageError, lambda o: o.desk.tag(o.chat, NUL, **A)),
    ("tag lone", om.UsageError, lambda o: o.desk.tag(o.chat, LONE, **A)),
    ("tag number", om.UsageError, lambda o: o.desk.tag(o.chat, 7, **A)),
    ("tag far too long", om.UsageError, lambda o: o.desk.tag(o.chat, "x" * 9000, **A)),
    ("disposition NUL", om.UsageError, lambda o: o.desk.end(o.chat, disposition=NUL, **A)),
    ("disposition lone", om.UsageError, lambda o: o.desk.end(o.chat, disposition=LONE, **A)),
    ("ref NUL", om.UsageError, lambda o: o.desk.contacts.link("p_1", ref=NUL)),
    ("ref empty", om.UsageError, lambda o: o.desk.contacts.link("p_1", ref="")),
    ("attribute", om.UsageError, lambda o: o.desk.contacts.link("p_1", attributes={"a": {1}})),
    (
        "attribute NaN",
        om.UsageError,
        lambda o: o.desk.contacts.link("p_1", attributes={"a": 1e999}),
    ),
    (
        "attribute lone",
        om.UsageError,
        lambda o: o.desk.contacts.link("p_1", attributes={"a": LONE}),
    ),
    # keys of idempotency
    ("key empty", om.UsageError, lambda o: o.desk.note(o.chat, "x", key="", **A)),
    ("key NUL", om.UsageError, lambda o: o.desk.reply(o.chat, "x", key=NUL, **A)),
    ("key lone", om.UsageError, lambda o: o.desk.take(o.chat, key=LONE, **A)),
    ("key number", om.UsageError, lambda o: o.desk.end(o.chat, key=7, **A)),
    ("key far too long", om.UsageError, lambda o: o.desk.tag(o.chat, "x", key="x" * 9000, **A)),
    # staff
    ("staff blank", om.UsageError, lambda o: o.desk.staff.put(" ")),
    ("staff NUL", om.UsageError, lambda o: o.desk.staff.put(NUL)),
    ("staff lone", om.UsageError, lambda o: o.desk.staff.put(LONE)),
    ("staff spaced", om.UsageError, lambda o: o.desk.staff.put(" bob ")),
    ("staff name NUL", om.UsageError, lambda o: o.desk.staff.put("bob", name=NUL)),
    ("staff queue", om.UsageError, lambda o: o.desk.staff.put("bob", serves=["nope"])),
    ("staff branch", om.UsageError, lambda o: o.desk.staff.put("bob", serves=["vip"])),
    ("staff text", om.UsageError, lambda o: o.desk.staff.put("bob", serves="general")),
    ("staff group", om.UsageError, lambda o: o.desk.staff.put("bob", groups=["nope"])),
    ("take: confirm", om.UsageError, lambda o: o.desk.take(o.chat, confirm="no", **A)),
    ("reply: confirm", om.UsageError, lambda o: o.desk.reply(o.chat, "Hi", confirm=1, **A)),
    (
        "transfer: force",
        om.UsageError,
        lambda o: o.desk.transfer(o.chat, to="ana", force="yes", **A),
    ),
    ("read: access", om.UsageError, lambda o: o.desk.mark_read(o.chat, access="list", **A)),
    ("start: access", om.UsageError, lambda o: o.desk.start("wa", address="49", access=7, **A)),
    ("follow: plan", om.UsageError, lambda o: o.desk.staff.follow(CONFIG, plan="no")),
    ("staff switch", om.UsageError, lambda o: o.desk.set_available("ana", "no")),
    *(
        (
            f"capacity {limits}",
            om.UsageError,
            lambda o, c=limits: o.desk.staff.put("ana", capacity={"messaging": om.Capacity(*c)}),
        )
        for limits in [(0, 0, 0), (-1, -1, -1), (3, 2, 1), (1, 2, 1), (1, TOO_LARGE, TOO_LARGE)]
    ),
    (
        "capacity of no family",
        om.UsageError,
        lambda o: o.desk.staff.put("ana", capacity={"vioce": om.Capacity(1, 1, 1)}),
    ),
    # reading
    ("order", om.UsageError, lambda o: o.desk.conversations(order="oldest")),
    ("states as text", om.UsageError, lambda o: o.desk.conversations(states=("active",))),
    ("one state", om.UsageError, lambda o: o.desk.conversations(states="active")),
    ("count by", om.UsageError, lambda o: o.desk.counts("colour")),
    ("count states", om.UsageError, lambda o: o.desk.counts(states=("active",))),
    *(
        (f"limit {limit!r}", om.UsageError, lambda o, n=limit: o.desk.conversations(limit=n))
        for limit in [0, -1, 1001, True, "5", None, 1.5]
    ),
    ("dead limit", om.UsageError, lambda o: o.desk.dead_letters(limit=0)),
    ("staff limit", om.UsageError, lambda o: o.desk.staff.list(limit=0)),
    ("messages limit", om.UsageError, lambda o: o.desk.messages(o.chat, limit=0)),
    *(
        (f"cursor {text[:12]!r}", om.UsageError, lambda o, c=text: o.desk.conversations(after=c))
        for text in [
            "",
            "???",
            LONE,
            "é",
            cursor("7"),
            cursor("[1]"),
            cursor('[1,"x",2]'),
            cursor('["x","y"]'),
            cursor('[1.5,"x"]'),
            cursor('[1,"\\ud800"]'),
            cursor(f'[{TOO_LARGE},"x"]'),
            cursor("[" + "9" * 5000 + ',"x"]'),
            cursor("[" * 100_000),
        ]
    ),
    *(
        (f"position {p!r}", om.UsageError, lambda o, p=p: o.desk.messages(o.chat, after=p))
        for p in [-1, TOO_LARGE, "1", True, 1.5]
    ),
    *(
        (f"change {p!r}", om.UsageError, lambda o, p=p: list(o.desk.changes(p)))
        for p in [-1, TOO_LARGE, "1", None]
    ),
    # desks
    ("desk again", om.DeskExists, lambda o: o.desks.create(CONFIG)),
    ("desk NUL", om.ConfigError, lambda o: o.desks.create(evolve(CONFIG, desk=NUL))),
    ("desk blank", om.ConfigError, lambda o: o.desks.create(evolve(CONFIG, desk=" "))),
    (
        "desk with another's address",
        om.ConfigError,
        lambda o: o.desks.create(evolve(CONFIG, desk="other")),
    ),
    (
        "desk on Mars",
        om.ConfigError,
        lambda o: o.desks.create(evolve(CONFIG, desk="mars", zone="Mars/Olympus", entry_points={})),
    ),
    (
        "desk without SLA",
        om.ConfigError,
        lambda o: o.desks.create(DeskConfig(desk="new", inboxes={"a/b": InboxConfig(sla=-5)})),
    ),
]


@pytest.mark.req("X1")
@pytest.mark.parametrize(
    "expected,call", [pytest.param(kind, call, id=name) for name, kind, call in WRONG]
)
def test_a_call_that_cannot_work_raises_and_leaves_nothing(
    standing: Office, expected: type[Exception], call: Call
) -> None:
    before = standing.kept.contents()
    with pytest.raises(expected) as raised:
        call(standing)
    assert isinstance(raised.value, om.OmnirouteError)
    assert str(raised.value)
    assert standing.unchanged(before)


@pytest.mark.parametrize("value", [NUL, LONE, "", "nobody"])
def test_asking_for_what_cannot_be_there_finds_nothing_or_says_why(
    standing: Office, value: str
) -> None:
    before = standing.kept.contents()
    for name in ("agent", "contact", "tag", "queue", "inbox"):
        if value in (NUL, LONE):
            with pytest.raises(om.UsageError, match=name):
                standing.desk.conversations(**{name: value})
        else:
            assert standing.desk.conversations(**{name: value}).items == ()
    assert standing.unchanged(before)


def test_the_desk_goes_on_after_all_that(office: Office) -> None:
    for _, expected, call in WRONG:
        with pytest.raises(expected):
            call(office)
    office.desk.reply(office.chat, "Hi", by="ana")
    office.desk.end(office.chat, by="ana", now=datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert office.desk.tick() == 0
    assert office.desk.conversation(office.chat).state is om.State.ENDED
