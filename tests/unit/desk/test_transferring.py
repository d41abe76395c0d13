"""Transfers to agents, groups and queues."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.errors import NotHolder, TargetUnavailable, TransferNotAllowed, UsageError
from omniroute.model import events as tell
from omniroute.model.message import Direction
from omniroute.model.state import State
from tests.unit.desk.helpers import assert_folds, every_agent, told
from tests.unit.desk.test_assigning import config, holders, writes

PEOPLE: dict[str, dict[str, Any]] = {
    "ana": {"groups": ["tier1"]},
    "bob": {"groups": ["tier1"]},
    "cid": {"groups": ["tier2"]},
}


def held(play: Any, *, on: tuple[str, ...] = ("ana",), **policy: Any) -> Any:
    """Ana holds a conversation; those in `on` are available."""
    p = play(config(PEOPLE, **policy))
    p.agent("ana").on()
    (chat,) = writes(p, "Maria")
    for name in on:
        p.agent(name).on()
    return p, chat


def loads(p: Any) -> dict[str, int]:
    return {each.id: each.load for each in every_agent(p)}


@pytest.mark.req("A23", "A24")
def test_a_transfer_frees_one_slot_and_takes_the_other_at_once(play) -> None:
    p, chat = held(play, on=("bob",))
    after = p.desk.transfer(chat.id, "bob", by="ana")
    assert (after.state, after.agent) == (State.ACTIVE, "bob")
    assert loads(p) == {"ana": 0, "bob": 1, "cid": 0}
    (moved,) = told(p, tell.TookOver)
    assert (moved.agent, moved.released, moved.reason) == ("bob", "ana", "transferred")
    assert_folds(p)


@pytest.mark.req("A24")
def test_the_freed_slot_takes_what_waits_in_the_same_step(play) -> None:
    p, chat = held(play)
    (waiting,) = writes(p, "Otto")
    p.desk.staff.put("bob", capacity={"messaging": om.Capacity(2, 2, 2)})
    p.desk.transfer(chat.id, "bob", by="ana", force=True)
    assert holders(p, chat, waiting) == ["bob", "ana"]


@pytest.mark.req("A24")
def test_a_transfer_to_oneself_is_an_error(play) -> None:
    p, chat = held(play)
    with pytest.raises(TransferNotAllowed, match="oneself"):
        p.desk.transfer(chat.id, "ana", by="ana")


@pytest.mark.req("A21")
def test_an_agent_of_another_group_is_an_error_and_the_group_is_not(play) -> None:
    p, chat = held(play, on=("cid",))
    with pytest.raises(TransferNotAllowed, match="another routing group"):
        p.desk.transfer(chat.id, "cid", by="ana")
    assert holders(p, chat) == ["ana"]
    p.desk.transfer(chat.id, om.Group("tier2"), by="ana")
    assert holders(p, chat) == ["cid"]


@pytest.mark.req("A22")
def test_the_comment_reaches_whoever_receives_it_and_never_the_contact(play) -> None:
    p, chat = held(play, on=("bob",))
    p.agent("ana").replies(chat, "One moment")
    p.desk.transfer(chat.id, "bob", by="ana", comment="wants a refund")
    p.deliver()
    assert p.contact("Maria").got == ["One moment"]
    note = p.desk.messages(chat.id)[-1]
    assert (note.direction, note.kind, note.text) == (Direction.NOTE, "transfer", "wants a refund")


@pytest.mark.req("A23", "M9")
@pytest.mark.parametrize("busy", [False, True])
def test_who_is_red_or_orange_is_refused_unless_it_is_forced_and_that_is_counted(
    play, busy: bool
) -> None:
    p, chat = held(play)
    if busy:
        p.agent("bob").on()
        writes(p, "Otto")
    with pytest.raises(TargetUnavailable) as raised:
        p.desk.transfer(chat.id, "bob", by="ana")
    assert raised.value.got == ("orange" if busy else "red")
    p.desk.transfer(chat.id, "bob", by="ana", force=True)
    assert holders(p, chat) == ["bob"]
    bob = next(each for each in every_agent(p) if each.id == "bob")
    assert (bob.load, bob.forced) == (2 if busy else 1, 1)
    assert told(p, tell.TookOver)[-1].reason == "forced"
    assert_folds(p)


@pytest.mark.req("A23", "M9")
def test_a_forced_transfer_goes_past_every_maximum(play) -> None:
    p, chat = held(play, on=("bob",))
    for name in ("Otto", "Vera"):
        (other,) = writes(p, name)
        if p.desk.conversation(other.id).agent is None:
            break
    p.desk.staff.put("bob", capacity={"messaging": om.Capacity(1, 1, 1)})
    p.desk.transfer(chat.id, "bob", by="ana", force=True)
    assert loads(p)["bob"] == 2


@pytest.mark.req("A23")
def test_force_counts_for_nothing_where_it_was_not_needed(play) -> None:
    p, chat = held(play, on=("bob",))
    p.desk.transfer(chat.id, "bob", by="ana", force=True)
    assert told(p, tell.TookOver)[-1].reason == "transferred"


@pytest.mark.req("A25", "S14")
def test_a_group_without_anybody_available_has_it_waiting_as_transferred(play) -> None:
    p, chat = held(play)
    (newer,) = writes(p, "Otto")
    p.advance("1s")
    after = p.desk.transfer(chat.id, om.Group("tier2"), by="ana")
    assert after.state is State.QUEUED
    assert holders(p, chat, newer) == [None, "ana"], "it does not come back to who gave it away"
    p.agent("bob").on()
    assert holders(p, chat) == [None], "bob is in another group"
    p.agent("cid").on()
    assert holders(p, chat) == ["cid"]
    assert_folds(p)


@pytest.mark.req("A25")
def test_what_was_given_away_does_not_come_straight_back(play) -> None:
    p, chat = held(play)
    after = p.desk.transfer(chat.id, om.Group("tier1"), by="ana")
    assert after.state is State.QUEUED, "ana has room again, and is in the group"
    p.agent("bob").on()
    assert holders(p, chat) == ["bob"]


@pytest.mark.req("M3", "S14")
def test_what_was_transferred_comes_before_new_ones_in_a_wait_of_its_own(play) -> None:
    p, chat = held(play)
    p.agent("ana").off()
    (older,) = writes(p, "Otto", on="chat-b")
    p.advance("1m")
    p.desk.transfer(chat.id, om.Queue("general/b"), by="ana")
    p.agent("bob").on()
    assert holders(p, older, chat) == [None, "bob"]


@pytest.mark.req("U67")
def test_where_policy_says_none_no_queue_may_have_it_and_agents_still_may(play) -> None:
    p, chat = held(play, on=("bob",), transfer={"queue": "none"})
    with pytest.raises(TransferNotAllowed, match="not transferred to another queue"):
        p.desk.transfer(chat.id, om.Queue("general/b"), by="ana")
    assert holders(p, chat) == ["ana"]
    assert p.desk.transfer(chat.id, "bob", by="ana").agent == "bob"


@pytest.mark.req("M13")
def test_after_the_maximum_only_the_final_queue_is_left_until_it_is_dismissed(play) -> None:
    rules = {"maximum": 1, "final": "general/b"}
    p, chat = held(play, on=("bob",), transfer=rules)
    p.desk.transfer(chat.id, "bob", by="ana")
    with pytest.raises(TransferNotAllowed, match="as often as it may"):
        p.desk.transfer(chat.id, "ana", by="bob")
    p.agent("bob").off()
    p.agent("ana").off()
    assert p.desk.transfer(chat.id, om.Queue("general/b"), by="bob").state is State.QUEUED


@pytest.mark.req("M13")
def test_a_dismissal_starts_the_count_again() -> None:
    from attrs import evolve

    from omniroute.model.assign import Routing
    from omniroute.model.conversation import Extras
    from omniroute.rules.folding import apply
    from omniroute.testing import NOW, a_conversation

    chat = a_conversation(State.INACTIVE, extras=Extras(routing=Routing(transfers=3)))
    gone = tell.Dismissed("c_1", NOW, "system", (), State.INACTIVE, "silence", "ana")
    assert apply(chat, gone).extras.routing == evolve(chat.extras.routing, transfers=0)


@pytest.mark.req("R11")
def test_a_person_gives_it_to_whom_they_like_whatever_the_queue_asks(play) -> None:
    p, chat = held(play, on=("bob",), at={"a": {"cascade": ["tier1", "tier2"]}})
    p.desk.apply(config(PEOPLE, at={"a": {"skills": {"router": 9}, "cascade": ["tier2"]}}), by=None)
    p.desk.tick()
    assert p.desk.transfer(chat.id, "bob", by="ana").agent == "bob"
    p.desk.tick()
    assert holders(p, chat) == ["bob"], "nothing takes it away again"


@pytest.mark.req("A21")
def test_only_the_holder_transfers(play) -> None:
    p, chat = held(play, on=("bob",))
    with pytest.raises(NotHolder):
        p.desk.transfer(chat.id, "cid", by="bob")


@pytest.mark.req("A21")
def test_what_is_nobody_and_nowhere_is_told(play) -> None:
    p, chat = held(play)
    for to in (om.Queue("general/c"), om.Group("tier9"), 7):
        with pytest.raises(UsageError) as raised:
            p.desk.transfer(chat.id, to, by="ana")
        assert raised.value.where == "to"
    assert holders(p, chat) == ["ana"]


@pytest.mark.req("R4")
def test_the_same_key_transfers_once(play) -> None:
    p, chat = held(play, on=("bob",))
    for _ in range(2):
        assert p.desk.acting_as("ana").transfer(chat.id, "bob", key="t-1").agent == "bob"
    assert len(told(p, tell.TookOver)) == 1
