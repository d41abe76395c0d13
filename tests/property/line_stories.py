"""Lives of a desk with queues, staff and weights, beside a second opinion that looks at everybody.

The oracle keeps a list of who waits and who is there, and reads every conversation for every question.
It shares no line with the rules; the log's classes are shared, as data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, evolve, field
from hypothesis import strategies as st

from omniroute.model.agent import Capacity
from omniroute.model.state import State
from omniroute.schema import AGENTS, CONVERSATIONS
from omniroute.testing import play as open_play
from tests.unit.desk.test_assigning import config

WIDEN, OPEN, STICKY, RESERVE = 90, 120, 60, 90
SECONDS = 1_000_000
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
class Weights:
    """What channels cost, of how many parts, and how many of one an agent holds."""

    total: int = 1
    costs: dict[str, Any] = field(factory=dict)
    maxima: dict[str, int] = field(factory=dict)
    reserve: bool = False

    def cost(self, channel: str) -> int:
        """How many parts one conversation of a channel takes."""
        cost = self.costs.get(channel, 1)
        return self.total if cost == "all" else int(cost)

    def room(self, held: list[str], channel: str) -> bool:
        """Whether one more fits beside what is held, by channel."""
        if sum(map(self.cost, held)) + self.cost(channel) > self.total:
            return False
        return held.count(channel) < self.maxima.get(channel, self.total)


WEIGHTS = {
    "one": Weights(),
    "parts": Weights(3, {"sms": 2}),
    "whole": Weights(2, {"sms": "all"}),
    "maxima": Weights(3, {}, {"chat": 1}),
    "both": Weights(4, {"sms": 3}, {"chat": 2}),
    "kept": Weights(3, {"sms": "all"}, {}, reserve=True),
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
    opened: dict[tuple[str, int], int] = field(factory=dict)

    def stage(self, c: Waits, now: int, there: dict[str, bool]) -> int:
        """How many groups of a cascade are open: by time, by what was noted, by who is there."""
        stage, wait = 1 + (now - c.since) // (WIDEN * SECONDS), (c.id, c.since)
        stage = self.opened[wait] = max(stage, self.opened.get(wait, 0), self.present(there))
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
            return c.group in person["groups"] or now - c.since >= OPEN * SECONDS
        if mode == "skills":
            able = person.get("skills", {}).get("router", 0) >= 2
            return able or now - c.since >= STICKY * SECONDS
        return True

    def key(self, c: Waits, now: int) -> tuple[int, int, int, str]:
        """What comes first: priority at this instant, class, age."""
        mode, priority = self.modes[c.queue], 0
        if mode == "priority":
            priority = 3
        if mode == "ageing":
            priority = min(10, (now - c.since) // (60 * SECONDS))
        return -priority, c.wait_class, c.since, c.id


ENTRIES = ("chat-a", "chat-b", "sms-a", "sms-b")
NAMES = tuple(PEOPLE)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("writes"), st.sampled_from(ENTRIES)),
        st.tuples(st.just("ends"), st.sampled_from(NAMES)),
        st.tuples(st.just("snoozes"), st.sampled_from(NAMES)),
        st.tuples(st.just("on"), st.sampled_from(NAMES)),
        st.tuples(st.just("off"), st.sampled_from(NAMES)),
        st.tuples(st.just("passes"), st.sampled_from((1, 59, 61, 95))),
    ),
    min_size=15,
    max_size=40,
)
stories = st.tuples(
    st.sampled_from(tuple(MODES)),
    st.sampled_from(tuple(MODES)),
    st.sampled_from(tuple(WEIGHTS)),
    steps,
)


def a_desk(first: str, second: str, weights: Weights, name: str = "acme") -> Any:
    """The configuration of two queues by their modes, with weights."""
    more = {"costs": weights.costs} if weights.costs else {}
    assign = {"reserve_after": f"{RESERVE}s"} if weights.reserve else None
    at = {"a": MODES[first], "b": MODES[second]}
    built = config(PEOPLE, at=at, assign=assign, capacity=weights.total, **more)
    maxima = {each: Capacity(most, most, most + 1) for each, most in weights.maxima.items()}
    capacity = {**built.policy.capacity, **maxima}
    return evolve(built, desk=name, policy=evolve(built.policy, capacity=capacity))


class Life:
    """A desk that lives a story, and the oracle beside it."""

    def __init__(self, story: Any, store: Any, name: str = "acme") -> None:
        first, second, weights, self.acts = story
        self.weights = WEIGHTS[weights]
        self.p = open_play(a_desk(first, second, self.weights, name), store=store)
        self.oracle = Oracle({"general/a": first, "general/b": second})

    def run(self) -> None:
        """Live it, and ask the oracle at every step."""
        with self.p:
            for number, (act, what) in enumerate(self.acts):
                self.one_step(act, what, number)
                self.p.desk.tick()
                self.check()

    def one_step(self, act: str, what: str, number: int) -> None:
        """Do one thing; where it frees an agent, they take what the oracle says."""
        if act == "writes":
            self.p.contact(f"c{number}", on=what).writes("Hello")
        elif act == "passes":
            self.p.advance(f"{what}s")
        elif act == "off":
            self.p.desk.set_available(what, available=False)
        else:
            self.frees(act, what)

    def frees(self, act: str, name: str) -> None:
        """Let an agent come, end or put aside one; compare what they get."""
        held = list(self.p.agent(name).holds)
        if act != "on" and not held:
            return
        left = held if act == "on" else held[1:]
        expected = self.would_take(name, left, on=act == "on")
        if act == "on":
            self.p.desk.set_available(name)
        elif act == "ends":
            self.p.desk.end(held[0].id, by=name)
        else:
            self.p.desk.snooze(held[0].id, by=name, for_="70s")
        if not self.weights.reserve:
            got = {each.id for each in self.p.agent(name).holds} - {each.id for each in left}
            assert got == set(expected), f"{name} took {got}, and the first are {expected}"

    def would_take(self, name: str, held: list[Any], *, on: bool) -> list[str]:
        """What an agent takes, one after the other, by the oracle."""
        now, waiting = self.p.clock.now(), list(self.waits())
        there = {each.id: each.available for each in self.agents()}
        there[name] = there[name] or on
        channels, taken = [each.channel for each in held], list[str]()
        while there[name]:
            able = [
                c
                for c in waiting
                if c.id not in taken
                and self.weights.room(channels, c.channel)
                and self.oracle.may(name, c, now, there)
            ]
            if not able:
                break
            first = min(able, key=lambda c: self.oracle.key(c, now))
            channels.append(first.channel)
            taken.append(first.id)
        return taken

    def check(self) -> None:
        """Nobody waits whom somebody with room may take; nobody holds more than they may."""
        now, waiting, staff = self.p.clock.now(), list(self.waits()), list(self.agents())
        there = {each.id: each.available for each in staff}
        for c in waiting:
            self.oracle.stage(c, now, there)  # what was open once stays so
        kept = [each.extras.keeps for each in staff if each.extras.keeps]
        assert len(kept) == len(set(kept)), "two keep for one"
        for agent in staff:
            held = [each.channel for each in self.p.agent(agent.id).holds]
            assert agent.load == sum(map(self.weights.cost, held)) <= self.weights.total
            for channel, most in self.weights.maxima.items():
                assert held.count(channel) <= most
            left = [
                c
                for c in waiting
                if self.weights.room(held, c.channel) and self.oracle.may(agent.id, c, now, there)
            ]
            if agent.extras.keeps is not None:
                self.check_keeper(agent, held, waiting, now)
            elif agent.available:
                assert not left, f"{agent.id} has room for {left[0]}"

    def check_keeper(self, agent: Any, held: list[str], waiting: list[Waits], now: int) -> None:
        """Parts are kept by who is there, for what waits long enough and does not fit yet."""
        assert agent.available
        (c,) = (each for each in waiting if each.id == agent.extras.keeps)
        assert now - c.since >= RESERVE * SECONDS
        assert self.weights.reserve
        assert not self.weights.room(held, c.channel)

    def waits(self) -> Iterator[Waits]:
        """Everybody who waits."""
        index, desk = CONVERSATIONS.index("open_thread"), self.p.desk
        found = desk._runtime.read(lambda tx: tx.scan(index, desk.id, limit=500))
        for c in found:
            if c.state is State.QUEUED and c.queue is not None:
                routing = c.extras.routing
                since = c.clocks.queued_at
                channel, group = c.place.channel, routing.group
                yield Waits(c.id, c.queue, channel, since, routing.wait_class, group)

    def agents(self) -> Any:
        """The staff as it is stored."""
        index, desk = AGENTS.index("all_agents"), self.p.desk
        return desk._runtime.read(lambda tx: tx.scan(index, desk.id, limit=500))
