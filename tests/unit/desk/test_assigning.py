"""Who gets what, in a whole desk: priorities, groups, shares, skills, channels, returning contacts."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.config import load_config
from omniroute.desk.tick import tick_batch
from omniroute.model import events as tell
from omniroute.model.state import State
from omniroute.schema import AGENTS, QUEUE_LINES
from omniroute.testing import an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from tests.unit.desk.helpers import BusyStore, assert_folds, log, stored, told


def config(
    agents: dict[str, dict[str, Any]],
    *,
    assign: dict[str, Any] | None = None,
    at: dict[str, dict[str, Any]] | None = None,
    capacity: int = 1,
    **policy: Any,
) -> Any:
    """Queues "a" and "b", with an entry point on "chat" and "sms" for each.

    Agents serve both and hold `capacity`; groups tier1 and tier2 say nothing of queues.
    """
    limits = {"goal": capacity, "soft_max": capacity, "hard_max": capacity + 1}
    return load_config(
        {
            "desk": "acme",
            "preset": "push",
            "policy": {
                "capacity": {"messaging": limits},
                **({"assign": assign} if assign else {}),
                **policy,
            },
            "inboxes": {
                "general": {
                    "sla": "15m",
                    "primary_for": ["chat", "sms"],
                    "queues": ["a", "b"],
                    "at": {name: {"assign": each} for name, each in (at or {}).items()},
                }
            },
            "entry_points": {
                f"{kind}-{name}": {
                    "channel": kind,
                    "address": f"{kind}-{name}",
                    "queue": f"general/{name}",
                }
                for kind in ("chat", "sms")
                for name in ("a", "b")
            },
            "groups": {"tier1": {}, "tier2": {}},
            "agents": {
                name: {"serves": ["general/**"], **fields} for name, fields in agents.items()
            },
        },
        registry=None,
    )


def writes(p: Any, *names: str, on: str = "chat-a") -> list[Any]:
    return [p.contact(name, on=on).writes("Hello") for name in names]


def holders(p: Any, *chats: Any) -> list[str | None]:
    return [p.desk.conversation(each.id).agent for each in chats]


TIERS = {"ana": {"groups": ["tier1"]}, "bob": {"groups": ["tier2"]}}
CASCADE = {"cascade": ["tier1", "tier2"], "widen_after": "90s"}


# --- what comes first -----------------------------------------------------------------------------


@pytest.mark.req("U22", "M3", "R2")
def test_a_freed_agent_takes_from_the_queue_with_the_higher_priority(play) -> None:
    p = play(config({"ana": {}}, at={"b": {"priority": 3}}))
    (low,) = writes(p, "Low")
    p.advance("1m")
    (high,) = writes(p, "High", on="chat-b")
    p.agent("ana").on()
    assert holders(p, low, high) == [None, "ana"]
    p.agent("ana").ends(high)
    assert holders(p, low) == ["ana"]


@pytest.mark.req("U23")
def test_a_priority_that_is_switched_off_changes_nothing(play) -> None:
    p = play(config({"ana": {}}, at={"b": {"priority": 3, "prioritized": False}}))
    (low,) = writes(p, "Low")
    p.advance("1m")
    (high,) = writes(p, "High", on="chat-b")
    p.agent("ana").on()
    assert holders(p, low, high) == ["ana", None]


@pytest.mark.req("S8", "M3")
def test_with_age_a_wait_overtakes_a_higher_priority_and_nothing_is_written_for_it(play) -> None:
    at: dict[str, dict[str, Any]] = {"a": {"ageing": "1m"}, "b": {"priority": 2}}
    p = play(config({"ana": {}}, at=at))
    (old,) = writes(p, "Old")
    before = stored(p, QUEUE_LINES, "general/a"), len(list(p.desk.changes()))
    p.advance("3m")
    assert (stored(p, QUEUE_LINES, "general/a"), len(list(p.desk.changes()))) == before
    (high,) = writes(p, "High", on="chat-b")
    p.agent("ana").on()
    assert holders(p, old, high) == ["ana", None]


@pytest.mark.req("P12", "M3")
def test_a_contacts_attribute_puts_them_in_front_of_any_queue(play) -> None:
    gold = {"segments": [{"attribute": "tier", "value": "gold"}]}
    p = play(config({"ana": {}}, assign=gold, at={"b": {"priority": 9}}))
    (first,) = writes(p, "Vera")
    p.desk.contacts.link(first.contact, attributes={"tier": "gold"})
    p.desk.end(first.id, by="ana")
    (urgent,) = writes(p, "Urgent", on="chat-b")
    p.advance("1m")
    (vera,) = writes(p, "Vera")
    p.agent("ana").on()
    assert holders(p, urgent, vera) == [None, "ana"]
    assert_folds(p)


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.req("A2")
def test_conversations_of_every_channel_wait_in_one_line_for_one_agent(play) -> None:
    p = play(config({"ana": {}}))
    waiting = []
    for name, channel in [
        ("One", "chat-a"),
        ("Two", "sms-a"),
        ("Three", "chat-a"),
        ("Four", "sms-a"),
    ]:
        waiting += writes(p, name, on=channel)
        p.advance("10s")
    p.agent("ana").on()
    for first in waiting:
        assert [each.id for each in p.agent("ana").holds] == [first.id]
        p.agent("ana").ends(first)


@pytest.mark.req("A2")
def test_the_same_story_goes_the_same_way_on_every_channel(play) -> None:
    def lived(channel: str) -> list[Any]:
        p = play(config({"ana": {}, "bob": {}}, at={"a": {"ageing": "1m"}}, ended_text="Bye."))
        p.agent("ana").on()
        first, second = writes(p, "Vera", "Otto", on=channel)
        p.agent("ana").replies(first, "Hi")
        p.advance("20m")
        p.agent("bob").on()
        p.agent("bob").ends(second)
        p.desk.snooze(first.id, by="ana", for_="3h")
        p.contact("Vera", on=channel).writes("Again")
        return log(p)

    def but_for_the_place(event: Any) -> Any:
        if not isinstance(event, tell.Opened):
            return event
        place = evolve(event.place, channel="", entry_point="", address="")
        return evolve(event, place=place, route=evolve(event.route, inbox_source=""))

    on_chat, on_sms = (list(map(but_for_the_place, lived(each))) for each in ("chat-a", "sms-a"))
    assert on_chat == on_sms
    assert len(on_chat) > 15


# --- cascade --------------------------------------------------------------------------------------


@pytest.mark.req("M1", "U17")
def test_the_second_group_joins_after_the_wait_and_not_before(play) -> None:
    p = play(config(TIERS, at={"a": CASCADE}))
    p.agent("ana").on()
    p.agent("bob").on()
    one, two = writes(p, "One", "Two")
    assert holders(p, one, two) == ["ana", None]
    p.advance("89s")
    assert holders(p, two) == [None]
    p.advance("1s")
    assert holders(p, two) == ["bob"]
    assert_folds(p)


@pytest.mark.req("S13", "S2")
def test_what_a_late_tick_gives_away_is_explained_where_it_stands_in_the_log(play) -> None:
    """Other deadlines came since, and are told after it."""
    p = play(config(TIERS, at={"a": CASCADE}))
    p.agent("ana").on()
    p.agent("bob").on()
    _, waiting = writes(p, "One", "Two")
    p.clock.advance("20m")
    p.desk.tick()
    assert len(told(p, tell.SlaBreached)) == 2
    changes = [each for each in p.desk.changes() if isinstance(each.event, tell.Assigned)]
    decision = p.desk.explain(waiting.id).decisions[-1]
    assert (decision.chosen.agent, decision.position) == ("bob", changes[-1].position)


@pytest.mark.req("M1", "R7")
def test_who_is_freed_late_is_given_what_time_has_opened_meanwhile(play) -> None:
    """The call begins before the wait is open to the second group, and has the desk after it."""
    store = BusyStore()
    p = play(config(TIERS, at={"a": CASCADE}), store=store)
    p.agent("ana").on()
    p.agent("bob").on()
    writes(p, "Ana's")
    (bobs,) = writes(p, "Bob's", on="chat-b")
    (waiting,) = writes(p, "Waits")
    p.clock.advance("89s")
    store.meanwhile = lambda: p.advance("1s")
    p.agent("bob").ends(bobs)
    assert holders(p, waiting) == ["bob"]


@pytest.mark.req("M1")
def test_an_agent_freed_in_an_earlier_group_wins_over_one_in_a_later(play) -> None:
    people = {"zoe": {"groups": ["tier1"]}, "bob": {"groups": ["tier2"]}}
    p = play(config(people, at={"a": CASCADE}))
    p.agent("zoe").on()
    one, two = writes(p, "One", "Two")
    p.advance("2m")
    p.agent("zoe").ends(one)
    assert holders(p, two) == ["zoe"]
    p.agent("bob").on()
    (three,) = writes(p, "Three")
    assert holders(p, three) == [None], "tier1 is there, and busy: its time is not over"


@pytest.mark.req("M1")
def test_a_group_with_nobody_available_is_skipped_at_once(play) -> None:
    p = play(config(TIERS, at={"a": CASCADE}))
    p.agent("bob").on()
    p.advance("1s")
    (one,) = writes(p, "One")
    assert holders(p, one) == ["bob"]


@pytest.mark.req("M1")
def test_the_pool_opens_when_the_last_of_a_group_leaves_and_never_shrinks(play) -> None:
    people = {**TIERS, "cid": {"groups": ["tier2"]}}
    p = play(config(people, at={"a": CASCADE}))
    p.agent("ana").on()
    p.agent("bob").on()
    one, two = writes(p, "One", "Two")
    assert holders(p, one, two) == ["ana", None]
    p.agent("ana").off()
    assert holders(p, two) == ["bob"], "nobody of the first group is there: the second may at once"
    (three,) = writes(p, "Three")
    p.agent("ana").on()
    p.agent("cid").on()
    assert holders(p, three) == ["cid"], "it was open to the second group, and stays so"


@pytest.mark.req("M1")
def test_the_pool_that_agents_claim_from_opens_when_the_last_of_a_group_leaves(play) -> None:
    p = play(config(TIERS, at={"a": {"cascade": ["tier1", "tier2"]}}, assignment="claim"))
    p.agent("ana").on()
    p.agent("bob").on()
    (chat,) = writes(p, "One")
    assert p.desk.take_next(by="bob") is None
    p.agent("ana").off()
    p.agent("ana").on()
    assert p.desk.take_next(by="bob").id == chat.id, "it was open to the second group, and stays so"


@pytest.mark.req("M1", "R2", "S4")
def test_a_new_version_opens_what_waits_already_after_its_own_times(play) -> None:
    people = {name: {**each, "channels": ["chat"]} for name, each in TIERS.items()}
    p = play(config(people, at={"a": {"cascade": ["tier1", "tier2"]}}))
    p.agent("ana").on()
    p.agent("bob").on()
    writes(p, "Four", on="sms-b")
    held, waiting, other = writes(p, "One", "Two", "Three")
    assert holders(p, held, waiting, other) == ["ana", None, None]
    p.advance("30s")
    p.desk.apply(config({}, at={"a": CASCADE}))
    p.advance("59s")
    assert holders(p, waiting) == [None]
    lined = [each.conversation for each in told(p, tell.Lined)]
    assert lined == [waiting.id, other.id], "once each, and what nothing changes for is left alone"
    p.advance("1s")
    assert holders(p, waiting) == ["bob"]
    assert_folds(p)


@pytest.mark.req("M1")
def test_a_group_is_skipped_for_somebody_who_comes_without_room_too(play) -> None:
    p = play(config(TIERS, at={"a": {"cascade": ["tier1", "tier2"]}}))
    p.agent("ana").on()
    p.agent("bob").on()
    first, second = writes(p, "One", "Two", on="chat-b")
    held = {p.desk.conversation(each.id).agent: each for each in (first, second)}
    p.agent("bob").off()
    p.agent("ana").off()
    p.advance("1s")
    (waiting,) = writes(p, "Three")
    p.agent("bob").on()
    p.advance("1s")
    p.agent("ana").on()
    p.agent("bob").ends(held["bob"])
    assert holders(p, waiting) == ["bob"], "while bob came nobody of tier1 was there"
    assert_folds(p)


@pytest.mark.req("M1", "S4")
def test_a_cascade_of_other_groups_begins_with_its_first(play) -> None:
    p = play(config(TIERS, at={"a": {"cascade": ["tier1", "tier2"]}}))
    p.agent("bob").on()
    held, waiting = writes(p, "One", "Two")
    assert holders(p, held, waiting) == ["bob", None], "nobody of tier1 is there: tier2 may at once"
    p.desk.apply(config({}, at={"a": {"cascade": ["tier2", "tier1"]}}))
    p.desk.tick()
    p.agent("ana").on()
    assert holders(p, waiting) == [None], "what was noted of tier2 says nothing of tier1"
    p.agent("bob").ends(held)
    assert holders(p, waiting) == ["bob"]
    assert_folds(p)


@pytest.mark.req("M1", "S4")
@pytest.mark.parametrize("on", [True, False])
def test_a_group_whose_agents_are_not_saved_anew_yet_is_not_skipped(play, monkeypatch, on) -> None:
    monkeypatch.setattr("omniroute.desk.jobs.BATCH", 1)
    p = play(config({"ana": {"groups": ["tier2"]}, "zoe": {"groups": ["tier1"]}}))
    p.agent("ana").on()
    p.agent("zoe").on()
    first, second, waiting = writes(p, "One", "Two", "Three")
    held = {p.desk.conversation(each.id).agent: each for each in (first, second)}
    if not on:
        p.agent("zoe").off()
    p.desk.apply(config({}, at={"a": {"cascade": ["tier1", "tier2"]}}))
    tick_once(p)
    p.agent("ana").ends(held["ana"])
    assert holders(p, waiting) == [None], "zoe is there, and not saved by the new version yet"
    p.desk.tick()
    assert holders(p, waiting) == [None if on else "ana"]
    p.agent("zoe").ends(held["zoe"])
    assert holders(p, waiting) == ["zoe" if on else "ana"]
    assert_folds(p)


def tick_once(p: Any) -> None:
    """One batch of what a new version brings, as a worker that is interrupted does."""
    p.desk._runtime.run(p.desk.id, p.clock.now(), tick_batch)


@pytest.mark.req("P5", "S3")
def test_what_a_newer_version_lets_expire_goes_nowhere_when_it_should_overflow(play) -> None:
    people = {"ana": {"serves": ["general/a"]}, "bob": {"serves": ["general/b"]}}
    rule = {"overflow": ["general/b"], "overflow_after": "20s"}
    p = play(config(people, assignment="offer_all"))
    p.agent("ana").on()
    (chat,) = writes(p, "One")
    expires = config({}, at={"a": rule}, assignment="offer_all", unanswered_expiration="3m")
    p.clock.set(p.clock.now() + 6 * 60 * 1_000_000)
    p.desk.apply(evolve(expires, agents={}))
    p.desk.tick()
    (ended,) = told(p, tell.Ended)
    assert (ended.conversation, ended.reason) == (chat.id, "expired_in_queue")
    assert_folds(p)


# --- percent --------------------------------------------------------------------------------------

SHARES = {"percent": {"tier1": 7500, "tier2": 2500}}


@pytest.mark.req("M2", "U17")
def test_shares_are_counted_when_allotted_and_hold_exactly(play) -> None:
    p = play(config(TIERS, at={"a": SHARES}, capacity=50))
    p.agent("ana").on()
    p.agent("bob").on()
    chats = writes(p, *(f"C{n}" for n in range(20)))
    assert holders(p, *chats).count("ana") == 15
    line = stored(p, QUEUE_LINES, "general/a")
    assert line.counts == {"tier1": 15, "tier2": 5}
    assert_folds(p)


@pytest.mark.req("M2")
def test_what_is_allotted_waits_for_its_group_until_it_is_opened(play) -> None:
    p = play(config(TIERS, at={"a": {**SHARES, "open_after": "2m"}}, capacity=5))
    p.agent("bob").on()
    (one,) = writes(p, "One")
    assert holders(p, one) == [None]
    p.advance("119s")
    assert holders(p, one) == [None]
    p.advance("1s")
    assert holders(p, one) == ["bob"]
    assert stored(p, QUEUE_LINES, "general/a").counts == {"tier1": 1}, "counted for whom it was for"


@pytest.mark.req("M2", "R2")
def test_a_freed_agent_takes_what_is_allotted_to_their_group_past_others(play) -> None:
    p = play(config(TIERS, at={"a": SHARES}))
    chats = writes(p, *(f"C{n}" for n in range(4)))
    p.agent("bob").on()
    groups = [each.extras.routing.group for each in map(_model(p), chats)]
    assert sorted(groups) == ["tier1"] * 3 + ["tier2"]
    assert holders(p, *chats) == ["bob" if each == "tier2" else None for each in groups]
    p.agent("bob").ends(chats[groups.index("tier2")])
    assert set(holders(p, *[c for c, g in zip(chats, groups, strict=True) if g == "tier1"])) == {
        None
    }


def _model(p: Any) -> Any:
    from omniroute.schema import CONVERSATIONS

    return lambda chat: stored(p, CONVERSATIONS, chat.id)


@pytest.mark.req("M2")
def test_changed_shares_start_a_new_count(play) -> None:
    p = play(config(TIERS, at={"a": SHARES}))
    writes(p, "One", "Two")
    p.desk.apply(config(TIERS, at={"a": {"percent": {"tier1": 0, "tier2": 10_000}}}), by=None)
    writes(p, "Three")
    assert stored(p, QUEUE_LINES, "general/a").counts == {"tier2": 1}


# --- skills, channels, distribution ---------------------------------------------------------------


@pytest.mark.req("P1", "R2")
def test_only_who_has_the_skill_gets_it_until_it_is_no_longer_asked(play) -> None:
    asked = {"skills": {"router": {"levels": ">= 3", "expires": "1m"}}}
    people = {"ana": {"skills": {"router": 2}}, "bob": {"skills": {"router": 3}}}
    p = play(config(people, at={"a": asked}))
    p.agent("ana").on()
    p.agent("bob").on()
    one, two = writes(p, "One", "Two")
    assert holders(p, one, two) == ["bob", None]
    p.advance("1m")
    assert holders(p, two) == ["ana"]


@pytest.mark.req("P1", "R2")
def test_a_freed_agent_passes_over_what_asks_for_more_than_they_can(play) -> None:
    p = play(config({"ana": {}}, at={"a": {"skills": {"router": 1}, "priority": 5}}))
    (hard,) = writes(p, "Hard")
    (easy,) = writes(p, "Easy", on="chat-b")
    p.agent("ana").on()
    assert holders(p, hard, easy) == [None, "ana"]


@pytest.mark.req("P1")
def test_someone_suitable_is_found_behind_many_who_are_not(play) -> None:
    people: dict[str, dict[str, Any]] = {f"agent-{n:02}": {} for n in range(60)} | {
        "zoe": {"skills": {"router": 1}}
    }
    p = play(config(people, at={"a": {"skills": {"router": 1}}}))
    for name in people:
        p.agent(name).on()
    (one,) = writes(p, "One")
    assert holders(p, one) == ["zoe"]


@pytest.mark.req("A1", "R2")
def test_nobody_gets_what_comes_on_a_channel_they_are_not_enabled_for(play) -> None:
    p = play(config({"ana": {"channels": ["sms"]}}))
    p.agent("ana").on()
    (chat,) = writes(p, "Chat")
    (sms,) = writes(p, "Sms", on="sms-a")
    assert holders(p, chat, sms) == [None, "ana"]
    p.agent("ana").ends(sms)
    assert holders(p, chat) == [None]
    p.desk.staff.put("ana", channels=["sms", "chat"])
    assert holders(p, chat) == ["ana"]


@pytest.mark.req("P3")
def test_the_best_skilled_gets_it(play) -> None:
    people = {"ana": {"skills": {"router": 4}}, "bob": {"skills": {"router": 9}}}
    asked = {"skills": {"router": 3}}
    p = play(config(people, at={"a": asked}, distribution="best_skill", capacity=5))
    p.agent("ana").on()
    p.agent("bob").on()
    assert holders(p, *writes(p, "One", "Two")) == ["bob", "bob"]


@pytest.mark.req("P3")
def test_round_robin_goes_round_whatever_anybody_holds(play) -> None:
    people: dict[str, dict[str, Any]] = {"ana": {}, "bob": {}, "cid": {}}
    p = play(config(people, distribution="round_robin", capacity=9))
    for name in people:
        p.agent(name).on()
    found = []
    for n in range(6):
        p.advance("1s")
        found += holders(p, *writes(p, f"C{n}"))
    assert found == ["ana", "bob", "cid"] * 2


class Ranks:
    """A plugin that says what it is told to say."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    @om.hookimpl
    def omniroute_rank(self, question: om.RankingQuestion) -> Any:
        """Answer, and remember the question."""
        self.asked.append(question)
        return self.answer(question)


