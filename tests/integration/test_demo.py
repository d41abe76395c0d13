"""The demo tells the truth: its numbers come from what is there, and it sees what is missing."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from functools import partial

import pytest
from rich.console import Console

from omniroute.cli import main
from omniroute.cli.demo import show
from omniroute.cli.demo.ledger import Evidence, Item, Posted, items_of, lost_items, tally
from omniroute.cli.demo.world import Person, open_world
from omniroute.model.wire import RawRequest, RawResponse
from omniroute.testing.standin import WebhookBuilder
from omniroute.web import handle_webhook

WEBHOOKS = 13


def performed(handle=handle_webhook):
    out = io.StringIO()
    result = show.perform(Console(file=out, width=100), handle, "memory://")
    return result, out.getvalue()


# --- as people run it -----------------------------------------------------------------------------


def test_the_demo_ends_with_its_count():
    done = subprocess.run(
        [sys.executable, "-m", "omniroute", "demo"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[-1] == ("demo: 14 received, 6 conversations, 6 assigned, 9 sent, 6 ended, 0 lost")
    assert sum(line.startswith("demo: ") for line in lines) == 1
    assert "\x1b" not in done.stdout


def test_every_promise_of_the_demo_is_told_with_its_reason():
    _, told = performed()
    for fact in (
        r"inbox +vip +override",
        r"answer by  09:00:52 +40s: override",
        r"inbox +general +primary inbox for whatsapp",
        r"queue +general/Orders +entry point",
        r"queue +general/Support +chosen in the menu",
        r"agent +Ana +holds 0 of 2 since 09:00:00",
        r"runner-up  Ben +holds 1 of 2 since 09:01:09",
        r"refused +Chloé +not available: holds 0 of 2",
        r"agent +nobody +the conversation waits",
        r"refused +Dora +at capacity: holds 1 of 1",
        r"09:03:40 +c_4 +desk +first response is overdue",
        r"next is +Viktor +nobody has waited longer: 1m",
        r"answer +200 +0 accepted, 1 received before",
        r"answer +200 +2 accepted, 0 received before",
        r"rejected +entry\[0\]\.changes\[1\].*from: cannot be used",
        r"Maria +reaction 👍 to \"Good morning",
        r"reports delivered",
        r"reports read",
        r"to Lucía: \[image\] \"It is with the courier",
        r"sent as +wamid\.OUT00000001 +over HTTP",
    ):
        assert re.search(fact, told), fact


def test_it_fits_a_narrow_terminal():
    out = io.StringIO()
    show.perform(Console(file=out, width=80), store="memory://")
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_two_performances_are_the_same_to_the_letter():
    assert performed() == performed()


def test_the_wheel_carries_the_example_as_it_is(project):
    shipped = project / "src" / "omniroute" / "cli" / "demo" / "helpdesk.toml"
    assert shipped.read_bytes() == (project / "examples" / "helpdesk.toml").read_bytes()


# --- hosts that lose something --------------------------------------------------------------------


def keeps(request):
    """Answer as if everything were stored, and store nothing."""
    body = {"accepted": len(items_of(request.body)), "duplicates": 0, "rejected": []}
    return RawResponse(body=json.dumps(body).encode())


def dropping(number, seen):
    """Return a host that swallows one webhook, and notes in `seen` what came with each."""

    def handle(desks, request):
        if not request.body:  # the handshake
            return handle_webhook(desks, request)
        seen.append({item.key for item in items_of(request.body)})
        return keeps(request) if len(seen) == number else handle_webhook(desks, request)

    return handle


def swallowing(mark):
    """Return a host that swallows the first webhook with a text in it."""
    left = [mark.encode()]

    def handle(desks, request):
        if left and left[0] in request.body:
            left.clear()
            return keeps(request)
        return handle_webhook(desks, request)

    return handle


def without_the_last_change(desks, request):
    """Lose the last item of every batch, and answer as if it were stored."""
    if not request.body or len(items_of(request.body)) == 1:
        return handle_webhook(desks, request)
    body = json.loads(request.body)
    del body["entry"][0]["changes"][-1]
    return handle_webhook(desks, signed(json.dumps(body).encode()))


def signed(body):
    builder = WebhookBuilder(phone_number_id="1", app_secret="stand-in-app-secret")
    return builder.webhook(body)


def test_no_webhook_is_missing_from_the_tests_below():
    seen: list[set[str]] = []
    performed(dropping(0, seen))
    assert len(seen) == WEBHOOKS


@pytest.mark.parametrize("number", range(1, WEBHOOKS + 1))
def test_what_is_acknowledged_and_dropped_is_lost_whichever_webhook_it_is(number):
    seen: list[set[str]] = []
    result, told = performed(dropping(number, seen))
    lost = {key for key in seen[number - 1] if sum(key in each for each in seen) == 1}
    assert {item.key for item in result.lost} == lost
    assert result.ok is not bool(lost)
    assert told.splitlines()[-1].endswith(f", {len(lost)} lost")
    assert all(f"lost: {item.kind} {item.key}" in told for item in result.lost)


def test_one_item_of_a_batch_that_is_dropped_is_lost():
    result, told = performed(without_the_last_change)
    assert [item.where for item in result.lost] == ["entry[0].changes[2].value.messages[0]"]
    assert told.splitlines()[-1].endswith(", 1 lost")


def test_what_the_provider_sends_again_is_not_lost():
    result, _ = performed(swallowing('"body": "2"'))
    assert (result.lost, result.problems) == ((), ())


def test_a_loss_makes_the_command_fail(capsys, monkeypatch):
    faulty = partial(show.perform, handle=swallowing("👍"), store="memory://")
    monkeypatch.setattr(show, "perform", faulty)
    assert main(["demo"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith(", 1 lost")


def test_what_is_stored_twice_is_a_problem():
    def twice(desks, request):
        first = handle_webhook(desks, request)
        if b"4711" in request.body:
            handle_webhook(desks, signed(request.body.replace(b"wamid.IN", b"wamid.XX")))
        return first

    result, told = performed(twice)
    assert not result.lost
    assert not result.ok
    assert "is stored and was never sent" in told


def test_a_refused_webhook_is_a_problem_and_no_loss():
    def busy(desks, request):
        return (
            RawResponse(status=503)
            if b"Hi there" in request.body
            else handle_webhook(desks, request)
        )

    result, _ = performed(busy)
    assert not result.lost
    assert any("answered 503" in problem for problem in result.problems)


# --- the count itself -----------------------------------------------------------------------------

MARIA = Person("Maria", "16505550101", "whatsapp-platinum")


@pytest.fixture
def world():
    with open_world(store="memory://") as world:
        world.post(world.webhooks(MARIA).text(MARIA.phone, "Hello", id="wamid.1"))
        yield world


def test_the_count_asks_the_store(world):
    result = tally(world.desk, world.posted, [])
    assert (result.received, result.conversations, result.assigned) == (1, 1, 0)
    assert (result.sent, result.ended, result.lost) == (0, 0, ())
    assert result.problems == ("conversation c_1 is still queued",)


def test_the_provider_has_the_last_word_on_what_was_sent(world):
    world.desk.set_available("dora")
    world.desk.reply("c_1", "Hi", by="dora")
    assert "1 messages still wait to be sent" in tally(world.desk, world.posted, []).problems
    world.desk.deliver()
    took = [message.id for message in world.provider.accepted]
    assert tally(world.desk, world.posted, took).sent == 1
    claims = "the desk says 1 messages are sent, the provider took 0"
    assert claims in tally(world.desk, world.posted, []).problems


def test_a_message_that_was_given_up_is_a_problem(world):
    world.desk.set_available("dora")
    world.desk.reply("c_1", "Hi", by="dora")
    world.provider.fail_next(status=400, code=131026)
    world.desk.deliver()
    problems = tally(world.desk, world.posted, []).problems
    assert any("was given up" in problem for problem in problems)


def posted(item, *, status=200, rejected=()):
    answer = RawResponse(status=status, body=json.dumps({"rejected": list(rejected)}).encode())
    return Posted(RawRequest(), (item,), answer)


def evidence(*statuses):
    found = Evidence.of((), ())
    found.statuses.update(statuses)
    return found


MESSAGE = Item("message", "wamid.1", "entry[0].changes[0].value.messages[0]")
READ = Item("status", "out:read", "entry[0].changes[0].value.statuses[0]", "out", "read")


@pytest.mark.parametrize(
    "answer,lost",
    [
        ({}, [MESSAGE]),
        ({"status": 503}, []),
        ({"rejected": ["wamid.1: its conversation has ended"]}, []),
        ({"rejected": [f"{MESSAGE.where}: cannot be used"]}, []),
        ({"rejected": [f"{MESSAGE.where}.from: cannot be used"]}, []),
        ({"rejected": ["wamid.1: "]}, [MESSAGE]),
        ({"rejected": ["wamid.12: its conversation has ended"]}, [MESSAGE]),
    ],
)
def test_only_a_reason_excuses_what_is_not_there(answer, lost):
    assert lost_items([posted(MESSAGE, **answer)], evidence()) == lost


def test_a_status_counts_where_it_was_noted_of_its_message():
    assert lost_items([posted(READ)], evidence(("out", "read"))) == []
    assert lost_items([posted(READ)], evidence(("out", "delivered"), ("other", "read"))) == [READ]


def test_an_item_that_was_sent_twice_is_lost_once():
    assert lost_items([posted(MESSAGE), posted(MESSAGE)], evidence()) == [MESSAGE]


def test_an_answer_that_is_no_json_excuses_nothing():
    each = Posted(RawRequest(), (MESSAGE,), RawResponse(body=b"ok"))
    assert lost_items([each], evidence()) == [MESSAGE]
