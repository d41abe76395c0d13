from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import ConfigError
from omniroute.instants import DAY, MINUTE, SECOND
from omniroute.model.agent import Capacity
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    ChannelConfig,
    DeskConfig,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    Override,
    QueueNode,
)
from omniroute.model.policy import AfterEnd, AfterEndTo, PolicySettings
from omniroute.rules.checks import problems, require
from omniroute.rules.names import did_you_mean, join, shown, text_problem, unknown

SOUND = DeskConfig(
    desk="acme",
    zone="Europe/Berlin",
    preset="push",
    inboxes={
        "general": InboxConfig(
            sla=15 * MINUTE,
            primary_for=("chat", "sms"),
            queues=(QueueNode("Deutsch", (QueueNode("Technik"),)), QueueNode("English")),
            at={"Deutsch/Technik": PolicySettings(greeting="Bitte wählen.")},
        ),
        "vip": InboxConfig(sla=2 * MINUTE),
    },
    accounts={"site": AccountConfig()},
    entry_points={
        "widget": EntryPointConfig(channel="chat", address="w1", account="site"),
        "gold": EntryPointConfig(
            channel="chat", address="w2", override=Override(inbox="vip", sla=40 * SECOND)
        ),
        "orders": EntryPointConfig(channel="sms", address="w1", queue="general/English"),
    },
    groups={"tier1": GroupConfig(serves=("general/Deutsch/**",))},
    agents={"ana": AgentConfig(groups=("tier1",), serves=("vip",))},
)


def found(**changes: Any) -> list[str]:
    return [str(problem) for problem in problems(evolve(SOUND, **changes))]


def entry_point(**fields: Any) -> list[str]:
    """Return what is wrong with one entry point beside the sound ones."""
    new = EntryPointConfig(**{"channel": "chat", "address": "new", **fields})
    return found(entry_points={**SOUND.entry_points, "new": new})


def inbox(**fields: Any) -> list[str]:
    """Return what is wrong with an inbox beside the sound ones."""
    new = InboxConfig(**{"sla": MINUTE, **fields})
    return found(inboxes={**SOUND.inboxes, "new": new})


def test_a_sound_configuration_has_no_problem():
    assert problems(SOUND) == ()
    require(SOUND)


def test_require_raises_every_problem_with_its_source():
    with pytest.raises(ConfigError) as caught:
        require(evolve(SOUND, zone="Mars", preset="pull"), source="desk.toml")
    assert caught.value.source == "desk.toml"
    assert [problem.path for problem in caught.value.problems] == ["zone", "preset"]


# --- the desk


@pytest.mark.parametrize("zone", ["Mars", "", "UTC+2", "Europe", "../UTC", "/etc/localtime", "\0"])
def test_a_zone_must_exist(zone: str):
    (problem,) = found(zone=zone)
    assert problem.startswith("zone: unknown time zone ")


def test_a_zone_is_suggested():
    (problem,) = found(zone="Europe/Belin")
    assert problem.endswith('such as Europe/Berlin; did you mean "Europe/Berlin"?')


@pytest.mark.parametrize(
    "desk,problem",
    [
        ("", "desk: a name is not empty"),
        (" acme", 'desk: " acme" begins or ends with a space'),
        ("ac\nme", "desk: a name has no control characters, such as U+000A"),
        ("ac\ud800me", "desk: a name has no control characters, such as U+D800"),
    ],
)
def test_names_are_checked(desk: str, problem: str):
    assert found(desk=desk) == [problem]


def test_every_named_thing_has_a_proper_name():
    bad = " x"
    paths = [
        problem.partition(": ")[0]
        for problem in found(
            channels={bad: ChannelConfig()},
            inboxes={**SOUND.inboxes, bad: InboxConfig(sla=MINUTE)},
            accounts={**SOUND.accounts, bad: AccountConfig()},
            entry_points={bad: EntryPointConfig(channel="chat", address="a")},
            groups={**SOUND.groups, bad: GroupConfig()},
            agents={bad: AgentConfig(name="")},
        )
    ]
    assert paths == [
        'channels." x"',
        'inboxes." x"',
        'accounts." x"',
        'entry_points." x"',
        'groups." x"',
        'agents." x"',
        'agents." x".name',
    ]


# --- policy


