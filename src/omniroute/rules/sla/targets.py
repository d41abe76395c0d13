"""Targets: how long an answer may take, as people write it and as instants (G13 to G17, G20).

Owns the reading of SLA values and the arithmetic of due instants. Knows nothing of inboxes.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from omniroute.errors import UsageError
from omniroute.instants import DAY, MINUTE, SECOND, to_duration
from omniroute.model.policy import OpenHours
from omniroute.model.sla import SlaHours, SlaTargets, SlaTerms
from omniroute.rules.hours import Calendar
from omniroute.rules.names import shown

__all__ = ["SLA_FORMS", "due", "is_blank", "is_overdue", "parse_sla", "sla_seconds", "terms_of"]

SLA_FORMS: Final = 'minutes (15, 0.5) or a duration in whole seconds ("40s", "1h30m") above zero'
"""What an SLA may look like, for messages."""

_MINUTES: Final = re.compile(r"\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]\+?[0-9]{1,9})?", re.ASCII)
_MAX_MINUTES: Final = 36_600 * DAY // MINUTE  # a century, as `to_duration`


def is_blank(value: object) -> bool:
    """Whether an override's SLA is left open, so that the selected inbox's applies (G13, G17)."""
    return value is None or value == ""


def sla_seconds(value: object) -> int:
    """Return an SLA in minutes as whole seconds: `Decimal(str(value)) * 60`, half up (G15).

    Takes text, float, Decimal or int. Raises `UsageError` for what G16 refuses: anything that is no
    number, has a minus sign, is not finite, or rounds to no seconds at all.
    """
    seconds = _seconds(value)
    if not seconds:
        raise UsageError(
            "not an SLA",
            expected="minutes that come to at least one second, as 15, 0.5 or 0.66",
            got=shown(value),
        )
    return seconds


def parse_sla(value: object, where: str | None = None) -> int:
    """Return an SLA as microseconds: minutes as `sla_seconds` reads them, or a duration (`"40s"`).

    Raises `UsageError` with the path `where` for anything else; a duration must be whole seconds.
    """
    micros = _seconds(value) * SECOND or _duration(value)
    if not micros or micros % SECOND:
        raise UsageError("not an SLA", where=where, expected=SLA_FORMS, got=shown(value))
    return micros


def due(contact_time: int, sla: int) -> int:
    """Return the instant by which an answer is due (G20). All in microseconds."""
    return contact_time + sla


def is_overdue(now: int, due: int) -> bool:
    """Whether the answer is late: strictly after its due instant (G20)."""
    return now > due


def terms_of(first: int, targets: SlaTargets, hours: OpenHours | None) -> SlaTerms:
    """Return an SLA as it counts in a place: in its hours, unless it says to count all time.

    Where hours are always open, or there are none, all time counts, without asking a calendar.
    """
    counts = isinstance(hours, Calendar) and not hours.hours.always
    return SlaTerms(
        first=first,
        next=targets.next,
        resolution=targets.resolution,
        warn_before=targets.warn_before,
        hours=hours if counts and targets.hours is not SlaHours.CALENDAR else None,  # type: ignore[arg-type]
    )


def _seconds(value: object) -> int:
    """Whole seconds of an SLA in minutes; 0 for what is none."""
    minutes = _minutes(value)
    if minutes is None or not minutes.is_finite() or not 0 < minutes <= _MAX_MINUTES:
        return 0
    exact = Context(prec=len(minutes.as_tuple().digits) + 12, traps=[])
    return int(exact.multiply(minutes, Decimal(60)).quantize(Decimal(1), ROUND_HALF_UP, exact))


def _minutes(value: object) -> Decimal | None:
    match value:
        case bool():
            return None
        case str():
            text = value.strip()
            return Decimal(text) if _MINUTES.fullmatch(text) else None
        case float():
            return Decimal(float.__repr__(value))
        case int() | Decimal():
            return Decimal(value)
    return None


def _duration(value: object) -> int:
    if not isinstance(value, str | timedelta):
        return 0
    try:
        return to_duration(value)
    except UsageError:
        return 0
