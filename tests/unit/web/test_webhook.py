"""`handle_webhook`: from a provider's request to the desks it is for, and an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve, frozen

from omniroute.clock import ManualClock
from omniroute.desk import Desks
from omniroute.errors import (
    MalformedPayload,
    PayloadError,
    PayloadTooLarge,
    PluginError,
    SignatureInvalid,
    UnknownEntryPoint,
    UsageError,
)
from omniroute.ids import SeededIds
from omniroute.model.desk_config import AccountConfig, DeskConfig, EntryPointConfig
from omniroute.model.secret import Secret, SecretRef
from omniroute.model.wire import ParseResult, RawRequest, RawResponse, Rejected
from omniroute.plugins import hookimpl
from omniroute.stores.memory import MemoryStore
from omniroute.testing import NOW, ScriptedAdapter, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from omniroute.web import handle_webhook
from tests.unit.channels import helpers as whatsapp
from tests.unit.desk.helpers import BreakingStore


@frozen
class LetterSettings:
    """An account's signature, and the entry point's address."""

    address: str = ""
    sign: str = ""


class LetterAdapter(ScriptedAdapter):
    """A channel whose webhooks are `{"to": [[address, key, text]…], "sign": account}`."""

    def addresses(self, request: RawRequest) -> list[str]:
        """Return every address that the body names."""
        return [address for address, _, _ in json.loads(request.body or b"{}").get("to", [])]

    def handshake(self, request: RawRequest, settings: Any) -> RawResponse | None:
        """Answer who knows the signature."""
        if request.method == "GET" and request.query.get("sign") == settings.sign:
            return RawResponse(body=b"welcome")
        return None

    def verify(self, request: RawRequest, settings: Any, now: int) -> None:
        """Refuse what another account signed, and what is too large."""
        if len(request.body) > 10_000:
            raise PayloadTooLarge("too large")
        if json.loads(request.body)["sign"] != settings.sign:
            raise SignatureInvalid("not ours")

    def parse(self, request: RawRequest, settings: Any) -> ParseResult:
        """Read items; one without a text is rejected, one that says "boom" ruins all."""
        items, rejected = [], []
        for number, (address, key, text) in enumerate(json.loads(request.body)["to"]):
            if text == "boom":
                raise MalformedPayload("cannot be read")
            if text is None:
                rejected.append(Rejected(where=f"to[{number}]", reason="has no text"))
            else:
                items.append(an_inbound(text, key=key, address=address))
        return ParseResult(items=tuple(items), rejected=tuple(rejected))


class Plugin:
    """Brings the adapter."""

    @hookimpl
    def omniroute_adapters(self) -> list[Any]:
        """Return it."""
        return [LetterAdapter("chat", Settings=LetterSettings)]


def config(desk: str, *entry_points: tuple[str, str]) -> DeskConfig:
    """A desk with entry points (address, account)."""
    return evolve(
        a_config(desk=desk),
        accounts={name: AccountConfig(settings={"sign": name}) for _, name in entry_points},
        entry_points={
            address: EntryPointConfig(channel="chat", address=address, account=account)
            for address, account in entry_points
        },
    )


def desks_with(*configs: DeskConfig, store: Any = "memory://") -> Desks:
    desks = Desks(
        store,
        plugins=[Plugin()],
        discover=False,
        builtin=False,
        clock=ManualClock(NOW),
        ids=SeededIds(),
    )
    for each in configs:
        desks.create(each)
    return desks


def webhook(*items: tuple[str, str, str | None], sign: str = "meta") -> RawRequest:
    return RawRequest(body=json.dumps({"to": items, "sign": sign}).encode())


def answer(response: RawResponse) -> Any:
    assert response.headers == {"content-type": "application/json"}
    return json.loads(response.body)


ACME = config("acme", ("a1", "meta"), ("a2", "meta"), ("x1", "other"))
OTHER = config("other", ("o1", "meta"))


@pytest.fixture
def desks():
    with desks_with(ACME, OTHER) as opened:
        yield opened


def texts(desks: Desks, desk: str) -> list[tuple[str, str | None]]:
    """Every message of a desk, with its entry point."""
    return [
        (chat.entry_point, message.text)
        for chat in desks[desk].conversations()
        for message in desks[desk].messages(chat.id)
    ]


# --- finding the desk -----------------------------------------------------------------------------


def test_the_address_finds_desk_and_entry_point(desks) -> None:
    response = handle_webhook(desks, webhook(("o1", "k1", "Hello")))
    assert response.status == 200
    assert answer(response) == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert texts(desks, "other") == [("o1", "Hello")]
    assert texts(desks, "acme") == []


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_may_come_in_any_buffer(desks, kind: type) -> None:
    body = kind(webhook(("o1", "k1", "Hello")).body)
    request = RawRequest(body=body)
    assert request == RawRequest(body=bytes(body))
    assert answer(handle_webhook(desks, request))["accepted"] == 1
    assert texts(desks, "other") == [("o1", "Hello")]


@pytest.mark.req("R13")
@pytest.mark.parametrize("name", ["text", "text-forwarded", "text-from-advertisement", "order"])
def test_what_people_forward_and_order_on_whatsapp_is_kept(name: str) -> None:
    config = a_config()
    config = evolve(
        config,
        inboxes={
            inbox: evolve(each, primary_for=("whatsapp",)) for inbox, each in config.inboxes.items()
        },
        accounts={
            "meta": AccountConfig(
                settings={
                    setting: SecretRef(env=setting.upper())
                    for setting in ("app_secret", "access_token", "verify_token")
                }
            )
        },
        entry_points={
            "wa": EntryPointConfig(channel="whatsapp", account="meta", address=whatsapp.NUMBER)
        },
    )
    revealed = {"APP_SECRET": whatsapp.SETTINGS.app_secret}
    desks = Desks(
        "memory://",
        discover=False,
        clock=ManualClock(NOW),
        ids=SeededIds(),
        reveal=lambda ref: revealed.get(ref.env, Secret("x")),
    )
    with desks:
        desks.create(config)
        response = handle_webhook(desks, whatsapp.webhook(name))
        assert answer(response) == {"accepted": 1, "duplicates": 0, "rejected": []}
        assert len(texts(desks, config.desk)) == 1


def test_one_request_may_be_for_several_entry_points(desks) -> None:
    request = webhook(("a1", "k1", "one"), ("a2", "k2", "two"))
    assert answer(handle_webhook(desks, request))["accepted"] == 2
    assert sorted(texts(desks, "acme")) == [("a1", "one"), ("a2", "two")]


def test_one_request_may_be_for_several_desks(desks) -> None:
    request = webhook(("a1", "k1", "one"), ("o1", "k2", "two"))
    assert answer(handle_webhook(desks, request)) == {
        "accepted": 2,
        "duplicates": 0,
        "rejected": [],
    }
    assert texts(desks, "acme") == [("a1", "one")]
    assert texts(desks, "other") == [("o1", "two")]


def test_an_address_that_nobody_has_is_not_found(desks) -> None:
    response = handle_webhook(desks, webhook(("zz", "k1", "Hello")))
    assert (response.status, answer(response)) == (
        404,
        {"error": "no desk has an entry point for this request"},
    )


def test_a_stranger_beside_a_known_address_is_rejected_with_a_reason(desks) -> None:
    response = handle_webhook(desks, webhook(("a1", "k1", "one"), ("zz", "k2", "two")))
    assert response.status == 200
    assert answer(response) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": ["k2: no entry point has the address 'zz'"],
    }


# --- news of an account ---------------------------------------------------------------------------


def test_what_names_no_address_is_acknowledged_where_some_account_signed_it(desks) -> None:
    """A provider that is told 404 sends it for days, and then perhaps nothing any more."""
    for sign in ("meta", "other"):
        response = handle_webhook(desks, webhook(sign=sign))
        assert response.status == 200
        assert answer(response) == {"accepted": 0, "duplicates": 0, "rejected": []}


@pytest.mark.req("R13")
def test_what_names_no_address_and_nobody_signed_is_not_found(desks) -> None:
    assert handle_webhook(desks, webhook(sign="forged")).status == 404


@pytest.mark.req("R13")
def test_a_signature_says_nothing_of_an_address_that_nobody_has(desks) -> None:
    assert handle_webhook(desks, webhook(("zz", "k1", "Hello"))).status == 404


@pytest.mark.req("R13")
@pytest.mark.parametrize("first", ["a1", "x1"])
def test_an_account_that_refuses_a_webhook_loses_nothing_of_anothers(desks, first: str) -> None:
    """Its secret may be stale; the others' messages are in the same body."""
    items = [("a1", "k1", "one"), ("x1", "k2", "two")]
    response = handle_webhook(desks, webhook(*sorted(items, key=lambda each: each[0] != first)))
    assert response.status == 200
    assert texts(desks, "acme") == [("a1", "one")]
    assert answer(response)["rejected"] == [
        "k2: entry point 'x1' belongs to another account than 'a1'"
    ]


