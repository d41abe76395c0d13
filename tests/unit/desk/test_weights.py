"""Weighted capacity in a whole desk: what channels cost, maxima beside the whole, colours by channel."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.config import load_config
from omniroute.model import events as tell
from omniroute.model.agent import Capacity, Colour
from omniroute.schema import DESKS
from tests.unit.desk.helpers import assert_folds, told

CHANNELS = ("voice", "chat", "email")


def config(
    agents: dict[str, Any] | None = None,
    *,
    costs: dict[str, Any] | None = None,
    total: int = 4,
    limits: dict[str, int] | None = None,
    preset: str = "push",
    assign: dict[str, Any] | None = None,
    **policy: Any,
) -> Any:
    """One queue, with an entry point on voice, chat and email; an agent has `total` parts."""
    whole = {"goal": total, "soft_max": total, "hard_max": total + 1}
    maxima = {k: {"goal": v, "soft_max": v, "hard_max": v + 1} for k, v in (limits or {}).items()}
    return load_config(
        {
            "desk": "acme",
            "preset": preset,
            "policy": {
                "capacity": {"messaging": whole, **maxima},
                **({} if costs == {} else {"costs": costs or {"voice": "all", "email": 2}}),
                **({"assign": assign} if assign else {}),
                **policy,
            },
            "inboxes": {"general": {"sla": "15m", "primary_for": list(CHANNELS)}},
            "entry_points": {each: {"channel": each, "address": each} for each in CHANNELS},
            "groups": {"all": {}, "tier1": {}, "tier2": {}},
            "agents": {
                name: {"serves": ["general"], "groups": ["all"], **fields}
                for name, fields in (agents or {"ana": {}}).items()
            },
        },
        registry=None,
    )


def writes(p: Any, *channels: str) -> list[Any]:
    """A new contact on each channel."""
    first = len(told(p, tell.Opened))
    return [
        p.contact(f"c{first + number}", on=channel).writes("Hello")
        for number, channel in enumerate(channels)
    ]


def holders(p: Any, *chats: Any) -> list[str | None]:
    return [p.desk.conversation(each.id).agent for each in chats]


@pytest.mark.req("P2", "A10")
def test_a_call_takes_all_of_an_agent_and_a_chat_one_part(play) -> None:
    p = play(config())
    p.agent("ana").on()
    call, chat = writes(p, "voice", "chat")
    assert holders(p, call, chat) == ["ana", None]
    assert p.desk.staff.get("ana").load == 4

    p.agent("ana").ends(call)
    assert holders(p, chat) == ["ana"]
    assert p.desk.staff.get("ana").load == 1
    (later,) = writes(p, "voice")
    assert holders(p, later) == [None], "a call needs all of an agent"
    assert_folds(p)


@pytest.mark.req("P2", "R2")
def test_who_is_freed_takes_the_first_that_fits(play) -> None:
    p = play(config())
    p.agent("ana").on()
    held = writes(p, "chat", "chat", "chat", "chat")
    call, mail, chat = writes(p, "voice", "email", "chat")
    p.agent("ana").ends(held[0])
    assert holders(p, call, mail, chat) == [None, None, "ana"], "one part is free"
    p.agent("ana").ends(held[1])
    p.agent("ana").ends(held[2])
    assert holders(p, call, mail) == [None, "ana"]
    assert_folds(p)


@pytest.mark.req("P2", "A10")
def test_a_channel_has_a_maximum_beside_the_whole(play) -> None:
    p = play(config(costs={}, limits={"email": 1}))
    p.agent("ana").on()
    first, second, chat = writes(p, "email", "email", "chat")
    assert holders(p, first, second, chat) == ["ana", None, "ana"]
    seen = p.desk.staff.get("ana")
    assert (seen.load, seen.holds) == (2, {"email": 1})
    p.agent("ana").ends(first)
    assert holders(p, second) == ["ana"]
    assert_folds(p)


@pytest.mark.req("A8", "A9", "P2")
def test_colours_are_computed_for_each_channel_and_turn_by_themselves(play) -> None:
    p = play(config(limits={"email": 1}))
    p.agent("ana").on()
    (mail,) = writes(p, "email")
    seen = p.desk.staff.get("ana")
    assert seen.colour is Colour.GREEN
    assert seen.colours == {"voice": Colour.ORANGE, "email": Colour.ORANGE}
    p.agent("ana").ends(mail)
    assert set(p.desk.staff.get("ana").colours.values()) == {Colour.GREEN}
    p.agent("ana").off()
    assert set(p.desk.staff.get("ana").colours.values()) == {Colour.RED}


@pytest.mark.req("P2")
def test_somebody_with_room_is_found_behind_many_who_have_too_little(play) -> None:
    names = [f"a{number:02}" for number in range(60)]
    p = play(config({name: {} for name in names}, distribution="round_robin"))
    for name in names:
        p.agent(name).on()
        (chat,) = writes(p, "chat")
        assert holders(p, chat) == [name]
    p.agent(names[-1]).ends(chat)
    (call,) = writes(p, "voice")
    assert holders(p, call) == [names[-1]]


@pytest.mark.req("P2", "M9")
def test_by_hand_the_hard_maximum_counts_and_only_force_goes_past_it(play) -> None:
    p = play(config({"ana": {}, "bob": {}}))
    p.agent("ana").on()
    (call,) = writes(p, "voice")
    p.agent("bob").on()
    chats = writes(p, "chat", "chat")
    assert holders(p, *chats) == ["bob", "bob"]
    with pytest.raises(om.TargetUnavailable):
        p.desk.transfer(call.id, to="bob", by="ana")
    p.desk.transfer(call.id, to="bob", by="ana", force=True)
    seen = p.desk.staff.get("bob")
    assert (seen.load, seen.forced) == (6, 1)
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("P2", "M9")
def test_an_agent_takes_by_hand_what_fits_to_the_hard_maximum(play) -> None:
    p = play(config(preset="claim", costs={"voice": 4}))
    chats = writes(p, "chat", "chat", "voice", "chat")
    for each in chats[:2]:
        p.desk.take(each.id, by="ana")
    with pytest.raises(om.CapacityExceeded) as caught:
        p.desk.take(chats[2].id, by="ana")
    assert "too little room for voice" in str(caught.value)
    assert p.desk.take_next(by="ana").id == chats[3].id, "what fits comes before what does not"
    with pytest.raises(om.CapacityExceeded):
        p.desk.take_next(by="ana")
    assert_folds(p)


@pytest.mark.req("P2", "P6")
def test_a_wrap_up_holds_as_much_as_the_call_did(play) -> None:
    p = play(config(wrap_up="5m"))
    p.agent("ana").on()
    call, chat = writes(p, "voice", "chat")
    p.agent("ana").ends(call)
    assert (p.desk.staff.get("ana").load, holders(p, chat)) == (4, [None])
    p.advance("5m")
    assert (p.desk.staff.get("ana").load, holders(p, chat)) == (1, ["ana"])
    assert_folds(p)


@pytest.mark.req("P2", "R16")
def test_what_agents_hold_is_weighed_again_when_costs_change(play) -> None:
    p = play(config(costs={}))
    p.agent("ana").on()
    chat, mail = writes(p, "chat", "email")
    assert p.desk.staff.get("ana").load == 2
    with p.desk.configure() as draft:
        draft.policy(costs={"email": 3})
    p.desk.tick()
    assert p.desk.staff.get("ana").load == 4
    p.agent("ana").ends(mail)
    assert p.desk.staff.get("ana").load == 1
    with p.desk.configure() as draft:
        draft.policy(costs={"chat": 2})
    p.desk.tick()
    assert p.desk.staff.get("ana").load == 2
    with p.desk.configure() as draft:
        draft.policy(costs=None)
    p.desk.tick()
    assert p.desk.staff.get("ana").load == 1
    p.agent("ana").ends(chat)
    assert p.desk.staff.get("ana").load == 0
    assert_folds(p)


@pytest.mark.req("P2")
def test_a_channel_counts_as_itself_its_kind_or_its_family_the_nearest() -> None:
    from omniroute.rules.resolution import Setup

    desk = load_config(
        {
            "policy": {"costs": {"social": 2, "whatsapp": 3, "vip": 1}},
            "channels": {"vip": {"type": "whatsapp"}, "shop": {"type": "whatsapp"}},
            "inboxes": {
                "general": {
                    "sla": "1m",
                    "primary_for": ["vip", "shop", "instagram", "chat"],
                }
            },
            "entry_points": {
                each: {"channel": each, "address": each}
                for each in ("vip", "shop", "instagram", "chat")
            },
        },
        registry=None,
    )
    assert Setup(desk, 1).counted == {"shop": "whatsapp", "instagram": "social"}


@pytest.mark.req("P2", "M9")
def test_an_agent_has_limits_of_their_own_where_the_desk_has_some(play) -> None:
    p = play(config(costs={}, limits={"email": 1}))
    p.desk.staff.put("ana", capacity={"email": Capacity(2, 2, 3)})
    p.agent("ana").on()
    mails = writes(p, "email", "email", "email")
    assert holders(p, *mails) == ["ana", "ana", None]
    with pytest.raises(om.UsageError, match='no capacity for "chat"'):
        p.desk.staff.put("ana", capacity={"chat": Capacity(2, 2, 3)})
    assert p.desk.staff.get("ana").terms["email"].limits == Capacity(2, 2, 3)


@pytest.mark.req("P2")
@pytest.mark.parametrize(
    "costs, problem",
    [
        (
            {"voice": 5},
            (
                "policy.costs.voice: no agent can ever be given it: the largest soft_max is 4"
                ' parts, it costs 5; "all" takes an agent wholly'
            ),
        ),
        ({"voice": 0}, 'policy.costs.voice: expected a whole number from 1 or "all", got 0'),
        ({"voice": "most"}, 'policy.costs.voice: expected a whole number or "all", got "most"'),
        ({"voise": 2}, 'policy.costs.voise: there is no channel, kind or family "voise"'),
    ],
)
def test_costs_that_cannot_be_meant_are_refused(costs: dict[str, Any], problem: str) -> None:
    with pytest.raises(om.ConfigError) as caught:
        config(costs=costs)
    assert problem in str(caught.value)


@pytest.mark.req("P2")
def test_a_cost_that_one_agent_has_room_for_is_served(play) -> None:
    limits = {"goal": 6, "soft_max": 6, "hard_max": 6}
    p = play(config({"ana": {}, "bob": {"capacity": {"messaging": limits}}}, costs={"voice": 5}))
    p.agent("ana").on()
    p.agent("bob").on()
    (call,) = writes(p, "voice")
    assert holders(p, call) == ["bob"]


@pytest.mark.req("P2")
def test_costs_are_judged_by_the_staff_as_it_is(play) -> None:
    limits = {"goal": 6, "soft_max": 6, "hard_max": 6}
    p = play(config({"ana": {}, "bob": {"capacity": {"messaging": limits}}}, costs={"voice": 5}))

    def costing(cost: int) -> Any:  # versions are kept without staff
        return evolve(p.desk.config, policy=evolve(p.desk.config.policy, costs={"voice": cost}))

    p.desk.apply(costing(6))
    draft = p.desk.configure()
    draft.replace(costing(7))
    told = "policy.costs.voice: no agent can ever be given it: the largest soft_max is 6 parts"
    assert [str(each).split(",")[0] for each in draft.problems()] == [told]
    with pytest.raises(om.ConfigError, match="the largest soft_max is 6 parts"):
        draft.save()
    draft.put_agent("cid", capacity={"messaging": Capacity(7, 7, 7)}, serves=["general"])
    assert draft.problems() == ()
    draft.save()
    with pytest.raises(om.ConfigError, match="the largest soft_max is 7 parts"):
        p.desk.apply(costing(8))
    for agent in ("ana", "bob", "cid"):
        p.desk.staff.remove(agent)
    p.desk.apply(costing(8))  # whoever comes may have so many


@pytest.mark.req("P2")
def test_who_never_has_room_for_what_they_are_enabled_for_is_refused(play) -> None:
    p = play(config(costs={"voice": 4, "email": 2, "chat": 2}))
    staff, small = p.desk.staff, {"messaging": Capacity(1, 1, 1)}
    for change in ({"channels": ["chat", "voice"], "capacity": small}, {"capacity": small}):
        with pytest.raises(om.UsageError, match="they never have room for"):
            staff.put("bob", **change)
    staff.put("bob", channels=["chat", "voice"])
    with pytest.raises(om.UsageError, match=r'room for "voice": it costs 4 parts.* is 3'):
        staff.put("bob", capacity={"messaging": Capacity(3, 3, 3)})
    staff.put("bob", channels=["chat"], capacity={"messaging": Capacity(3, 3, 3)})
    staff.put("cid", capacity={"messaging": Capacity(3, 3, 3)})  # they have room for others

    draft = p.desk.configure()
    draft.put_agent("bob", channels=["voice"])
    assert [each.path for each in draft.problems()] == ["agents.bob.channels[0]"]
    with pytest.raises(om.ConfigError, match=r"agents.ana.channels\[1\]: they never have room"):
        config(
            {
                "ana": {"channels": ["chat", "voice"], "capacity": {"messaging": parts(2)}},
                "bob": {},
            },
            costs={"voice": 4},
        )


def parts(soft: int) -> dict[str, int]:
    return {"goal": soft, "soft_max": soft, "hard_max": soft}


@pytest.mark.parametrize(
    "policy",
    [
        {"capacity": {"messaging": {"goal": 8, "soft_max": "8", "hard_max": 8}}},
        {"capacity": {"messaging": {"goal": 0, "soft_max": 1, "hard_max": 1}}},
        {"capacity": {"mesaging": parts(8)}},
        {"capacity": 8},
    ],
)
def test_what_is_wrong_with_a_capacity_is_not_said_of_the_costs_too(policy) -> None:
    with pytest.raises(om.ConfigError) as caught:
        load_config(
            {
                "desk": "acme",
                "preset": "push",
                "policy": {**policy, "costs": {"voice": 6}},
                "inboxes": {"general": {"sla": "15m", "primary_for": ["voice"]}},
                "agents": {"ana": {"serves": ["general"]}},
            },
            registry=None,
        )
    assert [each.path.split(".")[1] for each in caught.value.problems] == ["capacity"]


# --- what needs several parts does not starve -----------------------------------------------------

RESERVE = {"reserve_after": "2m"}


def starving(p: Any, *agents: str) -> tuple[list[Any], Any]:
    """Everybody holds four chats, and a call waits until parts are kept for it."""
    for each in agents:
        p.agent(each).on()
    chats = writes(p, *["chat"] * 4 * len(agents))
    (call,) = writes(p, "voice")
    return chats, call


@pytest.mark.req("R2", "P2")
def test_before_the_wait_is_over_lighter_ones_go_past(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    (later,) = writes(p, "chat")
    p.advance("119s")
    p.agent("ana").ends(chats[0])
    assert holders(p, call, later) == [None, "ana"]


@pytest.mark.req("R2", "P2")
def test_after_the_wait_freed_parts_are_kept_until_it_fits(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    (later,) = writes(p, "chat")
    p.advance("2m")
    assert p.desk.staff.get("ana").keeps == call.id
    for each in chats[:3]:
        p.agent("ana").ends(each)
        assert holders(p, call, later) == [None, None]
    (arrived,) = writes(p, "chat")
    assert holders(p, arrived) == [None], "what is kept is given to nobody who comes"
    p.agent("ana").ends(chats[3])
    assert holders(p, call, later, arrived) == ["ana", None, None]
    assert p.desk.staff.get("ana").keeps is None
    p.agent("ana").ends(call)
    assert holders(p, later, arrived) == ["ana", "ana"]
    assert_folds(p)


@pytest.mark.req("R2")
def test_one_agent_keeps_and_it_is_whoever_lacks_fewest(play) -> None:
    p = play(config({"ana": {}, "bob": {}}, assign=RESERVE))
    chats, call = starving(p, "ana", "bob")
    held = {name: [c for c in chats if holders(p, c) == [name]] for name in ("ana", "bob")}
    p.agent("bob").ends(held["bob"][0])
    p.advance("2m")
    assert (p.desk.staff.get("bob").keeps, p.desk.staff.get("ana").keeps) == (call.id, None)
    (later,) = writes(p, "chat")
    p.agent("ana").ends(held["ana"][0])
    assert holders(p, call, later) == [None, "ana"], "others go on as before"
    assert_folds(p)


@pytest.mark.req("R2")
def test_who_has_room_before_the_keeper_gets_it_and_the_keeper_goes_on(play) -> None:
    p = play(config({"ana": {}, "bob": {}}, assign=RESERVE))
    chats, call = starving(p, "ana")
    p.advance("2m")
    (later,) = writes(p, "chat")
    p.agent("ana").ends(chats[0])
    assert holders(p, later) == [None]
    p.agent("bob").on()
    assert holders(p, call, later) == ["bob", "ana"]
    assert p.desk.staff.get("ana").keeps is None
    assert_folds(p)


@pytest.mark.req("R2")
def test_whoever_comes_keeps_for_the_next_that_starves_behind_one_that_others_keep_for(
    play,
) -> None:
    p = play(config({"ana": {}, "bob": {}}, assign=RESERVE))
    _, call = starving(p, "ana", "bob")
    p.advance("1s")
    (second,) = writes(p, "voice")
    p.agent("bob").off()
    p.advance("2m")
    assert p.desk.staff.get("ana").keeps == call.id
    (light,) = writes(p, "chat")
    p.agent("bob").ends(p.agent("bob").holds[0])
    p.agent("bob").on()
    assert p.desk.staff.get("bob").keeps == second.id, "it waited long enough, as the first did"
    assert holders(p, light) == [None]
    for each in p.agent("bob").holds:
        p.agent("bob").ends(each)
    assert holders(p, call, second) == ["bob", None], "the first in line comes first"
    assert p.desk.staff.get("ana").keeps == second.id
    assert_folds(p)


@pytest.mark.req("R2", "M1")
def test_when_a_keeper_leaves_a_group_the_first_in_line_goes_on_first(play) -> None:
    people = {"ana": {"groups": ["tier1"]}, "bob": {"groups": ["tier2"]}}
    p = play(config(people, assign={"cascade": ["tier1", "tier2"], **RESERVE}))
    p.agent("bob").on()
    p.agent("ana").on()
    writes(p, *["chat"] * 4)
    (chat,) = writes(p, "chat")
    p.advance("1s")
    (call,) = writes(p, "voice")
    p.advance("2m")
    assert p.desk.staff.get("ana").keeps == call.id
    p.agent("ana").off()
    assert holders(p, chat, call) == ["bob", None], "both are open to bob, and the chat is first"
    assert_folds(p)


@pytest.mark.req("R2", "P2")
def test_what_takes_one_part_of_somebody_is_kept_no_part_of_theirs(play) -> None:
    small = {"capacity": {"messaging": {"goal": 1, "soft_max": 1, "hard_max": 1}}}
    p = play(config({"ana": small, "bob": {}}, assign=RESERVE))
    p.agent("ana").on()
    (held,) = writes(p, "chat")
    call, later = writes(p, "voice", "chat")
    p.advance("2m")
    assert p.desk.staff.get("ana").keeps is None
    p.agent("ana").ends(held)
    assert holders(p, call, later) == ["ana", None]


@pytest.mark.req("P2")
def test_who_has_one_part_in_all_gets_what_takes_a_whole_agent(play) -> None:
    small = {"capacity": {"messaging": {"goal": 1, "soft_max": 1, "hard_max": 1}}}
    p = play(config({"ana": small}))
    p.agent("ana").on()
    (call,) = writes(p, "voice")
    assert holders(p, call) == ["ana"]
    assert p.desk.staff.get("ana").terms["voice"].cost == 1


@pytest.mark.req("R2", "R5")
def test_parts_are_let_go_when_what_they_are_kept_for_leaves_the_line(play) -> None:
    p = play(config(assign=RESERVE, exit_words=["bye"]))
    chats, _ = starving(p, "ana")
    (later,) = writes(p, "chat")
    p.advance("2m")
    p.agent("ana").ends(chats[0])
    p.contact("c4", on="voice").writes("bye")
    assert p.desk.staff.get("ana").keeps is None
    assert holders(p, later) == ["ana"]
    assert_folds(p)


@pytest.mark.req("R2", "P2")
def test_a_version_without_costs_gives_back_what_was_kept_with_no_tick(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    (later,) = writes(p, "chat")
    p.advance("2m")
    p.agent("ana").ends(chats[0])
    assert holders(p, call, later) == [None, None]
    p.desk.apply(config(costs={}))
    assert p.desk.staff.get("ana").keeps is None
    assert holders(p, call, later) == ["ana", None], "it takes one part by now, and comes first"
    assert_folds(p)


@pytest.mark.req("R2", "P2")
def test_a_version_that_keeps_nothing_any_more_gives_back_what_was_kept(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    (later,) = writes(p, "chat")
    p.advance("2m")
    p.agent("ana").ends(chats[0])
    p.desk.apply(config())
    assert p.desk.staff.get("ana").keeps is None
    assert holders(p, call, later) == [None, "ana"], "it still takes all of an agent"
    p.desk.tick()
    assert p.desk.staff.get("ana").keeps is None
    assert_folds(p)


@pytest.mark.req("R2", "P2")
def test_a_version_that_keeps_as_before_takes_nothing_back(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    p.advance("2m")
    p.desk.apply(config(assign=RESERVE, exit_words=["bye"]))
    assert p.desk.staff.get("ana").keeps == call.id
    assert told(p, tell.RoomReleased) == []
    for each in chats:
        p.agent("ana").ends(each)
    assert holders(p, call) == ["ana"]
    assert_folds(p)


@pytest.mark.req("R2", "S15")
def test_parts_are_let_go_where_a_version_without_costs_moves_what_they_are_kept_for(play) -> None:
    p = play(config(assign=RESERVE))
    chats, call = starving(p, "ana")
    p.advance("2m")
    p.agent("ana").ends(chats[0])
    after = config(costs={})
    inboxes = {"sales": after.inboxes["general"]}
    p.desk.apply(evolve(after, inboxes=inboxes, agents={}), move={"general": "sales"})
    assert p.desk.conversation(call.id).queue == "sales"
    assert p.desk.staff.get("ana").keeps is None
    assert_folds(p)


def as_older_versions_stored_it(p: Any) -> None:
    """Let the desk's row name no queue for whose conversations room is kept."""

    def work(tx: Any) -> None:
        tx.lock(p.desk.id)
        record = tx.get(DESKS, p.desk.id, ())
        assert record.lined == ("general",)
        tx.put(DESKS, p.desk.id, evolve(record, lined=()))

    p.desks.store.transact(work)


