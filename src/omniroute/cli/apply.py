"""`omniroute apply FILE --store URL`: a file as the desk's next version. The file is only read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from omniroute.cli.rollback import CHANGES
from omniroute.cli.stored import (
    desk_option,
    is_empty,
    json_option,
    load_config,
    move_option,
    moves_of,
    print_json,
    say,
    store_option,
)
from omniroute.errors import ConfigError, Problem
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute import codec
    from omniroute.config import diff
    from omniroute.desk import configure, desks, following
    from omniroute.desk.desk import Desk
    from omniroute.desk.desks import Desks
    from omniroute.desk.following import Followed
    from omniroute.model.desk_config import DeskConfig
else:
    (codec,) = later(globals(), "omniroute", "codec")
    (diff,) = later(globals(), "omniroute.config", "diff")
    configure, desks, following = later(
        globals(), "omniroute.desk", "configure", "desks", "following"
    )

__all__ = ["apply"]


@click.command(short_help="Apply a file to a stored desk.")
@click.argument("file", type=click.Path())
@store_option
@desk_option
@click.option("--by", help="The agent who does it; without, the host itself.")
@click.option("--plan", is_flag=True, help="Only say what would change.")
@click.option(
    "--staff",
    type=click.Choice(["follow", "file", "leave"]),
    default="follow",
    show_default=True,
    help="Agents: follow the file unless edited by hand, always, or leave them.",
)
@move_option
@json_option
def apply(
    file: str,
    store: str | None,
    desk: str | None,
    by: str | None,
    staff: str,
    move: tuple[str, ...],
    *,
    plan: bool,
    as_json_: bool,
) -> int:
    """Save FILE as the next version of a stored desk, whole or not at all; create the desk if need be.

    Agents that the file names follow it one by one; who was edited by hand stays so, and nobody is
    removed. With --plan changes nothing; exits with 3 where something would change, with 1 where it
    would be refused.
    """
    moves = moves_of(move)
    if store is None:
        raise click.UsageError("give the store that the desk is in: --store URL")
    config = load_config(file, desk)
    if plan and is_empty(store):
        return _tell_creation(config, plan=plan, as_json_=as_json_)
    with desks.Desks(store) as opened:
        if config.desk not in opened:
            return _create(opened, config, plan=plan, as_json_=as_json_)
        found = opened[config.desk]
        changes = diff.differences(found.config, configure.without_staff(config))
        overrule, quiet = staff == "file", staff == "leave"
        agents: list[Followed] = []
        if plan:
            _refuse_what_stands(found, config, moves, by)
        version = None if plan else found.apply(config, by=by, move=moves)
        if not quiet:
            agents = found.staff.follow(config, overrule=overrule, plan=plan, by=by)
        _report(changes, agents, version, as_json_=as_json_)
        return CHANGES if plan and (changes or _would_change(agents)) else 0


def _create(store: Desks, config: DeskConfig, *, plan: bool, as_json_: bool) -> int:
    if not plan:
        store.create(config)
    return _tell_creation(config, plan=plan, as_json_=as_json_)


def _tell_creation(config: DeskConfig, *, plan: bool, as_json_: bool) -> int:
    if as_json_:
        print_json(
            {"version": None if plan else 1, "created": not plan, "changes": [], "agents": []}
        )
    else:
        agents = len(config.agents)
        text = f"desk {config.desk}, with {agents} agent{'' if agents == 1 else 's'}"
        say(f"{'would create' if plan else 'created'} {text}")
    return CHANGES if plan else 0


def _refuse_what_stands(
    desk: Desk, config: DeskConfig, moves: dict[str, str], by: str | None
) -> None:
    draft = desk.configure(by=by)
    draft.replace(config)
    for queue, to in moves.items():
        draft.move_conversations(queue, to)
    problems: tuple[Problem, ...] = draft.problems()
    if problems:
        raise ConfigError(problems, source=f"desk {desk.id!r}")


def _told(each: Followed) -> str | None:
    """What is said of an agent who does not follow the file; None of one who does."""
    how = following.FollowAs
    return {
        how.KEPT: "was edited by hand, and stays so (--staff file overrules)",
        how.STAYS_OFF: "was taken off the staff by hand, and stays off (--staff file overrules)",
        how.NOT_NAMED: "is not in the file, and stays",
    }.get(each.how)


def _would_change(agents: Iterable[Followed]) -> bool:
    return any(_told(each) is None for each in agents)


def _report(
    changes: tuple[str, ...], agents: list[Followed], version: int | None, *, as_json_: bool
) -> None:
    if as_json_:
        shown = [codec.as_json(each) for each in agents]
        print_json({"version": version, "changes": list(changes), "agents": shown})
        return
    for line in changes:
        say(line)
    for each in agents:
        if told := _told(each):
            say(f"agents.{each.agent} {told}", "yellow")
        else:
            for line in each.changes:
                say(line)
    if not changes and not _would_change(agents):
        say("nothing to do: the desk is as the file says")
    elif version is not None:
        say(f"version {version} is in force", "bold green")