# --- what is refused ------------------------------------------------------------------------------


def test_what_was_signed_by_another_account_is_refused_whole(desks) -> None:
    response = handle_webhook(desks, webhook(("x1", "k1", "one"), sign="meta"))
    assert response.status == 401
    assert texts(desks, "acme") == []


def test_a_signature_vouches_only_for_its_own_accounts_entry_points(desks) -> None:
    desk = desks["acme"]
    request = webhook(("a1", "k1", "one"), ("x1", "k2", "two"))
    response = handle_webhook(desk, request, entry_point="a1")
    assert answer(response)["rejected"] == [
        "k2: entry point 'x1' belongs to another account than 'a1'"
    ]
    assert texts(desks, "acme") == [("a1", "one")]


@pytest.mark.parametrize(
    "request_,status",
    [
        (webhook(("a1", "k1", "Hello"), sign="forged"), 401),
        (webhook(("a1", "k1", "x" * 20_000)), 413),
        (webhook(("a1", "k1", "boom")), 400),
    ],
    ids=["signature", "size", "shape"],
)
def test_what_is_the_senders_fault_is_answered_4xx_and_stored_nowhere(
    desks, request_: RawRequest, status: int
) -> None:
    before = list(desks["acme"].changes())
    response = handle_webhook(desks, request_)
    assert response.status == status
    assert list(answer(response)) == ["error"]
    assert list(desks["acme"].changes()) == before


