"""`handle_webhook`: find the desks that a provider's request is for, let them receive it, answer.

The answer tells the provider whether to send again: 200 when everything usable is stored, 4xx when
nothing of it ever will be, 5xx when the store failed. What is sent again and was stored is skipped
(X3).
"""

from __future__ import annotations

import json
from typing import Any

from omniroute.desk.desk import Desk
from omniroute.desk.desks import Desks
from omniroute.desk.receive import ACCEPTED, DUPLICATE
from omniroute.desk.views import Received
from omniroute.errors import (
    MalformedPayload,
    PayloadError,
    PayloadTooLarge,
    SignatureInvalid,
    StoreError,
    UnknownAddress,
    UsageError,
)
from omniroute.model.wire import RawRequest, RawResponse
from omniroute.rules.arguments import blaming
from omniroute.rules.handed_over import check_request

__all__ = ["handle_webhook"]

_KEPT = (ACCEPTED, DUPLICATE)
_STATUS: dict[type[PayloadError], int] = {
    SignatureInvalid: 401,
    UnknownAddress: 404,
    PayloadTooLarge: 413,
    MalformedPayload: 400,
}


@blaming
def handle_webhook(
    desks: Desks | Desk, request: RawRequest, *, entry_point: str | None = None
) -> RawResponse:
    """Answer a provider's webhook.

    With `Desks` the address directory finds desk and entry point; one request may be for several.
    With a `Desk` and `entry_point` the host says where its URL belongs, which a provider's set-up
    handshake needs: it names no address. Raises nothing that a sender or a store can cause;
    `UsageError` for a webhook on a `Desk` without `entry_point`, and for `entry_point` without a desk.
    """
    check_request(request)
    try:
        if isinstance(desks, Desk):
            return _known(desks, request, entry_point)
        if entry_point is None:
            return _found(desks, request)
    except PayloadError as error:
        return _answer(_STATUS.get(type(error), 400), {"error": error.summary})
    except StoreError as error:
        return _answer(503, {"error": type(error).__name__})
    raise UsageError(
        "an entry point is one of a desk",
        where="entry_point",
        got=repr(entry_point),
        hint="pass the desk beside it, desks[…]; with all desks the address directory finds it",
    )


def _known(desk: Desk, request: RawRequest, entry_point: str | None) -> RawResponse:
    greeting = desk.handshake(entry_point, request)
    if greeting is not None:
        return greeting
    if request.method.upper() == "GET":
        return _answer(403, {"error": "no entry point knows this handshake"})
    if entry_point is not None:
        return _summary([desk.receive(entry_point, request)])
    # The host's mistake: told as a 4xx, the provider would not send it again.
    raise UsageError("a webhook on one desk needs its entry point", hint="pass entry_point=")


def _found(desks: Desks, request: RawRequest) -> RawResponse:
    failures = list[Exception]()
    targets = desks.targets(request, failures)
    if not targets:
        greeting = desks.handshake(request)
        if greeting is not None:
            return greeting
        return _for_nobody(desks, request, failures)
    received, refusals = [], list[PayloadError]()
    for desk, entry_point in targets:
        try:
            received.append(desk.receive(entry_point, request))
        except PayloadError as error:
            refusals.append(error)  # one account's settings lose no other's messages (R13)
    if not received:
        raise refusals[0]
    return _summary(received)


def _for_nobody(desks: Desks, request: RawRequest, failures: list[Exception]) -> RawResponse:
    """Acknowledge news of an account: it names no address, and would be sent for days (R13).

    Whoever signs for an account of ours may tell us what concerns no conversation. Anything else
    is refused: to a stranger we have nothing to say. Where an adapter could not look, it may be its
    own: what it raised is raised.
    """
    found = None if request.method.upper() == "GET" else desks.vouching(request)
    if found is not None:
        desk, entry_point = found
        return _summary([desk.receive(entry_point, request)])
    if failures:
        raise failures[0]
    raise UnknownAddress("no desk has an entry point for this request")


def _summary(received: list[Received]) -> RawResponse:
    items = [item for each in received for item in each.items]
    # Each desk sees the whole request, and refuses what is another's: that is no rejection.
    kept = {(item.kind, item.key) for item in items if item.result in _KEPT}
    refused = [item for item in items if item.result not in _KEPT]
    reasons = [
        f"{item.key}: {item.reason}" for item in refused if (item.kind, item.key) not in kept
    ]
    unreadable = {str(each): None for one in received for each in one.unreadable}
    return _answer(
        200,
        {
            "accepted": sum(item.result == ACCEPTED for item in items),
            "duplicates": sum(item.result == DUPLICATE for item in items),
            "rejected": [*dict.fromkeys(reasons), *unreadable],
        },
    )


def _answer(status: int, body: dict[str, Any]) -> RawResponse:
    return RawResponse(
        status=status,
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
    )
