"""What a desk says and does outside its hours. It is open from 9 to 17, and a play begins at 9."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.instants import HOUR, MINUTE
from omniroute.model import events as tell
from omniroute.model.hours import Hours
from omniroute.model.policy import Inactivity, PolicySettings
from omniroute.model.state import EndReason, State
from omniroute.testing import NOW, a_config
from tests.unit.desk.helpers import assert_folds, told

NINE_TO_FIVE = Hours(weekly=(((9 * 3600, 17 * 3600),),) * 7)
CLOSED = "We open again {opens_at}."
OPENS = "We open again Tuesday, 3 March, 09:00."


def desk_of(play: Any, *agents: str, **policy: Any) -> Any:
    settings = PolicySettings(hours=NINE_TO_FIVE, **policy)
    p = play(a_config(agents=agents, policy=settings, preset="push"))
    for agent in agents:
        p.agent(agent).on()
    return p


@pytest.mark.req("U49")
def test_what_comes_in_outside_hours_is_answered_once_a_closed_period(play) -> None:
    p = desk_of(play, "ana", after_hours_message=CLOSED)
    maria = p.contact("Maria")
    maria.writes("Hello")
    p.advance("7h59m")
    maria.writes("Still there?")
    p.deliver()
    assert maria.got == [], "open until the very closing"
    p.advance("1m")
    maria.writes("Hello?")
    p.advance("2h")
    maria.writes("Hello??")
    p.deliver()
    assert maria.got == [OPENS]
    p.advance("1d")
    maria.writes("Evening again")
    p.deliver()
    assert maria.got == [OPENS, "We open again Wednesday, 4 March, 09:00."]
    assert_folds(p)


@pytest.mark.req("R16", "U49")
def test_whoever_is_assigned_at_once_keeps_what_the_texts_before_told(play) -> None:
    p = desk_of(play, "ana", greeting="Welcome!", after_hours_message=CLOSED)
    p.advance("9h")
    maria = p.contact("Maria")
    assert maria.writes("Hello?").agent == "ana"
    maria.writes("Hello??")
    p.deliver()
    assert maria.got.count(OPENS) == 1
    assert_folds(p)


@pytest.mark.req("U48", "U50")
@pytest.mark.parametrize("skips", [False, True])
def test_the_greeting_comes_first_or_is_skipped(play, skips: bool) -> None:
    p = desk_of(
        play,
        greeting="Welcome!",
        after_hours_message="We are closed.",
        skip_greeting_after_hours=skips,
    )
    p.advance("10h")
    maria = p.contact("Maria")
    maria.writes("Hello")
    p.deliver()
    assert maria.got == [*([] if skips else ["Welcome!"]), "We are closed."]


@pytest.mark.req("U25", "U26", "U28")
@pytest.mark.parametrize("wait,lasts", [("1m", 30), ("9h", 600)])
def test_the_hours_at_entry_choose_how_long_a_conversation_waits(play, wait, lasts) -> None:
    p = desk_of(play, unanswered_expiration=30 * MINUTE, after_hours_expiration=600 * MINUTE)
    p.advance(wait)
    began = p.clock.now()
    chat = p.contact("Maria").writes("Hello")
    p.advance("2d")
    (ended,) = told(p, tell.Ended)
    assert (ended.at, ended.ending) == (began + lasts * MINUTE, EndReason.EXPIRED_IN_QUEUE)
    assert p.desk.conversation(chat.id).state is State.ENDED


@pytest.mark.req("M6")
def test_a_dismissed_chat_is_answered_and_stays_dismissed_outside_hours(play) -> None:
    p = desk_of(
        play, "ana", inactivity=Inactivity(after=10 * MINUTE), after_hours_message="We are closed."
    )
    maria = p.contact("Maria")
    p.agent("ana").replies(maria.writes("Hello"), "Hi")
    p.advance("10h")
    assert maria.writes("Are you there?").state is State.DISMISSED
    p.deliver()
    assert maria.got[-1] == "We are closed."
    p.clock.set(NOW + 24 * HOUR)
    assert maria.writes("Good morning").agent == "ana"
    assert_folds(p)
