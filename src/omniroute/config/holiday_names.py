"""Holidays by name ("DE-BE", "US", "XNYS"), from the package `holidays`, the extra of that name.

Owns the use of the package, which is imported when a name is first looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

from omniroute.errors import UsageError
from omniroute.rules.names import quoted, unknown

__all__ = ["expanded", "holidays_of", "name_problem"]

_HINT: Final = 'pip install "omniroute[holidays]"'
_EXPANDED: Final = range(2000, 2101)


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name of holidays, or None."""
    try:
        import holidays
    except ImportError:
        return f"names of holidays need an extra: {_HINT}"
    country, _, part = name.partition("-")
    countries = holidays.list_supported_countries()
    if country in countries:
        if not part or part in countries[country]:
            return None
        return unknown(f"{quoted(country)} has no part {quoted(part)}", countries[country], part)
    if name in holidays.list_supported_financial():
        return None
    text = unknown(f"no holidays are known for {quoted(name)}", countries, name)
    return f'{text}; expected a country, as "DE", a part of it, as "DE-BE", or a market, as "XNYS"'


@lru_cache(maxsize=4096)
def holidays_of(name: str, year: int) -> tuple[date, ...]:
    """Return the holidays of a name in a year. Raises `UsageError` without the extra, and for no name."""
    if problem := name_problem(name):
        raise UsageError(problem, where="holidays")
    import holidays

    country, _, part = name.partition("-")
    near = (year - 1, year, year + 1)  # a day off in lieu may lie in the year before
    found: Iterable[date]
    if country in holidays.list_supported_countries():
        found = holidays.country_holidays(country, subdiv=part or None, years=near)
    else:
        found = holidays.financial_holidays(name, years=near)
    return tuple(sorted(day for day in found if day.year == year))


def expanded(value: Mapping[Any, Any]) -> list[date] | None:
    """Return the dates of a mapping whose keys are dates, or None where it is no such mapping.

    One of the package's own, which works out years as they are asked for, gives those of 2000 to
    2100.
    """
    if getattr(value, "expand", False) is True and hasattr(value, "years"):
        for year in _EXPANDED:
            date(year, 1, 1) in value  # noqa: B015  (asking makes it work out the year)
    if value and all(isinstance(key, date) for key in value):
        return sorted(value)
    return None
