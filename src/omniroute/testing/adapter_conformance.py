"""The conformance kit for channel adapters: subclass it, give it samples, run pytest.

    class TestCarrierPigeon(AdapterConformance):
        adapter = PigeonAdapter()
        settings = PigeonSettings(address="loft-7", secret=Secret("grain"))
        samples = (AdapterSample(name="text", request=..., expected=({"text": "coo"},)),)
        bad_signature = ...
        bad_item_batch = ...
        outgoing = Outgoing(id="m1", to="nest-3", text="Hello")
        accepted = OutResponse(status=200, body=b'{"id": "p1"}')

It holds an adapter to `omniroute.ports.ChannelAdapter`: pure, tolerant of anything a stranger
sends, strict about signatures, honest about what became of a message. Omniroute's own adapters pass
it too.
"""

# ruff: noqa: S101  (a conformance kit is made of assertions)

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import pytest
from attrs import evolve, field, frozen

from omniroute.channels.transports import drive
from omniroute.errors import PayloadError, PayloadTooLarge, SignatureInvalid, UnsupportedContent
from omniroute.model.secret import Secret
from omniroute.model.wire import (
    Accepted,
    Attachment,
    Capabilities,
    Inbound,
    InboundKind,
    Outgoing,
    OutRequest,
    OutResponse,
    ParseResult,
    Permanent,
    RawRequest,
    Retryable,
    SendContext,
    SendResult,
    Unknown,
)
from omniroute.ports import ADAPTER_API
from omniroute.rules.handed_over import item_problem

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from omniroute.ports import ChannelAdapter

__all__ = ["AdapterConformance", "AdapterSample"]

_ABOUT_ANOTHER = frozenset({InboundKind.REACTION, InboundKind.EDIT, InboundKind.DELETE})
_MOST_REQUESTS = 50


@frozen(kw_only=True)
class AdapterSample:
    """A webhook signed as the provider signs it, and what must be read from it.

    `expected` has one mapping for each item, from names of `Inbound`'s fields to values; fields
    that are not named are not looked at. `addresses` are those that the webhook is for.
    """

    name: str
    request: RawRequest
    expected: tuple[Mapping[str, Any], ...]
    addresses: tuple[str, ...]
    now: int = 0