def ranked_by(plugin: Ranks) -> Any:
    desks = om.Desks(
        "memory://",
        plugins=[plugin, ScriptedPlugin(("chat", "sms"))],
        discover=False,
        builtin=False,
    )
    desk = desks.create(config({"ana": {}, "bob": {}, "cid": {}}))
    desk.set_available("ana")
    desk.set_available("bob")
    return desk


@pytest.mark.req("P3")
def test_a_plugin_orders_those_who_are_suitable() -> None:
    plugin = Ranks(lambda question: [each.id for each in reversed(question.agents)])
    received = ranked_by(plugin).receive("chat-a", an_inbound(address="chat-a"))
    assert received.conversations[0].agent == "bob"
    assert [each.id for each in plugin.asked[0].agents] == ["ana", "bob"]


@pytest.mark.req("P3")
def test_a_plugin_that_fails_or_ranks_strangers_cannot_break_the_desk(caplog) -> None:
    def fails(_: Any) -> Any:
        raise RuntimeError("no ranking today")

    answers = (fails, lambda _: ["cid", "zoe", None], lambda _: None, lambda _: 7)
    for answer in answers:
        caplog.clear()
        received = ranked_by(Ranks(answer)).receive("chat-a", an_inbound(address="chat-a"))
        assert received.conversations[0].agent == "ana"
        failed = answer is fails or answer is answers[-1]
        assert ("ranking plugin failed" in caplog.text) is failed


