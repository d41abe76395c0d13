"""The order in which conversations wait, and who may take them when."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.instants import MINUTE, SECOND
from omniroute.model.assign import (
    NEW,
    RETURNED,
    TRANSFERRED,
    AssignMode,
    AssignPolicy,
    Compare,
    Lane,
    Routing,
    Segment,
    Selector,
)
from omniroute.model.policy import Policy
from omniroute.rules.waiting import (
    HIGHEST,
    back_in_line,
    effective_priority,
    is_plain,
    lane_name,
    meets,
    next_change,
    open_groups,
    order,
    plain_lanes,
    refusal,
    segment_of,
    unmet,
)
from omniroute.testing import NOW, a_conversation, an_agent

PLAIN = AssignPolicy()
CASCADE = AssignPolicy(
    mode=AssignMode.CASCADE, cascade=("tier1", "tier2", "tier3"), widen_after=10 * SECOND
)
PERCENT = AssignPolicy(mode=AssignMode.PERCENT, percent={"a": 6000, "b": 4000}, open_after=MINUTE)
ROUTER = Selector("router", Compare.AT_LEAST, (3,))


def head(since: int, segment: int = 0, wait_class: int = NEW, name: str = "c_1") -> tuple[Any, ...]:
    return ("general", "chat", segment, wait_class, since, name)


def first(*ranked: tuple[tuple[Any, ...], AssignPolicy]) -> str:
    return str(min((order(entry, rule, NOW) for entry, rule in ranked))[-1])


@pytest.mark.req("M3", "P12")
def test_segment_comes_before_priority_priority_before_class_class_before_age() -> None:
    high = AssignPolicy(priority=5)
    old = head(NOW - 9 * MINUTE, name="old")
    assert first((old, PLAIN), (head(NOW, wait_class=TRANSFERRED, name="moved"), PLAIN)) == "moved"
    moved, back = (head(NOW, wait_class=n, name=str(n)) for n in (TRANSFERRED, RETURNED))
    assert first((moved, PLAIN), (back, PLAIN)) == str(RETURNED)
    assert first((back, PLAIN), (head(NOW, name="high"), high)) == "high"
    assert first((head(NOW, name="high"), high), (head(NOW, -1, name="gold"), PLAIN)) == "gold"


@pytest.mark.req("M3")
def test_the_order_of_classes_can_be_switched_off() -> None:
    off = AssignPolicy(classes=False)
    back, old = head(NOW, wait_class=RETURNED, name="back"), head(NOW - MINUTE, name="old")
    assert first((back, PLAIN), (old, PLAIN)) == "back"
    assert first((back, off), (old, off)) == "old"


@pytest.mark.req("U22")
def test_the_queue_with_the_higher_priority_comes_first_then_who_waited_longest() -> None:
    low, high = AssignPolicy(priority=-5), AssignPolicy(priority=1)
    assert first((head(NOW - MINUTE, name="low"), low), (head(NOW, name="high"), high)) == "high"
    assert first((head(NOW - 1, name="b"), high), (head(NOW, name="a"), high)) == "b"
    assert first((head(NOW, name="b"), high), (head(NOW, name="a"), high)) == "a"


@pytest.mark.req("U23")
def test_switched_off_a_queue_counts_as_having_the_default_priority() -> None:
    off = AssignPolicy(priority=9, prioritized=False, ageing=MINUTE)
    assert effective_priority(off, NOW - 99 * MINUTE, NOW) == 0
    assert off.priority == 9


@pytest.mark.req("M3", "S8")
def test_ageing_raises_by_one_for_each_interval_up_to_ten() -> None:
    ageing = AssignPolicy(priority=-2, ageing=MINUTE)
    waited = [0, MINUTE - 1, MINUTE, 5 * MINUTE, 500 * MINUTE]
    found = [effective_priority(ageing, NOW - each, NOW) for each in waited]
    assert found == [-2, -2, -1, 3, HIGHEST]
    assert effective_priority(ageing, NOW + MINUTE, NOW) == -2


@pytest.mark.req("S8")
def test_a_lane_is_named_by_all_that_limits_who_may_take_it() -> None:
    routings = [
        Routing(),
        Routing(group="a"),
        Routing(group="a", exclusive=True),
        Routing(requires=(ROUTER,)),
        Routing(declined=("ana",)),
        Routing(sticky="ana"),
    ]
    names = {lane_name(each, "chat") for each in routings}
    assert len(names) == len(routings)
    assert lane_name(Routing(wait_class=RETURNED, transfers=3), "chat") == "chat"
    assert [is_plain(each) for each in routings] == [True, False, False, False, False, True]
    assert not is_plain(Routing(segment=-1))


@pytest.mark.req("S8")
def test_classes_are_looked_at_apart_only_where_time_changes_what_comes_first() -> None:
    assert [p for p, _ in plain_lanes("q", PLAIN, ("chat", "sms"))] == [("q", "chat"), ("q", "sms")]
    for rule in (AssignPolicy(ageing=MINUTE), CASCADE, AssignPolicy(classes=False)):
        found = [prefix for prefix, _ in plain_lanes("q", rule, ("chat",))]
        assert found == [("q", "chat", 0, each) for each in (RETURNED, TRANSFERRED, NEW)]


@pytest.mark.req("P12")
def test_the_first_named_segment_goes_before_all_and_strangers_are_in_none() -> None:
    segments = (Segment("tier", "gold"), Segment("tier", "silver"))
    assert segment_of(segments, {"tier": "gold"}) == -2
    assert segment_of(segments, {"tier": "silver"}) == -1
    assert segment_of(segments, {"tier": "tin"}) == segment_of(segments, {}) == 0


@pytest.mark.req("P1")
@pytest.mark.parametrize(
    "compare,levels,fitting",
    [
        (Compare.AT_LEAST, (3,), {3, 4, 5}),
        (Compare.EQUAL, (3,), {3}),
        (Compare.IN, (2, 5), {2, 5}),
    ],
)
def test_selectors_compare_levels(
    compare: Compare, levels: tuple[int, ...], fitting: set[int]
) -> None:
    selector = Selector("router", compare, levels)
    assert {level for level in range(1, 6) if meets(selector, {"router": level})} == fitting
    assert not meets(selector, {"english": 5})


@pytest.mark.req("P1")
def test_a_selector_is_no_longer_asked_once_its_time_is_over() -> None:
    brief = Selector("router", Compare.AT_LEAST, (3,), expires=MINUTE)
    assert unmet((brief,), {}, MINUTE - 1) is brief
    assert unmet((brief,), {}, MINUTE) is None


@pytest.mark.req("M1")
def test_groups_join_one_after_the_other_and_the_pool_only_grows() -> None:
    opened = [open_groups(CASCADE, NOW, NOW + n * SECOND) for n in (0, 9, 10, 19, 20, 99)]
    assert opened == [1, 1, 2, 2, 3, 3]
    # Nobody before stage three was there at some instant since: it stays open.
    noted = (NOW, NOW)
    assert open_groups(CASCADE, NOW, NOW + SECOND, noted) == 3
    assert open_groups(CASCADE, NOW + 1, NOW + SECOND, noted) == 1


@pytest.mark.req("M1")
def test_each_stage_lies_at_a_fixed_distance_from_the_beginning_of_the_wait() -> None:
    """TaskRouter's published example: targets of 10 s each; 8 s in, the second ends 12 s ahead."""
    at = NOW + 8 * SECOND
    second = next_change(Routing(), CASCADE, NOW, at)
    assert second == NOW + 10 * SECOND
    third = next_change(Routing(), CASCADE, NOW, second)
    assert third is not None
    assert third - at == 12 * SECOND
    assert next_change(Routing(), CASCADE, NOW, third) is None


