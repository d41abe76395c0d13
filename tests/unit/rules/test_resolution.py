from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import UnknownEntryPoint, UsageError
from omniroute.instants import DAY, MINUTE, SECOND
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.desk_config import (
    ChannelConfig,
    DeskConfig,
)
from omniroute.model.hours import ALWAYS, Hours
from omniroute.model.policy import (
    AfterEnd,
    AfterEndTo,
    Assignment,
    Overtake,
    Policy,
    PolicySettings,
)
from omniroute.model.sla import SlaTerms
from omniroute.model.state import State
from omniroute.rules.checks import problems
from omniroute.rules.presets import PRESETS, preset
from omniroute.rules.resolution import Setup
from tests.unit.rules.acme import CONFIG, SETUP, TREE

# --- entry points


@pytest.mark.req("G23")
def test_entry_points_are_listed_by_channel_with_values_and_sources():
    rows = [
        (each.name, each.inbox, each.inbox_source, each.sla, each.sla_source)
        for each in SETUP.entry_points_of("chat")
    ]
    primary = "primary inbox for chat"
    assert rows == [
        ("widget", "general", primary, 15 * MINUTE, "inbox general"),
        ("platinum", "vip", "override", 40 * SECOND, "override"),
        ("gold", "vip", "override", 2 * MINUTE, "inbox vip"),
        ("slow", "general", primary, 60 * MINUTE, "override"),
        ("orders", "general", primary, 15 * MINUTE, "inbox general"),
    ]
    assert [each.name for each in SETUP.entry_points_of()] == list(CONFIG.entry_points)
    assert SETUP.entry_points_of("fax") == []


def test_an_unknown_entry_point_is_refused_with_a_suggestion():
    with pytest.raises(UnknownEntryPoint, match=r'is named "wigdet"; did you mean "widget"\?'):
        SETUP.entry_point("wigdet")


def test_an_address_belongs_to_its_channel():
    assert SETUP.by_address("chat", "w1") == "widget"
    assert SETUP.by_address("instagram", "w1") == "insta"
    assert SETUP.by_address("sms", "w1") is None


# --- trees and staff


def test_leaves_and_trees():
    assert SETUP.leaves == (
        "general/Deutsch/Technik",
        "general/Deutsch/Bestellung",
        "general/English",
        "vip",
    )
    assert SETUP.leaves_of("general") == SETUP.leaves[:3]
    assert SETUP.leaf_of("general") is None
    assert SETUP.leaf_of("vip") == "vip"
    assert SETUP.leaf_of("nowhere") is None
    assert SETUP.tree("general") == TREE
    assert SETUP.tree("vip") == SETUP.tree("nowhere") == ()
    assert SETUP.is_leaf("general/English")
    assert not SETUP.is_leaf("general/Deutsch")
    assert SETUP.inbox_of("general/Deutsch/Technik") == "general"


def test_an_agent_serves_patterns_and_groups_in_tree_order_each_leaf_once():
    leaves = SETUP.serving(["vip", "general/Deutsch/Bestellung"], ["german"])
    assert leaves == ("general/Deutsch/Technik", "general/Deutsch/Bestellung", "vip")
    assert SETUP.serving([], []) == ()


@pytest.mark.parametrize(
    "serves,groups,message",
    [
        (["general/Deutsch"], [], "agents serve leaves only"),
        (["general/Englisch"], [], 'did you mean "general/English"?'),
        ([], ["germna"], 'no group is named "germna"; did you mean "german"?'),
    ],
)
def test_what_nobody_can_serve_is_refused(serves: list[str], groups: list[str], message: str):
    with pytest.raises(UsageError) as caught:
        SETUP.serving(serves, groups)
    assert message in str(caught.value)


def test_an_agents_own_capacity_comes_before_the_desks():
    desk = Capacity(2, 4, 6)
    own = Capacity(1, 1, 1)
    setup = Setup(evolve(CONFIG, policy=PolicySettings(capacity={"messaging": desk})), 1)
    assert setup.capacity() == setup.capacity({}) == desk
    assert setup.capacity({"messaging": own}) == own


