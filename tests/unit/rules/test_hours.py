from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from omniroute.errors import UsageError
from omniroute.instants import DAY, HOUR, MINUTE, from_micros, to_micros
from omniroute.model.hours import ALWAYS, Hours, Span
from omniroute.rules.hours import BEGINNING, HORIZON, Calendar, calendar

NINE_TO_FIVE = (9 * 3600, 17 * 3600)
OFFICE = ((NINE_TO_FIVE,),) * 5 + ((), ())


def at(text: str) -> int:
    found = datetime.fromisoformat(text)
    return to_micros(found if found.tzinfo else found.replace(tzinfo=UTC))


def one_day(weekday: int, *spans: Span) -> tuple[tuple[Span, ...], ...]:
    return tuple(spans if day == weekday else () for day in range(7))


def hm(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:]) * 60


def local(found: Calendar, spans: list[Span]) -> list[str]:
    return [
        " ".join(from_micros(each, found.zone).strftime("%a %d %H:%M") for each in span)
        for span in spans
    ]


@pytest.mark.req("U51")
def test_it_is_open_at_its_opening_and_closed_at_its_closing():
    office = calendar(Hours(weekly=OFFICE))
    assert not office.is_open(at("2026-03-02 08:59:59.999999"))
    assert office.is_open(at("2026-03-02 09:00"))
    assert office.is_open(at("2026-03-02 16:59:59.999999"))
    assert not office.is_open(at("2026-03-02 17:00"))


@pytest.mark.req("R8")
def test_an_amount_that_runs_out_at_closing_ends_at_closing():
    office = calendar(Hours(weekly=OFFICE))
    assert office.due(at("2026-03-06 09:00"), 8 * HOUR) == at("2026-03-06 17:00")
    assert office.due(at("2026-03-06 09:00"), 8 * HOUR + 1) == at("2026-03-09 09:00") + 1
    assert office.due_before(at("2026-03-09 17:00"), 8 * HOUR) == at("2026-03-09 09:00")


def test_no_amount_ends_where_it_starts_open_or_not():
    office = calendar(Hours(weekly=OFFICE))
    for start in (at("2026-03-06 12:00"), at("2026-03-07 12:00")):
        assert office.due(start, 0) == start == office.due_before(start, 0)


@pytest.mark.parametrize("found", [calendar(Hours(weekly=OFFICE)), calendar(ALWAYS)])
def test_an_amount_is_not_below_zero(found):
    for ask in (found.due, found.due_before):
        with pytest.raises(UsageError, match="not below zero"):
            ask(at("2026-03-06 12:00"), -1)


@pytest.mark.req("U51")
def test_the_next_opening_and_closing_come_after_the_instant():
    office = calendar(Hours(weekly=OFFICE))
    assert office.next_opening(at("2026-03-06 08:00")) == at("2026-03-06 09:00")
    assert office.next_opening(at("2026-03-06 09:00")) == at("2026-03-09 09:00")
    assert office.next_closing(at("2026-03-06 08:00")) == at("2026-03-06 17:00")
    assert office.next_closing(at("2026-03-06 17:00")) == at("2026-03-09 17:00")


@pytest.mark.req("P13")
def test_a_holiday_has_no_hours_and_a_date_of_its_own_replaces_the_days():
    office = calendar(
        Hours(
            weekly=OFFICE,
            holidays=("2026-12-25", "01-01"),
            dates=(("2026-12-24", ((hm("10:00"), hm("13:00")),)), ("2026-12-27", (NINE_TO_FIVE,))),
        )
    )
    spans = office.spans_between(at("2026-12-23"), at("2026-12-28"))
    assert local(office, spans) == [
        "Wed 23 09:00 Wed 23 17:00",
        "Thu 24 10:00 Thu 24 13:00",
        "Sun 27 09:00 Sun 27 17:00",
    ]
    assert not any(office.is_open(at(f"{year}-01-01 12:00")) for year in range(2020, 2031))


@pytest.mark.req("P13")
def test_the_more_exact_date_counts():
    hours = Hours(
        weekly=OFFICE,
        holidays=("2026-05-01", "DE"),
        dates=(("05-01", ((0, 3600),)), ("2027-05-01", ((0, 7200),)), ("2028-05-01", ())),
    )
    found = calendar(hours, "UTC", lambda name, year: [date(year, 5, 1), date(year, 10, 3)])
    days = [found.elapsed(at(f"{y}-05-01"), at(f"{y}-05-02")) for y in (2026, 2027, 2028)]
    assert days == [HOUR, 2 * HOUR, 0]
    assert found.elapsed(at("2030-10-03"), at("2030-10-04")) == 0


