"""More is overdue than one transaction fires: nothing is refused, or told out of its order, for that."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.desk.tick import BATCH
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import events as tell
from omniroute.model.desk_config import EntryPointConfig, InboxConfig, Override
from omniroute.model.policy import (
    Assignment,
    AwayThen,
    Inactivity,
    OfferRules,
    PolicySettings,
    Presence,
)
from omniroute.model.state import EndReason, State
from omniroute.testing import NOW, a_config
from tests.unit.desk.helpers import assert_folds, log, told

OPENED = NOW + SECOND  # of what stands behind the backlog
ROOM = {"messaging": om.Capacity(2 * BATCH, 2 * BATCH, 2 * BATCH)}
MOVES = ("rename", "remove")


def desk_of(play: Any, *, queues: tuple[str, ...] = (), **policy: Any) -> Any:
    """Two agents who claim; what comes in on "other" goes to a queue, or inbox, of its own."""
    defaults: dict[str, Any] = {"assignment": Assignment.CLAIM, "hard_expiry": 25 * HOUR}
    leads = dict(zip(("main", "other"), (f"general/{each}" for each in queues), strict=False))
    config = a_config(
        agents=("ana", "bob"),
        queues=queues,
        policy=PolicySettings(capacity=ROOM, **defaults | policy),
        entry_points={
            name: EntryPointConfig(channel="chat", address=name, queue=leads.get(name))
            for name in ("main", "other")
        },
    )
    p = play(config)
    p.agent("ana").on()
    p.agent("bob").on()
    return p


def late(p: Any, behind: Any, hours: int = 30) -> Any:
    """Let a batch be overdue, and behind it what `behind` opens; return the latter's id."""
    for number in range(BATCH):
        p.contact(f"N{number}").writes("Hello")
    p.clock.advance("1s")
    chat = behind()
    p.clock.advance(f"{hours}h")
    return chat


def held(p: Any, by: str = "ana", name: str = "Maria", on: str = "main") -> str:
    chat: str = p.contact(name, on=on).writes("Hello").id
    p.desk.take(chat, by=by)
    p.desk.reply(chat, "Hi", by=by)
    return chat


def ends(p: Any, chat: str) -> list[tuple[int, EndReason]]:
    return [(e.at, e.ending) for e in told(p, tell.Ended) if e.conversation == chat]


IN_TIME = [(OPENED + 25 * HOUR, EndReason.TIMEOUT)]


# --- agents' deadlines beside conversations' ------------------------------------------------------


def outage(play: Any) -> tuple[Any, str]:
    """Ana holds a batch and is away first; what Bob holds is due before he is away, too."""
    policy = PolicySettings(
        assignment=Assignment.CLAIM,
        capacity=ROOM,
        presence=Presence(away_after=15 * MINUTE, then=AwayThen.REQUEUE),
    )
    silent = PolicySettings(inactivity=Inactivity(after=10 * MINUTE, notice=2 * MINUTE))
    p = play(
        a_config(
            agents=dict.fromkeys(("ana", "bob"), ("general", "vip")),
            policy=policy,
            inboxes={
                "general": InboxConfig(sla=8 * HOUR, primary_for=("chat",), policy=silent),
                "vip": InboxConfig(sla=8 * HOUR, policy=PolicySettings(chat_timeout=12 * MINUTE)),
            },
            entry_points={
                "main": EntryPointConfig(channel="chat", address="main"),
                "other": EntryPointConfig(
                    channel="chat", address="other", override=Override(inbox="vip")
                ),
            },
        )
    )
    p.agent("ana").on()
    p.agent("bob").on()
    p.desk.heartbeat("ana")
    p.clock.advance("10m")
    for number in range(BATCH):
        held(p, "ana", f"N{number}")
    p.clock.advance("1s")
    chat = held(p, "bob", on="other")
    p.clock.advance("4m")
    p.desk.heartbeat("bob")
    p.clock.advance("30m")
    return p, chat


@pytest.mark.req("S2", "P7")
def test_an_agents_deadline_waits_for_conversations_that_are_due_before_it(play: Any) -> None:
    p, chat = outage(play)
    p.desk.tick()
    assert ends(p, chat) == [(NOW + 22 * MINUTE + SECOND, EndReason.TIMEOUT)], "while Bob held it"
    away = [each for each in told(p, tell.AgentAvailability) if not each.available]
    assert [(each.agent, each.at) for each in away] == [
        ("ana", NOW + 15 * MINUTE),
        ("bob", NOW + 29 * MINUTE + SECOND),
    ]
    late = [each.at for each in log(p) if isinstance(each, tell.Ended | tell.AgentAvailability)]
    assert late == sorted(late)
    assert_folds(p)


@pytest.mark.req("P7", "R6")
def test_commands_and_messages_go_on_after_an_outage_in_which_agents_were_away(play: Any) -> None:
    p, chat = outage(play)
    new = p.contact("Eva").writes("Hello")
    p.desk.note(new.id, "She called, too", by="ana")
    while p.desk.tick():
        pass
    assert len(ends(p, chat)) == 1
    assert_folds(p)


