"""Commands under a key: asked twice, done once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from attrs import evolve

from omniroute.errors import AlreadyTaken, IdempotencyConflict
from omniroute.instants import DAY
from omniroute.model.policy import PolicySettings
from omniroute.model.state import State
from omniroute.model.wire import Attachment
from omniroute.schema import IDEMPOTENCY
from omniroute.testing import MONDAY, a_config
from tests.unit.desk.helpers import position, stored

CLAIM = a_config(preset="claim", agents=("ana", "bob"))
PHOTO = Attachment(kind="image", ref="media-1")


@pytest.fixture
def p(play):
    p = play(CLAIM)
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    return p


COMMANDS = {
    "take": lambda d, key: d.take("c_1", by="ana", key=key),
    "reply": lambda d, key: d.reply("c_1", "Hi", by="ana", key=key),
    "note": lambda d, key: d.note("c_1", "asked twice", by="ana", key=key),
    "tag": lambda d, key: d.tag("c_1", "refund", by="ana", key=key),
    "end": lambda d, key: d.end("c_1", by="ana", key=key),
}


@pytest.mark.req("R4")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_the_same_command_under_the_same_key_gives_the_first_result_again(p, command) -> None:
    first = command(p.desk, "req-17")
    before = position(p)
    p.clock.advance("1m")
    assert command(p.desk, "req-17") == first
    assert position(p) == before


@pytest.mark.req("R4")
def test_a_reply_that_is_asked_twice_is_sent_once(p) -> None:
    for _ in range(2):
        p.desk.reply("c_1", "Hi", by="ana", key="req-17")
    p.desk.deliver()
    assert p.contact("Maria").got == ["Hi"]
    p.desk.reply("c_1", "Hi", by="ana", key="req-18")
    p.desk.reply("c_1", "Hi", by="ana")
    p.desk.deliver()
    assert p.contact("Maria").got == ["Hi"] * 3


@pytest.mark.req("R4")
@pytest.mark.parametrize(
    "other",
    [
        lambda d: d.reply("c_1", "Hello", by="ana", key="req-17"),
        lambda d: d.reply("c_1", "Hi", by="bob", key="req-17"),
        lambda d: d.reply("c_2", "Hi", by="ana", key="req-17"),
        lambda d: d.note("c_1", "Hi", by="ana", key="req-17"),
        lambda d: d.end("c_1", by="ana", key="req-17"),
    ],
)
def test_the_same_key_for_another_command_is_an_error(p, other) -> None:
    p.contact("Otto").writes("Hello")
    p.desk.reply("c_1", "Hi", by="ana", key="req-17")
    before = position(p)
    with pytest.raises(IdempotencyConflict, match="req-17"):
        other(p.desk)
    assert position(p) == before


@pytest.mark.req("R4")
def test_what_was_refused_may_be_asked_again_under_its_key(p) -> None:
    p.agent("bob").on()
    p.agent("bob").takes(p.desk.conversation("c_1"))
    with pytest.raises(AlreadyTaken):
        p.desk.take("c_1", by="ana", key="req-17")
    p.desk.end("c_1", by="bob")
    p.contact("Maria").writes("again")
    assert p.desk.take("c_1", by="ana", key="req-17").agent == "ana"


@pytest.mark.req("R4")
@pytest.mark.parametrize("days,kept", [(None, 30), (2, 2)])
def test_keys_are_remembered_as_long_as_policy_says(play, days: int | None, kept: int) -> None:
    window = None if days is None else days * DAY
    p = play(a_config(agents=("ana",), policy=PolicySettings(idempotency_window=window)))
    p.contact("Maria").writes("Hello")

    def noted(now):
        return p.desk.note("c_1", "asked twice", by="ana", key="req-17", now=now).id

    first = noted(MONDAY)
    end = MONDAY + timedelta(days=kept)
    assert noted(end - timedelta(microseconds=1)) == first
    assert noted(end) != first


@pytest.mark.req("R4")
def test_forgotten_keys_leave_the_store(p) -> None:
    p.desk.note("c_1", "asked twice", by="ana", key="req-17")
    end = MONDAY + timedelta(days=30)
    p.desk.tick(now=end - timedelta(microseconds=1))
    assert stored(p, IDEMPOTENCY, "req-17") is not None
    p.desk.tick(now=end)
    assert stored(p, IDEMPOTENCY, "req-17") is None


def test_keys_of_one_desk_mean_nothing_on_another(play) -> None:
    one, other = play(CLAIM), play(CLAIM)
    for p in (one, other):
        p.contact("Maria").writes("Hello")
        assert p.desk.end("c_1", by="ana", key="req-17").state is State.ENDED


@pytest.mark.req("R4")
def test_a_tick_forgets_the_keys_whose_time_is_over_a_bounded_number_at_once(p) -> None:
    for number in range(250):
        p.desk.tag("c_1", "asked", by="ana", key=f"k{number:03}")
    last = MONDAY + timedelta(days=30)
    left = []
    for now in (last - timedelta(microseconds=1), last, last, last, last):
        p.desk.tick(now=now)
        left.append(sum(stored(p, IDEMPOTENCY, f"k{each:03}") is not None for each in range(250)))
    assert left == [250, 150, 50, 0, 0]


@pytest.mark.req("R4")
@pytest.mark.parametrize(
    "one,other",
    [
        ({"attachments": [PHOTO]}, {"attachments": [evolve(PHOTO, ref="media-2")]}),
        ({"attachments": [PHOTO]}, {}),
        ({}, {"confirm": True}),
        ({"text": "1"}, {"text": "1 "}),
        ({"text": "ü"}, {"text": "u\N{COMBINING DIAERESIS}"}),
    ],
)
def test_everything_that_was_asked_counts(p, one, other) -> None:
    def reply(**asked):
        return p.desk.reply("c_1", **{"text": "Hi", **asked}, by="ana", key="req-17")

    first = reply(**one)
    assert reply(**one) == first
    with pytest.raises(IdempotencyConflict):
        reply(**other)


@pytest.mark.req("R4", "R1")
def test_two_who_ask_at_once_under_one_key_do_it_once(play, tmp_path) -> None:
    p = play(CLAIM, store=f"sqlite:///{tmp_path / 'desk.db'}")
    p.contact("Maria").writes("Hello")
    given, start = [], threading.Barrier(4)

    def ask() -> None:
        start.wait()
        given.append(p.desk.note("c_1", "asked twice", by="ana", key="req-17").id)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 4
    assert set(given) == {p.desk.messages("c_1")[-1].id}
    assert len(p.desk.messages("c_1")) == 2


@pytest.mark.req("R4")
def test_agents_acting_for_themselves_have_keys_too(p) -> None:
    ana = p.desk.acting_as("ana")
    for act in (
        lambda: ana.take("c_1", key="k1"),
        lambda: ana.reply("c_1", "Hi", key="k2"),
        lambda: ana.note("c_1", "noted", key="k3"),
        lambda: ana.tag("c_1", "refund", key="k4"),
        lambda: ana.end("c_1", key="k5"),
    ):
        first, before = act(), position(p)
        assert act() == first
        assert position(p) == before
