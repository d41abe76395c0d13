"""Transports: the only code that talks to providers. They report the network's failures as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from omniroute.errors import UsageError
from omniroute.model.wire import OutRequest, OutResponse

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

    import httpx

    from omniroute.ports import Transport

__all__ = ["HttpxTransport", "drive"]

R = TypeVar("R")

_MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_CONNECT_SECONDS: Final = 10.0


def drive(steps: Generator[OutRequest, OutResponse, R], transport: Transport) -> R:
    """Run what an adapter's `send` or `fetch` asks for, and return what it returns."""
    response: OutResponse | None = None
    while True:
        try:
            request = next(steps) if response is None else steps.send(response)
        except StopIteration as done:
            result: R = done.value
            return result
        response = transport.perform(request)


class HttpxTransport:
    """Carries requests out with httpx, over connections that are kept and shared between threads.

    Redirects are not followed: a header with a token must not travel to another host. Error texts
    name the kind of failure only, since httpx's own may quote a header or a URL that holds a secret
    (R15).
    """

    def __init__(self, *, client: httpx.Client | None = None) -> None:
        """Use `client`, whose own settings then count, or make one."""
        self._httpx = _import_httpx()
        self._client = client or self._httpx.Client(
            follow_redirects=False,
            # A proxy of the environment is for the world, not for this machine.
            mounts={"all://127.0.0.1": None, "all://localhost": None},
        )

    def perform(self, request: OutRequest) -> OutResponse:
        """Carry one request out and return the answer, or why there is none."""
        try:
            return self._exchange(request)
        except (self._httpx.HTTPError, self._httpx.InvalidURL, self._httpx.StreamError) as error:
            return OutResponse(error=type(error).__name__, sent=self._may_have_arrived(error))
        except (ValueError, TypeError) as error:
            # Not a URL or a header at all: refused before anything was written.
            return OutResponse(error=type(error).__name__, sent=False)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._client.close()

    def _exchange(self, request: OutRequest) -> OutResponse:
        limit = _MAX_ANSWER_BYTES if request.max_answer is None else request.max_answer
        with self._client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
            timeout=self._httpx.Timeout(
                request.timeout, connect=min(request.timeout, _CONNECT_SECONDS)
            ),
        ) as answer:
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > limit:
                    return OutResponse(error=f"the answer is larger than {limit} bytes")
            return OutResponse(
                status=answer.status_code, headers=dict(answer.headers), body=bytes(body)
            )

    def _may_have_arrived(self, error: Exception) -> bool:
        """Whether the provider may have the request: not if it failed before a byte was written."""
        before = (
            self._httpx.ConnectError,
            self._httpx.ConnectTimeout,
            self._httpx.PoolTimeout,
            self._httpx.ProxyError,
            self._httpx.UnsupportedProtocol,
            self._httpx.LocalProtocolError,
            self._httpx.InvalidURL,
        )
        return not isinstance(error, before)


def _import_httpx() -> ModuleType:
    try:
        import httpx
    except ImportError:
        raise UsageError(
            "sending over HTTP needs httpx", hint="pip install 'omniroute[http]'"
        ) from None
    return httpx