# --- overflow -------------------------------------------------------------------------------------

ONLY_B: dict[str, dict[str, Any]] = {"bob": {"serves": ["general/b"]}}


@pytest.mark.req("P5", "M3")
def test_after_a_wait_it_goes_to_the_other_queue_and_keeps_its_wait(play) -> None:
    rule = {"overflow": ["general/b"], "overflow_after": "1m"}
    p = play(config(ONLY_B, at={"a": rule}))
    p.agent("bob").on()
    (busy,) = writes(p, "Busy", on="chat-b")
    (one,) = writes(p, "One")
    p.advance("59s")
    assert p.desk.conversation(one.id).queue == "general/a"
    (later,) = writes(p, "Later", on="chat-b")
    p.advance("1s")
    assert p.desk.conversation(one.id).queue == "general/b"
    p.agent("bob").ends(busy)
    assert holders(p, one, later) == ["bob", None]
    assert_folds(p)


@pytest.mark.req("P5")
def test_at_a_length_the_next_one_goes_on_at_once(play) -> None:
    rule = {"overflow": ["general/b"], "overflow_at": 2}
    p = play(config(ONLY_B, at={"a": rule}))
    p.agent("bob").on()
    chats = writes(p, "One", "Two", "Three")
    assert holders(p, *chats) == [None, None, "bob"]


