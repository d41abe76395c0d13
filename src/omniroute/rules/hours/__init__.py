"""Business hours: when something is open, and how much open time lies between instants.

`days` turns wall times into instants, a year at a time; `calendar` answers questions about them.
Knows nothing of desks, SLAs or texts. Instants and durations are integers of microseconds.
"""

from __future__ import annotations

from omniroute.rules.hours.calendar import Calendar, calendar
from omniroute.rules.hours.days import FIRST_YEAR, LAST_YEAR, HolidaysOf

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Calendar", "HolidaysOf", "calendar"]
