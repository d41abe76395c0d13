"""Where an entry point leads, and by when it wants an answer."""

from __future__ import annotations

import pytest
from attrs import evolve

from omniroute.errors import ConfigError
from omniroute.instants import MINUTE, SECOND
from omniroute.model.desk_config import EntryPointConfig
from omniroute.rules.resolution import Setup
from tests.unit.rules.acme import CONFIG, SETUP


@pytest.mark.req("G1", "G3")
def test_an_entry_point_leads_to_the_primary_inbox_with_no_further_step():
    assert SETUP.entry_point("insta").inbox == "general"
    added = EntryPointConfig(channel="instagram", address="new")
    later = Setup(evolve(CONFIG, entry_points={**CONFIG.entry_points, "new": added}), 8)
    assert later.entry_point("new").inbox == "general"
    assert later.by_address("instagram", "new") == "new"


@pytest.mark.req("G9", "G10")
def test_an_override_sends_one_entry_point_elsewhere_and_no_other():
    assert SETUP.entry_point("platinum").inbox == "vip"
    assert SETUP.entry_point("platinum").inbox_source == "override"
    assert SETUP.entry_point("widget").inbox == "general"
    assert SETUP.entry_point("widget").inbox_source == "primary inbox for chat"
    assert SETUP.entry_point("slow").inbox == "general"


@pytest.mark.req("G13")
def test_a_blank_override_sla_means_the_selected_inboxs_not_the_primary_ones():
    gold = SETUP.entry_point("gold")
    assert (gold.sla, gold.sla_source) == (2 * MINUTE, "inbox vip")


@pytest.mark.req("G14")
def test_an_override_sla_trumps_the_inboxs_shorter_or_longer():
    platinum, slow = SETUP.entry_point("platinum"), SETUP.entry_point("slow")
    assert (platinum.sla, platinum.sla_source) == (40 * SECOND, "override")
    assert (slow.sla, slow.sla_source) == (60 * MINUTE, "override")
    assert SETUP.entry_point("widget").sla == 15 * MINUTE


def test_the_queue_is_known_where_no_menu_is_needed():
    queues = {e.name: (e.queue, e.queue_source) for e in SETUP.entry_points_of()}
    assert queues["orders"] == ("general/Deutsch/Bestellung", "entry point")
    assert queues["number"] == ("vip", "single queue")
    assert queues["widget"] == (None, "menu")


def test_the_rest_of_an_entry_point_is_as_configured():
    widget = SETUP.entry_point("widget")
    assert (widget.name, widget.channel, widget.address, widget.account) == (
        "widget",
        "chat",
        "w1",
        "site",
    )


@pytest.mark.req("G2")
def test_a_channel_without_a_primary_inbox_does_not_compile():
    stray = {"fax": EntryPointConfig(channel="fax", address="1")}
    with pytest.raises(ConfigError, match='no inbox is primary for "fax"'):
        Setup(evolve(CONFIG, entry_points=stray), 1)
