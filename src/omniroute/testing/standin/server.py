"""The server: checks what it gets, answers and refuses in the provider's shape, counts."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import quote, urlsplit

from attrs import evolve, frozen

from omniroute.channels.whatsapp.settings import WhatsAppSettings
from omniroute.errors import MalformedPayload, PayloadError
from omniroute.model.secret import Secret
from omniroute.testing.standin.outbound import USER_ID, OutboundMessage, read_outbound
from omniroute.testing.standin.webhooks import WebhookBuilder

__all__ = ["StandInProvider"]


@frozen(kw_only=True)
class _Failure:
    """What to do to one request instead of serving it."""

    status: int | None = None
    code: int | None = None
    retry_after: int | None = None
    drop: bool = False
    lose_answer: bool = False
    delay: float = 0.0

    @property
    def refuses(self) -> bool:
        asked = self.status is not None or self.code is not None
        return asked or not (self.lose_answer or self.delay)


@frozen(kw_only=True)
class _Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after: int | None = None


class StandInProvider:
    """The stand-in, with the numbers of one account. A context manager: it listens inside `with`.

    `webhooks` builds those of the first number, `webhooks_of` those of any of `more_numbers`.
    `accepted` are the messages it took, in order; `refused` the (status, reason) of the others. Put
    (bytes, MIME type) into `media` under a media id to have it served.
    """

    def __init__(
        self,
        *,
        phone_number_id: str = "106540352242922",
        more_numbers: Iterable[str] = (),
        app_secret: str = "stand-in-app-secret",  # noqa: S107  (nothing real)
        access_token: str = "stand-in-access-token",  # noqa: S107
        verify_token: str = "stand-in-verify-token",  # noqa: S107
        api_version: str = "v25.0",
    ) -> None:
        self._builders = {
            number: WebhookBuilder(
                phone_number_id=number, app_secret=app_secret, verify_token=verify_token
            )
            for number in (phone_number_id, *more_numbers)
        }
        self.webhooks = self._builders[phone_number_id]
        self.accepted: list[OutboundMessage] = []
        self.refused: list[tuple[int, str]] = []
        self.media: dict[str, tuple[bytes, str]] = {}
        self._token = access_token
        self._version = api_version
        self._failures: list[_Failure] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._stopping.clear()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def base_url(self) -> str:
        """Where it listens; the port is a new one each time."""
        if self._server is None:
            raise RuntimeError("the stand-in listens inside its with block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def webhooks_of(self, phone_number_id: str) -> WebhookBuilder:
        """Return the builder of webhooks for one of the numbers; `KeyError` for another's."""
        return self._builders[phone_number_id]

    @property
    def settings(self) -> WhatsAppSettings:
        """The settings with which the WhatsApp adapter reaches it."""
        return WhatsAppSettings(
            address=self.webhooks.phone_number_id,
            app_secret=Secret(self.webhooks.app_secret),
            access_token=Secret(self._token),
            verify_token=Secret(self.webhooks.verify_token),
            api_version=self._version,
            base_url=self.base_url,
        )

    def fail_next(
        self,
        count: int = 1,
        *,
        status: int | None = None,
        code: int | None = None,
        retry_after: int | None = None,
        drop: bool = False,
        lose_answer: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Have the next `count` requests fail.

        They are answered with `status` and the provider's error `code`, and `Retry-After` in
        seconds. With `drop` the connection is closed instead; with `lose_answer` it is closed after
        the request was carried out. A `delay` in seconds alone serves the request late.
        """
        failure = _Failure(
            status=status,
            code=code,
            retry_after=retry_after,
            drop=drop,
            lose_answer=lose_answer,
            delay=delay,
        )
        with self._lock:
            self._failures += [failure] * count

    def serve(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> _Answer | None:
        """Answer one request; None closes the connection without an answer."""
        with self._lock:
            failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            self._stopping.wait(failure.delay)
            if failure.drop:
                return None
            if failure.refuses:
                return self._refuse(
                    failure.status or 500, failure.code, "scripted", failure.retry_after
                )
        with self._lock:
            answer = self._route(method, urlsplit(path).path, headers, body)
        return None if failure is not None and failure.lose_answer else answer

    def _route(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return self._refuse(401, 190, "Invalid OAuth access token")
        steps = path.strip("/").split("/")
        if method == "POST" and self._is_ours(steps):
            return self._accept(headers, body)
        if method == "GET" and len(steps) == 2 and steps[1] in self.media:
            return self._serve_media(steps[0], steps[1])
        return self._refuse(400, 100, f"Unsupported {method.lower()} request")

    def _is_ours(self, steps: list[str]) -> bool:
        return any(steps == [self._version, number, "messages"] for number in self._builders)

    def _accept(self, headers: Mapping[str, str], body: bytes) -> _Answer:
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return self._refuse(400, 100, "The content type must be application/json")
        try:
            message = read_outbound(body)
        except PayloadError as error:
            return self._refuse(400, _code_of(error), str(error))
        message_id = f"wamid.OUT{len(self.accepted) + 1:08d}"
        known_as = "user_id" if USER_ID.fullmatch(message.to) else "wa_id"
        contact = {"input": message.to, known_as: message.to.lstrip("+")}
        self.accepted.append(evolve(message, id=message_id))
        return _json(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [contact],
                "messages": [{"id": message_id}],
            },
        )

    def _serve_media(self, folder: str, media_id: str) -> _Answer:
        content, mime_type = self.media[media_id]
        if folder == "media":
            return _Answer(status=200, body=content, content_type=mime_type)
        return _json(
            200,
            {
                "messaging_product": "whatsapp",
                "url": f"{self.base_url}/media/{quote(media_id, safe='')}",
                "mime_type": mime_type,
                "sha256": hashlib.sha256(content).hexdigest(),
                "file_size": len(content),
                "id": media_id,
            },
        )

    def _refuse(
        self, status: int, code: int | None, reason: str, retry_after: int | None = None
    ) -> _Answer:
        self.refused.append((status, reason))
        error = {
            "message": f"(#{code or 1}) {reason}",
            "type": "OAuthException",
            "code": code or 1,
            "error_data": {"messaging_product": "whatsapp", "details": reason},
            "fbtrace_id": "stand-in",
        }
        return _json(status, {"error": error}, retry_after)


def _code_of(error: PayloadError) -> int:
    if isinstance(error, MalformedPayload) and error.got == "nothing":
        return 131008  # a required parameter is missing
    return 131009  # a parameter's value is not valid


def _json(status: int, value: Mapping[str, Any], retry_after: int | None = None) -> _Answer:
    return _Answer(status=status, body=json.dumps(value).encode(), retry_after=retry_after)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: StandInProvider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that gave up waiting is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.provider.serve(
            self.command, self.path, headers, self.rfile.read(length)
        )
        if answer is None:
            return
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("content-length", str(len(answer.body)))
        if answer.retry_after is not None:
            self.send_header("retry-after", str(answer.retry_after))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _answer  # noqa: N815  (the names that the base class looks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing on the terminal."""