@pytest.mark.parametrize(
    "policy,problem",
    [
        (
            PolicySettings(capacity={"messaging": Capacity(3, 2, 5)}),
            (
                "policy.capacity.messaging: expected 1 <= goal <= soft_max <= hard_max,"
                " got goal 3, soft_max 2, hard_max 5"
            ),
        ),
        (
            PolicySettings(capacity={"messaging": Capacity(0, 2, 5)}),
            (
                "policy.capacity.messaging: expected 1 <= goal <= soft_max <= hard_max,"
                " got goal 0, soft_max 2, hard_max 5"
            ),
        ),
        (
            PolicySettings(capacity={"messaging": Capacity(1, 6, 5)}),
            (
                "policy.capacity.messaging: expected 1 <= goal <= soft_max <= hard_max,"
                " got goal 1, soft_max 6, hard_max 5"
            ),
        ),
        (
            PolicySettings(labels={"finished": "Finished"}),
            (
                'policy.labels.finished: there is no state "finished"; known are "selecting",'
                ' "queued", "offered", "active", "inactive", "dismissed", "snoozed" and "ended"'
            ),
        ),
        (PolicySettings(menu_text=" "), "policy.menu_text: a text is not empty"),
        (
            PolicySettings(menu_text="a\0"),
            "policy.menu_text: holds the character U+0000, which cannot be stored",
        ),
        (
            PolicySettings(after_end=AfterEnd(AfterEndTo.QUEUE, -1)),
            (
                "policy.after_end.within: expected a duration above zero in whole milliseconds,"
                " got -1 microseconds"
            ),
        ),
        (
            PolicySettings(idempotency_window=DAY + 1),
            (
                "policy.idempotency_window: expected a duration above zero in whole milliseconds,"
                " got 86400000001 microseconds"
            ),
        ),
    ],
)
def test_a_policy_is_checked_wherever_it_stands(policy: PolicySettings, problem: str):
    assert found(policy=policy) == [problem]
    text = problem.removeprefix("policy")
    assert f"channels.chat.policy{text}" in found(channels={"chat": ChannelConfig(policy=policy)})
    assert f"inboxes.new.policy{text}" in inbox(policy=policy)
    queues = (QueueNode("A"),)
    assert f"inboxes.new.at.A{text}" in inbox(queues=queues, at={"A": policy})


@pytest.mark.req("M9")
def test_a_capacity_is_for_all_or_for_a_channel_that_there_is():
    (problem,) = found(policy=PolicySettings(capacity={"mesaging": Capacity(1, 1, 1)}))
    assert problem.startswith(
        'policy.capacity.mesaging: there is no channel, kind or family "mesaging";'
        ' did you mean "messaging"?'
    )


# --- inboxes and trees


@pytest.mark.req("G17")
@pytest.mark.parametrize("sla", [0, -SECOND, SECOND + 1])
def test_an_inbox_has_an_sla_of_whole_seconds(sla: int):
    (problem,) = inbox(sla=sla)
    assert problem.startswith("inboxes.new.sla: not an SLA; expected minutes")


@pytest.mark.req("G2")
def test_a_channel_has_one_primary_inbox_and_not_two():
    assert inbox(primary_for=("fax", "sms")) == [
        (
            'inboxes.new.primary_for[1]: "sms" has the primary inbox "general" already;'
            " a channel has exactly one"
        ),
    ]
    assert inbox(primary_for=("fax", "fax")) == [
        'inboxes.new.primary_for[1]: "fax" stands here twice',
    ]


@pytest.mark.req("G2")
def test_an_entry_point_needs_a_primary_inbox_for_its_channel_even_with_an_override():
    text = 'no inbox is primary for "whatsapp"; add it to one inbox\'s primary_for'
    assert entry_point(channel="whatsapp") == [f"entry_points.new.channel: {text}"]
    override = Override(inbox="vip")
    assert entry_point(channel="whatsapp", override=override) == [
        f"entry_points.new.channel: {text}",
    ]
    assert entry_point(channel="chatt") == [
        (
            'entry_points.new.channel: no inbox is primary for "chatt"; did you mean "chat"?'
            " Else add it to one inbox's primary_for"
        ),
    ]


@pytest.mark.parametrize(
    "queues,expected",
    [
        ((QueueNode(""),), ["queues[0]: a name is not empty"]),
        ((QueueNode("A "),), ['queues[0]: "A " begins or ends with a space']),
        ((QueueNode("A/B"),), ['queues[0]: "A/B" holds a "/", which separates queues']),
        ((QueueNode("*"),), ['queues[0]: "*" stands for other names where queues are served']),
        ((QueueNode("**"),), ['queues[0]: "**" stands for other names where queues are served']),
        (
            (QueueNode("A", (QueueNode("B"),)), QueueNode("C"), QueueNode("a")),
            ['queues[3]: a queue beside it is named "A" already'],
        ),
        (
            (QueueNode("A", (QueueNode("Straße"), QueueNode("STRASSE"))),),
            ['queues[1][1]: a queue beside it is named "Straße" already'],
        ),
        ((QueueNode("A", (QueueNode("A", (QueueNode("A"),)),)),), []),
    ],
)
def test_queue_names_are_checked_at_their_place_in_the_list(
    queues: tuple[QueueNode, ...], expected: list[str]
):
    assert inbox(queues=queues) == [f"inboxes.new.{problem}" for problem in expected]


