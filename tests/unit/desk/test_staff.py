"""Staff: saved one at a time, switched on and off."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from omniroute.config import dump, load_config
from omniroute.desk.following import FollowAs
from omniroute.errors import NaiveDatetime, PermissionDenied, UnknownAgent, UsageError
from omniroute.model import events as tell
from omniroute.model.agent import Capacity, Colour
from omniroute.model.desk_config import AgentConfig, GroupConfig
from omniroute.model.state import State
from omniroute.testing import MONDAY, a_config
from tests.unit.desk.helpers import assert_folds, names, position, told

TREE = ("Deutsch", "English")


@pytest.fixture
def desk(play):
    p = play(a_config(preset="push", queues=TREE))
    return p.desk


def test_a_new_agent_serves_at_once_but_is_not_available(play) -> None:
    p = play(a_config(preset="push"))
    chat = p.contact("Maria").writes("Hello")
    saved = p.desk.staff.put("ana", name="Ana Lima", serves=["general"])
    assert (saved.name, saved.queues, saved.colour, saved.load) == (
        *("Ana Lima", ("general",)),
        *(Colour.RED, 0),
    )
    assert told(p, tell.AgentSaved)[0].actor == "system"
    p.agent("ana").on()
    assert p.desk.conversation(chat.id).agent == "ana"


def test_seeded_agents_are_saved_in_the_log(play) -> None:
    p = play(a_config(agents=("ana", "bob")))
    assert names(p) == ["Configured", "AgentSaved", "AgentSaved"]
    assert [each.id for each in p.desk.staff.list()] == ["ana", "bob"]
    assert_folds(p)


def test_patterns_and_groups_come_to_queues_in_tree_order(play) -> None:
    config = a_config(queues=TREE)
    p = play(
        evolve(
            config,
            groups={"de": GroupConfig(serves=("general/Deutsch",))},
            agents={"ana": AgentConfig(groups=("de",), serves=("general/English",))},
        )
    )
    assert p.desk.staff.get("ana").queues == ("general/Deutsch", "general/English")
    assert p.desk.staff.put("bob", serves=["general/**"]).queues == (
        *("general/Deutsch", "general/English"),
    )


def test_what_is_not_given_stays(desk) -> None:
    own = {"messaging": Capacity(1, 1, 1)}
    desk.staff.put("ana", name="Ana", serves=["general/Deutsch"], capacity=own)
    after = desk.staff.put("ana", serves=["general/English"])
    assert (after.name, after.capacity) == ("Ana", Capacity(1, 1, 1))
    assert after.queues == ("general/English",)
    assert desk.staff.put("ana", name="Ann").serves == ("general/English",)


def test_a_change_of_profile_keeps_load_and_availability(play) -> None:
    p = play(a_config(preset="push", agents=("ana",)))
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    after = p.desk.staff.put("ana", name="Ann")
    assert (after.load, after.available, after.name) == (1, True, "Ann")
    assert_folds(p)


def test_serving_another_queue_takes_what_waits_there(play) -> None:
    p = play(a_config(preset="push", queues=TREE, agents={"ana": ["general/Deutsch"], "bob": []}))
    p.desk.staff.put("bob", serves=["general/English"])
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Maria").writes("English")
    assert chat.state is State.QUEUED
    p.desk.staff.put("ana", serves=["general/**"])
    assert p.desk.conversation(chat.id).agent == "ana"


def test_a_larger_capacity_takes_what_waits(play) -> None:
    p = play(a_config(preset="push", agents=("ana",), capacity=1))
    p.agent("ana").on()
    p.contact("Maria").writes("Hello")
    chat = p.contact("Otto").writes("Hello")
    assert chat.state is State.QUEUED
    p.desk.staff.put("ana", capacity={"messaging": Capacity(2, 2, 2)})
    assert p.desk.conversation(chat.id).agent == "ana"


@pytest.mark.req("R11")
def test_saving_what_is_there_already_tells_nothing(play) -> None:
    p = play(a_config(agents=("ana",)))
    before = position(p)
    p.desk.staff.put("ana")
    p.desk.staff.put("ana", name="ana", serves=["general"], groups=[])
    p.desk.staff.set_available("ana", available=False)
    assert position(p) == before


def test_the_switch_says_who_turned_it(play) -> None:
    p = play(a_config(agents=("ana",)))
    p.desk.staff.put("bob", role="supervisor")
    p.advance("1m")
    on = p.desk.staff.set_available("ana", by="bob")
    assert (on.available, on.colour) == (True, Colour.GREEN)
    assert on.idle_since == MONDAY + timedelta(minutes=1)
    assert [each.actor for each in told(p, tell.AgentAvailability)] == ["agent:bob"]


def test_agents_are_listed_page_by_page(desk) -> None:
    for number in range(5):
        desk.staff.put(f"agent-{number}")
    seen, cursor = [], None
    while True:
        page = desk.staff.list(limit=2, after=cursor)
        seen += [each.id for each in page]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"agent-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "action,error",
    [
        (lambda d: d.staff.put(" "), UsageError),
        (lambda d: d.staff.put("ana", serves=["general/Russian"]), UsageError),
        (lambda d: d.staff.put("ana", groups=["tier9"]), UsageError),
        (lambda d: d.staff.get("eva"), UnknownAgent),
        (lambda d: d.staff.set_available("eva"), UnknownAgent),
        (lambda d: d.set_available("eva"), UnknownAgent),
        (lambda d: d.staff.list(limit=0), UsageError),
        (lambda d: d.staff.put("ana", now=datetime(2026, 3, 2, 9)), NaiveDatetime),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_is_stored(desk, action, error) -> None:
    with pytest.raises(error):
        action(desk)
    assert [type(each.event).__name__ for each in desk.changes()] == ["Configured"]


@pytest.mark.req("P20")
def test_every_change_of_a_profile_is_kept_with_who_and_what(play) -> None:
    p = play(a_config(agents=("ana",)))
    p.desk.staff.put("boss", role="administrator")
    p.desk.staff.change("ana", name="Ana Lima", by="boss")
    p.desk.staff.change("ana", name="Ana Lima", by="boss")
    p.desk.staff.remove("ana", by="boss")
    found = p.desk.staff.history("ana")
    assert [(each.by, each.origin, each.changes) for each in found] == [
        ("agent:boss", "hand", ("agents.ana: removed",)),
        ("agent:boss", "hand", ('agents.ana.name: not set -> "Ana Lima"',)),
        ("system", "seed", ("agents.ana: added", 'agents.ana.serves: not set -> ["general"]')),
    ]
    assert found.items[1].profile == AgentConfig(name="Ana Lima", serves=("general",))
    first = p.desk.staff.history("ana", limit=1)
    assert [each.position for each in p.desk.staff.history("ana", after=first.next)] == [
        each.position for each in found.items[1:]
    ]


def test_only_a_known_agent_is_changed_and_only_a_known_role_given(desk) -> None:
    with pytest.raises(UnknownAgent, match=r"staff\.put adds one"):
        desk.staff.change("eva", name="Eva")
    with pytest.raises(UsageError, match='"supervisor" and "administrator"'):
        desk.staff.put("ana", role="boss")


def test_the_configuration_of_a_desk_holds_no_staff(play) -> None:
    p = play(a_config(agents=("ana",)))
    assert p.desk.config.agents == {}
    assert [each.id for each in p.desk.staff.list()] == ["ana"]


def test_what_somebody_can_is_part_of_their_profile(desk) -> None:
    desk.staff.put("ana", skills={"router": 7}, languages=["de"], channels=["chat"])
    after = desk.staff.change("ana", skills={"router": 9})
    assert (after.skills, after.languages, after.channels) == ({"router": 9}, ("de",), ("chat",))
    with pytest.raises(UsageError, match="a level from 1 to 100"):
        desk.staff.change("ana", skills={"router": 101})
    with pytest.raises(UsageError, match="is no language"):
        desk.staff.change("ana", languages=["German!"])


@pytest.mark.req("P20")
def test_staff_follows_a_file_and_what_was_edited_by_hand_stays(play) -> None:
    config = a_config(agents=("ana", "bob", "cho"))
    p = play(config)
    p.desk.staff.change("bob", name="Bobby")
    file = evolve(
        config,
        agents={
            "ana": AgentConfig(name="Ana", serves=("general",)),
            "bob": AgentConfig(name="Robert", serves=("general",)),
            "dan": AgentConfig(),
        },
    )
    before = position(p)
    plan = p.desk.staff.follow(file, plan=True)
    assert position(p) == before
    assert p.desk.staff.follow(file) == plan
    assert [(each.agent, each.how.value) for each in plan] == [
        *(("ana", "changed"), ("bob", "kept"), ("dan", "added"), ("cho", "not_named")),
    ]
    assert plan[1].changes == ("agents.bob.name: Bobby -> Robert",)
    assert [each.name for each in p.desk.staff.list()] == ["Ana", "Bobby", "cho", "dan"]
    assert p.desk.staff.history("ana").items[0].origin == "file"
    assert [each.agent for each in p.desk.staff.follow(file, overrule=True)] == ["bob", "cho"]
    assert p.desk.staff.get("bob").name == "Robert"
    p.desk.staff.put("sue", role="supervisor")
    with pytest.raises(PermissionDenied):
        p.desk.staff.follow(config, by="sue")


@pytest.mark.req("P20")
def test_staff_follows_a_mapping_and_a_path_as_well(play, tmp_path: Path) -> None:
    p = play(a_config(agents=("ana",)))
    document = dump(a_config(agents=("ana", "bob")))
    (added,) = p.desk.staff.follow(document)
    assert (added.agent, added.how) == ("bob", FollowAs.ADDED)
    path = tmp_path / "desk.json"
    path.write_text(dumps(document), encoding="utf-8")
    assert p.desk.staff.follow(path) == p.desk.staff.follow(str(path)) == []


BY_A_PROGRAM: Any = a_config()


@pytest.mark.parametrize("plan", [False, True])
@pytest.mark.parametrize(
    "source,text",
    [
        (a_config(desk="other", agents=("bob",)), "of another desk"),
        (dump(a_config(desk="other", agents=("bob",))), "of another desk"),
        ({"agents": {"bob": AgentConfig()}}, "agents.bob"),
        ({"agents": {"bob": {"serves": "general", "nmae": "Bob"}}}, "agents.bob.nmae: unknown key"),
        (evolve(BY_A_PROGRAM, agents={"bob": {"name": "Bob"}}), "agents.bob"),
        (evolve(a_config(), agents={"bob": AgentConfig(serves=("nope",))}), "nope"),
        (evolve(BY_A_PROGRAM, agents=["bob"]), "agents"),
        (None, "expected a path or a mapping"),
        ({"bob"}, "expected a path or a mapping"),
        ("desk.toml", "there is no such file"),
    ],
)
@pytest.mark.req("P20")
def test_staff_follows_nothing_that_is_no_configuration_of_its_desk(
    play, source: Any, text: str, plan: bool
) -> None:
    p = play(a_config(agents=("ana",)))
    before = position(p)
    with pytest.raises(UsageError, match=text):
        p.desk.staff.follow(source, plan=plan)
    assert position(p) == before
    assert [each.id for each in p.desk.staff.list()] == ["ana"]


@pytest.mark.req("P20", "S15")
def test_who_was_taken_off_by_hand_does_not_come_back_with_the_file(play) -> None:
    config = a_config(agents=("ana", "bob"))
    p = play(config)
    p.desk.staff.remove("bob")
    (told,) = p.desk.staff.follow(config)
    assert (told.agent, told.how) == ("bob", FollowAs.STAYS_OFF)
    assert [each.id for each in p.desk.staff.list()] == ["ana"]
    (told,) = p.desk.staff.follow(config, overrule=True)
    assert (told.agent, told.how) == ("bob", FollowAs.ADDED)
    assert p.desk.staff.follow(config) == []


@pytest.mark.req("P20")
def test_a_hand_edit_outlasts_a_queue_that_was_renamed_since(play) -> None:
    document = dump(a_config(agents=("ana",)))
    document["inboxes"]["general"]["queues"] = ["A", "B"]
    document["agents"]["ana"]["serves"] = ["general/A"]
    config = load_config(document)
    p = play(config)
    p.desk.staff.change("ana", name="Ana by hand")
    titles = ["A", *(f"A{number}" for number in range(12))]
    for before, after in pairwise(titles):
        with p.desk.configure() as draft:
            draft.rename_queue(f"general/{before}", after)
        while p.desk.tick():
            pass
    assert p.desk.staff.history("ana").items[0].origin == "configuration"
    (told,) = p.desk.staff.follow(evolve(config, agents={"ana": AgentConfig(name="Filed")}))
    assert told.how is FollowAs.KEPT
    assert p.desk.staff.get("ana").name == "Ana by hand"
