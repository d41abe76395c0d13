"""`omniroute tree`: a desk drawn: inboxes, queues, SLA, hours, staff, and what applies where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omniroute.cli.console import console
from omniroute.cli.stored import desk_option, json_option, print_json, read_config, store_option
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute.cli import drawing
else:
    (drawing,) = later(globals(), "omniroute.cli", "drawing")

__all__ = ["tree"]


@click.command(short_help="Draw a desk: inboxes, queues, staff, effective settings.")
@click.argument("file", type=click.Path(), required=False)
@store_option
@desk_option
@json_option
def tree(file: str | None, store: str | None, desk: str | None, *, as_json_: bool) -> None:
    """Draw FILE, or a stored desk with its staff: what leads where, who serves what, what applies.

    A queue is ready where somebody serves it. Settings are shown with the layer they come from.
    """
    drawn = drawing.Drawing(read_config(file, store, desk))
    if as_json_:
        print_json(drawn.as_json())
    else:
        console().print(drawn.as_tree())
