from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, cast
from zoneinfo import ZoneInfo

import holidays
import pendulum
import pytest
from attrs import evolve

import omniroute as om
from omniroute.testing import a_config, play

BERLIN = ZoneInfo("Europe/Berlin")
WRITTEN = {"mon-fri": ["08:00-12:30", "13:30-18:00"], "sat": "10:00-14:00", "holidays": "DE-BE"}
OFFICE = om.hours(WRITTEN, zone="Europe/Berlin")
ALWAYS = om.hours("always")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.req("U51")
def test_questions_take_aware_datetimes_of_any_zone():
    for zone in (
        UTC,
        timezone(timedelta(hours=-5)),
        ZoneInfo("Asia/Tokyo"),
        pendulum.timezone("Asia/Kolkata"),
    ):
        assert OFFICE.is_open(at("2026-03-02T08:00").astimezone(zone))
        assert not OFFICE.is_open(at("2026-03-02T12:30").astimezone(zone))
    assert OFFICE.is_open(pendulum.datetime(2026, 3, 2, 8, tz="Europe/Berlin"))


@pytest.mark.req("U51", "P13")
def test_answers_are_pendulum_datetimes_in_the_zone_of_the_hours():
    start = at("2026-12-24T17:00").astimezone(UTC)
    due = OFFICE.due(start, "4h")
    assert isinstance(due, pendulum.DateTime)
    assert str(due) == "2026-12-28 11:00:00+01:00"
    assert due.timezone_name == "Europe/Berlin"
    assert OFFICE.due(start, timedelta(hours=4)) == due
    assert OFFICE.due_before(due, "3h") == at("2026-12-28T08:00")
    assert OFFICE.elapsed(start, due) == timedelta(hours=4)
    assert OFFICE.next_opening(start) == at("2026-12-28T08:00")
    assert OFFICE.next_closing(start) == at("2026-12-24T18:00")
    assert OFFICE.spans(start, 2) == [
        (at("2026-12-24T17:00"), at("2026-12-24T18:00")),
        (at("2026-12-28T08:00"), at("2026-12-28T12:30")),
    ]
    assert OFFICE.spans_between(start, due)[-1] == (at("2026-12-28T08:00"), due)
    assert om.hours("always").next_opening(start) is None


@pytest.mark.req("R8")
def test_the_second_of_two_equal_times_is_told_apart():
    night = om.hours({"sun": "00:00-02:30"}, zone="Europe/Berlin")
    (span,) = night.spans_between(at("2026-10-25T00:00"), at("2026-10-26T00:00"))
    assert str(span[1]) == "2026-10-25 02:30:00+02:00"
    late = om.hours({"sun": "00:00-24:00"}, zone="Europe/Berlin")
    assert str(late.due(span[1], "1h")) == "2026-10-25 02:30:00+01:00"


def test_no_amount_ends_where_it_starts():
    assert OFFICE.due(at("2026-03-01T09:00"), timedelta()) == at("2026-03-01T09:00")


NAIVE = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001
NOW = at("2026-03-02T09:00")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: OFFICE.is_open(NAIVE),
        lambda: OFFICE.next_opening(NAIVE),
        lambda: OFFICE.next_closing(NAIVE),
        lambda: OFFICE.due(NAIVE, "1h"),
        lambda: OFFICE.due_before(NAIVE, "1h"),
        lambda: OFFICE.elapsed(NOW, NAIVE),
        lambda: OFFICE.elapsed(NAIVE, NOW),
        lambda: OFFICE.spans(NAIVE, 1),
        lambda: OFFICE.spans_between(NAIVE, NOW),
    ],
)
def test_a_datetime_without_a_zone_is_refused(ask):
    with pytest.raises(om.NaiveDatetime):
        ask()


@pytest.mark.parametrize(
    "ask, message",
    [
        (
            lambda: OFFICE.is_open(cast("Any", "2026-03-02")),
            "at: not an instant; expected an aware datetime",
        ),
        (lambda: OFFICE.due(NOW, "1 h"), "amount: not a duration"),
        (lambda: OFFICE.due(NOW, timedelta(-1)), "amount: not a duration"),
        (lambda: OFFICE.due(at("2390-01-01T09:00"), "9000d"), "not so much open time"),
        (lambda: OFFICE.due_before(at("1901-01-01T09:00"), "9000d"), "not so much open time"),
        (lambda: OFFICE.is_open(at("1899-01-01T09:00")), "got one before 1900"),
        (lambda: OFFICE.is_open(at("2400-01-01T09:00")), "got one after 2399"),
        (lambda: ALWAYS.due(at("9990-01-01T09:00"), "9000d"), "not so much open time"),
        (lambda: ALWAYS.due_before(at("0005-01-01T09:00"), "9000d"), "not so much open time"),
        (
            lambda: om.hours(
                {"dates": {date(2026, 3, 2): "09:00-12:00", "2026-03-02": "closed"}}, zone="UTC"
            ),
            "hours.dates.2026-03-02: stands here twice",
        ),
        (lambda: om.hours({"mon": "09:00-17:00"}), "zone: hours need a time zone"),
        (lambda: om.hours(WRITTEN, zone="Berlin"), 'zone: unknown time zone "Berlin"'),
        (lambda: om.hours({"mon": "9-17", "sun": 5}, zone="UTC"), "hours has 2 problems"),
        (lambda: om.hours({}, zone="UTC"), "hours: never opens"),
        (lambda: om.hours(om.Hours(), zone="UTC"), "hours: never opens"),
        (
            lambda: om.hours({"dates": {"2026-03-29": "02:30-03:15"}}, zone="Europe/Berlin"),
            "hours: never opens: Europe/Berlin has none of it",
        ),
        (
            lambda: om.hours(cast("Any", {1: "09:00-17:00"}), zone="UTC"),
            "expected keys that are text, got 1",
        ),
        (
            lambda: om.hours(om.Hours(holidays=("ZZ",), dates=(("12-24", ((0, 1),)),)), zone="UTC"),
            'hours.holidays: no holidays are known for "ZZ"',
        ),
    ],
)
def test_bad_questions_and_bad_hours_are_refused(ask, message):
    with pytest.raises(om.UsageError) as caught:
        ask()
    assert message in str(caught.value)


