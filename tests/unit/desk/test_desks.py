"""Many desks on one store, created once, opened again, and never mixed up."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from omniroute.clock import ManualClock
from omniroute.desk import Desks, open_desk
from omniroute.desk.runtime import environment_secret
from omniroute.errors import (
    ConfigDiffers,
    ConfigError,
    DeskExists,
    SecretMissing,
    StoreError,
    UnknownDesk,
    UsageError,
)
from omniroute.ids import SeededIds
from omniroute.model.desk_config import EntryPointConfig
from omniroute.model.secret import SecretRef
from omniroute.stores.memory import MemoryStore
from omniroute.testing import NOW, Play, a_config, an_inbound
from omniroute.testing.scripted import ScriptedPlugin
from tests.unit.desk.helpers import RacyStore, assert_folds, log

ACME = a_config(preset="push", agents=("ana",))
OTHER = evolve(
    ACME,
    desk="other",
    entry_points={"main": EntryPointConfig(channel="chat", address="elsewhere")},
)


def desks_on(store) -> Desks:
    return Desks(
        store,
        plugins=[ScriptedPlugin(("chat",))],
        discover=False,
        builtin=False,
        clock=ManualClock(NOW),
        ids=SeededIds(),
    )


@pytest.fixture
def desks():
    with desks_on("memory://") as opened:
        yield opened


# --- creating and opening -------------------------------------------------------------------------


def test_a_desk_is_created_once_and_found_again(desks) -> None:
    created = desks.create(ACME)
    assert created.config == evolve(ACME, agents={})
    assert "acme" in desks
    assert desks["acme"].config == created.config
    with pytest.raises(DeskExists, match="acme"):
        desks.create(ACME)


def test_a_desk_can_be_created_from_its_file(desks, tmp_path) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(
        'desk = "acme"\n'
        '[inboxes.general]\nsla = "15m"\nprimary_for = ["chat"]\n'
        '[entry_points.main]\nchannel = "chat"\naddress = "main"\n',
        encoding="utf-8",
    )
    desk = desks.create(path)
    assert desk.config.entry_points["main"].address == "main"
    assert desk.receive("main", an_inbound()).accepted == 1


@pytest.mark.parametrize("desk", ["acme", "", 5, None])
def test_what_is_not_there_is_not_found(desks, desk) -> None:
    assert desk not in desks


def test_an_unknown_desk_is_said_to_be_unknown(desks) -> None:
    with pytest.raises(UnknownDesk, match=r"desks\.create"):
        desks["acme"]


def test_open_desk_seeds_an_empty_store_and_opens_an_equal_one() -> None:
    store, options = MemoryStore(), {"plugins": [ScriptedPlugin(("chat",))], "discover": False}
    first = open_desk(store, ACME, **options)
    first.receive("main", an_inbound())
    again = open_desk(store, ACME, **options)
    assert [each.id for each in again.conversations()] == [
        each.id for each in first.conversations()
    ]


def test_open_desk_refuses_another_configuration_with_the_differences() -> None:
    store, options = MemoryStore(), {"plugins": [ScriptedPlugin(("chat",))], "discover": False}
    open_desk(store, ACME, **options)
    with pytest.raises(ConfigDiffers) as raised:
        open_desk(store, evolve(ACME, zone="Europe/Berlin"), **options)
    assert any("zone" in line for line in raised.value.differences)
    assert open_desk(store, ACME, **options).config.zone == "UTC"


class Counting(MemoryStore):
    """A store that counts how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1
        super().close()


def test_closing_the_one_desk_closes_what_it_was_opened_with() -> None:
    store, options = Counting(), {"plugins": [ScriptedPlugin(("chat",))], "discover": False}
    with open_desk(store, ACME, **options) as desk:
        assert desk.id == "acme"
        assert store.closed == 0
    assert store.closed == 1
    with pytest.raises(StoreError):
        desk.conversations()


def test_closing_one_of_many_desks_leaves_the_others_open() -> None:
    store = Counting()
    with Desks(store, plugins=[ScriptedPlugin(("chat",))], discover=False) as desks:
        with desks.create(ACME):
            pass
        desks["acme"].close()
        assert store.closed == 0
        assert list(desks["acme"].conversations()) == []


@pytest.mark.parametrize(
    "wrong", [evolve(ACME, zone="Europe/Berlin"), evolve(ACME, zone="Nowhere")]
)
def test_a_desk_that_cannot_be_opened_closes_what_was_opened_for_it(monkeypatch, wrong) -> None:
    store, options = Counting(), {"plugins": [ScriptedPlugin(("chat",))], "discover": False}
    open_desk(store, ACME, **options)
    with pytest.raises((ConfigError, ConfigDiffers)):
        open_desk(store, wrong, **options)
    assert store.closed == 0, "it is the caller's"
    monkeypatch.setattr("omniroute.desk.desks.open_store", lambda *_, **__: store)
    with pytest.raises((ConfigError, ConfigDiffers)):
        open_desk("store://", wrong, **options)
    assert store.closed == 1


def test_a_url_that_names_no_store_is_refused() -> None:
    with pytest.raises(UsageError, match="not the URL of a store"):
        desks_on("redis://localhost")


# --- one store, many desks ------------------------------------------------------------------------


