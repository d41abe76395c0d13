"""A type in a signature links to the name that the reference documents."""

from __future__ import annotations

import pytest

from docs._ext.public_names import public_name


@pytest.mark.parametrize(
    "target,name",
    [
        ("omniroute.desk.views.Page", "omniroute.Page"),
        ("Page", "omniroute.Page"),
        ("omniroute.testing.playing.Play", "omniroute.testing.Play"),
        ("omniroute.desk.unit.Unit", None),
        ("collections.abc.Iterable", None),
    ],
)
def test_a_home_leads_to_the_public_name(target: str, name: str | None):
    assert public_name(target) == name
