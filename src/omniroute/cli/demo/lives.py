"""Four lives of a conversation, each in virtual time on a small desk of its own, told by its timeline.

A chat that is dismissed and resumed, a keep-alive that ends, a snooze that nobody answers, and a
finished chat that returns. The benchmarks run the same lives for thirty days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from omniroute.testing import Play, play

__all__ = ["LIVES", "lived"]


def _config(preset: str, **policy: Any) -> dict[str, Any]:
    return {
        "desk": "lives",
        "zone": "Europe/Berlin",
        "preset": preset,
        "policy": policy,
        "inboxes": {"help": {"sla": "15m", "primary_for": ["whatsapp"]}},
        "entry_points": {"whatsapp": {"channel": "whatsapp", "address": "1"}},
        "agents": {"ana": {"name": "Ana", "serves": ["help"]}},
    }


_SOCIAL: Final = _config(
    "social_queue",
    inactivity={"after": "30m", "notice": "5m", "text": "Are you still there, Maria?"},
    dismissed_text=(
        "This chat session is closed, reply to this message to start a new chat."
        " [agent name] has left the conversation."
    ),
)
_ALIVE: Final = _config(
    "keep_alive",
    keep_alive={
        "after": "20m",
        "text": "Are you still there?",
        "end_after": "10m",
        "end_text": "We close this for now.",
    },
)


def _dismissed_and_resumed(p: Play) -> None:
    ana, maria = p.agent("ana").on(), p.contact("Maria")
    chat = ana.accepts(maria.writes("My router is dead."))
    ana.replies(chat, "Please hold the reset button for 5 seconds.")
    p.advance("2h")
    ana.replies(ana.accepts(maria.writes("It works now, thank you!")), "Have a nice day!")
    ana.ends(ana.holds[0], disposition="solved")


def _kept_alive(p: Play) -> None:
    ana, maria = p.agent("ana").on(), p.contact("Maria")
    ana.replies(maria.writes("Where is my parcel?"), "What is your order number?")
    p.advance("25m")
    maria.writes("One moment, I am looking for it.")
    p.advance("2h")


def _snoozed(p: Play) -> None:
    ana, maria = p.agent("ana").on(), p.contact("Maria")
    chat = maria.writes("Do you have the blue one?")
    ana.replies(chat, "I am asking the shop.")
    p.desk.acting_as("ana").snooze(chat.id, for_="1d")
    p.advance("2d")
    ana.replies(ana.holds[0], "We have it. Shall I keep one for you?")
    ana.ends(ana.holds[0], disposition="no answer")


def _finished_and_back(p: Play) -> None:
    ana, maria = p.agent("ana").on(), p.contact("Maria")
    ana.replies(maria.writes("Is my coupon still good?"), "It is, until Friday.")
    ana.ends(ana.holds[0])
    p.advance("3d")
    ana.replies(maria.writes("It is Friday, and it does not work!"), "Try it once more, please.")
    ana.ends(ana.holds[0])


LIVES: Final[tuple[tuple[str, dict[str, Any], Callable[[Play], None]], ...]] = (
    ("A WhatsApp chat is dismissed, and resumed by a word", _SOCIAL, _dismissed_and_resumed),
    ("Keep-alive asks, asks again, and ends", _ALIVE, _kept_alive),
    ("A snooze that nobody answers", _config("push"), _snoozed),
    ("A finished chat returns to Unanswered", _config("claim"), _finished_and_back),
)
"""Each with its title, its desk, and what people do in it."""


def lived(config: dict[str, Any], live: Callable[[Play], None]) -> Iterator[str]:
    """Live a life, and yield its timeline line by line."""
    with play(config) as p:
        live(p)
        for conversation in p.conversations:
            yield from p.desk.timeline(conversation).as_text().splitlines()
