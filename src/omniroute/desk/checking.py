"""The gate that every configuration passes before a desk works by it."""

from __future__ import annotations

from os import PathLike

from omniroute.errors import ConfigError
from omniroute.model.desk_config import DeskConfig
from omniroute.plugins import Registry
from omniroute.rules.names import shown

__all__ = ["checked"]


def checked(config: DeskConfig | str | PathLike[str], registry: Registry) -> DeskConfig:
    """Return a configuration that can be used, from its file or as given; else `ConfigError`."""
    from omniroute.config import (  # many modules, and seldom needed
        holiday_problems,
        load_config,
        phone_problems,
        settings_problems,
    )
    from omniroute.config.typed import type_problems
    from omniroute.rules.checks import require

    if not isinstance(config, DeskConfig):
        return load_config(config, registry=registry)
    if problems := [*type_problems(config, DeskConfig)]:
        raise ConfigError(problems, source=f"desk {shown(config.desk)}")
    require(config, source=f"desk {config.desk!r}")
    problems = [*settings_problems(config, registry), *holiday_problems(config)]
    if problems := [*problems, *phone_problems(config)]:
        raise ConfigError(problems, source=f"desk {config.desk!r}")
    return config