def test_the_29th_of_february_comes_in_leap_years():
    found = calendar(Hours(dates=(("02-29", (NINE_TO_FIVE,)),)))
    assert found.next_opening(at("2026-01-01")) == at("2028-02-29 09:00")
    assert found.next_opening(at("2096-03-01")) == at("2104-02-29 09:00")


@pytest.mark.req("P13")
def test_a_night_over_new_year_is_one_span():
    nights = calendar(Hours(weekly=(((hm("22:00"), hm("30:00")),),) * 7, zone="Europe/Berlin"))
    found = nights.spans(at("2026-12-31 12:00"), 2)
    assert local(nights, found) == ["Thu 31 22:00 Fri 01 06:00", "Fri 01 22:00 Sat 02 06:00"]
    assert nights.elapsed(at("2026-12-31 12:00"), at("2027-01-01 12:00")) == 8 * HOUR


@pytest.mark.req("P13")
def test_spans_that_meet_at_midnight_are_one_also_at_new_year():
    whole = ((0, 86_400),)
    days = calendar(Hours(weekly=(whole, (), *(whole,) * 5)))
    spans = days.spans(at("2026-12-29 12:00"), 2)
    assert local(days, spans) == ["Wed 30 00:00 Tue 05 00:00", "Wed 06 00:00 Tue 12 00:00"]
    assert Calendar(days.hours).next_closing(at("2026-12-31 12:00")) == at("2027-01-05")


def test_where_a_date_of_its_own_overlaps_the_night_before_they_are_one():
    nights = one_day(3, (hm("22:00"), hm("32:00")))
    found = calendar(Hours(weekly=nights, dates=(("2027-01-01", ((hm("01:00"), hm("02:00")),)),)))
    for start in ("2026-12-31", "2027-06-01"):  # asked in the order that builds 2027 first, or last
        fresh = Calendar(found.hours)
        fresh.is_open(at(start))
        assert fresh.elapsed(at("2026-12-31"), at("2027-01-02")) == 10 * HOUR


@pytest.mark.req("R8")
@pytest.mark.parametrize(
    "opens, closes, expected",
    [
        ("02:30", "05:00", ["Sun 29 03:30 Sun 29 05:00"]),
        ("01:00", "02:30", ["Sun 29 01:00 Sun 29 03:30"]),
        ("02:00", "02:30", ["Sun 29 03:00 Sun 29 03:30"]),
        ("02:30", "03:15", []),
    ],
)
def test_in_a_gap_wall_times_move_forward_by_the_gap(opens, closes, expected):
    found = calendar(Hours(zone="Europe/Berlin", weekly=one_day(6, (hm(opens), hm(closes)))))
    spans = found.spans_between(at("2026-03-29"), at("2026-03-30"))
    assert local(found, spans) == expected


@pytest.mark.req("R8")
@pytest.mark.parametrize(
    "opens, closes, hours",
    [
        ("02:15", "02:45", 0.5),
        ("01:00", "02:30", 1.5),
        ("02:30", "04:00", 2.5),
        ("00:00", "24:00", 25),
    ],
)
def test_in_a_fold_the_first_occurrence_counts(opens, closes, hours):
    found = calendar(Hours(zone="Europe/Berlin", weekly=one_day(6, (hm(opens), hm(closes)))))
    (span,) = found.spans_between(at("2026-10-25 00:00+02:00"), at("2026-10-26 00:00+01:00"))
    assert span[1] - span[0] == hours * HOUR
    assert span[0] == at(f"2026-10-25 {opens}+02:00")


@pytest.mark.req("R8")
def test_a_date_that_a_zone_skips_has_no_hours():
    apia = calendar(Hours(zone="Pacific/Apia", weekly=one_day(4, NINE_TO_FIVE)))
    spans = apia.spans(at("2011-12-20"), 2)
    assert local(apia, spans) == ["Fri 23 09:00 Fri 23 17:00", "Fri 06 09:00 Fri 06 17:00"]


@pytest.mark.req("R8")
def test_the_night_before_a_skipped_date_is_as_long_as_ever():
    apia = calendar(Hours(zone="Pacific/Apia", weekly=one_day(3, (hm("22:00"), hm("30:00")))))
    (span,) = apia.spans_between(at("2011-12-28"), at("2012-01-02"))
    assert local(apia, [span]) == ["Thu 29 22:00 Sat 31 06:00"]
    assert span[1] - span[0] == 8 * HOUR


