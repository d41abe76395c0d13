"""A desk under random arrivals, endings and staff, beside a second opinion that looks at everybody.

The oracle keeps a list of who waits and who is there, and reads every conversation for every question.
It shares no line with the rules; the log's classes are shared, as data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniroute.model.state import State
from omniroute.schema import AGENTS, CONVERSATIONS
from omniroute.testing import play as open_play
from tests.unit.desk.test_assigning import config

WIDEN, OPEN, STICKY = 90, 120, 60
GROUPS = ("tier1", "tier2")
PEOPLE: dict[str, dict[str, Any]] = {
    "ana": {"groups": ["tier1"], "skills": {"router": 3}, "channels": ["chat", "sms"]},
    "bob": {"groups": ["tier2"], "skills": {"router": 1}},
    "cid": {"groups": ["tier1", "tier2"], "channels": ["sms"]},
    "dee": {"groups": []},
}
MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "priority": {"priority": 3},
    "ageing": {"ageing": "1m"},
    "cascade": {"cascade": list(GROUPS), "widen_after": f"{WIDEN}s"},
    "percent": {"percent": {"tier1": 6000, "tier2": 4000}, "open_after": f"{OPEN}s"},
    "skills": {"skills": {"router": {"levels": ">= 2", "expires": f"{STICKY}s"}}},
}


@define
class Waits:
    """A conversation as the oracle sees it."""

    id: str
    queue: str
    channel: str
    since: int
    wait_class: int
    group: str | None


@define
class Oracle:
    """Looks at everybody, every time."""

    modes: dict[str, str]
    opened: dict[str, int] = field(factory=dict)

    def stage(self, c: Waits, now: int, there: dict[str, bool]) -> int:
        """How many groups of a cascade are open: by time, by what was noted, by who is there."""
        stage = 1 + (now - c.since) // (WIDEN * 1_000_000)
        stage = self.opened[c.id] = max(stage, self.opened.get(c.id, 0), self.present(there))
        return min(stage, len(GROUPS))

    @staticmethod
    def present(there: dict[str, bool]) -> int:
        """The first group with somebody there; 0 where there is nobody at all."""
        for number, group in enumerate(GROUPS, start=1):
            if any(on and group in PEOPLE[name]["groups"] for name, on in there.items()):
                return number
        return 0

    def may(self, name: str, c: Waits, now: int, there: dict[str, bool]) -> bool:
        """Whether an agent may take a conversation, apart from room."""
        person, mode = PEOPLE[name], self.modes[c.queue]
        if c.channel not in person.get("channels", (c.channel,)):
            return False
        if mode == "cascade":
            return any(g in person["groups"] for g in GROUPS[: self.stage(c, now, there)])
        if mode == "percent":
            return c.group in person["groups"] or now - c.since >= OPEN * 1_000_000
        if mode == "skills":
            able = person.get("skills", {}).get("router", 0) >= 2
            return able or now - c.since >= STICKY * 1_000_000
        return True

    def key(self, c: Waits, now: int) -> tuple[int, int, int, str]:
        """What comes first: priority at this instant, class, age."""
        mode, priority = self.modes[c.queue], 0
        if mode == "priority":
            priority = 3
        if mode == "ageing":
            priority = min(10, (now - c.since) // 60_000_000)
        return -priority, c.wait_class, c.since, c.id


steps = st.lists(
    st.one_of(
        st.tuples(st.just("writes"), st.sampled_from(("chat-a", "chat-b", "sms-a", "sms-b"))),
        st.tuples(st.just("ends"), st.sampled_from(tuple(PEOPLE))),
        st.tuples(st.just("on"), st.sampled_from(tuple(PEOPLE))),
        st.tuples(st.just("off"), st.sampled_from(tuple(PEOPLE))),
        st.tuples(st.just("passes"), st.sampled_from((1, 59, 61, 95))),
    ),
    max_size=30,
)
stories = st.tuples(st.sampled_from(tuple(MODES)), st.sampled_from(tuple(MODES)), steps)


def live(story: Any, store: Any) -> None:
    """Live a story on a store, and ask the oracle at every step."""
    first, second, acts = story
    p = open_play(config(PEOPLE, at={"a": MODES[first], "b": MODES[second]}), store=store)
    oracle = Oracle({"general/a": first, "general/b": second})
    with p:
        for number, (act, what) in enumerate(acts):
            one_step(p, act, what, number)
            p.desk.tick()
            check(p, oracle)


def one_step(p: Any, act: str, what: Any, number: int) -> None:
    if act == "writes":
        p.contact(f"c{number}", on=what).writes("Hello")
    elif act == "passes":
        p.advance(f"{what}s")
    elif act in ("on", "off"):
        p.desk.set_available(what, available=act == "on")
    elif held := p.agent(what).holds:
        p.desk.end(held[0].id, by=what)


def check(p: Any, oracle: Oracle) -> None:
    """Nobody waits whom somebody with room may take; nobody holds more than they may."""
    now, waiting, staff = p.clock.now(), list(waits(p)), list(agents(p))
    there = {each.id: each.available for each in staff}
    for c in waiting:
        oracle.stage(c, now, there)  # what was open once stays so
    for agent in staff:
        assert agent.load <= agent.capacity.soft_max
        if agent.available and agent.load < agent.capacity.soft_max:
            left = [c for c in waiting if oracle.may(agent.id, c, now, there)]
            assert not left, f"{agent.id} has room for {left[0]}"


def waits(p: Any) -> Iterator[Waits]:
    index = CONVERSATIONS.index("open_conversations")
    found = p.desk._runtime.read(lambda tx: tx.scan(index, p.desk.id, (1,), limit=500))
    for c in found:
        if c.state is State.QUEUED:
            routing = c.extras.routing
            yield Waits(
                c.id,
                c.queue,
                c.place.channel,
                c.clocks.queued_at,
                routing.wait_class,
                routing.group,
            )


def agents(p: Any) -> Any:
    index = AGENTS.index("all_agents")
    return p.desk._runtime.read(lambda tx: tx.scan(index, p.desk.id, limit=500))


EXAMPLES = int(os.environ.get("OMNIROUTE_EXAMPLES", "40"))


@pytest.mark.req("R2", "M1", "A10")
@given(story=stories)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_waits_whom_somebody_with_room_may_take(story: Any) -> None:
    live(story, "memory://")


@pytest.mark.req("R2")
@given(story=stories)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_on_sqlite(story: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path: Path = tmp_path_factory.mktemp("desk") / "desk.db"
    live(story, f"sqlite:///{path}")


@pytest.mark.req("R2", "M3")
@given(
    modes=st.tuples(*[st.sampled_from(("plain", "priority", "ageing", "percent", "skills"))] * 2),
    arrivals=st.lists(
        st.tuples(st.sampled_from(("chat-a", "chat-b", "sms-a", "sms-b")), st.integers(0, 90)),
        min_size=1,
        max_size=12,
    ),
    name=st.sampled_from(tuple(PEOPLE)),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_freed_agent_takes_the_first_of_all_that_they_may_take(
    modes: Any, arrivals: Any, name: str
) -> None:
    at = {"a": MODES[modes[0]], "b": MODES[modes[1]]}
    p = open_play(config(PEOPLE, at=at))
    oracle = Oracle({"general/a": modes[0], "general/b": modes[1]})
    with p:
        for number, (entry, seconds) in enumerate(arrivals):
            p.contact(f"c{number}", on=entry).writes("Hello")
            p.advance(f"{seconds}s") if seconds else None
        now, there = p.clock.now(), dict.fromkeys(PEOPLE, False)
        there[name] = True
        able = [c for c in waits(p) if oracle.may(name, c, now, there)]
        p.desk.set_available(name)
        held = [each.id for each in p.agent(name).holds]
        if not able:
            assert held == []
        else:
            assert held == [min(able, key=lambda c: oracle.key(c, now)).id]
