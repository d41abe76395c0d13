"""A view for webhooks: Django's request in, `handle_webhook`, Django's response out."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from omniroute.desk.desk import Desk
from omniroute.desk.desks import Desks
from omniroute.model.wire import RawRequest
from omniroute.web import handle_webhook

__all__ = ["webhook_view"]

Answerers = Desks | Desk


def webhook_view(
    desks: Answerers | Callable[[], Answerers], *, entry_point: str | None = None
) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that answers providers' webhooks, as `handle_webhook` does.

    `desks` may be a function that returns them, asked at every request. The signature is the
    provider's, so there is no CSRF token to ask for. With `ATOMIC_REQUESTS` the view still runs in no
    transaction, so that each item has its own and a failed one does not take back the others.
    Providers call, and some sign, the public URL: behind a proxy set `SECURE_PROXY_SSL_HEADER` and
    `USE_X_FORWARDED_HOST`.
    """

    def view(request: HttpRequest) -> HttpResponse:
        try:
            raw = _raw(request)
        except RequestDataTooBig:
            return HttpResponse(
                json.dumps({"error": "the body is larger than DATA_UPLOAD_MAX_MEMORY_SIZE"}),
                status=413,
                content_type="application/json",
            )
        found = desks if isinstance(desks, Answerers) else desks()
        answer = handle_webhook(found, raw, entry_point=entry_point)
        return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))

    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    exempt: Callable[[HttpRequest], HttpResponse] = csrf_exempt(view)
    return exempt


def _raw(request: HttpRequest) -> RawRequest:
    return RawRequest(
        method=request.method or "GET",
        url=request.build_absolute_uri(),
        headers=dict(request.headers),
        query={name: request.GET.getlist(name)[0] for name in request.GET},
        body=request.body,
    )
