from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
import yaml
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.channels.builtin import BuiltinAdapters
from omniroute.config import differences, dump, dumps_toml, load_config, loads
from omniroute.config.hours import written_hours
from omniroute.errors import ConfigError
from omniroute.instants import DAY, MILLISECOND, MINUTE, SECOND
from omniroute.model.agent import Capacity, Distribution
from omniroute.model.desk_config import (
    AccountConfig,
    AgentConfig,
    ChannelConfig,
    ChannelDirection,
    DeskConfig,
    DirectAccess,
    EntryPointConfig,
    GroupConfig,
    InboxConfig,
    NumberConfig,
    Override,
    QueueNode,
    QueueTraits,
)
from omniroute.model.hours import ALWAYS, Hours
from omniroute.model.policy import (
    SWITCHES,
    AfterEnd,
    AfterEndTo,
    Assignment,
    DismissedTextAt,
    Inactivity,
    InactivityThen,
    KeepAlive,
    Overtake,
    PolicySettings,
    ProtectedNames,
)
from omniroute.model.secret import SecretRef
from omniroute.model.state import State
from omniroute.plugins import Registry
from omniroute.rules.channel_checks import CONTENTS
from omniroute.rules.checks import problems
from omniroute.rules.names import name_problem
from omniroute.rules.presets import LOCKED_BY, PRESETS
from omniroute.rules.queue_tree import find, leaves, matching, pattern_problem, walk
from omniroute.rules.resolution import Setup
from omniroute.rules.words import ReservedWords, normalized

RESERVED = ReservedWords.of()
REGISTRY = Registry([BuiltinAdapters()])
CHANNELS = ("chat", "whatsapp", "sms", "my channel")

