"""What a configuration may say of channels, words, queues, timers, texts, numbers and agents."""

from __future__ import annotations

from typing import Any

import pytest

from omniroute.config import dump, dumps_toml, load_config, loads
from omniroute.errors import ConfigError
from omniroute.instants import MINUTE, SECOND
from omniroute.model.channel_type import CHANNEL_TYPES, ChannelFamily, channel_type
from omniroute.model.desk_config import InboxConfig
from omniroute.model.policy import KeepAlive, PolicySettings
from omniroute.rules.resolution import Setup
from tests.unit.rules.test_checks import found as problems_of


def a_desk(**changes: Any) -> dict[str, Any]:
    """Return a sound configuration with some sections replaced."""
    document: dict[str, Any] = {
        "inboxes": {
            "general": {
                "sla": 15,
                "primary_for": ["chat", "whatsapp", "sms", "email"],
                "queues": ["Deutsch", ["Technik", "Bestellung"], "English"],
            }
        },
        "accounts": {"one": {}, "two": {}},
    }
    return {**document, **changes}


def with_at(place: str, **settings: Any) -> dict[str, Any]:
    document = a_desk()
    document["inboxes"]["general"]["at"] = {place: settings}
    return document


def said(document: dict[str, Any]) -> list[str]:
    """Return the problems of a configuration, as a person reads them."""
    try:
        load_config(document)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_plain_one_is_sound():
    assert said(a_desk()) == []


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.req("T1")
def test_a_channel_has_a_name_and_a_type():
    assert said(a_desk(channels={"": {"type": "chat"}})) == ['channels."": a name is not empty']
    (missing,) = said(a_desk(channels={"sales": {}}))
    assert missing.startswith('channels.sales: needs a type, such as type = "whatsapp"')
    assert said(a_desk(channels={"sales": {"type": "whatsapp"}, "whatsapp": {}})) == []
    flows = {"entry_flow": "welcome", "exit_flow": "survey"}
    config = load_config(a_desk(channels={"chat": flows}))
    assert (config.channels["chat"].entry_flow, config.channels["chat"].exit_flow) == (
        "welcome",
        "survey",
    )
    assert said(a_desk(channels={"chat": {"entry_flow": ""}})) == [
        "channels.chat.entry_flow: a name is not empty"
    ]


@pytest.mark.req("U2")
def test_a_channel_that_support_has_not_enabled_cannot_be_active():
    text = (
        "WhatsApp app activation is required to proceed further. "
        "WhatsApp chat will be available after activation."
    )
    channel = {"enabled_by_support": False}
    assert said(a_desk(channels={"whatsapp": channel})) == [f"channels.whatsapp.active: {text}"]
    assert said(a_desk(channels={"whatsapp": {**channel, "active": False}})) == []
    assert said(a_desk(channels={"wa2": {**channel, "type": "whatsapp"}})) == [
        f"channels.wa2.active: {text}"
    ]


@pytest.mark.req("U3")
def test_a_social_channel_has_one_account_and_another_channel_another():
    def entry_points(*channels: str) -> dict[str, Any]:
        return {
            f"e{n}": {"channel": channel, "address": f"{n}", "account": account}
            for n, (channel, account) in enumerate(zip(channels, ("one", "two"), strict=True))
        }

    assert said(a_desk(entry_points=entry_points("whatsapp", "whatsapp"))) == [
        (
            'entry_points.e1.account: the channel "whatsapp" has the account "one" already; '
            "add another channel of its type"
        )
    ]
    assert said(a_desk(entry_points=entry_points("sms", "sms"))) == []
    more = a_desk(channels={"wa2": {"type": "whatsapp"}})
    more["inboxes"]["general"]["primary_for"].append("wa2")
    assert said({**more, "entry_points": entry_points("whatsapp", "wa2")}) == []


@pytest.mark.req("U4", "T17", "G1")
def test_the_types_there_are_and_what_they_are_called():
    whatsapp = channel_type("whatsapp")
    assert (whatsapp.id, whatsapp.name) == ("WHATSAPP", "Messaging (Whatsapp)")
    assert whatsapp.report_label == "Chats - WhatsApp:initiated via WhatsApp"
    families = {kind: each.family.value for kind, each in CHANNEL_TYPES.items()}
    wanted = {"voice": "voice", "sms": "sms", "chat": "chat", "email": "email"}
    wanted |= dict.fromkeys(("twitter", "instagram", "whatsapp"), "social")
    assert wanted.items() <= families.items()
    own = channel_type("carrier-pigeon")
    assert (own.name, own.family, own.gate) == ("carrier-pigeon", ChannelFamily.OTHER, None)


