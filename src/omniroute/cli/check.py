"""`omniroute check FILE`: everything that is wrong with a configuration, before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.text import Text

from omniroute.cli.console import console
from omniroute.cli.stored import load_config
from omniroute.errors import ConfigError
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.model.desk_config import DeskConfig
    from omniroute.rules import resolution
else:
    (resolution,) = later(globals(), "omniroute.rules", "resolution")

__all__ = ["check"]


@click.command(short_help="Check a desk's configuration.")
@click.argument("file", type=click.Path())
def check(file: str) -> int:
    """Check a desk's configuration: every problem at once, each with its path.

    Adapters of installed plugins count. Exits with 1 where there is a problem.
    """
    try:
        config = load_config(file)
    except ConfigError as error:
        _print_problems(error)
        return 1
    _print_counts(file, config)
    return 0


def _print_problems(error: ConfigError) -> None:
    out, count = console(), len(error.problems)
    head = f"{error.source}: {count} problem{'' if count == 1 else 's'}"
    out.print(Text(head, style="bold red"), soft_wrap=True)
    for problem in error.problems:
        path = Text.assemble("  ", (f"{problem.path}: " if problem.path else "", "bold"))
        out.print(path.append(problem.message), soft_wrap=True)


def _print_counts(file: str, config: DeskConfig) -> None:
    counts = ", ".join(f"{number} {name}" for number, name in _counts(config))
    line = Text.assemble((f"{file}: ", ""), ("ok", "bold green"), f": desk {config.desk}: {counts}")
    console().print(line, soft_wrap=True)


def _counts(config: DeskConfig) -> Iterator[tuple[int, str]]:
    queues = len(resolution.Setup(config, 0).leaves)
    names = {
        ("inbox", "inboxes"): len(config.inboxes),
        ("queue", "queues"): queues,
        ("entry point", "entry points"): len(config.entry_points),
        ("account", "accounts"): len(config.accounts),
        ("group", "groups"): len(config.groups),
        ("agent", "agents"): len(config.agents),
    }
    for (one, many), count in names.items():
        yield count, one if count == 1 else many
