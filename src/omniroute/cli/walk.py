"""`omniroute walk`: everywhere that a contact can come to, and what is odd about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from omniroute.cli.stored import (
    desk_option,
    json_option,
    print_json,
    read_config,
    say,
    store_option,
)
from omniroute.lazy import later

if TYPE_CHECKING:
    from omniroute import codec, testing
else:
    codec, testing = later(globals(), "omniroute", "codec", "testing")

__all__ = ["walk"]


@click.command(short_help="Find what leads nowhere in a configuration.")
@click.argument("file", type=click.Path(), required=False)
@store_option
@desk_option
@json_option
def walk(file: str | None, store: str | None, desk: str | None, *, as_json_: bool) -> int:
    """Find queues that nobody reaches or serves, entry points that nobody answers, and the like.

    In FILE, or in a stored desk with its staff. Exits with 1 where something is found.
    """
    config = read_config(file, store, desk)
    found = testing.walk(config)
    if as_json_:
        print_json([codec.as_json(each) for each in found])
        return int(bool(found))
    for each in found:
        say(f"{each.kind}: {each}")
    if not found:
        say(f"desk {config.desk}: nothing odd", "green")
    return int(bool(found))