@pytest.mark.req("P5")
def test_disabled_and_full_queues_are_skipped_and_with_nowhere_to_go_it_stays(play) -> None:
    at: dict[str, dict[str, Any]] = {
        "a": {"overflow": ["general/b"], "maximum": 1, "full_message": "Everybody is busy."},
        "b": {"maximum": 1},
    }
    p = play(config({"zoe": {"serves": ["general/a"]}}, at=at))
    one, two = writes(p, "One", "Two")
    assert p.desk.conversation(two.id).queue == "general/a", "nobody serves the other queue"
    p.deliver()
    assert (p.contact("One").got, p.contact("Two").got) == ([], ["Everybody is busy."])
    p.agent("bob").serving("general/b")
    three, four = writes(p, "Three", "Four")
    queues = [p.desk.conversation(each.id).queue for each in (one, two, three, four)]
    assert queues == ["general/a", "general/a", "general/b", "general/a"], "the other is full now"


@pytest.mark.req("P5")
def test_a_circle_and_a_queue_that_is_not_there_are_refused() -> None:
    from omniroute.errors import ConfigError

    at = {"a": {"overflow": ["general/b"]}, "b": {"overflow": ["general/a"]}}
    with pytest.raises(ConfigError, match="in a circle"):
        config({"ana": {}}, at=at)
    with pytest.raises(ConfigError, match="no queue is named"):
        config({"ana": {}}, at={"a": {"overflow": ["general/c"]}})