LANE = Lane("chat", 0, NEW, "chat")


@pytest.mark.req("R2")
@pytest.mark.parametrize(
    "routing,rule,fields,waited,stages,reason",
    [
        (Routing(), PLAIN, {}, 0, 0, None),
        (Routing(), PLAIN, {"channels": ("sms",)}, 0, 0, "not enabled for chat"),
        (Routing(declined=("ana",)), PLAIN, {}, 0, 0, "declined it"),
        (Routing(), CASCADE, {"groups": ("tier1",)}, 0, 1, None),
        (Routing(), CASCADE, {"groups": ("tier2",)}, 0, 1, "in no group that is open to it yet"),
        (Routing(), CASCADE, {"groups": ("tier2",)}, 0, 2, None),
        (Routing(group="a"), PERCENT, {"groups": ("a",)}, 0, 0, None),
        (
            Routing(group="a"),
            PERCENT,
            {"groups": ("b",)},
            MINUTE - 1,
            0,
            "in another group than it was allotted to",
        ),
        (Routing(group="a"), PERCENT, {"groups": ("b",)}, MINUTE, 0, None),
        (Routing(group="b", exclusive=True), CASCADE, {"groups": ("b",)}, 0, 1, None),
        (Routing(group="b", exclusive=True), PLAIN, {}, 0, 0, "not in the group"),
        (Routing(requires=(ROUTER,)), PLAIN, {"skills": {"router": 3}}, 0, 0, None),
        (Routing(requires=(ROUTER,)), PLAIN, {"skills": {"router": 2}}, 0, 0, "lacks router >= 3"),
        (Routing(), AssignPolicy(skills=(ROUTER,)), {}, 0, 0, "lacks router >= 3"),
    ],
)
def test_who_may_take_a_conversation(
    routing: Routing,
    rule: AssignPolicy,
    fields: dict[str, Any],
    waited: int,
    stages: int,
    reason: str | None,
) -> None:
    lane = Lane("chat", 0, NEW, "chat", routing)
    assert refusal(an_agent(**fields), lane, rule, waited, stages) == reason


@pytest.mark.req("A1")
def test_nothing_comes_from_a_channel_that_an_agent_is_not_enabled_for() -> None:
    assert refusal(an_agent(channels=("chat",)), LANE, PLAIN, 0, 0) is None
    assert refusal(an_agent(channels=()), LANE, PLAIN, 0, 0) == "not enabled for chat"


@pytest.mark.req("P4")
def test_whoever_is_back_in_time_waits_for_their_last_agent() -> None:
    sticky = Policy(assign=AssignPolicy(sticky_within=MINUTE))
    held = a_conversation(agent="ana", since=NOW)
    assert back_in_line(held, sticky, NOW + MINUTE).sticky == "ana"
    assert back_in_line(held, sticky, NOW + MINUTE + 1).sticky is None
    assert back_in_line(held, Policy(), NOW).sticky is None


@pytest.mark.req("S14")
def test_a_return_is_a_wait_of_its_own_ahead_of_new_ones() -> None:
    before = Routing(segment=-1, group="a", declined=("ana",), visited=("vip",), transfers=2)
    again = back_in_line(a_conversation(extras=_with(before)), Policy(), NOW)
    assert again == Routing(segment=-1, wait_class=RETURNED, group="a", transfers=2)


def _with(routing: Routing) -> Any:
    from omniroute.model.conversation import Extras

    return Extras(routing=routing)
