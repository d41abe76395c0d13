"""`desk.queues`: the trees with the readiness of each queue."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import omniroute as om

READY, NOT_READY = om.Readiness.READY, om.Readiness.NOT_READY

CONFIG = om.load_config(
    {
        "desk": "acme",
        "inboxes": {
            "general": {
                "primary_for": ["chat"],
                "sla": "15m",
                "queues": ["Deutsch", ["Bestellung", "Technik"], "English"],
                "at": {"Deutsch": {"hidden": True, "language": "de"}},
            },
            "vip": {"sla": "2m"},
        },
        "entry_points": {"web": {"channel": "chat", "address": "w1"}},
        "agents": {
            "ana": {"serves": ["general/Deutsch/Technik"]},
            "bob": {"serves": ["general/Deutsch/**", "vip"]},
        },
    }
)


@pytest.fixture
def p(play: Any) -> Any:
    return play(CONFIG)


def ready(p: Any) -> dict[str, tuple[om.Readiness, int | None]]:
    return {each.path: (each.readiness, each.agents) for each in p.desk.queues()}


@pytest.mark.req("U15", "U16")
def test_a_queue_is_ready_while_somebody_is_assigned_and_a_branch_while_a_leaf_beneath_it_is(
    p: Any,
) -> None:
    assert ready(p) == {
        "general/Deutsch": (READY, None),
        "general/Deutsch/Bestellung": (READY, 1),
        "general/Deutsch/Technik": (READY, 2),
        "general/English": (NOT_READY, 0),
        "vip": (READY, 1),
    }
    p.desk.staff.put("bob", serves=["general/English"])
    assert ready(p) == {
        "general/Deutsch": (READY, None),
        "general/Deutsch/Bestellung": (NOT_READY, 0),
        "general/Deutsch/Technik": (READY, 1),
        "general/English": (READY, 1),
        "vip": (NOT_READY, 0),
    }


@pytest.mark.req("U15")
def test_removing_the_last_agent_disables_a_queue_and_the_branch_above_it(p: Any) -> None:
    p.desk.staff.remove("bob")
    p.desk.staff.remove("ana")
    assert {each for each, _ in ready(p).values()} == {NOT_READY}


def test_a_queue_tells_its_name_inbox_language_and_whether_the_menu_hides_it(p: Any) -> None:
    below = p.desk.queues("general")[1]
    assert (below.path, below.name, below.inbox, below.leaf) == (
        *("general/Deutsch/Bestellung", "Bestellung", "general"),
        True,
    )
    assert (below.hidden, below.language) == (True, "de")
    assert [each.path for each in p.desk.queues("vip")] == ["vip"]
    assert asyncio.run(om.Desks(p.desk._runtime.store).aio["acme"].queues()) == p.desk.queues()
    with pytest.raises(om.UsageError, match=r'did you mean "vip"'):
        p.desk.queues("vipp")


# --- agents on leaves only ------------------------------------------------------------------------


@pytest.mark.req("U14")
def test_assigning_an_agent_to_a_branch_is_an_error_however_it_is_said(p: Any) -> None:
    with pytest.raises(om.UsageError, match="is a branch, and agents serve leaves only"):
        p.desk.staff.put("ana", serves=["general/Deutsch"])
    draft = p.desk.configure()
    draft.put_agent("ana", serves=["general/Deutsch"])
    assert [each.path for each in draft.problems()] == ["agents.ana.serves"]
    assert p.desk.staff.get("ana").serves == ("general/Deutsch/Technik",)


@pytest.mark.req("U14")
def test_a_leaf_that_agents_serve_by_name_does_not_become_a_branch_under_them(p: Any) -> None:
    for number in range(8):
        p.desk.staff.put(f"z{number}", serves=["general/Deutsch/Technik"])
    before = p.desk.config
    draft = p.desk.configure()
    draft.add_queue("general/Deutsch/Technik", "Netz")
    assert [str(each) for each in draft.problems()] == [
        (
            'inboxes.general."Deutsch/Technik": has agents, and only leaves have: '
            "ana, z0, z1, z2, z3, z4 and more; let them serve 'general/Deutsch/Technik/**' first"
        )
    ]
    for attempt in (draft.save, lambda: p.desk.apply(draft.config)):
        with pytest.raises(om.ConfigError, match="only leaves have"):
            attempt()
    assert p.desk.config == before


@pytest.mark.req("U14")
def test_a_leaf_becomes_a_branch_where_the_draft_or_a_pattern_says_what_its_agents_serve(
    p: Any,
) -> None:
    draft = p.desk.configure()
    draft.rename_queue("general/Deutsch/Technik", "IT")
    draft.add_queue("general/Deutsch/IT", "Netz")
    assert "has agents, and only leaves have: ana;" in str(draft.problems()[0])
    draft.put_agent("ana", serves=["general/Deutsch/IT/Netz"])
    draft.save()
    p.desk.tick()
    assert p.desk.staff.get("ana").queues == ("general/Deutsch/IT/Netz",)
    assert ready(p)["general/Deutsch/IT/Netz"] == (READY, 2)


# --- an override taken away -----------------------------------------------------------------------


@pytest.mark.req("G21")
def test_without_its_override_an_entry_point_is_back_at_its_primary_inbox_and_that_ones_sla(
    p: Any,
) -> None:
    draft = p.desk.configure()
    draft.override("web", inbox="vip", sla="40s")
    draft.save()
    (web,) = p.desk.entry_points()
    assert (web.inbox, web.sla, web.inbox_source) == ("vip", 40_000_000, "override")
    draft.remove_override("web")
    draft.save()
    (web,) = p.desk.entry_points()
    assert (web.inbox, web.inbox_source) == ("general", "primary inbox for chat")
    assert (web.sla, web.sla_source) == (15 * 60 * 1_000_000, "inbox general")
    assert p.contact("Otto", on="web").writes("Hello").inbox == "general"
