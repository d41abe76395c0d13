"""Instants and durations as integers, and their forms at the face.

Inside omniroute an instant is an `int` of microseconds since 1970-01-01 UTC and a duration an `int`
of microseconds: exact, fast, totally ordered. At the face instants are aware datetimes (naive ones
are refused, A11) and durations are `timedelta` or one syntax, `"40s"` to `"7d"`.
"""

from __future__ import annotations

import re
import reprlib
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from omniroute.errors import NaiveDatetime, UsageError

if TYPE_CHECKING:
    import pendulum

__all__ = [
    "DAY",
    "HOUR",
    "MICROSECOND",
    "MILLISECOND",
    "MINUTE",
    "SECOND",
    "check_instant",
    "from_micros",
    "instant_or_micros",
    "made_from_micros",
    "render_duration",
    "to_duration",
    "to_micros",
]

MICROSECOND: Final = 1
MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_QUARTER: Final = 900  # seconds: clocks are set on such edges, and instants come close together
_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_FIRST: Final = (1 - _EPOCH_DAY) * DAY
_LAST: Final = (date.max.toordinal() - _EPOCH_DAY + 1) * DAY - 1
_ONE_MICROSECOND = timedelta(microseconds=1)
_UNITS: Final = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_PART = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)", re.ASCII)
_MAX_DURATION: Final = 36_600 * DAY  # a century: longer is a mistake, and would overflow datetimes


def to_micros(instant: datetime, where: str | None = None) -> int:
    """Return an aware datetime as UTC microseconds; `NaiveDatetime`, with its path, without a zone."""
    offset = instant.utcoffset()
    if offset is None:
        raise NaiveDatetime(
            "an instant needs a time zone",
            where=where,
            expected="an aware datetime",
            got=f"the naive {instant.isoformat()}",
            hint="use datetime.now(tz=UTC) or attach the zone it was meant in",
        )
    # By parts: pendulum's subtraction gives another type, at ten times the cost.
    minutes = ((instant.toordinal() - _EPOCH_DAY) * 24 + instant.hour) * 60 + instant.minute
    local = minutes * MINUTE + instant.second * SECOND + instant.microsecond
    shift = (offset.days * 86_400 + offset.seconds) * SECOND + offset.microseconds
    return local - shift


def check_instant(value: object, where: str) -> int:
    """Return an aware datetime as microseconds; `UsageError` for anything else."""
    if not isinstance(value, datetime):
        raise UsageError(
            "not an instant", where=where, expected="an aware datetime", got=_shown(value)
        )
    micros = to_micros(value, where)
    if not _FIRST <= micros <= _LAST:  # the zone takes it where no datetime is
        raise UsageError(
            "not an instant",
            where=where,
            expected="a year from 1 to 9999 in UTC",
            got=_shown(value),
        )
    return micros


def instant_or_micros(value: object, where: str) -> int:
    """Return an aware datetime, or a number that is one, as microseconds; else `UsageError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return check_instant(value, where)


def _shown(value: object) -> str:
    """A value as an error shows it, however long it is and whatever its own repr does."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    return short.repr(value)


@lru_cache(maxsize=1024)
def from_micros(micros: int, zone: str = "UTC") -> pendulum.DateTime:
    """Return UTC microseconds as a pendulum datetime in `zone` (an IANA name).

    The latest are kept: one instant stands in several fields of what is shown of a step.
    """
    return made_from_micros(micros, zone)


def made_from_micros(micros: int, zone: str) -> pendulum.DateTime:
    """Return what `from_micros` does, and keep nothing: for an instant that is new."""
    seconds = micros // SECOND
    known = _quarter(seconds // _QUARTER, zone)
    if known is None:
        return _between_quarters(seconds, micros - seconds * SECOND, zone)
    make, tz, year, month, day, hour, minute, fold = known
    second = seconds % _QUARTER
    minute += second // 60
    if fold:
        return make(
            year, month, day, hour, minute, second % 60, micros - seconds * SECOND, tz, fold=fold
        )
    return make(year, month, day, hour, minute, second % 60, micros - seconds * SECOND, tz)


def _between_quarters(seconds: int, micros: int, zone: str) -> pendulum.DateTime:
    make, tz = _face(zone)
    local = datetime.fromtimestamp(seconds, tz)
    day = local.year, local.month, local.day
    return make(*day, local.hour, local.minute, local.second, micros, tz, fold=local.fold)


_Quarter = tuple[type["pendulum.DateTime"], tzinfo, int, int, int, int, int, int]


@lru_cache(maxsize=1024)
def _quarter(number: int, zone: str) -> _Quarter | None:
    """Return when a quarter of an hour begins in a zone: year to minute, and the fold.

    What a datetime there is made with stands before it. None where the clocks change within it, or
    its minutes are not UTC's, as long ago in some zones.
    """
    make, tz = _face(zone)
    first = datetime.fromtimestamp(number * _QUARTER, tz)
    last = datetime.fromtimestamp(number * _QUARTER + _QUARTER - 1, tz)
    if first.utcoffset() != last.utcoffset() or first.second or first.minute % 15:
        return None
    return make, tz, first.year, first.month, first.day, first.hour, first.minute, first.fold


@lru_cache(maxsize=1024)
def _face(zone: str) -> tuple[type[pendulum.DateTime], tzinfo]:
    """Return the class of datetimes at the face, and a zone: pendulum reads it anew when asked."""
    import pendulum  # heavy, and only needed at the face

    return pendulum.DateTime, pendulum.timezone(zone)


def to_duration(value: str | timedelta, *, where: str | None = None) -> int:
    """Return a duration (`"90s"`, `"1h30m"`, `"7d"`, or a timedelta) as microseconds, above zero.

    Raises `UsageError` for anything else, with the path `where`.
    """
    micros = value // _ONE_MICROSECOND if isinstance(value, timedelta) else _parse(value)
    if micros is None or not 0 < micros <= _MAX_DURATION:
        raise UsageError(
            "not a duration",
            where=where,
            expected='a number and a unit above zero, as "40s", "15m", "1h30m" or "7d"',
            got=_shown(value),
        )
    return micros


def _parse(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    total, position = 0, 0
    stripped = text.strip()
    while match := _PART.match(stripped, position):
        total += int(match[1]) * _UNITS[match[2]]
        position = match.end()
    return total if position == len(stripped) and position else None


def render_duration(micros: int) -> str:
    """Return microseconds in the syntax that `to_duration` reads: `"1h30m"`."""
    if micros % MILLISECOND:
        raise UsageError("a duration is written in whole milliseconds", got=f"{micros} us")
    rest, parts = micros, []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