@pytest.mark.req("T5")
def test_channels_form_groups_and_may_be_in_several():
    groups: dict[str, Any] = {
        "social": {"description": "All that is public", "channels": ["whatsapp", "chat"]},
        "fast": {"channels": ["chat"]},
    }
    config = load_config(a_desk(channel_groups=groups))
    assert config.channel_groups["social"].channels == ("whatsapp", "chat")
    assert dump(config)["channel_groups"] == groups
    groups["fast"]["channels"] = ["chat", "chat", "watsapp"]
    assert said(a_desk(channel_groups=groups)) == [
        'channel_groups.fast.channels[1]: "chat" stands here twice',
        (
            'channel_groups.fast.channels[2]: there is no channel "watsapp"; did you mean "whatsapp"? '
            'Known are "chat", "whatsapp", "sms" and "email"'
        ),
    ]


@pytest.mark.req("G5", "G6", "G7")
@pytest.mark.parametrize(
    "channel,gate,right",
    [
        ("chat", "connected", "embedded"),
        ("sms", "forwarding_active", "connected"),
        ("email", "embedded", "forwarding_active"),
        ("whatsapp", "connected", None),
    ],
)
def test_a_gate_belongs_to_its_kind_of_channel(channel, gate, right):
    entry_point = {"channel": channel, "address": "a", gate: False}
    (problem,) = said(a_desk(entry_points={"e": entry_point}))
    expected = f'use "{right}"' if right else "such an entry point is live once it is added"
    assert problem == f'entry_points.e.{gate}: has no effect on "{channel}"; {expected}'


# --- words and queues -----------------------------------------------------------------------------


@pytest.mark.req("U8", "U9")
def test_protected_words_in_queues_names_are_told_where_they_stand():
    document = a_desk()
    document["inboxes"]["general"]["queues"] = ["Help desk", "Helpful", "A", ["ＳＴＯＰ"]]
    assert said(document) == [
        'inboxes.general.queues[0]: "Help desk" uses "HELP", a protected word',
        'inboxes.general.queues[3][0]: "ＳＴＯＰ" uses "STOP", a protected word',
    ]
    document["policy"] = {"protected_names": "whole_name"}
    assert said(document) == [
        'inboxes.general.queues[3][0]: "ＳＴＯＰ" uses "STOP", a protected word'
    ]


@pytest.mark.req("U10")
def test_new_words_for_back_and_exit_are_held_against_the_names_and_keywords_there_are():
    document = with_at("English", keywords="pay")
    assert said(document) == []
    document["policy"] = {"back_words": ["Technik"], "exit_words": ["PAY"]}
    assert said(document) == [
        'inboxes.general.queues[1][0]: "Technik" uses "Technik", a word for BACK or EXIT',
        'inboxes.general.at.English.keywords[0]: "pay" is a word for BACK or EXIT',
    ]


@pytest.mark.req("U56", "U55")
def test_words_for_back_and_exit_are_words_are_not_protected_and_have_none_in_common():
    policy = {"back_words": ["back", "ＢＡＣＫ!", " "], "exit_words": ["exit", "STOP", "Back."]}
    assert said(a_desk(policy=policy)) == [
        "policy.back_words[2]: a word is not empty",
        'policy.exit_words[1]: "STOP" is a protected word (STOP)',
        'policy.exit_words[2]: "Back." is a word of back_words already (policy.back_words[0])',
    ]
    spread = a_desk(policy={"back_words": ["bye"]})
    spread["inboxes"]["general"]["policy"] = {"exit_words": ["bye"]}
    assert len(said(spread)) == 1


@pytest.mark.req("U59", "U61")
def test_keywords_are_split_are_unique_within_a_language_and_are_no_protected_words():
    config = load_config(with_at("English", keywords="pay, bill  invoice,money"))
    assert config.inboxes["general"].traits["English"].keywords == (
        "pay",
        "bill",
        "invoice",
        "money",
    )
    document = a_desk()
    document["inboxes"]["general"]["at"] = {
        "Deutsch": {"language": "de"},
        "Deutsch/Technik": {"keywords": ["hilfe", "STOP", "two words", ""]},
        "Deutsch/Bestellung": {"keywords": ["Ｈｉｌｆｅ"]},
        "English": {"keywords": ["hilfe"]},
    }
    at = 'inboxes.general.at."Deutsch/Technik".keywords'
    assert said(document) == [
        f'{at}[1]: "STOP" is a protected word',
        f'{at}[2]: "two words" is more than one keyword; commas and spaces separate them',
        f"{at}[3]: a keyword has from 1 to 64 characters",
        (
            'inboxes.general.at."Deutsch/Bestellung".keywords[0]: "Ｈｉｌｆｅ" is a keyword of '
            '"Deutsch/Technik" already'
        ),
    ]


