"""Drafts: staged edits, judged at any time, saved as one version or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import holidays
import pytest

import omniroute as om
from omniroute.codec import encode
from omniroute.desk import jobs
from omniroute.model.desk_config import ChannelGroupConfig, DirectAccess
from omniroute.model.events import Configured
from omniroute.schema import CONFIGS
from tests.unit.desk.helpers import assert_folds, position, stored, told

CONFIG = om.load_config(
    {
        "desk": "acme",
        "preset": "push",
        "inboxes": {
            "general": {
                "primary_for": ["chat"],
                "sla": "15m",
                "queues": ["Deutsch", ["Bestellung", "Technik"], "English"],
                "at": {"Deutsch/Technik": {"greeting": "Bitte?"}},
            },
            "vip": {"sla": "2m", "queues": ["Gold", "Silver"]},
            "spare": {"sla": "1h"},
        },
        "entry_points": {
            "web": {"channel": "chat", "address": "w1"},
            "gold": {
                "channel": "chat",
                "address": "w2",
                "override": {"inbox": "vip"},
                "queue": "vip/Gold",
            },
        },
        "groups": {"de": {"serves": ["general/Deutsch/**"]}},
        "agents": {
            "boss": {"role": "administrator"},
            "eva": {"role": "administrator"},
            "ana": {"groups": ["de"], "serves": ["vip/Gold"]},
        },
    }
)


@pytest.fixture
def p(play: Any) -> Any:
    return play(CONFIG)


def versions(p: Any) -> list[int]:
    return [each.version for each in told(p, Configured)]


# --- staged, and saved whole ----------------------------------------------------------------------


@pytest.mark.req("G19")
def test_nothing_counts_before_it_is_saved(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    draft.override("web", inbox="vip", sla="40s")
    assert p.contact("Maria", on="web").writes("Hello").inbox == "general"
    assert draft.save() == 2
    web = {each.name: each for each in p.desk.entry_points()}["web"]
    assert (web.inbox, web.sla, web.sla_source) == ("vip", 40_000_000, "override")


@pytest.mark.req("G22", "G3")
def test_adding_an_entry_point_warns_that_it_is_live_once_it_is_saved(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    warning = draft.add_entry_point("new", channel="chat", address="w-new")
    assert warning == om.GoesLive("new", "chat", "general")
    assert "Don't add it until you are ready" in str(warning)
    elsewhere = draft.add_entry_point(
        "golden", channel="chat", address="w-gold", override={"inbox": "vip"}
    )
    assert elsewhere.inbox == "vip"
    assert draft.add_entry_point("off", channel="chat", address="w", embedded=False) is None


@pytest.mark.req("U8", "U9", "U10")
def test_a_draft_refuses_protected_names_and_names_the_word(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    for name in ("Stop it", "ＨＥＬＰ", "info!"):
        for step in (
            lambda name=name: draft.add_queue("general/Deutsch", name),
            lambda name=name: draft.add_sibling("general/English", name),
            lambda name=name: draft.rename_queue("general/English", name),
        ):
            with pytest.raises(om.ReservedNameError) as raised:
                step()
            assert raised.value.word in ("STOP", "HELP", "INFO")
    assert draft.add_queue("general/Deutsch", "Helpful")
    draft.policy(exit_words=["raus"], protected_names="whole_name")
    with pytest.raises(om.ReservedNameError) as raised:
        draft.add_queue("general/Deutsch", "Raus.")
    assert raised.value.word == "raus"
    assert draft.add_queue("general/Deutsch", "Raus hier")


@pytest.mark.req("G19", "U7")
def test_a_draft_that_is_wrong_saves_nothing_and_says_everything(p: Any) -> None:
    before = (position(p), p.desk.config)
    draft = p.desk.configure(by="boss")
    draft.override("web", inbox="VIP", sla="0")
    draft.add_queue("general/Deutsch", "technik")
    draft.change_inbox("vip", sla=None)
    draft.rename_queue("general/English", "Eng")
    paths = [each.path for each in draft.problems()]
    assert paths == [
        *("inboxes.general.queues[1][2]", "inboxes.vip.sla"),
        *("entry_points.web.override.inbox", "entry_points.web.override.sla"),
    ]
    with pytest.raises(om.ConfigError) as raised:
        draft.save()
    assert raised.value.problems == draft.problems()
    assert (position(p), p.desk.config) == before


@pytest.mark.req("G19")
def test_a_block_saves_one_version_at_its_end_and_none_when_it_raises(p: Any) -> None:
    with p.desk.configure(by="boss") as draft:
        draft.override("web", sla="40s")
        draft.change_inbox("vip", sla=5)
    assert versions(p) == [1, 2]

    def broken() -> None:
        with p.desk.configure(by="boss") as draft:
            draft.override("web", sla="1m")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert versions(p) == [1, 2]
    with p.desk.configure(by="boss"):
        pass
    assert versions(p) == [1, 2], "a draft without changes is no version"


def test_a_draft_goes_on_from_what_it_saved(p: Any) -> None:
    draft = p.desk.configure()
    draft.change_inbox("vip", sla="3m")
    assert (draft.base, draft.save(), draft.base, draft.changes()) == (1, 2, 2, ())
    draft.change_inbox("vip", sla="4m")
    draft.discard()
    assert (draft.changes(), draft.save()) == ((), 2)


@pytest.mark.req("G18")
@pytest.mark.parametrize("by", ["ana", "nobody"])
def test_only_an_administrator_drafts_and_saves(p: Any, by: str) -> None:
    with pytest.raises(om.PermissionDenied):
        p.desk.configure(by=by)
    draft = p.desk.configure(by="eva")
    draft.change_inbox("vip", sla="3m")
    p.desk.staff.change("eva", role="agent")
    with pytest.raises(om.PermissionDenied):
        draft.save()
    assert versions(p) == [1]


def test_what_a_draft_changes_can_be_read(p: Any) -> None:
    draft = p.desk.configure()
    draft.override("web", sla="40s")
    draft.remove_queue("vip/Silver", confirm=True, move_to="vip/Gold")
    draft.put_agent("bob", serves=["vip/Gold"])
    assert draft.changes() == (
        'inboxes.vip.queues: ["Gold", "Silver"] -> ["Gold"]',
        "entry_points.web.override.sla: not set -> 40s",
        "conversations in vip/Silver go to vip/Gold",
        'agents.bob.serves: set to ["vip/Gold"]',
    )


# --- two at once ----------------------------------------------------------------------------------


@pytest.mark.req("G19")
def test_the_second_of_two_is_told_what_changed_and_can_be_joined(p: Any) -> None:
    one, two = p.desk.configure(by="boss"), p.desk.configure(by="eva")
    one.change_inbox("vip", sla="3m")
    two.override("web", sla="40s")
    one.save()
    with pytest.raises(om.DraftConflict) as raised:
        two.save()
    conflict = raised.value
    assert (conflict.mergeable, conflict.clashes) == (True, ())
    (since,) = conflict.versions
    assert (since.number, since.by, since.changes) == (
        *(2, "agent:boss"),
        ("inboxes.vip.sla: 2m -> 3m",),
    )
    assert "version 2 by agent:boss: inboxes.vip.sla: 2m -> 3m" in str(conflict)
    assert two.rebase() == since.changes
    assert two.changes() == ("entry_points.web.override.sla: not set -> 40s",)
    assert two.save() == 3
    assert om.dump(p.desk.config)["inboxes"]["vip"]["sla"] == "3m"


@pytest.mark.req("G19")
def test_two_who_change_the_same_clash_and_nothing_is_lost(p: Any) -> None:
    one, two = p.desk.configure(by="boss"), p.desk.configure(by="eva")
    one.change_inbox("vip", sla="3m")
    one.save()
    two.change_inbox("vip", sla="4m")
    for attempt in (two.save, two.rebase):
        with pytest.raises(om.DraftConflict, match=r"both changed inboxes\.vip\.sla") as raised:
            attempt()
        assert not raised.value.mergeable
    assert om.dump(p.desk.config)["inboxes"]["vip"]["sla"] == "3m"


def test_two_who_edit_one_tree_clash(p: Any) -> None:
    one, two = p.desk.configure(), p.desk.configure()
    one.add_queue("general", "Polski")
    two.rename_queue("general/English", "Inglés")
    one.save()
    with pytest.raises(om.DraftConflict, match=r"inboxes\.general\.queues"):
        two.save()


def test_staff_changed_by_two_clashes_by_field(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    draft.put_agent("ana", name="Ana")
    p.desk.staff.change("ana", serves=[], by="eva")
    assert draft.save() == 1, "another field"
    draft.put_agent("ana", name="Ann")
    p.desk.staff.change("ana", name="Anna", by="eva")
    with pytest.raises(om.DraftConflict, match=r"agent:eva: agents\.ana\.name: Ana -> Anna"):
        draft.save()
    assert p.desk.staff.get("ana").name == "Anna"


# --- the tree -------------------------------------------------------------------------------------


def tree(p: Any, inbox: str = "general") -> Any:
    return om.dump(p.desk.config)["inboxes"][inbox]["queues"]


@pytest.mark.req("U6", "U7")
def test_a_tree_is_edited_step_by_step_and_committed_at_once(p: Any) -> None:
    draft = p.desk.configure(by="boss")
    assert draft.add_queue("general/English", "Orders") == "general/English/Orders"
    assert draft.add_sibling("general/English/Orders", "Front desk") == "general/English/Front desk"
    draft.outdent("general/Deutsch/Technik")
    draft.move_queue("general/English", by=-9)
    draft.rename_queue("general/English/Front desk", "Support")
    draft.add_queue("general", "Polski", at=0)
    assert tree(p) == ["Deutsch", ["Bestellung", "Technik"], "English"]
    draft.save()
    assert tree(p) == [
        *("Polski", "English", ["Orders", "Support"]),
        *("Deutsch", ["Bestellung"], "Technik"),
    ]


def test_what_names_a_queue_follows_it(p: Any) -> None:
    draft = p.desk.configure()
    draft.rename_queue("general/Deutsch", "German")
    draft.move_queue("vip/Gold", to="general/German", at=0)
    draft.override("gold", inbox="general", sla="1m")
    draft.save()
    document = om.dump(p.desk.config)
    assert document["groups"]["de"]["serves"] == ["general/German/**"]
    assert document["entry_points"]["gold"]["queue"] == "general/German/Gold"
    assert document["inboxes"]["general"]["at"] == {"German/Technik": {"greeting": "Bitte?"}}
    p.desk.tick()
    ana = p.desk.staff.get("ana")
    assert ana.serves == ("general/German/Gold",)
    assert ana.queues == tuple(
        f"general/German/{name}" for name in ("Gold", "Bestellung", "Technik")
    )
    change = p.desk.staff.history("ana").items[0]
    assert (change.by, change.origin) == ("system", "configuration")


@pytest.mark.req("U11", "U12")
def test_a_copied_tree_replaces_the_other_and_brings_nothing_but_names(p: Any) -> None:
    draft = p.desk.configure()
    draft.policy("vip/Gold", greeting="Gold?")
    draft.put_group("gold", serves=["vip/Gold", "vip/Silver", "spare"])
    draft.save()
    draft.change_entry_point("gold", queue=None)
    draft.copy_tree("general", "vip")
    draft.save()
    p.desk.tick()
    document = om.dump(p.desk.config)
    assert tree(p, "vip") == tree(p, "general") == ["Deutsch", ["Bestellung", "Technik"], "English"]
    assert "at" not in document["inboxes"]["vip"]
    assert document["inboxes"]["general"]["at"] == {"Deutsch/Technik": {"greeting": "Bitte?"}}
    assert document["groups"]["gold"]["serves"] == ["spare"]
    served = {queue for agent in p.desk.staff.list() for queue in agent.queues}
    assert not any(queue.startswith("vip") for queue in served), "nobody serves the new ones"
    assert "general/Deutsch/Technik" in served, "the source is as it was"


@pytest.mark.parametrize(
    "edit",
    [
        lambda draft: draft.add_queue("general/Deutsh", "x"),
        lambda draft: draft.add_queue("general", "English"),
        lambda draft: draft.rename_queue("general/English", "Deutsch"),
        lambda draft: draft.rename_queue("general/English", "a/b"),
        lambda draft: draft.add_queue("general", ""),
        lambda draft: draft.outdent("general/Deutsch"),
        lambda draft: draft.move_queue("general/Deutsch", to="general/Deutsch/Technik"),
        lambda draft: draft.move_queue("general/Deutsch"),
        lambda draft: draft.remove_queue("general", confirm=True),
        lambda draft: draft.copy_tree("nowhere", "vip"),
        lambda draft: draft.policy("general/Nowhere", menu_text="?"),
        lambda draft: draft.override("nowhere", sla="1m"),
        lambda draft: draft.add_inbox("vip", sla="1m"),
        lambda draft: draft.rename_inbox("vip", "general"),
        lambda draft: draft.change_inbox("VIP", sla="1m"),
        lambda draft: draft.add_entry_point("web", channel="chat", address="w9"),
        lambda draft: draft.remove_account("meta", confirm=True),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_leaves_the_draft_as_it_was(
    p: Any, edit: Any
) -> None:
    draft = p.desk.configure()
    with pytest.raises(om.UsageError):
        edit(draft)
    assert draft.changes() == ()


# --- deleting -------------------------------------------------------------------------------------


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    "delete",
    [
        lambda draft, **sure: draft.remove_queue("vip/Silver", **sure),
        lambda draft, **sure: draft.remove_inbox("spare", **sure),
        lambda draft, **sure: draft.remove_entry_point("gold", **sure),
        lambda draft, **sure: draft.remove_channel("chat", **sure),
        lambda draft, **sure: draft.remove_group("de", **sure),
        lambda draft, **sure: draft.remove_agent("eva", **sure),
    ],
)
def test_deleting_needs_to_be_confirmed_and_counts_on_save_only(p: Any, delete: Any) -> None:
    before = (p.desk.config, p.desk.staff.list())
    draft = p.desk.configure(by="boss")
    with pytest.raises(om.UsageError, match="confirm=True"):
        delete(draft)
    assert draft.changes() == ()
    delete(draft, confirm=True)
    assert draft.changes()
    assert (p.desk.config, p.desk.staff.list()) == before
    draft.put_agent("ana", groups=[])
    draft.save()
    assert (p.desk.config, p.desk.staff.list()) != before


@pytest.mark.req("T4")
def test_a_channel_with_open_conversations_stays_unless_forced(p: Any) -> None:
    with p.desk.configure(by="boss") as draft:
        draft.put_channel_group("text", channels=["chat", "sms"], description="Written")
        draft.change_inbox("spare", primary_for=["sms"])
    chat = p.contact("Maria", on="web").writes("Hello")
    draft = p.desk.configure(by="boss")
    draft.remove_channel("chat", confirm=True)
    with pytest.raises(om.ConfigError, match=r"entry_points\.web: has 1 open conversation$"):
        draft.save()
    assert p.desk.conversation(chat.id).state is om.State.SELECTING
    draft.discard()
    draft.remove_channel("chat", confirm=True, force=True)
    assert "open conversations on web end" in draft.changes()
    draft.save()
    ended = p.desk.conversation(chat.id).ending
    assert (ended.reason, ended.by) == (om.EndReason.FAILURE, "agent:boss")
    document = om.dump(p.desk.config)
    assert "primary_for" not in document["inboxes"]["general"]
    assert document["channel_groups"]["text"]["channels"] == ["sms"]
    assert p.desks.find("chat", "w1") is None, "nothing comes in any more"
    assert_folds(p)


@pytest.mark.req("C13")
def test_an_administrator_disables_a_channel_and_what_is_open_goes_on(p: Any) -> None:
    chat = p.contact("Maria", on="gold").writes("Hello")
    with p.desk.configure(by="boss") as draft:
        draft.disable_channel("chat")
    assert p.desk.conversation(chat.id).state is om.State.QUEUED
    assert p.desk.config.channels["chat"].direction == "out_only"
    with p.desk.configure(by="boss") as draft:
        draft.enable_channel("chat")
    assert p.desk.config.channels["chat"].direction == "two_way"


# --- conversations in places that go --------------------------------------------------------------


@pytest.fixture
def waiting(p: Any) -> Any:
    """Two wait for vip/Gold, one after the other; ana serves it, and is not there."""
    chats = [p.contact(name, on="gold").writes("Hello") for name in ("Maria", "Otto")]
    assert {each.queue for each in chats} == {"vip/Gold"}
    return chats


@pytest.mark.req("S15")
def test_a_queue_with_people_waiting_is_not_taken_away_under_them(p: Any, waiting: Any) -> None:
    draft = p.desk.configure(by="boss")
    draft.change_entry_point("gold", queue=None)
    draft.put_agent("ana", serves=[])
    draft.remove_queue("vip/Gold", confirm=True)
    assert [str(each) for each in draft.problems()] == [
        "inboxes.vip.Gold: has 2 open conversations"
    ]
    before = position(p)
    with pytest.raises(om.ConfigError, match="has 2 open conversations"):
        draft.save()
    assert position(p) == before


@pytest.mark.req("S15")
def test_people_who_wait_go_where_the_draft_says_and_keep_their_place(p: Any, waiting: Any) -> None:
    p.advance("1m")
    p.contact("Eva", on="gold").writes("Hello")
    with p.desk.configure(by="boss") as draft:
        draft.remove_queue("vip/Gold", confirm=True, move_to="vip/Silver")
        draft.put_agent("bob", serves=["vip/Silver"])
    moved = [p.desk.conversation(each.id) for each in waiting]
    assert [(each.queue, each.state) for each in moved] == [("vip/Silver", om.State.QUEUED)] * 2
    clocks = [each.conversation.clocks.queued_at for each in moved]
    assert clocks == [each.conversation.clocks.queued_at for each in waiting]
    assert p.desk.config.entry_points["gold"].queue == "vip/Silver"
    assert_folds(p)
    p.agent("bob").on()
    assert p.desk.conversation(waiting[0].id).agent == "bob"


@pytest.mark.req("S15")
def test_a_renamed_queue_keeps_who_waits_and_who_serves(p: Any, waiting: Any) -> None:
    p.agent("ana").on()
    held = p.desk.conversation(waiting[0].id)
    assert held.agent == "ana"
    with p.desk.configure() as draft:
        draft.rename_queue("vip/Gold", "Platinum")
        draft.rename_inbox("vip", "best")
    p.desk.tick()
    after = p.desk.conversation(waiting[0].id)
    assert (after.queue, after.inbox, after.agent) == ("best/Platinum", "best", "ana")
    assert p.desk.staff.get("ana").serves == ("best/Platinum",)
    assert p.contact("Eva", on="gold").writes("Hello").agent == "ana"
    assert_folds(p)


def test_two_queues_change_their_names(p: Any, waiting: Any) -> None:
    with p.desk.configure() as draft:
        draft.rename_queue("vip/Gold", "x")
        draft.rename_queue("vip/Silver", "Gold")
        draft.rename_queue("vip/x", "Silver")
    assert {p.desk.conversation(each.id).queue for each in waiting} == {"vip/Silver"}


def test_an_inbox_is_taken_away_with_its_conversations_moved(p: Any) -> None:
    menu = p.contact("Maria", on="web").writes("Hello")
    with p.desk.configure() as draft:
        draft.remove_inbox("general", confirm=True, move_to="vip/Gold")
        draft.change_inbox("vip", primary_for=["chat"])
        draft.change_entry_point("gold", override=None)
    after = p.desk.conversation(menu.id)
    assert (after.inbox, after.queue, after.state) == ("vip", None, om.State.SELECTING)
    assert p.contact("Maria", on="web").writes("Gold").queue == "vip/Gold"
    assert_folds(p)


def test_an_entry_point_with_open_conversations_stays(p: Any, waiting: Any) -> None:
    draft = p.desk.configure()
    draft.remove_entry_point("gold", confirm=True)
    with pytest.raises(om.ConfigError, match=r"entry_points\.gold: has 2 open conversations"):
        draft.save()
    draft.move_conversations("vip/Gold", "vip/Silver")
    with pytest.raises(om.ConfigError):
        draft.save()


@pytest.mark.parametrize("batch", [1, 100])
def test_versions_that_move_queues_are_followed_one_after_another(
    p: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(jobs, "BATCH", batch)
    for before, after in (("Gold", "A"), ("A", "B"), ("Silver", "Gold"), ("B", "Silver")):
        with p.desk.configure() as draft:
            draft.rename_queue(f"vip/{before}", after)
    p.desk.tick()
    ana = p.desk.staff.get("ana")
    assert (ana.serves, "vip/Silver" in ana.queues) == (("vip/Silver",), True)


# --- versions -------------------------------------------------------------------------------------


def test_the_history_says_who_when_and_what(p: Any) -> None:
    p.advance("1h")
    with p.desk.configure(by="boss") as draft:
        draft.change_inbox("vip", sla="3m")
        draft.override("web", sla="40s")
    history = p.desk.history()
    assert [(each.number, each.by) for each in history] == [(2, "agent:boss"), (1, "system")]
    assert history.items[0].summary == "inboxes.vip.sla: 2m -> 3m and 1 more"
    assert history.items[1].summary == "the first version"
    page = p.desk.history(limit=1)
    assert [each.number for each in p.desk.history(limit=1, after=page.next)] == [1]
    assert p.desk.compare(2, 1) == (
        "inboxes.vip.sla: 3m -> 2m",
        "entry_points.web.override.sla: 40s -> not set",
    )
    assert p.desk.version(1).inboxes["vip"].sla == 120_000_000
    with pytest.raises(om.UnknownVersion):
        p.desk.version(3)


@pytest.mark.req("G19")
def test_rolling_back_gives_the_version_back_to_the_byte(p: Any) -> None:
    def body(version: int) -> str:
        found = stored(p, CONFIGS, version)
        return encode(CONFIGS, CONFIGS.type(0, found.config, "", 0))

    with p.desk.configure() as draft:
        draft.rename_queue("vip/Gold", "Platinum")
        draft.put_group("extra", serves=["spare"])
        draft.change_desk(zone="Europe/Berlin")
    assert p.desk.rollback(to=1, by="boss") == 3
    assert body(3) == body(1) != body(2)
    newest = p.desk.history().items[0]
    assert (newest.restores, newest.summary) == (1, "rolled back to version 1")
    assert p.desk.rollback(to=1, by="boss") == 3, "it is in force already"
    with pytest.raises(om.UnknownVersion):
        p.desk.rollback(to=9)
    with pytest.raises(om.PermissionDenied):
        p.desk.rollback(to=2, by="ana")


def test_rolling_back_moves_who_stands_in_the_way(p: Any) -> None:
    with p.desk.configure() as draft:
        draft.add_queue("vip", "New")
        draft.change_entry_point("gold", queue="vip/New")
    chat = p.contact("Maria", on="gold").writes("Hello")
    with pytest.raises(om.ConfigError, match="has 1 open conversation"):
        p.desk.rollback(to=1)
    p.desk.rollback(to=1, move={"vip/New": "vip/Silver"})
    assert p.desk.conversation(chat.id).queue == "vip/Silver"


# --- the rest -------------------------------------------------------------------------------------


def test_every_other_part_can_be_edited(p: Any) -> None:
    with p.desk.configure(by="boss") as draft:
        draft.add_inbox("night", sla=0.5)
        draft.add_entry_point("web2", channel="chat", address="w3", account="box")
        draft.change_entry_point("web2", override={"inbox": "night"})
        draft.remove_override("web2")
        draft.put_account("box")
        draft.policy(after_end=om.AfterEnd(om.AfterEndTo.QUEUE, 3_600_000_000))
        draft.policy(channel="chat", menu_text="Choose")
        draft.policy("general/Deutsch/Technik", greeting=None, overtake="confirm")
        draft.policy("spare", assignment=om.Assignment.CLAIM)
        draft.change_desk(zone="Europe/Berlin")
        draft.remove_agent("ana", confirm=True)
        draft.put_agent("zoe", role="supervisor", serves=["spare"])
    document = om.dump(p.desk.config)
    assert document["policy"]["after_end"] == {"to": "queue", "within": "1h"}
    assert document["inboxes"]["general"]["at"] == {"Deutsch/Technik": {"overtake": "confirm"}}
    assert document["inboxes"]["night"] == {"sla": "30s"}
    assert document["inboxes"]["spare"]["policy"] == {"assignment": "claim"}
    assert document["channels"]["chat"] == {"policy": {"menu_text": "Choose"}}
    assert "override" not in document["entry_points"]["web2"]
    assert [each.id for each in p.desk.staff.list()] == ["boss", "eva", "zoe"]


EDITS: dict[str, tuple[Any, Any, Any]] = {
    "channels": (
        lambda d: d.add_channel("sales", type="chat"),
        lambda d: d.remove_channel("sales", confirm=True),
        {"sales": {"type": "chat"}},
    ),
    "channel_groups": (
        lambda d: d.put_channel_group("written", description="All", channels=["chat"]),
        lambda d: d.remove_channel_group("written", confirm=True),
        {"written": {"description": "All", "channels": ["chat"]}},
    ),
    "accounts": (
        lambda d: d.put_account("box"),
        lambda d: d.remove_account("box", confirm=True),
        {"box": {}},
    ),
    "numbers": (
        lambda d: d.put_number("+4930901820", label="Berlin"),
        lambda d: d.remove_number("+4930901820", confirm=True),
        {"+4930901820": {"label": "Berlin"}},
    ),
    "direct_access": (
        lambda d: d.put_direct_access("gold", keys={"tier": "gold"}, queue="vip/Gold"),
        lambda d: d.remove_direct_access("gold", confirm=True),
        {"gold": {"keys": {"tier": "gold"}, "queue": "vip/Gold"}},
    ),
}


@pytest.mark.req("T3", "G19")
@pytest.mark.parametrize("section", EDITS)
def test_what_a_draft_adds_it_takes_away_again_once_that_is_confirmed(p: Any, section: str) -> None:
    add, remove, written = EDITS[section]
    with p.desk.configure(by="boss") as draft:
        add(draft)
        assert section not in om.dump(p.desk.config), "staged, and not saved"
    assert om.dump(p.desk.config)[section] == written
    (name,) = written
    draft = p.desk.configure(by="boss")
    with pytest.raises(om.UsageError, match="confirm"):
        getattr(draft, REMOVERS[section])(name)
    remove(draft)
    draft.save()
    assert section not in om.dump(p.desk.config)
    with pytest.raises(om.UsageError):
        remove(draft)


REMOVERS = {
    "channels": "remove_channel",
    "channel_groups": "remove_channel_group",
    "accounts": "remove_account",
    "numbers": "remove_number",
    "direct_access": "remove_direct_access",
}


@pytest.mark.req("T5")
def test_what_is_put_again_keeps_what_is_not_given(p: Any) -> None:
    with p.desk.configure(by="boss") as draft:
        draft.put_channel_group("written", description="All", channels=["chat"])
        draft.put_number("+4930901820", label="Berlin")
        draft.put_direct_access("gold", keys={"tier": "gold"}, queue="vip/Gold")
    with p.desk.configure(by="boss") as draft:
        draft.put_channel_group("written", description="Everything")
        draft.put_number("+4930901820", label="Head office")
        draft.put_direct_access("gold", queue="vip/Silver")
    config = p.desk.config
    assert config.channel_groups["written"] == ChannelGroupConfig(
        description="Everything", channels=("chat",)
    )
    assert config.numbers["+4930901820"].label == "Head office"
    assert config.direct_access["gold"] == DirectAccess(keys={"tier": "gold"}, queue="vip/Silver")


def test_a_channel_is_added_once_and_taken_out_of_every_group(p: Any) -> None:
    with p.desk.configure(by="boss") as draft:
        draft.add_channel("sales", type="chat")
        draft.change_inbox("spare", primary_for=["sales"])
        draft.add_entry_point("shop", channel="sales", address="w9")
        draft.put_channel_group("written", channels=["chat", "sales"])
        with pytest.raises(om.UsageError, match="sales"):
            draft.add_channel("sales", type="sms")
    with p.desk.configure(by="boss") as draft:
        draft.remove_channel("sales", confirm=True)
    config = p.desk.config
    assert (config.channels, "shop" in config.entry_points) == ({}, False)
    assert config.inboxes["spare"].primary_for == ()
    assert config.channel_groups["written"].channels == ("chat",)


def test_a_draft_of_a_file_is_the_file(p: Any) -> None:
    document = om.dump(CONFIG) | {"zone": "Europe/Berlin"}
    draft = p.desk.configure()
    draft.replace(document)
    assert draft.changes() == ("zone: UTC -> Europe/Berlin",)
    with pytest.raises(om.UsageError, match="another desk"):
        draft.replace(om.load_config(document, desk="other"))


def test_the_same_awaited(p: Any) -> None:
    async def story() -> tuple[Any, ...]:
        desk = p.desks.aio["acme"]
        async with desk.configure(by="boss") as draft:
            draft.override("web", sla="40s")
            assert await draft.problems() == ()
        one, two = await desk.configure(by="boss"), await desk.configure(by="eva")
        one.change_inbox("vip", sla="3m")
        two.change_inbox("spare", sla="2h")
        await one.save()
        with pytest.raises(om.DraftConflict):
            await two.save()
        await two.rebase()
        saved = await two.save()
        two.change_inbox("spare", sla="3h")
        await two.discard()
        return saved, two.changes(), two.base, await desk.compare(1, 4)

    saved, changes, base, lines = asyncio.run(story())
    assert (saved, changes, base) == (4, (), 4)
    assert len(lines) == 3


@pytest.mark.req("P13", "G19")
def test_hours_are_staged_where_a_file_has_them(p: Any) -> None:
    draft = p.desk.configure()
    office = {"mon-fri": "09:00-17:00", "holidays": holidays.country_holidays("DE", years=2026)}
    draft.change_desk(hours=office)
    draft.change_inbox("vip", hours={"sat": "10:00-12:00"})
    draft.policy("vip", hours="always", menu_text="VIP?")
    draft.policy("general/English", hours={"mon": "09:00-12:00", "zone": "Europe/London"})
    draft.save()
    document = om.dump(p.desk.config)
    assert document["inboxes"]["vip"]["hours"] == "always"
    assert "2026-12-25" in document["hours"]["holidays"]
    assert p.desk.hours("vip") == om.hours("always", zone=p.desk.config.zone)
    assert p.desk.hours("general/English").zone == "Europe/London"
    draft.policy(hours=None)
    draft.save()
    assert "hours" not in om.dump(p.desk.config)