# --- what somebody holds --------------------------------------------------------------------------


@pytest.mark.req("S15")
@pytest.mark.parametrize("how", [{"held": "requeue"}, {"hand_to": "bob"}])
def test_whoever_leaves_takes_along_nothing_that_ended_in_the_meantime(play: Any, how: Any) -> None:
    p = desk_of(play)
    chat = late(p, lambda: held(p))
    p.desk.staff.remove("ana", **how)
    assert ends(p, chat) == IN_TIME
    with pytest.raises(om.UnknownAgent):
        p.desk.staff.get("ana")
    assert_folds(p)


@pytest.mark.req("S15")
@pytest.mark.parametrize(
    "silence,state",
    [
        (Inactivity(after=HOUR), State.DISMISSED),
        (Inactivity(after=HOUR, notice=HOUR), State.QUEUED),
    ],
)
def test_whoever_leaves_gives_back_what_is_still_theirs(
    play: Any, silence: Inactivity, state: State
) -> None:
    p = desk_of(play, inactivity=silence, hard_expiry=None)
    chat = late(p, lambda: held(p))
    p.desk.staff.remove("ana", held="requeue")
    found = p.desk.conversation(chat)
    assert (found.state, found.agent) == (state, None)
    assert_folds(p)


def test_what_is_offered_to_whoever_leaves_may_have_lapsed_by_now(play: Any) -> None:
    p = desk_of(play, assignment=Assignment.OFFER_ONE, offer=OfferRules(accept_within=HOUR))
    p.agent("bob").off()
    chat = late(p, lambda: p.contact("Maria").writes("Hello").id, hours=2)
    assert p.desk.conversation(chat).state is State.OFFERED
    p.agent("ana").off()
    while p.desk.tick():
        pass
    assert p.desk.conversation(chat).state is State.QUEUED
    ended = [each for each in told(p, tell.OfferEnded) if each.conversation == chat]
    assert [each.reason for each in ended] == [tell.LAPSED]
    assert_folds(p)


# --- places that go -------------------------------------------------------------------------------


@pytest.mark.req("S15")
def test_an_entry_point_goes_and_ends_what_is_open_still(play: Any) -> None:
    p = desk_of(play)
    chat = late(p, lambda: p.contact("Maria", on="other").writes("Hello").id, hours=24)
    young = p.contact("Otto", on="other").writes("Hello").id
    p.clock.advance("2h")
    with p.desk.configure() as draft:
        draft.remove_entry_point("other", confirm=True, force=True)
    assert ends(p, chat) == IN_TIME
    assert [reason for _, reason in ends(p, young)] == [EndReason.FAILURE]
    assert_folds(p)


def move(p: Any, how: str) -> str:
    """Take the queue Two away; return where what stands there goes."""
    with p.desk.configure() as draft:
        if how == "rename":
            draft.rename_queue("general/Two", "Zwei")
            return "general/Zwei"
        draft.change_entry_point("other", queue="general/One")
        draft.remove_queue("general/Two", confirm=True, move_to="general/One")
    return "general/One"


@pytest.mark.req("S15")
@pytest.mark.parametrize("how", MOVES)
def test_a_queue_goes_and_what_ended_in_the_meantime_is_moved_nowhere(play: Any, how: str) -> None:
    p = desk_of(play, queues=("One", "Two"))
    chat = late(p, lambda: p.contact("Maria", on="other").writes("Hello").id)
    move(p, how)
    assert ends(p, chat) == IN_TIME
    assert not [each for each in told(p, tell.Relocated) if each.conversation == chat]
    assert_folds(p)


@pytest.mark.req("S15", "S6")
@pytest.mark.parametrize("how", MOVES)
def test_what_should_have_woken_in_a_queue_that_goes_waits_in_the_other(
    play: Any, how: str
) -> None:
    p = desk_of(play, queues=("One", "Two"))

    def asleep() -> str:
        chat = held(p, on="other")
        p.desk.snooze(chat, by="ana", for_="2h")
        return chat

    chat = late(p, asleep, hours=3)
    target = move(p, how)
    found = p.desk.conversation(chat)
    assert (found.state, found.queue) == (State.QUEUED, target)
    assert_folds(p)


# --- what nobody named ----------------------------------------------------------------------------


def test_the_next_that_waits_is_one_that_waits_still(play: Any) -> None:
    p = desk_of(play)
    for number in range(BATCH + 3):
        p.contact(f"N{number}").writes("Hello")
    p.clock.advance("24h")
    young = p.contact("Maria").writes("Hello").id
    p.clock.advance("2h")
    assert p.desk.take_next(by="ana").id == young
    assert p.desk.take_next(by="ana") is None
    assert_folds(p)


def test_a_message_after_an_end_that_nobody_looked_at_opens_a_new_conversation(play: Any) -> None:
    p = desk_of(play)
    chat = late(p, lambda: p.contact("Maria").writes("Hello").id)
    new = p.contact("Maria").writes("Hello again")
    assert (new.id != chat, ends(p, chat)) == (True, IN_TIME)
    assert_folds(p)