def test_two_desks_on_one_store_see_nothing_of_each_other(desks) -> None:
    acme, other = desks.create(ACME), desks.create(OTHER)
    acme.set_available("ana")
    acme.receive("main", an_inbound())
    assert [each.agent for each in acme.conversations()] == ["ana"]
    assert list(other.conversations()) == []
    assert other.staff.get("ana").load == 0
    assert not other.staff.get("ana").available
    assert other.contacts.find("chat", "addr-maria") is None
    assert [type(each.event).__name__ for each in other.changes()] == ["Configured", "AgentSaved"]
    assert other.counts() == {}


def test_the_same_item_is_new_on_another_desk(desks) -> None:
    for desk, address in ((desks.create(ACME), "main"), (desks.create(OTHER), "elsewhere")):
        assert desk.receive("main", an_inbound(address=address)).accepted == 1


def test_an_address_finds_its_desk_and_entry_point(desks) -> None:
    desks.create(ACME)
    desks.create(OTHER)
    desk, entry_point = desks.find("chat", "elsewhere")
    assert (desk.id, entry_point) == ("other", "main")
    assert desks.find("chat", "nowhere") is None
    assert desks.find("sms", "main") is None
    assert sorted(desks.ids()) == ["acme", "other"]


def test_an_address_that_is_another_desks_is_refused_and_nothing_is_created(desks) -> None:
    desks.create(ACME)
    with pytest.raises(ConfigError) as raised:
        desks.create(evolve(OTHER, entry_points=ACME.entry_points))
    (problem,) = raised.value.problems
    assert problem.path == "entry_points.main.address"
    assert "belongs to another desk" in problem.message
    assert "other" not in desks
    assert desks.find("chat", "main")[0].id == "acme"


# --- the same again -------------------------------------------------------------------------------


def a_day(p: Play) -> None:
    """Two hours with everything in them."""
    p.agent("ana").on()
    chats = [p.contact(name).writes("Hello") for name in ("Maria", "Otto", "Eve")]
    p.agent("ana").replies(chats[0], "Hi")
    p.advance("20m")
    p.desk.note(chats[1].id, "asked twice", by="bob")
    p.desk.tag(chats[1].id, "refund", by="bob")
    p.agent("ana").ends(chats[0])
    p.agent("bob").on()
    p.contact("Maria").writes("again")
    p.advance("2h")


BUSY = a_config(preset="push", agents=("ana", "bob"), capacity=1)


@pytest.mark.req("X2")
def test_equal_inputs_and_ids_give_an_equal_log(play) -> None:
    one, other = play(BUSY), play(BUSY)
    a_day(one)
    a_day(other)
    assert log(one) == log(other)
    assert one.desk.messages("c_1") == other.desk.messages("c_1")
    assert len(log(one)) > 20


@pytest.mark.req("X2", "R16")
def test_transactions_that_run_twice_write_what_one_run_writes(play) -> None:
    smooth, racy = play(BUSY), play(BUSY, store=RacyStore())
    a_day(smooth)
    a_day(racy)
    assert log(racy) == log(smooth)
    assert [each.text for each in racy.provider.sent] == [
        each.text for each in smooth.provider.sent
    ]
    assert_folds(racy)


@pytest.mark.req("R16")
def test_the_log_folds_to_what_is_stored(play) -> None:
    p = play(BUSY)
    a_day(p)
    assert_folds(p)


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_come_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("CHAT_TOKEN", "swordfish")
    assert environment_secret(SecretRef(env="CHAT_TOKEN")).reveal() == "swordfish"
    assert "swordfish" not in repr(environment_secret(SecretRef(env="CHAT_TOKEN")))


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_set_is_named(monkeypatch, value) -> None:
    monkeypatch.delenv("CHAT_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("CHAT_TOKEN", value)
    with pytest.raises(SecretMissing, match=re.escape("CHAT_TOKEN")):
        environment_secret(SecretRef(env="CHAT_TOKEN"))


def test_closing_closes_the_store_and_the_transport() -> None:
    closed = []
    does = {"perform": lambda *_: None, "close": lambda self: closed.append("transport")}
    transport = type("Transport", (), does)()
    store = type(
        "Store",
        (),
        {"transact": lambda *_: None, "close": lambda self: closed.append("store")},
    )()
    with Desks(store, discover=False, transport=transport):
        pass
    assert closed == ["store", "transport"]


@pytest.mark.parametrize(
    "part,told",
    [
        ({"clock": 5}, r"clock: cannot be used; expected a Clock: an object with now\(\), got 5"),
        ({"clock": ManualClock}, r"clock: .*with now\(\), got a type"),
        ({"ids": "x"}, r"ids: .*expected an IdSource: an object with next\(\)"),
        ({"transport": object()}, r"transport: .*expected a Transport: an object with perform\(\)"),
        ({"reveal": "x"}, "reveal: cannot be used; expected a function of a reference"),
        ({"plugins": 5}, "plugins: cannot be used; expected a list of values, got 5"),
    ],
)
def test_a_part_that_cannot_stand_in_is_told_at_once(part, told) -> None:
    with pytest.raises(UsageError, match=told):
        Desks("memory://", **part)


def test_a_desk_is_created_from_a_mapping_as_from_a_file() -> None:
    document = {
        "desk": "acme",
        "inboxes": {"general": {"primary_for": ["chat"], "sla": "15m"}},
        "entry_points": {"main": {"channel": "chat", "address": "w"}},
    }
    with Desks("memory://", plugins=[ScriptedPlugin(("chat",))], discover=False) as desks:
        assert desks.create(document).config.inboxes["general"].primary_for == ("chat",)
