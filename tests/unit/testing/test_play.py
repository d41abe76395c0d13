"""The testing kit itself: a desk, its people and a clock, in virtual time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import ConfigError, UnknownEntryPoint, UsageError
from omniroute.instants import MINUTE
from omniroute.model import events as tell
from omniroute.model.commands import End
from omniroute.model.policy import Policy
from omniroute.model.state import State
from omniroute.model.wire import InboundKind, Permanent, Retryable
from omniroute.rules.folding import fold
from omniroute.rules.lifecycle import decide
from omniroute.stores.memory import MemoryStore
from omniroute.testing import (
    MONDAY,
    NOW,
    a_config,
    a_conversation,
    a_message,
    a_place,
    an_agent,
    an_inbound,
    play,
)

PUSH = a_config(preset="push", agents=("ana",), capacity=5)
MAPPING = {
    "desk": "acme",
    "inboxes": {"general": {"sla": "15m", "primary_for": ["chat"]}},
    "entry_points": {"main": {"channel": "chat", "address": "main"}},
}


@pytest.fixture
def p():
    with play(PUSH) as opened:
        opened.agent("ana").on()
        yield opened


# --- play -----------------------------------------------------------------------------------------


def test_a_play_takes_a_configuration_a_mapping_or_a_file(tmp_path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(
        'inboxes.general = { sla = "15m", primary_for = ["chat"] }\n'
        'entry_points.main = { channel = "chat", address = "main" }\n',
        encoding="utf-8",
    )
    for config in (a_config(), MAPPING, path, str(path)):
        with play(config) as p:
            assert p.contact("Maria").writes("Hello").state is State.QUEUED
    with pytest.raises(ConfigError):
        play({"inboxes": {}, "nonsense": 1})


def test_time_stands_still_until_it_is_advanced(p) -> None:
    assert p.clock.now() == NOW
    p.contact("Maria").writes("Hello")
    assert p.clock.now() == NOW
    p.advance("1h")
    p.advance(timedelta(minutes=1))
    p.advance_to(MONDAY + timedelta(hours=2))
    assert p.clock.now() == NOW + 120 * MINUTE


def test_time_does_not_pass_backwards(p) -> None:
    with pytest.raises(UsageError, match=r"clock\.set"):
        p.advance_to(MONDAY - timedelta(microseconds=1))


def test_advancing_stops_at_every_due_instant_and_tells_what_fired(p) -> None:
    p.agent("ana").off()
    p.contact("Maria").writes("Hello")
    p.advance("5m")
    p.contact("Otto").writes("Hello")
    fired = p.advance("30d")
    assert [(type(each.event), each.at) for each in fired] == [
        (tell.SlaBreached, MONDAY + timedelta(minutes=15, microseconds=1)),
        (tell.SlaBreached, MONDAY + timedelta(minutes=20, microseconds=1)),
    ]
    assert p.advance("30d") == []


def test_advancing_sends_what_waits_when_its_time_has_come(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    p.provider.answer_next(Retryable("busy"))
    p.desk.reply(chat.id, "Hi", by="ana")
    fired = p.advance("1h")
    assert p.contact("Maria").got == ["Hi"]
    (sent,) = [each for each in fired if isinstance(each.event, tell.DeliveryChanged)]
    assert timedelta(seconds=5) <= sent.at - MONDAY < timedelta(seconds=7)


def test_what_is_ready_goes_out_at_once_and_not_at_the_end(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana")
    (sent,) = p.advance("7d")
    assert sent.at == MONDAY


def test_a_contact_is_the_same_one_for_the_same_name(p) -> None:
    assert p.contact("Maria").writes("Hello").id == p.contact("Maria").writes("again").id
    assert p.contact("Maria").writes("Hello").contact != p.contact("Otto").writes("Hi").contact


def test_contacts_write_press_and_send_anything(p) -> None:
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    assert maria.presses("Yes", id="yes").id == chat.id
    maria.sends(InboundKind.REACTION, emoji="+1", target="in-1")
    last = p.desk.messages(chat.id)
    assert [each.kind for each in last] == ["message", "choice", "reaction"]
    assert last[1].choice.id == "yes"
    assert maria.sends(InboundKind.MESSAGE, key="in-1").duplicates == 1


def test_agents_do_everything_under_their_own_name(p) -> None:
    ana = p.agent("ana")
    chat = p.contact("Maria").writes("Hello")
    ana.replies(chat, "Hi")
    assert p.contact("Maria").got == ["Hi"]
    assert [each.id for each in ana.holds] == [chat.id]
    assert ana.ends(chat, disposition="solved").ending.by == "agent:ana"
    assert p.agent("new").serving("general").on().holds == []


def test_deliveries_say_what_the_provider_took(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    p.desk.reply(chat.id, "Hi", by="ana")
    (delivery,) = p.deliver()
    assert (delivery.to, delivery.text, delivery.channel) == ("addr-maria", "Hi", "chat")
    assert (delivery.entry_point_address, delivery.provider_id) == ("main", "sent-1")
    assert p.deliver() == []


def test_a_report_tells_the_story_the_outbox_and_the_next_deadline(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    p.provider.answer_next(Permanent("no such number"))
    p.agent("ana").replies(chat, "Hi")
    p.agent("ana").off()
    p.contact("Otto").writes("Hello")
    report = p.report()
    for words in (
        "conversation c_1: active in general, held by ana",
        "nobody could take it in general",
        "waits now: 1 not available",
        "outbox: 0 waiting, 1 dead",
        "m_2: no such number",
        "next deadline: 2026-03-02 09:15:00.000001",
        "now: 2026-03-02 09:00:00",
    ):
        assert words in report
    assert "c_2" not in p.report("c_1")


def test_a_report_tells_the_time_of_the_desks_zone() -> None:
    with play(evolve(PUSH, zone="Asia/Tokyo")) as p:
        p.contact("Maria").writes("Hello")
        report = p.report()
        assert "next deadline: 2026-03-02 18:15:00.000001+09:00" in report
        assert report.endswith("now: 2026-03-02 18:00:00+09:00")


def test_two_plays_share_nothing_unless_they_are_given_one_store() -> None:
    with play(PUSH) as one, play(PUSH) as other:
        one.contact("Maria").writes("Hello")
        assert list(other.desk.conversations()) == []
    store = MemoryStore()
    with play(PUSH, store=store, start=MONDAY + timedelta(days=1)) as p:
        assert p.desks.store is store
        assert p.clock.now() == NOW + 24 * 60 * MINUTE


# --- builders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_a_built_conversation_can_stand_in_every_state(state: State) -> None:
    chat = a_conversation(state)
    assert chat.state is state
    assert (chat.extras.ending is None) is (state is not State.ENDED)
    assert (chat.agent is None) is (state not in (State.ACTIVE, State.INACTIVE, State.ENDED))
    assert (chat.queue is None) is (state is State.SELECTING)


def test_built_values_are_what_a_play_of_the_built_configuration_gives(p) -> None:
    chat = p.contact("Maria").writes("Hello")
    assert chat.conversation == a_conversation(State.ACTIVE)
    assert chat.conversation.place == a_place()
    p.agent("ana").off()
    item = an_inbound(key="in-2")
    assert p.desk.receive("main", item).conversations[0].id == chat.id
    stored = p.desk.messages(chat.id)[0]
    built = a_message(position=stored.position)
    assert (stored.id, stored.text, stored.at) == (built.id, built.text, MONDAY)
    assert (stored.author, stored.provider_ids) == (built.author, built.provider_ids)


def test_builders_take_what_is_to_be_different() -> None:
    assert a_conversation(id="c_9").id == "c_9"
    assert a_place(inbox="vip").inbox == "vip"
    assert an_agent("bob", load=2).load == 2
    assert an_agent().leaves == (a_conversation().queue,)
    assert an_inbound(None, kind=InboundKind.REACTION).text is None
    assert a_config(zone="Asia/Tokyo", agents={"ana": ["general"]}).agents["ana"].serves == (
        "general",
    )


def test_what_is_built_can_be_decided_on() -> None:
    decision = decide(a_conversation(State.ACTIVE), End("ana"), Policy(), NOW)
    assert decision.state.state is State.ENDED
    assert fold(()) is None


def test_an_entry_point_that_is_not_there_is_named_at_once(play) -> None:
    p = play(a_config())
    with pytest.raises(UnknownEntryPoint, match='named "mian"; did you mean "main"'):
        p.contact("Maria", on="mian")
    assert p.contact("Maria").writes("Hello").entry_point == "main"


def test_people_of_a_play_know_conversations_by_id_too(play) -> None:
    p = play(a_config(agents=["ana"]))
    ana = p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    ana.replies(chat.id, "Hi")
    assert ana.ends(chat.id).state is State.ENDED
    assert p.contact("Maria").got == ["Hi"]


def test_a_provider_answers_with_results_alone(play) -> None:
    wrong: Any = "busy"
    with pytest.raises(UsageError, match="not an answer: expected Accepted, Retryable"):
        play(a_config()).provider.answer_next(wrong)