@pytest.mark.req("P5")
def test_a_list_for_all_queues_may_name_some_of_them(play: Any) -> None:
    everywhere = {"overflow": ["general/b"], "overflow_at": 1}
    p = play(
        config(
            {"zoe": {"serves": ["general/a"]}, "bob": {"serves": ["general/b"]}}, assign=everywhere
        )
    )
    one, two = writes(p, "One", "Two")
    assert [p.desk.conversation(each.id).queue for each in (one, two)] == ["general/a", "general/b"]
    config({"zoe": {}}, assign={"overflow": ["general/b", "general/a"], "overflow_at": 1})


# --- those who come back --------------------------------------------------------------------------

STICKY = {"sticky_within": "1h", "sticky_wait": "2m"}


def again(play: Any, assign: dict[str, Any], people: dict[str, dict[str, Any]]) -> Any:
    """Let ana end what she held of Maria, be busy with Otto, and Maria write once more."""
    p = play(config(people, assign=assign, after_end={"to": "queue"}))
    p.agent("ana").on()
    (maria,) = writes(p, "Maria")
    p.agent("ana").ends(maria)
    (otto,) = writes(p, "Otto")
    return p, maria, otto


@pytest.mark.req("P4")
def test_a_contact_who_is_back_waits_for_their_agent_and_keeps_their_place(play) -> None:
    p, maria, otto = again(play, STICKY, {"ana": {}, "bob": {}})
    p.contact("Maria").writes("me again")
    p.advance("1s")
    (later,) = writes(p, "Later")
    p.agent("bob").on()
    assert holders(p, maria, later) == [None, "bob"]
    p.agent("ana").ends(otto)
    assert holders(p, maria) == ["ana"]
    assert_folds(p)