FREE_PRESETS = sorted(set(PRESETS) - set(LOCKED_BY))  # any layer may set anything beside them
FEWER = settings(max_examples=settings().max_examples // 4)  # a whole configuration is much to draw

# --- whole configurations, all of them valid

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
names = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda name: name_problem(name) is None)
)
queue_names = names.filter(
    lambda name: "/" not in name and name not in ("*", "**") and not RESERVED.in_name(name)
)
slas = st.integers(min_value=1, max_value=10**7).map(lambda seconds: seconds * SECOND)
durations = st.integers(min_value=1, max_value=30 * DAY // MILLISECOND).map(
    lambda count: count * MILLISECOND
)
capacities = (
    st.lists(st.integers(min_value=1, max_value=50), min_size=3, max_size=3)
    .map(sorted)
    .map(lambda limits: {"messaging": Capacity(*limits)})
)
hours = st.sampled_from(
    [
        ALWAYS,
        Hours(weekly=(((0, 86_400),),) * 7, holidays=("DE-BE", "12-25"), zone="Asia/Kathmandu"),
        Hours(dates=(("2026-12-24", ((3_600, 7_201), (79_200, 100_000))), ("12-25", ()))),
    ]
)
shared_settings = {
    "hours": hours,
    "overtake": st.sampled_from(Overtake),
    "after_end": st.just(AfterEnd())
    | st.builds(AfterEnd, st.sampled_from(list(AfterEndTo)[1:]), st.none() | durations),
    "labels": st.dictionaries(st.sampled_from([str(state) for state in State]), text, max_size=2),
}
minutes = st.integers(min_value=1, max_value=10_080).map(lambda count: count * MINUTE)
timed_settings = {
    "back_words": st.lists(st.sampled_from(["zurück", "ＢＡＣＫ"]), max_size=2).map(tuple),
    "exit_words": st.just(("tschüss",)),
    "enabled": st.dictionaries(st.sampled_from(SWITCHES), st.booleans(), max_size=3),
    "chat_timeout": minutes,
    "hard_expiry": st.just(7 * DAY),  # nothing outlasts it
    "keep_alive": st.builds(
        KeepAlive,
        after=durations.map(lambda found: found + MINUTE),  # longer than any inactivity
        text=text.filter(str.strip),
        end_after=durations,
        end_text=text.filter(str.strip),
        end_text_first=st.booleans(),
    ),
    "greeting": text.filter(str.strip),
    "skip_greeting_after_hours": st.booleans(),
    "dismissed_text_at": st.sampled_from(DismissedTextAt),
}
menu_texts = st.none() | text.filter(str.strip)
few_settings = {name: timed_settings[name] for name in ("enabled", "greeting")}
inner_policies = st.builds(
    PolicySettings,
    **{
        name: st.none() | values
        for name, values in (shared_settings | few_settings).items()
        if name != "menu_text"  # only where there is a menu
    },
    assignment=st.none() | st.sampled_from(Assignment),
)
channel_policies = st.builds(
    PolicySettings,
    **{name: st.none() | values for name, values in shared_settings.items()},
    menu_text=menu_texts,
)
desk_policies = st.builds(
    PolicySettings,
    **{name: st.none() | values for name, values in (shared_settings | timed_settings).items()},
    menu_text=menu_texts,
    agent_initiated=st.none() | st.booleans(),
    assignment=st.none() | st.sampled_from(Assignment),
    distribution=st.none() | st.sampled_from(Distribution),
    capacity=st.none() | capacities | st.just({}),
    idempotency_window=st.none() | durations,
    selecting_expiration=st.none() | minutes,
    closed=st.just(()),  # what is left to agents is open to them
    protected_names=st.none() | st.sampled_from(ProtectedNames),
    inactivity=st.none()
    | st.builds(
        Inactivity,
        after=st.just(MINUTE),
        then=st.sampled_from(InactivityThen),
        text=st.none() | text.filter(str.strip),
    ),
)
channel_values = {
    "type": st.just("chat"),
    "entry_flow": st.none() | names,
    "active": st.booleans(),
    "direction": st.sampled_from(ChannelDirection),
    "agent_initiated": st.none() | st.booleans(),
    "contents": st.none() | st.lists(st.sampled_from(CONTENTS), unique=True).map(tuple),
    "policy": channel_policies,
}
traits = st.builds(QueueTraits, hidden=st.booleans())
numbers = st.dictionaries(
    st.sampled_from(("+4930901820", "+442079460000")),
    st.builds(NumberConfig, label=names, verified=st.booleans()),
)
secrets = st.builds(SecretRef, env=st.sampled_from(("TOKEN", "APP_SECRET", "ä")))
scalars = text | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
setting_values = st.recursive(
    scalars | secrets,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(text.filter(lambda key: key != "env"), inner, max_size=3)
    ),
    max_leaves=6,
)
adapter_settings = st.dictionaries(text.map(lambda key: f"x_{key}"), setting_values, max_size=3)


def trees(depth: int = 3) -> st.SearchStrategy[tuple[QueueNode, ...]]:
    below = trees(depth - 1) if depth else st.just(())
    return st.lists(
        st.builds(QueueNode, queue_names, below),
        max_size=3,
        unique_by=lambda node: normalized(node.name),
    ).map(tuple)


def _says(policy: PolicySettings) -> bool:
    return policy != PolicySettings()


def _with_menu(
    draw: st.DrawFn, queues: tuple[QueueNode, ...], place: str, policy: PolicySettings
) -> PolicySettings:
    """A branch's policy may begin its menu; a queue that agents serve has none."""
    node = find(queues, place)
    branch = node is not None and node.children
    return evolve(policy, menu_text=draw(menu_texts)) if branch else policy


@st.composite
def inboxes(draw: st.DrawFn) -> dict[str, InboxConfig]:
    found = {}
    channels = list(CHANNELS)
    for name in draw(st.lists(queue_names, min_size=1, max_size=3, unique=True)):
        mine = draw(st.lists(st.sampled_from(channels), unique=True)) if channels else []
        channels = [channel for channel in channels if channel not in mine]
        queues = draw(trees())
        places = [path for path, _ in walk("", queues)]
        at = draw(st.dictionaries(st.sampled_from(places), inner_policies)) if places else {}
        special = draw(st.dictionaries(st.sampled_from(places), traits)) if places else {}
        special = {place: each for place, each in special.items() if each != QueueTraits()}
        at = {place: each for place, each in at.items() if place not in special or _says(each)}
        found[name] = InboxConfig(
            sla=draw(slas),
            primary_for=tuple(mine),
            queues=queues,
            policy=evolve(draw(inner_policies), menu_text=draw(menu_texts) if queues else None),
            at={place: _with_menu(draw, queues, place, each) for place, each in at.items()},
            traits=special,
        )
    return found