def test_an_inbox_name_separates_nothing_either():
    assert found(inboxes={**SOUND.inboxes, "a/b": InboxConfig(sla=MINUTE)}) == [
        'inboxes."a/b": "a/b" holds a "/", which separates queues',
    ]


def test_a_policy_at_a_queue_that_does_not_exist():
    queues = (QueueNode("Deutsch", (QueueNode("Technik"),)),)
    assert inbox(queues=queues, at={"Deutsch": PolicySettings()}) == []
    assert inbox(queues=queues, at={"Deutsch/Technk": PolicySettings()}) == [
        (
            'inboxes.new.at."Deutsch/Technk": inbox "new" has no queue "Deutsch/Technk";'
            ' did you mean "Deutsch/Technik"? Known are "Deutsch" and "Deutsch/Technik"'
        ),
    ]


# --- entry points


@pytest.mark.req("G11")
def test_an_override_must_change_the_inbox_or_the_sla():
    nothing = "entry_points.new.override: changes neither the inbox nor the SLA"
    assert entry_point(override=Override()) == [f"{nothing}; set one, or leave it out"]
    assert entry_point(override=Override(inbox="general")) == [
        f'{nothing}; "general" is the primary inbox for "chat" anyway',
    ]
    for override in (
        Override(inbox="vip"),
        Override(sla=SECOND),
        Override(inbox="vip", sla=SECOND),
        Override(inbox="general", sla=SECOND),
    ):
        assert entry_point(override=override) == []


@pytest.mark.req("G12")
def test_an_override_to_an_unknown_inbox_is_an_error():
    assert entry_point(override=Override(inbox="vpi")) == [
        (
            'entry_points.new.override.inbox: unknown inbox "vpi"; did you mean "vip"?'
            ' Known are "general" and "vip"'
        ),
    ]


def test_an_override_sla_is_whole_seconds():
    (problem,) = entry_point(override=Override(sla=1))
    assert problem.startswith("entry_points.new.override.sla: not an SLA")


@pytest.mark.parametrize(
    "fields,problem",
    [
        ({"account": "stie"}, 'account: unknown account "stie"; did you mean "site"?'),
        ({"address": "w1"}, 'address: "w1" on "chat" belongs to "widget" already'),
        ({"address": " "}, "address: an address is not empty"),
        ({"address": "a\n"}, 'address: "a\\n" begins or ends with a space'),
        (
            {"queue": "general/Deutsch"},
            (
                'queue: "general/Deutsch" is a branch;'
                ' expected a queue such as "general/Deutsch/Technik"'
            ),
        ),
        (
            {"queue": "vip"},
            'queue: "vip" lies in another inbox; this entry point leads to "general"',
        ),
        (
            {"queue": "general/English", "override": Override(inbox="vip")},
            'queue: "general/English" lies in another inbox; this entry point leads to "vip"',
        ),
        (
            {"queue": "English"},
            'queue: no queue is named "English"; did you mean "general/English"?',
        ),
        (
            {"queue": "general/Engl"},
            (
                'queue: no queue is named "general/Engl"; did you mean "general/English"?'
                ' Known are "general/Deutsch/Technik" and "general/English"'
            ),
        ),
    ],
)
def test_an_entry_point_is_checked(fields: dict[str, Any], problem: str):
    assert entry_point(**fields) == [f"entry_points.new.{problem}"]


def test_an_address_may_stand_on_two_channels():
    assert entry_point(channel="sms", address="w2") == []


# --- staff


@pytest.mark.parametrize(
    "pattern,problem",
    [
        ("vpi", 'no queue is named "vpi"; did you mean "vip"? Known are'),
        ("general/Deutsch", '"general/Deutsch" is a branch, and agents serve leaves only'),
        ("GENERAL/**", 'no queue is named "GENERAL/**"'),
    ],
)
def test_what_is_served_must_exist(pattern: str, problem: str):
    groups = {"tier1": GroupConfig(serves=("vip", pattern))}
    (text,) = found(groups=groups)
    assert text.startswith(f"groups.tier1.serves[1]: {problem}")
    agents = {"ben": AgentConfig(serves=(pattern,))}
    (text,) = found(agents=agents)
    assert text.startswith(f"agents.ben.serves[0]: {problem}")


def test_an_agents_groups_and_capacity_are_checked():
    capacity = {"messaging": Capacity(2, 1, 1)}
    agents = {"ben": AgentConfig(groups=("tier1", "tire1"), capacity=capacity)}
    assert found(agents=agents) == [
        'agents.ben.groups[1]: unknown group "tire1"; did you mean "tier1"?',
        (
            "agents.ben.capacity.messaging: expected 1 <= goal <= soft_max <= hard_max,"
            " got goal 2, soft_max 1, hard_max 1"
        ),
    ]


