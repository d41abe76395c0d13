"""`omniroute explain CONVERSATION --store URL`: why it went where it went, or why it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omniroute.cli.stored import desk_option, json_option, opened, print_json, say, store_option
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute import codec
else:
    (codec,) = later(globals(), "omniroute", "codec")

__all__ = ["explain"]


@click.command(short_help="Say why a conversation went where it went.")
@click.argument("conversation")
@store_option
@desk_option
@json_option
def explain(conversation: str, store: str | None, desk: str | None, *, as_json_: bool) -> None:
    """Say why this inbox, this SLA, this queue and this agent, or why nobody."""
    with opened(store, desk) as found:
        story = found.explain(conversation)
        if as_json_:
            print_json(codec.as_json(story))
            return
        say(story.as_text())