@pytest.mark.req("U5")
def test_a_tree_is_flat_or_of_any_depth_and_a_leaf_has_no_children():
    queues: list[Any] = ["Deepest"]
    for depth in range(12, 0, -1):
        queues = [f"Level {depth}", queues, f"Beside {depth}"]
    document = a_desk()
    document["inboxes"]["general"]["queues"] = queues
    leaves = Setup(load_config(document), 1).leaves
    levels = "/".join(f"Level {depth}" for depth in range(1, 13))
    assert leaves[0] == f"general/{levels}/Deepest"
    assert len(leaves) == 13
    assert load_config(a_desk()).inboxes["general"].queues[1].children == ()


@pytest.mark.req("U13")
def test_languages_stand_at_the_top_and_are_tags():
    assert said(with_at("Deutsch", language="de-AT")) == []
    assert said(with_at("Deutsch/Technik", language="de")) == [
        (
            'inboxes.general.at."Deutsch/Technik".language: '
            "languages stand at the top of the tree; set it for the top queue"
        )
    ]
    assert said(with_at("Deutsch", language="german!")) == [
        (
            'inboxes.general.at.Deutsch.language: "german!" is no language; '
            "expected a tag such as de, en or pt-BR"
        )
    ]


@pytest.mark.req("U62")
def test_a_direct_access_point_has_keys_of_its_own_and_leads_to_a_leaf():
    def points(**each: Any) -> dict[str, Any]:
        return a_desk(direct_access=each)

    english = "general/English"
    assert said(points(a={"keys": {"k": "1"}, "queue": english})) == []
    assert said(
        points(
            a={"keys": {}, "queue": english},
            b={"keys": {"k": "1"}, "queue": "general/Deutsch"},
            c={"keys": {"k": "1"}, "queue": "general/Englisch"},
        )
    ) == [
        "direct_access.a.keys: expected at least one key",
        (
            'direct_access.b.queue: "general/Deutsch" is a branch; '
            'expected a queue such as "general/Deutsch/Technik"'
        ),
        'direct_access.c.keys: are those of "b", which comes first',
        (
            'direct_access.c.queue: no queue is named "general/Englisch"; did you mean '
            '"general/English"? Known are "general/Deutsch/Technik", "general/Deutsch/Bestellung" and '
            '"general/English"'
        ),
    ]


# --- timers and texts -----------------------------------------------------------------------------

TIMERS = (
    "unanswered_expiration",
    "after_hours_expiration",
    "chat_timeout",
    "hard_expiry",
    "selecting_expiration",
)


@pytest.mark.parametrize("timer", TIMERS)
@pytest.mark.parametrize(
    "written,minutes", [(1, 1), (10_080, 10_080), ("30m", 30), ("2h", 120), ("7d", 10_080)]
)
def test_a_timer_is_whole_minutes_up_to_a_week(timer, written, minutes):
    config = load_config(a_desk(policy={timer: written}))
    assert getattr(config.policy, timer) == minutes * MINUTE


@pytest.mark.parametrize("timer", TIMERS)
@pytest.mark.parametrize("written", [0, 10_081, -1, 1.5, True, "90s", "0m", "8d", "30", ""])
def test_anything_else_is_no_timer(timer, written):
    (problem,) = said(a_desk(policy={timer: written}))
    assert problem.startswith(f"policy.{timer}: expected whole minutes from 1 to 10080")


@pytest.mark.parametrize("micros", [0, MINUTE + 1, 10_081 * MINUTE, -MINUTE])
def test_a_program_is_held_to_the_same_limits(micros):
    (problem,) = problems_of(policy=PolicySettings(chat_timeout=micros))
    assert problem.startswith("policy.chat_timeout: expected whole minutes")


TEXTS = ("greeting", "after_hours_message", "dismissed_text", "ended_text")


@pytest.mark.req("U45")
@pytest.mark.parametrize("text", TEXTS)
def test_an_automatic_text_has_at_most_918_code_points(text):
    assert said(a_desk(policy={text: "😀" * 918})) == []
    assert said(a_desk(policy={text: "😀" * 919})) == [
        f"policy.{text}: is 919 characters long; at most 918 are sent"
    ]
    assert said(a_desk(policy={text: " "})) == [f"policy.{text}: a text is not empty"]