def test_the_zone_may_stand_in_the_table_which_counts_first():
    own = om.hours({"mon": "09:00-17:00", "zone": "Asia/Tokyo"}, zone="Europe/Berlin")
    assert own.zone == "Asia/Tokyo"
    assert om.hours("always").zone == "UTC"
    assert om.hours("always", zone="Asia/Tokyo").zone == "Asia/Tokyo"


@pytest.mark.req("P13")
def test_one_offs_may_be_written_with_dates_as_keys():
    found = om.hours({"dates": {date(2026, 3, 2): "09:00-12:00"}}, zone="Europe/Berlin")
    assert found == om.hours({"dates": {"2026-03-02": "09:00-12:00"}}, zone="Europe/Berlin")
    assert found.is_open(at("2026-03-02T09:00"))


@pytest.mark.req("P13")
def test_holidays_of_the_package_and_sets_of_dates_are_taken():
    christmas = at("2026-12-25T09:00")
    for days in (holidays.country_holidays("DE"), {christmas.date()}, [christmas], "DE", ["12-25"]):
        assert not om.hours(
            {"mon-fri": "08:00-18:00", "holidays": days}, zone="Europe/Berlin"
        ).is_open(christmas)


def test_equal_hours_are_equal_and_shown_as_they_are_written():
    again = om.hours(WRITTEN, zone="Europe/Berlin")
    assert again == OFFICE
    assert hash(again) == hash(OFFICE)
    assert again != om.hours(WRITTEN, zone="Europe/Paris")
    assert again != "always"
    assert repr(OFFICE) == f"hours({WRITTEN!r}, zone='Europe/Berlin')"


@pytest.mark.req("P13")
def test_a_desk_tells_the_hours_in_force():
    config = om.load_config(
        {
            "desk": "acme",
            "zone": "Europe/Berlin",
            "hours": WRITTEN,
            "channels": {"chat": {"hours": {"mon": "09:00-10:00"}}},
            "inboxes": {"general": {"sla": "15m", "hours": "always"}, "vip": {"sla": "2m"}},
        }
    )
    with play(config) as p:
        assert p.desk.hours() == OFFICE == p.desk.hours("vip")
        assert p.desk.hours("general") == om.hours("always", zone="Europe/Berlin")
        assert p.desk.hours("vip", channel="chat") == om.hours(
            {"mon": "09:00-10:00"}, zone="Europe/Berlin"
        )
    with play(a_config()) as p:
        assert p.desk.hours() == om.hours("always")


@pytest.mark.req("P13", "R8")
def test_stored_hours_come_back_and_a_contact_is_told_when_it_opens(tmp_path):
    config = om.load_config(
        {
            "desk": "acme",
            "zone": "Europe/Berlin",
            "hours": WRITTEN | {"dates": {"2026-03-28": "closed"}},
            "policy": {"after_hours_message": "Again {opens_at}."},
            "inboxes": {"general": {"sla": "1h", "primary_for": ["chat"]}},
            "entry_points": {"widget": {"channel": "chat", "address": "w1"}},
        }
    )
    url, stored = f"sqlite:///{tmp_path}/desk.db", evolve(config, entry_points={})
    assert om.open_desk(url, stored).hours() == om.open_desk(url, stored).hours()
    with play(config, start=at("2026-03-27T17:30")) as p:  # before the clocks go forward
        late = p.contact("Maria").writes("Hello")
        assert late.due == at("2026-03-30T08:30")
        p.advance("1d")
        closed = p.contact("Ben").writes("Hello")
        (answer,) = [each.text for each in p.desk.messages(closed.id) if each.direction == "out"]
        assert answer == "Again Monday, 30 March, 08:00."


@pytest.mark.parametrize("count", ["x", 2.0, True, None])
def test_a_number_of_spans_is_a_whole_number(count: Any) -> None:
    with pytest.raises(
        om.UsageError, match="count: not a number of spans; expected a whole number"
    ):
        OFFICE.spans(at("2026-03-02T08:00"), count)


@pytest.mark.parametrize(
    "asked,said",
    [
        ({"path": "typo"}, "path: no inbox or queue is named"),
        ({"path": "general/typo"}, "path: no inbox or queue is named"),
        ({"path": ""}, "path: no inbox or queue is named"),
        ({"channel": "typo"}, "channel: no channel is named"),
    ],
)
def test_hours_of_a_place_that_is_not_there_are_refused(asked: Any, said: str) -> None:
    desk = play(a_config(queues=("Orders", "Support"))).desk
    assert desk.hours("general/Orders", channel="chat") == desk.hours()
    with pytest.raises(om.UsageError, match=said):
        desk.hours(**asked)
