"""Dead letters: listed with the reason, and driven again on request."""

from __future__ import annotations

import pytest

from omniroute.errors import UnknownDesk, UsageError
from omniroute.model.wire import DeliveryStatus, Permanent, Retryable, Unknown
from omniroute.rules.delivery import MAX_ATTEMPTS
from omniroute.schema import MESSAGES
from omniroute.testing import MONDAY, a_config
from tests.unit.desk.helpers import stored


@pytest.fixture
def p(play):
    p = play(a_config(preset="push", agents=("ana",), capacity=5))
    p.agent("ana").on()
    return p


REFUSED = Permanent("refused")


def lose(p, contact, text="Hi", answer=REFUSED):
    """A message to a contact that died."""
    chat = p.contact(contact).writes("Hello")
    written = p.desk.reply(chat.id, text, by="ana")
    p.provider.answer_next(answer)
    p.desk.deliver()
    return written


def test_the_dead_are_listed_oldest_first_with_the_reason_of_each(p) -> None:
    one = lose(p, "Maria")
    p.advance("1m")
    other = lose(p, "Otto", answer=Unknown("timed out"))
    assert [(each.message, each.reason, each.attempts) for each in p.desk.dead_letters()] == [
        (one.id, "refused", 1),
        (other.id, "unknown: timed out", 1),
    ]
    assert len(p.desk.dead_letters(limit=1)) == 1


def test_a_dead_message_can_be_driven_again(p) -> None:
    written = lose(p, "Maria")
    p.desk.redrive(written.id)
    message = stored(p, MESSAGES, written.id)
    assert (message.status, message.error) == (DeliveryStatus.PENDING, None)
    assert p.desk.dead_letters() == []
    assert p.desk.waiting_to_send() == 1
    p.desk.deliver()
    assert p.contact("Maria").got == ["Hi"]
    assert stored(p, MESSAGES, written.id).status is DeliveryStatus.SENT


def test_its_tries_are_counted_anew(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    written = p.desk.reply(chat.id, "Hi", by="ana")
    p.provider.answer_next(*[Retryable("busy")] * (MAX_ATTEMPTS + 1))
    p.advance("7d")
    assert [each.attempts for each in p.desk.dead_letters()] == [MAX_ATTEMPTS]
    p.desk.redrive(written.id)
    p.desk.deliver()
    assert p.desk.dead_letters() == []
    p.advance("1m")
    assert p.contact("Maria").got == ["Hi"]


def test_it_takes_its_old_place_in_the_conversation(p) -> None:
    written = lose(p, "Maria", "one")
    p.provider.answer_next(Retryable("busy"))
    p.desk.reply("c_1", "two", by="ana")
    p.desk.deliver()
    p.desk.redrive(written.id)
    p.advance("1m")
    assert p.contact("Maria").got == ["one", "two"]


@pytest.mark.parametrize("which", ["sent", "unknown", "received"])
def test_only_what_is_dead_is_driven_again(p, which: str) -> None:
    chat = p.contact("Maria").writes("Hello")
    sent = p.agent("ana").replies(chat, "Hi")
    message = {"sent": sent.id, "unknown": "m_99", "received": "m_1"}[which]
    with pytest.raises(UsageError, match="not in the dead letters"):
        p.desk.redrive(message)


def test_a_message_that_waits_is_not_driven_again(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    written = p.desk.reply(chat.id, "Hi", by="ana")
    with pytest.raises(UsageError):
        p.desk.redrive(written.id)
    p.desk.deliver()
    assert p.contact("Maria").got == ["Hi"]


@pytest.mark.parametrize("limit", [0, -1, 1001, True])
def test_a_page_of_dead_letters_has_a_size(p, limit: int) -> None:
    with pytest.raises(UsageError, match="limit: not a page size"):
        p.desk.dead_letters(limit=limit)


def test_the_report_of_a_play_names_the_dead(p) -> None:
    written = lose(p, "Maria")
    assert f"outbox: 0 waiting, 1 dead\n  {written.id}: refused" in p.report()
    assert str(MONDAY)[:10] in p.report()
    with pytest.raises(UnknownDesk):
        _ = p.desks["other"]
