"""What a freed agent takes, beside a second opinion that asks of every lane by itself."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model.agent import Agent
from omniroute.model.assign import (
    NEW,
    RETURNED,
    AssignMode,
    AssignPolicy,
    Compare,
    Lane,
    Routing,
    Selector,
)
from omniroute.rules.reach import Line, Reach, Way, first_of, way_to_own
from omniroute.rules.waiting import lane_name, open_groups, order, plain_lanes, prefix_of, refusal
from omniroute.testing import NOW, an_agent

GROUPS = ("tier1", "tier2", "tier3")
CHANNELS = ("chat", "sms")
PLAIN = {each: Lane(each, 0, NEW, each) for each in CHANNELS}
ROUTER = Selector("router", Compare.AT_LEAST, (3,), 40 * SECOND)
FRENCH = Selector("français")
RULES = {
    "plain": AssignPolicy(),
    "high": AssignPolicy(priority=3, classes=False),
    "ageing": AssignPolicy(priority=1, ageing=20 * SECOND),
    "cascade": AssignPolicy(
        mode=AssignMode.CASCADE, cascade=GROUPS, widen_after=30 * SECOND, skills=(ROUTER,)
    ),
    "by hand": AssignPolicy(mode=AssignMode.CASCADE, cascade=GROUPS[:2]),
    "shares": AssignPolicy(
        mode=AssignMode.PERCENT, percent={"tier1": 6000, "tier2": 4000}, open_after=MINUTE
    ),
    "skills": AssignPolicy(skills=(FRENCH, ROUTER)),
}

selectors = st.lists(st.sampled_from([ROUTER, FRENCH]), unique=True, max_size=1).map(tuple)
groups = st.sampled_from(GROUPS)
limits = st.builds(
    Routing,
    group=st.none() | groups,
    exclusive=st.booleans(),
    anyone=st.booleans(),
    requires=selectors,
    declined=st.lists(st.sampled_from(["ana", "bob"]), unique=True, max_size=2).map(tuple),
).map(lambda each: each if each.group else evolve(each, exclusive=False))
lanes = st.builds(
    lambda limit, segment, wait_class, channel: Lane(
        lane_name(limit, channel), segment, wait_class, channel, limit
    ),
    limits,
    st.sampled_from([0, -1]),
    st.sampled_from([RETURNED, NEW]),
    st.sampled_from(CHANNELS),
)
own_lanes = st.lists(lanes, max_size=3, unique_by=lambda each: (each.name, each.wait_class)).map(
    tuple
)
agents = st.builds(
    lambda name, groups, skills, channels, languages: an_agent(
        name, groups=groups, skills=skills, channels=channels, languages=languages
    ),
    st.sampled_from(["ana", "bob", "cid"]),
    st.lists(groups, unique=True).map(tuple),
    st.dictionaries(st.just("router"), st.integers(1, 4)),
    st.none() | st.sampled_from([("chat",), CHANNELS]),
    st.sampled_from([(), ("français",)]),
)
waits = st.integers(-5, 200).map(lambda seconds: NOW - seconds * SECOND)


def every_lane(line: Line) -> list[tuple[tuple[Any, ...], Lane]]:
    queue, rule, own = line
    return [
        *((prefix, PLAIN[channel]) for prefix, channel in plain_lanes(queue, rule, CHANNELS)),
        *((prefix_of(queue, lane), lane) for lane in own),
    ]


def head_of(prefix: tuple[Any, ...], since: int) -> tuple[Any, ...]:
    return (*prefix, *(0, NEW)[len(prefix) - 2 :], since, f"c_{prefix}")


def second_opinion(
    agent: Agent, lines: list[Line], firsts: dict[Any, Any], opened: tuple[int, ...]
) -> tuple[Any, ...] | None:
    """Ask of each lane whether its first may be taken; take the first in order of those."""
    found = []
    for line in lines:
        for prefix, lane in every_lane(line):
            head = firsts.get(prefix)
            if head is not None:
                stages = open_groups(line[1], head[4], NOW, opened)
                if refusal(agent, lane, line[1], NOW - head[4], stages) is None:
                    found.append((order(head, line[1], NOW), head))
    return min(found)[1] if found else None


def told(
    agent: Agent, reach: Reach, lines: list[Line], firsts: dict[Any, Any], opened: tuple[int, ...]
) -> tuple[Any, ...] | None:
    ways, prefixes = reach.ways(agent, lines)
    heads = [firsts.get(prefix) for prefix in prefixes]

    def is_open(head: tuple[Any, ...], way: Way) -> bool:
        stages = open_groups(way.rule, head[4], NOW, opened)
        return (
            refusal(
                agent,
                PLAIN["chat"] if way.lane is None else way.lane,
                way.rule,
                NOW - head[4],
                stages,
            )
            is None
        )

    return first_of(agent.id, ways, heads, NOW, is_open)


@pytest.mark.req("R2", "S8", "M3")
@given(st.data())
def test_what_a_freed_agent_takes_is_the_first_that_they_may_take(data: st.DataObject) -> None:
    """One memory for several agents and for lanes that come and go, as a desk has it."""
    reach = Reach(PLAIN)
    opened = tuple(data.draw(st.lists(waits, max_size=2)))
    for _ in range(data.draw(st.integers(1, 4))):
        agent = data.draw(agents)
        queues = data.draw(st.lists(st.sampled_from(list(RULES)), unique=True, min_size=1))
        lines: list[Line] = [(queue, RULES[queue], data.draw(own_lanes)) for queue in queues]
        asked = [prefix for line in lines for prefix, _ in every_lane(line)]
        firsts = {
            prefix: head_of(prefix, data.draw(waits))
            for prefix in data.draw(st.lists(st.sampled_from(asked), unique=True))
        }
        assert told(agent, reach, lines, firsts, opened) == second_opinion(
            agent, lines, firsts, opened
        )


@pytest.mark.req("S8")
def test_lanes_come_and_go_while_a_memory_lasts() -> None:
    reach, ana, rule = Reach(PLAIN), an_agent("ana"), RULES["plain"]
    lane = Lane("sms-first", -1, NEW, "sms")
    _, plain = reach.ways(ana, [("general", rule, ())])
    for own in ((lane,), (), (lane, evolve(lane, segment=-2))):
        ways, prefixes = reach.ways(ana, [("general", rule, own)])
        assert prefixes == [*plain, *(prefix_of("general", each) for each in own)]
        assert prefixes == [way.prefix for way in ways]
        assert [way.lane for way in ways if way.own] == list(own)


@pytest.mark.req("A1")
def test_agents_who_differ_in_anything_that_counts_share_nothing() -> None:
    reach, line = Reach(PLAIN), ("skills", RULES["skills"], ())
    profiles: list[dict[str, Any]] = [
        {},
        {"languages": ("français",)},
        {"languages": ("français",), "skills": {"router": 3}},
        {"languages": ("français",), "skills": {"router": 3}, "channels": ("sms",)},
    ]
    seen = [reach.ways(an_agent(**changes), [line])[0] for changes in profiles]
    assert [{(way.lane.name, way.opens > 0) for way in ways if way.lane} for ways in seen] == [
        set(),
        {("chat", True), ("sms", True)},
        {("chat", False), ("sms", False)},
        {("sms", False)},
    ]


@pytest.mark.req("M1", "R2")
def test_a_group_that_was_skipped_opens_the_next_before_its_time() -> None:
    reach, bob = Reach(PLAIN), an_agent("bob", groups=("tier2",))
    line = ("by hand", RULES["by hand"], ())
    prefix = ("by hand", "chat", 0, NEW)
    firsts = {prefix: (*prefix, NOW - SECOND, "c_1")}
    assert told(bob, reach, [line], firsts, ()) is None
    assert told(bob, reach, [line], firsts, (NOW - 2 * SECOND,)) is None
    assert told(bob, reach, [line], firsts, (NOW,)) == firsts[prefix]


@pytest.mark.req("S8")
def test_agents_of_one_profile_share_what_was_found() -> None:
    reach = Reach(PLAIN)
    line = ("cascade", RULES["cascade"], ())
    ana, bob = an_agent("ana", groups=("tier1",)), an_agent("bob", groups=("tier1",))
    for one, other in zip(reach.ways(ana, [line])[0], reach.ways(bob, [line])[0], strict=True):
        assert one is other


@pytest.mark.req("M3")
def test_a_wait_that_ages_passes_a_higher_priority() -> None:
    lines: list[Line] = [("ageing", RULES["ageing"], ()), ("high", RULES["high"], ())]
    old, new = ("ageing", "chat", 0, NEW), ("high", "chat", 0, NEW)
    firsts = {old: (*old, NOW - 200 * SECOND, "c_1"), new: (*new, NOW, "c_2")}
    assert told(an_agent("ana"), Reach(PLAIN), lines, firsts, ()) == firsts[old]


@pytest.mark.req("M3")
def test_without_classes_the_wait_alone_counts() -> None:
    back, new = ("high", "chat", 0, RETURNED), ("high", "chat", 0, NEW)
    firsts = {back: (*back, NOW, "c_1"), new: (*new, NOW - SECOND, "c_2")}
    line: Line = ("high", RULES["high"], ())
    assert told(an_agent("ana"), Reach(PLAIN), [line], firsts, ()) == firsts[new]


@pytest.mark.req("M5")
def test_who_has_declined_is_passed_over() -> None:
    limits = Routing(declined=("ana",))
    lane = Lane(lane_name(limits, "chat"), 0, NEW, "chat", limits)
    prefix, line = prefix_of("plain", lane), ("plain", RULES["plain"], (lane,))
    firsts, reach = {prefix: (*prefix, NOW - SECOND, "c_1")}, Reach(PLAIN)
    assert told(an_agent("ana"), reach, [line], firsts, ()) is None
    assert told(an_agent("bob"), reach, [line], firsts, ()) == firsts[prefix]


@pytest.mark.req("P4", "M3")
def test_who_waits_for_an_agent_counts_as_their_queue_says() -> None:
    """Classes do not count in this queue: whoever waits longer comes first."""
    rule = RULES["high"]
    ways = [way_to_own("ana", channel, "high", rule) for channel in CHANNELS]
    longer, later = (
        (*way.prefix, 0, wait_class, since, f"c_{since}")
        for way, wait_class, since in zip(ways, (NEW, RETURNED), (1, 2), strict=True)
    )
    assert first_of("ana", ways, [longer, later], NOW, lambda *_: True) == longer


class Watched:
    """An agent who notes what is asked of them."""

    def __init__(self, agent: Agent) -> None:
        self.agent, self.asked = agent, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self.agent, name)


@pytest.mark.req("R2")
def test_nothing_is_asked_of_an_agent_that_a_profile_does_not_have() -> None:
    """Whatever else `refusal` looked at, agents of one profile could not share its answers."""
    watched: Any = Watched(an_agent("ana", groups=("tier2",), languages=("français",)))
    routings = (Routing(group="tier1", exclusive=True), Routing(requires=(ROUTER,)), Routing())
    for rule in RULES.values():
        for routing in routings:
            lane = Lane("lane", 0, NEW, "chat", routing)
            for waited, stages in ((0, 1), (HOUR, 3)):
                refusal(watched, lane, rule, waited, stages)
    assert watched.asked == {"id", "groups", "channels", "languages", "skills"}


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    reach = Reach(PLAIN)
    for number in range(5000):
        agent = an_agent("ana", groups=(f"group-{number}",))
        assert reach.ways(agent, [("plain", RULES["plain"], ())])[0]
    assert len(reach._known) < 5000