@pytest.mark.req("P4")
@pytest.mark.parametrize(
    "rule",
    [
        {"percent": {"tier1": 10_000, "tier2": 0}},
        {"cascade": ["tier1", "tier2"]},
        {"skills": {"router": {"levels": 9, "expires": "1m"}}},
    ],
    ids=["percent", "cascade", "skills"],
)
def test_who_is_back_waits_for_their_agent_whatever_others_are_asked(play, rule) -> None:
    """They had it before, and had room for it at once or have it a little later."""
    zoe: dict[str, Any] = {"groups": ["tier1", "tier2"], "skills": {"router": 9}}
    people = {"bob": {"groups": ["tier2"]}, "zoe": zoe}
    p = play(config(people, assign=STICKY, at={"a": rule}, after_end={"to": "queue"}))
    p.agent("zoe").on()
    (maria,) = writes(p, "Maria")
    p.agent("bob").on()
    p.desk.transfer(maria.id, "bob", by="zoe")
    p.agent("zoe").off()
    p.agent("bob").ends(maria)
    (otto,) = writes(p, "Otto", on="chat-b")
    writes(p, "Maria")
    assert holders(p, otto, maria) == ["bob", None]
    p.agent("bob").ends(otto)
    assert holders(p, maria) == ["bob"]
    assert_folds(p)