@pytest.mark.req("U45")
def test_the_warning_and_the_text_of_a_full_queue_are_automatic_texts_too():
    policy: dict[str, Any] = {"inactivity": {"after": "5m", "text": "x" * 919}}
    policy["assign"] = {"maximum": 3, "full_message": "x" * 919}
    assert said(a_desk(policy=policy)) == [
        "policy.inactivity.text: is 919 characters long; at most 918 are sent",
        "policy.assign.full_message: is 919 characters long; at most 918 are sent",
    ]


@pytest.mark.req("U45", "U44")
def test_the_template_is_counted_before_the_agents_name_stands_in_it():
    longest = "[agent name]" + "x" * (918 - len("[agent name]"))
    assert said(a_desk(policy={"dismissed_text": longest})) == []
    too_long = longest + "x"  # with any name in it, it would be short enough
    assert said(a_desk(policy={"dismissed_text": too_long})) == [
        "policy.dismissed_text: is 919 characters long; at most 918 are sent"
    ]


def test_keep_alive_needs_both_times_and_texts_and_knows_no_longest_time():
    whole = {"after": "10m", "text": "Still there?", "end_after": "400d", "end_text": "Bye."}
    assert said(a_desk(policy={"keep_alive": whole})) == []
    assert [each.partition(":")[0] for each in said(a_desk(policy={"keep_alive": {}}))] == [
        f"policy.keep_alive.{key}" for key in ("after", "end_after", "text", "end_text")
    ]
    none = KeepAlive(after=0, text="?", end_after=-SECOND, end_text="!")
    assert len(problems_of(policy=PolicySettings(keep_alive=none))) == 2


@pytest.mark.req("U79", "U18")
def test_what_is_off_is_not_applied_and_keeps_its_value_and_its_source():
    document = with_at("English", enabled={"greeting": False}, chat_timeout=5)
    document["policy"] = {"greeting": "Hello!", "enabled": {"chat_timeout": False}}
    setup = Setup(load_config(document), 1)
    here = ("chat", "general/English")
    assert setup.policy(*here).greeting is None
    assert setup.policy("chat", "general/Deutsch").greeting == "Hello!"
    assert setup.stored(*here).greeting == "Hello!"
    assert setup.policy(*here).chat_timeout is None
    assert setup.stored(*here).chat_timeout == 5 * MINUTE
    sources = setup.sources(*here)
    assert (sources["greeting"], sources["enabled.greeting"]) == ("desk", "queue general/English")
    assert sources["enabled.chat_timeout"] == "desk"
    assert dump(load_config(document))["policy"]["greeting"] == "Hello!"
    assert not setup.policy(*here).is_on("greeting")


@pytest.mark.req("U79")
def test_switches_are_those_there_are_and_hard_expiry_has_none():
    switches = {"greeting": False, "hard_expiry": False, "greting": True}
    assert said(a_desk(policy={"enabled": switches})) == [
        "policy.enabled.hard_expiry: cannot be switched off",
        'policy.enabled.greting: there is no switch "greting"; did you mean "greeting"?',
    ]


# --- numbers and agents ---------------------------------------------------------------------------


@pytest.mark.req("U63")
def test_a_number_has_its_country_a_label_and_at_most_one_is_for_everything_outbound():
    numbers = {
        "+4930901820": {"label": "Berlin", "global_outbound": True},
        "+442079460000": {"label": "London", "global_outbound": True},
        "030 901820": {"label": ""},
        "+99912345678": {"label": "Nowhere"},
        "+14155552671": {},
    }
    assert said(a_desk(numbers=numbers)) == [
        (
            'numbers."+442079460000".global_outbound: "+4930901820" is the number for everything '
            "outbound already"
        ),
        (
            'numbers."030 901820": "030 901820" is no number with its country; '
            "expected such as +4930901820"
        ),
        'numbers."030 901820".label: a label is not empty',
        'numbers."+99912345678": "+99912345678" is a number of no country',
        'numbers."+14155552671".label: is missing; expected what people call the number',
    ]


def test_what_comes_in_on_an_assigned_number_goes_to_its_queue():
    document = a_desk(
        numbers={"+4930901820": {"label": "Berlin", "queue": "general/Deutsch/Technik"}},
        entry_points={
            "sms": {"channel": "sms", "address": "+4930901820"},
            "wa": {"channel": "whatsapp", "address": "1", "number": "+4930901820"},
            "fixed": {"channel": "chat", "address": "2", "queue": "general/English"},
            "menu": {"channel": "sms", "address": "+4930901821"},
        },
    )
    setup = Setup(load_config(document), 1)
    resolved = {each.name: (each.queue, each.queue_source) for each in setup.entry_points_of()}
    assert resolved == {
        "sms": ("general/Deutsch/Technik", "number"),
        "wa": ("general/Deutsch/Technik", "number"),
        "fixed": ("general/English", "entry point"),
        "menu": (None, "menu"),
    }


