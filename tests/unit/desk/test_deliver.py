"""Delivery: committed messages go out, in order, and what came of them is written down."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from omniroute.desk.runtime import Runtime
from omniroute.desk.statuses import set_status as really_set
from omniroute.errors import PluginError, SecretMissing, StoreError, UnsupportedContent
from omniroute.instants import HOUR, MINUTE, SECOND
from omniroute.model import events as tell
from omniroute.model.desk_config import EntryPointConfig
from omniroute.model.wire import (
    Accepted,
    Attachment,
    DeliveryStatus,
    InboundKind,
    OutRequest,
    OutResponse,
    Permanent,
    Retryable,
    Unknown,
)
from omniroute.rules.delivery import LEASE, MAX_ATTEMPTS
from omniroute.schema import EARLY_STATUSES, MESSAGES, OUTBOX
from omniroute.testing import MONDAY, ScriptedAdapter, a_config, an_inbound
from tests.unit.desk.helpers import assert_folds, stored, told

D = DeliveryStatus
PUSH = a_config(preset="push", agents=("ana",))


@pytest.fixture
def p(play):
    p = play(PUSH)
    p.agent("ana").on()
    return p


@pytest.fixture
def chat(p):
    return p.contact("Maria").writes("Hello")


def says(p, chat, *texts):
    return [p.desk.reply(chat.id, text, by="ana") for text in texts]


def status_of(p, message):
    return stored(p, MESSAGES, message.id).status


def report(p, target, status, *, key, at=None, **fields):
    item = an_inbound(None, kind=InboundKind.STATUS, key=key, target=target, status=status)
    return p.desk.receive("main", evolve(item, sender=None, at=at, **fields)).items[0]


# --- going out ------------------------------------------------------------------------------------


def test_nothing_is_sent_before_it_is_delivered(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    assert p.provider.sent == []
    assert p.desk.deliver() == 1
    assert [(each.text, each.message) for each in p.provider.sent] == [("Hi", written.id)]
    assert status_of(p, written) is D.SENT
    assert p.desk.waiting_to_send() == 0
    assert p.desk.deliver() == 0
    assert_folds(p)


def test_messages_of_one_conversation_go_out_in_order(p, chat) -> None:
    says(p, chat, "one", "two", "three")
    assert p.desk.deliver() == 3
    assert p.contact("Maria").got == ["one", "two", "three"]


def test_at_most_as_many_are_tried_as_asked_for(p) -> None:
    for number in range(3):
        says(p, p.contact(f"N{number}").writes("Hello"), "Hi")
    assert p.desk.deliver(limit=2) == 2
    assert p.desk.waiting_to_send() == 1


def test_what_was_last_carried_in_is_carried_out(play) -> None:
    contexts = []

    class Watching(ScriptedAdapter):
        def send(self, message, context, settings):
            contexts.append((message.to, context.carry))
            return super().send(message, context, settings)

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Watching("chat")
    p.agent("ana").on()
    maria = p.contact("Maria")
    chat = maria.writes("Hello")
    maria.sends(InboundKind.MESSAGE, text="one", carry={"token": "t1"})
    maria.sends(InboundKind.MESSAGE, text="two", carry={"token": "t2"})
    maria.sends(InboundKind.REACTION, emoji="+1", target="in-2")
    for number in range(25):
        p.desk.note(chat.id, f"note {number}", by="ana")
    says(p, chat, "Hi")
    p.desk.deliver()
    assert contexts == [("addr-maria", {"token": "t2"})]


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.req("S12")
def test_a_head_that_can_be_retried_holds_up_its_own_conversation_only(p, chat) -> None:
    other = p.contact("Otto").writes("Hello")
    says(p, chat, "one", "two")
    p.provider.answer_next(Retryable("busy"))
    says(p, other, "Hi Otto")
    p.desk.deliver()
    assert p.contact("Maria").got == []
    assert p.contact("Otto").got == ["Hi Otto"]
    p.advance("10s")
    assert p.contact("Maria").got == ["one", "two"]


def test_it_is_tried_again_under_the_same_id_when_its_time_has_come(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    p.provider.answer_next(Retryable("busy"))
    p.desk.deliver()
    again = p.desk.next_delivery()
    assert timedelta(seconds=5) <= again - MONDAY < timedelta(seconds=6.25)
    assert p.desk.deliver(now=again - timedelta(microseconds=1)) == 0
    assert p.desk.deliver(now=again) == 1
    assert [each.message for each in p.provider.sent] == [written.id]


def test_what_is_never_taken_ends_dead_after_so_many_tries(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    p.provider.answer_next(*[Retryable("busy")] * MAX_ATTEMPTS)
    p.advance("7d")
    (dead,) = p.desk.dead_letters()
    assert (dead.message, dead.attempts, dead.reason) == (written.id, MAX_ATTEMPTS, "busy")
    assert status_of(p, written) is D.FAILED


@pytest.mark.req("S12")
def test_a_dead_head_unblocks_those_behind_it(p, chat) -> None:
    first, _ = says(p, chat, "one", "two")
    p.provider.answer_next(Permanent("no such number"))
    assert p.desk.deliver() == 2
    assert p.contact("Maria").got == ["two"]
    assert [each.message for each in p.desk.dead_letters()] == [first.id]
    message = stored(p, MESSAGES, first.id)
    assert (message.status, message.error) == (D.FAILED, "no such number")


@pytest.mark.req("S12")
def test_what_may_have_gone_out_is_not_sent_again(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    p.provider.answer_next(Unknown("timed out"))
    p.desk.deliver()
    p.advance("7d")
    assert p.provider.sent == []
    assert [each.reason for each in p.desk.dead_letters()] == ["unknown: timed out"]
    assert status_of(p, written) is D.UNKNOWN


@pytest.mark.req("S12")
def test_what_may_have_gone_out_is_sent_again_where_that_is_harmless(play) -> None:
    class Idempotent(ScriptedAdapter):
        def capabilities(self, settings):
            return evolve(super().capabilities(settings), idempotent_send=True)

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Idempotent("chat")
    p.agent("ana").on()
    says(p, p.contact("Maria").writes("Hello"), "Hi")
    p.provider.answer_next(Unknown("timed out"))
    p.desk.deliver()
    p.advance("1m")
    assert p.contact("Maria").got == ["Hi"]


def test_an_adapter_that_refuses_a_message_kills_that_message_only(play) -> None:
    class Picky(ScriptedAdapter):
        def send(self, message, context, settings):
            if message.text == "no":
                raise UnsupportedContent("not this")
            return super().send(message, context, settings)

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Picky("chat")
    p.agent("ana").on()
    says(p, p.contact("Maria").writes("Hello"), "no", "yes")
    p.desk.deliver()
    assert p.contact("Maria").got == ["yes"]
    assert [each.reason for each in p.desk.dead_letters()] == ["not this"]


def test_a_message_in_parts_goes_on_where_it_stopped(play) -> None:
    steps = []

    class Parts(ScriptedAdapter):
        def send(self, message, context, settings):
            steps.append((context.step, context.sent_ids))
            yield OutRequest(method="POST", url="scripted://provider", body=b"{}")
            if context.step == 0:
                return Retryable("busy", step=1, sent_ids=("part-1",))
            return Accepted((*context.sent_ids, "part-2"))

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Parts("chat")
    p.agent("ana").on()
    (written,) = says(p, p.contact("Maria").writes("Hello"), "long")
    p.provider.answer_next(*[Permanent("not looked at")] * 2)
    p.desk.deliver()
    p.advance("1m")
    assert steps == [(0, ()), (1, ("part-1",))]
    assert stored(p, MESSAGES, written.id).provider_ids == ("part-1", "part-2")


def test_a_crash_in_a_batch_writes_down_what_went_out(p) -> None:
    chats = [p.contact(f"N{number}").writes("Hello") for number in range(3)]
    written = [says(p, chat, "Hi")[0] for chat in chats]
    real, calls = p.provider.perform, []

    def breaking(request):
        calls.append(request)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(request)

    p.desk._runtime.transport = type("Breaking", (), {"perform": staticmethod(breaking)})()
    with pytest.raises(KeyboardInterrupt):
        p.desk.deliver()
    assert [status_of(p, each) for each in written] == [D.SENT, D.PENDING, D.PENDING]
    assert p.desk.deliver() == 0, "leased, until the lease runs out by itself"
    assert p.desk.deliver(now=MONDAY + timedelta(microseconds=LEASE)) == 2
    assert len(p.provider.sent) == 3


class Faulty(ScriptedAdapter):
    """Stumbles over one message, before or after its request."""

    def send(self, message, context, settings):
        if message.text == "early":
            raise KeyError("a secret")
        yield OutRequest(method="POST", url="scripted://provider", body=b"{}")
        if message.text == "late":
            raise KeyError("a secret")
        return None if message.text == "nothing" else Accepted(("sent-9",))


@pytest.fixture
def faulty(p, caplog):
    p.desks.registry._adapters["chat"] = Faulty("chat")
    p.provider.answer_next(*[Permanent("not looked at")] * 9)
    caplog.set_level("ERROR", logger="omniroute.desk")
    return p


@pytest.mark.parametrize(
    "text,reason",
    [
        ("late", "unknown: the adapter raised KeyError"),
        ("nothing", "unknown: the adapter's send returned no result: expected Accepted, "),
    ],
)
def test_what_an_adapter_stumbles_over_after_its_request_is_not_sent_again(
    faulty, caplog, text, reason
) -> None:
    stumbled, well = (faulty.contact(name).writes("Hello") for name in ("Maria", "Otto"))
    (bad,), (good,) = says(faulty, stumbled, text), says(faulty, well, "Hi")
    assert faulty.desk.deliver() == 2
    assert (status_of(faulty, bad), status_of(faulty, good)) == (D.UNKNOWN, D.SENT)
    (dead,) = faulty.desk.dead_letters()
    assert dead.reason.startswith(reason)
    assert bad.id in caplog.text


def test_what_an_adapter_stumbles_over_before_its_request_is_tried_again(faulty, caplog) -> None:
    stumbled, well = (faulty.contact(name).writes("Hello") for name in ("Maria", "Otto"))
    (bad,), (good,) = says(faulty, stumbled, "early"), says(faulty, well, "Hi")
    faulty.desk.deliver()
    assert (status_of(faulty, bad), status_of(faulty, good)) == (D.PENDING, D.SENT)
    faulty.advance("30d")
    (dead,) = faulty.desk.dead_letters()
    assert (dead.message, dead.attempts) == (bad.id, MAX_ATTEMPTS)
    assert dead.reason == "the adapter raised KeyError", "its text may hold a secret"


class Blurting:
    """An adapter that answers "bad" with what it was handed, or raises it, after its request."""

    def __init__(self) -> None:
        self.adapter = ScriptedAdapter("chat")
        self.result: Any = None
        self.capable = True
        self.asked: list[OutRequest] = []
        self.three: list[Any] = []

    def __getattr__(self, name):
        return getattr(self.adapter, name)

    def send(self, message, context, settings):
        yield OutRequest(method="POST", url="scripted://provider", body=b"{}")
        if isinstance(self.result, Exception) and message.text == "bad":
            raise self.result
        return self.result if message.text == "bad" else Accepted((message.id,))

    def capabilities(self, settings):
        if not self.capable:
            raise KeyError("a secret")
        return self.adapter.capabilities(settings)

    def perform(self, request):
        self.asked.append(request)
        return OutResponse(status=200)


@pytest.fixture
def blurting(p):
    """A desk with a bad message between good ones, and the adapter, which is its transport too."""
    adapter = p.desks.registry._adapters["chat"] = p.desk._runtime.transport = Blurting()
    adapter.three = [
        says(p, p.contact(name).writes("Hello"), text)[0]
        for name, text in (("Maria", "good"), ("Otto", "bad"), ("Ida", "good"))
    ]
    return p, adapter


def come_to(p, adapter):
    return [status_of(p, each) for each in adapter.three]


@pytest.mark.req("S12")
@pytest.mark.parametrize("result", [Accepted(("a\ud800b",)), Unknown("no \0 reason")])
def test_a_result_that_cannot_be_stored_is_unknown_and_nothing_goes_out_again(
    blurting, result
) -> None:
    p, adapter = blurting
    adapter.result = result
    assert p.desk.deliver() == 3
    p.advance("1h")
    assert come_to(p, adapter) == [D.SENT, D.UNKNOWN, D.SENT]
    assert len(adapter.asked) == 3


@pytest.mark.req("S12")
def test_an_adapter_that_cannot_tell_its_capabilities_leaves_the_result_unknown(blurting) -> None:
    p, adapter = blurting
    adapter.result, adapter.capable = Unknown("lost"), False
    assert p.desk.deliver() == 3
    assert come_to(p, adapter) == [D.SENT, D.UNKNOWN, D.SENT]
    assert [each.reason for each in p.desk.dead_letters()] == ["unknown: lost"]


def refusing(monkeypatch, message, *statuses) -> None:
    """Let a store refuse some statuses of one message."""
    real = really_set

    def set_status(unit, about, status, *rest):
        if about.id == message.id and status in statuses:
            raise ValueError("cannot be stored")
        return real(unit, about, status, *rest)

    monkeypatch.setattr("omniroute.desk.deliver.set_status", set_status)


@pytest.mark.req("S12")
def test_what_cannot_be_written_down_is_unknown_and_the_others_are_written_down(
    blurting, monkeypatch, caplog
) -> None:
    p, adapter = blurting
    adapter.result = Accepted(("out-1",))
    refusing(monkeypatch, adapter.three[1], D.SENT)
    assert p.desk.deliver() == 3
    assert come_to(p, adapter) == [D.SENT, D.UNKNOWN, D.SENT]
    (dead,) = p.desk.dead_letters()
    assert dead.reason == "unknown: what came of it could not be written down (ValueError)"
    assert "a batch could not be written down" in caplog.text
    p.advance("1h")
    assert len(adapter.asked) == 3


@pytest.mark.req("S12")
def test_one_that_cannot_be_written_down_at_all_keeps_nobody_elses_result(
    blurting, monkeypatch
) -> None:
    p, adapter = blurting
    adapter.result = Accepted(("out-1",))
    refusing(monkeypatch, adapter.three[1], D.SENT, D.UNKNOWN)
    for _ in range(MAX_ATTEMPTS + 5):
        with pytest.raises(ValueError, match="cannot be stored"):
            p.desk.deliver()
        p.desks._runtime.clock.advance("1m")
    assert come_to(p, adapter) == [D.SENT, D.PENDING, D.SENT]
    assert len(adapter.asked) == 2 + MAX_ATTEMPTS, "nothing is sent for ever"
    monkeypatch.undo()
    p.desk.deliver()
    assert [each.reason for each in p.desk.dead_letters()] == [
        "unknown: tried, and never written down"
    ]
    assert len(adapter.asked) == 2 + MAX_ATTEMPTS


def test_a_refusal_in_words_that_are_not_stored_is_listed_all_the_same(play) -> None:
    class Refusing(ScriptedAdapter):
        def send(self, message, context, settings):
            raise UnsupportedContent("not \0 \ud800 this")

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Refusing("chat")
    p.agent("ana").on()
    says(p, p.contact("Maria").writes("Hello"), "Hi")
    p.desk.deliver()
    assert [each.reason for each in p.desk.dead_letters()] == ["not \ufffd \ufffd this"]


@pytest.mark.parametrize(
    "error,reason",
    [
        (SecretMissing("META_TOKEN is not set"), "not set up: META_TOKEN is not set"),
        (PluginError("no adapter for channel kind 'chat'"), "not set up: no adapter for"),
        (ConnectionError("to the vault, with its password"), "not set up: ConnectionError"),
    ],
)
def test_what_a_process_is_not_set_up_to_send_is_left_to_others(
    p, chat, caplog, monkeypatch, error, reason
) -> None:
    (written,) = says(p, chat, "Hi")

    def not_here(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Runtime, "adapter", not_here)
        assert p.desk.deliver() == 1
    assert status_of(p, written) is D.PENDING
    entry = stored(p, OUTBOX, chat.id, written.position)
    assert entry.reason.startswith(reason)
    assert "nothing can be sent on 'main' here" in caplog.text
    p.advance("1m")
    assert p.contact("Maria").got == ["Hi"]


def test_a_store_that_fails_is_no_fault_of_a_message(p, chat, monkeypatch) -> None:
    (written,) = says(p, chat, "Hi")

    def no_answer(*_):
        raise StoreError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(Runtime, "current", no_answer)
        with pytest.raises(StoreError, match="no answer"):
            p.desk.deliver()
    assert status_of(p, written) is D.PENDING
    assert p.desk.dead_letters() == []
    p.advance(timedelta(microseconds=LEASE))
    assert p.contact("Maria").got == ["Hi"]


# --- statuses -------------------------------------------------------------------------------------


def test_reports_reach_the_message_they_speak_of(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    p.desk.deliver()
    at = MONDAY + timedelta(seconds=3)
    assert report(p, "sent-1", D.DELIVERED, key="s1").result == "accepted"
    report(p, "sent-1", D.READ, key="s2", at=p.clock.now() + 3 * SECOND)
    report(p, "sent-1", D.DELIVERED, key="s3")
    view = p.desk.messages(chat.id)[-1]
    assert (view.id, view.status, view.status_at) == (written.id, D.READ, at)
    assert [each.status for each in told(p, tell.DeliveryChanged)] == [D.SENT, D.DELIVERED, D.READ]


@pytest.mark.req("P16")
def test_reports_move_neither_state_nor_clocks(p, chat) -> None:
    says(p, chat, "Hi")
    p.desk.deliver()
    before = p.desk.conversation(chat.id)
    p.advance("5m")
    report(p, "sent-1", D.READ, key="s1")
    assert p.desk.conversation(chat.id) == before
    assert_folds(p)


@pytest.mark.req("R11")
def test_a_report_that_adds_nothing_tells_nothing(p, chat) -> None:
    says(p, chat, "Hi")
    p.desk.deliver()
    report(p, "sent-1", D.READ, key="s1")
    count = len(told(p, tell.DeliveryChanged))
    report(p, "sent-1", D.DELIVERED, key="s2")
    report(p, "sent-1", D.READ, key="s3")
    assert len(told(p, tell.DeliveryChanged)) == count


def test_a_failure_after_all_is_told_with_its_reason(p, chat) -> None:
    says(p, chat, "Hi")
    p.desk.deliver()
    report(p, "sent-1", D.FAILED, key="s1", error_code="131026", error_text="undeliverable")
    view = p.desk.messages(chat.id)[-1]
    assert (view.status, view.error) == (D.FAILED, "undeliverable")


def test_a_status_that_overtakes_the_answer_is_kept_for_it(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    early = report(p, "sent-1", D.DELIVERED, key="s1")
    assert (early.result, early.reason) == ("ignored", "its message is not known (yet)")
    report(p, "sent-1", D.SENT, key="s2")
    p.desk.deliver()
    assert status_of(p, written) is D.DELIVERED
    assert stored(p, EARLY_STATUSES, "main", "sent-1") is None


def test_a_status_finds_its_message_on_its_own_entry_point_only(play) -> None:
    second = EntryPointConfig(channel="chat", address="second")
    p = play(evolve(PUSH, entry_points={**PUSH.entry_points, "second": second}))
    p.agent("ana").on()
    says(p, p.contact("Maria").writes("Hello"), "Hi")
    p.desk.deliver()
    item = an_inbound(None, kind=InboundKind.STATUS, target="sent-1", status=D.READ)
    assert p.desk.receive("second", evolve(item, address="second")).items[0].result == "ignored"


def test_a_message_whose_answer_was_lost_is_found_by_our_own_id(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    p.provider.answer_next(Unknown("timed out"))
    p.desk.deliver()
    assert report(p, "wamid.7", D.DELIVERED, key="s1", outgoing=written.id).result == "accepted"
    assert p.desk.dead_letters() == []
    message = stored(p, MESSAGES, written.id)
    assert (message.status, message.provider_ids) == (D.DELIVERED, ("wamid.7",))
    assert report(p, "wamid.7", D.READ, key="s2").result == "accepted"
    assert status_of(p, written) is D.READ


class Overtaking:
    """A provider whose status, with our own id, is here before its answer, which gets lost."""

    def __init__(self, p, status: D, result: Any) -> None:
        self.p, self.status, self.result, self.transport = p, status, result, p.provider
        p.desk._runtime.transport = self

    def perform(self, request: OutRequest) -> OutResponse:
        ours = json.loads(request.body)["message"]
        report(self.p, "wamid.7", self.status, key="early", outgoing=ours)
        self.p.provider.answer_next(self.result)
        answer: OutResponse = self.transport.perform(request)
        return answer


@pytest.mark.req("S12")
@pytest.mark.parametrize("status", [D.SENT, D.DELIVERED, D.READ])
def test_what_was_reported_before_its_answer_got_lost_did_go_out(p, chat, status: D) -> None:
    (written,) = says(p, chat, "Hi")
    Overtaking(p, status, Unknown("timed out"))
    p.desk.deliver()
    assert p.desk.dead_letters() == []
    assert p.desk.waiting_to_send() == 0
    message = stored(p, MESSAGES, written.id)
    assert (message.status, message.provider_ids) == (status, ("wamid.7",))
    assert report(p, "wamid.7", D.READ, key="later").result == "accepted"


@pytest.mark.req("S12")
def test_a_failure_that_is_reported_before_the_answer_got_lost_is_listed(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    Overtaking(p, D.FAILED, Unknown("timed out"))
    p.desk.deliver()
    assert [each.message for each in p.desk.dead_letters()] == [written.id]
    assert status_of(p, written) is D.FAILED


@pytest.mark.req("S12")
def test_a_report_of_an_earlier_part_says_nothing_of_the_part_that_got_lost(p, chat) -> None:
    class Parts(ScriptedAdapter):
        def send(self, message, context, settings):
            yield OutRequest(method="POST", url="scripted://", body=b'{"message": "m_2"}')
            return Unknown("timed out", step=1, sent_ids=("wamid.7",))

    p.desks.registry._adapters["chat"] = Parts("chat")
    (written,) = says(p, chat, "long")
    assert written.id == "m_2"
    Overtaking(p, D.DELIVERED, Accepted(("not looked at",)))
    p.desk.deliver()
    assert [each.message for each in p.desk.dead_letters()] == [written.id]


def test_an_answer_after_its_report_adds_its_ids(p, chat) -> None:
    (written,) = says(p, chat, "Hi")
    Overtaking(p, D.DELIVERED, Accepted(("wamid.8",)))
    p.desk.deliver()
    message = stored(p, MESSAGES, written.id)
    assert (message.status, message.provider_ids) == (D.DELIVERED, ("wamid.8", "wamid.7"))


@pytest.mark.req("S1")
def test_a_report_is_not_told_before_what_it_speaks_of(p, chat) -> None:
    p.advance("1h")
    says(p, chat, "Hi")
    said = p.clock.now()
    p.clock.set(said - 30 * MINUTE)
    p.desk.deliver(now=MONDAY + timedelta(hours=2))
    report(p, "sent-1", D.READ, key="s1")
    assert [each.at for each in told(p, tell.DeliveryChanged)] == [said + HOUR, said]


def test_our_own_id_from_another_entry_point_says_nothing(play) -> None:
    second = EntryPointConfig(channel="chat", address="second")
    p = play(evolve(PUSH, entry_points={**PUSH.entry_points, "second": second}))
    p.agent("ana").on()
    (written,) = says(p, p.contact("Maria").writes("Hello"), "Hi")
    p.provider.answer_next(Unknown("timed out"))
    p.desk.deliver()
    item = an_inbound(None, kind=InboundKind.STATUS, target="x", status=D.READ, outgoing=written.id)
    assert p.desk.receive("second", evolve(item, address="second")).items[0].result == "ignored"
    assert status_of(p, written) is D.UNKNOWN


def test_an_attachment_is_sent_with_its_message(play) -> None:
    sent = []

    class Watching(ScriptedAdapter):
        def send(self, message, context, settings):
            sent.append((message.text, message.attachments))
            return super().send(message, context, settings)

    p = play(PUSH)
    p.desks.registry._adapters["chat"] = Watching("chat")
    p.agent("ana").on()
    chat = p.contact("Maria").writes("Hello")
    picture = Attachment(kind="image", ref="media-1")
    p.desk.reply(chat.id, by="ana", attachments=[picture])
    p.desk.deliver()
    assert sent == [(None, (picture,))]
