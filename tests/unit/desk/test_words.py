"""BACK, EXIT, keywords, direct access and hidden queues, as a contact meets them."""

from __future__ import annotations

from typing import Any

import pytest

import omniroute as om
from omniroute.model.state import EndReason, State
from omniroute.model.wire import Inbound, InboundKind, Sender
from tests.unit.desk.helpers import assert_folds, every_conversation, told

TREE = ["Deutsch", ["Bestellung", "Technik", ["Router", "Mobil"]], "English", ["Orders", "Secret"]]


def a_desk(**changes: Any) -> dict[str, Any]:
    """Return a desk with a menu, words, keywords and a direct access point."""
    inbox: dict[str, Any] = {
        "sla": 15,
        "primary_for": ["chat"],
        "queues": TREE,
        "at": {
            "Deutsch": {"language": "de"},
            "English": {"language": "en"},
            "Deutsch/Bestellung": {"keywords": "Rechnung, zahlen bezahlen"},
            "English/Orders": {"keywords": ["pay"]},
            "English/Secret": {"hidden": True, "keywords": ["geheim"]},
        },
    }
    document: dict[str, Any] = {
        "desk": "acme",
        "policy": {"back_words": ["zurück", "back"], "exit_words": ["tschüss", "exit"]},
        "inboxes": {"general": inbox},
        "entry_points": {"main": {"channel": "chat", "address": "main-address"}},
        "direct_access": {
            "ad": {"keys": {"campaign": "spring"}, "queue": "general/English/Secret"},
            "both": {
                "keys": {"app": "ios", "screen": "pay"},
                "queue": "general/Deutsch/Bestellung",
            },
        },
        "agents": {"ana": {"serves": ["general/**"]}},
    }
    return {**document, **changes}


def first(p, text: str | None = "Hello", **fields: Any) -> om.ConversationView:
    sender = Sender(addresses=("maria",))
    item = Inbound(
        kind=InboundKind.MESSAGE,
        key="k1",
        address="main-address",
        text=text,
        sender=sender,
        **fields,
    )
    received: om.Received = p.desk.receive("main", item)
    (chat,) = received.conversations
    return chat


@pytest.mark.req("U55", "U57")
@pytest.mark.parametrize(
    "word", ["back", " BACK! ", "ＺＵＲＵＥＣＫ".replace("ＵＥ", "Ü"), "b\u200back"]
)
def test_back_leads_one_level_up_and_at_the_top_shows_the_top_again(play, word):
    p = play(a_desk())
    maria = p.contact("Maria")
    for text in ("Hello", "Deutsch", "Technik", word, word, word):
        chat = maria.writes(text)
        p.deliver()
    assert chat.state is State.SELECTING
    tops = [each.splitlines()[1:] for each in maria.got]
    assert tops == [
        ["1. Deutsch", "2. English"],
        ["1. Bestellung", "2. Technik"],
        ["1. Router", "2. Mobil"],
        ["1. Bestellung", "2. Technik"],
        ["1. Deutsch", "2. English"],
        ["1. Deutsch", "2. English"],
    ]
    assert_folds(p)


@pytest.mark.req("U57")
def test_back_means_nothing_outside_the_menu(play):
    p = play(a_desk())
    maria = p.contact("Maria")
    for text in ("pay", "back"):
        chat = maria.writes(text)
    assert (chat.state, chat.queue) == (State.QUEUED, "general/English/Orders")


@pytest.mark.req("U56", "U57")
@pytest.mark.parametrize("word", ["exit", "*EXIT*", "Ｅｘｉｔ!", "Tschu\u0308ss"])
@pytest.mark.parametrize("way", [["Hello"], ["pay"], ["pay", "on"]])
def test_exit_ends_the_conversation_in_every_state(play, word, way):
    p = play(a_desk())
    maria = p.contact("Maria")
    for text in way:
        p.agent("ana").on() if text == "on" else maria.writes(text)
    chat = maria.writes(word)
    assert chat.state is State.ENDED
    (ended,) = told(p, om.Ended)
    assert (ended.ending, ended.actor) == (EndReason.CONSUMER, "contact")
    assert p.desk.messages(chat.id)[-1].text == word
    assert_folds(p)


@pytest.mark.req("U57")
def test_exit_is_the_whole_message(play):
    p = play(a_desk())
    assert p.contact("Maria").writes("Where is the exit?").state is State.SELECTING
    assert p.contact("Maria").writes("exit please").state is State.SELECTING


def test_exit_opens_and_reopens_nothing(play):
    p = play(a_desk(preset="claim"))
    maria = p.contact("Maria")
    with pytest.raises(ValueError, match="not enough values"):
        first(p, "exit")
    assert every_conversation(p) == []
    chat = maria.writes("pay")
    maria.writes("exit")
    again = maria.writes("EXIT")
    assert (again.id, again.state) == (chat.id, State.ENDED)
    assert len(told(p, om.Ended)) == 1
    assert_folds(p)


