"""What agents do: take, reply, end, note, tag, read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from attrs import evolve

from omniroute.errors import (
    AlreadyTaken,
    CapacityExceeded,
    ConversationClosed,
    ConversationOpen,
    NaiveDatetime,
    TransitionNotAllowed,
    UnknownAgent,
    UnknownConversation,
    UnsupportedContent,
    UsageError,
)
from omniroute.model import events as tell
from omniroute.model.message import Direction
from omniroute.model.policy import PolicySettings
from omniroute.model.state import EndReason, State
from omniroute.model.wire import Attachment, DeliveryStatus
from omniroute.testing import MONDAY, a_config
from tests.unit.desk.helpers import assert_folds, every_agent, log, names, position, told

CLAIM = a_config(preset="claim", agents=("ana", "bob"), capacity=2)
PUSH = a_config(preset="push", agents=("ana", "bob"))


@pytest.fixture
def claim(play):
    """A desk in which agents take conversations themselves, and one that waits."""
    p = play(CLAIM)
    p.agent("ana").on()
    p.agent("bob").on()
    return p, p.contact("Maria").writes("Hello")


@pytest.fixture
def held(play):
    """A desk that pushes, and a conversation that ana holds."""
    p = play(PUSH)
    p.agent("ana").on()
    return p, p.contact("Maria").writes("Hello")


# --- claim ----------------------------------------------------------------------------------------


@pytest.mark.req("C1", "C2")
def test_a_customers_message_opens_an_unanswered_conversation_for_all_to_see(claim) -> None:
    p, chat = claim
    assert (chat.label, chat.agent) == ("Unanswered", None)
    assert [each.id for each in p.desk.conversations()] == [chat.id]


@pytest.mark.req("C1")
def test_from_beginning_to_end_there_are_three_statuses_and_no_more(claim) -> None:
    p, chat = claim
    seen = [chat.label, p.agent("ana").takes(chat).label]
    seen.append(p.contact("Maria").writes("more").label)
    seen += [p.agent("ana").ends(chat).label, p.contact("Maria").writes("again").label]
    assert seen == ["Unanswered", "Active", "Active", "Finished", "Unanswered"]


@pytest.mark.req("C3")
def test_the_first_message_of_an_agent_takes_it(claim) -> None:
    p, chat = claim
    sent = p.agent("ana").replies(chat, "Hi")
    after = p.desk.conversation(chat.id)
    assert (after.label, after.agent) == ("Active", "ana")
    assert p.desk.staff.get(after.agent).name == "ana"
    assert (sent.author, p.contact("Maria").got) == ("agent:ana", ["Hi"])


@pytest.mark.req("C4")
def test_taking_what_another_holds_warns_first_and_changes_nothing(claim) -> None:
    p, chat = claim
    p.agent("ana").takes(chat)
    before = position(p)
    with pytest.raises(AlreadyTaken) as raised:
        p.agent("bob").takes(chat)
    assert (raised.value.owner, raised.value.confirmable) == ("ana", True)
    assert position(p) == before
    assert p.desk.conversation(chat.id).agent == "ana"


@pytest.mark.req("C4")
def test_a_reply_to_what_another_holds_is_not_sent_until_confirmed(claim) -> None:
    p, chat = claim
    p.agent("ana").takes(chat)
    with pytest.raises(AlreadyTaken):
        p.agent("bob").replies(chat, "Mine!")
    assert p.desk.waiting_to_send() == 0
    assert [each.text for each in p.desk.messages(chat.id)] == ["Hello"]
    p.agent("bob").replies(chat, "Mine!", confirm=True)
    assert p.contact("Maria").got == ["Mine!"]
    assert p.desk.conversation(chat.id).agent == "bob"


@pytest.mark.req("C5")
def test_of_two_simultaneous_takes_exactly_one_succeeds(claim) -> None:
    p, chat = claim
    together = Barrier(2)

    def take(agent: str) -> str:
        together.wait()
        try:
            return str(p.agent(agent).takes(chat).agent)
        except AlreadyTaken as error:
            return f"warned of {error.owner}"

    with ThreadPoolExecutor(2) as pool:
        results = set(pool.map(take, ("ana", "bob")))
    assert results in ({"ana", "warned of ana"}, {"bob", "warned of bob"})
    assert [each.load for each in every_agent(p)].count(1) == 1


@pytest.mark.req("C6")
def test_a_takeover_stays_active_and_is_logged_with_both_names(claim) -> None:
    p, chat = claim
    p.agent("ana").takes(chat)
    after = p.agent("bob").takes(chat, confirm=True)
    assert (after.label, after.agent) == ("Active", "bob")
    (event,) = told(p, tell.TookOver)
    assert (event.agent, event.released) == ("bob", "ana")
    assert {each.id: each.load for each in every_agent(p)} == {"ana": 0, "bob": 1}
    assert_folds(p)


@pytest.mark.req("C7")
@pytest.mark.parametrize("taken", [False, True])
def test_it_may_be_finished_at_any_time_and_shows_who_did(claim, taken: bool) -> None:
    p, chat = claim
    if taken:
        p.agent("ana").takes(chat)
    after = p.agent("bob").ends(chat)
    assert (after.label, after.ending.by) == ("Finished", "agent:bob")
    assert "ended by agent:bob" in p.desk.explain(chat.id).as_text()


@pytest.mark.req("C8")
def test_a_message_after_the_end_reopens_the_same_one_without_an_owner(claim) -> None:
    p, chat = claim
    p.agent("ana").takes(chat)
    p.agent("ana").ends(chat)
    p.advance("90d")
    again = p.contact("Maria").writes("again")
    assert (again.id, again.label, again.agent, again.ending) == (chat.id, "Unanswered", None, None)


@pytest.mark.req("C9")
def test_a_message_in_an_active_conversation_changes_neither_status_nor_owner(claim) -> None:
    p, chat = claim
    p.agent("ana").takes(chat)
    after = p.contact("Maria").writes("more")
    assert (after.label, after.agent) == ("Active", "ana")


def test_an_agent_takes_by_hand_up_to_the_hard_maximum(play) -> None:
    p = play(CLAIM)
    p.agent("ana").on()
    chats = [p.contact(name).writes("Hi") for name in ("Maria", "Otto", "Eve", "Ida")]
    for chat in chats[:3]:
        p.agent("ana").takes(chat)
    before = position(p)
    with pytest.raises(CapacityExceeded):
        p.agent("ana").takes(chats[3])
    assert position(p) == before
    assert p.desk.conversation(chats[3].id).state is State.QUEUED


# --- push -----------------------------------------------------------------------------------------


@pytest.mark.req("A3")
def test_under_push_nobody_picks(play) -> None:
    p = play(PUSH)
    chat = p.contact("Maria").writes("Hello")
    before = position(p)
    for action in (p.agent("ana").takes, lambda chat: p.agent("ana").replies(chat, "Hi")):
        with pytest.raises(TransitionNotAllowed, match="cannot be taken by hand"):
            action(chat)
    assert position(p) == before


def test_another_agents_reply_is_refused_where_policy_forbids_takeover(held) -> None:
    p, chat = held
    with pytest.raises(AlreadyTaken) as raised:
        p.agent("bob").replies(chat, "Hi", confirm=True)
    assert not raised.value.confirmable


def test_a_reply_is_stored_and_waits_to_be_sent(held) -> None:
    p, chat = held
    written = p.desk.reply(chat.id, "Hi", by="ana")
    assert (written.direction, written.status, written.at) == (
        Direction.OUT,
        DeliveryStatus.PENDING,
        MONDAY,
    )
    assert p.desk.waiting_to_send() == 1
    after = p.desk.conversation(chat.id)
    assert (after.due, after.waiting_since, after.first_reply_at) == (None, None, MONDAY)


@pytest.mark.req("P17")
def test_an_ending_keeps_its_disposition(held) -> None:
    p, chat = held
    after = p.agent("ana").ends(chat, disposition="solved")
    assert (after.state, after.ending.reason) == (State.ENDED, EndReason.AGENT)
    assert after.ending.disposition == "solved"
    assert p.agent("ana").holds == []


def test_after_the_end_nothing_more_is_said(held) -> None:
    p, chat = held
    p.agent("ana").ends(chat)
    before = position(p)
    for action in (
        lambda: p.agent("ana").replies(chat, "Hi"),
        lambda: p.agent("ana").ends(chat),
        lambda: p.agent("ana").takes(chat),
    ):
        with pytest.raises(ConversationClosed):
            action()
    assert position(p) == before


# --- notes, tags, markers -------------------------------------------------------------------------


@pytest.mark.req("P17")
def test_a_note_is_kept_and_never_sent(held) -> None:
    p, chat = held
    note = p.desk.note(chat.id, "wants a refund", by="bob")
    p.deliver()
    assert (note.direction, note.author) == (Direction.NOTE, "agent:bob")
    assert [each.text for each in p.desk.messages(chat.id)] == ["Hello", "wants a refund"]
    assert p.contact("Maria").got == []
    assert p.desk.conversation(chat.id).waiting_since is not None


@pytest.mark.req("P17")
def test_notes_and_tags_can_be_left_after_the_end(held) -> None:
    p, chat = held
    p.agent("ana").ends(chat)
    p.desk.note(chat.id, "called back", by="ana")
    after = p.desk.tag(chat.id, "callback", by="ana")
    assert (after.state, after.tags) == (State.ENDED, ("callback",))
    assert_folds(p)


@pytest.mark.req("P17")
def test_tags_are_added_and_removed(held) -> None:
    p, chat = held
    p.desk.tag(chat.id, " refund ", "vip", by="ana")
    after = p.desk.tag(chat.id, "router", by="ana", remove=["vip"])
    assert after.tags == ("refund", "router")


@pytest.mark.req("R11")
def test_writing_what_is_there_already_tells_nothing(held) -> None:
    p, chat = held
    p.desk.tag(chat.id, "refund", by="ana")
    before = position(p)
    p.desk.tag(chat.id, "refund", by="bob", remove=["vip"])
    p.desk.set_available("ana")
    p.desk.staff.put("ana", serves=["general"])
    p.desk.mark_read(chat.id, by="ana")
    p.desk.tick()
    assert position(p) == before


@pytest.mark.req("P18")
# --- reopening by hand ----------------------------------------------------------------------------


def ended(play, **policy):
    p = play(evolve(a_config(preset="push", agents=("ana",)), policy=PolicySettings(**policy)))
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    p.advance("1m")
    p.agent("ana").ends(chat, disposition="solved")
    return p, chat


@pytest.mark.req("S9")
def test_an_agent_brings_back_what_has_ended(play) -> None:
    p, chat = ended(play)
    p.agent("ana").off()
    p.advance("5m")
    back = p.desk.reopen(chat.id, by="ana")
    assert (back.state, back.queue, back.agent) == (State.QUEUED, "general", None)
    assert (back.due, back.ending) == (None, None)
    event = told(p, tell.Queued)[-1]
    assert (event.actor, event.reason, event.source) == ("agent:ana", "reopened", State.ENDED)
    p.agent("ana").on()
    assert p.desk.conversation(chat.id).agent == "ana"
    p.advance("5m")
    again = p.contact("Maria").writes("And now?")
    assert again.id == chat.id
    assert again.due == MONDAY + timedelta(minutes=11 + 15), "the contact waits for an answer"
    assert_folds(p)


@pytest.mark.req("S9")
def test_a_conversation_is_not_reopened_beside_an_open_one_which_is_named(play) -> None:
    p, chat = ended(play)
    other = p.contact("Maria").writes("Something else")
    before = log(p)
    with pytest.raises(ConversationOpen, match=f"'{other.id}' is open") as raised:
        p.desk.reopen(chat.id, by="ana")
    assert (raised.value.conversation, raised.value.open) == (chat.id, other.id)
    assert log(p) == before
    p.agent("ana").ends(other)
    assert p.desk.reopen(chat.id, by="ana", key="k").id == chat.id
    assert p.desk.reopen(chat.id, by="ana", key="k").id == chat.id
    assert p.contact("Maria").writes("Again").id == chat.id, "the open one"
    with pytest.raises(ConversationOpen, match=f"'{chat.id}' is open"):
        p.desk.reopen(other.id, by="ana")
    with pytest.raises(TransitionNotAllowed, match="Reopen is not possible"):
        p.desk.reopen(chat.id, by="ana")


@pytest.mark.req("S9")
def test_what_has_no_queue_to_go_back_to_stays_ended(play) -> None:
    config = a_config(preset="push", queues=("Deutsch", "English"), agents=("ana",))
    p = play(config)
    never = p.contact("Otto").writes("Hello")
    p.desk.end(never.id, by="ana")
    with pytest.raises(TransitionNotAllowed, match="no queue to return to"):
        p.desk.reopen(never.id, by="ana")
    p.contact("Maria").writes("Hello")
    chat = p.contact("Maria").writes("1")
    p.desk.end(chat.id, by="ana")
    inbox = evolve(config.inboxes["general"], queues=config.inboxes["general"].queues[1:])
    p.desk.apply(evolve(config, inboxes={"general": inbox}))
    with pytest.raises(TransitionNotAllowed, match="a queue of the configuration in force"):
        p.desk.reopen(chat.id, by="ana")


# --- reading --------------------------------------------------------------------------------------


def test_each_agent_has_a_marker_of_what_they_read(held) -> None:
    p, chat = held
    p.desk.mark_read(chat.id, by="ana")
    assert list(p.desk.conversations(unread_by="ana")) == []
    assert [each.id for each in p.desk.conversations(unread_by="bob")] == [chat.id]
    p.contact("Maria").writes("more")
    assert [each.id for each in p.desk.conversations(unread_by="ana")] == [chat.id]


def test_acting_as_an_agent_fills_in_who_acts(play) -> None:
    p = play(CLAIM)
    chat = p.contact("Maria").writes("Hello")
    ana, before = p.desk.acting_as("ana"), position(p)
    ana.set_available()
    assert ana.take(chat.id).agent == "ana"
    ana.reply(chat.id, "Hi")
    ana.note(chat.id, "asked twice")
    ana.tag(chat.id, "refund", remove=["vip"])
    ana.mark_read(chat.id)
    ana.end(chat.id, disposition="solved")
    ana.set_available(False)
    assert {each.actor for each in log(p)[before:]} == {"agent:ana"}
    assert repr(ana) == "Acting('acme', 'ana')"


# --- what cannot be done --------------------------------------------------------------------------

BAD = {
    "empty text": (lambda d, c: d.reply(c, " ", by="ana"), UnsupportedContent),
    "no text": (lambda d, c: d.reply(c, by="ana"), UnsupportedContent),
    "unsupported file": (
        lambda d, c: d.reply(c, "Hi", by="ana", attachments=[Attachment(kind="sticker")]),
        UnsupportedContent,
    ),
    "too large a file": (
        lambda d, c: d.reply(c, by="ana", attachments=[Attachment(kind="image", size=10**9)]),
        UnsupportedContent,
    ),
    "empty note": (lambda d, c: d.note(c, "\n", by="ana"), UsageError),
    "empty tag": (lambda d, c: d.tag(c, "ok", " ", by="ana"), UsageError),
    "unknown agent replies": (lambda d, c: d.reply(c, "Hi", by="eva"), UnknownAgent),
    "unknown agent takes": (lambda d, c: d.take(c, by="eva"), UnknownAgent),
    "unknown agent ends": (lambda d, c: d.end(c, by="eva"), UnknownAgent),
    "unknown agent notes": (lambda d, c: d.note(c, "Hi", by="eva"), UnknownAgent),
    "unknown agent tags": (lambda d, c: d.tag(c, "Hi", by="eva"), UnknownAgent),
    "unknown agent reads": (lambda d, c: d.mark_read(c, by="eva"), UnknownAgent),
    "unknown conversation to reply to": (
        lambda d, _: d.reply("c_9", "Hi", by="ana"),
        UnknownConversation,
    ),
    "unknown conversation to take": (lambda d, _: d.take("c_9", by="ana"), UnknownConversation),
    "unknown conversation to end": (lambda d, _: d.end("c_9", by="ana"), UnknownConversation),
    "unknown conversation to note": (
        lambda d, _: d.note("c_9", "x", by="ana"),
        UnknownConversation,
    ),
    "unknown conversation to tag": (lambda d, _: d.tag("c_9", "x", by="ana"), UnknownConversation),
    "unknown conversation read": (lambda d, _: d.mark_read("c_9", by="ana"), UnknownConversation),
    "naive now": (
        lambda d, c: d.reply(c, "Hi", by="ana", now=datetime(2026, 3, 2, 9)),  # noqa: DTZ001
        NaiveDatetime,
    ),
}


@pytest.mark.parametrize("action,error", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_done_is_refused_and_nothing_is_stored(held, action, error) -> None:
    p, chat = held
    before = names(p)
    with pytest.raises(error):
        action(p.desk, chat.id)
    assert names(p) == before
    assert len(p.desk.messages(chat.id)) == 1
    assert p.desk.waiting_to_send() == 0


def test_now_can_be_told_with_every_command(held) -> None:
    p, chat = held
    later = MONDAY + timedelta(hours=1)
    assert p.desk.reply(chat.id, "Hi", by="ana", now=later).at == later
    assert p.desk.end(chat.id, by="ana", now=later).last_event_at == later


@pytest.mark.req("P17", "R11")
def test_a_conversation_has_a_subject_and_attributes_of_the_hosts_in_any_state(play) -> None:
    p = play(a_config(agents=("ana",)))
    chat = p.contact("Maria").writes("Hello")
    ana = p.desk.acting_as("ana")
    said = ana.describe(chat.id, subject=" Router ", attributes={"order": 4711, "vip": True})
    assert (said.subject, said.attributes) == ("Router", {"order": 4711, "vip": True})
    before = len(log(p))
    ana.describe(chat.id)
    ana.describe(chat.id, subject="Router", attributes={"vip": True})
    assert len(log(p)) == before, "what changes nothing emits nothing"
    p.desk.end(chat.id, by="ana")
    after = ana.describe(chat.id, subject="", attributes={"vip": None, "lines": ["a", "b"]})
    assert (after.subject, after.attributes) == (None, {"order": 4711, "lines": ["a", "b"]})
    for wrong in ({"subject": 5}, {"attributes": ["x"]}, {"attributes": {"x": object()}}):
        with pytest.raises(UsageError):
            ana.describe(chat.id, **wrong)
    assert_folds(p)