@pytest.mark.req("P4")
def test_after_the_limit_counted_from_queue_entry_anybody_may_take_them(play) -> None:
    p, maria, _ = again(play, STICKY, {"ana": {}, "bob": {}})
    p.contact("Maria").writes("me again")
    p.agent("bob").on()
    p.advance("119s")
    assert p.desk.conversation(maria.id).state is State.QUEUED
    p.advance("1s")
    assert holders(p, maria) == ["bob"]
    assert len(told(p, tell.Lined)) == 1


@pytest.mark.req("P4")
def test_where_agents_claim_who_is_back_waits_for_their_agent_with_a_limit_alone(play) -> None:
    for limit in ({}, {"sticky_wait": "1m"}):
        rule = {"sticky_within": "10m", **limit}
        p = play(config({"ana": {}, "bob": {}}, at={"a": rule}, assignment="claim", capacity=2))
        (first,) = writes(p, "One")
        p.desk.take(first.id, by="ana")
        p.agent("ana").ends(first)
        (back,) = writes(p, "One")
        taken = p.desk.take_next(by="bob")
        assert (None if taken is None else taken.id) == (None if limit else back.id)
        if limit:
            assert p.desk.take_next(by="ana").id == back.id


@pytest.mark.req("P4", "S4")
def test_a_version_in_which_nobody_is_waited_for_sets_free_who_waits(play) -> None:
    overflow = {"overflow": ["general/b"], "overflow_after": "30s"}
    sticky = {"sticky_within": "10m", "sticky_wait": "2m"}
    p = play(config({"ana": {}, "bob": {}}, at={"a": {**sticky, **overflow}}))
    p.agent("ana").on()
    (first,) = writes(p, "One")
    p.agent("ana").ends(first)
    p.agent("ana").off()
    (back,) = writes(p, "One")
    p.agent("bob").on()
    assert holders(p, back) == [None]
    p.desk.apply(config({}, at={"a": overflow}))
    p.desk.tick()
    assert holders(p, back) == ["bob"]
    assert_folds(p)


@pytest.mark.req("P4")
def test_without_a_limit_they_wait_for_nobody(play) -> None:
    p, maria, _ = again(play, {"sticky_within": "1h"}, {"ana": {}, "bob": {}})
    p.agent("bob").on()
    p.contact("Maria").writes("me again")
    assert holders(p, maria) == ["bob"]


# --- who asks for what ----------------------------------------------------------------------------


