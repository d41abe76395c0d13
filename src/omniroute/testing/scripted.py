"""A provider that exists in the test only: it takes what a desk sends, and answers as it is told to."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from attrs import define, field, frozen

from omniroute.errors import SignatureInvalid, UsageError
from omniroute.instants import DAY
from omniroute.model.wire import (
    Accepted,
    Attachment,
    Capabilities,
    MediaLimit,
    Outgoing,
    OutRequest,
    OutResponse,
    ParseResult,
    Permanent,
    RawRequest,
    RawResponse,
    Retryable,
    SendContext,
    SendResult,
    Unknown,
)
from omniroute.plugins import hookimpl
from omniroute.ports import ADAPTER_API
from omniroute.rules.handed_over import result_problem

__all__ = ["Delivery", "ScriptedAdapter", "ScriptedPlugin", "ScriptedProvider"]

_MEDIA = {
    kind: MediaLimit(max_bytes=16_000_000) for kind in ("image", "video", "audio", "document")
}


_WINDOWED = frozenset({"whatsapp", "messenger", "instagram", "facebook"})


@frozen
class Delivery:
    """A message that the scripted provider took; `template` is the name of the one it was."""

    channel: str
    entry_point_address: str
    to: str
    text: str | None
    message: str
    provider_id: str
    template: str | None = None


@define
class ScriptedProvider:
    """Takes messages and remembers them in `sent`; `answer_next` makes it answer otherwise."""

    sent: list[Delivery] = field(factory=list)
    _answers: list[SendResult] = field(factory=list)

    def answer_next(self, *answers: SendResult) -> None:
        """Answer the next messages with these results instead of taking them."""
        for answer in answers:
            if problem := result_problem(answer):
                raise UsageError(f"not an answer: {problem}")
        self._answers += answers

    def perform(self, request: OutRequest) -> OutResponse:
        """Take a request as a transport does."""
        if self._answers:
            return _as_response(self._answers.pop(0))
        body = json.loads(request.body)
        provider_id = f"sent-{len(self.sent) + 1}"
        self.sent.append(Delivery(**body, provider_id=provider_id))
        return OutResponse(status=200, body=json.dumps({"id": provider_id}).encode())


def _as_response(answer: SendResult) -> OutResponse:
    if isinstance(answer, Accepted):
        return OutResponse(status=200, body=json.dumps({"id": answer.provider_ids[0]}).encode())
    if isinstance(answer, Retryable):
        return OutResponse(status=503, body=answer.reason.encode(), error=answer.reason, sent=False)
    if isinstance(answer, Permanent):
        return OutResponse(status=400, body=answer.reason.encode())
    return OutResponse(error=answer.reason)


@frozen
class ScriptedSettings:
    """What a scripted entry point needs: its address."""

    address: str = ""


@frozen
class ScriptedAdapter:
    """An adapter for any channel kind, which speaks with a `ScriptedProvider`."""

    kind: str
    api: int = ADAPTER_API
    Settings: type = ScriptedSettings

    def capabilities(self, settings: Any) -> Capabilities:
        """Return generous limits, and the messaging window of kinds that have one."""
        del settings
        windowed = self.kind in _WINDOWED
        return Capabilities(
            text_limit=4096,
            media=_MEDIA,
            window=DAY if windowed else None,
            templates=windowed,
            receipts=True,
        )

    def addresses(self, request: RawRequest) -> list[str]:
        """Return nothing: scripted contacts write to entry points by name."""
        del request
        return []

    def handshake(self, request: RawRequest, settings: Any) -> RawResponse | None:
        """Return None: nobody sets this up."""
        del request, settings
        return None

    def verify(self, request: RawRequest, settings: Any, now: int) -> None:
        """Refuse: what scripted contacts write does not come as a request."""
        del request, settings, now
        raise SignatureInvalid("a scripted channel takes no webhooks")

    def parse(self, request: RawRequest, settings: Any) -> ParseResult:
        """Return nothing."""
        del request, settings
        return ParseResult()

    def send(
        self, message: Outgoing, context: SendContext, settings: ScriptedSettings
    ) -> Generator[OutRequest, OutResponse, SendResult]:
        """Send a message in one request."""
        del context
        body = {
            "channel": self.kind,
            "entry_point_address": settings.address,
            "to": message.to,
            "text": message.text,
            "message": message.id,
            "template": message.template.name if message.template else None,
        }
        response = yield OutRequest(
            method="POST", url="scripted://provider", body=json.dumps(body).encode()
        )
        return _interpret(response)

    def fetch(self, media: Attachment, settings: Any) -> Generator[OutRequest, OutResponse, bytes]:
        """Fetch an attachment in one request."""
        del settings
        response = yield OutRequest(method="GET", url=f"scripted://media/{media.ref}")
        return response.body


def _interpret(response: OutResponse) -> SendResult:
    if response.error is not None:
        return Unknown(response.error) if response.sent else Retryable(response.error)
    if response.status == 200:
        return Accepted((json.loads(response.body)["id"],))
    return Permanent(response.body.decode())


@frozen
class ScriptedPlugin:
    """Brings a scripted adapter for each of the given kinds."""

    kinds: tuple[str, ...]

    @hookimpl
    def omniroute_adapters(self) -> list[ScriptedAdapter]:
        """Return the adapters."""
        return [ScriptedAdapter(kind) for kind in self.kinds]
