from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import holidays
import pytest
from attrs import evolve

from omniroute.config import differences, dump, dumps_toml, holiday_problems, load_config, loads
from omniroute.config.holiday_names import holidays_of
from omniroute.desk.checking import checked
from omniroute.errors import ConfigError, UsageError
from omniroute.model.desk_config import DeskConfig
from omniroute.model.hours import ALWAYS, Hours, Span
from omniroute.model.policy import PolicySettings
from omniroute.plugins import Registry
from omniroute.rules.checks import problems

INBOX = {"general": {"sla": "15m", "primary_for": ["chat"]}}
OFFICE = ((28_800, 45_000), (48_600, 64_800))


def read(hours: object) -> Hours:
    found = load_config({"hours": hours, "inboxes": INBOX}).policy.hours
    assert found is not None
    return found


def refused(hours: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config({"hours": hours, "inboxes": INBOX})
    return [f"{each.path}: {each.message}" for each in caught.value.problems]


def on(**days: tuple[Span, ...]) -> Hours:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return Hours(weekly=tuple(days.get(day, ()) for day in names))


FIRST = {
    "toml": 'hours = { mon-fri = ["08:00-12:30", "13:30-18:00"], sat = "10:00-14:00", '
    'zone = "Europe/Berlin", dates = { 2026-12-24 = "10:00-13:00", 12-31 = "closed" }, '
    'holidays = [2026-12-25, "01-01"] }\ninboxes = { general = { sla = "1m" } }',
    "json": '{"hours": {"mon-fri": ["08:00-12:30", "13:30-18:00"], "sat": "10:00-14:00",'
    '"zone": "Europe/Berlin", "dates": {"2026-12-24": "10:00-13:00", "12-31": "closed"},'
    '"holidays": ["2026-12-25", "01-01"]}, "inboxes": {"general": {"sla": "1m"}}}',
    "yaml": "hours:\n  mon-fri: [08:00-12:30, 13:30-18:00]\n  sat: 10:00-14:00\n"
    "  zone: Europe/Berlin\n  dates:\n    2026-12-24: 10:00-13:00\n    12-31: closed\n"
    "  holidays: [2026-12-25, 01-01]\ninboxes: {general: {sla: 1m}}",
}


@pytest.mark.req("P13")
@pytest.mark.parametrize("form", FIRST)
def test_hours_are_read_in_every_format(form):
    config = loads(FIRST[form], form)
    assert config.policy.hours == Hours(
        zone="Europe/Berlin",
        weekly=(OFFICE,) * 5 + (((36_000, 50_400),), ()),
        holidays=("2026-12-25", "01-01"),
        dates=(("2026-12-24", ((36_000, 46_800),)), ("12-31", ())),
    )
    assert load_config(dump(config)) == config
    assert loads(dumps_toml(config), desk=config.desk) == config


@pytest.mark.req("P13")
@pytest.mark.parametrize(
    "written, meant",
    [
        ("always", ALWAYS),
        ({"mon": "22:00-06:00"}, on(mon=((79_200, 108_000),))),
        ({"mon": "22:00 \u2013 24:00"}, on(mon=((79_200, 86_400),))),
        ({"Monday": "08:30:15-9:00"}, on(mon=((30_615, 32_400),))),
        ({"sat,sun": "10:00-12:00"}, on(sat=((36_000, 43_200),), sun=((36_000, 43_200),))),
        (
            {"sat-mon": "00:00-24:00"},
            on(sat=((0, 86_400),), sun=((0, 86_400),), mon=((0, 86_400),)),
        ),
        ({"mon": ["13:30-18:00", "08:00-12:30"], "tue": "closed"}, on(mon=OFFICE)),
        ({"mon": "10:00-12:00", "holidays": None, "tue": []}, on(mon=((36_000, 43_200),))),
    ],
)
def test_the_forms_of_hours(written, meant):
    assert read(written) == meant


@pytest.mark.req("P13")
@pytest.mark.parametrize(
    "given",
    [
        "2026-12-25",
        ["2026-12-25"],
        {date(2026, 12, 25)},
        (day for day in [date(2026, 12, 25)]),
        [datetime(2026, 12, 25, tzinfo=UTC)],
        {date(2026, 12, 25): "Christmas"},
    ],
)
def test_holidays_are_any_iterable_of_dates(given):
    assert read({"mon-fri": "09:00-17:00", "holidays": given}).holidays == ("2026-12-25",)


@pytest.mark.req("P13")
def test_holidays_of_the_package_are_taken_as_they_are():
    own = holidays.country_holidays("DE", subdiv="BE", years=2026, expand=False)
    assert read({"mon": "09:00-17:00", "holidays": own}).holidays == tuple(
        day.isoformat() for day in sorted(own)
    )
    lazy = holidays.country_holidays("DE", subdiv="BE")
    found = read({"mon": "09:00-17:00", "holidays": lazy}).holidays
    assert {"2000-12-25", "2026-03-08", "2100-12-25"} <= set(found)


def test_a_name_is_looked_up_year_by_year():
    assert date(2026, 3, 8) in holidays_of("DE-BE", 2026)
    assert date(2026, 3, 8) not in holidays_of("DE", 2026)
    assert date(2026, 11, 26) in holidays_of("XNYS", 2026)
    assert date(2021, 12, 31) in holidays_of("US", 2021)  # instead of New Year 2022, a Saturday
    assert {day.year for day in holidays_of("US", 2022)} == {2022}
    with pytest.raises(UsageError, match='no holidays are known for "ZZ"'):
        holidays_of("ZZ", 2026)


A_DATE = 'expected a date, as "2026-12-25", or a day of every year, as "12-25"; got '
NAMES = 'expected a country, as "DE", a part of it, as "DE-BE", or a market, as "XNYS"'
KEYS = '"mon", "tue", "wed", "thu", "fri", "sat", "sun", "zone", "holidays" and "dates"'
ZONE = "expected an IANA name such as Europe/Berlin; did you mean"
NEVER = 'hours: never opens; give it hours, as mon-fri = "09:00-17:00", or "always"'


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    "written",
    [{}, {"mon-sun": "closed"}, {"dates": {"2026-12-24": "closed"}}, {"holidays": ["2026-12-24"]}],
)
def test_hours_that_never_open_are_refused(written):
    assert refused(written) == [NEVER]


