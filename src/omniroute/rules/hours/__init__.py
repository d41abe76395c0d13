"""Business hours: when something is open, and how much open time lies between instants.

`days` turns wall times into instants, a year at a time; `calendar` answers questions about them;
`judging` says what is wrong with hours before anybody asks.
Knows nothing of desks, SLAs or texts. Instants and durations are integers of microseconds.
"""

from __future__ import annotations

from omniroute.rules.hours.calendar import BEGINNING, HORIZON, Calendar, calendar
from omniroute.rules.hours.days import HolidaysOf
from omniroute.rules.hours.judging import problems, unopened_problem, zone_problem

__all__ = [
    "BEGINNING",
    "HORIZON",
    "Calendar",
    "HolidaysOf",
    "calendar",
    "problems",
    "unopened_problem",
    "zone_problem",
]
