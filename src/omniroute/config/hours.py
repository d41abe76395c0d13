"""The key `hours`: from what people write to `Hours`, and back.

    { mon-fri = ["08:00-12:30", "13:30-18:00"], sat = "10:00-14:00", holidays = "DE-BE" }

A value with anything wrong in it is not used at all; everything wrong with it is noted, each at the
key that would mend it. Keys of the table are read here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from omniroute.config.holiday_names import name_problem
from omniroute.config.reading import Notes
from omniroute.config.survey import survey
from omniroute.config.typed import type_problems
from omniroute.errors import ConfigError, Problem
from omniroute.model.desk_config import DeskConfig
from omniroute.model.hours import ALWAYS, Hours, Span
from omniroute.rules.hours import problems
from omniroute.rules.hours.judging import DAYS, day_problem, shown_span
from omniroute.rules.names import join, quoted, unknown
from omniroute.rules.policy_checks import written_layers

__all__ = ["holiday_problems", "hours", "read_hours", "written_hours"]

_KEY: Final = "hours"
_ALWAYS: Final = "always"
_CLOSED: Final = "closed"
_KEYS: Final = ("zone", "holidays", "dates")
_LONG: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {day: number for days in (DAYS, _LONG) for number, day in enumerate(days)}
_SPAN: Final = re.compile(r"\s*([0-9:]+)\s*[-\u2013]\s*([0-9:]+)\s*", re.ASCII)
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII)
_DAY: Final = 86_400
_FORM: Final = 'opening hours, as "08:00-12:30", a list of them, or "closed"'


def hours(notes: Notes, value: object, path: str) -> Hours | None:
    """Read opening hours: "always", or a table of days, `holidays`, `dates` and `zone` (P13)."""
    if value == _ALWAYS:
        return ALWAYS
    if not isinstance(value, dict):
        notes.expected(path, '"always" or a table, as { mon-fri = "09:00-17:00" }', value)
        return None
    return _Reader(notes, path).table(value)


def read_hours(opening: str | Mapping[str, Any] | Hours) -> Hours:
    """Return what the key `hours` takes as a value. Raises `ConfigError` with all its problems."""
    if isinstance(opening, Hours):
        _require([*type_problems(opening, Hours, _KEY)])
        _require([*_judged(opening, _KEY), *_unknown_names(opening, _KEY)])
        return opening
    notes, document = Notes(), survey({_KEY: opening}, _KEY)
    found = hours(notes, document.values.get(_KEY), _KEY)
    _require(sorted([*document.problems, *notes.problems], key=document.places.order))
    assert found is not None  # noqa: S101  (else there is a problem)
    return found


def _require(problems: Sequence[Problem]) -> None:
    if problems:
        raise ConfigError(problems, source=_KEY)


def _judged(found: Hours, path: str) -> Iterator[Problem]:
    return (Problem(join(path, *keys), text) for keys, text in problems(found))


def _unknown_names(found: Hours, path: str) -> Iterator[Problem]:
    for holiday in found.holidays:
        if not holiday[:1].isdigit() and (text := name_problem(holiday)):
            yield Problem(join(path, "holidays"), text)


class _Reader:
    """Reads one table of hours, remembering which key each day was written in."""

    def __init__(self, notes: Notes, path: str) -> None:
        self._notes = notes
        self._path = path
        self._written: dict[str, str] = {}  # by day

    def table(self, table: Mapping[str, Any]) -> Hours | None:
        before = len(self._notes.problems)
        zone: str | None = None
        holidays: tuple[str, ...] = ()
        dates: tuple[tuple[str, tuple[Span, ...]], ...] = ()
        weekly: list[tuple[Span, ...]] = [()] * len(DAYS)
        for key, value in table.items():
            path = join(self._path, key)
            if value is None:
                continue
            if key == "zone":
                zone = self._zone(value, path)
            elif key == "holidays":
                holidays = tuple(self._holidays(value, path))
            elif key == "dates":
                dates = tuple(self._dates(value, path))
            else:
                spans = self._spans(value, path)
                for number in self._days(key, path):
                    weekly[number] = spans
        found = Hours(zone=zone, weekly=tuple(weekly), holidays=holidays, dates=dates)
        self._judge(found)
        return found if len(self._notes.problems) == before else None

    def _judge(self, found: Hours) -> None:
        for keys, text in problems(found):
            path = join(self._path, *(self._written.get(key, key) for key in keys))
            if not self._notes.holds_broken(path):  # one key may stand for several days
                self._notes.add(path, text)

    def _zone(self, value: object, path: str) -> str | None:
        if isinstance(value, str):
            return value
        self._notes.expected(path, "an IANA time zone, as Europe/Berlin", value)
        return None

    # --- days and times

    def _days(self, key: str, path: str) -> Iterator[int]:
        """The weekdays that a key names: "mon", "monday", "mon-fri", "sat,sun"."""
        for part in key.split(","):
            first, dash, last = (each.strip().lower() for each in part.partition("-"))
            ends = [first, last] if dash else [first, first]
            if strangers := [each for each in ends if each not in _NUMBERS]:
                known = (*DAYS, *_KEYS)
                self._notes.add(
                    path, unknown(f"unknown day or key {quoted(key)}", known, strangers[0])
                )
                return
            start, end = (_NUMBERS[each] for each in ends)
            for number in range(start, start + (end - start) % len(DAYS) + 1):
                yield from self._day(DAYS[number % len(DAYS)], key, path)

    def _day(self, day: str, key: str, path: str) -> Iterator[int]:
        if day in self._written:
            text = f"{day} has its hours in {quoted(self._written[day])} already"
            self._notes.add(path, text)
        else:
            self._written[day] = key
            yield DAYS.index(day)

    def _spans(self, value: object, path: str) -> tuple[Span, ...]:
        if value == _CLOSED:
            return ()
        if isinstance(value, list):
            each = [self._span(item, join(path, index)) for index, item in enumerate(value)]
        else:
            each = [self._span(value, path)]
        return tuple(sorted(span for span in each if span is not None))

    def _span(self, value: object, path: str) -> Span | None:
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self._notes.expected(path, _FORM, value)
            return None
        start, end = (_second(each) for each in found.groups())
        for text, second, most in ((found[1], start, _DAY - 1), (found[2], end, _DAY)):
            if second is None or second > most:
                last = "23:59" if most < _DAY else "24:00"
                self._notes.add(path, f"{quoted(text)} is no time of day; expected 00:00 to {last}")
                return None
        assert start is not None  # noqa: S101  (said above)
        assert end is not None  # noqa: S101
        if start == end:
            text = f'{quoted(found[0])} has no length; a whole day is "00:00-24:00"'
            self._notes.add(path, text)
            return None
        return start, end if end > start else end + _DAY

    # --- holidays and dates

    def _holidays(self, value: object, path: str) -> Iterator[str]:
        if isinstance(value, str):
            yield from self._holiday(value, path)
        elif isinstance(value, Iterable) and not isinstance(value, Mapping):
            for index, item in enumerate(value):
                yield from self._holiday(item, join(path, index))
        else:
            self._notes.expected(path, 'dates, or a name of holidays, as "DE-BE"', value)

    def _holiday(self, value: object, path: str) -> Iterator[str]:
        if isinstance(value, date):
            yield _iso(value)
        elif not isinstance(value, str):
            self._notes.expected(path, 'a date, or a name of holidays, as "DE-BE"', value)
        else:
            text = day_problem(value) if value[:1].isdigit() else name_problem(value)
            if text:
                self._notes.add(path, text)
            yield value

    def _dates(self, value: object, path: str) -> Iterator[tuple[str, tuple[Span, ...]]]:
        if not isinstance(value, dict):
            self._notes.expected(path, 'a table, as { 2026-12-24 = "10:00-13:00" }', value)
            return
        for day, spans in value.items():
            here = join(path, day)
            if text := day_problem(day):
                self._notes.add(here, text)
            yield day, self._spans(spans, here)


def holiday_problems(config: DeskConfig) -> Iterator[Problem]:
    """Yield the names of holidays in a configuration that nothing knows."""
    for path, policy in written_layers(config):
        if policy.hours is not None:
            yield from _unknown_names(policy.hours, join(path, _KEY))


def _second(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    if found is None or int(found[2]) > 59 or int(found[3] or 0) > 59:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def _iso(day: date) -> str:
    return (day.date() if isinstance(day, datetime) else day).isoformat()


# --- writing --------------------------------------------------------------------------------------


def written_hours(value: Hours) -> str | dict[str, Any]:
    """Return hours as `hours` reads them back: equal days as one key."""
    if value.always:
        return _ALWAYS
    table: dict[str, Any] = {}
    for spans, days in groupby(range(len(DAYS)), lambda day: value.weekly[day]):
        numbers = list(days)
        key = DAYS[numbers[0]] + (f"-{DAYS[numbers[-1]]}" if len(numbers) > 1 else "")
        if spans:
            table[key] = _written(spans)
    if value.zone is not None:
        table["zone"] = value.zone
    if value.holidays:
        table["holidays"] = value.holidays[0] if len(value.holidays) == 1 else list(value.holidays)
    if value.dates:
        table["dates"] = {day: _written(spans) for day, spans in value.dates}
    return table


def _written(spans: tuple[Span, ...]) -> str | list[str]:
    texts = [shown_span(span) for span in spans]
    return (texts[0] if len(texts) == 1 else texts) if texts else _CLOSED