@pytest.mark.parametrize("unread", ["inboxes", "queues", "primary_for", "accounts", "groups"])
def test_nothing_is_said_about_what_could_not_be_read(unread: str):
    config = DeskConfig(
        desk="acme",
        entry_points={
            "w": EntryPointConfig(channel="chat", address="1", account="a", queue="q"),
        },
        agents={"ana": AgentConfig(groups=("g",), serves=("x",))},
    )
    everything = {problem.path for problem in problems(config)}
    silent = {
        "inboxes": {"entry_points.w.channel", "agents.ana.serves[0]"},
        "queues": {"agents.ana.serves[0]"},
        "primary_for": {"entry_points.w.channel"},
        "accounts": {"entry_points.w.account"},
        "groups": {"agents.ana.groups[0]"},
    }[unread]
    assert {problem.path for problem in problems(config, unread={unread})} == everything - silent


def test_all_problems_come_at_once():
    broken = evolve(
        SOUND,
        zone="Mars",
        preset="pull",
        policy=PolicySettings(menu_text=""),
        inboxes={"general": InboxConfig(sla=0)},
        agents={"ana": AgentConfig(groups=("x",))},
    )
    assert [problem.path for problem in problems(broken)] == [
        "zone",
        "preset",
        "policy.menu_text",
        "inboxes.general.sla",
        "entry_points.widget.channel",
        "entry_points.gold.channel",
        "entry_points.gold.override.inbox",
        "entry_points.orders.channel",
        "groups.tier1.serves[0]",
        "agents.ana.groups[0]",
    ]


# --- how problems are worded


def test_paths_are_written_as_toml_writes_keys():
    assert join("", "inboxes", "general", "queues", 2, 0) == "inboxes.general.queues[2][0]"
    assert join("at", "Deutsch/Technik", "x") == 'at."Deutsch/Technik".x'
    assert join("a", "") == 'a.""'


def test_suggestions_look_past_letter_case_and_never_far():
    assert did_you_mean("VIP", ["general", "vip"]) == "vip"
    assert did_you_mean("billing", ["general", "vip"]) is None
    assert did_you_mean("x" * 10_000, ["x"]) is None


def test_a_long_list_of_names_is_not_read_out():
    names = [f"queue {number}" for number in range(11)]
    assert unknown("unknown queue", names, "zzz") == "unknown queue"
    assert unknown("unknown queue", names[:2], "zzz") == (
        'unknown queue; known are "queue 0" and "queue 1"'
    )
    assert unknown("unknown queue", names[:1], "zzz") == 'unknown queue; the only one is "queue 0"'
    assert unknown("unknown queue", [], "zzz") == "unknown queue; there are none"


@pytest.mark.parametrize(
    "value,text",
    [
        (None, "nothing"),
        (True, "true"),
        (5, "5"),
        pytest.param(10**5000, "a number that is far too large", id="huge"),
        (0.5, "0.5"),
        ("it's", '"it\'s"'),
        ("x" * 100, f'"{"x" * 60}…"'),
        ("\ud800", '"\\ud800"'),
        ({}, "a table"),
        ([], "a list"),
        (b"", "a bytes"),
    ],
)
def test_values_are_shown_on_one_short_line(value: object, text: str):
    assert shown(value) == text


def test_a_text_that_no_store_takes():
    assert text_problem("line\nline") is None
    assert text_problem("\udfff") == "holds the character U+DFFF, which cannot be stored"


@pytest.mark.parametrize("place", ["Deutsch/Technik", "English"])
def test_a_queue_that_agents_serve_has_no_menu_to_begin(place: str) -> None:
    texts = {place: PolicySettings(menu_text="?"), "Deutsch": PolicySettings(menu_text="?")}
    general = evolve(SOUND.inboxes["general"], at=texts)
    (problem,) = problems(evolve(SOUND, inboxes={**SOUND.inboxes, "general": general}))
    assert problem.path == join("inboxes", "general", "at", place, "menu_text")
    assert "has no effect on a queue that agents serve" in problem.message


def test_an_inbox_of_one_queue_has_no_menu_to_begin() -> None:
    vip = evolve(SOUND.inboxes["vip"], policy=PolicySettings(menu_text="?"))
    (problem,) = problems(evolve(SOUND, inboxes={**SOUND.inboxes, "vip": vip}))
    assert problem.path == "inboxes.vip.policy.menu_text"


@pytest.mark.req("R8")
@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "posix/UTC", "right/UTC"])
def test_a_zone_is_a_name_that_says_the_same_on_every_machine(zone: str) -> None:
    (problem,) = problems(evolve(SOUND, zone=zone))
    assert problem.path == "zone"
    assert "unknown time zone" in problem.message