def test_hours_on_single_days_alone_are_taken():
    assert read({"dates": {"12-24": "10:00-13:00"}}).dates == (("12-24", ((36_000, 46_800),)),)


@pytest.mark.parametrize(
    "written, expected",
    [
        (
            "never",
            'hours: expected "always" or a table, as { mon-fri = "09:00-17:00" }, got "never"',
        ),
        ({"mon": "9-5"}, 'hours.mon: "9" is no time of day; expected 00:00 to 23:59'),
        ({"mon": "08:00-25:00"}, 'hours.mon: "25:00" is no time of day; expected 00:00 to 24:00'),
        ({"mon": "24:00-25:00"}, 'hours.mon: "24:00" is no time of day; expected 00:00 to 23:59'),
        ({"mon": "08:60-10:00"}, 'hours.mon: "08:60" is no time of day; expected 00:00 to 23:59'),
        (
            {"mon": ["08:00-10:00", "10:00-10:00"]},
            'hours.mon[1]: "10:00-10:00" has no length; a whole day is "00:00-24:00"',
        ),
        (
            {"mon": 8},
            'hours.mon: expected opening hours, as "08:00-12:30", a list of them, or "closed", got 8',
        ),
        (
            {"mon": ["08:00-12:30", "12:00-18:00"]},
            'hours.mon: "08:00-12:30" and "12:00-18:00" overlap',
        ),
        (
            {"mon-fri": ["08:00-12:30", "12:00-18:00"]},
            'hours.mon-fri: "08:00-12:30" and "12:00-18:00" overlap',
        ),
        (
            {"sun": "22:00-06:00", "monday": "05:00-09:00"},
            'hours.sun: "22:00-06:00" runs into "05:00-09:00" of mon',
        ),
        (
            {"mon-wed": "08:00-10:00", "tue": "09:00-11:00"},
            'hours.tue: tue has its hours in "mon-wed" already',
        ),
        (
            {"mno": "08:00-10:00"},
            f'hours.mno: unknown day or key "mno"; did you mean "mon"? Known are {KEYS}',
        ),
        (
            {"mon": "08:00-10:00", "zone": "Europe/Berln"},
            f'hours.zone: unknown time zone "Europe/Berln"; {ZONE} "Europe/Berlin"?',
        ),
        (
            {"mon": "08:00-10:00", "zone": 2},
            "hours.zone: expected an IANA time zone, as Europe/Berlin, got 2",
        ),
        (
            {"mon": "08:00-10:00", "holidays": "ZZ"},
            f'hours.holidays: no holidays are known for "ZZ"; {NAMES}',
        ),
        ({"mon": "08:00-10:00", "holidays": ["DE-XX"]}, 'hours.holidays[0]: "DE" has no part "XX"'),
        (
            {"mon": "08:00-10:00", "holidays": ["2026-02-30"]},
            f'hours.holidays[0]: {A_DATE}"2026-02-30"',
        ),
        (
            {"mon": "08:00-10:00", "holidays": ["1626-02-03"]},
            'hours.holidays[0]: expected a date in the years 1900 to 2399, got "1626-02-03"',
        ),
        (
            {"mon": "08:00-10:00", "holidays": [5]},
            'hours.holidays[0]: expected a date, or a name of holidays, as "DE-BE", got 5',
        ),
        (
            {"mon": "08:00-10:00", "holidays": 5},
            'hours.holidays: expected dates, or a name of holidays, as "DE-BE", got 5',
        ),
        (
            {"mon": "08:00-10:00", "dates": []},
            'hours.dates: expected a table, as { 2026-12-24 = "10:00-13:00" }, got a list',
        ),
        (
            {"mon": "08:00-10:00", "dates": {"20261224": "closed"}},
            f'hours.dates.20261224: {A_DATE}"20261224"',
        ),
        (
            {"mon": "08:00-10:00", "dates": {"2026-12-24": ["08:00-10:00", "09:00-11:00"]}},
            'hours.dates.2026-12-24: "08:00-10:00" and "09:00-11:00" overlap',
        ),
    ],
)
def test_what_cannot_be_right_is_refused_where_it_stands(written, expected):
    assert refused(written) == [expected]