class AdapterConformance:
    """What every channel adapter keeps to. Set the attributes; override `unsigned` if need be."""

    adapter: ChannelAdapter
    settings: Any
    samples: Sequence[AdapterSample]
    bad_signature: RawRequest
    """A webhook whose signature has the right form and the wrong value."""
    bad_item_batch: RawRequest
    """A webhook with at least one usable item and at least one that lacks what it needs."""
    outgoing: Outgoing
    """A message of text only."""
    accepted: OutResponse
    """What the provider answers when it takes a message."""
    signs_body: bool = True
    """False where the provider sends a shared secret and signs nothing."""

    def __getattr__(self, name: str) -> NoReturn:
        """Say what a kit needs where it is not set."""
        if name in AdapterConformance.__annotations__:
            raise AttributeError(
                f"{type(self).__name__} needs {name!r}: set it in the class, as AdapterConformance says"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def unsigned(self, request: RawRequest) -> RawRequest:
        """Return `request` without its signature."""
        return evolve(request, headers={})

    def test_declares_its_interface(self) -> None:
        """Its kind, the interface's version, a settings class and what the channel carries."""
        assert not isinstance(self.adapter, type), "`adapter` is an object, not its class"
        assert self.adapter.kind
        assert self.adapter.kind == self.adapter.kind.lower()
        assert self.adapter.api == ADAPTER_API
        assert attrs.has(self.adapter.Settings)
        assert isinstance(self.settings, self.adapter.Settings)
        capabilities = self.adapter.capabilities(self.settings)
        assert isinstance(capabilities, Capabilities)
        assert capabilities.text_limit > 0

    def test_finds_whom_a_webhook_is_for(self) -> None:
        """Each address once, in the order of the payload, and every item belongs to one of them."""
        for sample in self.samples:
            found = self.adapter.addresses(sample.request)
            assert tuple(found) == sample.addresses, sample.name
            items = self._parse(sample.request).items
            assert {item.address for item in items} <= set(found), sample.name

    def test_accepts_what_the_provider_signed(self) -> None:
        """A signed sample passes."""
        for sample in self.samples:
            self.adapter.verify(sample.request, self.settings, sample.now)

    def test_refuses_a_changed_body(self) -> None:
        """One flipped bit anywhere breaks the signature."""
        if not self.signs_body:
            pytest.skip("this provider does not sign bodies")
        for sample in self.samples:
            body = sample.request.body
            for place in {0, len(body) // 2, len(body) - 1} if body else ():
                changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
                with pytest.raises(SignatureInvalid):
                    self.adapter.verify(
                        evolve(sample.request, body=changed), self.settings, sample.now
                    )

    def test_refuses_a_missing_or_wrong_signature(self) -> None:
        """There is no unsigned default (R13)."""
        for sample in self.samples:
            with pytest.raises(SignatureInvalid):
                self.adapter.verify(self.unsigned(sample.request), self.settings, sample.now)
        with pytest.raises(SignatureInvalid):
            self.adapter.verify(self.bad_signature, self.settings, 0)

    def test_reads_what_the_samples_say(self) -> None:
        """Every item of every sample, in order, and none rejected."""
        for sample in self.samples:
            result = self._parse(sample.request)
            assert result.rejected == (), sample.name
            assert len(result.items) == len(sample.expected), sample.name
            for item, facts in zip(result.items, sample.expected, strict=True):
                found = {name: getattr(item, name) for name in facts}
                assert found == dict(facts), sample.name

    def test_parsing_is_pure(self) -> None:
        """The same webhook gives the same items, however often it is read."""
        for sample in self.samples:
            assert self._parse(sample.request) == self._parse(sample.request), sample.name

    def test_every_item_is_complete(self) -> None:
        """A key, an address, a sender of content, a target where it is about another message.

        And nothing that a desk would refuse to keep (R13).
        """
        for item in self._items():
            assert (problem := item_problem(item)) is None, problem
            assert item.key, item
            assert item.address, item
            assert isinstance(item.kind, InboundKind), item
            if item.kind.is_content or item.sender is not None:
                assert item.sender is not None, item
                assert item.sender.addresses, item
            if item.kind in _ABOUT_ANOTHER:
                assert item.target, item
            json.dumps([item.extra, item.carry], allow_nan=False)

    def test_keys_tell_items_apart(self) -> None:
        """Dedupe goes by (entry point, kind, key): no two items of a webhook share one."""
        for sample in self.samples:
            items = self._parse(sample.request).items
            keys = [(item.address, item.kind, item.key) for item in items]
            assert len(keys) == len(set(keys)), sample.name

    def test_a_bad_item_does_not_lose_its_batch(self) -> None:
        """The neighbours stay, and what is rejected says where and why (R13)."""
        result = self._parse(self.bad_item_batch)
        assert result.items
        assert result.rejected
        assert all(rejected.where and rejected.reason for rejected in result.rejected)

    def test_survives_anything(self) -> None:
        """Garbage raises `PayloadError` from parsing, and nothing from `addresses`."""
        pytest.importorskip("hypothesis")
        from hypothesis import given, settings

        @settings(report_multiple_bugs=False)
        @given(body=_bodies([sample.request.body for sample in self.samples]))
        def survives(body: bytes) -> None:
            request = evolve(self.samples[0].request, body=body)
            assert all(isinstance(each, str) for each in self.adapter.addresses(request))
            try:
                result = self._parse(request)
            except PayloadError:
                return
            for item in result.items:
                json.dumps([item.extra, item.carry], allow_nan=False)

        survives()

    def test_refuses_a_huge_body_before_hashing_it(self) -> None:
        """A hundred megabytes are refused for their size, signed or not."""
        huge = evolve(self.samples[0].request, body=b" " * 100_000_000)
        with pytest.raises((PayloadTooLarge, SignatureInvalid)):
            self.adapter.verify(huge, self.settings, 0)
        assert self.adapter.addresses(huge) == []

    def test_sending_ends_in_a_result(self) -> None:
        """An answer, a failing server, a refused connection, a lost answer: each means its own."""
        assert isinstance(self._send(self.accepted), Accepted)
        assert isinstance(self._send(OutResponse(status=503)), Retryable | Unknown)
        refused = OutResponse(error="ConnectError", sent=False)
        assert isinstance(self._send(refused), Retryable)
        lost = OutResponse(error="ReadTimeout", sent=True)
        assert isinstance(self._send(lost), Unknown)
        assert isinstance(self._send(OutResponse(status=200, body=b"<html>")), Unknown | Accepted)
        assert isinstance(self._send(OutResponse(status=400, body=b"{}")), Permanent | Retryable)

    def test_sending_resumes_where_it_stopped(self) -> None:
        """A long message in parts: what went out is not sent again, and nothing is left out."""
        limit = self.adapter.capabilities(self.settings).text_limit
        message = evolve(self.outgoing, text=" ".join(["omniroute"] * (limit // 3)))
        whole, _ = self._exchange(message, SendContext(), lambda _: self.accepted)
        for stop in range(len(whole)):
            before, result = self._exchange(message, SendContext(), self._failing_at(stop))
            assert isinstance(result, Retryable | Unknown)
            assert result.step == stop
            context = SendContext(step=result.step, sent_ids=result.sent_ids)
            after, end = self._exchange(message, context, lambda _: self.accepted)
            assert isinstance(end, Accepted)
            assert len(end.provider_ids) == len(whole)
            assert [each.body for each in (*before[:stop], *after)] == [each.body for each in whole]

    def test_refuses_what_the_channel_cannot_carry(self) -> None:
        """Before the first request, so that nothing half goes out."""
        hologram = Attachment(kind="hologram", ref="1")
        with pytest.raises(UnsupportedContent):
            next(self._steps(evolve(self.outgoing, attachments=(hologram,)), SendContext()))

    def test_secrets_do_not_show(self) -> None:
        """Not in the settings, not in requests, not in results or errors (R15)."""
        steps = self._steps(self.outgoing, SendContext())
        shown = [repr(self.settings), repr(next(steps)), repr(self._send(OutResponse(status=401)))]
        with pytest.raises(SignatureInvalid) as refused:
            self.adapter.verify(self.bad_signature, self.settings, 0)
        shown += [str(refused.value), repr(refused.value)]
        for secret in self._secrets():
            assert not [text for text in shown if secret in text]

    def _parse(self, request: RawRequest) -> ParseResult:
        return self.adapter.parse(request, self.settings)

    def _items(self) -> Iterator[Inbound]:
        for sample in self.samples:
            yield from self._parse(sample.request).items

    def _steps(self, message: Outgoing, context: SendContext) -> Any:
        return self.adapter.send(message, context, self.settings)

    def _send(self, answer: OutResponse) -> SendResult:
        return self._exchange(self.outgoing, SendContext(), lambda _: answer)[1]

    def _failing_at(self, stop: int) -> Callable[[int], OutResponse]:
        failure = OutResponse(error="ConnectError", sent=False)
        return lambda step: failure if step == stop else self.accepted

    def _exchange(
        self, message: Outgoing, context: SendContext, answer: Callable[[int], OutResponse]
    ) -> tuple[list[OutRequest], SendResult]:
        """Drive `send` with `answer(number of the request)`; return the requests and the result."""
        script = _Script(answer)
        result: SendResult = drive(self._steps(message, context), script)
        assert isinstance(result, Accepted | Retryable | Permanent | Unknown)
        return script.requests, result

    def _secrets(self) -> list[str]:
        values = (getattr(self.settings, each.name) for each in attrs.fields(type(self.settings)))
        return [value.reveal() for value in values if isinstance(value, Secret)]


@frozen
class _Script:
    """A transport that answers as it is told and remembers what was asked."""

    answer: Callable[[int], OutResponse]
    requests: list[OutRequest] = field(factory=list)

    def perform(self, request: OutRequest) -> OutResponse:
        assert isinstance(request, OutRequest)
        assert len(self.requests) < _MOST_REQUESTS, "send does not end"
        self.requests.append(request)
        return self.answer(len(self.requests) - 1)


@frozen
class _Cut:
    """A damage to a body: from where to where it is replaced, in thousandths of its length."""

    first: int
    length: int
    replacement: bytes = field(default=b"")

    def apply(self, body: bytes) -> bytes:
        start = len(body) * self.first // 1000
        return body[:start] + self.replacement + body[start + len(body) * self.length // 1000 :]


def _bodies(samples: list[bytes]) -> SearchStrategy[bytes]:
    """Return bytes of three kinds: random, random JSON, and samples with damages."""
    from hypothesis import strategies as st

    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
    pieces = st.sampled_from([b"null", b"{}", b"[]", b'""', b"0", b"true", b'"\\u0000\\ud800"'])
    cuts = st.builds(_Cut, st.integers(0, 1000), st.integers(0, 60), pieces | st.binary(max_size=3))
    damaged = st.tuples(st.sampled_from(samples), st.lists(cuts, min_size=1, max_size=3))
    return st.one_of(
        st.binary(max_size=200),
        values.map(lambda value: json.dumps(value).encode()),
        damaged.map(lambda drawn: _damage(*drawn)),
    )


def _damage(body: bytes, cuts: list[_Cut]) -> bytes:
    for cut in cuts:
        body = cut.apply(body)
    return body
