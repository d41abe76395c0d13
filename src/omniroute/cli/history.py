"""`omniroute history --store URL`: the versions of a desk's configuration, or one agent's changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omniroute.cli.stored import desk_option, json_option, opened, print_json, say, store_option
from omniroute.errors import UnknownAgent
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute import codec
    from omniroute.desk import views
    from omniroute.desk.views import StaffChangeView, VersionView
else:
    (codec,) = later(globals(), "omniroute", "codec")
    (views,) = later(globals(), "omniroute.desk", "views")

__all__ = ["history"]


@click.command(short_help="Show who changed a desk, when and what.")
@store_option
@desk_option
@click.option("--agent", help="Show the changes of this agent's profile instead.")
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@json_option
def history(
    store: str | None, desk: str | None, agent: str | None, limit: int, *, as_json_: bool
) -> None:
    """Show the versions of a desk's configuration, newest first: who, when and what."""
    with opened(store, desk) as found:
        page = found.staff.history(agent, limit=limit) if agent else found.history(limit=limit)
        if agent and not page:
            raise UnknownAgent(f"nobody called {agent!r} was ever on the staff")
        if as_json_:
            print_json([codec.as_json(each) for each in page])
            return
        for each in page:
            _print(each)
        if page.next is not None:
            say("… and more: --limit")


def _print(each: VersionView | StaffChangeView) -> None:
    if isinstance(each, views.VersionView):
        head, restores = f"version {each.number}", each.restores
        tail = "" if restores is None else f", rolled back to version {restores}"
    else:
        head, tail = f"position {each.position}", f", by {each.origin}"
    say(f"{head}  {each.at:%Y-%m-%d %H:%M:%S %Z}  {each.by}{tail}", "bold")
    for line in each.changes:
        say(f"  {line}")