@pytest.mark.req("U59", "U60")
@pytest.mark.parametrize("word", ["Rechnung", "ZAHLEN", "bezahlen.", "ｂｅｚａｈｌｅｎ"])
def test_a_keyword_leads_a_first_message_straight_to_its_queue(play, word):
    p = play(a_desk())
    chat = first(p, word)
    assert (chat.state, chat.queue) == (State.QUEUED, "general/Deutsch/Bestellung")
    (opened,) = told(p, om.Opened)
    assert opened.route.queue_source == "keyword"


@pytest.mark.req("U60")
def test_a_keyword_later_on_and_in_a_sentence_is_no_keyword(play):
    p = play(a_desk())
    maria = p.contact("Maria")
    assert maria.writes("I want to pay").state is State.SELECTING
    assert maria.writes("pay").state is State.SELECTING


@pytest.mark.req("U59", "U79")
def test_keywords_that_are_switched_off_lead_nowhere_and_stay_written(play):
    p = play(a_desk(policy={"enabled": {"keywords": False}}))
    assert first(p, "pay").state is State.SELECTING
    assert p.desk.config.inboxes["general"].traits["English/Orders"].keywords == ("pay",)


def test_a_keyword_of_two_languages_brings_the_menu(play):
    document = a_desk()
    document["inboxes"]["general"]["at"]["Deutsch/Bestellung"]["keywords"] = ["pay"]
    p = play(document)
    assert first(p, "pay").state is State.SELECTING


@pytest.mark.req("U62", "U24")
def test_direct_access_leads_past_the_menu_to_hidden_queues_too(play):
    p = play(a_desk())
    chat = first(p, access_keys={"campaign": "spring", "more": "x"})
    assert (chat.queue, chat.language) == ("general/English/Secret", "en")
    assert told(p, om.Opened)[0].route.queue_source == "direct access"


@pytest.mark.req("U62")
@pytest.mark.parametrize("keys", [{}, {"app": "ios"}, {"campaign": "summer"}])
def test_without_all_of_its_keys_the_menu_follows(play, keys):
    assert first(play(a_desk()), access_keys=keys).state is State.SELECTING


@pytest.mark.req("U61")
def test_direct_access_comes_before_a_keyword_and_a_keyword_before_the_menu(play):
    p = play(a_desk())
    keys = {"app": "ios", "screen": "pay"}
    assert first(p, "pay", access_keys=keys).queue == "general/Deutsch/Bestellung"


@pytest.mark.req("U24")
def test_a_hidden_queue_is_not_listed_not_chosen_and_the_numbers_close_up(play):
    document = a_desk()
    document["inboxes"]["general"]["at"]["Deutsch/Bestellung"] = {"hidden": True}
    document["inboxes"]["general"]["at"]["English/Secret"] = {}
    del document["direct_access"]
    p = play(document)
    maria = p.contact("Maria")
    maria.writes("Hello")
    maria.writes("Deutsch")
    p.deliver()
    assert maria.got[-1].splitlines()[1:] == ["1. Technik"]
    assert maria.writes("Bestellung").state is State.SELECTING
    maria.writes("1")
    p.deliver()
    assert maria.got[-1].splitlines()[1:] == ["1. Router", "2. Mobil"]


@pytest.mark.req("U24")
def test_a_keyword_leads_to_a_hidden_queue(play):
    assert first(play(a_desk()), "geheim").queue == "general/English/Secret"


def test_the_only_queue_that_is_shown_needs_no_menu(play):
    document = a_desk()
    document["inboxes"]["general"]["at"]["Deutsch"]["hidden"] = True
    assert first(play(document)).queue == "general/English/Orders"


@pytest.mark.req("U13")
def test_a_conversation_carries_the_language_that_was_chosen(play):
    p = play(a_desk())
    maria = p.contact("Maria")
    assert maria.writes("Hello").language is None
    assert maria.writes("Deutsch").language == "de"
    chat = maria.writes("Bestellung")
    assert (chat.state, chat.language) == (State.QUEUED, "de")
    assert om.as_json(p.desk.conversation(chat.id))["language"] == "de"


@pytest.mark.req("R14")
def test_words_are_literals(play):
    p = play(a_desk(policy={"exit_words": [".*", "(a+)+$"]}))
    maria = p.contact("Maria")
    assert maria.writes("Hello").state is State.SELECTING
    assert maria.writes("a" * 500 + "!").state is State.SELECTING
    assert maria.writes("(a+)+$").state is State.ENDED
