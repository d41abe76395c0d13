"""Who may do what: checked under the desk's lock at every method that changes it for others."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import omniroute as om
from omniroute.testing import a_config
from tests.unit.desk.helpers import position

REFUSED = {
    "apply": lambda d, by: d.apply(evolve(d.config, zone="Europe/Berlin"), by=by),
    "put": lambda d, by: d.staff.put("eva", by=by),
    "change": lambda d, by: d.staff.change("ana", name="Ann", by=by),
    "promote": lambda d, by: d.staff.change("bob", role="administrator", by=by),
    "remove": lambda d, by: d.staff.remove("ana", by=by),
    "switch": lambda d, by: d.staff.set_available("ana", by=by),
}


@pytest.fixture
def p(play: Any) -> Any:
    p = play(a_config(agents=("ana", "bob")))
    p.desk.staff.put("sue", role="supervisor")
    p.desk.staff.put("boss", role="administrator")
    p.desk.staff.put("gone", role="administrator")
    p.desk.staff.remove("gone")
    return p


@pytest.mark.req("G18")
@pytest.mark.parametrize("by", ["bob", "nobody", "gone"])
@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_who_may_not_is_refused_and_nothing_changes(p: Any, act: Any, by: str) -> None:
    before = (position(p), p.desk.config, p.desk.staff.list())
    with pytest.raises(om.PermissionDenied, match="may not") as raised:
        act(p.desk, by)
    assert "administrator" in (raised.value.expected or "")
    assert (position(p), p.desk.config, p.desk.staff.list()) == before


@pytest.mark.req("G18")
@pytest.mark.parametrize("by", ["boss", None])
@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_an_administrator_may_and_so_may_the_host_itself(p: Any, act: Any, by: str | None) -> None:
    before = position(p)
    act(p.desk, by)
    assert position(p) > before


@pytest.mark.parametrize(
    "act,may", [(act, name == "switch") for name, act in REFUSED.items()], ids=REFUSED
)
def test_a_supervisor_switches_others_and_changes_nothing_else(p: Any, act: Any, may: bool) -> None:
    if may:
        assert act(p.desk, "sue").available
        return
    with pytest.raises(om.PermissionDenied):
        act(p.desk, "sue")


def test_every_role_has_at_least_the_rights_of_the_one_below() -> None:
    agent, supervisor, administrator = (om.RIGHTS[role] for role in om.Role)
    assert agent < supervisor < administrator == frozenset(om.Right)