@st.composite
def entry_points(
    draw: st.DrawFn, boxes: Mapping[str, InboxConfig], accounts: Sequence[str]
) -> EntryPointConfig:
    primary = {channel: name for name, box in boxes.items() for channel in box.primary_for}
    channel = draw(st.sampled_from(sorted(primary)))
    social = channel == "whatsapp"  # a channel of a social network has one account (U3)
    override = draw(st.none() | overrides(list(boxes), primary[channel]))
    inbox = override.inbox if override and override.inbox else primary[channel]
    return EntryPointConfig(
        channel=channel,
        address="",
        account=draw(st.none() | st.sampled_from(accounts[:1] if social else accounts))
        if accounts
        else None,
        override=override,
        queue=draw(st.none() | st.sampled_from(leaves(inbox, boxes[inbox].queues))),
        settings=draw(adapter_settings),
    )


@st.composite
def overrides(draw: st.DrawFn, boxes: Sequence[str], primary: str) -> Override:
    inbox = draw(st.none() | st.sampled_from(boxes))
    blank = st.none() if inbox not in (None, primary) else st.nothing()
    return Override(inbox=inbox, sla=draw(blank | slas))


@st.composite
def configs(draw: st.DrawFn) -> DeskConfig:
    boxes = draw(inboxes())
    accounts = draw(
        st.dictionaries(names, st.builds(AccountConfig, settings=adapter_settings), max_size=2)
    )
    found: dict[str, EntryPointConfig] = {}
    if any(box.primary_for for box in boxes.values()):
        found = draw(st.dictionaries(names, entry_points(boxes, sorted(accounts)), max_size=3))
    every = [leaf for name, box in boxes.items() for leaf in leaves(name, box.queues)]
    patterns = st.lists(
        st.sampled_from([*every, "**", *(f"{name}/**" for name in boxes)]), max_size=3
    )
    groups = draw(
        st.dictionaries(names, st.builds(GroupConfig, serves=patterns.map(tuple)), max_size=2)
    )
    members = st.lists(st.sampled_from(sorted(groups)), max_size=2) if groups else st.just([])
    agents = st.builds(
        AgentConfig,
        name=st.none() | names,
        groups=members.map(tuple),
        serves=patterns.map(tuple),
        capacity=st.none() | capacities,
        skills=st.dictionaries(names, st.integers(min_value=1, max_value=100), max_size=2),
        languages=st.lists(st.sampled_from(["de", "pt-BR"]), max_size=2).map(tuple),
    )
    access = st.builds(
        DirectAccess,
        keys=st.dictionaries(names, text, min_size=1, max_size=2),
        queue=st.sampled_from(every),
    )
    return DeskConfig(
        desk=draw(names),
        zone=draw(st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kathmandu"))),
        preset=draw(st.none() | st.sampled_from(FREE_PRESETS)),
        policy=draw(desk_policies),
        channels=draw(
            st.dictionaries(
                names,
                st.builds(ChannelConfig, **channel_values),
                max_size=2,
            )
        ),
        inboxes=boxes,
        accounts=accounts,
        entry_points={
            name: evolve(each, address=f"address {number}")
            for number, (name, each) in enumerate(found.items())
        },
        numbers=draw(numbers),
        direct_access=draw(st.dictionaries(names, access, max_size=1)),
        groups=groups,
        agents=draw(st.dictionaries(names, agents, max_size=3)),
    )


edges = st.integers(0, 86_399) | st.integers(0, 95).map(lambda quarter: quarter * 900)
day_hours = st.lists(edges, max_size=4, unique=True).map(
    lambda found: tuple(zip(sorted(found)[::2], sorted(found)[1::2], strict=False))
)
nights = st.tuples(
    st.just((80_000, 86_400)) | st.tuples(st.just(80_001), st.integers(86_401, 90_000))
)
days = st.dates(date(1900, 1, 1), date(2399, 12, 31)).map(date.isoformat)
days |= days.map(lambda day: day[5:])


@pytest.mark.req("P13")
@given(
    st.builds(
        Hours,
        zone=st.none() | st.sampled_from(["Asia/Kathmandu", "America/St_Johns"]),
        weekly=st.tuples(*[day_hours] * 5, nights, st.just(())),
        holidays=st.lists(days | st.sampled_from(["DE-BE", "XNYS"]), max_size=3).map(tuple),
        dates=st.dictionaries(days, day_hours, max_size=3).map(lambda each: tuple(each.items())),
    )
)
def test_hours_come_back_as_they_were_written(hours: Hours):
    written = {"hours": written_hours(hours), "inboxes": {"general": {"sla": "1m"}}}
    config = load_config(written)
    assert config.policy.hours == hours
    assert loads(dumps_toml(config)) == config


@FEWER
@given(configs())
def test_a_configuration_comes_back_from_a_mapping_json_and_toml(config: DeskConfig):
    assert problems(config) == ()
    written = dump(config)
    assert load_config(written) == config
    assert loads(json.dumps(written), "json") == config
    assert loads(dumps_toml(config)) == config
    assert dump(load_config(written)) == written


@FEWER
@given(configs(), configs())
def test_differences_are_empty_exactly_for_equal_dumps(one: DeskConfig, other: DeskConfig):
    assert differences(one, one) == ()
    assert (differences(one, other) == ()) == (_typed(dump(one)) == _typed(dump(other)))


def _typed(value: Any) -> Any:
    """A value that differs where types do: true is not 1."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return type(value).__name__, value


# --- what applies where, by brute force


@pytest.mark.req("U18")
@FEWER
@given(configs(), st.data())
def test_policy_is_the_nearest_set_value(config: DeskConfig, data: st.DataObject):
    setup = Setup(config, 1)
    channel = data.draw(st.sampled_from([None, *config.channels, *CHANNELS]))
    inbox = data.draw(st.sampled_from(sorted(config.inboxes)))
    tree = config.inboxes[inbox].queues
    path = data.draw(st.sampled_from([inbox, *(path for path, _ in walk(inbox, tree))]))
    chain = [PRESETS[config.preset]] if config.preset else []
    chain.append(config.policy)
    if channel is not None and channel in config.channels:
        chain.append(config.channels[channel].policy)
    chain.append(config.inboxes[inbox].policy)
    inside = path.split("/")[1:]
    for depth in range(len(inside)):
        place = "/".join(inside[: depth + 1])
        if place in config.inboxes[inbox].at:
            chain.append(config.inboxes[inbox].at[place])
    for name in ("assignment", "distribution", "overtake", "after_end", "menu_text", "labels"):
        values = [getattr(layer, name) for layer in chain if getattr(layer, name) is not None]
        if values:
            assert getattr(setup.policy(channel, path), name) == values[-1]
        else:
            assert setup.sources(channel, path)[name] == "default"


@pytest.mark.req("G9", "G13", "G14")
@FEWER
@given(configs())
def test_every_entry_point_resolves_as_written(config: DeskConfig):
    setup = Setup(config, 1)
    for name, each in config.entry_points.items():
        resolved = setup.entry_point(name)
        override = each.override or Override()
        if override.inbox is None:
            assert each.channel in config.inboxes[resolved.inbox].primary_for
        else:
            assert resolved.inbox == override.inbox
        assert resolved.sla == (override.sla or config.inboxes[resolved.inbox].sla)
        assert resolved.queue is None or setup.is_leaf(resolved.queue)
        assert setup.by_address(each.channel, each.address) == name


# --- trees and patterns


def brute_leaves(prefix: str, nodes: Sequence[QueueNode]) -> Iterator[str]:
    for node in nodes:
        path = f"{prefix}/{node.name}"
        yield from brute_leaves(path, node.children) if node.children else (path,)


@given(trees())
def test_leaves_are_the_nodes_without_children(tree: tuple[QueueNode, ...]):
    found = leaves("inbox", tree)
    assert list(found) == (list(brute_leaves("inbox", tree)) if tree else ["inbox"])
    assert len(set(found)) == len(found)


@given(trees(), st.data())
def test_patterns_name_what_they_say(tree: tuple[QueueNode, ...], data: st.DataObject):
    every = leaves("inbox", tree)
    assert matching("**", every) == matching("inbox/**", every) == every
    leaf = data.draw(st.sampled_from(every))
    assert matching(leaf, every) == (leaf,)
    steps = leaf.split("/")
    cut = data.draw(st.integers(min_value=1, max_value=len(steps)))
    branch = "/".join(steps[:cut])
    below = matching(f"{branch}/**", every)
    assert below == tuple(each for each in every if f"{each}/".startswith(f"{branch}/"))
    assert (pattern_problem(branch, every) is None) == (branch in every)
    starred = "/".join(data.draw(st.sampled_from(("*", step))) for step in steps)
    stars = matching(starred, every)
    assert leaf in stars
    assert {len(each.split("/")) for each in stars} == {len(steps)}


@FEWER
@given(configs(), st.data())
def test_serving_is_the_union_in_tree_order(config: DeskConfig, data: st.DataObject):
    setup = Setup(config, 1)
    for agent in config.agents.values():
        patterns = [*agent.serves, *(p for g in agent.groups for p in config.groups[g].serves)]
        served = {leaf for pattern in patterns for leaf in matching(pattern, setup.leaves)}
        expected = tuple(leaf for leaf in setup.leaves if leaf in served)
        assert setup.serving(agent.serves, agent.groups) == expected


# --- whatever comes

KEYS = (
    "desk zone preset policy channels inboxes accounts entry_points groups agents general chat"
    " primary_for sla queues at channel account address queue override inbox serves capacity"
    " messaging goal soft_max hard_max env assignment after_end to within labels whatsapp"
).split()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(KEYS)
    | st.dates()
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=30,
)


def attempt(document: Mapping[str, Any]) -> None:
    """Load a document with and without a registry: a sound configuration, or one kind of error."""
    for registry in (None, REGISTRY):
        try:
            config = load_config(document, registry=registry)
        except ConfigError as error:
            refusal = error
        else:
            assert problems(config) == ()
            Setup(config, 1)
            assert load_config(dump(config)) == config
            continue
        assert refusal.problems
        assert str(refusal).encode()  # no half characters


@given(st.dictionaries(st.sampled_from(KEYS) | st.integers(), anything, max_size=6))
def test_any_mapping_is_a_configuration_or_a_config_error(document: dict[Any, Any]):
    attempt(document)


@FEWER
@given(configs(), st.data())
def test_any_damage_to_a_sound_document_is_a_config_error_at_most(
    config: DeskConfig, data: st.DataObject
):
    document = dump(config)
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        damage(document, data)
    attempt(document)


def damage(document: dict[str, Any], data: st.DataObject) -> None:
    """Replace, add or remove one value somewhere."""
    table: Any = document
    while True:
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(table[key], dict | list) and data.draw(st.booleans()):
            table = table[key]
            continue
        if data.draw(st.booleans()):
            del table[key]
        else:
            table[key] = data.draw(anything)
        return
    if isinstance(table, dict):
        table[data.draw(st.sampled_from(KEYS))] = data.draw(anything)


@given(
    st.sampled_from(("toml", "json", "yaml")),
    st.text() | st.text(alphabet='[]{}"=:,-&*!|>#\n abc0.e', max_size=30),
)
def test_any_text_is_a_configuration_or_a_config_error(language: str, source: str):
    with suppress(ConfigError):
        assert problems(loads(source, language)) == ()


@FEWER
@given(configs())
def test_a_configuration_comes_back_from_yaml(config: DeskConfig):
    """All of it but adapters' settings: their numbers stay text until an adapter reads them."""
    accounts = {name: AccountConfig() for name in config.accounts}
    plain = {name: evolve(each, settings={}) for name, each in config.entry_points.items()}
    config = evolve(config, accounts=accounts, entry_points=plain)
    assert loads(yaml.safe_dump(dump(config), sort_keys=False), "yaml") == config


def test_dates_are_no_settings():
    with pytest.raises(ConfigError, match="got a date or time"):
        load_config({"accounts": {"a": {"since": date(2024, 1, 1)}}})
