"""What an answer of the provider means: gone, try later, never, or nobody knows (R10).

The provider asks to judge by `error.code`, which comes before the HTTP status here: the same
trouble arrives under different ones.
"""

from __future__ import annotations

from typing import Final

from omniroute.channels.json_body import JsonNode, read_json
from omniroute.errors import PayloadError
from omniroute.instants import DAY, SECOND
from omniroute.model.wire import Accepted, OutResponse, Permanent, Retryable, SendResult, Unknown

__all__ = ["MAX_ANSWER_BYTES", "answer_of", "describe", "interpret"]

MAX_ANSWER_BYTES: Final = 256 * 1024
"""The largest answer to a request that is not a download."""

_RETRYABLE: Final = frozenset(
    {
        "4",  # too many calls by the application
        "80007",  # too many by the business account
        "130429",  # too many messages from this number in a second
        "131056",  # too many to this contact: about one in six seconds
    }
)
_PERMANENT: Final = frozenset(
    {
        "190",  # the access token has expired
        "368",  # blocked for violating a policy
        "131026",  # the contact cannot receive it
        "131047",  # the window of 24 hours is closed
        "131051",  # not a kind of message
        "131053",  # the media could not be loaded
    }
)
_TEMPLATE_ERRORS: Final = "132"  # 132000 to 132999
_LONGEST_REASON: Final = 300


def interpret(response: OutResponse, *, step: int, sent_ids: tuple[str, ...]) -> SendResult:
    """Return what became of one part; `Accepted` holds the ids of the parts before it as well."""
    if response.error is not None:
        if response.sent:
            return Unknown(response.error, step=step, sent_ids=sent_ids)
        return Retryable(response.error, step=step, sent_ids=sent_ids)
    answer = answer_of(response)
    if 200 <= response.status < 300:
        return _accepted(answer, step, sent_ids)
    code = answer["error"]["code"].identifier_or_none()
    reason = describe(response)
    if _is_retryable(response.status, code):
        return Retryable(reason, after=_retry_after(response), step=step, sent_ids=sent_ids)
    return Permanent(reason, code=code, step=step, sent_ids=sent_ids)


def _accepted(answer: JsonNode, step: int, sent_ids: tuple[str, ...]) -> SendResult:
    messages = answer["messages"]
    first = next(iter(messages), None) if isinstance(messages.value, list) else None
    message_id = first["id"].identifier_or_none() if first else None
    if message_id is None:
        return Unknown("the answer names no message id", step=step, sent_ids=sent_ids)
    return Accepted((*sent_ids, message_id))


def _is_retryable(status: int, code: str | None) -> bool:
    if code in _RETRYABLE:
        return True
    if code in _PERMANENT or (code and len(code) == 6 and code.startswith(_TEMPLATE_ERRORS)):
        return False
    return status >= 500 or status == 429


def _retry_after(response: OutResponse) -> int | None:
    """Return `Retry-After` in microseconds; as a date it would need a clock, and is not used."""
    seconds = response.headers.get("retry-after", "")
    if not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 9:
        return None
    return min(int(seconds) * SECOND, DAY)


def answer_of(response: OutResponse) -> JsonNode:
    """Return the answer's JSON; a node holding None where it is none."""
    try:
        return JsonNode(read_json(response.body, max_bytes=MAX_ANSWER_BYTES), "answer")
    except PayloadError:
        return JsonNode(None, "answer")


def describe(response: OutResponse) -> str:
    """Return what the provider says about a request that it refused, with its code."""
    error = answer_of(response)["error"]
    texts = (error["error_data"]["details"], error["message"], error["error_user_msg"])
    said = next(filter(None, (text.text_or_none() for text in texts)), "no reason given")
    code = error["code"].identifier_or_none()
    label = f"HTTP {response.status}" + (f", code {code}" if code else "")
    return f"{label}: {said}"[:_LONGEST_REASON]
