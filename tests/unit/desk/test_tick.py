"""Deadlines: each fires once, for its own instant, and costs nothing for the rest."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from omniroute.desk.tick import BATCH
from omniroute.errors import NaiveDatetime, TransitionNotAllowed
from omniroute.instants import MINUTE
from omniroute.model import events as tell
from omniroute.schema import DESKS
from omniroute.testing import MONDAY, NOW, a_config
from tests.unit.desk.helpers import BusyStore, assert_folds, log, position, stored, told

DUE = NOW + 15 * MINUTE + 1
LATE = MONDAY + timedelta(hours=3)


def missed(p):
    return told(p, tell.SlaBreached)


@pytest.mark.req("G20")
@pytest.mark.parametrize("micros,fired", [(0, 0), (1, 1)])
def test_nothing_is_overdue_at_the_due_instant_itself(play, micros: int, fired: int) -> None:
    p = play(a_config())
    chat = p.contact("Maria").writes("Hello")
    assert p.desk.tick(now=chat.due + timedelta(microseconds=micros)) == fired
    assert len(missed(p)) == fired


@pytest.mark.req("S1")
def test_a_late_tick_tells_of_the_deadlines_own_instant(play) -> None:
    p = play(a_config())
    p.contact("Maria").writes("Hello")
    p.clock.set(LATE)
    assert p.desk.tick() == 1
    (event,) = missed(p)
    assert (event.at, event.due) == (DUE, DUE - 1)


def test_a_deadline_fires_once_however_often_time_is_looked_at(play) -> None:
    p = play(a_config())
    p.contact("Maria").writes("Hello")
    counts = [p.desk.tick(now=LATE + timedelta(minutes=n)) for n in (0, 0, 1, -90)]
    assert counts == [1, 0, 0, 0]
    assert len(missed(p)) == 1
    assert_folds(p)


def test_deadlines_fire_in_order(play) -> None:
    p = play(a_config())
    p.contact("Maria").writes("Hello")
    p.advance("5m")
    p.contact("Otto").writes("Hello")
    fired = p.advance("1h")
    assert [each.event.conversation for each in fired] == ["c_1", "c_2"]
    assert [each.event.at for each in fired] == [DUE, DUE + 5 * MINUTE]


def test_an_answer_in_time_leaves_nothing_to_fire(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    assert p.desk.next_due() is None
    before = position(p)
    assert p.desk.tick(now=LATE) == 0
    assert position(p) == before


def test_more_than_a_batch_fires_in_one_call(play) -> None:
    p = play(a_config())
    for number in range(BATCH + 5):
        p.contact(f"N{number}").writes("Hello")
    assert p.desk.tick(now=LATE) == BATCH + 5
    assert p.desk.next_due() is None


def test_the_next_due_instant_is_told_in_the_desks_zone(play) -> None:
    p = play(a_config(zone="Europe/Berlin"))
    assert p.desk.next_due() is None
    p.contact("Maria").writes("Hello")
    due = p.desk.next_due()
    assert due == MONDAY + timedelta(minutes=15, microseconds=1)
    assert due.timezone_name == "Europe/Berlin"


def test_the_desks_row_never_promises_later_than_what_is_armed(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))

    def promised():
        return stored(p, DESKS).next_due

    assert promised() is None
    p.contact("Maria").writes("Hello")
    p.advance("5m")
    p.contact("Otto").writes("Hello")
    assert promised() == DUE
    p.desk.tick(now=MONDAY + timedelta(minutes=16))
    assert promised() == DUE + 5 * MINUTE
    p.desk.tick(now=LATE)
    assert promised() is None


# --- before anything else -------------------------------------------------------------------------


@pytest.mark.req("R6")
def test_what_came_due_before_a_command_is_told_before_it(play) -> None:
    p = play(a_config(agents=("ana",), preset="claim"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.contact("Otto").writes("Hello")
    before = position(p)
    p.clock.set(LATE)
    p.desk.take(chat.id, by="ana")
    events = [each.event for each in p.desk.changes(before)]
    assert [type(each).__name__ for each in events] == ["SlaBreached", "SlaBreached", "Assigned"]
    assert [each.at for each in events[:2]] == [DUE, DUE]
    assert p.desk.tick() == 0
    assert_folds(p)


@pytest.mark.req("R6")
@pytest.mark.parametrize("late,fired", [(0, 0), (1, 1)])
def test_an_answer_at_the_due_instant_itself_is_in_time(play, late: int, fired: int) -> None:
    p = play(a_config(agents=("ana",), preset="push"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana", now=chat.due + timedelta(microseconds=late))
    assert len(missed(p)) == fired
    p.desk.tick(now=LATE)
    assert len(missed(p)) == fired


@pytest.mark.req("R6")
def test_a_command_fires_a_hundred_at_most_and_its_own_always(play) -> None:
    p = play(a_config(agents=("ana",), preset="claim"))
    p.agent("ana").on()
    chats = [p.contact(f"N{number}").writes("Hello") for number in range(BATCH + 10)]
    p.clock.set(LATE)
    last = max(chats, key=lambda chat: chat.id)
    p.desk.take(last.id, by="ana")
    assert [each.conversation for each in missed(p)][BATCH:] == [last.id]
    own = [type(each) for each in log(p) if getattr(each, "conversation", None) == last.id]
    assert own[-2:] == [type(missed(p)[0]), tell.Assigned], "before the command, not after it"
    assert p.desk.tick() == 9


@pytest.mark.req("R6")
def test_a_command_that_is_refused_fires_nothing(play) -> None:
    p = play(a_config(agents=("ana",), preset="push"))
    chat = p.contact("Maria").writes("Hello")
    before = position(p)
    p.clock.set(LATE)
    with pytest.raises(TransitionNotAllowed):
        p.desk.take(chat.id, by="ana")
    assert position(p) == before


def test_a_naive_now_is_refused(play) -> None:
    with pytest.raises(NaiveDatetime):
        play(a_config()).desk.tick(now=datetime(2026, 3, 2))  # noqa: DTZ001


@pytest.mark.req("R7")
def test_instants_are_in_the_order_of_what_happens_however_long_one_waits_for_a_desk(play) -> None:
    """The clock is read anew once the desk is had; what a caller says stays."""
    store = BusyStore()
    p = play(a_config(agents=("ana",)), store=store)
    chat = p.contact("Maria").writes("Hello")
    store.meanwhile = lambda: p.clock.advance("20m")
    p.desk.note(chat.id, "She called, too", by="ana")
    assert told(p, tell.NoteAdded)[0].at == NOW + 20 * MINUTE
    store.meanwhile = lambda: p.clock.advance("20m")
    p.desk.set_available("ana", now=MONDAY + timedelta(minutes=21))
    assert told(p, tell.Assigned)[0].at == NOW + 21 * MINUTE, "what a caller says is what counts"
    before = p.clock.now()
    store.meanwhile = lambda: p.clock.advance("20m")
    p.desk.tag(chat.id, "vip", by="ana")
    assert told(p, tell.Tagged)[0].at == before + 20 * MINUTE, "where it was read before, too"
