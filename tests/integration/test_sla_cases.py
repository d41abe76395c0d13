"""Business hours against cases from the test suites of many helpdesks, through the public face."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import omniroute as om

FILE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "sla_cases.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"] if FILE.is_file() else []

NOTHING = "an amount of nothing ends where it starts, not at the next opening"
DAYS = "days that have hours are not an amount of open time; no rule asks for them"
ELSEWHERE = {
    "sla-077": "upstream counts all time where nothing ever opens; R9 refuses such hours",
    "sla-235": NOTHING,
    "sla-243": DAYS,
    "sla-246": DAYS,
    "sla-270": NOTHING,
    "sla-284": NOTHING,
    "sla-285": NOTHING,
}
"""Cases whose answer is another policy's than ours, each with the reason."""

ASKED = [case for case in CASES if "pauses" not in case]  # pauses are a clock's, not a calendar's


def business_hours(calendar: dict[str, Any]) -> om.BusinessHours:
    return om.hours(written(calendar), zone=calendar["tz"])


def written(calendar: dict[str, Any]) -> dict[str, Any]:
    """A case's calendar as configuration has it."""
    spans = {day: ["-".join(span) for span in each] for day, each in calendar["weekly"].items()}
    dates = {
        day: ["-".join(span) for span in each]
        for day, each in calendar.get("overrides", {}).items()
    }
    for day, breaks in calendar.get("breaks", {}).items():
        weekday = datetime.fromisoformat(day).strftime("%a").lower()
        dates[day] = without(calendar["weekly"][weekday], breaks)
    holidays = [*calendar["holidays"], *calendar.get("annual_holidays", ())]
    return {**spans, "holidays": holidays, "dates": dates}


def without(spans: list[list[str]], breaks: list[list[str]]) -> list[str]:
    """Cut breaks out of the hours of a day."""
    left = []
    for opens, closes in spans:
        begin = opens
        for pause, resume in sorted(breaks):
            if begin < min(pause, closes):
                left.append(f"{begin}-{min(pause, closes)}")
            begin = max(begin, resume)
        if begin < closes:
            left.append(f"{begin}-{closes}")
    return left


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def amount(case: dict[str, Any]) -> timedelta:
    return (
        timedelta(seconds=case["seconds"])
        if "seconds" in case
        else timedelta(minutes=case["minutes"])
    )


def resolved(case: dict[str, Any]) -> datetime | None:
    """The instant of a wall time: the opening of hours that begin at it."""
    day, _, time = case["start"].partition("T")
    hours = om.hours({"dates": {day: f"{time}-23:59:59"}}, zone=case["calendar"]["tz"])
    opening = hours.next_opening(instant(f"{day}T00:00:00+14:00"))
    # Python finds a time that comes twice unequal to any of another zone.
    return opening and opening.astimezone(UTC)


def answer(case: dict[str, Any]) -> Any:
    if case["kind"] == "resolve_local":
        return resolved(case)
    hours, start = business_hours(case["calendar"]), instant(case["start"])
    match case["kind"]:
        case "due":
            return hours.due(start, amount(case))
        case "due_backward":
            return hours.due_before(start, amount(case))
        case "elapsed":
            return hours.elapsed(start, instant(case["end"]))
        case "is_open":
            return hours.is_open(start)
        case "open_segments":
            return hours.spans(start, len(case["expected"]))
    raise AssertionError(f"no answer to {case['kind']}")


def expected(case: dict[str, Any]) -> Any:
    match case["kind"]:
        case "elapsed":
            seconds = case.get("seconds_expected", case["expected"] * 60)
            return timedelta(seconds=seconds)
        case "is_open":
            return case["expected"]
        case "open_segments":
            return [tuple(map(instant, span)) for span in case["expected"]]
    return instant(case["expected"])


def test_the_cases_are_there():
    if not CASES:
        pytest.skip("needs the optional folder ../shared")
    assert len(ASKED) > 150
    assert {case["id"] for case in ASKED} > set(ELSEWHERE)


@pytest.mark.req("U51", "P13", "R8")
@pytest.mark.parametrize(
    "case",
    [case for case in ASKED if case["kind"] != "error" and case["id"] not in ELSEWHERE],
    ids=lambda case: str(case["id"]),
)
def test_open_time_is_as_helpdesks_have_it(case):
    assert answer(case) == expected(case)


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    "case", [case for case in ASKED if case["kind"] == "error"], ids=lambda case: str(case["id"])
)
def test_what_helpdesks_refuse_is_refused(case):
    message = {
        "error:never_open": "never opens",
        "error:bad_time": "no time of day",
        "error:bad_duration": "not a duration",
    }[case["expected"]]
    with pytest.raises(om.UsageError, match=message):
        business_hours(case["calendar"]).due(instant(case["start"]), amount(case))
