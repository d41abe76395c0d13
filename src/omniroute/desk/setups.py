"""Compiling a version of a configuration, with what rules cannot know by themselves: holidays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from omniroute.lazy import later
from omniroute.model.desk_config import DeskConfig
from omniroute.rules.resolution import Setup

if TYPE_CHECKING:
    from omniroute.config import holiday_names
else:
    (holiday_names,) = later(globals(), "omniroute.config", "holiday_names")

__all__ = ["compiled"]


def compiled(config: DeskConfig, version: int) -> Setup:
    """Return a configuration as a setup that knows holidays by name, with the extra `holidays`."""
    return Setup(config, version, _holidays_of)


def _holidays_of(name: str, year: int) -> Iterable[date]:
    return holiday_names.holidays_of(name, year)
