"""Reading: lists, messages, counts, changes. Each costs its own length and no more."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from omniroute.desk import read
from omniroute.errors import UnknownConversation, UsageError
from omniroute.instants import DAY
from omniroute.model import events as tell
from omniroute.model.state import State
from omniroute.model.wire import DeliveryStatus, InboundKind
from omniroute.testing import MONDAY, NOW, a_config, an_inbound
from tests.unit.desk.helpers import CountingStore, log

EVERY = tuple(State)
TREE = ("Deutsch", "English")


@pytest.fixture
def p(play):
    """Six conversations: ana holds c_1 and c_2, bob c_3, c_4 has ended, c_5 waits, c_6 chooses."""
    p = play(a_config(preset="push", queues=TREE, agents=("ana", "bob")))
    p.desk.staff.put("ana", serves=["general/Deutsch"])
    p.desk.staff.put("bob", serves=["general/English"])
    p.agent("ana").on()
    p.agent("bob").on()
    wanted = {"A": "1", "B": "1", "C": "2", "D": "2", "E": "1", "F": "?"}
    for name, answer in wanted.items():
        if name == "E":
            p.agent("ana").off()
        p.contact(name).writes("Hello")
        p.contact(name).writes(answer)
        p.advance("1m")
    p.agent("bob").ends(p.desk.conversation("c_4"))
    p.desk.tag("c_1", "vip", by="ana")
    p.desk.tag("c_3", "vip", by="ana")
    return p


def cursor(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def ids(page) -> list[str]:
    return [each.id for each in page]


@pytest.mark.req("P18")
def test_whoever_wrote_last_has_read_it(p) -> None:
    def unread(agent: str) -> list[str]:
        return sorted(ids(p.desk.conversations(unread_by=agent, agent="ana")))

    assert unread("ana") == unread("bob") == ["c_1", "c_2"]
    p.desk.reply("c_1", "Hi", by="ana")
    p.desk.note("c_2", "asked twice", by="ana")
    assert unread("ana") == []
    assert unread("bob") == ["c_1", "c_2"]
    p.contact("A").writes("Thanks")
    p.desk.note("c_2", "three times", by="bob")
    assert unread("ana") == ["c_1", "c_2"]
    assert unread("bob") == ["c_1"]
    assert p.desk.counts("agent", unread_by="ana") == {"ana": 2, "bob": 1}


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.req("P18")
@pytest.mark.parametrize(
    "query,expected",
    [
        ({}, ["c_1", "c_2", "c_3", "c_5", "c_6"]),
        ({"agent": "ana"}, ["c_1", "c_2"]),
        ({"agent": "eva"}, []),
        ({"contact": "p_3"}, ["c_3"]),
        ({"inbox": "general", "states": [State.QUEUED]}, ["c_5"]),
        ({"queue": "general/English"}, ["c_3"]),
        ({"queue": "general/English", "states": EVERY}, ["c_3", "c_4"]),
        ({"states": [State.SELECTING, State.ENDED]}, ["c_6", "c_4"]),
        ({"states": []}, []),
        ({"tag": "vip"}, ["c_1", "c_3"]),
        ({"tag": "vip", "agent": "bob"}, ["c_3"]),
        ({"agent": "ana", "queue": "general/English"}, []),
        ({"tag": "vip", "contact": "p_1", "inbox": "general"}, ["c_1"]),
        ({"states": [State.ACTIVE, State.ACTIVE], "agent": "ana"}, ["c_1", "c_2"]),
    ],
    ids=str,
)
def test_conversations_are_listed_by_every_filter_that_is_given(p, query, expected) -> None:
    assert ids(p.desk.conversations(**query)) == expected


@pytest.mark.req("P18")
def test_they_come_by_due_or_by_what_happened_last(p) -> None:
    p.agent("ana").replies(p.desk.conversation("c_1"), "Hi")  # answered: due no more
    assert ids(p.desk.conversations(order="due")) == ["c_2", "c_3", "c_5", "c_6", "c_1"]
    p.advance("1s")
    p.contact("B").writes("more")
    by_latest = ids(p.desk.conversations(order="latest"))
    assert by_latest[0] == "c_2"
    assert by_latest[-2:] == ["c_6", "c_5"]


@pytest.mark.req("P18")
def test_by_due_those_that_ended_come_last_the_latest_first(p) -> None:
    p.agent("ana").replies(p.desk.conversation("c_1"), "Hi")  # answered: due no more
    for agent, name in (("bob", "c_3"), ("ana", "c_2")):
        p.advance("1m")
        p.agent(agent).ends(p.desk.conversation(name))
    pages: list[list[str]] = []
    after = None
    for _ in range(3):
        page = p.desk.conversations(states=EVERY, limit=2, after=after)
        pages.append(ids(page))
        after = page.next
    assert pages == [["c_5", "c_6"], ["c_1", "c_2"], ["c_3", "c_4"]]
    assert after is None
    assert p.desk.counts("state", states=EVERY)["ended"] == 3
    due = read.Query(states=EVERY, due_until=NOW + 365 * DAY)
    found, _ = p.desk._runtime.read(read.list_conversations(p.desk.id, due))
    assert [each.id for each in found] == ["c_5", "c_6"], "who has ended is never due"


@pytest.mark.req("P18")
@pytest.mark.parametrize("order", ["due", "latest"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_come_to_the_whole_list_without_gap_or_repeat(p, order: str, limit: int) -> None:
    whole = ids(p.desk.conversations(order=order, states=EVERY))
    pages, cursor = [], None
    while True:
        page = p.desk.conversations(order=order, states=EVERY, limit=limit, after=cursor)
        assert len(page) <= limit
        pages += ids(page)
        cursor = page.next
        if cursor is None:
            break
    assert pages == whole
    assert len(set(whole)) == 6


@pytest.mark.req("P18")
def test_a_page_is_filled_though_filters_pass_over_much(p) -> None:
    page = p.desk.conversations(tag="vip", agent="bob", limit=1)
    assert ids(page) == ["c_3"]
    first = p.desk.conversations(inbox="general", unread_by="ana", limit=2)
    assert ids(first) == ["c_1", "c_2"]
    rest = p.desk.conversations(inbox="general", unread_by="ana", limit=10, after=first.next)
    assert ids(rest) == ["c_3", "c_5", "c_6"]


@pytest.mark.req("P18")
def test_new_arrivals_do_not_disturb_a_reader_between_pages(p) -> None:
    first = p.desk.conversations(limit=2)
    p.contact("G").writes("Hello")
    p.agent("ana").ends(p.desk.conversation("c_1"))
    rest = p.desk.conversations(limit=10, after=first.next)
    assert ids(first) + ids(rest) == ["c_1", "c_2", "c_3", "c_5", "c_6", "c_7"]


@pytest.mark.req("P18")
def test_conversations_outside_a_list_add_nothing_to_its_cost(play) -> None:
    store = CountingStore()
    p = play(a_config(preset="push", agents=("ana",), capacity=3), store=store)
    p.agent("ana").on()

    def cost() -> int:
        before = store.touched
        assert len(p.desk.conversations(agent="ana", limit=10)) == 3
        assert p.desk.counts("inbox", agent="ana") == {"general": 3}
        return store.touched - before

    for number in range(4):
        p.contact(f"N{number}").writes("Hello")
    few = cost()
    for number in range(100):
        p.contact(f"M{number}").writes("Hello")
    assert cost() == few


# --- messages -------------------------------------------------------------------------------------


@pytest.mark.req("P18")
def test_messages_come_in_order_with_their_delivery_status(p) -> None:
    chat = p.desk.conversation("c_1")
    p.desk.reply(chat.id, "Hi", by="ana")
    p.desk.note(chat.id, "asked twice", by="ana")
    (delivery,) = p.deliver()
    target, kind = delivery.provider_id, InboundKind.STATUS
    report = an_inbound(None, kind=kind, target=target, status=DeliveryStatus.READ)
    p.desk.receive("main", report)
    seen = p.desk.messages(chat.id)
    assert [each.text for each in seen if each.kind != "menu"] == [
        *("Hello", "1", "Hi", "asked twice")
    ]
    assert [each.status for each in seen if each.text == "Hi"] == [DeliveryStatus.READ]
    assert [each.position for each in seen] == sorted(each.position for each in seen)


@pytest.mark.req("P18")
def test_messages_are_read_on_from_a_position(p) -> None:
    for number in range(5):
        p.contact("A").writes(str(number))
    first = p.desk.messages("c_1", limit=4)
    rest = p.desk.messages("c_1", limit=4, after=first[-1].position)
    assert [each.text for each in rest] == ["1", "2", "3", "4"]
    assert p.desk.messages("c_1", after=rest[-1].position) == []


# --- counts ---------------------------------------------------------------------------------------


@pytest.mark.req("P18")
@pytest.mark.parametrize(
    "by,query,expected",
    [
        ("state", {}, {"active": 3, "queued": 1, "selecting": 1}),
        ("state", {"states": EVERY}, {"active": 3, "queued": 1, "selecting": 1, "ended": 1}),
        ("agent", {}, {"ana": 2, "bob": 1}),
        ("queue", {}, {"general/Deutsch": 3, "general/English": 1}),
        ("inbox", {}, {"general": 5}),
        ("inbox", {"agent": "ana"}, {"general": 2}),
        ("state", {"tag": "vip"}, {"active": 2}),
        ("queue", {"unread_by": "ana"}, {"general/Deutsch": 3, "general/English": 1}),
        ("state", {"states": [State.DISMISSED]}, {}),
    ],
    ids=str,
)
def test_conversations_are_counted(p, by, query, expected) -> None:
    assert p.desk.counts(by, **query) == expected


# --- changes --------------------------------------------------------------------------------------


@pytest.mark.req("P19")
def test_changes_have_positions_from_1_without_gaps(p) -> None:
    positions = [each.position for each in p.desk.changes()]
    assert positions == list(range(1, len(positions) + 1))


@pytest.mark.req("P19")
def test_changes_are_read_on_from_any_position(p) -> None:
    whole = list(p.desk.changes())
    for after in range(0, len(whole) + 1, 7):
        assert list(p.desk.changes(after)) == whole[after:]
    assert list(p.desk.changes(3, limit=2)) == whole[3:5]
    assert list(p.desk.changes(limit=0)) == []


@pytest.mark.req("P19")
def test_more_changes_than_one_read_takes_come_all(play) -> None:
    p = play(a_config(agents=("ana",)))
    for _ in range(300):
        p.desk.set_available("ana")
        p.desk.set_available("ana", available=False)
    assert len(list(p.desk.changes())) == 602
    assert [each.position for each in p.desk.changes(limit=501)] == list(range(1, 502))


@pytest.mark.req("P19")
def test_another_face_of_the_store_reads_the_same_changes(p) -> None:
    other = p.desks["acme"]
    assert list(other.changes()) == list(p.desk.changes())
    opened = next(each for each in other.changes() if isinstance(each.event, tell.Opened))
    assert opened.at == MONDAY


@pytest.mark.req("P19")
def test_changes_are_the_same_for_those_who_await_them(p) -> None:
    async def awaited(after: int, limit: int | None) -> list[Any]:
        desk = p.desks.aio["acme"]
        return [each async for each in desk.changes(after, limit=limit)]

    for after, limit in ((0, None), (5, None), (5, 3), (0, 0)):
        assert asyncio.run(awaited(after, limit)) == list(p.desk.changes(after, limit=limit))


@pytest.mark.req("P19")
def test_what_was_refused_is_in_no_change(p) -> None:
    before = log(p)
    with pytest.raises(UnknownConversation):
        p.desk.end("c_99", by="ana")
    assert log(p) == before


# --- what cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda d: d.conversations(limit=0),
        lambda d: d.conversations(limit=1001),
        lambda d: d.conversations(limit=True),
        lambda d: d.conversations(order="age"),
        lambda d: d.conversations(after="not a cursor"),
        lambda d: d.conversations(after=""),
        lambda d: d.conversations(after="é"),
        lambda d: d.conversations(after=cursor()),
        lambda d: d.conversations(after=cursor("a", "b")),
        lambda d: d.conversations(after=cursor(10**30, "c_1")),
        lambda d: d.conversations(after=cursor(1, "\ud800")),
        lambda d: d.messages("c_1", limit=0),
        lambda d: d.counts("contact"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(p, read) -> None:
    with pytest.raises(UsageError) as raised:
        read(p.desk)
    assert type(raised.value) is UsageError
    assert raised.value.where in ("limit", "order", "after", "by")


@pytest.mark.parametrize("read", ["conversation", "explain", "messages"])
def test_an_unknown_conversation_is_said_to_be_unknown(p, read: str) -> None:
    with pytest.raises(UnknownConversation, match="c_99"):
        getattr(p.desk, read)("c_99")


def test_a_view_shows_instants_in_the_desks_zone(play) -> None:
    p = play(a_config(zone="Asia/Tokyo"))
    chat = p.contact("Maria").writes("Hello")
    assert chat.opened_at == MONDAY
    assert (chat.opened_at.hour, chat.due.hour) == (18, 18)
    assert chat.waiting_since == MONDAY
    p.advance("1h")
    assert p.desk.conversation(chat.id).last_event_at - MONDAY == timedelta(
        minutes=15, microseconds=1
    )
