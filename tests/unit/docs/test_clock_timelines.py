"""The timelines of the page about clocks: what is drawn is what the rules count."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from docs._ext.clock_timelines import MARKER, TIMELINES, ZONE, Timeline, caption, generated, svg
from omniroute.instants import to_micros

DUES = [
    datetime(2026, 3, 3, 10, tzinfo=ZoneInfo(ZONE)),
    datetime(2026, 3, 9, 11, tzinfo=ZoneInfo(ZONE)),
    datetime(2026, 3, 29, 5, tzinfo=ZoneInfo(ZONE)),
]


@pytest.mark.parametrize("line,due", list(zip(TIMELINES, DUES, strict=True)))
def test_a_timeline_is_due_when_its_amount_has_passed(line: Timeline, due: datetime) -> None:
    assert line.due == to_micros(due)
    assert sum(b - a for a, b in line.counted) == line.amount


@pytest.mark.parametrize("line", TIMELINES)
def test_the_picture_has_a_bar_for_each_span_and_stays_inside(line: Timeline) -> None:
    root = ET.fromstring(svg(line))
    bars = [each for each in root if each.tag.endswith("rect")]
    kinds = [each.get("class") for each in bars]
    assert kinds.count("counted") == len(line.counted)
    assert kinds.count("paused") == len(line.pauses)
    width = float(root.get("viewBox", "").split()[2])
    for each in bars:
        left = float(each.get("x", "-1"))
        assert 0 <= left < left + float(each.get("width", "0")) <= width


def test_the_words_say_what_the_picture_shows() -> None:
    assert caption(TIMELINES[1]) == (
        "Counted: Fri 15:00 to Fri 17:00; Mon 09:00 to Mon 11:00. 4 hours of open time took 2 days,"
        " 20:00:00. Due Mon 11:00."
    )


def test_the_page_asks_for_them(project) -> None:
    page = (project / "docs/explanation/clocks.md").read_text(encoding="utf-8")
    assert page.count(MARKER) == 1
    assert len(re.findall("<svg", generated())) == len(TIMELINES)
