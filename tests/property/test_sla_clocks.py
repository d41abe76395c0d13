"""The clocks kept step by step, against an oracle that walks the whole story minute by minute.

The oracle knows what was done and when, and which minutes are open; it has none of the code under test:
no due instant of its own is ever kept, each is counted anew from the beginning.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.instants import HOUR, MINUTE
from omniroute.model import commands as ask
from omniroute.model import events as tell
from omniroute.model.conversation import Conversation, DeadlineKind, Pause
from omniroute.model.hours import Hours
from omniroute.model.policy import AfterEnd, AfterEndTo, Policy
from omniroute.model.sla import SlaTerms
from omniroute.model.state import State
from omniroute.rules import lifecycle
from omniroute.rules.deadlines import has_come
from omniroute.rules.hours import calendar
from omniroute.rules.sla import clocks as sla_clocks
from omniroute.rules.sla import deciding
from omniroute.rules.sla.counting import counted
from omniroute.testing import a_place

FIRST, NEXT, RESOLUTION = (
    DeadlineKind.FIRST_RESPONSE,
    DeadlineKind.NEXT_RESPONSE,
    DeadlineKind.RESOLUTION,
)
START = datetime(2026, 3, 26, 7, 0, tzinfo=UTC)  # a Thursday; clocks go forward on Sunday
NOW = int(START.timestamp()) * 1_000_000
FAR = 3_000 * HOUR
HORIZON = 40 * 24 * 60  # minutes that the oracle knows

WORK = ((32_400, 45_000), (50_400, 64_800))  # 9:00 to 12:30 and 14:00 to 18:00
CALENDARS: dict[str, tuple[str, tuple[tuple[tuple[int, int], ...], ...]] | None] = {
    "always": None,
    "utc": ("UTC", (WORK,) * 5 + ((), ())),
    "berlin": ("Europe/Berlin", (WORK,) * 5 + (((36_000, 50_400),), ())),
    "nights": ("Europe/Berlin", (((79_200, 93_600),),) * 7),  # 22:00 to 2:00, every night
}


@cache
def open_time(name: str) -> Any:
    found = CALENDARS[name]
    return None if found is None else calendar(Hours(weekly=found[1], zone=found[0]))


@cache
def open_minutes(name: str) -> list[bool]:
    """Which minutes from `START` on are open, by the wall clock at each."""
    found = CALENDARS[name]
    if found is None:
        return [True] * HORIZON
    zone, weekly = ZoneInfo(found[0]), found[1]
    minutes = []
    for number in range(HORIZON):
        local = (START + timedelta(minutes=number)).astimezone(zone)
        second = local.hour * 3600 + local.minute * 60
        today, before = weekly[local.weekday()], weekly[local.weekday() - 1]
        minutes.append(
            any(a <= second < b for a, b in today)
            or any(a <= second + 86_400 < b for a, b in before)
        )
    return minutes


TERMS = st.builds(
    SlaTerms,
    first=st.sampled_from([15 * MINUTE, HOUR, 10 * HOUR]),
    next=st.sampled_from([None, 10 * MINUTE, 2 * HOUR]),
    resolution=st.sampled_from([None, 3 * HOUR, 30 * HOUR]),
    warn_before=st.sampled_from([None, 5 * MINUTE, 30 * MINUTE]),
)
POLICIES = st.tuples(TERMS, st.sampled_from(sorted(CALENDARS)))
ACTIONS = st.sampled_from(
    ["writes", "reply", "snooze", "writes", "reply", "wake", "note", "automatic", "dismiss", "end"]
)
GAPS = st.one_of(st.integers(1, 15), st.integers(0, 90), st.integers(1, 15), st.integers(0, 3_000))
STORY = st.lists(
    st.tuples(GAPS, st.one_of(ACTIONS, ACTIONS, ACTIONS, ACTIONS, POLICIES)),
    min_size=6,
    max_size=14,
)


@define
class Oracle:
    """What happened, in minutes from the start; everything else is counted when asked."""

    terms: SlaTerms
    hours: str
    began: int = 0
    asked: int | None = 0
    replied: bool = False
    answered: bool = False
    paused: int | None = None
    pauses: list[tuple[int, int]] = field(factory=list)
    open: bool = True

    def wake(self, at: int) -> None:
        assert self.paused is not None
        self.pauses.append((self.paused, at))
        self.paused = None

    def writes(self, at: int) -> None:
        if not self.open:
            self.began, self.answered, self.pauses, self.open = at, False, [], True
        if self.paused is not None:
            self.wake(at)
        self.asked = at if self.asked is None else self.asked

    def reply(self) -> None:
        self.asked, self.answered, self.replied = None, True, True

    def end(self) -> None:
        self.open, self.asked, self.paused = False, None, None

    def spent(self, since: int, until: int, *, pausing: bool) -> int:
        """How many open minutes passed, one by one."""
        minutes = open_minutes(self.hours)
        return sum(minutes[m] and not (pausing and self.rests(m)) for m in range(since, until))

    def rests(self, minute: int) -> bool:
        if self.paused is not None and minute >= self.paused:
            return True
        return any(a <= minute < b for a, b in self.pauses)

    def when(self, since: int, amount: int, *, pausing: bool) -> int | None:
        """The end of the minute that uses the last of an amount; None if it never comes."""
        minutes, left = open_minutes(self.hours), amount // MINUTE
        for minute in range(since, HORIZON):
            if minutes[minute] and not (pausing and self.rests(minute)):
                left -= 1
                if left == 0:
                    return minute + 1
        return None

    def expected(self) -> dict[DeadlineKind, int | None]:
        """The running clocks and their due minutes, under the terms of now."""
        found: dict[DeadlineKind, int | None] = {}
        if self.asked is not None:
            again = not self.answered and (not self.replied or self.terms.next is None)
            kind, amount = (FIRST, self.terms.first) if again else (NEXT, self.terms.next)
            if amount is not None:
                found[kind] = self.when(self.asked, amount, pausing=False)
        if self.open and self.terms.resolution is not None:
            found[RESOLUTION] = self.when(self.began, self.terms.resolution, pausing=True)
        return found

    def warning(self, kind: DeadlineKind) -> int | None:
        """When a clock warns: the minute with `warn_before` of it left."""
        amount = {FIRST: self.terms.first, NEXT: self.terms.next, RESOLUTION: self.terms.resolution}
        whole, before = amount[kind], self.terms.warn_before
        if whole is None or before is None or before >= whole:
            return None
        since = self.began if kind is RESOLUTION else self.asked
        assert since is not None
        return self.when(since, whole - before, pausing=kind is RESOLUTION)


@define
class Life:
    """A conversation that is driven as a desk drives it: what is due first, then what is asked."""

    policy: Policy
    state: Conversation
    told: list[tell.ConversationEvent] = field(factory=list)

    def step(self, command: Any, now: int) -> None:
        decision = lifecycle.decide(self.state, command, self.policy, now)
        self.state = decision.state
        self.told += decision.events

    def catch_up(self, now: int) -> None:
        while self.state.timers and has_come(self.state.timers[0], now, inclusive=False):
            at, kind = self.state.timers[0]
            self.step(ask.Expire(kind), at)

    def follow(self, now: int) -> None:
        """As the batched job and the next touch do (S4)."""
        assert self.policy.sla is not None
        if deciding.changes(self.state, self.policy.sla, now):
            self.step(ask.Reschedule(self.policy.sla.first), now)
            assert not deciding.changes(self.state, self.policy.sla, now), "it comes to rest"

    def dismiss(self, now: int) -> None:
        """As after a silence, which these policies do not wait for."""
        c, timers = self.state, deciding.of_pause(self.state, now)
        event = tell.Dismissed(c.id, now, tell.SYSTEM, timers, c.state, "silence", "ana")
        self.state = lifecycle.apply(c, event)

    @property
    def running(self) -> dict[DeadlineKind, int | None]:
        sla = self.state.clocks.sla
        assert sla is not None
        clocks = [each for each in (sla.response, sla.resolution) if each is not None]
        return {each.kind: each.due for each in clocks}


def policy_of(terms: SlaTerms, hours: str) -> Policy:
    return Policy(sla=evolve(terms, hours=open_time(hours)), after_end=AfterEnd(AfterEndTo.QUEUE))


def opened(policy: Policy) -> Life:
    assert policy.sla is not None
    route = tell.Route("general", "primary", policy.sla.first, "inbox general", "menu", 1)
    command = ask.Open("c_1", a_place(), route, "m", "general")
    decision = lifecycle.decide(None, command, policy, NOW)
    return Life(policy, decision.state, list(decision.events))


def act(life: Life, oracle: Oracle, action: str, minute: int) -> None:
    now, state = NOW + minute * MINUTE, life.state.state
    held = state in (State.ACTIVE, State.INACTIVE)
    if action == "writes":
        life.step(ask.Receive("m", life.policy.sla.first if life.policy.sla else None), now)
        oracle.writes(minute)
    elif action == "reply" and held:
        life.step(ask.Reply("ana", "m"), now)
        oracle.reply()
    elif action == "note":
        life.step(ask.Note("ana", "m"), now)
    elif action == "automatic" and state is not State.ENDED:
        life.step(ask.Deliver("m"), now)
    elif action == "end" and state is not State.ENDED:
        life.step(ask.End("ana"), now)
        oracle.end()
    elif action == "snooze" and held:
        life.step(ask.Snooze("ana", now + FAR, "m"), now)
        oracle.paused = minute
    elif action == "dismiss" and held:
        life.dismiss(now)
        oracle.paused = minute
    elif action == "wake" and state is State.SNOOZED:
        life.step(ask.Wake("ana"), now)
        oracle.wake(minute)


def lived(policy: tuple[SlaTerms, str], story: list[tuple[int, Any]]) -> Any:
    """Yield the life and the oracle after every step, with its minute."""
    oracle = Oracle(*policy)
    life, minute = opened(policy_of(*policy)), 0
    life.step(ask.Assign("ana"), NOW)
    for gap, action in story:
        minute += gap
        life.catch_up(NOW + minute * MINUTE)
        if isinstance(action, str):
            act(life, oracle, action, minute)
            if life.state.state is State.QUEUED:
                life.step(ask.Assign("ana"), NOW + minute * MINUTE)
        else:
            oracle.terms, oracle.hours = action
            life.policy = policy_of(*action)
            life.follow(NOW + minute * MINUTE)
        yield life, oracle, minute


def instant(minute: int | None) -> int | None:
    return None if minute is None else NOW + minute * MINUTE


@pytest.mark.req("P11", "S5", "S4")
@settings(max_examples=120)
@given(POLICIES, STORY)
def test_clocks_kept_step_by_step_are_what_the_whole_story_comes_to(
    policy: tuple[SlaTerms, str], story: list[tuple[int, Any]]
) -> None:
    for life, oracle, minute in lived(policy, story):
        expected = {kind: instant(due) for kind, due in oracle.expected().items()}
        found = life.running
        if oracle.paused is not None:  # the present pause has no end yet
            before = expected.pop(RESOLUTION, None)
            assert found.pop(RESOLUTION, None) == before
        assert found == expected
        dues = [due for due in life.running.values() if due is not None]
        assert life.state.clocks.due == min(dues, default=None)
        check_armed(life, oracle, minute)


def check_armed(life: Life, oracle: Oracle, minute: int) -> None:
    """What is armed is what is not told yet, and nothing else."""
    sla = life.state.clocks.sla
    assert sla is not None
    wanted = []
    for clock in (sla.response, sla.resolution):
        if clock is None or clock.due is None or clock.breached:
            continue
        wanted.append((clock.due + 1, clock.kind))
        warning = instant(oracle.warning(clock.kind))
        if warning is not None and not clock.warned:
            wanted.append((warning, sla_clocks.WARNING_OF[clock.kind]))
    armed = [timer for timer in life.state.timers if timer[1] is not DeadlineKind.WAKE]
    assert sorted(wanted) == sorted(armed)


@pytest.mark.req("P11", "R7")
@settings(max_examples=120)
@given(POLICIES, STORY.map(lambda story: [each for each in story if isinstance(each[1], str)]))
def test_each_clock_warns_and_breaches_once_at_its_instant_and_never_early(
    policy: tuple[SlaTerms, str], story: list[tuple[int, Any]]
) -> None:
    told: list[tell.ConversationEvent] = []
    expected: set[tuple[bool, DeadlineKind, int]] = set()
    before = Oracle(*policy)
    runs: dict[tuple[DeadlineKind, int], tuple[int | None, int | None]] = {}
    for life, oracle, minute in lived(policy, story):
        note_runs(runs, before, minute, expected)
        before, told = evolve(oracle, pauses=list(oracle.pauses)), life.told
    found = [
        (type(each) is tell.SlaBreached, each.clock, each.at)
        for each in told
        if isinstance(each, tell.SlaBreached | tell.SlaWarned)
    ]
    assert len(found) == len(set(found)), "once each"
    assert set(found) == expected


def note_runs(
    runs: dict[tuple[DeadlineKind, int], tuple[int | None, int | None]],
    oracle: Oracle,
    until: int,
    expected: set[tuple[bool, DeadlineKind, int]],
) -> None:
    """What the oracle says was told by `until`, had nothing happened since its own last step."""
    for kind, due in oracle.expected().items():
        since = oracle.began if kind is RESOLUTION else oracle.asked
        assert since is not None
        resumed = max((b for _, b in oracle.pauses), default=0) if kind is RESOLUTION else 0
        warning = oracle.warning(kind)
        told = runs.get((kind, since), (None, None))
        warned, breached = told
        if warning is not None and warned is None and warning < until:
            warned = max(warning, resumed)
            expected.add((False, kind, NOW + warned * MINUTE))
        if due is not None and breached is None and due < until:
            breached = due
            at = NOW + due * MINUTE + 1
            expected.add((True, kind, max(at, NOW + resumed * MINUTE)))
        runs[kind, since] = (warned, breached)


@pytest.mark.req("P11", "S5")
@given(
    st.sampled_from(sorted(CALENDARS)),
    st.integers(0, 3_000),
    st.lists(st.integers(0, 600), max_size=9).map(lambda gaps: gaps[: len(gaps) // 2 * 2]),
    st.integers(0, 3_000),
)
def test_what_counts_is_open_time_less_the_open_time_of_its_pauses(
    hours: str, start: int, gaps: list[int], rest: int
) -> None:
    edges = [start]
    for gap in gaps:
        edges.append(edges[-1] + gap)
    pairs = list(zip(edges[1::2], edges[2::2], strict=True))
    end = edges[-1] + rest
    minutes = open_minutes(hours)
    expected = sum(minutes[m] and not any(a <= m < b for a, b in pairs) for m in range(start, end))
    pauses = [Pause(NOW + a * MINUTE, NOW + b * MINUTE) for a, b in pairs]
    found = counted(open_time(hours), NOW + start * MINUTE, NOW + end * MINUTE, pauses)
    assert found == expected * MINUTE
