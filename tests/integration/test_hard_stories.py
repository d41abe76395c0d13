"""Stories that are easily got wrong: where two rules meet, or the world does what it should not.

Most were found by the desk machine, or thought of beside it; told here in a few lines, they stay found.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from attrs import evolve

import omniroute as om
from omniroute.instants import MINUTE, SECOND
from omniroute.model.desk_config import EntryPointConfig, InboxConfig, QueueNode
from omniroute.model.policy import AfterEnd, AfterEndTo, Assignment, Overtake, PolicySettings
from omniroute.model.wire import DeliveryStatus, InboundKind
from omniroute.ports import Transaction
from omniroute.testing import MONDAY, Play, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin

T = TypeVar("T")

TREE = (QueueNode("Deutsch", (QueueNode("Bestellung"), QueueNode("Technik"))), QueueNode("English"))
TO_QUEUE = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE))
TO_LAST = PolicySettings(after_end=AfterEnd(AfterEndTo.LAST_AGENT))
CLAIM = PolicySettings(assignment=Assignment.CLAIM, overtake=Overtake.CONFIRM)


def told(p: Play, kind: type) -> list[Any]:
    return [change.event for change in p.desk.changes() if isinstance(change.event, kind)]


def load(p: Play, agent: str) -> int:
    return p.desk.staff.get(agent).load


# --- agents who change while they hold something --------------------------------------------------


@pytest.mark.req("A9", "X4")
def test_an_agent_who_serves_other_queues_keeps_what_they_hold(play) -> None:
    p = play(a_config(agents={"ana": ["general"]}, capacity=1, preset="push"))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    waiting = p.contact("Doris").writes("Hello")
    p.desk.staff.put("ana", serves=[])
    assert (p.desk.conversation(chat.id).agent, load(p, "ana")) == ("ana", 1)
    p.agent("ana").ends(chat)
    assert load(p, "ana") == 0
    assert p.desk.conversation(waiting.id).state is om.State.QUEUED
    p.desk.staff.put("ana", serves=["general"])
    assert p.desk.conversation(waiting.id).agent == "ana"


@pytest.mark.req("A10")
def test_capacity_below_the_load_takes_nothing_away_and_gives_nothing(play) -> None:
    p = play(a_config(agents=["ana"], capacity=3, preset="push"))
    p.agent("ana").on()
    chats = [p.contact(name).writes("Hello") for name in ("a", "b", "c", "d")]
    p.desk.staff.put("ana", capacity={"messaging": om.Capacity(1, 1, 1)})
    assert load(p, "ana") == 3
    for number, chat in enumerate(chats[:2]):
        p.agent("ana").ends(chat)
        assert load(p, "ana") == 2 - number
        assert p.desk.conversation(chats[3].id).state is om.State.QUEUED
    p.agent("ana").ends(chats[2])
    assert p.desk.conversation(chats[3].id).agent == "ana"


@pytest.mark.req("A9")
def test_who_goes_off_and_on_again_takes_up_what_waited_in_between(play) -> None:
    p = play(a_config(agents=["ana"], capacity=2, preset="push"))
    p.agent("ana").on().off()
    first = p.contact("Maria").writes("Hello")
    p.clock.advance("1s")
    second = p.contact("Doris").writes("Hello")
    p.agent("ana").on()
    assert [each.id for each in p.agent("ana").holds] == [first.id, second.id]


# --- taking by hand -------------------------------------------------------------------------------


@pytest.mark.req("C4", "C6")
def test_at_the_hard_limit_nobody_takes_over_and_nothing_changes(play) -> None:
    p = play(a_config(agents=["ana", "bob"], capacity=1, policy=CLAIM))
    held = [p.contact(name).writes("Hello") for name in ("a", "b", "c")]
    for chat in held[:2]:
        p.agent("ana").takes(chat)
    p.agent("bob").takes(held[2])
    before = list(p.desk.changes())
    with pytest.raises(om.CapacityExceeded):
        p.agent("ana").takes(held[2], confirm=True)
    with pytest.raises(om.CapacityExceeded):
        p.agent("ana").replies(held[2], "Mine", confirm=True)
    assert list(p.desk.changes()) == before
    assert p.desk.conversation(held[2].id).agent == "bob"


@pytest.mark.req("C3", "C4")
def test_the_owner_may_confirm_what_is_theirs_and_nothing_happens(play) -> None:
    p = play(a_config(agents=["ana"], capacity=1, policy=CLAIM))
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").takes(chat)
    before = list(p.desk.changes())
    p.agent("ana").takes(chat, confirm=True)
    p.agent("ana").takes(chat)
    assert list(p.desk.changes()) == before
    assert load(p, "ana") == 1


# --- after the end --------------------------------------------------------------------------------


@pytest.mark.req("S9", "X4")
def test_back_to_the_last_agent_or_where_they_are_full_to_somebody_else(play) -> None:
    p = play(a_config(agents=["ana", "bob"], capacity=1, preset="push", policy=TO_LAST))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("bob").on()
    p.clock.advance("1s")
    p.agent("ana").ends(chat)  # bob is idle for longer now
    assert p.contact("Maria").writes("Again").agent == "ana"
    p.agent("ana").ends(chat)
    p.agent("bob").off()
    other = p.contact("Doris").writes("Hello")
    p.agent("bob").on()
    assert p.contact("Maria").writes("And again").agent == "bob"
    assert (other.agent, load(p, "ana"), load(p, "bob")) == ("ana", 1, 1)


@pytest.mark.req("S9")
def test_the_last_agent_is_not_asked_for_a_queue_they_no_longer_serve(play) -> None:
    p = play(a_config(agents=["ana"], preset="push", policy=TO_LAST))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").ends(chat)
    p.desk.staff.put("ana", serves=[])
    again = p.contact("Maria").writes("Again")
    assert (again.id, again.state, again.agent) == (chat.id, om.State.QUEUED, None)


@pytest.mark.req("S9")
def test_a_note_on_an_older_conversation_does_not_make_it_the_latest(play) -> None:
    within = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE, within=10 * MINUTE))
    p = play(a_config(agents=["ana"], preset="claim", policy=within))
    old = p.contact("Maria").writes("Hello")
    p.agent("ana").ends(old)
    p.clock.advance("11m")
    new = p.contact("Maria").writes("Hello again")
    assert new.id != old.id
    p.agent("ana").ends(new)
    p.clock.advance("1m")
    p.desk.note(old.id, "same thing as last time", by="ana")
    assert p.contact("Maria").writes("One more thing").id == new.id


@pytest.mark.req("S1", "S9")
def test_a_clock_set_back_after_a_note_does_not_lose_the_next_message(play) -> None:
    within = PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE, within=10 * MINUTE))
    p = play(a_config(agents=["ana"], preset="claim", policy=within))
    chat = p.contact("Maria").writes("Hello")
    p.agent("ana").ends(chat)
    p.clock.advance("30m")
    p.desk.note(chat.id, "called them", by="ana")
    p.clock.set(p.clock.now() - 29 * MINUTE)
    assert p.contact("Maria").writes("Hello?").id != chat.id


@pytest.mark.req("S1", "S9")
def test_a_clock_set_back_leaves_conversations_of_a_thread_in_their_order(play) -> None:
    p = play(a_config(agents=["ana"], preset="push", queues=TREE))
    first = p.contact("Maria").writes("Hello")  # ended while choosing: nothing to come back to
    p.agent("ana").ends(first)
    p.clock.set(p.clock.now() - 60 * MINUTE)
    p.desk.apply(evolve(p.desk.config, policy=TO_QUEUE))
    p.contact("Maria").writes("Hello")
    second = p.contact("Maria").writes("English")
    assert second.opened_at > first.opened_at
    p.agent("ana").ends(second)
    assert p.contact("Maria").writes("Still there?").id == second.id


@pytest.mark.req("S9")
def test_nobody_is_sent_back_to_a_queue_that_is_gone(play) -> None:
    config = a_config(agents=["ana"], preset="push", policy=TO_QUEUE, queues=TREE)
    p = play(config)
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Maria").writes("English")
    p.agent("ana").ends(chat)
    inbox = evolve(config.inboxes["general"], queues=TREE[:1])
    p.desk.apply(evolve(config, inboxes={"general": inbox}))
    p.desk.tick()
    again = p.contact("Maria").writes("Hello again")
    assert (again.state, again.queue) == (om.State.SELECTING, None)


@pytest.mark.req("C8")
def test_the_same_agent_freed_gets_the_same_conversation_back_behind_who_waited_longer(
    play,
) -> None:
    p = play(a_config(agents=["ana"], capacity=1, preset="push", policy=TO_QUEUE))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("1s")
    waiting = p.contact("Doris").writes("Hello")
    p.agent("ana").ends(chat)
    assert p.desk.conversation(waiting.id).agent == "ana"
    p.clock.advance("1s")
    assert p.contact("Maria").writes("Again").state is om.State.QUEUED
    p.agent("ana").ends(waiting)
    assert p.desk.conversation(chat.id).agent == "ana"


# --- menus over a changing staff ------------------------------------------------------------------


def test_one_staffed_queue_needs_no_choice(play) -> None:
    p = play(a_config(agents={"ana": ["general/Deutsch/Technik"]}, preset="push", queues=TREE))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    assert (chat.queue, chat.agent) == ("general/Deutsch/Technik", "ana")


def test_a_branch_that_everybody_left_leads_back_to_the_top(play) -> None:
    p = play(a_config(agents={"ana": ["general/**"], "bob": ["general/English"]}, queues=TREE))
    p.contact("Maria").writes("Hello")
    p.contact("Maria").writes("Deutsch")
    p.desk.staff.put("ana", serves=["general/English"])
    p.deliver()
    assert p.contact("Maria").writes("1").state is om.State.SELECTING
    p.deliver()
    assert (p.contact("Maria").got[-1] or "").endswith("\n1. English")
    assert p.contact("Maria").writes("1").queue == "general/English"


# --- a new configuration --------------------------------------------------------------------------


@pytest.mark.req("A3")
def test_who_waits_in_a_queue_that_pushes_from_now_on_is_pushed(play) -> None:
    config = a_config(agents=["ana"], capacity=1, policy=CLAIM)
    p = play(config)
    p.agent("ana").on()
    first = p.contact("Maria").writes("Hello")
    p.clock.advance("1s")
    second = p.contact("Doris").writes("Hello")
    p.desk.apply(evolve(config, policy=evolve(config.policy, assignment=None)))
    p.desk.tick()
    assert p.desk.conversation(first.id).agent == "ana"
    assert p.desk.conversation(second.id).state is om.State.QUEUED


def test_a_profile_may_be_changed_that_names_a_queue_which_is_gone(play) -> None:
    config = a_config(agents={"ana": ["general/English", "general/Deutsch/**"]}, queues=TREE)
    p = play(config)
    inbox = evolve(config.inboxes["general"], queues=TREE[:1])
    p.desk.apply(evolve(config, inboxes={"general": inbox}, agents={}))
    p.desk.tick()
    saved = p.desk.staff.put("ana", name="Ana")
    assert saved.queues == ("general/Deutsch/Bestellung", "general/Deutsch/Technik")
    with pytest.raises(om.UsageError, match="English"):
        p.desk.staff.put("ana", serves=["general/English"])


@pytest.mark.req("G14")
def test_a_shorter_sla_makes_overdue_what_has_waited_longer(play) -> None:
    config = a_config(agents=["ana"])
    p = play(config)
    chat = p.contact("Maria").writes("Hello")
    p.clock.advance("5m")
    inbox = evolve(config.inboxes["general"], sla=MINUTE)
    p.desk.apply(evolve(config, inboxes={"general": inbox}))
    p.desk.tick()
    assert [event.due for event in told(p, om.SlaBreached)] == [
        chat.conversation.clocks.opened_at + MINUTE
    ]
    p.desk.tick()
    assert len(told(p, om.SlaBreached)) == 1


@pytest.mark.req("G14")
def test_a_conversation_follows_the_new_sla_at_its_next_touch(play) -> None:
    config = a_config(agents=["ana"])
    p = play(config)
    chat = p.contact("Maria").writes("Hello")
    inbox = evolve(config.inboxes["general"], sla=MINUTE)
    p.desk.apply(evolve(config, inboxes={"general": inbox}))
    p.desk.note(chat.id, "seen", by="ana")
    assert p.desk.conversation(chat.id).conversation.clocks.due == p.clock.now() + MINUTE


@pytest.mark.req("S1")
def test_what_was_accepted_is_routed_in_its_order_and_as_of_its_instants(play) -> None:
    p = play(a_config(agents=["ana"]))
    opened = p.clock.now()
    for number in range(3):
        p.desk.accept("main", an_inbound(f"{number}", key=f"in-{9 - number}"))
        p.clock.advance("1m")
    p.advance("1h")
    (chat,) = p.desk.conversations()
    assert chat.conversation.clocks.opened_at == opened
    written = p.desk.messages(chat.id)
    assert [message.text for message in written] == ["0", "1", "2"]
    assert [message.at - chat.opened_at for message in written] == [
        timedelta(minutes=number) for number in range(3)
    ]


def test_what_was_accepted_for_an_entry_point_that_is_gone_stops_no_tick(play) -> None:
    config = a_config(agents=["ana"])
    extra = {"extra": EntryPointConfig(channel="chat", address="extra")}
    p = play(evolve(config, entry_points={**config.entry_points, **extra}))
    p.contact("Maria", on="main").writes("Hello")
    p.desk.accept("extra", an_inbound(address="extra"))
    p.desk.apply(config)
    p.clock.advance("1h")
    assert p.desk.tick() == 1
    assert p.desk.tick() == 0


# --- deadlines ------------------------------------------------------------------------------------


@pytest.mark.req("G20")
@pytest.mark.parametrize("late,missed", [(0, []), (1, [1]), (60 * SECOND, [1])])
def test_a_late_answer_is_missed_even_where_no_tick_came_in_between(
    play, late: int, missed: list[int]
) -> None:
    p = play(a_config(agents=["ana"], preset="claim"))
    chat = p.contact("Maria").writes("Hello")
    due = chat.conversation.clocks.due
    p.clock.set(due + late)
    p.agent("ana").replies(chat, "Sorry to keep you waiting")
    assert [event.at - due for event in told(p, om.SlaBreached)] == missed
    p.advance("1d")
    assert len(told(p, om.SlaBreached)) == len(missed)


@pytest.mark.req("R16")
def test_a_duplicate_that_comes_after_a_deadline_leaves_the_log_whole(play) -> None:
    p = play(a_config(agents=["ana"]))
    chat = p.contact("Maria").writes("Hello", key="in-7")
    p.clock.advance("1h")
    assert p.contact("Maria").sends(InboundKind.MESSAGE, text="Hello", key="in-7").duplicates == 1
    events = [c.event for c in p.desk.changes() if getattr(c.event, "conversation", "") == chat.id]
    assert om.fold(events) == p.desk.conversation(chat.id).conversation


@pytest.mark.req("S1")
def test_a_clock_set_back_before_the_beginning_changes_no_order(play) -> None:
    p = play(a_config(agents=["ana"], preset="claim"))
    chat = p.contact("Maria").writes("Hello")
    opened = chat.conversation.clocks.opened_at
    p.clock.set(opened - 3600 * SECOND)
    p.agent("ana").takes(chat)
    p.agent("ana").replies(chat, "Hi")
    p.agent("ana").ends(chat)
    events = [c.event for c in p.desk.changes() if getattr(c.event, "conversation", "") == chat.id]
    own = [e for e in events if not isinstance(e, om.DeliveryChanged)]
    assert {event.at for event in own} == {opened}
    assert {message.at for message in p.desk.messages(chat.id)} == {chat.opened_at}
    assert p.desk.conversation(chat.id).ending.at == opened


# --- what providers do ----------------------------------------------------------------------------


@pytest.mark.req("X3")
def test_one_key_on_two_entry_points_is_two_messages(play) -> None:
    config = a_config(agents=["ana"])
    extra = {"extra": EntryPointConfig(channel="chat", address="extra")}
    p = play(evolve(config, entry_points={**config.entry_points, **extra}))
    one = p.desk.receive("main", an_inbound(key="same"))
    two = p.desk.receive("extra", an_inbound(key="same", address="extra"))
    edit = p.desk.receive("main", an_inbound(key="same", kind=InboundKind.EDIT))
    assert [each.items[0].result for each in (one, two, edit)] == ["accepted"] * 3
    assert one.items[0].conversation != two.items[0].conversation
    again = p.desk.receive("extra", an_inbound(key="same", address="main"))
    assert again.items[0].result == "duplicate"
    assert again.items[0].conversation == one.items[0].conversation


@pytest.mark.req("X3")
def test_one_webhook_may_hold_an_item_twice(play) -> None:
    p = play(a_config(agents=["ana"], preset="push"))
    p.agent("ana").on()
    items = [an_inbound(key="a"), an_inbound("And", key="b"), an_inbound(key="a")]
    received = p.desk.receive("main", items)
    assert [each.result for each in received.items] == ["accepted", "accepted", "duplicate"]
    assert len(received.conversations) == 1
    assert [each.text for each in p.desk.messages(received.conversations[0].id)] == ["Hello", "And"]


def test_a_status_may_come_before_the_message_was_sent(play) -> None:
    p = play(a_config(agents=["ana"], preset="claim"))
    chat = p.contact("Maria").writes("Hello")
    written = p.desk.reply(chat.id, "Hi", by="ana")
    for status in (DeliveryStatus.READ, DeliveryStatus.DELIVERED):
        early = an_inbound(
            None, key=status, kind=InboundKind.STATUS, target="sent-1", status=status
        )
        assert p.desk.receive("main", early).items[0].result == "ignored"
    p.deliver()
    (message,) = [each for each in p.desk.messages(chat.id) if each.id == written.id]
    assert message.status is DeliveryStatus.READ


# --- a store that fails ---------------------------------------------------------------------------


class Failing:
    """A store whose next commit fails."""

    def __init__(self) -> None:
        self.inner, self.fails = om.MemoryStore(), False

    def transact(self, work: Callable[[Transaction], T]) -> T:
        def failing(tx: Transaction) -> T:
            result = work(tx)
            if self.fails:
                self.fails = False
                raise om.StoreError("no space left")
            return result

        return self.inner.transact(failing)

    def close(self) -> None:
        self.inner.close()


def test_a_desk_that_could_not_be_created_leaves_nothing_behind() -> None:
    store, config = Failing(), a_config(agents=["ana"])
    other = evolve(
        config, inboxes={"vip": InboxConfig(sla=MINUTE, primary_for=("chat",))}, agents={}
    )
    desks = om.Desks(store, plugins=[ScriptedPlugin(("chat",))], discover=False, builtin=False)
    store.fails = True
    with pytest.raises(om.StoreError):
        desks.create(config)
    assert config.desk not in desks
    desk = desks.create(other)
    assert list(desk.config.inboxes) == ["vip"]
    assert [each.inbox for each in desk.entry_points()] == ["vip"]
    store.fails = True
    with pytest.raises(om.StoreError):
        desk.apply(evolve(other, zone="Asia/Tokyo"))
    assert (desk.config.zone, desk.apply(evolve(other, zone="Europe/Paris"))) == (
        "UTC",
        2,
    )
    assert desk.config.zone == "Europe/Paris"
    with pytest.raises(om.ConfigError, match="another desk"):
        desks.create(evolve(other, desk="second"))
    assert desks.ids() == [config.desk]


@pytest.mark.req("X1", "X3")
def test_a_store_that_fails_in_the_middle_loses_and_doubles_nothing() -> None:
    store = Failing()
    with Play(a_config(agents=["ana"], preset="claim"), store=store, start=MONDAY) as p:
        chat = p.contact("Maria").writes("Hello")
        before = list(p.desk.changes())
        acts: list[Callable[[], object]] = [
            lambda: p.contact("Maria").writes("More", key="x"),
            lambda: p.desk.take(chat.id, by="ana"),
            lambda: p.desk.reply(chat.id, "Hi", by="ana", key="k"),
            lambda: p.desk.end(chat.id, by="ana"),
            lambda: p.desk.set_available("ana"),
            lambda: p.desk.staff.put("bob"),
        ]
        for act in acts:
            store.fails = True
            with pytest.raises(om.StoreError):
                act()
            assert list(p.desk.changes()) == before
        for act in acts:
            act()
        assert p.contact("Maria").sends(InboundKind.MESSAGE, text="More", key="x").duplicates == 1
        assert p.desk.reply(chat.id, "Hi", by="ana", key="k").text == "Hi"
        texts = [message.text for message in p.desk.messages(chat.id)]
        assert texts == ["Hello", "More", "Hi"]