def test_any_other_fault_of_the_payload_is_a_bad_request(desks, monkeypatch) -> None:
    def verify(*_: Any) -> None:
        raise PayloadError("odd")

    monkeypatch.setattr(LetterAdapter, "verify", verify)
    response = handle_webhook(desks, webhook(("a1", "k1", "Hello")))
    assert (response.status, answer(response)) == (400, {"error": "odd"})


@pytest.mark.req("R13")
def test_a_bad_item_never_loses_its_batch(desks) -> None:
    response = handle_webhook(desks, webhook(("a1", "k1", None), ("a1", "k2", "fine")))
    assert answer(response) == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": ["to[0]: has no text"],
    }


# --- sent again -----------------------------------------------------------------------------------


@pytest.mark.req("X3")
def test_what_is_sent_again_is_acknowledged_and_not_taken_twice(desks) -> None:
    request = webhook(("a1", "k1", "one"), ("a2", "k2", "two"))
    handle_webhook(desks, request)
    again = handle_webhook(desks, request)
    assert again.status == 200
    assert answer(again) == {"accepted": 0, "duplicates": 2, "rejected": []}
    assert len(texts(desks, "acme")) == 2


@pytest.mark.req("X3")
def test_a_store_that_fails_in_the_middle_asks_for_the_rest_again() -> None:
    store = BreakingStore()
    with desks_with(ACME, store=store) as desks:
        request = webhook(("a1", "k1", "one"), ("a1", "k2", "two"))
        store.breaks_at = "k2"
        response = handle_webhook(desks, request)
        assert (response.status, answer(response)) == (503, {"error": "StoreBusy"})
        store.breaks_at = None
        assert answer(handle_webhook(desks, request)) == {
            "accepted": 1,
            "duplicates": 1,
            "rejected": [],
        }
        assert texts(desks, "acme") == [("a1", "one"), ("a1", "two")]


# --- set-up calls ---------------------------------------------------------------------------------


def greeting(sign: str) -> RawRequest:
    return RawRequest(method="GET", query={"sign": sign})


def test_a_handshake_is_answered_by_the_entry_point_that_knows_it(desks) -> None:
    assert handle_webhook(desks, greeting("other")).body == b"welcome"
    assert handle_webhook(desks["acme"], greeting("meta"), entry_point="a1").body == b"welcome"
    assert handle_webhook(desks["acme"], greeting("other")).body == b"welcome"


def test_a_channel_without_an_adapter_is_in_nobodys_way() -> None:
    """Another process has its plugin."""
    own = evolve(ACME.entry_points["a1"], channel="pigeon", address="roof")
    both = {"roof": own, **ACME.entry_points}
    general = evolve(ACME.inboxes["general"], primary_for=("pigeon", "chat"))
    config = evolve(ACME, entry_points=both, inboxes={"general": general})
    store, everywhere = MemoryStore(), [Plugin(), ScriptedPlugin(("pigeon",))]
    Desks(store, plugins=everywhere, discover=False, builtin=False).create(config)
    with desks_with(store=store) as desks:
        assert handle_webhook(desks["acme"], greeting("meta")).body == b"welcome"
        assert handle_webhook(desks, greeting("other")).body == b"welcome"
        assert handle_webhook(desks["acme"], greeting("forged")).status == 403
        assert handle_webhook(desks, webhook(sign="other")).status == 200
        with pytest.raises(PluginError, match="pigeon"):
            handle_webhook(desks["acme"], greeting("meta"), entry_point="roof")