@pytest.mark.req("U63")
def test_a_number_belongs_to_one_entry_point_of_a_kind():
    document = a_desk(
        numbers={"+4930901820": {"label": "Berlin", "queue": "general/English"}},
        entry_points={
            "sms": {"channel": "sms", "address": "+4930901820"},
            "wa": {"channel": "whatsapp", "address": "1", "number": "+4930901820"},
        },
    )
    assert said(document) == []
    document["entry_points"]["other"] = {
        "channel": "whatsapp",
        "address": "2",
        "number": "+4930901820",
    }
    document["entry_points"]["lost"] = {"channel": "sms", "address": "3", "number": "+49"}
    assert [each.partition(":")[0] for each in said(document)] == [
        "entry_points.other.number",
        "entry_points.lost.number",
    ]


def test_an_agents_channels_skills_and_languages_are_checked():
    agent = {
        "serves": ["general/**"],
        "channels": ["chat", "watsapp"],
        "skills": {"router": 7, "tea": 0},
        "languages": ["de", "klingonisch?"],
    }
    assert said(a_desk(agents={"ana": agent})) == [
        (
            'agents.ana.channels[1]: there is no channel "watsapp"; did you mean "whatsapp"? '
            'Known are "chat", "whatsapp", "sms" and "email"'
        ),
        "agents.ana.skills.tea: expected a level from 1 to 100, got 0",
        (
            'agents.ana.languages[1]: "klingonisch?" is no language; '
            "expected a tag such as de, en or pt-BR"
        ),
    ]
    sound = {"channels": [], "skills": {"router": 7}, "languages": ["pt-BR"]}
    config = load_config(a_desk(agents={"ana": sound}))
    assert dump(config)["agents"]["ana"] == sound


def test_an_inbox_policy_is_checked_as_every_layer_is():
    inbox = InboxConfig(
        sla=MINUTE, policy=PolicySettings(selecting_expiration=MINUTE, ended_text=" ")
    )
    assert problems_of(inboxes={"general": inbox}, entry_points={}, groups={}, agents={}) == [
        "inboxes.general.policy.ended_text: a text is not empty"
    ]


@pytest.mark.parametrize("name", ["\u200b", "\u200d", "a\u202eb", "a\u2028b", "\u2066a", "\u0301"])
def test_a_name_can_be_seen_and_turns_no_text_around_it(name: str):
    document = with_at("English")
    document["inboxes"]["general"]["queues"].append(name)
    assert [problem.partition(": ")[0] for problem in said(document)] == [
        "inboxes.general.queues[3]"
    ]


@pytest.mark.req("U55", "U56")
def test_a_number_of_the_menu_is_no_word_for_back_or_exit():
    document = with_at("English")
    document["policy"] = {"back_words": ["0", "9"], "exit_words": ["02", "#"]}
    assert said(document) == [
        'policy.exit_words[0]: "02" is a number of the menu, which has 2 lines at most'
    ]


@pytest.mark.req("U5")
def test_queues_lie_as_deep_as_anybody_wants_them():
    queues: list[Any] = ["Leaf"]
    for level in range(80):
        queues = [f"Q{level}", queues]
    document = a_desk()
    document["inboxes"]["general"]["queues"] = queues
    document["agents"] = {"ana": {"serves": ["general/**"]}}
    assert said(document) == []
    config = load_config(document)
    assert loads(dumps_toml(config), desk=config.desk) == config


def test_a_name_and_the_path_of_a_queue_fit_into_an_index():
    document = a_desk()
    document["inboxes"]["general"]["queues"] += ["A" * 513, "B" * 300, ["C" * 300]]
    document["agents"] = {"a" * 513: {}}
    told = [problem.partition(": ") for problem in said(document)]
    assert [(path, text[-40:]) for path, _, text in told] == [
        ("inboxes.general.queues", "has 521 characters; expected at most 512"),
        ("inboxes.general.queues", "has 609 characters; expected at most 512"),
        ("inboxes.general.queues[3]", " at most 512 characters; this one has 513"[1:]),
        (told[3][0], " at most 512 characters; this one has 513"[1:]),
    ]