@pytest.mark.req("R2")
def test_parts_that_an_older_version_kept_are_let_go_when_what_they_are_kept_for_fits(play) -> None:
    p = play(config({"ana": {}, "bob": {}}, assign=RESERVE))
    chats, call = starving(p, "ana")
    p.advance("2m")
    as_older_versions_stored_it(p)
    p.agent("bob").on()
    assert holders(p, call) == ["bob"]
    assert [each.agent for each in told(p, tell.RoomReleased)] == ["ana"]
    p.agent("ana").ends(chats[0])
    (later,) = writes(p, "chat")
    assert holders(p, later) == ["ana"]
    assert_folds(p)


@pytest.mark.req("R2", "S15")
def test_parts_that_an_older_version_kept_are_let_go_by_a_version_without_costs(play) -> None:
    p = play(config(assign=RESERVE))
    _, call = starving(p, "ana")
    p.advance("2m")
    as_older_versions_stored_it(p)
    after = config(costs={})
    inboxes = {"sales": after.inboxes["general"]}
    p.desk.apply(evolve(after, inboxes=inboxes, agents={}), move={"general": "sales"})
    assert p.desk.conversation(call.id).queue == "sales"
    assert p.desk.staff.get("ana").keeps is None
    assert_folds(p)


@pytest.mark.req("R2")
def test_where_the_keeper_leaves_another_keeps(play) -> None:
    p = play(config({"ana": {}, "bob": {}}, assign=RESERVE))
    chats, call = starving(p, "ana", "bob")
    p.advance("2m")
    first = next(name for name in ("ana", "bob") if p.desk.staff.get(name).keeps)
    other = "bob" if first == "ana" else "ana"
    p.agent(first).off()
    assert (p.desk.staff.get(first).keeps, p.desk.staff.get(other).keeps) == (None, call.id)
    p.agent(other).off()
    p.agent(first).on()
    p.agent(first).ends(next(c for c in chats if holders(p, c) == [first]))
    assert p.desk.staff.get(first).keeps == call.id, "whoever is freed keeps for what waits"
    assert_folds(p)