def test_always_is_open():
    found = calendar(ALWAYS)
    now = at("2026-03-29 01:30")
    assert found.is_open(now)
    assert found.next_opening(now) is None
    assert found.next_closing(now) is None
    assert found.due(now, 5 * DAY) == now + 5 * DAY
    assert found.due_before(now, 5 * DAY) == now - 5 * DAY
    assert found.elapsed(now, now + 7) == 7
    assert found.elapsed(now + 7, now) == 0
    assert found.spans_between(now, now + 7) == [(now, now + 7)]
    assert found.spans_between(now, now) == []
    assert [span[0] for span in found.spans(now, 3)] == [now]


def test_a_week_that_never_closes_has_no_next_closing():
    found = calendar(Hours(weekly=(((0, 86_400),),) * 7))
    assert found.next_closing(at("2026-03-02")) is None
    assert found.due(at("2026-03-02"), 900 * DAY) == at("2026-03-02") + 900 * DAY


def test_what_opened_once_and_never_again_is_answered_at_once():
    found = calendar(Hours(dates=(("2026-03-02", (NINE_TO_FIVE,)),)))
    assert found.next_opening(at("2026-03-01")) == at("2026-03-02 09:00")
    assert found.next_opening(at("2026-03-02 12:00")) is None
    assert found.next_closing(at("2026-03-03")) is None
    assert found.spans(at("2026-03-01"), 5) == [(at("2026-03-02 09:00"), at("2026-03-02 17:00"))]
    assert found.due(at("2026-03-01"), 9 * HOUR) == HORIZON
    assert found.due_before(at("2026-03-09"), 9 * HOUR) == BEGINNING
    assert found.due(HORIZON, HOUR) == HORIZON
    assert found.due_before(BEGINNING, HOUR) == BEGINNING


def test_a_calendar_has_a_horizon():
    office = calendar(Hours(weekly=OFFICE))
    assert not office.is_open(at("1900-01-07"))
    assert not office.is_open(at("2399-12-26"))
    for far in (-(10**18), 10**18, BEGINNING - 1, HORIZON + 1):
        with pytest.raises(UsageError, match="years 1900 to 2399"):
            office.is_open(far)


def test_a_budget_of_years_is_found():
    office = calendar(Hours(weekly=OFFICE))
    start = at("2026-01-01")
    due = office.due(start, 20_000 * DAY)
    assert office.elapsed(start, due) == 20_000 * DAY


def test_names_of_holidays_need_someone_who_knows_them():
    with pytest.raises(UsageError, match="holidays by name"):
        calendar(Hours(weekly=OFFICE, holidays=("DE",))).is_open(at("2026-03-02"))


def test_calendars_are_compiled_once_for_equal_hours():
    one, two = (calendar(Hours(weekly=OFFICE), "Asia/Tokyo") for _ in range(2))
    assert one is two
    assert one.zone == "Asia/Tokyo"
    assert calendar(Hours(weekly=OFFICE, zone="Asia/Seoul"), "Asia/Tokyo").zone == "Asia/Seoul"
    assert repr(one).endswith("zone='Asia/Tokyo')")


def test_a_question_far_back_or_ahead_of_the_last_is_answered():
    found = Calendar(Hours(weekly=OFFICE))
    for year in (2026, 1970, 2090, 1901, 2398, 2026):
        day = at(f"{year}-03-02 09:30")
        monday = day - (day // DAY + 3) % 7 * DAY
        assert found.due(monday, 30 * MINUTE) == monday + 30 * MINUTE


def test_threads_may_share_a_calendar_that_grows():
    found, shared = Calendar(Hours(weekly=OFFICE)), Calendar(Hours(weekly=OFFICE))
    starts = [at(f"{year}-03-02 03:00") for year in (2026, 1950, 2100, 1910, 2300, 2027)]
    asked = [(start, hours * HOUR) for start in starts for hours in (1, 100, 9000)]
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(lambda: [shared.due(*each) for each in asked]) for _ in range(4)]
    assert [each.result() for each in answers] == [[found.due(*each) for each in asked]] * 4


def test_what_is_always_open_has_no_span_after_the_last_year():
    assert calendar(ALWAYS).spans(HORIZON - 1, 2) == [(HORIZON - 1, HORIZON)]
    assert calendar(ALWAYS).spans(HORIZON, 1) == []
