"""Accepting now and routing later: what is accepted is received as of then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from omniroute.errors import UniqueViolation, UnknownEntryPoint, UsageError
from omniroute.instants import MINUTE
from omniroute.model import events as tell
from omniroute.model.desk_config import DeskConfig, EntryPointConfig
from omniroute.model.policy import AfterEnd, AfterEndTo, PolicySettings
from omniroute.model.state import State
from omniroute.stores.memory import MemoryStore
from omniroute.testing import MONDAY, NOW, a_config, an_inbound
from tests.unit.desk.helpers import assert_folds, names, told


@pytest.fixture
def p(play):
    p = play(a_config(preset="push", agents=("ana",)))
    p.agent("ana").on()
    return p


def test_what_is_accepted_is_recorded_and_routed_by_the_next_tick(p) -> None:
    before = names(p)
    accepted = p.desk.accept("main", [an_inbound("one", key="k1"), an_inbound("two", key="k2")])
    assert (accepted.new, accepted.known) == (("k1", "k2"), ())
    assert names(p) == before
    p.desk.tick()
    chat = p.desk.conversation("c_1")
    assert (chat.state, chat.agent) == (State.ACTIVE, "ana")
    assert [each.text for each in p.desk.messages("c_1")] == ["one", "two"]
    assert_folds(p)


def test_time_counts_from_the_acceptance(p) -> None:
    p.desk.accept("main", an_inbound())
    p.clock.set(MONDAY + timedelta(minutes=5))
    p.desk.tick()
    assert p.desk.conversation("c_1").due == MONDAY + timedelta(minutes=15)
    assert [each.at for each in told(p, tell.Opened)] == [NOW]


def test_an_item_is_routed_once_however_often_it_is_accepted(p) -> None:
    item = an_inbound(key="k1")
    p.desk.accept("main", item)
    assert p.desk.accept("main", item).known == ("k1",)
    p.desk.tick()
    assert p.desk.accept("main", item).known == ("k1",)
    assert p.desk.receive("main", item).duplicates == 1
    p.desk.tick()
    assert len(p.desk.messages("c_1")) == 1


def test_what_was_accepted_at_different_times_comes_in_order(p) -> None:
    for minute, key in enumerate(("k9", "k1", "k5")):
        p.clock.set(NOW + minute * MINUTE)
        p.desk.accept("main", an_inbound(key, key=key))
    p.desk.tick()
    assert [each.text for each in p.desk.messages("c_1")] == ["k9", "k1", "k5"]


def test_more_than_a_batch_is_routed_in_one_tick(p) -> None:
    p.desk.accept("main", [an_inbound(str(n), key=f"k{n:03}") for n in range(250)])
    p.desk.tick()
    assert len(p.desk.messages("c_1", limit=1000)) == 250


def test_an_unknown_entry_point_is_refused_at_once(p) -> None:
    with pytest.raises(UnknownEntryPoint):
        p.desk.accept("mian", an_inbound())


def test_what_is_for_nobody_here_is_refused_at_once(p) -> None:
    good, bad = an_inbound(key="k1"), an_inbound(key="k2", address="elsewhere")
    accepted = p.desk.accept("main", [bad, good])
    assert accepted.new == ("k1",)
    assert [each.where for each in accepted.unreadable] == ["items[0]"]
    p.desk.tick()
    assert [each.text for each in p.desk.messages("c_1")] == ["Hello"]


def test_what_is_accepted_at_one_instant_comes_in_order_too(p) -> None:
    for batch in ("abc", "de", "f"):
        p.desk.accept("main", [an_inbound(each, key=each) for each in batch])
    p.desk.tick()
    assert [each.text for each in p.desk.messages("c_1")] == list("abcdef")


def without(config: DeskConfig, *names: str, **more: EntryPointConfig) -> DeskConfig:
    kept = {name: each for name, each in config.entry_points.items() if name not in names}
    return evolve(config, entry_points={**kept, **more})


OTHER = EntryPointConfig(channel="chat", address="other")
BOTH = a_config(entry_points={"main": EntryPointConfig(channel="chat", address="main")})
BOTH = without(BOTH, other=OTHER)


def test_what_was_accepted_follows_its_address_to_another_name(play) -> None:
    p = play(BOTH)
    p.desk.accept("other", an_inbound(key="k1", address="other"))
    p.desk.apply(without(p.desk.config, "other", renamed=OTHER), by=None)
    p.desk.tick()
    assert p.desk.conversation("c_1").entry_point == "renamed"
    assert p.desk.refused_items() == []
    assert_folds(p)


def test_what_was_accepted_for_an_address_that_is_gone_is_kept_and_listed(play) -> None:
    p = play(BOTH)
    items = [an_inbound(each, key=each, address="other") for each in ("k1", "k2")]
    p.desk.accept("other", items)
    p.desk.accept("main", an_inbound("good", key="k3"))
    p.desk.apply(without(p.desk.config, "other"), by=None)
    p.clock.set(NOW + MINUTE)
    p.desk.tick()
    p.desk.tick()
    assert [each.text for each in p.desk.messages("c_1")] == ["good"]
    first, second = p.desk.refused_items()
    assert (first.item, first.at, first.entry_point) == (items[0], MONDAY, "other")
    assert first.reason == "no entry point has the address 'other' any more"
    assert p.desk.refused_items(limit=1) == [first]
    p.desk.apply(without(p.desk.config, other=OTHER), by=None)
    p.desk.reroute(second)
    p.desk.tick()
    assert p.desk.refused_items() == [first]
    assert [each.text for each in p.desk.messages("c_2")] == ["k2"]
    assert p.desk.conversation("c_2").opened_at == MONDAY
    with pytest.raises(UsageError, match="not among the refused"):
        p.desk.reroute(second)


def test_what_policy_refuses_is_listed_and_taken_up_when_it_is_sent_again(play) -> None:
    refusing = PolicySettings(after_end=AfterEnd(AfterEndTo.REJECT))
    p = play(evolve(a_config(preset="push", agents=("ana",)), policy=refusing))
    p.agent("ana").on()
    p.agent("ana").ends(p.contact("Maria").writes("Hello"))
    item = an_inbound("Again", key="k9")
    assert p.desk.accept("main", item).new == ("k9",)
    p.desk.tick()
    (refused,) = p.desk.refused_items()
    assert "policy refuses messages after it" in refused.reason
    p.desk.apply(evolve(p.desk.config, policy=PolicySettings()), by=None)
    assert p.desk.accept("main", item).new == ("k9",)
    p.desk.tick()
    assert p.desk.refused_items() == []
    assert [each.text for each in p.desk.messages("c_2")] == ["Again"]


@pytest.mark.req("X3")
def test_an_item_is_known_by_the_entry_point_that_it_is_for(play) -> None:
    """Whichever one the webhook came in by."""
    two = {each: EntryPointConfig(channel="chat", address=each) for each in ("main", "other")}
    p = play(a_config(entry_points=two))
    item = an_inbound(key="k1", address="other")
    assert p.desk.receive("main", item).accepted == 1
    assert p.desk.accept("main", item).known == ("k1",)
    assert p.desk.accept("other", item).known == ("k1",)
    more = an_inbound(key="k2", address="other")
    assert p.desk.accept("main", more).new == ("k2",)
    assert p.desk.accept("other", more).known == ("k2",)


def test_an_item_that_another_one_records_at_this_moment_is_known(play) -> None:
    """Found out only as it is written: the work runs again, and finds it."""

    class Racing(MemoryStore):
        race: Any = None

        def transact(self, work):
            race, self.race = self.race, None
            if race is not None and work.__qualname__.startswith("_recorded"):
                race()
                raise UniqueViolation("the key is taken by another value")
            self.race = race
            return super().transact(work)

    store = Racing()
    p = play(a_config(preset="push", agents=("ana",)), store=store)
    item = an_inbound("one", key="k1")
    store.race = lambda: p.desk.accept("main", item)
    accepted = p.desk.accept("main", [item, an_inbound("two", key="k2")])
    assert (accepted.new, accepted.known) == (("k2",), ("k1",))
    p.desk.tick()
    assert [each.text for each in p.desk.messages("c_1")] == ["one", "two"]


def test_a_store_in_memory_joins_nobodys_transaction(p) -> None:
    before = names(p)
    for action in (p.desk.receive, p.desk.accept):
        with pytest.raises(UsageError, match="within"):
            action("main", an_inbound(), within=object())
    assert names(p) == before
