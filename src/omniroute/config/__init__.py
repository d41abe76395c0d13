"""Configuration: reads what people write, writes what they can read, and compares the two.

`model.desk_config` is the value, `rules.checks` judges it, this package is its way from and to
files. It knows no store and no adapter: a registry, where one is given, says what adapters expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from omniroute.lazy import exports

if TYPE_CHECKING:
    from omniroute.config.diff import differences
    from omniroute.config.holiday_names import holidays_of
    from omniroute.config.hours import holiday_problems
    from omniroute.config.load import load_config, loads
    from omniroute.config.phones import phone_problems
    from omniroute.config.render import dump, dumps_toml
    from omniroute.config.settings import adapter_settings, settings_problems

__all__ = [
    "adapter_settings",
    "differences",
    "dump",
    "dumps_toml",
    "holiday_problems",
    "holidays_of",
    "load_config",
    "loads",
    "phone_problems",
    "settings_problems",
]

_HOMES = {
    "omniroute.config.diff": ("differences",),
    "omniroute.config.holiday_names": ("holidays_of",),
    "omniroute.config.hours": ("holiday_problems",),
    "omniroute.config.load": ("load_config", "loads"),
    "omniroute.config.phones": ("phone_problems",),
    "omniroute.config.render": ("dump", "dumps_toml"),
    "omniroute.config.settings": ("adapter_settings", "settings_problems"),
}

__getattr__ = exports(__name__, _HOMES)