def test_a_handshake_that_nobody_knows_is_refused(desks) -> None:
    assert handle_webhook(desks, greeting("forged")).status == 404
    assert handle_webhook(desks["acme"], greeting("other"), entry_point="a1").status == 403


def test_one_desk_needs_to_be_told_the_entry_point(desks) -> None:
    with pytest.raises(UsageError, match="a webhook on one desk needs its entry point"):
        handle_webhook(desks["acme"], webhook(("a1", "k1", "Hello")))


def test_an_entry_point_is_one_of_a_desk(desks) -> None:
    with pytest.raises(UsageError, match="entry_point: an entry point is one of a desk; got 'a1'"):
        handle_webhook(desks, webhook(("a1", "k1", "Hello")), entry_point="a1")


def test_a_request_that_is_not_as_it_came_is_the_hosts_mistake(desks) -> None:
    with pytest.raises(UsageError, match=r'request\.body is "text", not bytes'):
        handle_webhook(desks, RawRequest(body="text"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="headers: cannot be used; expected a mapping"):
        RawRequest(headers=[("a", "b")])  # type: ignore[arg-type]


def test_an_unknown_entry_point_is_the_hosts_mistake(desks) -> None:
    with pytest.raises(UnknownEntryPoint):
        handle_webhook(desks["acme"], webhook(("a1", "k1", "Hello")), entry_point="a9")


def looked_at_with(desks: Desks, addresses: Any) -> None:
    """Let an adapter be asked before the others whom a webhook is for."""

    class Stumbles(ScriptedAdapter):
        def addresses(self, request: RawRequest) -> Any:
            return addresses(request)

    desks.registry._adapters = {"stumbling": Stumbles("stumbling"), **desks.registry._adapters}


def raising(request: RawRequest) -> list[str]:
    raise KeyError("birds")


def raising_late(request: RawRequest) -> Iterator[str]:
    yield from json.loads(request.body + b"!")


STUMBLING = {
    "raises": (raising, KeyError, "birds"),
    "raises late": (raising_late, ValueError, "Extra data"),
    "None": (
        lambda request: None,
        PluginError,
        "expected a list of addresses.*got nothing in its place",
    ),
    "a text": (lambda request: "a1", PluginError, 'got "a1" in its place'),
    "numbers": (lambda request: [5], PluginError, "got 5 in it"),
    "lists": (lambda request: [["a1"]], PluginError, "got a list in it"),
}


@pytest.mark.parametrize("addresses,error,match", STUMBLING.values(), ids=STUMBLING)
def test_an_adapter_that_stumbles_over_a_webhook_spoils_no_other_s(
    desks, caplog, addresses, error, match
) -> None:
    looked_at_with(desks, addresses)
    response = handle_webhook(desks, webhook(("a1", "k1", "Hello")))
    assert (response.status, answer(response)["accepted"]) == (200, 1)
    assert "the adapter for 'stumbling' could not look at a webhook" in caplog.text
    assert handle_webhook(desks, webhook()).status == 200, "news of an account that signed for it"
    with pytest.raises(error, match=match):
        handle_webhook(desks, webhook(("nowhere", "k2", "Hello")))
    with pytest.raises(error, match=match):
        desks.targets(webhook(("nowhere", "k2", "Hello")))


def test_an_adapter_that_stumbles_over_a_handshake_spoils_no_other_s(desks) -> None:
    looked_at_with(desks, raising)
    assert handle_webhook(desks, greeting("meta")).body == b"welcome"
    with pytest.raises(KeyError, match="birds"):
        handle_webhook(desks, greeting("forged"))


@pytest.mark.parametrize("address", ["a\ud800", "a\0"])
def test_an_address_that_no_store_could_hold_is_nobodys(address, tmp_path) -> None:
    with desks_with(ACME, store=f"sqlite:///{tmp_path / 'desks.db'}") as desks:
        assert handle_webhook(desks, webhook((address, "k1", "Hello"))).status == 404
        response = handle_webhook(desks, webhook((address, "k1", "Hello"), ("a1", "k2", "Hello")))
        assert (response.status, answer(response)["accepted"]) == (200, 1)
        assert desks.find("chat", address) is None
