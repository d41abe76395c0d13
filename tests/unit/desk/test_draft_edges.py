"""Drafts at their edges: what follows a queue, what two people did to one agent, what is no edit at all."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import omniroute as om
from omniroute.errors import DraftConflict, UsageError
from tests.unit.desk.helpers import assert_folds

CONFIG = om.load_config(
    {
        "desk": "acme",
        "policy": {"transfer": {"maximum": 2, "final": "general/Orders"}},
        "inboxes": {
            "general": {
                "primary_for": ["chat"],
                "sla": "15m",
                "queues": ["Orders", "Support", "Returns"],
                "at": {"Support": {"assign": {"overflow": ["general/Orders", "vip/Gold"]}}},
            },
            "vip": {"sla": "2m", "queues": ["Gold"]},
        },
        "entry_points": {"web": {"channel": "chat", "address": "w1"}},
        "groups": {"tier1": {}},
        "agents": {
            "boss": {"role": "administrator"},
            "eva": {"role": "administrator"},
            "ana": {"serves": ["general/*"]},
        },
    }
)


@pytest.fixture
def p(play: Any) -> Any:
    return play(CONFIG)


def limits(hard: int) -> dict[str, Any]:
    return {"messaging": {"goal": 1, "soft_max": 1, "hard_max": hard}}


def messages(draft: Any) -> list[str]:
    return [str(problem) for problem in draft.problems()]


# --- what follows a queue -------------------------------------------------------------------------


def test_overflow_and_the_final_queue_follow_a_renamed_one(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.rename_queue("general/Orders", "Purchases")
        draft.rename_inbox("vip", "gold")
    document = om.dump(p.desk.config)
    assert document["policy"]["transfer"]["final"] == "general/Purchases"
    assign = document["inboxes"]["general"]["at"]["Support"]["assign"]
    assert assign["overflow"] == ["general/Purchases", "gold/Gold"]


def test_what_overflowed_into_two_queues_that_became_one_goes_there_once(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.remove_queue("general/Orders", confirm=True, move_to="vip/Gold")
    document = om.dump(p.desk.config)
    assert document["policy"]["transfer"]["final"] == "vip/Gold"
    assert document["inboxes"]["general"]["at"]["Support"]["assign"]["overflow"] == ["vip/Gold"]


# --- staff ----------------------------------------------------------------------------------------


def test_two_who_change_one_agents_capacity_clash(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    draft.put_agent("ana", capacity=limits(3))
    p.desk.staff.put("ana", capacity=limits(9), by="eva")
    with pytest.raises(DraftConflict) as caught:
        draft.save()
    assert "agents.ana.capacity.messaging.hard_max" in caught.value.clashes


def test_joining_two_drafts_passes_over_nothing_that_was_done_to_an_agent(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    draft.put_agent("ana", name="Ana")
    draft.change_inbox("general", sla="9m")
    p.desk.staff.put("ana", name="Anita", by="eva")
    with p.desk.configure(by="eva") as other:
        other.change_inbox("vip", sla="3m")
    with pytest.raises(DraftConflict) as caught:
        draft.rebase()
    assert caught.value.clashes == ("agents.ana.name",)
    assert p.desk.staff.get("ana").name == "Anita"


def test_a_profile_is_written_as_in_a_file(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.put_agent("ana", capacity=limits(3), skills={"router": 3}, role="supervisor")
    ana = p.desk.staff.get("ana")
    assert (ana.capacity.hard_max, ana.skills, ana.role) == (3, {"router": 3}, om.Role.SUPERVISOR)


def test_a_draft_tells_all_that_keeps_staff_from_being_saved(p: Any) -> None:
    draft = p.desk.configure()
    draft.put_agent("new", role="king", weight="2", bogus=1)
    draft.put_agent("other", channels=["caht"])
    draft.put_agent("third", groups=["tier2"])
    draft.remove_agent("nobody", confirm=True)
    draft.remove_agent("eva", confirm=True, held="keep", hand_to="boss")
    told = messages(draft)
    assert [line.partition(": ")[0] for line in told] == [
        "agents.new.weight",
        "agents.new.role",
        "agents.new.bogus",
        "agents.other.channels[0]",
        "agents.third.groups",
        "agents.nobody",
        "agents.eva",
    ]
    assert 'there is no channel "caht"; did you mean "chat"?' in told[3]
    with pytest.raises(UsageError):
        draft.save()


def test_an_agent_who_is_only_named_is_a_change(p: Any) -> None:
    draft = p.desk.configure()
    draft.put_agent("new")
    assert draft.changes() == ("agents.new: put on the staff",)


# --- what is no edit ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda d: d.add_queue("general", None), "name: not a queue's name; expected text"),
        (lambda d: d.add_queue(None, "New"), "queue: not a path; expected text"),
        (lambda d: d.add_queue("general", "New", at="1"), "at: not a place; expected a whole"),
        (lambda d: d.move_queue("general/Orders", by="1"), "by: not a place; expected a whole"),
        (lambda d: d.move_queue("general/Orders", by=True), "by: not a place; expected a whole"),
        (lambda d: d.change_inbox(3, sla="5m"), "inboxes: not a name; expected text, got 3"),
        (lambda d: d.add_inbox("vip", sla="5m"), 'the inbox "vip" is there already'),
        (lambda d: d.copy_tree("vip", "vip"), 'to: "vip" is to be copied onto itself'),
        (lambda d: d.policy("vip", channel="chat", menu_text="?"), "a place and a channel"),
        (lambda d: d.move_conversations("general/Ordes", "vip/Gold"), 'mean "general/Orders"'),
        (lambda d: d.replace({"desk": "other"}), "a configuration of another desk"),
        (
            lambda d: d.set_words(back="menu"),
            'back: one text; expected a list of words, got "menu"',
        ),
        (
            lambda d: d.set_words(leave="bye"),
            'leave: one text; expected a list of words, got "bye"',
        ),
    ],
)
def test_what_is_no_edit_is_refused_at_once(p: Any, edit: Any, message: str) -> None:
    draft = p.desk.configure()
    with pytest.raises(UsageError) as caught:
        edit(draft)
    assert message in str(caught.value)
    assert draft.changes() == ()


def test_conversations_are_not_moved_out_of_a_queue_that_never_was(p: Any) -> None:
    document = om.dump(p.desk.config) | {"zone": "Europe/Berlin"}
    with pytest.raises(UsageError, match='did you mean "general/Orders"'):
        p.desk.apply(om.load_config(document), move={"general/Ordes": "vip/Gold"})
    with pytest.raises(UsageError, match='did you mean "general/Orders"'):
        p.desk.rollback(to=1, move={"general/Ordes": "vip/Gold"})


def test_what_stands_in_the_way_is_found_where_the_file_has_it(play: Any) -> None:
    p = play(
        {
            "inboxes": {"my inbox": {"primary_for": ["chat"], "sla": "5m", "queues": ["A", "B b"]}},
            "entry_points": {"web": {"channel": "chat", "queue": "my inbox/B b"}},
        }
    )
    p.contact("Maria").writes("Hello")
    draft = p.desk.configure()
    draft.change_entry_point("web", queue=None)
    draft.remove_queue("my inbox/B b", confirm=True)
    assert [problem.path for problem in draft.problems()] == ['inboxes."my inbox"."B b"']


# --- who chooses in the menu meanwhile --------------------------------------------------------------


@pytest.fixture
def choosing(p: Any) -> Any:
    """A contact who looks into the branch Returns of the menu."""
    with p.desk.configure() as draft:
        draft.add_queue("general/Returns", "Lost")
        draft.add_queue("general/Returns", "Broken")
        draft.put_agent("ana", serves=["general/**"])
    contact = p.contact("Maria", on="web")
    contact.writes("Hello")
    assert contact.writes("Returns").state is om.State.SELECTING
    return contact


def rename_the_branch(draft: Any) -> None:
    draft.rename_queue("general/Returns", "Back")
    draft.rename_queue("general/Back", "Refunds")


def move_the_branch(draft: Any) -> None:
    draft.move_queue("general/Returns", to="vip")


def rename_the_inbox(draft: Any) -> None:
    draft.rename_inbox("general", "shop")


@pytest.mark.req("S15")
@pytest.mark.parametrize(
    "edit,queue",
    [
        (rename_the_branch, "general/Refunds/Broken"),
        (move_the_branch, "vip/Returns/Broken"),
        (rename_the_inbox, "shop/Returns/Broken"),
    ],
)
def test_who_looks_into_a_branch_of_the_menu_goes_along_with_it(
    p: Any, choosing: Any, edit: Any, queue: str
) -> None:
    with p.desk.configure() as draft:
        edit(draft)
    p.desk.tick()  # the staff follows
    assert choosing.writes("2").queue == queue
    assert_folds(p)


@pytest.mark.req("S15")
def test_who_looks_into_a_branch_goes_back_with_it(p: Any, choosing: Any) -> None:
    with p.desk.configure() as draft:
        rename_the_branch(draft)
    p.desk.rollback(to=2)
    p.desk.tick()
    assert choosing.writes("2").queue == "general/Returns/Broken"
    assert_folds(p)


def test_who_looks_elsewhere_in_the_menu_is_not_touched(p: Any, choosing: Any) -> None:
    other = p.contact("Noah", on="web").writes("Hello")
    before = p.desk.conversation(other.id)
    with p.desk.configure() as draft:
        rename_the_branch(draft)
    assert p.desk.conversation(other.id) == before


@pytest.mark.parametrize("renamed_first", [False, True])
def test_who_looks_into_a_branch_that_is_gone_begins_at_the_top(
    p: Any, choosing: Any, renamed_first: bool
) -> None:
    gone = "general/Returns"
    with p.desk.configure() as draft:
        if renamed_first:
            gone = draft.rename_queue(gone, "Back")
        draft.remove_queue(gone, confirm=True)
    view = choosing.writes("2")
    assert (view.state, view.queue) == (om.State.SELECTING, None)
    assert choosing.writes("2").queue == "general/Support"
    assert_folds(p)


# --- going back -----------------------------------------------------------------------------------


def test_going_back_takes_a_renamed_queue_back_with_all_that_stands_in_it(p: Any) -> None:
    desk = p.desk
    desk.staff.put("ben", serves=["general/Orders"])
    with desk.configure() as draft:
        draft.change_entry_point("web", queue="general/Orders")
    with desk.configure() as draft:
        draft.rename_queue("general/Orders", "Purchases")
    with desk.configure() as draft:
        draft.change_entry_point("web", queue=None)
        draft.move_queue("general/Purchases", to="vip")
        draft.change_entry_point("web", override={"inbox": "vip"}, queue="vip/Purchases")
    chat = p.contact("Maria").writes("Hello")
    assert chat.queue == "vip/Purchases"
    assert desk.rollback(to=2) == 5
    assert desk.conversation(chat.id).queue == "general/Orders"
    while desk.tick():
        pass
    assert desk.staff.get("ben").serves == ("general/Orders",)
    assert desk.staff.get("ben").queues == ("general/Orders",)
    assert desk.rollback(to=4) == 6, "and forward again"
    assert desk.conversation(chat.id).queue == "vip/Purchases"


def test_going_back_conversations_go_where_they_are_told_to_instead(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.rename_queue("general/Orders", "Purchases")
        draft.change_entry_point("web", queue="general/Purchases")
    chat = p.contact("Maria").writes("Hello")
    p.desk.rollback(to=1, move={"general/Purchases": "vip/Gold"})
    assert p.desk.conversation(chat.id).queue == "vip/Gold"


@pytest.mark.req("S15")
def test_what_a_rollback_would_refuse_is_told_beforehand_all_at_once(p: Any) -> None:
    desk = p.desk
    with desk.configure() as draft:
        draft.add_queue("general/Returns", "Late")
    with desk.configure() as draft:
        draft.remove_queue("general/Returns/Late", confirm=True)
        draft.put_agent("ana", serves=["general/Returns"])
        draft.add_queue("vip", "New")
        draft.change_entry_point("web", queue="vip/New", override={"inbox": "vip"})
        draft.add_inbox("night", sla="1h")
        draft.add_entry_point("late", channel="chat", address="w2", override={"inbox": "night"})
    p.contact("Maria", on="web").writes("Hello")
    p.contact("Noah", on="late").writes("Hello")
    before = [each.position for each in desk.changes()]
    told = desk.rollback_problems(to=2)
    assert [each.path for each in told] == [
        "inboxes.general.Returns",
        "inboxes.vip.New",
        "inboxes.night",
        "entry_points.late",
    ]
    with pytest.raises(om.ConfigError) as raised:
        desk.rollback(to=2)
    assert raised.value.problems == told
    assert [each.position for each in desk.changes()] == before
    moves = {"vip/New": "vip/Gold", "night": "vip/Gold"}
    left = [each.path for each in desk.rollback_problems(to=2, move=moves)]
    assert left == ["inboxes.general.Returns", "entry_points.late"]


@pytest.mark.req("S15", "G18")
def test_what_a_rollback_takes_back_does_not_stand_in_its_way(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.rename_queue("general/Orders", "Purchases")
        draft.change_entry_point("web", queue="general/Purchases")
    p.contact("Maria").writes("Hello")
    assert p.desk.rollback_problems(to=1, by="eva") == ()
    assert p.desk.rollback_problems(to=2) == (), "it is in force"
    assert p.desk.rollback(to=1, by="eva") == 3
    for to, by, error in ((9, None, om.UnknownVersion), (1, "ana", om.PermissionDenied)):
        with pytest.raises(error):
            p.desk.rollback_problems(to=to, by=by)


def test_an_address_that_another_desk_took_is_told_with_all_the_rest(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.add_entry_point("old", channel="chat", address="w9")
    with p.desk.configure() as draft:
        draft.remove_entry_point("old", confirm=True)
        draft.add_queue("vip", "New")
        draft.change_entry_point("web", queue="vip/New", override={"inbox": "vip"})
    other = {"desk": "other", "inboxes": {"a": {"sla": "1m", "primary_for": ["chat"]}}}
    p.desks.create(other | {"entry_points": {"theirs": {"channel": "chat", "address": "w9"}}})
    p.contact("Maria").writes("Hello")
    told = p.desk.rollback_problems(to=2)
    assert [each.path for each in told] == ["inboxes.vip.New", "entry_points.old.address"]
    draft = p.desk.configure()
    draft.replace(p.desk.version(2))
    assert draft.problems() == told
    with pytest.raises(om.ConfigError) as raised:
        p.desk.rollback(to=2)
    assert raised.value.problems == told


@pytest.mark.parametrize("nobody", [3, None, b"boss"])
def test_what_is_no_name_is_shown_for_what_it_is(p: Any, nobody: Any) -> None:
    with pytest.raises(UsageError, match=r"there is no number (3|nothing|a bytes); there are none"):
        p.desk.numbers.request_code(nobody)
    if nobody is not None:
        with pytest.raises(om.PermissionDenied, match="got nobody on the staff"):
            p.desk.configure(by=nobody)


# --- from a file ----------------------------------------------------------------------------------


def test_a_desk_takes_a_file_or_a_mapping_for_its_own(p: Any, tmp_path: Path) -> None:
    document = om.dump(p.desk.config) | {"zone": "Europe/Berlin"}
    del document["desk"]
    assert p.desk.apply(document) == 2
    path = tmp_path / "anything.json"
    path.write_text(json.dumps(document | {"zone": "Asia/Tokyo"}))
    assert p.desk.apply(path) == 3
    assert p.desk.config.zone == "Asia/Tokyo"
    with pytest.raises(UsageError, match='a configuration of another desk; expected "acme"'):
        p.desk.apply(document | {"desk": "other"})
    with pytest.raises(om.ConfigError, match="there is no such file"):
        p.desk.apply(tmp_path / "none.toml")


def test_single_days_may_be_given_as_dates(p: Any) -> None:
    week = {"mon-fri": "09:00-17:00", "dates": {date(2026, 12, 24): "closed", "12-31": "closed"}}
    with p.desk.configure() as draft:
        draft.policy("general", hours=week)
    hours = om.dump(p.desk.config)["inboxes"]["general"]["hours"]
    assert hours["dates"] == {"2026-12-24": "closed", "12-31": "closed"}