@pytest.mark.req("R2", "P2")
def test_keeping_without_a_cost_is_refused() -> None:
    with pytest.raises(om.ConfigError, match="reserve_after: has no effect"):
        config(costs={}, assign=RESERVE)


@pytest.mark.req("P2", "M5")
def test_an_offer_holds_what_the_conversation_costs(play) -> None:
    p = play(config(assignment="offer_one", offer={"accept_within": "1m"}))
    p.agent("ana").on()
    call, chat = writes(p, "voice", "chat")
    assert (p.desk.staff.get("ana").load, p.desk.staff.get("ana").holds["voice"]) == (4, 1)
    p.desk.decline_offer(call.id, by="ana")
    assert p.desk.staff.get("ana").load == 1
    assert p.desk.conversation(chat.id).state is om.State.OFFERED
    p.desk.accept_offer(chat.id, by="ana")
    assert p.desk.staff.get("ana").load == 1
    assert_folds(p)


@pytest.mark.req("P2", "S11")
def test_what_an_agent_starts_costs_them_as_much(play) -> None:
    p = play(config(agent_initiated=True))
    p.agent("ana").on()
    p.desk.start("email", "Hello", by="ana", address="addr-new")
    assert (p.desk.staff.get("ana").load, p.desk.staff.get("ana").holds["email"]) == (2, 1)
    with pytest.raises(om.CapacityExceeded):
        p.desk.start("voice", "Hello", by="ana", address="addr-other")
    assert_folds(p)
