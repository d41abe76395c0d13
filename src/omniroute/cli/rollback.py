"""`omniroute rollback VERSION --store URL`: an earlier version's content, saved as the next version."""

from __future__ import annotations

import click

from omniroute.cli.stored import (
    desk_option,
    json_option,
    move_option,
    moves_of,
    opened,
    print_json,
    say,
    store_option,
)
from omniroute.errors import ConfigError

__all__ = ["rollback"]

CHANGES = 3
"""The exit code of a plan by which something would change."""


@click.command(short_help="Go back to an earlier version of the configuration.")
@click.argument("version", type=int)
@store_option
@desk_option
@click.option("--by", help="The agent who does it; without, the host itself.")
@click.option("--plan", is_flag=True, help="Only say what would change.")
@move_option
@json_option
def rollback(
    version: int,
    store: str | None,
    desk: str | None,
    by: str | None,
    move: tuple[str, ...],
    *,
    plan: bool,
    as_json_: bool,
) -> int:
    """Save the content of an earlier VERSION as the next one. Staff is no part of it, and stays.

    With --plan changes nothing; exits with 3 where something would change, with 1 where it would be
    refused, and says everything that stands in the way.
    """
    moves = moves_of(move)
    with opened(store, desk) as found:
        now = found.history(limit=1).items[0].number
        changes = found.compare(now, version)
        if plan and (problems := found.rollback_problems(to=version, by=by, move=moves)):
            raise ConfigError(problems, source=f"desk {found.id!r}")
        saved = now if plan else found.rollback(to=version, by=by, move=moves)
        if as_json_:
            print_json({"version": saved, "saved": saved != now, "changes": list(changes)})
            return CHANGES if plan and changes else 0
        for line in changes:
            say(line)
        if not changes:
            say(f"nothing to do: version {now} says the same")
        elif not plan:
            say(f"saved as version {saved}", "bold green")
        return CHANGES if plan and changes else 0