def test_everything_wrong_is_said_at_once():
    said = refused(
        {"mon-fri": "8-5", "sat": ["08:00-10:00", "09:00-11:00"], "zone": "x", "holidays": "ZZ"}
    )
    assert [each.partition(": ")[0] for each in said] == [
        "hours.mon-fri",
        "hours.sat",
        "hours.zone",
        "hours.holidays",
    ]


def test_names_of_holidays_need_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    expected = 'hours.holidays: names of holidays need an extra: pip install "omniroute[holidays]"'
    assert refused({"mon": "08:00-10:00", "holidays": "DE"}) == [expected]
    assert read({"mon": "08:00-10:00", "holidays": ["2026-12-25"]}).holidays == ("2026-12-25",)


def test_hours_stand_in_their_section_or_its_policy_not_in_both():
    inside = load_config({"policy": {"hours": {"mon": "08:00-10:00"}}, "inboxes": INBOX})
    beside = load_config({"hours": {"mon": "08:00-10:00"}, "inboxes": INBOX})
    assert inside == beside
    both = {"policy": {"hours": "always"}, "hours": "always", "inboxes": INBOX}
    with pytest.raises(ConfigError, match="hours: stands in the policy too; set it once"):
        load_config(both)


def layered(**more: Any) -> Mapping[str, Any]:
    return {
        "hours": {"mon": "01:00-02:00"},
        "channels": {"chat": {"hours": {"mon": "02:00-03:00"}}},
        "inboxes": {
            "general": {
                "sla": "15m",
                "primary_for": ["chat"],
                "hours": {"mon": "03:00-04:00"},
                "queues": ["A", ["B", "C"]],
                "at": {"A": {"hours": {"mon": "04:00-05:00"}}, "A/B": {"hours": "always"}},
            }
        },
        **more,
    }


@pytest.mark.req("P13")
def test_hours_stand_at_every_layer_and_are_written_back_there():
    config = load_config(layered())
    assert dump(config)["hours"] == {"mon": "01:00-02:00"}
    assert dump(config)["channels"] == layered()["channels"]
    general = dump(config)["inboxes"]["general"]
    assert general["hours"] == {"mon": "03:00-04:00"}
    assert general["at"] == layered()["inboxes"]["general"]["at"]
    assert load_config(dump(config)) == config


def test_a_change_of_hours_is_told_by_its_day():
    before = load_config(layered())
    after = load_config(layered(hours={"mon": "01:00-03:00", "holidays": "DE"}))
    assert differences(before, after) == (
        "hours.mon: 01:00-02:00 -> 01:00-03:00",
        "hours.holidays: not set -> DE",
    )


def made(hours: Hours) -> DeskConfig:
    config = load_config({"inboxes": INBOX, "desk": "acme"})
    return evolve(config, policy=PolicySettings(hours=hours))


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    "hours, path",
    [
        (Hours(), "policy.hours"),
        (Hours(weekly=((),)), "policy.hours"),
        (on(mon=((7, 3),)), "policy.hours.mon"),
        (on(mon=((3_600, 90_000),)), "policy.hours.mon"),
        (on(mon=((-3, 7),)), "policy.hours.mon"),
        (Hours(dates=(("12-24", ((0, 9),)), ("12-24", ()))), "policy.hours.dates.12-24"),
        (Hours(always=True, zone="x"), "policy.hours.zone"),
    ],
)
def test_hours_that_a_program_made_are_judged_too(hours, path):
    assert [problem.path for problem in problems(made(hours))] == [path]


def test_holidays_that_a_program_named_are_looked_up():
    config = made(evolve(on(mon=((3, 7),)), holidays=("DE-BE", "ZZ", "01-01")))
    (problem,) = holiday_problems(config)
    assert problem.path == "policy.hours.holidays"
    with pytest.raises(ConfigError, match='no holidays are known for "ZZ"'):
        checked(config, Registry([]))
