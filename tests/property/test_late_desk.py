"""A desk that looks late tells the story of one that looks at every due instant (S2).

What S2 excepts is left out: choices, who gets it, and waits in which somebody must be able to react.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import UsageError
from omniroute.instants import MINUTE
from omniroute.model import events as tell
from omniroute.model.policy import Assignment, ExpirationHours, Inactivity, PolicySettings
from omniroute.model.state import State
from omniroute.rules.presets import PRESETS
from omniroute.testing import MONDAY, Play, a_config
from tests.property.silence_oracle import HOURS
from tests.property.test_silence_machine import spans

STORY = st.lists(
    st.tuples(
        st.sampled_from([1, 3, 8, 15, 60, 700]),
        st.sampled_from(["write", "write", "reply", "end", "snooze", "note", "configure"]),
        st.sampled_from(["Maria", "Otto"]),
    ),
    max_size=12,
)
PUNCTUAL = st.builds(
    PolicySettings,
    assignment=st.just(Assignment.CLAIM),
    unanswered_expiration=spans(12, 45),
    chat_timeout=spans(40, 200),
    inactivity=st.none() | st.builds(Inactivity, after=st.sampled_from([7 * MINUTE, 20 * MINUTE])),
    ended_text=st.none() | st.just("The end."),
    after_hours_expiration=spans(8, 90),
    expiration_hours=st.none() | st.sampled_from(ExpirationHours),
    hours=st.none() | st.just(HOURS),
    snooze_grace=spans(10),
    wrap_up=spans(3, 500),
    closed=st.just(()),
    enabled=st.just({"keep_alive": False}),
)


def lived(
    preset: str,
    policies: tuple[PolicySettings, PolicySettings],
    story: list[tuple[int, str, str]],
    *,
    late: bool,
) -> list[Any]:
    """Return what a desk tells, which works by one policy and then the other, turn by turn."""
    first, second = (
        a_config(agents=("ana", "bob"), preset=preset, policy=policy) for policy in policies
    )
    p = Play(first, store="memory://", start=MONDAY)
    p.desk.set_available("ana")
    for minutes, action, who in [*story, (2000, "write", "Vera")]:
        span = f"{minutes * 60 + 1}s"  # no message comes at a deadline's own instant (U43)
        if late:
            p.clock.advance(span)
        else:
            p.advance(span)
        if action == "configure":
            first, second = second, first
            p.desk.apply(first)
            p.desk.tick()
            continue
        try:
            _act(p, action, who)
        except UsageError:
            continue
    p.clock.advance("30d") if late else p.advance("30d")
    p.desk.tick()
    told: list[Any] = [e.event for e in p.desk.changes()]
    p.close()
    # A command that is refused has drawn ids, so that messages are not called the same.
    return [
        evolve(e, message="") if hasattr(e, "message") else e
        for e in told
        if not isinstance(e, tell.DeliveryChanged)
    ]


def _act(p: Play, action: str, who: str) -> None:
    if action == "write":
        p.contact(who).writes("Hello")
        return
    own = p.desk.conversations(states=tuple(State), order="latest").items
    chat = next((each.id for each in own if each.address.endswith(who.lower())), "c_0")
    if action == "snooze":
        p.desk.snooze(chat, by="ana", for_="2h")
    elif action == "end":
        p.desk.end(chat, by="ana")
    else:
        getattr(p.desk, action)(chat, "Hi", by="ana")


@pytest.mark.req("S2", "R6")
@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(PRESETS)), st.tuples(PUNCTUAL, PUNCTUAL), STORY)
def test_a_late_desk_tells_the_same_story(
    preset: str,
    policies: tuple[PolicySettings, PolicySettings],
    story: list[tuple[int, str, str]],
) -> None:
    told = lived(preset, policies, story, late=True)
    assert told == lived(preset, policies, story, late=False)
