"""Why: the inbox, the SLA, the queue and the agent, or why nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from omniroute.codec import encode
from omniroute.desk import Handler
from omniroute.errors import UnknownConversation
from omniroute.instants import SECOND
from omniroute.model.conversation import Conversation
from omniroute.model.desk_config import EntryPointConfig, InboxConfig, Override
from omniroute.model.explanation import Candidate, Explanation
from omniroute.model.policy import Assignment, PolicySettings
from omniroute.model.state import State
from omniroute.model.wire import InboundKind
from omniroute.rules.agent_folding import fold_agent
from omniroute.rules.assignment import LOOKED_AT, RUNNERS_UP
from omniroute.rules.availability import rank
from omniroute.schema import EXPLANATIONS
from omniroute.testing import MONDAY, NOW, a_config
from tests.unit.desk.helpers import log, told

KILOBYTE = 1024


def stories(p, chat) -> tuple[Explanation, ...]:
    return tuple(p.desk.explain(chat.id).decisions)


def test_the_route_says_where_each_value_came_from(play) -> None:
    config = a_config(
        inboxes={
            "general": InboxConfig(sla=900 * SECOND, primary_for=("chat",)),
            "vip": InboxConfig(sla=120 * SECOND),
        },
        entry_points={
            "main": EntryPointConfig(channel="chat", address="main"),
            "gold": EntryPointConfig(
                channel="chat", address="gold", override=Override(inbox="vip", sla=40 * SECOND)
            ),
        },
    )
    p = play(config)
    plain = p.desk.explain(p.contact("Maria").writes("Hello").id)
    gold = p.desk.explain(p.contact("Otto", on="gold").writes("Hello").id)
    assert (plain.route.inbox, plain.route.inbox_source) == ("general", "primary inbox for chat")
    assert (plain.route.sla, plain.route.sla_source) == (900 * SECOND, "inbox general")
    assert (gold.route.inbox, gold.route.inbox_source) == ("vip", "override")
    assert (gold.route.sla, gold.route.sla_source) == (40 * SECOND, "override")
    assert gold.route.config_version == 1
    assert "first response within 40s: override" in gold.as_text()
    assert "due 2026-03-02 09:00:40" in gold.as_text()


@pytest.mark.req("S13")
def test_a_decision_keeps_the_chosen_the_others_and_what_was_known(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob", "eva"), capacity=1))
    p.agent("ana").on()
    p.agent("bob").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Otto").writes("Hello")
    (decision,) = stories(p, chat)
    assert decision.chosen == Candidate("bob", 0, 1, NOW)
    assert [(each.agent, each.refused) for each in decision.runners_up] == [
        ("ana", "at capacity"),
        ("eva", "not available"),
    ]
    assert decision.refused == {"at capacity": 1, "not available": 1}
    assert (decision.queue, decision.mode, decision.config_version) == ("general", "push", 1)
    assert (decision.at, decision.position) == (NOW, len(log(p)))


@pytest.mark.req("S13")
def test_that_nobody_could_take_it_is_a_decision_too(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))
    chat = p.contact("Maria").writes("Hello")
    assert [each.chosen for each in stories(p, chat)] == [None]
    p.agent("ana").on()
    assert [each.chosen and each.chosen.agent for each in stories(p, chat)] == [None, "ana"]


@pytest.mark.req("S13")
@pytest.mark.parametrize(
    "pattern,kept",
    [
        ("{:02}", 10),
        ("agent_{:014}", 10),
        ("{:08}-0000-4000-8000-00805f9b34fb", 8),
        ("née.{:02}@support.example", 7),
        ("{:0200}", 2),
    ],
)
def test_an_explanation_has_at_most_a_kilobyte_whatever_the_number_of_agents(
    play, pattern: str, kept: int
) -> None:
    agents = [pattern.format(number) for number in range(40)]
    p = play(a_config(preset="push", agents=agents, capacity=1))
    for agent in agents[:30]:
        p.agent(agent).on()
    for number in range(30):
        p.contact(f"N{number}").writes("Hello")
    chat = p.contact("Maria").writes("Hello")
    for name in (chat.id, "c_1", "c_15"):
        (decision,) = p.desk.explain(name).decisions
        assert kept <= len(decision.runners_up) <= RUNNERS_UP
        assert decision.more
        assert len(encode(EXPLANATIONS, decision)) <= KILOBYTE
    assert stories(p, chat)[0].refused == {"at capacity": LOOKED_AT}


@pytest.mark.req("S13")
def test_the_full_list_is_computed_again_from_the_log_up_to_its_position(play) -> None:
    p = play(a_config(preset="push", agents=[f"agent-{n}" for n in range(6)], capacity=2))
    for number in range(5):
        p.agent(f"agent-{number}").on()
        p.advance("1m")
    for number in range(9):
        p.contact(f"N{number}").writes("Hello")
        p.advance("1m")
    for number in range(9):
        (decision,) = p.desk.explain(f"c_{number + 1}").decisions
        before = log(p)[: decision.position - 1]  # the last event is the assignment itself
        agents = [fold_agent(before, f"agent-{n}") for n in range(6)]
        ordered = sorted((each for each in agents if each), key=lambda a: (*rank(a), a.id))
        assert decision.chosen is not None
        told_then = [decision.chosen, *decision.runners_up]
        assert [each.agent for each in told_then] == [each.id for each in ordered]
        assert [each.load for each in told_then] == [each.load for each in ordered]


def test_the_story_tells_everything_in_order(play) -> None:
    p = play(a_config(preset="push", agents=("ana", "bob")))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").replies(chat, "Hi")
    p.desk.note(chat.id, "asked twice", by="ana")
    p.desk.tag(chat.id, "refund", by="ana")
    p.contact("Maria").sends(InboundKind.REACTION, emoji="+1", target="sent-1")
    p.advance("1m")
    p.agent("ana").ends(chat)
    text = p.desk.explain(chat.id).as_text()
    assert text.splitlines()[0] == "conversation c_1: ended in general"
    told_in_order = [
        "ana was chosen in general: holds 0 of 3",
        "not bob: not available",
        "opened on main -> queued",
        "contact wrote (m_1)",
        "assigned to ana (push)",
        "agent:ana wrote (m_2)",
        "m_2 is sent",
        "agent:ana left a note (m_3)",
        "tags: refund",
        "reaction (m_4)",
        "09:01:00 ended by agent:ana (agent)",
    ]
    places = [text.find(each) for each in told_in_order]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize(
    "agents,on,words",
    [
        ((), (), "no agent serves this queue"),
        (("ana",), (), "1 not available"),
        (("ana", "bob"), ("ana",), "1 at capacity, 1 not available"),
    ],
)
def test_who_waits_is_told_what_stands_in_the_way(play, agents, on, words: str) -> None:
    p = play(a_config(preset="push", agents=agents, capacity=1))
    for agent in on:
        p.agent(agent).on()
    p.contact("Otto").writes("Hello")
    chat = p.contact("Maria").writes("Hello")
    assert chat.state is State.QUEUED
    assert f"waits now: {words}" in p.desk.explain(chat.id).as_text()


def test_every_event_has_words(play) -> None:
    p = play(a_config(preset="claim", agents=("ana", "bob"), queues=("Deutsch", "English")))
    maria = p.contact("Maria")
    maria.writes("Hello")
    chat = maria.writes("Deutsch")
    p.agent("ana").takes(chat)
    p.agent("bob").takes(chat, confirm=True)
    p.advance("1h")
    text = p.desk.explain(chat.id).as_text()
    assert "waits in general/Deutsch (menu)" in text
    assert "bob took it over from ana" in text
    assert "first response is overdue" in text
    kinds = {type(each).__name__ for each in told(p, object)}
    assert not any(f" {kind}\n" in f"{text}\n" for kind in kinds), "an event without words"


@pytest.mark.req("A26")
def test_who_handled_which_part_follows_from_the_history(play) -> None:
    p = play(a_config(preset="claim", agents=("ana", "bob")))
    chat = p.contact("Maria").writes("Hello")
    p.advance("1m")
    p.agent("ana").takes(chat)
    p.advance("1m")
    p.agent("bob").takes(chat, confirm=True)
    p.advance("1m")
    p.agent("bob").ends(chat)
    p.advance("1m")
    p.contact("Maria").writes("again")
    p.agent("ana").takes(chat)
    handlers = p.desk.explain(chat.id).handlers
    one, two, three, four = (MONDAY + timedelta(minutes=n) for n in range(1, 5))
    assert handlers == (
        Handler("ana", one, two),
        Handler("bob", two, three),
        Handler("ana", four, None),
    )


def test_a_long_story_is_told_to_its_end(play) -> None:
    p = play(a_config(agents=("ana",)))
    chat = p.contact("Maria").writes("Hello")
    for number in range(600):
        p.desk.note(chat.id, str(number), by="ana")
    story = p.desk.explain(chat.id)
    assert len(story.timeline) == 602
    assert story.timeline[-1].text == "agent:ana left a note (m_601)"


def test_an_unknown_conversation_has_no_story(play) -> None:
    with pytest.raises(UnknownConversation):
        play(a_config()).desk.explain("c_9")


def test_a_story_is_data_too(play) -> None:
    p = play(a_config())
    story = p.desk.explain(p.contact("Maria").writes("Hello").id)
    assert isinstance(story.conversation, Conversation)
    assert [each.position for each in story.timeline] == [2, 3]
    assert story.staff == {}


def test_whoever_let_an_offer_lapse_is_named_beside_who_has_room(play) -> None:
    one = PolicySettings(assignment=Assignment.OFFER_ONE)
    p = play(a_config(agents=("ana",), policy=one))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.desk.decline_offer(chat.id, by="ana")
    text = p.desk.explain(chat.id).as_text()
    assert "waits now: 1 with room; not asked again: ana" in text
