"""`desk.numbers`: proving that a number is the desk's, before a queue gets it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.config import load_config
from omniroute.desk import Desks
from omniroute.ids import SeededIds
from omniroute.schema import NUMBER_VERIFICATIONS
from omniroute.stores.memory import MemoryStore
from tests.unit.desk.helpers import position, stored, told

NUMBER = "+4930901820"
UNVERIFIED, PENDING, VERIFIED = om.Verification

DOCUMENT: dict[str, Any] = {
    "desk": "acme",
    "inboxes": {
        "general": {"primary_for": ["sms"], "sla": "15m", "queues": ["Deutsch", "English"]}
    },
    "entry_points": {"berlin": {"channel": "sms", "address": NUMBER}},
    "numbers": {NUMBER: {"label": "Berlin"}, "+442079460000": {"label": "London"}},
    "agents": {"boss": {"role": "administrator"}, "ana": {"serves": ["general/**"]}},
}
CONFIG = load_config(DOCUMENT)
ASSIGNED = evolve(
    CONFIG,
    numbers={**CONFIG.numbers, NUMBER: evolve(CONFIG.numbers[NUMBER], queue="general/English")},
)


@pytest.fixture
def p(play: Any) -> Any:
    return play(CONFIG)


def verify(p: Any, number: str = NUMBER) -> None:
    code = p.desk.numbers.request_code(number, by="boss").code
    assert p.desk.numbers.confirm(number, code, by="boss").refusal is None


def status(p: Any) -> list[om.Verification]:
    return [each.status for each in p.desk.numbers.list()]


@pytest.mark.req("M11")
def test_a_number_goes_from_unverified_over_pending_to_verified_and_the_log_tells(p: Any) -> None:
    assert status(p) == [UNVERIFIED, UNVERIFIED]
    asked = p.desk.numbers.request_code(NUMBER, by="boss")
    assert asked.code is not None
    assert asked.code not in repr(asked)
    assert asked.number.attempts_left == 5
    assert status(p) == [PENDING, UNVERIFIED]
    wrong = p.desk.numbers.confirm(NUMBER, "no", by="boss")
    assert (wrong.refusal, wrong.number.attempts_left) == (om.CodeRefusal.WRONG, 4)
    assert p.desk.numbers.confirm(NUMBER, asked.code, by="boss").number.status is VERIFIED
    events = told(p, om.NumberVerificationChanged)
    assert [(e.status, e.attempts, e.actor) for e in events] == [
        (PENDING, 0, "agent:boss"),
        (PENDING, 1, "agent:boss"),
        (VERIFIED, 1, "agent:boss"),
    ]
    assert asked.code not in repr(events)
    last, kept = events[-1], stored(p, NUMBER_VERIFICATIONS, NUMBER)
    assert (kept.status, kept.attempts, kept.at) == (last.status, last.attempts, last.at)


@pytest.mark.req("M11")
def test_a_code_that_came_too_late_or_was_replaced_proves_nothing(p: Any) -> None:
    first = p.desk.numbers.request_code(NUMBER).code
    second = p.desk.numbers.request_code(NUMBER).code
    assert p.desk.numbers.confirm(NUMBER, first).refusal is om.CodeRefusal.WRONG
    p.advance("10m")
    assert p.desk.numbers.confirm(NUMBER, second).refusal is om.CodeRefusal.EXPIRED
    assert status(p) == [UNVERIFIED, UNVERIFIED]


@pytest.mark.req("U64")
def test_an_unverified_number_is_assigned_to_no_queue_neither_by_apply_draft_nor_seed(
    p: Any,
) -> None:
    before = position(p)
    draft = p.desk.configure(by="boss")
    draft.put_number(NUMBER, queue="general/English")
    assert [each.path for each in draft.problems()] == [f'numbers."{NUMBER}".queue']
    for attempt in (
        draft.save,
        lambda: p.desk.apply(ASSIGNED),
        lambda: p.desks.create(evolve(ASSIGNED, desk="other")),
    ):
        with pytest.raises(om.ConfigError, match="the number is not verified"):
            attempt()
    assert position(p) == before
    p.desk.numbers.request_code(NUMBER)
    assert draft.problems()  # pending is not enough
    verify(p)
    assert draft.save() == 2


@pytest.mark.req("U65")
def test_a_verified_number_is_offered_assigned_viewed_and_taken_away_and_leads_to_its_queue(
    p: Any,
) -> None:
    verify(p)
    assert [each.number for each in p.desk.numbers.list(status=VERIFIED)] == [NUMBER]
    with p.desk.configure(by="boss") as draft:
        draft.put_number(NUMBER, queue="general/English")
    assert [each.label for each in p.desk.numbers.list(queue="general/English")] == ["Berlin"]
    assert p.contact("Maria", on="berlin").writes("Hello").queue == "general/English"
    with p.desk.configure(by="boss") as draft:
        draft.put_number(NUMBER, queue=None)
    assert p.desk.numbers.list(queue="general/English") == []
    assert p.contact("Otto", on="berlin").writes("Hello").queue is None


@pytest.mark.req("M11")
def test_a_plugin_brings_the_code_and_then_nobody_else_sees_it() -> None:
    sent = []

    class Sms:
        @om.hookimpl
        def omniroute_send_code(self, desk: str, number: str, code: str) -> bool | None:
            sent.append((desk, number, code))
            return number == NUMBER or None

    store = MemoryStore()
    desks = Desks(store, plugins=[Sms()], ids=SeededIds(), discover=False)
    desk = desks.create(evolve(CONFIG, entry_points={}))
    assert desk.numbers.request_code(NUMBER).code is None
    assert desk.numbers.request_code("+442079460000").code == sent[1][2]
    assert sent[0][:2] == ("acme", NUMBER)
    confirmed = asyncio.run(desks.aio["acme"].numbers.confirm(NUMBER, sent[0][2]))
    assert confirmed.number.status is VERIFIED


def test_who_may_not_and_what_is_not_there_is_refused(p: Any) -> None:
    with pytest.raises(om.PermissionDenied):
        p.desk.numbers.request_code(NUMBER, by="ana")
    with pytest.raises(om.PermissionDenied):
        p.desk.numbers.confirm(NUMBER, "1", by="ana")
    with pytest.raises(om.UsageError, match="there is no number"):
        p.desk.numbers.request_code("+4930901821")
    verify(p)
    with pytest.raises(om.UsageError, match="verified already"):
        p.desk.numbers.request_code(NUMBER)


# --- declared, taken away, brought back -----------------------------------------------------------


def declared(**changes: Any) -> Any:
    values = {"queue": "general/English", "verified": True, **changes}
    return evolve(
        CONFIG, numbers={**CONFIG.numbers, NUMBER: evolve(CONFIG.numbers[NUMBER], **values)}
    )


@pytest.mark.req("U64", "U65")
def test_a_configuration_may_say_that_a_number_is_verified_and_so_seed_a_desk(play: Any) -> None:
    p = play(declared())
    assert status(p) == [VERIFIED, UNVERIFIED]
    assert p.contact("Maria", on="berlin").writes("Hello").queue == "general/English"
    with pytest.raises(om.UsageError, match="is verified already"):
        p.desk.numbers.request_code(NUMBER)
    assert om.dump(p.desk.config)["numbers"][NUMBER]["verified"] is True
    assert load_config(om.dump(p.desk.config)).numbers == declared().numbers


@pytest.mark.req("U64")
def test_who_says_so_and_when_stands_in_the_version(p: Any) -> None:
    p.desk.numbers.request_code(NUMBER)
    p.advance("1h")
    with p.desk.configure(by="boss") as draft:
        draft.put_number(NUMBER, verified=True, queue="general/English")
    newest = p.desk.history().items[0]
    assert (newest.by, newest.at) == ("agent:boss", p.desk.history(limit=1).items[0].at)
    assert any("verified" in line for line in newest.changes)
    (number,) = p.desk.numbers.list(status=VERIFIED)
    assert (number.number, number.expires_at, number.attempts_left) == (NUMBER, None, None)


@pytest.mark.req("U64")
def test_what_is_said_no_more_holds_for_what_runs_and_not_for_what_is_new(play: Any) -> None:
    p = play(declared())
    p.desk.apply(declared(verified=False))
    assert status(p) == [UNVERIFIED, UNVERIFIED]
    assert p.contact("Maria", on="berlin").writes("Hello").queue == "general/English"
    p.desk.apply(declared(verified=False, queue="general/Deutsch"))
    p.desk.apply(declared(verified=False, queue=None))
    with pytest.raises(om.ConfigError, match="verified = true"):
        p.desk.apply(declared(verified=False))


@pytest.mark.req("U64", "M11")
def test_a_number_that_is_unassigned_while_a_code_waits_is_verified_by_it(play: Any) -> None:
    p = play(declared())
    p.desk.apply(declared(verified=False))
    code = p.desk.numbers.request_code(NUMBER).code
    p.desk.apply(declared(verified=False, queue=None))
    assert status(p)[0] is PENDING
    assert p.desk.numbers.confirm(NUMBER, code).number.status is VERIFIED
    p.desk.apply(declared(verified=False))
    assert p.desk.numbers.list(queue="general/English")[0].number == NUMBER


@pytest.mark.req("U64", "U65")
def test_a_number_that_is_removed_while_assigned_leads_nowhere_and_stays_proven(p: Any) -> None:
    verify(p)
    p.desk.apply(ASSIGNED)
    with p.desk.configure(by="boss") as draft:
        draft.remove_number(NUMBER, confirm=True)
    assert p.desk.numbers.list(queue="general/English") == []
    assert p.contact("Maria", on="berlin").writes("Hello").queue is None, "a menu asks"
    for act in (p.desk.numbers.request_code, lambda number: p.desk.numbers.confirm(number, "1")):
        with pytest.raises(om.UsageError, match="there is no number"):
            act(NUMBER)
    p.desk.rollback(to=2, by="boss")
    assert p.desk.numbers.list(queue="general/English")[0].status is VERIFIED
    assert p.contact("Otto", on="berlin").writes("Hello").queue == "general/English"


@pytest.mark.req("U64", "M11")
def test_a_number_that_is_removed_while_a_code_waits_is_as_it_was_when_it_is_back(p: Any) -> None:
    code = p.desk.numbers.request_code(NUMBER).code
    gone = {name: each for name, each in CONFIG.numbers.items() if name != NUMBER}
    p.desk.apply(evolve(CONFIG, numbers=gone))
    with pytest.raises(om.UsageError):
        p.desk.numbers.confirm(NUMBER, code)
    p.desk.apply(CONFIG)
    assert p.desk.numbers.confirm(NUMBER, code).refusal is None