# --- policy


def layered() -> DeskConfig:
    """One text at every layer, each naming its layer."""
    inbox = evolve(
        CONFIG.inboxes["general"],
        policy=PolicySettings(greeting="inbox"),
        at={
            "Deutsch": PolicySettings(greeting="top"),
            "Deutsch/Technik": PolicySettings(greeting="leaf"),
        },
    )
    return evolve(
        CONFIG,
        policy=PolicySettings(greeting="desk"),
        channels={"chat": ChannelConfig(policy=PolicySettings(greeting="channel"))},
        inboxes={**CONFIG.inboxes, "general": inbox},
    )


@pytest.mark.req("U18")
@pytest.mark.parametrize(
    "channel,path,text,source",
    [
        (None, None, "desk", "desk"),
        ("sms", "vip", "desk", "desk"),
        ("chat", None, "channel", "channel chat"),
        ("chat", "vip", "channel", "channel chat"),
        ("chat", "general", "inbox", "inbox general"),
        ("chat", "general/English", "inbox", "inbox general"),
        ("chat", "general/Deutsch", "top", "queue general/Deutsch"),
        ("chat", "general/Deutsch/Bestellung", "top", "queue general/Deutsch"),
        ("chat", "general/Deutsch/Technik", "leaf", "queue general/Deutsch/Technik"),
        ("chat", "general/Deutsch/Gone", "top", "queue general/Deutsch"),
        ("chat", "gone/Deutsch", "channel", "channel chat"),
        ("", "general", "inbox", "inbox general"),
    ],
)
def test_the_nearest_set_value_wins(channel: str | None, path: str | None, text: str, source: str):
    setup = Setup(layered(), 1)
    for _ in range(2):  # worked out, then remembered
        assert setup.policy(channel, path).greeting == text
        assert setup.sources(channel, path)["greeting"] == source


@pytest.mark.req("U18")
def test_what_no_nearer_layer_sets_comes_from_the_preset_or_the_default():
    setup = Setup(layered(), 1)
    policy = setup.policy("chat", "general/Deutsch/Technik")
    assert policy.distribution is Distribution.LEAST_LOADED
    sources = setup.sources("chat", "general/Deutsch/Technik")
    assert sources["distribution"] == "preset push"
    assert sources["hours"] == sources["capacity"] == sources["capacity.messaging"] == "default"
    assert sources["sla"] == "inbox general"
    assert policy.sla == SlaTerms(first=15 * MINUTE)


@pytest.mark.req("U18")
def test_capacity_is_inherited_family_by_family():
    messaging, voice = Capacity(2, 2, 2), Capacity(1, 1, 1)
    inbox = evolve(CONFIG.inboxes["vip"], policy=PolicySettings(capacity={"voice": voice}))
    config = evolve(
        CONFIG,
        policy=PolicySettings(capacity={"messaging": messaging}),
        inboxes={**CONFIG.inboxes, "vip": inbox},
    )
    setup = Setup(config, 1)
    assert setup.policy(None, "vip").capacity == {"messaging": messaging, "voice": voice}
    sources = setup.sources(None, "vip")
    assert (sources["capacity.messaging"], sources["capacity.voice"]) == ("desk", "inbox vip")
    assert setup.policy().capacity == {"messaging": messaging}


def test_a_desk_without_a_preset_has_the_defaults():
    assert Setup(DeskConfig(desk="plain"), 1).policy() == Policy()


def test_a_setup_knows_its_desk_and_version_and_shows_no_configuration():
    assert (SETUP.version, SETUP.config) == (7, CONFIG)
    assert repr(SETUP) == "Setup(desk='acme', version=7)"


def test_this_files_configuration_has_no_problem():
    assert problems(CONFIG) == problems(layered()) == ()