@pytest.mark.req("U17", "M2")
@pytest.mark.parametrize(
    "assign,path,words",
    [
        ({**CASCADE, **SHARES}, "", "has both cascade and percent"),
        ({"percent": {"tier1": 9999}}, ".percent", "add up to 10000, got 9999"),
        ({"percent": {"tier3": 10_000}}, ".percent.tier3", "unknown group"),
        ({"cascade": ["tier1", "tier1"]}, ".cascade[1]", "stands here twice"),
        ({"priority": 11}, ".priority", "from -5 to 10, got 11"),
        ({"priority": -6}, ".priority", "from -5 to 10, got -6"),
        ({"segments": []}, ".segments", "set it for the desk"),
        ({"skills": {"router": "some"}}, ".skills.router", "levels"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_path(
    assign: dict[str, Any], path: str, words: str
) -> None:
    from omniroute.errors import ConfigError

    with pytest.raises(ConfigError) as raised:
        config(TIERS, at={"a": assign})
    (problem,) = raised.value.problems
    assert problem.path == f"inboxes.general.at.a.assign{path}"
    assert words in problem.message


@pytest.mark.req("M2")
def test_a_share_for_a_group_that_nobody_is_in_is_refused() -> None:
    from omniroute.errors import ConfigError

    with pytest.raises(ConfigError, match='nobody is in "tier2"'):
        config({"ana": {"groups": ["tier1"]}}, at={"a": SHARES})


@pytest.mark.req("M3")
def test_a_priority_belongs_to_leaves() -> None:
    from omniroute.errors import ConfigError

    with pytest.raises(ConfigError, match="belongs to a leaf"):
        config({"ana": {}}, assign={"priority": 1})


# --- a published example --------------------------------------------------------------------------


@pytest.mark.req("A10", "R2", "M9")
def test_a_published_example_of_a_cap_of_three_holds(play) -> None:
    """Intercom, workload management: with a limit of three, a teammate is given three at most; the
    next conversation waits for them, and gets the first slot that they free."""
    p = play(config({"ana": {}}, capacity=3))
    p.agent("ana").on()
    chats = writes(p, "One", "Two", "Three", "Four", "Five")
    assert holders(p, *chats) == ["ana", "ana", "ana", None, None]
    seen = p.desk.staff.get("ana")
    assert (seen.load, seen.colour) == (3, om.Colour.ORANGE)
    p.agent("ana").ends(chats[1])
    assert holders(p, *chats[3:]) == ["ana", None]
    p.agent("ana").ends(chats[0])
    p.agent("ana").ends(chats[2])
    assert holders(p, *chats[3:]) == ["ana", "ana"]
    assert_folds(p)


# --- queues that choose by themselves -------------------------------------------------------------


def with_place(place: str, **settings: Any) -> Any:
    """Queue "a" as the desk has it, queue "b" with settings of its own."""
    built = config({"ana": {}, "bob": {}}, capacity=3, distribution="longest_idle")
    document = om.dump(built)
    document["inboxes"]["general"]["at"] = {place: settings}
    return load_config(document, registry=None)


@pytest.mark.req("P3", "R16")
def test_a_queue_chooses_among_agents_in_its_own_way(play) -> None:
    p = play(with_place("b", distribution="least_loaded"))
    p.agent("bob").on()
    writes(p, "One", "Two")
    p.advance("1m")
    p.agent("ana").on()
    (third,) = writes(p, "Three")
    assert holders(p, third) == ["ana"], "bob holds two since long, ana one since now"
    p.advance("1m")
    (other,) = writes(p, "Four", on="chat-b")
    assert holders(p, other) == ["ana"], "this queue: whoever holds less"
    (usual,) = writes(p, "Five")
    assert holders(p, usual) == ["bob"], "the desk: whose load changed longest ago"
    assert_folds(p)
    p.desk.apply(config({"ana": {}, "bob": {}}, capacity=3, distribution="longest_idle"), by=None)
    p.desk.tick()
    assert stored(p, AGENTS, "ana").extras.distributions == {}
    assert_folds(p)


@pytest.mark.req("U21", "M9")
def test_a_queue_has_a_goal_of_its_own_and_it_is_no_cap(play) -> None:
    p = play(with_place("b", concurrency=1))
    assert {each.path: each.goal for each in p.desk.queues()} == {
        "general/a": 3,
        "general/b": 1,
    }
    p.agent("ana").on()
    chats = writes(p, "One", "Two", on="chat-b")
    assert holders(p, *chats) == ["ana", "ana"]
    with pytest.raises(om.ConfigError, match=r"at\.b\.concurrency: expected a whole number from 1"):
        with_place("b", concurrency=0)
