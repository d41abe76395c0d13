"""The gate that every configuration passes before a desk works by it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from omniroute.errors import ConfigError
from omniroute.lazy import later
from omniroute.model.desk_config import DeskConfig
from omniroute.plugins import Registry
from omniroute.rules.names import shown

if TYPE_CHECKING:
    from omniroute.config import hours, load, phones, settings, typed
    from omniroute.rules import checks
else:
    hours, load, phones, settings, typed = later(
        globals(), "omniroute.config", "hours", "load", "phones", "settings", "typed"
    )
    (checks,) = later(globals(), "omniroute.rules", "checks")

__all__ = ["checked"]


def checked(
    config: DeskConfig | str | PathLike[str] | Mapping[str, Any], registry: Registry
) -> DeskConfig:
    """Return a configuration that can be used, from its file or as given; else `ConfigError`."""
    if not isinstance(config, DeskConfig):
        return load.load_config(config, registry=registry)
    if problems := [*typed.type_problems(config, DeskConfig)]:
        raise ConfigError(problems, source=f"desk {shown(config.desk)}")
    checks.require(config, source=f"desk {config.desk!r}")
    problems = [*settings.settings_problems(config, registry), *hours.holiday_problems(config)]
    if problems := [*problems, *phones.phone_problems(config)]:
        raise ConfigError(problems, source=f"desk {config.desk!r}")
    return config