# --- presets


def test_push_prefers_the_least_loaded():
    assert preset("push").assignment is Assignment.PUSH
    assert preset("push").distribution is Distribution.LEAST_LOADED
    assert preset("push").overtake is Overtake.FORBID


@pytest.mark.req("C8")
def test_claim_lets_people_take_and_reopens_for_ever():
    claim = preset("claim")
    assert (claim.assignment, claim.overtake) == (Assignment.CLAIM, Overtake.CONFIRM)
    assert claim.after_end == AfterEnd(AfterEndTo.QUEUE, within=None)
    assert claim.labels is not None
    assert set(claim.labels) == set(State)
    assert set(claim.labels.values()) == {"Unanswered", "Active", "Finished"}


def test_an_sla_inbox_pushes():
    assert preset("sla_inbox").assignment is Assignment.PUSH


def test_no_preset_sets_nothing_and_an_unknown_one_is_refused():
    assert preset(None) == PolicySettings()
    assert list(PRESETS) == ["sla_inbox", "social_queue", "keep_alive", "claim", "push"]
    with pytest.raises(UsageError) as caught:
        preset("clam")
    assert str(caught.value) == (
        'preset: unknown preset "clam"; did you mean "claim"?'
        ' Known are "sla_inbox", "social_queue", "keep_alive", "claim" and "push"'
    )


# --- hours


def only(day: int, **more: Any) -> Hours:
    """Open one hour on one day of the week."""
    return Hours(weekly=tuple(((0, 3600),) if each == day else () for each in range(7)), **more)


def with_hours() -> DeskConfig:
    inbox = evolve(
        CONFIG.inboxes["general"],
        policy=PolicySettings(hours=only(2)),
        at={
            "Deutsch": PolicySettings(hours=only(3, zone="Asia/Tokyo")),
            "Deutsch/Technik": PolicySettings(hours=ALWAYS),
        },
    )
    return evolve(
        CONFIG,
        zone="Europe/Berlin",
        policy=PolicySettings(hours=only(0)),
        channels={"chat": ChannelConfig(policy=PolicySettings(hours=only(1)))},
        inboxes={**CONFIG.inboxes, "general": inbox},
    )


@pytest.mark.req("P13", "U18")
@pytest.mark.parametrize(
    "channel, path, hours, source",
    [
        (None, None, only(0), "desk"),
        ("chat", None, only(1), "channel chat"),
        ("chat", "vip", only(1), "channel chat"),
        ("whatsapp", "vip", only(0), "desk"),
        ("chat", "general", only(2), "inbox general"),
        ("chat", "general/Deutsch", only(3, zone="Asia/Tokyo"), "queue general/Deutsch"),
        ("chat", "general/Deutsch/Technik", ALWAYS, "queue general/Deutsch/Technik"),
    ],
)
def test_the_nearest_hours_count_whole(channel, path, hours, source):
    setup = Setup(with_hours(), 1)
    found = setup.hours(channel, path)
    assert found.hours == hours
    assert found.zone == (hours.zone or "Europe/Berlin")
    assert setup.policy(channel, path).hours is found
    assert setup.sources(channel, path)["hours"] == source


@pytest.mark.req("P13")
def test_without_hours_it_is_always_open():
    setup = Setup(CONFIG, 1)
    assert setup.policy().hours is None
    assert setup.hours().next_closing(0) is None
    assert setup.sources()["hours"] == "default"


@pytest.mark.req("P13")
def test_names_of_holidays_are_looked_up_where_they_are_known():
    config = evolve(CONFIG, policy=PolicySettings(hours=only(0, holidays=("MOON",))))
    monday = 4 * DAY  # 5 January 1970
    setup = Setup(config, 1, lambda name, year: [date(1970, 1, 5)] if name == "MOON" else [])
    assert not setup.hours().is_open(monday)
    assert setup.hours().is_open(monday + 7 * DAY)
